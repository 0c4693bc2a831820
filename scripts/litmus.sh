#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Check the litmus tests of mm/mmu_notifier.c with herd7 and the memory model of a kernel.
#
# usage: litmus.sh
#
# "make help" describes the variables TREE, KERNEL and TESTS. The tests are in
# tools/testing/mmu_notifier/litmus, and the model is in tools/memory-model of the kernel.
# A test also fails if mm/mmu_notifier.c lacks a statement that the test names.
# litmus.sh prints KTAP, and "N passed, N failed, N skipped" as the last line. A claim that
# does not hold in the kernel, as its test says, is an expected failure. The exit status is
# 0 if no test failed.

. "${0%/*}/lib.sh"

# choose_files: Sets the array files to the tests whose names match TESTS.
choose_files() {
	local file glob globs name

	IFS=,\| read -ra globs <<<"${TESTS:-*}"
	files=()
	for file in "$TOP"/tools/testing/mmu_notifier/litmus/*.litmus; do
		name=${file##*/}
		for glob in "${globs[@]}"; do
			# shellcheck disable=SC2053 # it is a glob
			[[ ${name%.litmus} = $glob ]] || continue
			files+=("$file")
			break
		done
	done
	[ ${#files[@]} != 0 ] || die "no litmus test matches TESTS=$TESTS"
}

# run_test NUMBER FILE: Checks the litmus test FILE, and prints a KTAP result.
run_test() {
	local known name=${2##*/} text status=0

	known=$(sed -n 's/^ \* Known error: / # XFAIL /p' "$2")
	text=$("$SCRIPTS/litmus/judge.sh" "$2" "$tree") || status=$?
	[ -z "$text" ] || printf '%s\n' "# ${text//$'\n'/$'\n'# }"
	if [ "$status" = 0 ]; then
		echo "ok $1 ${name%.litmus}$known"
		passed=$((passed + 1))
	else
		echo "not ok $1 ${name%.litmus}"
		failed=$((failed + 1))
	fi
}

where=${TREE:-$KERNEL}
parts=$("$SCRIPTS/kernel/tree.sh" -m ${where:+"$where"})
tree=$(value source /dev/stdin <<<"$parts")
version=$("$SCRIPTS/litmus/herd.sh" -version)
say "the memory model of $tree, herd7 ${version%%,*}"
choose_files
passed=0
failed=0
echo "KTAP version 1"
echo "1..${#files[@]}"
for file in "${files[@]}"; do
	run_test "$((passed + failed + 1))" "$file"
done
echo "$passed passed, $failed failed, 0 skipped"
exit "$((failed != 0))"
