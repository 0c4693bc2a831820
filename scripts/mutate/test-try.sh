#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests of the scripts of "make mutants". The tests check which changes make a result
# invalid, which program runs first, the outcome of a run, and the outcome of several
# mutants in one kernel. One test checks that apart.sh discards the changes of a mutant.
# test-try.sh prints KTAP.
#
# usage: test-try.sh

. "${0%/*}/../lib.sh"
. "$SCRIPTS/mutate/known.sh"
. "$SCRIPTS/mutate/outcome.sh"
. "$SCRIPTS/test/results.sh"

# make_world: Makes the input files of the tests: the files that resolve.sh writes for a
# kernel, three programs, and the entry of a mutant.
make_world() {
	mkdir -p "$out/tests" "$dir/memory"
	echo "kdir=/build/7.3_1" >"$out/kernel"
	printf '%s\n' a_test b_test c_test >"$out/programs"
	for program in a_test b_test c_test; do
		echo "$program" >"$out/tests/$program"
	done
	echo module >"$out/module.sum"
	printf '%s\n' "file: mm/x.c" "function: x" "breaks: x" "kernels: 7.3" \
		"--- old" "	x();" "--- new" "	y();" "--- end" >"$dir/x.mutant"
}

# compute_keys OUTCOME PROGRAM COMMAND...: Computes the key of a result with OUTCOME and
# PROGRAM, runs COMMAND, and computes the key again. The variable "before" gets the first
# key, and the variable "after" gets the second key.
compute_keys() {
	make_world
	before=$(key_of "$dir/x.mutant" "$out" "$1" "$2")
	"${@:3}"
	after=$(key_of "$dir/x.mutant" "$out" "$1" "$2")
}

# keeps TITLE OUTCOME PROGRAM COMMAND...: Passes if a result with OUTCOME and PROGRAM is
# still valid after COMMAND.
keeps() {
	compute_keys "${@:2}"
	check "$2, $1: the result is valid" test "$before" = "$after"
}

# loses TITLE OUTCOME PROGRAM COMMAND...: Passes if a result with OUTCOME and PROGRAM is
# invalid after COMMAND.
loses() {
	compute_keys "${@:2}"
	check "$2, $1: the result is invalid" test "$before" != "$after"
}

# edit FILE: Appends a line to FILE.
edit() {
	echo edited >>"$1"
}

# drop_program NAME: Removes the program NAME from the list of programs.
drop_program() {
	sed -i "/^$1\$/d" "$out/programs"
}

test_keys() {
	keeps "nothing has changed" killed a_test true
	keeps "another program" killed a_test edit "$out/tests/b_test"
	loses "the program that killed it" killed a_test edit "$out/tests/a_test"
	loses "the program that killed it is gone" killed a_test drop_program a_test
	loses "a program, and none is named" killed "" edit "$out/tests/b_test"
	loses "the program that hangs" time-out a_test edit "$out/tests/a_test"
	loses "any program" survived "" edit "$out/tests/c_test"
	keeps "any program" absent "" edit "$out/tests/c_test"
	loses "the module" killed a_test edit "$out/module.sum"
	loses "the build of the kernel" killed a_test sed -i s/7.3_1/7.3_2/ "$out/kernel"
	loses "the new lines" killed a_test sed -i 's/y();/z();/' "$dir/x.mutant"
	keeps "the description" killed a_test sed -i 's/^breaks:.*/breaks: y/' "$dir/x.mutant"
}

# orders TITLE PROGRAMS: Passes if order.sh prints the programs PROGRAMS in the same order
# as PROGRAMS.
orders() {
	local got

	got=$("$dir/scripts/mutate/order.sh" kernel "$dir/scripts/mutate/kernel/x.mutant" \
		"$out" "$dir/x.result" | paste -sd ' ')
	check "order: $1: $2" test "$got" = "$2"
}

# copy_scripts: Makes a clone that has the scripts of mutate/ and no entries of mutants.
copy_scripts() {
	mkdir -p "$dir"/scripts/{mutate/{kernel,module},vm,judge}
	cp "$SCRIPTS"/{lib,errors}.sh "$dir/scripts/"
	cp "$SCRIPTS"/mutate/*.sh "$dir/scripts/mutate/"
	cp "$SCRIPTS/vm/share.sh" "$dir/scripts/vm/"
}

test_order() {
	copy_scripts
	make_world
	cp "$dir/x.mutant" "$dir/scripts/mutate/kernel/"
	orders "nothing is known" "a_test b_test c_test"
	printf '%s\n' "file: mm/x.c" "function: z" "killer: c_test" \
		>"$dir/scripts/mutate/kernel/z.mutant"
	orders "the killer of an entry of the file" "c_test a_test b_test"
	printf '%s\n' "file: mm/x.c" "function: x" "killer: b_test" \
		>"$dir/scripts/mutate/kernel/y.mutant"
	orders "the killer of an entry of the function" "b_test c_test a_test"
	sed -i '/^kernels/akiller: c_test' "$dir/scripts/mutate/kernel/x.mutant"
	orders "the killer of the entry" "c_test b_test a_test"
	echo "program=a_test" >"$dir/x.result"
	orders "the program that killed it last time" "a_test c_test b_test"
	echo "outcome=time-out" >>"$dir/x.result"
	orders "a program that did not end last time" "c_test b_test a_test"
	echo "program=" >"$dir/x.result"
	orders "all passed last time" "c_test b_test a_test"
}

# comes_to TITLE STATUS WANTED REPORT KTAP: Passes if set_outcome() determines the outcome
# WANTED, which has the form "OUTCOME: WHAT (HOW)". STATUS and REPORT are the exit status
# and the output of judge.sh. KTAP is the output of boot.sh after the result for the load
# of the driver. In REPORT and KTAP, commas separate the lines.
comes_to() {
	local how outcome what work=$dir

	printf '%s\n' "${4//,/$'\n'}" >"$dir/report"
	printf '%s\n' "ok 1 - mmun: load" "${5//,/$'\n'}" >"$dir/ktap"
	set_outcome "$2"
	check "outcome: $1" test "$outcome: $what${how:+ ($how)}" = "$3"
}

test_outcome() {
	comes_to "everything passes" 0 "survived: everything passed" "" "  ok 1 a.x"
	comes_to "a test fails" 7 "killed: a.x" "# failed:,#   a.x" "  not ok 1 a.x"
	comes_to "the kernel complains" 6 "killed: a.x (splat: WARNING)" \
		"# the kernel complained (console.log):,#   7:[ 1.2] WARNING,# failed:,#   a.x" \
		"  ok 1 a.x"
	comes_to "a panic" 3 "killed: panic: Oops" \
		"# the kernel panicked,# the kernel complained (console.log):,#   7:[ 1.2] Oops" ""
	comes_to "the guest does not end" 5 "time-out: a.y (the guest did not end)" \
		"# failed:,#   a.y" "  ok 1 a.x"
	comes_to "a test fails, and then the guest does not end" 5 \
		"killed: a.x (the guest did not end)" "# failed:,#   a.y" "  not ok 1 a.x"
	comes_to "PID 1 ends a test" 7 "time-out: a.x (the test did not end)" \
		"# failed:,#   a.x" "  not ok 1 a.x # TIMEOUT"
	comes_to "PID 1 ends a test, and another fails" 7 \
		"killed: a.y (the test did not end)" "# failed:,#   a.x,#   a.y" \
		"  not ok 1 a.x # TIMEOUT,  not ok 1 a.y"
	comes_to "tasks block" 7 "killed: a.x (tasks are blocked for good)" \
		"# failed:,#   a.x" "  not ok 1 a.x # HANG"
	comes_to "a test fails, then tasks block, and the guest does not end" 5 \
		"killed: a.x (tasks are blocked for good)" "# failed:,#   a.y" \
		"  not ok 1 a.x,  not ok 2 a.y # HANG"
	comes_to "a module is not loaded" 7 "invalid: a module does not load" \
		"# failed:,#   floor: load" "not ok 2 - floor: load"
	comes_to "nothing ran" "" "invalid: the mutant cannot be applied, or the build fails" "" ""
}

# write_stand_in NAME LINE...: Writes a stand-in for the script NAME, which would compile
# a kernel or boot a guest. The stand-in is a script of the lines LINE.
write_stand_in() {
	printf '%s\n' '#!/bin/bash' "${@:2}" >"$dir/scripts/$1"
	chmod +x "$dir/scripts/$1"
}

# make_mutant KIND NAME FILE OLD NEW: Writes the entry of mutant NAME of the kernel or the
# module (KIND). The mutant changes the function FILE() in the source file FILE.c. In this
# function, the mutant replaces the call of OLD() by a call of NEW().
make_mutant() {
	printf '%s\n' "file: mm/$3.c" "function: $3" "breaks: $3" "--- old" "	$4();" \
		"--- new" "	$5();" "--- end" >"$dir/scripts/mutate/$1/$2.mutant"
}

# make_stand_ins: Writes the stand-ins of the scripts that compile or boot. The stand-in
# of the compiler copies the source to the object file. The stand-in of judge.sh reports a
# failure if an object file contains a call of bad().
make_stand_ins() {
	write_stand_in make "cp $dir/tree/mm/x.c $dir/build/7.3_1/mm/x.o"
	# shellcheck disable=SC2016 # the script expands it
	write_stand_in vm/build.sh 'cp "$MODULE_TREE/mm/x.c" "$2/x.o"'
	write_stand_in vm/pack.sh true
	write_stand_in vm/boot.sh "echo 'ok 1 - mmun: load'" "echo 'ok 2 - mmun: a_test'"
	write_stand_in judge/judge.sh \
		"cat $dir/build/7.3_1/mm/x.o \"\${1%/*}/x.o\" | grep -q bad || exit 0" \
		"printf '%s\n' '# failed' '# b.notices'" "exit 7"
}

# make_kernel: Makes a kernel tree with only two source files, x.c and y.c. The build of
# the kernel compiles only x.c.
make_kernel() {
	make_world
	rm -rf "$dir"/{scripts,build,tree,results,mm}
	mkdir -p "$dir"/{build/7.3_1/mm,tree/mm,results}
	printf '%s\n' "kdir=$dir/build/7.3_1" "source=$dir/tree" >"$out/kernel"
	printf '%s\n' "int x()" "{" "	one();" "	two();" "}" >"$dir/tree/mm/x.c"
	printf '%s\n' "int y()" "{" "	one();" "}" >"$dir/tree/mm/y.c"
	cp "$dir/tree/mm/x.c" "$dir/build/7.3_1/mm/x.o"
	touch "$dir/build/7.3_1/.config"
	printf '%s\n' -C "$dir/build/7.3_1" >"$dir/build/7.3_1/make.words"
	copy_scripts
	make_stand_ins
}

make_mutants() {
	make_mutant kernel harmless x one other
	make_mutant kernel harmless-too x two other
	make_mutant kernel overlapping x one another
	make_mutant kernel noticed x two bad
	make_mutant kernel not-compiled y one other
	make_mutant kernel wrong y three other
	make_mutant module harmless x one other
	make_mutant module noticed x two bad
	make_mutant module wrong y three other
}

# outcomes: Prints the results that try.sh wrote, as lines NAME=OUTCOME.
outcomes() {
	local file

	for file in "$dir"/results/*.result; do
		[ ! -e "$file" ] || echo "$(basename "$file" .result)=$(value outcome "$file")"
	done
}

# tries TITLE RESULTS kernel|module NAME...: Passes if try.sh writes RESULTS for the
# mutants NAME. RESULTS has words NAME=OUTCOME, sorted by name.
tries() {
	local got

	make_kernel
	make_mutants
	mkdir "$dir/mm"
	cp "$dir"/tree/mm/* "$dir/mm/"
	sed -i 's/^MODULE_SOURCES=.*/MODULE_SOURCES=(mm)/' "$dir/scripts/lib.sh"
	PATH=$dir/scripts:$PATH "$dir/scripts/mutate/try.sh" "$3" "$out" "$dir/results" \
		"${@:4}" >"$dir/stderr" 2>&1
	got=$(outcomes | paste -sd ' ')
	check "try: $3: $1" test "$got" = "$2"
}

test_try() {
	tries "one that survives" harmless=survived kernel harmless
	tries "one that is noticed" noticed=killed kernel noticed
	check "try: the test is named" has_line "$dir/results/noticed.result" by=b.notices
	check "try: its program is named" has_line "$dir/results/noticed.result" \
		program=b_test
	tries "one that is not compiled" not-compiled=absent kernel not-compiled
	tries "one that cannot be applied" wrong=invalid kernel wrong
	tries "the sound kernel" sound=survived kernel sound
	tries "two at once survive" "harmless-too=survived harmless=survived" \
		kernel harmless harmless-too
	tries "two at once, of which one is noticed, have no result" "" \
		kernel harmless noticed
	tries "two at once, of which one is not compiled" \
		"harmless=survived not-compiled=absent" kernel harmless not-compiled
	tries "the second of two that change the same line is left out" \
		harmless=survived kernel harmless overlapping
	tries "one that survives" harmless=survived module harmless
	tries "one that is noticed" noticed=killed module noticed
	tries "one that cannot be applied" wrong=invalid module wrong
}

# test_apart: Tests apart.sh. test_apart does nothing on a machine without overlays. A
# machine without overlays can run "make check", but cannot run mutants of the kernel.
test_apart() {
	local seen

	make_world
	"$SCRIPTS/mutate/apart.sh" "$dir/memory" "$out" -- true >/dev/null 2>&1 || {
		echo "# no overlays on this machine: apart.sh is not tested"
		return 0
	}
	# shellcheck disable=SC2016 # the inner shell expands it
	seen=$("$SCRIPTS/mutate/apart.sh" "$dir/memory" "$out" "$out/tests" -- bash -c '
		echo new >"$1/programs"; rm "$1/tests/b_test"; echo new >"$1/tests/a_test"
		cat "$1/programs" "$1"/tests/[ab]_test; ls "$1/tests"' _ "$out" |
		paste -sd ' ')
	check "apart: the command sees its changes" test "$seen" = "new new a_test c_test"
	check "apart: the changes are undone" test "$(cat "$out/programs" \
		"$out"/tests/* | paste -sd ' ')" = "a_test b_test c_test a_test b_test c_test"
	check "apart: nothing is left in memory" test -z "$(ls "$dir/memory")"
}

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
out=$dir/out
SUITE=mmun
begin_results mutation
test_keys
test_order
test_outcome
test_try
test_apart
end_results
