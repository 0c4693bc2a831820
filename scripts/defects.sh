#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The negative controls: with each defect of scripts/defects/ the suite must
# fail, by a test or by a complaint of the kernel.
#
# usage: defects.sh [ENTRY...]
#
# Prints a table, and "N passed, N failed, N skipped" as the last line: caught
# is passed. See defect.sh for the entries.

. "${0%/*}/lib.sh"
. "$SCRIPTS/packages.sh"
. "$SCRIPTS/outcome.sh"

caught=0
missed=0

try() {
	local entry=$1 name status='' start=$SECONDS

	name=$(basename "$entry" .defect)
	say "defect $name"
	work=$TOP/build/defects/$name
	"$SCRIPTS/try-defect.sh" "$entry" "$out" "$work" ||
		say "$name: no verdict"
	[ ! -e "$work/status" ] || status=$(<"$work/status")
	verdict "$status"
	if [ "$outcome" = caught ]; then
		caught=$((caught + 1))
	else
		missed=$((missed + 1))
	fi
	row "$name" "$outcome" "$((SECONDS - start)) s" \
		"$what${how:+ ($how)}" >>"$table"
}

row() {
	printf '%-36s %-8s %6s  %s\n' "$@"
}

entries=("$@")
[ $# -gt 0 ] || entries=("$SCRIPTS"/defects/*.defect)
need_for "${KDIR:-$KERNEL}"
resolve "${KDIR:-$KERNEL}"
"$SCRIPTS/build.sh" module "$out"
"$SCRIPTS/build.sh" tests "$out"
"$SCRIPTS/pack.sh" "$out"
table=$(mktemp)
trap 'rm -f "$table"' EXIT
row defect outcome time by >"$table"
for entry in "${entries[@]}"; do
	[ -e "$entry" ] || die "$entry: no such file"
	try "$entry"
done
cat "$table"
echo "$caught passed, $missed failed, 0 skipped"
exit "$((missed != 0))"
