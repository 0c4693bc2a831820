#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Build a kernel from source, in a directory of the cache. The configuration of the kernel
# is tinyconfig plus the fragments in the row of the kernel in kernel/table. Each fragment
# is a file in configs/.
#
# usage: build.sh NAME [configure]
#
# NAME is the name of a row of kernel/table. build.sh prints the path of the build
# directory. The name of the build directory has a hash of all inputs of the build, so
# that build.sh builds a kernel only once. If a build was interrupted, the next run of
# build.sh continues the build. The file make.words in the build directory has the
# arguments, one per line, of a make command that builds the image of the kernel and no
# modules. With the argument "configure", build.sh configures the kernel and does not
# compile the kernel.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/kernel/packages.sh"

# fragment_files: Prints the paths of the fragments of the kernel, one per line.
fragment_files() {
	local fragment

	for fragment in ${fragments//,/ }; do
		echo "$SCRIPTS/kernel/configs/$fragment.config"
	done
}

# requested_options: Prints, for each option in the fragments, the last line that sets
# this option.
requested_options() {
	cat "${files[@]}" | tac | awk '
		match($0, /^(# )?CONFIG_[A-Za-z0-9_]+/) {
			option = substr($0, RSTART, RLENGTH)
			sub(/^# /, "", option)
			if (!seen[option]++)
				print
		}'
}

# check_config: Exits with an error if the .config of the kernel does not have the options
# of the fragments, because "make olddefconfig" drops options without a message.
check_config() {
	local line requested have

	have=$(<"$build/.config")
	requested=$(requested_options)
	while read -r line; do
		case $line in
		CONFIG_*)
			[[ $'\n'$have$'\n' == *$'\n'"$line"$'\n'* ]] ||
				die "$name: olddefconfig dropped $line" ;;
		'# CONFIG_'*' is not set')
			line=${line#\# } line=${line% is not set}
			[[ $'\n'$have != *$'\n'"$line="* ]] ||
				die "$name: olddefconfig set $line" ;;
		esac
	done <<<"$requested"
}

# extend_kconfig: Writes a copy of the main Kconfig of the kernel tree to the build
# directory, with configs/Kconfig inserted after the title.
extend_kconfig() {
	sed "/^mainmenu/r $SCRIPTS/kernel/configs/Kconfig" "$tree/Kconfig" \
		>"$build/Kconfig"
}

# configure: Writes the configuration of the kernel to the file .config in the build
# directory.
configure() {
	[ "$image" != linux ] || extend_kconfig
	quietly make "${words[@]}" tinyconfig
	cd "$tree"
	quietly scripts/kconfig/merge_config.sh -m -O "$build" \
		"$build/.config" "${files[@]}"
	quietly make "${words[@]}" olddefconfig
	check_config
}

# progress: Prints the last line of make.log on the terminal once a second.
progress() {
	while sleep 1; do
		printf '\r\033[K%4d s  %s' "$SECONDS" \
			"$(tail -n 1 "$build/make.log" | cut -c1-60)" >&2
	done
}

compile() {
	local watcher='' status=0 jobs

	jobs=$(nproc)
	say "building kernel $name; the first build takes minutes"
	if [ -t 2 ]; then
		progress &
		watcher=$!
	fi
	make "${words[@]}" -j"$jobs" "${goals[@]}" modules \
		>"$build/make.log" 2>&1 </dev/null || status=$?
	[ -z "$watcher" ] || { kill "$watcher"; printf '\r\033[K' >&2; }
	[ "$status" = 0 ] || {
		tail -n 30 "$build/make.log" >&2
		die "building kernel $name failed. The complete output is in $build/make.log"
	}
}

# remove_old_builds: Removes the build directories of the kernel NAME whose names have
# another hash of the inputs. remove_old_builds keeps a build directory that another
# process uses, and keeps the lock files of all build directories.
remove_old_builds() {
	local dir

	for dir in "$CACHE"/build/"$name"_*; do
		[[ $dir = *.lock || $dir = "$build" ]] ||
			flock -n "$dir.lock" rm -rf "$dir" || say "$dir is in use"
	done
}

# is_built: Returns 0 if the build directory has what this call of build.sh makes: the
# kernel, or with the argument "configure" its configuration.
is_built() {
	[ -e "$build/.complete" ] ||
		{ [ "$until" = configure ] && [ -e "$build/.configured" ]; }
}

build() {
	mkdir -p "$build"
	rm -f "$build/.configured"
	printf '%s\n' "${words[@]}" "${goals[@]}" >"$build/make.words"
	configure
	touch "$build/.configured"
	[ "$until" != configure ] || return 0
	compile
	touch "$build/.complete"
	remove_old_builds
}

# key: Prints a hash of all inputs of the build of the kernel.
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
until=${2:-compile}
kernel_row "$name" || die "$name: there is no kernel of this name in scripts/kernel/table"
need "${NEED_KERNEL[@]}"
list=$(fragment_files)
mapfile -t files <<<"$list"
use_suite "$suite"
find_version "$package"
if [ ! -d "$CACHE/tree/${package}_$version" ]; then
	refresh
	find_version "$package"
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
if ! is_built; then
	mkdir -p "${build%/*}"
	lock "$build.lock"
	is_built || build
fi
echo "$build"
