#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Judge whether a run of the tests in a guest has passed. judge.sh is step 5 of
# kselftest.sh.
#
# usage: judge.sh RESULT
#
# RESULT is the directory with the files that boot.sh wrote: console.log, ktap.log,
# verdict, qemu.log, meta and config. A complaint is a reason why the run fails. judge.sh
# prints each complaint in lines that start with "# ". The last line of the output is "N
# passed, N failed, N skipped". An expected failure counts as passed. The exit status of
# judge.sh is 0 if the run passed. If the run failed, the exit status is the first status
# in this list that applies:
#
#	2	not a result directory
#	3	the kernel panicked
#	11	QEMU or User-Mode Linux failed; its message is the complaint
#	4	PID 1 was never reached
#	5	the time ran out
#	6	the kernel complained
#	7	a test failed
#	8	the KTAP is incomplete
#	9	a skip that scripts/judge/allowed-skips does not allow, or an expected
#		failure that scripts/judge/expected-failures does not allow
#	10	there is no verdict, or it has a wrong nonce, or it is fail

. "${0%/*}/../lib.sh"
. "$SCRIPTS/judge/version.sh"

result=$1
CONSOLE_LINES=40
shopt -s extglob
ALLOWED_SKIPS=${ALLOWED_SKIPS:-$SCRIPTS/judge/allowed-skips}
EXPECTED_FAILURES=${EXPECTED_FAILURES:-$SCRIPTS/judge/expected-failures}
# The directory of patches/ whose patch the kernel has
FIXED=${FIXED:-none}
status=0

# complain STATUS TEXT: Prints TEXT as a complaint. Sets the exit status of judge.sh to
# STATUS if TEXT is the first complaint.
complain() {
	[ "$status" != 0 ] || status=$1
	echo "# ${2//$'\n'/$'\n# '}"
}

# count_records KIND: Prints the number of records of type KIND; ktap.awk lists the types.
# If there is no record of type KIND, grep prints 0 and returns 1.
count_records() {
	grep -c "^$1	" <<<"$records" || [ $? = 1 ]
}

# judge_qemu: Complains if QEMU or User-Mode Linux failed by itself. If the time ran out,
# judge_qemu does not complain, because boot.sh has killed QEMU. If the kernel panicked,
# judge_qemu does not complain, because User-Mode Linux aborts when its kernel panics. If
# User-Mode Linux does not start, judge_qemu prints the last line of the output of
# User-Mode Linux as the reason. judge_qemu ends judge.sh if QEMU failed before the guest
# printed any KTAP.
judge_qemu() {
	local message

	if [ "$ended" != exit ] || [ "$qemu" = 0 ] || [ "$status" != 0 ]; then
		return 0
	fi
	message=$(sed '/: warning: /d' "$result/qemu.log")
	[ "$emulator" = QEMU ] || message=$(sed '/^$/d' <<<"$message" | tail -n 1)
	message=${message:-: exit status $qemu, and no message}
	complain 11 "$emulator: ${message#*: }"
	if [ ! -s "$result/ktap.log" ]; then
		echo "0 passed, 0 failed, 0 skipped"
		exit 11
	fi
}

judge_panic() {
	local panic

	# grep returns 1 if no line matches, and 2 if grep failed.
	panic=$(grep -am 1 'Kernel panic' "$result/console.log" || [ $? = 1 ])
	[ -z "$panic" ] || complain 3 "the kernel panicked"
}

judge_start() {
	if [ ! -s "$result/ktap.log" ]; then
		complain 4 "PID 1 was never reached"
	elif [ "${silent:-0}" != 0 ]; then
		complain 4 "PID 1 was never reached in $silent of $guests guests"
	fi
}

judge_time() {
	[ "$ended" != timeout ] ||
		complain 5 "the guest did not end in $(value seconds "$result/meta") seconds"
}

# expressions TABLE: Prints the regular expressions of the file TABLE. Each line that
# starts in the first column is a regular expression, except comments and the entry "-".
expressions() {
	sed '/^[#[:blank:]-]/d' "$SCRIPTS/judge/$1"
}

# list_splats: Prints the splats, which are the complaints of the kernel, with line
# numbers. A splat is a line of the console that matches an expression in the table
# splats, and no expression in the table splats-allowed. grep returns 1 if no line
# matches, and 2 if grep failed.
list_splats() {
	local expressions allowed

	expressions=$(expressions splats)
	allowed=$(expressions splats-allowed)
	awk -f "$SCRIPTS/judge/kcsan.awk" "$result/console.log" |
		{ grep -nE "$expressions" || [ $? = 1 ]; } | awk -f "$SCRIPTS/judge/frames.awk" |
		{ grep -vE "$allowed" || [ $? = 1 ]; }
}

judge_splats() {
	[ -n "$splats" ] || return 0
	complain 6 "the kernel complained (console.log):"
	head -n 20 <<<"$splats" | sed 's/^/#   /'
}

# list_races: Prints the data races that KCSAN reported in parts of the kernel that do not
# concern notifiers. Data races that do not concern notifiers do not make the run fail.
list_races() {
	awk -v list=1 -f "$SCRIPTS/judge/kcsan.awk" "$result/console.log" |
		sort | uniq -c | sort -rn |
		sed 's/^ */# KCSAN, not about notifiers: /'
}

judge_tests() {
	local kind name

	[ "$failed" = 0 ] || complain 7 "failed:"
	while IFS=$'\t' read -r kind name; do
		case $kind in
		fail)	echo "#   $name" ;;
		diag)	echo "#     $name" ;;
		esac
	done <<<"$records"
}

judge_plan() {
	local kind what

	while IFS=$'\t' read -r kind what; do
		[ "$kind" != broken ] || complain 8 "KTAP: $what"
	done <<<"$records"
	[ "$passed" != 0 ] || [ "$status" != 0 ] ||
		complain 8 "no test ran"
}

judge_skips() {
	local kind name reason

	while IFS=$'\t' read -r kind name reason; do
		[ "$kind" = skip ] || continue
		find_permission "$name" "$reason"
		[ "$permitted" = yes ] ||
			complain 9 "unexpected skip: $name${reason:+: $reason}"
	done <<<"$records"
}

# judge_expected_failures: Prints the reasons of the tests that ended with an expected
# failure. Complains about each of these tests that no row of expected-failures allows.
judge_expected_failures() {
	local kind name reason

	while IFS=$'\t' read -r kind name reason; do
		if [ "$kind" = xfail ] && ! is_expected "$name" "$reason"; then
			complain 9 "unexpected failure: $name${reason:+: $reason}"
		fi
	done <<<"$records"
	awk -F '\t' '$1 == "xfail" && !count[$3]++ { order[++reasons] = $3 }
		END { for (i = 1; i <= reasons; i++)
			print "# " count[order[i]] " expected failure" \
				(count[order[i]] > 1 ? "s: " : ": ") order[i] }' \
		<<<"$records"
}

# is_expected NAME REASON: Returns 0 if a row of expected-failures allows the test NAME to
# fail: the condition of the row is true, the message REASON names the directory of the
# row, and the kernel has no patch of this directory.
is_expected() {
	local glob condition dir

	while read -r glob condition dir; do
		# shellcheck disable=SC2053 # this is a glob
		if [[ $1 == $glob && $2 == *", see $dir" && $dir != "$FIXED" ]] &&
			condition_holds "$condition" "$2"; then
			return 0
		fi
	done <<<"$expected_failures"
	return 1
}

# find_permission NAME REASON: Sets $permitted to "yes" if a row of allowed-skips allows
# the test NAME to skip with the message REASON. Sets $permitted to "no" if no row allows
# the skip.
find_permission() {
	local name=$1 reason=$2 glob condition

	permitted=no
	while read -r glob condition _; do
		# shellcheck disable=SC2053 # this is a glob
		if [[ $name == $glob ]] && condition_holds "$condition" "$reason"; then
			permitted=yes
		fi
	done <<<"$allowed_skips"
}

# condition_holds CONDITION REASON: Returns 0 if CONDITION, a condition in the table
# allowed-skips, is true for this run. REASON is the message of the skipped test. Each
# branch of the "case" in condition_holds contains only tests, because errexit is off when
# an "if" calls condition_holds.
condition_holds() {
	case $1 in
	always)		true ;;
	CONFIG_*'!=y')	config_lacks "${1%!=y}" y && reason_names "${1%!=y}" "$2" ;;
	CONFIG_*)	! config_lacks "$1" ym && reason_names "$1" "$2" ;;
	'!CONFIG_'*)	config_lacks "${1#!}" ym && reason_names "${1#!}" "$2" ;;
	MEM!=*)		[ "$mem" != "${1#*=}" ] ;;
	SMP=*)		[ "$smp" = "${1#*=}" ] ;;
	before-*)	is_older "$release" "${1#before-}" ;;
	*)		die "allowed-skips: unknown condition $1" ;;
	esac
}

# config_lacks CONFIG_X LETTERS: Returns 0 if the configuration of the kernel sets
# CONFIG_X to no letter in LETTERS. For example, LETTERS is "ym" for y and m.
config_lacks() {
	[[ $config != *$'\n'"$1="[$2]* ]]
}

# reason_names CONFIG_X REASON: Returns 0 if the message REASON contains the word
# CONFIG_X.
reason_names() {
	[[ $2 =~ $1($|[^A-Z0-9_]) ]]
}

# judge_verdict: Complains about each line of the file verdict that does not contain
# "pass" and the nonce of the run. Also complains about each guest for which the file
# verdict has no line. A nonce is a random word that boot.sh gives to PID 1.
judge_verdict() {
	local i lines

	mapfile -t lines <"$result/verdict"
	for ((i = 0; i < guests || i < ${#lines[@]}; i++)); do
		case ${lines[i]:-} in
		"verdict: pass $nonce"?($'\r'))	;;
		"verdict: fail $nonce"?($'\r'))
			complain 10 "the verdict of PID 1 is fail" ;;
		*)	complain 10 "no verdict of PID 1 with the right nonce: ${lines[i]:-none}" ;;
		esac
	done
}

show_console() {
	echo "# the last $CONSOLE_LINES lines of the console:"
	tail -n "$CONSOLE_LINES" "$result/console.log" | tr -d '\r' | sed 's/^/#   /'
}

for file in console.log ktap.log verdict meta config; do
	[ -e "$result/$file" ] || die "$result is not the result of a run: it has no $file"
done
ended=$(value ended "$result/meta")
qemu=$(value qemu "$result/meta")
nonce=$(value nonce "$result/meta")
release=$(value release "$result/meta")
mem=$(value mem "$result/meta")
smp=$(value smp "$result/meta")
guests=$(value guests "$result/meta")
guests=${guests:-1}
silent=$(value silent "$result/meta")
config=$'\n'$(<"$result/config")
emulator=QEMU
config_lacks CONFIG_UML y || emulator="User-Mode Linux"
allowed_skips=$(sed '/^#/d' "$ALLOWED_SKIPS")
expected_failures=$(sed '/^#/d' "$EXPECTED_FAILURES")
splats=$(list_splats)
blamed=$(awk -f "$SCRIPTS/judge/blame.awk" "$result/console.log" - <<<"$splats")
records=$(awk -f "$SCRIPTS/judge/ktap.awk" - "$result/ktap.log" <<<"$blamed")
passed=$(($(count_records pass) + $(count_records xfail)))
failed=$(count_records fail)
skipped=$(count_records skip)
judge_panic
judge_qemu
judge_start
judge_time
judge_splats
judge_tests
judge_plan
judge_skips
judge_expected_failures
judge_verdict
list_races
[ "$status" = 0 ] || show_console
echo "$passed passed, $failed failed, $skipped skipped"
exit "$status"
