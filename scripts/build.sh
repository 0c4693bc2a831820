#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Step 2: build the module and the selftest for one kernel.
#
# usage: build.sh module|tests OUT
#
# OUT/kernel is what kernel.sh printed. Makes OUT/module/test_mmun.ko, or
# OUT/tests/* and their names in OUT/programs; with PROGRAM in the environment
# that one alone. MODULE_TREE is where the sources of the module are, MODULE_FLAGS
# are more words for make.
#
# Both directories are keyed by what goes into them. If a key changed the directory
# is made anew; if not, make decides by time what is out of date.

. "${0%/*}/lib.sh"
. "$SCRIPTS/packages.sh"

[ "$SUITE" = mmun ] || exec "$SCRIPTS/build-$SUITE.sh" "$@"
out=$2
kernel=$out/kernel
kdir=$(value kdir "$kernel")
source=$(value source "$kernel")

# start_anew DIR KEY: an empty DIR, unless it was made from what KEY stands for. A
# make that was killed may have left half of a file, which is newer than its source.
start_anew() {
	if [ -e "$1/.unfinished" ] || ! has_key "$1/.key" "$2"; then
		rm -rf "$1"
		mkdir -p "$1"
		echo "$2" >"$1/.key"
	fi
}

# make_in DIR WORD...: make, which fills DIR.
make_in() {
	local status=0

	: >"$1/.unfinished"
	quietly make "${@:2}" || status=$?
	rm "$1/.unfinished"
	return "$status"
}

# Sets cc to the compiler of the kernel: the headers of Debian name a version, and a
# kernel that clang built needs clang for its modules.
choose_compiler() {
	local found=''

	cc=gcc
	[ -z "${CC:-}${LLVM:-}" ] || return 0
	if has_line "$kdir/.config" CONFIG_CC_IS_CLANG=y; then
		export LLVM=1
		COMPILER_WORDS=(LLVM=1)
	elif [ -e "$kdir/.kernelvariables" ]; then
		found=$(awk 'match($0, /gcc-[0-9]+/) && !n++ {
			print substr($0, RSTART, RLENGTH) }' "$kdir/.kernelvariables")
		cc=${found:-gcc}
	fi
}

# The module is built from links, so that nothing is left in the work tree and
# kernels do not get into the way of each other.
link_module() {
	ln -sfn -t "$out/module" "${MODULE_SOURCES[@]/#/${MODULE_TREE:-$TOP}/}"
}

module_key() {
	{
		echo "$kdir ${flags[*]}"
		"$SCRIPTS/compiler.sh" "$cc"
		cat "$kdir"/{.config,Module.symvers}
		cd "${MODULE_TREE:-$TOP}"
		contents "${MODULE_SOURCES[@]}"
	} | sum
}

build_module() {
	local flags key

	[ -e "$kdir/Module.symvers" ] ||
		die "$kdir has no Module.symvers: run make there, modules and all"
	read -ra flags <<<"${MODULE_FLAGS:-}"
	! is_uml "$kdir/.config" || flags+=(ARCH=um)
	# A kernel that counts what it runs counts the module, too.
	! has_line "$kdir/.config" CONFIG_GCOV_KERNEL=y ||
		flags+=(GCOV_PROFILE_test_mmun.o=y)
	key=$(module_key)
	start_anew "$out/module" "$key"
	link_module
	[ -e "$out/module/test_mmun.ko" ] ||
		say "building the module for $(value release "$kernel")"
	make_in "$out/module" -C "$kdir" M="$out/module" V="$V" "${COMPILER_WORDS[@]}" \
		"${flags[@]}" modules
}

# The Makefile of the selftest includes ../lib.mk, as in a kernel tree.
place_kselftest() {
	local file to

	for file in "${harness[@]}"; do
		to=$TOP/tools/testing/selftests/${file##*/}
		[[ -e $to && $(<"$file") = "$(<"$to")" ]] || cp -p "$file" "$to"
	done
}

tests_key() {
	{
		echo "$source ${words[*]}"
		"$SCRIPTS/compiler.sh" -s
		contents "${harness[@]}" "$SELFTEST/Makefile"
	} | sum
}

# changed_sources FILE: words for make that name each source whose hash is not in
# FILE, because a source that changed may have an older time.
changed_sources() {
	local line old=''

	[ ! -e "$1" ] || old=$(<"$1")
	while read -r line; do
		[[ $'\n'$old$'\n' == *$'\n'"$line"$'\n'* ]] ||
			printf -- '-W %s ' "${line##* }"
	done <<<"$sources"
}

build_tests() {
	local target=${PROGRAM:-all} key sources changed list

	target=${target%% *}
	key=$(tests_key)
	start_anew "$out/tests" "$key"
	sources=$(cd "$SELFTEST" && sha256sum -- *.[ch] ../../../../test_mmun_uapi.h)
	changed=$(changed_sources "$out/tests/.sources-$target")
	[ -z "$changed" ] || say "building the tests"
	[ "$target" = all ] || target=$out/tests/$target
	# shellcheck disable=SC2086 # a list of words
	make_in "$out/tests" "${words[@]}" $changed "$target"
	list=$(make "${words[@]}" COLLECTION=mmun emit_tests)
	printf '%s\n' "${list//mmun:/}" >"$out/programs"
	printf '%s\n' "$sources" >"$out/tests/.sources-${target##*/}"
}

case $1 in
module)
	choose_compiler
	find_compiler
	need "${NEED_MODULE[@]}" "$cc" "${compiler[@]}"
	mkdir -p "$out"
	lock "$out/module.lock"
	build_module
	;;
tests)
	need "${NEED_TESTS[@]}"
	mkdir -p "$out"
	lock "$TOP/build/lock"
	harness=("$source"/tools/testing/selftests/{lib.mk,kselftest*.h})
	words=(-s --no-print-directory -C "$SELFTEST" OUTPUT="$out/tests"
		"${COMPILER_WORDS[@]}" USERLDFLAGS=-static
		USERCFLAGS="-I$source/lib")
	place_kselftest
	build_tests
	;;
*)	die "$1: module or tests" ;;
esac
