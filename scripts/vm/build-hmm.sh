#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Build the module test_hmm and the program hmm-tests from the source of the kernel, so
# that a user can compare mmun with test_hmm. build-hmm.sh is step 2 of kselftest.sh with
# SUITE=hmm. Only the kernels that kernel/build.sh builds have test_hmm.
#
# usage: build-hmm.sh module|modules|tests OUT
#
# The arguments of build-hmm.sh are the same as the arguments of build.sh.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/kernel/packages.sh"

out=$2
kdir=$(value kdir "$out/kernel")
source=$(value source "$out/kernel")

# take_module: Copies test_hmm.ko, which the build of the kernel has compiled, to
# OUT/module.
take_module() {
	[ -e "$kdir/lib/test_hmm.ko" ] ||
		die "$kdir has no lib/test_hmm.ko: SUITE=hmm needs a kernel that the runner builds"
	mkdir -p "$out/module"
	cp -p "$kdir/lib/test_hmm.ko" "$out/module/"
}

# find_sources: Sets the array `files` to the names of the source files of hmm-tests. The
# directory and the number of these source files depend on the version of the kernel.
find_sources() {
	local file

	files=()
	for file in "$selftests"/{vm,mm}/{hmm-tests,vm_util,hugepage_settings}.c; do
		[ ! -e "$file" ] || files+=("$file")
	done
	[ ${#files[@]} != 0 ] ||
		die "$source has no hmm-tests: SUITE=hmm needs a kernel that the runner builds"
}

# build_tests: Builds OUT/tests/hmm-tests if the sources or the compiler have changed
# since the last build.
build_tests() {
	local key files selftests=$source/tools/testing/selftests

	find_sources
	mkdir -p "$out/tests"
	echo hmm-tests >"$out/programs"
	key=$({ "$SCRIPTS/kernel/compiler.sh"; file_hashes "${files[@]}"; } | sum)
	! has_key "$out/tests/.key" "$key" || return 0
	quietly "${CC:-gcc}" -static -O2 -w -D_GNU_SOURCE= -I"$source" \
		-I"$selftests" -I"$source/tools/include/uapi" \
		-o "$out/tests/hmm-tests" "${files[@]}" -lpthread
	echo "$key" >"$out/tests/.key"
}

case $1 in
module | modules) take_module ;;
tests)
	need gcc '/usr/lib/*/libc.a'
	build_tests
	;;
esac
