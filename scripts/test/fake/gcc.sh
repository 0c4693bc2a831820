#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Fake programs that replace gcc, clang and ld.
#
# With "--version", the fake programs print the content of WORLD/compiler or WORLD/linker.
# WORLD is the directory of the test, see world.sh. A fake compiler writes files that
# contain a hash of the sources instead of code.

# shellcheck source=test/fake/recording.sh
. "${0%/*/*}/repo/scripts/test/fake/recording.sh"

# packer SUM: Prints the text of a script, the fake gen_init_cpio, which contains the hash
# SUM. The fake gen_init_cpio prints its input list, and the content of the files in this
# list.
packer() {
	cat <<-EOT
		#!/bin/bash
		# $1
		PATH=$PATH
		built=$world/built
	EOT
	cat <<-'EOT'
		list=${!#}
		[[ $list != *initramfs.list ]] || echo initramfs >>"$built"
		while read -r kind name from _; do
			echo "$kind $name"
			if [ "$kind" = file ]; then
				cat "$from" || exit
			fi
		done <"$list"
	EOT
}

compile() {
	local to='' sources=() text

	while [ $# != 0 ]; do
		case $1 in
		-o)	to=$2; shift ;;
		*.c)	sources+=("$1") ;;
		esac
		shift
	done
	text=$(sum_of "${sources[@]}" "$world/compiler" </dev/null)
	case ${to##*/} in
	gen_init_cpio*)	text=$(packer "$text") ;;
	*)		text="init from $text" ;;
	esac
	built "${to##*/}"
	: >"$to"
	chmod +x "$to"
	put "$to" "$text"
}

case $program$1 in
ld--version)	echo "GNU ld $(<"$world/linker")" ;;
clang--version)	echo "clang version $(<"$world/compiler")" ;;
*--version)	echo "$program (recorded) $(<"$world/compiler")"
		echo "Free Software Foundation" ;;
*-dM)		printf '#define %s 1\n' __GNUC__ __x86_64__ ;;
*)		compile "$@" ;;
esac
