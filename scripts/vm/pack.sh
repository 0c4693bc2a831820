#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Pack PID 1, the modules and the tests into the initramfs. pack.sh is step 3 of
# kselftest.sh.
#
# usage: pack.sh OUT
#
# pack.sh makes OUT/initramfs from the output of build.sh in OUT, and calls unpack.sh to
# make OUT/vmlinux. pack.sh packs the programs in the list OUT/chosen. If OUT/chosen does
# not exist, pack.sh packs the programs in the list OUT/programs. If the variable PROGRAM
# names a program, pack.sh also packs this program. If the content of an input of a file
# has changed, pack.sh makes the file again.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/kernel/packages.sh"

out=$1
source=$(value source "$out/kernel")
kdir=$(value kdir "$out/kernel")
program=${PROGRAM:-}

# put_in_place FILE KEY: Renames FILE.tmp to FILE, and then writes FILE.key. If pack.sh is
# killed before FILE.key is written, the next run of pack.sh makes FILE again, because
# FILE has no key.
put_in_place() {
	rm -f "$1.key"
	mv "$1.tmp" "$1"
	echo "$2" >"$1.key"
}

# compile FILE KEY WORD...: Makes the program FILE with "gcc WORD...", unless FILE exists
# and was made with the same KEY.
compile() {
	local file=$1 key=$2

	if [ ! -e "$file" ] || ! has_key "$file.key" "$key"; then
		quietly gcc "${@:3}" -o "$file.tmp"
		put_in_place "$file" "$key"
	fi
}

# key_of FILE...: Prints one hash of all files FILE, the version of the compiler, and
# pack.sh.
key_of() {
	{
		CC='' LLVM='' "$SCRIPTS/kernel/compiler.sh" -s
		cat "$@" "$SCRIPTS/vm/pack.sh"
	} | sum
}

compile_init() {
	local key

	key=$(key_of "$SCRIPTS"/guest/*.[ch])
	compile "$out/init" "$key" -static -O2 -Wall -Wextra -Werror \
		"$SCRIPTS"/guest/*.c
}

compile_packer() {
	local key

	key=$(key_of "$source/usr/gen_init_cpio.c")
	compile "$out/gen_init_cpio" "$key" -O2 "$source/usr/gen_init_cpio.c"
}

list_modules() {
	local module

	for module in "${modules[@]}"; do
		echo "file /lib/${module#*/} $out/$module 0644 0 0"
	done
}

# list_peer: If PROGRAM is the benchmark and the kernel has test_hmm, prints the line for
# test_hmm.ko in the list of the initramfs. The benchmark compares mmun with test_hmm.
list_peer() {
	local peer=$kdir/lib/test_hmm.ko

	[ "$program" != mmun_bench ] || [ ! -e "$peer" ] ||
		echo "file /lib/test_hmm.ko $peer 0644 0 0"
}

list_programs() {
	sort -u "$programs" - <<<"${program%% *}" |
		sed -n "s|.\+|file /mmun/& $out/tests/& 0755 0 0|p"
}

# list_files: Prints the list of the files in the initramfs, in the format of
# gen_init_cpio.
list_files() {
	echo "dir /dev 0755 0 0"
	echo "nod /dev/console 0600 0 0 c 5 1"
	echo "file /init $out/init 0755 0 0"
	echo "dir /lib 0755 0 0"
	list_modules
	list_peer
	echo "dir /mmun 0755 0 0"
	echo "file /mmun/programs $programs 0644 0 0"
	list_programs
	printf 'dir /%s 0755 0 0\n' proc sys tmp
}

# key_of_list: Prints a hash of OUT/initramfs.list, of each file that this list names, and
# of the program gen_init_cpio.
key_of_list() {
	awk '$1 == "file" { print $3 }' "$out/initramfs.list" |
		tr '\n' '\0' | xargs -0 sha256sum "$out/gen_init_cpio" \
		"$out/initramfs.list" | sum
}

pack() {
	local key

	list_files >"$out/initramfs.list"
	key=$(key_of_list)
	if [ ! -e "$out/initramfs" ] || ! has_key "$out/initramfs.key" "$key"; then
		"$out/gen_init_cpio" -t 1577836800 "$out/initramfs.list" \
			>"$out/initramfs.tmp"
		put_in_place "$out/initramfs" "$key"
	fi
}

need gcc '/usr/lib/*/libc.a'
programs=$out/programs
[ ! -e "$out/chosen" ] || programs=$out/chosen
find_modules
compile_init
compile_packer
"$SCRIPTS/vm/unpack.sh" "$out"
pack
