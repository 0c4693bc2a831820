#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Print which compiler CC and LLVM stand for, and its version: a part of the key of
# what it builds.
#
# usage: compiler.sh [DEFAULT]
#
# DEFAULT is the compiler without CC and LLVM [gcc].

. "${0%/*}/lib.sh"

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
