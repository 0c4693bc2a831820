#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run the tests on a kernel that counts, and show which lines and branches of
# mm/mmu_notifier.c, mm/hmm.c and the driver were reached.
#
# usage: coverage.sh
#
# Variables: KERNEL, a row of scripts/kernel/table with the fragment cov [6.1-cov]. Leaves
# an annotated report in build/<kernel>/coverage/html.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/kernel/packages.sh"

# lcov needs the file of notes beside each file of counts.
unpack() {
	rm -rf "$dir"
	mkdir -p "$dir"
	python3 "$SCRIPTS/measure/coverage-unpack.py" "$out/result/gcda" "$dir"
}

# read_counts: DIR/info has the counts of the files in mm/ and of the driver.
read_counts() {
	quietly lcov --quiet --capture --directory "$dir" \
		--base-directory "$build" --rc lcov_branch_coverage=1 \
		--output-file "$dir/all"
	# From 6.13 on a module is compiled in its own directory.
	sed -i "s,^SF:$build/\(test_mmun\.c\|mmun/\),SF:$TOP/\1," "$dir/all"
	quietly lcov --quiet --rc lcov_branch_coverage=1 \
		--extract "$dir/all" '*/mm/*.c' '*test_mmun.c' '*/mmun/*.c' \
		--output-file "$dir/info"
}

html() {
	quietly genhtml --quiet --branch-coverage --output-directory \
		"$dir/html" "$dir/info"
	say "report: ${dir#"$PWD"/}/html/index.html"
}

need_for "$KERNEL" python3 lcov
resolve "$KERNEL"
build=$(value kdir "$out/kernel")
dir=$out/coverage
# One guest counts, because unpack() reads one file of counts.
JOBS=1 KERNEL=$KERNEL "$SCRIPTS/kselftest.sh"
unpack
read_counts
python3 "$SCRIPTS/measure/coverage-table.py" "$dir/info" "$SCRIPTS/measure/uncovered"
html
