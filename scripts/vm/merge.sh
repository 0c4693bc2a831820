#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Merge the KTAP of guests that run in parallel into the KTAP of one run.
#
# usage: merge.sh GUESTS PROGRAMS FILE
#
# merge.sh reads lines "GUEST LINE" from stdin. GUEST is the number of a guest, 1 to
# GUESTS. All guests together run PROGRAMS programs. merge.sh writes the merged KTAP to
# stdout and to FILE. An input line without a number is a message of boot.sh. merge.sh
# writes each message of boot.sh to stderr, and writes the same message only once.
#
# The block of a program is the output of its guest from the first line of the program to
# "# NAME: SECONDS s". merge.sh writes a block when the block is complete. Each guest also
# does the same checks: the load of each module, the unload of each module, and the search
# for leaks. For each check, merge.sh writes one merged result, which is ok if the check
# is ok in every guest. If a guest ends early, merge.sh writes fewer results than planned.
# The lines of a guest that belong to no result are at the end of the merged KTAP.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/vm/progress.sh"

guests=$1
programs=$2
file=$3
# $number is the number of the last result that merge.sh has written
number=0
# $current is the name of the program that runs now, which the line of progress shows
current=booting
# load_checks and unload_checks are the names of the checks that load and unload a module,
# in the order in which PID 1 reports the results
load_checks=()
unload_checks=()
# $loads_written is 1 if merge.sh has written the merged results of all loads of modules.
# The array `waiting` has the complete blocks of programs that merge.sh writes after the
# results of the loads. Each block is four elements of `waiting`, which are the arguments
# of put_result.
loads_written=
waiting=()
# $bails is the lines "Bail out!" of all guests, which merge.sh writes at the end
bails=
# The keys of the array `written` are the messages of boot.sh that merge.sh has already
# written, with an "x" before each message
declare -A written=()
# The open block of each guest, with the number of the guest as the key:
#	result	"ok" or "not ok"
#	name	the name of the program or check
#	rest	the line of the result without "ok" and the number
#	before	the lines before the line of the result
#	after	the lines after the line of the result
declare -A result=() name=() rest=() before=() after=()
# The results of each check, with the name of the check as the key:
#	notes		the lines of all guests before and after the result
#	nr_ok		the number of guests in which the check was ok
#	nr_not_ok	the number of guests in which the check was not ok
declare -A notes=() nr_ok=() nr_not_ok=()

# put TEXT: Writes TEXT, one or more complete lines, to stdout and to FILE.
put() {
	[ -n "$1" ] || return 0
	printf '%s' "$1" >>"$file"
	clear_progress
	printf '%s' "$1"
}

# name_results: Sets the arrays load_checks and unload_checks to the names that PID 1
# gives to the loads and unloads of modules.
name_results() {
	local i modules name

	find_modules
	for i in "${!modules[@]}"; do
		name=${modules[i]#*/}
		[ "$i" != 0 ] || name=mmun
		load_checks+=("${name%.ko}: load")
		unload_checks=("${name%.ko}: unload" "${unload_checks[@]}")
	done
}

# put_plan: Writes the version of KTAP and the plan of KTAP, if FILE is empty.
put_plan() {
	local nr_checks=$((${#load_checks[@]} + ${#unload_checks[@]} + 1))

	[ -s "$file" ] || put "KTAP version 1"$'\n'"1..$((programs + nr_checks))"$'\n'
}

# put_result BEFORE RESULT REST AFTER: Writes the lines BEFORE, the line of the result
# "RESULT NUMBER - REST", and the lines AFTER.
put_result() {
	number=$((number + 1))
	put "$1$2 $number - $3"$'\n'"$4"
}

# put_check NAME: Writes the merged result of the check NAME, after the notes of all
# guests for this check. The result is "not ok" if the check failed in a guest, and "ok"
# if the check passed in all guests. If no guest failed and a guest reported no result,
# put_check writes only the notes.
put_check() {
	if [ "${nr_not_ok[$1]:-0}" != 0 ]; then
		put_result "${notes[$1]:-}" "not ok" "$1" ""
	elif [ "${nr_ok[$1]:-0}" = "$guests" ]; then
		put_result "${notes[$1]:-}" ok "$1" ""
	else
		put "${notes[$1]:-}"
	fi
}

# put_checks NAME...: Calls put_check for each check NAME.
put_checks() {
	local name

	for name; do
		put_check "$name"
	done
}

# end_loading: Writes the merged results of all loads of modules, and then the blocks that
# merge.sh has kept in the array `waiting`.
end_loading() {
	local i

	put_checks "${load_checks[@]}"
	loads_written=1
	for ((i = 0; i < ${#waiting[@]}; i += 4)); do
		put_result "${waiting[@]:i:4}"
	done
}

# is_check NAME: Returns 0 if NAME is a check that each guest does once, and 1 if NAME is
# a program.
is_check() {
	[[ $1 = @(*': load'|*': unload'|'mmun: leaks') ]]
}

# count_check GUEST NAME: Counts the result of the check NAME in GUEST. Calls end_loading
# if all guests have reported the result of the last load.
count_check() {
	notes[$2]+=${before[$1]}${after[$1]}
	if [ "${result[$1]}" = ok ]; then
		nr_ok[$2]=$((${nr_ok[$2]:-0} + 1))
	else
		nr_not_ok[$2]=$((${nr_not_ok[$2]:-0} + 1))
	fi
	if [ "$2" = "${load_checks[-1]}" ] &&
	   [ $((${nr_ok[$2]:-0} + ${nr_not_ok[$2]:-0})) = "$guests" ]; then
		end_loading
	fi
}

# end_block GUEST: Ends the open block of GUEST, and opens an empty block. If the ended
# block is about a check, counts the result of the check. If the ended block is about a
# program, writes the block, or appends the block to the array `waiting` if not all loads
# of modules are written yet.
end_block() {
	local block=("${before[$1]}" "${result[$1]}" "${rest[$1]}" "${after[$1]}")

	[ -n "${name[$1]}" ] || return 0
	if is_check "${name[$1]}"; then
		count_check "$1" "${name[$1]}"
	elif [ -n "$loads_written" ]; then
		put_result "${block[@]}"
	else
		waiting+=("${block[@]}")
	fi
	begin_block "$1"
}

# begin_block GUEST: Opens an empty block for GUEST.
begin_block() {
	before[$1]='' result[$1]='' name[$1]='' rest[$1]='' after[$1]=''
}

# take_result GUEST LINE: Handles LINE, a line of GUEST that begins with "ok" or "not ok".
take_result() {
	end_block "$1"
	result[$1]=${2%% [0-9]*}
	rest[$1]=${2#* - }
	name[$1]=${rest[$1]%% #*}
	# A block of a check ends at the line of the result, because the notes of the
	# check are before this line.
	! is_check "${name[$1]}" || end_block "$1"
}

# take_line GUEST LINE: Handles LINE, a line of the KTAP of GUEST.
take_line() {
	case $2 in
	KTAP*)		put_plan ;;
	1..*)		;;
	'Bail out!'*)	end_block "$1"
			bails+=$2$'\n' ;;
	ok\ * | 'not ok '*)
			take_result "$1" "$2" ;;
	'# '*)		if [ -z "${name[$1]}" ]; then
				before[$1]+=$2$'\n'
				return
			fi
			after[$1]+=$2$'\n'
			[[ $2 != "# ${name[$1]#mmun: }: "*([0-9.])" s" ]] || end_block "$1" ;;
	*)		end_block "$1"
			before[$1]+=$2$'\n' ;;
	esac
}

# put_message LINE: Writes LINE, a message of boot.sh, unless put_message has written the
# same message before.
put_message() {
	[ -z "${written[x$1]:-}" ] || return 0
	written[x$1]=1
	clear_progress
	printf '%s\n' "$1" >&2
}

# finish: When all guests have ended, writes all results and lines that merge.sh has not
# written yet.
finish() {
	local guest left=''

	for ((guest = 1; guest <= guests; guest++)); do
		end_block "$guest"
		left+=${before[$guest]}
	done
	[ -n "$loads_written" ] || end_loading
	put_checks "${unload_checks[@]}" "mmun: leaks"
	put "$left$bails"
	clear_progress
}

shopt -s extglob
name_results
for ((guest = 1; guest <= guests; guest++)); do
	begin_block "$guest"
done
while IFS= read -r line; do
	if [[ $line == [1-9]*([0-9])' '* ]]; then
		note_current "${line#* }"
		take_line "${line%% *}" "${line#* }"
	else
		put_message "$line"
	fi
	show_progress
done
finish
