#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Print the programs in the order in which they run with a mutant: those first that are
# likely to notice the mutant.
#
# usage: order.sh kernel|module ENTRY OUT RESULT
#
# The order is: the program that killed the mutant last time, which the file RESULT names
# if it exists; the program in the key "killer" of ENTRY; the killers of the other mutants
# of the same function; the killers of the other mutants of the same file; all other
# programs.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/mutate/entries.sh"

# killers LINE: Prints the values of the key "killer" in the entries that have this line,
# the most frequent value first.
killers() {
	awk -v line="$1" '
		FNR == 1	{ same = 0 }
		$0 == line	{ same = 1 }
		/^killer: / && same { count[$2]++ }
		END { for (name in count) print count[name], name }' \
		"$SCRIPTS/mutate/$kind"/*.mutant | sort -k1,1rn -k2 | cut -d' ' -f2
}

# candidates: Prints the programs in the order of the header, some of them more than once.
# A program that did not end last time gets no advantage from that.
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
