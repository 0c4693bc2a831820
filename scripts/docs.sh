#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Build the pages of Documentation/ as HTML, and write the pages to build/docs/html.
#
# usage: docs.sh
#
# Warnings are errors. Sphinx is from the distribution. The Sphinx extension for
# kernel-doc comments is from Linux 7.3, because the extension of Linux 7.3 reports errors
# in comments to Sphinx. The extension of Linux 6.1 only prints errors in comments, so
# that Sphinx would succeed in spite of the errors.

. "${0%/*}/lib.sh"
. "$SCRIPTS/kernel/packages.sh"

# check_blocks: Exits with an error if a page of Documentation/ includes a DOC: block that
# does not exist. The Sphinx extension does not report a missing DOC: block.
check_blocks() {
	local file block

	awk '$2 == "kernel-doc::" { file = $3 }
		$1 == ":doc:" { sub(/.*:doc: */, ""); print file, $0 }' \
		Documentation/*.rst >"$dir/blocks"
	while read -r file block; do
		has_line "$file" " * DOC: $block" ||
			die "Documentation includes \"DOC: $block\" of $file, but $file has no such block"
	done <"$dir/blocks"
}

need "${NEED_DOCS[@]}"
resolve 7.3 tools
dir=$TOP/build/docs
mkdir -p "$dir"
cd "$TOP"
check_blocks
srctree=$(value source "$out/kernel")
export srctree PYTHONDONTWRITEBYTECODE=1
quietly sphinx-build -q -E -W --keep-going -d "$dir/doctrees" Documentation "$dir/html"
echo "build/docs/html/index.html"
