#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests of "make coverage": which columns the table has, what the rows of "uncovered"
# exclude, which rows are wrong, and what "make coverage TIER=quick" runs. Stand-ins replace
# lcov, genhtml and the program tools/testing/mmu_notifier. test-coverage.sh prints KTAP.
#
# usage: test-coverage.sh

. "${0%/*}/../lib.sh"
. "$SCRIPTS/test/results.sh"
. "$SCRIPTS/test/fake/quick.sh"

# write_source: Writes a source file with three functions.
write_source() {
	mkdir -p "$dir/mm"
	cat >"$dir/mm/mmu_notifier.c" <<-'SOURCE'
		int one()
		{
			if (WARN_ON(a) || b)
				return 1;
			return 2;
		}
		int two()
		{
			if (WARN_ON(a) || b)
				continue;
			if (c)
				return 3;
		}
		int three()
		{
			BUG_ON(d);
		}
	SOURCE
}

# write_info FILE COUNTS: Writes a file as lcov does. COUNTS has a word for each line of the
# source file with a count: the number of the line, its count, and the counts of its
# branches.
write_info() {
	local branch branches count line word

	{
		printf '%s\n' "SF:$dir/mm/mmu_notifier.c" FN:1,one FN:7,two FN:14,three
		for word in $2; do
			IFS=: read -r line count branches <<<"$word"
			for branch in ${branches//,/ }; do
				echo "BRDA:$line,0,0,$branch"
			done
			echo "DA:$line,$count"
		done
		echo end_of_record
	} >"$1"
}

# make_table [--bars] [TIER...]: Prints the table of the tiers TIER [quick]. make_table sets the
# variable status to the exit status, the variable output to the table, and the variable
# complaints to what is written to stderr.
make_table() {
	local -a bars=() tiers=()
	local tier

	if [ "${1-}" = --bars ]; then
		bars=(--bars)
		shift
	fi
	for tier in "${@:-quick}"; do
		tiers+=("$tier=$dir/$tier")
	done
	status=0
	output=$("$SCRIPTS/measure/coverage-table.py" "${bars[@]}" "$dir/uncovered" 6.1 \
		"${tiers[@]}" 2>"$dir/stderr") || status=$?
	complaints=$(<"$dir/stderr")
}

# has_row TITLE NAME COLUMNS: Passes if the row NAME of the table has the columns COLUMNS.
has_row() {
	local row

	row=$(awk -v name="$2" '$1 == name { $1 = ""; print }' <<<"$output")
	check "$1: $2:$3" test "$row" = "$3"
}

# complains TITLE MESSAGE: Passes if the status is 1, and stderr has only MESSAGE.
complains() {
	check "$1" test "$status:$complaints" = "1:$dir/uncovered:$2"
}

# begin_table: Writes the source file, the counts of two tiers, and the rows of "uncovered".
begin_table() {
	write_source
	write_info "$dir/quick" \
		"3:5:0,5,1,4 4:1: 5:4: 9:5:0,5,0,5 10:0: 11:5:0,5 12:0: 16:2:0,2"
	write_info "$dir/guest" "3:1:0,1,0,1 4:0: 5:1: 9:0:-,-,-,- 10:0: 11:0:-,- 12:0: 16:2:0,2"
	printf '%s\n' "# a comment" one $'\tWARN\tall\tif (WARN_ON(a) || b)' \
		$'two\t\ta test of two' $'\tWARN\t7.3,6.1\tif (WARN_ON(a) || b)' \
		$'\tWARN\tall\tcontinue;' $'\twanted\tall\treturn 3;\ta configuration with c' \
		three $'\tBUG\t6.1\tBUG_ON(d);' $'\tBUG\t7.3\tBUG_ON(e);' >"$dir/uncovered"
}

test_table() {
	begin_table
	make_table
	check "the rows are right" test "$status:$complaints" = 0:
	has_row "an arm is excluded" one " 3/3 100.0% 3/3 100.0%"
	has_row "a row excludes one branch, and a line without branches" two \
		" 2/3 66.7% 3/5 60.0%"
	has_row "sums" mmu_notifier.c " 6/7 85.7% 7/9 77.8%"
	check "what is missing" test "$(tail -n 5 <<<"$output")" = \
		"mm/mmu_notifier.c:9: if (WARN_ON(a) || b)
mm/mmu_notifier.c:11: if (c)
	not yet tested
mm/mmu_notifier.c:12: return 3;
	a configuration with c"
	sed -i 's/WARN\t7.3/WARN:2\t7.3/' "$dir/uncovered"
	make_table
	has_row "a row excludes two branches" two " 2/3 66.7% 3/4 75.0%"
	make_table guest quick
	has_row "two columns" two " 0/3 0.0% 0/4 0.0% 2/3 66.7% 3/4 75.0%"
	check "the guest has reasons for functions" grep -q "a test of two" <<<"$output"
}

test_complaints() {
	begin_table
	sed -i 's/6.1\tBUG_ON(d)/6.1\tBUG_ON(x)/' "$dir/uncovered"
	make_table
	complains "a row that no line matches" "9: three() has no line BUG_ON(x);"
	make_table guest
	check "the rows are for quick" test "$status:$complaints" = 0:
	begin_table
	write_info "$dir/quick" "3:5:0,5,1,4 9:5:0,5,1,4 10:0: 11:5:0,5 12:1: 16:2:1,2"
	make_table
	check "rows of what is reached" test "$complaints" = \
		"$dir/uncovered:7: the row says wanted, and quick reaches mmu_notifier.c:12: return 3;
$dir/uncovered:9: the row says BUG, and quick reaches mmu_notifier.c:16: BUG_ON(d);"
	begin_table
	sed -i 's/BUG\t/BUGS\t/' "$dir/uncovered"
	make_table
	complains "a kind that does not exist" "9: there is no kind BUGS"
}

test_bars() {
	begin_table
	printf '%s\n' one >"$dir/uncovered"
	write_info "$dir/quick" "3:5:5,5,1,4 9:0:"
	make_table
	check "no bars" test "$status:$complaints" = 0:
	make_table --bars
	check "too few lines" test "$status:$complaints" = \
		"1:quick reaches 1 of 2 lines, which is less than 99 %"
	write_info "$dir/quick" "3:5:0,5,1,4 9:1:"
	make_table --bars
	check "too few branches" test "$status:$complaints" = \
		"1:quick reaches 3 of 4 branches, which is less than 95 %"
	write_info "$dir/quick" "3:5:5,5,1,4 9:1:"
	make_table --bars
	check "the bars are reached" test "$status:$complaints" = 0:
}

# make_clone: Makes a clone with the stand-in for the program, and a cache with the source
# tree of 6.1.
make_clone() {
	make_quick "$dir"
	mv "$dir/tree" "$dir/cache/tree/linux-source-6.1_6.1.9"
	program=$dir/clone/build/quick-6.1-cov/program
	begin_table
	cp "$dir/uncovered" "$dir/clone/scripts/measure/"
	mkdir -p "$dir/bin"
	# shellcheck disable=SC2016 # the script expands it
	printf '%s\n' '#!/bin/sh' 'eval "out=\${$#}"' "cp $dir/quick \$out" >"$dir/bin/lcov"
	printf '%s\n' '#!/bin/sh' >"$dir/bin/genhtml"
	chmod +x "$dir/bin"/*
}

# run_coverage [NAME=VALUE...]: Runs "make coverage TIER=quick" in the clone with the
# variables NAME, and sets the variables status, output and complaints.
run_coverage() {
	status=0
	output=$(env MMUN_CACHE="$dir/cache" KERNEL=6.1-cov TIER=quick SUITE=mmun TESTS= "$@" \
		"$dir/clone/scripts/measure/coverage.sh" 2>"$dir/stderr") || status=$?
	complaints=$(<"$dir/stderr")
}

test_quick() {
	make_clone
	sed -i 's/^BARS = .*/BARS = {"lines": 85, "branches": 75}/' \
		"$dir/clone/scripts/measure/coverage-table.py"
	run_coverage
	check "TIER=quick: status 0" test "$status" = 0
	has_row "TIER=quick" mmu_notifier.c " 6/7 85.7% 7/9 77.8%"
	check "TIER=quick: the program counts" grep -q "GCOV=1" "$program/../key"
	check "TIER=quick: no guest" test "$(ls "$dir/clone/build")" = quick-6.1-cov
	sed -i 's/^BARS = .*/BARS = {"lines": 99, "branches": 75}/' \
		"$dir/clone/scripts/measure/coverage-table.py"
	run_coverage
	check "TIER=quick: too few lines" test "$status" = 1
	touch "$program/subject.gcda"
	run_coverage TESTS='a*'
	check "the counts of an earlier run are removed" test ! -e "$program/subject.gcda"
	check "no bars with TESTS" test "$status" = 0
	check "TESTS selects configurations" grep -q "chosen: a\*" "$program/../ktap"
	run_coverage CC=clang
	check "clang is refused" grep -q "leave CC and LLVM out" <<<"$complaints"
	echo bad >>"$dir/cache/tree/linux-source-6.1_6.1.9/mm/mmu_notifier.c"
	run_coverage
	check "a configuration fails: status 2" test "$status" = 2
	check "a configuration fails: its output, and no table" \
		test "$(tail -n 1 <<<"$output")" = "2 passed, 1 failed, 0 skipped"
}

# The tests set these variables themselves.
unset CC LLVM DEEP STOP TIMEOUT
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/bin"
PATH=$dir/bin:$PATH
begin_results coverage
test_table
test_complaints
test_bars
test_quick
end_results
