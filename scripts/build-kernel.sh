#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Build a kernel of our own: tinyconfig and fragments, out of tree, in the cache.
#
# usage: build-kernel.sh NAME [PRIVATE]
#
# NAME is a row of the table "kernels". Prints the build directory. It is keyed
# by all that goes into it and never built twice; a build that was interrupted
# goes on where it was. With PRIVATE, a directory, the tree and the build are
# PRIVATE/tree and PRIVATE/build, for who wants to change them.

. "$(dirname "$0")/lib.sh"
. "$SCRIPTS/packages.sh"
. "$SCRIPTS/suite.sh"

unpack_tree() {
	local package=$1 dir=$2

	say "fetching $package"
	download "$dir" "$package"
	say "unpacking $package"
	dpkg-deb --fsys-tarfile "$dir"/*.deb |
		tar -xO "./usr/src/$package.tar.xz" |
		tar -xJ -C "$dir" --strip-components=1
	rm -f "$dir"/*.deb
}

# Links cost nothing, and break when a file is replaced.
private_tree() {
	cp -al "$tree/." "$1"
}

fragment_files() {
	local fragment

	for fragment in ${fragments//,/ }; do
		echo "$SCRIPTS/configs/$fragment.config"
	done
}

# What olddefconfig made of the lines that were asked for.
check_config() {
	local line

	while read -r line; do
		grep -qxF "$line" "$build/.config" ||
			die "$name: the configuration lost $line"
	done < <(grep -h '^CONFIG_' "${files[@]}")
	while read -r line; do
		! grep -q "^$line=" "$build/.config" ||
			die "$name: the configuration set $line"
	done < <(sed -n 's/^# \(CONFIG_.*\) is not set$/\1/p' "${files[@]}")
}

configure() {
	quietly make -C "$tree" O="$build" tinyconfig
	(cd "$tree" && quietly scripts/kconfig/merge_config.sh -m -O "$build" \
		"$build/.config" "${files[@]}")
	quietly make -C "$tree" O="$build" olddefconfig
	check_config
}

# The newest object, on a terminal, as it goes.
progress() {
	while sleep 1; do
		printf '\r\033[K%4d s  %s' "$SECONDS" \
			"$(tail -n 1 "$build/make.log" | cut -c1-60)" >&2
	done
}

compile() {
	local watcher='' status=0

	say "building $name: minutes, once"
	if [ -t 2 ]; then
		progress &
		watcher=$!
	fi
	make -C "$tree" O="$build" -j"$(nproc)" "${GCOV[@]}" bzImage modules \
		>"$build/make.log" 2>&1 </dev/null || status=$?
	[ -z "$watcher" ] || { kill "$watcher"; printf '\r\033[K' >&2; }
	[ "$status" = 0 ] || { tail -n 30 "$build/make.log" >&2; return 1; }
}

# Builds of the same name with another key are out of date.
forget_others() {
	local dir

	for dir in "$CACHE"/build/"$name"_*; do
		[[ $dir = "$build"* ]] || rm -rf "$dir"
	done
}

build() {
	[ ! -e "$build/.complete" ] || return 0
	need make gcc flex bison bc perl '/usr/include/libelf.h' \
		'/usr/include/openssl/ssl.h'
	mkdir -p "$build"
	configure
	compile
	touch "$build/.complete"
	[ -n "$private" ] || forget_others
}

name=$1
private=${2:-}
read -r package suite fragments < <(kernel_row "$name")
mapfile -t files < <(fragment_files)
use_suite "$suite"
know "$package"
version=$(newest "$package")
tree=$CACHE/tree/${package}_$version
mkdir -p "$CACHE"/{tree,build}
need xz
once "$tree" unpack_tree "$package"
if [ -n "$private" ]; then
	[ -d "$private/tree" ] || once "$private/tree" private_tree
	tree=$private/tree
fi
key=$({ echo "$version ${GCOV[*]}"; gcc --version; cat "${files[@]}"; } |
	sha256sum | cut -c1-12)
build=$CACHE/build/${name}_$key
[ -z "$private" ] || build=$private/build
locked "$build.lock" build
echo "$build"
