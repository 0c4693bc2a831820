# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# Functions that the fake programs share. The fake programs source recording.sh.
#
# A fake program is the file WORLD/recorded/NAME and replaces the program NAME. WORLD is
# the directory of the test, see world.sh. A fake program prints the output that the
# scripts of the runner read, and makes the files that the scripts use. The content of a
# file that a fake program makes depends on the content of the inputs of the file. A fake
# program calls real programs, such as cat. front.c does not count the calls that a fake
# program makes.

set -euo pipefail
shopt -s inherit_errexit
program=${0##*/}
world=${0%/*/*}
IFS= read -r PATH <"$world/path"

# put FILE TEXT: Writes TEXT to FILE in place, as a compiler does. If writing fails, put
# removes FILE, as make does. If WORLD/half exists, this file contains a number N. put
# then kills the process group when half of the N-th file of the run is written.
put() {
	[[ $1 != */* ]] || [ -d "${1%/*}" ] || mkdir -p "${1%/*}"
	printf '%s' "${2:0:${#2} / 2}" >"$1" || remove_incomplete "$1"
	[ ! -e "$world/half" ] || die_in_the_middle "$1"
	printf '%s\n' "${2:${#2} / 2}" >>"$1" || remove_incomplete "$1"
}

# remove_incomplete FILE: Removes FILE, which could not be written completely, and exits
# with status 1.
remove_incomplete() {
	rm -f "$1"
	exit 1
}

# die_in_the_middle FILE: Counts the files that the fake programs write. die_in_the_middle
# kills the process group if the number of FILE is the number in WORLD/half.
die_in_the_middle() {
	echo "$1" >>"$world/puts"
	mapfile -t puts <"$world/puts"
	[ ${#puts[@]} != "$(<"$world/half")" ] || {
		printf '%s\thalf of %s\n' "$program" "$1" >"$world/hit"
		kill -KILL 0
	}
}

# built WHAT: Appends the line WHAT to WORLD/built, to record that a fake program has
# built WHAT. The tests read WORLD/built.
built() {
	echo "$*" >>"$world/built"
}

# sum_of FILE...: Prints a hash of each FILE and of stdin.
sum_of() {
	local hash

	hash=$(cat "$@" - | sha256sum)
	echo "${hash:0:16}"
}

# fail TEXT...: Prints the error message TEXT, and exits with status 1.
fail() {
	echo "$program: $*" >&2
	exit 1
}
