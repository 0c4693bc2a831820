/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A race: the mutator, which is the thread of the test, changes an mm while other
 * threads, the actors, use the device.
 *
 * All choices are drawn from a seed.  MMUN_SEED=N makes the same choices again,
 * but the scheduler may order them in another way.  A race that was not hit
 * proves nothing.  So the mutator plays rounds until there were enough
 * collisions, and the test fails if there were not.
 */
#ifndef _SELFTESTS_MMUN_RACE_H
#define _SELFTESTS_MMUN_RACE_H

#include <stdarg.h>
#include "mmun.h"
#include "random.h"

#define RACE_PAGES 16
#define ACTORS 2
#define ENOUGH 20 /* collisions, and pages compared */
#define ROUNDS 30 /* minimum of the mutator's rounds */
#define PATIENCE 200 /* maximum of the rounds, as a multiple of the minimum */
#define YIELDS 1000000 /* bound of each wait for a thread */

struct race;

/* Replace pages by empty pages. */
typedef void (*replace_fn)(struct race *race, char *at, size_t length);

/**
 * struct actor - a thread of the race, or the mutator
 * @dice: state of its random numbers
 * @act: what the thread does in each turn
 * @turns: number of finished turns
 * @id: the range on which it works
 * @first: first page of that range
 * @pages: pages of that range
 */
struct actor {
	struct race *race;
	pthread_t thread;
	__u64 dice;
	void (*act)(struct actor *actor);
	int turns;
	__u32 id;
	int first;
	int pages;
};

/**
 * struct race - what the threads share
 * @id: a range of all pages, or 0
 * @spare: one page elsewhere
 * @files: files of RACE_PAGES pages each, if a test needs them
 * @rounds: minimum of the mutator's rounds
 * @nr_actors: threads beside the mutator, at most ACTORS
 * @stop: the actors must return
 * @wrong: whether an error occurred; @what describes the first error
 * @checked: number of pages compared
 * @written: value of the latest device write
 * @epoch: odd while no device may write
 * @replace: how race_test replaces pages
 * @low: see the table in race_test.c
 * @high: see the table in race_test.c
 * @stable: see the table in race_test.c
 */
struct race {
	int fd;
	__u32 id;
	char *map;
	char *spare;
	int files[2];
	size_t page;
	size_t length;
	__u64 seed;
	int rounds;
	int nr_actors;
	bool stop;
	bool wrong;
	char what[160];
	__u64 collisions;
	__u64 checked;
	__u64 written;
	__u32 epoch;
	replace_fn replace;
	__u32 low[RACE_PAGES];
	__u32 high[RACE_PAGES];
	__u32 stable[RACE_PAGES];
	struct actor mutator;
	struct actor actors[ACTORS];
};

#define race_load(ptr) __atomic_load_n(ptr, __ATOMIC_SEQ_CST)
#define race_store(ptr, value) __atomic_store_n(ptr, value, __ATOMIC_SEQ_CST)
#define race_add(ptr, value) __atomic_add_fetch(ptr, value, __ATOMIC_SEQ_CST)

static inline void wrong(struct race *race, const char *fmt, ...)
{
	va_list args;

	if (__atomic_exchange_n(&race->wrong, true, __ATOMIC_SEQ_CST))
		return;
	va_start(args, fmt);
	vsnprintf(race->what, sizeof(race->what), fmt, args);
	va_end(args);
}

/* Report that @call failed, with errno. */
static inline void failed(struct race *race, const char *call)
{
	wrong(race, "%s: %s", call, strerror(errno));
}

static inline __u64 roll(struct actor *actor, __u64 sides)
{
	return mmun_random_below(&actor->dice, sides);
}

static inline char *page_at(struct race *race, int page)
{
	return race->map + page * race->page;
}

/* The first word of a page */
static inline __u64 stamp(int page, __u32 generation)
{
	return (__u64)(page + 1) << 32 | generation;
}

/* Returns -1 with errno if the device has no entry for the page. */
static inline int device_read(struct actor *actor, int page, __u64 *value)
{
	struct race *race = actor->race;
	__u64 done;

	return _mmun_access(race->fd, actor->id, page_at(race, page),
			    sizeof(*value), value, 0, &done);
}

/* Reading the page tables */

/* The memory has a hole or denies the access, or the mm has no users. */
static inline bool is_tolerable(int errnum)
{
	return errnum == EFAULT || errnum == EACCES || errnum == ESRCH;
}

static inline void gather_whole(struct actor *actor, __u32 method, __u32 flags)
{
	struct race *race = actor->race;
	struct mmun_snapshot snap = {
		.id = actor->id,
		.start = mmun_u64(page_at(race, actor->first)),
		.length = actor->pages * race->page,
		.method = method,
		.flags = flags | (roll(actor, 2) ? MMUN_OWN_LOOP : 0),
		.max_retries = roll(actor, 4),
	};

	if (!_mmun_snapshot(race->fd, &snap))
		race_add(&race->collisions,
			 snap.out_retries + snap.out_collided);
	else if (!is_tolerable(errno))
		failed(race, "MMUN_SNAPSHOT");
}

/* Collect two parts, and yield after each. */
static inline int collect_parts(struct actor *actor, struct mmun_token token,
				__u32 method, __u32 flags, __u32 *valid)
{
	struct race *race = actor->race;
	char *start = page_at(race, actor->first);
	size_t first = (actor->pages + 1) / 2, second = actor->pages / 2;
	__u32 more = 0;

	if (_mmun_collect(race->fd, token, start, first * race->page, method,
			  flags, valid))
		return -1;
	sched_yield();
	if (second && _mmun_collect(race->fd, token, start + first * race->page,
				    second * race->page, method, flags, &more))
		return -1;
	sched_yield();
	*valid += more;
	return 0;
}

/* Returns the number of pages that one commit published, or -1. */
static inline int gather_in_steps(struct actor *actor, __u32 method,
				  __u32 flags)
{
	struct race *race = actor->race;
	struct mmun_commit commit = {};
	struct mmun_token token;
	__u32 valid = 0;
	int error;

	if (_mmun_read_begin(race->fd, actor->id, &token)) {
		failed(race, "MMUN_READ_BEGIN");
		return -1;
	}
	if (collect_parts(actor, token, method, flags, &valid)) {
		error = errno;
		_mmun_abandon(race->fd, token);
		race_add(&race->collisions, error == EBUSY);
		if (error != EBUSY && !is_tolerable(error))
			wrong(race, "MMUN_COLLECT: %s", strerror(error));
		return -1;
	}
	if (_mmun_commit(race->fd, token, &commit))
		failed(race, "MMUN_COMMIT");
	race_add(&race->collisions, commit.out_collided);
	return commit.out_collided ? -1 : valid;
}

static inline void gather(struct actor *actor, __u32 method, __u32 flags)
{
	if (roll(actor, 2))
		gather_whole(actor, method, flags);
	else
		gather_in_steps(actor, method, flags);
}

static inline void verify(struct actor *actor)
{
	struct mmun_verify cmd;

	if (_mmun_verify(actor->race->fd, actor->id, &cmd))
		failed(actor->race, "MMUN_VERIFY");
	else if (cmd.out_result == MMUN_VERIFY_DIFFERS)
		wrong(actor->race, "at %llx: shadow %llx, page tables %llx",
		      (unsigned long long)cmd.out_addr,
		      (unsigned long long)cmd.out_shadow,
		      (unsigned long long)cmd.out_pte);
}

/* Threads and rounds */

static inline void actor_init(struct actor *actor, struct race *race,
			      int number)
{
	*actor = (struct actor){
		.race = race,
		.dice = race->seed * 1000003 + number,
		.id = race->id,
		.pages = RACE_PAGES,
	};
}

static inline void *actor_main(void *arg)
{
	struct actor *actor = arg;

	for (; !race_load(&actor->race->stop); actor->turns++)
		actor->act(actor);
	return NULL;
}

static inline int actors_start(struct race *race,
			       void (*act)(struct actor *actor))
{
	struct actor *actor;
	int i;

	race_store(&race->stop, false);
	for (i = 0; i < race->nr_actors; i++) {
		actor = &race->actors[i];
		actor_init(actor, race, i + 1);
		actor->act = act;
		if (pthread_create(&actor->thread, NULL, actor_main, actor))
			return -1;
	}
	return 0;
}

static inline void actors_stop(struct race *race)
{
	int i;

	race_store(&race->stop, true);
	for (i = 0; i < race->nr_actors; i++)
		pthread_join(race->actors[i].thread, NULL);
}

static inline bool needs_round(struct race *race, int round)
{
	if (race_load(&race->wrong) || round >= race->rounds * PATIENCE)
		return false;
	return round < race->rounds || race_load(&race->collisions) < ENOUGH ||
	       race_load(&race->checked) < ENOUGH;
}

/* Play rounds of the mutator while the actors act. */
static inline int race_run(struct race *race, void (*act)(struct actor *actor),
			   void (*play)(struct actor *mutator, int round))
{
	int round;

	actor_init(&race->mutator, race, 0);
	if (actors_start(race, act))
		return -1;
	for (round = 0; needs_round(race, round); round++) {
		play(&race->mutator, round);
		sched_yield();
	}
	actors_stop(race);
	return 0;
}

/*
 * Yield until the counter has reached @value.  Returns false after YIELDS
 * yields.
 */
static inline bool wait_for(__u64 *counter, __u64 value)
{
	unsigned long yields;

	for (yields = 0; yields < YIELDS; yields++) {
		if (race_load(counter) >= value)
			return true;
		sched_yield();
	}
	return false;
}

/* Set the generation of all pages. */
static inline void race_set_generation(struct race *race, __u32 generation)
{
	int i;

	for (i = 0; i < RACE_PAGES; i++) {
		race_store(&race->low[i], generation);
		race_store(&race->high[i], generation);
		race_store(&race->stable[i], generation);
	}
}

static inline void race_stamp_all(struct race *race, __u32 generation)
{
	int i;

	for (i = 0; i < RACE_PAGES; i++)
		race_store((__u64 *)page_at(race, i), stamp(i, generation));
}

static inline int race_init(struct race *race)
{
	race->seed = mmun_seed(1);
	race->rounds = ROUNDS;
	race->nr_actors = ACTORS;
	race->page = sysconf(_SC_PAGESIZE);
	race->length = RACE_PAGES * race->page;
	race->fd = mmun_open();
	race->map = mmun_arena(RACE_PAGES);
	race->spare = mmun_arena(1);
	if (race->fd < 0 || !race->map || !race->spare ||
	    !mmun_map(race->map, race->length))
		return -1;
	race_set_generation(race, 1);
	race_stamp_all(race, 1);
	return 0;
}

/* The fixture of a race */
#define RACE_FIXTURE \
	int fd;      \
	struct race race

#define setup_race()                                  \
	do {                                          \
		ASSERT_EQ(0, race_init(&self->race)); \
		self->fd = self->race.fd;             \
	} while (0)

/* Like setup_race(), with a range of all pages */
#define setup_race_range()                                              \
	do {                                                            \
		setup_race();                                           \
		self->race.id =                                         \
			mmun_insert(self->race.map, self->race.length); \
	} while (0)

/* The actors must have returned. */
#define expect_race()                                              \
	do {                                                       \
		struct race *__r = &self->race;                    \
		EXPECT_EQ(false, __r->wrong)                       \
		{                                                  \
			TH_LOG("%s", __r->what);                   \
		}                                                  \
		EXPECT_LE(ENOUGH, __r->collisions);                \
		EXPECT_LE(ENOUGH, __r->checked);                   \
		printf("# %llu collisions, %llu pages compared\n", \
		       (unsigned long long)__r->collisions,        \
		       (unsigned long long)__r->checked);          \
		fflush(stdout);                                    \
	} while (0)

/* Most tests consist of this statement only. */
#define run_race(_act, _play)                                     \
	do {                                                      \
		mmun_need_feature(MMUN_FEATURE_HMM);              \
		ASSERT_EQ(0, race_run(&self->race, _act, _play)); \
		if (self->race.id)                                \
			mmun_verify(self->race.id);               \
		expect_race();                                    \
	} while (0)

#endif /* _SELFTESTS_MMUN_RACE_H */
