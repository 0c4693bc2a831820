# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
#
# Functions that check ACTORS and SCHEDULE with the same grammar as
# tools/testing/selftests/mmun/model/schedule.c. start.sh sources values-model.sh after
# values.sh. An actor is a task of the model, such as a reader. A configuration is a set
# of actors. A schedule is a configuration and an order of the steps of its actors.

# ROLES and ROLE_NAMES have the names of the actors of the model. The other variables are
# the limits of the model
ROLES='reader rA, rB, rC or rD; iA, dA and so on; register0, unregister0, get0, put0, register1 and so on; madvise02, munmap02, mprotect02 or mremap02; fork; reaper; exit'
ROLE_NAMES=$'madvise02\nmunmap02\nmprotect02\nmremap02\nfork\nreaper\nexit\nrA\niA\ndA\nregister0\nunregister0\nget0\nput0'
MODEL_ACTORS=8
MODEL_LISTENERS=4
SCHEDULE_STEPS=200
SCHEDULE_TEXT=1023

# MODEL_KINDS has the kinds of ranges that a configuration can begin with
MODEL_KINDS='two_pass invlock'

# is_role TEXT: Returns 0 if TEXT is the name of an actor (a role), such as rA.
is_role() {
	[[ $1 =~ ^([rid][A-D]|(register|unregister|get|put)[01]|(madvise|munmap|mprotect|mremap)[0-5][0-5]|fork|reaper|exit)$ &&
	   ! ( $1 =~ ([0-9])([0-9])$ && ${BASH_REMATCH[1]-0} -gt ${BASH_REMATCH[2]-0} ) ]]
}

# is_mutator ROLE: Returns 0 if the actor ROLE is a mutator, which is an actor that
# changes the address space.
is_mutator() {
	[[ $1 = m* || $1 = fork ]]
}

# uses_list A B: Returns 0 if the actor A or the actor B uses list notifiers.
uses_list() {
	[[ $1:$2 =~ (^|:)(register|unregister|get|put).(:|$) ]]
}

# may_run_together A B: Returns 0 if the mutators A and B can be in one configuration,
# because A and B have no page in common, or because A and B are both madvise.
may_run_together() {
	[[ ${1: -1} -lt ${2: -2:1} || ${2: -1} -lt ${1: -2:1} ||
	   ( $1 = madvise* && $2 = madvise* ) ]]
}

# check_list_pair A B: Refuses the value if the actors A and B cannot be in one
# configuration. A or B uses list notifiers.
check_list_pair() {
	case $1:$2 in
	reaper:* | *:reaper)
		refuse "a configuration cannot have both $1 and $2" ;;
	register?:register? | unregister?:unregister?)
		[ "$1" != "$2" ] || refuse "two actors $1 use the same list notifier" ;;
	esac
}

# check_pair A B: Refuses the value if the actors A and B cannot be in one configuration.
check_pair() {
	if uses_list "$1" "$2"; then
		check_list_pair "$1" "$2"
		return 0
	fi
	case $1:$2 in
	i*:i*)
		[ "$1" != "$2" ] || refuse "two actors $1 insert the same range" ;;
	[rid]*:* | *:rA | *:r[B-D] | *:[id]*)
		[[ $1:$2 != reaper:[mfe]* && $1:$2 != reaper:reaper ]] ||
			refuse "a configuration cannot have both $1 and $2" ;;
	exit:* | *:exit | *:reaper)
		refuse "a configuration cannot have both $1 and $2" ;;
	fork:madvise* | madvise*:fork)
		;;
	fork:* | *:fork)
		refuse "of the mutators only madvise can be combined with fork, not $1,$2" ;;
	*)
		may_run_together "$1" "$2" || refuse "$1 and $2 have a page in common" ;;
	esac
}

# count_different WORD...: Prints the number of different words.
count_different() {
	local -A seen=()
	local word

	for word; do
		seen[$word]=1
	done
	echo "${#seen[@]}"
}

# check_listeners ROLE...: Refuses the value if the actors ROLE use too many list
# notifiers. The driver of the ranges has a list notifier, and each actor get0 can make
# one.
check_listeners() {
	local role nr=1 used=()

	for role; do
		case $role in
		register? | unregister?)
			used+=("${role: -1}") ;;
		put?)	used+=("$role") ;;
		get?)	nr=$((nr + 1)) ;;
		esac
	done
	nr=$((nr + $(count_different "${used[@]}")))
	[ "$nr" -le "$MODEL_LISTENERS" ] ||
		refuse "a configuration has at most $MODEL_LISTENERS list notifiers, not $nr"
}

# check_roles ROLE...: Refuses the value if the actors ROLE cannot be in one
# configuration, or if no range exists at the start of the configuration.
check_roles() {
	local i j roles=("$@") live=AC mutators=0 role

	[ $# -le "$MODEL_ACTORS" ] || refuse "a configuration has at most $MODEL_ACTORS actors"
	for ((i = 0; i < $#; i++)); do
		role=${roles[i]}
		[[ $role != [rd]? ]] || live+=${role:1}
		! is_mutator "$role" || mutators=$((mutators + 1))
		for ((j = 0; j < i; j++)); do
			check_pair "${roles[j]}" "$role"
		done
	done
	for role; do
		[[ $role != i? ]] || live=${live//${role:1}/}
	done
	[ "$mutators" -le 2 ] || refuse "a configuration has at most two mutators"
	[ -n "$live" ] || refuse "no range exists at the start, because all are inserted"
	check_listeners "$@"
}

# check_kind KIND: Refuses the value if the explorer has no ranges of KIND.
check_kind() {
	[[ -n $1 && " $MODEL_KINDS " = *" $1 "* ]] ||
		refuse_unknown "$1" 'kind of ranges' "${MODEL_KINDS// /$'\n'}" \
			"there are: $MODEL_KINDS, or no kind for interval notifiers"
}

# check_invlock ROLES: Refuses the value if an actor of ROLES uses list notifiers or is the
# reaper. The model of invlock does not have these actors.
check_invlock() {
	[[ ! ,$1 =~ ,(register|unregister|get|put|reaper) ]] ||
		refuse "a configuration cannot have invlock and ${BASH_REMATCH[1]}"
}

# check_configuration TEXT: Checks the configuration TEXT, such as "madvise02,rA,rC" or
# "two_pass:madvise02,rA,rC".
check_configuration() {
	local role roles

	[[ $1 != *:* ]] || check_kind "${1%%:*}"
	[[ $1 != invlock:* ]] || check_invlock "${1#*:}"
	IFS=, read -ra roles <<<"${1#*:},"
	[ ${#roles[@]} != 0 ] || refuse "a configuration has no actor"
	for role in "${roles[@]}"; do
		is_role "$role" || refuse_unknown "$role" actor "$ROLE_NAMES" \
			"there are $ROLES (first and last page, 0 to 5)"
	done
	check_roles "${roles[@]}"
}

# check_actors: Checks that $value is a list of configurations, separated by spaces.
check_actors() {
	local text texts

	[[ $value != *$'\n'* ]] || refuse "expected one line"
	read -ra texts <<<"$value"
	[ ${#texts[@]} != 0 ] || refuse "expected at least one configuration"
	for text in "${texts[@]}"; do
		[[ $text != *-* ]] || refuse "expected configurations; use SCHEDULE for a schedule"
		check_configuration "$text"
	done
}

# set_letter ROLE: Sets the variable letter to the letter that stands for the actor ROLE
# in a schedule.
set_letter() {
	case $1 in
	reaper)	letter=P ;;
	exit)	letter=X ;;
	fork)	letter=M ;;
	register?)
		letter=L ;;
	put?)	letter=T ;;
	*)	letter=${1:0:1}
		letter=${letter^} ;;
	esac
}

# check_steps CONFIGURATION STEPS: Checks STEPS, such as "M0.R0.R1". Each step in STEPS
# must be a step of an actor of CONFIGURATION.
check_steps() {
	local role roles letter step steps known=' '
	local -A count=()

	IFS=, read -ra roles <<<"${1#*:},"
	for role in "${roles[@]}"; do
		set_letter "$role"
		known+="$letter${count[$letter]:=0} "
		count[$letter]=$((count[$letter] + 1))
	done
	IFS=. read -ra steps <<<"$2."
	[ ${#steps[@]} -le "$SCHEDULE_STEPS" ] || refuse "a schedule has at most $SCHEDULE_STEPS steps"
	for step in "${steps[@]}"; do
		[[ $step =~ ^[A-Z][0-9]$ && $known == *" $step "* ]] ||
			refuse "$1 has no actor for the step $(one_line "$step"); the steps are${known% }"
	done
}

# check_schedule: Checks that $value is a schedule, such as "madvise02,rA-M0.R0".
check_schedule() {
	[[ $value != *[[:space:]]* ]] || refuse "expected one schedule, without spaces"
	[ ${#value} -le "$SCHEDULE_TEXT" ] || refuse "a schedule has at most $SCHEDULE_TEXT characters"
	check_configuration "${value%%-*}"
	[[ $value != *-* ]] || check_steps "${value%%-*}" "${value#*-}"
}

# check_replay: Checks that $value has the form of a schedule of "make quick", such as
# "remove_after_exit:0110". The grammar of these schedules is not the grammar of
# model/schedule.c. The program of "make quick" checks the names in $value.
check_replay() {
	[[ $value =~ ^[a-z0-9_.-]+:[0-9A-Za-z.,_-]+$ ]] ||
		refuse "expected CONFIGURATION:STEPS, as a test of make quick that fails prints it"
}
