#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The negative controls: with each defect of scripts/mutate/module/ the suite must
# fail, by a test or by a complaint of the kernel.
#
# usage: defects.sh [ENTRY...]
#
# Prints a table, and "N passed, N failed, N skipped" as the last line: caught
# is passed. JOBS in the environment is how many run at a time [2]. See defect.sh for
# the entries.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/kernel/packages.sh"
. "$SCRIPTS/mutate/outcome.sh"

caught=0
missed=0

# judge ENTRY: what try-defect.sh has left of it, as a row of the table.
judge() {
	local name status=''

	name=$(basename "$1" .defect)
	work=$TOP/build/defects/$name
	[ ! -e "$work/status" ] || status=$(<"$work/status")
	verdict "$status"
	if [ "$outcome" = caught ]; then
		caught=$((caught + 1))
	else
		missed=$((missed + 1))
	fi
	row "$name" "$outcome" "$(<"$work/seconds") s" "$what${how:+ ($how)}"
}

row() {
	printf '%-36s %-8s %6s  %s\n' "$@"
}

entries=("$@")
[ $# -gt 0 ] || entries=("$SCRIPTS"/mutate/module/*.defect)
for entry in "${entries[@]}"; do
	[ -e "$entry" ] || die "$entry: no such file"
done
need_for "${KDIR:-$KERNEL}"
resolve "${KDIR:-$KERNEL}"
"$SCRIPTS/vm/build.sh" modules "$out"
"$SCRIPTS/vm/build.sh" tests "$out"
"$SCRIPTS/vm/pack.sh" "$out"
# xargs returns 123 if a process failed: that entry has no status then.
printf '%s\0' "${entries[@]}" |
	xargs -0 -P "${JOBS:-2}" -I {} "$SCRIPTS/mutate/try-defect.sh" {} "$out" || [ $? = 123 ]
row defect outcome time by
for entry in "${entries[@]}"; do
	judge "$entry"
done
echo "$caught passed, $missed failed, 0 skipped"
exit "$((missed != 0))"
