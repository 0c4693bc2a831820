#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Test the schedules for "make kselftest" that the program tools/testing/mmu_notifier
# prints. Some mutants of the kernel fail in a schedule of the explorer. For these mutants,
# the program must print a schedule that "make kselftest" accepts. Other mutants fail only
# if a task is preempted between two holds. For these mutants, and for the kernel without a
# mutant, the program must print no schedule. The same applies to a mutant that fails only
# if a task that was woken waits for the CPU. test-explorer.sh prints KTAP.
#
# usage: test-explorer.sh KERNEL
#
# The source tree of KERNEL must be in the cache.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/options/values.sh"
. "$SCRIPTS/options/values-model.sh"
. "$SCRIPTS/test/results.sh"

# refuse, refuse_unknown: End the subshell of is_accepted. check_schedule calls these
# functions for a text that "make kselftest" does not accept.
refuse() { exit 1; }
refuse_unknown() { exit 1; }

# is_accepted TEXT: Returns 0 if "make kselftest" accepts SCHEDULE=TEXT.
is_accepted() {
	local status=0

	(value=$1 && check_schedule) & wait $! || status=1
	return "$status"
}

# run NAME CONFIGURATION: Builds the program with mutant NAME, and runs CONFIGURATION. run
# sets the variable status to the exit status of the program, and the variable lines to the
# lines with a schedule of the explorer.
run() {
	status=0
	"$SCRIPTS/mutate/build-quick.sh" "$dir/sound" "$dir/mutant" "$1" >"$dir/log" 2>&1 ||
		status=$?
	[ "$status" = 0 ] || { cat "$dir/log" >&2; return; }
	DEEP='' STOP='' SCHEDULE='' "$dir/mutant/program/mmu_notifier_test" "$2" >"$dir/log" ||
		status=$?
	lines=$(grep '^# These tasks fail' "$dir/log" || true)
}

# prints NAME CONFIGURATION WHERE SCHEDULE: Passes if CONFIGURATION fails with mutant NAME,
# and the program prints SCHEDULE for WHERE.
prints() {
	run "$1" "$2"
	check "$1: $2 fails" test "$status" = 1
	check "$1: $4, $3" test "$lines" = \
		"# These tasks fail in $3: make kselftest SCHEDULE='$4'"
	check "$1: make kselftest accepts $4" is_accepted "$4"
}

# prints_none NAME STATUS CONFIGURATION: Passes if the program exits with STATUS, and
# prints no schedule of the explorer.
prints_none() {
	run "$1" "$3"
	check "$1: $3 exits with status $2" test "$status" = "$2"
	no_complaints "$1: $3 prints no schedule of the explorer" "$lines"
}

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
tree=$(compgen -G "$CACHE/tree/linux-source-${1}_*")
mkdir "$dir/sound"
begin_results explorer
"$SCRIPTS/mutate/build-quick.sh" sound "$tree" "$dir/sound"
prints_none sound 0 '*'
prints begin-does-not-wait read_collides_with_invalidation "a VM" rA,madvise01-M0.M0.R0
prints end-wakes-no-waiter read_collides_with_invalidation "a VM" \
	rA,madvise01-M0.M0.R0.M0.M0
prints remove-leaves-the-range-in-the-tree remove_after_exit "a VM with KASAN" \
	dA,exit-D0.X0
prints_none remove-waits-without-the-lock 1 remove_during_an_invalidation_waits
prints_none begin-returns-a-later-seq 1 read_collides_with_invalidation
prints_none begin-waits-for-idle 1 exit_releases_each_range
prints_none register-eintr-is-success 1 interrupted_first_insert_fails
end_results
