#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Mutants on one kernel: break it, build it, boot it, judge, and keep the result.
#
# usage: mutants-try.sh OUT DIR NAME...
#
# OUT is the kernel as it was resolved, with the module and the tests. The result is
# DIR/NAME.result, and what judge.sh printed is DIR/NAME.log. The NAME sound is the
# kernel with nothing broken. Called by mutants.sh through apart.sh: the source of the
# kernel, its build and OUT are changed.
#
# Several mutants are one kernel that is broken in several places. If everything passes
# there, each of them survives. If not, it is unknown which one was noticed, and no
# result is kept. A mutant that breaks lines of one before it is left out.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/mutate/outcome.sh"
. "$SCRIPTS/mutate/mutants-known.sh"

# A program that takes longer hangs.
export PROGRAM_SECS=${PROGRAM_SECS:-90} STOP=1

# find_mutant NAME: sets entry, file to what it breaks, object to what is compiled from
# the file, and sound to the copy of the object of the sound kernel.
find_mutant() {
	entry=$SCRIPTS/mutate/kernel/$1.mutant
	[ "$1" != sound ] || entry=/dev/null
	file=$("$SCRIPTS/mutate/defect.sh" get file "$entry") || return
	object=$kdir/${file%.c}.o
	sound=$out/sound/$file
}

# mutate NAME: break the source, and remember which files are broken.
mutate() {
	local entry file object sound

	find_mutant "$1" || return
	mkdir -p "${sound%/*}" || return
	"$SCRIPTS/mutate/defect.sh" apply "$entry" "$tree/$file" >"$out/mutant" || return
	cp "$out/mutant" "$tree/$file" || return
	[ ! -e "$object" ] || cp "$object" "$sound" || return
	files+=("$file")
}

# Modules depend on headers alone: ours, and for hmm-tests one of the kernel.
compile() {
	local goals=()

	[ "$SUITE" = mmun ] || goals=(modules)
	if [[ " ${files[*]}" = *" include/"* ]]; then
		quietly make -j"$(nproc)" "${words[@]}" "${goals[@]}" || return
		"$SCRIPTS/vm/build.sh" modules "$out" || return
	else
		quietly make -j"$(nproc)" "${words[@]}" || return
	fi
}

# build NAME...: sets broken to those that this kernel has.
build() {
	local files=() name

	broken=(sound)
	[ "$1" != sound ] || return 0
	broken=()
	for name; do
		if mutate "$name"; then
			broken+=("$name")
		fi
	done
	[ ${#broken[@]} != 0 ] || return
	compile || return
}

# is_absent NAME: the kernel has no code there: the file or the option is not of its
# configuration.
is_absent() {
	local entry file object sound

	find_mutant "$1" || return
	[[ $file = *.c ]] && { [ ! -e "$object" ] || cmp -s "$object" "$sound"; }
}

# Marks the absent ones of broken.
find_absent() {
	local name

	for name in "${broken[@]}"; do
		! is_absent "$name" || absent[$name]=1
	done
}

# run NAME: those programs first that are likely to notice this mutant.
run() {
	local entry file object sound

	find_mutant "$1" || return
	"$SCRIPTS/mutate/mutants-order.sh" "$entry" "$out" "$dir/$1.result" >"$out/chosen" || return
	"$SCRIPTS/vm/pack.sh" "$out" || return
	"$SCRIPTS/vm/boot.sh" "$out" >"$out/ktap" || return
	status=0
	"$SCRIPTS/judge/judge.sh" "$out/result" >"$out/report" || status=$?
}

# The first program that did not pass.
failing() {
	local program

	while read -r program; do
		if ! grep -qE "^ok [0-9]+ - mmun: $program( |\$)" "$out/ktap"; then
			echo "$program"
			return
		fi
	done <"$out/chosen"
}

# Killed is what a test or the kernel named; "caught" is the word of defects.
judge() {
	verdict "$status"
	case $outcome in
	caught)	outcome=killed ;;
	MISSED)	outcome=survived ;;
	TIMEOUT) outcome=time-out ;;
	esac
	program=
	case $outcome in
	killed | time-out)	program=$(failing) ;;
	esac
}

# keep NAME: its result, unless there is nothing of it to judge.
keep() {
	local entry file how=$how object outcome=$outcome program=$program \
		result=$dir/$1.result sound what=$what

	[ -z "${absent[$1]:-}" ] ||
		outcome=absent what="the kernel has no such code" how='' program=
	find_mutant "$1"
	key=$(key_of "$entry" "$out" "$outcome" "$program")
	[ ! -e "$out/report" ] || cp "$out/report" "$dir/$1.log"
	printf '%s\n' "outcome=$outcome" "by=${what//$'\n'/ }" "how=$how" \
		"program=$program" \
		"seconds=$SECONDS" "key=$key" >"$result.tmp"
	mv "$result.tmp" "$result"
	print_outcome "$1"
}

# print_outcome WHAT: print the outcome of WHAT, one mutant or several.
print_outcome() {
	say "${dir##*/}: $1: $outcome, $what${how:+, $how} ($SECONDS s)"
}

# keep_all NAME...
keep_all() {
	local name

	for name; do
		keep "$name"
	done
}

out=$1
dir=$2
shift 2
work=$out
kdir=$(value kdir "$out/kernel")
tree=$(value source "$out/kernel")
mapfile -t words <"$kdir/make.words"
status=
SECONDS=0
declare -A absent=()
if build "$@"; then
	find_absent
	[ ${#absent[@]} = ${#broken[@]} ] || run "$1" || true
fi
judge
if [ $# = 1 ]; then
	keep_all "$1"
elif [ "$outcome" = survived ]; then
	keep_all "${broken[@]}"
else
	print_outcome "${#broken[@]} at once"
fi
