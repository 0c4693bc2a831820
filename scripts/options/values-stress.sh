# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
#
# Functions that check STRESS, the options of the stress program. The functions accept the
# same options as tools/testing/selftests/mmun/stress/options.c. start.sh sources
# values-stress.sh after values.sh.

STRESS_OPTIONS='-t threads (1-64), -p processes (1-16), -s seconds, -n calls, -S seed, -w operation=weight,..., -z MiB of swap, -v'

# stress_operations: Prints the operations in the table of the stress program, one
# operation per line.
stress_operations() {
	sed -n 's/^	{ "\([a-z-]*\)",	.*/\1/p' "$SELFTEST/mmun_stress.c"
}

# stress_number OPTION TEXT MIN MAX: Checks that TEXT, the value of OPTION, is a number
# from MIN to MAX.
stress_number() {
	is_number "$2" "$3" "$4" ||
		refuse "$1 takes a number, $3 to $4, and not ${2:-nothing}"
}

# check_weights TEXT: Checks TEXT, the value of the option -w of the stress program.
# check_weights sets weights[OPERATION] to the weight of each OPERATION in TEXT.
check_weights() {
	local part parts operation weight

	IFS=, read -ra parts <<<"$1,"
	for part in "${parts[@]}"; do
		operation=${part%%=*} weight=${part#*=}
		[[ $part = ?*=* ]] || refuse "-w takes operation=weight,..."
		stress_number "-w $operation" "$weight" 0 1000000
		if [ "$operation" = all ]; then
			for operation in "${!weights[@]}"; do
				weights[$operation]=$weight
			done
		elif [ -z "${weights[$operation]-}" ]; then
			refuse_unknown "$operation" operation "$(stress_operations)"
		fi
		weights[$operation]=$weight
	done
}

# check_stress_option LETTER: Checks the option -LETTER, whose value is in OPTARG. getopts
# sets LETTER to ":" if the value of the option is missing, and to "?" if the option is
# unknown.
check_stress_option() {
	case $1 in
	t)	stress_number -t "$OPTARG" 1 64 ;;
	p)	stress_number -p "$OPTARG" 1 16 ;;
	s)	stress_number -s "$OPTARG" 0 80000
		seconds=$OPTARG ;;
	n)	is_u64 "$OPTARG" || refuse "-n takes a number of calls"
		calls=$OPTARG ;;
	S)	is_u64 "$OPTARG" || refuse "-S takes a number" ;;
	z)	stress_number -z "$OPTARG" 0 2047 ;;
	w)	check_weights "$OPTARG" ;;
	v)	;;
	:)	refuse "-$OPTARG takes a value; the options are $STRESS_OPTIONS" ;;
	l)	refuse "the operations are $(stress_operations | tr '\n' ' ')" ;;
	*)	refuse "the options are $STRESS_OPTIONS" ;;
	esac
}

# check_stress: Checks that $value has valid options of the stress program, and that a run
# with these options ends.
check_stress() {
	local option words operation seconds=10 calls=0 OPTIND=1 OPTARG=''
	local -A weights=()

	[[ $value != *[![:print:]]* && $value != *[\"\']* ]] ||
		refuse "expected options on one line, without quotes"
	for operation in $(stress_operations); do
		weights[$operation]=1
	done
	read -ra words <<<"$value"
	while getopts :t:p:s:n:S:w:z:vl option "${words[@]}"; do
		check_stress_option "$option"
	done
	[ "$OPTIND" -gt ${#words[@]} ] ||
		refuse "${words[OPTIND - 1]} is not an option; the options are $STRESS_OPTIONS"
	[ "$seconds" != 0 ] || [ "$calls" != 0 ] || refuse "-s 0 needs -n, otherwise the run never ends"
	[[ "${weights[*]}" =~ [1-9] ]] || refuse "all operations have weight 0; set at least one weight"
	[ ${#value} -le 400 ] ||
		refuse "expected at most 400 characters"
}
