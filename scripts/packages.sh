# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Packages of the distribution: tools are installed, kernels are fetched and
# unpacked into the cache. Sourced after lib.sh.

# What a command or a file that is missing is called in the distribution.
package_of() {
	case $1 in
	qemu-system-x86_64)	echo qemu-system-x86 ;;
	xz)			echo xz-utils ;;
	gcov)			echo gcc ;;
	/*/libc.a)		echo libc6-dev ;;
	/*/libelf.so.1)		echo libelf1 ;;
	/*/libssl.so.3)		echo libssl3 ;;
	/*/libelf.h)		echo libelf-dev ;;
	/*/openssl/ssl.h)	echo libssl-dev ;;
	*)			echo "$1" ;;
	esac
}

is_there() {
	case $1 in
	/*)	compgen -G "$1" >/dev/null ;;
	*)	command -v "$1" >/dev/null ;;
	esac
}

# need THING...: commands, or patterns of absolute paths.
need() {
	local thing missing=()

	for thing; do
		is_there "$thing" || missing+=("$(package_of "$thing")")
	done
	[ ${#missing[@]} = 0 ] || locked "$CACHE/lock.apt" install "${missing[@]}"
}

install() {
	if [ "$(id -u)" != 0 ]; then
		echo "These packages are missing. As root:" >&2
		echo "    apt-get update" >&2
		echo "    apt-get install --no-install-recommends $*" >&2
		exit 2
	fi
	say "installing $*"
	update_lists
	DEBIAN_FRONTEND=noninteractive quietly apt-get -qy \
		-o DPkg::Lock::Timeout=300 \
		install --no-install-recommends "$@" </dev/null
}

# Once in a run is enough; scripts that this one starts know it too.
update_lists() {
	[ -z "${MMUN_APT_UPDATED:-}" ] || return 0
	quietly apt-get -q -o DPkg::Lock::Timeout=300 update </dev/null
	export MMUN_APT_UPDATED=1
}

# newest PACKAGE: the version that apt would take, or nothing.
newest() {
	apt-cache show --no-all-versions "$1" 2>/dev/null |
		sed -n 's/^Version: //p' | head -n 1
}

# know PACKAGE: make sure that the lists of apt name it.
know() {
	[ -z "$(newest "$1")" ] || return 0
	if [ "$(id -u)" != 0 ]; then
		die "apt does not know $1. As root: apt-get update"
	fi
	update_lists
	[ -n "$(newest "$1")" ] || die "apt does not know $1"
}

# download DIR PACKAGE...: apt checks what it fetched.
download() {
	local dir=$1

	shift
	(cd "$dir" && quietly apt-get -q download "$@" </dev/null)
}
