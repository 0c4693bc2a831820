#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Step 4 of kselftest.sh: boot the kernel with the initramfs, which runs the tests.
#
# usage: boot.sh OUT
#
# Prints the KTAP while the guest runs, and writes the files that judge.sh reads to
# OUT/result: console.log, ktap.log, verdict, qemu.log (messages of QEMU or of User-Mode
# Linux), meta, config; and orders, the input of PID 1. Exits 0 even if the guest fails.
# The guest is killed when this script or its parent dies.
#
# start.sh exports the variables that "make help" lists. Other scripts may add these:
#
#	PROGRAM		one program with its arguments, which runs instead of the tests
#	NONCE		the number that the verdict must contain [a random number]
#	GUEST_ENV	words NAME=VALUE for the environment of the programs
#	BOOT_SECS	the limit for the first line of output
#	PROGRAM_SECS	the limit for each program
#	GUEST		a number, printed before each line, see side-by-side.sh

. "${0%/*}/../lib.sh"
. "$SCRIPTS/kernel/packages.sh"
. "$SCRIPTS/vm/guest.sh"
. "$SCRIPTS/vm/progress.sh"

# Die with the parent, because a CI runner may kill make alone.
[ "${MMUN_TIED:-}" = $$ ] ||
	MMUN_TIED=$$ exec setpriv --pdeathsig TERM "$0" "$@"

out=$1
kernel=$out/kernel
result=$out/result
config=$(value config "$kernel")
image=$(value image "$kernel")

PROGRAM=${PROGRAM:-}
GUEST_ENV="${GUEST_ENV:-}${SCHEDULE:+ MMUN_SCHEDULE=$SCHEDULE}"

# A guest that has printed nothing after BOOT_SECS is booted again, BOOT_TRIES times in
# all.
BOOT_SECS=${BOOT_SECS:-120}
BOOT_TRIES=3

nonce=${NONCE:-$(od -An -N8 -tx8 /dev/urandom | tr -d ' ')}

# The settings of the selftest limit the time of one program. An emulated guest is slower
# and has more time.
program_secs() {
	local secs

	secs=$(value timeout "$SELFTEST/settings" 2>/dev/null || true)
	echo "${PROGRAM_SECS:-$((${secs:-45} * (slow ? 4 : 1)))}"
}

# See scripts/guest/orders.c.
write_orders() {
	local modules

	find_modules
	modules=("${modules[@]#*/}")
	printf '%s\n' "modules=${modules[*]%.ko}" "nonce=$nonce" "tests=$TESTS" \
		"seed=$SEED" "program=$PROGRAM" "env=$GUEST_ENV" \
		"timeout=$(program_secs)" "slow=$slow" "stop=$STOP" \
		"times=$TIMES" >"$result/orders"
}

# The kernel unpacks archives that are concatenated; gen_init_cpio pads each of them to 512
# bytes. The time of the file is constant, so that all runs are the same.
make_initrd() {
	echo "file /mmun/orders $result/orders 0644 0 0" >"$result/orders.list"
	"$out/gen_init_cpio" -t 1577836800 "$result/orders.list" \
		>"$result/orders.cpio"
	cat "$out/initramfs" "$result/orders.cpio" >"$result/initrd"
}

# take_line LINE: of the guest.
take_line() {
	printf '%s\n' "$1" >>"$result/ktap.log"
	clear_progress
	printf '%s\n' "${GUEST:+$GUEST }$1"
	note_current "$1"
}

# Read until the guest ends or its time is over; sets $ended to the reason.
follow() {
	local line='' part

	ended='exit'
	while :; do
		if IFS= read -r -t 1 -u "$guest" part; then
			take_line "${line}${part%$'\r'}"
			line=
		elif [ $? -gt 128 ]; then
			line+=$part
		else
			break
		fi
		show_progress
		out_of_time || continue
		# A guest that loops in its kernel ignores SIGTERM.
		kill -KILL "$pid" 2>/dev/null || true
		break
	done
	[ -z "$line" ] || take_line "$line"
	clear_progress
}

out_of_time() {
	if [ ! -s "$result/ktap.log" ] && [ "$SECONDS" -ge "$BOOT_SECS" ]; then
		ended=no-boot
	elif [ "$SECONDS" -ge "$TIMEOUT" ]; then
		ended=timeout
	else
		return 1
	fi
}

# prepare_result: empty files, and the pipe that the guest writes to.
prepare_result() {
	rm -f "$result"/{console.log,ktap.log,verdict,qemu.log,serial}
	touch "$result"/{console.log,ktap.log,verdict}
	mkfifo "$result/serial"
}

run_guest() {
	local tail_pid=

	prepare_result
	SECONDS=0
	current="booting $(value release "$kernel")"
	"start_$guest_kind" </dev/null >"$result/serial" 2>"$result/qemu.log" &
	pid=$!
	exec {guest}<"$result/serial"
	if [ "$V" = 1 ]; then
		tied tail -n +1 -f --pid="$pid" "$result/console.log" >&2 &
		tail_pid=$!
	fi
	follow
	# Hide the shell's message about a guest that a signal ended; judge.sh
	# reports it.
	wait "$pid" 2>/dev/null || status=$?
	pid=
	exec {guest}<&-
	[ -z "$tail_pid" ] || wait "$tail_pid" || true
}

boot() {
	local try

	for ((try = 1; try <= BOOT_TRIES; try++)); do
		status=0
		run_guest
		if [ "$ended" != no-boot ] || [ "$try" = "$BOOT_TRIES" ]; then
			break
		fi
		say "the guest printed nothing in $BOOT_SECS seconds: booting it again"
	done
}

clean_up() {
	[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
	rm -f "$result"/{serial,initrd,orders.cpio,orders.list}
	[ ! -d "$result/uml" ] || rm -r "$result/uml"
}

write_meta() {
	printf '%s\n' "nonce=$nonce" "ended=$ended" "qemu=$status" \
		"seconds=$SECONDS" "tests=$TESTS" "mem=$MEM" "smp=$SMP" \
		"release=$(value release "$kernel")" >"$result/meta"
	cp "$config" "$result/config"
}

guest_kind=qemu
! is_uml "$config" || guest_kind=uml
pid=
trap clean_up EXIT
mkdir -p "$result"
"prepare_$guest_kind"
[ "$V" != 1 ] || printf '%q ' "${command[@]}" $'\n' >&2
write_orders
make_initrd
boot
write_meta
