#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run the program tools/testing/mmu_notifier that build.sh built in OUT.
#
# usage: run.sh OUT [GLOB...]
#
# run.sh prints the KTAP of the program, and "N passed, N failed, N skipped" as the last
# line. run.sh exits with the status of the program, or with 1 if results are missing. The
# variables DEEP, SCHEDULE, SEED and STOP are for the program. With SCHEDULE, the program
# plays one schedule and prints no results.

. "${0%/*}/../lib.sh"

export DEEP=${DEEP:-0} STOP=${STOP:-0} SCHEDULE=${SCHEDULE:-} SEED=${SEED:-}

program=$1/program/mmu_notifier_test
shift
[ -z "$SCHEDULE" ] || exec "$program" "$@"
status=(0 0)
"$program" "$@" | awk -f "$SCRIPTS/quick/count.awk" || status=("${PIPESTATUS[@]}")
[ "${status[0]}" = 0 ] || exit "${status[0]}"
exit "${status[1]}"
