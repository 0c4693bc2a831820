// SPDX-License-Identifier: GPL-2.0
/* Like explore_test, but the process that owns the mm dies in each schedule. */
#include "lib/mmun.h"
#include "model/fixture.h"

/* clang-format off */
FIXTURE_VARIANT_ADD(explore, reaper) { "reaper,rA,iB,dC" };
FIXTURE_VARIANT_ADD(explore, exit) { "exit,rA,dC" };
FIXTURE_VARIANT_ADD(explore, exit_of_listeners) { "exit,put0,unregister0" };
FIXTURE_VARIANT_ADD(explore, exit_of_invlock) { "invlock:exit,rA" };
/* clang-format on */

MMUN_HARNESS_MAIN
