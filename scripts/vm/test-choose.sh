#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests of choose.sh. Prints KTAP.
#
# usage: test-choose.sh [OUT]
#
# test-choose.sh calls choose.sh with shell scripts in place of the real test programs.
# Each of these shell scripts has the names of a few tests. OUT is a directory in which
# build.sh has built the programs. If OUT is given, test-choose.sh also checks the
# programs in OUT. Each name of a test that a program lists must select the test.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/test/results.sh"

# add_program NAME TEST...: Makes a program NAME that has the tests TEST. The program
# compares the names of its tests with MMUN_TESTS in the same way as lib/names.h.
add_program() {
	local name=$1

	shift
	{
		echo "#!/bin/bash"
		declare -f list_matches
		echo "names='$*'"
		echo list_matches
	} >"$dir/tests/$name"
	chmod +x "$dir/tests/$name"
	echo "$name" >>"$dir/programs"
}

# list_matches: Prints the names of tests that match MMUN_TESTS. Each program that
# add_program makes contains list_matches.
# shellcheck disable=SC2053,SC2154 # these are globs; the program sets names
list_matches() {
	local name short glob globs

	[ "$MMUN_LIST" = 1 ] || exit 99
	IFS=, read -ra globs <<<"${MMUN_TESTS:-*}"
	for name in $names; do
		short=${name%%.*}.${name##*.}
		for glob in "${globs[@]}"; do
			[[ $name != $glob && $short != $glob ]] || echo "$name"
		done
	done
}

# run_choose TESTS: Runs choose.sh with TESTS. Sets $got to the names of the programs that
# choose.sh printed, $complaint to the text of choose.sh on stderr, and $status to the
# exit status of choose.sh.
run_choose() {
	status=0
	got=$(TESTS=$1 "$SCRIPTS/vm/choose.sh" "$dir" 2>"$dir/errors") || status=$?
	got=${got//$'\n'/ }
	complaint=$(cat "$dir/errors")
}

# picks TESTS PROGRAMS: Passes if choose.sh with TESTS prints PROGRAMS, and nothing on
# stderr.
picks() {
	run_choose "$1"
	check "TESTS=$1: ${2:-none}" test "$status:$got:$complaint" = "0:$2:"
}

# refuses TESTS GLOB: Passes if choose.sh with TESTS exits with status 2 and prints one
# line, which matches GLOB, on stderr.
refuses() {
	run_choose "$1"
	check "TESTS=$1 is refused: $2" is_refusal "$2"
}

# is_refusal GLOB: Returns 0 if the last run of choose.sh refused TESTS with one line that
# matches GLOB.
# shellcheck disable=SC2053 # this is a glob
is_refusal() {
	[[ $status:$got = 2: && $complaint = $1 && $complaint != *$'\n'* ]]
}

# list_tests PROGRAM GLOB: Prints the names of tests that PROGRAM in OUT lists for GLOB,
# with a space before and after each name.
list_tests() {
	local names

	names=$(MMUN_LIST=1 MMUN_TESTS=$2 "$out/tests/$1") || return
	echo " ${names//$'\n'/ } "
}

# check_program PROGRAM: Lists the names of the tests of PROGRAM in OUT. Passes if each
# name selects its test, with and without the name of the variant.
check_program() {
	local name short

	unknown=
	names=$(list_tests "$1" '')
	for name in $names; do
		short=$(list_tests "$1" "${name%%.*}.${name##*.}")
		[[ $(list_tests "$1" "$name") = " $name " &&
			$short = *" $name "* ]] || unknown+=" $name"
	done
	check "$1 matches each of its names" matches_all
	[ -z "$unknown" ] || echo "# unknown:$unknown"
}

# matches_all: Returns 0 if $names has names of tests, and $unknown has no name.
# check_program sets $names and $unknown.
matches_all() {
	[[ $names = *.* && -z $unknown ]]
}

out=${1:-}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/tests"
add_program one_test collide.commit_works_once collide_mutator.munmap.first_is_seen \
	collide_mutator.mprotect.first_is_seen
add_program two_test event_op.munmap.calls_ranges_that_overlap_its_ends \
	event_op.mprotect.calls_ranges_that_overlap_its_ends event.munmap_raises_unmap
add_program three_test fork.anon.child_has_none fork.shmem.child_has_none
begin_results choose

# Usual globs
picks '' 'one_test two_test three_test'
picks 'event_op.munmap.calls_ranges_that_overlap_its_ends' two_test
picks 'event_op.calls_ranges_that_overlap_its_ends' two_test
picks 'collide_mutator.first*' one_test
picks 'collide_mutator.*.first*' one_test
picks 'collide*' one_test
picks '*munmap*' 'one_test two_test'
picks '*' 'one_test two_test three_test'
picks 'fork*,collide.*' 'one_test three_test'
picks 'fork.anon.*,fork.shmem.*' three_test
picks '[cf]o*' 'one_test three_test'
picks 'event.munmap_raises_unma?' two_test
picks 'fork.child_has_none,fork.child_has_none' three_test

# Globs without a match
refuses 'zzz*' '*: TESTS=zzz\*: no test*; all names are in *names'
refuses 'zzz*' '*name; all*'
refuses 'colide*' '* near: collide.commit_works_once*'
refuses 'event_op.munmap.calls_range_that_overlap_its_ends' \
	'* near: event_op.munmap.calls_ranges_that_overlap_its_ends*'
refuses 'munmap' '* near: *munmap*'
refuses 'fork.file.child_has_none' '* near: fork.*'
refuses 'fork.anon' '* near: fork.anon.child_has_none*'
refuses 'Fork*' '* near: fork.*'
refuses 'fork*,zzz*' '*TESTS=zzz\*:*'
refuses ',' '*a glob is empty'
refuses 'fork*,' '*a glob is empty'
refuses ',fork*' '*a glob is empty'
refuses 'fork*,,collide*' '*a glob is empty'
refuses ' fork*' '* near: fork.*'
refuses 'one_test' '*: no test has such a name*'
refuses 'fork.anon.child_has_none.' '* near: fork.anon.child_has_none*'
refuses '[' '*: no test has such a name*'
refuses "fork' *" '*: no test has such a name*'

run_choose 'zzz*,yyy*'
check "each glob without a match has its line" \
	test "$status:$(wc -l <"$dir/errors")" = 2:2
run_choose 'zzz*'
check "all names are in OUT/names" test "$(wc -l <"$dir/names")" = 8
PROGRAM='two_test -v' run_choose ''
check "PROGRAM replaces the list" test "$status:$got" = 0:two_test
PROGRAM='two_test -v' run_choose 'fork*'
check "PROGRAM excludes the tests of other programs" test "$status:$got" = 2:
echo 'exit 1' >"$dir/tests/three_test"
run_choose 'collide*'
check "a program that cannot list its tests is an error" \
	is_refusal '*three_test cannot list its tests*'

if [ -n "$out" ]; then
	while read -r name; do
		check_program "$name"
	done <"$out/programs"
fi
end_results
