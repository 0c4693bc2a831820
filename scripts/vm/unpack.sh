#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Unpack a kernel image that is compressed with xz, because in an emulated guest the
# unpacking takes longer than the rest of the boot.
#
# usage: unpack.sh OUT
#
# QEMU boots OUT/vmlinux, the unpacked kernel, at the entry point for PVH. If the kernel
# has no entry point for PVH, or if the image is not compressed with xz, unpack.sh removes
# OUT/vmlinux. If the image has changed, unpack.sh makes OUT/vmlinux again. "The Linux/x86
# Boot Protocol" in the documentation of the kernel describes the header of the image.

. "${0%/*}/../lib.sh"

out=$1
image=$(value image "$out/kernel")
config=$(value config "$out/kernel")

# bytes TYPE OFFSET COUNT: Prints COUNT bytes of the image, beginning at the byte OFFSET.
# TYPE is a format of the program od, such as x1.
bytes() {
	od -An -t"$1" -j"$2" -N"$3" "$image" | tr -s ' '
}

# find_payload: Finds the payload, which is the compressed kernel in the image. Sets
# $start to the offset of the payload. Sets $length to the length of the output of xz in
# the payload, or to 0 if xz did not compress the payload. The last four bytes of the
# payload are the size of the unpacked kernel and do not belong to the output of xz.
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

# unpack: Writes the unpacked kernel to OUT/vmlinux, and the hash of the image to
# OUT/vmlinux.key.
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
