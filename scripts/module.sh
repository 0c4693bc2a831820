#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The module alone.
#
# usage: module.sh build|load|unload
#
# Builds against KDIR, or else the running kernel, or else the stock one, as
# far as there are headers. Only a module for the running kernel is loaded.

. "$(dirname "$0")/lib.sh"

running=/lib/modules/$(uname -r)/build

build() {
	resolve "$1" module
	"$SCRIPTS/build.sh" module "$out"
}

load() {
	[ -e "$running" ] || die "the running kernel $(uname -r) has no headers here"
	build "$running"
	insmod "$out/module/test_mmun.ko"
}

case $1 in
build)
	[ -e "$running" ] || running=stock
	build "${KDIR:-$running}"
	echo "${out#"$PWD"/}/module/test_mmun.ko"
	;;
load)	load ;;
unload)	rmmod test_mmun ;;
esac
