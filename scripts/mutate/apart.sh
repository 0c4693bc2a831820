#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run COMMAND, and discard the changes that COMMAND makes in each directory DIR.
#
# usage: apart.sh MEMORY DIR... -- COMMAND...
#
# apart.sh runs COMMAND in a new mount namespace. In the mount namespace of COMMAND, an
# overlay is mounted over each DIR. The kernel writes the changes of COMMAND to a tmpfs,
# which is mounted at the directory MEMORY. When the last process of COMMAND ends, the
# kernel frees the tmpfs. No script needs to clean up after COMMAND, even if SIGKILL ended
# COMMAND. If the user is not root, apart.sh needs user namespaces.

. "${0%/*}/../lib.sh"

# mount_overlay DIR: Mounts an overlay over DIR. Without the option "userxattr", a process
# in a user namespace could not remove a directory and create the directory again.
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
