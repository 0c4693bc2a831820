# SPDX-License-Identifier: GPL-2.0
#
# Print the times of the programs and of the tests, the longest first.
#
# usage: awk -f times.awk KTAP
#
# The file KTAP must be the KTAP of a run with TIMES=1. The output of a program has a line
# "# time: TEST SECONDS" for each test, and ends with the line "# PROGRAM: SECONDS s".

BEGIN	{ SHOWN = 20 }

/^  # time: / {
	test[$3] += $4
	in_program++
}

/^# [^ ]+: [0-9.]+ s$/ {
	name = substr($2, 1, length($2) - 1)
	program[name] = $3
	tests[name] = in_program
	all += $3
	in_program = 0
}

# Returns the key of the largest element of the array VALUES, or "" if the array is empty.
function take_largest(values,	name, largest) {
	largest = ""
	for (name in values)
		if (largest == "" || values[name] > values[largest])
			largest = name
	return largest
}

END {
	printf "# %.1f s in all programs\n", all
	while ((name = take_largest(program)) != "") {
		printf "# %8.1f s  %-24s %4d tests\n", program[name], name, tests[name]
		delete program[name]
	}
	print "# the longest tests"
	for (i = 0; i < SHOWN && (name = take_largest(test)) != ""; i++) {
		printf "# %8.3f s  %s\n", test[name], name
		delete test[name]
	}
}
