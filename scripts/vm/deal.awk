# SPDX-License-Identifier: GPL-2.0
#
# Distribute the test programs of one run to guests that run in parallel.
#
# usage: awk -v guests=N -f deal.awk SECONDS PROGRAMS
#
# The file SECONDS has lines "PROGRAM SECONDS" of earlier runs, and the file PROGRAMS has
# one program per line. Prints "GUEST PROGRAM" for each program, in the order of the file
# PROGRAMS. deal.awk repeatedly assigns the longest remaining program to the guest with
# the least work. If the file SECONDS has no time for a program, deal.awk uses the mean of
# the known times, or 1 s if no time is known.

# LEAST is the least time that deal.awk assumes for a program. If programs had a time of
# 0.0 s, deal.awk would assign all of these programs to the same guest, and another guest
# could have no program.
BEGIN { LEAST = 0.1 }

FILENAME == ARGV[1] {
	seconds[$1] = $2
	next
}

{
	name[++count] = $1
	if ($1 in seconds) {
		sum += seconds[$1]
		known++
	}
}

# Returns the index of the longest program that has no guest yet, or 0 if all programs
# have a guest.
function longest(    i, best) {
	best = 0
	for (i = 1; i <= count; i++)
		if (!guest[i] && (!best || cost[i] > cost[best]))
			best = i
	return best
}

# Returns the number of the guest with the least work so far.
function least_loaded(    i, best) {
	best = 1
	for (i = 2; i <= guests; i++)
		if (work[i] + 0 < work[best] + 0)
			best = i
	return best
}

END {
	for (i = 1; i <= count; i++) {
		cost[i] = name[i] in seconds ? seconds[name[i]] : known ? sum / known : 1
		if (cost[i] < LEAST)
			cost[i] = LEAST
	}
	while ((i = longest())) {
		guest[i] = least_loaded()
		work[guest[i]] += cost[i]
	}
	for (i = 1; i <= count; i++)
		print guest[i], name[i]
}
