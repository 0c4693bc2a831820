#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Draw the figures in the directory Documentation. The figures show how the instructions
# that "make bench" counted depend on the number of ranges.
#
# usage: plot.sh
#
# The variable KERNEL selects the kernel. If there are no counts for KERNEL, plot.sh first
# runs bench.sh, as "make bench" does.

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
