#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Print the programs of a suite, those first that are likely to notice a mutant.
#
# usage: mutants-order.sh ENTRY OUT RESULT
#
# First is the program that did not pass last time, which the file RESULT names if it
# is there; then the one of the key "killer" of the entry; then the killers of the
# entries of the same function, and of the same file; then all others.

. "${0%/*}/../lib.sh"

# killers LINE: of the entries that have this line, the most frequent first.
killers() {
	awk -v line="$1" '
		FNR == 1	{ same = 0 }
		$0 == line	{ same = 1 }
		/^killer: / && same { count[$2]++ }
		END { for (name in count) print count[name], name }' \
		"$SCRIPTS"/mutate/kernel/*.mutant | sort -k1,1rn -k2 | cut -d' ' -f2
}

likely() {
	local file function

	[ ! -e "$result" ] || value program "$result"
	"$SCRIPTS/mutate/defect.sh" get killer "$entry"
	function=$("$SCRIPTS/mutate/defect.sh" get function "$entry")
	killers "function: $function"
	file=$("$SCRIPTS/mutate/defect.sh" get file "$entry")
	killers "file: $file"
	cat "$out/programs"
}

entry=$1
out=$2
result=$3
list=$(likely)
awk 'NR == FNR { known[$1]; next }
	$1 in known && !seen[$1]++' "$out/programs" - <<<"$list"
