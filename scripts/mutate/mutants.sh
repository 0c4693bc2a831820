#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Mutants: with each entry of mutants/ break the kernel in one place, build it,
# and see whether the suite notices.
#
# usage: mutants.sh
#
# Variables:
#
#	KERNEL	a row of "kernels" that we build [6.1]
#	TIER	one of the table "tiers" [all that KERNEL has]
#	MUTANTS	a glob of names [*]
#	SUITE	mmun, hmm, or both with a comma between them [mmun]
#	JOBS	how many at a time [2]
#
# An entry is one of defect.sh, with more keys:
#
#	kernels: those of which the file is as it expects
#	tiers: those that can notice it, if the others lack what it takes (may be left out)
#	killer: the program that notices it, which then runs first (may be left out)
#	origin: written for this purpose, or the fix that it reverts
#	equivalent: why nobody can notice (may be left out)
#	wants: what a test needs to notice it, if there is no such test
#
# Each tier begins with the sound kernel, which must pass. What a tier does not kill
# the next one tries, unless the entry has "equivalent" or "wants". Equivalent mutants are
# tried in one kernel, and so are those with the same "wants": if everything passes
# there, they all survive. A result is kept, and not sought again while it is true: see
# mutants-known.sh. Results are in build/mutants/<kernel>: <suite>/<tier>/<mutant>.result
# and .log, results.json.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/kernel/packages.sh"
. "$SCRIPTS/mutate/mutants-known.sh"

IFS=, read -ra suites <<<"$SUITE"
results=$TOP/build/mutants/$KERNEL

# Sets tiers to the names of the tiers that KERNEL has, rows to their kernels and limits
# to their seconds.
find_tiers() {
	local name secs suffix

	tiers=()
	rows=()
	limits=()
	while read -r name secs suffix; do
		[[ $name = [a-z]* && ${TIER:-$name} = "$name" ]] || continue
		! kernel_row "$KERNEL$suffix" || {
			tiers+=("$name")
			rows+=("$KERNEL$suffix")
			limits+=("${TIMEOUT:-$secs}")
		}
	done <"$SCRIPTS/mutate/tiers"
}

# Sets entries to those of MUTANTS that are for KERNEL.
find_entries() {
	local entry glob globs kernels

	entries=()
	IFS=, read -ra globs <<<"$MUTANTS"
	for glob in "${globs[@]}"; do
		for entry in "$SCRIPTS"/mutate/kernel/$glob.mutant; do
			[ -e "$entry" ] || continue
			kernels=$("$SCRIPTS/mutate/defect.sh" get kernels "$entry")
			[[ " $kernels " != *" ${KERNEL%%-*} "* ]] || entries+=("$entry")
		done
	done
	[ ${#entries[@]} != 0 ] || die "MUTANTS=$MUTANTS: no such mutant"
}

# The lower layers of an overlay must not change: no other run of this clone builds
# in OUT, and no other clone removes the kernel.
hold_layers() {
	local hold

	lock "$out/lock"
	exec {hold}<"$kdir.lock"
	flock -s "$hold"
}

# prepare ROW: sets out, kdir, dir, and try to the command that tries an entry.
prepare() {
	local tree

	resolve "$1"
	kdir=$(value kdir "$out/kernel")
	tree=$(value source "$out/kernel")
	hold_layers
	"$SCRIPTS/vm/build.sh" tests "$out"
	"$SCRIPTS/vm/build.sh" modules "$out"
	find_modules
	cat "${modules[@]/#/$out/}" | sum >"$out/module.sum"
	"$SCRIPTS/vm/pack.sh" "$out"
	dir=$results/$SUITE/$tier
	mkdir -p "$dir"
	try=("$SCRIPTS/mutate/apart.sh" "$results/memory" "$tree" "$kdir" "$out" --
		"$SCRIPTS/mutate/mutants-try.sh" "$out" "$dir")
}

# find_known NAME ENTRY: sets known to 1 if the result is there and true.
find_known() {
	local key result=$dir/$1.result

	known=0
	[ -e "$result" ] || return 0
	key=$(key_of_result "$2" "$out" "$result")
	! has_line "$result" "key=$key" || known=1
}

# why_it_survives NAME: what it wants, or "equivalent"; nothing if a test notices it.
why_it_survives() {
	sed -n '/^--- old/q; s/^equivalent:.*/equivalent/p; s/^wants: //p' \
		"$SCRIPTS/mutate/kernel/$1.mutant"
}

# is_settled NAME OUTCOME...: a tier before has kept a result with one of these outcomes.
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
		only=$("$SCRIPTS/mutate/defect.sh" get tiers "$entry")
		[[ " ${only:-$tier} " = *" $tier "* ]] || continue
		why=$(why_it_survives "$name")
		settled=(killed ${why:+survived})
		! is_settled "$name" "${settled[@]}" || continue
		find_known "$name" "$entry"
		[ "$known" = 1 ] || todo+=("$name")
	done
}

# Sets lines to the mutants of todo: a line for those that survive for the same reason,
# and a line for each other.
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

# The sound kernel, by the same road.
try_sound() {
	local known

	find_known sound /dev/null
	[ "$known" = 1 ] || "${try[@]}" sound
	has_line "$dir/sound.result" "by=everything passed" || {
		cat "$dir/sound.log"
		rm "$dir/sound.result"
		die "the sound kernel fails in tier $tier: mend that first"
	}
}

# try_lines LINE...: a LINE names the mutants of one kernel.
try_lines() {
	printf '%s\n' "$@" | xargs -r -L 1 -P "$JOBS" "${try[@]}"
}

# Mutants that survive for the same reason are tried at once, and each by itself if
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
		die "this machine mounts no overlay here: run it outside of containers, on" \
			"Linux 5.11 or newer, as root or with user namespaces"
}

find_tiers
find_entries
need_for "${rows[*]}" python3
check_apart
for SUITE in "${suites[@]}"; do
	export SUITE
	try_suite
done
exec "$SCRIPTS/mutate/mutants-table.py" "$results"
