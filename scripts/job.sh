#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2317 # traps call functions
#
# Run a command, and end all of its processes when make is killed.
#
# usage: job.sh COMMAND [ARGUMENT...]
#
# Exits with the status of COMMAND. COMMAND runs in its own process group. When this
# script receives SIGTERM, SIGINT or SIGHUP it ends COMMAND and all processes that
# COMMAND started: it sends SIGTERM, and SIGKILL a second later. Then the script ends
# by the same signal.
#
# GNU make forwards SIGTERM to its children. It does not forward SIGHUP and SIGINT,
# and it cannot forward SIGKILL. Therefore the script watches make: it checks that
# make exists, and that make still catches the signals that it caught at the start.
# (When such a signal arrives, make resets the action and waits for its children.)
#
# The job is all processes with a mark in their environment. A process inherits the
# mark also if it changes its parent, process group or session.

set -euo pipefail

WATCH_SECS=0.5
# In microseconds: the time until SIGKILL, and the time until the script stops waiting
# for the processes of the job
GRACE=800000
PATIENCE=1800000

mark=$$-$EPOCHREALTIME
parent=$PPID
job=
watcher=
# Set if a signal interrupted wait and the job continues
went_on=

# members: Prints the process IDs of the job.
members() {
	grep -lszF -- "/$mark/" /proc/[0-9]*/environ | cut -d/ -f3 || true
}

# send SIGNAL PID...: Sends SIGNAL. Ignores processes that have ended.
send() {
	kill -"$1" "${@:2}" 2>/dev/null || true
}

# now: Sets now to the time in microseconds.
now() {
	now=${EPOCHREALTIME//[!0-9]/}
}

# end_job: Ends all processes of the job. SIGTERM is sent once, so that processes that
# a clean-up starts do not receive it. A stopped process needs SIGCONT to end.
end_job() {
	local pids start

	now
	start=$now
	pids=$(members)
	# COMMAND may not have its mark yet. A second SIGTERM would end its clean-up.
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

# end_by SIGNAL: Ends the job, then this script by SIGNAL.
end_by() {
	trap '' TERM INT HUP
	end_job
	stop_watching
	trap - "$1"
	kill -"$1" $$
}

# suspend: Stops the job on ^Z. fg continues it.
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

# status_of PID KEY: Sets field to the field KEY of /proc/PID/status, or to nothing.
# mapfile reads the file at once. "read" would seek after each line, the kernel would
# generate the file again, and a line that has moved would be missed.
status_of() {
	local line lines=()

	field=
	mapfile -t lines <"/proc/$1/status" || true
	for line in "${lines[@]}"; do
		[[ $line != "$2:"* ]] || field=${line#*:[[:space:]]}
	done
}

# caught_by PID: Sets caught to the last two bits of the mask of signals that the
# process catches: SIGINT and SIGHUP. Sets it to 0 if the process is not make, because
# a shell may change its mask at any time.
caught_by() {
	caught=0
	status_of "$1" Name
	[[ $field == *make* ]] || return 0
	status_of "$1" SigCgt
	caught=$((0x0$field & 3))
}

# lost_by PID MASK: Sets lost to the bits of MASK that the process does not catch any
# longer. Reads the mask twice, and uses the bits on which both agree.
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

# watch_parent: Runs in the background. Waits until make has ended or has received a
# signal, and sends job.sh the signal. Ends the job itself if job.sh was killed.
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

# begin COMMAND...: Starts COMMAND in its own process group, and the watcher. COMMAND
# ignores the signals that would stop it when it writes to the terminal.
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

# await: Waits for COMMAND and sets status. A trap or a stop ends "wait" too, so the
# loop checks that COMMAND has ended. ("wait -f" is not used: in bash 5.2 it can print
# "No record of process" for ever if the job was killed.)
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
