#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run the selftest on every kernel of the table, and print one table of the results.
#
# usage: matrix.sh
#
# JOBS is the number of kernels that are tested in parallel (default 1). Each kernel runs
# in one guest. The output of each run is in build/matrix/<kernel>. Exits 0 if all passed.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/kernel/packages.sh"

# row KERNEL PASSED FAILED SKIPPED SPLATS SECONDS OUTCOME
row() {
	printf '%-16s %7s %7s %7s %7s %8s  %s\n' "$@"
}

# number WORD: Prints the number before the word in the last line of the log.
number() {
	awk -v word="$1" '{ last = $0 }
		END {
			count = split(last, words, /[ ,]+/)
			for (i = 2; i <= count && words[i] != word; i++)
				;
			print i <= count ? words[i - 1] : "-"
		}' "$log"
}

# Prints the first note of judge.sh, which follows the last result, or "ok".
outcome() {
	awk '/^(not )?ok / { note = "" }
		/^# / && !note { note = substr($0, 3) }
		END { print note ? note : "ok" }' "$log"
}

splats() {
	awk '/^#   [0-9]*:/ { count++ } END { print count + 0 }' "$log"
}

try() {
	local name=$1 status=0 start=$SECONDS

	log=$logs/$name
	say "kernel $name"
	JOBS=1 KERNEL=$name "$SCRIPTS/kselftest.sh" >"$log" || status=$?
	row "$name" "$(number passed)" "$(number failed)" "$(number skipped)" \
		"$(splats)" "$((SECONDS - start))" "$(outcome)" >"$log.row"
	return "$status"
}

# await COUNT: wait until at most COUNT jobs run.
await() {
	local running

	while running=$(jobs -rp) && read -ra pids <<<"${running//$'\n'/ }" &&
	      [ ${#pids[@]} -gt "$1" ]; do
		wait -n || true
	done
}

failed=0
tries=()
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
	try "$name" &
	tries+=($!)
done
for pid in "${tries[@]}"; do
	wait "$pid" || failed=1
done
table=$(row kernel passed failed skipped splats seconds outcome
	for name in "${names[@]}"; do
		cat "$logs/$name.row"
	done)
echo "$table" | tee "$logs/table"
exit "$((failed != 0))"
