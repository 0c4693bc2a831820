# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
#
# Functions that check the variables that select kernels and mutants, and functions that
# check variables that contradict each other. start.sh sources values-kernel.sh after
# values.sh. A check refuses a variable by exiting with an error message.

# kernel_rows KIND: Prints the names of the rows of scripts/kernel/table that belong to
# KIND:
#
#	any		all rows
#	qemu		kernels that QEMU boots
#	built		kernels that the runner builds from source
#	series		one kernel for each source that the runner builds
#	mutants		kernels that the runner builds and that QEMU boots, if there are
#			mutants for the version of the kernel
#	cov, hmm	kernels that the runner builds with the fragment cov or hmm
kernel_rows() {
	local known=''

	[ "$1" != mutants ] || known=$(sed -n 's/^kernels: //p' \
		"$SCRIPTS"/mutate/kernel/*.mutant | tr ' ' '\n' | sort -u | tr '\n' ' ')
	awk -v kind="$1" -v known=" $known" '
		/^#/ || !NF { next }
		{ fragments = "," $4 "," }
		kind ~ /qemu|mutants/ && fragments ~ /,uml,/ { next }
		kind !~ /any|qemu/ && $4 == "-" { next }
		kind == "series" && seen[$2]++ { next }
		kind ~ /cov|hmm/ && !index(fragments, "," kind ",") { next }
		kind == "mutants" {
			series = $1
			sub(/-.*/, "", series)
			if (!index(known, " " series " "))
				next
		}
		{ print $1 }' "$SCRIPTS/kernel/table"
}

# check_kernel KIND [all]: Checks that $value is the name of a row of scripts/kernel/table
# that belongs to KIND. If the argument "all" is given, check_kernel also accepts the
# value "all".
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

# check_directory: Checks that $value is a directory, and makes the path absolute. If the
# path is relative, check_directory tries the directory of the Makefile, and then the
# directory in which make was called. With "make -C", the two directories differ.
check_directory() {
	local dir

	for dir in "$value" "${MMUN_PWD:-.}/$value" ''; do
		[ ! -e "$dir" ] || break
	done
	[ -n "$dir" ] || refuse "there is no such directory"
	[ -d "$dir" ] || refuse "the path is not a directory"
	value=$(realpath "$dir")
	is_path "$value" ||
		refuse "make cannot take a path with spaces or with any of : # \$ % , ; = and quotes"
}

check_kdir() {
	check_directory
	[ -e "$value/include/config/kernel.release" ] ||
		[ -e "$value/.kernelvariables" ] ||
		refuse "the path is not the directory of a built kernel; run make in this directory, or give the directory of O="
}

check_tree() {
	check_directory
	[ -e "$value/mm/mmu_notifier.c" ] ||
		refuse "the path is not the source tree of a kernel; it has no mm/mmu_notifier.c"
}

# mutant_names kernel|module: Prints the names of all mutants of the kernel, or of all
# mutants of the module.
mutant_names() {
	local files=("$SCRIPTS/mutate/$1"/*.mutant)

	files=("${files[@]##*/}")
	printf '%s\n' "${files[@]%.mutant}"
}

# matching_names GLOB: Prints the lines of stdin that match GLOB.
matching_names() {
	local line

	while read -r line; do
		# shellcheck disable=SC2053 # it is a glob
		[[ $line != $1 ]] || printf '%s\n' "$line"
	done
}

# check_mutants kernel|module: Checks that each glob in $value matches the name of a
# mutant. Commas separate the globs.
check_mutants() {
	local glob globs names

	[[ $value != *[![:alnum:]*?[\]!,._/-]* ]] ||
		refuse "expected names of scripts/mutate/$1, or globs, separated by commas"
	names=$(mutant_names "$1")
	IFS=, read -ra globs <<<"$value,"
	for glob in "${globs[@]}"; do
		[ -n "$(matching_names "$glob" <<<"$names")" ] ||
			refuse_unknown "$glob" mutant "$names" \
				"all mutants are in scripts/mutate/$1"
	done
}

check_tier() {
	local names

	names=$(awk '!/^#/ { print $1 }' "$SCRIPTS/mutate/tiers")
	grep -qxF -- "$value" <<<"$names" || refuse_unknown "$value" tier "$names"
}

# is_given NAME: Returns 0 if the user set the variable NAME on the command line of make.
is_given() {
	[[ " $given " == *" $1 "* ]]
}

# fragments_of KERNEL: Prints the column "fragments" of the row KERNEL in
# scripts/kernel/table. fragments_of prints nothing if the table has no row KERNEL.
fragments_of() {
	awk -v name="$1" '$1 == name { print $4 }' "$SCRIPTS/kernel/table"
}

# refuse_conflict NAME TEXT...: Exits with an error message about the variable NAME, whose
# value contradicts another variable. TEXT describes the problem and the remedy.
refuse_conflict() {
	name=$1
	value=${!name}
	shift
	refuse "$*"
}

# choose_kernel_or NAME: Refuses KERNEL and the variable NAME together on the command line
# of make. NAME is the name of a variable with a directory. If the command line sets
# KERNEL, choose_kernel_or sets the variable NAME to the empty string, because the
# environment may contain a directory of another kernel.
choose_kernel_or() {
	if is_given KERNEL && is_given "$1"; then
		refuse_conflict "$1" "KERNEL=$KERNEL is another kernel; give one of the two"
	fi
	! is_given KERNEL || declare -g "$1="
}

# processors_of FRAGMENTS: Prints the last value of CONFIG_NR_CPUS in FRAGMENTS, which are
# names of files in kernel/configs/, separated by commas.
processors_of() {
	local files

	read -ra files <<<"${1//,/ }"
	files=("${files[@]/#/$SCRIPTS/kernel/configs/}")
	cat "${files[@]/%/.config}" | sed -n 's/^CONFIG_NR_CPUS=//p' | tail -n 1
}

# check_smp_fits: Refuses SMP if the kernel is configured for fewer than SMP processors,
# because the guest would not use all processors.
check_smp_fits() {
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
		refuse_conflict SMP "the kernel $where supports at most SMP=$most (CONFIG_NR_CPUS)"
}

# check_suite_fits: Refuses SUITE=hmm if the kernel does not have test_hmm, and refuses
# TESTS together with SUITE=hmm.
check_suite_fits() {
	local rows

	[[ $SUITE = *hmm* && -z $KDIR ]] || return 0
	rows=$(kernel_rows hmm)
	grep -qxF -- "$KERNEL" <<<"$rows" ||
		refuse_conflict SUITE "hmm-tests need a kernel that the runner builds with TEST_HMM, and KERNEL=$KERNEL is no such kernel; give one of ${rows//$'\n'/, }"
	[ -z "$TESTS" ] || refuse_conflict TESTS "SUITE=hmm runs all hmm-tests; leave TESTS out"
}

# check_uml_fits: If the kernel is User-Mode Linux, refuses variables and targets that
# need QEMU.
check_uml_fits() {
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
		refuse_conflict KDIR "User-Mode Linux has no clock that counts instructions; give another kernel"
	for name in ACCEL CPU QEMU; do
		! is_given "$name" ||
			refuse_conflict "$name" "$name is for QEMU, and the kernel is User-Mode Linux; leave $name out"
	done
}

# check_mutants_fit: Refuses MUTANTS if none of the mutants in MUTANTS can be applied to
# the version of KERNEL.
check_mutants_fit() {
	local glob globs names entries='' series

	IFS=, read -ra globs <<<"$MUTANTS,"
	names=$(mutant_names kernel)
	for glob in "${globs[@]}"; do
		entries+=$(matching_names "$glob" <<<"$names")$'\n'
	done
	series=${KERNEL%%-*}
	for name in $entries; do
		! grep -qE "^kernels:.* ${series//./[.]}( |\$)" \
			"$SCRIPTS/mutate/kernel/$name.mutant" || return 0
	done
	refuse_conflict MUTANTS "none of these mutants is for KERNEL=$KERNEL"
}

# check_kernel_is_built: Refuses PATCH if the runner does not build the kernel from source.
check_kernel_is_built() {
	local rows

	[ -z "$KDIR" ] ||
		refuse_conflict PATCH "KDIR=$KDIR is already built; apply the patch there, or give KERNEL"
	rows=$(kernel_rows built)
	grep -qxF -- "$KERNEL" <<<"$rows" ||
		refuse_conflict PATCH "needs a kernel that the runner builds, and KERNEL=$KERNEL is no such kernel; give one of ${rows//$'\n'/, }"
}

# choose_tier_of_patch: Refuses the variables of "make mutants" that have no effect together
# with PATCH, and sets TIER.
choose_tier_of_patch() {
	local name

	for name in MUTANTS SUITE; do
		! is_given "$name" ||
			refuse_conflict "$name" "PATCH makes mutants of its own; leave $name out"
	done
	[ "${TIER:-quick}" = quick ] ||
		refuse_conflict TIER "the mutants of a PATCH are tried in the tier quick; leave TIER out"
	TIER=quick
}

# check_patch_fits: Refuses the variables that contradict PATCH.
check_patch_fits() {
	[ -n "$PATCH" ] || return 0
	case $target in
	kselftest)	check_kernel_is_built ;;
	mutants)	choose_tier_of_patch ;;
	esac
}

# check_tier_fits: Refuses TIER if scripts/kernel/table has no row for KERNEL in the tier
# TIER. Refuses SUITE if the tier TIER does not run the tests of SUITE.
check_tier_fits() {
	local row rows

	[ -n "$TIER" ] || return 0
	row=$KERNEL$(awk -v name="$TIER" '$1 == name { print $4 }' "$SCRIPTS/mutate/tiers")
	rows=$(kernel_rows built)
	grep -qxF -- "$row" <<<"$rows" ||
		refuse_conflict TIER "there is no row $row in scripts/kernel/table for KERNEL=$KERNEL"
	[[ $TIER != quick || $SUITE = mmun ]] ||
		refuse_conflict SUITE "the tier quick runs no hmm-tests; leave SUITE out"
}

# check_schedule_is_played: If SCHEDULE is set and TESTS is empty, sets TESTS to the name
# of the test that plays SCHEDULE. If SCHEDULE and TESTS are set, refuses TESTS if TESTS
# does not select the test that plays SCHEDULE.
check_schedule_is_played() {
	local glob globs

	[ -n "$SCHEDULE" ] || return 0
	[ "$SUITE" = mmun ] ||
		refuse_conflict SCHEDULE "hmm-tests play no schedules; leave SUITE out"
	: "${TESTS:=explore_more.schedule*}"
	IFS=',|' read -ra globs <<<"$TESTS,"
	for glob in "${globs[@]}"; do
		# shellcheck disable=SC2053 # it is a glob
		[[ explore_more.schedule_from_text_agrees_with_the_model != $glob ]] ||
			return 0
	done
	refuse_conflict TESTS "these tests do not play SCHEDULE; leave TESTS out, or add explore_more.schedule*"
}

# check_replay_is_played: If SCHEDULE is set, refuses the variables that select
# configurations, because "make quick" plays only SCHEDULE.
check_replay_is_played() {
	[ -n "$SCHEDULE" ] || return 0
	for name in TESTS DEEP STOP; do
		! is_given "$name" ||
			refuse_conflict "$name" "SCHEDULE plays one schedule of one configuration; leave $name out"
	done
}

# check_dependent: Refuses a variable that has no effect because another variable does not
# have the necessary value. For example, CPU has an effect only with ACCEL=icount.
check_dependent() {
	! is_given CPU || ! uses ACCEL || [ "$ACCEL" = icount ] ||
		refuse_conflict CPU "is used only with icount; add ACCEL=icount"
	! is_given JOBS || [ "$target" != stress ] || [ "$KERNEL" = all ] ||
		refuse_conflict JOBS "is used only with KERNEL=all"
}

# check_together: Refuses variables that contradict each other, and variables that the
# kernel does not support.
check_together() {
	for name in KDIR TREE; do
		! uses "$name" || ! uses KERNEL || choose_kernel_or "$name"
	done
	! uses SMP || ! uses KERNEL || check_smp_fits
	! uses QEMU || ! uses KERNEL || check_uml_fits
	! uses SUITE || check_suite_fits
	[ "$target" != mutants ] || check_mutants_fit
	! uses PATCH || check_patch_fits
	! uses TIER || check_tier_fits
	case $target in
	quick)		check_replay_is_played ;;
	kselftest)	check_schedule_is_played ;;
	esac
	check_dependent
}
