#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run a command that may change some directories, and keep none of the changes.
#
# usage: apart.sh MEMORY DIR... -- COMMAND...
#
# The command has a mount namespace of its own. Each DIR is an overlay there, at the
# same path, over what the others see. What is written goes to a tmpfs, which is mounted
# at the directory MEMORY and is gone when the last process of the command ends. Nothing
# is left to clean up, even after SIGKILL. Not root needs user namespaces for this.

. "${0%/*}/../lib.sh"

# cover DIR: with an overlay. Without userxattr a user namespace cannot remove a
# directory and make it again.
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
