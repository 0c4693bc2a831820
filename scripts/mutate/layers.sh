# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Functions for the callers of apart.sh. The directory under an overlay is the lower layer
# of the overlay.

# hold_layers OUT KDIR: Locks OUT, the directory of the build, so that no other run of
# this clone builds in OUT. hold_layers also locks KDIR, the build directory of the
# kernel, so that no other clone removes KDIR. apart.sh mounts overlays over the two
# directories, and the lower layer of an overlay must not change.
hold_layers() {
	local hold

	lock "$1/lock"
	exec {hold}<"$2.lock"
	flock -s "$hold"
}

# check_apart DIR: Exits with an error if apart.sh does not work on this machine.
# check_apart tries to mount an overlay over DIR. DIR must have a directory "memory".
check_apart() {
	"$SCRIPTS/mutate/apart.sh" "$1/memory" "$1" -- true >/dev/null 2>&1 ||
		die "cannot mount an overlay on $1: run this target outside of containers," \
			"on Linux 5.11 or newer, as root or with user namespaces"
}
