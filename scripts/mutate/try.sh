#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Try mutants on one kernel: build the kernel or the module with the mutants, boot a guest
# that runs the tests, judge the run, and write the result.
#
# usage: try.sh kernel|module|quick OUT DIR NAME...
#
# The directory OUT has the build without a mutant. try.sh writes the result to
# DIR/NAME.result, see known.sh, and the report of judge.sh to DIR/NAME.log. The NAME
# "sound" stands for the kernel without a mutant. try.sh builds a mutant of the module in
# DIR/NAME. For a mutant of the kernel, try.sh changes OUT and the kernel. Because try.sh
# changes OUT and the kernel, the caller must run try.sh inside apart.sh, which discards
# the changes.
#
# "try.sh quick" tries mutants of the kernel without a guest: try.sh builds the program
# tools/testing/mmu_notifier with the mutants in DIR/NAME, runs the program, and removes
# DIR/NAME. DIR/NAME.log then has the output of the program. The program is killed after
# TIMEOUT seconds.
#
# If try.sh gets the names of several mutants of the kernel, try.sh applies all of the
# mutants to one kernel. If all tests pass on a kernel with several mutants, each of the
# mutants survives. If a test fails on a kernel with several mutants, try.sh writes no
# result, because it is not known which mutant the test noticed.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/mutate/entries.sh"
. "$SCRIPTS/mutate/outcome.sh"
. "$SCRIPTS/mutate/outcome-quick.sh"
. "$SCRIPTS/mutate/known.sh"

# entry_of NAME: Prints the path of the entry of mutant NAME, or /dev/null if NAME is
# "sound".
entry_of() {
	if [ "$1" = sound ]; then
		echo /dev/null
	else
		echo "$SCRIPTS/mutate/${kind/quick/kernel}/$1.mutant"
	fi
}

# build NAME...: Builds the kernel, the module or the program with the mutants NAME. build
# prints a line "NAME present" or "NAME absent" for each mutant.
build() {
	case $kind in
	kernel)	"$SCRIPTS/mutate/build-kernel.sh" "$out" "$@" ;;
	module)	"$SCRIPTS/mutate/build-module.sh" "$out" "$work" "$@" ;;
	quick)	"$SCRIPTS/mutate/build-quick.sh" "$out" "$work" "$@" ;;
	esac
}

# choose_programs NAME: Prints the programs that run with mutant NAME, in the order in
# which the programs run. choose_programs also exports TESTS, which is the value of the
# key "tests" in the entry of the mutant.
choose_programs() {
	local entry

	entry=$(entry_of "$1") || return
	TESTS=$(entry_value tests "$entry") || return
	export TESTS
	if [ -n "$TESTS" ]; then
		"$SCRIPTS/vm/choose.sh" "$work" || return
	else
		"$SCRIPTS/mutate/order.sh" "$kind" "$entry" "$work" "$dir/$1.result" ||
			return
	fi
}

# run_guest NAME: Runs the tests for mutant NAME in a guest. run_guest sets the variable
# status to the exit status of judge.sh.
run_guest() {
	choose_programs "$1" >"$work/chosen" || return
	"$SCRIPTS/vm/pack.sh" "$work" || return
	"$SCRIPTS/vm/boot.sh" "$work" >"$work/ktap" || return
	status=0
	"$SCRIPTS/judge/judge.sh" "$work/result" >"$work/report" || status=$?
}

# run_quick: Runs the program with a mutant until a configuration fails. run_quick sets the
# variable status to the exit status of the program, or to 124 if the program did not end.
run_quick() {
	status=0
	timeout -k 1 "$TIMEOUT" "$SCRIPTS/quick/run.sh" "$work" >"$work/report" 2>&1 ||
		status=$?
}

# run_tests NAME: Runs the tests for mutant NAME.
run_tests() {
	case $kind in
	quick)	run_quick ;;
	*)	run_guest "$1" || return ;;
	esac
}

# failing_program: Prints the name of the first test program that did not pass.
failing_program() {
	local program

	while read -r program; do
		if ! grep -qE "^ok [0-9]+ - mmun: $program( |\$)" "$work/ktap"; then
			echo "$program"
			return
		fi
	done <"$work/chosen"
}

# judge: Sets the variables outcome, what and how, see outcome.sh, and sets the variable
# program to the name of the test program that did not pass.
judge() {
	program=
	if [ "$kind" = quick ]; then
		set_quick_outcome "$status"
		return
	fi
	set_outcome "$status"
	case $outcome in
	killed | time-out)	program=$(failing_program) ;;
	esac
}

# write_result NAME: Writes the result of mutant NAME.
write_result() {
	local entry how=$how outcome=$outcome program=$program result=$dir/$1.result \
		what=$what

	! has_line /dev/stdin "$1 absent" <<<"$built" ||
		outcome=absent what="the kernel has no such code" how='' program=
	entry=$(entry_of "$1")
	key=$(key_of "$entry" "$out" "$outcome" "$program")
	[ ! -e "$work/report" ] || cp "$work/report" "$dir/$1.log"
	printf '%s\n' "outcome=$outcome" "by=${what//$'\n'/ }" "how=$how" \
		"program=$program" "seconds=$SECONDS" "key=$key" >"$result.tmp"
	mv "$result.tmp" "$result"
	say "${dir##*/}: $1: $outcome, $what${how:+, $how} ($SECONDS s)"
}

kind=$1
out=$2
dir=$3
shift 3
work=$out
[ "$kind" = kernel ] || work=$dir/$1
status=
SECONDS=0
built=$(build "$@") || built=
[[ $built != *" present"* ]] || run_tests "$1" || true
judge
if [ $# = 1 ]; then
	write_result "$1"
elif [ "$outcome" = survived ]; then
	while read -r name _; do
		write_result "$name"
	done <<<"$built"
else
	say "${dir##*/}: $# at once: $outcome, $what${how:+, $how} ($SECONDS s)"
fi
[ "$kind" != quick ] || rm -rf "$work"
