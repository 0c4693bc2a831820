#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Apply mutants to the source of a kernel, and build the kernel.
#
# usage: build-kernel.sh OUT NAME...
#
# build-kernel.sh prints a line "NAME present" or "NAME absent" for each mutant NAME.
# "NAME absent" means that the object file has not changed, because the configuration of
# the kernel leaves out the code that the mutant changes. If an earlier mutant NAME has
# changed the same lines, build-kernel.sh prints an error message for the later mutant,
# and neither of the two lines. The NAME "sound" stands for the kernel without a mutant.
#
# build-kernel.sh changes files in three directories: the source of the kernel, the build
# directory of the kernel, and OUT. Run build-kernel.sh only inside apart.sh, which
# discards the changes.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/mutate/entries.sh"

# find_paths NAME: Sets four variables for mutant NAME:
#
#	entry	the path of the entry of the mutant
#	file	the source file that the mutant changes
#	object	the object file of this source file
#	sound	the path for a copy of the object file without the mutant
find_paths() {
	entry=$SCRIPTS/mutate/kernel/$1.mutant
	file=$(entry_value file "$entry") || return
	object=$kdir/${file%.c}.o
	sound=$out/sound/$file
}

# mutate NAME: Applies mutant NAME to the source, and adds the changed file to the array
# files. mutate returns a status other than 0 if the mutant cannot be applied.
mutate() {
	local entry file object sound

	find_paths "$1" || return
	"$SCRIPTS/mutate/apply.sh" "$entry" "$tree/$file" >"$out/mutant" || return
	mkdir -p "${sound%/*}" || return
	cp "$out/mutant" "$tree/$file" || return
	[ ! -e "$object" ] || cp "$object" "$sound" || return
	files+=("$file")
}

# compile: Builds the kernel. compile also builds the modules of the suite if a header has
# changed, because the modules include headers of the kernel, and no other files of the
# kernel. The modules of the suite mmun are the modules of the clone, and the module of
# the suite hmm is a module of the kernel.
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

# is_absent NAME: Returns 0 if the source file of mutant NAME has no object file, or the
# mutant has not changed the object file. is_absent returns 1 if the mutant changes a
# header.
is_absent() {
	local entry file object sound

	find_paths "$1" || return
	[[ $file = *.c ]] && { [ ! -e "$object" ] || cmp -s "$object" "$sound"; }
}

# print_mutants NAME...: Prints the line "NAME present" or "NAME absent" for each mutant
# NAME.
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
