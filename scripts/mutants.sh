#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Mutants: with each entry of mutants/ break the kernel in one place, build it,
# and see whether the suite notices.
#
# usage: mutants.sh
#
# Variables:
#
#	KERNEL	a row of "kernels" that we build [6.1]
#	MUTANTS	a glob of names [*]
#	SUITE	mmun, hmm, or both with a comma between them [mmun]
#	JOBS	how many at a time, each with a tree of its own [2]
#
# An entry is one of defect.sh, with more keys:
#
#	kernels: those of which the file is as it expects
#	origin: written for this purpose, or the fix that it reverts
#	equivalent: why nobody can notice (may be left out)
#	wants: what a test needs to notice it, if there is no such test
#
# What is known of an entry, a suite and a kernel is kept and not run again. The
# sound kernel goes first and must pass. Results are in build/mutants/<kernel>:
# <suite>/<mutant>.json, results.json, and the table.

. "${0%/*}/lib.sh"
. "$SCRIPTS/packages.sh"

IFS=, read -ra suites <<<"$SUITE"
results=$TOP/build/mutants/$KERNEL

build_suite() {
	resolve "$KERNEL"
	"$SCRIPTS/build.sh" tests "$out"
	"$SCRIPTS/build.sh" module "$out"
}

# Trees and builds of a kernel that is out of date.
forget_others() {
	local dir build

	build=$(basename "$(value kdir "$out/kernel")")
	for dir in "$CACHE"/mutants/"$KERNEL"_*; do
		[[ $dir = */"$build" ]] || rm -rf "$dir"
	done
}

workers() {
	local i pids=() status=0

	for ((i = 1; i <= JOBS; i++)); do
		"$SCRIPTS/mutants-worker.sh" "$i" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i" || status=$?
	done
	return "$status"
}

need_for "$KERNEL" python3
for SUITE in "${suites[@]}"; do
	build_suite
	mkdir -p "$results/$SUITE"
done
forget_others
SUITE=${suites[*]} KERNEL=$KERNEL workers
exec "$SCRIPTS/mutants-table.py" "$results"
