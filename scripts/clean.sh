#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Remove the files that the runner and kbuild have made.
#
# usage: clean.sh build|cache
#
# "clean.sh build" removes three kinds of files from the clone: the directory build/, the
# kselftest files that were copied from a kernel, and the files that kbuild made ("make -C
# <headers> M=$PWD modules") and that git does not track. "clean.sh cache" removes the
# content of the directory MMUN_CACHE. If a run of the runner is in progress, clean.sh
# removes nothing and exits with status 2.

. "${0%/*}/lib.sh"

# CACHE_NAMES has globs that match the names of all entries of the cache. Only old
# versions of the runner made an entry with the name "mutants" in the cache.
CACHE_NAMES='accel-* apt build headers herd image litmus lock lock.* mutants passed probe quick source tmp.* tools tree'
# CACHE_MARKS has names of entries of the cache. After the first download, the cache has
# at least one entry with a name in CACHE_MARKS.
CACHE_MARKS='image headers source quick litmus herd'

# refuse_locked FILE...: Exits with an error if a run of the runner has locked one of the
# files FILE.
refuse_locked() {
	local file

	for file; do
		[ ! -f "$file" ] || flock -n "$file" true ||
			die "$file is locked: a run is in progress; end the run first"
	done
}

remove_harness() {
	rm -f "$TOP"/tools/testing/selftests/{lib.mk,kselftest*.h}
}

# is_tracked FILE: Returns 0 if git tracks FILE.
is_tracked() {
	git -C "$TOP" ls-files --error-unmatch -- "$1" >/dev/null 2>&1
}

# remove_kbuild DIR: Removes the files in DIR that kbuild made and that git does not
# track.
remove_kbuild() {
	local file

	for file in "$1"/{*.{o,ko,mod,mod.c,a,symvers},.*.{cmd,o,d}} \
		"$1"/{modules.order,Module.symvers,.tmp_versions}; do
		is_tracked "$file" || rm -rf "$file"
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
	remove_kbuild "$SELFTEST/core"
	remove_kbuild "$SELFTEST/list"
}

# is_of_cache NAME: Returns 0 if NAME is the name of an entry that the runner makes in the
# cache.
is_of_cache() {
	[[ $1 = @(${CACHE_NAMES// /|}) ]]
}

# check_cache: Exits with an error if the directory MMUN_CACHE has an entry that the
# runner does not make, because the user may have set MMUN_CACHE to a wrong directory.
check_cache() {
	local entry marks=0 name

	for entry in "${entries[@]}"; do
		name=${entry##*/}
		is_of_cache "$name" ||
			die "$cache/$name: the runner did not make this file; nothing was removed. Remove the file by hand"
		[[ " $CACHE_MARKS " != *" $name "* ]] || marks=$((marks + 1))
	done
	[ "$marks" != 0 ] || [ ${#entries[@]} = 0 ] || has_only_locks ||
		die "$cache is not a cache of the runner: the directory has none of $CACHE_MARKS; nothing was removed"
}

# has_only_locks: Returns 0 if all entries of the cache are locks. Before the first
# download, the cache has only locks.
has_only_locks() {
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
	flock -n "$use" || die "$cache is locked: a run is in progress; end the run first"
	size=$(du -sh "$cache" | cut -f1)
	rm -rf "${entries[@]}" "$cache/lock.use"
	echo "freed $size in $cache"
}

case $1 in
build)	clean_build ;;
cache)	clean_cache ;;
esac
