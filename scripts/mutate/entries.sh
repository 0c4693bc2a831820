# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# The mutants: each is one deliberate error in the kernel or in the module. Sourced.
#
# An entry is a file kernel/NAME.mutant or module/NAME.mutant, and is text:
#
#	file: the file to change
#	function: the function to change; without it the whole file is searched
#	breaks: the rule that the mutant violates, in a sentence
#	tests: a glob of the tests that run (optional)
#	killer: the program that notices the mutant, which runs first (optional)
#	--- old
#	lines that the function contains exactly once, to the character
#	--- new
#	lines that replace them (may be empty)
#	--- end
#
# A mutant of the kernel has more keys:
#
#	kernels: the kernels that have these lines
#	tiers: the tiers that can notice the mutant, if the others cannot (optional)
#	origin: "written for this purpose", or the fix that the mutant reverts
#	equivalent: the reason why no test can notice the mutant (optional)
#	wants: what a test needs to notice the mutant, if there is no such test

# entry_value KEY ENTRY
entry_value() {
	sed -n "/^--- old/q;s/^$1: *//p" "$2"
}

# entry_lines old|new ENTRY
entry_lines() {
	awk -v from="--- $1" '
		/^--- /	{ on = $0 == from; next }
		on	{ print }' "$2"
}

# find_entries kernel|module GLOBS [KERNEL]: sets entries to the files whose names match
# one of the globs, and which have the key "kernels" with KERNEL, or no such key.
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
