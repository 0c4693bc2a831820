#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Step 2: build the module and the selftest for one kernel.
#
# usage: build.sh module|tests OUT
#
# OUT/kernel is what kernel.sh printed. Makes OUT/module/test_mmun.ko, or
# OUT/tests/* and their names in OUT/programs; with PROGRAM in the environment
# that one alone. MODULE_TREE is where the sources of the module are, MODULE_FLAGS
# are more words for make.

. "$(dirname "$0")/lib.sh"
. "$SCRIPTS/packages.sh"

[ "$SUITE" = mmun ] || exec "$SCRIPTS/build-$SUITE.sh" "$@"
out=$2
kernel=$out/kernel
kdir=$(value kdir "$kernel")
source=$(value source "$kernel")

# Debian's headers ask for one version of the compiler.
compiler_of() {
	local cc=

	[ ! -e "$kdir/.kernelvariables" ] ||
		cc=$(grep -o 'gcc-[0-9]\+' "$kdir/.kernelvariables" || true)
	echo "${cc:-gcc}"
}

# The tools that a built kernel tree brings along are linked to these.
need_tools() {
	need make gcc "$(compiler_of)" '/usr/lib/*/libc.a' \
		'/usr/lib/*/libelf.so.1' '/usr/lib/*/libssl.so.3'
}

# The module is built from links, so that nothing is left in the work tree and
# kernels do not get into each other's way.
link_module() {
	local tree=${MODULE_TREE:-$TOP}

	mkdir -p "$out/module"
	ln -sfn "$tree"/Kbuild "$tree"/test_mmun*.[ch] "$tree/mmun" \
		"$out/module/"
}

# A kernel that counts what it runs counts the module, too.
coverage() {
	! grep -qx CONFIG_GCOV_KERNEL=y "$kdir/.config" ||
		echo GCOV_PROFILE_test_mmun.o=y
}

build_module() {
	local flags

	[ -e "$kdir/Module.symvers" ] ||
		die "$kdir has no Module.symvers: run make there, modules and all"
	link_module
	newer_than "$out/module/test_mmun.ko" "$out"/module/{Kbuild,*.[ch],mmun/} \
		"$kdir"/{.config,Module.symvers,vmlinux} || return 0
	say "building the module for $(value release "$kernel")"
	read -ra flags <<<"${MODULE_FLAGS:-} $(coverage)"
	quietly make -C "$kdir" M="$out/module" V="$V" "${flags[@]}" modules
	touch "$out/module/test_mmun.ko"
}

# The selftest's Makefile includes ../lib.mk, as in a kernel tree. Times are
# kept: make then rebuilds for a newer harness, not for another one.
place_kselftest() {
	local file to

	for file in "$source"/tools/testing/selftests/{lib.mk,kselftest*.h}; do
		to=$TOP/tools/testing/selftests/${file##*/}
		cmp -s "$file" "$to" || cp -p "$file" "$to"
	done
}

selftest() {
	make -s --no-print-directory -C "$SELFTEST" OUTPUT="$out/tests" \
		USERLDFLAGS=-static USERCFLAGS="-I$source/lib" "$@"
}

# Objects of another harness are out of date whatever their time says.
build_tests() {
	local target=all

	[ -z "${PROGRAM:-}" ] || target=$out/tests/${PROGRAM%% *}
	mkdir -p "$out/tests"
	place_kselftest
	[ "$(cat "$out/tests/.source" 2>/dev/null)" = "$source" ] ||
		selftest clean
	echo "$source" >"$out/tests/.source"
	selftest -q "$target" 2>/dev/null || say "building the tests"
	quietly selftest "$target"
	selftest COLLECTION=mmun emit_tests | sed 's/.*://' >"$out/programs"
}

case $1 in
module)
	need_tools
	build_module
	;;
tests)
	need make gcc '/usr/lib/*/libc.a'
	locked "$TOP/build/lock" build_tests
	;;
esac
