# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# Functions that read the entries of the mutants. A mutant is one deliberate error in the
# kernel or in the module. The tests kill a mutant if a test fails because of the mutant;
# if not, the mutant survives.
#
# The entry of a mutant is a file kernel/NAME.mutant or module/NAME.mutant with the
# following lines:
#
#	file: the file to change
#	function: the function to change; without this key it may be anywhere in the file
#	breaks: the rule that the mutant violates, in a sentence
#	tests: a glob of the tests that run (optional)
#	killer: the program that notices the mutant, which runs first (optional)
#	--- old
#	lines that the function contains exactly once, with the same blanks
#	--- new
#	lines that replace them (there may be none)
#	--- end
#
# The entry of a mutant of the kernel also has the following keys:
#
#	kernels: the versions of the kernel that have the old lines
#	tiers: the tiers that can notice the mutant, if not all can (optional)
#	origin: "written for this purpose", or the fix that the mutant reverts
#	equivalent: the reason why no test can notice the mutant (optional)
#	wants: what a test in a guest would need to notice the mutant; only if no test in
#		a guest can (optional)

# entry_value KEY ENTRY: Prints the value of KEY in the file ENTRY. entry_value prints
# nothing if ENTRY has no KEY.
entry_value() {
	sed -n "/^--- old/q;s/^$1: *//p" "$2"
}

# entry_lines old|new ENTRY: Prints the old lines or the new lines of the file ENTRY.
entry_lines() {
	awk -v from="--- $1" '
		/^--- /	{ on = $0 == from; next }
		on	{ print }' "$2"
}

# find_entries kernel|module GLOBS [KERNEL]: Sets the array entries to the files of the
# mutants whose names match one of GLOBS. Commas separate the globs. If KERNEL is given,
# find_entries leaves out the entries whose key "kernels" does not contain the version
# KERNEL. find_entries exits with an error if no entry is left.
find_entries() {
	local entry glob globs kernels

	entries=()
	IFS=, read -ra globs <<<"$2"
	for glob in "${globs[@]}"; do
		for entry in "$SCRIPTS/mutate/$1/"$glob.mutant; do
			[ -e "$entry" ] || continue
			kernels=$(entry_value kernels "$entry")
			[[ " ${kernels:-${3-}} " != *" ${3-} "* ]] || entries+=("$entry")
		done
	done
	[ ${#entries[@]} != 0 ] || die "MUTANTS=$2: no such mutant"
}
