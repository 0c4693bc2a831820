#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Step 4 of kselftest.sh: boot the kernel with the initramfs, which runs the tests.
#
# usage: boot.sh OUT
#
# Prints the KTAP while the guest runs. Writes the files that judge.sh reads to
# OUT/result: console.log, ktap.log, verdict, qemu.log (the messages of QEMU or of
# User-Mode Linux), meta and config. Also writes the file orders, the input of PID 1.
# Exits with status 0 even if the guest fails. The guest is killed when this script or its
# parent dies.
#
# start.sh exports the variables that "make help" lists. The scripts that call this one
# may also set these:
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

# The kernel ends this script when its parent dies, because a CI runner may kill only
# make.
[ "${MMUN_TIED:-}" = $$ ] ||
	MMUN_TIED=$$ exec setpriv --pdeathsig TERM "$0" "$@"

out=$1
kernel=$out/kernel
result=$out/result
config=$(value config "$kernel")
image=$(value image "$kernel")

PROGRAM=${PROGRAM:-}
GUEST_ENV="${GUEST_ENV:-}${SCHEDULE:+ MMUN_SCHEDULE=$SCHEDULE}"

# A guest that has printed nothing after BOOT_SECS is booted again. There are at most
# BOOT_TRIES boots.
BOOT_SECS=${BOOT_SECS:-120}
BOOT_TRIES=3

nonce=${NONCE:-$(od -An -N8 -tx8 /dev/urandom | tr -d ' ')}

# program_secs: Prints the seconds that each program may take: PROGRAM_SECS if it is set,
# otherwise the timeout in the file settings of the selftest. An emulated guest is slow
# and gets four times as much.
program_secs() {
	local secs

	secs=$(value timeout "$SELFTEST/settings" 2>/dev/null || true)
	echo "${PROGRAM_SECS:-$((${secs:-45} * (slow ? 4 : 1)))}"
}

# write_orders: Writes the file orders, which scripts/guest/orders.c reads.
write_orders() {
	local modules

	find_modules
	modules=("${modules[@]#*/}")
	printf '%s\n' "modules=${modules[*]%.ko}" "nonce=$nonce" "tests=$TESTS" \
		"seed=$SEED" "program=$PROGRAM" "env=$GUEST_ENV" \
		"timeout=$(program_secs)" "slow=$slow" "stop=$STOP" \
		"times=$TIMES" >"$result/orders"
}

# make_initrd: Makes the file initrd: the initramfs and an archive with the orders. The
# kernel unpacks concatenated archives, and gen_init_cpio pads each archive to a multiple
# of 512 bytes. The time stamp of the file is constant, so that all runs are the same.
make_initrd() {
	echo "file /mmun/orders $result/orders 0644 0 0" >"$result/orders.list"
	"$out/gen_init_cpio" -t 1577836800 "$result/orders.list" \
		>"$result/orders.cpio"
	cat "$out/initramfs" "$result/orders.cpio" >"$result/initrd"
}

# take_line LINE: Writes a line of the guest to ktap.log and to stdout.
take_line() {
	printf '%s\n' "$1" >>"$result/ktap.log"
	clear_progress
	printf '%s\n' "${GUEST:+$GUEST }$1"
	note_current "$1"
}

# follow_guest: Reads the output of the guest until the guest ends, and kills the guest if
# its time is over. Sets ended to exit, or to the reason why the guest was killed: timeout
# or no-boot.
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
		# A guest that loops in its kernel ignores SIGTERM.
		kill -KILL "$pid" 2>/dev/null || true
		break
	done
	[ -z "$line" ] || take_line "$line"
	clear_progress
}

# out_of_time: Returns 0 if the time of the guest is over, and sets ended.
out_of_time() {
	if [ ! -s "$result/ktap.log" ] && [ "$SECONDS" -ge "$BOOT_SECS" ]; then
		ended=no-boot
	elif [ "$SECONDS" -ge "$TIMEOUT" ]; then
		ended=timeout
	else
		return 1
	fi
}

# prepare_result: Makes empty files, and the pipe to which the guest writes its KTAP.
prepare_result() {
	rm -f "$result"/{console.log,ktap.log,verdict,qemu.log,serial}
	touch "$result"/{console.log,ktap.log,verdict}
	mkfifo "$result/serial"
}

# run_guest: Boots the guest once and waits until it ends. Sets status to the exit status
# of QEMU or of User-Mode Linux.
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
	# The shell would print a message about a guest that a signal ended. judge.sh
	# reports such a guest.
	wait "$pid" 2>/dev/null || status=$?
	pid=
	exec {guest}<&-
	[ -z "$tail_pid" ] || wait "$tail_pid" || true
}

# boot: Runs the guest. Runs it again if it printed nothing, BOOT_TRIES times in all.
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

# clean_up: Kills the guest if it still runs, and removes temporary files.
clean_up() {
	[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
	rm -f "$result"/{serial,initrd,orders.cpio,orders.list}
	[ ! -d "$result/uml" ] || rm -r "$result/uml"
}

# write_meta: Writes meta, the facts about the run that judge.sh needs, and config.
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
