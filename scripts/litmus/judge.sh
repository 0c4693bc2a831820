#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Check a litmus test with herd7. judge.sh prints the reasons why the test fails.
#
# usage: judge.sh FILE TREE
#
# TREE is the source tree of a kernel, with the memory model and mm/mmu_notifier.c. The
# comment of the litmus test FILE has the line "Result: Never", "Result: Sometimes" or
# "Result: Always", with the additional word DATARACE if there is a data race. The bad
# outcome is reached, or there is a data race, unless the result is Never. The name of FILE
# determines which results are allowed:
#
#	CLAIM.litmus		the kernel as it is: Never, unless FILE has a line
#				"Known error: TEXT"
#	CLAIM-without-X.litmus	the kernel without the barrier X: not Never
#	CLAIM-with-X.litmus	a barrier X that is sufficient: Never
#
# The comment of a claim has lines "In FUNCTION: STATEMENT". source.awk checks that the
# source of the kernel has these statements in this order.
#
# Each claim must have a test that reaches the bad outcome, and a test that does not, because
# a condition that is wrong can be impossible in both.

. "${0%/*}/../lib.sh"

# A test takes less than a second. A test with more actors can take hours.
SECS=60

status=0

# complain TEXT...: Prints a reason why the test fails.
complain() {
	echo "$*"
	status=1
}

# field KEY FILE...: Prints the values of KEY in the comments of the litmus tests FILE.
field() {
	sed -n "s/^ \* $1: //p" "${@:2}"
}

# check_wanted: Checks the result that the comment of FILE names.
check_wanted() {
	local results='@(Never|Sometimes|Always)?( DATARACE)'

	# shellcheck disable=SC2053 # it is a glob
	[[ $wanted = $results ]] ||
		complain "the comment has no line 'Result: Never', or Sometimes, or Always"
	case $name in
	*-without-*)
		[ "$wanted" != Never ] ||
			complain "a test without a barrier must reach a bad outcome" ;;
	*-with-*)
		[ "$wanted" = Never ] || complain "a test with a barrier must be Never" ;;
	*)
		[ "$wanted" != Never ] || [ -z "$known" ] ||
			complain "a test with a known error must not be Never"
		[ "$wanted" = Never ] || [ -n "$known" ] ||
			complain "the claim must be Never, or have a line 'Known error:'" ;;
	esac
}

# check_source: Checks that the kernel has the statements that the comment of FILE names.
check_source() {
	local missing

	missing=$(awk -f "$SCRIPTS/litmus/source.awk" "$file" \
		"$tree"/{mm/mmu_notifier.c,include/linux/mmu_notifier.h})
	[ -z "$missing" ] || complain "$missing"
}

# check_claim: If FILE is the claim itself, checks the source of the kernel, and the results
# of all tests of the claim.
check_claim() {
	local claim=${name%%-with-*} results

	claim=${claim%%-without-*}
	[ -e "${file%/*}/$claim.litmus" ] || complain "there is no $claim.litmus"
	[ "$name" = "$claim" ] || return 0
	check_source
	results=$(field Result "${file%/*}/$claim"{,-with-*,-without-*}.litmus 2>/dev/null ||
		true)
	has_line /dev/stdin Never <<<"$results" ||
		complain "no test of this claim is Never: a test $claim-with-X is missing"
	[ -n "$(grep -vx Never <<<"$results" || true)" ] ||
		complain "no test of this claim reaches a bad outcome: a test $claim-without-X is missing"
}

# run_herd: Runs herd7, and sets the variables output and result.
run_herd() {
	local ended=0

	output=$(cd "$tree/tools/memory-model" && timeout "$SECS" "$SCRIPTS/litmus/herd.sh" -exit true \
		-conf linux-kernel.cfg "$file" 2>&1) || ended=$?
	[ "$ended" = 0 ] || complain "herd7 ended with status $ended"
	result=$(awk -v name="$name" '
		/^Flag data-race$/ { race = " DATARACE" }
		/^Observation / && $2 == name && $4 + $5 { print $3 race }' <<<"$output")
}

file=$(realpath "$1")
tree=$2
name=${file##*/}
name=${name%.litmus}
wanted=$(field Result "$file")
known=$(field "Known error" "$file")
check_wanted
check_claim
run_herd
[ "$result" = "$wanted" ] ||
	complain "expected '$wanted', but herd7 found '${result:-no execution of $name}'"
[ "$status:$V" = 0:0 ] || echo "$output"
exit "$status"
