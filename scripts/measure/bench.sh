#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Count the instructions of each call of the driver. The script runs mmun_bench in a guest
# whose clock counts instructions. The numbers of one commit are the same in each run and
# on each machine.
#
# usage: bench.sh
#
# Variables: KERNEL [7.3]; TESTS, for example bench.hits, to run a part; BASE, a commit
# to compare with; CPU=max,la57=off, a processor with fast string moves, which execute
# one instruction per byte. Writes build/<kernel>/bench.json. Exits with the status of
# judge.sh.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/kernel/packages.sh"

# One processor, and no influence of the host or of random numbers
export ACCEL=icount SMP=1 MEM=2G NONCE=0123456789abcdef
export APPEND="nokaslr norandmaps $APPEND"
export PROGRAM=mmun_bench PROGRAM_SECS=$TIMEOUT BOOT_SECS=$TIMEOUT

# measure DIR: Builds in DIR, with the driver of MODULE_TREE if it is set, and runs the
# benchmark. The output is in DIR/result.
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

# tabulate DIR JSON [BASE-JSON]: Writes the results in DIR to JSON and prints the table.
# Compares with BASE-JSON.
tabulate() {
	"$SCRIPTS/measure/bench-table.py" "$1/result/ktap.log" "$2" \
		"$(value release "$out/kernel")" "${@:3}"
}

# check_out: Checks out BASE in the work tree $tree.
check_out() {
	git -C "$TOP" rev-parse -q --verify "$BASE^{commit}" >/dev/null ||
		die "BASE=$BASE: this repository has no such commit"
	git -C "$TOP" worktree remove --force "$tree" 2>/dev/null ||
		rm -rf "$tree"
	git -C "$TOP" worktree prune
	quietly git -C "$TOP" worktree add --detach "$tree" "$BASE"
}

# measure_base: Writes the results of BASE to bench-base.json. Runs bench.sh of BASE. If
# BASE has no bench.sh, measures the driver of BASE with the benchmark of this commit.
measure_base() {
	local script

	tree=$TOP/build/base
	check_out
	say "measuring the base, $(git -C "$tree" log -1 --format='%h %s')"
	# An older commit has bench.sh in scripts/.
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
flock -n "$lock" || { say "waiting for another run"; flock "$lock"; }
base=()
if [ -n "$BASE" ]; then
	measure_base
	base=("$out/bench-base.json")
fi
measure "$out/bench"
tabulate "$out/bench" "$out/bench.json" "${base[@]}"
echo
"$SCRIPTS/measure/bench-targets.py" "$out/bench.json"
