#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Test the directories of patches/. Each directory describes a defect of kernels, and has a
# patch for each kernel that has the defect. test-patches.sh prints KTAP.
#
# usage: test-patches.sh KERNEL...
#
# The source tree of each KERNEL must be in the cache. checkpatch.pl must accept each patch,
# except that the patch has no Signed-off-by. The patch must apply to the tree.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/test/results.sh"

# The tree has no history, in which checkpatch.pl could find the commit of a Fixes tag.
IGNORED=MISSING_SIGN_OFF,UNKNOWN_COMMIT_ID

# complaints PATCH: Prints the complaints of checkpatch.pl about PATCH. checkpatch.pl reads
# PATCH from stdin, because it takes a file that git tracks for a source file.
complaints() {
	perl "$tree/scripts/checkpatch.pl" --no-tree --strict --terse --no-summary \
		--ignore "$IGNORED" - <"$1" || [ $? = 1 ]
}

# apply PATCH: Applies PATCH to a copy of the files that PATCH changes. apply prints the
# message of patch.sh if PATCH does not apply.
apply() {
	local copy=$dir/copy file files

	rm -rf "$copy"
	files=$(keep='' awk -f "$SCRIPTS/kernel/patch.awk" "$1")
	for file in $files; do
		install -D "$tree/$file" "$copy/$file"
	done
	"$SCRIPTS/kernel/patch.sh" whole "$1" "$copy" 2>&1 || true
}

# undocumented: Prints the directories that have no report, and the directories in the
# tables of the judge that do not exist.
undocumented() {
	local defect defects

	defects=$(awk '!/^#/ { print $3 }' "$SCRIPTS/judge/expected-failures")
	for defect in patches/*/; do
		[ -e "$defect/report.txt" ] || echo "$defect has no report.txt"
	done
	for defect in $defects; do
		[ -d "$defect" ] || echo "judge/expected-failures: $defect does not exist"
	done
}

begin_results patches
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$TOP"
no_complaints "each defect has a report" "$(undocumented)"
for kernel; do
	tree=$(compgen -G "$CACHE/tree/linux-source-${kernel}_*")
	for patch in patches/*/"$kernel".patch; do
		no_complaints "$patch: checkpatch" "$(complaints "$patch")"
		no_complaints "$patch: applies" "$(apply "$patch")"
	done
done
end_results
