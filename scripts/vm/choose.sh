#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Which programs have a test that TESTS asks for?
#
# usage: choose.sh OUT
#
# Prints the programs of OUT/programs that have one, one a line, in that order;
# all of them if TESTS is empty. PROGRAM, a program with its arguments, stands
# for the list. TESTS is a list of globs, separated by commas. The programs in
# OUT/tests match the globs themselves (see names.h of the selftest), so that
# host and guest agree. A glob that matches nothing is an error: a line with
# near names, and exit status 2. OUT/names has all names then.

. "${0%/*}/../lib.sh"

out=$1
tests=${TESTS:-}

# matches GLOBS: lines "program name" of the tests that match.
matches() {
	local program names

	for program in "${programs[@]}"; do
		names=$(MMUN_LIST=1 MMUN_TESTS=$1 "$out/tests/$program") ||
			die "$out/tests/$program cannot list its tests: run \"make clean\""
		[ -z "$names" ] ||
			echo "$program ${names//$'\n'/$'\n'"$program" }"
	done
}

# complain GLOB: it matches nothing.
complain() {
	local names

	names=$(word=$1 awk -f "$SCRIPTS/options/near.awk" "$out/names")
	echo "choose.sh: TESTS=$1: no test has such a name${names:+; near: $names}; all names are in ${out#"$TOP"/}/names" >&2
}

# Sets chosen to the lines of all globs, and missing to the globs without one.
match_each() {
	local globs glob found

	IFS=, read -ra globs <<<"$tests,"
	for glob in "${globs[@]}"; do
		[ -n "$glob" ] || die "TESTS=$tests: a pattern is empty"
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
