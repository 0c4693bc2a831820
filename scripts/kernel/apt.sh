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
# SUITE "-" is the configuration of apt on this machine. apt.sh installs packages only
# from "-". For each other SUITE of Debian, the cache has separate package lists and a
# separate configuration of apt, which uses the mirror of this machine. "apt.sh SUITE
# prepare" makes this configuration. "apt.sh SUITE update" updates the package lists of
# SUITE. "apt.sh SUITE refresh" updates the package lists of SUITE only if the lists are
# old. apt.sh holds a lock while it runs apt, so that only one process at a time uses apt.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/kernel/packages.sh"

suite=$1
dir=$CACHE/apt/$suite

# The package lists are old when FRESH_SECS seconds have passed since the last update.
FRESH_SECS=600

# mirror: Prints the address of the server from which apt on this machine gets Debian.
mirror() {
	local lists

	lists=$(apt_lists)
	awk '$3 == "Debian" && $2 !~ /^cdrom:|security/ && !n++ { print $2 }' \
		<<<"$lists"
}

# apt ARGUMENT...: Runs apt-get with the configuration of $suite.
apt() {
	if [ "$suite" = - ]; then
		quietly apt-get -q -o DPkg::Lock::Timeout=300 "$@" </dev/null
	else
		quietly env "APT_CONFIG=$dir/apt.conf" apt-get -q "$@" </dev/null
	fi
}

# update: Updates the package lists of $suite. If $suite is "-" and the user is not root,
# update does nothing, because only root can update the package lists of this machine.
update() {
	if [ "$suite" = - ] && [ "$EUID" != 0 ]; then
		return 0
	fi
	apt -o APT::Update::Error-Mode=any update
	echo "$EPOCHSECONDS" >"$dir/updated"
}

# update_if_old: Updates the package lists if the lists are old. The cache has the time of
# the last update. For the suite "-", update_if_old also updates the lists if this machine
# has no lists, because the user may have removed the lists after the last update.
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

# write_conf: Writes the configuration of apt for $suite. write_conf writes the file
# apt.conf.tmp, and at the end renames apt.conf.tmp to apt.conf, so that a file apt.conf
# that exists is complete.
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

# prepare: Writes the configuration of apt for $suite, with the mirror of this machine.
prepare() {
	local from

	from=$(mirror)
	[ -n "$from" ] || "$SCRIPTS/kernel/apt.sh" - update
	write_conf
}

# download DIR PACKAGE=VERSION...: Downloads packages to DIR. apt checks the hashes of the
# packages.
download() {
	local to=$1

	shift
	cd "$to"
	apt download "$@"
}

[ "$2" != install ] || [ "$EUID" = 0 ] ||
	die "these packages are missing: ${*:3}. Run as root: apt-get update &&" \
		"apt-get install --no-install-recommends ${*:3}"
# If the configuration of the suite exists, "apt.sh SUITE prepare" must not write files,
# because the cache may be read-only.
[ "$2" != prepare ] || [ ! -e "$dir/apt.conf" ] || exit 0
[ -d "$dir" ] || mkdir -p "$dir"
[ -w "$dir" ] || die "cannot fetch into the cache: $dir is not writable." \
	"Set MMUN_CACHE to a directory of your own"
case $2 in
# apt.sh must not hold the lock during prepare(), because prepare() may run "apt.sh -
# update", which takes the lock.
prepare)	prepare ;;
update)		lock "$CACHE/apt/lock"; update ;;
refresh)	lock "$CACHE/apt/lock"; update_if_old ;;
install)	lock "$CACHE/apt/lock"; install "${@:3}" ;;
download)	lock "$CACHE/apt/lock"; download "${@:3}" ;;
*)		die "$2: expected install, update, refresh, prepare or download" ;;
esac
