#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A fake QEMU, which prints the output of a guest whose tests pass. The fake QEMU fails if
# the kernel or the initramfs is not correct.

# shellcheck source=test/fake/recording.sh
. "${0%/*/*}/repo/scripts/test/fake/recording.sh"

declare -A option=()
ports=()
programs=()

# read_words WORD...: Reads the arguments of QEMU. read_words sets the array ports to the
# files of the serial ports, and the array option to the values of the other arguments.
read_words() {
	while [ $# != 0 ]; do
		case $1 in
		-serial)	ports+=("${2#file:}"); shift ;;
		-kernel|-initrd|-append) option[$1]=$2; shift ;;
		esac
		shift
	done
}

# order KEY: Prints the value of the order KEY. An order tells PID 1 of the guest what to
# do, and is on the kernel command line or in a file of the initramfs.
order() {
	local line

	for line in ${option[-append]//\"/}; do
		[[ $line != mmun.$1=* ]] || echo "${line#*=}"
	done
	while IFS= read -r line; do
		[[ $line != "$1="* ]] || echo "${line#*=}"
	done <<<"$initrd"
}

# check_initramfs: Exits with an error if the kernel or PID 1 could not use the initramfs.
check_initramfs() {
	local release

	read -r release <"${option[-kernel]}"
	[[ $initrd == *"init from"*"vermagic=${release#*=} from"* ]] ||
		fail "the initramfs is not for $release"
	[ ${#programs[@]} != 0 ] || fail "the initramfs has no test program"
}

# console: Prints what the kernel would print on its console.
console() {
	printf '%s\r\n' "[    0.000000] Linux version 6.1.0" \
		"[    1.881441] test_mmun: loading out-of-tree module taints kernel." \
		"[    2.010510] reboot: machine restart"
}

# find_programs: Sets the array programs to the names of the test programs in the
# initramfs.
find_programs() {
	local line

	while IFS= read -r line; do
		[[ $line != "file /mmun/"*_test ]] || programs+=("${line##*/}")
	done <<<"$initrd"
}

# program_output NUMBER NAME: Prints the output of the test program NAME, and its result
# with the number NUMBER.
program_output() {
	printf '%s\r\n' "  TAP version 13" "  1..2" \
		"  #  RUN           event.munmap ..." \
		"  #            OK  event.munmap" "  ok 1 event.munmap" \
		"  #  RUN           event.mremap ..." \
		"  #            OK  event.mremap" "  ok 2 event.mremap" \
		"ok $1 - mmun: $2" "# $2: 1.0 s"
}

# ktap: Prints the KTAP of a run in which all tests pass.
ktap() {
	local i number=${#programs[@]}

	printf '%s\r\n' "KTAP version 1" "1..$((number + 9))" "ok 1 - mmun: load" \
		"ok 2 - mmun_floor: load" "ok 3 - mmun_core: load" \
		"ok 4 - mmun_list: load"
	for ((i = 0; i < number; i++)); do
		program_output $((i + 5)) "${programs[i]}"
	done
	printf '%s\r\n' "ok $((number + 5)) - mmun_list: unload" \
		"ok $((number + 6)) - mmun_core: unload" \
		"ok $((number + 7)) - mmun_floor: unload" \
		"ok $((number + 8)) - mmun: unload" "ok $((number + 9)) - mmun: leaks"
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
find_programs
check_initramfs
console >"${ports[0]}"
text=$(ktap)
[ "${ports[1]}" = stdio ] || printf '%s\n' "$text" >"${ports[1]}"
printf '%s\n' "$text"
echo "verdict: pass $(order nonce)" >"${ports[2]}"
