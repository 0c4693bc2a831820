#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Does KVM run a kernel here?
#
# usage: trial.sh IMAGE DIR
#
# Boots IMAGE once without a root file system, until the kernel panics because it
# has none. DIR/answer is kvm if the kernel came that far in time, or tcg. Fails if
# QEMU fails: that is no answer.

. "$(dirname "$0")/lib.sh"

image=$1
dir=$2
TRIAL_SECS=6

# /dev/kvm may open and still never run a kernel: QEMU then is silent until
# timeout ends it (status 124 or 137).
# The braces keep what this shell says of a QEMU that aborts.
status=0
{
	setpriv --pdeathsig TERM timeout -k 1 "$TRIAL_SECS" \
		"${QEMU:-qemu-system-x86_64}" -M pc -accel kvm -cpu host \
		-smp 1 -m 256M -nodefaults -nic none -display none \
		-monitor none -no-reboot -serial "file:$dir/console" \
		-kernel "$image" \
		-append "console=ttyS0 earlyprintk=ttyS0 panic=-1" \
		</dev/null || status=$?
} >"$dir/qemu.log" 2>&1
if grep -qs 'Unable to mount root fs' "$dir/console"; then
	echo kvm >"$dir/answer"
elif [[ $status = 0 || $status = 124 || $status = 137 ]]; then
	echo tcg >"$dir/answer"
else
	die "KVM cannot be tried: $(head -n 1 "$dir/qemu.log") (exit status $status)"
fi
