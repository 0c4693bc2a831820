#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Print the compiler that CC and LLVM select, and its version. The output is a part of
# the key of each build.
#
# usage: compiler.sh [-s] [DEFAULT]
#
# DEFAULT is the compiler if neither CC nor LLVM is set [gcc]. With -s the script also
# prints the version of the linker and the hash of the C library, for programs that are
# linked statically.

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
