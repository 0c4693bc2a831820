# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
#
# The line of progress on a terminal shows the seconds of a run, and $current, the name of
# the test or program that runs now. boot.sh and merge.sh source progress.sh.

# note_current LINE: Sets the variable current to the test or the program that LINE, a
# line of KTAP, names. If LINE names no test and no program, note_current does not change
# current.
note_current() {
	case $1 in
	*"#  RUN  "*)	read -r current _ <<<"${1##*RUN}" ;;
	ok*|not\ ok*)	current=${1##*: } ;;
	esac
}

# clear_progress: Removes the line of progress from the terminal. A script must call
# clear_progress before it prints another line.
clear_progress() {
	[ ! -t 2 ] || printf '\r\033[K' >&2
}

show_progress() {
	[ ! -t 2 ] || printf '\r\033[K%4d s  %s' "$SECONDS" "${current:0:70}" >&2
}
