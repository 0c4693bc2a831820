# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Functions that decide whether the result of a mutant is still valid.
#
# The result of a mutant is a file of lines NAME=VALUE:
#
#	outcome	killed: a test failed because of the mutant; survived: no test failed;
#		time-out: a test or the guest did not end; absent: the kernel does not
#		contain the code that the mutant changes; invalid: the kernel or the
#		module with the mutant cannot be built or does not run
#	by	the test that failed, or the complaint of the kernel
#	how	the complaint or the hang, if the test did not fail by itself
#	program	the program that did not pass
#	seconds	the time from the start of the build to the outcome
#	key	a hash of the inputs
#
# The inputs of a result are the entry of the mutant, and the builds without the mutant:
# the kernel, the modules and the deciding programs. A deciding program is a test program
# on which the result depends. If a program killed the mutant or did not end, this program
# is the only deciding program. If the mutant survived, all programs are deciding
# programs. The result stays valid if a program that is not a deciding program changes.

# deciding_programs OUT OUTCOME PROGRAM: Prints the programs on which a result with
# OUTCOME and PROGRAM depends, one program per line.
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
# For the kernel, the key has the name of the build directory of the kernel. This name
# contains a hash of the source, the configuration and the compiler. The file module.sum
# has the hash of the modules. The modules are an input of the result, because a mutant in
# a header of the kernel changes the modules, too.
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

# key_of_result ENTRY OUT RESULT: Prints the key of the inputs in their present state. The
# result in the file RESULT is valid if RESULT contains this key.
key_of_result() {
	local outcome program

	outcome=$(value outcome "$3")
	program=$(value program "$3")
	key_of "$1" "$2" "$outcome" "$program"
}

# build_sound OUT: Builds the modules, the tests and the initramfs without a mutant, and
# writes the file module.sum.
build_sound() {
	local modules

	"$SCRIPTS/vm/build.sh" modules "$1"
	"$SCRIPTS/vm/build.sh" tests "$1"
	find_modules
	cat "${modules[@]/#/$1/}" | sum >"$1/module.sum"
	# An earlier run may have written OUT/chosen with other programs.
	rm -f "$1/chosen"
	"$SCRIPTS/vm/pack.sh" "$1"
}
