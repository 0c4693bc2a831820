#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests of "make quick": which tree the program is built from, what is built again after a
# change, and which results the exit status reports. A stand-in replaces the program
# tools/testing/mmu_notifier. test-quick.sh prints KTAP.
#
# usage: test-quick.sh

. "${0%/*}/../lib.sh"
. "$SCRIPTS/test/results.sh"
. "$SCRIPTS/test/fake/quick.sh"

# run_quick [NAME=VALUE...]: Runs quick.sh in the clone with the variables NAME. run_quick
# sets the variable status to the exit status, the variable output to the output on stdout,
# and the variable compiled to the objects that make compiled.
run_quick() {
	rm -f "$dir"/clone/build/*/program/compiled
	status=0
	output=$(env MMUN_CACHE="$dir/cache" TREE="$dir/tree" KERNEL= PATCH= TESTS= SCHEDULE= \
		"$@" "$dir/clone/scripts/quick.sh" 2>"$dir/stderr") || status=$?
	compiled=$(cat "$dir"/clone/build/*/program/compiled 2>/dev/null |
		sort | paste -sd ' ') ||
		true
}

# ends TITLE STATUS LAST [NAME=VALUE...]: Passes if quick.sh exits with STATUS, and the
# last line of the output is LAST.
ends() {
	run_quick "${@:4}"
	check "$1: status $2" test "$status" = "$2"
	check "$1: $3" test "${output##*$'\n'}" = "$3"
}

# compiles TITLE OBJECTS [NAME=VALUE...]: Passes if quick.sh compiles only OBJECTS.
compiles() {
	run_quick "${@:3}"
	check "$1: ${2:-nothing} is compiled" test "$status:$compiled" = "0:$2"
}

# uses_tree TITLE TREE [NAME=VALUE...]: Passes if quick.sh uses TREE in the cache.
uses_tree() {
	run_quick TREE= "${@:3}"
	check "$1" has_line "$dir/stderr" "  mm/mmu_notifier.c of $dir/cache/$2"
}

# edit FILE WORD: Appends a line with WORD to FILE of the tree.
edit() {
	echo "$2" >>"$dir/tree/$1"
}

# make_packages: Makes stand-ins for apt and for the script that downloads a package.
make_packages() {
	mkdir -p "$dir/bin"
	printf '%s\n' '#!/bin/sh' 'echo "  Candidate: 7.3.9"' >"$dir/bin/apt-cache"
	printf '%s\n' '#!/bin/sh' >"$dir/clone/scripts/kernel/apt.sh"
	{
		printf '%s\n' '#!/bin/bash' "echo \"\${@:1:3}\" >>$dir/fetched"
		declare -f write_tree
		# shellcheck disable=SC2016 # the script expands it
		echo 'write_tree "$4"'
	} >"$dir/clone/scripts/kernel/fetch.sh"
	chmod +x "$dir"/bin/* "$dir"/clone/scripts/kernel/{apt,fetch}.sh
}

test_status() {
	make_quick "$dir"
	ends "everything passes" 0 "2 passed, 0 failed, 1 skipped"
	edit mm/mmu_notifier.c silent
	ends "results are missing" 1 "1 passed, 0 failed, 0 skipped"
	edit mm/mmu_notifier.c crash
	ends "the program crashes" 139 "1 passed, 0 failed, 0 skipped"
	edit mm/mmu_notifier.c bad
	ends "a test fails" 1 "2 passed, 1 failed, 0 skipped"
	ends "the first failure ends the run" 1 "1 passed, 1 failed, 0 skipped" STOP=1
	ends "a schedule" 1 "played second:01" SCHEDULE=second:01
	edit mm/mmu_notifier.c error
	run_quick
	check "a build that fails: status 2" test "$status" = 2
	check "a build that fails: nothing runs" test -z "$output"
	check "a build that fails: the error is printed" has_line "$dir/stderr" error
	run_quick TREE="$dir/bin"
	check "a tree that lacks a file: status 2" test "$status" = 2
}

test_words() {
	make_quick "$dir"
	run_quick TESTS='a*,b' DEEP=1
	check "the program gets the variables and the globs" \
		has_line /dev/stdin "# DEEP=1 STOP=0 chosen: a* b" <<<"$output"
}

test_build() {
	make_quick "$dir"
	compiles "the first run" "gcc mmu_notifier.o gcc table.o"
	compiles "no change" ""
	edit mm/mmu_notifier.c "int new;"
	compiles "a change of the source file" "gcc mmu_notifier.o"
	edit include/linux/mmu_notifier.h "int new;"
	compiles "a change of the header" "gcc table.o"
	echo "int new;" >>"$dir/clone/tools/testing/mmu_notifier/table.c"
	compiles "a change of the program" "gcc table.o"
	printf '%s\n' '#!/bin/sh' 'echo 1' >"$dir/bin/clang"
	chmod +x "$dir/bin/clang"
	compiles "another compiler" "clang mmu_notifier.o clang table.o" CC=clang
}

# write_patch WORD: Writes a patch that adds a line with WORD to the source file.
write_patch() {
	printf '%s\n' "--- a/mm/mmu_notifier.c" "+++ b/mm/mmu_notifier.c" "@@ -1,5 +1,6 @@" \
		" int one()" " {" "+	$1();" " 	one();" " 	two();" " }" >"$dir/patch"
}

test_patch() {
	make_quick "$dir"
	cp -r "$dir/tree" "$dir/before"
	write_patch good
	ends "a patch" 0 "2 passed, 0 failed, 1 skipped" PATCH="$dir/patch"
	write_patch better
	compiles "a change of the patch" "gcc mmu_notifier.o" PATCH="$dir/patch"
	write_patch bad
	ends "a test fails on the patch" 1 "2 passed, 1 failed, 0 skipped" PATCH="$dir/patch"
	ends "the same tree without the patch" 0 "2 passed, 0 failed, 1 skipped"
	check "the tree is as before" diff -r "$dir/before" "$dir/tree"
	edit mm/mmu_notifier.c "int new;"
	sed -i 's/int one()/int uno()/' "$dir/tree/mm/mmu_notifier.c"
	run_quick PATCH="$dir/patch"
	check "a patch that does not apply: status 2" test "$status" = 2
	check "a patch that does not apply: the message" grep -q \
		"hunk 1 of mm/mmu_notifier.c (line 1) does not apply" "$dir/stderr"
}

test_trees() {
	make_quick "$dir"
	sed -i 's/is_installed apt-get/is_installed no-apt/' "$dir/clone/scripts/kernel/tree.sh"
	run_quick TREE=
	check "an empty cache, and no apt: a message" grep -q "Set TREE to" "$dir/stderr"
	make_quick "$dir"
	make_packages
	uses_tree "an empty cache: the files of 7.3 are fetched" \
		"quick/linux-source-7.3_7.3.9_$list"
	uses_tree "KERNEL=6.12: its files are fetched" \
		"quick/linux-source-6.12_7.3.9_$list" KERNEL=6.12
	uses_tree "the newest files are used again" "quick/linux-source-7.3_7.3.9_$list"
	check "each package is fetched once" test "$(paste -sd ' ' "$dir/fetched")" = \
		"quick trixie-backports linux-source-7.3=7.3.9 quick trixie linux-source-6.12=7.3.9"
	for name in 6.1_6.1.9 6.12_6.12.8 7.4_7.4.1; do
		write_tree "$dir/cache/tree/linux-source-$name"
	done
	uses_tree "the newest tree is used" tree/linux-source-7.4_7.4.1
	uses_tree "KERNEL=6.1: its tree is used" tree/linux-source-6.1_6.1.9 KERNEL=6.1
	mv "$dir/cache/tree/linux-source-6.1_6.1.9" "$dir/cache/tree/linux-source-6.1_6.1.10"
	compiles "another version of a tree" "gcc mmu_notifier.o gcc table.o" TREE= KERNEL=6.1
	sed -i 's/@printf/& x/' "$dir/clone/tools/testing/mmu_notifier/Makefile"
	rm -r "$dir/cache/tree/linux-source-7.4_7.4.1"
	rm -r "$dir/cache/quick/linux-source-6.12_7.3.9_$list"
	uses_tree "files of another list are not used" tree/linux-source-6.12_6.12.8
}

# The tests set these variables themselves.
unset CC LLVM DEEP STOP TIMEOUT
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/bin"
PATH=$dir/bin:$PATH
list=$(printf '%s\n' mm/mmu_notifier.c include/linux/mmu_notifier.h | sum)
begin_results quick
test_status
test_words
test_build
test_patch
test_trees
end_results
