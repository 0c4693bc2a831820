#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The stress program in a guest: as kselftest.sh, with that program alone.
#
# usage: stress.sh
#
# Variables: STRESS are its options, see "STRESS=-h"; TIMEOUT, if it is empty,
# follows from them. Exits as judge.sh does.

. "${0%/*}/../lib.sh"

SWAP_MIB=64

# seconds OPTION...: the value of the last -s, or the default of the program.
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
# It ends by itself: to be longer is to hang.
export PROGRAM_SECS=$((secs + 300))
export TIMEOUT=${TIMEOUT:-$((PROGRAM_SECS + 300))}
exec "$SCRIPTS/kselftest.sh"
