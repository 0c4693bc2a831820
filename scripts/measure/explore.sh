#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Explore: every schedule of the actors on KERNEL, as deep as asked, in one boot
# after another. Goes on where an earlier run was stopped.
#
# usage: explore.sh
#
# Variables: KERNEL or KDIR; ACTORS, one or more configurations
# (Documentation/model.rst) with spaces between; DEPTH, how many steps are varied,
# 0 for all; CHUNK, schedules in one boot. How far it is is kept in build/explore,
# for each kernel; FRESH=1 forgets that. Exits 0 if kernel and model agreed in all
# of them.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/kernel/packages.sh"

# Two readers, a mutator, an inserter, a remover; every kind of mutator.  An exit
# costs a process each time, so there it is one reader.
ALL="madvise00,rA,rC,iB,dC madvise02,rA,rA,iB,dC madvise02,rA,rB,iB,dB
	madvise55,rA,rB,iB,dA munmap00,rA,rC,iB,dA munmap02,rA,rB,iB,dB
	mprotect02,rA,rB,iB,dC mremap00,rA,rB,iB,dA mremap02,rA,rC,iB,dB
	fork,rA,rB,iB,dB reaper,rA,rB,iB,dA exit,rA,iB,dC"
ACTORS=${ACTORS:-$ALL}

# One boot: from schedule $1 on.
boot() {
	GUEST_ENV="MMUN_ACTORS=$actors MMUN_DEPTH=$DEPTH MMUN_FROM=$1 MMUN_LIMIT=$CHUNK" \
		TESTS='explore_more.kernel_agrees*' PROGRAM_SECS=$TIMEOUT \
		"$SCRIPTS/kselftest.sh"
}

# field WORD: the number before it in the log's line of the totals.
field() {
	sed -n "s/.*# explored .*[ ,]\([0-9.]*\) $1.*/\1/p" "$log" | tail -n 1
}

# All of $actors, as far as it was not done before. Sets failed if kernel and model
# disagree.
explore() {
	local at=0 total=1

	state=$dir/$actors-$DEPTH
	log=$dir/log
	[ ! -s "$state" ] || read -r at total <"$state"
	while [ "$at" -lt "$total" ]; do
		say "$actors: from schedule $at on"
		if ! boot "$at" >"$log"; then
			awk '/^ *(#|not ok)/' "$log"
			failed=1
			return 0
		fi
		total=$(field schedules)
		at=$((at + $(field played)))
		echo "$at $total" >"$state"
		printf '%-28s %8s of %s schedules, %s states, %s edges, %s/s\n' \
			"$actors" "$at" "$total" "$(field states)" \
			"$(field edges)" "$(field 'a second')"
	done
	say "$actors: all $total schedules agreed"
}

# What a schedule that agreed is good for: this kernel, this module, these tests.
key() {
	{
		cat "$(value image "$out/kernel")"
		cd "$TOP"
		contents "${MODULE_SOURCES[@]}" "$SELFTEST"
	} | sum
}

need_for "${KDIR:-$KERNEL}"
resolve "${KDIR:-$KERNEL}"
key=$(key)
dir=$TOP/build/explore/${out##*/}-$key
[ "$FRESH" = 0 ] || rm -rf "$dir"
mkdir -p "$dir"
failed=0
for actors in $ACTORS; do
	explore
done
exit "$failed"
