#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Test that a signal to make ends all processes of the target within two seconds.
# test-signals.sh prints KTAP.
#
# usage: test-signals.sh
#
# In the test, a script that starts many children replaces the script of the target. Like
# make, QEMU and other programs, the script of the test starts children in other process
# groups and sessions, a stopped child, and children that ignore SIGTERM.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/test/stub.sh"
. "$SCRIPTS/test/results.sh"

LIMIT_MS=2000

# write_target: Writes the script that replaces the script of the target in the test.
write_target() {
	cat >"$dir/target" <<-'EOT'
		#!/bin/bash
		set -euo pipefail
		mkdir "$PLACE/tmp.dir"
		trap 'sleep 0.1; rm -r "$PLACE/tmp.dir"' EXIT
		sleep 600 &
		setsid sleep 601 &
		setsid -f sleep 602
		(set -m; sleep 603 & bash -c 'kill -STOP $$; sleep 1' &)
		(trap '' TERM; exec sleep 604) &
		bash -c 'trap "" TERM HUP INT; while :; do sleep 0.2; done' &
		echo begun
		touch "$PLACE/begun"
		sleep 605
	EOT
	chmod +x "$dir/target"
}

# exec_marked COMMAND...: Replaces the shell by COMMAND. exec_marked sets the variable
# MMUN_TEST in the environment of COMMAND. living() finds the processes of COMMAND by this
# variable, which is called the mark. exec_marked sets the default actions of signals,
# because nohup ignores SIGHUP, and a shell without job control ignores SIGINT and SIGQUIT
# in background processes.
exec_marked() {
	exec env --default-signal=INT,QUIT,HUP,TERM "MMUN_TEST=$mark" PLACE="$dir" \
		STUB="$dir/target" MMUN_CACHE="$dir/cache" "$@"
}

# await_file FILE: Waits until FILE exists, at most 10 seconds.
await_file() {
	local i

	for ((i = 0; i < 200; i++)); do
		[ ! -e "$1" ] || return 0
		sleep 0.05 || return
	done
	die "$1 does not exist after 10 seconds: the target did not start"
}

# living: Prints the process IDs of all processes with the mark of the test that have not
# ended.
living() {
	grep -lsz "^MMUN_TEST=$mark\$" /proc/[0-9]*/environ | cut -d/ -f3 || true
}

# command_of PID: Prints the command line of the process PID.
command_of() {
	{ tr '\0' ' ' <"/proc/$1/cmdline" || true; } 2>/dev/null
}

# milliseconds: Prints the time in milliseconds.
milliseconds() {
	local now=${EPOCHREALTIME//[!0-9]/}

	echo "${now%???}"
}

# await_end: Waits until all processes of the test have ended, but at most LIMIT_MS
# milliseconds. After LIMIT_MS, await_end kills the processes that have not ended, and
# sets the variable left to the command lines of the killed processes.
await_end() {
	local now pid pids start

	start=$(milliseconds)
	now=$start
	pids=$(living)
	while [ -n "$pids" ] && [ "$now" -lt $((start + LIMIT_MS)) ]; do
		sleep 0.05
		pids=$(living)
		now=$(milliseconds)
	done
	left=
	for pid in $pids; do
		left+="after $((now - start)) ms: $(command_of "$pid")"$'\n'
		kill -KILL "$pid" 2>/dev/null || true
	done
}

# problems STATUS: Prints the problems after the end of make: a status other than STATUS,
# a file that make left behind, and processes that did not end.
problems() {
	[ "$status" = "$1" ] || echo "status $status, expected $1"
	[ ! -e "$dir/tmp.dir" ] || echo "the directory of the target is still there"
	echo "$left"
}

# ends_by NAME NUMBER: Sends make the signal NAME, which has the number NUMBER. Passes if
# all processes end. If a signal ends a process, the exit status of the process is 128 +
# NUMBER.
ends_by() {
	local left make status=0 text

	exec_marked make --no-print-directory -C "$dir/clone" kselftest \
		>"$dir/output" 2>&1 &
	make=$!
	await_file "$dir/begun"
	kill -"$1" "$make"
	await_end
	{ wait "$make" || status=$?; } 2>/dev/null
	text=$(problems $((128 + $2)))
	no_complaints "SIG$1 to make ends all processes" "$text"
	rm -rf "$dir/begun" "$dir/tmp.dir"
}

# type_interrupt: Waits until the target has started, and prints ^C.
type_interrupt() {
	await_file "$dir/begun"
	printf '\003'
	sleep 2.5
}

# ends_by_terminal: Passes if ^C at a terminal ends all processes of the target. The
# program "script" provides the terminal.
ends_by_terminal() {
	local left status=0 text

	mkfifo "$dir/keys"
	type_interrupt >"$dir/keys" &
	(exec_marked timeout -k 1 20 script -qec \
		"make --no-print-directory -C '$dir/clone' kselftest" \
		/dev/null) <"$dir/keys" >"$dir/output" 2>&1 || status=$?
	await_end
	text=$(problems 130)
	no_complaints "^C at a terminal ends all processes" "$text"
	rm -rf "$dir/begun" "$dir/tmp.dir"
}

# keeps_status: Passes if start.sh exits with the status of the script of the target, and
# does not change the output of this script.
keeps_status() {
	local status=0 text=''

	printf '#!/bin/bash\necho to stdout; echo to stderr >&2; exit 7\n' \
		>"$dir/short"
	chmod +x "$dir/short"
	STUB=$dir/short MMUN_CACHE=$dir/cache "$dir/clone/scripts/start.sh" \
		kselftest >"$dir/output" 2>&1 || status=$?
	[ "$status" = 7 ] || text="status $status, expected 7"
	[ "$(cat "$dir/output")" = $'to stdout\nto stderr' ] ||
		text+=$(cat "$dir/output")
	no_complaints "start.sh exits with the status of the target, and keeps its output" "$text"
}

# writes_to_a_terminal: Passes if the script of a target can write to the terminal. The
# script runs in a background process group. Without job.sh, the terminal would stop a
# script that writes in the background.
writes_to_a_terminal() {
	local left text

	printf '#!/bin/bash\nstty tostop </dev/tty; [ -t 2 ]; echo "seen $?" >&2\n' \
		>"$dir/short"
	text=$(STUB=$dir/short MMUN_CACHE=$dir/cache MMUN_TEST=$mark \
		timeout -k 1 10 script -qec \
		"make --no-print-directory -C '$dir/clone' kselftest" \
		/dev/null </dev/null 2>/dev/null | tr -d '\r' || true)
	await_end
	text=${text:-the target wrote nothing}
	[ "$text" != "seen 0" ] || text=
	no_complaints "a target can write to the terminal" "$text"
}

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mark=${dir##*/}
make_stubs "$dir/clone"
write_target
begin_results job
keeps_status
writes_to_a_terminal
ends_by TERM 15
ends_by INT 2
ends_by HUP 1
ends_by KILL 9
ends_by_terminal
end_results
