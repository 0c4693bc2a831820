# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Packages of another suite: a list and a state of apt's own kind in the cache,
# next to the machine's, which are left alone. Sourced after packages.sh.

# Where the machine gets Debian from.
mirror() {
	# shellcheck disable=SC2016 # apt expands it
	apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' \
		'Created-By: Packages' | sed -n 's/^Debian //p' | head -n 1
}

write_apt_conf() {
	local suite=$1 dir=$2

	mkdir -p "$dir"/{lists/partial,archives/partial}
	echo "deb $(mirror) $suite main" >"$dir/sources.list"
	cat >"$dir/apt.conf" <<-CONF
		Dir::Etc::SourceList "$dir/sources.list";
		Dir::Etc::SourceParts "-";
		Dir::State::Lists "$dir/lists";
		Dir::Cache "$dir";
	CONF
}

# use_suite SUITE: from here on apt knows this one instead. "-": the machine's.
use_suite() {
	local dir=$CACHE/apt/$1

	[ "$1" != - ] || return 0
	if [ ! -e "$dir/apt.conf" ]; then
		[ -n "$(mirror)" ] || update_lists
		[ -n "$(mirror)" ] ||
			die "apt has no list of Debian's to derive $1 from"
		write_apt_conf "$1" "$dir"
	fi
	export APT_CONFIG=$dir/apt.conf
	unset MMUN_APT_UPDATED
}
