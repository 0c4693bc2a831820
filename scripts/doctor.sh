#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Print which accelerator, memory, disks, compiler and packages the runner will use on
# this machine, and what is missing.
#
# usage: doctor.sh
#
# doctor.sh exits with status 0 if "make kselftest" and "make check" can run on this
# machine. doctor.sh does not install packages and does not download files. If the stock
# kernel is in the cache, doctor.sh boots this kernel with KVM to test whether KVM works.

. "${0%/*}/lib.sh"
. "$SCRIPTS/kernel/packages.sh"

DISK_GIB=8
GUEST_MIB=2048
status=0

# print_row NAME TEXT: Prints the row "NAME: TEXT" of the report.
print_row() {
	printf '%-12s %s\n' "$1:" "${2//$'\n'/, }"
}

# print_problem NAME TEXT: Prints a row of the report with a problem, and sets the exit
# status to 1.
print_problem() {
	print_row "$1" "PROBLEM: $2"
	status=1
}

show_accelerator() {
	local image why

	if [ "$ACCEL" != auto ]; then
		print_row accelerator "$ACCEL, because of ACCEL=$ACCEL"
		return
	fi
	if [ ! -e /dev/kvm ]; then
		print_row accelerator "TCG, because there is no /dev/kvm"
	elif [ ! -r /dev/kvm ] || [ ! -w /dev/kvm ]; then
		print_row accelerator "TCG, because $(id -un) may not open /dev/kvm"
	elif ! compgen -G "$CACHE/image/stock_*/boot/vmlinuz-*" >/dev/null; then
		print_row accelerator "KVM or TCG: the first run tries a kernel on /dev/kvm"
	else
		image=$(compgen -G "$CACHE/image/stock_*/boot/vmlinuz-*" | tail -n 1)
		why=$("$SCRIPTS/vm/accel.sh" "$image" 2>&1 >/dev/null) ||
			why="unknown: $why"
		[ -n "$why" ] || why=KVM
		print_row accelerator "${why##*  }"
	fi
}

show_machine() {
	local total

	total=$(awk '$1 == "MemAvailable:" { print int($2 / 1024) }' /proc/meminfo)
	print_row machine "$(uname -m), $(nproc) CPUs, Linux $(uname -r)"
	[ "$(uname -m)" = x86_64 ] || print_problem machine "only x86_64 is supported"
	if [ "$total" -lt "$GUEST_MIB" ]; then
		print_problem memory "$total MiB available, $GUEST_MIB MiB are needed"
	else
		print_row memory "$total MiB available; each guest uses 1 GiB"
	fi
}

# show_disk NAME DIR: Prints the free space of DIR. If DIR does not exist, show_disk uses
# the nearest directory above DIR.
show_disk() {
	local dir=$2 free

	while [ ! -d "$dir" ]; do
		dir=$(dirname "$dir")
	done
	free=$(df -Pk "$dir" | awk 'NR == 2 { print int($4 / 1048576) }')
	if [ "$free" -lt "$DISK_GIB" ]; then
		print_problem "$1" "$2: $free GiB free, $DISK_GIB GiB are needed for all kernels"
	elif [ ! -w "$dir" ] && [ "$1" = cache ]; then
		print_row "$1" "$2 is read-only: the cache belongs to another user"
	elif [ ! -w "$dir" ]; then
		print_problem "$1" "$(id -un) cannot write to $2"
	else
		print_row "$1" "$2, $free GiB free"
	fi
}

show_cache() {
	local kind size

	show_disk cache "$CACHE"
	for kind in image headers source tools tree quick litmus herd build; do
		[ -d "$CACHE/$kind" ] || continue
		size=$(du -sh "$CACHE/$kind" | cut -f1)
		print_row "  $kind" "$size in $(find "$CACHE/$kind" -mindepth 1 \
			-maxdepth 1 -type d | wc -l) entries"
	done
}

show_apt() {
	local suites

	if ! command -v apt-get >/dev/null; then
		print_problem apt "packages cannot be fetched, because there is no apt-get"
		return
	fi
	suites=$(apt_lists | cut -d ' ' -f 1 | sort -u)
	print_row apt "${suites:-no package lists yet}"
	print_row "  kernels" "$(awk '!/^#/ && $3 != "-" && NF { print $3 }' \
		"$SCRIPTS/kernel/table" | sort -u); their package lists are in the cache"
}

# show_herd: Prints which herd7 "make litmus" will use. "make kselftest" does not need herd7.
show_herd() {
	if command -v herd7 >/dev/null; then
		print_row herd7 "$(command -v herd7)"
	elif compgen -G "$CACHE/herd/herdtools7_*" >/dev/null; then
		print_row herd7 "in the cache"
	else
		print_row herd7 "will be fetched from Debian sid into the cache, 41 MB"
	fi
}

show_compiler() {
	local version

	version=$("$SCRIPTS/kernel/compiler.sh" 2>/dev/null) || version="not yet installed"
	print_row compiler "$(head -n 2 <<<"$version")"
}

# show_missing: Prints the packages that are missing. A missing package is a problem if
# the user is not root, because only root can install packages.
show_missing() {
	local packages

	find_compiler
	packages=$(missing_packages "${compiler[@]}" "${NEED_MODULE[@]}" "${NEED_TESTS[@]}" \
		"${NEED_SOURCE[@]}" "${NEED_KERNEL[@]}" "${NEED_CHECK[@]}" \
		"${NEED_DOCS[@]}" "$QEMU")
	packages=${packages//$'\n'/ }
	if [ -z "$packages" ]; then
		print_row packages "all are installed"
	elif [ "$EUID" = 0 ]; then
		print_row packages "will be installed: $packages"
	else
		print_problem packages "some are missing. Run as root: apt-get install $packages"
	fi
}

show_machine
show_accelerator
show_compiler
show_apt
show_herd
show_disk "work tree" "$TOP"
show_cache
show_missing
[ "$status" = 0 ] ||
	echo "make kselftest and make check cannot run until the problems are solved."
exit "$status"
