#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Build a kernel, run the tests in guests on this kernel, and judge the result. A run has
# five steps:
#
#	1. kernel/resolve.sh finds, downloads or builds the kernel.
#	2. vm/build.sh builds the modules and the selftest.
#	3. vm/pack.sh packs the initramfs.
#	4. vm/boot.sh, or vm/side-by-side.sh, boots guests, which run the tests.
#	5. judge/judge.sh judges the result.
#
# With PATCH, vm/patched.sh builds the kernel with a patch, and runs kselftest.sh again
# without PATCH.
#
# usage: kselftest.sh
#
# "make help" describes the variables. kselftest.sh exits with the status of judge.sh.

. "${0%/*}/lib.sh"
. "$SCRIPTS/kernel/packages.sh"

# show_times: Prints the seconds that the tests and the parts of the run took, and writes
# these times to $out/result/times.
show_times() {
	awk -f "$SCRIPTS/judge/times.awk" "$out/result/ktap.log" >"$out/result/times"
	cat "$out/result/times"
}

# choose_jobs: Sets JOBS to the number of guests to which the test programs are
# distributed. Each guest runs at least one program.
choose_jobs() {
	local cpus programs

	cpus=$(nproc)
	mapfile -t programs <"$out/chosen"
	JOBS=${JOBS:-$((cpus < 2 ? 1 : 2))}
	[ "$JOBS" -le ${#programs[@]} ] || JOBS=${#programs[@]}
	export JOBS
}

# boot: Runs the test programs in one guest, or distributes the programs to several
# guests.
boot() {
	if [ "$JOBS" = 1 ]; then
		"$SCRIPTS/vm/boot.sh" "$out"
	else
		"$SCRIPTS/vm/side-by-side.sh" "$out"
	fi
}

[ -z "$PATCH" ] || exec "$SCRIPTS/vm/patched.sh"
[ "$KERNEL" != all ] || exec "$SCRIPTS/vm/matrix.sh"
need_for "${KDIR:-$KERNEL}"
resolve "${KDIR:-$KERNEL}"

# Wait for the end of another run on the same kernel, because two runs at the same time
# would write the same files.
exec {lock}>"$out/lock"
flock -n "$lock" || { say "waiting for the end of another run on this kernel"; flock "$lock"; }

"$SCRIPTS/vm/build.sh" modules "$out"
"$SCRIPTS/vm/build.sh" tests "$out"
"$SCRIPTS/vm/choose.sh" "$out" >"$out/chosen"
"$SCRIPTS/vm/pack.sh" "$out"
choose_jobs
boot
[ "$TIMES" = 0 ] || show_times
exec "$SCRIPTS/judge/judge.sh" "$out/result"
