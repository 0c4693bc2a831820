#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Test the checks of targets and variables: which values make accepts, and which values
# make refuses before make downloads, builds or boots a kernel. test-variables.sh prints
# KTAP.
#
# usage: test-variables.sh
#
# In the test, a stub replaces the script of each target. The files of cases/ have one
# case per line:
#
#	[NAME=VALUE... --] WORD... => MESSAGE
#	[NAME=VALUE... --] WORD... == LINE | LINE...
#
# WORD... are the arguments of make, and NAME=VALUE... are variables in the environment of
# make. In a case with "=>", make must fail and print one line with MESSAGE on stderr. In
# a case with "==", make must run the stub, and each LINE must be in the output of the
# stub. A stub prints its arguments and its environment. A LINE "!NAME" means that the
# environment of the stub must not have the variable NAME. The variable $dir in a case is
# the directory of the test.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/test/stub.sh"
. "$SCRIPTS/test/results.sh"

# run_make WORDS: Runs make in the clone with stubs. WORDS is the text of a case before
# "=>" or "==", in shell syntax. run_make sets the variable status to the exit status of
# make, and the variable output to the output of make.
run_make() {
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

# is_refusal MESSAGE: Returns 0 if the output of the last run_make has exactly two lines:
# a line with MESSAGE, and the line with "Error 2" that make prints.
is_refusal() {
	[[ $status = 2 && $output == "make "*"$1"*$'\n'"make: *** ["*"] Error 2" &&
	   $output != *$'\n'*$'\n'* && $output != *"ran "* ]]
}

# has_run: Returns 0 if the last run_make ran the stub of the target.
has_run() {
	[[ $status = 0 && $output == "ran "* ]]
}

# refuses WORDS MESSAGE: Tests a case with "=>". The test passes if make refuses WORDS
# with MESSAGE.
refuses() {
	local bad=0

	run_make "$1"
	is_refusal "$2" || bad=1
	result "$bad" "refused: $1" "$output"
}

# shows LINE: Returns 0 if the output of the stub has LINE. If LINE is "!NAME", shows
# returns 0 if the output has no variable NAME.
shows() {
	[[ ( $1 == !* && $'\n'$output != *$'\n'"${1#!}="* ) ||
	   ( $1 != !* && $'\n'$output$'\n' == *$'\n'"$1"$'\n'* ) ]]
}

# accepts WORDS [LINE...]: Tests a case with "==". The test passes if make accepts WORDS,
# and the output of the stub has each LINE.
accepts() {
	local bad=0 line

	run_make "$1"
	has_run || bad=1
	for line in "${@:2}"; do
		shows "$line" || bad=1
	done
	result "$bad" "accepted: $1" "$output"
}

# run_cases: Tests all cases in the files of cases/.
run_cases() {
	local cases line lines

	cases=$(cat "$SCRIPTS"/options/cases/*)
	while IFS= read -r line; do
		line=${line//\$dir/$dir}
		case $line in
		'' | '#'*) ;;
		*' => '*)
			refuses "${line%% => *}" "${line#* => }" ;;
		*' == '*)
			IFS='|' read -ra lines <<<"${line#* == }"
			lines=("${lines[@]# }")
			accepts "${line%% == *}" "${lines[@]% }" ;;
		*)	die "cases: expected \"=>\" or \"==\" in: $line" ;;
		esac
	done <<<"$cases"
}

# try_place NAME: Tests that make refuses to build in a clone whose path contains NAME,
# because make cannot handle a character in NAME. In the same clone, make must still
# accept targets that build nothing.
try_place() {
	local place=$dir/$1

	mkdir "$place"
	clone=$place/clone
	cp -a "$dir/clone" "$place/"
	refuses "kselftest" "make cannot build in a directory whose path"
	accepts "clean" "ran clean.sh build"
	run_make help
	[[ $status = 0 && $output = Targets:* ]] || status=1
	result "$status" "accepted: help in the directory $1" "$output"
	clone=$dir/clone
}

try_places() {
	local place

	# shellcheck disable=SC2016 # it is a dollar sign
	for place in 'x y' x:y 'x$y' x%y 'x#y' "x'y" 'x"y' 'x\y' x=y x,y 'x;y' 'x(y)'; do
		try_place "$place"
	done
}

# try_configurations: Tests that "make explore" accepts the default configurations of the
# explorer.
try_configurations() {
	local all

	all=$(grep -ohE '"([a-z]+[0-9A-D]*,)+[a-z]+[0-9A-D]*[-"]' \
		"$SELFTEST"/explore*.c | tr -d '"-' | tr '\n' ' ')
	all+=$(sed -n '/^ALL="/,/"$/p' "$SCRIPTS/measure/explore.sh" |
		tr -s '\t\n' ' ' | sed 's/ALL=//; s/"//g')
	[ "$(wc -w <<<"$all")" -ge 30 ] ||
		die "expected at least 30 configurations in the explorer, found: $all"
	accepts "explore 'ACTORS=$all'"
}

# scripts_of_runner: Prints the text of all scripts of the runner, except tests and
# scripts that check values.
scripts_of_runner() {
	local files=("$SCRIPTS"/{,*/}*.sh "$TOP/.ci/run")

	printf '%s\n' "${files[@]}" | grep -v '/\(test-\|values\|stub\|results\)[^/]*$' |
		xargs -d '\n' cat
}

# names_read: Prints the names of the variables that the scripts inherit. names_read
# regards a variable as inherited if a script has a default for the variable, or if no
# script assigns the variable.
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

# variables: Prints the names of the variables in options/variables.
variables() {
	grep -oE '^[A-Z][A-Z_]*' "$SCRIPTS/options/variables"
}

# unknown_names: Prints the names in the output of names_read that are neither in
# options/variables nor in options/environment, and that are not variables of the shell.
unknown_names() {
	local name names known text

	text=$(scripts_of_runner)
	names=$(names_read)
	known="$(variables) $(sed 's/^#.*//' "$SCRIPTS/options/environment") HOME PATH PWD
		PPID EUID BASHPID BASH_SOURCE BASH_REMATCH BASH_COMMAND LINENO PIPESTATUS
		SECONDS EPOCHREALTIME EPOCHSECONDS
		OPTARG OPTIND XDG_CACHE_HOME MMUN_RUN"
	known=${known//[[:space:]]/ }
	for name in $names; do
		[[ " $known " == *" $name "* ]] || echo "$name is in neither table"
	done
}

# unused_names: Prints the names of the variables in options/variables that no script
# uses.
unused_names() {
	local name names text

	text=$(scripts_of_runner)
	names=$(variables)
	for name in $names; do
		grep -qE "(\\$\{?|\(\()$name([^A-Z0-9_]|\$)" <<<"$text" ||
			echo "no script uses $name"
	done
}

# missing_in_help: Prints the targets and variables that the output of help.sh does not
# contain, and the lines of the output that are longer than 80 columns.
missing_in_help() {
	local help name names

	help=$("$SCRIPTS/help.sh")
	names=$(grep -ohE '^[A-Za-z][A-Za-z_-]*' "$SCRIPTS"/{targets,options/variables})
	for name in $names; do
		grep -q "^  $name " <<<"$help" || echo "$name"
	done
	grep -E '.{81}' <<<"$help" || true
}

# prepare: Makes the clone with stubs, and the directories and files to which the cases
# refer.
prepare() {
	mkdir -p "$dir"/{home,work/sub} "$clone"
	make_stubs "$clone"
	cp "$clone"/scripts/kselftest.sh "$dir/tool"
	mkdir -p "$dir"/{kernel/include/config,tree/mm,unbuilt,"ker nel",a:b}
	touch "$dir/tree/mm/mmu_notifier.c"
	echo 6.1.0 >"$dir/kernel/include/config/kernel.release"
	echo CONFIG_NR_CPUS=4 >"$dir/kernel/.config"
	cp -r "$dir/kernel" "$dir/uml"
	echo CONFIG_UML=y >>"$dir/uml/.config"
	touch "$dir/file"
	printf '%s\n' "--- a/x" "+++ b/x" "@@ -1 +1 @@" -a +b >"$dir/x.patch"
	sed '$d' "$dir/x.patch" >"$dir/cut.patch"
	cp "$dir/x.patch" "$dir/ker nel/"
	git -C "$clone" init -q
	git -C "$clone" -c user.name=x -c user.email=x commit -q --allow-empty -m x
	export dir
}

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
clone=$dir/clone
prepare
begin_results options
run_cases
try_configurations
try_places
complaints=$(unknown_names)
no_complaints "every variable that a script reads is in a table" "$complaints"
complaints=$(unused_names)
no_complaints "a script uses every variable of the table" "$complaints"
complaints=$(missing_in_help)
no_complaints "help lists every target and variable, in 80 columns" "$complaints"
end_results
