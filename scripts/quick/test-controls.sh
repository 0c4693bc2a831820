#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Break the program tools/testing/mmu_notifier in one place at a time: its locks, wait
# queues, SRCU, heap, points, search and checks. The program must fail each time, because
# it does not find the error of a configuration that has an error, or a known error of the
# kernel, or because it finds an error of the kernel that does not exist. Then check that
# the points lose nothing, and that a new error of the kernel is a failure, also in a
# configuration that is an expected failure. test-controls.sh prints KTAP.
#
# usage: test-controls.sh KERNEL
#
# The files controls/*.mutant are entries in the format of ../mutate/entries.sh.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/test/results.sh"
. "$SCRIPTS/mutate/entries.sh"

# Configurations that take less than a second if each shared access is a point
FEW=('read_*' 'first*' 'remove*' 'list*' 'unregister*' 'put*' 'two_reads*' 'driver*')
# A mutant of the kernel that only the points at races reveal, and its configuration
MUTANT=remove-waits-without-the-lock
REVEALS=insert_and_remove_during_an_invalidation
# A mutant of the kernel that adds an error to a configuration with a known error
NEW=list-release-does-not-wait
KNOWN=release_ends_before_the_exit_frees_the_pages

# build TREE: Builds the program in $dir/out from the sources in $dir/tools, with the kernel
# in TREE.
build() {
	make -s -C "$dir/tools/testing/mmu_notifier" KTREE="$1" O="$dir/out" CC=gcc \
		2>"$dir/errors"
}

# run POINTS [GLOB...]: Runs the program until a configuration fails.
run() {
	POINTS=$1 DEEP=0 STOP=1 timeout 60 "$dir/out/mmu_notifier_test" "${@:2}" \
		>"$dir/report" 2>&1
}

# fails POINTS [GLOB...]: Passes if a configuration fails, or the program crashes.
fails() {
	! run "$@"
}

# known: Prints the expected failures of the last run.
known() {
	sed -n 's/^ok [0-9]* \(.*\) # XFAIL .*/\1/p' "$dir/report"
}

# is_noticed: Passes if a configuration fails, the program crashes, or the program does not
# find a known error of the kernel.
is_noticed() {
	fails races || [ "$(known)" != "$(cat "$dir/known")" ]
}

# ends POINTS: Prints the ends of each configuration of FEW.
ends() {
	run "$1" "${FEW[@]}" || return
	sed -n 's/^# .* \([0-9]* ends ([0-9a-f]*)\).*/\1/p' "$dir/report"
}

# try ENTRY: Passes if the program with the error of ENTRY is built and fails.
try() {
	local file name=${1##*/} original

	file=$dir/$(entry_value file "$1")
	original=$TOP/$(entry_value file "$1")
	"$SCRIPTS/mutate/apply.sh" "$1" "$original" >"$file" || return
	check "${name%.mutant} is built" build "$tree"
	check "${name%.mutant} is noticed" is_noticed
	cp "$original" "$file"
}

test_sound() {
	check "the program is built" build "$tree"
	check "the program passes" run races
	known >"$dir/known"
	ends races >"$dir/ends"
	check "some configurations have ends" test -s "$dir/ends"
	check "each access as a point gives the same ends" \
		test "$(ends all)" = "$(cat "$dir/ends")"
}

# break_kernel MUTANT: Builds the program with the mutant MUTANT of the kernel.
break_kernel() {
	"$SCRIPTS/quick/copy.sh" "$tree" "$dir/tree"
	"$SCRIPTS/mutate/apply.sh" "$SCRIPTS/mutate/kernel/$1.mutant" \
		"$tree/mm/mmu_notifier.c" >"$dir/tree/mm/mmu_notifier.c"
	rm -r "$dir/out"
	check "$1 is built" build "$dir/tree"
}

# test_points: Shows that a mutant of the kernel needs the points at races.
test_points() {
	break_kernel "$MUTANT"
	check "$MUTANT is noticed" fails races "$REVEALS"
	check "$MUTANT is not noticed without points" run none "$REVEALS"
}

# test_new_error: Shows that an expected failure violates the known property only.
test_new_error() {
	check "$KNOWN has a known error" has_line "$dir/known" "$KNOWN"
	break_kernel "$NEW"
	check "$NEW is no expected failure of $KNOWN" fails races "$KNOWN"
}

parts=$("$SCRIPTS/kernel/tree.sh" "$1")
tree=$(value source /dev/stdin <<<"$parts")
dir=$TOP/build/controls
rm -rf "$dir"
mkdir -p "$dir/tools/testing/selftests/mmun"
cp "$TOP/test_mmun_uapi.h" "$dir"
cp -r "$TOP/tools/testing/mmu_notifier" "$dir/tools/testing/"
cp -r "$TOP/tools/testing/selftests/mmun/model" "$dir/tools/testing/selftests/mmun/"
begin_results "quick: controls"
test_sound
for entry in "$SCRIPTS"/quick/controls/*.mutant; do
	try "$entry"
done
test_points
test_new_error
end_results
