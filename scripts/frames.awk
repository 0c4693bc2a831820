# SPDX-License-Identifier: GPL-2.0
#
# usage: ... | awk -f frames.awk
#
# Reads complaints of the kernel, "N:LINE". A line "cut here" says nothing if line N + 1
# complains, too, and is left out.

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
