#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Merge the KTAP of guests that run in parallel into the KTAP of one run.
#
# usage: merge.sh GUESTS PROGRAMS FILE
#
# Reads lines "GUEST LINE" from stdin. GUEST is the number of a guest, 1 to GUESTS. The
# guests run PROGRAMS programs in all. Writes the KTAP to stdout and to FILE. A line
# without a number is a message of boot.sh. Writes each such message to stderr, and the
# same message only once.
#
# The block of a program is the output of its guest from the first line of the program to
# "# NAME: SECONDS s". A block is written when it is complete. Each guest loads the
# modules, unloads them and checks for leaks. The results of all guests for one of these
# checks are merged into one result, which is ok if the check is ok in every guest. If a
# guest ends early, its lines without a result are written last, and the number of results
# is less than planned.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/vm/progress.sh"

guests=$1
programs=$2
file=$3
# The number of the last result that was written
number=0
# What runs now, for the line of progress
current=booting
# The names of the results of modules, in the order of PID 1
load_checks=()
unload_checks=()
# 1 when the results of all loads are written. Until then complete blocks wait. Four
# elements of waiting are the arguments of put_result for one block.
loads_written=
waiting=()
# The lines "Bail out!", which are written last
bails=
# The messages of boot.sh that were written; the keys begin with "x"
declare -A written=()
# The open block of each guest: "ok" or "not ok", the name of the program or check, the
# rest of the line of the result, and the lines before and after that line
declare -A result=() name=() rest=() before=() after=()
# For each check: its notes, and the numbers of guests in which it was ok and not ok
declare -A notes=() nr_ok=() nr_not_ok=()

# put TEXT: Writes complete lines to stdout and to FILE.
put() {
	[ -n "$1" ] || return 0
	printf '%s' "$1" >>"$file"
	clear_progress
	printf '%s' "$1"
}

# name_results: Sets load_checks and unload_checks to the names that PID 1 uses.
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

# put_plan: Writes the version of KTAP and the plan, unless they are written.
put_plan() {
	local nr_checks=$((${#load_checks[@]} + ${#unload_checks[@]} + 1))

	[ -s "$file" ] || put "KTAP version 1"$'\n'"1..$((programs + nr_checks))"$'\n'
}

# put_result BEFORE RESULT REST AFTER: Writes one result with its lines.
put_result() {
	number=$((number + 1))
	put "$1$2 $number - $3"$'\n'"$4"
}

# put_check NAME: Writes one result for all guests, or only the notes if a guest reported
# no result.
put_check() {
	if [ "${nr_not_ok[$1]:-0}" != 0 ]; then
		put_result "${notes[$1]:-}" "not ok" "$1" ""
	elif [ "${nr_ok[$1]:-0}" = "$guests" ]; then
		put_result "${notes[$1]:-}" ok "$1" ""
	else
		put "${notes[$1]:-}"
	fi
}

# put_checks NAME...: Writes the result of each check.
put_checks() {
	local name

	for name; do
		put_check "$name"
	done
}

# end_loading: Writes the results of all loads, and then the blocks that waited for them.
end_loading() {
	local i

	put_checks "${load_checks[@]}"
	loads_written=1
	for ((i = 0; i < ${#waiting[@]}; i += 4)); do
		put_result "${waiting[@]:i:4}"
	done
}

# is_check NAME: Returns 0 if NAME is a check that each guest does once, and 1 if it is a
# program.
is_check() {
	[[ $1 = @(*': load'|*': unload'|'mmun: leaks') ]]
}

# count_check GUEST NAME: Counts the result that the guest reported for a check. Calls
# end_loading if this was the last result of the last load.
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

# end_block GUEST: Writes the open block of the guest, or lets it wait, and opens a new
# one.
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

# begin_block GUEST: Opens an empty block.
begin_block() {
	before[$1]='' result[$1]='' name[$1]='' rest[$1]='' after[$1]=''
}

# take_result GUEST LINE: Handles a line "ok" or "not ok".
take_result() {
	end_block "$1"
	result[$1]=${2%% [0-9]*}
	rest[$1]=${2#* - }
	name[$1]=${rest[$1]%% #*}
	# A check has its notes before the result.
	! is_check "${name[$1]}" || end_block "$1"
}

# take_line GUEST LINE: Handles a line of KTAP.
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

# put_message LINE: Writes a message of boot.sh, unless it was written before.
put_message() {
	[ -z "${written[x$1]:-}" ] || return 0
	written[x$1]=1
	clear_progress
	printf '%s\n' "$1" >&2
}

# finish: Writes everything that is left when all guests have ended.
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
