#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Build, load or unload the modules on this machine, without a guest.
#
# usage: module.sh build|load|unload
#
# "build" builds the driver and mmun_floor. It builds them for KDIR if that is set,
# otherwise for the running kernel if its headers are installed, otherwise for the stock
# kernel. "load" builds the driver for the running kernel. "load" and "unload" do not use
# mmun_floor, because only floor_test and the benchmark need it. floor_test skips if
# mmun_floor is not loaded.

. "${0%/*}/lib.sh"

running=/lib/modules/$(uname -r)/build

# build KERNEL module|modules: Builds the driver, or both modules.
build() {
	resolve "$1" module
	"$SCRIPTS/vm/build.sh" "$2" "$out"
}

# choose_kernel: Sets kernel to the kernel for which "build" builds.
choose_kernel() {
	kernel=${KDIR:-$running}
	if [ "$kernel" = "$running" ] && [ ! -e "$running" ]; then
		say "there are no headers of the running kernel $(uname -r)" \
			"($running): building for the stock kernel"
		kernel=stock
	fi
}

# load: Builds the driver for the running kernel, and loads it.
load() {
	[ -e "$running" ] || die "there are no headers of the running kernel" \
		"$(uname -r) ($running). Install linux-headers-$(uname -r)"
	build "$running" module
	insmod "$out/module/test_mmun.ko"
}

case $1 in
build)
	choose_kernel
	build "$kernel" modules
	find_modules
	printf '%s\n' "${modules[@]/#/${out#"$PWD"/}/}"
	;;
load)	load ;;
unload)	rmmod test_mmun ;;
esac
