#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Test that values-model.sh and model/schedule.c accept the same texts. values-model.sh
# checks the variables ACTORS and SCHEDULE before a kernel is built. model/schedule.c
# parses the values of these variables in the guest. The texts of the test are all pairs
# of actors, some larger configurations, and schedules. test-grammar.sh prints KTAP.
#
# usage: test-grammar.sh
#
# Needs gcc.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/options/values.sh"
. "$SCRIPTS/options/values-model.sh"
. "$SCRIPTS/test/results.sh"

ACTORS_TRIED='rA rD rE iA iB iC dA dC madvise02 madvise33 madvise12 madvise20
	madvise06 munmap02 munmap33 mprotect00 mremap13 fork reaper exit x r forkx
	register0 register1 register2 unregister0 unregister1 get0 get1 get4 put0 put1 put'
STEPS_TRIED='M0 R0 I0 D0 X0 P0 L0 U0 G0 T0 M1 R1 L1 m0 M'

# texts: Prints the texts of the test, one text per line.
texts() {
	local a b c

	for a in $ACTORS_TRIED; do
		echo "$a"
		for b in $ACTORS_TRIED; do
			echo "$a,$b"
			echo "$a,rA,$b,iB,dC"
			echo "$a,$b,fork"
			echo "$a,put0,$b,get1"
		done
	done
	for c in $STEPS_TRIED; do
		printf '%s\n' "madvise02,rA-M0.$c" "exit,rA,iB-$c" "reaper,rD,dC-$c.R0" \
			"mremap02,rA,rC-R1.$c.M0" "fork,madvise00,rA-M1.$c" \
			"register1,get0,put0-$c.T0" "exit,unregister0,register1-$c"
	done
	for a in '' interval two_pass invlock two_pas TWO_PASS two_pass:two_pass; do
		printf '%s\n' "$a:rA" "$a:madvise02,rA,iB-M0.R0" "$a:fork,get0,put0-G0" \
			"$a:reaper,rA-P0" "$a:exit,iB" "$a:reaper,put0" "rA,$a:rA" "$a:" \
			"$a"
	done
	printf '%s\n' rA,rA,rA,rA,rA,rA,rA,rA rA,rA,rA,rA,rA,rA,rA,rA,rA ,rA rA,,rA \
		madvise00,madvise11,madvise22 iA,iC get0,get0,get1 get0,get0,get1,get1 \
		get0,get0,put0,put0,put0 register0,unregister0,register1,unregister1 \
		put0,put1,fork,get0
}

# build_parser: Builds a program from model/schedule.c. For each line of stdin, the
# program prints 1 if the guest would accept the line, and 0 if not.
build_parser() {
	cat >"$dir/parser.c" <<-'EOT'
		#define _GNU_SOURCE
		#include <stdio.h>
		#include <stdlib.h>
		#include <string.h>
		#include "model/schedule.h"

		int main(void)
		{
			static struct schedule schedule;
			char line[4096];

			while (fgets(line, sizeof(line), stdin)) {
				line[strcspn(line, "\n")] = '\0';
				printf("%d\n", schedule_parse(&schedule, line));
			}
			return 0;
		}
	EOT
	quietly gcc -w -I"$SELFTEST" -I"$TOP" -o "$dir/parser" "$dir/parser.c" \
		"$SELFTEST"/model/{lock,mmap_lock,list,listen,step,schedule,ranges,two_pass,invlock}.c
}

# refuse: Ends the subshell of check_texts. check_schedule calls refuse for a text that
# check_schedule does not accept.
refuse() {
	exit 1
}

# refuse_unknown: Ends the subshell of check_texts. check_schedule calls refuse_unknown
# for a text with an unknown actor.
refuse_unknown() {
	exit 1
}

# check_texts: For each line of stdin, prints 1 if values-model.sh accepts the line, and 0
# if not.
check_texts() {
	local status

	while IFS= read -r value; do
		status=1
		(check_schedule) &
		wait $! || status=0
		echo "$status"
	done
}

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
build_parser
texts >"$dir/texts"
"$dir/parser" <"$dir/texts" >"$dir/guest"
check_texts <"$dir/texts" >"$dir/options"
paste "$dir/guest" "$dir/options" "$dir/texts" >"$dir/all"
differ=$(awk '$1 != $2 { print "guest " $1 ", options " $2 ": " $3 }' "$dir/all")
begin_results grammar
no_complaints "the guest and the options accept the same of $(wc -l <"$dir/texts") texts" \
	"$differ"
check "some texts are accepted" grep -q 1 "$dir/guest"
check "some texts are refused" grep -q 0 "$dir/guest"
end_results
