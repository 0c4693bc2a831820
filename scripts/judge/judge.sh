#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Step 5 of kselftest.sh: judge a run.
#
# usage: judge.sh RESULT
#
# RESULT has the files that boot.sh wrote: console.log, ktap.log, verdict, qemu.log, meta and
# config. Prints each complaint in lines that start with "# ", and ends with the line
# "N passed, N failed, N skipped". The exit status is 0 if the run passed, and otherwise
# the first of these that applies:
#
#	2	not a result directory
#	3	the kernel panicked
#	11	QEMU or User-Mode Linux failed; its message is the complaint
#	4	PID 1 was never reached
#	5	the time ran out
#	6	the kernel complained
#	7	a test failed
#	8	the KTAP is incomplete
#	9	a skip that scripts/judge/allowed-skips does not allow
#	10	there is no verdict, or it has a wrong nonce, or it is fail

. "${0%/*}/../lib.sh"
. "$SCRIPTS/judge/version.sh"

result=$1
CONSOLE_LINES=40
shopt -s extglob
ALLOWED_SKIPS=${ALLOWED_SKIPS:-$SCRIPTS/judge/allowed-skips}
status=0

# The first complaint decides the exit status.
complain() {
	[ "$status" != 0 ] || status=$1
	echo "# ${2//$'\n'/$'\n# '}"
}

# count KIND: of records. grep returns 1 if the count is 0.
count() {
	grep -c "^$1	" <<<"$records" || [ $? = 1 ]
}

# QEMU has not failed if it was killed because the time was over. User-Mode Linux aborts
# when the kernel panics. If User-Mode Linux does not start, its last line is the reason.
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
	local found

	# grep returns 1 if there is no such line, and more if it failed.
	found=$(grep -am 1 'Kernel panic' "$result/console.log" || [ $? = 1 ])
	[ -z "$found" ] || complain 3 "the kernel panicked"
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
		complain 5 "no end after $(value seconds "$result/meta") seconds"
}

# expressions TABLE: Prints the lines that start in the first column, without comments and
# the entry "-".
expressions() {
	sed '/^[#[:blank:]-]/d' "$SCRIPTS/judge/$1"
}

# grep returns 1 if there is no such line, and more if it failed.
splats() {
	local complaints allowed

	complaints=$(expressions splats)
	allowed=$(expressions splats-allowed)
	awk -f "$SCRIPTS/judge/kcsan.awk" "$result/console.log" |
		{ grep -nE "$complaints" || [ $? = 1 ]; } | awk -f "$SCRIPTS/judge/frames.awk" |
		{ grep -vE "$allowed" || [ $? = 1 ]; }
}

judge_splats() {
	[ -n "$found" ] || return 0
	complain 6 "the kernel complained (console.log):"
	head -n 20 <<<"$found" | sed 's/^/#   /'
}

# Reports of KCSAN about other parts of the kernel are printed and do not fail the run.
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

# find_permission NAME REASON: sets permitted to yes or no.
find_permission() {
	local name=$1 reason=$2 glob condition

	permitted=no
	while read -r glob condition _; do
		# shellcheck disable=SC2053 # this is a glob
		if [[ $name == $glob ]] && holds "$condition" "$reason"; then
			permitted=yes
		fi
	done <<<"$allowed_skips"
}

# holds CONDITION REASON: see allowed-skips. Each branch is a predicate: errexit is off here.
holds() {
	case $1 in
	always)		true ;;
	CONFIG_*'!=y')	lacks "${1%!=y}" y && names "${1%!=y}" "$2" ;;
	CONFIG_*)	! lacks "$1" ym && names "$1" "$2" ;;
	'!CONFIG_'*)	lacks "${1#!}" ym && names "${1#!}" "$2" ;;
	MEM!=*)		[ "$mem" != "${1#*=}" ] ;;
	SMP=*)		[ "$smp" = "${1#*=}" ] ;;
	before-*)	is_older "$release" "${1#before-}" ;;
	*)		die "allowed-skips: unknown condition $1" ;;
	esac
}

# lacks CONFIG_X VALUES: is X set to none of these letters?
lacks() {
	[[ $config != *$'\n'"$1="[$2]* ]]
}

# names CONFIG_X REASON: does the reason contain the word?
names() {
	[[ $2 =~ $1($|[^A-Z0-9_]) ]]
}

# There must be one line of each guest, and no other line.
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
	[ -e "$result/$file" ] || die "$result: no $file"
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
lacks CONFIG_UML y || emulator="User-Mode Linux"
allowed_skips=$(sed '/^#/d' "$ALLOWED_SKIPS")
found=$(splats)
blamed=$(awk -f "$SCRIPTS/judge/blame.awk" "$result/console.log" - <<<"$found")
records=$(awk -f "$SCRIPTS/judge/ktap.awk" - "$result/ktap.log" <<<"$blamed")
passed=$(count pass)
failed=$(count fail)
skipped=$(count skip)
judge_panic
judge_qemu
judge_start
judge_time
judge_splats
judge_tests
judge_plan
judge_skips
judge_verdict
list_races
[ "$status" = 0 ] || show_console
echo "$passed passed, $failed failed, $skipped skipped"
exit "$status"
