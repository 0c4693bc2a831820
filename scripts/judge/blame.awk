# SPDX-License-Identifier: GPL-2.0
#
# Find the test that ran when the kernel complained.
#
# usage: awk -f blame.awk CONSOLE COMPLAINTS
#
# COMPLAINTS has lines of the file CONSOLE with their line numbers, "N:LINE". blame.awk
# prints "TEST<tab>N:LINE" for each line of COMPLAINTS. CONSOLE has a line "mmun: starts
# TEST" before the output of each test. A complaint after the end of a test and before the
# start of the next test is attributed to the test that has ended, because the kernel may
# do a part of the work of that test later. blame.awk omits complaints before the first
# test of a guest.

FNR == NR {
	if (/^---- the console of /)
		start[FNR] = ""
	if (match($0, /mmun: starts [^\r]+/))
		start[FNR] = substr($0, RSTART + 13, RLENGTH - 13)
	next
}

{
	for (i = $0 + 0; i > 0 && !(i in start); i--)
		;
	sub(/\r$/, "")
	if (i && start[i] != "")
		print start[i] "\t" $0
}
