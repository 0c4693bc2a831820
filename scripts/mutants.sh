#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Mutants: with each entry of mutants/ break the kernel in one place, build it,
# and see whether the suite notices.
#
# usage: mutants.sh
#
# Variables: KERNEL, a row of "kernels" that we build [6.1], and MUTANTS, a glob
# of names [*]. What is known of an entry, a suite and a kernel is kept and not
# run again. The sound kernel goes first and must pass. Results are in
# build/mutants/<kernel>: one file an entry, results.json, and the table.

. "$(dirname "$0")/lib.sh"
. "$SCRIPTS/packages.sh"
. "$SCRIPTS/outcome.sh"

KERNEL=${KERNEL:-6.1}
MUTANTS=${MUTANTS:-*}

# A test that hangs tells no more after this many seconds.
export PROGRAM_SECS=60 TIMEOUT=${TIMEOUT:-400} STOP=1

get() {
	"$SCRIPTS/defect.sh" get "$1" "$entry"
}

# The kernel in the private directory, as kernel.sh would describe it.
describe() {
	sed -e "s|^kdir=.*|kdir=$private/build|" \
		-e "s|^image=.*|image=$private/build/arch/x86/boot/bzImage|" \
		-e "s|^config=.*|config=$private/build/.config|" \
		"$out/kernel" >"$work/kernel"
}

compile() {
	quietly make -C "$private/tree" O="$private/build" -j"$(nproc)" \
		"${GCOV[@]}" bzImage
}

# Prints the exit status of the judge; nothing if it did not get that far.
run() {
	local status=0

	compile || return
	"$SCRIPTS/build.sh" module "$work" || return
	"$SCRIPTS/pack.sh" "$work" || return
	"$SCRIPTS/boot.sh" "$work" >"$work/ktap" || return
	"$SCRIPTS/judge.sh" "$work/result" >"$work/report" || status=$?
	echo "$status"
}

# Replace the file by a mutated one, or by the sound one again.
mutate() {
	local file=$1 text=$2

	mv -f "$text" "$private/tree/$file"
}

sound_again() {
	local file=$1

	cp "$tree/$file" "$work/sound"
	mutate "$file" "$work/sound"
}

# What a run that was interrupted has left.
all_sound() {
	local file

	while read -r file; do
		cmp -s "$tree/$file" "$private/tree/$file" ||
			sound_again "$file"
	done < <(cat "$SCRIPTS"/mutants/*.mutant |
		sed -n 's/^file: //p' | sort -u)
}

# What a result is good for: this entry, this suite, this module, this kernel.
key_of() {
	cat "$@" "$out"/tests/*_test "$out/module/test_mmun.ko" \
		"$private/build/.config" | sha256sum | cut -c1-16
}

store() {
	python3 - "$name" "$outcome" "$what" "$seconds" "$key" "$(get file)" \
		"$(get breaks)" "$(get origin)" "$(get equivalent)" \
		>"$results/$name.json" <<-'PYTHON'
		import json, sys
		keys = ("name", "outcome", "by", "seconds", "key", "file", "breaks",
		        "origin", "equivalent")
		json.dump(dict(zip(keys, sys.argv[1:])), sys.stdout, indent=1)
	PYTHON
}

# Killed is what a test or the kernel named; "caught" is the word of defects.
judged() {
	verdict "$1"
	case $outcome in
	caught)	outcome=killed ;;
	MISSED)	outcome=survived ;;
	TIMEOUT) outcome=time-out ;;
	esac
}

try() {
	local file status='' start=$SECONDS

	name=$(basename "$entry" .mutant)
	key=$(key_of "$entry")
	! grep -qs "\"key\": \"$key\"" "$results/$name.json" || return 0
	say "mutant $name"
	file=$(get file)
	rm -f "$work"/{ktap,report}
	outcome=invalid what="it cannot be applied"
	if "$SCRIPTS/defect.sh" apply "$entry" "$tree/$file" >"$work/mutant"; then
		mutate "$file" "$work/mutant"
		status=$(run) || true
		judged "$status"
		sound_again "$file"
	fi
	seconds=$((SECONDS - start))
	store
}

# The sound kernel, by the same road.
control() {
	local status key

	key=$(key_of)
	[ "$(cat "$results/.sound" 2>/dev/null)" != "$key" ] || return 0
	say "the sound kernel"
	status=$(run) || true
	[ "$status" = 0 ] || { cat "$work/report"; die "the sound kernel fails"; }
	echo "$key" >"$results/.sound"
}

prepare() {
	resolve "$KERNEL"
	tree=$(realpath "$(value kdir "$out/kernel")/source")
	private=$CACHE/mutants/$(basename "$(value kdir "$out/kernel")")
	results=$TOP/build/mutants/$KERNEL
	work=$results/work
	mkdir -p "$private" "$work"
	"$SCRIPTS/build.sh" tests "$out"
	"$SCRIPTS/build.sh" module "$out"
	"$SCRIPTS/build-kernel.sh" "$KERNEL" "$private" >/dev/null
	all_sound
	ln -sfn "$out/tests" "$work/tests"
	ln -sf "$out/programs" "$work/programs"
	describe
}

need python3
prepare
control
for entry in "$SCRIPTS"/mutants/$MUTANTS.mutant; do
	name=$(basename "$entry" .mutant)
	[[ " $(get kernels) " != *" ${KERNEL%%-*} "* ]] || try
done
exec "$SCRIPTS/mutants-table.py" "$results"
