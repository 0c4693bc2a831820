# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
#
# A recording consists of the files that boot.sh writes during a run. recording.sh makes
# the recording of a good run in the temporary directory $run. The functions of
# recording.sh change the recording and check the report of judge.sh. The tests of
# judge.sh source recording.sh.

# record_good_run: Writes the recording of a run that passed to the directory $run.
record_good_run() {
	: >"$run/allowed-skips"
	: >"$run/expected-failures"
	: >"$run/qemu.log"
	printf '%s\n' nonce=1234 ended=exit qemu=0 seconds=9 tests= mem=1G smp=2 \
		release=6.1.0-56-amd64 >"$run/meta"
	printf '%s\n' CONFIG_MMU_NOTIFIER=y CONFIG_ZRAM=m \
		"# CONFIG_DEVICE_PRIVATE is not set" >"$run/config"
	printf '%s\r\n' "[    0.000000] Linux version 6.1.0-56-amd64" \
		"[    1.881441] test_mmun: loading out-of-tree module taints kernel." \
		"[    2.010510] reboot: machine restart" >"$run/console.log"
	echo "verdict: pass 1234" >"$run/verdict"
	cat >"$run/ktap.log" <<-EOT
		KTAP version 1
		1..4
		ok 1 - mmun: load
		  TAP version 13
		  1..2
		  #  RUN           event.munmap ...
		  #            OK  event.munmap
		  ok 1 event.munmap
		  #  RUN           event.mremap ...
		  #            OK  event.mremap
		  ok 2 event.mremap
		ok 2 - mmun: event_test
		ok 3 - mmun: unload
		ok 4 - mmun: leaks
	EOT
}

# record_two_modules: Changes the KTAP of the good run to the KTAP of a run that also
# loads and unloads a second module.
record_two_modules() {
	edit_ktap -e 's/^1\.\.4/1..6/' -e '/: load$/a ok 2 - mmun_floor: load' \
		-e 's/^ok 2 - mmun: e/ok 3 - mmun: e/' \
		-e 's/^ok 3 \(- mmun: unload\)/ok 4 - mmun_floor: unload\nok 5 \1/' \
		-e 's/^ok 4 \(- mmun: leaks\)/ok 6 \1/'
}

# judges STATUS TITLE WORDS: Passes if judge.sh exits with STATUS for the recording, and
# the report of judge.sh contains WORDS. At the end, judges() restores the recording of
# the good run.
judges() {
	local wanted=$1 title=$2 words=$3 report got=0 status=1

	report=$("$SCRIPTS/judge/judge.sh" "$run" 2>&1) || got=$?
	[[ $got != "$wanted" || $report != *"$words"* ]] || status=0
	result "$status" "$title" \
		"status $got, expected $wanted, and \"$words\" in:"$'\n'"$report"
	record_good_run
}

# add_to_console LINE...: Appends each LINE, as a message of the kernel, to the console of
# the recording.
add_to_console() {
	printf '[   11.222333] %s\r\n' "$@" >>"$run/console.log"
}

# edit_ktap WORD...: Edits the KTAP of the recording with sed. Each WORD is an argument of
# sed.
edit_ktap() {
	sed -i "$@" "$run/ktap.log"
}

run=$(mktemp -d)
export ALLOWED_SKIPS=$run/allowed-skips
export EXPECTED_FAILURES=$run/expected-failures
trap 'rm -rf "$run"' EXIT
record_good_run
