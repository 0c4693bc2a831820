/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Runs a race.  The mutator, which is the first thread of the test, changes the
 * mm.  At the same time other threads, the actors, use the device.
 *
 * A seed determines all random choices.  MMUN_SEED=N repeats the choices of
 * each thread, but the threads may run in another order.  The mutator changes
 * the mm in rounds, until enough batches collided with the changes.  The test
 * fails if too few batches collided.
 */
#ifndef _SELFTESTS_MMUN_RACE_H
#define _SELFTESTS_MMUN_RACE_H

#include <stdarg.h>
#include <stdatomic.h>
#include "mmun.h"
#include "random.h"

#define RACE_PAGES 16
#define ACTORS 2
#define ENOUGH 20 /* fewest collisions, and fewest compared pages */
#define ROUNDS 30 /* minimum number of rounds of the mutator */
#define PATIENCE 200 /* maximum number of rounds, divided by the minimum */
#define YIELDS 1000000 /* limit of the yields in wait_for_checks() */

/*
 * struct race - the data that all threads of a race share
 * @id: the ID of a range over all pages, or 0
 * @rounds: minimum number of rounds of the mutator
 * @nr_actors: number of actors, at most ACTORS
 * @act: the function that an actor calls in each turn
 * @stop: whether the actors must return
 * @wrong: whether an error occurred; @what describes the first error
 * @checked: number of pages that devices accessed, plus compared batches
 */
static struct race {
	int fd;
	__u32 id;
	char *map;
	size_t page;
	size_t length;
	__u64 seed;
	int rounds;
	int nr_actors;
	pthread_t actors[ACTORS];
	void (*act)(void);
	atomic_bool stop;
	atomic_bool wrong;
	char what[160];
	atomic_ullong collisions;
	atomic_ullong checked;
} race = { .rounds = ROUNDS, .nr_actors = ACTORS };

/**
 * struct actor - the state of the calling thread: of an actor or of the mutator
 * @dice: state of the random numbers of the thread
 * @turns: number of finished calls of race.act()
 * @id: the range on which the thread works
 * @first: number of the first page of the range @id
 * @pages: number of pages of the range @id
 */
static __thread struct actor {
	__u64 dice;
	int turns;
	__u32 id;
	int first;
	int pages;
} actor;

static inline void wrong(const char *fmt, ...)
{
	va_list args;

	if (atomic_exchange(&race.wrong, true))
		return;
	va_start(args, fmt);
	vsnprintf(race.what, sizeof(race.what), fmt, args);
	va_end(args);
}

/* Report an error: @call failed with errno. */
static inline void failed(const char *call)
{
	wrong("%s: %s", call, strerror(errno));
}

/* Report an error unless @_success is true.  Evaluates to @_success. */
#define must(_success)                     \
	({                                 \
		bool __success = _success; \
		if (!__success)            \
			failed(#_success); \
		__success;                 \
	})

static inline __u64 roll(__u64 sides)
{
	return mmun_random_below(&actor.dice, sides);
}

static inline char *page_at(int page)
{
	return race.map + page * race.page;
}

/* Returns the first word that page @page has in generation @generation. */
static inline __u64 stamp(int page, __u32 generation)
{
	return (__u64)(page + 1) << 32 | generation;
}

static inline void race_stamp(int page, __u32 generation)
{
	*(atomic_ullong *)page_at(page) = stamp(page, generation);
}

static inline void race_stamp_all(__u32 generation)
{
	for (int i = 0; i < RACE_PAGES; i++)
		race_stamp(i, generation);
}

/*
 * Access the first word of a page, as a device would.  Returns whether the
 * shadow has an entry that allows the access.
 */
static inline bool device_access(int page, __u64 *value, __u32 flags)
{
	__u64 done;

	if (!_mmun_access(race.fd, actor.id, page_at(page), sizeof(*value),
			  value, flags, &done)) {
		race.checked++;
		return true;
	}
	if (errno != EFAULT)
		failed("MMUN_ACCESS");
	return false;
}

/* Reading the page tables */

/* Returns a random method.  The methods are 0 to MMUN_METHOD_GUP. */
static inline __u32 roll_method(void)
{
	return roll(MMUN_METHOD_GUP + 1);
}

/*
 * Report an error of @call, unless the memory has a hole, a page forbids the
 * access, or the mm has no users.
 */
static inline void tolerate(const char *call)
{
	if (errno != EFAULT && errno != EACCES && errno != ESRCH)
		failed(call);
}

static inline void gather_whole(__u32 method, __u32 flags)
{
	struct mmun_snapshot snap = {
		.id = actor.id,
		.start = mmun_u64(page_at(actor.first)),
		.length = actor.pages * race.page,
		.method = method,
		.flags = flags | (roll(2) ? MMUN_OWN_LOOP : 0),
		.max_retries = roll(4),
	};

	if (_mmun_snapshot(race.fd, &snap))
		tolerate("MMUN_SNAPSHOT");
	else
		race.collisions += snap.out_retries + snap.out_collided;
}

/*
 * Collect the pages of the range in two parts, and yield after each part.
 * Returns the number of valid pages, or -1.
 */
static inline int collect_parts(struct mmun_token token, __u32 method,
				__u32 flags)
{
	int nr = (actor.pages + 1) / 2, sum = 0;
	__u32 valid;

	for (int i = 0; i < actor.pages; i += nr, nr = actor.pages - i) {
		if (_mmun_collect(race.fd, token, page_at(actor.first + i),
				  nr * race.page, method, flags, &valid))
			return -1;
		sched_yield();
		sum += valid;
	}
	return sum;
}

/* Collect and commit a batch.  Returns the number of published pages, or -1. */
static inline int gather_in_steps(__u32 method, __u32 flags)
{
	struct mmun_commit commit = {};
	struct mmun_token token;
	int valid;

	if (!must(!_mmun_read_begin(race.fd, actor.id, &token)))
		return -1;
	valid = collect_parts(token, method, flags);
	if (valid < 0) {
		if (errno == EBUSY)
			race.collisions++;
		else
			tolerate("MMUN_COLLECT");
		_mmun_abandon(race.fd, token);
		return -1;
	}
	must(!_mmun_commit(race.fd, token, &commit));
	race.collisions += commit.out_collided;
	return commit.out_collided ? -1 : valid;
}

static inline void gather(__u32 method, __u32 flags)
{
	if (roll(2))
		gather_whole(method, flags);
	else
		gather_in_steps(method, flags);
}

static inline void verify(void)
{
	struct mmun_verify cmd;

	if (must(!_mmun_verify(race.fd, actor.id, &cmd)) &&
	    cmd.out_result == MMUN_VERIFY_DIFFERS)
		wrong("at %llx: shadow %llx, page tables %llx",
		      (unsigned long long)cmd.out_addr,
		      (unsigned long long)cmd.out_shadow,
		      (unsigned long long)cmd.out_pte);
}

/* Threads and rounds */

static inline void actor_init(int number)
{
	actor = (struct actor){
		.dice = race.seed * 1000003 + number,
		.id = race.id,
		.pages = RACE_PAGES,
	};
}

static inline void *actor_main(void *number)
{
	actor_init((intptr_t)number);
	for (; !race.stop; actor.turns++)
		race.act();
	return NULL;
}

static inline int actors_start(void (*act)(void))
{
	race.stop = false;
	race.act = act;
	for (intptr_t i = 0; i < race.nr_actors; i++)
		if (pthread_create(&race.actors[i], NULL, actor_main,
				   (void *)(i + 1)))
			return -1;
	return 0;
}

static inline void actors_stop(void)
{
	race.stop = true;
	for (int i = 0; i < race.nr_actors; i++)
		pthread_join(race.actors[i], NULL);
}

static inline bool needs_round(int round)
{
	if (race.wrong || round >= race.rounds * PATIENCE)
		return false;
	return round < race.rounds || race.collisions < ENOUGH ||
	       race.checked < ENOUGH;
}

/* Call @play for each round of the mutator, while the actors call @act. */
static inline int race_run(void (*act)(void), void (*play)(int round))
{
	actor_init(0);
	if (actors_start(act))
		return -1;
	for (int round = 0; needs_round(round); round++) {
		play(round);
		sched_yield();
	}
	actors_stop();
	return 0;
}

/*
 * Yield until the actors have added @more to race.checked.  Returns false if
 * this does not happen within YIELDS yields.
 */
static inline bool wait_for_checks(int more)
{
	__u64 enough = race.checked + more;

	for (int yields = 0; yields < YIELDS; yields++) {
		if (race.checked >= enough)
			return true;
		sched_yield();
	}
	return false;
}

static inline void race_init(int fd, char *map)
{
	race.fd = fd;
	race.map = map;
	race.page = sysconf(_SC_PAGESIZE);
	race.length = RACE_PAGES * race.page;
	race.seed = mmun_seed(1);
	race_stamp_all(1);
}

/*
 * The setup of a race, in a fixture with MMUN_FIXTURE.  A test may map page
 * RACE_SPARE of the arena, between two pages without access.
 */
#define RACE_SPARE (RACE_PAGES + 1)
#define setup_race()                                                          \
	do {                                                                  \
		mmun_setup_arena(RACE_SPARE + 1);                             \
		ASSERT_NE(NULL, mmun_map(self->map, mmun_pages(RACE_PAGES))); \
		race_init(self->fd, self->map);                               \
	} while (0)

/* Like setup_race(), with a range over all RACE_PAGES pages */
#define setup_race_range()                                    \
	do {                                                  \
		setup_race();                                 \
		race.id = mmun_insert(race.map, race.length); \
	} while (0)

/* Check the results of a race after the actors have returned. */
#define expect_race()                                              \
	do {                                                       \
		EXPECT_FALSE(race.wrong)                           \
		{                                                  \
			TH_LOG("%s", race.what);                   \
		}                                                  \
		EXPECT_LE(ENOUGH, race.collisions);                \
		EXPECT_LE(ENOUGH, race.checked);                   \
		printf("# %llu collisions, %llu pages compared\n", \
		       race.collisions, race.checked);             \
		fflush(stdout);                                    \
	} while (0)

/* Run a race, and check its results. */
#define run_race(_act, _play)                        \
	do {                                         \
		mmun_need_feature(MMUN_FEATURE_HMM); \
		ASSERT_EQ(0, race_run(_act, _play)); \
		if (race.id)                         \
			mmun_verify(race.id);        \
		expect_race();                       \
	} while (0)

#endif /* _SELFTESTS_MMUN_RACE_H */
