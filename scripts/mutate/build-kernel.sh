#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Apply mutants to the source of a kernel, and build the kernel.
#
# usage: build-kernel.sh OUT NAME...
#
# Prints a line "NAME present" or "NAME absent" for each mutant. A mutant is absent if its
# object file has not changed, because the configuration of the kernel leaves the code
# out. If a mutant before it has changed the same lines, the script prints a message and
# no line. The NAME "sound" means no mutant.
#
# The script changes the source of the kernel, its build directory and OUT. apart.sh
# undoes these changes.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/mutate/entries.sh"

# find_paths NAME: Sets entry to the entry of the mutant, file to the file that it
# changes, object to the object file of that file, and sound to the path for a copy of the
# object file without the mutant.
find_paths() {
	entry=$SCRIPTS/mutate/kernel/$1.mutant
	file=$(entry_value file "$entry") || return
	object=$kdir/${file%.c}.o
	sound=$out/sound/$file
}

# mutate NAME: Applies the mutant, and adds its file to the array files. Returns another
# status than 0 if the mutant cannot be applied.
mutate() {
	local entry file object sound

	find_paths "$1" || return
	"$SCRIPTS/mutate/apply.sh" "$entry" "$tree/$file" >"$out/mutant" || return
	mkdir -p "${sound%/*}" || return
	cp "$out/mutant" "$tree/$file" || return
	[ ! -e "$object" ] || cp "$object" "$sound" || return
	files+=("$file")
}

# compile: Builds the kernel. Also builds the modules of the suite if a header has
# changed, because headers are the only files of the kernel that these modules contain.
# For mmun these are the modules of the clone, for hmm a module of the kernel.
compile() {
	local goals=()

	[ "$SUITE" = mmun ] || goals=(modules)
	if [[ " ${files[*]}" = *" include/"* ]]; then
		quietly make -j"$(nproc)" "${words[@]}" "${goals[@]}"
		"$SCRIPTS/vm/build.sh" modules "$out"
	else
		quietly make -j"$(nproc)" "${words[@]}"
	fi
}

# is_absent NAME: Returns 0 if the file of the mutant has no object file, or the mutant
# has not changed it. Returns 1 if the file is a header.
is_absent() {
	local entry file object sound

	find_paths "$1" || return
	[[ $file = *.c ]] && { [ ! -e "$object" ] || cmp -s "$object" "$sound"; }
}

# print_mutants NAME...: Prints the line of each mutant.
print_mutants() {
	local name

	for name; do
		if is_absent "$name"; then
			echo "$name absent"
		else
			echo "$name present"
		fi
	done
}

out=$1
shift
if [ "$1" = sound ]; then
	echo "sound present"
	exit
fi
kdir=$(value kdir "$out/kernel")
tree=$(value source "$out/kernel")
mapfile -t words <"$kdir/make.words"
files=()
applied=()
for name; do
	! mutate "$name" || applied+=("$name")
done
[ ${#applied[@]} != 0 ] || die "none of these mutants can be applied: $*"
compile >&2
print_mutants "${applied[@]}"
