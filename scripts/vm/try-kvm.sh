#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Print the accelerator that runs the kernel IMAGE on this machine: kvm or tcg.
#
# usage: try-kvm.sh IMAGE
#
# try-kvm.sh keeps the answer of trial.sh, kvm or tcg, in the cache. The answer in the
# cache is valid until the machine boots again, or until QEMU, IMAGE, /dev/kvm or trial.sh
# changes. try-kvm.sh exits with status 3 if trial.sh could not try KVM.

. "${0%/*}/../lib.sh"

image=$1

# inputs: Prints all inputs on which the answer of trial.sh depends, except the ID of the
# boot.
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
