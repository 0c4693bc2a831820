#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A fake make, which builds a module, the tests or a kernel.
#
# The fake make builds a file again if an input of the file is newer than the file, or if
# the option -W of make names an input of the file.

# shellcheck source=test/fake/recording.sh
. "${0%/*/*}/repo/scripts/test/fake/recording.sh"

declare -A new=()
declare -A set=()
goals=()
dir=.

# read_words WORD...: Reads the arguments of make. read_words sets these variables:
#
#	dir		DIR for the arguments -C DIR
#	new[FILE]	1 for the arguments -W FILE
#	set[NAME]	VALUE for an argument NAME=VALUE
#	goals		an array of all other arguments
read_words() {
	while [ $# != 0 ]; do
		case $1 in
		-C)	dir=$2; shift ;;
		-W)	new[$2]=1; shift ;;
		-*)	;;
		*=*)	set[${1%%=*}]=${1#*=} ;;
		*)	goals+=("$1") ;;
		esac
		shift
	done
}

# is_outdated FILE INPUT...: Returns 0 if FILE must be built again because of one of the
# files INPUT.
is_outdated() {
	local file=$1 from

	shift
	[ -e "$file" ] || return 0
	for from; do
		if [ "$from" -nt "$file" ] || [ -n "${new[$from]:-}" ]; then
			return 0
		fi
	done
	return 1
}

# release: Prints the release of the kernel in the directory $dir.
release() {
	local line

	if [ -e "$dir/.kernelvariables" ]; then
		while read -r line; do
			[[ $line != *KERNELRELEASE* ]] || echo "${line##* }"
		done <"$dir/.kernelvariables"
	else
		echo "$(<"$dir/include/config/kernel.release")"
	fi
}

# make_module KIND FILE INPUT...: Builds the module FILE from all files INPUT. $call has
# the arguments of make.
make_module() {
	local sum

	is_outdated "${@:2}" || return 0
	sum=$(sum_of "${@:3}" "$dir"/{.config,Module.symvers} "$world/compiler" \
		<<<"$call")
	built "$1"
	put "$2" "vermagic=$(release) from $sum"
}

make_modules() {
	local call=$1 files to=${set[M]}

	if [ -e "$to/Kbuild" ]; then
		files=("$to"/test_mmun* "$to"/Kbuild "$to"/mmun/*.[ch])
		files=("${files[@]/*\/test_mmun.ko/$to/Kbuild}")
		make_module module "$to/test_mmun.ko" "${files[@]}"
	elif [ -e "$to/mmun_floor.c" ]; then
		make_module floor "$to/mmun_floor.ko" "$to"/{Makefile,mmun_floor.[ch]}
	elif [ -e "$to/mmun_list.h" ]; then
		make_module list "$to/mmun_list.ko" "$to"/{Makefile,*.[ch]}
	else
		make_module core "$to/mmun_core.ko" "$to"/{Makefile,*.[ch]}
	fi
}

# programs VARIABLE: Prints the value of the variable VARIABLE in the Makefile of the
# selftest, without the programs for other kinds of ranges, whose names make computes.
programs() {
	local line

	while read -r line; do
		[[ $line != "$1"* || $line = *"= \$("* ]] || echo "${line#*= }"
	done <"$dir/Makefile"
}

# make_program NAME: Builds a fake test program with the name NAME, which lists one test.
make_program() {
	local to=${set[OUTPUT]}/$1

	is_outdated "$to" "$1.c" "${common[@]}" || return 0
	built "test $1"
	made+=("$to")
	put "$to" $'#!/bin/bash\n[ -z "${MMUN_LIST:-}" ] || echo event.munmap\n'"# $1 $sum ${set[CC]:-}"
}

make_tests() {
	local name common sum names made=()

	name=$(programs 'TEST_GEN_PROGS ')
	read -ra names <<<"${name//$'\n'/ }"
	if [ "${goals[*]}" = emit_tests ]; then
		printf 'mmun:%s\n' "${names[@]}"
		return
	fi
	cd "$dir"
	dir=.
	common=({lib,model,floor,core,list}/*.h {model,stress,bench}/*.c ../lib.mk
		../kselftest*.h ../../../../test_mmun_uapi.h)
	sum=$(sum_of ./*.c "${common[@]}" "$world/compiler" <<<"${set[LLVM]:-}")
	[ "${goals[*]}" = all ] || names=("${goals[0]##*/}")
	for name in "${names[@]}"; do
		make_program "$name"
	done
	[ ${#made[@]} = 0 ] || chmod +x "${made[@]}"
}

make_kernel() {
	local build=${set[O]} sum

	case ${goals[*]} in
	tinyconfig)	put "$build/.config" "CONFIG_TINY=y" ;;
	olddefconfig)	put "$build/.config" "$(<"$build/.config")"$'\nCONFIG_MMU_NOTIFIER=y' ;;
	bzImage\ modules)
		sum=$(sum_of "$build/.config" "$dir/Makefile" "$world/compiler" \
			<<<"${set[LLVM]:-} ${set[CC]:-}")
		built kernel
		put "$build/include/config/kernel.release" "6.1.0-own"
		put "$build/Module.symvers" "0x1234 module_layout $sum"
		put "$build/vmlinux" "$sum"
		ln -sfn "$dir" "$build/source"
		put "$build/arch/x86/boot/bzImage" "release=6.1.0-own" ;;
	*)	fail "the fake make does not support ${goals[*]}" ;;
	esac
}

read_words "$@"
if [ -n "${set[M]:-}" ]; then
	make_modules "$*"
elif [ -n "${set[O]:-}" ]; then
	make_kernel
elif [ -n "${set[OUTPUT]:-}" ]; then
	make_tests
else
	fail "the fake make does not support $*"
fi
