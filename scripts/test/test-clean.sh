#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests of clean.sh: it removes what was made, and nothing else. KTAP on stdout.
#
# usage: test-clean.sh

. "${0%/*}/../lib.sh"
. "$SCRIPTS/test/results.sh"

# clean WHAT: sets output and status.
clean() {
	status=0
	output=$(MMUN_CACHE=$cache "$clone/scripts/clean.sh" "$1" 2>&1) || status=$?
}

# cleans WHAT TITLE: it succeeds.
cleans() {
	clean "$1"
	result "$status" "$2" "$output"
}

# refuses WHAT TITLE: one line, and nothing is removed.
refuses() {
	local before after state=0

	before=$(find "$dir" | sort)
	clean "$1"
	after=$(find "$dir" | sort)
	[[ $status = 2 && $output != *$'\n'* && $before = "$after" ]] || state=1
	result "$state" "$2" "status $status: $output"
}

# lacks FILE...: none is there.
lacks() {
	local file

	for file; do
		[ ! -e "$file" ] || return 1
	done
}

# has FILE...: all are there.
has() {
	ls -d "$@" >/dev/null
}

make_clone() {
	mkdir -p "$clone"/{scripts,mmun,$floor}
	cp "$SCRIPTS"/{clean,errors,lib}.sh "$clone/scripts/"
	touch "$clone"/{mmun/range.c,$floor/mmun_floor.c} "$clone/kept.o" "$clone/notes"
	git -C "$clone" init -q
	git -C "$clone" add -A
}

# What make of this clone and "make M=$PWD modules" leave.
fill_clone() {
	mkdir -p "$clone/build/stock"
	made=("$clone"/{test_mmun.mod.c,test_mmun.ko,Module.symvers,modules.order}
		"$clone"/mmun/{range.o,.range.o.cmd}
		"$clone/$floor"/{mmun_floor.ko,.mmun_floor.ko.cmd}
		"$clone"/tools/testing/selftests/{lib.mk,kselftest.h})
	touch "${made[@]}" "$clone/build/lock" "$clone/build/stock/lock"
}

fill_cache() {
	mkdir -p "$cache"/{image,apt,build}
	touch "$cache"/{lock,lock.use,build/6.1_0.lock}
}

# held FILE WHAT TITLE: clean WHAT is refused while a run has the lock FILE.
held() {
	local fd

	exec {fd}<"$1"
	flock -s "$fd"
	refuses "$2" "$3"
	exec {fd}<&-
}

test_build() {
	fill_clone
	held "$clone/build/lock" build "a build that goes on"
	held "$clone/build/stock/lock" build "a guest that runs"
	cleans build "what make left"
	check "the build and the files of kbuild are gone" \
		lacks "${made[@]}" "$clone/build"
	check "the sources, and what git tracks, are there" \
		has "$clone"/{mmun/range.c,$floor/mmun_floor.c,kept.o,notes}
	cleans build "nothing is left to remove"
}

test_cache() {
	cleans cache "a cache that does not exist"
	fill_cache
	held "$cache/lock.use" cache "a cache that a run uses"
	held "$cache/build/6.1_0.lock" cache "a cache into which a kernel is built"
	touch "$cache/thesis.tex"
	refuses cache "a directory with another file"
	rm "$cache/thesis.tex"
	cleans cache "a cache"
	check "the cache is empty" test -z "$(ls -A "$cache")"
	cleans cache "an empty cache"
	touch "$cache"/{lock,lock.use}
	cleans cache "a cache into which nothing was fetched"
	mkdir "$cache/source.d" "$cache/build"
	refuses cache "a directory with another directory"
	rmdir "$cache/source.d"
	refuses cache "a directory that has build/ alone"
}

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
clone=$dir/clone
floor=tools/testing/selftests/mmun/floor
cache=$dir/cache
make_clone
results_of clean
test_build
test_cache
end_results
