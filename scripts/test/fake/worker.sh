#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run the main job again and again, each time with another fault.
#
# usage: worker.sh WORLD FAULT KERNEL FIRST STEP
#        worker.sh WORLD run KERNEL
#
# FAULT is the name of a file in the world that holds a number (fault, kill, half:
# see front.c and recording.sh), or "disk": the number is the size of a file system, in
# blocks of 4 KiB. The numbers are FIRST, FIRST + STEP and so on, until a run does
# not meet the fault. WORLD/results has a line "verdict<TAB>what failed" for each,
# WORLD/problems what was wrong, WORLD/rows which lines of faults-excepted applied.

# shellcheck source=../../lib.sh
. "${0%/*}/../../lib.sh"
SCRIPTS=${SCRIPTS%/fake}
. "$SCRIPTS/test/fake/world.sh"

# A line that names what failed.
NAMED='^(([a-z-]+\.sh: line [0-9]+: status [0-9]+|failed): .+\. Run it again with V=1 for more output'
NAMED+='|[a-z-]+\.sh: .+|make [a-z-]+: .+|# QEMU: .+)$'

world=$1
fault=$2
kernel=$3
# Both ways that a guest is started: two side by side, and one.
words=("KERNEL=$kernel" JOBS=2)
[ "$kernel" = stock ] || words=("KERNEL=$kernel" JOBS=1)
mapfile -t table <"$SCRIPTS/test/faults-excepted"

# excepted SCRIPT COMMAND: is it in the table? Its line is noted.
excepted() {
	local row script glob _

	for row in "${!table[@]}"; do
		IFS=$'\t' read -r script glob _ <<<"${table[row]}"
		# shellcheck disable=SC2053 # a glob it is
		if [[ $script = "$1" && $2 = $glob ]]; then
			echo "$row" >>"$world/rows" || return
			return 0
		fi
	done
	return 1
}

named() {
	grep -qE "$NAMED" "$world/output"
}

# problem TEXT: what the run did wrong, with its output.
problem() {
	verdict=$1
	{
		echo "# $kernel: $fault $k: $hit: $1"
		echo "#   status $status"
		sed 's/^/#   /' "$world/output"
	} >>"$world/problems"
}

# What became of the run that met the fault?
judge_run() {
	if [ "$fault" = fault ] && excepted "${hit%%$'\t'*}" "${hit#*$'\t'}"; then
		verdict=excepted
	elif [ "$status" = 0 ]; then
		problem "not noticed"
	elif [[ $fault = @(fault|disk) ]] && ! named; then
		problem "not named"
	fi
}

# The same once more, without a fault. What was killed leaves temporary files.
again() {
	status=0
	run_world "$world" "${words[@]}" || status=$?
	case $fault in
	kill|half)	rm -rf "$world"/tmp/* "$world"/cache/tmp.* ;;
	esac
	state "$world" >"$world/state"
	if [ "$status" != 0 ]; then
		problem "the next run fails"
	elif ! cmp -s "$world/state" "$world/reference"; then
		diff "$world/reference" "$world/state" >>"$world/output" || true
		problem "the next run leaves something else"
	fi
}

# A file system of that many blocks holds all that a run writes.
mount_disk() {
	local dir

	mkdir -p "$world"/{disk,repo/build}
	mount -t tmpfs -o "nr_blocks=$1" none "$world/disk"
	for dir in cache tmp repo/build; do
		mkdir -p "$world/disk/$dir"
		mount --bind "$world/disk/$dir" "$world/$dir"
	done
}

# A watcher of job.sh may still have a file open.
unmount_disk() {
	umount --lazy "$world"/{cache,tmp,repo/build,disk}
}

# run NUMBER: with the fault of that number. Sets status, and hit to what failed.
run() {
	status=0
	hit=
	if [ "$fault" = disk ]; then
		mount_disk "$1"
		run_world "$world" "${words[@]}" || status=$?
		mount -o remount,nr_blocks=100000 "$world/disk"
		[ "$status" = 0 ] || hit="disk of $1 blocks"
	else
		echo "$1" >"$world/$fault"
		# This shell reports a process that is killed, once for each.
		{
			/usr/bin/setsid -w "$0" "$world" run "$kernel" ||
				status=$?
		} 2>/dev/null
		rm "$world/$fault"
		[ ! -e "$world/hit" ] || hit=$(<"$world/hit")
	fi
}

# meet NUMBER: from nothing, one run with that fault and one without.
meet() {
	reset_world "$world"
	run "$1"
	if [ -n "$hit" ]; then
		verdict=noticed
		judge_run
		again
		printf '%s\t%s\n' "$verdict" "$hit" >>"$world/results"
	fi
	[ "$fault" != disk ] || unmount_disk
}

# What a run leaves that nothing disturbs.
refer() {
	reset_world "$world"
	run_world "$world" "${words[@]}" || {
		cat "$world/output"
		die "the run fails without a fault"
	} >&2
	state "$world" >"$world/reference"
}

if [ "$fault" = run ]; then
	run_world "$world" "${words[@]}"
	exit
fi
refer
for ((k = $4; ; k += $5)); do
	meet "$k"
	[ -n "$hit" ] || break
done
