#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests of unpack.sh with images that unpack.sh must unpack, and images that unpack.sh
# must not unpack. Prints KTAP.
#
# usage: test-unpack.sh

. "${0%/*}/../lib.sh"
. "$SCRIPTS/test/results.sh"

# write_at OFFSET: Writes stdin to the image at the byte OFFSET.
write_at() {
	dd of="$dir/image" bs=1 seek="$1" conv=notrunc status=none
}

# write_image COMMAND...: Makes an image with the header of a kernel. COMMAND compresses
# $text, which stands in place of the kernel. In the image, the compressed text begins at
# byte 1536, after 2 sectors and 512 bytes of code.
write_image() {
	local size

	head -c 4096 /dev/zero >"$dir/image"
	printf '\001' | write_at 497
	printf HdrS | write_at 514
	"$@" <<<"$text" >"$dir/payload"
	printf 'size' >>"$dir/payload"
	size=$(stat -c %s "$dir/payload")
	size=$(printf %x "$size")
	printf %b "\\x00\\x02\\x00\\x00\\x$size\\x00\\x00\\x00" | write_at 584
	write_at 1536 <"$dir/payload"
}

# unpacks WANTED TITLE: Calls unpack.sh. Passes if the content of vmlinux is WANTED, or if
# there is no vmlinux and WANTED is empty.
unpacks() {
	local got='' status=0

	"$SCRIPTS/vm/unpack.sh" "$dir"
	[ ! -e "$dir/vmlinux" ] || got=$(<"$dir/vmlinux")
	[ "$got" = "$1" ] || status=1
	result "$status" "$2" "vmlinux has: $got"
}

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
printf '%s\n' "image=$dir/image" "config=$dir/config" >"$dir/kernel"
echo CONFIG_PVH=y >"$dir/config"
begin_results unpack
text="the kernel"
write_image xz
unpacks "the kernel" "an image with xz is unpacked"
echo "as it was" >"$dir/vmlinux"
unpacks "as it was" "the same image is not unpacked again"
text="the next kernel"
write_image xz
unpacks "the next kernel" "an image that has changed is unpacked again"
echo CONFIG_NOTHING=y >"$dir/config"
unpacks "" "a kernel without the entry point of PVH is not unpacked"
echo CONFIG_PVH=y >"$dir/config"
write_image xz
unpacks "the next kernel" "a kernel with the entry point of PVH is unpacked"
write_image gzip
unpacks "" "an image with gzip is not unpacked"
write_image xz
printf XXXX | write_at 514
unpacks "" "a file without the header is not unpacked"
echo short >"$dir/image"
unpacks "" "a short file is not unpacked"
end_results
