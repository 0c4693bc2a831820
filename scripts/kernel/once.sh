#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Make an entry of the cache: whole or not at all.
#
# usage: once.sh DIR PROCESS...
#
# "PROCESS... TEMPORARY" fills a directory. The directory is renamed to DIR if
# PROCESS returned 0, and removed otherwise. One entry is made at a time. Entries
# of the same kind that DIR supersedes, which have the same name up to the first
# "_", are removed.

. "${0%/*}/../lib.sh"

dir=$1
shift
[ -d "$CACHE" ] || mkdir -p "$CACHE"
[ -w "$CACHE" ] || die "${dir#"$CACHE/"} is not in the cache $CACHE, which cannot be" \
	"written: set MMUN_CACHE to a directory of your own"
lock "$CACHE/lock"
[ ! -d "$dir" ] || exit 0

# What a run that was killed has left.
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
