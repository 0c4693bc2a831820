/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The model: the lock, the mmap_lock, the actors that use both, and the steps
 * that actors take.
 */
#ifndef _SELFTESTS_MMUN_MODEL_H
#define _SELFTESTS_MMUN_MODEL_H

#include <stdbool.h>
#include <linux/types.h>

#include "lock.h"
#include "mmap_lock.h"

#define MODEL_NOBODY 255

/**
 * enum model_kind - what an actor does
 * @MODEL_READER: begin, collect, check, commit on a range
 * @MODEL_INSERTER: inserts a range
 * @MODEL_REMOVER: removes a range
 * @MODEL_MADVISE: MADV_DONTNEED of some pages, and so on to @MODEL_FORK
 * @MODEL_REAPER: process_mrelease(2), twice; it must not wait
 * @MODEL_EXIT: the last user of the mm goes
 */
enum model_kind {
	MODEL_READER,
	MODEL_INSERTER,
	MODEL_REMOVER,
	MODEL_MADVISE,
	MODEL_MUNMAP,
	MODEL_MPROTECT,
	MODEL_MREMAP,
	MODEL_FORK,
	MODEL_REAPER,
	MODEL_EXIT,
	MODEL_KINDS,
};

/* What a reader does, one call after the other */
enum model_call {
	MODEL_BEGIN,
	MODEL_COLLECT,
	MODEL_CHECK,
	MODEL_COMMIT,
	MODEL_DONE,
};

/**
 * struct model_role - an actor of a configuration
 * @kind: enum model_kind
 * @range: of a reader, an inserter, a remover
 * @first: first page of what a mutator invalidates
 * @last: its last page
 */
struct model_role {
	__u8 kind;
	__u8 range;
	__u8 first;
	__u8 last;
};

/**
 * struct model_config - who takes part
 * @nr: number of actors
 * @role: what each does
 * @live: mask of the ranges that are there from the start
 * @refusals: so many callbacks of range A that must not block return false
 * @no_collect: the kernel has no HMM: readers leave out MODEL_COLLECT
 */
struct model_config {
	int nr;
	struct model_role role[MODEL_ACTORS];
	__u8 live;
	__u8 refusals;
	bool no_collect;
};

/**
 * enum model_where - where an actor is between two steps
 * @MODEL_IDLE: its last call has returned
 * @MODEL_ENTER: held, and so on to @MODEL_EXITING: enum mmun_point
 * @MODEL_WAITS_SEQ: blocked in read_begin() or remove()
 * @MODEL_WAITS_MMAP: blocked, it queues for the mmap_lock
 * @MODEL_GONE: it is dead
 * @MODEL_RUNS: only in the middle of a step
 */
enum model_where {
	MODEL_IDLE,
	MODEL_ENTER,
	MODEL_LEAVE,
	MODEL_START,
	MODEL_END,
	MODEL_EXITING,
	MODEL_WAITS_SEQ,
	MODEL_WAITS_MMAP,
	MODEL_GONE,
	MODEL_RUNS,
};

/**
 * struct model_actor - how far an actor is
 * @calls: calls that it has made
 * @where: enum model_where
 * @at: held in a callback: of this range
 * @round: which invalidation of its call this is
 * @seq: reader: what begin returned; mutator: of its invalidation; waiting: for
 *	the end of this one
 * @valid: pages that a reader collected
 * @errnum: what its last finished call failed with, or 0
 * @result: begin: the sequence; collect: valid pages; check, commit: whether it
 *	collided
 */
struct model_actor {
	__u8 calls;
	__u8 where;
	__u8 at;
	__u8 round;
	__u8 seq;
	__u8 valid;
	__u8 errnum;
	__u8 result;
};

/**
 * struct model - a state
 * @lock: the core's
 * @mmap: the mmap_lock
 * @present: mask of the pages that are mapped and there
 * @refusals: so many are left
 * @dying: the last user of the mm is gone
 * @actor: the actors
 */
struct model {
	struct model_lock lock;
	struct model_mmap_lock mmap;
	__u8 present;
	__u8 refusals;
	__u8 dying;
	struct model_actor actor[MODEL_ACTORS];
};

/**
 * struct model_record - one record that the log must have
 * @type: enum mmun_record_type: INVALIDATE, START or END
 * @actor: who caused it
 * @event: INVALIDATE: enum mmun_event
 * @range: INVALIDATE: which
 * @seq: INVALIDATE: its sequence
 * @first: first page of the whole invalidation
 * @last: its last page; MODEL_NOBODY: it is the whole address space
 * @nonblock: INVALIDATE: the callback must not sleep
 * @refused: INVALIDATE: and returns false
 */
struct model_record {
	__u8 type;
	__u8 actor;
	__u8 event;
	__u8 range;
	__u8 seq;
	__u8 first;
	__u8 last;
	__u8 nonblock;
	__u8 refused;
};

#define MODEL_RECORDS 32

/* What is logged in the course of one step, in order */
struct model_trace {
	int nr;
	struct model_record record[MODEL_RECORDS];
};

void model_init(struct model *m, const struct model_config *config);
/* Whether the actor has a step that can be taken now. */
bool model_enabled(const struct model *m, const struct model_config *config,
		   int actor);
/* Take it, and all that follows from it without another step. */
void model_step(struct model *m, const struct model_config *config, int actor,
		struct model_trace *trace);
/* Forget what calls returned: no step to come depends on it. */
void model_forget(struct model *m);
/* The call that a reader makes with its next step, or has made with its last */
enum model_call model_next_call(const struct model_config *config, int calls);
bool model_is_mutator(const struct model_role *role);
/* No actor is in the middle of a call. */
bool model_is_quiet(const struct model *m, const struct model_config *config);

static inline bool model_in_callback(int where)
{
	return where == MODEL_ENTER || where == MODEL_LEAVE ||
	       where == MODEL_EXITING;
}

#endif /* _SELFTESTS_MMUN_MODEL_H */
