# SPDX-License-Identifier: GPL-2.0
#
# Omit the lines "cut here" from complaints of the kernel.
#
# usage: ... | awk -f frames.awk
#
# Reads lines "N:LINE". A line "cut here" is kept if line N + 1 is not a complaint; otherwise
# that line names the problem.

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
