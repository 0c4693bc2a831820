#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run the stress program in a guest. The script runs kselftest.sh with this program only.
#
# usage: stress.sh
#
# Variables: STRESS, the options of the program, see "STRESS=-h"; TIMEOUT, by default ten
# minutes more than the run. Exits with the status of judge.sh.

. "${0%/*}/../lib.sh"

SWAP_MIB=64

# seconds OPTION...: Prints the value of the last -s, or the default of the program.
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
# The program ends by itself, so it hangs if it runs much longer.
export PROGRAM_SECS=$((secs + 300))
export TIMEOUT=${TIMEOUT:-$((PROGRAM_SECS + 300))}
exec "$SCRIPTS/kselftest.sh"
