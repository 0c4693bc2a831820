#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run the stress program in a guest. stress.sh runs kselftest.sh with only the stress
# program.
#
# usage: stress.sh
#
# Variables: STRESS, the options of the stress program, which "make stress STRESS=-h"
# lists; TIMEOUT, by default ten minutes more than the time of the stress program.
# stress.sh exits with the status of judge.sh.

. "${0%/*}/../lib.sh"

SWAP_MIB=64

# seconds OPTION...: Prints the value of the last option -s, or the default of the stress
# program, 10.
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
# The stress program ends by itself after $secs seconds. If the program runs much longer,
# the program hangs.
export PROGRAM_SECS=$((secs + 300))
export TIMEOUT=${TIMEOUT:-$((PROGRAM_SECS + 300))}
exec "$SCRIPTS/kselftest.sh"
