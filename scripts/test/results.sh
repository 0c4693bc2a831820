# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Functions that print the results of a test of the runner as KTAP. To be sourced after
# lib.sh.

number=0
failures=0

# results_of NAME: Begins the results. NAME is in the line of each result.
results_of() {
	subject=$1
	echo "KTAP version 1"
}

# result STATUS TITLE [DETAILS]: Prints a result. STATUS 0 is a pass, other numbers are a
# failure, with DETAILS.
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

# check TITLE COMMAND...: Passes if COMMAND returns 0.
check() {
	if "${@:2}"; then
		result 0 "$1"
	else
		result 1 "$1"
	fi
}

# silent TITLE COMPLAINTS: Passes if COMPLAINTS is empty.
silent() {
	local status=0

	[ -z "$2" ] || status=1
	result "$status" "$1" "$2"
}

# end_results: Prints the plan. Exits with status 1 if a result failed.
end_results() {
	echo "1..$number"
	exit "$((failures != 0))"
}
