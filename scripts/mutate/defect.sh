#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# One deliberate defect: reads an entry, applies it.
#
# usage: defect.sh get KEY ENTRY | defect.sh apply ENTRY FILE
#
# "apply" writes FILE with the defect to stdout. An entry is text:
#
#	file: test_mmun.c
#	function: mmun_invalidate
#	breaks: which invariant is broken, in a sentence
#	tests: TESTS glob of the tests that should notice (may be left out)
#	--- old
#	lines that stand in the function exactly once, to the character
#	--- new
#	lines to put there (none: the old ones go)
#	--- end
#
# A function begins at the line in column one that has its name before "(",
# and ends at the next "}" in column one. Without a function the whole file
# is searched.

. "${0%/*}/../lib.sh"

get() {
	sed -n "/^--- old/q;s/^$1: *//p" "$2"
}

part() {
	awk -v from="--- $1" '
		/^--- /	{ on = $0 == from; next }
		on	{ print }' "$2"
}

# All comparing is done with index(): nothing in the texts is special.
apply() {
	local entry=$1 file=$2 status=0

	name=$(get function "$entry")
	old=$(part old "$entry")
	new=$(part new "$entry")
	export name old new
	awk '
		function begins(line) {
			if (name == "")
				return NR == 1
			if (line !~ /^[A-Za-z_]/ || line ~ /;$/)
				return 0
			return line ~ ("(^|[ *])" name "\\(")
		}
		function change(text,    at, rest) {
			at = index(text, old)
			if (!at)
				return text
			rest = substr(text, at + length(old))
			found += 1 + (index(rest, old) > 0)
			return substr(text, 1, at - 1) new rest
		}
		BEGIN {
			name = ENVIRON["name"]
			old = ENVIRON["old"] "\n"
			new = ENVIRON["new"] == "" ? "" : ENVIRON["new"] "\n"
		}
		!inside && begins($0) { inside = 1 }
		!inside	{ print; next }
		{ body = body $0 "\n" }
		name != "" && /^}/ {
			printf "%s", change(body)
			inside = 0
			body = ""
		}
		END {
			printf "%s", change(body)
			exit found != 1
		}' "$file" || status=$?
	[ "$status" -le 1 ] || die "${entry##*/}: awk failed on $file"
	[ "$status" = 0 ] ||
		die "${entry##*/}: the old text does not stand there exactly once"
}

case $1 in
get)	get "$2" "$3" ;;
apply)	apply "$2" "$3" ;;
esac
