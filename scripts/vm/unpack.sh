#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Unpack an image that is compressed with xz, because in an emulated guest the unpacking
# takes longer than the rest of the boot.
#
# usage: unpack.sh OUT
#
# Writes OUT/vmlinux, which QEMU boots at the entry point for PVH. Removes the file if the
# kernel has no such entry point, or if the image is not compressed with xz. The file is
# made again if the image has changed. See "The Linux/x86 Boot Protocol" for the header of
# the image.

. "${0%/*}/../lib.sh"

out=$1
image=$(value image "$out/kernel")
config=$(value config "$out/kernel")

# bytes TYPE OFFSET COUNT: Prints COUNT bytes of the image. TYPE is a format of od, such
# as x1.
bytes() {
	od -An -t"$1" -j"$2" -N"$3" "$image" | tr -s ' '
}

# find_payload: Sets start and length to the place of the output of xz in the image. Sets
# length to 0 if there is none. The last four bytes of the payload are the size of the
# unpacked kernel, and not a part of the output of xz.
find_payload() {
	local magic place size

	length=0
	size=$(stat -L -c %s "$image")
	[ "$size" -gt 1024 ] || return 0
	magic=$(bytes x1 514 4)
	[ "$magic" = " 48 64 72 53" ] || return 0
	start=$(bytes u1 497 1)
	place=$(bytes u4 584 8)
	read -r place length <<<"$place"
	start=$(((start + 1) * 512 + place))
	magic=$(bytes x1 "$start" 6)
	[ "$magic" = " fd 37 7a 58 5a 00" ] || length=4
	length=$((length - 4))
}

# unpack: Writes OUT/vmlinux and its key.
unpack() {
	rm -f "$out"/vmlinux{,.key}
	head -c $((start + length)) "$image" | tail -c +$((start + 1)) |
		xz -dc >"$out/vmlinux.tmp"
	mv "$out/vmlinux.tmp" "$out/vmlinux"
	echo "$key" >"$out/vmlinux.key"
}

length=0
! has_line "$config" CONFIG_PVH=y || find_payload
if [ "$length" = 0 ]; then
	rm -f "$out"/vmlinux{,.key}
	exit
fi
key=$(sum <"$image")
if [ ! -e "$out/vmlinux" ] || ! has_key "$out/vmlinux.key" "$key"; then
	unpack
fi
