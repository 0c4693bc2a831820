#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run a long test of the runner, unless the same files of the runner passed it
# before on this machine.
#
# usage: unless-passed.sh NAME PROCESS...
#
# What passed is kept in the cache, by the hash of the files.

. "${0%/*}/../lib.sh"

name=$1
shift
key=$(cd "$TOP" && contents Makefile scripts | sum)
passed=$CACHE/passed/$name-$key
if [ -e "$passed" ]; then
	echo "# $name: passed with the same files on $(<"$passed")"
	exit 0
fi
"$@"
[ -w "$CACHE" ] || exit 0
mkdir -p "$CACHE/passed"
rm -f "$CACHE/passed/$name"-*
date -u '+%F %R' >"$passed"
