# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
#
# Functions that check the variables of make. start.sh sources values.sh. The table
# options/variables has the type of each variable. The function check_TYPE PARAMETER...
# checks $value, the value of the variable $name. check_TYPE exits with an error message
# if $value is not allowed. Some of the functions check_TYPE change the variable value to
# the canonical spelling.

# one_line TEXT: Prints TEXT on one line. one_line quotes TEXT if TEXT has characters that
# cannot be printed, and cuts TEXT after 200 characters.
one_line() {
	local text=$1

	[[ $text != *[![:print:]]* ]] || text=${text@Q}
	[ "${#text}" -le 200 ] || text=${text:0:200}...
	printf '%s' "$text"
}

# refuse TEXT...: Exits with an error message about the variable $name. TEXT describes the
# problem and the remedy.
refuse() {
	local text

	text=$(one_line "$value")
	die "$name=$text: $*$origin"
}

# near WORD: Prints the lines of stdin that are similar to WORD.
near() {
	word=$1 awk -f "$SCRIPTS/options/near.awk"
}

# refuse_unknown WORD WHAT NAMES [LIST]: Exits with the error message that WORD is not the
# name of a WHAT. WHAT is a noun, such as "kernel". The error message also has the lines
# of NAMES that are similar to WORD. If no line of NAMES is similar to WORD, the error
# message has the text LIST, or all lines of NAMES if LIST is not given.
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

# is_number TEXT MIN MAX: Returns 0 if TEXT is a decimal number from MIN to MAX. is_number
# does not accept leading zeros, because C programs read a number with leading zeros as
# octal.
is_number() {
	[[ $1 =~ ^(0|[1-9][0-9]{0,8})$ && $1 -ge $2 && $1 -le $3 ]]
}

# is_u64 TEXT: Returns 0 if TEXT is a decimal or hexadecimal number below 2^64. is_u64
# does not accept leading zeros, because strtoull() reads a number with leading zeros as
# octal.
is_u64() {
	# shellcheck disable=SC2071 # the strings have the same length
	[[ $1 =~ ^0x[0-9a-fA-F]{1,16}$ || $1 =~ ^(0|[1-9][0-9]{0,18})$ ||
	   ( $1 =~ ^1[0-9]{19}$ && ! $1 > 18446744073709551615 ) ]]
}

# check_number MIN MAX: Checks that $value is a number from MIN to MAX.
check_number() {
	is_number "$value" "$1" "$2" || refuse "expected a number, $1 to $2"
}

# check_choice WORD...: Checks that $value is one of the words WORD.
check_choice() {
	local words=$*

	[[ $value != *[[:space:]]* && " $words " == *" $value "* ]] ||
		refuse "expected ${words// / or }"
}

# check_list WORD...: Checks that $value is a list of some of the words WORD, separated by
# commas.
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

# check_memory MIN MAX: Checks that $value is a size of memory from MIN to MAX, such as 1G
# or 1536M. MIN and MAX are numbers of MiB.
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

# check_qemu: Checks that $value is the command of an emulator for x86_64. check_qemu
# accepts the default command qemu-system-x86_64 even if the command does not exist,
# because the runner installs the package of this command.
check_qemu() {
	[[ $value != *[[:space:]]* ]] ||
		refuse "expected one command without arguments"
	[[ ${value##*/} != qemu-system-* || ${value##*/} == qemu-system-x86_64* ]] ||
		refuse "the command does not emulate x86_64; expected qemu-system-x86_64"
	[ "$value" != qemu-system-x86_64 ] || return 0
	check_command
}

# check_command: Checks that the command $value exists. If $value is a relative path,
# check_command makes the path absolute. A relative path is relative to the directory in
# which make runs.
check_command() {
	[ -n "$(type -P -- "$value")" ] ||
		refuse "there is no such command; install it, or give its path"
	[[ $value != */* || $value = /* ]] || value=$PWD/$value
}

# check_append: Checks that $value has words for the kernel command line. check_append
# refuses an unclosed quote, and words that begin with "mmun.", which are reserved for the
# runner.
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

# check_llvm: Checks that $value has one of the forms that the Makefile of the kernel
# accepts for LLVM, such as 1, -14 or /opt/llvm/bin/.
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

# check_compiler: Checks that the compiler $value is gcc or clang for x86_64.
# check_compiler also accepts a compiler that is not installed, such as gcc-12, because
# the runner installs the compiler.
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

# check_commit: Checks that $value is a commit of this repository.
check_commit() {
	local answer

	[[ $value != -* ]] || refuse "expected a commit of this repository"
	[ -n "$(type -P git)" ] || refuse "git is missing; install it"
	answer=$(git -C "$TOP" rev-parse -q --verify "$value^{commit}" 2>&1) ||
		refuse "this repository has no such commit${answer:+: ${answer%%$'\n'*}}"
}

# check_patch: Checks that $value is a file with a patch, and makes the path absolute. If
# $value is a relative path, check_patch tries the directory of the Makefile, and then the
# directory in which make was called.
check_patch() {
	local file files

	for file in "$value" "${MMUN_PWD:-.}/$value" ''; do
		[ ! -e "$file" ] || break
	done
	[ -n "$file" ] || refuse "there is no such file"
	[ -f "$file" ] || refuse "the path is not a file"
	[ -r "$file" ] || refuse "the file cannot be read"
	value=$(realpath "$file")
	files=$(awk -f "$SCRIPTS/kernel/patch.awk" "$value") ||
		refuse "the last hunk of the patch is cut off"
	[ -n "$files" ] ||
		refuse "the file has no hunk; expected a patch as git format-patch or diff -u writes it"
}

# is_path TEXT: Returns 0 if make, kbuild and apt can use TEXT as a path.
is_path() {
	[[ $1 != *[[:space:][:cntrl:]:\#\$%\'\"\\\;,\|\&\(\)\<\>\*\?\[\]=\`]* ]]
}

# check_cache: Checks that the cache directory $value exists or can be made. To make the
# cache, the nearest existing directory above $value must be writable.
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
		refuse "$dir is not writable, so the cache cannot be made in $dir"
}
