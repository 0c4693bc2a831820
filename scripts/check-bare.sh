#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run the two commands of README.md, "make kselftest" and "make check", as a new user
# does. The commands run in a minimal root file system of Debian 12, which debootstrap
# makes. check-bare.sh adds only the program make and clones of the repository to this
# minimal root.
#
# usage: check-bare.sh [short]
#
# HOME, the cache, and the directory to which apt downloads packages are in the minimal
# root, and are empty at the start. The root user runs "make kselftest" without the
# security updates of the distribution, and "make check" with the security updates, so
# that the stock kernels of the two commands differ. After the root user, an unprivileged
# user runs "make kselftest" and "make check" again. For the unprivileged user, all
# packages are already installed, and the cache is readable but not writable. With the
# argument "short", "make check" ends before kernels are compiled, and the unprivileged
# user runs nothing.
#
# check-bare.sh fails if Makefile or scripts/ has changes that are not committed, because
# the clone in the minimal root has only committed files.
#
# check-bare.sh prints the results as KTAP, and the seconds that each command took.
# check-bare.sh writes the output of the commands to build/bare/*.log.

. "${0%/*}/lib.sh"
. "$SCRIPTS/kernel/packages.sh"
. "$SCRIPTS/test/results.sh"

SUITE_NAME=bookworm
logs=$TOP/build/bare
root=$logs/root
until=()
[ "${1:-}" != short ] || until=(UNTIL=compile)

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
# terminals, like the root directory of a machine.
in_root() {
	# shellcheck disable=SC2016 # the inner shell expands it
	unshare --mount --pid --fork --kill-child --mount-proc="$root/proc" \
		sh -ec 'mount --rbind "$0" "$0"
			mount -t devpts -o newinstance,ptmxmode=0666 devpts "$0/dev/pts"
			exec chroot "$0" env -i "$@"' "$root" \
		PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb "${proxies[@]}" "$@"
}

# make_root: Makes the minimal root file system, with the program make and a clone for
# each of the two users.
make_root() {
	local from

	say "making a minimal root of $SUITE_NAME"
	rm -rf "$root"
	mkdir -p "$root"
	from=$(mirror_of "$SUITE_NAME")
	quietly debootstrap --variant=minbase "$SUITE_NAME" "$root" "$from"
	rm -rf "$root/etc/apt/sources.list.d"
	cp -r /etc/apt/{apt.conf.d,auth.conf.d,trusted.gpg.d} "$root/etc/apt/"
	rm -f "$root"/etc/apt/apt.conf.d/*docker*
	cp /etc/hosts /etc/resolv.conf "$root/etc/"
	write_sources "$SUITE_NAME"
	ln -sf pts/ptmx "$root/dev/ptmx"
	in_root apt-get -q update >"$logs/root.log"
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

# run_as USER TARGET [WORD]: Runs "make TARGET" as USER, in the clone of USER.
run_as() {
	local user=$1 target=$2 start=$SECONDS status=0 log=$logs/$1-$2.log

	say "$user: make ${*:2}"
	in_root setpriv --reuid "$user" --regid "$user" --init-groups \
		env HOME="/opt/$user" MMUN_CACHE=/var/cache/test_mmun \
		make -C "/opt/$user/test_mmun" "${@:2}" \
		>"$log" 2>&1 </dev/null || status=$?
	[ "$status" = 0 ] || tail -n 40 "$log" | sed 's/^/# /'
	result "$status" "$user: make $target"
	echo "# $((SECONDS - start)) s"
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
trap 'rm -rf --one-file-system "$root"' EXIT
begin_results bare
make_root
run_as root kselftest
before=$(stock_release)
write_sources "$SUITE_NAME" "$SUITE_NAME-security"
in_root apt-get -q update >>"$logs/root.log"
run_as root check "${until[@]}"
after=$(stock_release)
[ "$before" != "$after" ] && status=0 || status=1
result "$status" "the two commands used different stock kernels"
echo "# $before, $after"
if [ ${#until[@]} = 0 ]; then
	run_as newcomer kselftest
	run_as newcomer check
fi
echo "# $((number - failures)) passed, $failures failed"
end_results
