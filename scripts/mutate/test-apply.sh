#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests of apply.sh. test-apply.sh prints KTAP.
#
# usage: test-apply.sh

. "${0%/*}/../lib.sh"
. "$SCRIPTS/test/results.sh"

# write_entry FUNCTION OLD NEW: Writes the entry of a mutant that replaces the lines OLD
# by the lines NEW.
write_entry() {
	printf '%s\n' "file: sample.c" "function: $1" "breaks: nothing" \
		"--- old" "$2" "--- new" ${3:+"$3"} "--- end" >"$dir/entry"
}

# changes TITLE LINES: Passes if LINES are the differences between the sample file and the
# output of apply.sh, in the format of diff.
changes() {
	local got

	got=$("$SCRIPTS/mutate/apply.sh" "$dir/entry" "$dir/sample.c" |
		diff "$dir/sample.c" - | grep '^[<>]' || true)
	check "$1" test "$got" = "$2"
}

# refuses TITLE: Passes if apply.sh fails for the entry that write_entry wrote.
refuses() {
	check "refused: $1" apply_fails
}

apply_fails() {
	! "$SCRIPTS/mutate/apply.sh" "$dir/entry" "$dir/sample.c" \
		>/dev/null 2>&1
}

write_sample() {
	cat >"$dir/sample.c" <<-'EOT'
		static int one(int *a);
		static int *one(int *a)
		{
		~a[0] = '.*&\n';
		~lock(a);
		}

		int two(void)
		{
		~lock(a);
		~lock(b);
		~lock(b);
		}
	EOT
	sed -i 's/~/\t/' "$dir/sample.c"
}

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
write_sample
begin_results apply

write_entry two $'\tlock(a);' $'\tunlock(a);'
changes "a line is replaced, in that function only" \
	$'< \tlock(a);\n> \tunlock(a);'

write_entry one $'\tlock(a);' ""
changes "a line is removed" $'< \tlock(a);'

write_entry one $'\ta[0] = \'.*&\\n\';' $'\ta[1] = "&\\1";'
changes "no character is special" $'< \ta[0] = \'.*&\\n\';\n> \ta[1] = "&\\1";'

write_entry two $'\tlock(a);\n\tlock(b);' $'\tlock(c);'
changes "two lines are replaced by one" \
	$'< \tlock(a);\n< \tlock(b);\n> \tlock(c);'

write_entry "" $'int two(void)\n{' $'int two(int a)\n{'
changes "without a function, the whole file" $'< int two(void)\n> int two(int a)'

write_entry two $'\tlock(b);' ""
refuses "lines that the function has twice"

write_entry two $'\tlock(c);' ""
refuses "lines that the function does not have"

write_entry "" $'\tlock(a);' ""
refuses "lines that two functions have"

write_entry three $'\tlock(a);' ""
refuses "a function that the file does not have"

write_entry two $'\tlock(a);' $'\tlock(a);'
refuses "lines that are replaced by the same lines"

end_results
