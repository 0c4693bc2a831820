#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run a command that may change some directories, and discard the changes.
#
# usage: apart.sh MEMORY DIR... -- COMMAND...
#
# The command runs in its own mount namespace. Each DIR is an overlay there, at the same
# path. Changes are written to a tmpfs, which is mounted at the directory MEMORY, and which
# the kernel frees when the last process of the command ends. Nothing is left to clean up,
# even after SIGKILL. Users other than root need user namespaces.

. "${0%/*}/../lib.sh"

# cover DIR: mount an overlay over it. Without userxattr a user namespace cannot remove a
# directory and create it again.
cover() {
	local layer

	layer=$(mktemp -d "$memory/XXXXXX")
	mkdir "$layer/upper" "$layer/work"
	mount -t overlay overlay "$1" \
		-o "userxattr,lowerdir=$1,upperdir=$layer/upper,workdir=$layer/work"
}

if [ "$1" != inside ]; then
	words=(--mount)
	[ "$EUID" = 0 ] || words+=(--map-root-user)
	exec unshare "${words[@]}" "$0" inside "$@"
fi
memory=$2
mount -t tmpfs tmpfs "$memory"
shift 2
while [ "$1" != -- ]; do
	cover "$1"
	shift
done
exec "${@:2}"
