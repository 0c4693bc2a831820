# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Functions that make a clone with a stand-in for tools/testing/mmu_notifier. The stand-in
# copies a source file and a header of the tree to objects. The program of the stand-in
# prints KTAP, and fails if an object contains one of the words that write_program() names.
# A test sources quick.sh after lib.sh.

# write_program: Prints the program of the stand-in.
write_program() {
	cat <<-'PROGRAM'
		#!/bin/bash
		[ -z "$SCHEDULE" ] || { echo "played $SCHEDULE"; exit 1; }
		[[ $# = 0 || " $* " = *" "@(a*|first|second|third)" "* ]] || exit 2
		echo "KTAP version 1"
		echo "# DEEP=$DEEP STOP=$STOP chosen: $*"
		echo "1..3"
		printf '%s\n' "# a known property" "# SCHEDULE=first:0" \
			"# 1 states, 1 steps, 0.01 s" "ok 1 first # XFAIL a known error"
		case $(cat "${0%/*}"/*.o) in
		*bad*)
			printf '%s\n' "#  0  1" "# a property" "# SCHEDULE=second:01" "# 3 states"
			echo "not ok 2 second"
			[ "$STOP" = 1 ] || echo "ok 3 third"
			exit 1 ;;
		*crash*)	kill -SEGV $$ ;;
		*endless*)	sleep 60 ;;
		*silent*)	exit 0 ;;
		esac
		echo "ok 2 second"
		echo "ok 3 third # SKIP not here"
	PROGRAM
}

# write_makefile: Prints the Makefile of the stand-in. make adds the name of each object
# that make compiles to the file "compiled". Only the file table.d says that table.o depends
# on the header.
write_makefile() {
	cat <<-'MAKEFILE'
		.RECIPEPREFIX = >
		OBJECTS = $(O)/mmu_notifier.o $(O)/table.o
		$(O)/mmu_notifier_test: $(OBJECTS) program
		> install -m 755 program $@
		$(O)/mmu_notifier.o: $(KTREE)/mm/mmu_notifier.c
		> @! grep error $<
		> cp $< $@
		> echo $(CC) $(@F) >>$(O)/compiled
		$(O)/table.o: table.c
		> cat $< $(KTREE)/include/linux/mmu_notifier.h >$@
		> echo '$@: $(KTREE)/include/linux/mmu_notifier.h' >$(O)/table.d
		> echo $(CC) $(@F) >>$(O)/compiled
		files:
		> @printf '%s\n' mm/mmu_notifier.c include/linux/mmu_notifier.h
		-include $(O)/table.d
	MAKEFILE
}

# write_tree DIR: Makes a kernel tree that has only the files of the stand-in.
write_tree() {
	mkdir -p "$1"/{mm,include/linux}
	printf '%s\n' "int one()" "{" "	one();" "	two();" "}" >"$1/mm/mmu_notifier.c"
	printf '%s\n' "int two()" "{" "	one();" "}" >"$1/include/linux/mmu_notifier.h"
}

# make_quick DIR: Makes a clone in DIR/clone, and a cache in DIR/cache that has no trees.
# The clone has all scripts, the stand-in and no mutants.
make_quick() {
	local program=$1/clone/tools/testing/mmu_notifier

	rm -rf "$1/clone" "$1/cache"
	mkdir -p "$program" "$1/cache"/{tree,quick}
	cp -r "$SCRIPTS" "$1/clone/scripts"
	rm -f "$1"/clone/scripts/mutate/{kernel,module}/*.mutant
	write_makefile >"$program/Makefile"
	write_program >"$program/program"
	echo "int table;" >"$program/table.c"
	write_tree "$1/tree"
}
