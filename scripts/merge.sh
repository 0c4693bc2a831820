#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The KTAP of guests that run side by side becomes the KTAP of one run.
#
# usage: merge.sh GUESTS PROGRAMS FILE
#
# Reads lines "GUEST LINE" of GUESTS guests, which run PROGRAMS programs in all; GUEST is
# a number from 1 on. Writes to stdout and to FILE. A line without a number is a message
# of boot.sh: the line goes to stderr, once.
#
# The block of a program is what its guest printed for it, from the first line to
# "# NAME: SECONDS s". A block is written when it is whole. load, unload and leaks are one
# result each, which is ok if it is ok in every guest. What belongs to no result, because
# a guest did not get there, comes last: the plan is not kept then.

. "${0%/*}/lib.sh"
. "$SCRIPTS/progress.sh"

guests=$1
programs=$2
file=$3
number=0
current=booting
# Has the result of load been written? Blocks that are whole before it wait.
loaded=
waiting=()
bails=
declare -A seen=()
# Of each guest: the lines before a result, the result and its name, the lines after
declare -A before=() good=() name=() rest=() after=()
# Of load, unload and leaks: notes, and how many guests said ok and not ok
declare -A notes=() right=() wrong=()

# put TEXT: lines, each with its end.
put() {
	[ -n "$1" ] || return 0
	printf '%s' "$1" >>"$file"
	clear_progress
	printf '%s' "$1"
}

# put_plan: once, when the first guest begins.
put_plan() {
	[ -s "$file" ] || put "KTAP version 1"$'\n'"1..$((programs + 3))"$'\n'
}

# put_result BEFORE GOOD REST AFTER
put_result() {
	number=$((number + 1))
	put "$1$2 $number - mmun: $3"$'\n'"$4"
}

# put_check NAME: the result of all guests, if they have one.
put_check() {
	if [ "${wrong[$1]:-0}" != 0 ]; then
		put_result "${notes[$1]:-}" "not ok" "$1" ""
	elif [ "${right[$1]:-0}" = "$guests" ]; then
		put_result "${notes[$1]:-}" ok "$1" ""
	else
		put "${notes[$1]:-}"
	fi
}

end_loading() {
	local i

	put_check load
	loaded=1
	for ((i = 0; i < ${#waiting[@]}; i += 4)); do
		put_result "${waiting[@]:i:4}"
	done
}

# count_check GUEST NAME
count_check() {
	notes[$2]+=${before[$1]}${after[$1]}
	if [ "${good[$1]}" = ok ]; then
		right[$2]=$((${right[$2]:-0} + 1))
	else
		wrong[$2]=$((${wrong[$2]:-0} + 1))
	fi
	if [ "$2" = load ] && [ $((${right[load]:-0} + ${wrong[load]:-0})) = "$guests" ]; then
		end_loading
	fi
}

# end_block GUEST: what the guest printed for the last result is whole.
end_block() {
	local block=("${before[$1]}" "${good[$1]}" "${rest[$1]}" "${after[$1]}")

	case ${name[$1]} in
	'')	return 0 ;;
	load|unload|leaks)
		count_check "$1" "${name[$1]}" ;;
	*)	if [ -n "$loaded" ]; then
			put_result "${block[@]}"
		else
			waiting+=("${block[@]}")
		fi ;;
	esac
	begin_block "$1"
}

begin_block() {
	before[$1]='' good[$1]='' name[$1]='' rest[$1]='' after[$1]=''
}

# take_result GUEST LINE
take_result() {
	end_block "$1"
	good[$1]=${2%% [0-9]*}
	rest[$1]=${2#* - mmun: }
	name[$1]=${rest[$1]%% *}
}

# take GUEST LINE
take() {
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
			[[ $2 != "# ${name[$1]}: "*([0-9.])" s" ]] || end_block "$1" ;;
	*)		end_block "$1"
			before[$1]+=$2$'\n' ;;
	esac
}

# message LINE
message() {
	[ -z "${seen[x$1]:-}" ] || return 0
	seen[x$1]=1
	clear_progress
	printf '%s\n' "$1" >&2
}

finish() {
	local guest left=''

	for ((guest = 1; guest <= guests; guest++)); do
		end_block "$guest"
		left+=${before[$guest]}
	done
	[ -n "$loaded" ] || end_loading
	put_check unload
	put_check leaks
	put "$left$bails"
	clear_progress
}

shopt -s extglob
for ((guest = 1; guest <= guests; guest++)); do
	begin_block "$guest"
done
while IFS= read -r line; do
	if [[ $line == [1-9]*([0-9])' '* ]]; then
		note_current "${line#* }"
		take "${line%% *}" "${line#* }"
	else
		message "$line"
	fi
	show_progress
done
finish
