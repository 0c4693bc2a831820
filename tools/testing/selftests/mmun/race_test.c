// SPDX-License-Identifier: GPL-2.0
/*
 * Invalidations race with devices that read without a pause.  No device may
 * read a page that was replaced.  See race.h.
 *
 * Each page has a generation, which is stamped on its first word.
 *
 *   mutator              low   high  stable   a device may read
 *   ------------------   ---   ----  ------   -----------------
 *                         g     g      g      g
 *   high = g + 1          g    g+1     g      g
 *   stable = 0            g    g+1     0      g, g + 1, or 0
 *   replace the page      g    g+1     0      g, g + 1, or 0
 *   low = g + 1          g+1   g+1     0      g + 1, or 0
 *   stamp the page       g+1   g+1     0      g + 1, or 0
 *   stable = g + 1       g+1   g+1    g+1     g + 1
 */
#include "lib/process.h"
#include "lib/race.h"

#define LOOKS 4 /* number of pages compared after one read of the page tables */
#define LOG_RECORDS 16384
#define INSERTS \
	2000 /* limit for each thread, so that the log is large enough */
#define VICTIMS 200 /* limit; two or three victims are enough */
#define ATTEMPTS 20

static void look_at(struct actor *actor, int page)
{
	struct race *race = actor->race;
	__u32 low = race_load(&race->low[page]);
	__u32 before = race_load(&race->stable[page]);
	__u32 high, after;
	__u64 value;

	if (device_read(actor, page, &value)) {
		if (errno != EFAULT)
			failed(race, "MMUN_ACCESS");
		return;
	}
	after = race_load(&race->stable[page]);
	high = race_load(&race->high[page]);
	race_add(&race->checked, 1);
	if (before && before == after) {
		low = before;
		high = before;
	} else if (!value) {
		return;
	}
	if (value < stamp(page, low) || value > stamp(page, high))
		wrong(race, "page %d has %llx, but is of generation %u to %u",
		      page, (unsigned long long)value, low, high);
}

static void gather_and_look(struct actor *actor)
{
	static const __u32 methods[] = {
		MMUN_METHOD_HMM_FAULT,
		MMUN_METHOD_HMM_NOFAULT,
		MMUN_METHOD_GUP,
	};
	int i;

	gather(actor, methods[roll(actor, ARRAY_SIZE(methods))], 0);
	for (i = 0; i < LOOKS; i++)
		look_at(actor, actor->first + roll(actor, actor->pages));
}

/* Ways to replace pages by empty pages */

static void replace_dontneed(struct race *race, char *at, size_t length)
{
	if (madvise(at, length, MADV_DONTNEED))
		failed(race, "madvise");
}

static void replace_map_fixed(struct race *race, char *at, size_t length)
{
	if (!mmun_map(at, length))
		failed(race, "mmap");
}

static void replace_munmap(struct race *race, char *at, size_t length)
{
	if (munmap(at, length))
		failed(race, "munmap");
	sched_yield();
	replace_map_fixed(race, at, length);
}

/* The first page moves elsewhere, and gets content that no device may read. */
static void replace_mremap(struct race *race, char *at, size_t length)
{
	if (mremap(at, race->page, race->page, MREMAP_MAYMOVE | MREMAP_FIXED,
		   race->spare) == MAP_FAILED)
		failed(race, "mremap");
	else
		memset(race->spare, 0xff, race->page);
	replace_map_fixed(race, at, length);
}

/* Replace pages, and stamp the new pages, see the table above. */
static void replace(struct race *race, int first, int pages)
{
	__u32 generation;
	int i;

	for (i = first; i < first + pages; i++) {
		race_store(&race->high[i], race->high[i] + 1);
		race_store(&race->stable[i], 0);
	}
	race->replace(race, page_at(race, first), pages * race->page);
	for (i = first; i < first + pages; i++) {
		generation = race->high[i];
		race_store(&race->low[i], generation);
		if (!race_load(&race->wrong))
			race_store((__u64 *)page_at(race, i),
				   stamp(i, generation));
		race_store(&race->stable[i], generation);
	}
}

static void replace_some(struct actor *mutator, int round)
{
	int pages = 1 + roll(mutator, 4);

	replace(mutator->race, roll(mutator, RACE_PAGES - pages + 1), pages);
	if (round % 16 == 0)
		verify(mutator);
}

FIXTURE(race)
{
	RACE_FIXTURE;
};

FIXTURE_VARIANT(race)
{
	replace_fn replace;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(race, munmap) { replace_munmap };
FIXTURE_VARIANT_ADD(race, mmap_fixed) { replace_map_fixed };
FIXTURE_VARIANT_ADD(race, madvise) { replace_dontneed };
FIXTURE_VARIANT_ADD(race, mremap) { replace_mremap };
/* clang-format on */

FIXTURE_SETUP(race)
{
	setup_race_range();
	self->race.replace = variant->replace;
}

MMUN_FIXTURE_TEARDOWN(race)

TEST_F(race, device_never_reads_a_page_that_was_replaced)
{
	run_race(gather_and_look, replace_some);
}

/* Ranges are inserted and removed while pages are replaced. */

static void insert_look_remove(struct actor *actor)
{
	struct race *race = actor->race;
	int i;

	if (actor->turns >= INSERTS) {
		sched_yield();
		return;
	}
	actor->pages = 1 + roll(actor, RACE_PAGES);
	actor->first = roll(actor, RACE_PAGES - actor->pages + 1);
	if (_mmun_insert(race->fd, page_at(race, actor->first),
			 actor->pages * race->page, &actor->id)) {
		failed(race, "MMUN_INSERT");
		return;
	}
	for (i = roll(actor, 3); i >= 0; i--)
		gather_and_look(actor);
	verify(actor);
	if (_mmun_remove(race->fd, actor->id))
		failed(race, "MMUN_REMOVE");
}

static void replace_one(struct actor *mutator, int round)
{
	mutator->race->replace = round % 2 ? replace_munmap : replace_dontneed;
	replace(mutator->race, roll(mutator, RACE_PAGES), 1);
}

/* A range lives from INSERT to REMOVE.  Each actor has one range at a time. */
#define LIVES ACTORS

/**
 * struct lives - the ranges at one place of the log
 * @range: the INSERT of each range that exists; a free slot has ID 0
 * @seen: the ID of each range that was inserted
 * @nr_seen: number of IDs in @seen
 */
struct lives {
	struct mmun_record range[LIVES];
	__u32 seen[ACTORS * INSERTS];
	int nr_seen;
};

static struct mmun_record *find_life(struct lives *lives, __u32 id)
{
	int i;

	for (i = 0; i < LIVES; i++)
		if (lives->range[i].id == id)
			return &lives->range[i];
	return NULL;
}

/* An ID is never reused. */
static bool begin_life(struct lives *lives, const struct mmun_record *r)
{
	struct mmun_record *life = find_life(lives, 0);
	int i;

	for (i = 0; i < lives->nr_seen; i++)
		if (lives->seen[i] == r->id)
			return false;
	if (!life || i == ACTORS * INSERTS)
		return false;
	*life = *r;
	lives->seen[lives->nr_seen++] = r->id;
	return true;
}

/* Every record but INSERT must belong to a range that exists. */
static bool follow_life(struct lives *lives, const struct mmun_record *r)
{
	struct mmun_record *life;

	if (r->type == MMUN_RECORD_INSERT)
		return begin_life(lives, r);
	life = find_life(lives, r->id);
	if (!life || !r->id)
		return false;
	if (r->type != MMUN_RECORD_REMOVE)
		return life->start <= r->clip_start && r->clip_end <= life->end;
	life->id = 0;
	return life->start == r->start && life->end == r->end;
}

/*
 * The log has no gap, and each callback lies between INSERT and REMOVE of a range
 * with its ID, and inside that range.  Returns the number of callbacks, or -1.
 */
static int check_lives(int fd)
{
	struct lives lives = {};
	struct mmun_record r;
	int callbacks = 0;
	__u64 next = 0;

	for (; mmun_next_record(fd, &r); next = r.sequence + 1) {
		if (!follow_life(&lives, &r) || (next && r.sequence != next)) {
			mmun_print_record(&r);
			return -1;
		}
		callbacks += r.type == MMUN_RECORD_INVALIDATE;
	}
	return callbacks;
}

FIXTURE(race_insert)
{
	RACE_FIXTURE;
};

FIXTURE_SETUP(race_insert)
{
	setup_race();
}

MMUN_FIXTURE_TEARDOWN(race_insert)

TEST_F(race_insert, callbacks_come_only_between_insert_and_remove)
{
	mmun_log_setup(LOG_RECORDS, 1U << MMUN_RECORD_INSERT |
					    1U << MMUN_RECORD_INVALIDATE |
					    1U << MMUN_RECORD_REMOVE);
	run_race(insert_look_remove, replace_one);
	EXPECT_LE(ENOUGH, check_lives(self->fd));
	EXPECT_EQ(0, mmun_query_context().out_ranges);
}

/*
 * process_mrelease(2) of a process that sleeps in MMUN_PIN_MM, which keeps a
 * user of its mm.  The range belongs to this mm, so the device reads this mm.
 */

static int open_and_stamp(void *arg, int nr)
{
	/* After fork(), the pages are shared with the test. */
	race_stamp_all(arg, 1);
	return mmun_open();
}

static int pin_mm(void *arg, int nr)
{
	struct mmun_info info;
	__u32 released;

	if (_mmun_info(nr, &info))
		return -1;
	return _mmun_pin_mm(nr, info.out_max_pin_ms, &released);
}

FIXTURE(race_reap)
{
	RACE_FIXTURE;
	struct mmun_child victim;
};

FIXTURE_SETUP(race_reap)
{
	setup_race();
	actor_init(&self->race.mutator, &self->race, 0);
}

FIXTURE_TEARDOWN(race_reap)
{
	mmun_child_kill(&self->victim);
	EXPECT_EQ(0, close(self->fd));
}

static int victim_start(struct mmun_child *victim, struct race *race)
{
	struct mmun_record r;
	int fd;

	if (mmun_child_start(victim, race))
		return -1;
	fd = mmun_child_do(victim, open_and_stamp, 0);
	race->fd = mmun_child_getfd(victim, fd);
	if (_mmun_insert(race->fd, race->map, race->length, &race->id) ||
	    mmun_child_order(victim, pin_mm, fd))
		return -1;
	return mmun_wait_record(race->fd, MMUN_RECORD_PIN, &r) ? 0 : -1;
}

/* Returns the exit status of the victim. */
static int victim_end(struct mmun_child *victim, struct race *race)
{
	__u32 count;

	if (_mmun_unpin_mm(race->fd, 0, &count))
		return -1;
	close(race->fd);
	return mmun_child_reap(victim);
}

/*
 * Make one attempt to reap, which the range may refuse.  After a successful
 * attempt generation 1 is gone.
 */
static void reap_once(struct actor *mutator, int pidfd)
{
	struct race *race = mutator->race;
	bool refuse = roll(mutator, 2);
	__u32 left;
	int ret;

	_mmun_fail_nonblock(race->fd, race->id, refuse, &left);
	ret = syscall(SYS_process_mrelease, pidfd, 0) ? errno : 0;
	if (ret != (refuse ? EAGAIN : 0))
		wrong(race, "process_mrelease: %s", strerror(ret));
	if (!ret)
		race_set_generation(race, 2);
	sched_yield();
}

/*
 * Read one victim, kill it, and reap it ATTEMPTS times.  Returns the exit
 * status of the victim.
 */
static int reap_victim(struct race *race, struct mmun_child *victim)
{
	__u64 enough = race->checked + ENOUGH;
	int i;

	race_set_generation(race, 1);
	if (victim_start(victim, race) || actors_start(race, gather_and_look) ||
	    !wait_for(&race->checked, enough) ||
	    mmun_child_signal(victim, SIGKILL))
		return -1;
	for (i = 0; i < RACE_PAGES; i++)
		race_store(&race->stable[i], 0);
	for (i = 0; i < ATTEMPTS; i++)
		reap_once(&race->mutator, victim->pidfd);
	actors_stop(race);
	return victim_end(victim, race);
}

TEST_F_TIMEOUT(race_reap, device_never_reads_what_process_mrelease_freed, 150)
{
	struct race *race = &self->race;
	int i;

	mmun_need_feature(MMUN_FEATURE_HMM);
	for (i = 0; i < VICTIMS && (i < 3 || race->collisions < ENOUGH); i++)
		ASSERT_EQ(128 + SIGKILL, reap_victim(race, &self->victim));
	expect_race();
}

MMUN_HARNESS_MAIN
