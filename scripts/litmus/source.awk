# SPDX-License-Identifier: GPL-2.0
#
# Compare the lines "In FUNCTION: STATEMENT" in the comment of a litmus test with the source
# of the kernel. source.awk prints each statement that the function lacks. The order of the
# statements must be the same. White space and comments of the source do not matter.
#
# usage: awk -f source.awk TEST SOURCE...

# Returns the text with one space instead of white space, and without comments.
function squeeze(text) {
	gsub(/[ \t\n]+/, " ", text)
	gsub(/\/\*([^*]|\*+[^*\/])*\*+\//, "", text)
	gsub(/ +/, " ", text)
	return text
}

# The comment of the test: remember the statements.
FNR == 1 { files++ }
files == 1 && /^ \* In [a-z_]+: / {
	nr++
	where[nr] = substr($3, 1, length($3) - 1)
	statement[nr] = substr($0, index($0, ": ") + 2)
	wanted[where[nr]]
}
files == 1 { next }

# A line that may begin the definition of a function names the function before "(". A
# semicolon before the body ends a declaration.
/^[a-z_]/ && match($0, /[a-z_]+\(/) { name = substr($0, RSTART, RLENGTH - 1) }
name != "" && /;$/ && !body { name = "" }
/^\{/ { body = 1 }
body && name in wanted { text[name] = text[name] "\n" $0 }
/^}/ { body = 0; name = "" }

END {
	for (i = 1; i <= nr; i++) {
		name = where[i]
		if (!(name in rest))
			rest[name] = squeeze(text[name])
		at = index(rest[name], statement[i])
		if (at)
			rest[name] = substr(rest[name], at + length(statement[i]))
		else
			print "the kernel has changed: " name "() has no '" statement[i] \
				"', or the order is another"
	}
	if (!nr)
		print "the comment has no line 'In FUNCTION: STATEMENT'"
}
