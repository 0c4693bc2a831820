# SPDX-License-Identifier: GPL-2.0
#
# Draw the cost of the calls of the driver against the number of ranges.
#
# usage: gnuplot -e "rows='FILE'; release='NAME'; dir='DIR'" plot.gp
#
# The columns of FILE are the operation, the scheme, the number of ranges, and the
# instructions for each unit of the operation. Tabs separate the columns. plot.gp writes
# DIR/bench-{insert,remove,hit,lookup}.svg.

set terminal svg size 640,420 font "sans-serif,12" background "white"
set datafile separator "\t"
set datafile missing NaN
set logscale xy
set xrange [1:*] noextend
set format x "%.0s%c"
set format y "%.0s%c"
set grid lc rgb "#dddddd" lt 1
set key bmargin center horizontal Left reverse width 2
set xlabel "ranges"
set style data linespoints

# The function cost() returns the cost in the current row of FILE, or NaN if the row is
# for another operation or scheme
cost(operation, scheme) = strcol(1) eq operation && strcol(2) eq scheme ? $4 : NaN

set output dir."/bench-insert.svg"
set title "INSERT, instructions for each range, Linux ".release
plot rows using 3:(cost("insert", "interval")) title "one call, interval", \
     rows using 3:(cost("insert", "naive")) title "one call, naive" dt 2, \
     rows using 3:(cost("insert_bulk", "interval")) title "bulk, interval", \
     rows using 3:(cost("insert_bulk", "naive")) title "bulk, naive" dt 2, \
     rows using 3:(cost("insert_bulk", "floor")) title "the core alone"

set output dir."/bench-remove.svg"
set title "REMOVE, instructions for each range, Linux ".release
plot rows using 3:(cost("remove", "interval")) title "one call, interval", \
     rows using 3:(cost("remove", "naive")) title "one call, naive" dt 2, \
     rows using 3:(cost("remove_bulk", "interval")) title "bulk, interval", \
     rows using 3:(cost("remove_bulk", "naive")) title "bulk, naive" dt 2, \
     rows using 3:(cost("remove_bulk", "floor")) title "the core alone"

set output dir."/bench-hit.svg"
unset logscale y
set format y "%.0f"
set yrange [2500:*]
set title "MADV\\_DONTNEED of one page, instructions, Linux ".release
plot rows using 3:(cost("hit_logged_1", "interval")) title "one hit, logged, interval", \
     rows using 3:(cost("hit_logged_1", "naive")) title "one hit, logged, naive" dt 2, \
     rows using 3:(cost("hit_1", "interval")) title "one hit, interval", \
     rows using 3:(cost("hit_1", "naive")) title "one hit, naive" dt 2, \
     rows using 3:(cost("hit_1", "floor")) title "one hit, the core alone", \
     rows using 3:(cost("hit_0", "interval")) title "a miss" dt 2

set output dir."/bench-lookup.svg"
set logscale y
set format y "%.0s%c"
set yrange [1000:*]
set title "MADV\\_DONTNEED of a page without ranges, instructions, Linux ".release
plot rows using 3:(cost("hit_0", "naive_linear")) title "linear list (naive\\_linear)", \
     rows using 3:(cost("hit_0", "list")) title "list notifier with a tree (list)", \
     rows using 3:(cost("hit_0", "interval")) title "interval notifiers", \
     rows using 3:(cost("hit_0", "floor")) title "the core alone" dt 2
