#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests of judge.sh with recordings of good and bad runs.
#
# usage: test-judge.sh
#
# Each test case changes the recording of a good run in one way, and checks the exit
# status and the report of judge.sh. test-judge.sh prints KTAP.

# shellcheck disable=SC2016 # $d is for sed
. "${0%/*}/../lib.sh"
. "$SCRIPTS/test/results.sh"
. "$SCRIPTS/judge/recording.sh"

begin_results judge

judges 0 "a good run passes" "5 passed, 0 failed, 0 skipped"

# record_qemu STATUS LINE...: Changes the recording to that of a run in which QEMU exits
# with STATUS and prints each LINE.
record_qemu() {
	sed -i "s/^qemu=.*/qemu=$1/" "$run/meta"
	printf '%s\n' "${@:2}" >"$run/qemu.log"
}

record_qemu 1 "qemu-system-x86_64: warning: it is old" \
	"qemu-system-x86_64: Parameter 'smp.cpus' expects integer" "use a number"
: >"$run/ktap.log"
: >"$run/verdict"
judges 11 "QEMU that does not start" "# QEMU: Parameter 'smp.cpus' expects integer"
record_qemu 1 "qemu: initrd is too large, cannot support.(max: 9, need 10)"
: >"$run/ktap.log"
judges 11 "QEMU that does not start, with a short name in its message" "# QEMU: initrd is too large"
record_qemu 139
edit_ktap '8,$d'
judges 11 "QEMU that crashes" "# QEMU: exit status 139, and no message"

echo CONFIG_UML=y >>"$run/config"
record_qemu 1 "Core dump limits :" "" "ncpus requires a number" ""
: >"$run/ktap.log"
judges 11 "User-Mode Linux that does not start" "# User-Mode Linux: ncpus requires a number"
echo CONFIG_UML=y >>"$run/config"
record_qemu 134 "Core dump limits :"
edit_ktap '8,$d'
add_to_console "Kernel panic - not syncing: Segfault with no mm"
judges 3 "User-Mode Linux that aborts in a panic" "# the kernel panicked"

record_qemu 143 "qemu-system-x86_64: terminating on signal 15 from pid 7 (boot.sh)"
sed -i 's/ended=exit/ended=timeout/' "$run/meta"
judges 5 "QEMU that is killed because the time ran out" "the guest did not end in 9 seconds"

add_to_console "Kernel panic - not syncing: Fatal exception"
judges 3 "a panic" "the kernel panicked"

: >"$run/ktap.log"
: >"$run/verdict"
judges 4 "no output" "PID 1 was never reached"

add_to_console "Kernel panic - not syncing: VFS: Unable to mount root fs"
: >"$run/ktap.log"
judges 3 "a panic before PID 1 is reported as a panic" "the kernel panicked"

sed -i 's/ended=exit/ended=timeout/' "$run/meta"
: >"$run/verdict"
edit_ktap '9,$d'
judges 5 "a guest that does not end" "the guest did not end in 9 seconds"

# add_race FUNCTION OTHER MODULE [CALLER...]: Appends to the console a report of KCSAN
# about a data race between the functions FUNCTION and OTHER. MODULE is " [NAME]" if
# FUNCTION belongs to the module NAME, and "" if FUNCTION belongs to the kernel. Each
# CALLER is a function that is below FUNCTION in the stack of the report.
add_race() {
	local line

	printf -v line '%66s' ""
	add_to_console "${line// /=}" "BUG: KCSAN: data-race in $1 / $2" \
		"write to 0xffff888004b7a0c8 of 8 bytes by task 85 on cpu 1:" \
		" $1+0x42/0x1a0$3" "${@:4}" "value changed: 0x1 -> 0x2" "${line// /=}"
}

add_race page_add lru_add ""
add_to_console "a trace of something else:" " mmun_x+2/9 [test_mmun]"
judges 0 "a race in another part of the kernel is listed" "# KCSAN, not about notifiers: 1 data-race in page_add / lru_add"

add_race folio_mark_accessed lru_add ""
add_race mmun_counters mmun_commit " [test_mmun]"
judges 6 "a race of the module" "BUG: KCSAN: data-race in mmun_counters"

add_race mn_itree_inv_end wake_up ""
judges 6 "a race of the notifiers" "BUG: KCSAN: data-race in mn_itree_inv_end"
add_race hrtimer_wakeup do_sleep "" " usleep_range+8/a" " mmun_x+2/9 [test_mmun]"
judges 0 "a race in a function that sleeps" "# KCSAN, not about notifiers: 1 data-race in hrtimer_wakeup"
add_race hrtimer_active tick "" " asm_sysvec_apic+1/2" " mmun_x+2/9 [test_mmun]"
judges 0 "a race in an interrupt" "# KCSAN, not about notifiers: 1 data-race in hrtimer_active"
add_race ktime_get timekeeping "" " mmun_x+2/9 [test_mmun]"
judges 0 "a race in the clock" "# KCSAN, not about notifiers: 1 data-race in ktime_get"
add_race xa_load xa_store "" " mmun_x+2/9 [test_mmun]"
judges 6 "a race in a function that the module calls" "BUG: KCSAN: data-race in xa_load"

add_race folio_mark_accessed lru_add ""
add_to_console "WARNING: CPU: 1 PID: 77 at mm/mmu_notifier.c:983"
judges 6 "a warning after a race in another part of the kernel" "WARNING: CPU"

splats=$(sed '/^#/d' "$SCRIPTS/judge/splats-seen")
while read -r splat; do
	add_to_console "$splat"
	judges 6 "splat: ${splat:0:36}" "$splat"
done <<<"$splats"

add_to_console "Memory cgroup out of memory: Killed process 93 (oom_test)" \
	"Call Trace:" "oom_reaper: reaped process 93 (oom_test)" \
	"traps: abi_test[42] general protection fault ip:40e4cf sp:7ffe error:802" \
	"RETBleed: WARNING: Spectre v2 mitigation leaves CPU vulnerable"
judges 0 "an OOM kill in a memory cgroup is not a splat" "0 failed"

edit_ktap -e 's/^  #            OK  event.munmap/  # event_test.c:9:munmap:Expected 1 (1) == n (0)/' \
	-e 's/^  ok 1/  not ok 1/' -e 's/^ok 2/not ok 2/'
sed -i s/pass/fail/ "$run/verdict"
judges 7 "a failed test is named" "#   event.munmap"

edit_ktap -e 's/^  #            OK  event.munmap/  # event_test.c:9:munmap:Expected 1 (1) == n (0)/' \
	-e 's/^  ok 1/  not ok 1/' -e 's/^ok 2/not ok 2/'
judges 7 "the reason of a failed test is printed" "#     # event_test.c:9:munmap:Expected 1"

edit_ktap -e 's/^ok 2/not ok 2/' -e '/^  ok 2/d'
judges 7 "a program that crashed" "4 passed, 1 failed"

edit_ktap 's/^ok 4/not ok 4/'
judges 7 "a leak" "#   leaks"

record_two_modules
judges 0 "a run with two modules" "7 passed, 0 failed, 0 skipped"
record_two_modules
edit_ktap -e 's/^ok 2/not ok 2/' -e '3a # loading /lib/mmun_floor.ko: No such device' -e '5,$d'
judges 7 "the second module does not load" "#   mmun_floor: load
#     # loading /lib/mmun_floor.ko: No such device"
record_two_modules
edit_ktap '/mmun_floor: load/d'
judges 8 "the second module is not loaded" "result 3 where 2 was due"
record_two_modules
edit_ktap 's/^ok 4/not ok 4/'
judges 7 "the second module is not unloaded" "#   mmun_floor: unload"

edit_ktap 's/^  ok 1/  not ok 1/'
judges 7 "a program that passes although a test failed" "1 failed"

edit_ktap '$d'
judges 8 "a truncated plan" "3 programs and checks reported, planned 4"

edit_ktap '8,$d'
judges 7 "a test that does not end is named" "#   event.munmap"
edit_ktap '8,$d'
judges 7 "the output ends inside a program" "after event.munmap"

edit_ktap '/^  ok 2/d'
judges 8 "a program that ran half of its tests" "1 results, planned 2"

edit_ktap '/^  /d'
judges 8 "a program that printed nothing" "event_test: 0 results"

edit_ktap '/^  ok 1/d'
judges 7 "a result is missing in the middle" "result 2 where 1 was due"

edit_ktap 's/^ok 3.*/Bail out! the rest was not run/'
judges 8 "a bail-out" "Bail out!"

edit_ktap -e 's/^  ok 2.*/  ok 2 # SKIP no such thing/'
judges 9 "an unexpected skip of an old harness" "event.mremap: no such thing"

edit_ktap 's/^  ok 2.*/  ok 2 event.mremap # SKIP no such thing/'
judges 9 "an unexpected skip" "4 passed, 0 failed, 1 skipped"

edit_ktap -e 's/^ok 2.*/ok 2 - mmun: event_test # SKIP/' \
	-e 's/^  1..2/  1..0 # SKIP no device/' -e '/^  [^1T]/d'
judges 9 "an unexpected skip of a program" "event_test: no device"

edit_ktap -e 's/^ok 2.*/ok 2 - mmun: event_test # SKIP/' \
	-e 's/^  1..2/  1..0 # SKIP nothing matches MMUN_TESTS/' -e '/^  [^1T]/d'
sed -i 's/^tests=/tests=range.*/' "$run/meta"
judges 9 "a program without tests to run must not be packed" "event_test: nothing matches"

missing="set CONFIG_ZRAM, CONFIG_MMU_NOTIFIER, CONFIG_DEVICE_PRIVATE"
while read -r wanted line; do
	echo "$line" >"$run/allowed-skips"
	edit_ktap "s/^  ok 2.*/  ok 2 event.mremap # SKIP $missing/"
	judges "$wanted" "a skip, with the table: $line" "1 skipped"
done <<'EOT'
0 event.* always why
9 range.* always why
0 event.mremap !CONFIG_DEVICE_PRIVATE why
9 event.mremap !CONFIG_DEVICE why
9 event.mremap !CONFIG_NO_SUCH why
9 event.mremap !CONFIG_ZRAM why
9 event.mremap !CONFIG_MMU_NOTIFIER why
0 event.mremap CONFIG_ZRAM!=y why
9 event.mremap CONFIG_MMU_NOTIFIER!=y why
0 event.mremap CONFIG_MMU_NOTIFIER why
0 event.mremap CONFIG_ZRAM why
9 event.mremap CONFIG_DEVICE_PRIVATE why
9 event.mremap CONFIG_NO_SUCH why
9 event.mremap CONFIG_ZRA!=y why
9 event.mremap CONFIG_NO_SUCH!=y why
0 *.mremap before-6.12 why
9 *.mremap before-6.1 why
9 *.mremap MEM!=1G why
0 *.mremap MEM!=2G why
9 *.mremap SMP=1 why
0 *.mremap SMP=2 why
EOT
# record_expected_failure DIRECTIVE: Changes the result of the second test to an expected
# failure.
record_expected_failure() {
	edit_ktap "s|^  ok 2.*|  ok 2 event.mremap # $1 no end, see patches/no-end|"
}

while read -r wanted directive line; do
	echo "$line" >"$run/expected-failures"
	record_expected_failure "${directive/_/ }"
	judges "$wanted" "an expected failure, $directive, with the table: $line" \
		"1 expected failure: no end, see patches/no-end"
done <<'EOT'
0 XFAIL event.* always patches/no-end
0 SKIP_XFAIL event.* always patches/no-end
0 XFAIL event.* before-6.12 patches/no-end
9 XFAIL event.* before-6.1 patches/no-end
9 XFAIL event.* always patches/no-start
9 XFAIL event.* always patches/no
9 SKIP_XFAIL range.* always patches/no-end
9 XFAIL
EOT
echo "event.* always patches/no-end" >"$run/expected-failures"
record_expected_failure XFAIL
judges 0 "an expected failure counts as passed" "5 passed, 0 failed, 0 skipped"
export FIXED=patches/no-end
echo "event.* always patches/no-end" >"$run/expected-failures"
record_expected_failure XFAIL
judges 9 "an expected failure on a kernel with the patch" "unexpected failure: event.mremap"
unset FIXED
echo "event.* always patches/no-end" >"$run/expected-failures"
record_expected_failure XFAIL
edit_ktap -e 's/^  ok 2/  not ok 2/' -e 's/^ok 2/not ok 2/'
judges 7 "a result that is not ok is no expected failure" "4 passed, 1 failed"

echo "verdict: pass 1235" >"$run/verdict"
judges 10 "a verdict with a wrong nonce" "verdict: pass 1235"
: >"$run/verdict"
judges 10 "no verdict" "none"
echo "verdict: fail 1234" >"$run/verdict"
judges 10 "a verdict that is fail" "the verdict of PID 1 is fail"
rm "$run/meta"
judges 2 "not a recording" "no meta"

end_results
