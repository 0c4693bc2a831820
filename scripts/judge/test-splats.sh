#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests of scripts/judge/splats, because the wording of complaints depends on the version of
# the kernel.
#
# usage: test-splats.sh KERNEL-SOURCE...
#
# For each source tree: the files of the kernel contain the messages that the table has for
# this version, and the expressions match the messages. An expression of the table matches
# each complaint about lockups, and each message that starts with BUG, INFO or WARNING. KTAP
# on stdout.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/judge/version.sh"
. "$SCRIPTS/test/results.sh"

TABLE=$SCRIPTS/judge/splats

# The version of a source tree, from its Makefile.
version_of() {
	awk -F ' *= *' '/^(VERSION|PATCHLEVEL) *=/ { v = v "." $2 }
		END { print substr(v, 2) }' "$1/Makefile"
}

# applies VERSIONS: does the entry apply to this tree?
applies() {
	case $1 in
	all)		true ;;
	before-*)	is_older "$version" "${1#before-}" ;;
	from-*)		! is_older "$version" "${1#from-}" ;;
	*)		die "scripts/judge/splats: unknown versions \"$1\"" ;;
	esac
}

# fill_in [empty]: replace the conversions of a message, as printk does. With "empty" a %s
# that directly follows a letter is replaced by nothing.
fill_in() {
	local glued=x1

	[ "${1:-}" != empty ] || glued=
	sed -E -e 's/%s\{([^}]*)\}/\1/g' -e "s/([a-z])%s/\\1$glued/g" \
		-e 's/%[-+ #0-9.*]*([lhz]*[diouxXc]|s|p[A-Za-z]*)/x1/g'
}

# The entries of the table as lines EXPRESSION, VERSIONS, FILE, MESSAGE.
entries() {
	awk -F '\t' -v OFS='\t' '/^#/ { next } !/^\t/ { expression = $0; next }
		{ print expression, $2, $3, $4 }' "$TABLE"
}

# is_matched EXPRESSION MESSAGE: does the expression match both results of fill_in? No
# expression of splats-allowed may match them.
is_matched() {
	local how text

	for how in full empty; do
		text=$(fill_in "$how" <<<"$2") || return
		grep -qE -- "$1" <<<"$text" || return
		! grep -qEf "$work/allowed" <<<"$text" || return
	done
}

# has_message FILE MESSAGE: does FILE contain the message and its words?
has_message() {
	local words

	grep -qsF -- "$(sed -E 's/%s\{[^}]*\}/%s/g' <<<"$2")" "$tree/$1" || return
	words=$(grep -oE '%s\{[^}]*\}' <<<"$2" | sed -E 's/^%s.|.$//g') || return 0
	grep -qsF -- "\"$words" "$tree/$1"
}

# Prints the errors of the entries for this version.
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

# Prints the expressions without a message for this version: either the expression can be
# removed, or the entry of a message is missing.
dead_expressions() {
	local expression versions rest

	while IFS=$'\t' read -r expression versions rest; do
		! applies "$versions" || echo "$expression"
	done <<<"$table" | sort -u >"$work/alive"
	cut -f 1 <<<"$table" | sort -u | comm -23 - "$work/alive" |
		sed "s/^/# $version has no message for: /"
}

# Prints the messages of a file that have the level of an error or a warning. The string is
# on the line of the call or on the next one.
# shellcheck disable=SC2016 # $ is for awk
TITLES='/(pr_(err|emerg|alert|crit|warn)|printk(_deferred)?)[a-z_]*\(/ { call = 2 }
	call-- > 0 && match($0, /"([^"\\]|\\.)*"/) {
		text = substr($0, RSTART + 1, RLENGTH - 2)
		sub(/\\n.*/, "", text)
		print text
		call = 0
	}'

# Prints the lines of stdin that no expression matches, without the entries "-".
unmatched() {
	local text filled

	while read -r text; do
		filled=$(fill_in <<<"$text")
		grep -qEf "$work/expressions" <<<"$filled" ||
			grep -qF -f "$work/excused" <<<"$text" ||
			echo "no expression matches: $text"
	done
}

# Prints the reports of lockups. A line that starts with a blank or a quote continues a
# message.
lockup_titles() {
	awk "$TITLES" "$tree"/kernel/{hung_task,watchdog*}.c | sort -u |
		grep '^[A-Za-z]'
}

marked_titles() {
	grep -rlE --include='*.[ch]' '"(INFO|BUG|WARNING): ' \
		"$tree"/{kernel,mm,lib} >"$work/files"
	xargs awk "$TITLES" <"$work/files" | sort -u |
		grep -E '^(INFO|BUG|WARNING): '
}

test_tree() {
	local complaints titles

	[ -e "$tree/Makefile" ] || die "$tree: no source tree of a kernel"
	version=$(version_of "$tree")
	complaints=$(wrong_entries)
	silent "the kernel $version has the messages, and the expressions match them" "$complaints"
	complaints=$(dead_expressions)
	silent "each expression has a message of $version" "$complaints"
	titles=$(lockup_titles)
	complaints=$(unmatched <<<"$titles")
	silent "each report of a lockup of $version is matched" "$complaints"
	titles=$(marked_titles)
	complaints=$(unmatched <<<"$titles")
	silent "each BUG, INFO and WARNING of $version is matched" "$complaints"
}

[ $# != 0 ] || die "usage: test-splats.sh KERNEL-SOURCE..."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
table=$(entries)
grep -v '^[#	-]' "$TABLE" >"$work/expressions"
grep -v '^#' "$SCRIPTS/judge/splats-allowed" >"$work/allowed"
sed -n 's/^-	[^	]*	[^	]*	//p' <<<"$table" >"$work/excused"
results_of splats
for tree; do
	test_tree
done
end_results
