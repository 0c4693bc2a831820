#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The two commands of README.md as a new user gives them: in a minimal root of
# Debian 12 that debootstrap makes, with nothing added but make and a clone.
#
# usage: check-bare.sh [short]
#
# HOME, the cache and the archives of apt lie in that root and are empty. The first
# command runs without the security updates of the distribution, so that the stock
# kernel of the second is another. Then an unprivileged user runs both commands
# again. The packages are installed, and the user can read the cache but cannot
# write to it. "short" ends the second command where kernels are compiled, and leaves out
# the user.
#
# The clone is of what is committed: the files of the runner must be.
#
# KTAP on stdout, with the seconds of each command; what the commands print is in
# build/bare/*.log.

. "${0%/*}/lib.sh"
. "$SCRIPTS/kernel/packages.sh"
. "$SCRIPTS/test/results.sh"

SUITE_NAME=bookworm
logs=$TOP/build/bare
root=$logs/root
until=()
[ "${1:-}" != short ] || until=(UNTIL=compile)

# Where the machine gets the suite NAME of Debian from.
mirror() {
	local lists

	lists=$(apt_lists)
	awk -v name="$1" '$1 == name && !n++ { print $2 }' <<<"$lists"
}

# sources NAME...: the lists of apt in the root are those.
sources() {
	local name from

	for name; do
		from=$(mirror "$name")
		[ -n "$from" ] || die "apt here has no list of $name: run" \
			"apt-get update, or look at the sources of apt"
		echo "deb $from $name main"
	done >"$root/etc/apt/sources.list"
}

# All that runs inside ends with the process that starts it. As on a machine the root
# is a mount point, and there are terminals.
inside() {
	# shellcheck disable=SC2016 # the inner shell expands it
	unshare --mount --pid --fork --kill-child --mount-proc="$root/proc" \
		sh -ec 'mount --rbind "$0" "$0"
			mount -t devpts -o newinstance,ptmxmode=0666 devpts "$0/dev/pts"
			exec chroot "$0" env -i "$@"' "$root" \
		PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb "${proxies[@]}" "$@"
}

make_root() {
	local from

	say "a minimal root of $SUITE_NAME"
	rm -rf "$root"
	mkdir -p "$root"
	from=$(mirror "$SUITE_NAME")
	quietly debootstrap --variant=minbase "$SUITE_NAME" "$root" "$from"
	rm -rf "$root/etc/apt/sources.list.d"
	cp -r /etc/apt/{apt.conf.d,auth.conf.d,trusted.gpg.d} "$root/etc/apt/"
	rm -f "$root"/etc/apt/apt.conf.d/*docker*
	cp /etc/hosts /etc/resolv.conf "$root/etc/"
	sources "$SUITE_NAME"
	ln -sf pts/ptmx "$root/dev/ptmx"
	inside apt-get -q update >"$logs/root.log"
	inside env DEBIAN_FRONTEND=noninteractive apt-get -qy install \
		--no-install-recommends make >>"$logs/root.log" 2>&1
	inside apt-get clean
	inside useradd -m -d /opt/newcomer newcomer
	mkdir "$root/opt/root"
	clone_for root
	clone_for newcomer
}

clone_for() {
	git clone -q --no-hardlinks "$TOP" "$root/opt/$1/test_mmun"
	inside chown -R "$1" "/opt/$1"
}

# gives USER TARGET [WORD]: that user gives this command, in a clone of that user.
gives() {
	local user=$1 target=$2 start=$SECONDS status=0 log=$logs/$1-$2.log

	say "$user: make ${*:2}"
	inside setpriv --reuid "$user" --regid "$user" --init-groups \
		env HOME="/opt/$user" MMUN_CACHE=/var/cache/test_mmun \
		make -C "/opt/$user/test_mmun" "${@:2}" \
		>"$log" 2>&1 </dev/null || status=$?
	[ "$status" = 0 ] || tail -n 40 "$log" | sed 's/^/# /'
	result "$status" "$user: make $target"
	echo "# $((SECONDS - start)) s"
}

# The kernel of the last run, from what the run left.
stock() {
	value release "$root/opt/root/test_mmun/build/stock/kernel"
}

[ "$EUID" = 0 ] || die "debootstrap and chroot need root"
need git
changed=$(git -C "$TOP" status --porcelain -- Makefile scripts)
[ -z "$changed" ] || die "not committed, and so not tested: $changed"
need debootstrap git unshare setpriv
proxies=()
for name in "${!http_proxy@}" "${!https_proxy@}" "${!HTTP_PROXY@}" "${!HTTPS_PROXY@}"; do
	proxies+=("$name=${!name}")
done
mkdir -p "$logs"
trap 'rm -rf --one-file-system "$root"' EXIT
results_of bare
make_root
gives root kselftest
before=$(stock)
sources "$SUITE_NAME" "$SUITE_NAME-security"
inside apt-get -q update >>"$logs/root.log"
gives root check "${until[@]}"
after=$(stock)
[ "$before" != "$after" ] && status=0 || status=1
result "$status" "the second command had another stock kernel"
echo "# $before, $after"
if [ ${#until[@]} = 0 ]; then
	gives newcomer kselftest
	gives newcomer check
fi
echo "# $((number - failures)) passed, $failures failed"
end_results
