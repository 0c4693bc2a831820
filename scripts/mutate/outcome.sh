# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154
#
# What came of a run with something broken on purpose. Sourced. The directory
# $work has ktap, what boot.sh printed, and report, what judge.sh did. The answer
# is in $outcome and $what, and $how is empty unless $what is a test that did not fail by
# itself.

# The first line below a complaint that starts with these words.
below() {
	sed -n "/^# $1/{n;s/^# *//p;q}" "$work/report"
}

# The first message of the kernel that the judge took for a complaint.
message() {
	below 'the kernel complained' | cut -d']' -f2- | sed 's/^ *//'
}

# name_test KIND: the test in whose course it happened, or else the message.
name_test() {
	how="$1: $(message)"
	what=$(below failed)
	if [ -z "$what" ]; then
		what=$how
		how=
	fi
}

# has_directive WORD: did PID 1 end the test in $what itself?
has_directive() {
	grep -qE "^ *not ok .*[ :]$what # $1\$" "$work/ktap" 2>/dev/null
}

# verdict STATUS: sets outcome, what and how. A run that ends without a word of a
# test or of the kernel proves nothing.
verdict() {
	outcome=caught
	how=
	case $1 in
	0)	outcome=MISSED what="everything passed" ;;
	3)	name_test panic ;;
	4)	outcome=invalid what="PID 1 was never reached" ;;
	5)	outcome=TIMEOUT what=$(below failed) how="the guest did not end" ;;
	6)	name_test splat ;;
	7)	what=$(below failed) ;;
	11)	outcome=invalid what=$(sed -n '1s/^# //p' "$work/report") ;;
	'')	outcome=invalid what="it cannot be applied, or does not build" ;;
	*)	outcome=MISSED what=$(sed -n '1s/^# //p' "$work/report") ;;
	esac
	if [ "$1" != 11 ] && [ -e "$work/ktap" ] && [ ! -s "$work/ktap" ]; then
		outcome=invalid what="PID 1 was never reached"
	elif [ -s "$work/ktap" ] &&
	     { ! grep -q '^ok 1 - mmun: load' "$work/ktap" ||
	       grep -q '^not ok [0-9]* - .*: load$' "$work/ktap"; }; then
		outcome=invalid what="a module does not load"
	elif has_directive TIMEOUT; then
		outcome=TIMEOUT how="it did not end, and says no more"
	elif has_directive HANG; then
		how="tasks are blocked for good"
	fi
}
