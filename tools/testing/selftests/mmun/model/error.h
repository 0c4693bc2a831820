/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Deliberate errors of the model, for negative controls: each must be noticed by
 * the explorer.
 */
#ifndef _SELFTESTS_MMUN_MODEL_ERROR_H
#define _SELFTESTS_MMUN_MODEL_ERROR_H

#include <stdbool.h>

enum {
	BEGIN_DOES_NOT_WAIT = 1,
	BEGIN_WAITS_FOR_IDLE,
	RETRY_LOOKS_AT_THE_LOCK,
	INSERT_IS_BORN_COLLIDING,
	INSERT_WHILE_ODD_INTO_THE_TREE,
	INSERT_WHILE_ODD_IS_NOT_COLLIDING,
	INSERT_WHILE_EVEN_IS_DEFERRED,
	INSERT_WHILE_EVEN_STAYS_EVEN,
	REMOVE_DOES_NOT_WAIT,
	REMOVE_WAITS_FOR_A_DEFERRED_INSERT,
	REMOVE_LEAVES_A_DEFERRED_INSERT,
	START_OF_A_MISS_IS_ODD,
	START_WHILE_ODD_IS_A_NEW_SEQ,
	WALK_STOPS_AFTER_THE_FIRST,
	WALK_COMES_BACK_FOR_THE_DEFERRED,
	END_OF_ANY_ENDS_ALL,
	END_LEAVES_IT_ODD,
	END_DROPS_DEFERRED_INSERTS,
	END_DROPS_DEFERRED_REMOVES,
	END_WAKES_NOBODY,
	REFUSAL_LEAVES_IT_OPEN,
	REFUSAL_KEEPS_THE_SEQ,
	EXIT_TELLS_ONCE,
	UNMAP_KEEPS_THE_MMAP_LOCK,
	NR_ERRORS,
};

/* The error that the model has now; 0: none */
extern int model_error;
/* What is wrong with it then, or NULL: there is no such number. */
const char *model_error_name(int error);
/* Whether only an actor that collects pages can notice it. */
bool model_error_needs_collect(int error);

/* Whether the model has this error now. */
static inline bool wrong(int error)
{
	return model_error == error;
}

#endif /* _SELFTESTS_MMUN_MODEL_ERROR_H */
