#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Prints kvm or tcg: what runs IMAGE on this machine.
#
# usage: try-kvm.sh IMAGE
#
# The answer of trial.sh is kept in the cache for as long as the machine is up, the
# QEMU, the image and /dev/kvm are the same. Exit status 3: QEMU cannot use KVM.

. "${0%/*}/../lib.sh"

image=$1

# What goes into the answer, but for the boot.
inputs() {
	"$QEMU" --version
	sha256sum <"$image"
	stat -c '%i %t:%T %Z' /dev/kvm
	cat "$SCRIPTS/vm/trial.sh"
}

boot=$(</proc/sys/kernel/random/boot_id)
boot=${boot:0:8}
key=$(inputs | sum)
dir=$CACHE/accel-$boot-$key
once "$dir" "$SCRIPTS/vm/trial.sh" "$image"
for old in "$CACHE"/accel-*; do
	[[ $old = "$CACHE/accel-$boot-"* ]] || rm -rf "$old"
done
answer=$(<"$dir/answer")
echo "$answer"
