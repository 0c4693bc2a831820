#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Make an entry of the cache. The entry is complete whenever it exists.
#
# usage: once.sh DIR PROCESS...
#
# "PROCESS... TEMPORARY" fills a temporary directory. The directory is renamed to DIR if
# PROCESS returned 0, and removed otherwise. A lock allows one process at a time. DIR
# replaces older entries: those with the same name up to the first "_" are removed.

. "${0%/*}/../lib.sh"

dir=$1
shift
[ -d "$CACHE" ] || mkdir -p "$CACHE"
[ -w "$CACHE" ] || die "cannot make ${dir#"$CACHE/"}: the cache $CACHE is not" \
	"writable. Set MMUN_CACHE to a directory of your own"
lock "$CACHE/lock"
[ ! -d "$dir" ] || exit 0

# A run that was killed leaves its temporary directory.
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
