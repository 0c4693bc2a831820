# SPDX-License-Identifier: GPL-2.0
#
# "make help" lists the targets and the variables. scripts/targets and
# scripts/options/variables are the tables; scripts/start.sh checks the values.

# What a shell reads before its script can remove it
unexport BASH_ENV ENV CDPATH POSIXLY_CORRECT
export LC_ALL := C

# The names that were set on the command line of make, and the same variables
# with their values as they were written there: make does not expand a "$".
override given := $(strip $(foreach v,$(.VARIABLES),$(if $(filter command,$(firstword $(origin $v))),$v)))
$(foreach v,$(given),$(eval override export $$v := $$(value $$v)))

override targets := $(shell sed -n 's/^\([a-z][a-z-]*\)	.*/\1/p' scripts/targets)
override export MMUN_GOALS := $(MAKECMDGOALS)
override export MMUN_PWD := $(value PWD)

# "exec": make is the parent of start.sh, which watches it.
$(targets):
	@exec scripts/start.sh $@ '$(subst ','\'',$(given))'

.PHONY: $(targets)
