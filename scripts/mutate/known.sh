# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The result of a mutant, and how long it stays valid. Sourced.
#
# A result is a file of lines NAME=VALUE:
#
#	outcome	killed, survived, time-out, absent or invalid
#	by	the test that failed, or the complaint of the kernel
#	how	the complaint or the hang, if the test did not fail by itself
#	program	the program that did not pass
#	seconds	the time from the build to the verdict
#	key	a hash of the inputs
#
# The inputs are the mutant, the sound kernel, the sound modules and the deciding
# programs: the program that killed the mutant, or all programs if it survived. A change
# of another program keeps the result valid.

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

# key_of ENTRY OUT OUTCOME PROGRAM: the name of the build directory contains the hash of
# the source, of the configuration and of the compiler. module.sum is the hash of the
# sound modules, because an entry that changes a header changes the modules, too.
key_of() {
	local kdir programs

	kdir=$(value kdir "$2/kernel")
	programs=$(deciders "${@:2}")
	{
		echo "${kdir##*/}"
		sed -n '/^file: /p; /^function: /p; /^tests: /p; /^--- old/,$p' "$1"
		cat "$2/module.sum"
		[ -z "$programs" ] || xargs -I {} cat "$2/tests/{}" <<<"$programs"
	} | sum
}

# key_of_result ENTRY OUT RESULT: the key that the file RESULT has if it is valid.
key_of_result() {
	local outcome program

	outcome=$(value outcome "$3")
	program=$(value program "$3")
	key_of "$1" "$2" "$outcome" "$program"
}

# build_sound OUT: the parts of a guest without a mutant, and module.sum.
build_sound() {
	local modules

	"$SCRIPTS/vm/build.sh" modules "$1"
	"$SCRIPTS/vm/build.sh" tests "$1"
	find_modules
	cat "${modules[@]/#/$1/}" | sum >"$1/module.sum"
	# An earlier run may have chosen other programs.
	rm -f "$1/chosen"
	"$SCRIPTS/vm/pack.sh" "$1"
}
