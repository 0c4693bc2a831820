#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run tests over the naive kinds of ranges, which have no sequence and no count of active
# invalidations. The tests must fail. ACCESS refuses a naive range, and VERIFY compares the
# shadow with the page tables, so test-naive.sh counts only the tests whose first failed
# expectation is about neither of them, nor about the errno of a call. Each kind must fail
# at least two such tests of each program. test-naive.sh prints the names of these tests,
# and KTAP.
#
# usage: test-naive.sh OUT
#
# OUT is the directory in which build.sh has built the modules.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/kernel/packages.sh"
. "$SCRIPTS/test/results.sh"

kinds=(naive naive_tree naive_linear)
programs=(collide hold)
export KINDS=naive TESTS='collide.*,hold.*,hold_two.*'

# prepare: Builds the programs in $work.
prepare() {
	local kind program

	mkdir -p "$work"
	"$SCRIPTS/vm/share.sh" "$out" "$work"
	ln -sfn "$out/module" "$work/module"
	rm -f "$work"/{tests,programs}
	for kind in "${kinds[@]}"; do
		for program in "${programs[@]}"; do
			echo "${program}_${kind}_test"
		done
	done >"$work/chosen"
	while read -r program; do
		PROGRAM=$program "$SCRIPTS/vm/build.sh" tests "$work" || return
	done <"$work/chosen"
}

# run: Runs the programs in a guest.
run() {
	"$SCRIPTS/vm/pack.sh" "$work" && "$SCRIPTS/vm/boot.sh" "$work" >"$work/ktap"
}

# write_failures: Writes a line "PROGRAM TEST" for each failed test to the file
# "failures", except for a test whose first failed expectation is about ACCESS, VERIFY or
# an errno.
write_failures() {
	awk '
		/^ *# [a-z_]*_test\.c:[0-9]+:/ && !first { first = $0 }
		/^ *# .*RUN / || /^ *ok / { first = "" }
		/^ *not ok [0-9]+ [a-z_]+\./ {
			if (first && first !~ /_mmun_access|_mmun_verify|verify|errno/)
				names[++count] = $4
			first = ""
		}
		/^(not )?ok [0-9]+ - mmun: / {
			program = $0
			sub(/.* - mmun: /, "", program)
			for (i = 1; i <= count; i++)
				print program, names[i]
			count = 0
		}' "$work/ktap" >"$work/failures"
}

# failures_of PROGRAM: Prints the names of the failed tests of PROGRAM.
failures_of() {
	sed -n "s/^$1 //p" "$work/failures"
}

# two_fail PROGRAM: Returns 0 if at least two tests of PROGRAM failed.
two_fail() {
	[ "$(failures_of "$1" | wc -l)" -ge 2 ]
}

# the_guest_ends: Returns 0 if each program ended by itself.
the_guest_ends() {
	[ "$(grep -c '^not ok [0-9]* - mmun: .*_test$' "$work/ktap")" = "$(wc -l <"$work/chosen")" ]
}

out=$1
work=$out/naive
begin_results naive
check "the programs are built" prepare
check "the guest runs" run
check "each program fails and ends" the_guest_ends
write_failures
for kind in "${kinds[@]}"; do
	for program in "${programs[@]}"; do
		check "two tests of $program notice $kind without VERIFY and ACCESS" \
			two_fail "${program}_${kind}_test"
		failures_of "${program}_${kind}_test" | sed 's/^/#   /'
	done
done
end_results
