# SPDX-License-Identifier: GPL-2.0
#
# For each complaint of the kernel, find the test that ran when the kernel complained.
#
# usage: awk -f blame.awk CONSOLE COMPLAINTS
#
# Each line of the file COMPLAINTS is "N:LINE", where line N of the file CONSOLE is LINE.
# blame.awk prints "TEST<tab>N:LINE" for each line of COMPLAINTS. CONSOLE has a line
# "mmun: starts TEST" before the messages that the kernel prints during TEST. After the
# end of a test, the kernel may still do a part of the work of the test. Therefore
# blame.awk attributes each complaint before the start of the next test to the test that
# has ended. Complaints before the first test of a guest are not in the output.

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
