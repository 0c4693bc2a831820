#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Build a kernel of our own: tinyconfig and fragments, out of tree, in the cache.
#
# usage: build.sh NAME
#
# NAME is a row of the table "kernels". Prints the build directory. It is keyed
# by all that goes into it and never built twice; a build that was interrupted
# goes on where it was. make.words in the build are the words for a make that builds
# the image again without the modules, a line each. With UNTIL=compile, which
# check-bare.sh sets, the kernel is configured and not compiled.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/kernel/packages.sh"

fragment_files() {
	local fragment

	for fragment in ${fragments//,/ }; do
		echo "$SCRIPTS/kernel/configs/$fragment.config"
	done
}

# What the fragments ask for: the last line of each option.
asked() {
	cat "${files[@]}" | tac | awk '
		match($0, /^(# )?CONFIG_[A-Za-z0-9_]+/) {
			option = substr($0, RSTART, RLENGTH)
			sub(/^# /, "", option)
			if (!seen[option]++)
				print
		}'
}

# What olddefconfig made of the lines that were asked for.
check_config() {
	local line asked have

	have=$(<"$build/.config")
	asked=$(asked)
	while read -r line; do
		case $line in
		CONFIG_*)
			[[ $'\n'$have$'\n' == *$'\n'"$line"$'\n'* ]] ||
				die "$name: the configuration lost $line" ;;
		'# CONFIG_'*' is not set')
			line=${line#\# } line=${line% is not set}
			[[ $'\n'$have != *$'\n'"$line="* ]] ||
				die "$name: the configuration set $line" ;;
		esac
	done <<<"$asked"
}

# The main Kconfig of the tree, with the definitions of ours after its title.
extend_kconfig() {
	sed "/^mainmenu/r $SCRIPTS/kernel/configs/Kconfig" "$tree/Kconfig" \
		>"$build/Kconfig"
}

configure() {
	[ "$image" != linux ] || extend_kconfig
	quietly make "${words[@]}" tinyconfig
	cd "$tree"
	quietly scripts/kconfig/merge_config.sh -m -O "$build" \
		"$build/.config" "${files[@]}"
	quietly make "${words[@]}" olddefconfig
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
	local watcher='' status=0 jobs

	jobs=$(nproc)
	say "building $name: minutes, once"
	if [ -t 2 ]; then
		progress &
		watcher=$!
	fi
	make "${words[@]}" -j"$jobs" "${goals[@]}" modules \
		>"$build/make.log" 2>&1 </dev/null || status=$?
	[ -z "$watcher" ] || { kill "$watcher"; printf '\r\033[K' >&2; }
	[ "$status" = 0 ] || {
		tail -n 30 "$build/make.log" >&2
		die "building $name failed. All of the output is in $build/make.log"
	}
}

# Builds of the same name with another key are out of date. One that another process
# is at stays, and so do the locks.
forget_others() {
	local dir

	for dir in "$CACHE"/build/"$name"_*; do
		[[ $dir = *.lock || $dir = "$build" ]] ||
			flock -n "$dir.lock" rm -rf "$dir" || say "$dir is in use"
	done
}

build() {
	mkdir -p "$build"
	printf '%s\n' "${words[@]}" "${goals[@]}" >"$build/make.words"
	configure
	[ "$UNTIL" != compile ] || return 0
	compile
	touch "$build/.complete"
	forget_others
}

# All that goes into the kernel.
key() {
	{
		echo "$version ${words[*]} ${GCOV[*]}"
		"$SCRIPTS/kernel/compiler.sh"
		ld --version
		cat "${files[@]}"
		[ "$image" != linux ] || cat "$SCRIPTS/kernel/configs/Kconfig"
	} | sum
}

name=$1
kernel_row "$name" || die "$name: no kernel of this name in scripts/kernel/table"
need "${NEED_KERNEL[@]}"
list=$(fragment_files)
mapfile -t files <<<"$list"
use_suite "$suite"
know "$package"
if [ ! -d "$CACHE/tree/${package}_$version" ]; then
	refresh
	know "$package"
fi
tree=$CACHE/tree/${package}_$version
once "$tree" "$SCRIPTS/kernel/fetch.sh" tree "$suite" "$package=$version"
words=(-C "$tree" "${COMPILER_WORDS[@]}")
image=bzImage
[[ ,$fragments, != *,uml,* ]] || image=linux
key=$(key)
build=$CACHE/build/${name}_$key
arch=()
[ "$image" != linux ] || arch=(ARCH=um KBUILD_KCONFIG="$build/Kconfig")
words=(-C "$tree" O="$build" "${arch[@]}" "${COMPILER_WORDS[@]}")
goals=("${GCOV[@]}" "$image")
if [ ! -e "$build/.complete" ]; then
	mkdir -p "${build%/*}"
	lock "$build.lock"
	[ -e "$build/.complete" ] || build
fi
echo "$build"
