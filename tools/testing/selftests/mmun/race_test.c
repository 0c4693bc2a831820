// SPDX-License-Identifier: GPL-2.0
/*
 * Racing invalidations against readers that never stop.  What a mutator does is
 * drawn from a seed, which is printed: MMUN_SEED=N does the same again, with
 * what luck the scheduler gives.  A race that was not hit proves nothing, so
 * each test goes on until it has seen enough collisions and fails if there are
 * none.
 */
#include "lib/mmun.h"

#include <stdarg.h>

#define PAGES		16
#define READERS		2
#define ENOUGH		20	/* collisions, and pages compared */
#define ROUNDS		30	/* of the mutator, at least */
#define PATIENCE	200	/* times as many at most */
#define LOOKS		4	/* pages looked at after each gathering */
#define LOG_RECORDS	16384
#define INSERTS		2000	/* so that the log is large enough */
#define FORKS		10	/* at least */
#define VICTIMS		200	/* at most: two or three will do */
#define ATTEMPTS	20
#define YIELDS		1000000	/* bound of all that waits for a thread */

/*
 * What the threads of a test share.  A page is replaced again and again, and
 * each time gets the next generation, with which its first word is stamped.
 *
 *   mutator              low   high  stable   a device may read
 *   ------------------   ---   ----  ------   -----------------
 *                         g     g      g      g
 *   high = g + 1          g    g+1     g      g
 *   stable = 0            g    g+1     0      g, g + 1, nothing yet
 *   replace the page      g    g+1     0      g, g + 1, nothing yet
 *   low = g + 1          g+1   g+1     0      g + 1, nothing yet
 *   stamp it             g+1   g+1     0      g + 1, nothing yet
 *   stable = g + 1       g+1   g+1    g+1     g + 1
 */
struct race {
	int fd;
	__u32 id;
	char *map;
	char *spare;
	size_t page;
	__u64 seed;
	bool stop;
	bool wrong;
	char what[160];		/* the first thing that was wrong */
	__u64 collisions;
	__u64 checked;
	__u64 written;		/* the value of the latest device write */
	__u32 epoch;		/* odd: nobody may write */
	__u32 low[PAGES];
	__u32 high[PAGES];
	__u32 stable[PAGES];
};

/* A thread, or the mutator: its dice, and the range it works on. */
struct actor {
	struct race *race;
	pthread_t thread;
	__u64 dice;
	__u32 id;
	int first;
	int pages;
};

#define get(ptr)	__atomic_load_n(ptr, __ATOMIC_SEQ_CST)
#define set(ptr, value)	__atomic_store_n(ptr, value, __ATOMIC_SEQ_CST)
#define add(ptr, value)	__atomic_add_fetch(ptr, value, __ATOMIC_SEQ_CST)

static void wrong(struct race *race, const char *fmt, ...)
{
	va_list args;

	if (__atomic_exchange_n(&race->wrong, true, __ATOMIC_SEQ_CST))
		return;
	va_start(args, fmt);
	vsnprintf(race->what, sizeof(race->what), fmt, args);
	va_end(args);
}

/* splitmix64 */
static __u64 roll(struct actor *actor, __u64 sides)
{
	__u64 z;

	actor->dice += 0x9e3779b97f4a7c15ULL;
	z = actor->dice;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return (z ^ (z >> 31)) % sides;
}

static void actor_init(struct actor *actor, struct race *race, int number)
{
	*actor = (struct actor){
		.race = race,
		.dice = race->seed * 1000003 + number,
		.id = race->id,
		.pages = PAGES,
	};
}

static char *page_at(struct race *race, int page)
{
	return race->map + page * race->page;
}

static __u64 stamp(int page, __u32 generation)
{
	return (__u64)(page + 1) << 32 | generation;
}

/* Not of a hole, of a mapping that denies it, or of an mm that is gone. */
static bool is_tolerable(int errnum)
{
	return errnum == EFAULT || errnum == EACCES || errnum == ESRCH;
}

/* One call of the device. */
static void gather_whole(struct actor *actor, __u32 method, __u32 flags)
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
		add(&race->collisions, snap.out_retries + snap.out_collided);
	else if (!is_tolerable(errno))
		wrong(race, "MMUN_SNAPSHOT: %s", strerror(errno));
}

/* Two parts, and a chance for everybody else between and behind them. */
static int collect_parts(struct actor *actor, struct mmun_token token,
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

/* Returns the pages that were published as one, or -1. */
static int gather_in_steps(struct actor *actor, __u32 method, __u32 flags)
{
	struct race *race = actor->race;
	struct mmun_commit commit = {};
	struct mmun_token token;
	__u32 valid = 0;
	int error;

	if (_mmun_read_begin(race->fd, actor->id, &token)) {
		wrong(race, "MMUN_READ_BEGIN: %s", strerror(errno));
		return -1;
	}
	if (collect_parts(actor, token, method, flags, &valid)) {
		error = errno;
		_mmun_abandon(race->fd, token);
		add(&race->collisions, error == EBUSY);
		if (error != EBUSY && !is_tolerable(error))
			wrong(race, "MMUN_COLLECT: %s", strerror(error));
		return -1;
	}
	if (_mmun_commit(race->fd, token, &commit))
		wrong(race, "MMUN_COMMIT: %s", strerror(errno));
	add(&race->collisions, commit.out_collided);
	return commit.out_collided ? -1 : valid;
}

static void gather(struct actor *actor)
{
	static const __u32 methods[] = {
		MMUN_METHOD_HMM_FAULT, MMUN_METHOD_HMM_NOFAULT, MMUN_METHOD_GUP,
	};
	__u32 method = methods[roll(actor, ARRAY_SIZE(methods))];

	if (roll(actor, 2))
		gather_whole(actor, method, 0);
	else
		gather_in_steps(actor, method, 0);
}

/* A device read of one page, held against the table above. */
static void look_at(struct actor *actor, int page)
{
	struct race *race = actor->race;
	__u32 low = get(&race->low[page]), before = get(&race->stable[page]);
	__u32 high, after;
	__u64 value, done;

	if (_mmun_access(race->fd, actor->id, page_at(race, page),
			 sizeof(value), &value, 0, &done)) {
		if (errno != EFAULT)
			wrong(race, "MMUN_ACCESS: %s", strerror(errno));
		return;
	}
	after = get(&race->stable[page]);
	high = get(&race->high[page]);
	add(&race->checked, 1);
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

static void look_round(struct actor *actor)
{
	int i;

	for (i = 0; i < LOOKS; i++)
		look_at(actor, actor->first + roll(actor, actor->pages));
}

static void *reader_main(void *arg)
{
	struct actor *actor = arg;

	while (!get(&actor->race->stop)) {
		gather(actor);
		look_round(actor);
	}
	return NULL;
}

/* The kinds of mutator: each replaces some pages by empty ones. */

static void replace_dontneed(struct race *race, char *at, size_t length)
{
	if (madvise(at, length, MADV_DONTNEED))
		wrong(race, "madvise: %s", strerror(errno));
}

static void replace_map_fixed(struct race *race, char *at, size_t length)
{
	if (!mmun_map(at, length))
		wrong(race, "mmap: %s", strerror(errno));
}

static void replace_munmap(struct race *race, char *at, size_t length)
{
	if (munmap(at, length))
		wrong(race, "munmap: %s", strerror(errno));
	sched_yield();
	replace_map_fixed(race, at, length);
}

/* The pages live on elsewhere, with what no reader may ever see. */
static void replace_mremap(struct race *race, char *at, size_t length)
{
	if (mremap(at, race->page, race->page, MREMAP_MAYMOVE | MREMAP_FIXED,
		   race->spare) == MAP_FAILED)
		wrong(race, "mremap: %s", strerror(errno));
	else
		memset(race->spare, 0xff, race->page);
	replace_map_fixed(race, at, length);
}

/* One step of the mutator: replace some pages and stamp the new ones. */
static void mutate(struct actor *actor, int first, int pages,
		   void (*replace)(struct race *race, char *at, size_t length))
{
	struct race *race = actor->race;
	__u32 generation;
	int i;

	for (i = first; i < first + pages; i++) {
		set(&race->high[i], race->high[i] + 1);
		set(&race->stable[i], 0);
	}
	replace(race, page_at(race, first), pages * race->page);
	for (i = first; i < first + pages; i++) {
		generation = race->high[i];
		set(&race->low[i], generation);
		if (!get(&race->wrong))
			set((__u64 *)page_at(race, i), stamp(i, generation));
		set(&race->stable[i], generation);
	}
}

static void verify(struct actor *actor)
{
	struct mmun_verify cmd;

	if (_mmun_verify(actor->race->fd, actor->id, &cmd))
		wrong(actor->race, "MMUN_VERIFY: %s", strerror(errno));
	else if (cmd.out_result == MMUN_VERIFY_DIFFERS)
		wrong(actor->race, "at %llx: shadow %llx, page tables %llx",
		      (unsigned long long)cmd.out_addr,
		      (unsigned long long)cmd.out_shadow,
		      (unsigned long long)cmd.out_pte);
}

/* Whether round number @round is to be played. */
static bool goes_on(struct race *race, int round)
{
	if (get(&race->wrong) || round >= ROUNDS * PATIENCE)
		return false;
	return round < ROUNDS || get(&race->collisions) < ENOUGH ||
	       get(&race->checked) < ENOUGH;
}

static int start_threads(struct race *race, struct actor *actors, int count,
			 void *(*body)(void *actor))
{
	int i;

	set(&race->stop, false);
	for (i = 0; i < count; i++) {
		actor_init(&actors[i], race, i + 1);
		if (pthread_create(&actors[i].thread, NULL, body, &actors[i]))
			return -1;
	}
	return 0;
}

static void stop_threads(struct race *race, struct actor *actors, int count)
{
	int i;

	set(&race->stop, true);
	for (i = 0; i < count; i++)
		pthread_join(actors[i].thread, NULL);
}

/* Yields until the counter has reached @value, or for a long time. */
static bool wait_for(__u64 *counter, __u64 value)
{
	unsigned long yields;

	for (yields = 0; yields < YIELDS; yields++) {
		if (get(counter) >= value)
			return true;
		sched_yield();
	}
	return false;
}

static int race_init(struct race *race)
{
	const char *text = getenv("MMUN_SEED");
	int i;

	race->seed = text && *text ? strtoull(text, NULL, 0) : 1;
	race->page = sysconf(_SC_PAGESIZE);
	race->fd = mmun_open();
	race->map = mmun_arena(PAGES);
	race->spare = mmun_arena(1);
	printf("# seed %llu\n", (unsigned long long)race->seed);
	fflush(stdout);
	if (race->fd < 0 || !race->map || !race->spare ||
	    !mmun_map(race->map, PAGES * race->page))
		return -1;
	for (i = 0; i < PAGES; i++) {
		race->low[i] = 1;
		race->high[i] = 1;
		race->stable[i] = 1;
		set((__u64 *)page_at(race, i), stamp(i, 1));
	}
	return 0;
}

/* After the threads are joined. */
#define expect_races_hit_and_nothing_wrong(race)                         \
	do {                                                             \
		EXPECT_EQ(false, (race)->wrong)                          \
		{                                                        \
			TH_LOG("%s", (race)->what);                      \
		}                                                        \
		EXPECT_LE(ENOUGH, (race)->collisions);                   \
		EXPECT_LE(ENOUGH, (race)->checked);                      \
		printf("# %llu collisions, %llu pages compared\n",       \
		       (unsigned long long)(race)->collisions,           \
		       (unsigned long long)(race)->checked);             \
		fflush(stdout);                                          \
	} while (0)

FIXTURE(race) {
	int fd;
	struct race race;
	struct actor readers[READERS];
	struct actor mutator;
};

FIXTURE_VARIANT(race) {
	void (*replace)(struct race *race, char *at, size_t length);
};

FIXTURE_VARIANT_ADD(race, munmap) { .replace = replace_munmap };

FIXTURE_VARIANT_ADD(race, mmap_over_it) { .replace = replace_map_fixed };

FIXTURE_VARIANT_ADD(race, madvise) { .replace = replace_dontneed };

FIXTURE_VARIANT_ADD(race, mremap) { .replace = replace_mremap };

FIXTURE_SETUP(race)
{
	ASSERT_EQ(0, race_init(&self->race));
	self->fd = self->race.fd;
	self->race.id = mmun_insert(self->race.map, PAGES * self->race.page);
	actor_init(&self->mutator, &self->race, 0);
}

FIXTURE_TEARDOWN(race)
{
	close(self->fd);
}

TEST_F(race, device_never_reads_a_page_that_was_replaced)
{
	struct race *race = &self->race;
	int round, pages;

	mmun_need_feature(MMUN_FEATURE_HMM);
	ASSERT_EQ(0, start_threads(race, self->readers, READERS, reader_main));
	for (round = 0; goes_on(race, round); round++) {
		pages = 1 + roll(&self->mutator, 4);
		mutate(&self->mutator,
		       roll(&self->mutator, PAGES - pages + 1), pages,
		       variant->replace);
		if (round % 16 == 0)
			verify(&self->mutator);
		sched_yield();
	}
	stop_threads(race, self->readers, READERS);
	mmun_verify(race->id);
	expect_races_hit_and_nothing_wrong(race);
}

/* Ranges that come and go in the middle of it. */
static void insert_once(struct actor *actor)
{
	struct race *race = actor->race;
	int i;

	actor->pages = 1 + roll(actor, PAGES);
	actor->first = roll(actor, PAGES - actor->pages + 1);
	if (_mmun_insert(race->fd, page_at(race, actor->first),
			 actor->pages * race->page, &actor->id)) {
		wrong(race, "MMUN_INSERT: %s", strerror(errno));
		return;
	}
	for (i = roll(actor, 3); i >= 0; i--) {
		gather(actor);
		look_round(actor);
	}
	verify(actor);
	if (_mmun_remove(race->fd, actor->id))
		wrong(race, "MMUN_REMOVE: %s", strerror(errno));
}

static void *inserter_main(void *arg)
{
	struct actor *actor = arg;
	int i;

	for (i = 0; i < INSERTS && !get(&actor->race->stop); i++)
		insert_once(actor);
	return NULL;
}

/*
 * The ranges that live while the log is read.  An ID can be given away again
 * before the removal of the range that had it is logged.
 */
#define LIVES	(2 * READERS)

static bool is_life_of(const struct mmun_record *life,
		       const struct mmun_record *r)
{
	if (life->type != MMUN_RECORD_INSERT || life->id != r->id)
		return false;
	if (r->type == MMUN_RECORD_REMOVE)
		return life->start == r->start && life->end == r->end;
	return life->start <= r->clip_start && r->clip_end <= life->end;
}

/* A new range takes a place that is free; all else must be of one that lives */
static bool follow_life(struct mmun_record *lives, const struct mmun_record *r)
{
	int i;

	for (i = 0; i < LIVES; i++) {
		if (r->type != MMUN_RECORD_INSERT && is_life_of(&lives[i], r))
			break;
		if (r->type == MMUN_RECORD_INSERT && !lives[i].id)
			break;
	}
	if (i == LIVES)
		return false;
	if (r->type == MMUN_RECORD_INSERT)
		lives[i] = *r;
	else if (r->type == MMUN_RECORD_REMOVE)
		lives[i].id = 0;
	return true;
}

/*
 * Every callback lies between the insertion and the removal of a range that has
 * its ID, and inside that range.  Returns the number of callbacks, or -1.
 */
static int check_lives(int fd)
{
	struct mmun_record lives[LIVES] = {}, r;
	int callbacks = 0;
	__u64 next = 0;

	for (; mmun_next_record(fd, &r); next = r.sequence + 1) {
		if (!follow_life(lives, &r) || (next && r.sequence != next)) {
			mmun_print_record(&r);
			return -1;
		}
		callbacks += r.type == MMUN_RECORD_INVALIDATE;
	}
	return callbacks;
}

FIXTURE(race_insert) {
	int fd;
	struct race race;
	struct actor inserters[READERS];
	struct actor mutator;
};

FIXTURE_SETUP(race_insert)
{
	ASSERT_EQ(0, race_init(&self->race));
	self->fd = self->race.fd;
	actor_init(&self->mutator, &self->race, 0);
}

FIXTURE_TEARDOWN(race_insert)
{
	close(self->fd);
}

TEST_F(race_insert, no_callback_comes_before_insert_or_after_remove)
{
	struct race *race = &self->race;
	int round;

	mmun_need_feature(MMUN_FEATURE_HMM);
	mmun_log_setup(LOG_RECORDS, 1U << MMUN_RECORD_INSERT |
				    1U << MMUN_RECORD_INVALIDATE |
				    1U << MMUN_RECORD_REMOVE);
	ASSERT_EQ(0, start_threads(race, self->inserters, READERS,
				   inserter_main));
	for (round = 0; goes_on(race, round); round++) {
		mutate(&self->mutator, roll(&self->mutator, PAGES), 1,
		       round % 2 ? replace_munmap : replace_dontneed);
		sched_yield();
	}
	stop_threads(race, self->inserters, READERS);
	EXPECT_LE(ENOUGH, check_lives(self->fd));
	EXPECT_EQ(0, mmun_query_context().out_ranges);
	expect_races_hit_and_nothing_wrong(race);
}

/* Writing devices: each write is of a higher number. */
static void device_write(struct actor *actor, bool *done)
{
	struct race *race = actor->race;
	__u64 value = add(&race->written, 1), moved;
	int page = roll(actor, PAGES);

	*done = !_mmun_access(race->fd, actor->id, page_at(race, page),
			      sizeof(value), &value, MMUN_WRITE, &moved);
	if (*done)
		add(&race->checked, 1);
	else if (errno != EFAULT)
		wrong(race, "MMUN_ACCESS: %s", strerror(errno));
}

static void write_round(struct actor *actor)
{
	struct race *race = actor->race;
	__u32 epoch;
	bool done;
	int i;

	for (i = 0; i < LOOKS; i++) {
		epoch = get(&race->epoch);
		device_write(actor, &done);
		if (done && epoch % 2 && get(&race->epoch) == epoch)
			wrong(race, "the device wrote where nobody may");
	}
}

static void *writer_main(void *arg)
{
	static const struct {
		__u32 method;
		__u32 flags;
	} ways[] = {
		{ MMUN_METHOD_HMM_FAULT, MMUN_WRITE },
		{ MMUN_METHOD_GUP, MMUN_WRITE },
		{ MMUN_METHOD_HMM_NOFAULT, 0 },
	};
	struct actor *actor = arg;
	int way;

	while (!get(&actor->race->stop)) {
		way = roll(actor, ARRAY_SIZE(ways));
		if (roll(actor, 2))
			gather_whole(actor, ways[way].method, ways[way].flags);
		else
			gather_in_steps(actor, ways[way].method,
					ways[way].flags);
		write_round(actor);
	}
	return NULL;
}

/* A snapshot and a batch are of one instant: nothing is there, or all. */
static void *onlooker_main(void *arg)
{
	struct actor *actor = arg;
	struct race *race = actor->race;
	int valid;

	while (!get(&race->stop)) {
		valid = gather_in_steps(actor, MMUN_METHOD_HMM_NOFAULT, 0);
		if (valid < 0)
			continue;
		add(&race->checked, 1);
		if (valid && valid != PAGES)
			wrong(race, "%d of %d pages at one instant", valid,
			      PAGES);
	}
	return NULL;
}

FIXTURE(race_mprotect) {
	int fd;
	struct race race;
	struct actor actors[READERS];
};

FIXTURE_SETUP(race_mprotect)
{
	ASSERT_EQ(0, race_init(&self->race));
	self->fd = self->race.fd;
	self->race.id = mmun_insert(self->race.map, PAGES * self->race.page);
}

FIXTURE_TEARDOWN(race_mprotect)
{
	close(self->fd);
}

static int protect_all(struct race *race, int prot)
{
	int ret = mprotect(race->map, PAGES * race->page, prot);

	sched_yield();
	return ret;
}

TEST_F(race_mprotect, device_never_writes_what_is_read_only)
{
	struct race *race = &self->race;
	int round;

	mmun_need_feature(MMUN_FEATURE_HMM);
	ASSERT_EQ(0, start_threads(race, self->actors, READERS, writer_main));
	for (round = 0; goes_on(race, round); round++) {
		EXPECT_EQ(0, protect_all(race, PROT_READ));
		add(&race->epoch, 1);
		sched_yield();
		verify(&self->actors[0]);
		add(&race->epoch, 1);
		EXPECT_EQ(0, protect_all(race, PROT_READ | PROT_WRITE));
	}
	stop_threads(race, self->actors, READERS);
	mmun_verify(race->id);
	expect_races_hit_and_nothing_wrong(race);
}

TEST_F(race_mprotect, batch_in_two_parts_sees_all_of_it_or_nothing)
{
	struct race *race = &self->race;
	int round;

	mmun_need_feature(MMUN_FEATURE_HMM);
	ASSERT_EQ(0, start_threads(race, self->actors, READERS, onlooker_main));
	for (round = 0; goes_on(race, round); round++) {
		EXPECT_EQ(0, protect_all(race, PROT_NONE));
		EXPECT_EQ(0, protect_all(race, PROT_READ));
	}
	stop_threads(race, self->actors, READERS);
	mmun_verify(race->id);
	expect_races_hit_and_nothing_wrong(race);
}

/*
 * Two files take turns in being mapped over all of the range by one call, the
 * pages of each stamped with the generation before.  What one batch published
 * is of one generation.  With a single thread that publishes, what is gone does
 * not come back: pages vanish only all at once.
 */
static void check_generations(struct actor *actor)
{
	struct race *race = actor->race;
	__u64 value, first = 0, done;
	int i;

	for (i = 0; i < PAGES; i++) {
		if (_mmun_access(race->fd, actor->id, page_at(race, i),
				 sizeof(value), &value, 0, &done))
			break;
		value -= stamp(i, 0);
		first = first ?: value;
		if (value != first)
			wrong(race, "page %d of generation %lld, page 0 of %lld",
			      i, (long long)value, (long long)first);
		add(&race->checked, 1);
	}
	for (; i < PAGES; i++)
		if (!_mmun_access(race->fd, actor->id, page_at(race, i),
				  sizeof(value), &value, 0, &done))
			wrong(race, "page %d is left of those that vanished",
			      i);
}

static void *publisher_main(void *arg)
{
	struct actor *actor = arg;
	__u32 method;

	while (!get(&actor->race->stop)) {
		/* hmm_range_fault() itself looks at the sequence: less often */
		method = roll(actor, 4) ? MMUN_METHOD_GUP : MMUN_METHOD_HMM_FAULT;
		if (gather_in_steps(actor, method, 0) == PAGES)
			check_generations(actor);
	}
	return NULL;
}

FIXTURE(race_files) {
	int fd;
	int files[2];
	struct race race;
	struct actor publisher;
};

FIXTURE_SETUP(race_files)
{
	int i;

	ASSERT_EQ(0, race_init(&self->race));
	self->fd = self->race.fd;
	for (i = 0; i < 2; i++) {
		self->files[i] = mmun_memfd(0);
		ASSERT_LE(0, self->files[i]);
		ASSERT_EQ(0, ftruncate(self->files[i],
				       PAGES * self->race.page));
	}
	self->race.id = mmun_insert(self->race.map, PAGES * self->race.page);
}

FIXTURE_TEARDOWN(race_files)
{
	close(self->fd);
}

static int map_generation(struct race *race, int file, __u32 generation)
{
	__u64 value;
	int i;

	for (i = 0; i < PAGES; i++) {
		value = stamp(i, generation);
		if (pwrite(file, &value, sizeof(value), i * race->page) !=
		    sizeof(value))
			return -1;
	}
	if (mmap(race->map, PAGES * race->page, PROT_READ,
		 MAP_SHARED | MAP_FIXED, file, 0) == MAP_FAILED)
		return -1;
	return 0;
}

TEST_F(race_files, batch_in_two_parts_is_all_of_one_mapping)
{
	struct race *race = &self->race;
	int round;

	mmun_need_feature(MMUN_FEATURE_HMM);
	ASSERT_EQ(0, map_generation(race, self->files[1], 1));
	ASSERT_EQ(0, start_threads(race, &self->publisher, 1, publisher_main));
	for (round = 0; goes_on(race, round / 8); round++) {
		ASSERT_EQ(0, map_generation(race, self->files[round % 2],
					    round + 2));
		sched_yield();
	}
	stop_threads(race, &self->publisher, 1);
	expect_races_hit_and_nothing_wrong(race);
}

/*
 * fork() under writing devices.  Whatever was written after it returned is
 * nothing that the child may ever have.
 */
FIXTURE(race_fork) {
	int fd;
	struct race race;
	struct actor writers[READERS];
};

FIXTURE_SETUP(race_fork)
{
	ASSERT_EQ(0, race_init(&self->race));
	self->fd = self->race.fd;
	memset(self->race.map, 0, PAGES * self->race.page);
	self->race.id = mmun_insert(self->race.map, PAGES * self->race.page);
}

FIXTURE_TEARDOWN(race_fork)
{
	close(self->fd);
}

static void race_child_main(struct race *race, int pipefd)
{
	__u64 latest;
	int i;

	if (read(pipefd, &latest, sizeof(latest)) != sizeof(latest))
		_exit(2);
	for (i = 0; i < PAGES; i++)
		if (get((__u64 *)page_at(race, i)) > latest)
			_exit(1);
	_exit(0);
}

/* Returns what the child found: 0 when it is alright. */
static int race_fork_once(struct race *race)
{
	__u64 latest, written;
	int pipefd[2], ret;
	pid_t pid;

	if (pipe2(pipefd, O_CLOEXEC))
		return -1;
	pid = fork();
	if (!pid)
		race_child_main(race, pipefd[0]);
	latest = get(&race->written);
	written = get(&race->checked);
	if (pid < 0 || !wait_for(&race->checked, written + 2 * LOOKS) ||
	    write(pipefd[1], &latest, sizeof(latest)) != sizeof(latest))
		wrong(race, "no device writes beside the child");
	close(pipefd[0]);
	close(pipefd[1]);
	ret = mmun_wait_child(pid);
	return ret;
}

TEST_F(race_fork, device_writes_never_reach_a_child)
{
	struct race *race = &self->race;
	int round;

	mmun_need_feature(MMUN_FEATURE_HMM);
	ASSERT_EQ(0, start_threads(race, self->writers, READERS, writer_main));
	for (round = 0; round < FORKS || goes_on(race, round + ROUNDS); round++)
		if (race_fork_once(race))
			wrong(race, "a child has what was written behind it");
	stop_threads(race, self->writers, READERS);
	mmun_verify(race->id);
	expect_races_hit_and_nothing_wrong(race);
}

/*
 * process_mrelease(2) of a process that is parked.  It shares the table of
 * descriptors, so that its own is here, too.
 */
struct parked {
	pid_t pid;
	int pidfd;
	struct answer {
		__u64 ready;
		int fd;
		__u32 id;
	} *answer;		/* in shared memory */
};

static void parked_main(struct race *race, struct answer *answer)
{
	struct mmun_info info;
	__u32 released;
	int i;

	/* Pages of one's own, not those that fork() left shared. */
	for (i = 0; i < PAGES; i++)
		set((__u64 *)page_at(race, i), stamp(i, 1));
	answer->fd = mmun_open();
	if (_mmun_insert(answer->fd, race->map, PAGES * race->page,
			 &answer->id) || _mmun_info(answer->fd, &info))
		_exit(1);
	set(&answer->ready, 1);
	_mmun_pin_mm(answer->fd, info.out_max_pin_ms, &released);
	_exit(0);
}

static int parked_start(struct parked *parked, struct race *race)
{
	struct mmun_record r;

	parked->answer->ready = 0;
	parked->pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
	if (!parked->pid)
		parked_main(race, parked->answer);
	parked->pidfd = syscall(SYS_pidfd_open, parked->pid, 0);
	if (parked->pidfd < 0 || !wait_for(&parked->answer->ready, 1))
		return -1;
	race->fd = parked->answer->fd;
	race->id = parked->answer->id;
	return mmun_wait_record(race->fd, MMUN_RECORD_PIN, &r) ? 0 : -1;
}

/* Returns its status; its descriptor was ours, too. */
static int parked_end(struct parked *parked, struct race *race)
{
	__u32 count;

	if (_mmun_unpin_mm(race->fd, 0, &count))
		return -1;
	close(race->fd);
	close(parked->pidfd);
	return mmun_wait_child(parked->pid);
}

/* One attempt, refused or not, and what must come of it. */
static void reap_once(struct actor *actor, struct parked *parked)
{
	struct race *race = actor->race;
	bool refuse = roll(actor, 2);
	int i, ret;
	__u32 left;

	_mmun_fail_nonblock(race->fd, race->id, refuse, &left);
	ret = syscall(SYS_process_mrelease, parked->pidfd, 0) ? errno : 0;
	if (ret != (refuse ? EAGAIN : 0))
		wrong(race, "process_mrelease: %s", strerror(ret));
	for (i = 0; i < PAGES && !ret; i++) {
		set(&race->low[i], 2);
		set(&race->high[i], 2);
		set(&race->stable[i], 2);
	}
	sched_yield();
}

FIXTURE(race_reap) {
	bool has_hmm;
	struct race race;
	struct parked parked;
	struct actor readers[READERS];
	struct actor mutator;
};

FIXTURE_SETUP(race_reap)
{
	ASSERT_EQ(0, race_init(&self->race));
	self->has_hmm = mmun_has_feature(self->race.fd, MMUN_FEATURE_HMM);
	close(self->race.fd);
	self->parked.answer = mmap(NULL, sizeof(*self->parked.answer),
				   PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->parked.answer);
	actor_init(&self->mutator, &self->race, 0);
}

FIXTURE_TEARDOWN(race_reap)
{
}

/* One victim: read, kill, reap it again and again, let it go. */
static int reap_a_victim(struct race *race, struct parked *parked,
			 struct actor *mutator, struct actor *readers)
{
	__u64 enough = race->checked + ENOUGH;
	int i;

	for (i = 0; i < PAGES; i++) {
		race->low[i] = 1;
		race->high[i] = 1;
		race->stable[i] = 1;
	}
	if (parked_start(parked, race) ||
	    start_threads(race, readers, READERS, reader_main) ||
	    !wait_for(&race->checked, enough) || kill(parked->pid, SIGKILL))
		return -1;
	for (i = 0; i < PAGES; i++)
		set(&race->stable[i], 0);
	for (i = 0; i < ATTEMPTS; i++)
		reap_once(mutator, parked);
	stop_threads(race, readers, READERS);
	return parked_end(parked, race);
}

TEST_F_TIMEOUT(race_reap, device_never_reads_what_process_mrelease_took, 150)
{
	struct race *race = &self->race;
	int i;

	if (!self->has_hmm)
		SKIP(return, MMUN_LACKS(MMUN_FEATURE_HMM));
	for (i = 0; i < VICTIMS && (i < 3 || race->collisions < ENOUGH); i++)
		ASSERT_EQ(128 + SIGKILL,
			  reap_a_victim(race, &self->parked, &self->mutator,
					self->readers));
	expect_races_hit_and_nothing_wrong(race);
}

MMUN_HARNESS_MAIN
