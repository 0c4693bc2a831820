/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The stage for schedules: a victim, its context, and the actors of one
 * configuration.
 */
#ifndef _SELFTESTS_MMUN_MODEL_STAGE_H
#define _SELFTESTS_MMUN_MODEL_STAGE_H

#include <stdbool.h>
#include <sys/types.h>
#include <unistd.h>

#include "../lib/ioctl.h"
#include "../lib/task.h"
#include "crew.h"
#include "model.h"

/* The arrays have an element for each actor or for each range. */
struct stage {
	const struct model_config *config;
	__u32 kind; /* enum mmun_kind of the ranges */
	int fd; /* the context of the victim */
	pid_t pid; /* the victim, or 0 */
	int pidfd; /* the victim */
	__u32 max_hold_ms; /* time after which a hold ends */
	int settle_ms; /* time limit for a task to reach its state */
	struct thread *thread[MODEL_ACTORS];
	/* the hold that stops the actor at each place, or 0 */
	__u32 hold[MODEL_ACTORS][MODEL_EXITING + 1];
	__u32 id[MODEL_RANGES]; /* 0: none */
	/*
	 * The place of the actor at the last look.  MODEL_WAITS_SEQ: it is
	 * blocked, for whatever reason.
	 */
	enum model_where where[MODEL_ACTORS];
	__u32 held_in[MODEL_ACTORS]; /* held in a callback: ID of the range */
};

/* Each test has its own process, so one stage is enough. */
extern struct stage stage;

static inline size_t page_size(void)
{
	return sysconf(_SC_PAGESIZE);
}

/* Returns the address of a page of the arena. */
static inline unsigned long page_at(int page)
{
	return ARENA + page * page_size();
}

/*
 * Set up the victim, its memory, its ranges and its holds in the first state of
 * the model.
 */
bool stage_set_up(const struct model_config *config);
/* Clear the stage after a play without disagreement.  No actor is in a call. */
void stage_clear(void);
/*
 * End the holds and the victim after a disagreement.  Returns false if an actor
 * does not return from its call.  Then the stage cannot be used again.
 */
bool stage_abandon(void);
/*
 * Wait until each actor rests at its place, but not for ever.  A look is fast if
 * the actor is where @expected says.  Returns false with errno.
 */
bool stage_quiesce(const struct model_actor *expected);
/* Returns false with errno. */
bool hold_release(__u32 hold, __u32 flags);

#endif /* _SELFTESTS_MMUN_MODEL_STAGE_H */
