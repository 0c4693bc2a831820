#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Every mutant can still be applied to the kernels that it names, and changes
# something there.
#
# usage: test-mutants.sh VERSION...
#
# The tree of each version must be in the cache.

. "${0%/*}/../lib.sh"

failed=0
mutant=$(mktemp)
trap 'rm -f "$mutant"' EXIT
for kernel; do
	tree=$(compgen -G "$CACHE/tree/linux-source-${kernel}_*")
	for entry in "$SCRIPTS"/mutate/kernel/*.mutant; do
		kernels=$("$SCRIPTS/mutate/defect.sh" get kernels "$entry")
		[[ " $kernels " = *" $kernel "* ]] || continue
		file=$tree/$("$SCRIPTS/mutate/defect.sh" get file "$entry")
		if ! "$SCRIPTS/mutate/defect.sh" apply "$entry" "$file" >"$mutant" ||
		   [ "$(<"$file")" = "$(<"$mutant")" ]; then
			echo "$kernel: ${entry##*/} does not change ${file#"$tree"/}"
			failed=1
		fi
	done
done
exit "$failed"
