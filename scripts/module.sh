#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The modules alone.
#
# usage: module.sh build|load|unload
#
# "build" builds the driver, and mmun_floor for the benchmark. "load" and "unload" are for
# the driver: nothing but floor_test and the benchmark uses mmun_floor, and floor_test
# is skipped with the reason if the module is missing.
#
# Builds against KDIR, or else the running kernel, or else, if that has
# no headers here, the stock one. Only a module for the running kernel is loaded.

. "${0%/*}/lib.sh"

running=/lib/modules/$(uname -r)/build

# build KERNEL module|modules
build() {
	resolve "$1" module
	"$SCRIPTS/vm/build.sh" "$2" "$out"
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
	build "$running" module
	insmod "$out/module/test_mmun.ko"
}

case $1 in
build)
	choose
	build "$target" modules
	find_modules
	printf '%s\n' "${modules[@]/#/${out#"$PWD"/}/}"
	;;
load)	load ;;
unload)	rmmod test_mmun ;;
esac
