#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Build, load or unload the modules on this machine, without a guest.
#
# usage: module.sh build|load|unload
#
# "module.sh build" builds the driver test_mmun and the modules mmun_floor, mmun_core and
# mmun_list. "module.sh build" builds for the kernel in KDIR if KDIR is set. Without KDIR, "module.sh
# build" builds for the running kernel if the headers of the running kernel are installed,
# and for the stock kernel if not. "module.sh load" builds the driver for the running
# kernel and loads the driver. "module.sh load" and "module.sh unload" do not use
# mmun_floor, mmun_core and mmun_list, because only floor_test and the benchmark need
# mmun_floor, only core_test needs mmun_core, and only list_*_test need mmun_list. These
# programs skip their tests if their module is not loaded.

. "${0%/*}/lib.sh"

running=/lib/modules/$(uname -r)/build

# build KERNEL module|modules: Builds the driver ("module"), or the driver, mmun_floor,
# mmun_core and mmun_list ("modules"), for KERNEL.
build() {
	resolve "$1" module
	"$SCRIPTS/vm/build.sh" "$2" "$out"
}

# choose_kernel: Sets the variable kernel to the kernel for which "module.sh build"
# builds.
choose_kernel() {
	kernel=${KDIR:-$running}
	if [ "$kernel" = "$running" ] && [ ! -e "$running" ]; then
		say "there are no headers of the running kernel $(uname -r)" \
			"($running): building for the stock kernel"
		kernel=stock
	fi
}

# load: Builds the driver for the running kernel, and loads the driver.
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
