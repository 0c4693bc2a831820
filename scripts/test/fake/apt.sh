#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Fake apt-get, apt-cache and dpkg-deb.
#
# apt.sh finds the packages in WORLD, the directory of the test (see world.sh). The
# packages are WORLD/archive/NAME_VERSION.deb, which are tar files. Each line of
# WORLD/archive/index has the name of a package, the newest version of the package, and
# its dependencies. The fake programs find packages only after "apt-get update".

# shellcheck source=test/fake/recording.sh
. "${0%/*/*}/repo/scripts/test/fake/recording.sh"

# look_up NAME: Sets the variable version and the array depends from the line of package
# NAME in WORLD/archive/index. look_up sets the variable version to the empty string if
# the index has no package NAME.
look_up() {
	local name rest

	version=
	[ -e "$world/lists" ] || return 0
	while read -r name version rest; do
		read -ra depends <<<"$rest"
		[ "$name" != "$1" ] || return 0
	done <"$world/archive/index"
	version=
}

policy() {
	look_up "$1"
	[ -z "$version" ] || printf '%s\n' "$1:" "  Installed: (none)" \
		"  Candidate: $version" "  Version table:"
}

depends() {
	look_up "$1"
	[ -n "$version" ] || fail "no packages found"
	printf '%s\n' "$1" "${depends[@]/#/  Depends: }"
}

download() {
	local package

	for package; do
		look_up "${package%%=*}"
		cp "$world/archive/${package%%=*}_$version.deb" .
	done
}

# install PACKAGE...: Makes the programs and files of each PACKAGE. Each program that
# install() makes is a link to WORLD/front/front, see front.c.
install() {
	local package

	[ -z "${APT_CONFIG:-}" ] || fail "installing from another suite"
	[ -e "$world/lists" ] || fail "Unable to locate package $*"
	for package; do
		case $package in
		libc6-dev)	put "$world/root/usr/lib/x/libc.a" "" ;;
		libelf-dev)	put "$world/root/usr/include/libelf.h" "" ;;
		libssl-dev)	put "$world/root/usr/include/openssl/ssl.h" "" ;;
		qemu-system-x86) ln -sf front "$world/front/qemu-system-x86_64" ;;
		*)		[ -e "$world/front/$package" ] ||
					ln -s front "$world/front/$package" ;;
		esac
	done
}

apt_get() {
	local words=()

	while [ $# != 0 ]; do
		case $1 in
		-o)		shift ;;
		--format)	shift ;;
		-*)		;;
		*)		words+=("$1") ;;
		esac
		shift
	done
	case ${words[0]} in
	indextargets)	[ ! -e "$world/lists" ] ||
				echo "bookworm http://deb.example/debian Debian" ;;
	update)		: >"$world/lists" ;;
	install)	install "${words[@]:1}" ;;
	download)	download "${words[@]:1}" ;;
	*)		fail "the fake program does not support ${words[*]}" ;;
	esac
}

case "$program $1" in
"apt-get "*)			apt_get "$@" ;;
"apt-cache policy")		policy "$2" ;;
"apt-cache depends")		depends "$2" ;;
"dpkg-deb --fsys-tarfile")	cat "$2" ;;
"dpkg-deb -x")			tar -x -C "$3" -f "$2" ;;
*)				fail "the fake program does not support $*" ;;
esac
