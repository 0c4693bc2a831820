# SPDX-License-Identifier: GPL-2.0
#
# Read a patch in the format of git format-patch or diff -u. patch.awk counts the lines of
# each hunk, because a removed line may look like the header of a file. patch.awk removes
# the first directory of each path, as "patch -p1" does.
#
# The environment variable "keep" selects the output. If "keep" is empty, patch.awk prints
# the path of each file that the patch changes, one path a line, with "+" before the path
# of a new file. If "keep" has paths, one a line, patch.awk prints the part of the patch
# that changes these files.
#
# If the last hunk is cut off, patch.awk exits with status 1.

# Returns the path in a header line, without the time stamp and the first directory.
function path_in(line) {
	line = substr(line, 5)
	sub(/[\t\r].*/, "", line)
	if (line != "/dev/null")
		sub(/^[^\/]*\/+/, "", line)
	return line
}

# Returns the number of lines that a range of a hunk header, such as "-10,6", has.
function lines_of(range,    part) {
	return split(range, part, ",") == 2 ? part[2] + 0 : 1
}

function begin_file(after,    path) {
	path = path_in(after)
	if (path == "/dev/null")
		path = path_in(before)
	on = keep != "" && index(keep, "\n" path "\n")
	if (on)
		print before "\n" after
	else if (keep == "")
		print (path_in(before) == "/dev/null" ? "+" : "") path
}

BEGIN {
	if (ENVIRON["keep"] != "")
		keep = "\n" ENVIRON["keep"] "\n"
}

old > 0 || new > 0 {
	old -= /^[ -]/ || /^\r?$/
	new -= /^[ +]/ || /^\r?$/
	if (on)
		print
	next
}

/^--- / { before = $0; next }
/^\+\+\+ / && before != "" { after = $0; next }

# The header of a file counts only if a hunk follows.
/^@@ -[0-9,]+ \+[0-9,]+ @@/ && (after != "" || inside) {
	if (after != "")
		begin_file(after)
	before = after = ""
	inside = 1
	old = lines_of($2)
	new = lines_of($3)
	if (on)
		print
	next
}

/^\\/ && on { print; next }
{ before = after = "" }
/^diff / { inside = on = 0 }

END { exit old > 0 || new > 0 }
