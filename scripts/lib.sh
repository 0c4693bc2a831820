# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2016
#
# Variables and functions that all scripts share. The scripts source lib.sh.
#
# A command that fails must end the script. Therefore the scripts set errexit, an option
# of bash. But if a condition, such as the condition of "if", calls a function, bash
# switches errexit off in this function and in all functions that this function calls. To
# keep errexit, the scripts must follow three rules, which scripts/lint/lint.sh checks:
#
#	A function that a condition calls is one command, or each command of the
#	function ends in "|| return".
#	The functions quietly, once, step and batch test a status. The argument of
#	quietly, once, step and batch is a script or a program, never a function.
#	A script assigns the output of a command to a variable, because the
#	assignment has the status of the command. The form "< <(command)" would lose
#	the status of the command.

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

# SUITE is the suite to run: "mmun", or "hmm" for the hmm-tests of the kernel, with which
# the tests of mmun are compared.
SUITE=${SUITE:-mmun}

# The sources of the driver test_mmun, relative to TOP. Kbuild and test_mmun.c contain the
# names of the files in mmun/.
MODULE_SOURCES=(Kbuild test_mmun.c test_mmun_compat.h test_mmun_uapi.h mmun)

# The sources of mmun_floor, the module of the benchmark, relative to TOP.
FLOOR_SOURCES=(tools/testing/selftests/mmun/floor/{Makefile,mmun_floor.{c,h}})

# The sources of mmun_core, the module of core_test, relative to TOP.
CORE_SOURCES=("$SELFTEST"/core/{Makefile,*.[ch]})
CORE_SOURCES=("${CORE_SOURCES[@]#"$TOP"/}")

# The sources of mmun_list, the second driver, relative to TOP.
LIST_SOURCES=("$SELFTEST"/list/{Makefile,*.[ch]})
LIST_SOURCES=("${LIST_SOURCES[@]#"$TOP"/}")

# GCOV has arguments for make in a kernel tree. With these arguments, make compiles only
# mmu_notifier.c and hmm.c for coverage. The arguments in GCOV have no effect if the
# configuration of the kernel does not enable coverage.
GCOV=(GCOV_PROFILE_mmu_notifier.o=y GCOV_PROFILE_hmm.o=y)

# COMPILER_WORDS has arguments for make when make builds a kernel, a module or the tests.
# The arguments set LLVM or CC if the user has set a compiler.
COMPILER_WORDS=(${LLVM:+"LLVM=$LLVM"} ${CC:+"CC=$CC"})

# If a script runs make in a kernel tree, this make must not inherit the variables of the
# make that started the script.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES

# say TEXT...: Prints TEXT on stderr as a line that tells the user what the script does
# now.
say() {
	echo "  $*" >&2
}

# quietly PROCESS...: Runs PROCESS. quietly prints the output of PROCESS only if PROCESS
# fails or the variable V is 1.
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

# lock FILE: Waits until no other process holds the lock FILE. Then the calling process
# holds the lock until the calling process ends.
lock() {
	local fd

	exec {fd}>"$1"
	flock "$fd"
}

# once DIR PROCESS...: Makes the directory DIR, unless DIR exists. PROCESS fills a
# temporary directory, whose path is the last argument of PROCESS. If PROCESS returned 0,
# "once" renames the temporary directory to DIR. Because of the renaming, a directory DIR
# that exists is always complete.
once() {
	[ -d "$1" ] || "$SCRIPTS/kernel/once.sh" "$@"
}

# value KEY FILE: Prints the text after "KEY=" in each line of FILE that starts with
# "KEY=".
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

# has_key FILE KEY: Returns 0 if FILE contains KEY. The files that were built together
# with FILE are then up to date. A key is a text that changes when an input of a build
# changes. Each build writes its key to a file.
has_key() {
	[ -e "$1" ] && [ "$(<"$1")" = "$2" ]
}

# sum: Prints the first 16 digits of the SHA-256 hash of stdin.
sum() {
	local hash

	hash=$(sha256sum)
	echo "${hash:0:16}"
}

# file_hashes PATH...: Prints the SHA-256 hash and the name of each file PATH and of each
# file below a directory PATH, except hidden files. file_hashes follows symbolic links.
file_hashes() {
	find -L "$@" -type f ! -name '.*' -print0 | sort -z | xargs -0 sha256sum
}

# resolve NAME [module|tools]: Finds or builds the parts of kernel NAME. The parts of a
# kernel are the paths of its image, headers, configuration and source, see
# kernel/resolve.sh. resolve sets the variable "out" to the directory of this kernel and
# suite, and writes the parts to the file $out/kernel. "resolve NAME module" and "resolve
# NAME tools" find only some parts of the kernel, and therefore set the variable "out" to
# another directory.
resolve() {
	local parts

	parts=$("$SCRIPTS/kernel/resolve.sh" "$@")
	out=$(value name /dev/stdin <<<"$parts")
	out=$TOP/build/$out
	[ "$SUITE" = mmun ] || out+=-$SUITE
	[ -z "${2:-}" ] || out+=-$2
	[ -d "$out" ] || mkdir -p "$out"
	# If an earlier run was killed, the file $out/kernel may be incomplete. resolve
	# then writes $out/kernel again.
	has_key "$out/kernel" "$parts" || printf '%s\n' "$parts" >"$out/kernel"
}

# find_modules: Sets the array modules to the paths of the modules of the suite, relative
# to the directory $out. PID 1 of the guest loads the modules in the order of this array.
# The first module in the array is the driver.
find_modules() {
	modules=("module/test_$SUITE.ko")
	[ "$SUITE" != mmun ] || modules+=(floor/mmun_floor.ko core/mmun_core.ko
		list/mmun_list.ko)
}

# kernel_row NAME: Sets the variables package, suite and fragments from row NAME of
# kernel/table. kernel_row returns 1 if kernel/table has no row NAME.
kernel_row() {
	local name _

	while read -r name package suite fragments _; do
		[ "$name" != "$1" ] || return 0
	done <"$SCRIPTS/kernel/table"
	return 1
}
