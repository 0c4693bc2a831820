#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run the tests in several guests in parallel. side-by-side.sh is step 4 of kselftest.sh
# if JOBS is more than 1. All guests boot the same kernel, and each guest runs some of the
# programs.
#
# usage: side-by-side.sh OUT
#
# The environment variable JOBS is the number of guests. OUT/chosen must have at least
# JOBS programs. boot.sh runs guest N in the directory OUT/guest-N. side-by-side.sh prints
# the same output, and writes the same files to OUT/result, as boot.sh does for one guest.
# OUT/seconds contains the time that each program took in its last run. The host kills the
# guests when side-by-side.sh or the parent of side-by-side.sh dies.

. "${0%/*}/../lib.sh"

# The kernel of the host sends SIGTERM to side-by-side.sh when the parent of
# side-by-side.sh dies. Without SIGTERM, side-by-side.sh would run on after a system for
# continuous integration has killed only make. MMUN_TIED is the process ID of
# side-by-side.sh if setpriv has made the kernel send SIGTERM when the parent dies.
[ "${MMUN_TIED:-}" = $$ ] ||
	MMUN_TIED=$$ exec setpriv --pdeathsig TERM "$0" "$@"

# prepare_guest NUMBER: Makes the directory of guest NUMBER, with the list of the programs
# of the guest and an initramfs. The other files in the directory of the guest are links
# to files in OUT.
prepare_guest() {
	local dir=$out/guest-$1

	mkdir -p "$dir"
	"$SCRIPTS/vm/share.sh" "$out" "$dir"
	ln -sfn "$out/module" "$dir/module"
	sed -n "s/^$1 //p" <<<"$assignments" >"$dir/chosen"
	"$SCRIPTS/vm/pack.sh" "$dir"
}

# prepare: Distributes the programs to the guests, and makes the directory of each guest
# and the directory of the result.
prepare() {
	local guest

	touch "$out/seconds"
	assignments=$(awk -v guests="$JOBS" -f "$SCRIPTS/vm/deal.awk" "$out/seconds" \
		"$out/chosen")
	for ((guest = 1; guest <= JOBS; guest++)); do
		prepare_guest "$guest"
		results+=("$out/guest-$guest/result")
	done
	mkdir -p "$out/result"
	rm -f "$out"/result/{console.log,ktap.log,verdict,qemu.log,meta}
	: >"$out/result/ktap.log"
}

# start_guest NUMBER: Starts guest NUMBER, which writes its output and its messages to the
# pipe. With V=1, the guest writes its messages, which include the console, to stderr
# instead of the pipe.
start_guest() {
	local messages=$pipe

	[ "$V" != 1 ] || messages=2
	GUEST=$1 "$SCRIPTS/vm/boot.sh" "$out/guest-$1" \
		>&"$pipe" 2>&"$messages" {pipe}>&- &
	pids+=($!)
}

# start_guests: Starts all guests. Sets $lines to a file descriptor for reading from the
# pipe of the guests. When all guests have ended, a reader of the pipe reaches the end of
# file, because start_guests closes its own descriptor for writing to the pipe.
start_guests() {
	local guest pipe

	rm -f "$out/pipe"
	mkfifo "$out/pipe"
	exec {pipe}<>"$out/pipe"
	for ((guest = 1; guest <= JOBS; guest++)); do
		start_guest "$guest"
	done
	exec {lines}<"$out/pipe" {pipe}>&-
	rm "$out/pipe"
}

# await_guests: Waits for all guests. Exits with an error if boot.sh failed for a guest.
await_guests() {
	local pid status=0

	for pid in "${pids[@]}"; do
		wait "$pid" || status=$?
	done
	[ "$status" = 0 ] || exit "$status"
}

# keep_seconds: Writes OUT/seconds for the next run. OUT/seconds gets the new times of the
# programs that ran, and keeps the old times of the programs that did not run.
keep_seconds() {
	awk 'FILENAME == ARGV[1] && /^# [^ ]+: [0-9.]+ s$/ {
			sub(/:$/, "", $2)
			seconds[$2] = $3
		}
		FILENAME == ARGV[2] && !($1 in seconds) { seconds[$1] = $2 }
		END { for (name in seconds) print name, seconds[name] }' \
		"$out/result/ktap.log" "$out/seconds" | sort >"$out/seconds.new"
	mv "$out/seconds.new" "$out/seconds"
}

out=$1
pids=()
results=()
prepare
programs=$(wc -l <"$out/chosen")
nonce=$(od -An -N8 -tx8 /dev/urandom | tr -d ' ')
export NONCE=${NONCE:-$nonce}
start_guests
"$SCRIPTS/vm/merge.sh" "$JOBS" "$programs" "$out/result/ktap.log" <&"$lines"
await_guests
"$SCRIPTS/vm/gather.sh" "$out/result" "${results[@]}"
keep_seconds
