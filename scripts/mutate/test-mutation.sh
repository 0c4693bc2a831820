#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests of the parts of "make mutants": which change makes a result untrue, which
# program runs first, what comes of mutants that are tried at once, and that nothing is
# left of what a mutant changes. KTAP on stdout.
#
# usage: test-mutation.sh

. "${0%/*}/../lib.sh"
. "$SCRIPTS/mutate/mutants-known.sh"
. "$SCRIPTS/test/results.sh"

# A kernel as it is resolved, with three programs, an entry, and a result.
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

# keys OUTCOME PROGRAM COMMAND...: sets before and after to the key of such a result
# before COMMAND and after it.
keys() {
	make_world
	before=$(key_of "$dir/x.mutant" "$out" "$1" "$2")
	"${@:3}"
	after=$(key_of "$dir/x.mutant" "$out" "$1" "$2")
}

# keeps TITLE OUTCOME PROGRAM COMMAND...: COMMAND leaves the result true.
keeps() {
	keys "${@:2}"
	check "$2, $1: the result is kept" test "$before" = "$after"
}

loses() {
	keys "${@:2}"
	check "$2, $1: the result is lost" test "$before" != "$after"
}

edit() {
	echo edited >>"$1"
}

drop_program() {
	sed -i "/^$1\$/d" "$out/programs"
}

test_keys() {
	keeps "nothing has changed" killed a_test true
	keeps "another program" killed a_test edit "$out/tests/b_test"
	loses "the program that killed it" killed a_test edit "$out/tests/a_test"
	loses "the program that killed it is no more" killed a_test drop_program a_test
	loses "a program, and none is named" killed "" edit "$out/tests/b_test"
	loses "the program that hangs" time-out a_test edit "$out/tests/a_test"
	loses "any program" survived "" edit "$out/tests/c_test"
	keeps "any program" absent "" edit "$out/tests/c_test"
	loses "the module" killed a_test edit "$out/module.sum"
	loses "the build of the kernel" killed a_test sed -i s/7.3_1/7.3_2/ "$out/kernel"
	loses "what is broken" killed a_test sed -i 's/y();/z();/' "$dir/x.mutant"
	keeps "the text on it" killed a_test sed -i 's/^breaks:.*/breaks: y/' "$dir/x.mutant"
}

# orders TITLE PROGRAMS
orders() {
	local got

	got=$("$dir/scripts/mutate/mutants-order.sh" \
		"$dir/scripts/mutate/kernel/x.mutant" "$out" \
		"$dir/x.result" | paste -sd ' ')
	check "order: $1: $2" test "$got" = "$2"
}

# The entries of a clone of their own.
test_order() {
	mkdir -p "$dir/scripts/mutate/kernel"
	cp "$SCRIPTS"/{lib,errors}.sh "$dir/scripts/"
	cp "$SCRIPTS"/mutate/{defect,mutants-order}.sh "$dir/scripts/mutate/"
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
	orders "the program that did not pass last time" "a_test c_test b_test"
	echo "program=" >"$dir/x.result"
	orders "all passed last time" "c_test b_test a_test"
}

# stand_in NAME LINE...: a script in place of one that compiles or boots.
stand_in() {
	printf '%s\n' '#!/bin/bash' "${@:2}" >"$dir/scripts/$1"
	chmod +x "$dir/scripts/$1"
}

# make_mutant NAME FILE OLD NEW
make_mutant() {
	printf '%s\n' "file: mm/$2.c" "function: $2" "breaks: $2" "--- old" "	$3();" \
		"--- new" "	$4();" "--- end" >"$dir/scripts/mutate/kernel/$1.mutant"
}

# A kernel of two files, of which one is compiled, and a suite that fails if it is
# compiled with the call of bad().
make_kernel() {
	make_world
	rm -rf "$dir"/{scripts,build,tree,results}
	mkdir -p "$dir"/{scripts/{mutate/kernel,vm,judge},build/7.3_1/mm,tree/mm,results}
	printf '%s\n' "kdir=$dir/build/7.3_1" "source=$dir/tree" >"$out/kernel"
	cp "$SCRIPTS"/{lib,errors}.sh "$dir/scripts/"
	cp "$SCRIPTS"/mutate/{defect,outcome,mutants-{try,known,order}}.sh \
		"$dir/scripts/mutate/"
	printf '%s\n' "int x()" "{" "	one();" "	two();" "}" >"$dir/tree/mm/x.c"
	printf '%s\n' "int y()" "{" "	one();" "}" >"$dir/tree/mm/y.c"
	cp "$dir/tree/mm/x.c" "$dir/build/7.3_1/mm/x.o"
	touch "$dir/build/7.3_1/.config"
	printf '%s\n' -C "$dir/build/7.3_1" >"$dir/build/7.3_1/make.words"
	stand_in make "cp $dir/tree/mm/x.c $dir/build/7.3_1/mm/x.o"
	stand_in vm/pack.sh true
	stand_in vm/boot.sh "echo 'ok 1 - mmun: load'" "echo 'ok 2 - mmun: a_test'"
	stand_in judge/judge.sh "grep -q bad $dir/build/7.3_1/mm/x.o || exit 0" \
		"printf '%s\n' '# failed' '# b.notices'" "exit 7"
	make_mutant harmless x one other
	make_mutant harmless-too x two other
	make_mutant overlapping x one another
	make_mutant noticed x two bad
	make_mutant not-compiled y one other
	make_mutant wrong y three other
}

# The results that were kept, as NAME=OUTCOME.
outcomes() {
	local file

	for file in "$dir"/results/*.result; do
		[ ! -e "$file" ] || echo "$(basename "$file" .result)=$(value outcome "$file")"
	done
}

# tries TITLE RESULTS NAME...: RESULTS are NAME=OUTCOME, in the order of their names.
tries() {
	local got

	make_kernel
	PATH=$dir/scripts:$PATH "$dir/scripts/mutate/mutants-try.sh" "$out" "$dir/results" \
		"${@:3}" >"$dir/said" 2>&1
	got=$(outcomes | paste -sd ' ')
	check "try: $1" test "$got" = "$2"
}

test_try() {
	tries "one that survives" harmless=survived harmless
	tries "one that is noticed" noticed=killed noticed
	check "try: the test is named" has_line "$dir/results/noticed.result" by=b.notices
	check "try: its program is named" has_line "$dir/results/noticed.result" \
		program=b_test
	tries "one that is not compiled" not-compiled=absent not-compiled
	tries "one that does not fit" wrong=invalid wrong
	tries "the sound kernel" sound=survived sound
	tries "two at once survive" "harmless-too=survived harmless=survived" \
		harmless harmless-too
	tries "two at once, of which one is noticed, have no result" "" harmless noticed
	tries "two at once, of which one is not compiled" \
		"harmless=survived not-compiled=absent" harmless not-compiled
	tries "the second of two that break the same line is left out" \
		harmless=survived harmless overlapping
}

# A machine without overlays cannot run mutants, and can run the rest of make check.
test_apart() {
	local seen

	make_world
	"$SCRIPTS/mutate/apart.sh" "$dir/memory" "$out" -- true >/dev/null 2>&1 || {
		echo "# no overlays on this machine: apart.sh is not tested"
		return 0
	}
	# shellcheck disable=SC2016 # the command has it
	seen=$("$SCRIPTS/mutate/apart.sh" "$dir/memory" "$out" "$out/tests" -- bash -c '
		echo new >"$1/programs"; rm "$1/tests/b_test"; echo new >"$1/tests/a_test"
		cat "$1/programs" "$1"/tests/[ab]_test; ls "$1/tests"' _ "$out" |
		paste -sd ' ')
	check "apart: the command sees its changes" test "$seen" = "new new a_test c_test"
	check "apart: the directory keeps nothing of them" test "$(cat "$out/programs" \
		"$out"/tests/* | paste -sd ' ')" = "a_test b_test c_test a_test b_test c_test"
	check "apart: nothing is left in memory" test -z "$(ls "$dir/memory")"
}

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
out=$dir/out
SUITE=mmun
results_of mutation
test_keys
test_order
test_try
test_apart
end_results
