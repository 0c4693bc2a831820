#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Print the directory of herd7 in the cache. If the cache has no herd7, download the package
# of Debian sid, and the C library of sid, because the C library of an older Debian cannot
# run this herd7. fetch.sh unpacks the packages into the cache, and installs nothing.
#
# usage: fetch.sh

. "${0%/*}/../lib.sh"
. "$SCRIPTS/kernel/packages.sh"

PACKAGE=herdtools7

# newest: Prints the directory of the newest herd7 in the cache, or nothing.
newest() {
	local dir

	for dir in "$CACHE/herd/${PACKAGE}"_*; do
		[ ! -d "$dir" ] || echo "$dir"
	done | sort -V | tail -n 1
}

dir=$(newest)
if [ -z "$dir" ]; then
	is_installed apt-get || die "this machine has no apt"
	use_suite sid
	refresh
	find_version "$PACKAGE"
	dir=$CACHE/herd/${PACKAGE}_$version
	once "$dir" "$SCRIPTS/kernel/fetch.sh" herd "$suite" "$PACKAGE=$version"
fi
echo "$dir"
