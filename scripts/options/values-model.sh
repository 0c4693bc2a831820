# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
#
# What a variable may be: configurations of actors and schedules, in the grammar
# of tools/testing/selftests/mmun/model/schedule.c. Sourced by start.sh after values.sh.

# The actors and the limits of model.h
ROLES='reader rA, rB, rC or rD; iA, dA and so on; madvise02, munmap02, mprotect02 or mremap02; fork; reaper; exit'
ROLE_NAMES=$'madvise02\nmunmap02\nmprotect02\nmremap02\nfork\nreaper\nexit\nrA\niA\ndA'
MODEL_ACTORS=8
SCHEDULE_STEPS=200
SCHEDULE_TEXT=1023

# is_role TEXT: one actor.
is_role() {
	[[ $1 =~ ^([rid][A-D]|(madvise|munmap|mprotect|mremap)[0-5][0-5]|fork|reaper|exit)$ &&
	   ! ( $1 =~ ([0-9])([0-9])$ && ${BASH_REMATCH[1]-0} -gt ${BASH_REMATCH[2]-0} ) ]]
}

is_mutator() {
	[[ $1 = m* || $1 = fork ]]
}

# are_apart A B: neither pages in common, nor two calls that only empty them.
are_apart() {
	[[ ${1: -1} -lt ${2: -2:1} || ${2: -1} -lt ${1: -2:1} ||
	   ( $1 = madvise* && $2 = madvise* ) ]]
}

# get_along A B: refuse two actors that cannot be in one configuration.
get_along() {
	case $1:$2 in
	i*:i*)
		[ "$1" != "$2" ] || refuse "$1 inserts a range twice" ;;
	[rid]*:* | *:rA | *:r[B-D] | *:[id]*)
		[[ $1:$2 != reaper:[mfe]* && $1:$2 != reaper:reaper ]] ||
			refuse "$1 and $2 do not go together" ;;
	exit:* | *:exit | *:reaper)
		refuse "$1 and $2 do not go together" ;;
	fork:madvise* | madvise*:fork)
		;;
	fork:* | *:fork)
		refuse "fork goes with madvise alone, not with $1,$2" ;;
	*)
		are_apart "$1" "$2" || refuse "$1 and $2 meet on a page" ;;
	esac
}

# check_roles ROLE...: which ranges exist at first, and which actors are together.
check_roles() {
	local i j roles=("$@") live=AC mutators=0 role

	[ $# -le "$MODEL_ACTORS" ] || refuse "$MODEL_ACTORS actors at most"
	for ((i = 0; i < $#; i++)); do
		role=${roles[i]}
		[[ $role != [rd]? ]] || live+=${role:1}
		! is_mutator "$role" || mutators=$((mutators + 1))
		for ((j = 0; j < i; j++)); do
			get_along "${roles[j]}" "$role"
		done
	done
	for role; do
		[[ $role != i? ]] || live=${live//${role:1}/}
	done
	[ "$mutators" -le 2 ] || refuse "two mutators at most"
	[ -n "$live" ] || refuse "no range is there at first: all are inserted"
}

# check_configuration TEXT: "madvise02,rA,rC".
check_configuration() {
	local role roles

	IFS=, read -ra roles <<<"$1,"
	[ ${#roles[@]} != 0 ] || refuse "a configuration has no actor"
	for role in "${roles[@]}"; do
		is_role "$role" || refuse_unknown "$role" actor "$ROLE_NAMES" \
			"there are $ROLES (pages 0 to 5, the first not after the last)"
	done
	check_roles "${roles[@]}"
}

# check_actors: configurations with spaces between.
check_actors() {
	local text texts

	[[ $value != *$'\n'* ]] || refuse "expected one line"
	read -ra texts <<<"$value"
	[ ${#texts[@]} != 0 ] || refuse "there is no configuration in this"
	for text in "${texts[@]}"; do
		[[ $text != *-* ]] || refuse "expected configurations alone; a schedule goes into SCHEDULE"
		check_configuration "$text"
	done
}

# set_letter ROLE: sets $letter, what the actor is called in a schedule.
set_letter() {
	case $1 in
	reaper)	letter=P ;;
	exit)	letter=X ;;
	fork)	letter=M ;;
	*)	letter=${1:0:1}
		letter=${letter^} ;;
	esac
}

# check_steps CONFIGURATION STEPS: "M0.R0.R1", and each is an actor of it.
check_steps() {
	local role roles letter step steps known=' '
	local -A count=()

	IFS=, read -ra roles <<<"$1,"
	for role in "${roles[@]}"; do
		set_letter "$role"
		known+="$letter${count[$letter]:=0} "
		count[$letter]=$((count[$letter] + 1))
	done
	IFS=. read -ra steps <<<"$2."
	[ ${#steps[@]} -le "$SCHEDULE_STEPS" ] || refuse "$SCHEDULE_STEPS steps at most"
	for step in "${steps[@]}"; do
		[[ $step =~ ^[A-Z][0-9]$ && $known == *" $step "* ]] ||
			refuse "$1 has no actor for the step $(shown "$step"); it has${known% }"
	done
}

# check_schedule: "madvise02,rA-M0.R0".
check_schedule() {
	[[ $value != *[[:space:]]* ]] || refuse "expected one schedule, without spaces"
	[ ${#value} -le "$SCHEDULE_TEXT" ] || refuse "$SCHEDULE_TEXT characters at most"
	check_configuration "${value%%-*}"
	[[ $value != *-* ]] || check_steps "${value%%-*}" "${value#*-}"
}
