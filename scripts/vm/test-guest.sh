#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests of pack.sh, boot.sh, PID 1 and judge.sh, which run together for each guest.
#
# usage: test-guest.sh
#
# The variable KERNEL or KDIR selects the kernel. Four guests of test-guest.sh run to
# their end. All other guests of test-guest.sh are killed or do not start. test-guest.sh
# prints KTAP. At the end of test-guest.sh, the directory build/test-guest has the files
# of the last guest.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/kernel/packages.sh"
. "$SCRIPTS/vm/guest.sh"
. "$SCRIPTS/test/results.sh"

PROGRAMS=(leaves_nothing leaves_daemon leaves_thread leaves_exit blocks taints)

# has FILE EXPRESSION TITLE: Passes if a line of FILE matches the regular expression
# EXPRESSION.
has() {
	local status=0

	grep -qE -- "$2" "$1" || status=$?
	result "$status" "$3" "no line matches: $2"
}

# prepare: Builds the modules and the programs of test-guest.c. Sets $out to the directory
# of the kernel (build/<kernel>), $dir to the directory build/test-guest, and $ktap to the
# name of the file in which boot.sh writes the KTAP.
prepare() {
	local name

	resolve "${KDIR:-${KERNEL:-stock}}"
	"$SCRIPTS/vm/build.sh" modules "$out"
	dir=$TOP/build/test-guest
	rm -rf "$dir"
	mkdir -p "$dir"/{module,floor,core,list,tests,result}
	cp "$out/kernel" "$dir/kernel"
	cp "$out/module/test_mmun.ko" "$dir/module/"
	cp "$out/floor/mmun_floor.ko" "$dir/floor/"
	cp "$out/core/mmun_core.ko" "$dir/core/"
	cp "$out/list/mmun_list.ko" "$dir/list/"
	quietly gcc -static -O2 -Wall -o "$dir/tests/${PROGRAMS[0]}" \
		"$SCRIPTS/vm/test-guest.c" -lpthread
	for name in "${PROGRAMS[@]:1}"; do
		ln "$dir/tests/${PROGRAMS[0]}" "$dir/tests/$name"
	done
	printf '%s\n' "${PROGRAMS[@]}" >"$dir/programs"
	ktap=$dir/result/ktap.log
}

# run_guest NAME=VALUE...: Runs boot.sh with the environment variables NAME, and then
# judge.sh. Sets $judge_status to the exit status of judge.sh, and writes the output of
# judge.sh to the file "report".
run_guest() {
	judge_status=0
	env "$@" "$SCRIPTS/vm/boot.sh" "$dir" >"$dir/shown"
	"$SCRIPTS/judge/judge.sh" "$dir/result" >"$dir/report" 2>&1 || judge_status=$?
}

test_leftovers() {
	local schedule

	schedule=$(printf 'reaper,rA-%01016d.' 0)
	"$SCRIPTS/vm/pack.sh" "$dir"
	run_guest SCHEDULE="$schedule" TIMES=1
	has "$ktap" '^ok 5 - mmun: leaves_nothing$' "a program that leaves nothing passes"
	has "$ktap" '^not ok 6 - mmun: leaves_daemon$' "PID 1 reports a process that a program leaves"
	has "$ktap" '^not ok 7 - mmun: leaves_thread$' "PID 1 reports a thread whose leader is a zombie"
	has "$ktap" '^# [0-9]+/[0-9]+ state: S$' "PID 1 prints the state of the task"
	has "$ktap" '^not ok 8 - mmun: leaves_exit$' "PID 1 reports a task that is stuck in exit_mm()"
	has "$ktap" '^# [0-9]+/[0-9]+ stack: .*mmun_' "PID 1 prints the stack of the task"
	has "$ktap" '^  not ok 1 blocks # HANG$' "a test that blocks for ever fails"
	has "$ktap" '^not ok 9 - mmun: blocks # HANG$' "the program of the test fails"
	has "$ktap" '^# [0-9]+/[0-9]+ stack: .*fork' "PID 1 prints the stack of the blocked task"
	has "$ktap" '^not ok 10 - mmun: taints$' "a program that taints the kernel fails"
	has "$ktap" "^  # schedule=$schedule\$" "a SCHEDULE of ${#schedule} bytes reaches the program"
	result "$((judge_status != 7))" "judge.sh reports failed tests"
	awk -f "$SCRIPTS/judge/times.awk" "$ktap" >"$dir/times"
	has "$dir/times" '^# +[0-9.]+ s  leaves_nothing +1 tests$' "TIMES=1 counts the tests of a program"
	has "$dir/times" '^# +[0-9.]+ s  leaves_thread$' "TIMES=1 names the tests"
}

test_stop() {
	ln "$dir/tests/${PROGRAMS[0]}" "$dir/tests/fails_and_waits"
	PROGRAM=fails_and_waits "$SCRIPTS/vm/pack.sh" "$dir"
	run_guest PROGRAM=fails_and_waits STOP=1 SCHEDULE=
	has "$ktap" '^# fails_and_waits: stopped' "STOP=1 ends a program at the first test that fails"
}

# refuses_module FILE RESULT: Changes the version magic in a copy of the module FILE.
# Passes if a guest does not load the copy, and reports the reason. RESULT is the name of
# the module in the KTAP. refuses_module changes the word "mod_unload" of the version
# magic, because the kernels of Debian ignore the first word.
refuses_module() {
	local name=${1##*/}

	cp "$out/$1" "$dir/$1"
	sed -i 's/mod_unload/mod_ulnoad/' "$dir/$1"
	"$SCRIPTS/vm/pack.sh" "$dir"
	run_guest SCHEDULE=
	has "$ktap" "^not ok [1234] - $2: load\$" "the kernel refuses $name of another kernel"
	has "$dir/report" "# loading .*$name: Exec format error" "the report has the errno"
	has "$dir/report" '# the module is for: .*mod_ulnoad' "the report has the vermagic of the module"
	has "$dir/report" "# the kernel is: $(value release "$out/kernel")" "the report names the kernel"
	has "$dir/report" "# kernel: ${name%.ko}: version magic" "the report has the message of the kernel"
	result "$((judge_status != 7))" "judge.sh reports the failed load"
}

test_wrong_module() {
	refuses_module floor/mmun_floor.ko mmun_floor
	refuses_module module/test_mmun.ko mmun
}

# qemu_fails EXPRESSION NAME=VALUE...: Runs a guest with the environment variables NAME.
# Passes if QEMU fails, and the report of judge.sh has a message of QEMU that matches
# EXPRESSION.
qemu_fails() {
	run_guest ACCEL=tcg "${@:2}"
	has "$dir/report" "^# QEMU: $1" "${*:2}: the report has the message of QEMU"
	result "$((judge_status != 11))" "${*:2}: judge.sh exits 11"
}

test_qemu() {
	qemu_fails '.*integer' SMP=x
	qemu_fails '.*initrd is too large' MEM=1
	qemu_fails '.*expects a non-negative number' MEM=1x
	qemu_fails '.*CPU model' ACCEL=icount CPU=none
}

test_command_line() {
	local status=0 long

	printf -v long '%2000s' ''
	APPEND=${long// /x} "$SCRIPTS/vm/boot.sh" "$dir" >"$dir/shown" \
		2>"$dir/report" || status=$?
	result "$((status != 2))" "a kernel command line that is too long is refused"
	has "$dir/report" '^vm/boot.sh: APPEND is too long' "the reason is one line"
}

# take_cpus COUNT: Calls take_cpu COUNT times, as for COUNT guests. For each guest, prints
# the words that pin the guest to a CPU, or "nothing" if all CPUs are locked.
take_cpus() {
	local i pinned

	for ((i = 0; i < $1; i++)); do
		take_cpu
		echo "${pinned[*]:-nothing}"
	done
}

test_pinning() {
	local cpus list seen status=0 wanted

	mkdir -p "$dir/build"
	list=$(allowed_cpus)
	mapfile -t cpus <<<"$list"
	wanted=$(printf 'taskset -c %s\n' "${cpus[@]}"; echo nothing)
	seen=$(TOP=$dir take_cpus "$((${#cpus[@]} + 1))")
	[ "$seen" = "$wanted" ] || status=1
	result "$status" "each guest of User-Mode Linux is pinned to a CPU, and one guest more is not" \
		"$seen"
}

# are_dead PIDS: Returns 0 if each process in PIDS has ended or is a zombie. PIDS is a
# list of process IDs, separated by commas.
are_dead() {
	! ps -o stat= -p "$1" | grep -qv Z
}

# removes_files SIGNAL: Passes if boot.sh, which received SIGNAL, has removed its
# temporary files.
removes_files() {
	local status=0

	[ ! -e "$dir/result/initrd" ] && [ ! -e "$dir/result/serial" ] || status=1
	result "$status" "SIG$1 to boot.sh removes the temporary files"
}

# ends_by SIGNAL: Sends SIGNAL to boot.sh. Passes if boot.sh and its children end within a
# second, and boot.sh removes its temporary files. After SIGKILL, ends_by does not check
# the temporary files, because boot.sh cannot remove files after SIGKILL.
ends_by() {
	local boot all try status=0

	rm -f "$dir/result/console.log"
	V=1 env --default-signal=TERM,HUP setsid "$SCRIPTS/vm/boot.sh" "$dir" \
		>"$dir/shown" 2>&1 &
	boot=$!
	for ((try = 0; try < 300; try++)); do
		[ ! -s "$dir/result/console.log" ] || break
		sleep 0.2
	done
	all=$(pgrep -d , -s "$boot" || echo "$boot")
	kill -"$1" "$boot"
	sleep 1
	[ -s "$dir/result/console.log" ] && are_dead "$all" || status=1
	result "$status" "SIG$1 to boot.sh ends its children in a second"
	wait "$boot" || true
	[ "$1" = KILL ] || removes_files "$1"
}

test_signals() {
	local signal

	for signal in TERM HUP KILL; do
		ends_by "$signal"
	done
}

need gcc qemu-system-x86_64 '/usr/lib/*/libc.a'
prepare
begin_results guest
test_leftovers
test_stop
test_wrong_module
test_qemu
test_command_line
test_pinning
test_signals
end_results
