#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Try mutants on one kernel: build, boot, judge, and write the result.
#
# usage: try.sh kernel|module OUT DIR NAME...
#
# OUT has the build without a mutant. The script writes the result to DIR/NAME.result, see
# known.sh, and the report of judge.sh to DIR/NAME.log. The NAME "sound" means no mutant.
# A mutant of the module is built in DIR/NAME. For a mutant of the kernel the script
# changes OUT and the kernel, so the caller must run the script with apart.sh, which
# undoes the changes.
#
# Several mutants of the kernel are applied to one kernel. If all tests pass there, each
# of the mutants survives. Otherwise it is unknown which mutant the tests noticed, and the
# script writes no result.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/mutate/entries.sh"
. "$SCRIPTS/mutate/outcome.sh"
. "$SCRIPTS/mutate/known.sh"

# entry_of NAME: Prints the path of the entry of a mutant, or /dev/null for "sound".
entry_of() {
	if [ "$1" = sound ]; then
		echo /dev/null
	else
		echo "$SCRIPTS/mutate/$kind/$1.mutant"
	fi
}

# build NAME...: Prints a line "NAME present" or "NAME absent" for each mutant.
build() {
	case $kind in
	kernel)	"$SCRIPTS/mutate/build-kernel.sh" "$out" "$@" ;;
	module)	"$SCRIPTS/mutate/build-module.sh" "$out" "$work" "$@" ;;
	esac
}

# choose_programs NAME: Prints the programs that run with the mutant, in order. Exports
# TESTS, the globs of its entry.
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

# run_tests NAME: Runs the tests for the mutant. Sets status to the exit status of
# judge.sh.
run_tests() {
	choose_programs "$1" >"$work/chosen" || return
	"$SCRIPTS/vm/pack.sh" "$work" || return
	"$SCRIPTS/vm/boot.sh" "$work" >"$work/ktap" || return
	status=0
	"$SCRIPTS/judge/judge.sh" "$work/result" >"$work/report" || status=$?
}

# failing_program: Prints the first program that did not pass.
failing_program() {
	local program

	while read -r program; do
		if ! grep -qE "^ok [0-9]+ - mmun: $program( |\$)" "$work/ktap"; then
			echo "$program"
			return
		fi
	done <"$work/chosen"
}

# judge: Sets outcome, what and how, see outcome.sh, and program to the program that did
# not pass.
judge() {
	set_outcome "$status"
	program=
	case $outcome in
	killed | time-out)	program=$(failing_program) ;;
	esac
}

# write_result NAME: Writes the result of the mutant.
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
