// SPDX-License-Identifier: GPL-2.0
/*
 * Tests races of invalidations with devices that read without a pause.  No
 * device may read a page that was replaced.  See race.h.
 *
 * The first word of each page contains the generation of the page.
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
#define INSERTS 2000 /* maximum per thread, so that the log loses no record */
#define VICTIMS 200 /* maximum; two or three victims are usually enough */
#define ATTEMPTS 20

typedef void (*replace_fn)(char *at, size_t length);

static atomic_uint low[RACE_PAGES], high[RACE_PAGES], stable[RACE_PAGES];

static void set_generation(__u32 generation)
{
	for (int i = 0; i < RACE_PAGES; i++) {
		low[i] = generation;
		high[i] = generation;
		stable[i] = generation;
	}
}

static void look_at(int page)
{
	__u32 lowest = low[page], before = stable[page], highest, after;
	__u64 value;

	if (!device_access(page, &value, 0))
		return;
	after = stable[page];
	highest = high[page];
	if (before && before == after) {
		lowest = before;
		highest = before;
	} else if (!value) {
		return;
	}
	if (value < stamp(page, lowest) || value > stamp(page, highest))
		wrong("page %d contains %llx, expected generation %u to %u",
		      page, (unsigned long long)value, lowest, highest);
}

static void gather_and_look(void)
{
	gather(roll_method(), 0);
	for (int i = 0; i < LOOKS; i++)
		look_at(actor.first + roll(actor.pages));
}

/* Functions that replace pages by empty pages */

static void by_dontneed(char *at, size_t length)
{
	must(!madvise(at, length, MADV_DONTNEED));
}

static void by_map_fixed(char *at, size_t length)
{
	must(mmun_map(at, length));
}

static void by_munmap(char *at, size_t length)
{
	must(!munmap(at, length));
	sched_yield();
	by_map_fixed(at, length);
}

/* Move the first page away, and write a value to it that no device may read. */
static void by_mremap(char *at, size_t length)
{
	if (must(mremap(at, race.page, race.page, MREMAP_MAYMOVE | MREMAP_FIXED,
			page_at(RACE_SPARE)) != MAP_FAILED))
		memset(page_at(RACE_SPARE), 0xff, race.page);
	by_map_fixed(at, length);
}

/* Replace pages, and write the next generation, as the table above shows. */
static void replace(int first, int pages, replace_fn by)
{
	int end = first + pages;

	for (int i = first; i < end; i++) {
		high[i]++;
		stable[i] = 0;
	}
	by(page_at(first), pages * race.page);
	for (int i = first; i < end; i++) {
		low[i] = high[i];
		if (!race.wrong)
			race_stamp(i, high[i]);
		stable[i] = high[i];
	}
}

MMUN_PLAIN_FIXTURE(race, MMUN_FIXTURE)

FIXTURE_VARIANT(race)
{
	replace_fn by;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(race, munmap) { by_munmap };
FIXTURE_VARIANT_ADD(race, mmap_fixed) { by_map_fixed };
FIXTURE_VARIANT_ADD(race, madvise) { by_dontneed };
FIXTURE_VARIANT_ADD(race, mremap) { by_mremap };
/* clang-format on */

static replace_fn replace_by;

FIXTURE_SETUP(race)
{
	setup_race_range();
	set_generation(1);
	replace_by = variant->by;
}

static void replace_some(int round)
{
	int pages = 1 + roll(4);

	replace(roll(RACE_PAGES - pages + 1), pages, replace_by);
	if (round % 16 == 0)
		verify();
}

TEST_F(race, device_never_reads_a_page_that_was_replaced)
{
	run_race(gather_and_look, replace_some);
}

/* Ranges are inserted and removed while pages are replaced. */

static void insert_look_remove(void)
{
	if (actor.turns >= INSERTS) {
		sched_yield();
		return;
	}
	actor.pages = 1 + roll(RACE_PAGES);
	actor.first = roll(RACE_PAGES - actor.pages + 1);
	if (!must(!_mmun_insert(race.fd, page_at(actor.first),
				actor.pages * race.page, &actor.id)))
		return;
	for (int i = roll(3); i >= 0; i--)
		gather_and_look();
	verify();
	must(!_mmun_remove(race.fd, actor.id));
}

static void replace_one(int round)
{
	replace(roll(RACE_PAGES), 1, round % 2 ? by_munmap : by_dontneed);
}

/*
 * A range exists from its record INSERT to its record REMOVE.  Each actor has
 * one range at a time.  @living contains the record INSERT of each range that
 * exists.  A free element has ID 0.  @seen contains the ID of each range that
 * was inserted.
 */
static struct mmun_record living[ACTORS];
static __u32 seen[ACTORS * INSERTS];
static int nr_seen;

static struct mmun_record *find_life(__u32 id)
{
	for (int i = 0; i < ACTORS; i++)
		if (living[i].id == id)
			return &living[i];
	return NULL;
}

/* An ID is never reused. */
static bool begin_life(const struct mmun_record *r)
{
	struct mmun_record *life = find_life(0);

	for (int i = 0; i < nr_seen; i++)
		if (seen[i] == r->id)
			return false;
	if (!life || nr_seen == ARRAY_SIZE(seen))
		return false;
	*life = *r;
	seen[nr_seen++] = r->id;
	return true;
}

/* Every record except INSERT must belong to a range that exists. */
static bool follow_life(const struct mmun_record *r)
{
	struct mmun_record *life;

	if (r->type == MMUN_RECORD_INSERT)
		return begin_life(r);
	life = find_life(r->id);
	if (!life || !r->id)
		return false;
	if (r->type != MMUN_RECORD_REMOVE)
		return life->start <= r->clip_start && r->clip_end <= life->end;
	life->id = 0;
	return life->start == r->start && life->end == r->end;
}

/*
 * Check that the log lost no record.  Each callback must be inside its range,
 * and between the records INSERT and REMOVE of the range.  Returns the number
 * of callbacks, or -1.
 */
static int check_lives(void)
{
	struct mmun_record r;
	int callbacks = 0;
	__u64 next = 0;

	for (; mmun_next_record(race.fd, &r); next = r.sequence + 1) {
		if (!follow_life(&r) || (next && r.sequence != next)) {
			mmun_print_record(&r);
			return -1;
		}
		callbacks += r.type == MMUN_RECORD_INVALIDATE;
	}
	return callbacks;
}

MMUN_PLAIN_FIXTURE(race_insert, MMUN_FIXTURE)

FIXTURE_SETUP(race_insert)
{
	setup_race();
	set_generation(1);
}

TEST_F(race_insert, callbacks_come_only_between_insert_and_remove)
{
	mmun_log_setup(LOG_RECORDS, 1U << MMUN_RECORD_INSERT |
					    1U << MMUN_RECORD_INVALIDATE |
					    1U << MMUN_RECORD_REMOVE);
	run_race(insert_look_remove, replace_one);
	EXPECT_LE(ENOUGH, check_lives());
	EXPECT_EQ(0, mmun_query_context().out_ranges);
}

/*
 * The test calls process_mrelease(2) for a victim that sleeps in MMUN_PIN_MM,
 * which keeps a user of the mm.  The range belongs to the mm of the victim, so
 * the device reads the memory of the victim.
 */

static int open_and_stamp(void *arg, int nr)
{
	/* Write the pages, which the victim still shares with the test. */
	race_stamp_all(1);
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
	MMUN_FIXTURE;
	struct mmun_child victim;
};

FIXTURE_SETUP(race_reap)
{
	setup_race();
	actor_init(0);
}

FIXTURE_TEARDOWN(race_reap)
{
	mmun_child_kill(&self->victim);
	EXPECT_EQ(0, close(self->fd));
}

static int victim_start(struct mmun_child *victim)
{
	struct mmun_record r;
	int fd;

	if (mmun_child_start(victim, NULL))
		return -1;
	fd = mmun_child_do(victim, open_and_stamp, 0);
	race.fd = mmun_child_getfd(victim, fd);
	if (_mmun_insert(race.fd, race.map, race.length, &race.id) ||
	    mmun_child_order(victim, pin_mm, fd))
		return -1;
	return mmun_wait_record(race.fd, MMUN_RECORD_PIN, &r) ? 0 : -1;
}

/* Returns the exit status of the victim. */
static int victim_end(struct mmun_child *victim)
{
	__u32 count;

	if (_mmun_unpin_mm(race.fd, 0, &count))
		return -1;
	close(race.fd);
	return mmun_child_reap(victim);
}

/*
 * Make one attempt to reap, which the range may refuse.  After a successful
 * attempt to reap, no page has generation 1.
 */
static void reap_once(int pidfd)
{
	bool refuse = !MMUN_IS_LIST && roll(2);
	__u32 left;
	int ret;

	if (!MMUN_IS_LIST)
		_mmun_fail_nonblock(race.fd, race.id, refuse, &left);
	ret = syscall(SYS_process_mrelease, pidfd, 0) ? errno : 0;
	if (ret != (refuse ? EAGAIN : 0))
		wrong("process_mrelease: %s", strerror(ret));
	if (!ret)
		set_generation(2);
	sched_yield();
}

/*
 * Start a victim, read its memory, kill the victim, and reap ATTEMPTS times.
 * Returns the exit status of the victim.
 */
static int reap_victim(struct mmun_child *victim)
{
	set_generation(1);
	if (victim_start(victim) || actors_start(gather_and_look) ||
	    !wait_for_checks(ENOUGH) || mmun_child_signal(victim, SIGKILL))
		return -1;
	for (int i = 0; i < RACE_PAGES; i++)
		stable[i] = 0;
	for (int i = 0; i < ATTEMPTS; i++)
		reap_once(victim->pidfd);
	actors_stop();
	return victim_end(victim);
}

TEST_F_TIMEOUT(race_reap, device_never_reads_what_process_mrelease_freed, 150)
{
	mmun_need_feature(MMUN_FEATURE_HMM);
	for (int i = 0; i < VICTIMS && (i < 3 || race.collisions < ENOUGH);
	     i++) {
		ASSERT_EQ(128 + SIGKILL, reap_victim(&self->victim));
	}
	expect_race();
}

MMUN_HARNESS_MAIN
