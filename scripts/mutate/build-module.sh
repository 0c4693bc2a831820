#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Apply a mutant to a copy of the source of the module, and build the module.
#
# usage: build-module.sh OUT DIR NAME
#
# build-module.sh builds the module with the mutant in DIR. All other files in DIR are
# links to files in OUT, which has the build without a mutant. build-module.sh prints
# "NAME present".

. "${0%/*}/../lib.sh"
. "$SCRIPTS/mutate/entries.sh"

out=$1
dir=$2
entry=$SCRIPTS/mutate/module/$3.mutant
file=$(entry_value file "$entry")
rm -rf "$dir"
mkdir -p "$dir/tree"
"$SCRIPTS/vm/share.sh" "$out" "$dir"
for source in "${MODULE_SOURCES[@]}"; do
	cp -r "$TOP/$source" "$dir/tree/"
done
"$SCRIPTS/mutate/apply.sh" "$entry" "$TOP/$file" >"$dir/tree/$file"
MODULE_TREE=$dir/tree "$SCRIPTS/vm/build.sh" module "$dir" >&2
echo "$3 present"
