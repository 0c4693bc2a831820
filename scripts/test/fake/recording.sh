# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# Functions that the fake programs share. To be sourced.
#
# A fake program is WORLD/recorded/NAME and replaces the program NAME. It prints the
# output that the scripts of the runner read, and makes the files that they use. The
# content of a file depends on the content of its inputs. A fake program calls the real
# programs, and these calls are not counted.

set -euo pipefail
shopt -s inherit_errexit
program=${0##*/}
world=${0%/*/*}
IFS= read -r PATH <"$world/path"

# put FILE TEXT: Writes FILE in place, as a compiler does. Removes it if writing fails, as
# make does. If WORLD/half has the number of this file, kills the process group when half
# of the file is written.
put() {
	[[ $1 != */* ]] || [ -d "${1%/*}" ] || mkdir -p "${1%/*}"
	printf '%s' "${2:0:${#2} / 2}" >"$1" || unput "$1"
	[ ! -e "$world/half" ] || die_in_the_middle "$1"
	printf '%s\n' "${2:${#2} / 2}" >>"$1" || unput "$1"
}

# unput FILE: Removes a file that could not be written, and exits.
unput() {
	rm -f "$1"
	exit 1
}

# die_in_the_middle FILE: Kills the process group if FILE is the chosen file.
die_in_the_middle() {
	echo "$1" >>"$world/puts"
	mapfile -t puts <"$world/puts"
	[ ${#puts[@]} != "$(<"$world/half")" ] || {
		printf '%s\thalf of %s\n' "$program" "$1" >"$world/hit"
		kill -KILL 0
	}
}

# built WHAT: Writes a line to WORLD/built, which the tests read.
built() {
	echo "$*" >>"$world/built"
}

# sum_of FILE...: Prints a hash of the files and of stdin.
sum_of() {
	local hash

	hash=$(cat "$@" - | sha256sum)
	echo "${hash:0:16}"
}

fail() {
	echo "$program: $*" >&2
	exit 1
}
