#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Test whether KVM runs a kernel on this machine.
#
# usage: trial.sh IMAGE DIR
#
# trial.sh boots IMAGE with KVM and without a root file system. If the kernel prints
# within TRIAL_SECS seconds that the kernel cannot mount a root file system, trial.sh
# writes "kvm" to DIR/answer. If the kernel prints no such message, trial.sh writes "tcg"
# to DIR/answer. If QEMU fails, trial.sh writes no answer and exits with status 3.

. "${0%/*}/../lib.sh"

image=$1
dir=$2
TRIAL_SECS=6

# On some machines /dev/kvm can be opened, but the guest never runs. If the guest never
# runs, QEMU prints nothing until the program timeout ends QEMU (status 124 or 137). If a
# signal ends QEMU before the time is over, trial.sh writes no answer. The braces around
# the command also redirect the message that the shell prints if QEMU aborts.
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
# grep returns 1 if no line matches, and 2 if grep failed.
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
