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

#define LOOK_US 100 /* between two looks at a task */
#define LOOKS(ms) (1000 * (ms) / LOOK_US)
#define NR_POINTS (MMUN_POINT_EXIT + 1)

/* The arrays have an element for each actor or for each range. */
struct stage {
	const struct model_config *config;
	__u32 kind; /* enum mmun_kind of the ranges */
	int fd; /* the context of the victim */
	pid_t pid; /* the victim, or 0 */
	int pidfd; /* the victim */
	bool lone; /* The victim has only its main thread. */
	__u32 max_hold_ms; /* time after which a hold ends */
	int settle_ms; /* time limit for a task to reach its state; 0: SETTLE_MS */
	struct thread *thread[MODEL_ACTORS];
	__u32 hold[MODEL_ACTORS][NR_POINTS]; /* by MMUN_POINT_*; 0: none */
	struct mmun_token token[MODEL_ACTORS]; /* batches */
	__u32 id[MODEL_RANGES]; /* 0: none */
	struct mmun_task task[MODEL_ACTORS]; /* what the thread does */
};

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
bool stage_set_up(struct stage *stage);
/*
 * Clear the stage after a schedule without a disagreement.  No actor is in a
 * call.
 */
void stage_clear(struct stage *stage);
/*
 * End the holds and the victim after a disagreement.  Returns false if an actor
 * does not return from its call.  Then the stage cannot be used again.
 */
bool stage_abandon(struct stage *stage);
/*
 * Wait until two looks at each actor see no change.  @holds contains the holds
 * that should stop the actors, or is NULL.  Returns 1, or 0 if the wait takes
 * longer than @timeout_ms, or -1 with errno.
 */
int stage_quiesce(struct stage *stage, const __u32 *holds, int timeout_ms);

bool hold_release(struct stage *stage, __u32 hold, __u32 flags);
/* Returns the range in whose callback the hold stops a task, or 0. */
__u32 hold_range(struct stage *stage, __u32 hold);
/* Returns the hold that stops the actor, or 0. */
__u32 held_by(struct stage *stage, int actor);

#endif /* _SELFTESTS_MMUN_MODEL_STAGE_H */
