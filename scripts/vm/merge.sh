#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Merge the KTAP of guests that run in parallel into the KTAP of one run.
#
# usage: merge.sh GUESTS PROGRAMS FILE
#
# Reads lines "GUEST LINE" of GUESTS guests, which run PROGRAMS programs in all; GUEST is
# a number from 1 on. Writes to stdout and to FILE. A line without a number is a message
# of boot.sh, which is written to stderr once.
#
# The block of a program is the output of its guest from the first line of the program to
# "# NAME: SECONDS s". A block is written when it is complete. The load of a module, its
# unload, and the check for leaks are one result each, which is ok if it is ok in every
# guest. If a guest ends early, its lines without a result are written last, and the number
# of results is less than planned.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/vm/progress.sh"

guests=$1
programs=$2
file=$3
number=0
current=booting
# Results of the modules, in the order of PID 1
loads=()
unloads=()
# Not empty if the results of loading the modules are written. Complete blocks of lines
# wait until then.
loaded=
waiting=()
bails=
declare -A seen=()
# By guest: the lines before a result, the result and its name, the lines after it
declare -A before=() good=() name=() rest=() after=()
# By check: the notes, and the numbers of guests that reported ok and not ok
declare -A notes=() right=() wrong=()

# put TEXT: complete lines.
put() {
	[ -n "$1" ] || return 0
	printf '%s' "$1" >>"$file"
	clear_progress
	printf '%s' "$1"
}

# name_results: sets loads and unloads.
name_results() {
	local i modules name

	find_modules
	for i in "${!modules[@]}"; do
		name=${modules[i]#*/}
		[ "$i" != 0 ] || name=mmun
		loads+=("${name%.ko}: load")
		unloads=("${name%.ko}: unload" "${unloads[@]}")
	done
}

# put_plan: when the first guest begins.
put_plan() {
	[ -s "$file" ] || put "KTAP version 1"$'\n'"1..$((programs + ${#loads[@]} + ${#unloads[@]} + 1))"$'\n'
}

# put_result BEFORE GOOD REST AFTER
put_result() {
	number=$((number + 1))
	put "$1$2 $number - $3"$'\n'"$4"
}

# put_check NAME: the result of all guests, or only the notes if a guest reported none.
put_check() {
	if [ "${wrong[$1]:-0}" != 0 ]; then
		put_result "${notes[$1]:-}" "not ok" "$1" ""
	elif [ "${right[$1]:-0}" = "$guests" ]; then
		put_result "${notes[$1]:-}" ok "$1" ""
	else
		put "${notes[$1]:-}"
	fi
}

put_checks() {
	local name

	for name; do
		put_check "$name"
	done
}

end_loading() {
	local i

	put_checks "${loads[@]}"
	loaded=1
	for ((i = 0; i < ${#waiting[@]}; i += 4)); do
		put_result "${waiting[@]:i:4}"
	done
}

# is_check NAME: is it a check that each guest does once, and not a program?
is_check() {
	[[ $1 = @(*': load'|*': unload'|'mmun: leaks') ]]
}

# count_check GUEST NAME
count_check() {
	notes[$2]+=${before[$1]}${after[$1]}
	if [ "${good[$1]}" = ok ]; then
		right[$2]=$((${right[$2]:-0} + 1))
	else
		wrong[$2]=$((${wrong[$2]:-0} + 1))
	fi
	if [ "$2" = "${loads[-1]}" ] &&
	   [ $((${right[$2]:-0} + ${wrong[$2]:-0})) = "$guests" ]; then
		end_loading
	fi
}

# end_block GUEST: the block of the last result is complete.
end_block() {
	local block=("${before[$1]}" "${good[$1]}" "${rest[$1]}" "${after[$1]}")

	[ -n "${name[$1]}" ] || return 0
	if is_check "${name[$1]}"; then
		count_check "$1" "${name[$1]}"
	elif [ -n "$loaded" ]; then
		put_result "${block[@]}"
	else
		waiting+=("${block[@]}")
	fi
	begin_block "$1"
}

begin_block() {
	before[$1]='' good[$1]='' name[$1]='' rest[$1]='' after[$1]=''
}

# take_result GUEST LINE
take_result() {
	end_block "$1"
	good[$1]=${2%% [0-9]*}
	rest[$1]=${2#* - }
	name[$1]=${rest[$1]%% #*}
	# A check has its notes before the result.
	! is_check "${name[$1]}" || end_block "$1"
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
			[[ $2 != "# ${name[$1]#mmun: }: "*([0-9.])" s" ]] || end_block "$1" ;;
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
	put_checks "${unloads[@]}" "mmun: leaks"
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
		take "${line%% *}" "${line#* }"
	else
		message "$line"
	fi
	show_progress
done
finish
