#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The project's own tests, kselftest and the negative controls among them.
#
# usage: check.sh
#
# KTAP on stdout, nested where a step has tests of its own, and how long each
# took; then what failed, once more; the last line, also in build/check/summary,
# adds everything up. The two kernels are built once, which takes a quarter of an
# hour. The suite on the slow one runs beside the rest: a guest seldom has work
# for two CPUs.

. "$(dirname "$0")/lib.sh"
. "$SCRIPTS/packages.sh"

passed=0
failed=0
skipped=0
steps=0

# step NAME COMMAND...: its output is shown when it fails. Its status is that of
# its last command: errexit is off in a condition.
step() {
	local name=$1 start=$SECONDS

	shift
	say "$name"
	if ("$@") >"$log" 2>&1; then
		report ok "$name"
		passed=$((passed + 1))
	else
		sed 's/^/# /' "$log"
		report "not ok" "$name"
		failed=$((failed + 1))
		remember "$name"
	fi
}

# suite NAME COMMAND...: the last line of its output says how many passed.
suite() {
	local name=$1 start=$SECONDS status=0 word

	shift
	say "$name"
	"$@" | tee "$log" | sed 's/^/  /' || status=$?
	read -r -a word < <(tail -n 1 "$log")
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

# remember NAME: the end of the output is where one looks first.
remember() {
	{
		echo "# failed: $1"
		reasons <"$log" | sed 's/^/#   /'
	} >>"$dir/failures"
}

# What the judge says after the last result, short of the console; a table
# without what went well.
reasons() {
	tac | sed -E '/^(not )?ok /q' | tac |
		sed -e '/^# the last .* lines of the console/,$d' -e '/ caught /d'
}

report() {
	steps=$((steps + 1))
	echo "$1 $steps - check: $2"
	echo "# $((SECONDS - start)) s"
}

# Warnings of the kernel's own headers are not ours to mend.
module_is_clean() {
	rm -rf "$dir/module"
	MODULE_FLAGS="W=1 C=2" V=1 "$SCRIPTS/build.sh" module "$dir" 2>&1 |
		tee "$dir/build.log" |
		grep -E 'mmun[./a-z_]*:.*(warning|error):|^(WARNING|ERROR):' &&
		return 1
	[ -e "$dir/module/test_mmun.ko" ] || { cat "$dir/build.log"; return 1; }
}

# The types that scripts/checkpatch-ignored names for a file, with commas.
ignored_types() {
	local glob type

	while read -r glob type _; do
		# shellcheck disable=SC2053 # a glob it is
		[[ $1 != $glob ]] || printf '%s,' "$type"
	done < <(grep -v '^#' "$SCRIPTS/checkpatch-ignored")
}

checkpatch_is_silent() {
	local file status=0

	cd "$TOP" || return
	for file in "${c_files[@]}"; do
		perl "$source/scripts/checkpatch.pl" --no-tree --strict \
			--terse --no-summary --ignore "$(ignored_types "$file")" \
			-f "$file" || status=1
	done
	return "$status"
}

# Older ones warn without being asked.
kernel_doc_is_silent() {
	local tool=$source/scripts/kernel-doc wall=

	cd "$TOP" || return
	! grep -q -- -Wall "$tool" || wall=-Wall
	"$tool" -none ${wall:+"$wall"} test_mmun*.[ch] mmun/* >"$dir/kernel-doc" 2>&1
	cat "$dir/kernel-doc"
	[ ! -s "$dir/kernel-doc" ]
}

shellcheck_is_silent() {
	cd "$SCRIPTS" || return
	shellcheck -x ./*.sh "$TOP/.ci/run"
}

files_are_short() {
	local long

	long=$(wc -l "$SCRIPTS"/* 2>/dev/null |
		awk '$2 != "total" && $1 >= 250')
	[ -z "$long" ] || { echo "$long"; return 1; }
}

# kselftest_on KERNEL: one that we build, whatever KDIR says of the first.
kselftest_on() {
	env -u KDIR KERNEL="$1" "$SCRIPTS/kselftest.sh"
}

# begin KERNEL: the suite on it, in the background, as a group to be killed.
begin() {
	rm -f "$dir/beside.status"
	set -m
	{
		status=0
		kselftest_on "$1" 2>&1 || status=$?
		echo "$status" >"$dir/beside.status"
	} >"$dir/beside" &
	beside=$!
	set +m
	trap 'kill -- "-$beside" 2>/dev/null || true' EXIT
}

# What it says, until it is done, and its status.
finish_begun() {
	tail -n +1 -f --pid="$beside" "$dir/beside"
	return "$(cat "$dir/beside.status")"
}

kernels_are_there() {
	"$SCRIPTS/build-kernel.sh" 7.3
	"$SCRIPTS/build-kernel.sh" 6.1-debug
}

mutants_can_be_applied() {
	"$SCRIPTS/test-mutants.sh" 7.3 6.1-debug
}

judge_is_tested() {
	"$SCRIPTS/test-judge.sh"
}

defect_tool_is_tested() {
	"$SCRIPTS/test-defect.sh"
}

prepare() {
	need gcc make perl sparse shellcheck
	resolve stock
	kernel=$out/kernel
	source=$(value source "$kernel")
	dir=$TOP/build/check
	mkdir -p "$dir"
	: >"$dir/failures"
	cp "$kernel" "$dir/kernel"
	log=$dir/log
	cd "$TOP"
	c_files=(test_mmun*.[ch] mmun/*.[ch] tools/testing/selftests/mmun/*.[ch]
		scripts/*.[ch])
}

finish() {
	local summary="$passed passed, $failed failed, $skipped skipped"

	echo "1..$steps"
	cat "$dir/failures"
	echo "$summary" | tee "$dir/summary"
	[ "$failed" = 0 ]
}

rm -f "$TOP/build/check/summary"
prepare
echo "KTAP version 1"
step "the kernels are built" kernels_are_there
begin 6.1-debug
step "the module builds without a warning, W=1 and sparse" module_is_clean
step "checkpatch --strict is silent" checkpatch_is_silent
step "kernel-doc is silent" kernel_doc_is_silent
step "shellcheck is silent" shellcheck_is_silent
step "files in scripts are short" files_are_short
step "the judge judges recordings right" judge_is_tested
step "the defect tool changes what it should" defect_tool_is_tested
suite "kselftest" "$SCRIPTS/kselftest.sh"
suite "kselftest on 7.3" kselftest_on 7.3
step "every mutant can be applied" mutants_can_be_applied
suite "every defect is caught" "$SCRIPTS/defects.sh"
suite "kselftest on 6.1-debug" finish_begun
finish
