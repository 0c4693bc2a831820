// SPDX-License-Identifier: GPL-2.0
/*
 * The deliberate errors in words.
 */
#include <stddef.h>

#include "error.h"

/* clang-format off */
static const char *const errors[NR_ERRORS] = {
	[BEGIN_DOES_NOT_WAIT] = "begin does not wait",
	[BEGIN_WAITS_FOR_IDLE] = "begin waits although its range was not hit",
	[RETRY_LOOKS_AT_THE_LOCK] = "retry compares with the sequence of the mm",
	[INSERT_IS_BORN_COLLIDING] = "an insert while idle is born colliding",
	[INSERT_WHILE_ODD_INTO_THE_TREE] = "an insert while odd goes into the tree",
	[INSERT_WHILE_ODD_IS_NOT_COLLIDING] = "an insert while odd does not collide",
	[INSERT_WHILE_EVEN_IS_DEFERRED] = "an insert while even is deferred",
	[INSERT_WHILE_EVEN_STAYS_EVEN] = "an insert while even leaves the sequence even",
	[REMOVE_DOES_NOT_WAIT] = "remove does not wait",
	[REMOVE_WAITS_FOR_A_DEFERRED_INSERT] = "a remove of a deferred insert waits",
	[REMOVE_LEAVES_A_DEFERRED_INSERT] = "a remove of a deferred insert leaves it deferred",
	[START_OF_A_MISS_IS_ODD] = "a start that hits nothing makes the sequence odd",
	[START_WHILE_ODD_IS_A_NEW_SEQ] = "a start while odd takes a new sequence",
	[WALK_STOPS_AFTER_THE_FIRST] = "only the first range is called",
	[WALK_COMES_BACK_FOR_THE_DEFERRED] = "the walk calls deferred inserts, too",
	[END_OF_ANY_ENDS_ALL] = "the end of any invalidation ends all",
	[END_LEAVES_IT_ODD] = "the last end leaves the sequence odd",
	[END_DROPS_DEFERRED_INSERTS] = "the end drops deferred inserts",
	[END_DROPS_DEFERRED_REMOVES] = "the end drops deferred removes",
	[END_WAKES_NOBODY] = "the end wakes nobody",
	[REFUSAL_LEAVES_IT_OPEN] = "a refused invalidation stays open",
	[REFUSAL_KEEPS_THE_SEQ] = "a refusing callback leaves its sequence alone",
	[EXIT_TELLS_ONCE] = "exit tells RELEASE and no UNMAP",
	[UNMAP_KEEPS_THE_MMAP_LOCK] = "munmap keeps the mmap_lock for writing",
};
/* clang-format on */

int model_error;

const char *model_error_name(int error)
{
	return error > 0 && error < NR_ERRORS ? errors[error] : NULL;
}

bool model_error_needs_collect(int error)
{
	return error == UNMAP_KEEPS_THE_MMAP_LOCK;
}
