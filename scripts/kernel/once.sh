#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Make an entry of the cache, which is complete whenever it exists.
#
# usage: once.sh DIR PROCESS...
#
# "PROCESS... TEMPORARY" fills a temporary directory. once.sh renames the temporary
# directory to DIR if PROCESS returned 0, and removes the temporary directory if PROCESS
# failed. A lock allows one process at a time to make an entry. DIR replaces older
# entries: once.sh removes the entries whose names are the same as the name of DIR up to
# the first "_".

. "${0%/*}/../lib.sh"

dir=$1
shift
[ -d "$CACHE" ] || mkdir -p "$CACHE"
[ -w "$CACHE" ] || die "cannot make ${dir#"$CACHE/"}: the cache $CACHE is not" \
	"writable. Set MMUN_CACHE to a directory of your own"
lock "$CACHE/lock"
[ ! -d "$dir" ] || exit 0

# Each run of once.sh removes the temporary directories of earlier runs that were killed.
for old in "$CACHE"/tmp.*; do
	[ ! -e "$old" ] || rm -rf "$old"
done
tmp=$CACHE/tmp.$$
trap 'rm -rf "$tmp"' EXIT
mkdir -m 755 "$tmp"
"$@" "$tmp"
[ -d "${dir%/*}" ] || mkdir -p "${dir%/*}"
mv -T "$tmp" "$dir"
trap - EXIT
name=${dir##*/}
for old in "${dir%/*}/${name%%_*}"_*; do
	[ ! -e "$old" ] || [ "$old" = "$dir" ] || rm -rf "$old"
done
