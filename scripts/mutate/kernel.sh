#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run the tests on kernels with mutants: change the kernel in one place, build it, run the
# tests, and print whether they fail.
#
# usage: kernel.sh
#
# Variables: KERNEL, TIER, MUTANTS, SUITE, JOBS, see "make help". See entries.sh for the
# mutants, and the file tiers for the tiers.
#
# Each tier begins with the sound kernel, which is the kernel without a mutant. All tests
# must pass on it. The next tier tries the mutants that were not killed, except survivors
# whose entry has the key "equivalent" or "wants". All mutants with the key "equivalent"
# are applied to one kernel, and so are all mutants with the same value of "wants". If all
# tests pass on this kernel, all of its mutants survive. A result is used again while it
# is valid, see known.sh. The results are in build/mutants/<kernel>:
# <suite>/<tier>/<mutant>.result and .log, and results.json.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/kernel/packages.sh"
. "$SCRIPTS/mutate/entries.sh"
. "$SCRIPTS/mutate/known.sh"

IFS=, read -ra suites <<<"$SUITE"
results=$TOP/build/mutants/$KERNEL

# A program that takes longer is regarded as hanging. A guest ends at the first failure,
# because one failure is enough.
export PROGRAM_SECS=${PROGRAM_SECS:-90} STOP=1

# find_tiers: Reads the table of tiers. Sets the array all_tiers to the names of all
# tiers. Sets three more arrays with an element for each tier of this run: tiers to the
# names, rows to the rows of kernel/table, and limits to the seconds of a guest.
find_tiers() {
	local name secs suffix

	all_tiers=()
	while read -r name secs suffix; do
		[[ $name = [a-z]* ]] || continue
		all_tiers+=("$name")
		[ "${TIER:-$name}" = "$name" ] || continue
		! kernel_row "$KERNEL$suffix" || {
			tiers+=("$name")
			rows+=("$KERNEL$suffix")
			limits+=("${TIMEOUT:-$secs}")
		}
	done <"$SCRIPTS/mutate/tiers"
}

# hold_layers: Locks OUT against other runs of this clone, which would build there, and
# the build directory of the kernel against other clones, which could remove it. Both are
# lower layers of overlays, and a lower layer must not change.
hold_layers() {
	local hold

	lock "$out/lock"
	exec {hold}<"$kdir.lock"
	flock -s "$hold"
}

# prepare_tier ROW: Builds the kernel of ROW, the modules and the tests. Sets out, kdir,
# dir to the directory for the results, and the array try to the command that tries the
# mutants whose names follow.
prepare_tier() {
	local tree

	resolve "$1"
	kdir=$(value kdir "$out/kernel")
	tree=$(value source "$out/kernel")
	hold_layers
	build_sound "$out"
	dir=$results/$SUITE/$tier
	mkdir -p "$dir"
	try=("$SCRIPTS/mutate/apart.sh" "$results/memory" "$tree" "$kdir" "$out" --
		"$SCRIPTS/mutate/try.sh" kernel "$out" "$dir")
}

# find_known NAME ENTRY: Sets known to 1 if this tier has a valid result of the mutant,
# and to 0 otherwise.
find_known() {
	local key result=$dir/$1.result

	known=0
	[ -e "$result" ] || return 0
	key=$(key_of_result "$2" "$out" "$result")
	! has_line "$result" "key=$key" || known=1
}

# why_it_survives NAME: Prints the reason why the mutant is expected to survive:
# "equivalent", or the value of the key "wants". Prints nothing if a test is expected to
# notice the mutant.
why_it_survives() {
	sed -n '/^--- old/q; s/^equivalent:.*/equivalent/p; s/^wants: //p' \
		"$SCRIPTS/mutate/kernel/$1.mutant"
}

# is_settled NAME OUTCOME...: Returns 0 if the mutant had one of these outcomes in an
# earlier tier.
is_settled() {
	local name=$1

	shift
	grep -qsx "${@/#/-eoutcome=}" /dev/null "${before[@]/%//$name.result}"
}

# select_mutants: Sets the array todo to the mutants that this tier must try: no earlier
# tier has settled them, and there is no valid result.
select_mutants() {
	local entry known name only settled why

	todo=()
	for entry in "${entries[@]}"; do
		name=$(basename "$entry" .mutant)
		only=$(entry_value tiers "$entry")
		[[ " ${only:-$tier} " = *" $tier "* ]] || continue
		why=$(why_it_survives "$name")
		settled=(killed ${why:+survived})
		! is_settled "$name" "${settled[@]}" || continue
		find_known "$name" "$entry"
		[ "$known" = 1 ] || todo+=("$name")
	done
}

# join_survivors: Sets the array lines from the mutants in todo. A line has the names of
# all mutants that are expected to survive for the same reason, or the name of another
# mutant.
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

# try_sound: Tries the sound kernel in the same way as a mutant, unless there is a valid
# result. Exits if a test fails.
try_sound() {
	local known

	find_known sound /dev/null
	[ "$known" = 1 ] || "${try[@]}" sound
	has_line "$dir/sound.result" "by=everything passed" || {
		cat "$dir/sound.log"
		rm "$dir/sound.result"
		die "a test fails on the kernel without a mutant in tier $tier. Repair that first"
	}
}

# try_lines LINE...: Tries the mutants of each LINE in one kernel, JOBS kernels at a time.
try_lines() {
	printf '%s\n' "$@" | xargs -r -L 1 -P "$JOBS" "${try[@]}"
}

# try_selected: Tries the mutants in todo. Mutants that are expected to survive for the
# same reason are tried in one kernel. If a test fails there, they are tried one by one.
try_selected() {
	local lines

	join_survivors
	try_lines "${lines[@]}"
	select_mutants
	try_lines "${todo[@]}"
}

# try_tier ROW: Tries the mutants of one tier on the kernel of ROW.
try_tier() {
	local todo

	prepare_tier "$1"
	select_mutants
	say "tier $tier, suite $SUITE: ${#todo[@]} mutants"
	if [ ${#todo[@]} != 0 ]; then
		try_sound
		try_selected
	fi
	before+=("$dir")
}

# try_suite: Tries the mutants with $SUITE in each tier. hmm-tests skip the tiers whose
# kernel is configured without the fragment hmm.
try_suite() {
	local before=() i

	for i in "${!tiers[@]}"; do
		tier=${tiers[i]}
		kernel_row "${rows[i]}" || die "scripts/kernel/table has no row ${rows[i]}"
		[[ $SUITE = mmun || ,$fragments, = *,hmm,* ]] || continue
		TIMEOUT=${limits[i]} try_tier "${rows[i]}"
	done
}

# check_apart: Exits if apart.sh does not work on this machine.
check_apart() {
	mkdir -p "$results/memory"
	"$SCRIPTS/mutate/apart.sh" "$results/memory" "$results" -- true >/dev/null 2>&1 ||
		die "this machine cannot mount an overlay here: run it outside of containers," \
			"on Linux 5.11 or newer, as root or with user namespaces"
}

tiers=()
rows=()
limits=()
find_tiers
find_entries kernel "$MUTANTS" "${KERNEL%%-*}"
need_for "${rows[*]}" python3
check_apart
for SUITE in "${suites[@]}"; do
	export SUITE
	try_suite
done
exec "$SCRIPTS/mutate/table.py" kernel "$results" "${all_tiers[@]}"
