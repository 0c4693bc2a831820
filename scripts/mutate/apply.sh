#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Print the source file FILE with the change of the mutant that ENTRY describes.
#
# usage: apply.sh ENTRY FILE
#
# ENTRY is the entry of a mutant in the format that entries.sh describes. The function to
# change begins at the line that starts in the first column and has the name of the
# function before "(". The function ends at the next "}" in the first column. apply.sh
# fails if the function does not contain the old lines exactly once.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/mutate/entries.sh"

entry=$1
file=$2
status=0
name=$(entry_value function "$entry")
old=$(entry_lines old "$entry")
new=$(entry_lines new "$entry")
export name old new
[ "$old" != "$new" ] || die "${entry##*/} changes nothing: the old lines and the new lines are equal"

# awk uses index() to find the old lines, so that no character of the old lines is
# special.
awk '
	# Returns 1 if the line is the first line of the function to change, or of the
	# file if the entry has no function.
	function begins(line) {
		if (name == "")
			return NR == 1
		if (line !~ /^[A-Za-z_]/ || line ~ /;$/)
			return 0
		return line ~ ("(^|[ *])" name "\\(")
	}
	# Returns text with the new lines instead of the old lines. Counts how many times
	# text contains the old lines, but at most twice, and adds this number to the
	# variable found.
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
	die "${entry##*/}: ${file##*/} does not contain the old lines exactly once"
