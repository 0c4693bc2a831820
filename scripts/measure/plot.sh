#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Draw the figures of Documentation, which show the instructions that "make bench"
# counted, against the number of ranges.
#
# usage: plot.sh
#
# The variable KERNEL selects the kernel. plot.sh first runs "make bench" if there are no
# counts for KERNEL.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/kernel/packages.sh"

need gnuplot
dir=$TOP/build/$KERNEL
[ -e "$dir/bench.json" ] || "$SCRIPTS/measure/bench.sh"
awk -v OFS='\t' '$1 == "#" && $2 == "cost" { print $3, $4, $5, $7 / $6 }' \
	"$dir/bench/result/ktap.log" >"$dir/bench.tsv"
release=$(value release "$dir/kernel")
gnuplot -e "rows='$dir/bench.tsv'; release='$release'; dir='$TOP/Documentation'" \
	"$SCRIPTS/measure/plot.gp"
