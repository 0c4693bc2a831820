#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The project's own tests, kselftest and the negative controls among them.
#
# usage: check.sh
#
# KTAP on stdout, nested where a step has tests of its own, and how long each
# took; then what failed, once more; the last line, also in build/check/summary,
# adds everything up. Two kernels are built, once, beside the steps that do not need
# them, and the suite on the slow one runs beside the rest: a guest seldom has work for
# two CPUs. Kernels that only "make kselftest KERNEL=all" needs are not built.

. "${0%/*}/lib.sh"
. "$SCRIPTS/kernel/packages.sh"

passed=0
failed=0
skipped=0
steps=0

# step NAME PROCESS...: its output is shown when it fails.
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
		remember "$name"
	fi
}

# suite NAME PROCESS...: the last line of its output is "N passed, N failed, N skipped".
suite() {
	local name=$1 start=$SECONDS status=0 word last

	shift
	say "$name"
	"$@" | tee "$log" | sed 's/^/  /' || status=$?
	last=$(tail -n 1 "$log")
	read -r -a word <<<"$last"
	if [ "${word[1]:-}" != "passed," ]; then
		word=(0 _ 0 _ 0)
		status=1
	fi
	passed=$((passed + word[0]))
	failed=$((failed + word[2]))
	skipped=$((skipped + word[4]))
	if [ "$status" = 0 ]; then
		report ok "$name"
	else
		report "not ok" "$name"
		[ "${word[2]}" != 0 ] || failed=$((failed + 1))
		remember "$name"
	fi
}

# remember NAME: the failures are shown again at the end of the output.
remember() {
	{
		echo "# failed: $1"
		reasons <"$log" | sed 's/^/#   /'
	} >>"$dir/failures"
}

# What judge.sh prints after the last result, without the console, and a table without
# the rows that passed. All of the input is read: what writes it must not get SIGPIPE.
reasons() {
	awk '/^(not )?ok / { text = ""; console = 0; next }
		/^# the last .* lines of the console/ { console = 1 }
		!console && !/ caught / { text = text $0 "\n" }
		END { printf "%s", text }'
}

report() {
	steps=$((steps + 1))
	echo "$1 $steps - check: $2"
	echo "# $((SECONDS - start)) s"
}

# beside NAME PROCESS...: for follow.sh.
beside() {
	local status=0

	"${@:2}" >"$dir/$1" 2>&1 || status=$?
	echo "$status" >"$dir/$1.status"
}

# begin: what goes on in the background, one after the other, in a group that can be
# killed. Builds leave the CPUs to the guests.
begin() {
	rm -f "$dir"/*.status
	set -m
	{
		beside uml nice "$SCRIPTS/kernel/build.sh" 7.3-uml
		beside debug nice "$SCRIPTS/kernel/build.sh" 7.3-debug
		[ "$UNTIL" = compile ] || beside suite \
			env KDIR= JOBS=1 KERNEL=7.3-debug "$SCRIPTS/kselftest.sh"
	} &
	beside=$!
	set +m
	trap 'kill -- "-$beside" 2>/dev/null || true' EXIT
}

prepare() {
	need_for "stock 6.1 7.3-debug 7.3-uml" "${NEED_CHECK[@]}" "${NEED_DOCS[@]}"
	resolve stock
	dir=$TOP/build/check
	mkdir -p "$dir"
	: >"$dir/failures"
	log=$dir/log
}

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
begin
step "6.1 is configured" env UNTIL=compile "$SCRIPTS/kernel/build.sh" 6.1
for what in module checkpatch kernel-doc shellcheck errexit texts; do
	step "lint: $what" "$SCRIPTS/lint/lint.sh" "$what" "$out"
done
for what in judge/test-{judge,blame}.sh vm/test-{merge,unpack,choose}.sh \
	options/test-{variables,grammar}.sh mutate/test-{defect,mutation}.sh \
	test/test-{clean,signals,keys}.sh; do
	step "$what" "$SCRIPTS/$what"
done
suite "kselftest" "$SCRIPTS/kselftest.sh"
[ "$UNTIL" = compile ] || step "vm/test-guest.sh" "$SCRIPTS/vm/test-guest.sh"
step "7.3-uml is built" "$SCRIPTS/test/follow.sh" "$beside" "$dir/uml"
[ "$UNTIL" = compile ] ||
	suite "kselftest on 7.3-uml" env KDIR= KERNEL=7.3-uml "$SCRIPTS/kselftest.sh"
step "docs" "$SCRIPTS/docs.sh"
step "judge/test-splats.sh" "$SCRIPTS/judge/test-splats.sh" "$CACHE"/tree/*
step "every mutant can be applied" "$SCRIPTS/mutate/test-mutants.sh" 7.3 6.1
[ "$UNTIL" = compile ] || suite "every defect is caught" "$SCRIPTS/mutate/defects.sh"
step "7.3-debug is built" "$SCRIPTS/test/follow.sh" "$beside" "$dir/debug"
[ "$UNTIL" = compile ] ||
	suite "kselftest on 7.3-debug" "$SCRIPTS/test/follow.sh" "$beside" "$dir/suite"
finish
