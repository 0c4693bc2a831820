#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Test that clean.sh removes the files that the runner and kbuild made, and no other file.
# test-clean.sh prints KTAP.
#
# usage: test-clean.sh

. "${0%/*}/../lib.sh"
. "$SCRIPTS/test/results.sh"

# run_clean WHAT: Runs "clean.sh WHAT". run_clean sets the variable output to the output
# of clean.sh, and the variable status to the exit status of clean.sh.
run_clean() {
	status=0
	output=$(MMUN_CACHE=$cache "$clone/scripts/clean.sh" "$1" 2>&1) || status=$?
}

# cleans WHAT TITLE: Passes if "clean.sh WHAT" succeeds.
cleans() {
	run_clean "$1"
	result "$status" "$2" "$output"
}

# refuses WHAT TITLE: Passes if "clean.sh WHAT" prints one line, exits with status 2 and
# removes nothing.
refuses() {
	local before after state=0

	before=$(find "$dir" | sort)
	run_clean "$1"
	after=$(find "$dir" | sort)
	[[ $status = 2 && $output != *$'\n'* && $before = "$after" ]] || state=1
	result "$state" "$2" "status $status: $output"
}

# lacks FILE...: Returns 0 if no FILE exists.
lacks() {
	local file

	for file; do
		[ ! -e "$file" ] || return 1
	done
}

# has FILE...: Returns 0 if each FILE exists.
has() {
	ls -d "$@" >/dev/null
}

# make_clone: Makes a clone in which git tracks all files, also an object file.
make_clone() {
	mkdir -p "$clone"/{scripts,mmun,$floor,$core,$list}
	cp "$SCRIPTS"/{clean,errors,lib}.sh "$clone/scripts/"
	touch "$clone"/{mmun/range.c,$floor/mmun_floor.c,$core/main.c,$list/main.c} \
		"$clone/kept.o" "$clone/notes"
	git -C "$clone" init -q
	git -C "$clone" add -A
}

# fill_clone: Puts the files into the clone that the runner and "make M=$PWD modules"
# would make there.
fill_clone() {
	mkdir -p "$clone/build/stock"
	made=("$clone"/{test_mmun.mod.c,test_mmun.ko,Module.symvers,modules.order}
		"$clone"/mmun/{range.o,.range.o.cmd}
		"$clone/$floor"/{mmun_floor.ko,.mmun_floor.ko.cmd}
		"$clone/$core"/{main.o,mmun_core.ko}
		"$clone/$list"/{main.o,mmun_list.ko}
		"$clone"/tools/testing/selftests/{lib.mk,kselftest.h})
	touch "${made[@]}" "$clone/build/lock" "$clone/build/stock/lock"
}

# fill_cache: Makes a cache with entries and locks.
fill_cache() {
	mkdir -p "$cache"/{image,apt,build}
	touch "$cache"/{lock,lock.use,build/6.1_0.lock}
}

# refuses_while_locked FILE WHAT TITLE: Passes if "clean.sh WHAT" exits with status 2 and
# removes nothing while another process holds the lock FILE.
refuses_while_locked() {
	local fd

	exec {fd}<"$1"
	flock -s "$fd"
	refuses "$2" "$3"
	exec {fd}<&-
}

test_build() {
	fill_clone
	refuses_while_locked "$clone/build/lock" build "build is refused during a build"
	refuses_while_locked "$clone/build/stock/lock" build \
		"build is refused while a guest runs"
	cleans build "build succeeds after a build"
	check "build removes build/ and the files of kbuild" \
		lacks "${made[@]}" "$clone/build"
	check "build keeps the sources and the files that git tracks" \
		has "$clone"/{mmun/range.c,$floor/mmun_floor.c,$core/main.c,$list/main.c} \
		"$clone"/{kept.o,notes}
	cleans build "build succeeds if there is nothing to remove"
}

test_cache() {
	cleans cache "cache succeeds if the cache does not exist"
	fill_cache
	refuses_while_locked "$cache/lock.use" cache \
		"cache is refused while a run uses the cache"
	refuses_while_locked "$cache/build/6.1_0.lock" cache \
		"cache is refused while a kernel is built"
	touch "$cache/thesis.tex"
	refuses cache "cache is refused if the directory has another file"
	rm "$cache/thesis.tex"
	cleans cache "cache succeeds"
	check "cache removes everything in the cache" test -z "$(ls -A "$cache")"
	cleans cache "cache succeeds if the cache is empty"
	touch "$cache"/{lock,lock.use}
	cleans cache "cache succeeds if the cache has only locks"
	mkdir "$cache/source.d" "$cache/build"
	refuses cache "cache is refused if the directory has another directory"
	rmdir "$cache/source.d"
	refuses cache "cache is refused if the directory has only build/"
}

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
clone=$dir/clone
floor=tools/testing/selftests/mmun/floor
core=tools/testing/selftests/mmun/core
list=tools/testing/selftests/mmun/list
cache=$dir/cache
make_clone
begin_results clean
test_build
test_cache
end_results
