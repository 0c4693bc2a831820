# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
#
# Checks of the variables of make. start.sh sources this. The table "variables" has the
# type of each variable. check_TYPE PARAMETER... checks $value, the value of variable
# $name. It exits if the value is not allowed, and may set value to the canonical
# spelling.

# one_line TEXT: Prints TEXT on one line. Quotes TEXT if it has characters that cannot be
# printed, and cuts TEXT after 200 characters.
one_line() {
	local text=$1

	[[ $text != *[![:print:]]* ]] || text=${text@Q}
	[ "${#text}" -le 200 ] || text=${text:0:200}...
	printf '%s' "$text"
}

# refuse TEXT...: Exits with a message about $name. TEXT is the problem and the remedy.
refuse() {
	local text

	text=$(one_line "$value")
	die "$name=$text: $*$origin"
}

# near WORD: Prints the lines of stdin that are similar to WORD.
near() {
	word=$1 awk -f "$SCRIPTS/options/near.awk"
}

# refuse_unknown WORD WHAT NAMES [LIST]: Exits with the message that no WHAT has the name
# WORD. The message lists the lines of NAMES that are similar to WORD. If there are none,
# the message has the text LIST, or all lines of NAMES if there is no LIST.
refuse_unknown() {
	local offer words

	offer=$(near "$1" <<<"$3")
	words=${3//$'\n'/, }
	if [ -n "$offer" ]; then
		refuse "no $2 is named $(one_line "$1"); near: $offer"
	elif [ -n "${4-}" ]; then
		refuse "no $2 is named $(one_line "$1"); $4"
	fi
	refuse "no $2 is named $(one_line "$1"); there are $words"
}

# is_number TEXT MIN MAX: Returns 0 if TEXT is a decimal number from MIN to MAX. Refuses
# leading zeros, because C programs read such a number as octal.
is_number() {
	[[ $1 =~ ^(0|[1-9][0-9]{0,8})$ && $1 -ge $2 && $1 -le $3 ]]
}

# is_u64 TEXT: Returns 0 if TEXT is a decimal or hexadecimal number below 2^64. Refuses
# leading zeros, because strtoull() reads such a number as octal.
is_u64() {
	# shellcheck disable=SC2071 # the strings have the same length
	[[ $1 =~ ^0x[0-9a-fA-F]{1,16}$ || $1 =~ ^(0|[1-9][0-9]{0,18})$ ||
	   ( $1 =~ ^1[0-9]{19}$ && ! $1 > 18446744073709551615 ) ]]
}

# check_number MIN MAX: Checks a number.
check_number() {
	is_number "$value" "$1" "$2" || refuse "expected a number, $1 to $2"
}

# check_choice WORD...: Checks that the value is one of these.
check_choice() {
	local words=$*

	[[ $value != *[[:space:]]* && " $words " == *" $value "* ]] ||
		refuse "expected ${words// / or }"
}

# check_list WORD...: Checks a list of some of these, separated by commas.
check_list() {
	local words=$* part parts seen=' '

	IFS=, read -ra parts <<<"$value,"
	for part in "${parts[@]}"; do
		[[ $part =~ ^[a-z]+$ && " $words " == *" $part "* &&
		   $seen != *" $part "* ]] ||
			refuse "expected ${words// / or }, or both, separated by a comma"
		seen+="$part "
	done
}

check_seed() {
	is_u64 "$value" ||
		refuse "expected a number below 2^64, decimal or 0x..., without leading zeros"
}

# check_memory MIN MAX: Checks a size of memory such as 1G or 1536M. MIN and MAX are in
# MiB.
check_memory() {
	local mib

	value=${value^^}
	[[ $value =~ ^[1-9][0-9]{0,6}[MG]$ ]] ||
		refuse "expected a whole number with M or G, such as 1G or 1536M"
	mib=${value%?}
	[[ $value != *G ]] || mib=$((mib * 1024))
	[ "$mib" -ge "$1" ] || refuse "the guest needs at least $1M"
	[ "$mib" -le "$2" ] || refuse "expected at most $2M"
}

check_processor() {
	[[ $value =~ ^[A-Za-z0-9][A-Za-z0-9_.,=+-]*$ ]] ||
		refuse "expected a processor of QEMU, such as max,la57=off, without spaces"
}

# check_qemu: Checks the command of the emulator. The default may be missing, because the
# runner installs it.
check_qemu() {
	[[ $value != *[[:space:]]* ]] ||
		refuse "expected one command without arguments"
	[[ ${value##*/} != qemu-system-* || ${value##*/} == qemu-system-x86_64* ]] ||
		refuse "the command does not emulate x86_64; expected qemu-system-x86_64"
	[ "$value" != qemu-system-x86_64 ] || return 0
	check_command
}

# check_command: Checks that the command exists. Makes a path absolute. A relative path
# starts at the directory of make.
check_command() {
	[ -n "$(type -P -- "$value")" ] ||
		refuse "there is no such command; install it, or give its path"
	[[ $value != */* || $value = /* ]] || value=$PWD/$value
}

# check_append: Checks words for the kernel command line. Refuses an unclosed quote, and
# the words with which the runner controls PID 1.
check_append() {
	local quotes=${value//[^\"]/}

	[[ $value != *[![:print:]]* ]] || refuse "expected printable ASCII on one line"
	[ $((${#quotes} % 2)) = 0 ] || refuse "a double quote is not closed"
	[[ " $value" != *[\ \"]mmun.* ]] ||
		refuse "words with mmun. are reserved for the runner; use the variables of make"
	[ ${#value} -le 1000 ] || refuse "expected at most 1000 characters"
}

check_tests() {
	[[ $value != *[![:alnum:]*?[\]!\|.,_-]* ]] ||
		refuse "expected only letters, digits and * ? [ ] ! | . , _ -"
	[[ $value == *[[:alnum:]*?]* ]] || refuse "expected at least one name"
	[ ${#value} -le 1000 ] || refuse "expected at most 1000 characters"
}

# check_llvm: Checks that the value has one of the forms that the Makefile of the kernel
# takes: 1, -14, /opt/llvm/bin/.
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

# check_compiler: Checks that the compiler is gcc or clang for x86_64. A name such as
# gcc-12 may be missing, because the runner installs it.
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
		refuse "the command is neither gcc nor clang"
	[[ $macros == *"#define __x86_64__ 1"* ]] ||
		refuse "this compiler is not for x86_64"
}

# check_commit: Checks that the value is a commit of this repository.
check_commit() {
	local answer

	[[ $value != -* ]] || refuse "expected a commit of this repository"
	[ -n "$(type -P git)" ] || refuse "git is missing; install it"
	answer=$(git -C "$TOP" rev-parse -q --verify "$value^{commit}" 2>&1) ||
		refuse "this repository has no such commit${answer:+: ${answer%%$'\n'*}}"
}

# is_path TEXT: Returns 0 if make, kbuild and apt can use TEXT as a path.
is_path() {
	[[ $1 != *[[:space:][:cntrl:]:\#\$%\'\"\\\;,\|\&\(\)\<\>\*\?\[\]=\`]* ]]
}

# check_cache: Checks that the cache exists or can be made: the nearest existing directory
# must be writable.
check_cache() {
	local dir=$value

	[[ $value = /* ]] || refuse "expected an absolute path"
	is_path "$value" ||
		refuse "make and apt cannot take a path with spaces, quotes or one of : # \$ % , ; =; set MMUN_CACHE to another"
	while [ ! -e "$dir" ] && [ "$dir" != / ]; do
		dir=$(dirname "$dir")
	done
	[ -d "$dir" ] || refuse "$dir is not a directory"
	[ "$dir" = "$value" ] || [ -w "$dir" ] ||
		refuse "$dir is not writable, so the cache cannot be made there"
}
