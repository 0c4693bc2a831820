#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests of unpack.sh: images that it must unpack, and images that it must leave alone.
# KTAP on stdout.
#
# usage: test-unpack.sh

. "${0%/*}/../lib.sh"
. "$SCRIPTS/test/results.sh"

# put OFFSET: the standard input, at that place of the image.
put() {
	dd of="$dir/image" bs=1 seek="$1" conv=notrunc status=none
}

# write_image COMMAND...: an image with the header of a kernel, and with what COMMAND
# makes of $text from byte 1536 on: after 2 sectors, and 512 bytes of code.
write_image() {
	local size

	head -c 4096 /dev/zero >"$dir/image"
	printf '\001' | put 497
	printf HdrS | put 514
	"$@" <<<"$text" >"$dir/payload"
	printf 'size' >>"$dir/payload"
	size=$(stat -c %s "$dir/payload")
	size=$(printf %x "$size")
	printf %b "\\x00\\x02\\x00\\x00\\x$size\\x00\\x00\\x00" | put 584
	put 1536 <"$dir/payload"
}

# leaves WANTED TITLE: the content of vmlinux, or nothing for no such file.
leaves() {
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
results_of unpack
text="the kernel"
write_image xz
leaves "the kernel" "an image with xz is unpacked"
echo "as it was" >"$dir/vmlinux"
leaves "as it was" "the same image is not unpacked again"
text="the next kernel"
write_image xz
leaves "the next kernel" "another image is"
echo CONFIG_NOTHING=y >"$dir/config"
leaves "" "a kernel without the entry point of PVH is not unpacked"
echo CONFIG_PVH=y >"$dir/config"
write_image xz
leaves "the next kernel" "it is unpacked when the entry point is there"
write_image gzip
leaves "" "an image with gzip is not unpacked"
write_image xz
printf XXXX | put 514
leaves "" "a file without the header is not unpacked"
echo short >"$dir/image"
leaves "" "a short file is not unpacked"
end_results
