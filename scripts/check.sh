#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run the tests of this project: the lints, the tests of the runner, kselftest and the
# mutants of the module.
#
# usage: check.sh
#
# check.sh prints the results as KTAP, and the seconds that check.sh waited for each step.
# If a step has tests of its own, the KTAP of the step is nested. At the end, check.sh
# prints the failures again, and a line with the numbers of passed, failed and skipped
# tests. check.sh also writes this line to build/check/summary. If the kernel
# 7.3-uml-kasan is not in the cache, check.sh builds this kernel in the background. The
# tests of the runner follow in the background, because the other steps seldom use two
# CPUs. check.sh does not build kernels that only "make kselftest KERNEL=all" needs.

. "${0%/*}/lib.sh"
. "$SCRIPTS/kernel/packages.sh"

# The kernel of User-Mode Linux that the tests run on
UML=7.3-uml-kasan

# The files that a build of the modules and of the tests reads first
builds=(Kbuild tools/testing/selftests/mmun/{,floor/,core/,list/}Makefile)

# The sources of the program of "make quick", and of the litmus tests
quick=(tools/testing/mmu_notifier tools/testing/selftests/mmun/model test_mmun_uapi.h)

runner_tests=()
declare -A inputs
passed=0
failed=0
skipped=0
steps=0

# step NAME PROCESS...: Runs PROCESS and prints a KTAP result with the name NAME. If
# PROCESS fails, step also prints the output of PROCESS.
step() {
	local name=$1 start=$SECONDS

	shift
	say "$name"
	if "$@" >"$log" 2>&1; then
		report ok "$name"
		passed=$((passed + 1))
	else
		sed 's/^/# /' "$log"
		report "not ok" "$name"
		failed=$((failed + 1))
		keep_failure "$name"
	fi
}

# runner_test "PROCESS ..." [INPUT...]: Adds scripts/PROCESS to the tests of the runner.
# INPUTs are files outside of scripts/ that the test uses.
runner_test() {
	runner_tests+=("$1")
	inputs[$1]=${*:2}
}

# add_runner_tests: Adds all tests of the runner that need no guest.
add_runner_tests() {
	local what

	for what in shellcheck errexit; do
		runner_test "lint/lint.sh $what" .ci/run
	done
	for what in judge/test-{judge,blame}.sh vm/test-{merge,unpack,choose}.sh \
		measure/test-coverage.sh kernel/test-patch.sh \
		mutate/test-{apply,try,operators}.sh; do
		runner_test "$what"
	done
	runner_test options/test-variables.sh .ci/run "$SELFTEST"/explore*.c
	runner_test options/test-grammar.sh test_mmun_uapi.h "$SELFTEST/model"
	for what in quick/test-quick.sh litmus/test-litmus.sh mutate/test-{quick,patch}.sh; do
		runner_test "$what" "${quick[@]}"
	done
	for what in test/test-{clean,signals,keys}.sh; do
		runner_test "$what" "${builds[@]}"
	done
}

# run_runner_tests: Runs each test of the runner in the background, unless the test passed
# before with the same files.
run_runner_tests() {
	local name test words

	for test in "${runner_tests[@]}"; do
		name=$(file_name "$test")
		read -r -a words <<<"$test"
		in_background "$name" "$SCRIPTS/test/unless-passed.sh" "$name" \
			"${inputs[$test]}" "$SCRIPTS/${words[0]}" "${words[@]:1}"
	done
}

# report_runner_tests: Waits for each test of the runner, and prints its result.
report_runner_tests() {
	local name test

	for test in "${runner_tests[@]}"; do
		name=$(file_name "$test")
		step "$test" "$SCRIPTS/test/follow.sh" "$background" "$dir/$name"
		print_skip
	done
}

# cached_step NAME "INPUT ..." PROCESS...: Does what step does, unless PROCESS passed
# before with the same files of the runner and the same INPUTs.
cached_step() {
	step "$1" "$SCRIPTS/test/unless-passed.sh" "$(file_name "$1")" "${@:2}"
	print_skip
}

# file_name TEXT: Prints TEXT without the characters that a file name cannot have.
file_name() {
	echo "${1//[^a-z0-9.-]/-}"
}

# print_skip: Prints a line if the last step did not repeat a test that passed before.
print_skip() {
	sed -n '/: skipped, because it passed/p' "$log"
}

# table NAME PROCESS...: Does what step does. If PROCESS passes, table also prints the
# lines of the output of PROCESS that start with "#", which are a table for the reader.
table() {
	local before=$failed

	step "$@"
	[ "$failed" != "$before" ] || sed -n '/^#/p' "$log"
}

# add_counts LINE: Adds the counts in LINE, "N passed, N failed, N skipped", to the
# variables passed, failed and skipped. add_counts also sets the variable some_failed to
# the number of failures in LINE.
add_counts() {
	local word

	read -r -a word <<<"$1"
	some_failed=${word[2]}
	passed=$((passed + word[0]))
	failed=$((failed + word[2]))
	skipped=$((skipped + word[4]))
}

# batch NAME PROCESS...: Runs PROCESS, which prints many results and then a line with the
# counts of these results. batch prints the output of PROCESS, and then a KTAP result with
# the name NAME. The KTAP result is "not ok" if PROCESS fails.
batch() {
	local last name=$1 some_failed start=$SECONDS status=0

	shift
	say "$name"
	"$@" | tee "$log" | sed 's/^/  /' || status=$?
	last=$(tail -n 1 "$log")
	[[ $last = *" passed, "*" failed, "*" skipped" ]] ||
		status=1 last="0 passed, 0 failed, 0 skipped"
	add_counts "$last"
	if [ "$status" = 0 ]; then
		report ok "$name"
	else
		report "not ok" "$name"
		[ "$some_failed" != 0 ] || failed=$((failed + 1))
		keep_failure "$name"
	fi
}

# keep_failure NAME: Writes the name NAME of a failed step, and the reasons of the
# failure, to the file $dir/failures. finish() prints this file.
keep_failure() {
	{
		echo "# failed: $1"
		reasons <"$log" | sed 's/^/#   /'
	} >>"$dir/failures"
}

# reasons: Prints the failed results in the output of a step, which is on stdin, with the
# details of these results. reasons also prints the lines after the last result. reasons
# leaves out the lines of the console and the mutants that were killed.
reasons() {
	awk '/^(not )?ok / { bad = /^not/; console = 0; text = "" }
		/^not ok / { print }
		/^(not )?ok / { next }
		/^# the last .* lines of the console/ { console = 1 }
		console || /^[a-z-]+ +killed / { next }
		bad && /^#/ { print; next }
		{ text = text $0 "\n" }
		END { printf "%s", text }'
}

# report VERDICT NAME: Prints the result of step NAME and the seconds that the step took.
report() {
	steps=$((steps + 1))
	echo "$1 $steps - check: $2"
	echo "# $((SECONDS - start)) s"
}

# in_background NAME PROCESS...: Runs PROCESS, and writes the output and the exit status
# of PROCESS to two files. follow.sh reads these files.
in_background() {
	local status=0

	"${@:2}" >"$dir/$1" 2>&1 || status=$?
	echo "$status" >"$dir/$1.status"
}

# begin_background: Starts a background job that builds the kernel 7.3-uml-kasan, and then
# runs the tests of the runner. The background job is one process group, so that one kill
# ends all processes of the job. The background job builds the kernel with low priority,
# because guests run at the same time.
begin_background() {
	rm -f "$dir"/*.status
	set -m
	{
		in_background uml nice "$SCRIPTS/kernel/build.sh" "$UML"
		run_runner_tests
	} &
	background=$!
	set +m
	trap 'kill -- "-$background" 2>/dev/null || true' EXIT
}

# prepare: Installs all packages that "make check" needs, and creates empty files for the
# failures and the output of the steps.
prepare() {
	need_for "stock 6.1 $UML" "${NEED_CHECK[@]}" "${NEED_DOCS[@]}"
	resolve stock
	dir=$TOP/build/check
	mkdir -p "$dir"
	: >"$dir/failures"
	log=$dir/log
}

# finish: Prints the plan of KTAP, the failures and the summary. finish exits with status
# 1 if a step or a test failed.
finish() {
	local summary="$passed passed, $failed failed, $skipped skipped"

	echo "1..$steps"
	cat "$dir/failures"
	echo "$summary" | tee "$dir/summary"
	exit "$((failed != 0))"
}

rm -f "$TOP/build/check/summary"
prepare
echo "KTAP version 1"
add_runner_tests
for kernel in 6.1 "$UML"; do
	step "$kernel is configured" "$SCRIPTS/kernel/build.sh" "$kernel" configure
done
begin_background
trees=$(echo "$CACHE"/tree/*/Makefile)
programs="tools/testing/mmu_notifier tools/testing/selftests/mmun"
for what in module reproducers kernel-doc texts; do
	step "lint: $what" "$SCRIPTS/lint/lint.sh" "$what" "$out"
done
for what in checkpatch format; do
	cached_step "lint: $what" "${MODULE_SOURCES[*]} patches $programs $trees" \
		"$SCRIPTS/lint/lint.sh" "$what" "$out"
done
batch "kselftest" env KINDS=list "$SCRIPTS/kselftest.sh"
cached_step "vm/test-guest.sh" "${builds[*]}" "$SCRIPTS/vm/test-guest.sh"
step "test/test-naive.sh" "$SCRIPTS/test/test-naive.sh" "$out"
for kernel in 7.3 6.1; do
	batch "quick on $kernel" env TREE= TESTS= SCHEDULE= KERNEL="$kernel" \
		"$SCRIPTS/quick.sh"
	step "coverage of quick on $kernel" env TIER=quick SUITE=mmun TESTS= CC= LLVM= \
		KERNEL="$kernel-cov" "$SCRIPTS/measure/coverage.sh"
done
cached_step "test/test-patches.sh" "patches $trees" "$SCRIPTS/test/test-patches.sh" 7.3 6.1
for what in controls explorer; do
	cached_step "quick/test-$what.sh" "${quick[*]} $trees" \
		"$SCRIPTS/quick/test-$what.sh" 7.3
done
for kernel in 7.3 6.1; do
	cached_step "quick/test-patches.sh on $kernel" "${quick[*]} patches $trees" \
		"$SCRIPTS/quick/test-patches.sh" "$kernel"
done
cached_step "judge/test-splats.sh" "$trees" "$SCRIPTS/judge/test-splats.sh" "$CACHE"/tree/*
cached_step "mutate/test-entries.sh" "${MODULE_SOURCES[*]} $programs $trees" \
	"$SCRIPTS/mutate/test-entries.sh" 7.3 6.1
for kernel in 7.3 6.1; do
	batch "litmus on $kernel" env TREE= TESTS= KERNEL="$kernel" "$SCRIPTS/litmus.sh"
done
step "docs" "$SCRIPTS/docs.sh"
# "make mutants-module" tries all mutants.
batch "mutants of the module" env MUTANTS='c*,invlock-*,policy-keeps-*-on-*' \
	"$SCRIPTS/mutate/module.sh"
step "$UML is built" "$SCRIPTS/test/follow.sh" "$background" "$dir/uml"
batch "kselftest on $UML" env KDIR= KINDS=all KERNEL="$UML" "$SCRIPTS/kselftest.sh"
table "test/test-kinds.sh" "$SCRIPTS/test/test-kinds.sh" "$TOP/build/$UML"
step "test/test-warnings.sh" "$SCRIPTS/test/test-warnings.sh" "$UML"
table "test/test-lists-alone.sh" "$SCRIPTS/test/test-lists-alone.sh" "$UML"
report_runner_tests
finish
