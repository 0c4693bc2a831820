#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Print what a process in the background writes until it ends, and exit with its
# status.
#
# usage: follow.sh PID FILE
#
# The process writes to FILE, and at its end its status to FILE.status.

. "${0%/*}/lib.sh"

tail -n +1 -f --pid="$1" "$2"
[ -e "$2.status" ] || die "the process in the background ended without a status"
exit "$(<"$2.status")"
