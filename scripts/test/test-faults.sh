#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Test that a run of kselftest.sh fails if one of its commands fails, and that the next
# run does not use incomplete files.
#
# usage: test-faults.sh
#
# The runs use fake programs in a world, which is a directory that replaces the network,
# QEMU and the kernel (see fake/world.sh). At the start of a run, the cache in the world
# is empty. The runs test a kernel of the distribution and a kernel that the runner
# builds. test-faults.sh inserts these faults:
#
#	the k-th command fails, for each k;
#	the run is killed at the k-th command;
#	the run is killed when half of the k-th file is written;
#	the file system is full (only root can test this).
#
# A run with a fault must fail and print the command that failed. The run after a run with
# a fault must pass and leave the same files as a run without a fault. The table
# faults-excepted has the commands that may fail without an effect. test-faults.sh prints
# KTAP.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/kernel/packages.sh"
. "$SCRIPTS/test/fake/world.sh"
. "$SCRIPTS/test/results.sh"

WORKERS=2
KILL_STEP=7
DISK_STEP=5

# count_results VERDICT: Prints the number of results with the verdict VERDICT.
count_results() {
	awk -F '\t' -v verdict="$1" '$1 == verdict { n++ } END { print n + 0 }' \
		"$dir"/*/results
}

# report_scenario TITLE: Prints the result of a scenario, and the problems that the
# workers found. A scenario is one kind of fault at many places of a run.
report_scenario() {
	local title=$1 all noticed excepted

	all=$(cat "$dir"/*/results | wc -l)
	noticed=$(count_results noticed)
	excepted=$(count_results excepted)
	[ "$all" != 0 ] && [ $((noticed + excepted)) = "$all" ] && status=0 || status=1
	result "$status" "$title"
	cat "$dir"/*/problems
	echo "# $all faults, $noticed noticed, $excepted excepted"
}

# test_scenario FAULT KERNEL STEP TITLE: Tests FAULT at every STEP-th place of a run.
# test_scenario starts several processes of worker.sh in parallel. Each process tests some
# of the places.
test_scenario() {
	local worker pids=() pid space=()

	say "$4"
	[ "$1" != disk ] || space=(unshare --mount)
	for ((worker = 0; worker < WORKERS; worker++)); do
		: >"$dir/$worker/results"
		: >"$dir/$worker/problems"
		"${space[@]}" "$SCRIPTS/test/fake/worker.sh" "$dir/$worker" "$1" "$2" \
			$((1 + worker * $3)) $((WORKERS * $3)) &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid"
	done
	report_scenario "$4"
}

# check_table: Passes if the workers have used each row of faults-excepted.
check_table() {
	local table row useless=''

	mapfile -t table <"$SCRIPTS/test/faults-excepted"
	for row in "${!table[@]}"; do
		[[ ${table[row]} = '#'* ]] || grep -qx "$row" "$dir"/*/rows ||
			useless+=${table[row]}$'\n'
	done
	no_complaints "each row of faults-excepted is used" "${useless%$'\n'}"
}

need gcc xz '/usr/lib/*/libc.a'
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
for ((worker = 0; worker < WORKERS; worker++)); do
	mkdir "$dir/$worker"
	make_world "$dir/$worker"
	: >"$dir/$worker/rows"
done
begin_results faults
for kernel in stock 6.1; do
	test_scenario fault "$kernel" 1 "$kernel: the run fails if any command fails"
	test_scenario kill "$kernel" "$KILL_STEP" \
		"$kernel: a run that was killed at a command can be repeated"
	test_scenario half "$kernel" 1 \
		"$kernel: a run that was killed while it wrote a file can be repeated"
	if [ "$EUID" = 0 ]; then
		test_scenario disk "$kernel" "$DISK_STEP" \
			"$kernel: the run fails if the disk is full"
	fi
done
check_table
end_results
