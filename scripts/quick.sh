#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Compile mm/mmu_notifier.c of a kernel source tree as a user-space program, and search all
# interleavings of a few actors.
#
# usage: quick.sh
#
# "make help" describes the variables TREE, KERNEL, PATCH, TESTS, DEEP, SEED, SCHEDULE and
# STOP. With PATCH, quick.sh compiles a copy of the files. The program is in
# tools/testing/mmu_notifier. quick.sh needs neither root nor QEMU. quick.sh prints KTAP,
# and "N passed, N failed, N skipped" as the last line. The exit status is 0 if no test
# failed.

. "${0%/*}/lib.sh"

# say_how_to_replay: Prints the command that plays the schedule of a failed test again.
say_how_to_replay() {
	say "To play a schedule again: make quick${TREE:+ TREE=$TREE}${KERNEL:+ KERNEL=$KERNEL}${PATCH:+ PATCH=$PATCH} SCHEDULE=..., as the failed test prints it"
}

where=${TREE:-$KERNEL}
parts=$("$SCRIPTS/kernel/tree.sh" ${where:+"$where"})
tree=$(value source /dev/stdin <<<"$parts")
name=$(value name /dev/stdin <<<"$parts")
out=$TOP/build/quick-$name
say "mm/mmu_notifier.c of $tree"
if [ -n "$PATCH" ]; then
	out+=-patched
	"$SCRIPTS/quick/copy.sh" "$tree" "$out/tree" "$PATCH"
	tree=$out/tree
fi
[ -d "$out" ] || mkdir -p "$out"
"$SCRIPTS/quick/build.sh" "$tree" "$out"
IFS=,\| read -ra globs <<<"$TESTS"
status=0
"$SCRIPTS/quick/run.sh" "$out" "${globs[@]}" || status=$?
[ "$status" != 1 ] || [ -n "$SCHEDULE" ] || say_how_to_replay
exit "$status"
