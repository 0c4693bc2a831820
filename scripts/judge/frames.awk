# SPDX-License-Identifier: GPL-2.0
#
# usage: ... | awk -f frames.awk
#
# Reads complaints of the kernel, "N:LINE". Leaves out a line "cut here" if line N + 1 is
# a complaint, too, because that line names the problem.

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
