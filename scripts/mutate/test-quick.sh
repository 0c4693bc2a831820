#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests of the tier quick of "make mutants": the outcome of each kind of mutant, what is
# compiled for a mutant, which mutants are tried, and which change makes a result invalid.
# A stand-in replaces the program tools/testing/mmu_notifier. test-quick.sh prints KTAP.
#
# usage: test-quick.sh

. "${0%/*}/../lib.sh"
. "$SCRIPTS/test/results.sh"
. "$SCRIPTS/test/fake/quick.sh"

# make_mutant NAME FILE FUNCTION NEW [LINE]: Writes the entry of mutant NAME, which
# replaces the call of one() in FUNCTION() in FILE by a call of NEW(). LINE is a line with
# another key.
make_mutant() {
	printf '%s\n' "file: $2" "function: $3" "breaks: $3" "kernels: 7.3" ${5:+"$5"} \
		"--- old" "	one();" "--- new" "	$4();" "--- end" \
		>"$dir/clone/scripts/mutate/kernel/$1.mutant"
}

# make_clone: Makes a clone with the stand-in and without mutants, and a cache with the
# source tree of 7.3.
make_clone() {
	make_quick "$dir"
	tree=$dir/cache/tree/linux-source-7.3_7.3.9
	mv "$dir/tree" "$tree"
	source=mm/mmu_notifier.c
}

# run_mutants [NAME=VALUE...]: Runs "make mutants TIER=quick" in the clone with the
# variables NAME. run_mutants sets the variable status to the exit status, the variable
# table to the output, and the variable tried to the names of the mutants that were tried.
run_mutants() {
	status=0
	table=$(env MMUN_CACHE="$dir/cache" KERNEL=7.3 TIER=quick SUITE=mmun JOBS=2 \
		MUTANTS='*' TIMEOUT= PATCH= "$@" "$dir/clone/scripts/mutate/kernel.sh" \
		2>"$dir/stderr") || status=$?
	tried=$(sed -n 's/^  quick: \([^ ]*\):.*/\1/p' "$dir/stderr" | sort | paste -sd ' ')
}

# comes_to NAME OUTCOME BY [HOW]: Passes if the result of mutant NAME has these values.
comes_to() {
	local result=$dir/clone/build/mutants/7.3/mmun/quick/$1.result

	check "$1: $2, $3${4:+, $4}" test \
		"$(grep -E '^(outcome|by|how)=' "$result" | paste -sd ' ')" = \
		"outcome=$2 by=$3 how=${4:-}"
}

# tries TITLE NAMES [NAME=VALUE...]: Passes if the mutants NAMES are tried, and no others.
tries() {
	run_mutants "${@:3}"
	check "$1: ${2:-nothing} is tried" test "$status:$tried" = "0:$2"
}

test_outcomes() {
	make_clone
	make_mutant noticed $source one bad
	make_mutant unnoticed $source one other
	make_mutant header include/linux/mmu_notifier.h two bad
	make_mutant crashing $source one crash
	make_mutant endless $source one endless
	make_mutant silent $source one silent
	make_mutant broken $source one error
	make_mutant wrong $source two other
	make_mutant elsewhere mm/memory.c one bad
	make_mutant for-guests $source one bad "tiers: vm"
	tries "all" "broken crashing endless header noticed silent sound unnoticed wrong" \
		TIMEOUT=1
	comes_to sound survived "everything passed"
	comes_to noticed killed second "a property"
	comes_to header killed second "a property"
	comes_to unnoticed survived "everything passed"
	comes_to crashing killed "the program ended with status 139"
	comes_to endless time-out "the program did not end"
	comes_to silent invalid "the program printed no failure"
	comes_to broken invalid "the mutant cannot be applied, or the build fails"
	comes_to wrong invalid "the mutant cannot be applied, or the build fails"
	check "the table has the sums" grep -q \
		"^mmun: 3 killed, 1 time-out, 1 survived, 0 equivalent, 0 absent, 3 invalid$" \
		<<<"$table"
	check "the copies are removed" test -z \
		"$(find "$dir"/clone/build/mutants/7.3/mmun/quick -mindepth 1 -type d)"
	check "the tree is as before" test -z "$(grep -r bad "$tree" || true)"
}

test_joined() {
	make_clone
	make_mutant one $source one other "wants: x"
	make_mutant two include/linux/mmu_notifier.h two other "wants: x"
	tries "two at once that survive" "one sound two"
	make_mutant two include/linux/mmu_notifier.h two bad "wants: x"
	make_mutant one $source one another "wants: x"
	tries "two at once, of which one is noticed" "one two"
	check "the two were one build" grep -q '^  quick: 2 at once: killed' "$dir/stderr"
	comes_to one survived "everything passed"
	comes_to two killed second "a property"
}

# test_tiers: Tests which mutants a later tier tries. The later tier of the test is the same
# program under another name.
test_tiers() {
	make_clone
	printf 'again\tquick\t30\n' >>"$dir/clone/scripts/mutate/tiers"
	sed -i '/^uml\|^vm/d' "$dir/clone/scripts/mutate/tiers"
	make_mutant noticed $source one bad
	make_mutant unnoticed $source one other
	make_mutant expected $source one other "equivalent: x"
	tries "the tier quick" "expected noticed sound unnoticed" TIER=
	tried=$(sed -n 's/^  again: \([^ ]*\):.*/\1/p' "$dir/stderr" | sort | paste -sd ' ')
	check "the next tier: a mutant that was killed is not tried" \
		test "$tried" = "sound unnoticed"
	check "all tiers: the table has the kills of each tier" \
		has_line /dev/stdin "mmun: killed by tier: 1 quick, 0 again" <<<"$table"
	run_mutants TIER=again
	check "the next tier alone: the table has its kills" \
		has_line /dev/stdin "mmun: killed by tier: 1 again" <<<"$table"
}

# test_known: Tests which results are used again.
test_known() {
	make_clone
	make_mutant noticed $source one bad
	make_mutant unnoticed $source one other
	run_mutants
	tries "no change" ""
	make_mutant unnoticed $source one another
	tries "a change of an entry" "unnoticed"
	echo "int new;" >>"$dir/clone/tools/testing/mmu_notifier/table.c"
	tries "a change of the program" "noticed sound unnoticed"
	tries "no change after that" ""
	sed -i 's/second/other/g' "$dir/clone/tools/testing/mmu_notifier/program"
	tries "a configuration has another name" "noticed sound unnoticed"
	comes_to noticed killed other "a property"
	echo "int new;" >>"$tree/include/linux/mmu_notifier.h"
	tries "a change of the tree" "noticed sound unnoticed"
	touch -d 2001-01-01 "$tree/mm/mmu_notifier.c"
	sed -i 's/two();/three();/' "$tree/mm/mmu_notifier.c"
	touch -d 2001-01-01 "$tree/mm/mmu_notifier.c"
	tries "a change of the tree that has an old time stamp" "noticed sound unnoticed"
	check "a change of the tree that has an old time stamp: the program has the change" \
		grep -q three "$dir/clone/build/mutants/7.3/quick/program/mmu_notifier.o"
}

# test_objects: Tests that only the object that contains the mutant is compiled.
test_objects() {
	local out=$dir/clone/build/mutants/7.3/quick copy=$dir/clone/build/copy

	make_clone
	make_mutant noticed $source one bad
	make_mutant header include/linux/mmu_notifier.h two bad
	run_mutants
	for name in noticed header sound; do
		rm -f "$out/program/compiled"
		"$dir/clone/scripts/mutate/build-quick.sh" "$out" "$copy" "$name" >/dev/null
		check "$name: one object is compiled" test "$(wc -l <"$copy/program/compiled")" = 1
	done
}

test_refusals() {
	make_clone
	make_mutant elsewhere mm/memory.c one bad
	run_mutants
	check "no mutant of the tier: status 2" test "$status" = 2
	check "no mutant of the tier: a message" grep -q \
		"the tier quick can notice none of these mutants" "$dir/stderr"
	make_mutant unnoticed $source one other
	sed -i 's/one();/bad();/' "$tree/mm/mmu_notifier.c"
	run_mutants
	check "the sound tree fails: status 2" test "$status" = 2
	check "the sound tree fails: only the sound tree is tried" test "$tried" = sound
	check "the sound tree fails: the counterexample is printed" \
		has_line /dev/stdin "# a property" <<<"$table"
}

# The tests set these variables themselves.
unset CC LLVM DEEP STOP TIMEOUT
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
begin_results quick-mutants
test_outcomes
test_joined
test_tiers
test_known
test_objects
test_refusals
end_results
