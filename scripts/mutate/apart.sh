#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run COMMAND, which may change each DIR, and discard the changes.
#
# usage: apart.sh MEMORY DIR... -- COMMAND...
#
# apart.sh runs COMMAND in a new mount namespace. In the mount namespace of COMMAND, each
# DIR is an overlay, at the same path. The kernel writes the changes of COMMAND to a
# tmpfs, which is mounted at the directory MEMORY. The kernel frees the tmpfs when the
# last process of COMMAND ends. Because the kernel frees the tmpfs, no script must clean
# up after COMMAND, even after SIGKILL. A user other than root needs user namespaces.

. "${0%/*}/../lib.sh"

# mount_overlay DIR: Mounts an overlay over DIR. The option "userxattr" is needed because
# otherwise a process in a user namespace cannot remove a directory and create the
# directory again.
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
