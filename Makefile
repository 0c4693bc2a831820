# SPDX-License-Identifier: GPL-2.0
#
# "make help" lists the targets and the variables.

export KERNEL KDIR QEMU SMP MEM ACCEL CPU TIMEOUT APPEND TESTS STOP SEED SUITE JOBS MUTANTS STRESS BASE ACTORS DEPTH CHUNK FRESH SCHEDULE V

modules:
	@scripts/module.sh build

load:
	@scripts/module.sh load

unload:
	@scripts/module.sh unload

kselftest:
	@scripts/kselftest.sh

check:
	@scripts/check.sh

defects:
	@scripts/defects.sh

kernel:
	@scripts/kernel.sh $(or $(KERNEL),stock)

coverage:
	@scripts/coverage.sh

mutants:
	@scripts/mutants.sh

explore:
	@scripts/explore.sh

stress:
	@scripts/stress.sh

bench:
	@scripts/bench.sh

plot:
	@scripts/plot.sh

clean:
	@rm -rf build
	@cd tools/testing/selftests && rm -f lib.mk kselftest*.h

help:
	@cat scripts/help

.PHONY: modules load unload kselftest check defects kernel coverage mutants explore
.PHONY: stress bench plot clean help
