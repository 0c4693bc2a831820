#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Make links in DIR to the files in OUT that several guests share. The guests share all
# files of the build, except the driver, the list of chosen programs and the initramfs.
#
# usage: share.sh OUT DIR

. "${0%/*}/../lib.sh"

for part in kernel floor core list tests programs init{,.key} gen_init_cpio{,.key} vmlinux{,.key}; do
	ln -sfn "$1/$part" "$2/$part"
done
