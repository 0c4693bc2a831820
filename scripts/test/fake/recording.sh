# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# What the recordings share. Sourced.
#
# A recording stands for a program. It runs as WORLD/recorded/NAME, answers what
# the scripts of the runner read, and makes the files that they use next, with the
# content of what they are made from. It calls the real programs, which are not
# counted.

set -euo pipefail
shopt -s inherit_errexit
program=${0##*/}
world=${0%/*/*}
IFS= read -r PATH <"$world/path"

# put FILE TEXT: like a compiler, which writes the file where it will stand, and like
# make, which removes what a command that failed has left. The process group is killed
# in the middle of the file whose number is in WORLD/half.
put() {
	[[ $1 != */* ]] || [ -d "${1%/*}" ] || mkdir -p "${1%/*}"
	printf '%s' "${2:0:${#2} / 2}" >"$1" || unput "$1"
	[ ! -e "$world/half" ] || die_in_the_middle "$1"
	printf '%s\n' "${2:${#2} / 2}" >>"$1" || unput "$1"
}

unput() {
	rm -f "$1"
	exit 1
}

die_in_the_middle() {
	echo "$1" >>"$world/puts"
	mapfile -t puts <"$world/puts"
	[ ${#puts[@]} != "$(<"$world/half")" ] || {
		printf '%s\thalf of %s\n' "$program" "$1" >"$world/hit"
		kill -KILL 0
	}
}

# built WHAT: a record that the tests read.
built() {
	echo "$*" >>"$world/built"
}

# sum_of FILE...: of the contents, and of the standard input.
sum_of() {
	local hash

	hash=$(cat "$@" - | sha256sum)
	echo "${hash:0:16}"
}

fail() {
	echo "$program: $*" >&2
	exit 1
}
