#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests of the table scripts/judge/splats. The table needs tests because the wording of a
# complaint of the kernel depends on the version of the kernel.
#
# usage: test-splats.sh KERNEL-SOURCE...
#
# For each source tree of a kernel, test-splats.sh selects the messages that the table has
# for the version of the kernel. The files of the source tree must contain the selected
# messages, and the expressions of the table must match the selected messages. An
# expression of the table must also match each report of a lockup in the source tree, and
# each message that starts with BUG, INFO or WARNING. Prints KTAP.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/judge/version.sh"
. "$SCRIPTS/test/results.sh"

TABLE=$SCRIPTS/judge/splats

# version_of DIR: Prints the version in the Makefile of the source tree DIR, such as
# "6.1".
version_of() {
	awk -F ' *= *' '/^(VERSION|PATCHLEVEL) *=/ { v = v "." $2 }
		END { print substr(v, 2) }' "$1/Makefile"
}

# applies VERSIONS: Returns 0 if VERSIONS, which is a column of the table, includes the
# version $version of the kernel.
applies() {
	case $1 in
	all)		true ;;
	before-*)	is_older "$version" "${1#before-}" ;;
	from-*)		! is_older "$version" "${1#from-}" ;;
	*)		die "scripts/judge/splats: unknown versions \"$1\"" ;;
	esac
}

# fill_in [empty]: Copies messages from stdin to stdout, and replaces the conversions of
# each message, such as %d, as printk does. fill_in replaces %s{words} by the words, and
# each other conversion by "x1". "fill_in empty" removes each %s that directly follows a
# letter.
fill_in() {
	local glued=x1

	[ "${1:-}" != empty ] || glued=
	sed -E -e 's/%s\{([^}]*)\}/\1/g' -e "s/([a-z])%s/\\1$glued/g" \
		-e 's/%[-+ #0-9.*]*([lhz]*[diouxXc]|s|p[A-Za-z]*)/x1/g'
}

# entries: Prints a line for each message of the table. The columns of the line are
# EXPRESSION, VERSIONS, FILE and MESSAGE, separated by tabs.
entries() {
	awk -F '\t' -v OFS='\t' '/^#/ { next } !/^\t/ { expression = $0; next }
		{ print expression, $2, $3, $4 }' "$TABLE"
}

# is_matched EXPRESSION MESSAGE: Fills in MESSAGE with "fill_in" and with "fill_in empty".
# Returns 0 if EXPRESSION matches both filled-in messages, and no expression of
# splats-allowed matches one of the filled-in messages.
is_matched() {
	local how text

	for how in full empty; do
		text=$(fill_in "$how" <<<"$2") || return
		grep -qE -- "$1" <<<"$text" || return
		! grep -qEf "$work/allowed" <<<"$text" || return
	done
}

# has_message FILE MESSAGE: Returns 0 if FILE of the source tree contains MESSAGE. If
# MESSAGE has a %s{words}, FILE must also contain a string that begins with the words in
# the braces.
has_message() {
	local words

	grep -qsF -- "$(sed -E 's/%s\{[^}]*\}/%s/g' <<<"$2")" "$tree/$1" || return
	words=$(grep -oE '%s\{[^}]*\}' <<<"$2" | sed -E 's/^%s.|.$//g') || return 0
	grep -qsF -- "\"$words" "$tree/$1"
}

# wrong_entries: Checks each entry of the table that applies to the kernel $version.
# Prints a line if the file of the entry does not contain the message of the entry, or if
# the expression of the entry does not match the message.
wrong_entries() {
	local expression versions file message

	while IFS=$'\t' read -r expression versions file message; do
		applies "$versions" || continue
		has_message "$file" "$message" ||
			echo "$file of $version has no: $message"
		[ "$expression" = - ] || is_matched "$expression" "$message" ||
			echo "the expression $expression does not match: $message"
	done <<<"$table"
}

# dead_expressions: Prints the expressions for which the table has no message of the
# kernel $version. Either such an expression can be removed, or the table lacks a message
# of the kernel $version.
dead_expressions() {
	local expression versions rest

	while IFS=$'\t' read -r expression versions rest; do
		! applies "$versions" || echo "$expression"
	done <<<"$table" | sort -u >"$work/alive"
	cut -f 1 <<<"$table" | sort -u | comm -23 - "$work/alive" |
		sed "s/^/# $version has no message for: /"
}

# TITLES is a program of awk that prints the messages in C files that have the level of an
# error or of a warning. The string of a message is on the line of the call of printk() or
# on the next line.
# shellcheck disable=SC2016 # $ is for awk
TITLES='/(pr_(err|emerg|alert|crit|warn)|printk(_deferred)?)[a-z_]*\(/ { call = 2 }
	call-- > 0 && match($0, /"([^"\\]|\\.)*"/) {
		text = substr($0, RSTART + 1, RLENGTH - 2)
		sub(/\\n.*/, "", text)
		print text
		call = 0
	}'

# unmatched_messages: Prints each message on stdin that no expression of the table
# matches, unless the message contains a message of the entry "-" of the table.
unmatched_messages() {
	local text filled

	while read -r text; do
		filled=$(fill_in <<<"$text")
		grep -qEf "$work/expressions" <<<"$filled" ||
			grep -qF -f "$work/excused" <<<"$text" ||
			echo "no expression matches: $text"
	done
}

# lockup_titles: Prints the first lines of the kernel's reports of lockups. lockup_titles
# omits each string that does not start with a letter, because such a string continues the
# message before it.
lockup_titles() {
	awk "$TITLES" "$tree"/kernel/{hung_task,watchdog*}.c | sort -u |
		grep '^[A-Za-z]'
}

# marked_titles: Prints the messages that start with INFO, BUG or WARNING in the
# directories kernel/, mm/ and lib/ of the source tree.
marked_titles() {
	grep -rlE --include='*.[ch]' '"(INFO|BUG|WARNING): ' \
		"$tree"/{kernel,mm,lib} >"$work/files"
	xargs awk "$TITLES" <"$work/files" | sort -u |
		grep -E '^(INFO|BUG|WARNING): '
}

# test_tree: Tests the table with the source tree $tree.
test_tree() {
	local complaints titles

	[ -e "$tree/Makefile" ] || die "$tree is not the source tree of a kernel"
	version=$(version_of "$tree")
	complaints=$(wrong_entries)
	no_complaints "the kernel $version has the messages, and the expressions match them" "$complaints"
	complaints=$(dead_expressions)
	no_complaints "each expression has a message of $version" "$complaints"
	titles=$(lockup_titles)
	complaints=$(unmatched_messages <<<"$titles")
	no_complaints "each report of a lockup of $version is matched" "$complaints"
	titles=$(marked_titles)
	complaints=$(unmatched_messages <<<"$titles")
	no_complaints "each BUG, INFO and WARNING of $version is matched" "$complaints"
}

[ $# != 0 ] || die "usage: test-splats.sh KERNEL-SOURCE..."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
table=$(entries)
grep -v '^[#	-]' "$TABLE" >"$work/expressions"
grep -v '^#' "$SCRIPTS/judge/splats-allowed" >"$work/allowed"
sed -n 's/^-	[^	]*	[^	]*	//p' <<<"$table" >"$work/excused"
begin_results splats
for tree; do
	test_tree
done
end_results
