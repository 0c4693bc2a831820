#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Combine the results of guests that ran in parallel into the result of one run.
#
# usage: gather.sh RESULT GUEST-RESULT...
#
# The directory RESULT already has the file ktap.log, which merge.sh wrote. gather.sh adds
# the other files that judge.sh reads. The file console.log has, for each guest, a line
# with the name of the guest and then the console of the guest. The file verdict has a
# line for each guest. The guest with the worst result is last in console.log and verdict.
# The files qemu.log, meta, config and orders are copies of the files of the guest with
# the worst result. In the file meta, "seconds" is the time of the slowest guest, "guests"
# is the number of guests, and "silent" is the number of guests without KTAP.

. "${0%/*}/../lib.sh"

# badness DIR: Prints a number from 0 to 4 that says how bad the result in DIR is. The
# number is 0 if the guest ended by itself. A failure that judge.sh looks for earlier has
# a larger number.
badness() {
	local ended qemu panics

	ended=$(value ended "$1/meta")
	qemu=$(value qemu "$1/meta")
	# grep returns 1 if no line matches, and 2 if grep failed.
	panics=$(grep -ac 'Kernel panic' "$1/console.log" || [ $? = 1 ])
	if [ "$panics" != 0 ]; then
		echo 4
	elif [ "$ended" = exit ] && [ "$qemu" != 0 ]; then
		echo 3
	elif [ ! -s "$1/ktap.log" ]; then
		echo 2
	elif [ "$ended" = timeout ]; then
		echo 1
	else
		echo 0
	fi
}

# sort_results DIR...: Sorts the directories DIR into the array `dirs`, the directory with
# the best result first.
sort_results() {
	local bad dir ranks=''

	for dir; do
		bad=$(badness "$dir")
		ranks+="$bad $dir"$'\n'
	done
	ranks=$(sort -ns <<<"${ranks%$'\n'}")
	mapfile -t dirs <<<"$ranks"
	dirs=("${dirs[@]#* }")
}

# add_guest DIR: Appends the result in DIR to the files console.log and verdict, and
# updates $seconds and $silent for the file meta.
add_guest() {
	local name=${1%/result} secs

	secs=$(value seconds "$1/meta")
	[ "$secs" -le "$seconds" ] || seconds=$secs
	[ -s "$1/ktap.log" ] || silent=$((silent + 1))
	echo "---- the console of ${name##*/} ----" >>"$result/console.log"
	cat "$1/console.log" >>"$result/console.log"
	{ tr -d '\r\n' <"$1/verdict" && echo; } >>"$result/verdict"
}

# write_meta DIR: Copies the files meta, qemu.log, config and orders from DIR to the
# result of the run, and changes meta to describe all guests.
write_meta() {
	sed "s/^seconds=.*/seconds=$seconds/" "$1/meta" >"$result/meta"
	printf '%s\n' "guests=${#dirs[@]}" "silent=$silent" >>"$result/meta"
	cp "$1"/{qemu.log,config,orders} "$result/"
}

result=$1
seconds=0
silent=0
sort_results "${@:2}"
: >"$result/console.log"
: >"$result/verdict"
for dir in "${dirs[@]}"; do
	add_guest "$dir"
done
write_meta "${dirs[-1]}"
