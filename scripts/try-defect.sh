#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run the suite with one defect of the module.
#
# usage: try-defect.sh ENTRY OUT WORK
#
# OUT is the sound build; WORK is a directory for this one. Leaves what boot.sh
# printed in WORK/ktap, what judge.sh did in WORK/report and its exit status in
# WORK/status. A step that fails before that ends the process: the entry is invalid.

. "${0%/*}/lib.sh"

# Everything but the module is that of the sound build.
prepare() {
	local part file

	rm -rf "$work"
	mkdir -p "$work/tree"
	for part in kernel tests programs init{,.key} gen_init_cpio{,.key}; do
		ln -s "$out/$part" "$work/$part"
	done
	file=$("$SCRIPTS/defect.sh" get file "$entry")
	for part in "${MODULE_SOURCES[@]}"; do
		cp -r "$TOP/$part" "$work/tree/"
	done
	"$SCRIPTS/defect.sh" apply "$entry" "$TOP/$file" >"$work/tree/$file"
	[ "$(<"$work/tree/$file")" != "$(<"$TOP/$file")" ] ||
		die "${entry##*/} changes nothing in $file"
}

run() {
	local status=0 tests

	tests=$("$SCRIPTS/defect.sh" get tests "$entry")
	export TESTS=$tests
	MODULE_TREE=$work/tree "$SCRIPTS/build.sh" module "$work"
	"$SCRIPTS/choose.sh" "$work" >"$work/chosen"
	"$SCRIPTS/pack.sh" "$work"
	"$SCRIPTS/boot.sh" "$work" >"$work/ktap"
	"$SCRIPTS/judge.sh" "$work/result" >"$work/report" || status=$?
	echo "$status" >"$work/status"
}

entry=$1
out=$2
work=$3
prepare
run
