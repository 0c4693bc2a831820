#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Wait for a process in the background, print its output, and exit with its status.
#
# usage: follow.sh PID FILE
#
# FILE holds the output of the process. FILE.status holds its exit status and appears when
# the process has ended. PID is the shell that runs the process, possibly after other
# processes.

. "${0%/*}/../lib.sh"

while [ ! -e "$2.status" ] && kill -0 "$1" 2>/dev/null; do
	sleep 0.2
done
[ -e "$2.status" ] || die "$2: the process in the background ended without writing its status"
cat "$2"
exit "$(<"$2.status")"
