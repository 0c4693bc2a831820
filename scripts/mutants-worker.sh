#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# One worker of mutants.sh: it has a tree and a build of its own, and takes a mutant
# that no other worker has taken.
#
# usage: mutants-worker.sh NUMBER
#
# Called by mutants.sh, which explains the variables; here SUITE is a list with
# blanks.

. "${0%/*}/lib.sh"
. "$SCRIPTS/packages.sh"
. "$SCRIPTS/outcome.sh"

number=$1
read -ra suites <<<"$SUITE"
# shellcheck disable=SC2153 # it comes from mutants.sh
results=$TOP/build/mutants/$KERNEL

# A test that takes longer hangs.
export PROGRAM_SECS=${PROGRAM_SECS:-90} STOP=1

get() {
	"$SCRIPTS/defect.sh" get "$1" "$entry"
}

# What a suite needs beside the kernel: all of it as it was built for the sound
# one, but for the module.
prepare_suite() {
	local kdir

	export SUITE=$1

	resolve "$KERNEL"
	kdir=$(value kdir "$out/kernel")
	work=$results/work/$number/$SUITE
	mkdir -p "$work"
	ln -sfn "$out/tests" "$work/tests"
	ln -sf "$out/programs" "$work/programs"
	sed "s|=$kdir|=$private/build|" "$out/kernel" >"$work/kernel"
}

prepare() {
	local suite

	SUITE=mmun resolve "$KERNEL"
	tree=$(realpath "$(value kdir "$out/kernel")/source")
	private=$CACHE/mutants/$(basename "$(value kdir "$out/kernel")")/$number
	mkdir -p "$private"
	"$SCRIPTS/build-kernel.sh" "$KERNEL" "$private" >/dev/null
	mapfile -t words <"$private/build/make.words"
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
	local file files

	files=$(sed -n 's/^file: //p' "$SCRIPTS"/mutants/*.mutant | sort -u)
	while read -r file; do
		[ "$(<"$tree/$file")" = "$(<"$private/tree/$file")" ] ||
			sound_again "$file"
	done <<<"$files"
}

# One command, because conditions call it.
compile() {
	quietly make -j"$(nproc)" "${words[@]}"
}

# Sets status to the exit status of the judge; to nothing if it does not get that
# far.
run() {
	status=''
	"$SCRIPTS/build.sh" module "$work" || return
	"$SCRIPTS/pack.sh" "$work" || return
	"$SCRIPTS/boot.sh" "$work" >"$work/ktap" || return
	status=0
	"$SCRIPTS/judge.sh" "$work/result" >"$work/report" || status=$?
}

# What a result is good for: this change, this suite, this module, this kernel.
key_of() {
	local suite=$1 built=$TOP/build/$KERNEL

	shift
	[ "$suite" = mmun ] || built+=-$suite
	{
		sed -n '/^file: /p; /^function: /p; /^--- old/,$p' \
			/dev/null "$@"
		cat "$built"/tests/*[-_]test* "$built/module/test_$suite.ko" \
			"$private/build/.config"
		"$SCRIPTS/compiler.sh"
	} | sum
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
	[[ -e $results/$SUITE/$name.json &&
	   $(<"$results/$SUITE/$name.json") == *"\"key\": \"$key\""* ]]
}

# Sets unknown to the suites whose result of this mutant is not there.
find_unknown() {
	unknown=()
	for SUITE in "${suites[@]}"; do
		key=$(key_of "$SUITE" "$entry")
		is_known || unknown+=("$SUITE")
	done
}

# All suites have the same mutated kernel, built when the first asks for it.
try_suite() {
	local status='' start=$SECONDS

	key=$(key_of "$SUITE" "$entry")
	work=$results/work/$number/$SUITE
	rm -f "$work"/{ktap,report}
	if [ "$built" = no ]; then
		built=broken
		! compile || built=yes
	fi
	[ "$built" != yes ] || run || true
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
	for SUITE in "${unknown[@]}"; do
		try_suite
	done
	sound_again "$file"
}

# The sound kernel, by the same road.
control() {
	local status='' key

	key=$(key_of "$SUITE")
	work=$results/work/$number/$SUITE
	! has_key "$work/sound" "$key" || return 0
	say "the sound kernel, suite $SUITE"
	compile
	run || true
	[ "$status" = 0 ] || {
		cat "$work/report"
		die "the sound kernel fails: mend that first"
	}
	echo "$key" >"$work/sound"
}

# Unless another worker is at this mutant, or all is known of it.
take() {
	local claim

	exec {claim}>"$results/work/$name.claim"
	if flock -n "$claim"; then
		find_unknown
		[ ${#unknown[@]} = 0 ] || try
	fi
	exec {claim}>&-
}

prepare
for SUITE in "${suites[@]}"; do
	control
done
entries=()
for glob in ${MUTANTS//,/ }; do
	for entry in "$SCRIPTS"/mutants/$glob.mutant; do
		[ ! -e "$entry" ] || entries+=("$entry")
	done
done
[ ${#entries[@]} != 0 ] || die "MUTANTS=$MUTANTS: no such mutant"
at=0
for entry in "${entries[@]}"; do
	at=$((at + 1))
	name=$(basename "$entry" .mutant)
	kernels=$(get kernels)
	[[ " $kernels " != *" ${KERNEL%%-*} "* ]] || take
done
