#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Build the modules and the selftest for one kernel. build.sh is step 2 of kselftest.sh.
#
# usage: build.sh module|modules|tests OUT
#
# OUT/kernel is the output of kernel/resolve.sh. The first argument selects what build.sh
# builds:
#
#	module		the driver, OUT/module/test_mmun.ko
#	modules		the driver, OUT/floor/mmun_floor.ko, OUT/core/mmun_core.ko and
#			OUT/list/mmun_list.ko
#	tests		the programs OUT/tests/*, and OUT/programs, the list of the names
#			of all programs
#
# Environment variables:
#
#	PROGRAM		the only program that "build.sh tests" builds [all programs]
#	MODULE_TREE	the directory with the sources of the driver [the clone]
#	MODULE_FLAGS	additional arguments for the make that builds the modules
#
# Each of the directories OUT/module, OUT/floor, OUT/core, OUT/list and OUT/tests has a key, which is a hash
# of the inputs of its build. If the key of a directory has changed, build.sh empties the
# directory and builds all of its files again. If the key of a directory has not changed,
# make builds only the files that are out of date.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/kernel/packages.sh"

[ "$SUITE" = mmun ] || exec "$SCRIPTS/vm/build-$SUITE.sh" "$@"
out=$2
kernel=$out/kernel
kdir=$(value kdir "$kernel")
source=$(value source "$kernel")

# empty_if_outdated DIR KEY: Empties DIR, unless DIR was built with KEY and the last make
# in DIR was not killed. If make was killed, DIR may have an incomplete file, which make
# would not build again because the file is newer than its source.
empty_if_outdated() {
	if [ -e "$1/.unfinished" ] || ! has_key "$1/.key" "$2"; then
		rm -rf "$1"
		mkdir -p "$1"
		echo "$2" >"$1/.key"
	fi
}

# make_in DIR WORD...: Runs make with the arguments WORD. make builds files in DIR. While
# make runs, DIR has the file .unfinished.
make_in() {
	local status=0 jobs

	jobs=$(nproc)
	: >"$1/.unfinished"
	quietly make -j"$jobs" "${@:2}" || status=$?
	rm "$1/.unfinished"
	return "$status"
}

# choose_compiler: Sets $cc to the compiler for the modules if the user has set neither CC
# nor LLVM. The headers of Debian contain the name of the gcc that compiled the kernel. If
# clang compiled the kernel, choose_compiler sets LLVM=1, because clang must compile the
# modules, too.
choose_compiler() {
	local found=''

	cc=gcc
	[ -z "${CC:-}${LLVM:-}" ] || return 0
	if has_line "$kdir/.config" CONFIG_CC_IS_CLANG=y; then
		export LLVM=1
		COMPILER_WORDS=(LLVM=1)
	elif [ -e "$kdir/.kernelvariables" ]; then
		found=$(awk 'match($0, /gcc-[0-9]+/) && !n++ {
			print substr($0, RSTART, RLENGTH) }' "$kdir/.kernelvariables")
		cc=${found:-gcc}
	fi
}

# module_key TREE SOURCE...: Prints a hash of the inputs of a module: the build directory
# and configuration of the kernel, the arguments of make, the compiler, and each SOURCE, a
# path in TREE.
module_key() {
	{
		echo "$kdir ${flags[*]}"
		"$SCRIPTS/kernel/compiler.sh" "$cc"
		cat "$kdir"/{.config,Module.symvers}
		cd "$1"
		file_hashes "${@:2}"
	} | sum
}

# build_module DIR/FILE TREE SOURCE...: Builds the module OUT/DIR/FILE from each SOURCE, a
# path in TREE. OUT/DIR has links to the sources, so that kbuild writes no files to the
# clone and the builds for several kernels are separate.
build_module() {
	local dir=$out/${1%/*} key parts=("${@:3}")

	key=$(module_key "${@:2}")
	empty_if_outdated "$dir" "$key"
	ln -sfn -t "$dir" "${parts[@]/#/$2/}"
	[ -e "$out/$1" ] ||
		say "building ${1#*/} for $(value release "$kernel")"
	make_in "$dir" -C "$kdir" M="$dir" V="$V" "${COMPILER_WORDS[@]}" \
		"${flags[@]}" modules
}

# find_flags: Sets the array `flags` to the additional arguments of make for a module.
find_flags() {
	[ -e "$kdir/Module.symvers" ] ||
		die "$kdir has no Module.symvers: build the kernel with its modules"
	read -ra flags <<<"${MODULE_FLAGS:-}"
	! is_uml "$kdir/.config" || flags+=(ARCH=um)
}

build_driver() {
	local flags

	find_flags
	# If the kernel measures coverage, the build also measures the coverage of the
	# driver.
	! has_line "$kdir/.config" CONFIG_GCOV_KERNEL=y ||
		flags+=(GCOV_PROFILE_test_mmun.o=y)
	build_module module/test_mmun.ko "${MODULE_TREE:-$TOP}" "${MODULE_SOURCES[@]}"
}

build_others() {
	local flags

	find_flags
	build_module floor/mmun_floor.ko "$TOP" "${FLOOR_SOURCES[@]}"
	build_module core/mmun_core.ko "$TOP" "${CORE_SOURCES[@]}"
	build_module list/mmun_list.ko "$TOP" "${LIST_SOURCES[@]}"
}

# place_kselftest: Copies lib.mk and the headers of kselftest from the source of the
# kernel to tools/testing/selftests of the clone, because the Makefile of the selftest
# includes ../lib.mk.
place_kselftest() {
	local file to

	for file in "${harness[@]}"; do
		to=$TOP/tools/testing/selftests/${file##*/}
		[[ -e $to && $(<"$file") = "$(<"$to")" ]] || cp -p "$file" "$to"
	done
}

# tests_key: Prints a hash of the inputs on which the builds of all tests depend. The
# sources of the tests are not part of the hash, because changed_sources finds the sources
# that have changed.
tests_key() {
	{
		echo "$source ${words[*]}"
		"$SCRIPTS/kernel/compiler.sh" -s
		file_hashes "${harness[@]}" "$SELFTEST/Makefile"
	} | sum
}

# changed_sources FILE: Prints the argument "-W SOURCE" for each source file whose hash is
# not in FILE, because make compiles SOURCE again if make has the argument "-W SOURCE". By
# time stamps alone, make cannot find all changed sources, because a changed source can
# have an older time stamp than before.
changed_sources() {
	local line old=''

	[ ! -e "$1" ] || old=$(<"$1")
	while read -r line; do
		[[ $'\n'$old$'\n' == *$'\n'"$line"$'\n'* ]] ||
			printf -- '-W %s ' "${line##* }"
	done <<<"$sources"
}

# kinds: Prints the kinds of ranges, besides interval notifiers, for which build_tests
# builds programs. Only test-naive.sh sets KINDS=naive.
kinds() {
	case ${KINDS:-all} in
	interval) ;;
	list)	echo list ;;
	all)	echo two_pass list list_mm invlock ;;
	naive)	echo naive naive_tree naive_linear ;;
	*)	die "KINDS=$KINDS: expected interval, list or all" ;;
	esac
}

# build_tests: Builds all test programs for KINDS, or only the program that PROGRAM names,
# and writes OUT/programs.
build_tests() {
	local target=${PROGRAM:-all} key sources kinds built changed list

	target=${target%% *}
	key=$(tests_key)
	empty_if_outdated "$out/tests" "$key"
	sources=$(cd "$SELFTEST" && sha256sum -- *.c {lib,model,floor,core,list}/*.h \
		{model,stress,bench}/*.c ../../../../test_mmun_uapi.h)
	kinds=$(kinds)
	words+=(MMUN_KINDS="$kinds")
	built=$out/tests/.sources-$target-${KINDS:-all}
	changed=$(changed_sources "$built")
	# The programs of other KINDS are then outdated, too.
	[ -z "$changed" ] || rm -f "$out"/tests/.sources-*
	[ -z "$changed" ] || say "building the tests"
	[ "$target" = all ] || target=$out/tests/$target
	# shellcheck disable=SC2086 # a list of words
	make_in "$out/tests" "${words[@]}" $changed "$target"
	list=$(make "${words[@]}" COLLECTION=mmun emit_tests)
	printf '%s\n' "${list//mmun:/}" >"$out/programs"
	printf '%s\n' "$sources" >"$built"
}

case $1 in
module | modules)
	choose_compiler
	find_compiler
	need "${NEED_MODULE[@]}" "$cc" "${compiler[@]}"
	mkdir -p "$out"
	lock "$out/module.lock"
	build_driver
	[ "$1" = module ] || build_others
	;;
tests)
	need "${NEED_TESTS[@]}"
	mkdir -p "$out"
	lock "$TOP/build/lock"
	harness=("$source"/tools/testing/selftests/{lib.mk,kselftest*.h})
	# TEST_GEN_MODS_DIR must be empty, because otherwise lib.mk would build modules in
	# the work tree.
	words=(-s --no-print-directory -C "$SELFTEST" OUTPUT="$out/tests"
		TEST_GEN_MODS_DIR=
		"${COMPILER_WORDS[@]}" USERLDFLAGS=-static
		USERCFLAGS="-I$source/lib")
	place_kselftest
	build_tests
	;;
*)	die "$1: expected module, modules or tests" ;;
esac
