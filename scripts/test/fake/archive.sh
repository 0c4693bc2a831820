#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Make the packages of the fake apt: two versions of the stock kernel.
#
# usage: archive.sh WORLD

set -euo pipefail

archive=$1/archive
tree=$archive/tree

# CONFIG is a kernel configuration that passes check_config() of kernel/resolve.sh
CONFIG="CONFIG_BLK_DEV_INITRD=y
CONFIG_BINFMT_ELF=y
CONFIG_DEVTMPFS=y
CONFIG_PROC_FS=y
CONFIG_SYSFS=y
CONFIG_SERIAL_8250_CONSOLE=y
CONFIG_MODULE_UNLOAD=y
CONFIG_MMU_NOTIFIER=y"

# pack NAME VERSION: Makes the package NAME from the files in $tree, and empties $tree.
pack() {
	tar -c -C "$tree" -f "$archive/$1_$2.deb" .
	rm -rf "$tree"
	mkdir "$tree"
}

# image RELEASE VERSION: Makes the package with the image of the kernel RELEASE.
image() {
	mkdir "$tree/boot"
	echo "release=$1" >"$tree/boot/vmlinuz-$1"
	printf '%s\n' "# $1" "$CONFIG" >"$tree/boot/config-$1"
	pack "linux-image-$1" "$2"
}

# headers RELEASE VERSION: Makes the packages with the headers of the kernel RELEASE.
headers() {
	local dir=$tree/usr/src/linux-headers-$1

	mkdir -p "$dir"
	echo "include /usr/src/linux-headers-common/Makefile" >"$dir/Makefile"
	printf '%s\n' "# $1" "$CONFIG" >"$dir/.config"
	echo "0x1234 module_layout $1" >"$dir/Module.symvers"
	printf '%s\n' "override KERNELRELEASE = $1" "CC = gcc-12" \
		>"$dir/.kernelvariables"
	pack "linux-headers-$1" "$2"
	mkdir -p "$tree/usr/src/linux-kbuild-6.1"
	echo "$2" >"$tree/usr/src/linux-kbuild-6.1/Makefile"
	pack linux-kbuild-6.1 "$2"
}

# merge_config: Prints a fake merge_config.sh, which concatenates the fragments.
merge_config() {
	cat <<-'EOT'
		#!/bin/bash
		# A fake merge_config.sh: -m -O DIR FILE...
		for file in "${@:4}"; do
			printf '%s\n' "$(<"$file")"
		done >"$3/merged" || exit
		mv "$3/merged" "$3/.config"
	EOT
}

# kernel_source VERSION: Makes the package with the source of the kernel.
kernel_source() {
	local dir=$tree/linux file

	for file in tools/testing/selftests/{lib.mk,kselftest.h,kselftest_harness.h} \
		usr/gen_init_cpio.c scripts/{checkpatch.pl,spelling.txt} \
		scripts/{const_structs.checkpatch,kernel-doc} ./Makefile; do
		mkdir -p "$dir/${file%/*}"
		echo "$file of $1" >"$dir/$file"
	done
	mkdir "$dir/scripts/kconfig"
	merge_config >"$dir/scripts/kconfig/merge_config.sh"
	chmod +x "$dir/scripts/kconfig/merge_config.sh" "$dir/scripts/checkpatch.pl"
	mkdir -p "$tree/usr/src"
	tar -cJ -C "$tree" -f "$tree/usr/src/linux-source-6.1.tar.xz" linux
	rm -rf "$dir"
	pack linux-source-6.1 "$1"
}

mkdir -p "$tree"
for number in 50 56; do
	image "6.1.0-$number-amd64" "6.1.$number-1"
	headers "6.1.0-$number-amd64" "6.1.$number-1"
	kernel_source "6.1.$number-1"
done
