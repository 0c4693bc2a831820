#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run a command that may change some directories, and discard the changes.
#
# usage: apart.sh MEMORY DIR... -- COMMAND...
#
# The command runs in its own mount namespace. In this namespace each DIR is an overlay,
# at the same path. Changes are written to a tmpfs, which is mounted at the directory
# MEMORY. The kernel frees the tmpfs when the last process of the command ends, so nothing
# is left to clean up, even after SIGKILL. Users other than root need user namespaces.

. "${0%/*}/../lib.sh"

# mount_overlay DIR: Mounts an overlay over DIR. Without "userxattr" a process in a user
# namespace cannot remove a directory and create it again.
mount_overlay() {
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
	mount_overlay "$1"
	shift
done
exec "${@:2}"
