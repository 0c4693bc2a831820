# SPDX-License-Identifier: GPL-2.0
#
# Print the KTAP on stdin as it is, then the names of the tests that failed, if there are
# several, and then the numbers of results. An expected failure counts as passed. count.awk
# exits with status 1 if results are missing. If the variable STOP of the environment is 1,
# no results are expected after the first failure.

{ print; fflush() }

/^1\.\./ {
	plan = substr($1, 4)
	planned = 1
}

/^not ok / {
	failed++
	names = names "# failed: " ($3 == "-" ? $4 : $3) "\n"
}

/^ok / {
	if (/ # SKIP/)
		skipped++
	else
		passed++
}

END {
	missing = plan - passed - failed - skipped
	if (ENVIRON["STOP"] == 1 && failed)
		missing = 0
	if (!planned)
		print "# there is no plan"
	else if (missing)
		print "# " missing " results are missing"
	if (failed > 1)
		printf "%s", names
	printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
	exit !planned || missing
}
