#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Print the programs that have a test whose name matches TESTS.
#
# usage: choose.sh OUT
#
# TESTS is a list of globs, separated by commas. If TESTS is empty, choose.sh prints all
# programs. choose.sh reads the names of the programs from OUT/programs, and prints the
# names in the order of OUT/programs. If PROGRAM is set, choose.sh considers only the
# program that PROGRAM names. choose.sh runs the programs in OUT/tests. Each program
# compares the names of its own tests with the globs, as lib/names.h of the selftest
# describes. The programs compare the names in the same way in the guest, so that
# choose.sh and the guest select the same tests. A glob that matches no test is an error.
# For each glob that matches no test, choose.sh prints a line with similar names.
# choose.sh then writes the names of all tests to OUT/names, and exits with status 2.

. "${0%/*}/../lib.sh"

out=$1
tests=${TESTS:-}

# matches GLOBS: Prints a line "PROGRAM NAME" for each test whose name matches GLOBS.
matches() {
	local program names

	for program in "${programs[@]}"; do
		names=$(MMUN_LIST=1 MMUN_TESTS=$1 "$out/tests/$program") ||
			die "$out/tests/$program cannot list its tests: run \"make clean\""
		[ -z "$names" ] ||
			echo "$program ${names//$'\n'/$'\n'"$program" }"
	done
}

# complain GLOB: Prints the error message "no test has such a name" about GLOB.
complain() {
	local names

	names=$(word=$1 awk -f "$SCRIPTS/options/near.awk" "$out/names")
	echo "choose.sh: TESTS=$1: no test has such a name${names:+; near: $names}; all names are in ${out#"$TOP"/}/names" >&2
}

# match_each: Sets $chosen to the output of matches() for all globs of TESTS, and the
# array `missing` to the globs that match no test.
match_each() {
	local globs glob found

	IFS=, read -ra globs <<<"$tests,"
	for glob in "${globs[@]}"; do
		[ -n "$glob" ] || die "TESTS=$tests: a glob is empty"
		found=$(matches "$glob")
		[ -n "$found" ] || missing+=("$glob")
		chosen+=$found$'\n'
	done
}

list=$(<"$out/programs")
[ -z "${PROGRAM:-}" ] || list=${PROGRAM%% *}
if [ -z "$tests" ] || [ "$SUITE" != mmun ]; then
	echo "$list"
	exit
fi
read -ra programs <<<"${list//$'\n'/ }"
chosen=
missing=()
match_each
if [ "${#missing[@]}" != 0 ]; then
	all=$(matches '')
	cut -d' ' -f2 <<<"$all" >"$out/names"
	for glob in "${missing[@]}"; do
		complain "$glob"
	done
	exit 2
fi
for program in "${programs[@]}"; do
	[[ $'\n'$chosen != *$'\n'"$program "* ]] || echo "$program"
done
