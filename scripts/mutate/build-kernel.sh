#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Apply mutants to the source of a kernel, and build the kernel.
#
# usage: build-kernel.sh OUT NAME...
#
# Prints a line "NAME present" or "NAME absent" for each mutant of this kernel. A mutant is
# absent if no object file has changed: the file or the option is not configured. A mutant
# is left out, with a message, if a mutant before it has changed the same lines. The NAME
# "sound" means no mutant.
#
# The source of the kernel, its build and OUT change: see apart.sh.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/mutate/entries.sh"

# find_paths NAME: sets entry, file to the file that the entry changes, object to the object
# file, and sound to the place of the sound object file.
find_paths() {
	entry=$SCRIPTS/mutate/kernel/$1.mutant
	file=$(entry_value file "$entry") || return
	object=$kdir/${file%.c}.o
	sound=$out/sound/$file
}

# mutate NAME: false if the mutant cannot be applied.
mutate() {
	local entry file object sound

	find_paths "$1" || return
	"$SCRIPTS/mutate/apply.sh" "$entry" "$tree/$file" >"$out/mutant" || return
	mkdir -p "${sound%/*}" || return
	cp "$out/mutant" "$tree/$file" || return
	[ ! -e "$object" ] || cp "$object" "$sound" || return
	files+=("$file")
}

# Modules depend on headers only: ours, and for hmm-tests one of the kernel.
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

# is_absent NAME
is_absent() {
	local entry file object sound

	find_paths "$1" || return
	[[ $file = *.c ]] && { [ ! -e "$object" ] || cmp -s "$object" "$sound"; }
}

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
