#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Print the compiler that CC and LLVM select, and the version of this compiler. The key of
# each build depends on the output of compiler.sh, so that another compiler causes a new
# build.
#
# usage: compiler.sh [-s] [DEFAULT]
#
# If neither CC nor LLVM is set, compiler.sh prints the compiler DEFAULT [gcc]. With the
# option -s, compiler.sh also prints the version of the linker and the hash of the C
# library. Builds of statically linked programs use the option -s.

. "${0%/*}/../lib.sh"

static=
if [ "${1:-}" = -s ]; then
	static=1
	shift
fi
case ${CC:+cc}${LLVM:+llvm} in
cc*)	words=$CC ;;
llvm)
	case $LLVM in
	*/)	words=${LLVM}clang ;;
	-*)	words=clang$LLVM ;;
	*)	words=clang ;;
	esac ;;
*)	words=${1:-gcc} ;;
esac
read -ra command <<<"$words"
echo "CC=${CC:-} LLVM=${LLVM:-} ${command[*]}"
"${command[@]}" --version
if [ -n "$static" ]; then
	ld --version
	sha256sum /usr/lib/*/libc.a
fi
