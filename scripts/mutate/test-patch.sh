#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests of "make mutants PATCH=...": the outcome of each kind of mutant, the mutants that
# are printed as missing tests, and the exit status. A stand-in replaces the program
# tools/testing/mmu_notifier. test-patch.sh prints KTAP.
#
# usage: test-patch.sh

. "${0%/*}/../lib.sh"
. "$SCRIPTS/test/results.sh"
. "$SCRIPTS/test/fake/quick.sh"

# write_judge: Prints a program that fails, crashes or does not end if a condition of the
# source file is negated. Without the condition "defect", a test is an expected failure.
write_judge() {
	cat <<-'PROGRAM'
		#!/bin/bash
		printf '%s\n' "KTAP version 1" "1..2" "# 3 states, 3 steps, 0.00 s"
		case $(cat "${0%/*}"/mmu_notifier.o) in
		*'!(noticed)'*)	printf '%s\n' "# a property" "# SCHEDULE=first:01" "not ok 1 first"
				exit 1 ;;
		*'!(crash)'*)	kill -SEGV $$ ;;
		*'!(endless)'*)	sleep 60 ;;
		*'!(slow)'*)	[ $# != 0 ] || { echo "not ok 1 first"; exit 1; } ;;
		esac
		echo "ok 1 first"
		case $(cat "${0%/*}"/mmu_notifier.o) in
		*'if (defect)'*)	echo "ok 2 second" ;;
		*)			echo "ok 2 second # XFAIL a known defect" ;;
		esac
	PROGRAM
}

# make_clone: Makes a clone with the stand-in, and a cache with the source tree of 7.3.
make_clone() {
	make_quick "$dir"
	tree=$dir/cache/tree/linux-source-7.3_7.3.9
	mv "$dir/tree" "$tree"
	write_judge >"$dir/clone/tools/testing/mmu_notifier/program"
	sed -i 's/grep error/grep "!(broken)"/' "$dir/clone/tools/testing/mmu_notifier/Makefile"
}

# write_patch WORD...: Writes a patch that adds a comment, and a condition for each WORD, to
# the source file.
write_patch() {
	local word

	printf '%s\n' "--- a/mm/mmu_notifier.c" "+++ b/mm/mmu_notifier.c" \
		"@@ -1,5 +1,$((6 + 2 * $#)) @@" " int one()" " {" "+	/* 1 < 2 */" >"$dir/x.patch"
	for word; do
		printf '%s\n' "+	if ($word) {" "+	}" >>"$dir/x.patch"
	done
	printf '%s\n' " 	one();" " 	two();" " }" >>"$dir/x.patch"
}

# run_mutants WORD...: Runs "make mutants" in the clone with a patch of the words WORD.
# run_mutants sets the variable status to the exit status, and the variable output to the
# output.
run_mutants() {
	write_patch "$@"
	status=0
	output=$(env MMUN_CACHE="$dir/cache" KERNEL=7.3 TIER=quick SUITE=mmun JOBS=2 \
		MUTANTS='*' TIMEOUT=1 PATCH="$dir/x.patch" \
		"$dir/clone/scripts/mutate/kernel.sh" 2>"$dir/stderr") || status=$?
}

# comes_to WORD LINE: Passes if the outcome of the mutant that negates WORD is LINE.
comes_to() {
	run_mutants defect "$1"
	check "$1: $2" has_line "$dir/stderr" "  mm/mmu_notifier.c:6: negate: $2"
}

test_outcomes() {
	comes_to noticed "killed, first, a property"
	comes_to slow "killed, first"
	comes_to crash "killed, the program ended with status 139"
	comes_to endless "time-out, the program did not end"
	comes_to broken "invalid, the mutant cannot be applied, or the build fails"
	comes_to unnoticed "survived, everything passed"
	check "a fix of a known defect that is undone is killed" has_line "$dir/stderr" \
		"  mm/mmu_notifier.c:4: negate: killed, second, a known defect is back"
}

test_report() {
	run_mutants defect broken unnoticed noticed endless
	check "the status is 0" test "$status" = 0
	check "the survivor is printed as a missing test" test "$output" = \
		"missing test: mm/mmu_notifier.c:8: negate
-	if (unnoticed) {
+	if (!(unnoticed)) {
2 killed, 1 time-out, 1 survived, 1 invalid"
	check "the tree is as before" test -z "$(grep -r if "$tree" || true)"
}

test_refusals() {
	run_mutants defect '!(noticed)'
	check "a test fails on the patch: status 1" test "$status" = 1
	check "a test fails on the patch: the counterexample is printed" \
		has_line /dev/stdin "# a property" <<<"$output"
	check "a test fails on the patch: no mutant is tried" test -z \
		"$(grep negate "$dir/stderr" || true)"
	run_mutants
	check "the patch adds only a comment: status 0" test "$status" = 0
	check "the patch adds only a comment: a message" grep -q "^the patch adds no line" <<<"$output"
	sed -i s/one/uno/ "$tree/mm/mmu_notifier.c"
	run_mutants defect
	check "the patch does not apply: status 2" test "$status" = 2
}

# The tests set these variables themselves.
unset CC LLVM DEEP STOP TIMEOUT
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
begin_results mutants-of-a-patch
make_clone
test_outcomes
test_report
test_refusals
end_results
