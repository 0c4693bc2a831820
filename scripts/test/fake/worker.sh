#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run the main job many times, each time with another fault.
#
# usage: worker.sh WORLD FAULT KERNEL FIRST STEP
#        worker.sh WORLD run KERNEL
#
# FAULT is the name of a file in the world that has a number (fault, kill, half: see
# front.c and recording.sh), or "disk". For "disk" the number is the size of a file
# system, in blocks of 4 KiB. The numbers are FIRST, FIRST + STEP and so on. The script
# ends after a run in which the fault did not occur. It writes a line
# "verdict<TAB>command" for each fault to WORLD/results, the problems to WORLD/problems,
# and the numbers of the rows of faults-excepted that it used to WORLD/rows.

# shellcheck source=../../lib.sh
. "${0%/*}/../../lib.sh"
SCRIPTS=${SCRIPTS%/fake}
. "$SCRIPTS/test/fake/world.sh"

# An expression for a line of output that names the command that failed
NAMED='^((([a-z]+/)?[a-z-]+\.sh: line [0-9]+: status [0-9]+|failed): .+\. Run it again with V=1 for more output'
NAMED+='|([a-z]+/)?[a-z-]+\.sh: .+|make [a-z-]+: .+|# QEMU: .+)$'

world=$1
fault=$2
kernel=$3
# The two kernels test both ways to start guests: two guests side by side, and one guest.
words=("KERNEL=$kernel" JOBS=2)
[ "$kernel" = stock ] || words=("KERNEL=$kernel" JOBS=1)
mapfile -t table <"$SCRIPTS/test/faults-excepted"

# is_excepted SCRIPT COMMAND: Returns 0 if a row of faults-excepted matches the command.
# Writes the number of the row to WORLD/rows.
is_excepted() {
	local row script glob _

	for row in "${!table[@]}"; do
		IFS=$'\t' read -r script glob _ <<<"${table[row]}"
		# shellcheck disable=SC2053 # it is a glob
		if [[ $script = "$1" && $2 = $glob ]]; then
			echo "$row" >>"$world/rows" || return
			return 0
		fi
	done
	return 1
}

# is_named: Returns 0 if the output names the command that failed.
is_named() {
	grep -qE "$NAMED" "$world/output"
}

# problem TEXT: Sets the verdict, and writes it with the output of the run to
# WORLD/problems.
problem() {
	verdict=$1
	{
		echo "# $kernel: $fault $k: $hit: $1"
		echo "#   status $status"
		sed 's/^/#   /' "$world/output"
	} >>"$world/problems"
}

# judge_run: Sets verdict to excepted if the fault may have no effect. Otherwise reports a
# problem if the run with the fault passed, or did not print what failed.
judge_run() {
	if [ "$fault" = fault ] && is_excepted "${hit%%$'\t'*}" "${hit#*$'\t'}"; then
		verdict=excepted
	elif [ "$status" = 0 ]; then
		problem "the run did not fail"
	elif [[ $fault = @(fault|disk) ]] && ! is_named; then
		problem "the output does not name the command that failed"
	fi
}

# run_without_fault: Runs the main job again, and checks that it passes and leaves the
# same files as a run without a fault. Ignores temporary files of a run that was killed.
run_without_fault() {
	status=0
	run_world "$world" "${words[@]}" || status=$?
	case $fault in
	kill|half)	rm -rf "$world"/tmp/* "$world"/cache/tmp.* ;;
	esac
	state "$world" >"$world/state"
	if [ "$status" != 0 ]; then
		problem "the next run failed"
	elif ! cmp -s "$world/state" "$world/reference"; then
		diff "$world/reference" "$world/state" >>"$world/output" || true
		problem "the next run leaves other files than a run without a fault"
	fi
}

# mount_disk BLOCKS: Mounts a file system of this size for everything that a run writes.
mount_disk() {
	local dir

	mkdir -p "$world"/{disk,repo/build}
	mount -t tmpfs -o "nr_blocks=$1" none "$world/disk"
	for dir in cache tmp repo/build; do
		mkdir -p "$world/disk/$dir"
		mount --bind "$world/disk/$dir" "$world/$dir"
	done
}

# unmount_disk: Unmounts the file system. "--lazy" is needed because the watcher of job.sh
# may still have a file open.
unmount_disk() {
	umount --lazy "$world"/{cache,tmp,repo/build,disk}
}

# run NUMBER: Runs the main job with the fault NUMBER. Sets status, and sets hit to the
# command that failed, or to nothing if the fault did not occur.
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
		# The shell prints a line for a process that is killed.
		{
			/usr/bin/setsid -w "$0" "$world" run "$kernel" ||
				status=$?
		} 2>/dev/null
		rm "$world/$fault"
		[ ! -e "$world/hit" ] || hit=$(<"$world/hit")
	fi
}

# test_fault NUMBER: Resets the world, runs the main job with the fault and again without.
test_fault() {
	reset_world "$world"
	run "$1"
	if [ -n "$hit" ]; then
		verdict=noticed
		judge_run
		run_without_fault
		printf '%s\t%s\n' "$verdict" "$hit" >>"$world/results"
	fi
	[ "$fault" != disk ] || unmount_disk
}

# make_reference: Writes WORLD/reference: the files that a run without a fault leaves.
make_reference() {
	reset_world "$world"
	run_world "$world" "${words[@]}" || {
		cat "$world/output"
		die "the run failed without a fault"
	} >&2
	state "$world" >"$world/reference"
}

if [ "$fault" = run ]; then
	run_world "$world" "${words[@]}"
	exit
fi
make_reference
for ((k = $4; ; k += $5)); do
	test_fault "$k"
	[ -n "$hit" ] || break
done
