#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run the tests on a kernel with coverage, and print which lines and branches of
# mm/mmu_notifier.c, mm/hmm.c and the driver they reach.
#
# usage: coverage.sh
#
# Variables: KERNEL, a row of scripts/kernel/table with the fragment cov [6.1-cov]. Writes
# an annotated report to build/<kernel>/coverage/html.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/kernel/packages.sh"

# unpack_counts: Writes the files with the counts of the guest to dir. Copies the file of
# notes of the compiler beside each of them, because lcov needs it.
unpack_counts() {
	rm -rf "$dir"
	mkdir -p "$dir"
	python3 "$SCRIPTS/measure/coverage-unpack.py" "$out/result/gcda" "$dir"
}

# read_counts: Writes dir/info: the counts of the files in mm/ and of the driver.
read_counts() {
	quietly lcov --quiet --capture --directory "$dir" \
		--base-directory "$build" --rc lcov_branch_coverage=1 \
		--output-file "$dir/all"
	# Since 6.13 kbuild compiles a module in the directory of the module.
	sed -i "s,^SF:$build/\(test_mmun\.c\|mmun/\),SF:$TOP/\1," "$dir/all"
	quietly lcov --quiet --rc lcov_branch_coverage=1 \
		--extract "$dir/all" '*/mm/*.c' '*test_mmun.c' '*/mmun/*.c' \
		--output-file "$dir/info"
}

# write_html: Writes the annotated report.
write_html() {
	quietly genhtml --quiet --branch-coverage --output-directory \
		"$dir/html" "$dir/info"
	say "the report is in ${dir#"$PWD"/}/html/index.html"
}

need_for "$KERNEL" python3 lcov
resolve "$KERNEL"
build=$(value kdir "$out/kernel")
dir=$out/coverage
# Only one guest runs, because unpack_counts() reads one stream of counts.
JOBS=1 KERNEL=$KERNEL "$SCRIPTS/kselftest.sh"
unpack_counts
read_counts
python3 "$SCRIPTS/measure/coverage-table.py" "$dir/info" "$SCRIPTS/measure/uncovered"
write_html
