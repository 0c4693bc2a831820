# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
#
# What a variable may be: check_TYPE checks $value, the value of $name, against
# the parameters of its type, and may set $value to another spelling. Sourced by
# start.sh. A bad value ends the run.

# shown TEXT: on one line, and not too long.
shown() {
	local text=$1

	[[ $text != *[![:print:]]* ]] || text=${text@Q}
	[ "${#text}" -le 200 ] || text=${text:0:200}...
	printf '%s' "$text"
}

# refuse WORDS: "what is wrong; what to do".
refuse() {
	local text

	text=$(shown "$value")
	die "$name=$text: $*$origin"
}

# near WORD: the lines of stdin that are like it, or else nothing.
near() {
	word=$1 awk -f "$SCRIPTS/options/near.awk"
}

# refuse_unknown WORD WHAT NAMES [WHERE]: WORD is no WHAT. The near ones of the
# lines NAMES are offered, or all, or WHERE they are listed.
refuse_unknown() {
	local offer words

	offer=$(near "$1" <<<"$3")
	words=${3//$'\n'/, }
	if [ -n "$offer" ]; then
		refuse "no $2 is named $(shown "$1"); near: $offer"
	elif [ -n "${4-}" ]; then
		refuse "no $2 is named $(shown "$1"); $4"
	fi
	refuse "no $2 is named $(shown "$1"); there are $words"
}

# is_number TEXT MIN MAX: decimal, and not octal for a Makefile or a C library.
is_number() {
	[[ $1 =~ ^(0|[1-9][0-9]{0,8})$ && $1 -ge $2 && $1 -le $3 ]]
}

# is_u64 TEXT: what strtoull() takes, without a leading zero.
is_u64() {
	# shellcheck disable=SC2071 # of the same length, so the strings compare
	[[ $1 =~ ^0x[0-9a-fA-F]{1,16}$ || $1 =~ ^(0|[1-9][0-9]{0,18})$ ||
	   ( $1 =~ ^1[0-9]{19}$ && ! $1 > 18446744073709551615 ) ]]
}

check_number() {
	is_number "$value" "$1" "$2" || refuse "expected a number, $1 to $2"
}

check_choice() {
	local words=$*

	[[ $value != *[[:space:]]* && " $words " == *" $value "* ]] ||
		refuse "expected ${words// / or }"
}

# check_list WORD...: some of these, with commas.
check_list() {
	local words=$* part parts seen=' '

	IFS=, read -ra parts <<<"$value,"
	for part in "${parts[@]}"; do
		[[ $part =~ ^[a-z]+$ && " $words " == *" $part "* &&
		   $seen != *" $part "* ]] ||
			refuse "expected ${words// / or }, or both with a comma"
		seen+="$part "
	done
}

check_seed() {
	is_u64 "$value" ||
		refuse "expected a number below 2^64, decimal or 0x..., without leading zeros"
}

# check_memory MIN MAX: in MiB.
check_memory() {
	local mib

	value=${value^^}
	[[ $value =~ ^[1-9][0-9]{0,6}[MG]$ ]] ||
		refuse "expected a whole number with M or G, such as 1G or 1536M"
	mib=${value%?}
	[[ $value != *G ]] || mib=$((mib * 1024))
	[ "$mib" -ge "$1" ] || refuse "the guest needs $1M at least"
	[ "$mib" -le "$2" ] || refuse "expected $2M at most"
}

check_processor() {
	[[ $value =~ ^[A-Za-z0-9][A-Za-z0-9_.,=+-]*$ ]] ||
		refuse "expected a processor of QEMU, such as max,la57=off, without spaces"
}

# A command that is not there may be one that the runner installs.
check_qemu() {
	[[ $value != *[[:space:]]* ]] ||
		refuse "expected one command without arguments"
	[[ ${value##*/} != qemu-system-* || ${value##*/} == qemu-system-x86_64* ]] ||
		refuse "this one does not emulate x86_64; expected qemu-system-x86_64"
	[ "$value" != qemu-system-x86_64 ] || return 0
	check_command
}

# A relative path is meant from the directory of make.
check_command() {
	[ -n "$(type -P -- "$value")" ] ||
		refuse "there is no such command; install it, or give its path"
	[[ $value != */* || $value = /* ]] || value=$PWD/$value
}

# An odd quote or an order of the runner would spoil the command line.
check_append() {
	local quotes=${value//[^\"]/}

	[[ $value != *[![:print:]]* ]] || refuse "expected printable ASCII on one line"
	[ $((${#quotes} % 2)) = 0 ] || refuse "a double quote is not closed"
	[[ " $value" != *[\ \"]mmun.* ]] ||
		refuse "words with mmun. are orders of the runner; use its variables"
	[ ${#value} -le 1000 ] || refuse "1000 characters at most"
}

check_tests() {
	[[ $value != *[![:alnum:]*?[\]!\|.,_-]* ]] ||
		refuse "expected letters, digits and * ? [ ] ! | . , _ - alone"
	[[ $value == *[[:alnum:]*?]* ]] || refuse "there is no name in this"
	[ ${#value} -le 1000 ] || refuse "1000 characters at most"
}

# LLVM=1, LLVM=-14, LLVM=/opt/llvm/bin/ as for the build of a kernel.
check_llvm() {
	case $value in
	1)	;;
	-*)	[[ $value =~ ^-[1-9][0-9]*(\.[0-9]+)*$ ]] ||
			refuse "expected a suffix such as -14" ;;
	*/)	[ -x "${value}clang" ] || refuse "there is no ${value}clang"
		value=$(realpath "$value")/ ;;
	*)	refuse "expected 1, a suffix such as -14, or a directory with / at the end" ;;
	esac
}

# gcc or clang for x86_64. A compiler that is missing is installed if apt has it.
check_compiler() {
	local macros

	[[ $value != *[[:space:]]* ]] ||
		refuse "expected one command without arguments"
	if [ -z "$(type -P -- "$value")" ]; then
		[[ $value =~ ^(gcc|clang)(-[0-9]+)?$ ]] ||
			refuse "there is no such command; expected gcc, clang, gcc-12, ..."
		return 0
	fi
	check_command
	macros=$("$value" -dM -E -x c - </dev/null 2>/dev/null || true)
	[[ $macros == *"#define __GNUC__ "* ]] ||
		refuse "this is neither gcc nor clang"
	[[ $macros == *"#define __x86_64__ 1"* ]] ||
		refuse "this compiler is not for x86_64"
}

check_commit() {
	local answer

	[[ $value != -* ]] || refuse "expected a commit of this repository"
	[ -n "$(type -P git)" ] || refuse "git is missing; install it"
	answer=$(git -C "$TOP" rev-parse -q --verify "$value^{commit}" 2>&1) ||
		refuse "no commit of this repository is named so${answer:+: ${answer%%$'\n'*}}"
}

# is_path TEXT: one that make, kbuild and apt can take.
is_path() {
	[[ $1 != *[[:space:][:cntrl:]:\#\$%\'\"\\\;,\|\&\(\)\<\>\*\?\[\]=\`]* ]]
}

# The nearest directory that exists must let the others be made in it.
check_cache() {
	local dir=$value

	[[ $value = /* ]] || refuse "expected an absolute path"
	is_path "$value" ||
		refuse "make and apt cannot take a path with spaces or with any of : # \$ % , ; = and quotes; set MMUN_CACHE to another"
	while [ ! -e "$dir" ] && [ "$dir" != / ]; do
		dir=$(dirname "$dir")
	done
	[ -d "$dir" ] || refuse "$dir is not a directory"
	[ "$dir" = "$value" ] || [ -w "$dir" ] ||
		refuse "$dir is not writable, so the cache cannot be made there"
}
