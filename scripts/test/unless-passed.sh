#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run a long test of the runner, unless the test passed before on this machine with the
# same files of the runner.
#
# usage: unless-passed.sh NAME "INPUT ..." PROCESS...
#
# NAME is the name of the test, and PROCESS runs the test. INPUTs are files outside of
# scripts/ that the test also uses. The cache has a file for each test that passed. The
# name of this file contains NAME and a hash of the files of the runner and of INPUTs.

. "${0%/*}/../lib.sh"

name=$1
read -ra inputs <<<"$2"
shift 2
key=$(cd "$TOP" && file_hashes Makefile scripts "${inputs[@]}" | sum)
passed=$CACHE/passed/$name-$key
if [ -e "$passed" ]; then
	echo "# $name: skipped, because it passed with the same files on $(<"$passed")"
	exit 0
fi
"$@"
[ -w "$CACHE" ] || exit 0
mkdir -p "$CACHE/passed"
rm -f "$CACHE/passed/$name"-*
date -u '+%F %R' >"$passed"
