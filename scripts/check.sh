#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run the tests of this project: the lints, the tests of the runner, kselftest and the
# mutants of the module.
#
# usage: check.sh
#
# check.sh prints the results as KTAP, and the seconds that each step took. If a step has
# tests of its own, the KTAP of the step is nested. At the end, check.sh prints the
# failures again, and a line with the numbers of passed, failed and skipped tests.
# check.sh also writes this line to build/check/summary. If the kernels 7.3-uml and
# 7.3-debug are not in the cache, check.sh builds these kernels. Steps that do not need a
# built kernel run in parallel with the build. The tests on the slow kernel, 7.3-debug,
# run in parallel with the other steps, because one guest seldom uses two CPUs. check.sh
# does not build kernels that only "make kselftest KERNEL=all" needs.

. "${0%/*}/lib.sh"
. "$SCRIPTS/kernel/packages.sh"

# The files that a build of the modules and of the tests reads first
builds=(Kbuild tools/testing/selftests/mmun/{,floor/,core/,list/}Makefile)
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

# cached_step NAME "INPUT ..." PROCESS...: Does what step does, unless PROCESS passed
# before with the same files of the runner and the same INPUTs.
cached_step() {
	step "$1" "$SCRIPTS/test/unless-passed.sh" "${1//[^a-z0-9.]/-}" "${@:2}"
	sed -n '/: skipped, because it passed/p' "$log"
}

# runner_test NAME [INPUT...]: Runs scripts/NAME, a test of the runner, as a cached step.
# INPUTs are files outside of scripts/ that the test uses.
runner_test() {
	cached_step "$1" "${*:2}" "$SCRIPTS/$1"
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

# begin_background: Starts a background job that builds the kernels 7.3-uml and 7.3-debug,
# and then runs the tests on 7.3-debug. The background job is one process group, so that
# one kill ends all processes of the job. The background job builds kernels with low
# priority, because guests run at the same time.
begin_background() {
	rm -f "$dir"/*.status
	set -m
	{
		in_background uml nice "$SCRIPTS/kernel/build.sh" 7.3-uml
		in_background debug nice "$SCRIPTS/kernel/build.sh" 7.3-debug
		in_background kselftest env KDIR= JOBS=1 KINDS=interval \
			KERNEL=7.3-debug "$SCRIPTS/kselftest.sh"
	} &
	background=$!
	set +m
	trap 'kill -- "-$background" 2>/dev/null || true' EXIT
}

# prepare: Installs all packages that "make check" needs, and creates empty files for the
# failures and the output of the steps.
prepare() {
	need_for "stock 6.1 7.3-debug 7.3-uml" "${NEED_CHECK[@]}" "${NEED_DOCS[@]}"
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
begin_background
step "6.1 is configured" "$SCRIPTS/kernel/build.sh" 6.1 configure
for what in module reproducers checkpatch kernel-doc texts; do
	step "lint: $what" "$SCRIPTS/lint/lint.sh" "$what" "$out"
done
for what in shellcheck errexit; do
	cached_step "lint: $what" .ci/run "$SCRIPTS/lint/lint.sh" "$what" "$out"
done
for what in judge/test-{judge,blame}.sh vm/test-{merge,unpack,choose}.sh \
	measure/test-coverage.sh kernel/test-patch.sh mutate/test-{apply,try,operators}.sh; do
	runner_test "$what"
done
runner_test options/test-variables.sh .ci/run "$SELFTEST"/explore*.c
runner_test options/test-grammar.sh test_mmun_uapi.h "$SELFTEST/model"
for what in quick/test-quick.sh litmus/test-litmus.sh mutate/test-{quick,patch}.sh; do
	runner_test "$what" tools/testing/mmu_notifier
done
for what in test/test-{clean,signals,keys}.sh; do
	runner_test "$what" "${builds[@]}"
done
batch "kselftest" env KINDS=list "$SCRIPTS/kselftest.sh"
runner_test vm/test-guest.sh "${builds[@]}"
step "test/test-naive.sh" "$SCRIPTS/test/test-naive.sh" "$out"
step "7.3-uml is built" "$SCRIPTS/test/follow.sh" "$background" "$dir/uml"
batch "kselftest on 7.3-uml" env KDIR= KINDS=all KERNEL=7.3-uml "$SCRIPTS/kselftest.sh"
table "test/test-kinds.sh" "$SCRIPTS/test/test-kinds.sh" "$TOP/build/7.3-uml"
step "test/test-warnings.sh" "$SCRIPTS/test/test-warnings.sh" 7.3-uml
table "test/test-lists-alone.sh" "$SCRIPTS/test/test-lists-alone.sh" 7.3-uml
for kernel in 7.3 6.1; do
	batch "quick on $kernel" env TREE= TESTS= SCHEDULE= KERNEL="$kernel" \
		"$SCRIPTS/quick.sh"
	step "coverage of quick on $kernel" env TIER=quick SUITE=mmun TESTS= CC= LLVM= \
		KERNEL="$kernel-cov" "$SCRIPTS/measure/coverage.sh"
done
step "test/test-patches.sh" "$SCRIPTS/test/test-patches.sh" 7.3 6.1
step "quick/test-controls.sh" "$SCRIPTS/quick/test-controls.sh" 7.3
for kernel in 7.3 6.1; do
	step "quick/test-patches.sh on $kernel" "$SCRIPTS/quick/test-patches.sh" "$kernel"
done
for kernel in 7.3 6.1; do
	batch "litmus on $kernel" env TREE= TESTS= KERNEL="$kernel" "$SCRIPTS/litmus.sh"
done
step "lint: format" "$SCRIPTS/lint/lint.sh" format "$out"
step "docs" "$SCRIPTS/docs.sh"
step "judge/test-splats.sh" "$SCRIPTS/judge/test-splats.sh" "$CACHE"/tree/*
step "quick/test-explorer.sh" "$SCRIPTS/quick/test-explorer.sh" 7.3
step "mutate/test-entries.sh" "$SCRIPTS/mutate/test-entries.sh" 7.3 6.1
# "make mutants-module" tries all mutants.
batch "mutants of the module" env MUTANTS='[!p]*,policy-keeps-*-on-*,policy-frees-no-tables' \
	"$SCRIPTS/mutate/module.sh"
step "7.3-debug is built" "$SCRIPTS/test/follow.sh" "$background" "$dir/debug"
batch "kselftest on 7.3-debug" "$SCRIPTS/test/follow.sh" "$background" "$dir/kselftest"
finish
