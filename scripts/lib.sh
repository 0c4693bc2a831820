# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2016
#
# What all scripts share. Sourced.
#
# A step that fails must end the run. Bash switches errexit off in every function
# that a condition calls, and in all that this function calls. Three rules follow,
# and scripts/lint/lint.sh checks them:
#
#	A function that a condition calls is one command, or each of its commands
#	ends in "|| return".
#	quietly, once, step and batch, which test a status, get a process:
#	another script or a program, never a function.
#	The output of a command is read from a variable, which keeps the status
#	of the command, and not from "< <(command)", which drops it.

set -Eeuo pipefail
shopt -s inherit_errexit

# What is parsed must not be translated.
export LC_ALL=C

SCRIPTS=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
TOP=${SCRIPTS%/*}
. "$SCRIPTS/errors.sh"
SELFTEST=$TOP/tools/testing/selftests/mmun
CACHE=${MMUN_CACHE:-${XDG_CACHE_HOME:-${HOME:-/var/tmp}/.cache}/test_mmun}
V=${V:-0}

# The suite that is run: ours, or the kernel's own hmm-tests to compare with.
SUITE=${SUITE:-mmun}

# The sources of the driver, relative to the top: what Kbuild and test_mmun.c name.
MODULE_SOURCES=(Kbuild test_mmun.c test_mmun_compat.h test_mmun_uapi.h mmun)

# The sources of mmun_floor, the module of the benchmark, likewise.
FLOOR_SOURCES=(tools/testing/selftests/mmun/floor/{Makefile,mmun_floor.{c,h}})

# Words for the make of a kernel: coverage is of these files alone. They have no
# effect if the configuration does not ask for coverage.
GCOV=(GCOV_PROFILE_mmu_notifier.o=y GCOV_PROFILE_hmm.o=y)

# The compiler that the user chose, for the make of a kernel, a module or the tests.
COMPILER_WORDS=(${LLVM:+"LLVM=$LLVM"} ${CC:+"CC=$CC"})

# The variables that make was called with are not for the make of a kernel.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES

say() {
	echo "  $*" >&2
}

# quietly PROCESS...: its output is shown when it fails, or with V=1.
quietly() {
	local log='' status=0

	if [ "$V" = 1 ]; then
		"$@" >&2 || status=$?
	else
		log=$("$@" 2>&1) || status=$?
	fi
	[ "$status" = 0 ] ||
		printf '%s\n' "failed: $*. Run it again; V=1 shows more" ${log:+"$log"} >&2
	return "$status"
}

# lock FILE: one process at a time; held until the calling process ends.
lock() {
	local fd

	exec {fd}>"$1"
	flock "$fd"
}

# once DIR PROCESS...: DIR appears whole or not at all. "PROCESS... TEMPORARY"
# fills a directory that is renamed to DIR if PROCESS returned 0.
once() {
	[ -d "$1" ] || "$SCRIPTS/kernel/once.sh" "$@"
}

# value KEY FILE: prints the text after "KEY=" in FILE, or nothing if no line has it.
value() {
	local line

	while IFS= read -r line; do
		[[ $line != "$1="* ]] || printf '%s\n' "${line#*=}"
	done <"$2"
}

# has_line FILE LINE: is it a whole line of FILE?
has_line() {
	[[ $'\n'$(<"$1")$'\n' == *$'\n'"$2"$'\n'* ]]
}

# is_uml CONFIG: is the kernel of this configuration User-Mode Linux, a program?
is_uml() {
	has_line "$1" CONFIG_UML=y
}

# has_key FILE KEY: does FILE contain KEY? Then what was built beside FILE is up to
# date.
has_key() {
	[ -e "$1" ] && [ "$(<"$1")" = "$2" ]
}

# sum: the hash of the standard input.
sum() {
	local hash

	hash=$(sha256sum)
	echo "${hash:0:16}"
}

# contents PATH...: the name and the hash of each file, also below directories.
# A link counts as what it points to.
contents() {
	find -L "$@" -type f ! -name '.*' -print0 | sort -z | xargs -0 sha256sum
}

# resolve NAME [module]: sets out to the directory of that kernel and suite, where
# the parts of the kernel stand in out/kernel. With "module", which has less parts,
# the directory is another one.
resolve() {
	local parts

	parts=$("$SCRIPTS/kernel/resolve.sh" "$@")
	out=$(value name /dev/stdin <<<"$parts")
	out=$TOP/build/$out
	[ "$SUITE" = mmun ] || out+=-$SUITE
	[ -z "${2:-}" ] || out+=-$2
	[ -d "$out" ] || mkdir -p "$out"
	# Half of a file, which a run that was killed leaves, is not this key.
	has_key "$out/kernel" "$parts" || printf '%s\n' "$parts" >"$out/kernel"
}

# find_modules: sets modules to the files of the modules of the suite, below OUT, in the
# order in which PID 1 loads them. The first is the driver.
find_modules() {
	modules=("module/test_$SUITE.ko")
	[ "$SUITE" != mmun ] || modules+=(floor/mmun_floor.ko)
}

# kernel_row NAME: sets package, suite and fragments to that row of the table;
# false if there is none.
kernel_row() {
	local name _

	while read -r name package suite fragments _; do
		[ "$name" != "$1" ] || return 0
	done <"$SCRIPTS/kernel/table"
	return 1
}
