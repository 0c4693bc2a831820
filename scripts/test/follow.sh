#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Print what a process in the background wrote when it has ended, and exit with its
# status.
#
# usage: follow.sh PID FILE
#
# The process writes to FILE, and its status to FILE.status. PID is the process that
# starts it, perhaps after others.

. "${0%/*}/../lib.sh"

while [ ! -e "$2.status" ] && kill -0 "$1" 2>/dev/null; do
	sleep 0.2
done
[ -e "$2.status" ] || die "the process in the background ended without a status"
cat "$2"
exit "$(<"$2.status")"
