#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests of the scripts that run guests in parallel. The first tests check how deal.awk
# distributes the programs. All tests except test_deal() check the merged result of two
# guests, of which one fails in most tests.
#
# usage: test-merge.sh
#
# A recording consists of the files that boot.sh writes for a guest. Each test of a merged
# result starts with the recordings of two good guests, and changes a recording. The test
# then merges the recordings, and checks the exit status of judge.sh. test-merge.sh prints
# KTAP.

# shellcheck disable=SC2016 # $d and $a are for sed
. "${0%/*}/../lib.sh"
. "$SCRIPTS/test/results.sh"

# deals GUESTS SECONDS PROGRAMS WANTED TITLE: Passes if deal.awk distributes PROGRAMS to
# GUESTS guests as in WANTED. SECONDS and PROGRAMS are the content of the input files of
# deal.awk, and WANTED is the output. In SECONDS, PROGRAMS and WANTED, commas separate the
# lines.
deals() {
	local got status=0

	printf '%s' "${2:+${2//,/$'\n'}$'\n'}" >"$dir/seconds"
	printf '%s\n' "${3//,/$'\n'}" >"$dir/programs"
	got=$(awk -v guests="$1" -f "$SCRIPTS/vm/deal.awk" "$dir/seconds" "$dir/programs" |
		paste -sd ,)
	[ "$got" = "$4" ] || status=1
	result "$status" "$5" "the output is: $got"
}

test_deal() {
	deals 2 "a 1,b 2,c 4,d 5" a,b,c,d "1 a,2 b,2 c,1 d" \
		"the longest program goes to the guest with the least work"
	deals 2 "d 9" a,b,c,d "1 a,2 b,1 c,2 d" "the order of the list is kept"
	deals 2 "" a,b,c "1 a,2 b,1 c" "without known times all programs count the same"
	deals 2 "a 6,b 2" a,b,x,y "1 a,1 b,2 x,2 y" "a program of unknown time counts as the mean"
	deals 3 "a 0.0,b 0.0,c 0.0" a,b,c "1 a,2 b,3 c" "each guest has a program"
	deals 2 "z 100,a 1" a,b "1 a,2 b" "the time of another program does not matter"
}

# record_guest GUEST PROGRAM SECONDS: Writes the recording of a good guest with the number
# GUEST. The guest ran PROGRAM, which has one test, in SECONDS seconds.
record_guest() {
	local to=$dir/guest-$1/result

	mkdir -p "$to"
	: >"$to/qemu.log"
	printf '%s\n' nonce=1234 ended=exit qemu=0 "seconds=$3" tests= mem=1G smp=2 \
		release=6.1.0-56-amd64 >"$to/meta"
	echo CONFIG_MMU_NOTIFIER=y >"$to/config"
	echo "nonce=1234" >"$to/orders"
	printf '[    0.000000] Linux version 6.1.0\r\n' >"$to/console.log"
	printf 'verdict: pass 1234\r\n' >"$to/verdict"
	cat >"$to/ktap.log" <<-EOT
		KTAP version 1
		1..10
		ok 1 - mmun: load
		ok 2 - mmun_floor: load
		ok 3 - mmun_core: load
		ok 4 - mmun_list: load
		  TAP version 13
		  1..1
		  #  RUN           $2.works ...
		  #            OK  $2.works
		  ok 1 $2.works
		ok 5 - mmun: $2
		# $2: $3.0 s
		ok 6 - mmun_list: unload
		ok 7 - mmun_core: unload
		ok 8 - mmun_floor: unload
		ok 9 - mmun: unload
		ok 10 - mmun: leaks
	EOT
}

record_guests() {
	record_guest 1 event 8
	record_guest 2 log 9
	: >"$dir/messages"
}

# merge_guests: Merges the recordings of the two guests. The input of merge.sh has, in
# turn, a line of the KTAP of guest 1, a line of the KTAP of guest 2, and a line of
# $dir/messages. The file $dir/messages has the messages of boot.sh.
merge_guests() {
	rm -rf "$dir/run"
	mkdir "$dir/run"
	: >"$dir/run/ktap.log"
	sed 's/^/1 /' "$dir/guest-1/result/ktap.log" >"$dir/first"
	sed 's/^/2 /' "$dir/guest-2/result/ktap.log" >"$dir/second"
	paste -d '\n' "$dir/first" "$dir/second" "$dir/messages" | sed '/^$/d' |
		"$SCRIPTS/vm/merge.sh" 2 2 "$dir/run/ktap.log" >"$dir/shown" 2>"$dir/stderr"
	"$SCRIPTS/vm/gather.sh" "$dir/run" "$dir"/guest-{1,2}/result
}

# judges STATUS TITLE WORDS [LINE]: Passes if judge.sh exits with STATUS for the merged
# recordings, the report of judge.sh contains WORDS, and the merged KTAP has the line LINE
# [the plan "1..11"]. At the end, judges() restores the recordings of two good guests.
judges() {
	local got=0 report status=1

	merge_guests
	report=$("$SCRIPTS/judge/judge.sh" "$dir/run" 2>&1) || got=$?
	[[ $got != "$1" || $report != *"$3"* ||
	   $'\n'$(<"$dir/shown")$'\n' != *$'\n'"${4-1..11}"$'\n'* ]] || status=0
	cmp -s "$dir/shown" "$dir/run/ktap.log" || status=1
	result "$status" "$2" "status $got, expected $1, \"$3\" and \"${4:-}\" in:
$report
$(<"$dir/shown")"
	record_guests
}

# edit GUEST FILE WORD...: Edits FILE in the recording of GUEST with sed. Each WORD is an
# argument of sed.
edit() {
	sed -i "${@:3}" "$dir/guest-$1/result/$2"
}

# expected_ktap: Prints the merged KTAP of the two good guests.
expected_ktap() {
	cat <<-EOT
		KTAP version 1
		1..11
		ok 1 - mmun: load
		ok 2 - mmun_floor: load
		ok 3 - mmun_core: load
		ok 4 - mmun_list: load
		  TAP version 13
		  1..1
		  #  RUN           event.works ...
		  #            OK  event.works
		  ok 1 event.works
		ok 5 - mmun: event
		# event: 8.0 s
		  TAP version 13
		  1..1
		  #  RUN           log.works ...
		  #            OK  log.works
		  ok 1 log.works
		ok 6 - mmun: log
		# log: 9.0 s
		ok 7 - mmun_list: unload
		ok 8 - mmun_core: unload
		ok 9 - mmun_floor: unload
		ok 10 - mmun: unload
		ok 11 - mmun: leaks
	EOT
}

test_good() {
	local text

	merge_guests
	expected_ktap >"$dir/expected"
	text=$(diff "$dir/expected" "$dir/shown" || [ $? = 1 ])
	no_complaints "the KTAP of two good guests is merged" "$text"
	judges 0 "two good guests pass" "11 passed, 0 failed, 0 skipped"
	printf '  no KVM here\n  no KVM here\n' >"$dir/messages"
	merge_guests
	check "a message of both guests is printed once" \
		test "$(<"$dir/stderr")" = "  no KVM here"
	record_guests
}

test_tests() {
	local guest

	for guest in 1 2; do
		edit "$guest" ktap.log -e 's/^  ok/  not ok/' -e 's/^ok 5/not ok 5/'
		judges 7 "guest $guest: a failed test" "10 passed, 1 failed" \
			"not ok $((guest + 4)) - mmun: ${programs[guest - 1]}"
		edit "$guest" ktap.log -e '/mmun: unload/i # rmmod: busy' -e 's/^ok 9/not ok 9/'
		judges 7 "guest $guest: the driver is not unloaded" "#   unload" "# rmmod: busy"
		edit "$guest" ktap.log -e '/floor: unload/i # rmmod: busy' -e 's/^ok 8/not ok 8/'
		judges 7 "guest $guest: the second module is not unloaded" "#   mmun_floor: unload" \
			"not ok 9 - mmun_floor: unload"
		edit "$guest" ktap.log 's/^ok 10/not ok 10/'
		judges 7 "guest $guest: memory leaks" "#   leaks" "not ok 11 - mmun: leaks"
		edit "$guest" ktap.log -e '3s/^ok/not ok/' -e '4,$d' -e '3a Bail out! why'
		judges 7 "guest $guest: the driver does not load" "#   load" "Bail out! why"
		edit "$guest" ktap.log -e '4s/^ok/not ok/' -e '5,$d' -e '3a # loading: busy' \
			-e '4a Bail out! why'
		judges 7 "guest $guest: the second module does not load" "#     # loading: busy" \
			"not ok 2 - mmun_floor: load"
		edit "$guest" ktap.log '$d'
		judges 8 "guest $guest: the check for leaks is missing" "10 programs and checks"
	done
}

test_guests() {
	local guest

	for guest in 1 2; do
		edit "$guest" ktap.log '11,$d'
		edit "$guest" console.log '$a Kernel panic - not syncing'
		edit "$guest" verdict d
		judges 3 "guest $guest: a panic" "# the kernel panicked" \
			"  #  RUN           ${programs[guest - 1]}.works ..."
		edit "$guest" ktap.log d
		judges 4 "guest $guest: no output" "never reached in 1 of 2" \
			"ok 1 - mmun: ${programs[2 - guest]}"
		edit "$guest" ktap.log '11,$d'
		edit "$guest" meta s/exit/timeout/
		judges 5 "guest $guest: the guest does not end" "the guest did not end in 9 seconds"
		edit "$guest" console.log '$a BUG: KASAN: null-ptr-deref'
		judges 6 "guest $guest: a splat" "BUG: KASAN"
		edit "$guest" verdict s/1234/1235/
		judges 10 "guest $guest: a wrong verdict" "verdict: pass 1235"
		edit "$guest" verdict d
		judges 10 "guest $guest: no verdict" "nonce: none"
		edit "$guest" verdict 'p'
		judges 10 "guest $guest: two verdicts" "nonce: verdict"
		edit "$guest" meta s/qemu=0/qemu=1/
		echo "qemu: no memory" >"$dir/guest-$guest/result/qemu.log"
		judges 11 "guest $guest: QEMU fails" "# QEMU: no memory"
	done
}

# test_verdicts: Tests that judge.sh complains if one of the two guests has no verdict.
test_verdicts() {
	local got=0

	merge_guests
	sed -i 1d "$dir/run/verdict"
	"$SCRIPTS/judge/judge.sh" "$dir/run" >/dev/null || got=$?
	result "$((got != 10))" "one verdict of two guests" "status $got, expected 10"
}

test_no_output() {
	local guest

	for guest in 1 2; do
		edit "$guest" ktap.log d
		edit "$guest" verdict d
	done
	judges 4 "both guests: no output" "PID 1 was never reached" ""
}

programs=(event log)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
begin_results merge
test_deal
record_guests
test_good
test_tests
test_guests
test_verdicts
test_no_output
end_results
