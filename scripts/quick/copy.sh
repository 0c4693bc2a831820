#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Make DIR a private copy of the files of TREE that tools/testing/mmu_notifier needs, with
# the patch PATCH.
#
# usage: copy.sh TREE DIR [PATCH]
#
# A file of DIR that has not changed keeps its time stamp, so that after one edit make
# compiles only the files that depend on the edit. A file that has changed gets a new time
# stamp, because a newer version of the kernel can have older files. copy.sh changes no
# file of DIR if the patch does not apply.

. "${0%/*}/../lib.sh"

# copy_files: Copies the files of the program from the tree to the directory $new.
copy_files() {
	local file

	for file in $files; do
		install -D -m 644 "$tree/$file" "$new/$file"
	done
}

# place_files: Copies each file of $new to DIR if the content of the file in DIR differs.
place_files() {
	local file

	for file in $files; do
		cmp -s "$new/$file" "$dir/$file" ||
			install -D -m 644 "$new/$file" "$dir/$file"
	done
}

tree=$1
dir=$2
patch=${3-}
files=$(make -s -C "$TOP/tools/testing/mmu_notifier" files)
new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT
copy_files
[ -z "$patch" ] || "$SCRIPTS/kernel/patch.sh" part "$patch" "$new"
place_files
