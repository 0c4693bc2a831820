#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run the stress program in a guest. stress.sh runs kselftest.sh with only the stress
# program.
#
# usage: stress.sh
#
# Environment variables:
#
#	STRESS		the options of the stress program; STRESS=-h lists the options
#			[-s 60]
#	TIMEOUT		the seconds until the guest is killed [600 more than the seconds
#			of the stress program]
#
# stress.sh exits with the status of judge.sh.

. "${0%/*}/../lib.sh"

SWAP_MIB=64

# seconds OPTION...: Prints the number of seconds that the stress program runs. The number
# is the value of the last option -s, or 10, the default of the stress program.
seconds() {
	local option secs=10

	while getopts :t:p:s:n:S:w:z:vl option; do
		[ "$option" != s ] || secs=$OPTARG
	done
	echo "$secs"
}

read -ra words <<<"$STRESS"
secs=$(seconds "${words[@]}")
export PROGRAM="mmun_stress -v -z $SWAP_MIB ${words[*]}"
# The stress program ends by itself after $secs seconds. If the stress program runs 300
# seconds longer, the stress program hangs.
export PROGRAM_SECS=$((secs + 300))
export TIMEOUT=${TIMEOUT:-$((PROGRAM_SECS + 300))}
exec "$SCRIPTS/kselftest.sh"
