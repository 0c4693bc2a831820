# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
#
# The line of progress on a terminal: the seconds of a run, and $current, the name of what
# runs. Sourced.

# note_current LINE: Sets current to the test or the program that LINE, a line of KTAP,
# names. Other lines do not change current.
note_current() {
	case $1 in
	*"#  RUN  "*)	read -r current _ <<<"${1##*RUN}" ;;
	ok*|not\ ok*)	current=${1##*: } ;;
	esac
}

# clear_progress: Removes the line of progress, before another line is printed.
clear_progress() {
	[ ! -t 2 ] || printf '\r\033[K' >&2
}

show_progress() {
	[ ! -t 2 ] || printf '\r\033[K%4d s  %s' "$SECONDS" "${current:0:70}" >&2
}
