#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Apply a patch of a kernel tree to DIR, which is a private copy of the tree.
#
# usage: patch.sh whole|part PATCH DIR
#
# "whole" means that DIR has all files of the tree: patch.sh exits with an error if the
# patch changes a file that DIR does not have. "part" means that DIR has only some files
# of the tree. With "part", patch.sh ignores all other files that the patch changes, and
# exits with an error if no file remains.
#
# patch.sh applies all hunks or none. If a hunk does not apply, the error message has the
# number of the hunk and the file. A hunk may apply at another line, but all lines of its
# context must be there, because a hunk with less context could change another function.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/kernel/packages.sh"

# refuse TEXT...: Exits with an error message about the patch.
refuse() {
	die "PATCH=$patch: $*"
}

# creates FILE: Returns 0 if the patch creates FILE. A later commit in the same patch can
# change FILE.
creates() {
	[[ $'\n'$changed$'\n' == *$'\n+'"$1"$'\n'* ]]
}

# select_files: Sets the array files to the paths of the files that the patch changes and
# that DIR has. With "whole", the array also has the files that the patch creates.
select_files() {
	local file list

	list=$(awk '{ sub(/^\+/, "") } !seen[$0]++' <<<"$changed")
	for file in $list; do
		if [ -e "$dir/$file" ]; then
			files+=("$file")
		elif [ "$extent" = whole ]; then
			creates "$file" ||
				refuse "the tree has no file $file; the names in a patch begin with one more directory, such as a/"
			files+=("$file")
		fi
	done
	[ ${#files[@]} != 0 ] ||
		refuse "the patch changes only files that are not used here: ${list//$'\n'/, }"
}

# copy_files: Copies the selected files from DIR to the temporary directory $work. A patch
# can consist of several commits that change the same file. Only a patch that is applied
# can show whether the later commits apply, so patch.sh applies the patch to the copies.
copy_files() {
	local file

	for file in "${files[@]}"; do
		[ ! -e "$dir/$file" ] || (cd "$dir" && cp --parents "$file" "$work")
	done
}

# failed_hunks LOG: Prints the hunks that do not apply. LOG is the output of patch.
failed_hunks() {
	awk '/^patching file / { file = $3 }
		/^Hunk #[0-9]+ FAILED at/ {
			printf "%shunk %d of %s (line %d) does not apply", sep,
				substr($2, 2), file, $5
			sep = ", "
		}
		/^Reversed \(or previously applied\)/ {
			printf "%s%s has these changes already", sep, file
			sep = ", "
		}' <<<"$1"
}

# place_files: Moves the patched files from $work to DIR.
place_files() {
	local file

	for file in "${files[@]}"; do
		rm -f "$dir/$file"
		[ ! -e "$work/$file" ] || (cd "$work" && cp --parents "$file" "$dir")
	done
}

extent=$1
patch=$2
dir=$3
files=()
need patch
changed=$(awk -f "$SCRIPTS/kernel/patch.awk" "$patch")
select_files
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
copy_files
selected=$(printf '%s\n' "${files[@]}")
selected=$(keep=$selected awk -f "$SCRIPTS/kernel/patch.awk" "$patch")
log=$(patch -p1 -d "$work" -N -F0 -r - --no-backup-if-mismatch <<<"$selected" 2>&1) || {
	hunks=$(failed_hunks "$log")
	refuse "${hunks:-the patch does not apply: ${log##*$'\n'}}"
}
place_files
