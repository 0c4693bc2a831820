# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
#
# During a run, a line of progress on the terminal shows the seconds since the start of
# the run. The line of progress also shows $current, which is the name of the test or
# program that runs now. boot.sh and merge.sh source progress.sh.

# note_current LINE: Sets $current to the name of the test or the program in LINE, a line
# of KTAP. If LINE names no test and no program, note_current does not change $current.
note_current() {
	case $1 in
	*"#  RUN  "*)	read -r current _ <<<"${1##*RUN}" ;;
	ok*|not\ ok*)	current=${1##*: } ;;
	esac
}

# clear_progress: Removes the line of progress from the terminal. A script must call
# clear_progress before the script prints a line to the terminal.
clear_progress() {
	[ ! -t 2 ] || printf '\r\033[K' >&2
}

show_progress() {
	[ ! -t 2 ] || printf '\r\033[K%4d s  %s' "$SECONDS" "${current:0:70}" >&2
}
