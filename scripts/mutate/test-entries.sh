#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Test the entries of the mutants. Each mutant of the kernel must be applicable to the
# kernels that its entry names, and each mutant of the module to the module. The program
# in the key "killer" of each entry must exist.
#
# usage: test-entries.sh KERNEL...
#
# The source tree of each KERNEL must be in the cache.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/mutate/entries.sh"

# apply_all TREE: Applies each mutant of the array entries to a copy of its file in TREE.
# apply_all sets the variable failed to 1 if a mutant cannot be applied.
apply_all() {
	local entry file

	for entry in "${entries[@]}"; do
		file=$(entry_value file "$entry")
		"$SCRIPTS/mutate/apply.sh" "$entry" "$1/$file" >/dev/null || failed=1
	done
}

# check_killers: Checks for each mutant of the array entries that the program in the key
# "killer" exists. check_killers sets the variable failed to 1 if such a program does not
# exist.
check_killers() {
	local entry killer

	for entry in "${entries[@]}"; do
		killer=$(entry_value killer "$entry")
		[ -z "$killer" ] || [ -e "$SELFTEST/$killer.c" ] || {
			echo "${entry##*/}: killer: there is no program $killer"
			failed=1
		}
	done
}

failed=0
find_entries module '*'
apply_all "$TOP"
for kernel; do
	tree=$(compgen -G "$CACHE/tree/linux-source-${kernel}_*")
	find_entries kernel '*' "$kernel"
	apply_all "$tree"
	check_killers
done
exit "$failed"
