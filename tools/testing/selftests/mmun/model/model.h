/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The model: the lock, the mmap_lock, the actors that use both, and the steps of
 * the actors.
 */
#ifndef _SELFTESTS_MMUN_MODEL_H
#define _SELFTESTS_MMUN_MODEL_H

#include <stdbool.h>
#include <linux/types.h>

#include "lock.h"
#include "mmap_lock.h"

/*
 * The last page of an invalidation that goes up to the end of the address space
 */
#define MODEL_ALL_PAGES 255

/* The functions of the model that a deliberate error can replace */
struct model_rules {
	int (*start)(struct model_lock *lock, int first, int last);
	int (*next)(const struct model_lock *lock, int first, int last,
		    int range);
	bool (*invalidate)(struct model_lock *lock, int range, __u8 seq,
			   bool refuses);
	bool (*end)(struct model_lock *lock);
	/* called at the end of an invalidation that a callback refused */
	bool (*end_refused)(struct model_lock *lock);
	void (*insert)(struct model_lock *lock, int range);
	int (*remove)(struct model_lock *lock, int range);
	bool (*begin)(const struct model_lock *lock, int range, __u8 *seq);
	bool (*retry)(const struct model_lock *lock, int range, __u8 seq);
	__u8 (*downgrade)(struct model_mmap_lock *mmap);
	/* number of invalidations in one call of a mutator or of exit */
	int (*rounds)(int kind);
};

/* The right rules */
extern const struct model_rules model_rules;

/*
 * error.c: deliberate errors of the model, for negative controls.  The explorer
 * must notice each of them.
 */
#define MODEL_ERRORS 24

struct model_error {
	const char *text; /* what is wrong */
	struct model_rules wrong; /* the wrong rule; the other members are NULL */
};

extern const struct model_error model_errors[MODEL_ERRORS];

/* Returns the rules of the model.  One rule is replaced by @error. */
struct model_rules model_rules_with(const struct model_error *error);

/**
 * enum model_kind - what an actor does
 * @MODEL_READER: begin, collect, check and commit on a range
 * @MODEL_INSERTER: inserts a range
 * @MODEL_REMOVER: removes a range
 * @MODEL_MADVISE: MADV_DONTNEED of some pages.  The kinds from here to @MODEL_FORK
 *	are mutators
 * @MODEL_MUNMAP: munmap() of some pages
 * @MODEL_MPROTECT: mprotect() of some pages
 * @MODEL_MREMAP: mremap() of some pages to another address
 * @MODEL_FORK: fork()
 * @MODEL_REAPER: process_mrelease(2), twice; its callbacks must not block
 * @MODEL_EXIT: The last user of the mm exits
 * @MODEL_KINDS: number of kinds
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

/* The calls of a reader, in order */
enum model_call {
	MODEL_BEGIN,
	MODEL_COLLECT,
	MODEL_CHECK,
	MODEL_COMMIT,
	MODEL_DONE,
};

/* What an actor of a configuration does */
struct model_role {
	__u8 kind; /* enum model_kind */
	__u8 range; /* range of a reader, an inserter or a remover */
	__u8 first; /* first page that a mutator invalidates */
	__u8 last; /* last page, or MODEL_ALL_PAGES */
};

/* A configuration: the actors, and the ranges that exist at first */
struct model_config {
	const struct model_rules *rules;
	int nr; /* number of actors */
	struct model_role role[MODEL_ACTORS];
	__u8 live; /* mask of the ranges that exist at first */
	__u8 refusals; /* number of nonblocking callbacks of A that refuse */
	bool no_collect; /* The kernel has no HMM, so no reader collects. */
};

/**
 * enum model_where - where an actor is between two steps
 * @MODEL_IDLE: outside of calls
 * @MODEL_ENTER: held at MMUN_POINT_ENTER.  The values from here to @MODEL_EXITING
 *	have the order of enum mmun_point
 * @MODEL_LEAVE: held at MMUN_POINT_LEAVE
 * @MODEL_START: held at MMUN_POINT_START
 * @MODEL_END: held at MMUN_POINT_END
 * @MODEL_EXITING: held at MMUN_POINT_EXIT
 * @MODEL_WAITS_SEQ: blocked in read_begin() or remove()
 * @MODEL_WAITS_MMAP: blocked, waits for the mmap_lock
 * @MODEL_GONE: dead
 * @MODEL_RUNS: in the middle of a step
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
 * struct model_actor - the state of an actor
 * @calls: number of calls that the actor has made
 * @where: enum model_where
 * @at: held in a callback: the range of that callback
 * @round: number of finished invalidations of the current call
 * @seq: reader: the result of begin; mutator: the sequence of its invalidation;
 *	MODEL_WAITS_SEQ: the actor waits for the end of this sequence
 * @valid: number of pages that a reader collected
 * @errnum: error of the last call, or 0
 * @result: result of the last call: the sequence that begin returned, the number
 *	of pages that collect found, whether check or commit saw a collision
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

/* A state */
struct model {
	struct model_lock lock;
	struct model_mmap_lock mmap;
	__u8 present; /* mask of the pages in the page table */
	__u8 refusals; /* number of later callbacks of A that refuse */
	__u8 dying; /* The last user of the mm is gone. */
	struct model_actor actor[MODEL_ACTORS];
};

/*
 * A record that the log must contain.  Records of START and END contain only
 * pages.
 */
struct model_record {
	__u8 type; /* enum mmun_record_type: INVALIDATE, START or END */
	__u8 actor; /* the actor that causes the record */
	__u8 event; /* enum mmun_event */
	__u8 range; /* the range that is called */
	__u8 seq; /* the sequence of the invalidation */
	__u8 first; /* first page of the invalidation */
	__u8 last; /* last page, or MODEL_ALL_PAGES */
	__u8 nonblock; /* The callback must not block. */
	__u8 refused; /* The callback returns false. */
};

#define MODEL_RECORDS 32

/* The records of one step, in order */
struct model_trace {
	int nr;
	struct model_record record[MODEL_RECORDS];
};

void model_init(struct model *m, const struct model_config *config);
/* Returns whether the actor can take a step now. */
bool model_enabled(const struct model *m, const struct model_config *config,
		   int actor);
/*
 * Take a step of the actor.  The step ends when each actor is held, idle,
 * blocked or gone.
 */
void model_step(struct model *m, const struct model_config *config, int actor,
		struct model_trace *trace);
/* Clear the results of calls, because no later step depends on them. */
void model_forget(struct model *m);

static inline bool model_is_mutator(const struct model_role *role)
{
	return role->kind >= MODEL_MADVISE && role->kind <= MODEL_FORK;
}

static inline bool model_is_held(int where)
{
	return where >= MODEL_ENTER && where <= MODEL_EXITING;
}

static inline bool model_in_callback(int where)
{
	return where == MODEL_ENTER || where == MODEL_LEAVE ||
	       where == MODEL_EXITING;
}

#endif /* _SELFTESTS_MMUN_MODEL_H */
