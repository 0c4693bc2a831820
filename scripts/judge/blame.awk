# SPDX-License-Identifier: GPL-2.0
#
# Find the test that ran when the kernel complained.
#
# usage: awk -f blame.awk CONSOLE COMPLAINTS
#
# COMPLAINTS has lines of CONSOLE with their numbers, "N:LINE". Prints "TEST<tab>N:LINE"
# for each. CONSOLE has a line "mmun: starts TEST" before each test. A complaint after the
# end of a test and before the start of the next test is attributed to the test that has
# ended, because the kernel may do a part of the work of that test later. Complaints
# before the first test of a guest are omitted.

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
