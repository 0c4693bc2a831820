#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The stress program in a guest: as kselftest.sh, with that program alone.
#
# usage: stress.sh
#
# Variables: STRESS are its words, see "STRESS=-h"; else as "make help" says.
# Exits as judge.sh does.

. "$(dirname "$0")/lib.sh"

SWAP_MIB=64

words=${STRESS:--s 60}
secs=$(sed -n 's/.*-s *\([0-9]\+\).*/\1/p' <<<" $words")

export PROGRAM="stress -v -z $SWAP_MIB $words"
# It ends by itself: to be longer is to hang.
export PROGRAM_SECS=$((${secs:-0} + 300))
export TIMEOUT=${TIMEOUT:-$((PROGRAM_SECS + 300))}
exec "$SCRIPTS/kselftest.sh"
