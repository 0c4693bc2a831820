# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2016
#
# Error messages: a script that fails prints one line on stderr. lib.sh sources errors.sh.
# start.sh sources errors.sh and not lib.sh, because a script must not source lib.sh
# before start.sh has cleaned the environment.

# The variable caller has the beginning of each error message
caller=${0#"$SCRIPTS/"}

# die TEXT...: Prints TEXT as an error message and exits with status 2.
die() {
	echo "$caller: $*" >&2
	exit 2
}

# report_failure LINE: Prints the command that failed in line LINE. The shell option
# errexit then ends the script. report_failure prints nothing if the message about the
# failure was already printed: by another script, by a subshell, by a command whose output
# is assigned to a variable, or by the function quietly().
report_failure() {
	local status=$?
	local named='^("\$SCRIPTS/|"\$@"|\([^(]|return|exit|[A-Za-z_]+\+?=.*\$\()'

	[[ $BASH_COMMAND =~ $named ]] ||
		echo "$caller: line $1: status $status:" \
			"${BASH_COMMAND//$'\n'/ }. Run it again with V=1 for more output" >&2
}

trap 'report_failure "$LINENO"' ERR
