#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What each call costs, in instructions: a guest whose clock counts them runs
# mmun_bench.
#
# usage: bench.sh

. "$(dirname "$0")/lib.sh"

export ACCEL=icount SMP=1 MEM=2G PROGRAM=mmun_bench PROGRAM_SECS=3600
export TIMEOUT=${TIMEOUT:-3600} APPEND="nokaslr norandmaps ${APPEND:-}"

resolve "${KDIR:-${KERNEL:-7.3}}"
bench=$out/bench
mkdir -p "$bench"
cp "$out/kernel" "$bench/kernel"
"$SCRIPTS/build.sh" module "$bench"
"$SCRIPTS/build.sh" tests "$bench"
"$SCRIPTS/pack.sh" "$bench"
"$SCRIPTS/boot.sh" "$bench" >/dev/null
"$SCRIPTS/judge.sh" "$bench/result" >&2
"$SCRIPTS/bench-table.py" "$bench/result/ktap.log" "$out/bench.json"
