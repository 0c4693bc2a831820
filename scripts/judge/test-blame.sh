#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests of judge.sh: judge.sh must name the test that ran when the kernel complained or
# when the guest ended.
#
# usage: test-blame.sh
#
# Each test case changes the recording of a good run. test-blame.sh prints KTAP.

# shellcheck disable=SC2016 # $d is for sed
. "${0%/*}/../lib.sh"
. "$SCRIPTS/test/results.sh"
. "$SCRIPTS/judge/recording.sh"

begin_results blame

warning="WARNING: CPU: 1 PID: 77 at mm/mmu_notifier.c:983"
add_to_console "$warning"
judges 6 "a complaint before the first test names no test" "5 passed, 0 failed"
add_to_console "mmun: starts event.munmap" "$warning" "mmun: starts event.mremap"
judges 6 "a complaint is attributed to the test that runs" "#   event.munmap"
add_to_console "mmun: starts event.munmap" "$warning" "mmun: starts event.mremap"
judges 6 "the test that runs when the kernel complains fails" "4 passed, 1 failed"
add_to_console "mmun: starts event.munmap" "$warning" "$warning"
judges 6 "the complaint is the reason of the failure" "#     the kernel complained: 5:[   11.222333] WARNING"
frame="------------[ cut here ]------------"
add_to_console "mmun: starts event.munmap" "$frame" "$warning"
judges 6 "the frame of a complaint is not the reason" "#     the kernel complained: 6:[   11.222333] WARNING"
add_to_console "mmun: starts event.munmap" "$frame" "no complaint"
judges 6 "a frame alone is a complaint" "#     the kernel complained: 5:[   11.222333] ------"
add_to_console "mmun: starts event.mremap" "mmun: ends event.mremap" "$warning"
judges 6 "a complaint after a test is attributed to this test" "#   event.mremap"
add_to_console "mmun: starts event_test" "$warning"
judges 6 "a complaint before the first test of a program names the program" "#   event_test"
record_two_modules
add_to_console "mmun: starts mmun_floor: unload" "$warning"
judges 6 "a complaint during the unload of a module names the unload" "#   mmun_floor: unload"
add_to_console "mmun: starts event.mremap" "Kernel panic - not syncing: Fatal exception"
edit_ktap '10,$d'
judges 3 "a test in which the kernel panics is named" "#   event.mremap"

sed -i 's/ended=exit/ended=timeout/' "$run/meta"
edit_ktap '10,$d'
judges 5 "a test that has not ended when the time is over is named" "#   event.mremap"

add_to_console "mmun: starts event.mremap"
printf '%s\n' "---- the console of guest-2 ----" "WARNING: CPU: 1" >>"$run/console.log"
judges 6 "a complaint of another guest is not attributed to a test of the first" "5 passed, 0 failed"
edit_ktap -e '10,$d' -e '9i\  #  RUN           event.munmap2 ...'
judges 7 "two guests that end in a test name both" "2 failed"

end_results
