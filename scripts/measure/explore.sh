#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Play every schedule of the actors on a kernel, in several boots of the guest. A schedule
# is an order of the steps of the actors. explore.sh continues an earlier run that was
# stopped.
#
# usage: explore.sh
#
# Environment variables:
#
#	KERNEL, KDIR	select the kernel
#	ACTORS		configurations of actors, separated by spaces; see
#			Documentation/model.rst [the configurations in ALL below]
#	DEPTH		the number of steps to vary, or 0 for all steps [0]
#	CHUNK		the number of schedules in one boot [5000]
#	FRESH		1 to forget which schedules an earlier run has played [0]
#
# The directory build/explore has the number of schedules that explore.sh has played on
# each kernel. explore.sh exits with status 0 if the kernel and the model agreed in all
# schedules.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/kernel/packages.sh"

# ALL is a list of configurations of actors, with every kind of mutator. A configuration
# has a mutator, one or two readers, an inserter and a remover, or a mutator and actors that
# use list notifiers. The configuration with the mutator "exit" has only one reader, because
# each schedule with "exit" needs a new process. Older kernels skip the configurations with
# ranges of two passes.
ALL="madvise00,rA,rC,iB,dC madvise02,rA,rA,iB,dC madvise02,rA,rB,iB,dB
	madvise55,rA,rB,iB,dA munmap00,rA,rC,iB,dA munmap02,rA,rB,iB,dB
	mprotect02,rA,rB,iB,dC mremap00,rA,rB,iB,dA mremap02,rA,rC,iB,dB
	fork,rA,rB,iB,dB reaper,rA,rB,iB,dA exit,rA,iB,dC
	madvise02,rA,register0,unregister1 madvise00,madvise55,unregister0,put0
	munmap02,rB,get0,put0 mprotect02,rA,get0,get0,put0 mremap02,rA,unregister0,put0
	fork,rA,register0,put0,get0 exit,get0,put0,unregister0
	get0,get1,put0,put0,rA,rC
	two_pass:madvise02,rA,rC,iB,dC two_pass:madvise02,madvise11,rB
	two_pass:munmap02,rA,get0,put0 two_pass:reaper,rA,rB,iB,dA two_pass:exit,rA,iB,dC
	invlock:madvise02,rA,rC,iB,dC invlock:madvise55,rA,rB,iB,dA
	invlock:munmap02,rA,rB,iB,dB invlock:mprotect02,rA,rB,iB,dC
	invlock:mremap02,rA,iB,dC invlock:fork,rA,rB,iB,dB
	invlock:madvise00,madvise55,rA,dA invlock:exit,rA,iB,dC"
ACTORS=${ACTORS:-$ALL}

# boot NUMBER: Plays up to CHUNK schedules in one guest, beginning with the schedule that
# has the number NUMBER.
boot() {
	GUEST_ENV="MMUN_ACTORS=$actors MMUN_DEPTH=$DEPTH MMUN_FROM=$1 MMUN_LIMIT=$CHUNK" \
		TESTS='explore_more.kernel_agrees*' PROGRAM_SECS=$TIMEOUT \
		"$SCRIPTS/kselftest.sh"
}

# count_of WORD: Prints the number before WORD in the last line "# explored" of the log.
count_of() {
	sed -n "s/.*# explored .*[ ,]\([0-9.]*\) $1.*/\1/p" "$log" | tail -n 1
}

# reason_of_skip: Prints why the guest has skipped the configuration. Prints nothing if
# the guest has played the configuration.
reason_of_skip() {
	sed -n 's/.*# SKIP //p' "$log"
}

# explore: Plays the schedules of the configuration $actors that no earlier run has
# played. Sets $failed to 1 if the kernel and the model disagree.
explore() {
	local at=0 reason total=1

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
		reason=$(reason_of_skip)
		[ -z "$reason" ] || { say "$actors: skipped: $reason"; return 0; }
		total=$(count_of schedules)
		at=$((at + $(count_of played)))
		echo "$at $total" >"$state"
		printf '%-28s %8s of %s schedules, %s states, %s edges, %s/s\n' \
			"$actors" "$at" "$total" "$(count_of states)" \
			"$(count_of edges)" "$(count_of 'a second')"
	done
	say "$actors: kernel and model agree in all $total schedules"
}

# key: Prints a hash of the kernel, the sources of the driver and the sources of the
# tests. If the hash changes, explore.sh plays all schedules again.
key() {
	{
		cat "$(value image "$out/kernel")"
		cd "$TOP"
		file_hashes "${MODULE_SOURCES[@]}" "$SELFTEST"
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
