#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Count the instructions that each call of the driver executes. bench.sh runs the
# benchmark mmun_bench in a guest whose clock counts instructions. The counts for one
# commit are the same in each run and on each machine.
#
# usage: bench.sh
#
# Environment variables:
#
#	KERNEL, KDIR	select the kernel [KERNEL=7.3]
#	TESTS		globs for the names of the tests to run, such as bench.hits [all]
#	BASE		the commit with which bench.sh compares the driver [none]
#	CPU		the model of the processor for QEMU; max,la57=off is a processor
#			with fast string moves, and QEMU counts one instruction for each
#			byte that `rep movsb` moves [without fast string moves]
#
# bench.sh writes the counts to build/<kernel>/bench.json. bench.sh exits with the status
# of judge.sh.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/kernel/packages.sh"

# With these values of ACCEL, SMP, NONCE and APPEND, neither the host nor random numbers
# influence the counts
export ACCEL=icount SMP=1 MEM=2G NONCE=0123456789abcdef
export APPEND="nokaslr norandmaps $APPEND"
export PROGRAM=mmun_bench PROGRAM_SECS=$TIMEOUT BOOT_SECS=$TIMEOUT

# measure DIR: Builds the modules and the benchmark in DIR, and runs the benchmark. The
# environment variable MODULE_TREE is the directory with the source of the driver [the
# clone]. The results of the benchmark are in DIR/result.
measure() {
	mkdir -p "$1"
	cp "$out/kernel" "$1/kernel"
	"$SCRIPTS/vm/build.sh" modules "$1"
	"$SCRIPTS/vm/build.sh" tests "$1"
	"$SCRIPTS/vm/choose.sh" "$1" >"$1/chosen"
	"$SCRIPTS/vm/pack.sh" "$1"
	say "counting on $(value release "$out/kernel")"
	"$SCRIPTS/vm/boot.sh" "$1" >/dev/null
	"$SCRIPTS/judge/judge.sh" "$1/result" >&2
}

# tabulate DIR JSON [BASE-JSON]: Writes the results in DIR to the file JSON and prints a
# table of the results. If BASE-JSON is given, the table also has the results in the file
# BASE-JSON.
tabulate() {
	"$SCRIPTS/measure/bench-table.py" "$1/result/ktap.log" "$2" \
		"$(value release "$out/kernel")" "${@:3}"
}

# check_out: Checks out the commit BASE in the work tree $tree.
check_out() {
	git -C "$TOP" rev-parse -q --verify "$BASE^{commit}" >/dev/null ||
		die "BASE=$BASE: this repository has no such commit"
	git -C "$TOP" worktree remove --force "$tree" 2>/dev/null ||
		rm -rf "$tree"
	git -C "$TOP" worktree prune
	quietly git -C "$TOP" worktree add --detach "$tree" "$BASE"
}

# measure_base: Runs the script bench.sh of the commit BASE, and writes the results to
# bench-base.json. If BASE has no bench.sh, measure_base measures the driver of BASE with
# the benchmark of the current commit.
measure_base() {
	local script

	tree=$TOP/build/base
	check_out
	say "measuring the base, $(git -C "$tree" log -1 --format='%h %s')"
	# In an older commit bench.sh is in scripts/ instead of scripts/measure/.
	script=$(find "$tree" -path '*/scripts/*' -name bench.sh)
	if [ -n "$script" ]; then
		env BASE= "$script" >/dev/null
		cp "$tree/build/${out##*/}/bench.json" "$out/bench-base.json"
	else
		rm -rf "$out/bench-base/module"
		MODULE_TREE=$tree measure "$out/bench-base"
		tabulate "$out/bench-base" "$out/bench-base.json" >/dev/null
	fi
	git -C "$TOP" worktree remove --force "$tree"
}

need_for "${KDIR:-$KERNEL}" python3
resolve "${KDIR:-$KERNEL}"
exec {lock}>"$out/bench.lock"
flock -n "$lock" || { say "waiting for the end of another run on this kernel"; flock "$lock"; }
base=()
if [ -n "$BASE" ]; then
	measure_base
	base=("$out/bench-base.json")
fi
measure "$out/bench"
tabulate "$out/bench" "$out/bench.json" "${base[@]}"
echo
"$SCRIPTS/measure/bench-targets.py" "$out/bench.json"
