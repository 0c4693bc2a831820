#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Print the programs in the order in which a mutant runs them: the likely killers first.
#
# usage: order.sh kernel|module ENTRY OUT RESULT
#
# The first is the program that killed the mutant last time, which the file RESULT names if
# it exists. The next programs are the key "killer" of the entry, the killers of the entries
# of the same function, the killers of the entries of the same file, and the other programs.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/mutate/entries.sh"

# killers LINE: of the entries that have this line, the most frequent first.
killers() {
	awk -v line="$1" '
		FNR == 1	{ same = 0 }
		$0 == line	{ same = 1 }
		/^killer: / && same { count[$2]++ }
		END { for (name in count) print count[name], name }' \
		"$SCRIPTS/mutate/$kind"/*.mutant | sort -k1,1rn -k2 | cut -d' ' -f2
}

likely() {
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
list=$(likely)
awk 'NR == FNR { known[$1]; next }
	$1 in known && !seen[$1]++' "$out/programs" - <<<"$list"
