#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What every target of the Makefile runs: check the variables, set the defaults,
# run the script of the target.
#
# usage: start.sh TARGET [NAME...]
#
# NAME... are the variables that were set on the command line of make; a target
# that does not use one of them refuses it. Of the environment only what the
# target uses is checked. MMUN_GOALS are all the targets of this make: each is
# checked before the first runs. A bad value is one line on stderr and exit
# status 2. See the tables targets, variables and environment.

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
# Where $value is from, for a message
origin=

. "$SCRIPTS/errors.sh"
. "$SCRIPTS/options/values.sh"
. "$SCRIPTS/options/values-kernel.sh"
. "$SCRIPTS/options/values-model.sh"
. "$SCRIPTS/options/values-stress.sh"

# table[NAME.KEY] is the text of the table variables.
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

set_target() {
	target=$1
	caller="make $target"
}

target_row() {
	awk -F '\t+' -v name="$target" '$1 == name { print $2 }' "$SCRIPTS/targets"
}

# uses NAME: does the target?
uses() {
	[[ " ${table[$1.targets]} " == *" "@(all|"$target")" "* ]]
}

# used_by_goals NAME: does one of the targets? $any is them with bars between.
used_by_goals() {
	[[ " ${table[$1.targets]} " == *" "@(all|$any)" "* ]]
}

# Variables that make was given and that mean nothing here are mistakes.
check_given() {
	local name any=${goals// /|} near

	for name in $given; do
		if [ -z "${table[$name.targets]-}" ]; then
			near=$(printf '%s\n' "${variables[@]}" | near "$name")
			die "there is no variable $(shown "$name")${near:+; near: $near}; make help lists them all"
		fi
		used_by_goals "$name" ||
			die "$name is not used here, but by: ${table[$name.targets]}"
	done
}

# Until these are supported.
check_machine() {
	case ${ARCH-} in
	'' | x86 | x86_64 | amd64) ;;
	*)	die "ARCH=$(shown "$ARCH"): x86_64 alone is supported; unset ARCH (from the environment)" ;;
	esac
	[ -z "${CROSS_COMPILE-}" ] ||
		die "CROSS_COMPILE=$(shown "$CROSS_COMPILE"): cross builds are not supported; unset CROSS_COMPILE (from the environment)"
}

# make, kbuild and apt take paths apart.
check_place() {
	local place

	place=$(pwd -P)
	is_path "$TOP$place" ||
		die "$(shown "$TOP"): make cannot build in a directory with spaces or with any of : # \$ % , ; = and quotes in its path; move the clone"
	if [ -d "$TOP/build" ]; then
		[ -w "$TOP/build" ] ||
			die "$TOP/build belongs to another user; as that user: make clean"
	elif [ ! -w "$TOP" ]; then
		die "$TOP is not writable, so build/ cannot be made there; clone it to another place"
	fi
}

cache_of_user() {
	echo "${XDG_CACHE_HOME:-${HOME:-/var/tmp}/.cache}/test_mmun"
}

# default_of NAME: sets $value.
default_of() {
	value=${table[$1.default.$target]-${table[$1.default]}}
	[ "$value" != - ] || value=
	[ "$1" != MMUN_CACHE ] || value=$(cache_of_user)
}

# take NAME: from the command line, the environment or the table.
take() {
	local name=$1 value=${!1-} type

	origin=
	if [ -z "$value" ] || ! uses "$name"; then
		default_of "$name"
	elif ! is_given "$name"; then
		origin=" (from the environment)"
	fi
	if [ -n "$value" ] && uses "$name"; then
		read -ra type <<<"${table[$name.allowed.$target]-${table[$name.allowed]}}"
		"check_${type[0]}" "${type[@]:1}"
	fi
	export "$name=$value"
}

# check_target: all checks of the variables of $target.
check_target() {
	local name

	origin=
	! uses CC || check_machine
	! uses MMUN_CACHE || check_place
	for name in "${variables[@]}"; do
		take "$name"
	done
	check_together
}

# The other targets, which must not see what this one sets.
check_others() {
	local name

	for name in $goals; do
		[ "$name" = "$target" ] || (set_target "$name"; check_target)
	done
}

# The cache is made, and held for as long as anything of the job lives: see
# clean.sh. One that belongs to another user may only be read.
hold_cache() {
	local lock=$MMUN_CACHE/lock.use hold

	mkdir -p "$MMUN_CACHE" 2>/dev/null ||
		die "MMUN_CACHE=$MMUN_CACHE: cannot be made; set MMUN_CACHE to another"
	[ -e "$lock" ] || [ ! -w "$MMUN_CACHE" ] || : >"$lock"
	[ -r "$lock" ] || return 0
	exec {hold}<"$lock"
	flock -s "$hold"
}

# Words of the table "environment" are names or globs.
clean_environment() {
	local word words name names

	names=$(compgen -e)
	words=$(sed 's/^#.*//' "$SCRIPTS/options/environment")
	set -f
	for word in $words; do
		for name in $names; do
			# shellcheck disable=SC2053 # a glob it is
			[[ $name != $word ]] || unset "$name"
		done
	done
	set +f
	# A Makefile of the kernel takes an empty one for a compiler.
	[ -n "$CC" ] || unset CC
	[ -n "$LLVM" ] || unset LLVM
	unset LANGUAGE
}

set_target "${1-}"
given=${*:2}
goals=${MMUN_GOALS:-$target}
row=$(target_row)
[ -n "$row" ] || die "no such target; make help lists them all"
read_variables
check_given
check_others
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
