/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The model: the lock, the list, the mmap_lock, and the steps of the actors.  An actor is
 * a task that calls the kernel.  A step moves one actor to its next stop: the
 * actor is held or blocked, or its call has returned.
 */
#ifndef _SELFTESTS_MMUN_MODEL_H
#define _SELFTESTS_MMUN_MODEL_H

#include <stdbool.h>
#include <linux/types.h>

#include <test_mmun_uapi.h>

#include "list.h"
#include "lock.h"
#include "mmap_lock.h"
#include "two_pass.h"

/* The last page of an invalidation up to the end of the address space */
#define MODEL_ALL_PAGES 255

/*
 * A listener is a list notifier.  Register and unregister use plain listeners,
 * which have numbers.  Get and put use objects, which have keys.  The listener of
 * /dev/mmun is registered first, so a walk calls it last.
 */
#define MODEL_PLAIN 2
#define MODEL_KEYS 2
#define MODEL_LAST_LISTENER 0

/* Number of callbacks of one range that refuse an invalidation of the reaper */
#define MODEL_REFUSALS 1

struct model;

/* The rules of the model; a deliberate error replaces one rule */
struct model_rules {
	int (*start)(struct model_lock *lock, int first, int last);
	/* the same for the invalidation with the event RELEASE */
	int (*release)(struct model_lock *lock, int first, int last);
	int (*next)(const struct model_lock *lock, int first, int last,
		    int range);
	bool (*invalidate)(struct model_lock *lock, int range, __u8 seq,
			   bool refuses);
	/* whether a range asks for the second pass */
	bool (*awaits)(const struct model_passes *passes);
	/*
	 * the range whose second pass is next, or MODEL_NO_RANGE.  The range
	 * @next is the next range of the first pass, or MODEL_NO_RANGE.
	 */
	int (*finish)(const struct model_passes *passes, int next);
	/* the same after a refusal */
	int (*finish_refused)(const struct model_passes *passes, int next);
	/* The callback of a range begins. */
	void (*enter)(struct model_lock *lock, int range);
	/* The callback ends.  Returns whether waiters may go on. */
	bool (*leave)(struct model_lock *lock, int range);
	bool (*end)(struct model_lock *lock);
	/* ends an invalidation that a callback refused */
	bool (*end_refused)(struct model_lock *lock);
	void (*insert)(struct model_lock *lock, int range);
	int (*remove)(struct model_lock *lock, int range);
	bool (*begin)(const struct model_lock *lock, int range, __u8 *seq);
	bool (*retry)(const struct model_lock *lock, int range, __u8 seq);
	/* the sequence with which the readers of a range compare */
	__u8 (*clock)(const struct model_lock *lock, int range);
	/*
	 * whether the wait in begin or, if @removes is true, in remove is over.
	 * Begin returns *@seq.
	 */
	bool (*wakes)(const struct model_lock *lock, int range, bool removes,
		      __u8 *seq);
	__u8 (*downgrade)(struct model_mmap_lock *mmap);
	/* number of invalidations in one call of a mutator or of exit */
	int (*rounds)(int kind);
	/* whether a call that changes the list takes the mmap_lock */
	bool (*locks)(int kind);
	/* the next listener of a walk, after @listener or MODEL_NO_LISTENER */
	int (*next_listener)(const struct model *m, int listener);
	void (*enlist)(struct model_list *list, int listener);
	void (*unlist)(struct model_list *list, int listener);
	void (*unlist_all)(struct model_list *list);
	int (*get)(struct model_list *list, int ops);
	bool (*put)(struct model_list *list, int listener);
	/* whether the caller of unregister or put waits */
	bool (*waits)(const struct model_list *list, int listener, int kind);
	/* whether an object whose last put has returned must be freed */
	bool (*frees)(const struct model_list *list, int listener);
};

/* The right rules for ranges of MMUN_KIND_INTERVAL, and for ranges of a kind */
extern const struct model_rules model_rules;
const struct model_rules *model_rules_of(__u32 kind);

/*
 * error.c and error_kind.c: deliberate errors of the model, for negative
 * controls.  For each error, the explorer must find a disagreement between
 * kernel and model.
 */
#define MODEL_LOCK_ERRORS 24 /* the first errors are errors of the lock */
#define MODEL_ERRORS 42 /* the other errors are errors of the list */
#define MODEL_TWO_PASS_ERRORS 6
#define MODEL_INVLOCK_ERRORS 19

struct model_error {
	const char *text; /* what is wrong */
	/* the wrong rule, seldom two; the other members are NULL */
	struct model_rules wrong;
};

extern const struct model_error model_errors[MODEL_ERRORS];
extern const struct model_error model_two_pass_errors[MODEL_TWO_PASS_ERRORS];
extern const struct model_error model_invlock_errors[MODEL_INVLOCK_ERRORS];

/* Returns the rules for the kind, except that @error replaces a rule. */
struct model_rules model_rules_with(__u32 kind,
				    const struct model_error *error);

/* The arguments of an actor in a configuration */
enum model_args {
	MODEL_NO_ARGS,
	MODEL_RANGE, /* a range: "A" */
	MODEL_TWO_PAGES, /* the first and the last page: "02" */
	MODEL_NUMBER, /* a number of a listener, or a key: "0" */
};

/*
 * The kind of an actor.  Mutators are the kinds from MODEL_MADVISE to
 * MODEL_FORK.
 */
enum model_kind {
	MODEL_READER,
	MODEL_INSERTER,
	MODEL_REMOVER,
	MODEL_REGISTER,
	MODEL_UNREGISTER,
	MODEL_GET,
	MODEL_PUT,
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
	const char *name; /* the actor in a configuration, without arguments */
	char letter; /* the actor in a schedule */
	__u8 args; /* enum model_args */
	__u8 calls; /* number of calls */
	__u8 rounds; /* number of invalidations in one call, at most 2 */
	__u8 event[2]; /* enum mmun_event of each invalidation */
	bool write; /* The call takes the mmap_lock for writing. */
	const char *text; /* what the actor does, in words */
};

extern const struct model_kind_info model_kinds[MODEL_KINDS];

/* The calls of a reader, in the order of the calls */
enum model_call {
	MODEL_BEGIN,
	MODEL_COLLECT,
	MODEL_CHECK,
	MODEL_COMMIT,
	MODEL_DONE,
};

/* One actor of a configuration */
struct model_role {
	char text[16]; /* "madvise02" */
	__u8 kind; /* enum model_kind */
	/*
	 * the range that a reader, an inserter or a remover uses, the number of
	 * the plain listener that register or unregister uses, or the key that
	 * get or put uses
	 */
	__u8 range;
	__u8 first; /* first page of the range or of the invalidation */
	__u8 last; /* last page, or MODEL_ALL_PAGES */
};

/* A configuration: the actors, and the ranges before the first step */
struct model_config {
	const struct model_rules *rules;
	__u32 kind; /* enum mmun_kind of the ranges */
	int nr; /* number of actors */
	struct model_role role[MODEL_ACTORS];
	__u8 live; /* mask of the ranges that exist before the first step */
	__u8 plain; /* mask of the plain listeners that actors use */
	__u8 listed; /* mask of the plain listeners that exist at the start */
	/* number of users that the object of each key has at the start */
	__u8 users[MODEL_KEYS];
	bool no_collect; /* Readers skip collect on a kernel without HMM. */
};

/*
 * The stop of an actor between two steps.  The values from MODEL_ENTER to
 * MODEL_EXITING are holds, in the order of enum mmun_point.  MODEL_CALLED is a
 * hold of /dev/mmun_list.
 */
enum model_where {
	MODEL_IDLE, /* makes no call */
	MODEL_ENTER,
	MODEL_LEAVE,
	MODEL_START,
	MODEL_END,
	MODEL_EXITING,
	MODEL_CALLED, /* in invalidate_range_start() of a listener */
	MODEL_WAITS_SEQ, /* blocked in read_begin() or remove() */
	MODEL_WAITS_MMAP, /* blocked until the actor gets the mmap_lock */
	MODEL_WAITS_READERS, /* blocked in unregister() by a read section */
	/*
	 * blocked by later read sections, or idle.  The kernel may wait for read
	 * sections that began after unregister(), and need not.
	 */
	MODEL_MAY_WAIT,
	MODEL_GONE, /* has exited */
	MODEL_RUNS, /* moves; only in the middle of a step */
};

/* The state of an actor */
struct model_actor {
	__u8 calls; /* number of calls that the actor has made */
	__u8 where; /* enum model_where */
	__u8 at; /* the range or the listener whose callback holds the actor */
	__u8 round; /* number of ended invalidations of the current call */
	struct model_passes passes; /* of the current invalidation */
	/*
	 * the sequence that begin returned, the sequence of the invalidation of
	 * a mutator, or what a remover awaits
	 */
	__u8 seq;
	__u8 valid; /* number of pages that a reader collected */
	__u8 errnum; /* error of the last call, or 0 */
	/*
	 * result of the last call: the sequence of begin, the number of pages
	 * of collect, whether check or commit saw a collision, or the listener
	 * that get returned
	 */
	__u8 result;
};

/* A state of the model */
struct model {
	struct model_lock lock;
	struct model_mmap_lock mmap;
	__u8 present; /* mask of the pages in the page table */
	__u8 refusals; /* number of later callbacks that refuse */
	__u8 dying; /* The mm has no users any more. */
	struct model_list list;
	__u8 plain[MODEL_PLAIN]; /* the plain listener with each number */
	__u8 object[MODEL_KEYS]; /* the objects that exist at the start */
	__u8 holds; /* mask of the listeners that hold the actors in start */
	/* for each listener that has left the list, the one after it */
	__u8 next[MODEL_LISTENERS];
	__u8 freed; /* number of objects that were freed */
	struct model_actor actor[MODEL_ACTORS];
};

/* A record that the log must contain; START and END records have only pages */
struct model_record {
	__u8 type; /* enum mmun_record_type: INVALIDATE, START or END */
	__u8 actor; /* the actor that causes the record */
	__u8 event; /* enum mmun_event */
	__u8 range; /* the range whose callback is called */
	__u8 seq; /* the sequence of the invalidation */
	__u8 first; /* first page of the invalidation */
	__u8 last; /* last page, or MODEL_ALL_PAGES */
	__u8 nonblock; /* The callback must not block. */
	__u8 refused; /* The callback returns false. */
	__u8 second; /* The callback has a second pass. */
};

#define MODEL_RECORDS 32

/* A record that the log of /dev/mmun_list must contain */
struct model_called {
	__u8 actor; /* the actor that calls the callback */
	__u8 listener;
	__u8 callback; /* enum model_callback, or 0: alloc_notifier() */
	__u8 event; /* enum mmun_event of a start or an end */
};

/*
 * The records that one step adds to the log of /dev/mmun, and to the log of
 * /dev/mmun_list, in the order of the logs
 */
struct model_trace {
	int nr;
	struct model_record record[MODEL_RECORDS];
	int nr_called;
	struct model_called called[MODEL_RECORDS];
	bool is_wrong; /* The step breaks a rule of list.h. */
};

void model_init(struct model *m, const struct model_config *config);
/* Returns whether the actor can take a step now. */
bool model_enabled(const struct model *m, const struct model_config *config,
		   int actor);
/*
 * Make the actor take a step, and store the expected records in @trace.  The
 * step ends when each actor is held, idle, blocked or gone.
 */
void model_step(struct model *m, const struct model_config *config, int actor,
		struct model_trace *trace);
/* Clear the results of calls, on which no later step depends. */
void model_forget(struct model *m);

/* Returns whether the actor uses /dev/mmun_list. */
static inline bool model_uses_list(int kind)
{
	return kind >= MODEL_REGISTER && kind <= MODEL_PUT;
}

/*
 * Returns the range that refuses invalidations of the reaper: A.  Of ranges with
 * two passes, C refuses, so that A has a second pass after the refusal.
 */
static inline int model_refuser(const struct model_config *config)
{
	return config->kind == MMUN_KIND_TWO_PASS ? 2 : 0;
}

/* Returns whether the ranges are interval notifiers. */
static inline bool model_uses_intervals(const struct model_config *config)
{
	return config->kind != MMUN_KIND_INVLOCK;
}

static inline bool model_is_mutator(int kind)
{
	return kind >= MODEL_MADVISE && kind <= MODEL_FORK;
}

static inline bool model_is_held(int where)
{
	return where >= MODEL_ENTER && where <= MODEL_CALLED;
}

static inline bool model_is_blocked(int where)
{
	return where >= MODEL_WAITS_SEQ && where <= MODEL_WAITS_READERS;
}

static inline bool model_in_callback(int where)
{
	return where == MODEL_ENTER || where == MODEL_LEAVE ||
	       where == MODEL_EXITING;
}

#endif /* _SELFTESTS_MMUN_MODEL_H */
