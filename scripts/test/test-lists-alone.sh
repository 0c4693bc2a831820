#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Test that the ranges of the kinds LIST, LIST_MM and INVLOCK use no interval notifier.
# Build a kernel in which each insertion of an interval notifier fails, and run the tests
# over these kinds.
#
# usage: test-lists-alone.sh KERNEL
#
# lists-alone.mutant is the change of the kernel, in the format of ../mutate/entries.sh.
# example_test, whose range is an interval notifier, must fail. All other tests must pass.
# The kernel with the change is never in the cache: the script runs in ../mutate/apart.sh.
# test-lists-alone.sh prints KTAP, and the number of tests that pass over each kind.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/kernel/packages.sh"
. "$SCRIPTS/mutate/layers.sh"
. "$SCRIPTS/test/results.sh"

ENTRY=$SCRIPTS/test/lists-alone.mutant
FILE=mm/mmu_notifier.c
CONTROL=example_test

# rebuild: Applies the change to the source, and builds the kernel again.
rebuild() {
	local words

	"$SCRIPTS/mutate/apply.sh" "$ENTRY" "$tree/$FILE" >"$out/changed"
	cp "$out/changed" "$tree/$FILE"
	mapfile -t words <"$kdir/make.words"
	quietly make -j"$(nproc)" "${words[@]}"
}

# run_tests: Runs the programs over the kinds of list notifiers in two guests. Sets the
# variable status to the exit status of judge.sh.
run_tests() {
	status=0
	{
		echo "$CONTROL"
		grep -E '_(list|list_mm|invlock)_test$' "$out/programs"
	} >"$out/chosen"
	"$SCRIPTS/vm/pack.sh" "$out"
	JOBS=2 "$SCRIPTS/vm/side-by-side.sh" "$out" >/dev/null
	"$SCRIPTS/judge/judge.sh" "$out/result" >"$out/report" || status=$?
}

# write_outcomes: Writes a line "PROGRAM OUTCOME TEST" for each test to the file outcomes.
# OUTCOME is pass, fail or skip. The results of the tests of a program come before the
# result of the program.
write_outcomes() {
	awk '
		/^  (not )?ok [0-9]+ / {
			outcome = / # SKIP/ ? "skip" : $1 == "ok" ? "pass" : "fail"
			sub(/^  (not )?ok [0-9]+ /, "")
			outcomes[++nr] = outcome " " $1
		}
		/^(not )?ok [0-9]+ - mmun: / {
			sub(/^.* - mmun: /, "")
			for (i = 1; i <= nr; i++)
				print $1, outcomes[i]
			nr = 0
		}' "$out/result/ktap.log" >"$out/outcomes"
}

# print_counts: Prints how many tests of the programs for each kind passed.
print_counts() {
	awk '
		$1 ~ /_list_test$/ { kind = "list" }
		$1 ~ /_list_mm_test$/ { kind = "list_mm" }
		$1 ~ /_invlock_test$/ { kind = "invlock" }
		kind { all[kind]++; passed[kind] += $2 == "pass"; skipped[kind] += $2 == "skip" }
		END {
			for (kind in all)
				print "# " kind ": " passed[kind] " of " all[kind] \
					" tests pass, " skipped[kind] + 0 " skip"
		}' "$out/outcomes" | sort
}

# unexpected: Prints the tests that fail, except the control.
unexpected() {
	awk -v control="$CONTROL" '
		$1 != control && $2 == "fail" { print $1 ": " $3 " fails" }' "$out/outcomes"
}

# run_inside: Runs the tests on the kernel with the change, inside the overlays.
run_inside() {
	local complaints status

	rebuild
	run_tests
	write_outcomes
	begin_results "lists alone"
	print_counts
	check "$CONTROL fails" grep -q "^$CONTROL fail " "$out/outcomes"
	complaints=$(unexpected)
	no_complaints "the other tests pass" "$complaints"
	# The status is that of failed tests, so the run has no other complaint.
	check "the kernel does not complain" test "$status" = 7
	[ "$failures" = 0 ] || sed 's/^/# /' "$out/report"
	end_results
}

if [ "${1-}" = inside ]; then
	out=$2
	kdir=$(value kdir "$out/kernel")
	tree=$(value source "$out/kernel")
	run_inside
fi
export TESTS='' SCHEDULE='' KINDS=all STOP=0 TIMES=0
resolve "$1"
kdir=$(value kdir "$out/kernel")
tree=$(value source "$out/kernel")
memory=$TOP/build/lists-alone
mkdir -p "$memory/memory"
check_apart "$memory"
hold_layers "$out" "$kdir"
"$SCRIPTS/vm/build.sh" modules "$out"
"$SCRIPTS/vm/build.sh" tests "$out"
exec "$SCRIPTS/mutate/apart.sh" "$memory/memory" "$tree" "$kdir" "$out" -- \
	"$0" inside "$out"
