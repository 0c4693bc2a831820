# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154
#
# The outcome of a run with a mutant. Sourced. The directory $work contains ktap, the
# output of boot.sh, and report, the output of judge.sh.

# below WORDS: the first line below the complaint that starts with these words.
below() {
	sed -n "/^# $1/{n;s/^# *//p;q}" "$work/report"
}

# The first line of the console that the judge reported as a complaint of the kernel.
message() {
	below 'the kernel complained' | cut -d']' -f2- | sed 's/^ *//'
}

# name_test KIND: sets what to the test during which the kernel complained, or to the
# message if no test ran.
name_test() {
	how="$1: $(message)"
	what=$(below failed)
	if [ -z "$what" ]; then
		what=$how
		how=
	fi
}

# has_directive WORD: did PID 1 end the test in $what and report it with this directive?
has_directive() {
	grep -qE "^ *not ok .*[ :]$what # $1\$" "$work/ktap" 2>/dev/null
}

# failed_test: the first test that failed by itself, and that PID 1 did not end.
failed_test() {
	sed -nE '/^  not ok [0-9]+ [^#]*$/{s/^  not ok [0-9]+ (- )?//p;q}' "$work/ktap"
}

# loads: Returns 0 if all modules were loaded. The first result is about the driver.
loads() {
	grep -q '^ok 1 - mmun: load' "$work/ktap" || return
	! grep -q '^not ok [0-9]* - .*: load$' "$work/ktap"
}

# A status of judge.sh, or nothing if there was no run.
name_status() {
	outcome=killed
	how=
	case $1 in
	0)	outcome=survived what="everything passed" ;;
	3)	name_test panic ;;
	4)	outcome=invalid what="PID 1 was never reached" ;;
	5)	outcome=time-out what=$(below failed) how="the guest did not end" ;;
	6)	name_test splat ;;
	7)	what=$(below failed) ;;
	11)	outcome=invalid what=$(sed -n '1s/^# //p' "$work/report") ;;
	'')	outcome=invalid what="it cannot be applied, or does not build" ;;
	*)	outcome=survived what=$(sed -n '1s/^# //p' "$work/report") ;;
	esac
}

# A test that failed by itself noticed the mutant, even if the guest did not end then.
name_time_out() {
	local failed

	if has_directive TIMEOUT; then
		outcome=time-out how="the test did not end"
	fi
	[ "$outcome" = time-out ] || return 0
	failed=$(failed_test)
	[ -z "$failed" ] || outcome=killed what=$failed
}

# name_outcome STATUS: sets outcome, what to the reason, and how to the complaint if $what
# is a test that did not fail by itself. A run that ends without a failed test and without
# a complaint of the kernel proves nothing.
name_outcome() {
	name_status "$1"
	if [ "$1" != 11 ] && [ -e "$work/ktap" ] && [ ! -s "$work/ktap" ]; then
		outcome=invalid what="PID 1 was never reached"
	elif [ -s "$work/ktap" ] && ! loads; then
		outcome=invalid what="a module does not load"
	else
		! has_directive HANG || how="tasks are blocked for good"
		name_time_out
	fi
}
