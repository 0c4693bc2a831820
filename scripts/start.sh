#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run a target of the Makefile: check the variables, set the defaults of the variables,
# and run the script of the target.
#
# usage: start.sh TARGET [NAME...]
#
# NAME... are the names of the variables that were set on the command line of make.
# start.sh exits with an error if no target on the command line of make uses the variable
# NAME. start.sh checks a variable from the environment only if the target uses the
# variable. MMUN_GOALS has all targets on the command line of make. start.sh checks the
# variables of all targets on the command line before the first target runs. If a variable
# has a bad value, start.sh prints one line on stderr and exits with status 2. start.sh
# reads three tables: scripts/targets, options/variables, options/environment.

set +o posix
set -Eeuo pipefail
shopt -s inherit_errexit
unset CDPATH GLOBIGNORE GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
export LC_ALL=C

SCRIPTS=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
TOP=${SCRIPTS%/*}
# shellcheck disable=SC2034 # for the files that are sourced
SELFTEST=$TOP/tools/testing/selftests/mmun

declare -A table=()
variables=()
# The variable origin is a part of error messages: " (from the environment)" if $value is
# from the environment, and empty if not
origin=

. "$SCRIPTS/errors.sh"
. "$SCRIPTS/options/values.sh"
. "$SCRIPTS/options/values-kernel.sh"
. "$SCRIPTS/options/values-model.sh"
. "$SCRIPTS/options/values-stress.sh"

# read_variables: Sets table[NAME.KEY] to the field KEY of the variable NAME in
# options/variables.
read_variables() {
	local key text name=''

	while read -r key text; do
		case $key in
		'' | '#'*) ;;
		[A-Z]*)	name=$key
			variables+=("$name") ;;
		*)	table[$name.$key]=$text ;;
		esac
	done <"$SCRIPTS/options/variables"
}

# set_target NAME: Sets the variable target to NAME, and the variable caller to the
# beginning of error messages.
set_target() {
	target=$1
	caller="make $target"
}

# target_row: Prints the script and its arguments from the row of $target in
# scripts/targets. target_row prints nothing if scripts/targets has no row for $target.
target_row() {
	awk -F '\t+' -v name="$target" '$1 == name { print $2 }' "$SCRIPTS/targets"
}

# uses NAME: Returns 0 if $target uses the variable NAME.
uses() {
	[[ " ${table[$1.targets]} " == *" "@(all|"$target")" "* ]]
}

# used_by_goals NAME: Returns 0 if one of the targets in $any uses the variable NAME. $any
# has all targets on the command line of make, separated by "|".
used_by_goals() {
	[[ " ${table[$1.targets]} " == *" "@(all|$any)" "* ]]
}

# check_given: Exits with an error if the command line of make sets a variable that does
# not exist, or a variable that no target on this command line uses. A variable that has
# no effect is a mistake of the user.
check_given() {
	local name any=${goals// /|} near

	for name in $given; do
		if [ -z "${table[$name.targets]-}" ]; then
			near=$(printf '%s\n' "${variables[@]}" | near "$name")
			die "there is no variable $(one_line "$name")${near:+; near: $near}; make help lists all variables"
		fi
		used_by_goals "$name" ||
			die "the target does not use $name; the targets that use $name are: ${table[$name.targets]}"
	done
}

# check_machine: Exits with an error if ARCH is another architecture than x86_64, or if
# CROSS_COMPILE is set.
check_machine() {
	case ${ARCH-} in
	'' | x86 | x86_64 | amd64) ;;
	*)	die "ARCH=$(one_line "$ARCH"): only x86_64 is supported; unset ARCH (from the environment)" ;;
	esac
	[ -z "${CROSS_COMPILE-}" ] ||
		die "CROSS_COMPILE=$(one_line "$CROSS_COMPILE"): cross builds are not supported; unset CROSS_COMPILE (from the environment)"
}

# check_place: Exits with an error if the path of the clone has characters that make,
# kbuild or apt cannot handle, or if the user cannot write build/ in the clone.
check_place() {
	local place

	place=$(pwd -P)
	is_path "$TOP$place" ||
		die "$(one_line "$TOP"): make cannot build in a directory whose path has spaces, quotes or one of : # \$ % , ; =; move the clone"
	if [ -d "$TOP/build" ]; then
		[ -w "$TOP/build" ] ||
			die "$TOP/build belongs to another user; run make clean as that user"
	elif [ ! -w "$TOP" ]; then
		die "$TOP is not writable, so build/ cannot be made in the clone; clone the repository to another directory"
	fi
}

cache_of_user() {
	echo "${XDG_CACHE_HOME:-${HOME:-/var/tmp}/.cache}/test_mmun"
}

# set_default NAME: Sets the variable value to the default of the variable NAME.
set_default() {
	value=${table[$1.default.$target]-${table[$1.default]}}
	[ "$value" != - ] || value=
	[ "$1" != MMUN_CACHE ] || value=$(cache_of_user)
}

# set_variable NAME: Exports the variable NAME with its value from the command line, the
# environment or the table of variables.
set_variable() {
	local name=$1 value=${!1-} type

	origin=
	if [ -z "$value" ] || ! uses "$name"; then
		set_default "$name"
	elif ! is_given "$name"; then
		origin=" (from the environment)"
	fi
	if [ -n "$value" ] && uses "$name"; then
		read -ra type <<<"${table[$name.allowed.$target]-${table[$name.allowed]}}"
		"check_${type[0]}" "${type[@]:1}"
	fi
	export "$name=$value"
}

# check_target: Checks and exports all variables for $target.
check_target() {
	local name

	origin=
	! uses CC || check_machine
	! uses MMUN_CACHE || check_place
	for name in "${variables[@]}"; do
		set_variable "$name"
	done
	check_together
}

# check_other_targets: Checks the variables of each target on the command line of make,
# except $target. Each check runs in a subshell, because check_target sets variables.
check_other_targets() {
	local name

	for name in $goals; do
		[ "$name" = "$target" ] || (set_target "$name"; check_target)
	done
}

# hold_cache: Makes the cache, and holds the lock lock.use as a shared lock, so that
# clean.sh does not remove the cache. All processes that start.sh starts inherit the lock,
# so the lock is held until the last of these processes ends. hold_cache does not create
# the lock in a cache that the user cannot write, because the cache of another user may be
# read-only.
hold_cache() {
	local lock=$MMUN_CACHE/lock.use hold

	mkdir -p "$MMUN_CACHE" 2>/dev/null ||
		die "MMUN_CACHE=$MMUN_CACHE: the directory cannot be made; set MMUN_CACHE to another"
	[ -e "$lock" ] || [ ! -w "$MMUN_CACHE" ] || : >"$lock"
	[ -r "$lock" ] || return 0
	exec {hold}<"$lock"
	flock -s "$hold"
}

# clean_environment: Unsets the environment variables whose names match a word in
# options/environment.
clean_environment() {
	local word words name names

	names=$(compgen -e)
	words=$(sed 's/^#.*//' "$SCRIPTS/options/environment")
	set -f
	for word in $words; do
		for name in $names; do
			# shellcheck disable=SC2053 # it is a glob
			[[ $name != $word ]] || unset "$name"
		done
	done
	set +f
	# Unset an empty CC or LLVM, because the Makefiles of the kernel would use the
	# empty value as a compiler.
	[ -n "$CC" ] || unset CC
	[ -n "$LLVM" ] || unset LLVM
	unset LANGUAGE
}

set_target "${1-}"
given=${*:2}
goals=${MMUN_GOALS:-$target}
row=$(target_row)
[ -n "$row" ] || die "there is no such target; make help lists all targets"
read_variables
check_given
check_other_targets
check_target
clean_environment
! uses MMUN_CACHE || [[ $target = clean* ]] || hold_cache
eval "words=($row)"
words[0]=$SCRIPTS/${words[0]}
[ -x "${words[0]}" ] || die "${words[0]} is missing"
case $target in
help)	exec "${words[@]}" ;;
*)	exec "$SCRIPTS/job.sh" "${words[@]}" ;;
esac
