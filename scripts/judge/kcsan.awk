# SPDX-License-Identifier: GPL-2.0
#
# Data races that KCSAN found in the console log. One that has the module or
# mm/mmu_notifier.c on a stack is a complaint like any other, unless that only
# slept there, was interrupted, made reclaim free memory, read the clock, or asked
# for a capability. The rest of the kernel has races that its people live with: they are
# listed, and no failure.
#
# With list=1 prints the titles of those; else the log, with their titles left
# empty, so that nobody takes them for a complaint and lines keep their number.

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
