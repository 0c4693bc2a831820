#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Does KVM run a kernel here?
#
# usage: trial.sh IMAGE DIR
#
# Boots IMAGE once without a root file system, until the kernel panics because it
# has none. DIR/answer is kvm if the kernel came that far in time, or tcg. Exits 3 if
# QEMU fails: that is no answer.

. "${0%/*}/../lib.sh"

image=$1
dir=$2
TRIAL_SECS=6

# /dev/kvm may open and still never run a kernel: QEMU then is silent until
# timeout ends it (status 124 or 137). Another signal before is no answer.
# The braces keep the message of this shell about a QEMU that aborts.
status=0
SECONDS=0
{
	setpriv --pdeathsig TERM timeout -k 1 "$TRIAL_SECS" \
		"$QEMU" -M pc -accel kvm -cpu host \
		-smp 1 -m 256M -nodefaults -nic none -display none \
		-monitor none -no-reboot -serial "file:$dir/console" \
		-kernel "$image" \
		-append "console=ttyS0 earlyprintk=ttyS0 panic=-1" \
		</dev/null || status=$?
} >"$dir/qemu.log" 2>&1
# grep returns 1 if there is nothing, and more if it failed.
touch "$dir/console"
found=$(grep -a 'Unable to mount root fs' "$dir/console" || [ $? = 1 ])
if [ -n "$found" ]; then
	echo kvm >"$dir/answer"
elif [ "$status" = 0 ] || [ "$SECONDS" -ge "$TRIAL_SECS" ]; then
	echo tcg >"$dir/answer"
else
	message=$(<"$dir/qemu.log")
	say "KVM cannot be tried: ${message%%$'\n'*} (exit status $status)"
	exit 3
fi
