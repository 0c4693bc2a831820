#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run one check (lint) of the sources. lint.sh prints only problems.
#
# usage: lint.sh module|reproducers|checkpatch|format|kernel-doc|texts OUT
#        lint.sh shellcheck|errexit
#
# OUT is a directory such as build/6.1, which resolve() in lib.sh makes for a kernel.

. "${0%/*}/../lib.sh"

out=${2:-}
dir=$TOP/build/check
source=${out:+$(value source "$out/kernel")}
cd "$TOP"
shell=("$SCRIPTS"/{,*/,*/*/}*.sh .ci/run)

# functions_with_guard FILE...: Prints the names of the functions that hold a lock with
# guard() in each FILE. Single quotes surround each name.
functions_with_guard() {
	awk '/^[a-z].*[a-z_]+\(/ { name = $0; sub(/\(.*/, "", name)
			sub(/.*[ *]/, "", name) }
		/guard\((spinlock|rcu)\)/ { print "\047" name "\047" }' "$@"
}

# lint_module: Builds the modules with W=1 and sparse, and prints the warnings about the
# modules. lint_module ignores warnings about the headers of the kernel. lint_module also
# ignores context imbalances in functions with guard(), because sparse does not support
# the cleanup attribute.
lint_module() {
	local warnings

	rm -rf "$dir"/{module,floor,core,list}
	cp "$out/kernel" "$dir/kernel"
	MODULE_FLAGS="W=1 C=2" V=1 "$SCRIPTS/vm/build.sh" modules "$dir" \
		>"$dir/build.log" 2>&1 || { cat "$dir/build.log"; exit 1; }
	warnings=$(awk '/(mmun|\/core\/|\/list\/)[.\/a-z_]*:.*(warning|error):|^(WARNING|ERROR):/' \
		"$dir/build.log")
	functions_with_guard mmun/{*.c,*/*.c} >"$dir/guarded"
	warnings=$(echo "$warnings" | awk 'NR == FNR { guarded[$1]; next }
		/context imbalance in/ { match($0, /\047[^\047]*\047/)
			if (substr($0, RSTART, RLENGTH) in guarded) next }
		NF' "$dir/guarded" -)
	[ -z "$warnings" ] || { echo "$warnings"; exit 1; }
}

# lint_reproducers: Builds the modules and the programs in the directories
# patches/*/reproducer, and prints the warnings.
lint_reproducers() {
	local copy kdir log=$dir/reproducer.log reproducer status=0

	kdir=$(value kdir "$out/kernel")
	for reproducer in patches/*/reproducer; do
		copy=$dir/$reproducer
		rm -rf "$copy"
		mkdir -p "${copy%/*}"
		cp -r "$reproducer" "$copy"
		make -s -C "$copy" KDIR="$kdir" W=1 C=2 KCFLAGS=-Werror \
			CFLAGS="-Wextra -Werror" >"$log" 2>&1 || status=1
		[ "$status" = 0 ] || cat "$log"
	done
	exit "$status"
}

# ignored_types FILE: Prints the types of messages that the table checkpatch-ignored has
# for FILE, separated by commas.
ignored_types() {
	local glob type

	while read -r glob type _; do
		# shellcheck disable=SC2053 # it is a glob
		[[ $glob = '#'* || $1 != $glob ]] || printf '%s,' "$type"
	done <"$SCRIPTS/lint/checkpatch-ignored"
}

# lint_checkpatch: Prints the messages of checkpatch.pl, except the messages in the table
# checkpatch-ignored. lint_checkpatch leaves out shim.h, because shim.h defines macros of
# the kernel that checkpatch.pl does not expect in a source. One process checks all files
# with the same ignored types, because checkpatch.pl needs a third of a second to start.
lint_checkpatch() {
	local file ignored status=0
	local -A files=()

	for file in test_mmun.c test_mmun_*.h mmun/{*.[ch],*/*.c} scripts/*/*.[ch] \
		scripts/test/fake/*.c patches/*/reproducer/*.c \
		tools/testing/mmu_notifier/[!s]*.[ch] \
		tools/testing/mmu_notifier/s[!h]*.[ch] \
		tools/testing/selftests/mmun/{*.c,*/*.[ch]}; do
		files[none,$(ignored_types "$file")]+="$file "
	done
	for ignored in "${!files[@]}"; do
		# shellcheck disable=SC2086 # a list of words
		perl "$source/scripts/checkpatch.pl" --no-tree --strict \
			--terse --no-summary --ignore "$ignored" \
			-f ${files[$ignored]} ||
			status=1
	done
	exit "$status"
}

# lint_format: Prints the changes that clang-format would make. The style is the style of
# the kernel, with two exceptions. The first exception is a table that clang-format would
# spoil: the table is between the comments "clang-format off" and "clang-format on". The
# second exception is guard(): lint_format removes guard() from the list of loop macros in
# the style, because clang-format 14 would break "guard(mutex)(&lock);" into two lines.
lint_format() {
	local file files status=0

	resolve 7.3 tools
	source=$(value source "$out/kernel")
	mkdir -p "$dir"
	grep -v "^  - 'guard'" "$source/.clang-format" >"$dir/clang-format"
	files=$(find test_mmun*.[ch] mmun scripts patches tools/testing/{mmu_notifier,selftests/mmun} \
		-name '*.[ch]')
	for file in $files; do
		clang-format --style="file:$dir/clang-format" "$file" |
			diff -u --label "$file" "$file" --label "$file, formatted" - ||
			status=1
	done
	exit "$status"
}

# lint_kernel_doc: Prints the warnings of kernel-doc. lint_kernel_doc does not pass -Wall
# to an older version of kernel-doc, because older versions have no option -Wall.
lint_kernel_doc() {
	local tool=$source/scripts/kernel-doc wall='' warnings

	[[ $(<"$tool") != *-Wall* ]] || wall=-Wall
	warnings=$("$tool" -none ${wall:+"$wall"} test_mmun*.[ch] mmun/{*.[ch],*/*.c} \
		tools/testing/selftests/mmun/{floor,core,list}/*.[ch] 2>&1)
	[ -z "$warnings" ] || { echo "$warnings"; exit 1; }
}

lint_shellcheck() {
	shellcheck -x -P SCRIPTDIR -P "$SCRIPTS" "${shell[@]}"
}

lint_errexit() {
	"$SCRIPTS/lint/errexit.py" "${shell[@]}"
}

# differing_example: Prints the differences between the program in README.md and
# example.c.
differing_example() {
	awk '/^```$/ { on = 0 } on { print } /^```c$/ { on = 1 }' README.md |
		diff -u --label README.md --label example.c - \
			tools/testing/selftests/mmun/example.c || [ $? = 1 ]
}

# missing_paths: Prints the paths that README.md and the other texts name and that do not
# exist. missing_paths ignores a path that is a pattern.
missing_paths() {
	local path paths

	paths=$(awk 'match($0, /(scripts|mmun|tools\/testing)\/[^ `)]*/) {
			path = substr($0, RSTART, RLENGTH); sub(/[.,:]*$/, "", path)
			if (RSTART == 1 || substr($0, RSTART - 1, 1) ~ /[`( ]/)
				print path }' ./*.md Documentation/*.rst)
	for path in $paths; do
		[[ $path = *[*\<]* || -e $path ]] || echo "$path does not exist"
	done
}

# missing_tests: Prints the names in the example output in README.md for which no test
# exists.
missing_tests() {
	local name names

	names=$(sed -n 's/^ *ok [0-9]* \([a-z].*\)/\1/p' README.md)
	for name in $names; do
		grep -rqw "${name##*.}" tools/testing/selftests/mmun ||
			echo "README.md: there is no test $name"
	done
}

# missing_programs: Prints the words in README.md and the other texts that end in "_test"
# and are not the name of a program. missing_programs ignores patterns. missing_programs
# also ignores literal blocks, because a literal block can be the output of a run.
missing_programs() {
	local program programs

	programs=$(awk '
		FNR == 1 { literal = 0; markdown = FILENAME ~ /md$/ }
		markdown && /^```/ { literal = !literal }
		markdown && /^(    |\t)/ { next }
		!markdown && /^[^ \t]/ { literal = 0 }
		!literal { line = $0
			while (match(line, /[*a-z_0-9]*_test[a-z_0-9]*/)) {
				print substr(line, RSTART, RLENGTH)
				line = substr(line, RSTART + RLENGTH) } }
		!markdown && /::$/ { literal = 1 }
		' README.md CONTRIBUTING.md Documentation/*.rst |
		{ grep '^[^*]*_test$' || [ $? = 1 ]; } | sort -u)
	for program in $programs; do
		[ -e "$SELFTEST/$program.c" ] ||
			[ -e "tools/testing/mmu_notifier/$program.c" ] ||
			echo "the texts name $program, which is not a program"
	done
}

# names_of_column N FILE: Prints the names between double backticks in column N of the
# tables (list-table) in FILE, one per line. names_of_column ignores the settings of
# variables.
names_of_column() {
	awk -v column="$1" '
		/^   \* - / { nr = 0 }
		/^   [ *] - / { nr++ }
		!/^   / { nr = 0 }
		nr == column { line = $0
			while (match(line, /``[^`]*``/)) {
				name = substr(line, RSTART + 2, RLENGTH - 4)
				if (name !~ /=/)
					print name
				line = substr(line, RSTART + RLENGTH) } }' "$2"
}

# has_test NAME: Returns 0 if a test program has the fixture and the test of NAME, which
# is "fixture.test".
has_test() {
	grep -lE "FIXTURE\(${1%%.*}[,)]" "$SELFTEST"/*_test.c |
		xargs -r grep -qw "${1#*.}"
}

# missing_evidence: Prints the names of tests, mutants, litmus tests and configurations in
# Documentation/assumptions.rst that do not exist.
missing_evidence() {
	local name names quick=tools/testing/mmu_notifier

	names=$(names_of_column 3 Documentation/assumptions.rst)
	[ -n "$names" ] || echo "Documentation/assumptions.rst: there are no names"
	for name in $names; do
		case $name in
		*.mutant) [ -e "$SCRIPTS/mutate/kernel/$name" ] ;;
		*.litmus) [ -e "$quick/litmus/$name" ] ;;
		*.*) has_test "$name" ;;
		*) grep -q "\.name = \"$name\"" "$quick"/config*.c ;;
		esac || echo "Documentation/assumptions.rst: there is no $name"
	done
}

# lint_texts: Prints the examples, paths and names that are out of date in README.md and
# the other texts.
lint_texts() {
	local wrong

	wrong=$(differing_example; missing_paths; missing_tests; missing_programs
		missing_evidence)
	[ -z "$wrong" ] || { echo "$wrong"; exit 1; }
}

"lint_${1//-/_}"
