#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Remove what was made.
#
# usage: clean.sh build|cache
#
# "build" is what make left in the clone: build/, the files that were taken from a
# kernel's kselftest, and those of kbuild ("make -C <headers> M=$PWD modules"),
# unless git tracks them. "cache" is the content of MMUN_CACHE. A run that is going
# on is not disturbed: then nothing is removed, and the exit status is 2.

. "${0%/*}/lib.sh"

# What is made in the cache, as globs; mutants is what former versions made
CACHE_NAMES='accel-* apt build headers image lock lock.* mutants passed probe source tmp.* tools tree'
# Some of these are there whenever something was fetched
CACHE_MARKS='image headers source'

# refuse_locked FILE...: locks that a run holds.
refuse_locked() {
	local file

	for file; do
		[ ! -f "$file" ] || flock -n "$file" true ||
			die "$file: a run is going on; end it first"
	done
}

remove_harness() {
	rm -f "$TOP"/tools/testing/selftests/{lib.mk,kselftest*.h}
}

# tracked FILE: is it in the index of git?
tracked() {
	git -C "$TOP" ls-files --error-unmatch -- "$1" >/dev/null 2>&1
}

# remove_kbuild DIR
remove_kbuild() {
	local file

	for file in "$1"/{*.{o,ko,mod,mod.c,a,symvers},.*.{cmd,o,d}} \
		"$1"/{modules.order,Module.symvers,.tmp_versions}; do
		tracked "$file" || rm -rf "$file"
	done
}

clean_build() {
	refuse_locked "$TOP"/build/lock "$TOP"/build/*/{lock,bench.lock}
	rm -rf "$TOP/build"
	remove_harness
	shopt -s nullglob
	remove_kbuild "$TOP"
	remove_kbuild "$TOP/mmun"
	remove_kbuild "$SELFTEST/floor"
}

# is_of_cache NAME: does the runner make it?
is_of_cache() {
	[[ $1 = @(${CACHE_NAMES// /|}) ]]
}

# A directory that has other files as well is not removed.
check_cache() {
	local entry marks=0 name

	for entry in "${entries[@]}"; do
		name=${entry##*/}
		is_of_cache "$name" ||
			die "$cache has $name, which is not of the cache; remove by hand what is not needed"
		[[ " $CACHE_MARKS " != *" $name "* ]] || marks=$((marks + 1))
	done
	[ "$marks" != 0 ] || [ ${#entries[@]} = 0 ] || only_locks ||
		die "$cache does not look like the cache: none of $CACHE_MARKS is there"
}

# Nothing was fetched into it yet.
only_locks() {
	[[ " ${entries[*]##*/} " != *" "[!l]* ]]
}

clean_cache() {
	local size use

	cache=$(realpath -m "$CACHE")
	shopt -s nullglob dotglob
	[ -d "$cache" ] || { echo "nothing to free: there is no $cache"; return 0; }
	entries=("$cache"/*)
	check_cache
	refuse_locked "$TOP"/build/*/{lock,bench.lock} "$cache"/{lock,lock.*} \
		"$cache"/build/*.lock
	exec {use}>>"$cache/lock.use"
	flock -n "$use" || die "$cache: a run is going on; end it first"
	size=$(du -sh "$cache" | cut -f1)
	rm -rf "${entries[@]}" "$cache/lock.use"
	echo "freed $size in $cache"
}

case $1 in
build)	clean_build ;;
cache)	clean_cache ;;
esac
