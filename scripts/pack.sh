#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Step 3: pack the initramfs: PID 1, the module, the tests.
#
# usage: pack.sh OUT
#
# Makes OUT/initramfs from what build.sh left in OUT.

. "$(dirname "$0")/lib.sh"
. "$SCRIPTS/packages.sh"

out=$1
source=$(value source "$out/kernel")
kdir=$(value kdir "$out/kernel")

build_init() {
	newer_than "$out/init" "$SCRIPTS"/init*.[ch] || return 0
	quietly gcc -static -O2 -Wall -Wextra -Werror -o "$out/init" \
		"$SCRIPTS"/init*.c
}

build_packer() {
	newer_than "$out/gen_init_cpio" "$source/usr/gen_init_cpio.c" ||
		return 0
	quietly gcc -O2 -o "$out/gen_init_cpio" "$source/usr/gen_init_cpio.c"
}

# The bench compares with it, where the kernel has it.
list_peer() {
	local peer=$kdir/lib/test_hmm.ko

	[ "${PROGRAM:-}" != mmun_bench ] || [ ! -e "$peer" ] ||
		echo "file /lib/test_hmm.ko $peer 0644 0 0"
}

list_files() {
	local name

	echo "dir /dev 0755 0 0"
	echo "nod /dev/console 0600 0 0 c 5 1"
	echo "file /init $out/init 0755 0 0"
	echo "dir /lib 0755 0 0"
	echo "file /lib/test_$SUITE.ko $out/module/test_$SUITE.ko 0644 0 0"
	list_peer
	echo "dir /mmun 0755 0 0"
	echo "file /mmun/programs $out/programs 0644 0 0"
	for name in $(cd "$out/tests" && find . -maxdepth 1 -type f -executable); do
		echo "file /mmun/${name#./} $out/tests/${name#./} 0755 0 0"
	done
	printf 'dir /%s 0755 0 0\n' proc sys tmp
}

need gcc '/usr/lib/*/libc.a'
build_init
build_packer
list_files >"$out/initramfs.list"
"$out/gen_init_cpio" -t 1577836800 "$out/initramfs.list" >"$out/initramfs.tmp"
mv "$out/initramfs.tmp" "$out/initramfs"
