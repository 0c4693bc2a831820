// SPDX-License-Identifier: GPL-2.0
/*
 * Tests the collision-retry protocol, one step at a time: COMMIT reports a
 * collision if and only if an invalidation hit the range after READ_BEGIN.
 */
#include "lib/range.h"
#include "lib/subject.h"

/*
 * The drawing in hold.h shows the pages and the ranges.  Page n contains byte
 * n + 1.  mremap() moves a page to one of the 8 pages behind the map.  The
 * process of the test takes the role of the subject, see subject.h.
 *
 *   0   1   2   3   4   5   6   7   8 ...            15
 *   |-----range-----|-near--|       |   no access
 */
#define COLLIDE_FIXTURE(_fixture)                                   \
	FIXTURE(_fixture)                                           \
	{                                                           \
		MMUN_RANGE_FIXTURE;                                 \
		__u32 near;                                         \
		struct mmun_token token;                            \
		struct subject subject;                             \
	};                                                          \
	FIXTURE_SETUP(_fixture)                                     \
	{                                                           \
		setup_range(2 * ALL_PAGES, ALL_PAGES, RANGE_PAGES); \
		self->near = insert_pages(NEAR_PAGE, 2);            \
		self->subject.map = self->map;                      \
		self->subject.page = self->page;                    \
	}                                                           \
	MMUN_FIXTURE_TEARDOWN(_fixture)

COLLIDE_FIXTURE(collide)
COLLIDE_FIXTURE(collide_mutator)
COLLIDE_FIXTURE(collide_method)
COLLIDE_FIXTURE(collide_cow)

/* Begin a critical section, on which the macros below work. */
#define begin() (self->token = mmun_read_begin(self->id))

#define collect(_first, _nr, _method, _flags)                       \
	ASSERT_EQ(_nr, mmun_collect(self->token, mmun_page(_first), \
				    mmun_pages(_nr), _method, _flags))

/* GUP works on every kernel. */
#define collect_page(_nr) collect(_nr, 1, MMUN_METHOD_GUP, 0)

#define begin_with_page(_nr)       \
	do {                       \
		begin();           \
		collect_page(_nr); \
	} while (0)

#define expect_retry(_retry) \
	EXPECT_EQ(_retry, mmun_check_retry(self->id, self->token.seq))

/* Commit the latest batch, and expect @_collided and @_published. */
#define expect_commit(_collided, _published)                                  \
	do {                                                                  \
		struct mmun_commit __commit;                                  \
		ASSERT_EQ(0, _mmun_commit(self->fd, self->token, &__commit)); \
		EXPECT_EQ(_collided, __commit.out_collided);                  \
		EXPECT_EQ(_published, __commit.out_published);                \
	} while (0)
#define expect_collision() expect_commit(1, 0)
#define expect_published(_nr) expect_commit(0, _nr)

#define expect_entry(_nr) EXPECT_EQ((_nr) + 1, device_byte(_nr))
#define expect_batches(_nr) EXPECT_EQ(_nr, mmun_query_context().out_batches)
#define expect_counters(_collisions, _commits)                               \
	do {                                                                 \
		EXPECT_EQ(_collisions,                                       \
			  mmun_query_range(self->id).out_collisions);        \
		EXPECT_EQ(_commits, mmun_query_range(self->id).out_commits); \
	} while (0)

/*
 * A test executes the same steps with each mutator.  A mutator invalidates one
 * page.  A test calls a mutator at most once for each page.
 */

static int mutate_mremap(struct subject *subject, int nr)
{
	char *to = subject_page(subject, ALL_PAGES + nr);

	return mremap(subject_page(subject, nr), subject->page, subject->page,
		      MREMAP_MAYMOVE | MREMAP_FIXED, to) != to;
}

/* @everywhere: the mutator invalidates all pages and not only one page */
FIXTURE_VARIANT(collide_mutator)
{
	mutate_fn mutate;
	bool everywhere;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(collide_mutator, munmap)   { mutate_munmap, false };
FIXTURE_VARIANT_ADD(collide_mutator, mprotect) { mutate_mprotect, false };
FIXTURE_VARIANT_ADD(collide_mutator, dontneed) { mutate_dontneed, false };
FIXTURE_VARIANT_ADD(collide_mutator, mremap)   { mutate_mremap, false };
FIXTURE_VARIANT_ADD(collide_mutator, fork)     { mutate_fork, true };
/* clang-format on */

#define must_mutate(_nr) ASSERT_EQ(0, variant->mutate(&self->subject, _nr))
#define drop_page(_nr) ASSERT_EQ(0, mutate_dontneed(&self->subject, _nr))

/*
 *	reader				mutator
 *	begin, collect page 0		invalidate page 3
 *	commit: collides
 */
TEST_F(collide_mutator, first_invalidation_after_insert_collides)
{
	begin_with_page(0);
	must_mutate(3);
	expect_collision();
	expect_no_entry(0);
	expect_counters(1, 0);
}

/*
 * A driver that has a flag instead of a sequence would miss the second
 * invalidation.
 */
TEST_F(collide_mutator, second_invalidation_after_insert_collides)
{
	must_mutate(2);
	begin_with_page(0);
	must_mutate(3);
	expect_collision();
	expect_no_entry(0);
}

TEST_F(collide_mutator, two_invalidations_in_one_section_collide)
{
	begin();
	must_mutate(2);
	must_mutate(3);
	expect_collision();
}

TEST_F(collide_mutator, invalidation_before_begin_does_not_collide)
{
	must_mutate(3);
	begin_with_page(0);
	expect_published(1);
	expect_entry(0);
	expect_counters(0, 1);
}

TEST_F(collide_mutator, retry_after_a_collision_succeeds)
{
	begin();
	must_mutate(3);
	expect_collision();
	begin_with_page(0);
	expect_published(1);
	expect_entry(0);
}

/* The mutator changes the pages directly before and after the range. */
TEST_F(collide_mutator, invalidation_of_adjacent_pages_does_not_collide)
{
	self->id = insert_pages(1, 2);
	begin();
	must_mutate(0);
	must_mutate(3);
	expect_retry(variant->everywhere);
	expect_commit(variant->everywhere, 0);
}

TEST_F(collide_mutator, invalidation_of_a_neighbour_range_does_not_collide)
{
	struct mmun_token near = mmun_read_begin(self->near);

	begin();
	must_mutate(NEAR_PAGE);
	EXPECT_EQ(1, mmun_commit(near));
	expect_commit(variant->everywhere, 0);
}

/*
 *	older			newer			mutator
 *	begin						invalidate
 *				begin
 *				commit: published
 *	commit: collides
 */
TEST_F(collide_mutator, older_reader_collides_and_the_newer_does_not)
{
	struct mmun_token older = mmun_read_begin(self->id);

	must_mutate(3);
	begin_with_page(0);
	EXPECT_NE(older.seq, self->token.seq);
	expect_published(1);
	EXPECT_EQ(1, mmun_commit(older));
	expect_entry(0);
}

TEST_F(collide_mutator, check_retry_agrees_with_commit)
{
	begin();
	expect_retry(0);
	must_mutate(3);
	expect_retry(1);
	expect_retry(1);
	expect_collision();
	begin();
	expect_retry(0);
	expect_published(0);
}

/* After a collision, the entries of unchanged pages stay in the shadow. */
TEST_F(collide_mutator, collision_publishes_nothing_and_keeps_unchanged_pages)
{
	begin_with_page(0);
	expect_published(1);
	begin_with_page(1);
	must_mutate(3);
	expect_collision();
	if (variant->everywhere)
		expect_no_entry(0);
	else
		expect_entry(0);
	expect_no_entry(1);
}

/* Many critical sections, each with no invalidation or one invalidation */

/* Evaluates to the number of collisions.  Section @_i executes @_step. */
#define count_collisions(_i, _rounds, _step)                    \
	({                                                      \
		int __collided = 0;                             \
		for (int _i = 0; _i < (_rounds); _i++) {        \
			begin();                                \
			_step;                                  \
			__collided += mmun_commit(self->token); \
		}                                               \
		__collided;                                     \
	})

TEST_F(collide, sections_without_an_invalidation_never_collide)
{
	drop_page(3);
	EXPECT_EQ(0, count_collisions(i, 5000, expect_retry(0)));
	expect_counters(0, 5000);
}

TEST_F(collide, invalidations_of_an_adjacent_range_never_collide)
{
	EXPECT_EQ(0, count_collisions(i, 1000, drop_page(NEAR_PAGE)));
	EXPECT_EQ(1000, mmun_query_range(self->near).out_invalidations);
}

TEST_F(collide, every_section_with_an_invalidation_collides)
{
	EXPECT_EQ(1000, count_collisions(i, 1000, drop_page(i % RANGE_PAGES)));
	expect_counters(1000, 0);
}

/* Critical sections that overlap, each with its own sequence */

TEST_F(collide, nested_sections_all_commit_without_an_invalidation)
{
	struct mmun_token tokens[8];

	for (int i = 0; i < 8; i++) {
		tokens[i] = mmun_read_begin(self->id);
		EXPECT_EQ(tokens[0].seq, tokens[i].seq);
	}
	for (int i = 7; i >= 0; i--)
		EXPECT_EQ(0, mmun_commit(tokens[i]));
}

TEST_F(collide, only_the_sections_open_at_the_invalidation_collide)
{
	struct mmun_token tokens[8];

	for (int i = 0; i < 8; i++) {
		if (i == 5)
			drop_page(3);
		tokens[i] = mmun_read_begin(self->id);
	}
	for (int i = 0; i < 8; i++)
		EXPECT_EQ(i < 5, mmun_commit(tokens[i]));
}

TEST_F(collide, ranges_over_the_same_pages_collide_independently)
{
	__u32 twin = insert_pages(0, RANGE_PAGES);
	struct mmun_token late;

	begin();
	drop_page(3);
	late = mmun_read_begin(twin);
	expect_collision();
	EXPECT_EQ(0, mmun_commit(late));
}

/* A batch from READ_BEGIN to COMMIT or ABANDON */

TEST_F(collide, commit_of_an_empty_batch_publishes_nothing)
{
	begin();
	expect_published(0);
	expect_batches(0);
}

TEST_F(collide, batch_cannot_be_committed_twice)
{
	begin_with_page(0);
	expect_batches(1);
	expect_published(1);
	expect_batches(0);
	mmun_err_commit(ENOENT, self->token);
	expect_entry(0);
}

TEST_F(collide, collided_batch_cannot_be_committed_again)
{
	begin();
	drop_page(3);
	expect_collision();
	mmun_err_commit(ENOENT, self->token);
	expect_batches(0);
}

TEST_F(collide, commit_with_a_wrong_seq_leaves_the_batch_usable)
{
	struct mmun_token wrong;

	begin_with_page(0);
	wrong = self->token;
	wrong.seq += 2;
	mmun_err_commit(EINVAL, wrong);
	wrong.seq = self->token.seq - 2;
	mmun_err_commit(EINVAL, wrong);
	expect_no_entry(0);
	expect_published(1);
	expect_entry(0);
}

/* COMMIT of an older batch must not succeed with a newer sequence. */
TEST_F(collide, commit_with_the_seq_of_another_batch_is_refused)
{
	struct mmun_token fresh;

	begin_with_page(3);
	drop_page(3);
	fresh = mmun_read_begin(self->id);
	fresh.batch = self->token.batch;
	mmun_err_commit(EINVAL, fresh);
	expect_collision();
	expect_no_entry(3);
}

TEST_F(collide, abandoned_batch_publishes_nothing)
{
	begin_with_page(0);
	mmun_abandon(self->token);
	expect_no_entry(0);
	mmun_err_commit(ENOENT, self->token);
	EXPECT_ERRNO(ENOENT, _mmun_abandon(self->fd, self->token));
	expect_batches(0);
}

TEST_F(collide, commit_after_remove_of_the_range_is_enoent)
{
	begin_with_page(0);
	mmun_remove(self->id);
	mmun_err_commit(ENOENT, self->token);
	expect_batches(0);
}

TEST_F(collide, batch_of_a_removed_range_can_be_abandoned)
{
	begin();
	mmun_remove(self->id);
	expect_batches(1);
	mmun_abandon(self->token);
	expect_batches(0);
}

TEST_F(collide, batch_does_not_move_to_a_new_range_at_the_same_place)
{
	begin_with_page(0);
	mmun_remove(self->id);
	self->id = insert_pages(0, RANGE_PAGES);
	mmun_err_commit(ENOENT, self->token);
	expect_no_entry(0);
}

/* If two parts of a batch overlap, COMMIT publishes the later part. */

TEST_F(collide, later_part_removes_write_permission)
{
	begin();
	collect(0, 2, MMUN_METHOD_GUP, MMUN_WRITE);
	collect_page(0);
	EXPECT_EQ(0, mmun_commit(self->token));
	expect_no_write(0);
	device_write_byte(1, 'x');
	expect_entry(0);
}

TEST_F(collide, later_part_adds_write_permission)
{
	begin();
	collect(0, 2, MMUN_METHOD_GUP, 0);
	collect(0, 1, MMUN_METHOD_GUP, MMUN_WRITE);
	EXPECT_EQ(0, mmun_commit(self->token));
	device_write_byte(0, 'x');
	expect_no_write(1);
}

/* The methods of COLLECT */

/* @stale: errno of COLLECT after an invalidation in the section, or 0 */
FIXTURE_VARIANT(collide_method)
{
	__u32 method;
	__u32 flags;
	int stale;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(collide_method, fault)       { MMUN_METHOD_HMM_FAULT, 0, EBUSY };
FIXTURE_VARIANT_ADD(collide_method, fault_write) { MMUN_METHOD_HMM_FAULT, MMUN_WRITE, EBUSY };
FIXTURE_VARIANT_ADD(collide_method, nofault)     { MMUN_METHOD_HMM_NOFAULT, 0, EBUSY };
FIXTURE_VARIANT_ADD(collide_method, gup)         { MMUN_METHOD_GUP, 0, 0 };
FIXTURE_VARIANT_ADD(collide_method, gup_write)   { MMUN_METHOD_GUP, MMUN_WRITE, 0 };
/* clang-format on */

#define begin_by_method()                          \
	do {                                       \
		mmun_need_method(variant->method); \
		begin();                           \
	} while (0)

#define collect_pages(_first, _nr) \
	collect(_first, _nr, variant->method, variant->flags)

/*
 * With HMM, COLLECT checks the sequence.  With GUP, only COMMIT checks the
 * sequence.
 */
#define collect_stale_pages(_first, _nr)                                      \
	do {                                                                  \
		__u32 __valid;                                                \
		int __ret = _mmun_collect(self->fd, self->token,              \
					  mmun_page(_first), mmun_pages(_nr), \
					  variant->method, variant->flags,    \
					  &__valid);                          \
		EXPECT_EQ(variant->stale, __ret ? errno : 0);                 \
	} while (0)

TEST_F(collide_method, invalidation_before_collect_collides)
{
	begin_by_method();
	drop_page(3);
	collect_stale_pages(0, 1);
	expect_collision();
	expect_no_entry(0);
}

/*
 *	reader				mutator
 *	begin, collect pages 0, 1	invalidate page 1
 *	collect pages 2, 3
 *	commit: collides
 *
 * All parts of a batch have the sequence of READ_BEGIN, so COMMIT detects the
 * collision.
 */
TEST_F(collide_method, batch_collides_if_its_first_part_was_invalidated)
{
	begin_by_method();
	collect_pages(0, 2);
	drop_page(1);
	collect_stale_pages(2, 2);
	expect_collision();
	expect_no_entry(0);
	expect_no_entry(2);
}

TEST_F(collide_method, invalidation_after_collect_collides)
{
	begin_by_method();
	collect_pages(0, RANGE_PAGES);
	ASSERT_EQ(0, mutate_munmap(&self->subject, 3));
	expect_collision();
	expect_no_entry(0);
	expect_no_entry(3);
}

TEST_F(collide_method, commit_publishes_all_parts_of_a_batch_in_any_order)
{
	self->id = insert_pages(0, ALL_PAGES);
	begin_by_method();
	collect_pages(4, 2);
	collect_pages(0, 1);
	collect_pages(1, 2);
	expect_published(5);
	for (int i = 0; i < 6; i++)
		if (i != 3)
			expect_entry(i);
	expect_no_entry(3);
}

/* COLLECT of present pages raises no invalidation. */
TEST_F(collide_method, collect_of_present_pages_does_not_collide_by_itself)
{
	struct mmun_token other;

	for (int i = 0; i < 100; i++) {
		begin_by_method();
		other = mmun_read_begin(self->id);
		collect_pages(0, RANGE_PAGES);
		EXPECT_EQ(0, mmun_commit(other));
		expect_published(RANGE_PAGES);
	}
	EXPECT_EQ(0, mmun_query_range(self->id).out_invalidations);
}

/*
 * Snapshots with MMUN_WRITE of pages that a child shares: a fault of the
 * snapshot breaks copy-on-write, which invalidates the range.
 */

FIXTURE_VARIANT(collide_cow)
{
	__u32 method;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(collide_cow, fault) { MMUN_METHOD_HMM_FAULT };
FIXTURE_VARIANT_ADD(collide_cow, gup)   { MMUN_METHOD_GUP };
/* clang-format on */

#define cow_snapshot(_pages, _retries, _entries)                 \
	({                                                       \
		struct mmun_snapshot __snap = MMUN_SNAPSHOT_OF(  \
			self->id, self->map, mmun_pages(_pages), \
			variant->method, MMUN_WRITE);            \
		struct mmun_child __child;                       \
		mmun_need_method(variant->method);               \
		ASSERT_EQ(0, mmun_child_start(&__child, NULL));  \
		__snap.max_retries = _retries;                   \
		__snap.pages = mmun_u64(_entries);               \
		ASSERT_EQ(0, _mmun_snapshot(self->fd, &__snap)); \
		EXPECT_EQ(0, mmun_child_end(&__child));          \
		__snap;                                          \
	})

TEST_F(collide_cow, snapshot_that_may_not_retry_collides_with_itself)
{
	__u64 entry = 0x5a5a;
	struct mmun_snapshot snap = cow_snapshot(1, 0, &entry);

	if (mmun_is_unlocked(self->fd, variant->method)) {
		EXPECT_EQ(0, snap.out_collided);
		expect_counters(0, 1);
		return;
	}
	EXPECT_EQ(1, snap.out_collided);
	EXPECT_EQ(0, snap.out_retries);
	EXPECT_EQ(0x5a5a, entry);
	expect_no_entry(0);
	expect_counters(1, 0);
}

TEST_F(collide_cow, snapshot_of_a_page_succeeds_with_one_retry)
{
	__u64 entry = 0;
	struct mmun_snapshot snap = cow_snapshot(1, 1, &entry);

	EXPECT_EQ(0, snap.out_collided);
	EXPECT_EQ(!mmun_is_unlocked(self->fd, variant->method),
		  snap.out_retries);
	EXPECT_EQ(1, snap.out_valid);
	EXPECT_EQ(MMUN_PAGE_VALID | MMUN_PAGE_WRITE,
		  entry & (MMUN_PAGE_VALID | MMUN_PAGE_WRITE));
	device_write_byte(0, 'x');
}

/* hmm_range_fault() returns after each page that it faulted in. */
TEST_F(collide_cow, snapshot_of_the_range_retries_at_most_once_per_page)
{
	__u64 entries[RANGE_PAGES];
	struct mmun_snapshot snap =
		cow_snapshot(RANGE_PAGES, RANGE_PAGES, entries);

	EXPECT_EQ(0, snap.out_collided);
	EXPECT_LE(!mmun_is_unlocked(self->fd, variant->method),
		  snap.out_retries);
	EXPECT_GE(RANGE_PAGES, snap.out_retries);
	EXPECT_EQ(RANGE_PAGES, snap.out_valid);
	expect_counters(snap.out_retries, 1);
}

MMUN_HARNESS_MAIN
