#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Step 4 of kselftest.sh with several guests in parallel. All guests boot the same kernel,
# and each guest runs a part of the programs.
#
# usage: side-by-side.sh OUT
#
# JOBS in the environment is the number of guests. OUT/chosen must have at least as many
# programs. boot.sh runs guest N in OUT/guest-N. The output and OUT/result have the format
# that boot.sh writes. OUT/seconds contains the time of each program. The guests are
# killed when this script or its parent dies.

. "${0%/*}/../lib.sh"

# The kernel ends this script when its parent dies, because a CI runner may kill only
# make.
[ "${MMUN_TIED:-}" = $$ ] ||
	MMUN_TIED=$$ exec setpriv --pdeathsig TERM "$0" "$@"

# prepare_guest NUMBER: Makes the directory of a guest, with the list of its programs and
# an initramfs. All other files are links to OUT.
prepare_guest() {
	local dir=$out/guest-$1

	mkdir -p "$dir"
	"$SCRIPTS/vm/share.sh" "$out" "$dir"
	ln -sfn "$out/module" "$dir/module"
	sed -n "s/^$1 //p" <<<"$assignments" >"$dir/chosen"
	"$SCRIPTS/vm/pack.sh" "$dir"
}

# prepare: Distributes the programs to the guests, and makes the directories of the guests
# and of the result.
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

# start_guest NUMBER: Starts a guest, which writes its output and its messages to the
# pipe. With V=1 the messages include the console, and go to stderr instead.
start_guest() {
	local messages=$pipe

	[ "$V" != 1 ] || messages=2
	GUEST=$1 "$SCRIPTS/vm/boot.sh" "$out/guest-$1" \
		>&"$pipe" 2>&"$messages" {pipe}>&- &
	pids+=($!)
}

# start_guests: Starts all guests. Sets lines to a file descriptor for reading from the
# pipe. The pipe ends when all guests have ended, because this shell closes its end for
# writing.
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

# await_guests: Waits for all guests. Exits if boot.sh failed for one of them.
await_guests() {
	local pid status=0

	for pid in "${pids[@]}"; do
		wait "$pid" || status=$?
	done
	[ "$status" = 0 ] || exit "$status"
}

# keep_seconds: Writes OUT/seconds for the next run: the times of this run, and the old
# times of programs that did not run.
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
