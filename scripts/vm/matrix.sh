#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run the selftest on every kernel of scripts/kernel/table, and print one table with the
# results of all kernels.
#
# usage: matrix.sh
#
# JOBS is the number of kernels that matrix.sh tests in parallel [1]. On each kernel, the
# selftest runs in one guest. matrix.sh writes the output of each run to the file
# build/matrix/<kernel>. matrix.sh exits with status 0 if all runs passed.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/kernel/packages.sh"

# print_row KERNEL PASSED FAILED SKIPPED SPLATS SECONDS OUTCOME: Prints a row of the table
# of results.
print_row() {
	printf '%-16s %7s %7s %7s %7s %8s  %s\n' "$@"
}

# count_of WORD: Prints the number before WORD in the last line of the log, "N passed, N
# failed, N skipped", or "-" if the last line does not contain WORD.
count_of() {
	awk -v word="$1" '{ last = $0 }
		END {
			count = split(last, words, /[ ,]+/)
			for (i = 2; i <= count && words[i] != word; i++)
				;
			print i <= count ? words[i - 1] : "-"
		}' "$log"
}

# outcome: Prints the first complaint of judge.sh, which is the first line "# TEXT" after
# the last result in the log. Prints "ok" if judge.sh did not complain.
outcome() {
	awk '/^(not )?ok / { note = "" }
		/^# / && !note { note = substr($0, 3) }
		END { print note ? note : "ok" }' "$log"
}

# count_splats: Prints the number of splats in the log. A splat is a complaint of the
# kernel.
count_splats() {
	awk '/^#   [0-9]*:/ { count++ } END { print count + 0 }' "$log"
}

# test_kernel NAME: Runs the selftest on the kernel NAME, and writes the row of this
# kernel for the table of results to a file. Returns the exit status of kselftest.sh.
test_kernel() {
	local name=$1 status=0 start=$SECONDS

	log=$logs/$name
	say "kernel $name"
	JOBS=1 KERNEL=$name "$SCRIPTS/kselftest.sh" >"$log" || status=$?
	print_row "$name" "$(count_of passed)" "$(count_of failed)" "$(count_of skipped)" \
		"$(count_splats)" "$((SECONDS - start))" "$(outcome)" >"$log.row"
	return "$status"
}

# await COUNT: Waits until at most COUNT background jobs of matrix.sh run.
await() {
	local running

	while running=$(jobs -rp) && read -ra pids <<<"${running//$'\n'/ }" &&
	      [ ${#pids[@]} -gt "$1" ]; do
		wait -n || true
	done
}

failed=0
runs=()
names=()
logs=$TOP/build/matrix
mkdir -p "$logs"
while read -r name _; do
	[[ $name != [a-z0-9]* ]] || names+=("$name")
done <"$SCRIPTS/kernel/table"
need_for "${names[*]}"
for name in "${names[@]}"; do
	rm -f "$logs/$name.row"
	await "$((${JOBS:-1} - 1))"
	test_kernel "$name" &
	runs+=($!)
done
for pid in "${runs[@]}"; do
	wait "$pid" || failed=1
done
table=$(print_row kernel passed failed skipped splats seconds outcome
	for name in "${names[@]}"; do
		cat "$logs/$name.row"
	done)
echo "$table" | tee "$logs/table"
exit "$((failed != 0))"
