#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Wait for a process in the background, then print the output of the process, and exit
# with the status of the process.
#
# usage: follow.sh PID FILE
#
# FILE has the output of the process in the background. FILE.status has the exit status of
# the process in the background, and appears when this process has ended. PID is the
# process ID of the shell that runs the process in the background, possibly after other
# processes.

. "${0%/*}/../lib.sh"

while [ ! -e "$2.status" ] && kill -0 "$1" 2>/dev/null; do
	sleep 0.2
done
[ -e "$2.status" ] || die "$2: the process in the background ended without writing its status"
cat "$2"
exit "$(<"$2.status")"
