#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests of defect.sh. KTAP on stdout.
#
# usage: test-defect.sh

. "${0%/*}/../lib.sh"
. "$SCRIPTS/test/results.sh"

# entry FUNCTION OLD NEW
entry() {
	printf '%s\n' "file: sample.c" "function: $1" "breaks: nothing" \
		"--- old" "$2" "--- new" ${3:+"$3"} "--- end" >"$dir/entry"
}

# gives TITLE CHANGES: these lines of the file change, as in diff's output.
gives() {
	local got

	got=$("$SCRIPTS/mutate/defect.sh" apply "$dir/entry" "$dir/sample.c" |
		diff "$dir/sample.c" - | grep '^[<>]' || true)
	check "$1" test "$got" = "$2"
}

refuses() {
	check "$1" refused
}

refused() {
	! "$SCRIPTS/mutate/defect.sh" apply "$dir/entry" "$dir/sample.c" \
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
results_of defect

entry two $'\tlock(a);' $'\tunlock(a);'
gives "a line is replaced, in that function only" \
	$'< \tlock(a);\n> \tunlock(a);'

entry one $'\tlock(a);' ""
gives "a line is removed" $'< \tlock(a);'

entry one $'\ta[0] = \'.*&\\n\';' $'\ta[1] = "&\\1";'
gives "no character is special" $'< \ta[0] = \'.*&\\n\';\n> \ta[1] = "&\\1";'

entry two $'\tlock(a);\n\tlock(b);' $'\tlock(c);'
gives "two lines are replaced by one" \
	$'< \tlock(a);\n< \tlock(b);\n> \tlock(c);'

entry "" $'int two(void)\n{' $'int two(int a)\n{'
gives "without a function, the whole file" $'< int two(void)\n> int two(int a)'

entry two $'\tlock(b);' ""
refuses "text that stands there twice"

entry two $'\tlock(c);' ""
refuses "text that does not stand there"

entry "" $'\tlock(a);' ""
refuses "text that stands in two functions"

entry three $'\tlock(a);' ""
refuses "a function that is not there"

end_results
