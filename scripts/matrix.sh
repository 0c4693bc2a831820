#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The selftest on every kernel of the table, and one table of what came of it.
#
# usage: matrix.sh
#
# What each run printed is in build/matrix/<kernel>. Exits 0 if all passed.

. "$(dirname "$0")/lib.sh"

# row KERNEL PASSED FAILED SKIPPED SPLATS SECONDS OUTCOME
row() {
	printf '%-16s %7s %7s %7s %7s %8s  %s\n' "$@"
}

# The number before a word of the last line of the log.
number() {
	sed -n '$s/.*\(^\| \)\([0-9]*\) '"$1"'.*/\2/p' "$log" | grep . || echo -
}

# The first thing that the judge had to say, if anything.
outcome() {
	sed -n 's/^# //p' "$log" | head -n 1 | grep . || echo ok
}

splats() {
	grep -c '^#   [0-9]*:' "$log" || true
}

try() {
	local name=$1 status=0 start=$SECONDS

	log=$logs/$name
	say "kernel $name"
	KERNEL=$name "$SCRIPTS/kselftest.sh" >"$log" || status=$?
	[ "$status" = 0 ] || failed=1
	row "$name" "$(number passed)" "$(number failed)" "$(number skipped)" \
		"$(splats)" "$((SECONDS - start))" "$(outcome)" >>"$logs/table"
}

failed=0
logs=$TOP/build/matrix
mkdir -p "$logs"
row kernel passed failed skipped splats seconds outcome >"$logs/table"
while read -r name; do
	try "$name"
done < <(sed -n 's/^\([a-z0-9][^[:space:]]*\).*/\1/p' "$SCRIPTS/kernels")
cat "$logs/table"
[ "$failed" = 0 ]
