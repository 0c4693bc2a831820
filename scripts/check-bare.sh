#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run the two commands of README.md, "make kselftest" and "make check", as a new user
# does. The commands run in a minimal root file system of Debian 12, which debootstrap
# makes. check-bare.sh adds only the program make and clones of the repository to this
# minimal root.
#
# usage: check-bare.sh [cached]
#
# HOME, the cache, and the directory to which apt downloads packages are in the minimal
# root, and are empty at the start. The root user runs "make kselftest" without the
# security updates of the distribution, and "make check" with the security updates, so
# that the stock kernels of the two commands differ. After the root user, an unprivileged
# user runs "make kselftest" and "make check" again. For the unprivileged user, all
# packages are already installed, and the cache is readable but not writable.
#
# With the argument "cached", the minimal root has the cache of this machine and the
# security updates, and only the root user runs the two commands.
#
# check-bare.sh fails if Makefile or scripts/ has changes that are not committed, because
# the clone in the minimal root has only committed files.
#
# check-bare.sh prints the results as KTAP. The output of each command is the nested KTAP
# of its result, and the seconds that the command took follow the result. check-bare.sh
# also writes the output of the commands to build/bare/*.log. If a command failed,
# check-bare.sh keeps the results of the guests in build/bare/build/*/result.

. "${0%/*}/lib.sh"
. "$SCRIPTS/kernel/packages.sh"
. "$SCRIPTS/test/results.sh"

SUITE_NAME=bookworm
logs=$TOP/build/bare
root=$logs/root
cache=/var/cache/test_mmun
shared=
[ "${1:-}" != cached ] || cache=$CACHE shared=$CACHE

# mirror_of NAME: Prints the address of the server from which apt on this machine gets
# suite NAME of Debian.
mirror_of() {
	local lists

	lists=$(apt_lists)
	awk -v name="$1" '$1 == name && !n++ { print $2 }' <<<"$lists"
}

# write_sources NAME...: Configures apt in the minimal root to get packages from the
# suites NAME of Debian.
write_sources() {
	local name from

	for name; do
		from=$(mirror_of "$name")
		[ -n "$from" ] || die "apt has no list of $name: run" \
			"apt-get update, or check the sources of apt"
		echo "deb $from $name main"
	done >"$root/etc/apt/sources.list"
}

# in_root COMMAND...: Runs COMMAND in the minimal root. When the script that called
# in_root ends, all processes of COMMAND end. The minimal root is a mount point and has
# the devices of this machine. If the variable shared has the path of a cache, the
# minimal root has this cache at the same path, because the files in a cache have its path.
in_root() {
	# shellcheck disable=SC2016 # the inner shell expands it
	unshare --mount --pid --fork --kill-child --mount-proc="$root/proc" \
		sh -ec 'mount --rbind "$0" "$0"
			mount --rbind /dev "$0/dev"
			[ -z "$1" ] || mount --bind "$1" "$0$1"
			shift
			exec chroot "$0" env -i "$@"' "$root" "$shared" \
		PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb "${proxies[@]}" "$@"
}

# update_root NAME...: Configures apt in the minimal root to get packages from the suites
# NAME of Debian, and updates the package lists.
update_root() {
	write_sources "$@"
	in_root apt-get -q update >>"$logs/root.log"
}

# make_root NAME...: Makes the minimal root file system, with the suites NAME of Debian,
# the program make and a clone for each of the two users.
make_root() {
	local from

	say "making a minimal root of $SUITE_NAME"
	rm -rf "$root"
	mkdir -p "$root"
	from=$(mirror_of "$SUITE_NAME")
	quietly debootstrap --variant=minbase "$SUITE_NAME" "$root" "$from"
	mkdir -p "$root$cache"
	rm -rf "$root/etc/apt/sources.list.d"
	cp -r /etc/apt/{apt.conf.d,auth.conf.d,trusted.gpg.d} "$root/etc/apt/"
	rm -f "$root"/etc/apt/apt.conf.d/*docker*
	cp /etc/hosts /etc/resolv.conf "$root/etc/"
	update_root "$@"
	in_root env DEBIAN_FRONTEND=noninteractive apt-get -qy install \
		--no-install-recommends make >>"$logs/root.log" 2>&1
	in_root apt-get clean
	in_root useradd -m -d /opt/newcomer newcomer
	mkdir "$root/opt/root"
	clone_for root
	clone_for newcomer
}

# clone_for USER: Makes a clone of the repository, and makes USER the owner of the clone.
clone_for() {
	git clone -q --no-hardlinks "$TOP" "$root/opt/$1/test_mmun"
	in_root chown -R "$1" "/opt/$1"
}

# keep_results USER: Copies the results of the guests from the clone of USER to $logs,
# because check-bare.sh removes the clone.
keep_results() {
	(cd "$root/opt/$1/test_mmun" && find build -type d -name result -print0 |
		xargs -0 -r cp -r --parents -t "$logs")
}

# run_as USER TARGET: Runs "make TARGET" as USER, in the clone of USER.
run_as() {
	local user=$1 target=$2 start=$SECONDS status=0

	say "$user: make $target"
	in_root setpriv --reuid "$user" --regid "$user" --init-groups \
		env HOME="/opt/$user" MMUN_CACHE="$cache" \
		make --no-print-directory -C "/opt/$user/test_mmun" "$target" \
		2>&1 </dev/null | tee "$logs/$user-$target.log" | sed -u 's/^/  /' || status=$?
	result "$status" "$user: make $target"
	echo "# $((SECONDS - start)) s"
	[ "$status" = 0 ] || keep_results "$user"
}

# stock_release: Prints the release of the stock kernel that the last run of the root user
# used.
stock_release() {
	value release "$root/opt/root/test_mmun/build/stock/kernel"
}

[ "$EUID" = 0 ] || die "debootstrap and chroot need root: run make check-bare as root"
need git
changed=$(git -C "$TOP" status --porcelain -- Makefile scripts)
[ -z "$changed" ] || die "commit the changes first, because the clone has only committed files: $changed"
need debootstrap git unshare setpriv
proxies=()
for name in "${!http_proxy@}" "${!https_proxy@}" "${!HTTP_PROXY@}" "${!HTTPS_PROXY@}"; do
	proxies+=("$name=${!name}")
done
mkdir -p "$logs"
: >"$logs/root.log"
trap 'rm -rf --one-file-system "$root"' EXIT
begin_results bare
if [ -n "$shared" ]; then
	mkdir -p "$shared"
	make_root "$SUITE_NAME" "$SUITE_NAME-security"
	run_as root kselftest
	run_as root check
else
	make_root "$SUITE_NAME"
	run_as root kselftest
	before=$(stock_release)
	update_root "$SUITE_NAME" "$SUITE_NAME-security"
	run_as root check
	after=$(stock_release)
	[ "$before" != "$after" ] && status=0 || status=1
	result "$status" "the two commands used different stock kernels"
	echo "# $before, $after"
	run_as newcomer kselftest
	run_as newcomer check
fi
echo "# $((number - failures)) passed, $failures failed"
end_results
