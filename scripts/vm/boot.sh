#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Boot the kernel with the initramfs, which runs the tests. boot.sh is step 4 of
# kselftest.sh.
#
# usage: boot.sh OUT
#
# While the guest runs, boot.sh prints the KTAP. The directory OUT/result gets the files
# that judge.sh reads: console.log, ktap.log, verdict, qemu.log (the messages of QEMU or
# of User-Mode Linux), meta and config. OUT/result also gets the file "orders", which PID
# 1 of the guest reads. The exit status of boot.sh is 0 even if the guest fails. The host
# kills the guest when boot.sh or the parent of boot.sh dies.
#
# start.sh exports the variables that "make help" lists. The scripts that call boot.sh may
# also set the following variables:
#
#	PROGRAM		one program with its arguments, which runs instead of the tests
#	NONCE		the number that the verdict must contain [a random number]
#	GUEST_ENV	words NAME=VALUE for the environment of the programs
#	BOOT_SECS	the seconds until the first line of output [120]
#	PROGRAM_SECS	the seconds that each program may take
#	GUEST		a number, printed before each line, see side-by-side.sh

. "${0%/*}/../lib.sh"
. "$SCRIPTS/kernel/packages.sh"
. "$SCRIPTS/vm/guest.sh"
. "$SCRIPTS/vm/progress.sh"

# The kernel of the host sends SIGTERM to boot.sh when the parent of boot.sh dies. Without
# SIGTERM, boot.sh would run on after a system for continuous integration has killed only
# make. MMUN_TIED is the process ID of boot.sh if setpriv has made the kernel send SIGTERM
# when the parent dies.
[ "${MMUN_TIED:-}" = $$ ] ||
	MMUN_TIED=$$ exec setpriv --pdeathsig TERM "$0" "$@"

out=$1
kernel=$out/kernel
result=$out/result
config=$(value config "$kernel")
image=$(value image "$kernel")

PROGRAM=${PROGRAM:-}
GUEST_ENV="${GUEST_ENV:-}${SCHEDULE:+ MMUN_SCHEDULE=$SCHEDULE}"

# boot.sh boots the guest again if the guest has printed nothing after BOOT_SECS seconds.
# boot.sh boots a guest at most BOOT_TRIES times.
BOOT_SECS=${BOOT_SECS:-120}
BOOT_TRIES=3

nonce=${NONCE:-$(od -An -N8 -tx8 /dev/urandom | tr -d ' ')}

# program_secs: Prints the number of seconds that each test program may take. The number
# is PROGRAM_SECS if PROGRAM_SECS is set. If PROGRAM_SECS is not set, the number is the
# timeout in the file "settings" of the selftest, or eight times this timeout if the guest
# is emulated and therefore slow.
program_secs() {
	local secs

	secs=$(value timeout "$SELFTEST/settings" 2>/dev/null || true)
	echo "${PROGRAM_SECS:-$((${secs:-45} * (slow ? 8 : 1)))}"
}

# write_orders: Writes the file "orders", which scripts/guest/orders.c reads.
write_orders() {
	local modules

	find_modules
	modules=("${modules[@]#*/}")
	printf '%s\n' "modules=${modules[*]%.ko}" "nonce=$nonce" "tests=$TESTS" \
		"seed=$SEED" "program=$PROGRAM" "env=$GUEST_ENV" \
		"timeout=$(program_secs)" "slow=$slow" "stop=$STOP" \
		"times=$TIMES" >"$result/orders"
}

# make_initrd: Makes the file initrd, which is the initramfs followed by an archive with
# the file "orders". The kernel unpacks concatenated archives. The time stamp of the file
# "orders" is constant, so that all runs with icount are the same.
make_initrd() {
	echo "file /mmun/orders $result/orders 0644 0 0" >"$result/orders.list"
	"$out/gen_init_cpio" -t 1577836800 "$result/orders.list" \
		>"$result/orders.cpio"
	cat "$out/initramfs" "$result/orders.cpio" >"$result/initrd"
}

# take_line LINE: Writes LINE, a line of output of the guest, to ktap.log and to stdout.
take_line() {
	printf '%s\n' "$1" >>"$result/ktap.log"
	clear_progress
	printf '%s\n' "${GUEST:+$GUEST }$1"
	note_current "$1"
}

# follow_guest: Reads the output of the guest until the guest ends, and kills the guest if
# the guest takes too long. Sets $ended to "exit" if the guest ended by itself, and to
# "timeout" or "no-boot" if follow_guest killed the guest.
follow_guest() {
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
		# follow_guest uses SIGKILL, because a guest that loops in its kernel
		# ignores SIGTERM.
		kill -KILL "$pid" 2>/dev/null || true
		break
	done
	[ -z "$line" ] || take_line "$line"
	clear_progress
}

# out_of_time: Returns 0 if the guest has taken too long, and sets $ended to "no-boot" or
# "timeout".
out_of_time() {
	if [ ! -s "$result/ktap.log" ] && [ "$SECONDS" -ge "$BOOT_SECS" ]; then
		ended=no-boot
	elif [ "$SECONDS" -ge "$TIMEOUT" ]; then
		ended=timeout
	else
		return 1
	fi
}

# prepare_result: Makes empty files for the result of the run, and the pipe to which the
# guest writes its KTAP.
prepare_result() {
	rm -f "$result"/{console.log,ktap.log,verdict,qemu.log,serial}
	touch "$result"/{console.log,ktap.log,verdict}
	mkfifo "$result/serial"
}

# run_guest: Boots the guest once and waits until the guest ends. Sets the variable status
# to the exit status of QEMU or of User-Mode Linux.
run_guest() {
	local tail_pid=

	prepare_result
	SECONDS=0
	current="booting $(value release "$kernel")"
	"start_$guest_kind" </dev/null >"$result/serial" 2>"$result/qemu.log" &
	pid=$!
	exec {guest}<"$result/serial"
	if [ "$V" = 1 ]; then
		run_tied tail -n +1 -f --pid="$pid" "$result/console.log" >&2 &
		tail_pid=$!
	fi
	follow_guest
	# If a signal ended the guest, the shell prints a message in "wait". The message
	# of the shell goes to /dev/null, because judge.sh reports the guest.
	wait "$pid" 2>/dev/null || status=$?
	pid=
	exec {guest}<&-
	[ -z "$tail_pid" ] || wait "$tail_pid" || true
}

# boot: Runs the guest. If the guest printed nothing, boot runs the guest again, at most
# BOOT_TRIES times in all.
boot() {
	local try

	for ((try = 1; try <= BOOT_TRIES; try++)); do
		status=0
		run_guest
		if [ "$ended" != no-boot ] || [ "$try" = "$BOOT_TRIES" ]; then
			break
		fi
		say "the guest printed nothing in $BOOT_SECS seconds: booting the guest again"
	done
}

# clean_up: Kills the guest if the guest still runs, and removes the temporary files of
# the run.
clean_up() {
	[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
	rm -f "$result"/{serial,initrd,orders.cpio,orders.list}
	[ ! -d "$result/uml" ] || rm -r "$result/uml"
}

# write_meta: Writes the file meta with the facts about the run that judge.sh needs, and
# the file config with the configuration of the kernel.
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
