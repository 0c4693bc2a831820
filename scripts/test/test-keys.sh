#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests of the runner: what is built is built again if anything that goes into it
# has changed, and not otherwise.
#
# usage: test-keys.sh
#
# In a world of recordings (see fake/world.sh) one input after the other is changed,
# and the main job is run. KTAP on stdout.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/kernel/packages.sh"
. "$SCRIPTS/test/fake/world.sh"
. "$SCRIPTS/test/results.sh"

changes=0

# kinds: what was built, each kind once, and the tests together if it is all.
kinds() {
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

# builds TITLE KINDS: the next run passes and builds these, in alphabetical order.
builds() {
	local got status=0

	run_world "$world" JOBS=2 "${with[@]}" || {
		cat "$world/output"
		die "$1: the run fails"
	} >&2
	got=$(kinds)
	[ "$got" = "$2" ] || status=1
	result "$status" "$1: ${2:-nothing}" "built: $got"
}

# older FILE...: other content, with a time stamp before that of all that was built.
older() {
	newer "$@"
	touch -d 2001-01-01 "$@"
}

newer() {
	local file

	changes=$((changes + 1))
	for file; do
		[ -n "$file" ] || die "there is no file to change"
		echo "# change $changes" >>"$file"
	done
}

# Nothing is forced, and no directory is emptied.
is_quiet() {
	! grep -qE $'make .* -W |\trm -rf' "$world/calls"
}

# have PATTERN: the one file or directory that matches.
have() {
	compgen -G "$1"
}

is_alone() {
	[ "$(compgen -G "$1")" = "$2" ]
}

test_sources() {
	builds "nothing has changed" ""
	check "nothing has changed: nothing is forced" is_quiet
	newer "$tests/event_test.c"
	builds "a test" "event_test initramfs"
	older "$tests/event_test.c"
	builds "a test, with an older time" "event_test initramfs"
	touch "$tests/event_test.c"
	builds "the time of a test" "event_test"
	older "$tests/lib/ioctl.h"
	builds "ioctl.h" "initramfs tests"
	older "$repo/test_mmun_uapi.h"
	builds "test_mmun_uapi.h" "initramfs module tests"
	older "$tests/Makefile"
	builds "the Makefile of the tests" "tests"
	older "$repo/test_mmun.c"
	builds "test_mmun.c" "initramfs module"
	newer "$repo/mmun/range.c"
	builds "a file of mmun/" "initramfs module"
	newer "$repo/mmun/more.h"
	builds "another file in mmun/" "initramfs module"
	older "$repo/Kbuild"
	builds "Kbuild" "initramfs module"
	newer "$tests/floor/mmun_floor.c"
	builds "mmun_floor.c" "floor initramfs"
	older "$tests/floor/mmun_floor.h"
	builds "mmun_floor.h" "floor initramfs tests"
	older "$tests/floor/Makefile"
	builds "the Makefile of mmun_floor" "floor initramfs"
	older "$repo/scripts/guest/run.c"
	builds "PID 1" "init initramfs"
	older "$repo/scripts/guest/run.h"
	builds "run.h" "init"
	sed -i 's/ abi_test//' "$tests/Makefile"
	builds "the names of the tests" "initramfs tests"
	check "a program that is none any more is not packed" \
		fails grep -q abi_test "$out/programs" "$out/initramfs.list"
	builds "nothing more" ""
}

test_harness() {
	local source

	source=$(have "$cache/source/*")
	for file in lib.mk kselftest.h kselftest_harness.h; do
		older "$source/tools/testing/selftests/$file"
		builds "$file" "initramfs tests"
	done
	older "$source/usr/gen_init_cpio.c"
	builds "gen_init_cpio.c" "gen_init_cpio initramfs"
}

test_kernel() {
	local headers

	headers=$(have "$cache/headers/*/usr/src/linux-headers-*")
	older "$headers/.config"
	builds "the configuration of the kernel" "floor initramfs module"
	older "$headers/Module.symvers"
	builds "Module.symvers" "floor initramfs module"
}

test_compiler() {
	echo "12.$number" >"$world/compiler"
	builds "the version of the compiler" \
		"floor gen_init_cpio init initramfs $1module tests"
	with+=(CC=gcc-12)
	builds "CC" "floor initramfs $1module tests"
	builds "the same CC" ""
	unset "with[-1]"
	with+=(LLVM=1)
	builds "LLVM" "floor initramfs $1module tests"
	unset "with[-1]"
	builds "neither" "floor initramfs $1module tests"
}

# The main job sets none. The module is the one of before in the end.
test_flags() {
	: >"$world/built"
	in_world "$world" MODULE_FLAGS=W=1 "$repo/scripts/vm/build.sh" module "$out" \
		2>/dev/null
	check "MODULE_FLAGS: module" test "$(kinds)" = module
	builds "no MODULE_FLAGS" "module"
}

# An update of the distribution.
test_update() {
	local kind

	newest_kernel "$world" 56
	builds "the stock kernel" "floor gen_init_cpio initramfs module probe tests"
	for kind in image headers source; do
		check "the old $kind is gone from the cache" \
			is_alone "$cache/$kind/*" "$(have "$cache/$kind/*6.1.56*")"
	done
	builds "the same stock kernel" ""
}

test_probe() {
	echo 1235 >"$world/boot_id"
	builds "another boot of the host" "probe"
	echo 7.2.1 >"$world/qemu-version"
	builds "the version of QEMU" "probe"
	older "$(have "$cache/image/*/boot/vmlinuz-*")"
	builds "the image" "probe"
	check "the answer of another boot is gone" \
		fails compgen -G "$cache/accel-1234-*"
}

test_own() {
	with=(KERNEL=6.1)
	out=$repo/build/6.1
	builds "6.1, for the first time" \
		"floor gen_init_cpio init initramfs kernel module probe tests"
	builds "6.1: nothing has changed" ""
	check "6.1: nothing has changed: nothing is forced" is_quiet
	older "$repo/scripts/kernel/configs/base.config"
	builds "6.1: a configuration" "floor initramfs kernel module"
	older "$repo/scripts/kernel/configs/debug.config"
	builds "6.1: a configuration of another kernel" ""
	echo 2.41 >"$world/linker"
	builds "6.1: the version of the linker" \
		"floor gen_init_cpio init initramfs kernel module tests"
	newest_kernel "$world" 50
	builds "6.1: the version of the source" \
		"floor gen_init_cpio initramfs kernel module tests"
	check "6.1: the old build is gone" is_alone "$cache/build/6.1_*[^k]" \
		"$(value kdir "$out/kernel")"
	check "6.1: the old tree is gone" is_alone "$cache/tree/*" \
		"$cache/tree/linux-source-6.1_6.1.50-1"
	test_compiler "kernel "
}

# unless_passed COMMAND: as the long tests of the runner are run.
unless_passed() {
	in_world "$world" "$repo/scripts/test/unless-passed.sh" keys "$1" >/dev/null 2>&1
}

fails() {
	! "$@"
}

test_passed() {
	check "a long test that fails is noticed" fails unless_passed false
	check "a long test that failed is run again" fails unless_passed false
	unless_passed true
	check "a long test that passed is not run again" unless_passed false
	older "$repo/scripts/kernel/configs/base.config"
	check "a file of the runner: it is run again" fails unless_passed false
}

need gcc xz
world=$(mktemp -d)
trap 'rm -rf "$world"' EXIT
make_world "$world"
repo=$world/repo
tests=$repo/tools/testing/selftests/mmun
cache=$world/cache
out=$repo/build/stock
with=(KERNEL=stock)
results_of keys
builds "the first run" "floor gen_init_cpio init initramfs module probe tests"
test_sources
test_harness
test_kernel
test_compiler ""
test_flags
test_probe
test_update
test_own
test_passed
end_results
