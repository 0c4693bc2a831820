# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154
#
# Functions that determine the outcome of a run with a mutant. The directory $work
# contains the file ktap, which is the output of boot.sh, and the file report, which is
# the output of judge.sh. The functions set these variables:
#
#	outcome	killed, survived, time-out or invalid, see known.sh
#	what	the test that failed, or another reason of the outcome
#	how	the complaint or the hang, if the test in what did not fail by itself

# line_below WORDS: Prints the line of the report that follows the complaint that starts
# with WORDS.
line_below() {
	sed -n "/^# $1/{n;s/^# *//p;q}" "$work/report"
}

# first_splat: Prints the first complaint of the kernel (splat) in the report of judge.sh,
# without the time stamp.
first_splat() {
	line_below 'the kernel complained' | cut -d']' -f2- | sed 's/^ *//'
}

# blame_test KIND: Sets the variable what to the test during which the kernel complained,
# and the variable how to "KIND: COMPLAINT". If no test ran, blame_test sets the variable
# what to "KIND: COMPLAINT".
blame_test() {
	how="$1: $(first_splat)"
	what=$(line_below failed)
	if [ -z "$what" ]; then
		what=$how
		how=
	fi
}

# has_directive WORD: Returns 0 if PID 1 ended the test in $what, and the result of this
# test has the directive WORD.
has_directive() {
	grep -qE "^ *not ok .*[ :]$what # $1\$" "$work/ktap" 2>/dev/null
}

# failed_test: Prints the name of the first test that failed by itself, and that PID 1 did
# not end.
failed_test() {
	sed -nE '/^  not ok [0-9]+ [^#]*$/{s/^  not ok [0-9]+ (- )?//p;q}' "$work/ktap"
}

# all_loaded: Returns 0 if the guest loaded all modules. The first result in the KTAP is
# the result for the load of the driver.
all_loaded() {
	grep -q '^ok 1 - mmun: load' "$work/ktap" || return
	! grep -q '^not ok [0-9]* - .*: load$' "$work/ktap"
}

# set_from_status STATUS: Sets the variables outcome, what and how from STATUS, the exit
# status of judge.sh. STATUS is empty if the tests did not run.
set_from_status() {
	outcome=killed
	how=
	case $1 in
	0)	outcome=survived what="everything passed" ;;
	3)	blame_test panic ;;
	4)	outcome=invalid what="PID 1 was never reached" ;;
	5)	outcome=time-out what=$(line_below failed) how="the guest did not end" ;;
	6)	blame_test splat ;;
	7)	what=$(line_below failed) ;;
	11)	outcome=invalid what=$(sed -n '1s/^# //p' "$work/report") ;;
	'')	outcome=invalid what="the mutant cannot be applied, or the build fails" ;;
	*)	outcome=survived what=$(sed -n '1s/^# //p' "$work/report") ;;
	esac
}

# correct_time_out: Sets the variable outcome to "time-out" if PID 1 ended the test in
# $what. If a test failed by itself before the time-out, correct_time_out sets outcome to
# "killed", because the failed test killed the mutant.
correct_time_out() {
	local failed

	if has_directive TIMEOUT; then
		outcome=time-out how="the test did not end"
	fi
	[ "$outcome" = time-out ] || return 0
	failed=$(failed_test)
	[ -z "$failed" ] || outcome=killed what=$failed
}

# set_outcome STATUS: Sets the variables outcome, what and how. STATUS is the exit status
# of judge.sh, or is empty if the tests did not run. If no test failed and the kernel did
# not complain, the outcome is "survived", even if judge.sh rejects the run for another
# reason. If the tests could not run, the outcome is "invalid".
set_outcome() {
	set_from_status "$1"
	if [ "$1" != 11 ] && [ -e "$work/ktap" ] && [ ! -s "$work/ktap" ]; then
		outcome=invalid what="PID 1 was never reached"
	elif [ -s "$work/ktap" ] && ! all_loaded; then
		outcome=invalid what="a module does not load"
	else
		! has_directive HANG || how="tasks are blocked for good"
		correct_time_out
	fi
}
