#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Test the patches for the known errors of mm/mmu_notifier.c. The reason of each expected
# failure of the program tools/testing/mmu_notifier ends in "see patches/DEFECT". With the
# file patches/DEFECT/KERNEL.patch, these configurations must pass, and the results of all
# other configurations must be the same. test-patches.sh prints KTAP.
#
# usage: test-patches.sh KERNEL [PATCHES]
#
# KERNEL has the form 7.3. PATCHES is another directory than patches.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/test/results.sh"

# run NAME [PATCH]: Builds the program with the patch PATCH, and writes its results to
# $dir/NAME. run sets the variable status to the exit status of the build or of the program.
run() {
	status=0
	"$SCRIPTS/quick/copy.sh" "$tree" "$dir/tree" "${@:2}" >"$dir/log" 2>&1 &&
		"$SCRIPTS/quick/build.sh" "$dir/tree" "$dir" >>"$dir/log" 2>&1 &&
		DEEP=0 STOP=0 SCHEDULE='' "$SCRIPTS/quick/run.sh" "$dir" >>"$dir/log" 2>&1 ||
		status=$?
	grep -E '^(not )?ok ' "$dir/log" | sed -E 's/^((not )?ok) [0-9]+ /\1 /' \
		>"$dir/$1" || true
}

# defects: Prints the defects that the expected failures without a patch name.
defects() {
	sed -n 's,.* # XFAIL .*see patches/,,p' "$dir/unpatched" | sort -u
}

# without DEFECT: Prints the results without a patch, but the expected failures of DEFECT
# as passed.
without() {
	sed "/, see patches\/$1\$/s/ # XFAIL .*//" "$dir/unpatched"
}

# test_defect DEFECT: Tests the patch for DEFECT.
test_defect() {
	local changes

	run "$1" "$patches/$1/$kernel.patch"
	check "$1: the patch applies, and no configuration fails" test "$status" = 0
	[ "$status" = 0 ] || { tail -n 5 "$dir/log" >&2; return 0; }
	without "$1" >"$dir/expected"
	changes=$(diff "$dir/expected" "$dir/$1") || true
	no_complaints "$1: the expected failures pass, and nothing else changes" "$changes"
}

kernel=$1
patches=${2:-$TOP/patches}
parts=$("$SCRIPTS/kernel/tree.sh" "$kernel")
tree=$(value source /dev/stdin <<<"$parts")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
begin_results "quick: patches for $kernel"
run unpatched
check "no configuration fails without a patch" test "$status" = 0
unnamed=$(grep ' # XFAIL ' "$dir/unpatched" | grep -v ', see patches/[a-z-]*$') || true
no_complaints "each expected failure names a defect" "$unnamed"
names=$(defects)
check "there are expected failures" test -n "$names"
for name in $names; do
	test_defect "$name"
done
end_results
