#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A recording of QEMU: a guest that fares well, if it is given the right files.

# shellcheck source=recording.sh
. "${0%/*/*}/repo/scripts/fake/recording.sh"

declare -A option=()
ports=()

read_words() {
	while [ $# != 0 ]; do
		case $1 in
		-serial)	ports+=("${2#file:}"); shift ;;
		-kernel|-initrd|-append) option[$1]=$2; shift ;;
		esac
		shift
	done
}

# order KEY: on the command line, or in a file that is packed.
order() {
	local line

	for line in ${option[-append]//\"/}; do
		[[ $line != mmun.$1=* ]] || echo "${line#*=}"
	done
	while IFS= read -r line; do
		[[ $line != "$1="* ]] || echo "${line#*=}"
	done <<<"$initrd"
}

# What a kernel and PID 1 complain about.
look() {
	local release

	read -r release <"${option[-kernel]}"
	[[ $initrd == *"init from"*"vermagic=${release#*=} from"*"# event_test"* ]] ||
		fail "the initramfs is not for $release"
}

console() {
	printf '%s\r\n' "[    0.000000] Linux version 6.1.0" \
		"[    1.881441] test_mmun: loading out-of-tree module taints kernel." \
		"[    2.010510] reboot: machine restart"
}

ktap() {
	printf '%s\r\n' "KTAP version 1" "1..4" "ok 1 - mmun: load" \
		"  TAP version 13" "  1..2" \
		"  #  RUN           event.munmap ..." \
		"  #            OK  event.munmap" "  ok 1 event.munmap" \
		"  #  RUN           event.mremap ..." \
		"  #            OK  event.mremap" "  ok 2 event.mremap" \
		"ok 2 - mmun: event_test" "ok 3 - mmun: unload" "ok 4 - mmun: leaks"
}

if [ "${1:-}" = --version ]; then
	echo "QEMU emulator version $(<"$world/qemu-version")"
	exit
fi
read_words "$@"
if [ -z "${option[-initrd]:-}" ]; then
	built probe
	echo "Unable to mount root fs" >"${ports[0]}"
	exit
fi
built qemu
initrd=$(<"${option[-initrd]}")
look
console >"${ports[0]}"
ktap >"$world/ktap"
[ "${ports[1]}" = stdio ] || cp "$world/ktap" "${ports[1]}"
cat "$world/ktap"
echo "verdict: pass $(order nonce)" >"${ports[2]}"
