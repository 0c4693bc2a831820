#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# One of those who work on the mutants: has a tree and a build of its own, and
# takes what no other is at.
#
# usage: mutants-worker.sh NUMBER
#
# Called by mutants.sh, which explains the variables; here SUITE is a list with
# blanks.

. "$(dirname "$0")/lib.sh"
. "$SCRIPTS/packages.sh"
. "$SCRIPTS/outcome.sh"

number=$1
read -ra suites <<<"$SUITE"
MUTANTS=${MUTANTS:-*}
results=$TOP/build/mutants/$KERNEL

# A test that hangs tells no more after this many seconds.
export PROGRAM_SECS=${PROGRAM_SECS:-90} TIMEOUT=${TIMEOUT:-400} STOP=1

get() {
	"$SCRIPTS/defect.sh" get "$1" "$entry"
}

# What a suite needs beside the kernel: all of it as it was built for the sound
# one, but for the module.
prepare_suite() {
	export SUITE=$1

	resolve "$KERNEL"
	work=$results/work/$number/$SUITE
	mkdir -p "$work"
	ln -sfn "$out/tests" "$work/tests"
	ln -sf "$out/programs" "$work/programs"
	sed -e "s|^kdir=.*|kdir=$private/build|" \
		-e "s|^image=.*|image=$private/build/arch/x86/boot/bzImage|" \
		-e "s|^config=.*|config=$private/build/.config|" \
		"$out/kernel" >"$work/kernel"
}

prepare() {
	local suite

	SUITE=mmun resolve "$KERNEL"
	tree=$(realpath "$(value kdir "$out/kernel")/source")
	private=$CACHE/mutants/$(basename "$(value kdir "$out/kernel")")/$number
	mkdir -p "$private"
	"$SCRIPTS/build-kernel.sh" "$KERNEL" "$private" >/dev/null
	all_sound
	for suite in "${suites[@]}"; do
		prepare_suite "$suite"
	done
}

# Replace the file by a mutated one, or by the sound one again.
mutate() {
	local file=$1 text=$2

	mv -f "$text" "$private/tree/$file"
}

sound_again() {
	local file=$1

	cp "$tree/$file" "$private/sound"
	mutate "$file" "$private/sound"
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

compile() {
	quietly make -C "$private/tree" O="$private/build" -j"$(nproc)" \
		"${GCOV[@]}" bzImage modules
}

# Prints the exit status of the judge; nothing if it did not get that far.
run() {
	local status=0

	"$SCRIPTS/build.sh" module "$work" || return
	"$SCRIPTS/pack.sh" "$work" || return
	"$SCRIPTS/boot.sh" "$work" >"$work/ktap" || return
	"$SCRIPTS/judge.sh" "$work/result" >"$work/report" || status=$?
	echo "$status"
}

# What a result is good for: this change, this suite, this module, this kernel.
key_of() {
	local suite=$1 built=$TOP/build/$KERNEL

	shift
	[ "$suite" = mmun ] || built+=-$suite
	{
		cat "$@" </dev/null |
			sed -n '/^file: /p; /^function: /p; /^--- old/,$p'
		cat "$built"/tests/*[-_]test* "$built/module/test_$suite.ko" \
			"$private/build/.config"
	} | sha256sum | cut -c1-16
}

store() {
	python3 - "$name" "$SUITE" "$outcome" "$what" "$seconds" "$key" \
		>"$results/$SUITE/$name.json" <<-'PYTHON'
		import json, sys
		keys = ("name", "suite", "outcome", "by", "seconds", "key")
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

is_known() {
	key=$(key_of "$SUITE" "$entry")
	grep -qs "\"key\": \"$key\"" "$results/$SUITE/$name.json"
}

# All suites have the same mutated kernel, built when the first asks for it.
try_suite() {
	local status='' start=$SECONDS

	work=$results/work/$number/$SUITE
	rm -f "$work"/{ktap,report}
	[ "$built" != no ] || { compile && built=yes || built=broken; }
	[ "$built" != yes ] || status=$(run) || true
	judged "$status"
	seconds=$((SECONDS - start))
	store
}

try() {
	local file built=no

	say "mutant $at of ${#entries[@]}: $name"
	file=$(get file)
	if "$SCRIPTS/defect.sh" apply "$entry" "$tree/$file" >"$private/mutant"; then
		mutate "$file" "$private/mutant"
	else
		built=broken
	fi
	for SUITE in "${suites[@]}"; do
		is_known || try_suite
	done
	sound_again "$file"
}

all_known() {
	for SUITE in "${suites[@]}"; do
		is_known || return 1
	done
}

# The sound kernel, by the same road.
control() {
	local status key

	key=$(key_of "$SUITE")
	work=$results/work/$number/$SUITE
	[ "$(cat "$work/sound" 2>/dev/null)" != "$key" ] || return 0
	say "the sound kernel, suite $SUITE"
	compile
	status=$(run) || true
	[ "$status" = 0 ] || { cat "$work/report"; die "the sound kernel fails"; }
	echo "$key" >"$work/sound"
}

# take COMMAND...: unless another worker is at this mutant.
take() {
	local claim

	exec {claim}>"$results/work/$name.claim"
	! flock -n "$claim" || "$@"
	exec {claim}>&-
}

try_unknown() {
	all_known || try
}

prepare
for SUITE in "${suites[@]}"; do
	control
done
mapfile -t entries < <(compgen -G "$SCRIPTS/mutants/$MUTANTS.mutant")
[ ${#entries[@]} != 0 ] || die "MUTANTS=$MUTANTS: no such mutant"
at=0
for entry in "${entries[@]}"; do
	at=$((at + 1))
	name=$(basename "$entry" .mutant)
	[[ " $(get kernels) " != *" ${KERNEL%%-*} "* ]] || take try_unknown
done
