#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Print which compiler CC and LLVM stand for, and its version: a part of the key of
# what it builds.
#
# usage: compiler.sh [-s] [DEFAULT]
#
# DEFAULT is the compiler without CC and LLVM [gcc]. With -s the linker and the C
# library as well, for what is linked statically.

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
