#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Print the parts of a kernel: its name, its release, and the paths of its files. Fetch or
# build the kernel if the kernel is not in the cache.
#
# usage: resolve.sh NAME|DIR [module]
#        resolve.sh NAME tools
#
# NAME is the name of a row of kernel/table, and DIR is the build directory of a kernel.
# resolve.sh prints one line "PART=VALUE" for each part:
#
#	name	a short name for directories
#	release	the output of uname -r on the kernel
#	kdir	the directory to build modules with
#	image	the image for QEMU, or the program of User-Mode Linux
#	config	the .config of the kernel
#	source	a tree with usr/gen_init_cpio.c and the kselftest files
#
# With the argument "module", resolve.sh prints only the parts name, release and kdir.
# With the argument "tools", resolve.sh prints only the parts name and source. With the
# argument "tools", the tree in the part source has the Sphinx extension for kernel-doc
# and the file .clang-format. With the argument "tools", NAME must be a kernel that the
# runner builds from source.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/kernel/packages.sh"

# cache_entry KIND ROW PACKAGE [FINAL]: Prints the path of the directory in the cache that
# has the newest version of PACKAGE. If the cache does not have the newest version,
# fetch.sh makes the directory, and once.sh removes the directories with older versions
# for the same ROW. cache_entry passes KIND to fetch.sh as the first argument. If the
# argument FINAL, which can be any word, is given, cache_entry also passes the final path
# of the directory to fetch.sh.
cache_entry() {
	local kind=$1 package=$3 version dir

	find_version "$package"
	if [ ! -d "$CACHE/$kind/$2_${package}_$version" ]; then
		refresh
		find_version "$package"
	fi
	dir=$CACHE/$kind/$2_${package}_$version
	once "$dir" "$SCRIPTS/kernel/fetch.sh" "$kind" "$suite" "$package=$version" \
		${4:+"$dir"}
	echo "$dir"
}

# source_dir RELEASE: Prints the directory with the source of the kernel series to which
# RELEASE belongs, for example the series 6.1. If apt has no source of this series,
# source_dir prints the directory with the default source of the distribution.
source_dir() {
	local package version

	[[ $1 =~ ^[0-9]+\.[0-9]+ ]] || die "$1 is not the release of a kernel"
	package=linux-source-${BASH_REMATCH[0]}
	version=$(newest_version "$package")
	if [ -z "$version" ]; then
		find_version linux-source
		package=$(depends linux-source 'linux-source-.*')
	fi
	cache_entry source "$package" "$package"
}

# release_of_package PACKAGE: Prints the release of the kernel image on which PACKAGE
# depends. PACKAGE is the name of a package such as linux-image-amd64.
release_of_package() {
	local image version

	find_version "$1"
	image=$(depends "$1" 'linux-image-[0-9].*')
	[ -n "$image" ] || die "apt-cache depends $1 does not print a linux-image package"
	echo "${image#linux-image-}"
}

# parts_of_package PACKAGE: Prints the parts of the kernel in PACKAGE, which is the name
# of a package of the distribution.
parts_of_package() {
	local release headers image source

	release=$(release_of_package "$1")
	if ! compgen -G "$CACHE/headers/${name}_linux-headers-${release}_*" >/dev/null
	then
		refresh
		release=$(release_of_package "$1")
	fi
	headers=$(cache_entry headers "$name" "linux-headers-$release" final)
	printf '%s\n' "name=$name" "release=$release" \
		"kdir=$headers/usr/src/linux-headers-$release"
	[ "$wanted" = all ] || return 0
	image=$(cache_entry image "$name" "linux-image-$release")
	source=$(source_dir "$release")
	printf '%s\n' "image=$image/boot/vmlinuz-$release" \
		"config=$image/boot/config-$release" "source=$source"
}

# source_of KDIR RELEASE: Prints the path of the source tree of the build directory KDIR.
# If the source tree of KDIR is not complete, source_of prints the output of source_dir.
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

# image_of KDIR RELEASE: Prints the path of the image of the kernel in KDIR. If KDIR has
# only the headers of the distribution, image_of uses the image in the linux-image package
# of the same RELEASE.
image_of() {
	local kdir=$1 release=$2 image=$1/arch/x86/boot/bzImage version dir

	! is_uml "$kdir/.config" || image=$kdir/linux
	if [ ! -e "$image" ]; then
		version=$(newest_version "linux-image-$release")
		[ -n "$version" ] ||
			die "there is no image: $kdir has no ${image#"$kdir/"}, and apt has no linux-image-$release. Run make in $kdir"
		dir=$(cache_entry image "$release" "linux-image-$release")
		image=$dir/boot/vmlinuz-$release
	fi
	echo "$image"
}

# release_of_build KDIR: Prints the release of the kernel in KDIR. The headers of Debian
# have the release in the file .kernelvariables, and a built kernel has the release in the
# file include/config/kernel.release.
release_of_build() {
	local kdir=$1 release=''

	if [ -e "$kdir/.kernelvariables" ]; then
		release=$(sed -n 's/^override KERNELRELEASE = //p' \
			"$kdir/.kernelvariables")
	fi
	if [ -z "$release" ] && [ -e "$kdir/include/config/kernel.release" ]; then
		release=$(<"$kdir/include/config/kernel.release")
	fi
	[ -n "$release" ] ||
		die "$kdir is not the directory of a built kernel. Run make in $kdir"
	echo "$release"
}

# check_config CONFIG: Exits with an error if the file CONFIG lacks an option that the
# tests need. Without these options, the guest cannot boot, cannot print results, or has
# no notifiers to test.
check_config() {
	local option missing=() console=SERIAL_8250_CONSOLE

	! is_uml "$1" || console=SSL
	for option in BLK_DEV_INITRD BINFMT_ELF DEVTMPFS PROC_FS SYSFS \
		"$console" MODULE_UNLOAD MMU_NOTIFIER; do
		has_line "$1" "CONFIG_$option=y" || missing+=("$option")
	done
	[ ${#missing[@]} = 0 ] || die "$1: these options must be set to y: ${missing[*]}"
}

# parts_of_dir DIR [NAME]: Prints the parts of the kernel in the build directory DIR. NAME
# is the value of the part "name". If NAME is not given, parts_of_dir makes the value from
# the release and the path.
parts_of_dir() {
	local kdir release image source sum

	kdir=$(realpath "$1")
	release=$(release_of_build "$kdir")
	sum=$(cksum <<<"$kdir")
	printf '%s\n' "name=${2:-$release-${sum%% *}}" "release=$release" \
		"kdir=$kdir"
	[ "$wanted" = all ] || return 0
	check_config "$kdir/.config"
	image=$(image_of "$kdir" "$release")
	source=$(source_of "$kdir" "$release")
	printf '%s\n' "image=$image" "config=$kdir/.config" "source=$source"
}

# parts_for_tools: Prints the parts name and source for "resolve.sh NAME tools". The part
# source is the complete source tree of the kernel if the cache has this tree, and a
# directory with only the files for the tools in all other cases.
parts_for_tools() {
	local dir version

	use_suite "$suite"
	version=$(newest_version "$package")
	dir=$CACHE/tree/${package}_$version
	[ -d "$dir" ] || dir=$(cache_entry tools "$package" "$package")
	printf '%s\n' "name=$name" "source=$dir"
}

# parts_of_row: Prints the parts of the kernel in row $name of kernel/table.
parts_of_row() {
	local dir

	if [ "$fragments" = - ]; then
		use_suite "$suite"
		parts_of_package "$package"
	else
		dir=$("$SCRIPTS/kernel/build.sh" "$name")
		use_suite "$suite"
		parts_of_dir "$dir" "$name"
	fi
}

name=$1
wanted=${2:-all}
[ -d "$CACHE" ] || mkdir -p "$CACHE"
if [[ $name = */* || -d $name ]]; then
	use_suite -
	parts_of_dir "$name"
else
	kernel_row "$name" ||
		die "$name: there is neither a row of scripts/kernel/table nor a directory of this name"
	if [ "$wanted" = tools ]; then
		parts_for_tools
	else
		parts_of_row
	fi
fi
