# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What all the scripts share. Sourced.

set -euo pipefail

SCRIPTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TOP=$(dirname "$SCRIPTS")
# shellcheck disable=SC2034 # for the scripts that source this one
SELFTEST=$TOP/tools/testing/selftests/mmun
CACHE=${MMUN_CACHE:-${XDG_CACHE_HOME:-${HOME:-/var/tmp}/.cache}/test_mmun}
V=${V:-0}

# The suite that is run: ours, or the kernel's own hmm-tests to compare with.
SUITE=${SUITE:-mmun}

# Words for the make of a kernel: coverage is of these files alone. They mean
# nothing where the configuration does not ask for coverage.
# shellcheck disable=SC2034
GCOV=(GCOV_PROFILE_mmu_notifier.o=y GCOV_PROFILE_hmm.o=y)

# The variables that make was called with are not for the make of a kernel.
unset MAKEFLAGS MFLAGS MAKELEVEL

say() {
	echo "  $*" >&2
}

die() {
	echo "${0##*/}: $*" >&2
	exit 2
}

# quietly COMMAND...: its output is shown when it fails, or with V=1.
quietly() {
	local log status=0

	if [ "$V" = 1 ]; then
		"$@" >&2
		return
	fi
	log=$(mktemp)
	"$@" >"$log" 2>&1 || status=$?
	[ "$status" = 0 ] || { echo "failed: $*"; cat "$log"; } >&2
	rm -f "$log"
	return "$status"
}

# locked FILE COMMAND...: one at a time.
locked() {
	local lock=$1 fd status=0

	shift
	mkdir -p "$(dirname "$lock")"
	exec {fd}>"$lock"
	flock "$fd"
	"$@" || status=$?
	exec {fd}>&-
	return "$status"
}

# once DIR COMMAND...: DIR appears whole or not at all: "COMMAND... TEMPORARY"
# fills a directory that is renamed to it.
once() {
	[ -d "$1" ] || locked "$CACHE/lock" once_locked "$@"
}

once_locked() {
	local dir=$1 tmp

	shift
	[ ! -d "$dir" ] || return 0
	rm -rf "$CACHE"/tmp.*
	tmp=$(mktemp -d "$CACHE/tmp.XXXXXX")
	if ! "$@" "$tmp"; then
		rm -rf "$tmp"
		return 1
	fi
	chmod 755 "$tmp"
	mv -T "$tmp" "$dir"
}

# value KEY FILE: what stands behind "KEY=" in FILE.
value() {
	sed -n "s/^$1=//p" "$2"
}

# newer_than FILE PATH...: is any of these newer than FILE, or FILE not there?
newer_than() {
	local file=$1

	shift
	[ ! -e "$file" ] || [ -n "$(find -L "$@" -newer "$file" -print -quit 2>/dev/null)" ]
}

# resolve NAME [module]: sets out to the directory of that kernel, and of another
# suite, where the kernel's parts stand in out/kernel.
resolve() {
	local tmp

	[[ $SUITE = mmun || $SUITE = hmm ]] ||
		die "SUITE=$SUITE: no such suite, it is mmun or hmm"
	mkdir -p "$TOP/build"
	tmp=$(mktemp "$TOP/build/kernel.XXXXXX")
	"$SCRIPTS/kernel.sh" "$@" >"$tmp" || { rm -f "$tmp"; return 1; }
	out=$TOP/build/$(value name "$tmp")
	[ "$SUITE" = mmun ] || out+=-$SUITE
	mkdir -p "$out"
	mv "$tmp" "$out/kernel"
}

# kernel_row NAME: package, suite and fragments of that row of the table.
kernel_row() {
	awk -v name="$1" '$1 == name { print $2, $3, $4; found = 1 }
		END { exit !found }' "$SCRIPTS/kernels"
}
