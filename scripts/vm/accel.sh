#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Print the arguments of QEMU that select its accelerator.
#
# usage: accel.sh IMAGE
#
# With ACCEL=auto, accel.sh selects KVM if KVM runs the kernel IMAGE on this machine. If
# KVM does not run IMAGE, accel.sh selects TCG, the emulator of QEMU.

. "${0%/*}/../lib.sh"

image=$1

# choose_accel: Sets ACCEL to kvm or tcg. Prints a line on stderr if ACCEL is tcg.
choose_accel() {
	local answer=tcg status=0

	ACCEL=tcg
	if [ ! -r /dev/kvm ] || [ ! -w /dev/kvm ]; then
		say "no KVM on this machine: emulating the guest (TCG)"
		return
	fi
	answer=$("$SCRIPTS/vm/try-kvm.sh" "$image") || status=$?
	[ "$status" = 0 ] || [ "$status" = 3 ] || exit "$status"
	if [ "$answer" = kvm ]; then
		ACCEL=kvm
	else
		say "KVM does not run a kernel on this machine: emulating the guest (TCG)"
	fi
}

[ "$ACCEL" != auto ] || choose_accel
case $ACCEL in
kvm)	echo "-accel kvm -cpu host" ;;
# Five-level page tables (la57) are slow to emulate. KASAN of Linux 6.1 also reports its
# own access to five-level page tables if an interrupt arrives while the kernel identifies
# the processor.
tcg)	echo "-accel tcg,thread=multi -cpu max,la57=off" ;;
# With icount, all runs of a guest are the same, because the clock of the guest counts
# instructions, and the guest receives no input from the host, not even random numbers.
# The clock of the guest counts each iteration of a string instruction, such as `rep
# movsb`, as an instruction. The emulated processor has no ERMS and no FSRM, because
# without ERMS and FSRM the kernel moves eight bytes in one iteration of a string
# instruction.
icount)	echo "-accel tcg,thread=single -icount shift=0,sleep=off -seed 1" \
		"-cpu ${CPU:-max,la57=off,erms=off,fsrm=off}" \
		"-rtc base=2020-01-01,clock=vm" ;;
*)	die "ACCEL=$ACCEL: expected auto, kvm, tcg or icount" ;;
esac
