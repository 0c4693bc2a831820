#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Step 1: from the name of a kernel to its parts.
#
# usage: kernel.sh NAME|DIR [module]
#
# NAME is a row of the table "kernels", DIR is a kernel build directory. Prints,
# one per line:
#
#	name	short, fit for a directory
#	release	what uname -r will say
#	kdir	what modules are built against
#	image	what QEMU boots
#	config	its .config
#	source	a tree with usr/gen_init_cpio.c and the kselftest files
#
# With "module" only the first three, which is all that building one takes.

. "$(dirname "$0")/lib.sh"
. "$SCRIPTS/packages.sh"
. "$SCRIPTS/suite.sh"

# What is taken from the linux-source package; 1,500 MB are left behind.
SOURCE_FILES=(
	'*/tools/testing/selftests/lib.mk'
	'*/tools/testing/selftests/kselftest*.h'
	'*/usr/gen_init_cpio.c'
	'*/scripts/checkpatch.pl'
	'*/scripts/spelling.txt'
	'*/scripts/const_structs.checkpatch'
	'*/scripts/kernel-doc*'
	'*/scripts/kconfig/merge_config.sh'
)

# The package that a package like linux-image-amd64 stands for, today.
release_of_package() {
	know "$1"
	apt-cache depends "$1" |
		sed -n 's/^ *Depends: linux-image-\([0-9].*\)/\1/p' | head -n 1
}

# The image package is 70 MB, most of it modules that nobody loads.
unpack_image() {
	local release=$1 dir=$2

	say "fetching linux-image-$release"
	download "$dir" "linux-image-$release"
	dpkg-deb --fsys-tarfile "$dir"/*.deb |
		tar -x -C "$dir" --wildcards './boot/vmlinuz-*' './boot/config-*'
	rm -f "$dir"/*.deb
}

header_packages() {
	local name=linux-headers-$1

	echo "$name"
	apt-cache depends "$name" |
		sed -n 's/^ *Depends: \(linux-\(headers\|kbuild\)-.*\)/\1/p'
}

# The headers name the place they would be installed at.
unpack_headers() {
	local release=$1 final=$2 dir=$3 deb debs

	say "fetching linux-headers-$release"
	mapfile -t debs < <(header_packages "$release")
	download "$dir" "${debs[@]}"
	for deb in "$dir"/*.deb; do
		dpkg-deb -x "$deb" "$dir"
		rm -f "$deb"
	done
	sed -i "s|/usr/src/|$final/usr/src/|" \
		"$dir/usr/src/linux-headers-$release/Makefile"
}

unpack_source() {
	local package=$1 dir=$2

	need xz
	say "fetching $package, of which a few files are needed"
	download "$dir" "$package"
	dpkg-deb --fsys-tarfile "$dir"/*.deb |
		tar -xO "./usr/src/$package.tar.xz" |
		tar -xJ -C "$dir" --strip-components=1 --wildcards \
			"${SOURCE_FILES[@]}"
	rm -f "$dir"/*.deb
}

# cached KIND PACKAGE COMMAND...: the directory that COMMAND fills.
cached() {
	local dir=$CACHE/$1/$2_$3

	shift 3
	once "$dir" "$@"
	echo "$dir"
}

image_dir() {
	local release=$1 version

	know "linux-image-$release"
	version=$(newest "linux-image-$release")
	cached image "$release" "$version" unpack_image "$release"
}

headers_dir() {
	local release=$1 version

	know "linux-headers-$release"
	version=$(newest "linux-headers-$release")
	cached headers "$release" "$version" unpack_headers "$release" \
		"$CACHE/headers/${release}_$version"
}

# The source package of the same series, or else the default one.
source_dir() {
	local package version

	package=linux-source-$(cut -d. -f1,2 <<<"$1")
	if [ -z "$(newest "$package")" ]; then
		know linux-source
		package=$(apt-cache depends linux-source |
			sed -n 's/^ *Depends: \(linux-source-.*\)/\1/p')
	fi
	version=$(newest "$package")
	cached source "$package" "$version" unpack_source "$package"
}

# An image of the distribution.
packaged() {
	local release headers image source

	release=$(release_of_package "$1")
	headers=$(headers_dir "$release")
	printf '%s\n' "name=$name" "release=$release" \
		"kdir=$headers/usr/src/linux-headers-$release"
	[ "$wanted" = all ] || return 0
	image=$(image_dir "$release")
	source=$(source_dir "$release")
	printf '%s\n' "image=$image/boot/vmlinuz-$release" \
		"config=$image/boot/config-$release" "source=$source"
}

# The tree of a build directory, if it is a whole one.
source_of() {
	local dir

	for dir in "$1" "$1/source"; do
		if [ -e "$dir/tools/testing/selftests/kselftest_harness.h" ] &&
		   [ -e "$dir/usr/gen_init_cpio.c" ]; then
			realpath "$dir"
			return
		fi
	done
	source_dir "$2"
}

# Headers of the distribution have no image: it is in the package beside them.
image_of() {
	local kdir=$1 release=$2 image=$1/arch/x86/boot/bzImage

	if [ ! -e "$image" ]; then
		[ -n "$(newest "linux-image-$release")" ] ||
			die "$kdir has no arch/x86/boot/bzImage, and apt knows no linux-image-$release"
		image=$(image_dir "$release")/boot/vmlinuz-$release
	fi
	echo "$image"
}

# Debian's headers say it elsewhere.
release_of_build() {
	local kdir=$1

	sed -n 's/^override KERNELRELEASE = //p' "$kdir/.kernelvariables" \
		2>/dev/null | grep . ||
		cat "$kdir/include/config/kernel.release" 2>/dev/null ||
		die "$kdir is not the directory of a built kernel"
}

# A guest without these is silent, or has nothing to test.
check_config() {
	local option missing=()

	for option in BLK_DEV_INITRD BINFMT_ELF DEVTMPFS PROC_FS SYSFS \
		SERIAL_8250_CONSOLE MODULE_UNLOAD MMU_NOTIFIER; do
		grep -qxF "CONFIG_$option=y" "$1" || missing+=("$option")
	done
	[ ${#missing[@]} = 0 ] || die "$1: not set: ${missing[*]}"
}

# build_dir DIR [NAME]
build_dir() {
	local kdir release image source

	kdir=$(realpath "$1")
	release=$(release_of_build "$kdir")
	printf '%s\n' "name=${2:-$release-$(cksum <<<"$kdir" | cut -d' ' -f1)}" \
		"release=$release" "kdir=$kdir"
	[ "$wanted" = all ] || return 0
	check_config "$kdir/.config"
	image=$(image_of "$kdir" "$release")
	source=$(source_of "$kdir" "$release")
	printf '%s\n' "image=$image" "config=$kdir/.config" "source=$source"
}

# A row of the table.
named() {
	local package suite fragments dir

	read -r package suite fragments < <(kernel_row "$name") ||
		die "$name: no kernel of this name in scripts/kernels, and no directory"
	if [ "$fragments" = - ]; then
		use_suite "$suite"
		packaged "$package"
	else
		dir=$("$SCRIPTS/build-kernel.sh" "$name")
		build_dir "$dir" "$name"
	fi
}

mkdir -p "$CACHE"/{image,headers,source}
name=$1
wanted=${2:-all}
if [[ $name = */* || -d $name ]]; then
	build_dir "$name"
else
	named
fi
