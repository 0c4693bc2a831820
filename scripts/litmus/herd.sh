#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run herd7, the simulator of memory models.
#
# usage: herd.sh [-d DIR] [ARGUMENT...]
#
# herd.sh runs the command herd7 if this command exists, and the herd7 that fetch.sh
# downloads in all other cases. With the option -d, herd.sh runs the herd7 in DIR.

. "${0%/*}/../lib.sh"

if [ "${1:-}" = -d ]; then
	dir=$2
	shift 2
elif command -v herd7 >/dev/null; then
	exec herd7 "$@"
else
	dir=$("$SCRIPTS/litmus/fetch.sh") ||
		die "herd7 is missing. Install the package herdtools7 of Debian sid or of opam, and set PATH"
fi
loader=$(compgen -G "$dir/usr/lib/*/ld-linux*.so*")
exec "$loader" --library-path "${loader%/*}" "$dir/usr/bin/herd7" \
	-set-libdir "$dir/usr/share/herdtools7/herd" "$@"
