# SPDX-License-Identifier: GPL-2.0
#
# "make help" lists the targets and the variables. The table scripts/targets has the
# targets, and the table scripts/options/variables has the variables. scripts/start.sh
# checks the values of the variables.

# A shell uses the variables BASH_ENV, ENV, CDPATH and POSIXLY_CORRECT at its start,
# before a script can unset a variable.
unexport BASH_ENV ENV CDPATH POSIXLY_CORRECT
export LC_ALL := C

# "given" are the variables that were set on the command line of make. make exports the
# "given" variables exactly as the user wrote the values: make does not expand a "$" in a
# value.
override given := $(strip $(foreach v,$(.VARIABLES),$(if $(filter command,$(firstword $(origin $v))),$v)))
$(foreach v,$(given),$(eval override export $$v := $$(value $$v)))

override targets := $(shell sed -n 's/^\([a-z][a-z-]*\)	.*/\1/p' scripts/targets)
override export MMUN_GOALS := $(MAKECMDGOALS)
override export MMUN_PWD := $(value PWD)

# "exec" makes start.sh a child of make, because job.sh watches its parent.
$(targets):
	@exec scripts/start.sh $@ '$(subst ','\'',$(given))'

.PHONY: $(targets)
