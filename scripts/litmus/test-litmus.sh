#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests of "make litmus": which litmus tests fail, and where herd7 comes from. Most tests use
# herd7 and the memory model in the cache, with changed copies of a few litmus tests. The
# other tests use a stand-in for herd7. test-litmus.sh prints KTAP.
#
# usage: test-litmus.sh

# The stand-ins expand the variables in single quotes.
# shellcheck disable=SC2016

. "${0%/*}/../lib.sh"
. "$SCRIPTS/test/results.sh"

CLAIM=reader-that-sleeps-is-woken
TWIN=$CLAIM-without-wait-queue-lock
KNOWN=has_itree-has-no-data-race

# make_clone: Makes a clone with all scripts, except the mutants, and with the tests.
make_clone() {
	mkdir -p "$dir"/{bin,clone}
	cp -r "$SCRIPTS" "$dir/clone/scripts"
	rm -f "$dir"/clone/scripts/mutate/{kernel,module}/*.mutant
	tests=$dir/clone/tools/testing/mmu_notifier/litmus
	copy_tests
}

# copy_tests: Copies the two tests of CLAIM and the two tests of KNOWN to the clone.
copy_tests() {
	rm -rf "$tests"
	mkdir -p "$tests"
	cp "$TOP"/tools/testing/mmu_notifier/litmus/{"$CLAIM","$KNOWN"}*.litmus "$tests"
}

# run_litmus [NAME=VALUE...]: Runs litmus.sh in the clone with the variables NAME.
# run_litmus sets the variable status to the exit status, and the variable output to the
# output on stdout.
run_litmus() {
	status=0
	output=$(env TREE="$tree" KERNEL= TESTS= "$@" "$dir/clone/scripts/litmus.sh" \
		2>"$dir/stderr") || status=$?
}

# prints TITLE LINE: Passes if the output of the last run has LINE.
prints() {
	local bad=0

	has_line /dev/stdin "$2" <<<"$output" || bad=1
	result "$bad" "$1: $2" "$output"$'\n'"$(<"$dir/stderr")"
}

# passes TITLE LAST [NAME=VALUE...]: Passes if litmus.sh exits with status 0, and the last
# line of the output is LAST.
passes() {
	run_litmus "${@:3}"
	check "$1: status 0" test "$status" = 0
	prints "$1" "$2"
}

# fails TITLE REASON [LAST]: Passes if litmus.sh exits with status 1, if the output has
# REASON, and if the last line of the output is LAST. Without LAST, one of four tests must
# fail. At the end, fails restores the tests.
fails() {
	run_litmus
	check "$1: status 1" test "$status" = 1
	prints "$1" "# $2"
	prints "$1" "${3:-3 passed, 1 failed, 0 skipped}"
	copy_tests
}

# copy_tree TREE: Makes the directory $tree a copy of the files of TREE that the tests need.
copy_tree() {
	local file files

	tree=$dir/tree
	rm -rf "$tree"
	files=$("$SCRIPTS/kernel/files.sh" litmus)
	for file in $files; do
		install -D -m 644 "$1/$file" "$tree/$file"
	done
}

# change FILE EXPRESSION...: Changes the litmus test FILE with the sed EXPRESSION.
change() {
	sed -i "${@:2}" "$tests/$1.litmus"
}

test_passed() {
	passes "no change" "4 passed, 0 failed, 0 skipped"
	prints "a known error" "ok 2 $KNOWN # XFAIL mmu_interval_notifier_insert() loads has_itree without a lock"
	passes "one name" "1 passed, 0 failed, 0 skipped" TESTS="$CLAIM"
	passes "two globs" "3 passed, 0 failed, 0 skipped" TESTS='has*,*-without-*'
	passes "V=1" "# Observation $CLAIM Never 0 3" V=1
	run_litmus TESTS=nothing
	check "no name matches: status 2" test "$status" = 2
}

test_results() {
	change $CLAIM '/_lock(wq_lock)/d'
	fails "the claim does not hold" "expected 'Never', but herd7 found 'Sometimes'"
	change $TWIN '/READ_ONCE(\*waiter)/i\	smp_mb();'
	fails "the twin does not fail" "expected 'Sometimes', but herd7 found 'Never'"
	change $CLAIM 's/WRITE_ONCE(\*seq, 4)/*seq = 4/'
	fails "a data race" "expected 'Never', but herd7 found 'Never DATARACE'"
	change $KNOWN 's/fast = .*/fast = READ_ONCE(*has_itree);/; s/\*has_itree = 1/WRITE_ONCE(*has_itree, 1)/'
	fails "a known error is gone" "expected 'Never DATARACE', but herd7 found 'Never'"
	change $CLAIM 's/spin_unlock(wq_lock)/spin_lock(wq_lock)/'
	fails "no execution" "expected 'Never', but herd7 found 'no execution of $CLAIM'"
}

test_files() {
	change $CLAIM 's/smp_mb();/smp_mb()/'
	fails "a syntax error" "herd7 ended with status 1"
	change $CLAIM 's/smp_mb/smp_bm/'
	fails "an unknown barrier" "herd7 ended with status 1"
	change $CLAIM 's/^C .*/C another/'
	fails "the name differs" "expected 'Never', but herd7 found 'no execution of $CLAIM'"
	change $CLAIM '/Result/d'
	fails "no result" "the comment has no line 'Result: Never', or Sometimes, or Always"
	change $CLAIM 's/Result: .*/Result: Perhaps/'
	fails "an unknown result" "the comment has no line 'Result: Never', or Sometimes, or Always"
	change $KNOWN '/Known error/d'
	fails "an error that is not known" "the claim must be Never, or have a line 'Known error:'"
	change $CLAIM '/Result/a\ * Known error: none'
	fails "no error" "a test with a known error must not be Never"
}

test_twins() {
	rm "$tests/$TWIN.litmus"
	fails "no twin" "no test of this claim reaches a bad outcome: a test $CLAIM-without-X is missing" \
		"2 passed, 1 failed, 0 skipped"
	rm "$tests/$KNOWN-with-READ_ONCE.litmus"
	fails "a known error alone" "no test of this claim is Never: a test $KNOWN-with-X is missing" \
		"2 passed, 1 failed, 0 skipped"
	rm "$tests/$CLAIM.litmus"
	fails "a twin alone" "there is no $CLAIM.litmus" "2 passed, 1 failed, 0 skipped"
	sed "s/^C .*/C $TWIN/" "$tests/$CLAIM.litmus" >"$tests/$TWIN.litmus"
	fails "a twin that is Never" "a test without a barrier must reach a bad outcome" \
		"2 passed, 2 failed, 0 skipped"
	change $KNOWN-with-READ_ONCE 's/: Never/: Never DATARACE/; s/READ_ONCE(\(.*\))/\1/'
	fails "a sufficient barrier that is not" "a test with a barrier must be Never" \
		"2 passed, 2 failed, 0 skipped"
}

# source_fails TITLE REASON EXPRESSION: Passes if the claim CLAIM fails with REASON after the
# change of mm/mmu_notifier.c by the sed EXPRESSION.
source_fails() {
	cp "$tree/mm/mmu_notifier.c" "$dir/source"
	sed -i "$3" "$tree/mm/mmu_notifier.c"
	fails "$1" "the kernel has changed: $2, or the order is another"
	cp "$dir/source" "$tree/mm/mmu_notifier.c"
}

test_source() {
	local end="mn_itree_inv_end() has no"

	source_fails "a statement is missing" "$end 'wake_up_all(&subscriptions->wq);'" \
		's/wake_up_all(/wake_up(/'
	source_fails "a statement is in a comment" "$end 'wake_up_all(&subscriptions->wq);'" \
		's|wake_up_all(.*|/* & */|'
	source_fails "another order" "$end 'wake_up_all(&subscriptions->wq);'" \
		'/wake_up_all(/d; s/subscriptions->invalidate_seq++;/wake_up_all(\&subscriptions->wq); &/'
	source_fails "another name of the function" "$end 'spin_lock(&subscriptions->lock);'" \
		's/mn_itree_inv_end(/mn_itree_end(/'
	change $CLAIM '/^ \* In /d'
	fails "no statement" "the comment has no line 'In FUNCTION: STATEMENT'"
}

# write_herd LINE...: Makes a stand-in for herd7, a shell script with the lines LINE after
# the answer to "herd7 -version".
write_herd() {
	printf '%s\n' '#!/bin/bash' '[ "$1" != -version ] || { echo 1.0, Rev: x; exit; }' \
		'name=${!#}; name=${name##*/}; name=${name%.litmus}' "$@" >"$dir/bin/herd7"
	chmod +x "$dir/bin/herd7"
}

# all_fail TITLE REASON: Passes if all tests fail, with REASON.
all_fail() {
	run_litmus
	check "$1: status 1" test "$status" = 1
	prints "$1" "# $2"
	prints "$1" "0 passed, 4 failed, 0 skipped"
}

test_bad_herd() {
	write_herd 'exit 3'
	all_fail "herd7 fails" "herd7 ended with status 3"
	write_herd 'echo "Observation $name Never 0 1"; kill -SEGV $$'
	all_fail "herd7 crashes after its answer" "herd7 ended with status 139"
	write_herd 'exit 0'
	all_fail "herd7 prints nothing" "expected 'Never', but herd7 found 'no execution of $CLAIM'"
	sed -i 's/^SECS=.*/SECS=0.2/' "$dir/clone/scripts/litmus/judge.sh"
	write_herd 'sleep 9'
	all_fail "herd7 does not end" "herd7 ended with status 124"
	printf '%s\n' '#!/bin/sh' 'exit 1' >"$dir/bin/herd7"
	run_litmus
	check "herd7 -version fails: status 1" test "$status" = 1
	check "herd7 -version fails: no results" test -z "$output"
	rm "$dir/bin/herd7"
}

# make_packages FETCHED: Makes stand-ins for apt and for the script that downloads herd7.
# The latter runs FETCHED, and then makes a loader that runs a stand-in for herd7.
make_packages() {
	printf '%s\n' '#!/bin/sh' 'echo "  Candidate: 7.1"' >"$dir/bin/apt-cache"
	printf '%s\n' '#!/bin/sh' "echo \$1 \$2 >>$dir/apt" >"$dir/clone/scripts/kernel/apt.sh"
	{
		printf '%s\n' '#!/bin/bash' "echo \"\${*:1:3}\" >>$dir/apt" "$1"
		printf '%s\n' 'lib=${!#}/usr/lib/x; mkdir -p "$lib"' \
			'printf "%s\n" "#!/bin/bash" "echo Fetched, Rev: x" >"$lib/ld-linux.so.2"' \
			'chmod +x "$lib/ld-linux.so.2"'
	} >"$dir/clone/scripts/kernel/fetch.sh"
	chmod +x "$dir"/bin/* "$dir"/clone/scripts/kernel/{apt,fetch}.sh
}

# uses_herd TITLE TEXT: Passes if litmus.sh prints TEXT on stderr. The cache is empty when
# the first test begins.
uses_herd() {
	run_litmus MMUN_CACHE="$dir/cache"
	check "$1: $2" grep -q "$2" "$dir/stderr"
}

# The program herd7 of this machine must not be found.
test_absent_herd() {
	sed -i 's/command -v herd7/command -v no-herd7/' "$dir/clone/scripts/litmus/herd.sh"
	make_packages 'kill -KILL $$'
	uses_herd "the download is killed" "herd7 is missing. Install the package"
	check "the download is killed: status 2" test "$status" = 2
	check "the download is killed: the cache has no herd7" test ! -e "$dir/cache/herd"
	make_packages :
	uses_herd "the next run" "herd7 Fetched"
	check "only the lists of sid are used" test "$(sort -u "$dir/apt" | paste -sd ,)" = \
		"herd sid herdtools7=7.1,sid prepare,sid refresh"
	rm "$dir/apt"
	uses_herd "herd7 is in the cache" "herd7 Fetched"
	check "herd7 is in the cache: no download" test ! -e "$dir/apt"
	rm -r "$dir/cache/herd"
	sed -i 's/is_installed apt-get/is_installed no-apt/' "$dir/clone/scripts/litmus/fetch.sh"
	uses_herd "neither herd7 nor apt" "herd7 is missing. Install the package"
	check "neither herd7 nor apt: status 2" test "$status" = 2
}

unset STOP
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
PATH=$dir/bin:$PATH
parts=$("$SCRIPTS/kernel/tree.sh" -m)
copy_tree "$(value source /dev/stdin <<<"$parts")"
make_clone
begin_results litmus
test_passed
test_results
test_files
test_twins
test_source
test_bad_herd
test_absent_herd
end_results
