# SPDX-License-Identifier: GPL-2.0
#
# Remove the lines "cut here" from the complaints of the kernel, unless the line "cut
# here" is the only sign of the complaint.
#
# usage: ... | awk -f frames.awk
#
# frames.awk reads lines "N:LINE", where LINE is a complaint of the kernel, and N is the
# number of LINE in the console. A line "cut here" with number N stays only if line N + 1
# of the console is not a complaint. If line N + 1 of the console is a complaint, line N +
# 1 names the problem, and frames.awk removes line N.

frame != "" && $0 + 0 != frame + 1 { print frame }

{ frame = "" }

/-\[ cut here \]-/ {
	frame = $0
	next
}

{ print }

END {
	if (frame != "")
		print frame
}
