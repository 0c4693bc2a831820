# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154
#
# Functions that query apt, and lists of the commands and files that each step of the
# runner needs. packages.sh calls apt.sh for each operation that changes the machine or
# the cache. A script sources packages.sh after lib.sh.

# Each element of the arrays NEED_* is the name of a command, or a glob that matches an
# absolute path.
{
	NEED_MODULE=(make gcc '/usr/lib/*/libelf.so.1' '/usr/lib/*/libssl.so.3')
	NEED_TESTS=(make gcc '/usr/lib/*/libc.a')
	NEED_QUICK=(make '/usr/include/stdio.h')
	NEED_SOURCE=(xz)
	NEED_KERNEL=(make gcc flex bison bc perl xz '/usr/include/libelf.h'
		'/usr/include/openssl/ssl.h')
	NEED_CHECK=(git perl python3 patch script sparse shellcheck
		clang-format lcov)
	NEED_DOCS=(sphinx-build)
}

# find_compiler: Sets the array compiler to the tools that CC and LLVM select. LLVM has
# one of the three forms in Documentation/kbuild/llvm.rst of the kernel: 1, a path that
# ends in "/", or a version that begins with "-".
find_compiler() {
	local tool

	compiler=(${CC:+"${CC%% *}"})
	[ -n "${LLVM:-}" ] || return 0
	for tool in clang ld.lld llvm-nm; do
		case $LLVM in
		*/)	compiler+=("$LLVM$tool") ;;
		-*)	compiler+=("$tool$LLVM") ;;
		*)	compiler+=("$tool") ;;
		esac
	done
}

# package_of THING: Prints the name of the Debian package that contains THING. THING is
# the name of a command, or a glob that matches an absolute path.
package_of() {
	case $1 in
	qemu-system-x86_64)	echo qemu-system-x86 ;;
	xz)			echo xz-utils ;;
	gnuplot)		echo gnuplot-nox ;;
	script)			echo bsdutils ;;
	sphinx-build)		echo python3-sphinx ;;
	ld.lld*)		echo "lld${1#ld.lld}" ;;
	llvm-nm*)		echo "llvm${1#llvm-nm}" ;;
	/*/libc.a | /*/stdio.h)	echo libc6-dev ;;
	/*/libelf.so.1)		echo libelf1 ;;
	/*/libssl.so.3)		echo libssl3 ;;
	/*/libelf.h)		echo libelf-dev ;;
	/*/openssl/ssl.h)	echo libssl-dev ;;
	*)			echo "$1" ;;
	esac
}

# is_installed THING: Returns 0 if the command THING exists, or if a file matches the glob
# THING.
is_installed() {
	case $1 in
	/*)	compgen -G "$1" >/dev/null ;;
	*)	command -v "$1" >/dev/null ;;
	esac
}

# missing_packages THING...: Prints the package of each THING that is missing, one package
# per line.
missing_packages() {
	local thing packages=''

	for thing; do
		is_installed "$thing" || packages+=$(package_of "$thing")$'\n'
	done
	sort -u <<<"${packages%$'\n'}"
}

# need THING...: Installs the package of each THING that is missing.
need() {
	local packages

	packages=$(missing_packages "$@")
	[ -n "$packages" ] || return 0
	# shellcheck disable=SC2086 # a list of names
	"$SCRIPTS/kernel/apt.sh" - install $packages
	packages=$(missing_packages "$@")
	[ -z "$packages" ] ||
		die "${packages//$'\n'/ }: installed, but the files are still missing in PATH=$PATH"
}

# need_for KERNELS [THING...]: Installs the missing packages for building KERNELS, the
# modules and the tests, for running the guest, and for each THING. A run calls need_for
# only one time, so that one message names all missing packages.
need_for() {
	local things=("${NEED_MODULE[@]}" "${NEED_TESTS[@]}" "${NEED_SOURCE[@]}"
		"${@:2}") kernel

	for kernel in $1; do
		kernel_row "$kernel" || fragments=-
		[ "$fragments" = - ] || things+=("${NEED_KERNEL[@]}")
		[[ ,$fragments, = *,uml,* ]] || things+=("$QEMU")
	done
	find_compiler
	need "${things[@]}" "${compiler[@]}"
}

# apt_lists: Prints one line for each package list of apt, with the code name of the
# suite, the address of the server, and the origin, such as Debian.
apt_lists() {
	# shellcheck disable=SC2016 # apt expands it
	apt-get indextargets --format '$(CODENAME) $(REPO_URI) $(ORIGIN)' \
		'Created-By: Packages'
}

# use_suite SUITE: Selects the suite that newest_version, depends, refresh and
# find_version use. The SUITE "-" stands for the configuration of apt on this machine. The
# function need() always uses the SUITE "-".
use_suite() {
	suite=$1
	apt_env=()
	[ "$suite" != - ] || return 0
	"$SCRIPTS/kernel/apt.sh" "$suite" prepare
	apt_env=(env "APT_CONFIG=$CACHE/apt/$suite/apt.conf")
}

# newest_version PACKAGE: Prints the version of PACKAGE that apt would install.
# newest_version prints nothing if apt does not have PACKAGE.
newest_version() {
	local about key value _

	about=$("${apt_env[@]}" apt-cache policy "$1")
	while read -r key value _; do
		[ "$key" != Candidate: ] || [ "$value" = "(none)" ] || echo "$value"
	done <<<"$about"
}

# depends PACKAGE PATTERN: Prints the dependencies of PACKAGE that match the extended
# regular expression PATTERN, one per line.
depends() {
	local about key value _

	about=$("${apt_env[@]}" apt-cache depends "$1")
	while read -r key value _; do
		[[ $key != Depends: || ! $value =~ ^($2)$ ]] || echo "$value"
	done <<<"$about"
}

# refresh: Updates the package lists of $suite if the lists are old, because an old list
# may name versions that the mirror no longer has.
refresh() {
	"$SCRIPTS/kernel/apt.sh" "$suite" refresh
}

# find_version PACKAGE: Sets the variable version to the newest version of PACKAGE.
# find_version updates the package lists if the lists do not have PACKAGE.
find_version() {
	version=$(newest_version "$1")
	[ -z "$version" ] || return 0
	"$SCRIPTS/kernel/apt.sh" "$suite" update
	version=$(newest_version "$1")
	[ -n "$version" ] || die "apt has no package $1 in suite $suite"
}
