#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What runs the guest: prints the words for QEMU.
#
# usage: accel.sh IMAGE
#
# ACCEL=auto is KVM if KVM is seen to run IMAGE, or else TCG.

. "${0%/*}/../lib.sh"

image=$1

choose() {
	local answer=tcg status=0

	ACCEL=tcg
	if [ ! -r /dev/kvm ] || [ ! -w /dev/kvm ]; then
		say "no KVM here: emulating (TCG)"
		return
	fi
	answer=$("$SCRIPTS/vm/try-kvm.sh" "$image") || status=$?
	[ "$status" = 0 ] || [ "$status" = 3 ] || exit "$status"
	if [ "$answer" = kvm ]; then
		ACCEL=kvm
	else
		say "KVM runs no kernel here: emulating (TCG)"
	fi
}

[ "$ACCEL" != auto ] || choose
case $ACCEL in
kvm)	echo "-accel kvm -cpu host" ;;
# Five-level page tables cost time, and KASAN of 6.1 reports its own access to them
# when an interrupt comes while the processor is being identified.
tcg)	echo "-accel tcg,thread=multi -cpu max,la57=off" ;;
# The clock counts instructions, all of them, and nothing comes from the host, no
# random number either: one run is as the other.  A string instruction counts each
# of its turns; without ERMS and FSRM the kernel moves eight bytes in one.
icount)	echo "-accel tcg,thread=single -icount shift=0,sleep=off -seed 1" \
		"-cpu ${CPU:-max,la57=off,erms=off,fsrm=off}" \
		"-rtc base=2020-01-01,clock=vm" ;;
*)	die "ACCEL=$ACCEL: auto, kvm, tcg or icount" ;;
esac
