# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Functions that make a clone with stubs. A clone with stubs has the Makefile, the scripts
# that check and start a target, and a stub instead of the script of each target. The stub
# prints its arguments and its environment, or runs $STUB if $STUB is set. A test sources
# stub.sh after lib.sh.

# make_stubs DIR: Makes a clone with stubs in the directory DIR.
make_stubs() {
	local dir=$1 names script

	mkdir -p "$dir"/scripts/{kernel,mutate}
	cp "$TOP/Makefile" "$dir/"
	cp -r "$SCRIPTS"/{start,errors,help,job}.sh "$SCRIPTS"/{targets,options} \
		"$dir/scripts/"
	cp -r "$SCRIPTS"/kernel/{table,configs,patch.awk} "$dir/scripts/kernel/"
	cp -r "$SCRIPTS"/mutate/{kernel,module,tiers} "$dir/scripts/mutate/"
	ln -s "$TOP/tools" "$dir/tools"
	names=$(awk -F '\t+' '!/^#/ && NF { print $2 }' "$SCRIPTS/targets" |
		grep -o '^[a-z/-]*\.sh' | grep -vx help.sh | sort -u)
	for script in $names; do
		write_stub | install -D /dev/stdin "$dir/scripts/$script"
	done
}

# write_stub: Prints the text of a stub.
write_stub() {
	cat <<-'STUB'
		#!/bin/bash
		[ -z "${STUB-}" ] || exec "$STUB" "$@"
		echo ran "${0##*/}" "$@"
		env
	STUB
}
