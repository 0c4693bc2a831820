# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Functions that print the results of a test of the runner as KTAP. To be sourced after
# lib.sh.

number=0
failures=0

# begin_results NAME: Prints the version of KTAP. NAME is in the line of each result.
begin_results() {
	subject=$1
	echo "KTAP version 1"
}

# result STATUS TITLE [DETAILS]: Prints the result of the test TITLE. STATUS 0 is a pass.
# For another STATUS prints a failure, and DETAILS.
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

# check TITLE COMMAND...: Prints the result of the test TITLE, which passes if COMMAND
# returns 0.
check() {
	if "${@:2}"; then
		result 0 "$1"
	else
		result 1 "$1"
	fi
}

# no_complaints TITLE COMPLAINTS: Prints the result of the test TITLE, which passes if the
# text COMPLAINTS is empty.
no_complaints() {
	local status=0

	[ -z "$2" ] || status=1
	result "$status" "$1" "$2"
}

# end_results: Prints the plan. Exits with status 1 if a result failed.
end_results() {
	echo "1..$number"
	exit "$((failures != 0))"
}
