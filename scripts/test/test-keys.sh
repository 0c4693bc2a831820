#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Test that the runner builds a file again if one of the inputs of the file has changed,
# and does not build a file again if no input has changed.
#
# usage: test-keys.sh
#
# test-keys.sh changes one input after the other, and runs kselftest.sh after each change.
# kselftest.sh runs with fake programs in a world, which is a directory that replaces the
# network, QEMU and the kernel (see fake/world.sh). test-keys.sh prints KTAP.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/kernel/packages.sh"
. "$SCRIPTS/test/fake/world.sh"
. "$SCRIPTS/test/results.sh"

changes=0

# built_kinds: Prints the kinds of files that the last run built, such as "initramfs",
# each kind once, in alphabetical order. If the last run built all test programs,
# built_kinds prints the kind "tests" instead of the names of the programs.
built_kinds() {
	awk -v all="$(wc -l <"$out/programs")" '
		$1 == "test"	{ tests++; name = $2; next }
		$1 != "qemu"	{ sub(/\.tmp$/, "", $1); seen[$1] }
		END {
			if (tests >= all)
				seen["tests"]
			else if (tests)
				seen[tests == 1 ? name : tests " tests"]
			for (kind in seen)
				print kind
		}' "$world/built" | sort | paste -sd ' '
}

# builds TITLE KINDS: Runs kselftest.sh in the world. The test passes if the run passes,
# and builds files of KINDS and no other files.
builds() {
	local got status=0

	run_world "$world" JOBS=2 "${with[@]}" || {
		cat "$world/output"
		die "$1: the run failed"
	} >&2
	got=$(built_kinds)
	[ "$got" = "$2" ] || status=1
	result "$status" "$1: the run builds ${2:-nothing}" "built: $got"
}

# change_old FILE...: Changes each FILE, and sets the time stamp of FILE to a time before
# all builds, so that make alone would not notice the change.
change_old() {
	change "$@"
	touch -d 2001-01-01 "$@"
}

# change FILE...: Appends a line to each FILE.
change() {
	local file

	changes=$((changes + 1))
	for file; do
		[ -n "$file" ] || die "cannot change a file: the name is empty"
		echo "# change $changes" >>"$file"
	done
}

# nothing_was_forced: Returns 0 if the last run called make without -W and did not call
# "rm -rf", so that make decided what to build.
nothing_was_forced() {
	! grep -qE $'make .* -W |\trm -rf' "$world/calls"
}

# match PATTERN: Prints the path of the file or directory that matches PATTERN.
match() {
	compgen -G "$1"
}

# is_only_match PATTERN FILE: Returns 0 if FILE is the only file that matches PATTERN.
is_only_match() {
	[ "$(compgen -G "$1")" = "$2" ]
}

test_sources() {
	builds "no change" ""
	check "no change: no build is forced" nothing_was_forced
	change "$tests/event_test.c"
	builds "event_test.c changes" "event_test initramfs"
	change_old "$tests/event_test.c"
	builds "event_test.c changes and gets an older time" "event_test initramfs"
	touch "$tests/event_test.c"
	builds "event_test.c gets a newer time" "event_test"
	change_old "$tests/lib/ioctl.h"
	builds "ioctl.h changes" "initramfs tests"
	change_old "$repo/test_mmun_uapi.h"
	builds "test_mmun_uapi.h changes" "initramfs module tests"
	change_old "$tests/Makefile"
	builds "the Makefile of the tests changes" "tests"
	change_old "$repo/test_mmun.c"
	builds "test_mmun.c changes" "initramfs module"
	change "$repo/mmun/range.c"
	builds "a file of mmun/ changes" "initramfs module"
	change "$repo/mmun/more.h"
	builds "mmun/ gets another file" "initramfs module"
	change_old "$repo/Kbuild"
	builds "Kbuild changes" "initramfs module"
	change "$tests/floor/mmun_floor.c"
	builds "mmun_floor.c changes" "floor initramfs"
	change_old "$tests/floor/mmun_floor.h"
	builds "mmun_floor.h changes" "floor initramfs tests"
	change_old "$tests/floor/Makefile"
	builds "the Makefile of mmun_floor changes" "floor initramfs"
	change "$tests/core/main.c"
	builds "main.c of mmun_core changes" "core initramfs"
	change_old "$tests/core/mmun_core.h"
	builds "mmun_core.h changes" "core initramfs tests"
	change_old "$tests/core/Makefile"
	builds "the Makefile of mmun_core changes" "core initramfs"
	change "$tests/list/main.c"
	builds "main.c of mmun_list changes" "initramfs list"
	change_old "$tests/list/mmun_list.h"
	builds "mmun_list.h changes" "initramfs list tests"
	change_old "$tests/list/Makefile"
	builds "the Makefile of mmun_list changes" "initramfs list"
	change_old "$repo/scripts/guest/run.c"
	builds "run.c of PID 1 changes" "init initramfs"
	change_old "$repo/scripts/guest/run.h"
	builds "run.h of PID 1 changes" "init"
	sed -i 's/ abi_test//' "$tests/Makefile"
	builds "a test is removed from the Makefile" "initramfs tests"
	check "a test that was removed is not packed" \
		fails grep -q abi_test "$out/programs" "$out/initramfs.list"
	builds "no change after a test was removed" ""
}

test_harness() {
	local source

	source=$(match "$cache/source/*")
	for file in lib.mk kselftest.h kselftest_harness.h; do
		change_old "$source/tools/testing/selftests/$file"
		builds "$file changes" "initramfs tests"
	done
	change_old "$source/usr/gen_init_cpio.c"
	builds "gen_init_cpio.c changes" "gen_init_cpio initramfs"
}

test_kernel() {
	local headers

	headers=$(match "$cache/headers/*/usr/src/linux-headers-*")
	change_old "$headers/.config"
	builds "the configuration of the kernel changes" "core floor initramfs list module"
	change_old "$headers/Module.symvers"
	builds "Module.symvers changes" "core floor initramfs list module"
}

# test_compiler PREFIX KIND: Tests changes of the compiler. PREFIX is the beginning of the
# titles of the tests. KIND is "kernel " if the compiler also builds the kernel, and empty
# if not.
test_compiler() {
	echo "12.$number" >"$world/compiler"
	builds "$1the version of the compiler changes" \
		"core floor gen_init_cpio init initramfs $2list module tests"
	with+=(CC=gcc-12)
	builds "$1CC is set" "core floor initramfs $2list module tests"
	builds "$1CC is set again" ""
	unset "with[-1]"
	with+=(LLVM=1)
	builds "$1LLVM is set" "core floor initramfs $2list module tests"
	unset "with[-1]"
	builds "$1neither CC nor LLVM is set" "core floor initramfs $2list module tests"
}

# test_flags: Tests a change of MODULE_FLAGS. test_flags calls vm/build.sh, because
# kselftest.sh does not set MODULE_FLAGS. The last run, again without MODULE_FLAGS, builds
# the same module as the run before the change, and therefore builds no initramfs.
test_flags() {
	: >"$world/built"
	in_world "$world" MODULE_FLAGS=W=1 "$repo/scripts/vm/build.sh" module "$out" \
		2>/dev/null
	check "MODULE_FLAGS is set: build.sh builds the module" \
		test "$(built_kinds)" = module
	builds "MODULE_FLAGS is not set" "module"
}

# test_update: Tests an update of the stock kernel by the distribution.
test_update() {
	local kind

	newest_kernel "$world" 56
	builds "the stock kernel is updated" \
		"core floor gen_init_cpio initramfs list module probe tests"
	for kind in image headers source; do
		check "the stock kernel is updated: $kind/ of the cache has only the new one" \
			is_only_match "$cache/$kind/*" "$(match "$cache/$kind/*6.1.56*")"
	done
	builds "no change after an update" ""
}

# test_probe: Tests in which cases the runner repeats vm/trial.sh, which tests whether KVM
# works.
test_probe() {
	echo 1235 >"$world/boot_id"
	builds "the host boots again" "probe"
	echo 7.2.1 >"$world/qemu-version"
	builds "the version of QEMU changes" "probe"
	change_old "$(match "$cache/image/*/boot/vmlinuz-*")"
	builds "the image changes" "probe"
	check "the host boots again: the result of the old probe is removed" \
		fails compgen -G "$cache/accel-1234-*"
}

# test_built_kernel: Tests a kernel that the runner builds from source.
test_built_kernel() {
	with=(KERNEL=6.1)
	out=$repo/build/6.1
	builds "6.1: first run" \
		"core floor gen_init_cpio init initramfs kernel list module probe tests"
	builds "6.1: no change" ""
	check "6.1: no change: no build is forced" nothing_was_forced
	change_old "$repo/scripts/kernel/configs/base.config"
	builds "6.1: its configuration changes" "core floor initramfs kernel list module"
	change_old "$repo/scripts/kernel/configs/debug.config"
	builds "6.1: the configuration of another kernel changes" ""
	echo 2.41 >"$world/linker"
	builds "6.1: the version of the linker changes" \
		"core floor gen_init_cpio init initramfs kernel list module tests"
	newest_kernel "$world" 50
	builds "6.1: the version of the source changes" \
		"core floor gen_init_cpio initramfs kernel list module tests"
	check "6.1: the old build is removed" is_only_match "$cache/build/6.1_*[^k]" \
		"$(value kdir "$out/kernel")"
	check "6.1: the old tree is removed" is_only_match "$cache/tree/*" \
		"$cache/tree/linux-source-6.1_6.1.50-1"
	test_compiler "6.1: " "kernel "
}

# unless_passed COMMAND: Runs "unless-passed.sh keys COMMAND" in the world. The file Kbuild
# is an input of the test.
unless_passed() {
	in_world "$world" "$repo/scripts/test/unless-passed.sh" keys Kbuild "$1" \
		>/dev/null 2>&1
}

# fails COMMAND...: Returns 0 if COMMAND fails.
fails() {
	! "$@"
}

# test_passed: Tests that unless-passed.sh runs a long test again only if the test failed
# or a file of the runner, or an input, has changed.
test_passed() {
	check "unless-passed.sh fails if the long test fails" fails unless_passed false
	check "a long test that failed runs again" fails unless_passed false
	unless_passed true
	check "a long test that passed does not run again" unless_passed false
	change_old "$repo/scripts/kernel/configs/base.config"
	check "a long test runs again if a file of the runner changes" \
		fails unless_passed false
	unless_passed true
	change_old "$repo/Kbuild"
	check "a long test runs again if an input changes" fails unless_passed false
}

need gcc xz '/usr/lib/*/libc.a'
world=$(mktemp -d)
trap 'rm -rf "$world"' EXIT
make_world "$world"
repo=$world/repo
tests=$repo/tools/testing/selftests/mmun
cache=$world/cache
out=$repo/build/stock
with=(KERNEL=stock)
begin_results keys
builds "first run" "core floor gen_init_cpio init initramfs list module probe tests"
test_sources
test_harness
test_kernel
test_compiler "" ""
test_flags
test_probe
test_update
test_built_kernel
test_passed
end_results
