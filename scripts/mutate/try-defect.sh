#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run the suite with one defect of the module.
#
# usage: try-defect.sh ENTRY OUT
#
# OUT is the sound build. In build/defects/ENTRY leaves what boot.sh printed in ktap,
# what judge.sh did in report, its exit status in status, and the time in seconds. A
# step that fails before that ends the process: there is no status, and the entry is
# invalid.

. "${0%/*}/../lib.sh"

# Everything but the driver is that of the sound build.
prepare() {
	local part file

	rm -rf "$work"
	mkdir -p "$work/tree"
	for part in kernel floor tests programs init{,.key} gen_init_cpio{,.key} \
		vmlinux{,.key}; do
		ln -s "$out/$part" "$work/$part"
	done
	file=$("$SCRIPTS/mutate/defect.sh" get file "$entry")
	for part in "${MODULE_SOURCES[@]}"; do
		cp -r "$TOP/$part" "$work/tree/"
	done
	"$SCRIPTS/mutate/defect.sh" apply "$entry" "$TOP/$file" >"$work/tree/$file"
	[ "$(<"$work/tree/$file")" != "$(<"$TOP/$file")" ] ||
		die "${entry##*/} changes nothing in $file"
}

run() {
	local status=0 tests

	tests=$("$SCRIPTS/mutate/defect.sh" get tests "$entry")
	export TESTS=$tests
	MODULE_TREE=$work/tree "$SCRIPTS/vm/build.sh" module "$work"
	"$SCRIPTS/vm/choose.sh" "$work" >"$work/chosen"
	"$SCRIPTS/vm/pack.sh" "$work"
	"$SCRIPTS/vm/boot.sh" "$work" >"$work/ktap"
	"$SCRIPTS/judge/judge.sh" "$work/result" >"$work/report" || status=$?
	echo "$status" >"$work/status"
}

# Whatever ends the process.
leave_time() {
	echo "$SECONDS" >"$work/seconds"
}

entry=$1
out=$2
name=$(basename "$entry" .defect)
work=$TOP/build/defects/$name
say "defect $name"
trap leave_time EXIT
prepare
run
