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
			if (WARN_ON(a))
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

# write_rows: Writes the rows on stdin to "uncovered". In a row, "|" stands for a tab.
write_rows() {
	sed 's,^,mm/mmu_notifier.c|,' | tr '|' '\t' >"$dir/uncovered"
}

# make_table [--complete TIERS] [TIER...]: Prints the table of the tiers TIER [quick].
# make_table sets the variable status to the exit status, the variable output to the table,
# and the variable complaints to what is written to stderr.
make_table() {
	local -a complete=() tiers=()
	local tier

	if [ "${1-}" = --complete ]; then
		complete=("${@:1:2}")
		shift 2
	fi
	for tier in "${@:-quick}"; do
		tiers+=("$tier=$dir/$tier")
	done
	status=0
	output=$("$SCRIPTS/measure/coverage-table.py" "${complete[@]}" \
		"$SCRIPTS/measure/assertions" "$dir/uncovered" 6.1 "${tiers[@]}" \
		2>"$dir/stderr") || status=$?
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
	check "$1" test "$status:$complaints" = "1:$2"
}

# begin_table: Writes the source file, the counts of two tiers, and the rows of "uncovered".
begin_table() {
	write_source
	write_info "$dir/quick" \
		"1:9:0,5 3:5:0,5,1,4 4:1: 5:4: 9:5:0,5,0,5 10:0: 11:5:0,5 12:0: 16:2:0,2"
	write_info "$dir/guest" "3:1:0,1,0,1 4:0: 5:1: 9:0:-,-,-,- 10:0: 11:0:-,- 12:0: 16:2:0,2"
	write_rows <<-'ROWS'
		two|quick,guest|all|return 3;|nobody sets c
		one|guest|7.3,6.1|return 1;|nobody sets b
		three|guest|7.3|BUG_ON(e);|another kernel has this line
	ROWS
}

test_table() {
	begin_table
	make_table
	check "the rows are right" test "$status:$complaints" = 0:
	has_row "an arm is excluded" one " 4/4 100.0% 3/3 100.0%"
	has_row "an arm and its statement are excluded" two " 2/3 66.7% 3/4 75.0%"
	has_row "sums" mmu_notifier.c " 7/8 87.5% 7/8 87.5%"
	check "what is missing" test "$(tail -n 6 <<<"$output")" = \
		"quick: arms of assertions that are excluded: 4 branches (BUG_ON 1, WARN_ON 3), 1 lines
quick: lines and branches that were not reached
mm/mmu_notifier.c:11: 1 of 2 branches: if (c)
	NO REASON: write a test, or add a row to scripts/measure/uncovered
mm/mmu_notifier.c:12: line: return 3;
	nobody sets c"
	make_table guest quick
	has_row "two columns" two " 0/3 0.0% 0/4 0.0% 2/3 66.7% 3/4 75.0%"
	check "each tier has its own reasons" test "$(grep -c "nobody sets b" <<<"$output")" = 1
}

# excludes BRANCHES STATEMENT COUNTS [LINES [MORE]]: Passes if BRANCHES branches and LINES
# lines [0] of a function with only the statement STATEMENT are excluded. COUNTS has the
# counts of the branches of the first line, and MORE those of the second line.
excludes() {
	printf '%s\n' "int one()" "{" "$2" "}" >"$dir/mm/mmu_notifier.c"
	write_info "$dir/quick" "3:5:$3 4:0:${5-} 5:0: 6:0:"
	make_table
	check "${2//$'\n'/ } excludes $1 of the branches $3" \
		grep -qE "excluded: $1 branches \(.*\), ${4:-0} lines" <<<"$output"
}

test_arms() {
	begin_table
	: >"$dir/uncovered"
	excludes 1 "BUG_ON(a);" 0,5
	excludes 0 "BUG_ON(a);" 5,5
	excludes 1 "BUG_ON(a);" 0,0
	excludes 2 "WARN_ON(a || b);" 0,5,0,5
	excludes 3 "WARN_ON(a || b);" 0,5,0,5,0,5
	excludes 2 $'WARN_ON(a ||\n	b);' 0,0,0,0
	excludes 2 $'WARN_ON(a ||\n	b);' 0,0 0 0,0
	excludes 1 "WARN_ON_ONCE(a && b);" 0,0,0,0
	excludes 2 "WARN_ON_ONCE(a && (b || c));" 0,0,0,0,0,0
	excludes 2 "WARN_ON(!(a && b));" 0,0,0,0
	excludes 1 "WARN_ON(!f(a));" 0,5
	excludes 1 'WARN(a, "%d || %d", b, c);' 0,5
	excludes 1 "if (WARN_ON(a) || b || c)" 0,0,0,0,0,0
	excludes 1 "VM_WARN_ON_ONCE(a);" 0,5
	excludes 1 "VM_BUG_ON(a);" 0,5
	excludes 1 "lockdep_assert_held(a);" 0,5
	excludes 1 "mmap_assert_write_locked(a);" 0,5
	excludes 1 "might_lock(a);" 0,5
	excludes 0 "if (a)" 0,5
	excludes 0 "BUILD_BUG_ON(a);" 0,5
	excludes 0 "if (a) /* BUG_ON(a) */" 0,5
	excludes 0 'if (a("BUG_ON(a)"))' 0,5
	excludes 2 $'if (WARN_ON(a))\n	return;\nc++;' 0,5,0,5 1
	excludes 1 $'if (WARN_ON(a)) {\n	c++;\n}' 0,5 2
	excludes 1 $'if (WARN_ON(a) || b)\n	return;' 0,5,0,5
}

test_complaints() {
	begin_table
	write_rows <<<"three|quick|6.1|BUG_ON(x);|a reason"
	make_table
	complains "a row that no line matches" \
		"$dir/uncovered:1: three() has no line BUG_ON(x);"
	make_table guest
	check "a row is only for its tiers" test "$status:$complaints" = 0:
	write_rows <<<"three|quick|6.12,7.3|BUG_ON(x);|a reason"
	make_table
	check "a row is only for its kernels" test "$status:$complaints" = 0:
	write_rows <<<"three|quick|all|BUG_ON(d)"
	make_table
	complains "a row without a reason" "$dir/uncovered:1: expected 6 columns, got 5"
	write_rows <<<"three|quick|all|BUG_ON(d)|a reason"
	sed -i 's/mmu_notifier/hmm/' "$dir/uncovered"
	make_table
	complains "a row of another file" \
		"$dir/uncovered:1: the report is about mm/mmu_notifier.c, not about mm/hmm.c"
}

# set_bars TIER LINES BRANCHES: Sets the bars of the tier in the table of the clone.
set_bars() {
	sed -i "s/\"$1\": {\"lines\": [0-9]*, \"branches\": [0-9]*}/\"$1\": {\"lines\": $2, \"branches\": $3}/" \
		"$dir/clone/scripts/measure/coverage-table.py"
}

test_reached() {
	begin_table
	write_info "$dir/guest" "3:5:5,5,5,5 4:5: 5:5: 9:5:0,5,0,5 10:0: 11:5:5,5 12:5: 16:5:0,5"
	write_rows <<<"two|guest|all|return 3;|nobody sets c"
	make_table --complete quick,guest guest
	complains "a line that was reached" \
		"$dir/uncovered:1: the tests reach the line 12 completely: return 3;"
	make_table --complete quick guest
	check "not all tests have run" test "$status:$complaints" = 0:
	write_rows <<<"two|guest|all|*|nobody calls two()"
	make_table --complete guest guest
	complains "a function that was reached" \
		"$dir/uncovered:1: the tests reach the line 9 completely: *"
	write_rows <<<"two|guest|all|return 3;|by chance: a race"
	make_table --complete guest guest
	check "a line that some runs reach" test "$status:$complaints" = 0:
	write_rows <<<"two|guest|all|if (c)|nobody clears c"
	sed -i '0,/^BRDA:11,0,0,5$/s//BRDA:11,0,0,0/' "$dir/guest"
	make_table --complete guest guest
	check "a line of which a branch was not reached" \
		test "${complaints#*uncovered}" = "$complaints"
}

test_bars() {
	begin_table
	: >"$dir/uncovered"
	write_info "$dir/quick" "3:5:5,5,1,4 9:0:"
	make_table
	check "no bars" test "$status:$complaints" = 0:
	make_table --complete quick
	complains "too few lines" "quick reaches 1 of 2 lines, which is less than 99 %"
	write_info "$dir/quick" "3:5:0,0,1,4 9:1:"
	make_table --complete quick
	complains "too few branches" "quick reaches 2 of 3 branches, which is less than 95 %"
	write_info "$dir/quick" "3:5:5,5,1,4 9:1:"
	make_table --complete quick
	check "the bars are reached" test "$status:$complaints" = 0:
	write_info "$dir/guest" "3:5:0,0,1,4 9:0:"
	make_table --complete quick,guest guest
	complains "the guest has bars" "guest reaches 1 of 2 lines, which is less than 97 %
guest reaches 2 of 3 branches, which is less than 90 %"
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
	set_bars quick 85 75
	run_coverage
	check "TIER=quick: status 0" test "$status" = 0
	has_row "TIER=quick" mmu_notifier.c " 7/8 87.5% 7/8 87.5%"
	check "TIER=quick: the program counts" grep -q "GCOV=1" "$program/../key"
	check "TIER=quick: no guest" test "$(ls "$dir/clone/build")" = quick-6.1-cov
	set_bars quick 99 75
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
test_arms
test_complaints
test_reached
test_bars
test_quick
end_results
