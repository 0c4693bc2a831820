#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run the tests in which a sound kernel warns. These tests do what a driver must not do,
# and expect that the core refuses. The names of the tests contain "warning_if", and the
# tests skip unless MMUN_WARN is set, because a warning taints the kernel and fails a run.
#
# usage: test-warnings.sh KERNEL
#
# test-warnings.sh expects that each test passes, and that mm/mmu_notifier.c prints one
# warning for each test and nothing else complains. test-warnings.sh prints KTAP. The
# directory build/warnings has the files of the guest.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/kernel/packages.sh"
. "$SCRIPTS/test/results.sh"

PROGRAMS=(core_test list_op_test)

# run_tests: Runs the tests in a guest. Sets the variable status to the exit status of
# judge.sh.
run_tests() {
	status=0
	printf '%s\n' "${PROGRAMS[@]}" >"$dir/chosen"
	"$SCRIPTS/vm/pack.sh" "$dir"
	GUEST_ENV=MMUN_WARN=1 "$SCRIPTS/vm/boot.sh" "$dir" >"$dir/shown"
	"$SCRIPTS/judge/judge.sh" "$dir/result" >"$dir/report" || status=$?
}

# names: Prints the names of the tests.
names() {
	local program

	for program in "${PROGRAMS[@]}"; do
		MMUN_LIST=1 "$out/tests/$program" || return
	done
}

# passed: Prints the names of the tests that pass.
passed() {
	sed -n '/ # SKIP/d; s/^  ok [0-9]* //p' "$dir/result/ktap.log"
}

# warnings: Prints the source file of each warning on the console.
warnings() {
	sed -n 's/.*WARNING: .*\b\(mm\/[a-z_]*\.c\):.*/\1/p' "$dir/result/console.log"
}

resolve "$1"
dir=$TOP/build/warnings
mkdir -p "$dir"
export TESTS='*.warning_if_*' MMUN_TESTS='*.warning_if_*' SCHEDULE='' STOP=0 KINDS=all
"$SCRIPTS/vm/build.sh" modules "$out"
"$SCRIPTS/vm/build.sh" tests "$out"
"$SCRIPTS/vm/share.sh" "$out" "$dir"
ln -sfn "$out/module" "$dir/module"
expected=$(names)
run_tests
begin_results warnings
check "there are tests" test -n "$expected"
check "each test passes" test "$(passed)" = "$expected"
check "the core warns once in each test" test "$(warnings)" = \
	"$(sed 's/.*/mm\/mmu_notifier.c/' <<<"$expected")"
check "the judge reports the warnings" test "$status" = 6
[ "$failures" = 0 ] || sed 's/^/# /' "$dir/report"
end_results
