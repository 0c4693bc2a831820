# SPDX-License-Identifier: GPL-2.0
#
# Remove the lines "cut here" from the complaints of the kernel, unless such a line is the
# only sign of the complaint.
#
# usage: ... | awk -f frames.awk
#
# Reads complaints "N:LINE", where N is the number of the line of the console. Keeps a
# line "cut here" only if line N + 1 is not a complaint. If line N + 1 is a complaint, it
# names the problem.

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
