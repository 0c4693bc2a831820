#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Print a kernel source tree for tools/testing/mmu_notifier, the program that compiles
# mm/mmu_notifier.c in user space, or for its litmus tests.
#
# usage: tree.sh [-m] [NAME|DIR]
#
# NAME is the name of a row of kernel/table, and DIR is a source tree. Without an argument,
# tree.sh prints the tree of the newest kernel in the cache. tree.sh prints two lines:
#
#	name	a short name for directories
#	source	the path of the tree
#
# The program needs only a dozen files of a tree, which files.sh lists. With the option -m,
# the tree has the files of the memory model instead. If the cache has no tree of the kernel,
# fetch.sh unpacks only these files, and tree.sh prints a directory with only these files.
# If the cache has a tree, tree.sh does not ask apt for a newer version, because apt would
# take longer than the program.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/kernel/packages.sh"

# newest PACKAGE: Prints the path of the newest tree of PACKAGE in the cache. PACKAGE is a
# glob. newest prints nothing if the cache has no such tree.
newest() {
	local dir

	for dir in "$CACHE"/tree/* "$CACHE/$kind"/*_"$sum"; do
		# shellcheck disable=SC2053 # it is a glob
		[[ ${dir##*/} != $1_* ]] || printf '%s\t%s\n' "${dir##*/}" "$dir"
	done | sort -V | tail -n 1 | cut -f2
}

# fetch PACKAGE: Adds the files of PACKAGE to the cache, and prints their directory.
fetch() {
	local dir version

	is_installed apt-get ||
		die "the cache has no source of $1, and this machine has no apt. Set TREE to the source tree of a kernel"
	use_suite "$suite"
	refresh
	find_version "$1"
	dir=$CACHE/$kind/$1_${version}_$sum
	once "$dir" "$SCRIPTS/kernel/fetch.sh" "$kind" "$suite" "$1=$version"
	echo "$dir"
}

# print_tree [PACKAGE]: Prints the name and the path of the newest tree of PACKAGE, or of
# any kernel. If the cache has no such tree, print_tree fetches the package $package.
print_tree() {
	local dir name

	dir=$(newest "${1:-linux-source-*}")
	[ -n "$dir" ] || dir=$(fetch "$package")
	name=${dir##*/linux-source-}
	printf '%s\n' "name=${name%%_*}" "source=$dir"
}

# print_dir DIR: Prints the name and the path of the tree DIR. print_dir exits with an
# error if a file is missing in DIR.
print_dir() {
	local dir file sum

	dir=$(realpath "$1")
	for file in $files; do
		[ -e "$dir/$file" ] ||
			die "$dir is not a whole source tree of a kernel: there is no $file"
	done
	sum=$(cksum <<<"$dir")
	printf '%s\n' "name=${dir##*/}-${sum%% *}" "source=$dir"
}

kind=quick
if [ "${1:-}" = -m ]; then
	kind=litmus
	shift
fi
files=$("$SCRIPTS/kernel/files.sh" "$kind")
sum=$(sum <<<"$files")
name=${1:-7.3}
if [[ $name = */* ]]; then
	print_dir "$name"
else
	kernel_row "$name" || die "$name: scripts/kernel/table has no row of this name"
	print_tree "${1:+$package}"
fi
