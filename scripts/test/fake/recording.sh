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

# put FILE TEXT: Writes FILE in place, as a compiler does. Removes FILE if writing fails,
# as make does. If WORLD/half exists, it has a number N, and the function kills the
# process group when half of the N-th file of the run is written.
put() {
	[[ $1 != */* ]] || [ -d "${1%/*}" ] || mkdir -p "${1%/*}"
	printf '%s' "${2:0:${#2} / 2}" >"$1" || remove_incomplete "$1"
	[ ! -e "$world/half" ] || die_in_the_middle "$1"
	printf '%s\n' "${2:${#2} / 2}" >>"$1" || remove_incomplete "$1"
}

# remove_incomplete FILE: Removes a file that could not be written, and exits.
remove_incomplete() {
	rm -f "$1"
	exit 1
}

# die_in_the_middle FILE: Counts FILE. Kills the process group if FILE has the number in
# WORLD/half.
die_in_the_middle() {
	echo "$1" >>"$world/puts"
	mapfile -t puts <"$world/puts"
	[ ${#puts[@]} != "$(<"$world/half")" ] || {
		printf '%s\thalf of %s\n' "$program" "$1" >"$world/hit"
		kill -KILL 0
	}
}

# built WHAT: Records that WHAT was built, in a line of WORLD/built, which the tests read.
built() {
	echo "$*" >>"$world/built"
}

# sum_of FILE...: Prints a hash of the files and of stdin.
sum_of() {
	local hash

	hash=$(cat "$@" - | sha256sum)
	echo "${hash:0:16}"
}

# fail TEXT...: Prints an error message and exits with status 1.
fail() {
	echo "$program: $*" >&2
	exit 1
}
