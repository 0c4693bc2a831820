# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# A function that compares versions of the kernel. judge.sh and test-splats.sh source
# version.sh.

# is_older A B: Returns 0 if version A of the kernel is older than version B. is_older
# compares only the first two numbers of each version.
is_older() {
	awk -v a="$1" -v b="$2" 'BEGIN { split(a, x, "."); split(b, y, ".")
		exit !(x[1] + 0 < y[1] + 0 ||
			x[1] + 0 == y[1] + 0 && x[2] + 0 < y[2] + 0) }'
}
