#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The main job: build, boot, run, judge.
#
# usage: kselftest.sh
#
# Variables: see "make help". Exits as judge.sh does.

. "${0%/*}/lib.sh"
. "$SCRIPTS/kernel/packages.sh"

# Kept next to the result.
show_times() {
	awk -f "$SCRIPTS/judge/times.awk" "$out/result/ktap.log" >"$out/result/times"
	cat "$out/result/times"
}

# choose_jobs: sets JOBS to how many guests share the programs. Each has one at least.
choose_jobs() {
	local cpus programs

	cpus=$(nproc)
	mapfile -t programs <"$out/chosen"
	JOBS=${JOBS:-$((cpus < 2 ? 1 : 2))}
	[ "$JOBS" -le ${#programs[@]} ] || JOBS=${#programs[@]}
	export JOBS
}

# boot: one guest runs all programs, or each of several a share.
boot() {
	if [ "$JOBS" = 1 ]; then
		"$SCRIPTS/vm/boot.sh" "$out"
	else
		"$SCRIPTS/vm/side-by-side.sh" "$out"
	fi
}

[ "$KERNEL" != all ] || exec "$SCRIPTS/vm/matrix.sh"
need_for "${KDIR:-$KERNEL}"
resolve "${KDIR:-$KERNEL}"

# There is one result of a kernel at a time.
exec {lock}>"$out/lock"
flock -n "$lock" || { say "waiting for another run"; flock "$lock"; }

"$SCRIPTS/vm/build.sh" modules "$out"
"$SCRIPTS/vm/build.sh" tests "$out"
"$SCRIPTS/vm/choose.sh" "$out" >"$out/chosen"
"$SCRIPTS/vm/pack.sh" "$out"
choose_jobs
boot
[ "$TIMES" = 0 ] || show_times
exec "$SCRIPTS/judge/judge.sh" "$out/result"
