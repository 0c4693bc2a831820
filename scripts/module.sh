#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Build, load or unload the modules on this machine, without a guest.
#
# usage: module.sh build|load|unload
#
# "build" builds the driver and mmun_floor. "load" and "unload" use only the driver,
# because only floor_test and the benchmark need mmun_floor. floor_test is skipped if
# mmun_floor is missing.
#
# "build" builds for KDIR if it is set, otherwise for the running kernel if its headers
# are installed, otherwise for the stock kernel. "load" builds for the running kernel.

. "${0%/*}/lib.sh"

running=/lib/modules/$(uname -r)/build

# build KERNEL module|modules: Builds the driver, or both modules.
build() {
	resolve "$1" module
	"$SCRIPTS/vm/build.sh" "$2" "$out"
}

# choose: Sets target to the kernel to build for.
choose() {
	target=${KDIR:-$running}
	if [ "$target" = "$running" ] && [ ! -e "$running" ]; then
		say "there are no headers of the running kernel $(uname -r)" \
			"($running): building for the stock kernel"
		target=stock
	fi
}

load() {
	[ -e "$running" ] || die "there are no headers of the running kernel" \
		"$(uname -r) ($running). Install linux-headers-$(uname -r)"
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
