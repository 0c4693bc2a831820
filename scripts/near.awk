# SPDX-License-Identifier: GPL-2.0
#
# Prints the lines that resemble NEAR_TO in the environment, the nearest first,
# at most five. A line resembles NEAR_TO, a word or a glob, if it has half of
# its runs of three characters. Of the variants of a test the nearest is printed.

# Fills runs with the runs of three characters of text, and returns how many.
function cut(text, runs,	i, run, nr)
{
	delete runs
	gsub(/[^a-z0-9_.,-]+/, " ", text)
	for (i = 1; i <= length(text) - 2; i++) {
		run = substr(text, i, 3)
		if (run !~ / / && !(run in runs)) {
			runs[run]
			nr++
		}
	}
	return nr + 0
}

# fixture.variant.test without the variant
function short(name)
{
	sub(/\..*\./, ".", name)
	return name
}

BEGIN {
	wanted = cut(tolower(ENVIRON["NEAR_TO"]), want)
}

{
	nr = cut(tolower($0), have)
	both = 0
	for (run in want)
		both += (run in have)
	if (both && 2 * both >= wanted)
		score[$0] = both / wanted + both / (wanted + nr) / 1000
}

END {
	for (i = 0; i < 5; i++) {
		best = ""
		for (name in score)
			if (best == "" || score[name] > score[best] ||
			    (score[name] == score[best] && name < best))
				best = name
		if (best == "")
			exit
		print best
		for (name in score)
			if (short(name) == short(best))
				delete score[name]
	}
}
