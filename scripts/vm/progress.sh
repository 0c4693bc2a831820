# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
#
# The progress line on a terminal: the seconds of a run, and $current. Sourced.

# note_current LINE: sets current from a line of KTAP.
note_current() {
	case $1 in
	*"#  RUN  "*)	read -r current _ <<<"${1##*RUN}" ;;
	ok*|not\ ok*)	current=${1##*: } ;;
	esac
}

clear_progress() {
	[ ! -t 2 ] || printf '\r\033[K' >&2
}

show_progress() {
	[ ! -t 2 ] || printf '\r\033[K%4d s  %s' "$SECONDS" "${current:0:70}" >&2
}
