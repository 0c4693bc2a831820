#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Apply mutants to a copy of a few files of the kernel, and build the program
# tools/testing/mmu_notifier with these files.
#
# usage: build-quick.sh sound TREE OUT
#        build-quick.sh OUT DIR NAME...
#
# "build-quick.sh sound" copies the files from TREE to OUT/tree, builds the program without
# a mutant in OUT/program, and writes the hash of all inputs to OUT/kernel. The second form
# copies OUT to DIR, and builds the program with the mutants NAME in DIR. make compiles only
# the files that depend on a changed file, because the copies keep their time stamps. The
# NAME "sound" stands for no mutant. build-quick.sh prints a line "NAME present" for each
# mutant NAME that can be applied.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/mutate/entries.sh"

# build_sound TREE: Builds the program without a mutant. known.sh reads the files kernel,
# programs and module.sum. The objects contain all inputs of the build, with the numbers of
# the lines, the flags and the version of the compiler.
build_sound() {
	local hashes

	"$SCRIPTS/quick/copy.sh" "$1" "$out/tree"
	"$SCRIPTS/quick/build.sh" "$out/tree" "$out"
	hashes=$(cd "$out" && file_hashes tree program)
	echo "kdir=quick_$(sum <<<"$hashes")" >"$out/kernel"
	: >"$out/programs"
	: >"$out/module.sum"
}

# copy_sound: Copies $out to $dir. The files of make with the dependencies, and the key of
# the build, contain paths below $out.
copy_sound() {
	rm -rf "$dir"
	mkdir -p "$dir"
	cp -a "$out"/{tree,program,key} "$dir/"
	sed -i "s|$out/|$dir/|g" "$dir/key" "$dir"/program/*.d
}

# mutate NAME: Applies mutant NAME to the file in $dir. mutate returns a status other than
# 0 if the mutant cannot be applied.
mutate() {
	local entry=$SCRIPTS/mutate/kernel/$1.mutant file

	file=$(entry_value file "$entry") || return
	"$SCRIPTS/mutate/apply.sh" "$entry" "$dir/tree/$file" >"$dir/mutant" || return
	cp "$dir/mutant" "$dir/tree/$file" || return
}

if [ "$1" = sound ]; then
	out=$3
	build_sound "$2"
	exit
fi
out=$1
dir=$2
shift 2
copy_sound
applied=()
for name; do
	if [ "$name" = sound ]; then
		touch "$dir/tree/mm/mmu_notifier.c"
		applied+=(sound)
	else
		! mutate "$name" || applied+=("$name")
	fi
done
[ ${#applied[@]} != 0 ] || die "none of these mutants can be applied: $*"
"$SCRIPTS/quick/build.sh" "$dir/tree" "$dir" >&2
printf '%s present\n' "${applied[@]}"
