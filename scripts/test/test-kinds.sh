#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Print the number of tests that each program runs over each kind of ranges, and the rules
# of the kernel that forbid other tests over a kind. Print as KTAP whether each test that
# does not run over a kind has a rule.
#
# usage: test-kinds.sh OUT
#
# OUT is the directory in which build.sh has built the programs. The file kinds of the
# selftest has the programs that run over interval notifiers only. lib/kind.h of the
# selftest has the rules for single tests.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/test/results.sh"

kinds=(interval two_pass list list_mm invlock)

# list PROGRAM WHAT: Prints what PROGRAM lists for MMUN_LIST=WHAT, see lib/names.h of the
# selftest.
list() {
	MMUN_TESTS='' MMUN_LIST=$2 "$out/tests/$1"
}

# program_of BASE KIND: Prints the name of the program that runs the tests of BASE over
# KIND.
program_of() {
	[ "$2" = interval ] && echo "${1}_test" || echo "${1}_$2_test"
}

# runs_over BASE KIND: Returns 0 if there is a program for the tests of BASE over KIND.
runs_over() {
	grep -qx "$(program_of "$1" "$2")" "$out/programs"
}

# count BASE KIND: Prints the number of tests of BASE that run over KIND.
count() {
	local names

	names=$(list "$(program_of "$1" "$2")" 1) || return
	grep -c . <<<"$names" || true
}

# print_counts: Prints a row for each program that runs over several kinds.
print_counts() {
	local base kind number

	printf '# %-24s' program
	printf '%9s' "${kinds[@]}"
	echo
	for base in "${bases[@]}"; do
		printf '# %-24s' "${base}_test"
		for kind in "${kinds[@]}"; do
			number=$(count "$base" "$kind") || return
			printf '%9s' "$number"
		done
		echo
	done
}

# write_rules: Writes a line "RULE<tab>TEST<tab>KIND" for each test that a rule forbids over
# a kind to the file "rules".
write_rules() {
	local base kind

	for base in "${bases[@]}"; do
		for kind in "${kinds[@]:1}"; do
			list "$(program_of "$base" "$kind")" rules |
				awk -F '\t' -v OFS='\t' -v kind="$kind" '{ print $2, $1, kind }' ||
				return
		done
	done | sort >"$dir/rules"
}

# print_rules: Prints each rule, and the tests that the rule forbids over each kind.
print_rules() {
	awk -F '\t' '$2 != test && test { print "#   " test " (" kinds ")"; test = "" }
		$1 != rule { rule = $1; print "# " rule ":" }
		{ kinds = (test ? kinds ", " : "") $3; test = $2 }
		END { print "#   " test " (" kinds ")" }' "$dir/rules"
	awk '!/^#/ { name = $1; $1 = ""; print "# " name ":" $0 }' "$SELFTEST/kinds"
}

# programs_without_kinds: Prints the programs that run over interval notifiers only.
programs_without_kinds() {
	local base

	grep -Ev '_(two_pass|list|list_mm|invlock|own_loop|policy)_test$' "$out/programs" |
		while read -r base; do
			runs_over "${base%_test}" list || echo "$base"
		done | sort
}

# is_complete BASE: Returns 0 if each test of BASE runs over each kind or has a rule.
is_complete() {
	local kind rules all run

	all=$(count "$1" interval) || return
	for kind in "${kinds[@]:1}"; do
		run=$(count "$1" "$kind") || return
		rules=$(list "$(program_of "$1" "$kind")" rules) || return
		rules=$(grep -c . <<<"$rules" || true)
		[ "$all" = "$((run + rules))" ] || return
	done
}

# lists WHAT: Prints what the programs of all kinds list for WHAT, without duplicates.
lists() {
	local base kind

	for base in "${bases[@]}"; do
		for kind in "${kinds[@]:1}"; do
			list "$(program_of "$base" "$kind")" "$1" || return
		done
	done | sort -u
}

# every_glob_forbids: Returns 0 if each glob of lib/kind.h forbids a test. Prints the globs
# that forbid no test.
every_glob_forbids() {
	local unused

	lists globs >"$dir/globs" || return
	lists used-globs >"$dir/used" || return
	unused=$(comm -23 "$dir/globs" "$dir/used") || return
	[ -z "$unused" ] || echo "# these globs forbid no test: ${unused//$'\n'/ }"
	[ -z "$unused" ]
}

out=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
bases=$(sed -n 's/_list_test$//p' "$out/programs")
mapfile -t bases <<<"$bases"
begin_results kinds
print_counts
write_rules
print_rules
for base in "${bases[@]}"; do
	check "each test of ${base}_test runs over each kind or has a rule" \
		is_complete "$base"
done
check "each program without kinds has a reason" test "$(programs_without_kinds)" = \
	"$(awk '!/^#/ { print $1 }' "$SELFTEST/kinds" | sort)"
check "each glob of lib/kind.h forbids a test" every_glob_forbids
end_results
