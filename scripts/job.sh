#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2317 # traps call functions
#
# Run COMMAND, and end all processes of COMMAND when make is killed.
#
# usage: job.sh COMMAND [ARGUMENT...]
#
# job.sh exits with the status of COMMAND. COMMAND runs in its own process group. When
# job.sh receives SIGTERM, SIGINT or SIGHUP, job.sh ends COMMAND and all processes that
# COMMAND started. To end a process, job.sh sends SIGTERM, and about a second later
# SIGKILL. After the end of COMMAND, job.sh ends itself by the signal that job.sh
# received.
#
# GNU make forwards SIGTERM to the children of make. GNU make does not forward SIGHUP and
# SIGINT, and cannot forward SIGKILL. Because make does not forward all signals, job.sh
# watches make: job.sh checks that make exists, and that make still catches the signals
# that make caught at the start. (When make receives SIGHUP or SIGINT, make resets the
# action of the signal and waits for its children.)
#
# The job is the set of all processes whose environment contains the mark, a unique word
# in the variable MMUN_RUN. A process that gets another parent, process group or session
# still has the mark in its environment.

set -euo pipefail

WATCH_SECS=0.5
# GRACE and PATIENCE are times in microseconds. GRACE is the time from SIGTERM to SIGKILL.
# PATIENCE is the time from SIGTERM until job.sh stops waiting for the processes of the
# job.
GRACE=800000
PATIENCE=1800000

mark=$$-$EPOCHREALTIME
parent=$PPID
job=
watcher=
# The variable went_on is set to 1 when the job continues after the job was stopped
went_on=

# members: Prints the process IDs of all processes of the job, one ID per line.
members() {
	grep -lszF -- "/$mark/" /proc/[0-9]*/environ | cut -d/ -f3 || true
}

# send SIGNAL PID...: Sends SIGNAL to each process PID that has not ended.
send() {
	kill -"$1" "${@:2}" 2>/dev/null || true
}

# now: Sets the variable now to the time in microseconds.
now() {
	now=${EPOCHREALTIME//[!0-9]/}
}

# end_job: Ends all processes of the job. end_job sends SIGTERM only once, because the
# trap of a script may start new processes to clean up, and these processes must not
# receive SIGTERM. end_job also sends SIGCONT, because a stopped process ends only after
# SIGCONT.
end_job() {
	local pids start

	now
	start=$now
	pids=$(members)
	# If COMMAND has just started, its environment may not have the mark yet. COMMAND
	# must not receive SIGTERM twice, because a second SIGTERM would end the clean-up
	# of COMMAND.
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

# end_by SIGNAL: Ends the job. After the end of the job, job.sh sends SIGNAL to itself,
# and ends.
end_by() {
	trap '' TERM INT HUP
	end_job
	stop_watching
	trap - "$1"
	kill -"$1" $$
}

# suspend: Stops the job and job.sh when the user types ^Z. The command fg of the shell
# continues the job.
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

# status_of PID KEY: Sets the variable field to the field KEY of /proc/PID/status, or to
# the empty string if there is no such field. status_of reads the file with mapfile, which
# reads the whole file at once. The command "read" would seek after each line. After a
# seek, the kernel generates the file in /proc again, and "read" could miss a line that
# has moved.
status_of() {
	local line lines=()

	field=
	mapfile -t lines <"/proc/$1/status" || true
	for line in "${lines[@]}"; do
		[[ $line != "$2:"* ]] || field=${line#*:[[:space:]]}
	done
}

# caught_by PID: Sets the variable caught to the last two bits in the mask of signals that
# process PID catches. The last two bits of the mask stand for SIGHUP and SIGINT. If the
# process is not make, caught_by sets $caught to 0, because a shell installs and removes
# handlers of signals at any time.
caught_by() {
	caught=0
	status_of "$1" Name
	[[ $field == *make* ]] || return 0
	status_of "$1" SigCgt
	caught=$((0x0$field & 3))
}

# lost_by PID MASK: Sets the variable lost to the signals of MASK that process PID no
# longer catches. lost_by reads the mask of process PID twice. A signal is in the variable
# lost only if the signal is in neither of the two masks.
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

# watch_parent: Runs in the background, and waits until make has received a signal or has
# ended. watch_parent then sends job.sh the signal that make received, or SIGTERM if make
# has ended. If job.sh was killed, watch_parent ends the job.
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

# begin COMMAND...: Starts COMMAND in its own process group, and starts watch_parent.
# COMMAND ignores SIGTTOU and SIGTTIN, which would stop COMMAND when COMMAND uses the
# terminal.
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

# await: Waits for COMMAND and sets the variable status to the status of COMMAND. The
# command "wait" also returns when a trap has run or COMMAND was stopped, so await calls
# "wait" in a loop until COMMAND has ended. (The loop does not use "wait -f", because in
# bash 5.2 "wait -f" can print "No record of process" for ever if the job was killed.)
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
