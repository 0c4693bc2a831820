#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The selftest on every kernel of the table, and one table of what came of it.
#
# usage: matrix.sh
#
# JOBS in the environment is how many run at a time, each in one guest [1]. What each
# run printed is in build/matrix/<kernel>. Exits 0 if all passed.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/kernel/packages.sh"

# row KERNEL PASSED FAILED SKIPPED SPLATS SECONDS OUTCOME
row() {
	printf '%-16s %7s %7s %7s %7s %8s  %s\n' "$@"
}

# The number before a word of the last line of the log.
number() {
	awk -v word="$1" '{ last = $0 }
		END {
			count = split(last, words, /[ ,]+/)
			for (i = 2; i <= count && words[i] != word; i++)
				;
			print i <= count ? words[i - 1] : "-"
		}' "$log"
}

# The first note of judge.sh, if there is one: the notes of the guest come before
# the last result of the guest.
outcome() {
	awk '/^(not )?ok / { said = "" }
		/^# / && !said { said = substr($0, 3) }
		END { print said ? said : "ok" }' "$log"
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

# await COUNT: until at most so many run.
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
