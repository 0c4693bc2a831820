#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# All that apt changes: packages are installed, lists updated, packages fetched.
#
# usage: apt.sh SUITE install PACKAGE...
#        apt.sh SUITE update
#        apt.sh SUITE refresh
#        apt.sh SUITE prepare
#        apt.sh SUITE download DIR PACKAGE=VERSION...
#
# SUITE "-" is what the machine is set up for, and the only one from which
# something is installed. Another suite has lists and a state of its own in the
# cache, derived from the machine's mirror; "prepare" makes them. One process at a
# time. "update" always updates the lists, "refresh" does if they are old.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/kernel/packages.sh"

suite=$1
dir=$CACHE/apt/$suite

# Lists that were updated less than ten minutes ago are not updated again.
FRESH_SECS=600

# Where the machine gets Debian from.
mirror() {
	local lists

	lists=$(apt_lists)
	awk '$3 == "Debian" && $2 !~ /^cdrom:|security/ && !n++ { print $2 }' \
		<<<"$lists"
}

apt() {
	if [ "$suite" = - ]; then
		quietly apt-get -q -o DPkg::Lock::Timeout=300 "$@" </dev/null
	else
		quietly env "APT_CONFIG=$dir/apt.conf" apt-get -q "$@" </dev/null
	fi
}

# Only root can update the lists of the machine: others use them as they are.
update() {
	if [ "$suite" = - ] && [ "$EUID" != 0 ]; then
		return 0
	fi
	apt -o APT::Update::Error-Mode=any update
	echo "$EPOCHSECONDS" >"$dir/updated"
}

# The lists of the machine may be gone although the cache has the time of their update.
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

# A file is written whole or not at all.
write_conf() {
	local from

	from=$(mirror)
	[ -n "$from" ] || die "apt has no list of Debian from which to derive" \
		"$suite. As root: apt-get update"
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

prepare() {
	local from

	from=$(mirror)
	[ -n "$from" ] || "$SCRIPTS/kernel/apt.sh" - update
	write_conf
}

# apt checks what it has fetched.
download() {
	local to=$1

	shift
	cd "$to"
	apt download "$@"
}

[ "$2" != install ] || [ "$EUID" = 0 ] ||
	die "missing: ${*:3}. As root: apt-get update &&" \
		"apt-get install --no-install-recommends ${*:3}"
# If the configuration is there, nothing is written: the cache may be read-only.
[ "$2" != prepare ] || [ ! -e "$dir/apt.conf" ] || exit 0
[ -d "$dir" ] || mkdir -p "$dir"
[ -w "$dir" ] || die "$dir cannot be written, and something must be fetched:" \
	"set MMUN_CACHE to a directory of your own"
case $2 in
# It updates the lists of the machine in a process of its own.
prepare)	prepare ;;
update)		lock "$CACHE/apt/lock"; update ;;
refresh)	lock "$CACHE/apt/lock"; update_if_old ;;
install)	lock "$CACHE/apt/lock"; install "${@:3}" ;;
download)	lock "$CACHE/apt/lock"; download "${@:3}" ;;
*)		die "$2: install, update, refresh, prepare or download" ;;
esac
