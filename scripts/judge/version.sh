# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Versions of the kernel. Sourced.

# is_older A B: Returns 0 if version A of the kernel is older than version B. Compares
# only the first two numbers.
is_older() {
	awk -v a="$1" -v b="$2" 'BEGIN { split(a, x, "."); split(b, y, ".")
		exit !(x[1] + 0 < y[1] + 0 ||
			x[1] + 0 == y[1] + 0 && x[2] + 0 < y[2] + 0) }'
}
