# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The results of a test of the runner, as KTAP on stdout. Sourced after lib.sh.

number=0
failures=0

# results_of NAME: begin the results; NAME is in each line.
results_of() {
	subject=$1
	echo "KTAP version 1"
}

# result STATUS TITLE [WHY]: 0 is good; WHY is shown if it is not.
result() {
	number=$((number + 1))
	if [ "$1" = 0 ]; then
		echo "ok $number - $subject: $2"
		return
	fi
	failures=$((failures + 1))
	echo "not ok $number - $subject: $2"
	[ -z "${3:-}" ] || echo "#   ${3//$'\n'/$'\n'#   }"
}

# check TITLE COMMAND...: it returns 0.
check() {
	if "${@:2}"; then
		result 0 "$1"
	else
		result 1 "$1"
	fi
}

# silent TITLE COMPLAINTS: there are none.
silent() {
	local status=0

	[ -z "$2" ] || status=1
	result "$status" "$1" "$2"
}

# end_results: none follows.
end_results() {
	echo "1..$number"
	exit "$((failures != 0))"
}
