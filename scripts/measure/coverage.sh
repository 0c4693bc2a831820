#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run the tests on a kernel that measures coverage, and the program of make quick. Print
# which lines and branches they reach in mm/mmu_notifier.c, and which the tests reach in
# mm/hmm.c and in the driver.
#
# usage: coverage.sh
#
# The environment variable KERNEL is a row of scripts/kernel/table with the fragment cov
# [6.1-cov]. The variable TIER names one of the two columns of the table: "guest" for the
# tests, "quick" for the program; the default is both. With TIER=quick, the variable TESTS
# selects configurations, and coverage.sh builds and boots no kernel. coverage.sh writes
# an annotated report of the tests to build/<kernel>/coverage/html, and of the program to
# build/quick-<kernel>-cov/html. coverage.sh exits with status 1 if the table "uncovered" is
# out of date, or if all tests of a column reach less than the bars in coverage-table.py.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/kernel/packages.sh"

# unpack_counts: Writes the files with counts (.gcda), which the guest sent, to $dir. For
# each file with counts, unpack_counts also copies the file with notes (.gcno) that the
# compiler wrote, because lcov needs both files.
unpack_counts() {
	rm -rf "$dir"
	mkdir -p "$dir"
	python3 "$SCRIPTS/measure/coverage-unpack.py" "$out/result/gcda" "$dir"
}

# read_counts: Writes the counts for the files in mm/ and for the driver to the file
# $dir/info.
read_counts() {
	quietly lcov --quiet --capture --directory "$dir" \
		--base-directory "$build" --rc lcov_branch_coverage=1 \
		--output-file "$dir/all"
	# Since Linux 6.13, kbuild compiles a module in the directory of the module, and
	# lcov gives the sources of the driver a wrong path below $build.
	sed -i "s,^SF:$build/\(test_mmun\.c\|mmun/\),SF:$TOP/\1," "$dir/all"
	quietly lcov --quiet --rc lcov_branch_coverage=1 \
		--extract "$dir/all" '*/mm/*.c' '*test_mmun.c' '*/mmun/*.c' \
		--output-file "$dir/info"
}

# count_guest: Runs the tests in a guest, and writes the counts to the file $dir/info.
count_guest() {
	resolve "$KERNEL"
	build=$(value kdir "$out/kernel")
	dir=$out/coverage
	# With JOBS=1 only one guest runs, because unpack_counts() reads the counts of only
	# one guest.
	JOBS=1 KERNEL=$KERNEL "$SCRIPTS/kselftest.sh"
	unpack_counts
	read_counts
}

# write_html: Writes the annotated report to $dir/html.
write_html() {
	quietly genhtml --quiet --branch-coverage --output-directory \
		"$dir/html" "$dir/info"
	say "the report is in ${dir#"$PWD"/}/html/index.html"
}

# The columns of which all tests run. User-Mode Linux cannot run all tests.
complete=none
counts=()
if [ "${TIER:-guest}" = guest ]; then
	need_for "$KERNEL" "${NEED_QUICK[@]}" python3 lcov
	count_guest
	counts+=("guest=$dir/info")
	[[ -n $TESTS || $SUITE != mmun || $KERNEL = *-uml* ]] || complete+=,guest
	write_html
fi
if [[ ${TIER:-quick} = quick && $SUITE = mmun ]]; then
	need "${NEED_QUICK[@]}" python3 lcov
	[ "$TIER" = quick ] || TESTS=
	dir=$TOP/build/quick-$KERNEL
	TESTS=$TESTS "$SCRIPTS/measure/coverage-quick.sh" "$KERNEL" "$dir"
	counts+=("quick=$dir/info")
	[ -n "$TESTS" ] || complete+=,quick
	write_html
fi
exec "$SCRIPTS/measure/coverage-table.py" --complete "$complete" \
	"$SCRIPTS/measure/"{assertions,uncovered} "${KERNEL%%-*}" "${counts[@]}"
