# SPDX-License-Identifier: GPL-2.0
#
# Separate the data races that KCSAN reports into races that concern notifiers and races
# in other parts of the kernel. A race in another part of the kernel does not make the run
# fail.
#
# usage: awk [-v list=1] -f kcsan.awk CONSOLE
#
# A race concerns notifiers if one of its stacks contains a function of the driver or of
# mm/mmu_notifier.c. If a function in a stack sleeps, handles an interrupt, reclaims
# memory, reads the clock or tests a capability, kcsan.awk ignores the callers of the
# function, because the race is in the called function.
#
# kcsan.awk prints the console, but replaces the title of each race that does not concern
# notifiers by an empty line. The empty line hides the race from judge.sh, and keeps the
# numbers of the lines of the console. With list=1, kcsan.awk prints only the titles of
# the races that do not concern notifiers.

function flush_report(    i) {
	if (!lines)
		return
	if (!of_notifiers) {
		if (list)
			print title
		report[1] = ""
	}
	for (i = 1; i <= lines && !list; i++)
		print report[i]
	lines = 0
}

/BUG: KCSAN: / {
	flush_report()
	title = $0
	sub(/.*BUG: KCSAN: /, "", title)
	sub(/\r$/, "", title)
	of_notifiers = 0
	in_excluded_callee = 0
}
/BUG: KCSAN: / || lines { report[++lines] = $0 }
# The pattern "by task" or "by interrupt" matches the first line of a stack in a report of
# KCSAN
lines && / by (task|interrupt)/ { in_excluded_callee = 0 }
lines && / (asm_|usleep_range|msleep|schedule|try_charge|try_to_free_|ktime_get|capable\+)/ { in_excluded_callee = 1 }
lines && !in_excluded_callee && /\[test_mmun\]|mmu_notifier|mmu_interval|mn_[hi]|mmun_/ {
	of_notifiers = 1
}
lines && /====================/ { flush_report(); next }
!lines && !list { print }

END { flush_report() }
