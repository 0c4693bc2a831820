/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The stage: the victim process, its open /dev/mmun, and the ranges, holds and
 * threads for the actors of one configuration.
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

/*
 * The number of records in the log.  process_mrelease() causes two records for
 * each VMA of the victim.
 */
#define LOG_RECORDS 256

/* Each array of struct stage has an element for each actor or range. */
struct stage {
	const struct model_config *config;
	/* enum mmun_kind of the ranges, or 0: the kind of the configuration */
	__u32 naive;
	int fd; /* the open /dev/mmun of the victim */
	int list_fd; /* the open /dev/mmun_list of the victim, or -1 */
	pid_t pid; /* the victim process, or 0 */
	int pidfd; /* of the victim process */
	__u32 max_hold_ms; /* time after which a hold ends */
	int settle_ms; /* time limit for an actor to reach its expected stop */
	struct thread *thread[MODEL_ACTORS];
	/* the ID of the hold for each actor and each stop, or 0 */
	__u32 hold[MODEL_ACTORS][MODEL_CALLED + 1];
	__u32 id[MODEL_RANGES]; /* ID of each range, or 0: no such range */
	/* ID of each listener of /dev/mmun_list, or 0: no such listener */
	__u32 listener[MODEL_LISTENERS];
	/*
	 * The stop of each actor when stage_quiesce() last checked it.  The
	 * value MODEL_WAITS_SEQ means that the actor is blocked for any reason.
	 */
	enum model_where where[MODEL_ACTORS];
	__u32 held_in[MODEL_ACTORS]; /* range whose callback holds the actor */
};

/* Each test runs in its own process, so one global struct stage is enough. */
extern struct stage stage;

static inline size_t page_size(void)
{
	return sysconf(_SC_PAGESIZE);
}

/* Returns the enum mmun_kind of the ranges. */
static inline __u32 stage_kind(void)
{
	return stage.naive ?: stage.config->kind;
}

/* Returns the address of a page of the arena, which crew.h defines. */
static inline unsigned long page_at(int page)
{
	return ARENA + page * page_size();
}

/*
 * Give the victim, its memory, its ranges, its listeners and its holds the
 * initial state @m of the model, before the first step of a schedule.
 */
bool stage_set_up(const struct model_config *config, const struct model *m);
/* End the holds, ranges and listeners of a schedule.  All actors must be idle or gone. */
void stage_clear(void);
/*
 * End the holds and kill the victim after a disagreement.  Returns false if an
 * actor does not return from its call, so that no schedule can follow.
 */
bool stage_abandon(void);
/*
 * Wait until no actor runs, or until a time limit.  The check of an actor is
 * fast if the actor is at its stop in @expected.  Returns false with errno.
 */
bool stage_quiesce(const struct model_actor *expected);
/* Release the task that a hold at @where has stopped.  Returns false with errno. */
bool hold_release(__u32 hold, int where);

/*
 * stage_list.c: set up and remove the listeners of the model.  listeners_set_up()
 * returns false with errno.
 */
bool listeners_set_up(const struct model *m);
void listeners_clear(void);
/* Hold the actor in invalidate_range_start() of the listener. */
bool listener_hold(int actor, int listener);
bool listener_is_held(__u32 hold);
bool listener_resume(__u32 hold);

#endif /* _SELFTESTS_MMUN_MODEL_STAGE_H */
