#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run apt: install packages, update package lists, download packages.
#
# usage: apt.sh SUITE install PACKAGE...
#        apt.sh SUITE update
#        apt.sh SUITE refresh
#        apt.sh SUITE prepare
#        apt.sh SUITE download DIR PACKAGE=VERSION...
#
# SUITE "-" is the configuration of the machine. Packages are installed only from "-".
# For another suite of Debian the cache has separate lists and a separate
# configuration with the mirror of the machine; "prepare" makes them. "update" updates
# the lists. "refresh" updates them if they are old. A lock allows one process at a
# time.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/kernel/packages.sh"

suite=$1
dir=$CACHE/apt/$suite

# The lists are old when this number of seconds has passed since the last update.
FRESH_SECS=600

# mirror: Prints the address from which the machine gets Debian.
mirror() {
	local lists

	lists=$(apt_lists)
	awk '$3 == "Debian" && $2 !~ /^cdrom:|security/ && !n++ { print $2 }' \
		<<<"$lists"
}

# apt ARGUMENT...: Runs apt-get for the suite.
apt() {
	if [ "$suite" = - ]; then
		quietly apt-get -q -o DPkg::Lock::Timeout=300 "$@" </dev/null
	else
		quietly env "APT_CONFIG=$dir/apt.conf" apt-get -q "$@" </dev/null
	fi
}

# update: Updates the lists. Does nothing for the lists of the machine if the user is
# not root, because only root can update them.
update() {
	if [ "$suite" = - ] && [ "$EUID" != 0 ]; then
		return 0
	fi
	apt -o APT::Update::Error-Mode=any update
	echo "$EPOCHSECONDS" >"$dir/updated"
}

# update_if_old: Updates the lists if they are old. The lists of the machine may also
# have been removed since the update that is recorded in the cache.
update_if_old() {
	local when=0

	[ ! -s "$dir/updated" ] || when=$(<"$dir/updated")
	[ "$suite" != - ] || compgen -G '/var/lib/apt/lists/*Packages*' >/dev/null ||
		when=0
	[ "$EPOCHSECONDS" -lt $((when + FRESH_SECS)) ] || update
}

install() {
	say "installing $*"
	update_if_old
	DEBIAN_FRONTEND=noninteractive apt -y install --no-install-recommends "$@"
}

# write_conf: Writes the apt configuration for a suite of Debian. It writes apt.conf.tmp
# and renames it to apt.conf at the end, so an apt.conf that exists is complete.
write_conf() {
	local from

	from=$(mirror)
	[ -n "$from" ] || die "cannot find a mirror for $suite: apt has no list of" \
		"Debian. Run as root: apt-get update"
	mkdir -p "$dir"/{lists/partial,archives/partial}
	echo "deb $from $suite main" >"$dir/sources.list"
	cat >"$dir/apt.conf.tmp" <<-CONF
		Dir::Etc::SourceList "$dir/sources.list";
		Dir::Etc::SourceParts "-";
		Dir::State::Lists "$dir/lists";
		Dir::Cache "$dir";
	CONF
	mv "$dir/apt.conf.tmp" "$dir/apt.conf"
}

# prepare: Writes the configuration of the suite, with the mirror of the machine.
prepare() {
	local from

	from=$(mirror)
	[ -n "$from" ] || "$SCRIPTS/kernel/apt.sh" - update
	write_conf
}

# download DIR PACKAGE=VERSION...: Downloads packages to DIR. apt checks their hashes.
download() {
	local to=$1

	shift
	cd "$to"
	apt download "$@"
}

[ "$2" != install ] || [ "$EUID" = 0 ] ||
	die "these packages are missing: ${*:3}. Run as root: apt-get update &&" \
		"apt-get install --no-install-recommends ${*:3}"
# If the configuration exists nothing must be written, because the cache may be
# read-only.
[ "$2" != prepare ] || [ ! -e "$dir/apt.conf" ] || exit 0
[ -d "$dir" ] || mkdir -p "$dir"
[ -w "$dir" ] || die "cannot fetch into the cache: $dir is not writable." \
	"Set MMUN_CACHE to a directory of your own"
case $2 in
# The lock must not be held here, because prepare may start a process that takes it.
prepare)	prepare ;;
update)		lock "$CACHE/apt/lock"; update ;;
refresh)	lock "$CACHE/apt/lock"; update_if_old ;;
install)	lock "$CACHE/apt/lock"; install "${@:3}" ;;
download)	lock "$CACHE/apt/lock"; download "${@:3}" ;;
*)		die "$2: expected install, update, refresh, prepare or download" ;;
esac
