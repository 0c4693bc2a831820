# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
#
# What a variable may be: kernels and what is broken in them, and what does not
# go together. Sourced by start.sh after values.sh.

# kernel_rows KIND: names of scripts/kernel/table: any, qemu (that QEMU boots), built (here,
# from source), mutants (built, for QEMU, and there are mutants for it), cov and hmm
# (built, with that fragment).
kernel_rows() {
	local known=''

	[ "$1" != mutants ] || known=$(sed -n 's/^kernels: //p' \
		"$SCRIPTS"/mutate/kernel/*.mutant | tr ' ' '\n' | sort -u | tr '\n' ' ')
	awk -v kind="$1" -v known=" $known" '
		/^#/ || !NF { next }
		{ fragments = "," $4 "," }
		kind ~ /qemu|mutants/ && fragments ~ /,uml,/ { next }
		kind !~ /any|qemu/ && $4 == "-" { next }
		kind ~ /cov|hmm/ && !index(fragments, "," kind ",") { next }
		kind == "mutants" {
			series = $1
			sub(/-.*/, "", series)
			if (!index(known, " " series " "))
				next
		}
		{ print $1 }' "$SCRIPTS/kernel/table"
}

# check_kernel KIND [all]
check_kernel() {
	local rows what='kernel of scripts/kernel/table'

	[[ $value != */* ]] ||
		refuse "expected a name of scripts/kernel/table; KDIR is for a directory"
	[ "$value" != "${2-}" ] || return 0
	rows=$(kernel_rows any)
	if grep -qxF -- "$value" <<<"$rows"; then
		rows=$(kernel_rows "$1")
		grep -qxF -- "$value" <<<"$rows" ||
			refuse "make $target takes one of ${rows//$'\n'/, }"
	else
		rows=$(kernel_rows "$1")${2:+$'\n'$2}
		refuse_unknown "$value" "$what" "$rows"
	fi
}

# check_kdir: Checks KDIR. A relative path is relative to the directory of the Makefile, or
# to the directory in which make was called. These differ with make -C.
check_kdir() {
	local dir

	for dir in "$value" "${MMUN_PWD:-.}/$value" ''; do
		[ ! -e "$dir" ] || break
	done
	[ -n "$dir" ] || refuse "there is no such directory"
	[ -d "$dir" ] || refuse "this is not a directory"
	value=$(realpath "$dir")
	is_path "$value" ||
		refuse "make cannot take a path with spaces or with any of : # \$ % , ; = and quotes"
	[ -e "$value/include/config/kernel.release" ] ||
		[ -e "$value/.kernelvariables" ] ||
		refuse "this is not the directory of a built kernel; run make there, or give the directory of its O="
}

# mutant_names kernel|module
mutant_names() {
	local files=("$SCRIPTS/mutate/$1"/*.mutant)

	files=("${files[@]##*/}")
	printf '%s\n' "${files[@]%.mutant}"
}

# matching GLOB: names on stdin that match.
matching() {
	local line

	while read -r line; do
		# shellcheck disable=SC2053 # a glob it is
		[[ $line != $1 ]] || printf '%s\n' "$line"
	done
}

# check_mutants kernel|module
check_mutants() {
	local glob globs names

	[[ $value != *[![:alnum:]*?[\]!,._/-]* ]] ||
		refuse "expected names of scripts/mutate/$1, or globs, with commas"
	names=$(mutant_names "$1")
	IFS=, read -ra globs <<<"$value,"
	for glob in "${globs[@]}"; do
		[ -n "$(matching "$glob" <<<"$names")" ] ||
			refuse_unknown "$glob" mutant "$names" \
				"scripts/mutate/$1 has them"
	done
}

check_tier() {
	local names

	names=$(awk '!/^#/ { print $1 }' "$SCRIPTS/mutate/tiers")
	grep -qxF -- "$value" <<<"$names" || refuse_unknown "$value" tier "$names"
}

# is_given NAME: on the command line of make.
is_given() {
	[[ " $given " == *" $1 "* ]]
}

# fragments_of KERNEL: of its row.
fragments_of() {
	awk -v name="$1" '$1 == name { print $4 }' "$SCRIPTS/kernel/table"
}

# conflict NAME WORDS: the value of NAME does not go with another one.
conflict() {
	name=$1
	value=${!name}
	shift
	refuse "$*"
}

kernel_or_kdir() {
	if is_given KERNEL && is_given KDIR; then
		conflict KDIR "KERNEL=$KERNEL is another kernel; give one of the two"
	fi
	! is_given KERNEL || KDIR=''
}

# processors_of FRAGMENTS: the last CONFIG_NR_CPUS in them.
processors_of() {
	local files

	read -ra files <<<"${1//,/ }"
	files=("${files[@]/#/$SCRIPTS/kernel/configs/}")
	cat "${files[@]/%/.config}" | sed -n 's/^CONFIG_NR_CPUS=//p' | tail -n 1
}

# More processors than the kernel is built for would not be used.
enough_processors() {
	local most='' where=$KERNEL fragments

	[ -n "$SMP" ] || return 0
	fragments=$(fragments_of "$KERNEL")
	if [ -n "$KDIR" ]; then
		where=$KDIR
		most=$(sed -n 's/^CONFIG_NR_CPUS=//p' "$KDIR/.config" 2>/dev/null || true)
	elif [[ $KERNEL = all || $target = check ]]; then
		where="of make $target KERNEL=$KERNEL"
		most=$(processors_of base)
	elif [ "$fragments" != - ]; then
		most=$(processors_of "$fragments")
	fi
	[ -z "$most" ] || [ "$SMP" -le "$most" ] ||
		conflict SMP "the kernel $where takes $most at most (CONFIG_NR_CPUS)"
}

suite_fits() {
	local rows

	[[ $SUITE = *hmm* && -z $KDIR ]] || return 0
	rows=$(kernel_rows hmm)
	grep -qxF -- "$KERNEL" <<<"$rows" ||
		conflict SUITE "hmm-tests need a kernel built here with TEST_HMM, and KERNEL=$KERNEL is none; give one of ${rows//$'\n'/, }"
	[ -z "$TESTS" ] || conflict TESTS "hmm-tests run whole; leave it out with SUITE=hmm"
}

# What only QEMU can do
uml_fits() {
	local fragments config=''

	[ "$target" != check ] || return 0
	fragments=$(fragments_of "$KERNEL")
	if [ -n "$KDIR" ]; then
		[ ! -e "$KDIR/.config" ] || config=$(<"$KDIR/.config")
		fragments=
		[[ $'\n'$config$'\n' != *$'\nCONFIG_UML=y\n'* ]] || fragments=uml
	fi
	[[ ,$fragments, = *,uml,* ]] || return 0
	[ "$target" != bench ] ||
		conflict KDIR "User-Mode Linux has no clock that counts instructions; give another kernel"
	for name in ACCEL CPU QEMU; do
		! is_given "$name" ||
			conflict "$name" "is for QEMU, and the kernel is User-Mode Linux; leave it out"
	done
}

# One mutant at least must be for the kernel.
mutants_fit() {
	local glob globs names entries='' series

	IFS=, read -ra globs <<<"$MUTANTS,"
	names=$(mutant_names kernel)
	for glob in "${globs[@]}"; do
		entries+=$(matching "$glob" <<<"$names")$'\n'
	done
	series=${KERNEL%%-*}
	for name in $entries; do
		! grep -qE "^kernels:.* ${series//./[.]}( |\$)" \
			"$SCRIPTS/mutate/kernel/$name.mutant" || return 0
	done
	conflict MUTANTS "none of these is for KERNEL=$KERNEL"
}

# The tier must have a kernel of this series.
tier_fits() {
	local row rows

	[ -n "$TIER" ] || return 0
	row=$KERNEL$(awk -v name="$TIER" '$1 == name { print $3 }' "$SCRIPTS/mutate/tiers")
	rows=$(kernel_rows built)
	grep -qxF -- "$row" <<<"$rows" ||
		conflict TIER "there is no row $row in scripts/kernel/table for KERNEL=$KERNEL"
}

# The test that plays a schedule must be among those that run.
schedule_is_played() {
	local glob globs

	[ -n "$SCHEDULE" ] || return 0
	[ "$SUITE" = mmun ] || conflict SCHEDULE "hmm-tests play none; leave SUITE out"
	: "${TESTS:=explore_more.schedule*}"
	IFS=',|' read -ra globs <<<"$TESTS,"
	for glob in "${globs[@]}"; do
		# shellcheck disable=SC2053 # a glob it is
		[[ explore_more.schedule_is_played_from_its_line != $glob ]] ||
			return 0
	done
	conflict TESTS "SCHEDULE is not played by these; leave TESTS out, or add explore_more.schedule*"
}

# What is only used together with something else.
all_is_used() {
	! is_given CPU || ! uses ACCEL || [ "$ACCEL" = icount ] ||
		conflict CPU "is used under icount alone; add ACCEL=icount"
	! is_given JOBS || [ "$target" != stress ] || [ "$KERNEL" = all ] ||
		conflict JOBS "is used with KERNEL=all alone"
}

# check_together: variables that contradict each other.
check_together() {
	! uses KDIR || ! uses KERNEL || kernel_or_kdir
	! uses SMP || ! uses KERNEL || enough_processors
	! uses QEMU || ! uses KERNEL || uml_fits
	! uses SUITE || suite_fits
	[ "$target" != mutants ] || mutants_fit
	! uses TIER || tier_fits
	! uses SCHEDULE || schedule_is_played
	all_is_used
}
