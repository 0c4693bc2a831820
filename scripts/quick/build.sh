#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Build the program tools/testing/mmu_notifier with the files of a kernel source tree.
#
# usage: build.sh TREE OUT [WORD...]
#
# build.sh builds the program in OUT/program. Each WORD is a further argument of make. If
# OUT/program has the build of an earlier run, make compiles only the files that have
# changed since this run. build.sh compiles all files if the compiler, a WORD or the path
# of the tree has changed, because make decides by time stamps, and the files of another
# tree may be older than the objects.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/kernel/packages.sh"

# key: Prints the inputs of the build whose changes make does not notice.
key() {
	"$SCRIPTS/kernel/compiler.sh"
	echo "$tree" "${words[@]}"
}

tree=$1
out=$2
words=("${@:3}")
silent=(-s)
[ "$V" != 1 ] || silent=()
find_compiler
: "${compiler:=gcc}"
need "${NEED_QUICK[@]}" "${compiler[0]}"
lock "$out/lock"
key=$(key)
if ! has_key "$out/key" "$key"; then
	rm -rf "$out/program"
	mkdir "$out/program"
	echo "$key" >"$out/key"
fi
jobs=$(nproc)
quietly make "${silent[@]}" -j"$jobs" -C "$TOP/tools/testing/mmu_notifier" KTREE="$tree" \
	O="$out/program" CC="${compiler[0]}" "${words[@]}"
