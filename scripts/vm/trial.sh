#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Test whether KVM runs a kernel on this machine.
#
# usage: trial.sh IMAGE DIR
#
# Boots IMAGE with KVM and without a root file system: the kernel must print in time that
# it cannot mount one. Writes kvm to DIR/answer if it does, otherwise tcg. If QEMU fails,
# the script writes no answer and exits with status 3.

. "${0%/*}/../lib.sh"

image=$1
dir=$2
TRIAL_SECS=6

# On some machines /dev/kvm can be opened, but the guest never runs. QEMU prints nothing
# then, until "timeout" ends QEMU (status 124 or 137). If QEMU ends earlier by a signal,
# there is no answer. The braces redirect the message of this shell about a QEMU that
# aborts.
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
# grep returns 1 if no line matches, and more if it failed.
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
