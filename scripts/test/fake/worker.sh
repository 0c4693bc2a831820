#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run kselftest.sh many times, each time with another fault. A fault is an error that the
# test causes in a run.
#
# usage: worker.sh WORLD FAULT KERNEL FIRST STEP
#        worker.sh WORLD run KERNEL
#
# WORLD is a directory that replaces the network, QEMU and the kernel (see world.sh).
# FAULT is "fault", "kill", "half" or "disk". In each run, the fault has a number. The
# numbers are FIRST, FIRST + STEP and so on. For "fault", "kill" and "half", worker.sh
# writes the number to the file WORLD/FAULT, see front.c and recording.sh. For "disk", the
# number is the size of a file system in blocks of 4 KiB. worker.sh ends after a run in
# which the fault did not occur. worker.sh writes a line "verdict<TAB>command" for each
# fault to WORLD/results, and the problems to WORLD/problems. If a row of faults-excepted
# matches a command, worker.sh writes the number of the row to WORLD/rows.

# shellcheck source=../../lib.sh
. "${0%/*}/../../lib.sh"
SCRIPTS=${SCRIPTS%/fake}
. "$SCRIPTS/test/fake/world.sh"

# NAMED is a regular expression for a line of output that names the command that failed
NAMED='^((([a-z]+/)?[a-z-]+\.sh: line [0-9]+: status [0-9]+|failed): .+\. Run it again with V=1 for more output'
NAMED+='|([a-z]+/)?[a-z-]+\.sh: .+|make [a-z-]+: .+|# QEMU: .+)$'

world=$1
fault=$2
kernel=$3
# A run with the kernel stock starts two guests in parallel, and a run with another kernel
# starts one guest, so that the workers test both vm/side-by-side.sh and vm/boot.sh.
words=("KERNEL=$kernel" JOBS=2)
[ "$kernel" = stock ] || words=("KERNEL=$kernel" JOBS=1)
mapfile -t table <"$SCRIPTS/test/faults-excepted"

# is_excepted SCRIPT COMMAND: Returns 0 if a row of faults-excepted matches SCRIPT and
# COMMAND. is_excepted writes the number of the matching row to WORLD/rows.
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

# is_named: Returns 0 if the output of the run names the command that failed.
is_named() {
	grep -qE "$NAMED" "$world/output"
}

# problem TEXT: Sets the variable verdict to TEXT, and writes TEXT with the output of the
# run to WORLD/problems.
problem() {
	verdict=$1
	{
		echo "# $kernel: $fault $k: $hit: $1"
		echo "#   status $status"
		sed 's/^/#   /' "$world/output"
	} >>"$world/problems"
}

# judge_run: Sets the variable verdict to "excepted" if a row of faults-excepted allows
# that the fault has no effect. For any other fault, judge_run reports a problem if the
# run with the fault passed. If FAULT is "fault" or "disk", judge_run also reports a
# problem if the output of the run does not name the command that failed.
judge_run() {
	if [ "$fault" = fault ] && is_excepted "${hit%%$'\t'*}" "${hit#*$'\t'}"; then
		verdict=excepted
	elif [ "$status" = 0 ]; then
		problem "the run did not fail"
	elif [[ $fault = @(fault|disk) ]] && ! is_named; then
		problem "the output does not name the command that failed"
	fi
}

# run_without_fault: Runs kselftest.sh again without a fault, and checks that the run
# passes and leaves the same files as make_reference. run_without_fault ignores temporary
# files of a run that was killed.
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

# mount_disk BLOCKS: Mounts a file system that has BLOCKS blocks. A run writes all its
# files to this file system.
mount_disk() {
	local dir

	mkdir -p "$world"/{disk,repo/build}
	mount -t tmpfs -o "nr_blocks=$1" none "$world/disk"
	for dir in cache tmp repo/build; do
		mkdir -p "$world/disk/$dir"
		mount --bind "$world/disk/$dir" "$world/$dir"
	done
}

# unmount_disk: Unmounts the file system that mount_disk mounted. The option "--lazy" is
# needed because watch_parent of job.sh may still have a file open.
unmount_disk() {
	umount --lazy "$world"/{cache,tmp,repo/build,disk}
}

# run NUMBER: Runs kselftest.sh with the fault NUMBER. run sets the variable status to the
# exit status of kselftest.sh. run also sets the variable hit to the command that failed,
# or to the empty string if the fault did not occur.
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
		# stderr is redirected because the shell prints a line for a process that
		# is killed.
		{
			/usr/bin/setsid -w "$0" "$world" run "$kernel" ||
				status=$?
		} 2>/dev/null
		rm "$world/$fault"
		[ ! -e "$world/hit" ] || hit=$(<"$world/hit")
	fi
}

# test_fault NUMBER: Resets the world, runs kselftest.sh with the fault NUMBER, and runs
# kselftest.sh again without a fault.
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

# make_reference: Runs kselftest.sh without a fault, and writes the names and hashes of
# the files that the run leaves to WORLD/reference.
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
