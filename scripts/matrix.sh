#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The selftest on every kernel of the table, and one table of what came of it.
#
# usage: matrix.sh
#
# JOBS in the environment is how many run at a time. What each run printed is in
# build/matrix/<kernel>. Exits 0 if all passed.

. "$(dirname "$0")/lib.sh"

# row KERNEL PASSED FAILED SKIPPED SPLATS SECONDS OUTCOME
row() {
	printf '%-16s %7s %7s %7s %7s %8s  %s\n' "$@"
}

# The number before a word of the last line of the log.
number() {
	sed -n '$s/.*\(^\| \)\([0-9]*\) '"$1"'.*/\2/p' "$log" | grep . || echo -
}

# The first thing that the judge had to say, if anything: the notes of the guest
# come before its last result.
outcome() {
	awk '/^(not )?ok / { said = "" }
		/^# / && !said { said = substr($0, 3) }
		END { print said ? said : "ok" }' "$log"
}

splats() {
	grep -c '^#   [0-9]*:' "$log" || true
}

try() {
	local name=$1 status=0 start=$SECONDS

	log=$logs/$name
	say "kernel $name"
	KERNEL=$name "$SCRIPTS/kselftest.sh" >"$log" || status=$?
	row "$name" "$(number passed)" "$(number failed)" "$(number skipped)" \
		"$(splats)" "$((SECONDS - start))" "$(outcome)" >"$log.row"
	return "$status"
}

# await COUNT: until at most so many run.
await() {
	local pids

	while mapfile -t pids < <(jobs -rp) && [ ${#pids[@]} -gt "$1" ]; do
		wait -n || true
	done
}

failed=0
tries=()
logs=$TOP/build/matrix
mkdir -p "$logs"
mapfile -t names < <(sed -n 's/^\([a-z0-9][^[:space:]]*\).*/\1/p' \
	"$SCRIPTS/kernels")
for name in "${names[@]}"; do
	rm -f "$logs/$name.row"
	await "$((${JOBS:-1} - 1))"
	try "$name" &
	tries+=($!)
done
for pid in "${tries[@]}"; do
	wait "$pid" || failed=1
done
{
	row kernel passed failed skipped splats seconds outcome
	for name in "${names[@]}"; do
		cat "$logs/$name.row"
	done
} | tee "$logs/table"
[ "$failed" = 0 ]
