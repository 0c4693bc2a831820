#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run the selftest on every kernel of the table, and print one table of the results.
#
# usage: matrix.sh
#
# JOBS is the number of kernels that are tested in parallel [1]. Each kernel runs in one
# guest. The output of each run is in build/matrix/<kernel>. Exits with status 0 if all
# runs passed.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/kernel/packages.sh"

# print_row KERNEL PASSED FAILED SKIPPED SPLATS SECONDS OUTCOME: Prints a row of the
# table.
print_row() {
	printf '%-16s %7s %7s %7s %7s %8s  %s\n' "$@"
}

# count_of WORD: Prints the number before WORD in the last line of the log, "N passed, N
# failed, N skipped", or "-" if the line does not contain WORD.
count_of() {
	awk -v word="$1" '{ last = $0 }
		END {
			count = split(last, words, /[ ,]+/)
			for (i = 2; i <= count && words[i] != word; i++)
				;
			print i <= count ? words[i - 1] : "-"
		}' "$log"
}

# outcome: Prints the first note of judge.sh in the log, which follows the last result, or
# "ok" if there is no note.
outcome() {
	awk '/^(not )?ok / { note = "" }
		/^# / && !note { note = substr($0, 3) }
		END { print note ? note : "ok" }' "$log"
}

# count_splats: Prints the number of complaints of the kernel in the log.
count_splats() {
	awk '/^#   [0-9]*:/ { count++ } END { print count + 0 }' "$log"
}

# test_kernel NAME: Runs the selftest on kernel NAME, and writes the row of the table to a
# file. Returns the status of the run.
test_kernel() {
	local name=$1 status=0 start=$SECONDS

	log=$logs/$name
	say "kernel $name"
	JOBS=1 KERNEL=$name "$SCRIPTS/kselftest.sh" >"$log" || status=$?
	print_row "$name" "$(count_of passed)" "$(count_of failed)" "$(count_of skipped)" \
		"$(count_splats)" "$((SECONDS - start))" "$(outcome)" >"$log.row"
	return "$status"
}

# await COUNT: Waits until at most COUNT jobs of this shell run.
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
