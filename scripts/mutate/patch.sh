#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Break the lines that a patch adds, one line at a time, and print the mutants that the
# program of "make quick" does not notice. Each of these mutants is a missing test.
#
# usage: patch.sh		try all mutants of PATCH on KERNEL
#        patch.sh try ENTRY	try one mutant
#
# "make help" describes the variables PATCH, KERNEL and JOBS. operators.py makes the
# mutants of the files in the array FILES, and no mutants of other files. patch.sh first
# runs the program on the patch without a mutant. If a test fails on the patch, patch.sh
# prints the failure and exits with status 1. A mutant that survives is not a failure of
# patch.sh.
#
# patch.sh writes to the directory build/mutants/<kernel>/patch:
#
#	tree		the files that the program needs, with the patch
#	sound		the output of the program for these files
#	mutants		the entry of each mutant, see entries.sh, its result, and the output
#			of the program
#	slot-N		the build of one of the JOBS that run at the same time

. "${0%/*}/../lib.sh"
. "$SCRIPTS/kernel/packages.sh"
. "$SCRIPTS/mutate/entries.sh"
. "$SCRIPTS/mutate/outcome-quick.sh"

FILES=(mm/mmu_notifier.c include/linux/mmu_notifier.h)

# make_slot SLOT: Makes the directory SLOT, whose directory tree has the files with the
# patch and without a mutant.
make_slot() {
	work=$results/slot-$1
	"$SCRIPTS/quick/copy.sh" "$results/tree" "$work/tree"
}

# run_program: Runs the program that was built in $work. run_program sets the variable
# status to the exit status of the program.
run_program() {
	status=0
	timeout -k 1 "$TIMEOUT" "$SCRIPTS/quick/run.sh" "$work" >"$work/report" 2>&1 ||
		status=$?
}

# defect_is_back: Prints the name of the first test that is an expected failure with the
# mutant, but not without the mutant. The mutant undoes the fix of a known defect.
defect_is_back() {
	awk '!/^ok / { next }
		{ expected = / # XFAIL/; name = $3 == "-" ? $4 : $3 }
		FILENAME == ARGV[1] { before[name] = expected; next }
		expected && !before[name] { print name; exit }
		' "$results/sound" "$work/report"
}

# judge: Sets the variables outcome, what and how, see outcome-quick.sh.
judge() {
	local name

	set_quick_outcome "$status"
	[ "$outcome" = survived ] || return 0
	name=$(defect_is_back)
	[ -z "$name" ] || outcome=killed what=$name how="a known defect is back"
}

# try_mutant ENTRY: Tries the mutant ENTRY, and writes the file ENTRY.result. xargs sets
# SLOT to a number that no other process uses at the same time.
try_mutant() {
	local entry=$1 file work status='' outcome what how

	file=$(entry_value file "$entry")
	make_slot "$SLOT"
	: >"$work/report"
	"$SCRIPTS/mutate/apply.sh" "$entry" "$results/tree/$file" >"$work/tree/$file"
	if "$SCRIPTS/quick/build.sh" "$work/tree" "$work" >"$entry.log" 2>&1; then
		run_program
		judge
		cp "$work/report" "$entry.log"
	else
		judge
	fi
	printf '%s\n' "outcome=$outcome" "by=$what" "how=$how" >"$entry.result"
	say "$(title "$entry"): $outcome${what:+, $what}${how:+, $how}"
}

# title ENTRY: Prints the file, the line and the operator of a mutant.
title() {
	echo "$(entry_value file "$1"):$(entry_value line "$1"): $(entry_value operator "$1")"
}

# prepare: Applies the patch to a copy of the files, and sets the array entries to the
# entries of the mutants.
prepare() {
	local file tree

	tree=$(value source /dev/stdin <<<"$parts")
	rm -rf "$results/mutants"
	"$SCRIPTS/quick/copy.sh" "$tree" "$results/tree" "$PATCH"
	for file in "${FILES[@]}"; do
		mkdir -p "$results/mutants/${file##*/}"
		"$SCRIPTS/mutate/operators.py" "$tree/$file" "$results/tree/$file" \
			"$file" "$results/mutants/${file##*/}"
	done
	entries=("$results"/mutants/*/*.mutant)
	[ -e "${entries[0]}" ] || entries=()
}

# try_sound: Runs the program on the patch without a mutant. try_sound exits with status 1
# if a test fails.
try_sound() {
	local work status

	make_slot 0
	"$SCRIPTS/quick/build.sh" "$work/tree" "$work"
	run_program
	cp "$work/report" "$results/sound"
	[ "$status" = 0 ] || {
		cat "$results/sound"
		echo "# a test fails on the patch without a mutant (status $status): mend the patch or the test first"
		exit 1
	}
}

# count OUTCOME: Prints the number of mutants with the outcome OUTCOME.
count() {
	grep -lx "outcome=$1" "$results"/mutants/*/*.result | wc -l || true
}

# show_survivors: Prints the lines of each mutant that survived, before and after the
# mutation.
show_survivors() {
	local entry file

	for entry in "${entries[@]}"; do
		has_line "$entry.result" outcome=survived || continue
		file=$(entry_value file "$entry")
		echo "missing test: $(title "$entry")"
		"$SCRIPTS/mutate/apply.sh" "$entry" "$results/tree/$file" >"$results/mutated"
		{ diff -U0 "$results/tree/$file" "$results/mutated" || [ $? = 1 ]; } |
			tail -n +4
	done
}

parts=$("$SCRIPTS/kernel/tree.sh" "$KERNEL")
results=$TOP/build/mutants/$KERNEL/patch
TIMEOUT=${TIMEOUT:-$(awk '$1 == "quick" { print $3 }' "$SCRIPTS/mutate/tiers")}
export STOP=1 TIMEOUT
if [ "${1-}" = try ]; then
	try_mutant "$2"
	exit
fi
need make python3 patch
mkdir -p "$results"
lock "$results/lock"
prepare
say "${PATCH##*/}: ${#entries[@]} mutants"
try_sound
[ ${#entries[@]} != 0 ] || {
	echo "the patch adds no line to the functions of ${FILES[*]} that an operator changes"
	exit
}
printf '%s\n' "${entries[@]}" |
	xargs -P "$JOBS" -I {} --process-slot-var=SLOT "$0" try {}
show_survivors
echo "$(count killed) killed, $(count time-out) time-out, $(count survived) survived," \
	"$(count invalid) invalid"
