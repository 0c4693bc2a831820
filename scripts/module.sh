#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The module alone.
#
# usage: module.sh build|load|unload
#
# Builds against KDIR, or else the running kernel, or else, if that has
# no headers here, the stock one. Only a module for the running kernel is loaded.

. "${0%/*}/lib.sh"

running=/lib/modules/$(uname -r)/build

build() {
	resolve "$1" module
	"$SCRIPTS/build.sh" module "$out"
}

# The running kernel is the default, and it may have no headers here.
choose() {
	target=${KDIR:-$running}
	if [ "$target" = "$running" ] && [ ! -e "$running" ]; then
		say "the running kernel $(uname -r) has no headers here" \
			"($running): building for the stock kernel"
		target=stock
	fi
}

load() {
	[ -e "$running" ] || die "the running kernel $(uname -r) has no headers" \
		"here ($running). Install them, linux-headers-$(uname -r) in Debian"
	build "$running"
	insmod "$out/module/test_mmun.ko"
}

case $1 in
build)
	choose
	build "$target"
	echo "${out#"$PWD"/}/module/test_mmun.ko"
	;;
load)	load ;;
unload)	rmmod test_mmun ;;
esac
