#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Step 1: from the name of a kernel to its parts.
#
# usage: resolve.sh NAME|DIR [module]
#        resolve.sh NAME tools
#
# NAME is a row of the table "kernels", DIR is a kernel build directory. Prints,
# one per line:
#
#	name	short, fit for a directory
#	release	what uname -r prints there
#	kdir	what modules are built against
#	image	what QEMU boots, or the program that User-Mode Linux is
#	config	its .config
#	source	a tree with usr/gen_init_cpio.c and the kselftest files
#
# With "module" only the first three, which is all that building one takes. With
# "tools" only the name and a source with kernel-doc for Sphinx and .clang-format. NAME
# must be a kernel that is built from source.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/kernel/packages.sh"

# cached KIND ROW PACKAGE [FINAL]: the directory of the cache that holds what
# fetch.sh makes of the newest version of PACKAGE. It supersedes another version of
# the same ROW. With FINAL the process that fills it learns its name.
cached() {
	local kind=$1 package=$3 version dir

	know "$package"
	if [ ! -d "$CACHE/$kind/$2_${package}_$version" ]; then
		refresh
		know "$package"
	fi
	dir=$CACHE/$kind/$2_${package}_$version
	once "$dir" "$SCRIPTS/kernel/fetch.sh" "$kind" "$suite" "$package=$version" \
		${4:+"$dir"}
	echo "$dir"
}

# The source package of the same series, or else the default one.
source_dir() {
	local package version

	[[ $1 =~ ^[0-9]+\.[0-9]+ ]] || die "$1: no release of a kernel"
	package=linux-source-${BASH_REMATCH[0]}
	version=$(newest "$package")
	if [ -z "$version" ]; then
		know linux-source
		package=$(depends linux-source 'linux-source-.*')
	fi
	cached source "$package" "$package"
}

# The package that a package like linux-image-amd64 stands for, today.
release_of_package() {
	local image version

	know "$1"
	image=$(depends "$1" 'linux-image-[0-9].*')
	[ -n "$image" ] || die "apt-cache depends $1 names no linux-image"
	echo "${image#linux-image-}"
}

# An image of the distribution.
packaged() {
	local release headers image source

	release=$(release_of_package "$1")
	if ! compgen -G "$CACHE/headers/${name}_linux-headers-${release}_*" >/dev/null
	then
		refresh
		release=$(release_of_package "$1")
	fi
	headers=$(cached headers "$name" "linux-headers-$release" final)
	printf '%s\n' "name=$name" "release=$release" \
		"kdir=$headers/usr/src/linux-headers-$release"
	[ "$wanted" = all ] || return 0
	image=$(cached image "$name" "linux-image-$release")
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
	local kdir=$1 release=$2 image=$1/arch/x86/boot/bzImage version dir

	! is_uml "$kdir/.config" || image=$kdir/linux
	if [ ! -e "$image" ]; then
		version=$(newest "linux-image-$release")
		[ -n "$version" ] ||
			die "$kdir has no ${image#"$kdir/"}, and apt has no linux-image-$release. Run make in $kdir"
		dir=$(cached image "$release" "linux-image-$release")
		image=$dir/boot/vmlinuz-$release
	fi
	echo "$image"
}

# The headers of Debian have the release in .kernelvariables, a built tree has it in
# include/config/kernel.release.
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
		die "$kdir is not the directory of a built kernel. Run make in it"
	echo "$release"
}

# A guest without these is silent, or has nothing to test.
check_config() {
	local option missing=() console=SERIAL_8250_CONSOLE

	! is_uml "$1" || console=SSL
	for option in BLK_DEV_INITRD BINFMT_ELF DEVTMPFS PROC_FS SYSFS \
		"$console" MODULE_UNLOAD MMU_NOTIFIER; do
		has_line "$1" "CONFIG_$option=y" || missing+=("$option")
	done
	[ ${#missing[@]} = 0 ] || die "$1: not set: ${missing[*]}"
}

# build_dir DIR [NAME]
build_dir() {
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

# The whole source if it is in the cache, otherwise only the files that are needed.
tools() {
	local dir version

	use_suite "$suite"
	version=$(newest "$package")
	dir=$CACHE/tree/${package}_$version
	[ -d "$dir" ] || dir=$(cached tools "$package" "$package")
	printf '%s\n' "name=$name" "source=$dir"
}

# A row of the table.
named() {
	local dir

	if [ "$fragments" = - ]; then
		use_suite "$suite"
		packaged "$package"
	else
		dir=$("$SCRIPTS/kernel/build.sh" "$name")
		use_suite "$suite"
		build_dir "$dir" "$name"
	fi
}

name=$1
wanted=${2:-all}
[ -d "$CACHE" ] || mkdir -p "$CACHE"
if [[ $name = */* || -d $name ]]; then
	use_suite -
	build_dir "$name"
else
	kernel_row "$name" ||
		die "$name: no kernel of this name in scripts/kernel/table, and no directory"
	if [ "$wanted" = tools ]; then
		tools
	else
		named
	fi
fi
