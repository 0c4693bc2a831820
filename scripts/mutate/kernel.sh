#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run the tests on kernels with mutants. For each mutant, change the kernel in one place,
# build the kernel, run the tests, and print whether the tests fail. The tier quick builds
# and runs the program tools/testing/mmu_notifier instead of a kernel.
#
# usage: kernel.sh
#
# "make help" describes the variables KERNEL, TIER, MUTANTS, SUITE and JOBS. entries.sh
# describes the mutants, and the file mutate/tiers describes the tiers. With PATCH,
# patch.sh tries the mutants of the lines that the patch adds.
#
# Each tier begins with the sound kernel, which is the kernel without a mutant. All tests
# must pass on the sound kernel. Each later tier tries the mutants that no earlier tier
# killed. But if a mutant with the key "equivalent" or "wants" survived a tier, the later
# tiers do not try this mutant. kernel.sh applies all mutants with the key "equivalent" to
# one kernel, and applies all mutants with the same value of "wants" to one kernel. If all
# tests pass on a kernel with several mutants, all of these mutants survive. kernel.sh
# uses the result of an earlier run again while the result is valid, see known.sh. If the
# variable TIER names a tier, kernel.sh prints only the results of this tier, so that the
# tiers can be compared. kernel.sh writes the files <suite>/<tier>/<mutant>.result, <suite>/<tier>/<mutant>.log
# and results.json to the directory build/mutants/<kernel>.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/kernel/packages.sh"
. "$SCRIPTS/mutate/entries.sh"
. "$SCRIPTS/mutate/known.sh"
. "$SCRIPTS/mutate/layers.sh"

[ -z "$PATCH" ] || exec "$SCRIPTS/mutate/patch.sh"
IFS=, read -ra suites <<<"$SUITE"
results=$TOP/build/mutants/$KERNEL

# A program that takes longer than PROGRAM_SECS is regarded as hanging. With STOP=1, a
# guest ends at the first test that fails, because one failed test is enough to kill a
# mutant.
export PROGRAM_SECS=${PROGRAM_SECS:-90} STOP=1

# find_tiers: Reads the table mutate/tiers, and sets four arrays that have one element for
# each tier of this run:
#
#	tiers	the name of the tier
#	kinds	the kind of the tier
#	rows	the name of the row of kernel/table
#	limits	the seconds after which a guest or the program is killed
#
# The array guest_rows gets the rows of the tiers with guests.
find_tiers() {
	local name kind secs suffix

	while read -r name kind secs suffix; do
		[[ $name = [a-z]* && ${TIER:-$name} = "$name" ]] || continue
		! kernel_row "$KERNEL$suffix" || {
			tiers+=("$name")
			kinds+=("$kind")
			rows+=("$KERNEL$suffix")
			limits+=("${TIMEOUT:-$secs}")
			[ "$kind" != guest ] || guest_rows+=("$KERNEL$suffix")
		}
	done <"$SCRIPTS/mutate/tiers"
}

# prepare_guest ROW: Builds the kernel in row ROW of kernel/table, the modules and the
# tests. prepare_guest sets the variables out and kdir. $out is the directory of the build,
# and $kdir is the build directory of the kernel.
prepare_guest() {
	local tree

	resolve "$1"
	kdir=$(value kdir "$out/kernel")
	tree=$(value source "$out/kernel")
	hold_layers "$out" "$kdir"
	build_sound "$out"
	try=("$SCRIPTS/mutate/apart.sh" "$results/memory" "$tree" "$kdir" "$out" --
		"$SCRIPTS/mutate/try.sh" kernel)
}

# prepare_quick ROW: Builds the program tools/testing/mmu_notifier with the files of the
# kernel in row ROW of kernel/table. prepare_quick sets the variable out to the directory of
# the build, and the variable files to the files of the kernel that the program contains.
prepare_quick() {
	local parts tree

	files=$(make -s -C "$TOP/tools/testing/mmu_notifier" files)
	kernel_row "$1" || die "scripts/kernel/table has no row $1"
	parts=$("$SCRIPTS/kernel/tree.sh" "$1")
	tree=$(value source /dev/stdin <<<"$parts")
	out=$results/$tier
	mkdir -p "$out"
	lock "$out/lock.sound"
	"$SCRIPTS/mutate/build-quick.sh" sound "$tree" "$out"
	try=("$SCRIPTS/mutate/try.sh" quick)
}

# prepare_tier KIND ROW: Makes the build without a mutant for a tier of KIND. prepare_tier
# sets the variable dir to the directory for the results, and the array "try" to the
# command that tries mutants. The last arguments of the command are the names of the
# mutants.
prepare_tier() {
	files=
	"prepare_$1" "$2"
	dir=$results/$SUITE/$tier
	mkdir -p "$dir"
	try+=("$out" "$dir")
}

# find_known NAME ENTRY: Sets the variable known to 1 if this tier has a valid result for
# mutant NAME, and to 0 if not.
find_known() {
	local key result=$dir/$1.result

	known=0
	[ -e "$result" ] || return 0
	key=$(key_of_result "$2" "$out" "$result")
	! has_line "$result" "key=$key" || known=1
}

# why_it_survives NAME: Prints the reason why mutant NAME is expected to survive:
# "equivalent", or the value of the key "wants". why_it_survives prints nothing if a test
# is expected to kill the mutant.
why_it_survives() {
	sed -n '/^--- old/q; s/^equivalent:.*/equivalent/p; s/^wants: //p' \
		"$SCRIPTS/mutate/kernel/$1.mutant"
}

# is_settled NAME OUTCOME...: Returns 0 if mutant NAME had one of the outcomes OUTCOME in
# an earlier tier.
is_settled() {
	local name=$1

	shift
	grep -qsx "${@/#/-eoutcome=}" /dev/null "${before[@]/%//$name.result}"
}

# can_notice ENTRY: Returns 0 if this tier can notice the mutant that ENTRY describes.
can_notice() {
	local file only

	only=$(entry_value tiers "$1") || return
	file=$(entry_value file "$1") || return
	[[ " ${only:-$tier} " = *" $tier "* ]] || return
	[[ -z $files || $'\n'$files$'\n' = *$'\n'"$file"$'\n'* ]]
}

# find_noticed: Sets the array noticed to the entries of the mutants that this tier can
# notice. find_noticed exits with an error if there is none and the user has named the tier.
find_noticed() {
	local entry

	noticed=()
	for entry in "${entries[@]}"; do
		! can_notice "$entry" || noticed+=("$entry")
	done
	[[ -z $TIER || ${#noticed[@]} != 0 ]] ||
		die "MUTANTS=$MUTANTS: the tier $TIER can notice none of these mutants"
}

# select_mutants: Sets the array todo to the names of the mutants that this tier must try.
# A tier does not try a mutant for which this tier has a valid result. A tier also does
# not try a mutant that an earlier tier killed, or that survived an earlier tier as
# expected.
select_mutants() {
	local entry known name settled why

	todo=()
	for entry in "${noticed[@]}"; do
		name=$(basename "$entry" .mutant)
		why=$(why_it_survives "$name")
		settled=(killed ${why:+survived})
		! is_settled "$name" "${settled[@]}" || continue
		find_known "$name" "$entry"
		[ "$known" = 1 ] || todo+=("$name")
	done
}

# join_survivors: Groups the mutants in the array todo, and sets the array lines to the
# groups. Each element of the array lines has the names of all mutants that are expected
# to survive for the same reason, or the name of one mutant that a test is expected to
# kill.
join_survivors() {
	local -A joined=()
	local name why

	lines=()
	for name in "${todo[@]}"; do
		why=$(why_it_survives "$name")
		if [ -n "$why" ]; then
			joined[$why]+="${joined[$why]:+ }$name"
		else
			lines+=("$name")
		fi
	done
	lines=("${joined[@]}" "${lines[@]}")
}

# try_sound: Tries the sound kernel in the same way as a mutant, unless this tier has a
# valid result for the sound kernel. try_sound exits with an error if a test fails.
try_sound() {
	local known

	find_known sound /dev/null
	[ "$known" = 1 ] || "${try[@]}" sound
	has_line "$dir/sound.result" "by=everything passed" || {
		cat "$dir/sound.log"
		rm "$dir/sound.result"
		die "a test fails on the kernel without a mutant in tier $tier. Repair the kernel or the test first"
	}
}

# try_lines LINE...: Tries the mutants of each LINE in one kernel, JOBS kernels at a time.
try_lines() {
	printf '%s\n' "$@" | xargs -r -L 1 -P "$JOBS" "${try[@]}"
}

# try_selected: Tries the mutants in the array todo. try_selected first tries all mutants
# that are expected to survive for the same reason in one kernel. If a test fails on a
# kernel with several mutants, try_selected tries these mutants one by one.
try_selected() {
	local lines

	join_survivors
	try_lines "${lines[@]}"
	select_mutants
	try_lines "${todo[@]}"
}

# try_tier KIND ROW: Tries the mutants of one tier on the kernel in row ROW of kernel/table.
try_tier() {
	local files noticed todo

	prepare_tier "$@"
	find_noticed
	select_mutants
	say "tier $tier, suite $SUITE: ${#todo[@]} mutants"
	if [ ${#todo[@]} != 0 ]; then
		try_sound
		try_selected
	fi
	before+=("$dir")
}

# try_suite: Tries the mutants with the suite $SUITE in each tier. With the suite hmm,
# try_suite skips the tiers without a guest, and the tiers whose kernel is configured
# without the fragment hmm.
try_suite() {
	local before=() i

	for i in "${!tiers[@]}"; do
		tier=${tiers[i]}
		kernel_row "${rows[i]}" || die "scripts/kernel/table has no row ${rows[i]}"
		[[ $SUITE = mmun || ${kinds[i]},$fragments, = guest,*,hmm,* ]] || continue
		TIMEOUT=${limits[i]} try_tier "${kinds[i]}" "${rows[i]}"
	done
}

tiers=()
kinds=()
rows=()
limits=()
guest_rows=()
find_tiers
find_entries kernel "$MUTANTS" "${KERNEL%%-*}"
need python3
if [ ${#guest_rows[@]} != 0 ]; then
	need_for "${guest_rows[*]}" python3
	mkdir -p "$results/memory"
	check_apart "$results"
fi
for SUITE in "${suites[@]}"; do
	export SUITE
	try_suite
done
exec "$SCRIPTS/mutate/table.py" kernel "$results" "${tiers[@]}"
