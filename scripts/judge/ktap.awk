# SPDX-License-Identifier: GPL-2.0
#
# Convert the KTAP of PID 1 to records for judge.sh.
#
# usage: awk -f ktap.awk BLAMED KTAP
#
# The KTAP has outer results, which are not indented. The results of the tests of a
# program are nested before the outer result of the program, and are indented by two
# spaces. BLAMED is the output of blame.awk. Each test in BLAMED fails, because the kernel
# complained during the test. Each line of the output is a record, with tabs between the
# fields:
#
#	pass NAME
#	skip NAME REASON
#	xfail NAME REASON	the test expects its failure, because of a defect of the
#			kernel
#	fail NAME
#	diag TEXT	a line of output of the failed test above
#	broken WHAT	the KTAP does not follow its plan
#
# The outer results are "mmun: PROGRAM", "mmun: load", "mmun: unload" and "mmun: leaks",
# and for each other module "MODULE: load" and "MODULE: unload".
#
# ktap.awk prints a record for each test of a program, and for each outer result without
# nested tests. Older versions of kselftest_harness.h print no name in the result of a
# skipped test. If a result has no name, ktap.awk uses the name of the test in the last
# line "# RUN" before the result.

# Prints the record of a test. If the test failed, record() also prints the lines of
# output that remember() has kept.
function record(kind, name, reason,    i) {
	if (name in complaint)
		kind = "fail"
	print kind "\t" name (reason != "" ? "\t" reason : "")
	if (kind == "fail")
		for (i = first; i <= lines; i++)
			print "diag\t" line[i]
	if (name in complaint)
		print "diag\tthe kernel complained: " complaint[name]
	delete complaint[name]
	lines = 0
	first = 1
}

# Keeps TEXT, a line of output of the test. remember() keeps only the last 60 lines, which
# record() prints if the test fails.
function remember(text) {
	line[++lines] = text
	if (lines - first >= 60)
		delete line[first++]
}

function broken(what) {
	print "broken\t" what
}

# Splits TEXT, the line of a result in the KTAP, into the variables "number", "name" and
# "reason". parse() sets the variable "good" to 1 if the line begins with "ok", and the
# variable "kind" to the kind of the record.
#
# Linux 6.1 has a harness without expected failures. There the result is a skip whose
# reason begins with XFAIL.
function parse(text) {
	good = text !~ /^not /
	sub(/^(not )?ok /, "", text)
	number = text + 0
	sub(/^[0-9]+ */, "", text)
	sub(/^- /, "", text)
	kind = good ? "pass" : "fail"
	reason = ""
	if (match(text, / *# *(SKIP +XFAIL|XFAIL|SKIP) */)) {
		reason = substr(text, RSTART + RLENGTH)
		kind = substr(text, RSTART, RLENGTH) ~ /XFAIL/ ? "xfail" : "skip"
		text = substr(text, 1, RSTART - 1)
	} else
		sub(/ *#.*/, "", text)
	name = text
}

function inner_result(text) {
	parse(text)
	if (number != ++inner)
		broken("result " number " where " inner " was due: " text)
	if (name == "")
		name = running
	unfinished = ""
	inner_failed += !good
	record(good ? kind : "fail", name, reason)
}

function inner_line(text) {
	if (text ~ /^(not )?ok [0-9]/)
		inner_result(text)
	else if (text ~ /^1\.\.[0-9]/) {
		inner_plan = substr(text, 4) + 0
		if (sub(/.*# *SKIP */, "", text))
			inner_skip = text
	} else if (text ~ /^#  RUN  /) {
		end_unfinished()
		running = text
		sub(/^#  RUN +/, "", running)
		sub(/ \.\.\.$/, "", running)
		unfinished = running
		lines = 0
		first = 1
	} else
		remember(text)
}

# Records a failure of a test that has started and has no result, because the guest ended
# during the test.
function end_unfinished() {
	if (unfinished != "")
		record("fail", unfinished)
	unfinished = ""
}

# Returns 1 if the outer result NAME is the result of a program, and 0 if the result is
# about a module or about leaks.
function is_program(name) {
	return name !~ /^(.*: )?(load|unload)$/ && name != "leaks"
}

function outer_result(text) {
	parse(text)
	sub(/^mmun: /, "", name)
	if (number != ++outer)
		broken("result " number " where " outer " was due: " text)
	if (!good && !inner_failed)
		record("fail", name)
	else if (good && inner_failed)
		broken(name ": the result is ok, but a test of the program failed")
	else if (good && kind == "skip")
		record("skip", name, reason != "" ? reason : inner_skip)
	else if (good && !is_program(name))
		record("pass", name)
	else if (good && (inner_plan <= 0 || inner != inner_plan))
		broken(name ": " inner + 0 " results, planned " inner_plan)
	inner = inner_failed = 0
	inner_plan = -1
	inner_skip = running = unfinished = ""
}

BEGIN {
	first = 1
	plan = inner_plan = -1
}

FNR == NR {
	if (split($0, field, "\t") == 2 && !(field[1] in complaint))
		complaint[field[1]] = field[2]
	next
}

{ sub(/\r$/, ""); seen++ }
seen == 1 && !/^KTAP version 1$/ { broken("no KTAP header") }
/^  / { inner_line(substr($0, 3)); next }
/^(not )?ok [0-9]/ { outer_result($0); next }
/^1\.\./ { plan = substr($0, 4) + 0; next }
/^Bail out!/ { broken($0); next }
/^# / { remember($0) }

END {
	end_unfinished()
	for (name in complaint)
		record("fail", name)
	if (seen && outer != plan)
		broken(outer + 0 " programs and checks reported, planned " plan)
	if (seen && inner_plan >= 0)
		broken("the output ends inside a program, after " running)
}
