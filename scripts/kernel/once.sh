#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Add the directory DIR to the cache as an entry. An entry that exists in the cache is
# always complete.
#
# usage: once.sh DIR PROCESS...
#
# PROCESS fills a temporary directory, whose path is the last argument of PROCESS. If
# PROCESS returned 0, once.sh renames the temporary directory to DIR. If PROCESS failed,
# once.sh removes the temporary directory. once.sh holds the lock of the cache, so that
# only one process at a time adds an entry to the cache. At the end, once.sh removes older
# versions of DIR, which are the entries of the cache whose names are equal to the name of
# DIR up to the first "_".

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
