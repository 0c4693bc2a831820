#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# One check of the sources: silent if all is well.
#
# usage: lint.sh module|checkpatch|format|kernel-doc|shellcheck|errexit|texts OUT
#
# OUT is the resolved stock kernel.

. "${0%/*}/../lib.sh"

out=$2
dir=$TOP/build/check
source=$(value source "$out/kernel")
cd "$TOP"
shell=("$SCRIPTS"/{,*/,*/*/}*.sh .ci/run)

# Prints the functions that hold a lock by guard(), as "'name'".
guarded() {
	awk '/^[a-z].*[a-z_]+\(/ { name = $0; sub(/\(.*/, "", name)
			sub(/.*[ *]/, "", name) }
		/guard\((spinlock|rcu)\)/ { print "\047" name "\047" }' "$@"
}

# Warnings of the headers of the kernel are not ours to mend. Sparse does not know the
# attribute that ends a guard().
lint_module() {
	local ours

	rm -rf "$dir"/{module,floor}
	cp "$out/kernel" "$dir/kernel"
	MODULE_FLAGS="W=1 C=2" V=1 "$SCRIPTS/vm/build.sh" modules "$dir" \
		>"$dir/build.log" 2>&1 || { cat "$dir/build.log"; exit 1; }
	ours=$(awk '/mmun[.\/a-z_]*:.*(warning|error):|^(WARNING|ERROR):/' \
		"$dir/build.log")
	guarded mmun/*.c >"$dir/guarded"
	ours=$(echo "$ours" | awk 'NR == FNR { guarded[$1]; next }
		/context imbalance in/ { match($0, /\047[^\047]*\047/)
			if (substr($0, RSTART, RLENGTH) in guarded) next }
		NF' "$dir/guarded" -)
	[ -z "$ours" ] || { echo "$ours"; exit 1; }
}

# The types that scripts/lint/checkpatch-ignored names for a file, with commas.
ignored_types() {
	local glob type

	while read -r glob type _; do
		# shellcheck disable=SC2053 # a glob it is
		[[ $glob = '#'* || $1 != $glob ]] || printf '%s,' "$type"
	done <"$SCRIPTS/lint/checkpatch-ignored"
}

lint_checkpatch() {
	local file ignored status=0

	for file in test_mmun.c test_mmun_*.h mmun/*.[ch] scripts/*/*.[ch] \
		scripts/test/fake/*.c \
		tools/testing/selftests/mmun/{*.c,*/*.[ch]}; do
		ignored=$(ignored_types "$file")
		perl "$source/scripts/checkpatch.pl" --no-tree --strict \
			--terse --no-summary --ignore "$ignored" -f "$file" ||
			status=1
	done
	exit "$status"
}

# Shows what clang-format would change. The style is that of the kernel, with two
# exceptions. A table that clang-format would spoil is between "clang-format off" and
# "clang-format on". And guard() is not in the list of loops: clang-format 14 would break
# "guard(mutex)(&lock);" into two lines, as the head and the body of a loop.
lint_format() {
	local file files status=0

	resolve 7.3 tools
	source=$(value source "$out/kernel")
	mkdir -p "$dir"
	grep -v "^  - 'guard'" "$source/.clang-format" >"$dir/clang-format"
	files=$(find test_mmun*.[ch] mmun scripts tools/testing/selftests/mmun \
		-name '*.[ch]')
	for file in $files; do
		clang-format --style="file:$dir/clang-format" "$file" |
			diff -u --label "$file" "$file" --label "$file, formatted" - ||
			status=1
	done
	exit "$status"
}

# Older ones warn without being asked.
lint_kernel_doc() {
	local tool=$source/scripts/kernel-doc wall='' said

	[[ $(<"$tool") != *-Wall* ]] || wall=-Wall
	said=$("$tool" -none ${wall:+"$wall"} test_mmun*.[ch] mmun/* \
		tools/testing/selftests/mmun/floor/*.[ch] 2>&1)
	[ -z "$said" ] || { echo "$said"; exit 1; }
}

lint_shellcheck() {
	shellcheck -x -P SCRIPTDIR -P "$SCRIPTS" "${shell[@]}"
}

lint_errexit() {
	"$SCRIPTS/lint/errexit.py" "${shell[@]}"
}

# Prints where the program in README.md differs from example.c.
differing_example() {
	awk '/^```$/ { on = 0 } on { print } /^```c$/ { on = 1 }' README.md |
		diff -u --label README.md --label example.c - \
			tools/testing/selftests/mmun/example.c || [ $? = 1 ]
}

# Prints the paths in README.md and the other texts that do not exist. Patterns are no
# paths.
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

# Prints the results in README.md of tests that do not exist.
missing_tests() {
	local name names

	names=$(sed -n 's/^ *ok [0-9]* \([a-z].*\)/\1/p' README.md)
	for name in $names; do
		grep -rqw "${name##*.}" tools/testing/selftests/mmun ||
			echo "README.md: there is no test $name"
	done
}

# The texts show example.c as it is, and name paths and tests that exist.
lint_texts() {
	local wrong

	wrong=$(differing_example; missing_paths; missing_tests)
	[ -z "$wrong" ] || { echo "$wrong"; exit 1; }
}

"lint_${1//-/_}"
