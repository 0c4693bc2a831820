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

/* The last page of an invalidation up to the end of the address space */
#define MODEL_ALL_PAGES 255

/* Number of nonblocking callbacks of range A that refuse */
#define MODEL_REFUSALS 1

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

/*
 * What an actor does.  model_kinds[] says it in words.  The kinds from
 * MODEL_MADVISE to MODEL_FORK are mutators.
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

struct model_kind_info {
	const char *name; /* in a configuration, before its arguments */
	char letter; /* in a schedule */
	__u8 args; /* arguments: 1: a range, 2: two pages, 0: none */
	__u8 calls; /* number of calls */
	__u8 rounds; /* invalidations in one call, at most 2 */
	__u8 event[2]; /* of each invalidation, enum mmun_event */
	bool write; /* The call takes the mmap_lock for writing. */
	const char *text; /* what the actor does, in words */
};

extern const struct model_kind_info model_kinds[MODEL_KINDS];

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
	char text[16]; /* "madvise02" */
	__u8 kind; /* enum model_kind */
	__u8 range; /* range of a reader, an inserter or a remover */
	__u8 first; /* first page of the range or of the invalidation */
	__u8 last; /* last page, or MODEL_ALL_PAGES */
};

/* A configuration: the actors, and the ranges that exist at first */
struct model_config {
	const struct model_rules *rules;
	int nr; /* number of actors */
	struct model_role role[MODEL_ACTORS];
	__u8 live; /* mask of the ranges that exist at first */
	bool no_collect; /* The kernel has no HMM, so no reader collects. */
};

/*
 * Where an actor is between two steps.  The places from MODEL_ENTER to
 * MODEL_EXITING are holds, in the order of enum mmun_point.
 */
enum model_where {
	MODEL_IDLE, /* outside of calls */
	MODEL_ENTER,
	MODEL_LEAVE,
	MODEL_START,
	MODEL_END,
	MODEL_EXITING,
	MODEL_WAITS_SEQ, /* blocked in read_begin() or remove() */
	MODEL_WAITS_MMAP, /* blocked, waits for the mmap_lock */
	MODEL_GONE, /* dead */
	MODEL_RUNS, /* in the middle of a step */
};

/* The state of an actor */
struct model_actor {
	__u8 calls; /* number of calls that the actor has made */
	__u8 where; /* enum model_where */
	__u8 at; /* held in a callback: the range of that callback */
	__u8 round; /* number of finished invalidations of the current call */
	/*
	 * reader: the result of begin; mutator: the sequence of its
	 * invalidation; MODEL_WAITS_SEQ: the sequence whose end it awaits
	 */
	__u8 seq;
	__u8 valid; /* number of pages that a reader collected */
	__u8 errnum; /* error of the last call, or 0 */
	/*
	 * of the last call: the sequence that begin returned, the number of
	 * pages that collect found, whether check or commit saw a collision
	 */
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

/* A record that the log must contain.  START and END contain only pages. */
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

static inline bool model_is_mutator(int kind)
{
	return kind >= MODEL_MADVISE && kind <= MODEL_FORK;
}

static inline bool model_is_held(int where)
{
	return where >= MODEL_ENTER && where <= MODEL_EXITING;
}

static inline bool model_is_blocked(int where)
{
	return where == MODEL_WAITS_SEQ || where == MODEL_WAITS_MMAP;
}

static inline bool model_in_callback(int where)
{
	return where == MODEL_ENTER || where == MODEL_LEAVE ||
	       where == MODEL_EXITING;
}

#endif /* _SELFTESTS_MMUN_MODEL_H */
