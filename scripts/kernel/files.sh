#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Print the files of a kernel source tree that a target needs, one per line. The paths are
# relative to the tree.
#
# usage: files.sh quick|litmus

. "${0%/*}/../lib.sh"

case $1 in
quick)	make -s -C "$TOP/tools/testing/mmu_notifier" files ;;
litmus)	printf 'tools/memory-model/%s\n' linux-kernel.{cfg,bell,cat,def} lock.cat ;;
*)	die "$1: expected quick or litmus" ;;
esac
