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

. "$(dirname "$0")/lib.sh"
. "$SCRIPTS/packages.sh"
. "$SCRIPTS/outcome.sh"

caught=0
missed=0

# Everything but the module is that of the sound build.
prepare() {
	local entry=$1 part file

	rm -rf "$work"
	mkdir -p "$work/tree"
	for part in kernel tests programs init gen_init_cpio; do
		ln -s "$out/$part" "$work/$part"
	done
	file=$("$SCRIPTS/defect.sh" get file "$entry")
	cp -r "$TOP"/{Kbuild,test_mmun*.[ch],mmun} "$work/tree/"
	"$SCRIPTS/defect.sh" apply "$entry" "$TOP/$file" \
		>"$work/tree/$file" || return
	! cmp -s "$work/tree/$file" "$TOP/$file"
}

# Prints the exit status of the judge, whose report is in report.
run() {
	local status=0

	MODULE_TREE=$work/tree "$SCRIPTS/build.sh" module "$work" || return
	"$SCRIPTS/pack.sh" "$work" || return
	TESTS=$tests "$SCRIPTS/boot.sh" "$work" >"$work/ktap" || return
	"$SCRIPTS/judge.sh" "$work/result" >"$work/report" || status=$?
	echo "$status"
}

try() {
	local entry=$1 name status='' start=$SECONDS

	name=$(basename "$entry" .defect)
	say "defect $name"
	work=$TOP/build/defects/$name
	tests=$("$SCRIPTS/defect.sh" get tests "$entry")
	if prepare "$entry"; then
		status=$(run) || true
		verdict "$status"
	else
		outcome=invalid what="it changes nothing, or cannot be applied"
	fi
	if [ "$outcome" = caught ]; then
		caught=$((caught + 1))
	else
		missed=$((missed + 1))
	fi
	row "$name" "$outcome" "$((SECONDS - start)) s" "$what" >>"$table"
}

row() {
	printf '%-36s %-8s %6s  %s\n' "$@"
}

entries=("$@")
[ $# -gt 0 ] || mapfile -t entries < <(find "$SCRIPTS/defects" \
	-name '*.defect' 2>/dev/null | sort)
resolve "${KDIR:-${KERNEL:-stock}}"
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
[ "$missed" = 0 ]
