# SPDX-License-Identifier: GPL-2.0
#
# "make help" lists the targets and the variables. The table scripts/targets has the
# targets, and the table scripts/options/variables has the variables. scripts/start.sh
# checks the values of the variables.

# Do not export BASH_ENV, ENV, CDPATH and POSIXLY_CORRECT. A shell uses these variables
# when the shell starts, before a script can unset the variables.
unexport BASH_ENV ENV CDPATH POSIXLY_CORRECT
export LC_ALL := C

# "given" has the names of the variables that were set on the command line of make. make
# exports each value exactly as the user wrote the value: make does not expand a "$" in a
# value.
override given := $(strip $(foreach v,$(.VARIABLES),$(if $(filter command,$(firstword $(origin $v))),$v)))
$(foreach v,$(given),$(eval override export $$v := $$(value $$v)))

override targets := $(shell sed -n 's/^\([a-z][a-z-]*\)	.*/\1/p' scripts/targets)
override export MMUN_GOALS := $(MAKECMDGOALS)
override export MMUN_PWD := $(value PWD)

# "exec" replaces the shell by start.sh, so that start.sh is a child of make. start.sh
# executes job.sh, and job.sh must be a child of make, because job.sh watches its parent.
$(targets):
	@exec scripts/start.sh $@ '$(subst ','\'',$(given))'

.PHONY: $(targets)
