# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Functions that make and use a world. A world is a directory in which the runner runs
# without a network, a kernel or QEMU. A test sources world.sh after lib.sh.
#
# A world has the following files and directories:
#
#	repo		a copy of the repository
#	front		the only directory in PATH, see front.c
#	recorded	the fake programs, see recording.sh
#	archive, root	the packages of apt, and the files that they install
#	home, cache, tmp	the directories of the runner
#	kvm, boot_id	replacements of /dev/kvm, and of the file in /proc with the ID of the
#			boot; the fake QEMU can use this /dev/kvm
#	compiler, linker, qemu-version	the versions that "--version" prints
#	calls, built	the calls of programs, and the files that were made

RECORDED=(apt-get:apt apt-cache:apt dpkg-deb:apt make:make gcc:gcc gcc-12:gcc
	clang:gcc ld.lld:gcc llvm-nm:gcc ld:gcc qemu-system-x86_64:qemu)

# A run in a world may take at most 120 s, and each file that the run writes may have at
# most 100 MiB. These limits are much higher than a run needs.
RUN_SECS=120
ulimit -f 102400

# STATE has the files that a run makes, and that reset_world removes
STATE=(repo/build home cache tmp root lists calls count fault kill half puts hit built output
	repo/tools/testing/selftests/{lib.mk,kselftest.h,kselftest_harness.h})

# make_world DIR: Makes a world in DIR, which is an empty directory.
make_world() {
	local name dirs

	tar -c -C "$TOP" --exclude=./build --exclude=./.git --exclude=scripts/mutate/kernel \
		--exclude=selftests/lib.mk --exclude='selftests/kselftest*' . >"$1/tar"
	mkdir "$1"/{repo,front,recorded,archive}
	tar -x -C "$1/repo" -f "$1/tar"
	rm "$1/tar"
	sed -i "s|'/usr/|'$1/root/usr/|g" "$1/repo/scripts/kernel/packages.sh"
	sed -i "s|/dev/kvm|$1/kvm|g; s|/proc/sys/kernel/random/boot_id|$1/boot_id|g" \
		"$1"/repo/scripts/{,*/}*.sh
	: >"$1/kvm"
	echo 1234 >"$1/boot_id"
	echo "$PATH" >"$1/path"
	echo "12.2.0" >"$1/compiler"
	echo "2.40" >"$1/linker"
	echo "7.2.0" >"$1/qemu-version"
	gcc -O2 -Wall -Wextra -Werror -static -o "$1/front/front" \
		"$SCRIPTS/test/fake/front.c"
	read -ra dirs <<<"${PATH//:/ }"
	"$1/front/front" --links "${dirs[@]}"
	for name in "${RECORDED[@]}"; do
		ln -s "../repo/scripts/test/fake/${name#*:}.sh" "$1/recorded/${name%:*}"
		ln -sfn front "$1/front/${name%:*}"
	done
	for name in flex bison bc perl xz; do
		ln -sfn front "$1/front/$name"
	done
	"$SCRIPTS/test/fake/archive.sh" "$1"
	newest_kernel "$1" 50
	reset_world "$1"
}

# newest_kernel DIR NUMBER: Makes 6.1.NUMBER the version of the stock kernel that the fake
# apt of the world DIR installs.
newest_kernel() {
	local release=6.1.0-$2-amd64 version=6.1.$2-1

	printf '%s\n' "linux-image-amd64 $version linux-image-$release" \
		"linux-image-$release $version" \
		"linux-headers-$release $version linux-kbuild-6.1" \
		"linux-kbuild-6.1 $version" "linux-source-6.1 $version" \
		"linux-source $version linux-source-6.1" >"$1/archive/index"
}

# reset_world DIR: Restores the state that the world DIR had before the first run. If the
# user is not root, reset_world also makes the files that the packages would install,
# because only root can install packages.
reset_world() {
	cd "$1" || return
	rm -rf "${STATE[@]}" front/qemu-system-x86_64
	mkdir home cache tmp
	if [ "$EUID" != 0 ]; then
		mkdir -p root/usr/{lib/x,include/openssl}
		: >lists
		: >root/usr/lib/x/libc.a
		: >root/usr/include/libelf.h
		: >root/usr/include/openssl/ssl.h
		ln -s front front/qemu-system-x86_64
	fi
	mkdir -p root/usr/lib/x
	: >root/usr/lib/x/libelf.so.1
	: >root/usr/lib/x/libssl.so.3
}

# in_world DIR WORD...: Runs the command WORD... in the world DIR. The command can begin
# with words NAME=VALUE, which set variables of the environment.
in_world() {
	/usr/bin/env -i -C "$1/repo" PATH="$1/front" HOME="$1/home" \
		TMPDIR="$1/tmp" MMUN_CACHE="$1/cache" "${@:2}"
}

# run_world DIR NAME=VALUE...: Runs "make kselftest" with the variables NAME in the world
# DIR, and writes the output to DIR/output. A run that takes longer than RUN_SECS, or that
# writes a file of more than 100 MiB, fails.
run_world() {
	rm -f "$1"/{calls,count,hit,built,puts} || return
	: >"$1/calls" || return
	: >"$1/built" || return
	in_world "$@" /usr/bin/timeout --foreground -k 1 "$RUN_SECS" \
		"$1/repo/scripts/start.sh" kselftest >"$1/output" 2>&1 \
		</dev/null || return
}

# state DIR: Prints the names, the modes and the hashes of the files that a run has left
# in the world DIR. state leaves out files that differ between two runs.
state() {
	local what=(repo/build repo/tools/testing/selftests cache tmp)
	local same=(! -path '*/result/*' ! -name updated)

	cd "$1" || return
	find "${what[@]}" "${same[@]}" -printf '%y %m %p %l\n' | sort
	find "${what[@]}" -type f "${same[@]}" -print0 | sort -z | xargs -0 sha256sum
}
