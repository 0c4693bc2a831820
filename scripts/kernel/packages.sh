# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154
#
# What is asked of apt, and the commands and files that a step needs. apt.sh
# changes things, this file does not. Sourced after lib.sh.

# What the steps need: commands, and patterns of absolute paths.
{
	NEED_MODULE=(make gcc '/usr/lib/*/libelf.so.1' '/usr/lib/*/libssl.so.3')
	NEED_TESTS=(make gcc '/usr/lib/*/libc.a')
	NEED_SOURCE=(xz)
	NEED_KERNEL=(make gcc flex bison bc perl xz '/usr/include/libelf.h'
		'/usr/include/openssl/ssl.h')
	NEED_CHECK=(git perl python3 script sparse shellcheck
		clang-format)
	NEED_DOCS=(sphinx-build)
}

# Sets compiler to the tools that CC and LLVM name, see Documentation/kbuild/llvm.rst
# of the kernel for the forms of LLVM. A path ends in "/", a version begins with "-".
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

# What a command or a file that is missing is called in the distribution.
package_of() {
	case $1 in
	qemu-system-x86_64)	echo qemu-system-x86 ;;
	xz)			echo xz-utils ;;
	gnuplot)		echo gnuplot-nox ;;
	script)			echo bsdutils ;;
	sphinx-build)		echo python3-sphinx ;;
	ld.lld*)		echo "lld${1#ld.lld}" ;;
	llvm-nm*)		echo "llvm${1#llvm-nm}" ;;
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

# missing THING...: the packages of those that are not there, a line each.
missing() {
	local thing packages=''

	for thing; do
		is_there "$thing" || packages+=$(package_of "$thing")$'\n'
	done
	sort -u <<<"${packages%$'\n'}"
}

# need THING...: install what is missing, from the machine's own suites.
need() {
	local packages

	packages=$(missing "$@")
	[ -n "$packages" ] || return 0
	# shellcheck disable=SC2086 # a list of names
	"$SCRIPTS/kernel/apt.sh" - install $packages
	packages=$(missing "$@")
	[ -z "$packages" ] ||
		die "${packages//$'\n'/ }: installed, and still not found in PATH=$PATH"
}

# need_for KERNELS [THING...]: what it takes to build these kernels, the module and
# the tests, and to run them, and more: all that is missing is found at once.
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

# apt_lists: what apt has lists of, a line each: code name, address and origin.
apt_lists() {
	# shellcheck disable=SC2016 # apt expands it
	apt-get indextargets --format '$(CODENAME) $(REPO_URI) $(ORIGIN)' \
		'Created-By: Packages'
}

# use_suite SUITE: what follows asks the lists of that suite. "-" is the machine's
# own, and all that need() installs is from there.
use_suite() {
	suite=$1
	asked=()
	[ "$suite" != - ] || return 0
	"$SCRIPTS/kernel/apt.sh" "$suite" prepare
	asked=(env "APT_CONFIG=$CACHE/apt/$suite/apt.conf")
}

# newest PACKAGE: the version that apt would take, or nothing.
newest() {
	local about key value _

	about=$("${asked[@]}" apt-cache policy "$1")
	while read -r key value _; do
		[ "$key" != Candidate: ] || [ "$value" = "(none)" ] || echo "$value"
	done <<<"$about"
}

# depends PACKAGE PATTERN: what of its dependencies matches, a line each.
depends() {
	local about key value _

	about=$("${asked[@]}" apt-cache depends "$1")
	while read -r key value _; do
		[[ $key != Depends: || ! $value =~ ^($2)$ ]] || echo "$value"
	done <<<"$about"
}

# refresh: update the lists, unless that was done a moment ago. What is fetched is
# the newest version, and an old list names one that is no longer there.
refresh() {
	"$SCRIPTS/kernel/apt.sh" "$suite" refresh
}

# know PACKAGE: make sure that the lists of apt name it. Sets version to the newest.
know() {
	version=$(newest "$1")
	[ -z "$version" ] || return 0
	"$SCRIPTS/kernel/apt.sh" "$suite" update
	version=$(newest "$1")
	[ -n "$version" ] || die "apt knows no package $1 in suite $suite"
}
