#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Print the help text: the tables of targets and variables.
#
# usage: help.sh

set -euo pipefail

cd "${0%/*}"

awk -F '\t+' '
	BEGIN { print "Targets:" }
	!/^#/ && NF == 3 { printf "  %-14s %s\n", $1, $3 }' targets

awk '
	# Returns a text with the default of a variable, and with each default that
	# applies only to one target.
	function defaults(    all, key, nr, i) {
		all = shown == "" ? value["default"] : shown
		nr = split(order, key, " ")
		for (i = 1; i <= nr; i++)
			all = all "; " key[i] ": " value[key[i]]
		return all
	}

	# Appends text to the last element of the array "lines". If the last line would
	# become too long, adds text as a new element.
	function add(text) {
		if (length(lines[nr_lines] " " text) > 80 - 14)
			lines[++nr_lines] = text
		else
			lines[nr_lines] = lines[nr_lines] " " text
	}

	# Prints the help for the variable with this name, after all lines of the variable
	# were read. Prints nothing if name is empty.
	function show(    nr, part, i) {
		if (name == "")
			return
		nr = split("[" defaults() "]", part, /; /)
		for (i = 1; i <= nr; i++)
			add(i < nr ? part[i] ";" : part[i])
		lines[++nr_lines] = "used by"
		nr = split(targets, part, " ")
		for (i = 1; i <= nr; i++)
			add(part[i])
		for (i = 1; i <= nr_lines; i++)
			printf "  %-11s %s\n", i == 1 ? name : "", lines[i]
	}

	BEGIN { print "\nVariables:" }
	/^#/ || !NF { next }
	/^[A-Z]/ {
		show()
		name = $1
		nr_lines = 0
		shown = order = ""
		next
	}
	{
		key = $1
		sub(/^[ \t]*[^ \t]*[ \t]*/, "")
	}
	key == "targets" { targets = $0 == "all" ? "all targets" : $0 }
	key == "help" { lines[++nr_lines] = $0 }
	key == "shown" { shown = $0 }
	key == "default" { value[key] = $0 }
	key ~ /^(default|shown)\./ && $0 != "-" {
		sub(/.*\./, "", key)
		value[key] = $0
		order = order " " key
	}
	END { show() }' options/variables

echo
echo "It is an error to set a variable that the target does not use. The results of"
echo "a run are in build/<kernel>/result/: console.log and ktap.log."
