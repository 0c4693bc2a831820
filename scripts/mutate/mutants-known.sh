# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What is known of a mutant: how long a result stays true. Sourced.
#
# A result is a file of lines NAME=VALUE: outcome; by, a test or a complaint;
# how, the message or the hang by which the test is known if it did not fail by itself;
# program, the one that did not pass; seconds; key. The key is a hash of what was broken
# and of what decided: the program that killed the mutant, or all programs if it
# survived. A change of another program keeps the result.

# deciders OUT OUTCOME PROGRAM: the programs that a result depends on, a line each.
deciders() {
	case $2 in
	killed | time-out | survived)
		if [ -n "$3" ] && has_line "$1/programs" "$3"; then
			echo "$3"
		else
			cat "$1/programs"
		fi ;;
	esac
}

# key_of ENTRY OUT OUTCOME PROGRAM: the name of the build directory has the hash of
# the source, of the configuration and of the compiler. module.sum is the hash of the
# sound modules; an entry that breaks a header breaks the module, too.
key_of() {
	local kdir programs

	kdir=$(value kdir "$2/kernel")
	programs=$(deciders "${@:2}")
	{
		echo "${kdir##*/}"
		sed -n '/^file: /p; /^function: /p; /^--- old/,$p' "$1"
		cat "$2/module.sum"
		[ -z "$programs" ] || xargs -I {} cat "$2/tests/{}" <<<"$programs"
	} | sum
}

# key_of_result ENTRY OUT RESULT: the key that the file RESULT must have to be true.
key_of_result() {
	local outcome program

	outcome=$(value outcome "$3")
	program=$(value program "$3")
	key_of "$1" "$2" "$outcome" "$program"
}
