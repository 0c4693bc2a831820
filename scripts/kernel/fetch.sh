#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Fetch a package and unpack what is needed of it. A process for once.sh: a step
# that fails ends it.
#
# usage: fetch.sh image SUITE PACKAGE=VERSION DIR
#        fetch.sh headers SUITE PACKAGE=VERSION FINAL DIR
#        fetch.sh source SUITE PACKAGE=VERSION DIR	a few files, for the tests
#        fetch.sh tools SUITE PACKAGE=VERSION DIR	a few files, for the sources here
#        fetch.sh tree SUITE PACKAGE=VERSION DIR	all of it, to build it
#
# FINAL is where DIR will stand in the end.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/kernel/packages.sh"

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

# For "make docs" and clang-format. Linux 6.1 does not have all of these files.
TOOLS_FILES=(
	'*/Documentation/sphinx/kerneldoc.py'
	'*/tools/lib/python/kdoc/*'
	'*/.clang-format'
)

download() {
	say "fetching ${*//=*/}"
	mkdir "$work"
	"$SCRIPTS/kernel/apt.sh" "$suite" download "$work" "$@"
}

# The image package is 70 MB, most of it modules that are not loaded.
fetch_image() {
	download "$wanted"
	dpkg-deb --fsys-tarfile "$work"/*.deb >"$work/tar"
	tar -x -C "$dir" -f "$work/tar" --wildcards './boot/vmlinuz-*' \
		'./boot/config-*'
}

# The headers name the place at which they would be installed.
fetch_headers() {
	local final=$1 more deb

	more=$(depends "$package" 'linux-(headers|kbuild)-.*')
	# shellcheck disable=SC2086 # a list of names
	download "$wanted" $more
	for deb in "$work"/*.deb; do
		dpkg-deb -x "$deb" "$dir"
	done
	sed -i "s|/usr/src/|$final/usr/src/|" "$dir/usr/src/$package/Makefile"
}

# unpack_source PATTERN...: what of the source matches, or all of it.
unpack_source() {
	need "${NEED_SOURCE[@]}"
	download "$wanted"
	say "unpacking $package"
	dpkg-deb --fsys-tarfile "$work"/*.deb >"$work/tar"
	tar -x -C "$work" -f "$work/tar" "./usr/src/$package.tar.xz"
	tar -xJ -C "$dir" -f "$work/usr/src/$package.tar.xz" \
		--strip-components=1 --wildcards "$@"
}

kind=$1
wanted=$3
package=${wanted%%=*}
dir=${*: -1}
work=$dir/.fetched
use_suite "$2"
case $kind in
image)		fetch_image ;;
headers)	fetch_headers "$4" ;;
source)		unpack_source "${SOURCE_FILES[@]}" ;;
tools)		unpack_source "${TOOLS_FILES[@]}" ;;
tree)		unpack_source ;;
*)		die "$kind: image, headers, source, tools or tree" ;;
esac
rm -r "$work"
