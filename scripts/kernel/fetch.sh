#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Download a package, and unpack the files that the runner needs. once.sh runs fetch.sh.
# If a command fails, fetch.sh ends with an error.
#
# usage: fetch.sh image SUITE PACKAGE=VERSION DIR
#        fetch.sh headers SUITE PACKAGE=VERSION FINAL DIR
#        fetch.sh source SUITE PACKAGE=VERSION DIR	the files to build the tests
#        fetch.sh tools SUITE PACKAGE=VERSION DIR	the files for docs and format
#        fetch.sh quick SUITE PACKAGE=VERSION DIR	the files for "make quick"
#        fetch.sh litmus SUITE PACKAGE=VERSION DIR	the files for "make litmus"
#        fetch.sh herd SUITE PACKAGE=VERSION DIR	herd7 and its libraries
#        fetch.sh tree SUITE PACKAGE=VERSION DIR	all files, to build the kernel
#
# fetch.sh writes the files to DIR. After the end of fetch.sh, once.sh renames DIR to
# FINAL.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/kernel/packages.sh"

# SOURCE_FILES are the files of the linux-source package that "fetch.sh source" unpacks.
# fetch.sh does not unpack the whole package, because all files of the package take 1,500
# MB.
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

# TOOLS_FILES are the files of the linux-source package that "make docs" and clang-format
# need. Linux 6.1 does not have all files of TOOLS_FILES.
TOOLS_FILES=(
	'*/Documentation/sphinx/kerneldoc.py'
	'*/tools/lib/python/kdoc/*'
	'*/.clang-format'
)

# download PACKAGE=VERSION...: Downloads packages to the directory $work.
download() {
	say "fetching ${*//=*/}"
	mkdir "$work"
	"$SCRIPTS/kernel/apt.sh" "$suite" download "$work" "$@"
}

# fetch_image: Unpacks the image and the configuration of the kernel. fetch_image does not
# unpack the rest of the package, because most of its 70 MB are modules that the guest
# does not load.
fetch_image() {
	download "$wanted"
	dpkg-deb --fsys-tarfile "$work"/*.deb >"$work/tar"
	tar -x -C "$dir" -f "$work/tar" --wildcards './boot/vmlinuz-*' \
		'./boot/config-*'
}

# fetch_headers FINAL: Unpacks the package of the kernel headers, and the packages on
# which this package depends. The Makefile of the headers contains /usr/src/, the path at
# which apt would install the headers. fetch_headers changes /usr/src/ to the path below
# FINAL.
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

# unpack_source PATTERN...: Unpacks the files of the kernel source that match a PATTERN,
# or all files if there is no PATTERN.
unpack_source() {
	need "${NEED_SOURCE[@]}"
	download "$wanted"
	say "unpacking $package"
	dpkg-deb --fsys-tarfile "$work"/*.deb >"$work/tar"
	tar -x -C "$work" -f "$work/tar" "./usr/src/$package.tar.xz"
	tar -xJ -C "$dir" -f "$work/usr/src/$package.tar.xz" \
		--strip-components=1 --wildcards "$@"
}

# unpack_files: Unpacks the files of the kernel source that files.sh lists for $kind. A "*"
# in the patterns stands for the top directory of the package, and does not match other
# directories, because tools/ has files of the same names.
unpack_files() {
	local files

	files=$("$SCRIPTS/kernel/files.sh" "$kind")
	mapfile -t files <<<"$files"
	unpack_source --no-wildcards-match-slash "${files[@]/#/*/}"
}

# fetch_herd: Unpacks herd7, the models that are a part of herd7, and the libraries of the
# suite that herd7 needs. These libraries can be newer than the libraries of this machine.
# fetch_herd does not unpack the rest of the package, because the rest takes 200 MB.
fetch_herd() {
	local deb more

	more=$(depends "$package" '.*')
	# shellcheck disable=SC2086 # a list of names
	download "$wanted" $more
	dpkg-deb --fsys-tarfile "$work/$package"_*.deb >"$work/tar"
	tar -x -C "$dir" -f "$work/tar" ./usr/bin/herd7 ./usr/share/herdtools7/herd
	for deb in "$work"/lib*.deb; do
		dpkg-deb --fsys-tarfile "$deb" >"$work/tar"
		tar -x -C "$dir" -f "$work/tar" --wildcards --no-wildcards-match-slash \
			'./usr/lib/*/*.so*'
	done
	quietly "$SCRIPTS/litmus/herd.sh" -d "$dir" -version
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
quick | litmus)	unpack_files ;;
herd)		fetch_herd ;;
tree)		unpack_source ;;
*)		die "$kind: expected image, headers, source, tools, quick, litmus, herd or tree" ;;
esac
rm -r "$work"
