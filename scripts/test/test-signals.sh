#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests of job.sh: a signal to make alone ends everything that make started,
# within two seconds. KTAP on stdout.
#
# usage: test-signals.sh
#
# In place of a target's script runs one whose children stand for make, QEMU and
# the like: in groups and a session of their own, stopped, or deaf to SIGTERM.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/test/stub.sh"
. "$SCRIPTS/test/results.sh"

MOST=2000	# milliseconds

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

# as_job COMMAND...: each process is known as one of this test by its environment. The
# signals have their default actions: nohup ignores one, and a shell without job control
# ignores two in what it starts in the background.
as_job() {
	exec env --default-signal=INT,QUIT,HUP,TERM "MMUN_TEST=$mark" PLACE="$dir" \
		STUB="$dir/target" MMUN_CACHE="$dir/cache" "$@"
}

await_file() {
	local i

	for ((i = 0; i < 200; i++)); do
		[ ! -e "$1" ] || return 0
		sleep 0.05 || return
	done
	die "the target did not begin"
}

living() {
	grep -lsz "^MMUN_TEST=$mark\$" /proc/[0-9]*/environ | cut -d/ -f3 || true
}

command_of() {
	{ tr '\0' ' ' <"/proc/$1/cmdline" || true; } 2>/dev/null
}

milliseconds() {
	local now=${EPOCHREALTIME//[!0-9]/}

	echo "${now%???}"
}

# await_end: ends what lives still when the time is over; $left names it.
await_end() {
	local now pid pids start

	start=$(milliseconds)
	now=$start
	pids=$(living)
	while [ -n "$pids" ] && [ "$now" -lt $((start + MOST)) ]; do
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

# What is wrong after an end by a signal, of which 128 is the status more.
wrong() {
	[ "$status" = "$1" ] || echo "status $status, expected $1"
	[ ! -e "$dir/tmp.dir" ] || echo "the directory of the target is still there"
	echo "$left"
}

# signal NAME NUMBER: to make alone.
signal() {
	local left make status=0 text

	as_job make --no-print-directory -C "$dir/clone" kselftest \
		>"$dir/output" 2>&1 &
	make=$!
	await_file "$dir/begun"
	kill -"$1" "$make"
	await_end
	{ wait "$make" || status=$?; } 2>/dev/null
	text=$(wrong $((128 + $2)))
	silent "SIG$1 to make ends everything" "$text"
	rm -rf "$dir/begun" "$dir/tmp.dir"
}

type_interrupt() {
	await_file "$dir/begun"
	printf '\003'
	sleep 2.5
}

# "script" is a terminal.
interrupt_at_a_terminal() {
	local left status=0 text

	mkfifo "$dir/keys"
	type_interrupt >"$dir/keys" &
	(as_job timeout -k 1 20 script -qec \
		"make --no-print-directory -C '$dir/clone' kselftest" \
		/dev/null) <"$dir/keys" >"$dir/output" 2>&1 || status=$?
	await_end
	text=$(wrong 130)
	silent "^C at a terminal ends everything" "$text"
	rm -rf "$dir/begun" "$dir/tmp.dir"
}

# status_of STATUS: of a target's script, at start.sh and at make.
exit_status() {
	local status=0 text=''

	printf '#!/bin/bash\necho to stdout; echo to stderr >&2; exit 7\n' \
		>"$dir/short"
	chmod +x "$dir/short"
	STUB=$dir/short MMUN_CACHE=$dir/cache "$dir/clone/scripts/start.sh" \
		kselftest >"$dir/output" 2>&1 || status=$?
	[ "$status" = 7 ] || text="status $status, expected 7"
	[ "$(cat "$dir/output")" = $'to stdout\nto stderr' ] ||
		text+=$(cat "$dir/output")
	silent "a status is passed on, and the output as it was" "$text"
}

# A target that writes to a terminal from the background is not stopped there.
writes_to_a_terminal() {
	local left text

	printf '#!/bin/bash\nstty tostop </dev/tty; [ -t 2 ]; echo "seen $?" >&2\n' \
		>"$dir/short"
	text=$(STUB=$dir/short MMUN_CACHE=$dir/cache MMUN_TEST=$mark \
		timeout -k 1 10 script -qec \
		"make --no-print-directory -C '$dir/clone' kselftest" \
		/dev/null </dev/null 2>/dev/null | tr -d '\r' || true)
	await_end
	text=${text:-nothing was written}
	[ "$text" != "seen 0" ] || text=
	silent "a terminal is one for the target, and does not stop it" "$text"
}

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mark=${dir##*/}
make_stubs "$dir/clone"
write_target
results_of job
exit_status
writes_to_a_terminal
signal TERM 15
signal INT 2
signal HUP 1
signal KILL 9
interrupt_at_a_terminal
end_results
