# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154
#
# What came of a run with something broken on purpose. Sourced. The directory
# $work has ktap, what boot.sh printed, and report, what judge.sh did. The answer
# is in $outcome and $what.

# The first line below a complaint that starts with these words.
below() {
	sed -n "/^# $1/{n;s/^# *//p;q}" "$work/report"
}

# verdict STATUS: sets outcome and what. A run that ends without a word of a
# test or of the kernel proves nothing.
verdict() {
	outcome=caught
	case $1 in
	0)	outcome=MISSED what="everything passed" ;;
	3)	what="panic: $(below 'the kernel complained' | cut -d']' -f2-)" ;;
	4)	outcome=invalid what="PID 1 was never reached" ;;
	5)	outcome=TIMEOUT what="the guest did not end" ;;
	6)	what="splat:$(below 'the kernel complained' | cut -d']' -f2-)" ;;
	7)	what=$(below failed) ;;
	11)	outcome=invalid what=$(sed -n '1s/^# //p' "$work/report") ;;
	'')	outcome=invalid what="it cannot be applied, or does not build" ;;
	*)	outcome=MISSED what=$(sed -n '1s/^# //p' "$work/report") ;;
	esac
	if [ "$1" != 11 ] && [ -e "$work/ktap" ] && [ ! -s "$work/ktap" ]; then
		outcome=invalid what="PID 1 was never reached"
	elif [ -s "$work/ktap" ] &&
	     ! grep -q '^ok 1 - mmun: load' "$work/ktap"; then
		outcome=invalid what="the module does not load"
	elif grep -qF "mmun: $what # TIMEOUT" "$work/ktap" 2>/dev/null; then
		outcome=TIMEOUT what="$what did not end, and says no more"
	fi
}
