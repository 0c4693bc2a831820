#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# One mutant on one kernel: build it, boot it, judge, and keep the result.
#
# usage: mutants-try.sh OUT DIR ENTRY
#
# OUT is the kernel as it was resolved, with the module and the tests. The result is
# DIR/<mutant>.result, and what judge.sh printed is DIR/<mutant>.log. The ENTRY
# /dev/null is the sound kernel. Called by mutants.sh through apart.sh: the source of
# the kernel, its build and OUT are changed.

. "${0%/*}/lib.sh"
. "$SCRIPTS/outcome.sh"
. "$SCRIPTS/mutants-known.sh"

# A program that takes longer hangs.
export PROGRAM_SECS=${PROGRAM_SECS:-90} STOP=1

mutate() {
	"$SCRIPTS/defect.sh" apply "$entry" "$tree/$file" >"$out/mutant" || return
	cp "$out/mutant" "$tree/$file" || return
}

# The kernel's own modules and ours depend on headers alone.
compile() {
	if [[ $file = include/* ]]; then
		quietly make -j"$(nproc)" "${words[@]}" modules || return
		"$SCRIPTS/build.sh" module "$out" || return
	else
		quietly make -j"$(nproc)" "${words[@]}" || return
	fi
}

build() {
	[ "$entry" != /dev/null ] || return 0
	[ ! -e "$object" ] || cp "$object" "$out/sound.o" || return
	mutate || return
	compile || return
}

# The kernel has no code there: the file or the option is not of its configuration.
is_absent() {
	[[ $file = *.c ]] && { [ ! -e "$object" ] || cmp -s "$object" "$out/sound.o"; }
}

run() {
	"$SCRIPTS/mutants-order.sh" "$entry" "$out" "$result" >"$out/chosen" || return
	"$SCRIPTS/pack.sh" "$out" || return
	"$SCRIPTS/boot.sh" "$out" >"$out/ktap" || return
	status=0
	"$SCRIPTS/judge.sh" "$out/result" >"$out/report" || status=$?
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

store() {
	local key

	key=$(key_of "$entry" "$out" "$outcome" "$program")
	[ ! -e "$out/report" ] || cp "$out/report" "$dir/$name.log"
	printf '%s\n' "outcome=$outcome" "by=${what//$'\n'/ }" "how=$how" \
		"program=$program" \
		"seconds=$SECONDS" "key=$key" >"$result.tmp"
	mv "$result.tmp" "$result"
	say "${dir##*/}: $name: $outcome, $what${how:+, $how} ($SECONDS s)"
}

out=$1
dir=$2
entry=$3
name=$(basename "$entry" .mutant)
[ "$entry" != /dev/null ] || name=sound
result=$dir/$name.result
work=$out
kdir=$(value kdir "$out/kernel")
tree=$(value source "$out/kernel")
file=$("$SCRIPTS/defect.sh" get file "$entry")
object=$kdir/${file%.c}.o
mapfile -t words <"$kdir/make.words"
# More processors of User-Mode Linux only make its guest slower.
! is_uml "$kdir/.config" || export SMP=1
status=
SECONDS=0
if ! build; then
	judge
elif is_absent; then
	outcome=absent what="the kernel has no such code" how='' program=
else
	run || true
	judge
fi
store
