# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154
#
# Functions that determine the outcome of a run of the program tools/testing/mmu_notifier
# with a mutant. The file report in the directory $work has the output of the program.
# set_quick_outcome() sets the same variables as set_outcome() in outcome.sh.

# failed_configuration: Prints the name of the first configuration that failed.
failed_configuration() {
	sed -nE '/^not ok [0-9]+ /{s/^not ok [0-9]+ (- )?//p;q}' "$work/report"
}

# violated_property: Prints the property that the first failed configuration violates. The
# program prints the property before the schedule. If a configuration has an error that the
# search does not find, the program prints only that. The counterexample of an expected
# failure comes before "ok", and is not printed.
violated_property() {
	awk '/^# SCHEDULE=/ { property = last; sub(/^# */, "", property) }
		/^# the search must find / { property = $0; sub(/^# */, "", property) }
		/^ok / { property = "" }
		/^not ok / { print property; exit }
		{ last = $0 }' "$work/report"
}

# set_quick_outcome STATUS: Sets the variables outcome, what and how. STATUS is the exit
# status of the program, or is empty if the program was not built.
set_quick_outcome() {
	outcome=killed
	how=
	case $1 in
	0)	outcome=survived what="everything passed" ;;
	1)	what=$(failed_configuration) how=$(violated_property) ;;
	2)	outcome=invalid what="the program refuses its arguments" ;;
	4)	outcome=invalid what="all tests are skipped" ;;
	124 | 137)
		outcome=time-out what="the program did not end" ;;
	'')	outcome=invalid what="the mutant cannot be applied, or the build fails" ;;
	*)	what="the program ended with status $1" ;;
	esac
	[ -n "$what" ] || outcome=invalid what="the program printed no failure" how=
}
