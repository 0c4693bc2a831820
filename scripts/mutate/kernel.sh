#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The mutants of the kernel: change the kernel in one place, build it, run the tests, and
# see whether they fail.
#
# usage: kernel.sh
#
# Variables: KERNEL, TIER, MUTANTS, SUITE, JOBS, see "make help". See entries.sh for the
# mutants, and the file tiers for the tiers.
#
# Each tier begins with the sound kernel, which must pass. The next tier tries the mutants
# that survive, unless the entry has "equivalent" or "wants". All equivalent mutants are
# tried in one kernel, and so are those with the same "wants": if everything passes there,
# all of them survive. A result is used again while it is valid, see known.sh. Results are
# in build/mutants/<kernel>: <suite>/<tier>/<mutant>.result and .log, results.json.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/kernel/packages.sh"
. "$SCRIPTS/mutate/entries.sh"
. "$SCRIPTS/mutate/known.sh"

IFS=, read -ra suites <<<"$SUITE"
results=$TOP/build/mutants/$KERNEL

# A program that takes longer hangs. The first failure decides.
export PROGRAM_SECS=${PROGRAM_SECS:-90} STOP=1

# Sets all_tiers to their names, tiers to those that this run tries, rows to their kernels
# and limits to their seconds.
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

# The lower layers of an overlay must not change: no other run of this clone builds
# in OUT, and no other clone removes the kernel.
hold_layers() {
	local hold

	lock "$out/lock"
	exec {hold}<"$kdir.lock"
	flock -s "$hold"
}

# prepare ROW: sets out, kdir, dir, and try to the command that tries mutants.
prepare() {
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

# find_known NAME ENTRY: sets known to 1 if there is a valid result.
find_known() {
	local key result=$dir/$1.result

	known=0
	[ -e "$result" ] || return 0
	key=$(key_of_result "$2" "$out" "$result")
	! has_line "$result" "key=$key" || known=1
}

# why_it_survives NAME: "equivalent", or the key "wants"; nothing if a test notices the
# mutant.
why_it_survives() {
	sed -n '/^--- old/q; s/^equivalent:.*/equivalent/p; s/^wants: //p' \
		"$SCRIPTS/mutate/kernel/$1.mutant"
}

# is_settled NAME OUTCOME...: Returns 0 if an earlier tier kept one of these outcomes.
is_settled() {
	local name=$1

	shift
	grep -qsx "${@/#/-eoutcome=}" /dev/null "${before[@]/%//$name.result}"
}

# Sets todo to the mutants for this tier of which the result is unknown.
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

# Sets lines to the mutants of todo: one line for those that survive for the same reason,
# and one line for each other mutant.
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

# The sound kernel is tried in the same way as a mutant.
try_sound() {
	local known

	find_known sound /dev/null
	[ "$known" = 1 ] || "${try[@]}" sound
	has_line "$dir/sound.result" "by=everything passed" || {
		cat "$dir/sound.log"
		rm "$dir/sound.result"
		die "the sound kernel fails in tier $tier: repair that first"
	}
}

# try_lines LINE...: a LINE names the mutants of one kernel.
try_lines() {
	printf '%s\n' "$@" | xargs -r -L 1 -P "$JOBS" "${try[@]}"
}

# Mutants that survive for the same reason are tried at once, and one by one if
# something fails there.
try_selected() {
	local lines

	join_survivors
	try_lines "${lines[@]}"
	select_mutants
	try_lines "${todo[@]}"
}

# try_tier ROW
try_tier() {
	local todo

	prepare "$1"
	select_mutants
	say "tier $tier, suite $SUITE: ${#todo[@]} mutants"
	if [ ${#todo[@]} != 0 ]; then
		try_sound
		try_selected
	fi
	before+=("$dir")
}

# try_suite: hmm-tests need a row that has them.
try_suite() {
	local before=() i

	for i in "${!tiers[@]}"; do
		tier=${tiers[i]}
		kernel_row "${rows[i]}" || die "${rows[i]}: no such row"
		[[ $SUITE = mmun || ,$fragments, = *,hmm,* ]] || continue
		TIMEOUT=${limits[i]} try_tier "${rows[i]}"
	done
}

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
