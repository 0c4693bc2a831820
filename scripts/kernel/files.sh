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
litmus)	printf '%s\n' tools/memory-model/{linux-kernel.{cfg,bell,cat,def},lock.cat} \
		mm/mmu_notifier.c include/linux/mmu_notifier.h ;;
*)	die "$1: expected quick or litmus" ;;
esac
