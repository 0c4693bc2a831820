#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What runs the guest: prints the words for QEMU.
#
# usage: accel.sh IMAGE
#
# /dev/kvm may open and still never run a kernel: QEMU then is silent for ever.
# So ACCEL=auto boots the image once without a root file system, until it
# panics for the want of one, and remembers for how long the host is up
# whether it came that far in time.

. "$(dirname "$0")/lib.sh"

image=$1
QEMU=${QEMU:-qemu-system-x86_64}
ACCEL=${ACCEL:-auto}
TRIAL_SECS=6

trial() {
	local log=$1/console

	timeout -k 1 "$TRIAL_SECS" "$QEMU" -M pc -accel kvm -cpu host -smp 1 \
		-m 256M -nodefaults -nic none -display none -monitor none \
		-no-reboot -serial "file:$log" -kernel "$image" \
		-append "console=ttyS0 earlyprintk=ttyS0 panic=-1" \
		</dev/null >/dev/null 2>&1 || true
	if grep -qs 'Unable to mount root fs' "$log"; then
		echo kvm >"$1/answer"
	else
		echo tcg >"$1/answer"
	fi
	rm -f "$log"
}

answer() {
	local key

	key=$(cat /proc/sys/kernel/random/boot_id - <<<"$QEMU $image" | cksum)
	once "$CACHE/accel-${key%% *}" trial
	cat "$CACHE/accel-${key%% *}/answer"
}

choose() {
	if [ ! -r /dev/kvm ] || [ ! -w /dev/kvm ]; then
		say "no KVM here: emulating (TCG)"
		ACCEL=tcg
	elif [ "$(answer)" = tcg ]; then
		say "KVM runs no kernel here: emulating (TCG)"
		ACCEL=tcg
	else
		ACCEL=kvm
	fi
}

mkdir -p "$CACHE"
[ "$ACCEL" != auto ] || choose
case $ACCEL in
kvm)	echo "-accel kvm -cpu host" ;;
# Five-level page tables cost time, and KASAN of 6.1 reports its own look at them
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
