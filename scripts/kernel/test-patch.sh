#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests of patch.sh: which patches are applied to which files, and the error messages.
# test-patch.sh prints KTAP.
#
# usage: test-patch.sh

. "${0%/*}/../lib.sh"
. "$SCRIPTS/test/results.sh"

# make_tree: Makes a directory with two files, which stands for a kernel tree.
make_tree() {
	rm -rf "$dir/tree"
	mkdir -p "$dir"/tree/{mm,lib}
	printf '%s\n' one two three four five six seven eight nine >"$dir/tree/mm/x.c"
	printf '%s\n' "-- minus" "++ plus" >"$dir/tree/lib/y.c"
}

# change FILE LINE NEW: Prints a patch that replaces the line LINE of FILE by NEW. The
# patch has the words that git format-patch prints before and after a diff.
change() {
	mkdir -p "$dir/new/${1%/*}"
	sed "s/^$2\$/$3/" "$dir/tree/$1" >"$dir/new/$1"
	printf '%s\n' "Subject: [PATCH] $1" "" "--- not a header" "---" "diff --git a/$1 b/$1"
	diff -u --label "a/$1" "$dir/tree/$1" --label "b/$1" "$dir/new/$1" || [ $? = 1 ]
	printf '%s\n' "-- " "2.39.5" ""
}

# create FILE TEXT: Prints a patch that creates FILE with the line TEXT.
create() {
	printf '%s\n' "diff --git a/$1 b/$1" "--- /dev/null" "+++ b/$1" "@@ -0,0 +1 @@" "+$2"
}

# run whole|part: Applies $dir/patch to the tree. run sets the variable status to the exit
# status, and the variable output to the output.
run() {
	status=0
	output=$("$SCRIPTS/kernel/patch.sh" "$1" "$dir/patch" "$dir/tree" 2>&1) || status=$?
}

# is_applied FILE LINE: Returns 0 if the last run was successful and printed nothing, and
# FILE now has the line LINE.
is_applied() {
	[ "$status" = 0 ] && [ -z "$output" ] && has_line "$dir/tree/$1" "$2"
}

# applies TITLE whole|part FILE LINE: Passes if patch.sh applies the patch, and FILE has
# LINE afterwards.
applies() {
	run "$2"
	check "applied, $2: $1" is_applied "$3" "$4"
}

# is_refused MESSAGE: Returns 0 if the last run printed one line with MESSAGE, and changed
# no file.
is_refused() {
	[[ $status = 2 && $output = *"PATCH=$dir/patch: $1"* && $output != *$'\n'* ]] &&
		diff -r "$dir/before" "$dir/tree" >/dev/null
}

# refuses TITLE whole|part MESSAGE: Passes if patch.sh prints MESSAGE and changes nothing.
refuses() {
	local bad=0

	rm -rf "$dir/before"
	cp -r "$dir/tree" "$dir/before"
	run "$2"
	is_refused "$3" || bad=1
	result "$bad" "refused, $2: $1" "$output"
}

test_applied() {
	make_tree
	change mm/x.c two 2 >"$dir/patch"
	applies "a file" whole mm/x.c 2
	make_tree
	change lib/y.c "-- minus" "-- less" >"$dir/patch"
	applies "a removed line looks like a header" whole lib/y.c "-- less"
	make_tree
	change mm/x.c five 5 >"$dir/patch"
	sed -i '1izero' "$dir/tree/mm/x.c"
	applies "a hunk at another line" whole mm/x.c 5
	make_tree
	{ create mm/new.c a; change mm/x.c two 2; } >"$dir/patch"
	applies "a file that does not exist yet" whole mm/new.c a
	make_tree
	applies "the same, of which DIR has a part" part mm/x.c 2
	check "a file of another part is not created" test ! -e "$dir/tree/mm/new.c"
	rm "$dir/tree/lib/y.c"
	make_tree
	{ change mm/x.c two 2; change lib/y.c "++ plus" "++ more"; } >"$dir/patch"
	rm "$dir/tree/lib/y.c"
	applies "two files, of which DIR has one" part mm/x.c 2
}

# write_series: Writes a patch of two commits, of which the second changes a line that the
# first adds.
write_series() {
	make_tree
	change mm/x.c two 2 >"$dir/patch"
	cp "$dir/new/mm/x.c" "$dir/tree/mm/x.c"
	change mm/x.c 2 II >>"$dir/patch"
	make_tree
}

test_series() {
	write_series
	applies "two commits that change one line" whole mm/x.c II
	make_tree
	create mm/new.c a >"$dir/patch"
	printf '%s\n' "--- a/mm/new.c" "+++ b/mm/new.c" "@@ -1 +1 @@" -a +b >>"$dir/patch"
	applies "a file that an earlier commit creates" whole mm/new.c b
}

test_refused() {
	make_tree
	{ change mm/x.c two 2; change lib/y.c "++ plus" "++ more"; } >"$dir/patch"
	sed -i s/plus/other/ "$dir/tree/lib/y.c"
	refuses "the context differs" whole "hunk 1 of lib/y.c (line 1) does not apply"
	make_tree
	sed -i s/three/3/ "$dir/tree/mm/x.c"
	refuses "one line of the context differs" part "hunk 1 of mm/x.c (line 1) does not apply"
	make_tree
	change mm/x.c two 2 >"$dir/patch"
	cp "$dir/new/mm/x.c" "$dir/tree/mm/x.c"
	refuses "it is applied already" whole "mm/x.c has these changes already"
	rm "$dir/tree/mm/x.c"
	refuses "the tree has no such file" whole "the tree has no file mm/x.c"
	refuses "no file is used" part "the patch changes only files that are not used here: mm/x.c"
}

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
begin_results patch
test_applied
test_series
test_refused
end_results
