/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Actors: coroutines that call the kernel.  One actor runs at a time.  An actor
 * stops at a point, before it takes a lock, waits, or accesses a word on which
 * actors race.  A step moves one actor from its point to its next point.
 *
 * The whole state is in struct world, so that the search saves and restores a
 * state by copying bytes.
 */
#ifndef _MMU_NOTIFIER_ACTOR_H
#define _MMU_NOTIFIER_ACTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_ACTORS 8
#define STACK_BYTES 16384
/* The words of the heap for each actor, and for what exists before step 1 */
#define ACTOR_WORDS 160
#define HEAP_WORDS ((MAX_ACTORS + 1) * ACTOR_WORDS)
#define MAX_HELD 6

/* What an actor awaits at its point */
enum wait {
	WAIT_NOTHING,
	WAIT_LOCK, /* until nobody holds the lock */
	WAIT_WRITE, /* until the rw_semaphore has no holder */
	WAIT_READ, /* until the rw_semaphore has no writer */
	WAIT_WAKE, /* until a task wakes the wait queue */
	WAIT_SRCU, /* until the earlier SRCU readers have ended */
	WAIT_BARRIER, /* until the earlier SRCU callbacks have returned */
	WAIT_CALLBACK, /* until an SRCU callback can run */
	WAIT_EVER, /* the actor has ended */
};

struct held {
	void *lock;
	bool write;
};

struct actor {
	void *sp;
	void *object; /* what the actor awaits, or accesses next */
	const void *pc; /* the code that runs next */
	uint8_t wait; /* enum wait */
	uint8_t started;
	uint8_t split; /* The next access to a shared word is a point. */
	uint8_t repeats; /* The step goes on with a new attempt. */
	uint8_t woken;
	uint8_t in_map; /* inside of an invalidation, for lockdep */
	uint8_t atomic; /* depth of sections that must not sleep */
	uint8_t exits; /* releases the notifiers of the mm */
	uint8_t must_not_block; /* The invalidation must not block. */
	uint8_t in_srcu; /* depth of SRCU read sections */
	uint8_t srcu_waits; /* the SRCU readers that the actor awaits */
	uint8_t srcu_behind; /* the number of SRCU callbacks that the actor awaits */
	uint8_t allocated; /* words of the heap */
	uint8_t nr_allocs; /* calls of kzalloc() */
	uint8_t nr_held;
	struct held held[MAX_HELD];
};

/* A function that runs when the SRCU readers in @waits have ended */
struct srcu_callback {
	void *head;
	void (*run)(void *head);
	uint64_t waits;
};

#define MAX_CALLBACKS 4

struct world {
	struct actor actor[MAX_ACTORS];
	uint8_t nr;
	uint8_t setup_words;
	uint8_t nr_callbacks;
	struct srcu_callback callback[MAX_CALLBACKS];
	uint64_t alive[(HEAP_WORDS + 63) / 64];
	uint64_t shadow[32]; /* the state of the oracles, see refine.c */
	uint64_t list_shadow[26]; /* the same, see refine_list.c */
	/* From here on, a state has only the parts that are in use. */
	uint64_t heap[HEAP_WORDS];
	char stack[MAX_ACTORS][STACK_BYTES] __attribute__((aligned(64)));
};

extern struct world world;
/* The actor that runs, or NULL before the first step and in the search */
extern struct actor *me;

/* Text of the property that the running step violated, or "" */
extern char violation[512];
/* The addresses behind the calls that led to the violation, the innermost first */
#define MAX_CALLERS 16
extern const void *violation_callers[MAX_CALLERS];

void actor_add(void (*run)(void *arg), void *arg);
/* Returns whether the actor can take a step. */
bool actor_enabled(const struct actor *actor);
/* Returns the mask of the actors that can take a step. */
unsigned int actors_enabled(void);
/* Make the actor take a step. */
void actor_step(struct actor *actor);
/* From now on, an actor that uses an invalid pointer violates a property. */
void actor_catch_faults(void);
/* Stop the running actor until the search chooses it and @wait is over. */
void actor_stop(enum wait wait, void *object, const void *pc);
/*
 * Call @attempt until it returns true.  The variables of an attempt are not a part
 * of the state in the next attempt, so equal states are recognized.
 */
void actor_repeat(bool (*attempt)(void *arg), void *arg);
/* Report a violated property.  Does not return inside of an actor. */
void violate(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Push the registers that a function must preserve, store the stack pointer in
 * @save, and continue on the stack @load.
 */
void switch_stack(void **save, void *load);

static inline int actor_index(const struct actor *actor)
{
	return actor - world.actor;
}

#define CALLER __builtin_return_address(0)

#endif /* _MMU_NOTIFIER_ACTOR_H */
