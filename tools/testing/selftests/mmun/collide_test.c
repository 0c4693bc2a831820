// SPDX-License-Identifier: GPL-2.0
/*
 * The collision-retry protocol, one step at a time: an invalidation between
 * READ_BEGIN and COMMIT is always seen, and none is seen when there was none.
 */
#include "lib/mmun.h"

/*
 * The memory: 8 pages, each written, and room to move pages to.  The range is
 * the first 6 of them, its neighbour the other 2.
 *
 *   0   1   2   3   4   5   6   7   8 ...            15
 *   |--------range--------|-near--|   nothing mapped
 */
#define PAGES		8
#define RANGE_PAGES	6

struct memory {
	char *map;
	size_t page;
};

/* Mutators: each invalidates page @nr, and works on every page once. */

static int mutate_munmap(struct memory *m, int nr)
{
	return munmap(m->map + nr * m->page, m->page);
}

static int mutate_mprotect(struct memory *m, int nr)
{
	return mprotect(m->map + nr * m->page, m->page, PROT_READ);
}

static int mutate_dontneed(struct memory *m, int nr)
{
	return madvise(m->map + nr * m->page, m->page, MADV_DONTNEED);
}

static int mutate_mremap(struct memory *m, int nr)
{
	char *from = m->map + nr * m->page;

	return mremap(from, m->page, m->page, MREMAP_MAYMOVE | MREMAP_FIXED,
		      from + PAGES * m->page) == MAP_FAILED ? -1 : 0;
}

static int mutate_fork(struct memory *m, int nr)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	return pid < 0 ? -1 : mmun_wait_child(pid);
}

FIXTURE(collide) {
	int fd;
	struct memory m;
	__u32 id;
	__u32 near;
};

static void memory_setup(struct __test_metadata *_metadata, int *fd,
			 struct memory *m)
{
	*fd = mmun_open();
	ASSERT_LE(0, *fd);
	m->page = sysconf(_SC_PAGESIZE);
	m->map = mmun_arena(2 * PAGES);
	ASSERT_NE(NULL, m->map);
	ASSERT_NE(NULL, mmun_map_filled(m->map, PAGES));
}

FIXTURE_SETUP(collide)
{
	memory_setup(_metadata, &self->fd, &self->m);
	self->id = mmun_insert(self->m.map, RANGE_PAGES * self->m.page);
	self->near = mmun_insert(self->m.map + RANGE_PAGES * self->m.page,
				 2 * self->m.page);
}

FIXTURE_TEARDOWN(collide)
{
	close(self->fd);
}

/* Gather page @_nr as every kernel can. */
#define collect_page(_token, _nr)                                          \
	ASSERT_EQ(1, mmun_collect(_token,                                  \
				  self->m.map + (_nr) * self->m.page,      \
				  self->m.page, MMUN_METHOD_GUP, 0))

#define err_read_page(_nr)                                                 \
	mmun_err_access(EFAULT, self->id,                                  \
			self->m.map + (_nr) * self->m.page, 1, 0)

#define read_page(_nr)                                                     \
	({                                                                 \
		char __c = 0;                                              \
									   \
		mmun_device_read(self->id,                                 \
				 self->m.map + (_nr) * self->m.page, 1,    \
				 &__c);                                    \
		EXPECT_EQ((_nr) + 1, __c);                                 \
	})

/* The order of things, for every kind of mutator. */

FIXTURE(collide_mutator) {
	int fd;
	struct memory m;
	__u32 id;
	__u32 near;
};

FIXTURE_VARIANT(collide_mutator)
{
	int (*mutate)(struct memory *m, int nr);
	int everywhere;		/* it invalidates the neighbours, too */
};

FIXTURE_SETUP(collide_mutator)
{
	memory_setup(_metadata, &self->fd, &self->m);
	self->id = mmun_insert(self->m.map, RANGE_PAGES * self->m.page);
	self->near = mmun_insert(self->m.map + RANGE_PAGES * self->m.page,
				 2 * self->m.page);
}

FIXTURE_TEARDOWN(collide_mutator)
{
	close(self->fd);
}

/* clang-format off */
FIXTURE_VARIANT_ADD(collide_mutator, munmap)   { .mutate = mutate_munmap };
FIXTURE_VARIANT_ADD(collide_mutator, mprotect) { .mutate = mutate_mprotect };
FIXTURE_VARIANT_ADD(collide_mutator, dontneed) { .mutate = mutate_dontneed };
FIXTURE_VARIANT_ADD(collide_mutator, mremap)   { .mutate = mutate_mremap };
FIXTURE_VARIANT_ADD(collide_mutator, fork) {
	.mutate = mutate_fork, .everywhere = 1,
};
/* clang-format on */

#define mutate(_nr) ASSERT_EQ(0, variant->mutate(&self->m, _nr))

/*
 *	reader			mutator
 *	begin
 *	collect page 0
 *				invalidate page 3
 *	commit: collides
 */
TEST_F(collide_mutator, first_invalidation_after_insert_is_seen)
{
	struct mmun_token token = mmun_read_begin(self->id);
	struct mmun_commit commit;

	collect_page(token, 0);
	mutate(3);
	ASSERT_EQ(0, _mmun_commit(self->fd, token, &commit));
	EXPECT_EQ(1, commit.out_collided);
	EXPECT_EQ(0, commit.out_published);
	err_read_page(0);
	EXPECT_EQ(1, mmun_query_range(self->id).out_collisions);
	EXPECT_EQ(0, mmun_query_range(self->id).out_commits);
}

/* No ABA: the second looks like the first to whoever keeps only a flag. */
TEST_F(collide_mutator, second_invalidation_after_a_first_is_seen)
{
	struct mmun_token token;

	mutate(3);
	token = mmun_read_begin(self->id);
	collect_page(token, 0);
	mutate(4);
	EXPECT_EQ(1, mmun_commit(token));
	err_read_page(0);
}

TEST_F(collide_mutator, two_invalidations_in_one_section_are_seen)
{
	struct mmun_token token = mmun_read_begin(self->id);

	mutate(3);
	mutate(4);
	EXPECT_EQ(1, mmun_commit(token));
}

TEST_F(collide_mutator, invalidation_before_begin_does_not_collide)
{
	struct mmun_token token;

	mutate(3);
	token = mmun_read_begin(self->id);
	collect_page(token, 0);
	EXPECT_EQ(0, mmun_commit(token));
	read_page(0);
	EXPECT_EQ(0, mmun_query_range(self->id).out_collisions);
}

TEST_F(collide_mutator, beginning_again_after_a_collision_succeeds)
{
	struct mmun_token token = mmun_read_begin(self->id);

	mutate(3);
	ASSERT_EQ(1, mmun_commit(token));
	token = mmun_read_begin(self->id);
	collect_page(token, 0);
	EXPECT_EQ(0, mmun_commit(token));
	read_page(0);
}

/* The page right before the range and the one right after it. */
TEST_F(collide_mutator, invalidation_of_adjacent_pages_does_not_collide)
{
	__u32 id = mmun_insert(self->m.map + self->m.page, 2 * self->m.page);
	struct mmun_token token = mmun_read_begin(id);

	mutate(0);
	mutate(3);
	EXPECT_EQ(variant->everywhere, mmun_check_retry(id, token.seq));
	EXPECT_EQ(variant->everywhere, mmun_commit(token));
}

TEST_F(collide_mutator, invalidation_of_a_neighbour_range_does_not_collide)
{
	struct mmun_token here = mmun_read_begin(self->id);
	struct mmun_token near = mmun_read_begin(self->near);

	mutate(RANGE_PAGES);
	EXPECT_EQ(1, mmun_commit(near));
	EXPECT_EQ(variant->everywhere, mmun_commit(here));
}

/*
 *	older			newer			mutator
 *	begin
 *							invalidate
 *				begin
 *				commit: published
 *	commit: collides
 */
TEST_F(collide_mutator, older_reader_collides_and_the_newer_does_not)
{
	struct mmun_token older = mmun_read_begin(self->id), newer;

	mutate(3);
	newer = mmun_read_begin(self->id);
	collect_page(newer, 0);
	EXPECT_NE(older.seq, newer.seq);
	EXPECT_EQ(0, mmun_commit(newer));
	EXPECT_EQ(1, mmun_commit(older));
	read_page(0);
}

TEST_F(collide_mutator, check_retry_agrees_with_commit)
{
	struct mmun_token token = mmun_read_begin(self->id);

	EXPECT_EQ(0, mmun_check_retry(self->id, token.seq));
	mutate(3);
	EXPECT_EQ(1, mmun_check_retry(self->id, token.seq));
	EXPECT_EQ(1, mmun_check_retry(self->id, token.seq));
	EXPECT_EQ(1, mmun_commit(token));
	token = mmun_read_begin(self->id);
	EXPECT_EQ(0, mmun_check_retry(self->id, token.seq));
	EXPECT_EQ(0, mmun_commit(token));
}

/* What was published before stays, but for what the mutator took. */
TEST_F(collide_mutator, collision_publishes_nothing_and_drops_only_its_own)
{
	struct mmun_token token = mmun_read_begin(self->id);

	collect_page(token, 0);
	ASSERT_EQ(0, mmun_commit(token));
	token = mmun_read_begin(self->id);
	collect_page(token, 1);
	mutate(3);
	ASSERT_EQ(1, mmun_commit(token));
	if (variant->everywhere)
		err_read_page(0);
	else
		read_page(0);
	err_read_page(1);
}

/* When nothing happens. */

TEST_F(collide, idle_rounds_never_collide)
{
	int i, collided = 0;

	ASSERT_EQ(0, mutate_dontneed(&self->m, 3));
	for (i = 0; i < 5000; i++)
		collided += mmun_commit(mmun_read_begin(self->id));
	EXPECT_EQ(0, collided);
	EXPECT_EQ(5000, mmun_query_range(self->id).out_commits);
}

TEST_F(collide, rounds_beside_a_busy_neighbour_never_collide)
{
	int i, collided = 0;

	for (i = 0; i < 1000; i++) {
		struct mmun_token token = mmun_read_begin(self->id);

		ASSERT_EQ(0, mutate_dontneed(&self->m, RANGE_PAGES));
		collided += mmun_commit(token);
	}
	EXPECT_EQ(0, collided);
	EXPECT_EQ(1000, mmun_query_range(self->near).out_invalidations);
}

TEST_F(collide, every_round_with_an_invalidation_collides)
{
	int i, collided = 0;

	for (i = 0; i < 1000; i++) {
		struct mmun_token token = mmun_read_begin(self->id);

		ASSERT_EQ(0, mutate_dontneed(&self->m, i % RANGE_PAGES));
		collided += mmun_commit(token);
	}
	EXPECT_EQ(1000, collided);
	EXPECT_EQ(1000, mmun_query_range(self->id).out_collisions);
}

/* Sections that overlap, each with its own sequence. */

TEST_F(collide, nested_sections_all_commit_when_nothing_happened)
{
	struct mmun_token tokens[8];
	int i;

	for (i = 0; i < 8; i++) {
		tokens[i] = mmun_read_begin(self->id);
		EXPECT_EQ(tokens[0].seq, tokens[i].seq);
	}
	for (i = 7; i >= 0; i--)
		EXPECT_EQ(0, mmun_commit(tokens[i]));
}

TEST_F(collide, only_the_sections_open_at_the_invalidation_collide)
{
	struct mmun_token tokens[8];
	int i;

	for (i = 0; i < 8; i++) {
		if (i == 5)
			ASSERT_EQ(0, mutate_dontneed(&self->m, 3));
		tokens[i] = mmun_read_begin(self->id);
	}
	for (i = 0; i < 8; i++)
		EXPECT_EQ(i < 5, mmun_commit(tokens[i]));
}

TEST_F(collide, ranges_over_the_same_pages_collide_on_their_own)
{
	__u32 twin = mmun_insert(self->m.map, RANGE_PAGES * self->m.page);
	struct mmun_token token = mmun_read_begin(self->id), late;

	ASSERT_EQ(0, mutate_dontneed(&self->m, 3));
	late = mmun_read_begin(twin);
	EXPECT_EQ(1, mmun_commit(token));
	EXPECT_EQ(0, mmun_commit(late));
}

/* The life of a batch. */

TEST_F(collide, commit_of_an_empty_batch_publishes_nothing)
{
	struct mmun_token token = mmun_read_begin(self->id);
	struct mmun_commit commit;

	ASSERT_EQ(0, _mmun_commit(self->fd, token, &commit));
	EXPECT_EQ(0, commit.out_collided);
	EXPECT_EQ(0, commit.out_published);
	EXPECT_EQ(0, mmun_query_context().out_batches);
}

TEST_F(collide, commit_works_once)
{
	struct mmun_token token = mmun_read_begin(self->id);

	EXPECT_EQ(1, mmun_query_context().out_batches);
	collect_page(token, 0);
	EXPECT_EQ(0, mmun_commit(token));
	EXPECT_EQ(0, mmun_query_context().out_batches);
	mmun_err_commit(ENOENT, token);
	read_page(0);
}

TEST_F(collide, commit_that_collided_works_once)
{
	struct mmun_token token = mmun_read_begin(self->id);

	ASSERT_EQ(0, mutate_dontneed(&self->m, 3));
	EXPECT_EQ(1, mmun_commit(token));
	mmun_err_commit(ENOENT, token);
	EXPECT_EQ(0, mmun_query_context().out_batches);
}

TEST_F(collide, commit_with_a_wrong_seq_leaves_the_batch_usable)
{
	struct mmun_token token = mmun_read_begin(self->id), wrong = token;

	collect_page(token, 0);
	wrong.seq += 2;
	mmun_err_commit(EINVAL, wrong);
	wrong.seq = token.seq - 2;
	mmun_err_commit(EINVAL, wrong);
	err_read_page(0);
	EXPECT_EQ(0, mmun_commit(token));
	read_page(0);
}

/* The seq of a later section must not make an earlier one pass. */
TEST_F(collide, commit_with_the_seq_of_another_batch_is_refused)
{
	struct mmun_token token = mmun_read_begin(self->id), fresh;

	collect_page(token, 3);
	ASSERT_EQ(0, mutate_dontneed(&self->m, 3));
	fresh = mmun_read_begin(self->id);
	fresh.batch = token.batch;
	mmun_err_commit(EINVAL, fresh);
	EXPECT_EQ(1, mmun_commit(token));
	err_read_page(3);
}

TEST_F(collide, abandoned_batch_publishes_nothing)
{
	struct mmun_token token = mmun_read_begin(self->id);

	collect_page(token, 0);
	mmun_abandon(token);
	err_read_page(0);
	mmun_err_commit(ENOENT, token);
	EXPECT_ERRNO(ENOENT, _mmun_abandon(self->fd, token));
	EXPECT_EQ(0, mmun_query_context().out_batches);
}

TEST_F(collide, commit_after_remove_of_the_range_is_enoent)
{
	struct mmun_token token = mmun_read_begin(self->id);

	collect_page(token, 0);
	mmun_remove(self->id);
	mmun_err_commit(ENOENT, token);
	EXPECT_EQ(0, mmun_query_context().out_batches);
}

TEST_F(collide, batch_of_a_removed_range_can_be_abandoned)
{
	struct mmun_token token = mmun_read_begin(self->id);

	mmun_remove(self->id);
	EXPECT_EQ(1, mmun_query_context().out_batches);
	mmun_abandon(token);
	EXPECT_EQ(0, mmun_query_context().out_batches);
}

TEST_F(collide, batch_does_not_move_to_a_new_range_at_the_same_place)
{
	struct mmun_token token = mmun_read_begin(self->id);

	collect_page(token, 0);
	mmun_remove(self->id);
	self->id = mmun_insert(self->m.map, RANGE_PAGES * self->m.page);
	mmun_err_commit(ENOENT, token);
	err_read_page(0);
}

/* The ways to gather pages. */

FIXTURE(collide_method) {
	int fd;
	struct memory m;
	__u32 id;
};

FIXTURE_VARIANT(collide_method)
{
	__u32 method;
	__u32 flags;
	__u64 needs;
	int stale;		/* errno of COLLECT when the seq is stale */
};

FIXTURE_SETUP(collide_method)
{
	memory_setup(_metadata, &self->fd, &self->m);
	self->id = mmun_insert(self->m.map, RANGE_PAGES * self->m.page);
}

FIXTURE_TEARDOWN(collide_method)
{
	close(self->fd);
}

/* clang-format off */
FIXTURE_VARIANT_ADD(collide_method, fault) {
	.method = MMUN_METHOD_HMM_FAULT,
	.needs = MMUN_FEATURE_HMM, .stale = EBUSY,
};

FIXTURE_VARIANT_ADD(collide_method, fault_write) {
	.method = MMUN_METHOD_HMM_FAULT, .flags = MMUN_WRITE,
	.needs = MMUN_FEATURE_HMM, .stale = EBUSY,
};

FIXTURE_VARIANT_ADD(collide_method, look) {
	.method = MMUN_METHOD_HMM_NOFAULT,
	.needs = MMUN_FEATURE_HMM, .stale = EBUSY,
};

FIXTURE_VARIANT_ADD(collide_method, gup) {
	.method = MMUN_METHOD_GUP,
};

FIXTURE_VARIANT_ADD(collide_method, gup_write) {
	.method = MMUN_METHOD_GUP, .flags = MMUN_WRITE,
};
/* clang-format on */

#define need_method()                                                      \
	do {                                                               \
		if (variant->needs & ~mmun_info().out_features)            \
			SKIP(return, "no HMM: set CONFIG_HMM_MIRROR");     \
	} while (0)

#define collect_pages(_token, _first, _nr)                                 \
	mmun_collect(_token, self->m.map + (_first) * self->m.page,        \
		     (_nr) * self->m.page, variant->method, variant->flags)

/* HMM knows at once; GUP does not ask, but COMMIT does. */
TEST_F(collide_method, collect_in_a_stale_section_is_noticed)
{
	struct mmun_token token;
	__u32 valid;
	int ret;

	need_method();
	token = mmun_read_begin(self->id);
	ASSERT_EQ(0, mutate_dontneed(&self->m, 3));
	errno = 0;
	ret = _mmun_collect(self->fd, token, self->m.map, self->m.page,
			    variant->method, variant->flags, &valid);
	EXPECT_EQ(variant->stale ? -1 : 0, ret);
	EXPECT_EQ(variant->stale, errno);
	EXPECT_EQ(1, mmun_commit(token));
	err_read_page(0);
}

/*
 *	reader			mutator
 *	begin
 *	collect pages 0-2
 *				invalidate page 1
 *	collect pages 3-5
 *	commit: collides
 *
 * A sequence taken anew for each part would miss it.
 */
TEST_F(collide_method, first_part_invalidated_during_the_second_collides)
{
	struct mmun_token token;
	__u32 valid;

	need_method();
	token = mmun_read_begin(self->id);
	EXPECT_EQ(3, collect_pages(token, 0, 3));
	ASSERT_EQ(0, mutate_dontneed(&self->m, 1));
	_mmun_collect(self->fd, token, self->m.map + 3 * self->m.page,
		      3 * self->m.page, variant->method, variant->flags,
		      &valid);
	EXPECT_EQ(1, mmun_commit(token));
	err_read_page(0);
	err_read_page(3);
}

TEST_F(collide_method, invalidation_after_collect_is_seen)
{
	struct mmun_token token;

	need_method();
	token = mmun_read_begin(self->id);
	EXPECT_EQ(RANGE_PAGES, collect_pages(token, 0, RANGE_PAGES));
	ASSERT_EQ(0, mutate_munmap(&self->m, 3));
	EXPECT_EQ(1, mmun_commit(token));
	err_read_page(0);
	err_read_page(3);
}

TEST_F(collide_method, parts_in_any_order_are_all_published)
{
	struct mmun_token token;
	struct mmun_commit commit;
	int i;

	need_method();
	token = mmun_read_begin(self->id);
	EXPECT_EQ(2, collect_pages(token, 4, 2));
	EXPECT_EQ(1, collect_pages(token, 0, 1));
	EXPECT_EQ(2, collect_pages(token, 1, 2));
	ASSERT_EQ(0, _mmun_commit(self->fd, token, &commit));
	EXPECT_EQ(0, commit.out_collided);
	EXPECT_EQ(5, commit.out_published);
	for (i = 0; i < RANGE_PAGES; i++)
		if (i != 3)
			read_page(i);
	err_read_page(3);
}

/* Gathering maps nothing anew here, and so disturbs no other reader. */
TEST_F(collide_method, collect_of_present_pages_does_not_collide_by_itself)
{
	struct mmun_token token, other;
	int i;

	need_method();
	for (i = 0; i < 100; i++) {
		token = mmun_read_begin(self->id);
		other = mmun_read_begin(self->id);
		collect_pages(token, 0, RANGE_PAGES);
		EXPECT_EQ(0, mmun_commit(other));
		EXPECT_EQ(0, mmun_commit(token));
	}
	EXPECT_EQ(0, mmun_query_range(self->id).out_invalidations);
}

/* Where parts overlap the later one counts. */

TEST_F(collide, later_part_takes_the_right_to_write)
{
	struct mmun_token token = mmun_read_begin(self->id);

	mmun_collect(token, self->m.map, 2 * self->m.page, MMUN_METHOD_GUP,
		     MMUN_WRITE);
	collect_page(token, 0);
	EXPECT_EQ(0, mmun_commit(token));
	mmun_err_access(EFAULT, self->id, self->m.map, 1, MMUN_WRITE);
	mmun_device_write(self->id, self->m.map + self->m.page, 1, "x");
	read_page(0);
}

TEST_F(collide, later_part_gives_the_right_to_write)
{
	struct mmun_token token = mmun_read_begin(self->id);

	mmun_collect(token, self->m.map, 2 * self->m.page, MMUN_METHOD_GUP, 0);
	mmun_collect(token, self->m.map, self->m.page, MMUN_METHOD_GUP,
		     MMUN_WRITE);
	EXPECT_EQ(0, mmun_commit(token));
	mmun_device_write(self->id, self->m.map, 1, "x");
	mmun_err_access(EFAULT, self->id, self->m.map + self->m.page, 1,
			MMUN_WRITE);
}

/*
 * A snapshot for writing, while a child shares the pages: its own faults break
 * copy-on-write and invalidate what it reads.
 */

FIXTURE(collide_cow) {
	int fd;
	struct memory m;
	__u32 id;
	pid_t child;
	int wake;
};

FIXTURE_VARIANT(collide_cow)
{
	__u32 method;
	__u64 needs;
};

FIXTURE_SETUP(collide_cow)
{
	int fds[2];
	char c;

	memory_setup(_metadata, &self->fd, &self->m);
	self->id = mmun_insert(self->m.map, RANGE_PAGES * self->m.page);
	ASSERT_EQ(0, pipe2(fds, O_CLOEXEC));
	self->child = fork();
	ASSERT_LE(0, self->child);
	if (!self->child) {
		close(fds[1]);
		_exit(read(fds[0], &c, 1));
	}
	close(fds[0]);
	self->wake = fds[1];
}

/* The child ends at the end of its pipe. */
FIXTURE_TEARDOWN(collide_cow)
{
	close(self->wake);
	mmun_wait_child(self->child);
	close(self->fd);
}

/* clang-format off */
FIXTURE_VARIANT_ADD(collide_cow, fault) {
	.method = MMUN_METHOD_HMM_FAULT, .needs = MMUN_FEATURE_HMM,
};

FIXTURE_VARIANT_ADD(collide_cow, gup) {
	.method = MMUN_METHOD_GUP,
};
/* clang-format on */

#define cow_snapshot(_pages, _retries, _entries)                           \
	({                                                                 \
		struct mmun_snapshot __snap = {                            \
			.id = self->id,                                    \
			.start = mmun_u64(self->m.map),                    \
			.length = (_pages) * self->m.page,                 \
			.method = variant->method,                         \
			.flags = MMUN_WRITE,                               \
			.max_retries = _retries,                           \
			.pages = mmun_u64(_entries),                       \
		};                                                         \
									   \
		ASSERT_EQ(0, _mmun_snapshot(self->fd, &__snap));           \
		__snap;                                                    \
	})

TEST_F(collide_cow, snapshot_that_may_not_retry_collides_with_itself)
{
	__u64 entry = 0x5a5a;
	struct mmun_snapshot snap;

	need_method();
	snap = cow_snapshot(1, 0, &entry);
	if (mmun_is_unlocked(self->fd, variant->method)) {
		EXPECT_EQ(0, snap.out_collided);
		EXPECT_EQ(0, mmun_query_range(self->id).out_collisions);
		return;
	}
	EXPECT_EQ(1, snap.out_collided);
	EXPECT_EQ(0, snap.out_retries);
	EXPECT_EQ(0x5a5a, entry);
	err_read_page(0);
	EXPECT_EQ(0, mmun_query_range(self->id).out_commits);
	EXPECT_EQ(1, mmun_query_range(self->id).out_collisions);
}

TEST_F(collide_cow, snapshot_of_a_page_succeeds_with_one_retry)
{
	__u64 entry = 0;
	struct mmun_snapshot snap;

	need_method();
	snap = cow_snapshot(1, 1, &entry);
	EXPECT_EQ(0, snap.out_collided);
	EXPECT_EQ(!mmun_is_unlocked(self->fd, variant->method),
		  snap.out_retries);
	EXPECT_EQ(1, snap.out_valid);
	EXPECT_EQ(MMUN_PAGE_VALID | MMUN_PAGE_WRITE,
		  entry & (MMUN_PAGE_VALID | MMUN_PAGE_WRITE));
	mmun_device_write(self->id, self->m.map, 1, "x");
	EXPECT_EQ('x', self->m.map[0]);
}

/* hmm_range_fault() stops at each page that it had to fault in; GUP goes on. */
TEST_F(collide_cow, snapshot_of_the_range_retries_at_most_once_per_page)
{
	__u64 entries[RANGE_PAGES];
	struct mmun_snapshot snap;

	need_method();
	snap = cow_snapshot(RANGE_PAGES, RANGE_PAGES, entries);
	EXPECT_EQ(0, snap.out_collided);
	EXPECT_LE(!mmun_is_unlocked(self->fd, variant->method),
		  snap.out_retries);
	EXPECT_GE(RANGE_PAGES, snap.out_retries);
	EXPECT_EQ(RANGE_PAGES, snap.out_valid);
	EXPECT_EQ(snap.out_retries, mmun_query_range(self->id).out_collisions);
	EXPECT_EQ(1, mmun_query_range(self->id).out_commits);
}

MMUN_HARNESS_MAIN
