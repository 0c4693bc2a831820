#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests of the front: what the Makefile takes, and what it refuses before
# anything is fetched, built or booted. KTAP on stdout.
#
# usage: test-variables.sh
#
# The scripts of the targets are stubs. The files of cases/ have a case a line:
# words for make, after NAME=VALUE ... -- for the environment; "=>" and a part of
# the one line on stderr, or "==" and lines of what the script of the target gets, with
# bars between; !NAME is a variable that it must not get. $dir is the directory of
# the test.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/test/stub.sh"
. "$SCRIPTS/test/results.sh"

# run WORDS: make with these, as a shell reads them, in the clone with stubs.
# NAME=VALUE before a "--" goes into the environment.
run() {
	local -a words before=()

	eval "words=($1)"
	if [[ " $1 " == *" -- "* ]]; then
		while [ "${words[0]}" != -- ]; do
			before+=("${words[0]}")
			words=("${words[@]:1}")
		done
		words=("${words[@]:1}")
	fi
	status=0
	output=$(cd "$clone" && env -i PATH="$PATH" HOME="$dir/home" "${before[@]}" \
		make --no-print-directory "${words[@]}" 2>&1) || status=$?
}

# said_in_one_line WORDS: the message, and make's own line.
said_in_one_line() {
	[[ $status = 2 && $output == "make "*"$1"*$'\n'"make: *** ["*"] Error 2" &&
	   $output != *$'\n'*$'\n'* && $output != *"ran "* ]]
}

# has_run LINES: the script of the target ran, and its environment has these.
has_run() {
	[[ $status = 0 && $output == "ran "* ]]
}

refused() {
	local bad=0

	run "$1"
	said_in_one_line "$2" || bad=1
	result "$bad" "refused: $1" "$output"
}

# shows LINE: what the script printed has the line, or, for !NAME, no such variable.
shows() {
	[[ ( $1 == !* && $'\n'$output != *$'\n'"${1#!}="* ) ||
	   ( $1 != !* && $'\n'$output$'\n' == *$'\n'"$1"$'\n'* ) ]]
}

# taken WORDS [LINE...]
taken() {
	local bad=0 line

	run "$1"
	has_run || bad=1
	for line in "${@:2}"; do
		shows "$line" || bad=1
	done
	result "$bad" "taken: $1" "$output"
}

# One case a line: "WORDS => MESSAGE" or "WORDS == LINE | LINE".
run_cases() {
	local cases line lines

	cases=$(cat "$SCRIPTS"/options/cases/*)
	while IFS= read -r line; do
		line=${line//\$dir/$dir}
		case $line in
		'' | '#'*) ;;
		*' => '*)
			refused "${line%% => *}" "${line#* => }" ;;
		*' == '*)
			IFS='|' read -ra lines <<<"${line#* == }"
			lines=("${lines[@]# }")
			taken "${line%% == *}" "${lines[@]% }" ;;
		*)	die "cases: what is this: $line" ;;
		esac
	done <<<"$cases"
}

# A clone at a place that make cannot take: refused in one line, but for what
# builds nothing.
try_place() {
	local place=$dir/$1

	mkdir "$place"
	clone=$place/clone
	cp -a "$dir/clone" "$place/"
	refused "kselftest" "make cannot build in a directory whose path"
	taken "clean" "ran clean.sh build"
	run help
	[[ $status = 0 && $output = Targets:* ]] || status=1
	result "$status" "help in the directory $1" "$output"
	clone=$dir/clone
}

try_places() {
	local place

	# shellcheck disable=SC2016 # a dollar it is
	for place in 'x y' x:y 'x$y' x%y 'x#y' "x'y" 'x"y' 'x\y' x=y x,y 'x;y' 'x(y)'; do
		try_place "$place"
	done
}

# The configurations that the explorer plays by itself are right ones.
take_all_configurations() {
	local all

	all=$(grep -ohE '"([a-z]+[0-9A-D]*,)+[a-z]+[0-9A-D]*[-"]' \
		"$SELFTEST"/explore*.c | tr -d '"-' | tr '\n' ' ')
	all+=$(sed -n '/^ALL="/,/"$/p' "$SCRIPTS/measure/explore.sh" |
		tr -s '\t\n' ' ' | sed 's/ALL=//; s/"//g')
	[ "$(wc -w <<<"$all")" -ge 30 ] || die "too few configurations: $all"
	taken "explore 'ACTORS=$all'"
}

# The text of the scripts, short of those that check values or test.
scripts_of_runner() {
	local files=("$SCRIPTS"/{,*/}*.sh "$TOP/.ci/run")

	printf '%s\n' "${files[@]}" | grep -v '/\(test-\|values\|stub\|results\)[^/]*$' |
		xargs -d '\n' cat
}

# Names that a script takes from outside: with a default, or never assigned.
names_read() {
	local assigned

	assigned=$(grep -oE '(^|[^A-Za-z0-9_$])[A-Z][A-Z0-9_]*\+?=' <<<"$text" |
		tr -dc 'A-Z0-9_\n' | sort -u)
	{
		grep -oE '\$\{[A-Z][A-Z0-9_]*:?[-=+]' <<<"$text" |
			tr -dc 'A-Z0-9_\n'
		grep -oE '\$\{?[A-Z][A-Z0-9_]*' <<<"$text" |
			tr -dc 'A-Z0-9_\n' | sort -u | grep -vxF "$assigned"
	} | sort -u
}

# The names of the table.
variables() {
	grep -oE '^[A-Z][A-Z_]*' "$SCRIPTS/options/variables"
}

# What is in neither table, and not of the shell.
unknown_names() {
	local name names known text

	text=$(scripts_of_runner)
	names=$(names_read)
	known="$(variables) $(sed 's/^#.*//' "$SCRIPTS/options/environment") HOME PATH PWD
		PPID EUID BASHPID BASH_SOURCE BASH_REMATCH BASH_COMMAND LINENO
		SECONDS EPOCHREALTIME EPOCHSECONDS
		OPTARG OPTIND XDG_CACHE_HOME MMUN_RUN"
	known=${known//[[:space:]]/ }
	for name in $names; do
		[[ " $known " == *" $name "* ]] || echo "$name is in no table"
	done
}

# Each name of the table is used by a script.
unused_names() {
	local name names text

	text=$(scripts_of_runner)
	names=$(variables)
	for name in $names; do
		grep -qE "(\\$\{?|\(\()$name([^A-Z0-9_]|\$)" <<<"$text" ||
			echo "$name is used by no script"
	done
}

# Each name, of both tables, at the start of a line.
missing_in_help() {
	local help name names

	help=$("$SCRIPTS/help.sh")
	names=$(grep -ohE '^[A-Za-z][A-Za-z_-]*' "$SCRIPTS"/{targets,options/variables})
	for name in $names; do
		grep -q "^  $name " <<<"$help" || echo "$name"
	done
	grep -E '.{81}' <<<"$help" || true
}

prepare() {
	mkdir -p "$dir"/{home,work/sub} "$clone"
	make_stubs "$clone"
	cp "$clone"/scripts/kselftest.sh "$dir/tool"
	mkdir -p "$dir"/{kernel/include/config,unbuilt,"ker nel",a:b}
	echo 6.1.0 >"$dir/kernel/include/config/kernel.release"
	echo CONFIG_NR_CPUS=4 >"$dir/kernel/.config"
	cp -r "$dir/kernel" "$dir/uml"
	echo CONFIG_UML=y >>"$dir/uml/.config"
	touch "$dir/file"
	git -C "$clone" init -q
	git -C "$clone" -c user.name=x -c user.email=x commit -q --allow-empty -m x
	export dir
}

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
clone=$dir/clone
prepare
results_of front
run_cases
take_all_configurations
try_places
complaints=$(unknown_names)
silent "every variable that is read stands in a table" "$complaints"
complaints=$(unused_names)
silent "every variable of the table is used" "$complaints"
complaints=$(missing_in_help)
silent "help names every target and variable, in 80 columns" "$complaints"
end_results
