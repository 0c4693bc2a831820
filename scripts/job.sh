#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2317 # traps call functions
#
# Run a command, and end all of it when make is told to end.
#
# usage: job.sh COMMAND [ARGUMENT...]
#
# Exits as COMMAND does. COMMAND gets a process group of its own. SIGTERM, SIGINT
# and SIGHUP to this script end COMMAND and every process that it started, with
# SIGTERM and a second later with SIGKILL; then the script ends by the same signal.
#
# GNU make forwards SIGTERM to its children, but neither SIGHUP nor SIGINT, and
# SIGKILL it cannot forward. So make is watched: that it is there, and, if it caught
# these signals at the start, that it still does. (It resets the action when the
# signal arrives, and waits for its children.)
#
# The processes of the job are those with a mark in their environment, which is
# inherited whatever becomes of parents, groups and sessions.

set -euo pipefail

WATCH_SECS=0.5
# In microseconds: the time until SIGKILL, and the time after which the job does not
# wait for its processes any longer
GRACE=800000
PATIENCE=1800000

mark=$$-$EPOCHREALTIME
parent=$PPID
job=
watcher=
# A signal that ended a wait, and the job goes on
went_on=

# The process IDs of the job.
members() {
	grep -lszF -- "/$mark/" /proc/[0-9]*/environ | cut -d/ -f3 || true
}

# send SIGNAL PID...: those that are gone do not matter.
send() {
	kill -"$1" "${@:2}" 2>/dev/null || true
}

# now: sets $now to a time in microseconds.
now() {
	now=${EPOCHREALTIME//[!0-9]/}
}

# SIGTERM for the processes that are there now, and not for what their clean-up
# starts. A process that is stopped must go on to end.
end_job() {
	local pids start

	now
	start=$now
	pids=$(members)
	# It may not have its mark yet. A second SIGTERM would end its clean-up.
	[[ $'\n'$pids$'\n' == *$'\n'$job$'\n'* ]] || pids+=" $job"
	# shellcheck disable=SC2086 # words
	send TERM $pids
	# shellcheck disable=SC2086 # words
	send CONT $pids
	while [ -n "$pids" ] && [ "$now" -lt $((start + PATIENCE)) ]; do
		sleep 0.05
		pids=$(members)
		now
		# shellcheck disable=SC2086 # words
		[ "$now" -lt $((start + GRACE)) ] || send KILL $pids
	done
}

# end_by SIGNAL
end_by() {
	trap '' TERM INT HUP
	end_job
	stop_watching
	trap - "$1"
	kill -"$1" $$
}

# ^Z stops all of it, and fg goes on.
suspend() {
	local pids

	pids=$(members)
	# shellcheck disable=SC2086 # words
	send STOP $pids
	kill -STOP $$
	# shellcheck disable=SC2086 # words
	send CONT $pids
	went_on=1
}

# status_of PID KEY: sets $field to that field of /proc/PID/status, or to nothing. The
# file is read at once: the kernel writes it anew for a read after a seek, which is
# how "read" gets its lines, and a line whose place has changed would be missed.
status_of() {
	local line lines=()

	field=
	mapfile -t lines <"/proc/$1/status" || true
	for line in "${lines[@]}"; do
		[[ $line != "$2:"* ]] || field=${line#*:[[:space:]]}
	done
}

# caught_by PID: sets $caught to the last two bits of its mask of caught signals,
# SIGINT and SIGHUP. A shell may change them for reasons of its own.
caught_by() {
	caught=0
	status_of "$1" Name
	[[ $field == *make* ]] || return 0
	status_of "$1" SigCgt
	caught=$((0x0$field & 3))
}

# lost_by PID MASK: sets $lost to the bits of MASK that the process does not catch any
# more, if two readings agree.
lost_by() {
	local first

	caught_by "$1"
	first=$(($2 & ~caught))
	lost=$first
	[ "$first" != 0 ] || return 0
	sleep 0.1
	caught_by "$1"
	lost=$((first & $2 & ~caught))
}

# Ends when there is something to do. If job.sh itself was killed its work is
# done here.
watch_parent() {
	local before caught field lost

	caught_by "$parent"
	before=$caught
	while sleep "$WATCH_SECS"; do
		status_of "$BASHPID" PPid
		[ "$field" = $$ ] || { end_job; break; }
		status_of $$ PPid
		[ "$field" = "$parent" ] || { kill -TERM $$; break; }
		lost_by "$parent" "$before"
		case $lost in
		1)	kill -HUP $$ ;;
		2)	kill -INT $$ ;;
		0)	continue ;;
		*)	kill -TERM $$ ;;
		esac
		break
	done
}

stop_watching() {
	[ -z "$watcher" ] || send TERM "$watcher"
	watcher=
}

# In a group of its own, where writing to the terminal must not stop it.
begin() {
	set -m
	(
		trap '' TTOU TTIN
		MMUN_RUN=${MMUN_RUN:-/}$mark/ exec "$@" </dev/null
	) &
	job=$!
	set +m
	watch_parent </dev/null >/dev/null 2>&1 &
	watcher=$!
}

# Traps end a wait, but not the job, and so does a stop. ("wait -f" of bash 5.2 can
# write "No record of process" for ever if the job was killed.)
await() {
	while :; do
		status=0
		went_on=
		wait "$job" || status=$?
		[ -n "$went_on" ] || kill -0 "$job" 2>/dev/null || break
		sleep 0.1
	done
}

trap 'end_by TERM' TERM
trap 'end_by INT' INT
trap 'end_by HUP' HUP
trap suspend TSTP
begin "$@"
await
stop_watching
exit "$status"
