#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests of operators.py: the mutants of a C file, which parts of the file have no mutants,
# and that a missing operator is noticed. test-operators.sh prints KTAP.
#
# usage: test-operators.sh

. "${0%/*}/../lib.sh"
. "$SCRIPTS/mutate/entries.sh"
. "$SCRIPTS/test/results.sh"

OPERATORS="negate relation logic step bits boolean constant errno off-by-one once delete"

# write_old: Writes the file before the patch. In the samples, "~" stands for a tab.
write_old() {
	sed 's/~/\t/g' >"$dir/old.c" <<-'EOT'
		static int limit = 1;
		struct box {
		~int count;
		};
		int f(struct box *box)
		{
		~if (box->count > 1)
		~~box->count++;
		~return 0;
		}
		int h(void)
		{
		~lock(box);
		}
	EOT
}

# write_new: Writes the file after the patch.
write_new() {
	sed 's/~/\t/g' >"$dir/new.c" <<-'EOT'
		static int limit = 1;
		#define LOW(x) ((x) < 1)
		struct box {
		~int count;
		~unsigned int flags : 1;
		};
		int f(struct box *box)
		{
		~if (box->count > 1)
		~~box->count++;
		~return 0;
		}
		int g(struct box *box, int max)
		{
		~int i, found = READ_ONCE(box->count);

		~/* if (box) 1 < 2 */
		~WARN_ON(box->count > 1);
		~if (!box)
		~~return -EINVAL;
		~if (box->count == max)
		~~lock(box, "a < b && 1");
		~for (i = 0; i < max && box[i].count; i++)
		~~box[i].flags |= found & 7;
		~while (more(box,
		~~    true))
		~~WRITE_ONCE(box->count,
		~~~   found);
		~/*
		~ * 1 < 2
		~ */
		~max -= i-- <= 2 || found >= 0x10 || i > max || found != (i | max);
		~max += i;
		~max &= found;
		~return !false;
		}
		int h(void)
		{
		~lock(box);
		~return 0;
		}
	EOT
}

# changed_lines FILE: Prints the lines of FILE that new.c does not have, as one line and
# without the blanks at the beginning of each line.
changed_lines() {
	{ diff "$dir/new.c" "$1" || [ $? = 1 ]; } | sed -n 's/^>[ \t]*//p' | paste -sd ' '
}

# make_mutants [OPERATOR]: Writes the entries of the mutants to $dir/out. make_mutants
# switches OPERATOR off.
make_mutants() {
	rm -rf "$dir/out"
	mkdir "$dir/out"
	SKIP=${1-} "$SCRIPTS/mutate/operators.py" "$dir/old.c" "$dir/new.c" new.c "$dir/out"
}

# mutants: Prints the mutants, one a line: the number of the line, the operator, and the
# changed lines.
mutants() {
	local entry

	for entry in "$dir"/out/*; do
		"$SCRIPTS/mutate/apply.sh" "$entry" "$dir/new.c" >"$dir/mutated.c"
		printf '%s %s %s\n' "$(entry_value line "$entry")" \
			"$(entry_value operator "$entry")" "$(changed_lines "$dir/mutated.c")"
	done
}

# summary: Prints the number of the line and the operator of each mutant, sorted.
summary() {
	find "$dir/out" -type f -exec cat {} + | awk '
		/^line: / { line = $2 }
		/^operator: / { print line, $2 }' | sort
}

# expected: Prints the mutants of the sample.
expected() {
	cat <<-'EOT'
		15 once int i, found = box->count;
		19 negate if (box)
		20 delete ;
		20 errno return 0;
		21 relation if (box->count != max)
		22 delete ;
		23 constant for (i = 1; i < max && box[i].count; i++)
		23 negate for (i = 0; !(i < max && box[i].count); i++)
		23 relation for (i = 0; i <= max && box[i].count; i++)
		23 logic for (i = 0; i < max || box[i].count; i++)
		23 step for (i = 0; i < max && box[i].count; i--)
		24 delete ;
		24 bits box[i].flags &= found & 7;
		24 bits box[i].flags |= found | 7;
		24 off-by-one box[i].flags |= found & 8;
		25 negate while (!(more(box, true)))
		26 boolean false))
		27 once box->count = found;
		32 delete ;
		32 step max += i-- <= 2 || found >= 0x10 || i > max || found != (i | max);
		32 step max -= i++ <= 2 || found >= 0x10 || i > max || found != (i | max);
		32 relation max -= i-- < 2 || found >= 0x10 || i > max || found != (i | max);
		32 off-by-one max -= i-- <= 3 || found >= 0x10 || i > max || found != (i | max);
		32 logic max -= i-- <= 2 && found >= 0x10 || i > max || found != (i | max);
		32 relation max -= i-- <= 2 || found > 0x10 || i > max || found != (i | max);
		32 off-by-one max -= i-- <= 2 || found >= 17 || i > max || found != (i | max);
		32 logic max -= i-- <= 2 || found >= 0x10 && i > max || found != (i | max);
		32 relation max -= i-- <= 2 || found >= 0x10 || i >= max || found != (i | max);
		32 logic max -= i-- <= 2 || found >= 0x10 || i > max && found != (i | max);
		32 relation max -= i-- <= 2 || found >= 0x10 || i > max || found == (i | max);
		32 bits max -= i-- <= 2 || found >= 0x10 || i > max || found != (i & max);
		33 delete ;
		33 step max -= i;
		34 delete ;
		34 bits max |= found;
		35 delete ;
		35 boolean return !true;
		40 delete ;
		40 constant return 1;
	EOT
}

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
write_old
write_new
begin_results operators
wanted=$(expected)
make_mutants
mutants >"$dir/got"
differences=$(diff - "$dir/got" <<<"$wanted" || [ $? = 1 ])
no_complaints "the mutants of the added lines" "$differences"
wanted=$(cut -d' ' -f1-2 <<<"$wanted" | sort)
for operator in $OPERATORS; do
	make_mutants "$operator"
	got=$(summary)
	check "noticed: $operator is switched off" test "$got" != "$wanted"
done
cp "$dir/old.c" "$dir/new.c"
make_mutants
got=$(summary)
check "no line is added: no mutant" test -z "$got"
end_results
