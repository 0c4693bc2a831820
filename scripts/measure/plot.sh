#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Draw what "make bench" counted, against the number of ranges.
#
# usage: plot.sh
#
# Variables: KERNEL. Measures first if that was not done yet.

. "${0%/*}/../lib.sh"

rows=$TOP/build/$KERNEL/bench.json
[ -e "$rows" ] || "$SCRIPTS/measure/bench.sh"
"$SCRIPTS/measure/plot.py" "$rows" "$TOP/Documentation"
