# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Functions that print the results of a test of the runner as KTAP. A test sources
# results.sh after lib.sh.

number=0
failures=0

# begin_results NAME: Prints the version of KTAP. The line of each result contains NAME.
begin_results() {
	subject=$1
	echo "KTAP version 1"
}

# result STATUS TITLE [DETAILS]: Prints the result of the test TITLE. result prints "ok"
# if STATUS is 0, and "not ok" and DETAILS if STATUS is another number.
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

# end_results: Prints the plan of KTAP. end_results exits with status 1 if a result was
# "not ok".
end_results() {
	echo "1..$number"
	exit "$((failures != 0))"
}
