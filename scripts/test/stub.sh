# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# A copy of the Makefile and of what is in front of the targets, with a stub in
# place of the script of each target. Sourced by the tests of these. The stub
# prints the environment, or does what $STUB names.

# make_stubs DIR: a clone with stubs, and a cache of its own.
make_stubs() {
	local dir=$1 names script

	mkdir -p "$dir"/scripts/{kernel,mutate}
	cp "$TOP/Makefile" "$dir/"
	cp -r "$SCRIPTS"/{start,errors,help,job}.sh "$SCRIPTS"/{targets,options} \
		"$dir/scripts/"
	cp -r "$SCRIPTS"/kernel/{table,configs} "$dir/scripts/kernel/"
	cp -r "$SCRIPTS"/mutate/{kernel,module,tiers} "$dir/scripts/mutate/"
	ln -s "$TOP/tools" "$dir/tools"
	names=$(awk -F '\t+' '!/^#/ && NF { print $2 }' "$SCRIPTS/targets" |
		grep -o '^[a-z/-]*\.sh' | grep -vx help.sh | sort -u)
	for script in $names; do
		write_stub | install -D /dev/stdin "$dir/scripts/$script"
	done
}

write_stub() {
	cat <<-'STUB'
		#!/bin/bash
		[ -z "${STUB-}" ] || exec "$STUB" "$@"
		echo ran "${0##*/}" "$@"
		env
	STUB
}
