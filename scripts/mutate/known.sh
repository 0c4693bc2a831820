# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The result of a mutant, and how long it stays valid. Sourced.
#
# A result is a file of lines NAME=VALUE:
#
#	outcome	killed: the tests noticed the mutant; survived: they did not; time-out: a
#		test or the guest did not end; absent: the kernel does not contain the
#		code; invalid: there is no kernel or module with the mutant that runs
#	by	the test that failed, or the complaint of the kernel
#	how	the complaint or the hang, if the test did not fail by itself
#	program	the program that did not pass
#	seconds	the time from the start of the build to the outcome
#	key	a hash of the inputs
#
# The inputs are the mutant, and the kernel, the modules and the deciding programs without
# the mutant. If a program killed the mutant or did not end, only that program decides. If
# the mutant survived, all programs decide. The result stays valid if another program
# changes.

# deciding_programs OUT OUTCOME PROGRAM: Prints the programs on which a result with
# OUTCOME and PROGRAM depends, one per line.
deciding_programs() {
	case $2 in
	killed | time-out | survived)
		if [ -n "$3" ] && has_line "$1/programs" "$3"; then
			echo "$3"
		else
			cat "$1/programs"
		fi ;;
	esac
}

# key_of ENTRY OUT OUTCOME PROGRAM: Prints the key of a result with OUTCOME and PROGRAM.
# For the kernel, the key has the name of its build directory, which contains a hash of
# the source, the configuration and the compiler. module.sum is the hash of the modules.
# It is an input, because an entry that changes a header changes the modules, too.
key_of() {
	local kdir programs

	kdir=$(value kdir "$2/kernel")
	programs=$(deciding_programs "${@:2}")
	{
		echo "${kdir##*/}"
		sed -n '/^file: /p; /^function: /p; /^tests: /p; /^--- old/,$p' "$1"
		cat "$2/module.sum"
		[ -z "$programs" ] || xargs -I {} cat "$2/tests/{}" <<<"$programs"
	} | sum
}

# key_of_result ENTRY OUT RESULT: Prints the key that the file RESULT must have. The
# result is valid if it has this key.
key_of_result() {
	local outcome program

	outcome=$(value outcome "$3")
	program=$(value program "$3")
	key_of "$1" "$2" "$outcome" "$program"
}

# build_sound OUT: Builds the modules, the tests and the initramfs without a mutant, and
# writes module.sum.
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
