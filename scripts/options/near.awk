# SPDX-License-Identifier: GPL-2.0
#
# Find the names that are similar to a word. near.awk reads names from stdin, one name per
# line. The word to compare is in the environment variable "word". near.awk prints up to
# three names, the most similar name first, separated by commas.

function least(a, b) {
	return a < b ? a : b
}

# Returns the number of characters that must be inserted, removed or replaced to change a
# into b.
function distance(a, b,    i, j, row, last, same) {
	for (j = 0; j <= length(b); j++)
		row[j] = j
	for (i = 1; i <= length(a); i++) {
		last = row[0]
		row[0] = i
		for (j = 1; j <= length(b); j++) {
			same = substr(a, i, 1) == substr(b, j, 1)
			same = last + !same
			last = row[j]
			row[j] = least(same, least(row[j], row[j - 1]) + 1)
		}
	}
	return row[length(b)]
}

# Returns the text in lower case, without the characters of globs, and with "-" instead of
# "_".
function plain(text) {
	text = tolower(text)
	gsub(/[][*?! ]/, "", text)
	gsub(/_/, "-", text)
	return text
}

# Returns a number for the difference between word a and name b: 0 if a and b are equal,
# 1.5 if one text contains the other text, and the distance of a and b in all other cases.
# If a has five or more characters, rate() also compares a with the beginning of b,
# because a word is often only the beginning of a name.
function rate(a, b) {
	if (a == b)
		return 0
	if ((length(a) > 1 && index(b, a)) || (length(b) > 2 && index(a, b)))
		return 1.5
	if (length(a) < 5)
		return distance(a, b)
	return least(distance(a, b), distance(a, substr(b, 1, length(a))) + 0.5)
}

BEGIN {
	word = plain(ENVIRON["word"])
	limit = least(int(length(word) / 3), 4)
}

length(word) {
	rated = rate(word, plain($0))
	if (rated <= limit + 0.5 || rated == 1.5)
		names[rated] = names[rated] "\n" $0
}

END {
	for (rated = 0; rated <= limit + 1; rated += 0.5) {
		nr = split(names[rated], list, "\n")
		for (i = 2; i <= nr && found < 3; i++)
			printf "%s%s", found++ ? ", " : "", list[i]
	}
	if (found)
		print ""
}
