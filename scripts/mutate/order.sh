#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Print the test programs in the order in which the programs run with a mutant. The
# programs that are likely to kill the mutant are first.
#
# usage: order.sh kernel|module ENTRY OUT RESULT
#
# The order of the programs is:
#
#	1. the program that killed the mutant last time, if the file RESULT exists
#	2. the program in the key "killer" of ENTRY
#	3. the programs in the key "killer" of other mutants of the same function
#	4. the programs in the key "killer" of other mutants of the same source file
#	5. all other programs

. "${0%/*}/../lib.sh"
. "$SCRIPTS/mutate/entries.sh"

# killers LINE: Prints the values of the key "killer" in the entries that contain LINE,
# the most frequent value first.
killers() {
	awk -v line="$1" '
		FNR == 1	{ same = 0 }
		$0 == line	{ same = 1 }
		/^killer: / && same { count[$2]++ }
		END { for (name in count) print count[name], name }' \
		"$SCRIPTS/mutate/$kind"/*.mutant | sort -k1,1rn -k2 | cut -d' ' -f2
}

# candidates: Prints the programs in the order that the comment at the start of order.sh
# describes, and prints some programs more than once. If a program did not end last time,
# candidates does not move this program to the first place.
candidates() {
	local file function

	[ ! -e "$result" ] || has_line "$result" outcome=time-out || value program "$result"
	entry_value killer "$entry"
	function=$(entry_value function "$entry")
	killers "function: $function"
	file=$(entry_value file "$entry")
	killers "file: $file"
	cat "$out/programs"
}

kind=$1
entry=$2
out=$3
result=$4
list=$(candidates)
awk 'NR == FNR { known[$1]; next }
	$1 in known && !seen[$1]++' "$out/programs" - <<<"$list"
