# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2016
#
# Variables and functions that all scripts share. To be sourced.
#
# A step that fails must end the run. Bash switches errexit off in every function
# that a condition calls, and in every function that this function calls. Therefore
# there are three rules, which scripts/lint/lint.sh checks:
#
#	A function that a condition calls is one command, or each of its commands
#	ends in "|| return".
#	quietly, once, step and batch test a status. Their argument is a script
#	or a program, never a function.
#	A script assigns the output of a command to a variable, because the
#	assignment has the status of the command. "< <(command)" loses the status.

set -Eeuo pipefail
shopt -s inherit_errexit

# Scripts parse the output of commands, so the output must not be translated.
export LC_ALL=C

SCRIPTS=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
TOP=${SCRIPTS%/*}
. "$SCRIPTS/errors.sh"
SELFTEST=$TOP/tools/testing/selftests/mmun
CACHE=${MMUN_CACHE:-${XDG_CACHE_HOME:-${HOME:-/var/tmp}/.cache}/test_mmun}
V=${V:-0}

# The suite to run: mmun, or hmm for the hmm-tests of the kernel, to compare with.
SUITE=${SUITE:-mmun}

# The sources of the driver, relative to TOP. Kbuild and test_mmun.c name them.
MODULE_SOURCES=(Kbuild test_mmun.c test_mmun_compat.h test_mmun_uapi.h mmun)

# The sources of mmun_floor, the module of the benchmark, relative to TOP.
FLOOR_SOURCES=(tools/testing/selftests/mmun/floor/{Makefile,mmun_floor.{c,h}})

# Arguments for make in a kernel: only these files are compiled for coverage. The
# arguments have no effect if the configuration does not enable coverage.
GCOV=(GCOV_PROFILE_mmu_notifier.o=y GCOV_PROFILE_hmm.o=y)

# Arguments for make in a kernel, a module or the tests: the compiler of the user.
COMPILER_WORDS=(${LLVM:+"LLVM=$LLVM"} ${CC:+"CC=$CC"})

# The make of a kernel must not inherit the variables of the make that runs this.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES

# say TEXT...: Prints TEXT as a line of progress on stderr.
say() {
	echo "  $*" >&2
}

# quietly PROCESS...: Runs PROCESS. Prints its output if it fails, or with V=1.
quietly() {
	local log='' status=0

	if [ "$V" = 1 ]; then
		"$@" >&2 || status=$?
	else
		log=$("$@" 2>&1) || status=$?
	fi
	[ "$status" = 0 ] ||
		printf '%s\n' "failed: $*. Run it again with V=1 for more output" \
			${log:+"$log"} >&2
	return "$status"
}

# lock FILE: Waits for the lock FILE and holds it until the calling process ends.
lock() {
	local fd

	exec {fd}>"$1"
	flock "$fd"
}

# once DIR PROCESS...: Makes DIR, unless it exists. "PROCESS... TEMPORARY" fills a
# temporary directory, which is renamed to DIR if PROCESS returned 0. So DIR is
# complete whenever it exists.
once() {
	[ -d "$1" ] || "$SCRIPTS/kernel/once.sh" "$@"
}

# value KEY FILE: Prints the text after "KEY=" in FILE. Prints nothing if there is no
# such line.
value() {
	local line

	while IFS= read -r line; do
		[[ $line != "$1="* ]] || printf '%s\n' "${line#*=}"
	done <"$2"
}

# has_line FILE LINE: Returns 0 if FILE contains a line that equals LINE.
has_line() {
	[[ $'\n'$(<"$1")$'\n' == *$'\n'"$2"$'\n'* ]]
}

# is_uml CONFIG: Returns 0 if CONFIG is the configuration of User-Mode Linux.
is_uml() {
	has_line "$1" CONFIG_UML=y
}

# has_key FILE KEY: Returns 0 if FILE contains KEY. Then the files that were built
# beside FILE are up to date.
has_key() {
	[ -e "$1" ] && [ "$(<"$1")" = "$2" ]
}

# sum: Prints the hash of stdin.
sum() {
	local hash

	hash=$(sha256sum)
	echo "${hash:0:16}"
}

# file_hashes PATH...: Prints the hash and the name of each file, also of the files below
# directories, except hidden files. Follows symbolic links.
file_hashes() {
	find -L "$@" -type f ! -name '.*' -print0 | sort -z | xargs -0 sha256sum
}

# resolve NAME [module|tools]: Finds or builds the parts of kernel NAME, see
# kernel/resolve.sh. Sets out to the directory of this kernel and suite, and writes
# the parts to out/kernel. "module" and "tools" have fewer parts, and therefore
# another directory.
resolve() {
	local parts

	parts=$("$SCRIPTS/kernel/resolve.sh" "$@")
	out=$(value name /dev/stdin <<<"$parts")
	out=$TOP/build/$out
	[ "$SUITE" = mmun ] || out+=-$SUITE
	[ -z "${2:-}" ] || out+=-$2
	[ -d "$out" ] || mkdir -p "$out"
	# A run that was killed may leave half of the file. It is written again.
	has_key "$out/kernel" "$parts" || printf '%s\n' "$parts" >"$out/kernel"
}

# find_modules: Sets modules to the files of the modules of the suite, relative to out,
# in the order in which PID 1 loads them. The first is the driver.
find_modules() {
	modules=("module/test_$SUITE.ko")
	[ "$SUITE" != mmun ] || modules+=(floor/mmun_floor.ko)
}

# kernel_row NAME: Sets package, suite and fragments from row NAME of kernel/table.
# Returns 1 if there is no such row.
kernel_row() {
	local name _

	while read -r name package suite fragments _; do
		[ "$name" != "$1" ] || return 0
	done <"$SCRIPTS/kernel/table"
	return 1
}
