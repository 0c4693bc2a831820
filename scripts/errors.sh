# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2016
#
# How a script ends that cannot go on: one line on stderr. Sourced by lib.sh, and by
# start.sh, which cannot source lib.sh before the environment is clean.

# What each line begins with.
caller=${0#"$SCRIPTS/"}

die() {
	echo "$caller: $*" >&2
	exit 2
}

# report_failure LINE: name the command that ends a script. Another script, a subshell
# and a command whose output is assigned have named it already; quietly has shown the
# output of its command.
report_failure() {
	local status=$?
	local named='^("\$SCRIPTS/|"\$@"|\([^(]|return|exit|[A-Za-z_]+\+?=.*\$\()'

	[[ $BASH_COMMAND =~ $named ]] ||
		echo "$caller: line $1: status $status:" \
			"${BASH_COMMAND//$'\n'/ }. Run it again; V=1 shows more" >&2
}

trap 'report_failure "$LINENO"' ERR
