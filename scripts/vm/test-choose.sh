#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests of choose.sh. KTAP on stdout.
#
# usage: test-choose.sh [OUT]
#
# The programs are shell scripts with a few names. With OUT, a directory that build.sh
# filled, each name that a program there prints must select that test, too.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/test/results.sh"

# program NAME TEST...: a program that has these tests, and follows the rule of names.h.
program() {
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

# run TESTS: sets got to the programs, complaint to the errors, and status.
run() {
	status=0
	got=$(TESTS=$1 "$SCRIPTS/vm/choose.sh" "$dir" 2>"$dir/errors") || status=$?
	got=${got//$'\n'/ }
	complaint=$(cat "$dir/errors")
}

# picks TESTS PROGRAMS
picks() {
	run "$1"
	check "TESTS=$1: ${2:-none}" test "$status:$got:$complaint" = "0:$2:"
}

# refuses TESTS GLOB: GLOB matches the one line of the complaint.
refuses() {
	run "$1"
	check "TESTS=$1 is refused: $2" is_refusal "$2"
}

# shellcheck disable=SC2053 # this is a glob
is_refusal() {
	[[ $status:$got = 2: && $complaint = $1 && $complaint != *$'\n'* ]]
}

# listed PROGRAM GLOB: the names that the program lists, with spaces around each.
listed() {
	local names

	names=$(MMUN_LIST=1 MMUN_TESTS=$2 "$out/tests/$1") || return
	echo " ${names//$'\n'/ } "
}

# check_program PROGRAM: each name of a real program matches, whole and without the variant.
check_program() {
	local name short

	unknown=
	names=$(listed "$1" '')
	for name in $names; do
		short=$(listed "$1" "${name%%.*}.${name##*.}")
		[[ $(listed "$1" "$name") = " $name " &&
			$short = *" $name "* ]] || unknown+=" $name"
	done
	check "$1 matches each of its names" matches_all
	[ -z "$unknown" ] || echo "# unknown:$unknown"
}

matches_all() {
	[[ $names = *.* && -z $unknown ]]
}

out=${1:-}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/tests"
program one_test collide.commit_works_once collide_mutator.munmap.first_is_seen \
	collide_mutator.mprotect.first_is_seen
program two_test event_op.munmap.is_clipped_to_the_byte \
	event_op.mprotect.is_clipped_to_the_byte event.munmap_raises_unmap
program three_test fork.anon.child_has_none fork.shmem.child_has_none
results_of choose

# Usual globs
picks '' 'one_test two_test three_test'
picks 'event_op.munmap.is_clipped_to_the_byte' two_test
picks 'event_op.is_clipped_to_the_byte' two_test
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
refuses 'event_op.munmap.is_cliped_to_the_byte' \
	'* near: event_op.munmap.is_clipped_to_the_byte*'
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

run 'zzz*,yyy*'
check "each glob without a match has its line" \
	test "$status:$(wc -l <"$dir/errors")" = 2:2
run 'zzz*'
check "all names are in OUT/names" test "$(wc -l <"$dir/names")" = 8
PROGRAM='two_test -v' run ''
check "PROGRAM replaces the list" test "$status:$got" = 0:two_test
PROGRAM='two_test -v' run 'fork*'
check "PROGRAM excludes the tests of other programs" test "$status:$got" = 2:
echo 'exit 1' >"$dir/tests/three_test"
run 'collide*'
check "a program that cannot list its tests is an error" \
	is_refusal '*three_test cannot list its tests*'

if [ -n "$out" ]; then
	while read -r name; do
		check_program "$name"
	done <"$out/programs"
fi
end_results
