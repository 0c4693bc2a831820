/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The stage on which schedules are played: a victim, its context, and the actors
 * of one configuration.
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

/**
 * struct stage - where schedules are played
 * @config: who takes part
 * @kind: enum mmun_kind of the ranges
 * @fd: the victim's context
 * @pid: the victim, or 0
 * @lone: it has only its main thread
 * @pidfd: the same
 * @max_hold_ms: how long a hold lasts
 * @settle_ms: how long a task may be in a state that is not expected and may change;
 *	0: SETTLE_MS
 * @thread: of each actor
 * @hold: of each actor, by MMUN_POINT_*; 0: none
 * @token: of each actor: its batch
 * @id: of the ranges; 0: none
 * @task: of each actor: what it does
 */
struct stage {
	const struct model_config *config;
	__u32 kind;
	int fd;
	pid_t pid;
	bool lone;
	int pidfd;
	__u32 max_hold_ms;
	int settle_ms;
	struct thread *thread[MODEL_ACTORS];
	__u32 hold[MODEL_ACTORS][NR_POINTS];
	struct mmun_token token[MODEL_ACTORS];
	__u32 id[MODEL_RANGES];
	struct mmun_task task[MODEL_ACTORS];
};

static inline size_t page_size(void)
{
	return sysconf(_SC_PAGESIZE);
}

static inline char *page_at(int page)
{
	return (char *)ARENA + page * page_size();
}

/* Everything is as the model has it at first. */
bool stage_set_up(struct stage *stage);
/* After a schedule that agreed: nobody is in a call. */
void stage_clear(struct stage *stage);
/*
 * After one that did not: let all that can go on, and start afresh.  False: a
 * thread is stuck, and nothing more can be done with it.
 */
bool stage_abandon(struct stage *stage);
/*
 * Wait until all actors rest: two looks at all of them, with no change.  @holds, if
 * any, are those that should stop them.  Returns 1; 0 if the time is over first;
 * -1 with errno.
 */
int stage_quiesce(struct stage *stage, const __u32 *holds, int timeout_ms);

bool hold_release(struct stage *stage, __u32 hold, __u32 flags);
/* The range in whose callback a task is held, or 0 */
__u32 hold_range(struct stage *stage, __u32 hold);
/* The hold that stops the actor, or 0 */
__u32 held_by(struct stage *stage, int actor);

#endif /* _SELFTESTS_MMUN_MODEL_STAGE_H */
