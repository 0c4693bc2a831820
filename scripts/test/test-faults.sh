#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests of the runner: a step that fails is seen to fail, and leaves nothing that
# the next run takes for whole.
#
# usage: test-faults.sh
#
# In a world of recordings (see fake/world.sh), from nothing, for a kernel of the
# distribution and for one of our own: the k-th command of a run fails, for each k;
# all is killed at a command, or when half of a file is written; the file system is
# full, which only root can arrange. Each time the run must fail, must name what
# failed, and the next run must pass and leave what a run without a fault leaves.
# The commands whose failure need not be noticed are in faults-excepted. KTAP on
# stdout.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/kernel/packages.sh"
. "$SCRIPTS/test/fake/world.sh"
. "$SCRIPTS/test/results.sh"

WORKERS=2
KILL_STEP=7
DISK_STEP=5

# count VERDICT: how many results are that.
count() {
	awk -F '\t' -v verdict="$1" '$1 == verdict { n++ } END { print n + 0 }' \
		"$dir"/*/results
}

# What the workers found.
report() {
	local title=$1 all noticed excepted

	all=$(cat "$dir"/*/results | wc -l)
	noticed=$(count noticed)
	excepted=$(count excepted)
	[ "$all" != 0 ] && [ $((noticed + excepted)) = "$all" ] && status=0 || status=1
	result "$status" "$title"
	cat "$dir"/*/problems
	echo "# $all faults, $noticed noticed, $excepted excepted"
}

# scenario FAULT KERNEL STEP TITLE: the workers share the numbers.
scenario() {
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
	report "$4"
}

# Each exception occurs, so that the table stays true.
check_table() {
	local table row useless=''

	mapfile -t table <"$SCRIPTS/test/faults-excepted"
	for row in "${!table[@]}"; do
		[[ ${table[row]} = '#'* ]] || grep -qx "$row" "$dir"/*/rows ||
			useless+=${table[row]}$'\n'
	done
	silent "each row of faults-excepted occurs" "${useless%$'\n'}"
}

need gcc xz
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
for ((worker = 0; worker < WORKERS; worker++)); do
	mkdir "$dir/$worker"
	make_world "$dir/$worker"
	: >"$dir/$worker/rows"
done
results_of faults
for kernel in stock 6.1; do
	scenario fault "$kernel" 1 "$kernel: each command that fails is noticed"
	scenario kill "$kernel" "$KILL_STEP" "$kernel: killed at a command"
	scenario half "$kernel" 1 "$kernel: killed when half of a file is written"
	if [ "$EUID" = 0 ]; then
		scenario disk "$kernel" "$DISK_STEP" "$kernel: the disk is full"
	fi
done
check_table
end_results
