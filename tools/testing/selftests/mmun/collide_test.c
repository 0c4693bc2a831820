// SPDX-License-Identifier: GPL-2.0
/*
 * The collision-retry protocol, one step at a time: COMMIT fails if and only if
 * an invalidation hit the range after READ_BEGIN.
 */
#include "lib/mmun.h"
#include "lib/process.h"
#include "lib/range.h"

/*
 * Page n contains byte n + 1.  The range covers 6 pages, and its neighbour
 * covers 2 pages.  mremap() moves a page into the other 8 pages.
 *
 *   0   1   2   3   4   5   6   7   8 ...            15
 *   |--------range--------|-near--|   no access
 */
#define PAGES 8
#define RANGE_PAGES 6

/*
 * Each mutator invalidates one page, and works once on each page.  A mutator
 * returns 0 if it succeeds.
 */

static int mutate_munmap(char *at, size_t page)
{
	return munmap(at, page);
}

static int mutate_mprotect(char *at, size_t page)
{
	return mprotect(at, page, PROT_READ);
}

static int mutate_dontneed(char *at, size_t page)
{
	return madvise(at, page, MADV_DONTNEED);
}

static int mutate_mremap(char *at, size_t page)
{
	char *to = at + PAGES * page;

	return mremap(at, page, page, MREMAP_MAYMOVE | MREMAP_FIXED, to) != to;
}

static int mutate_fork(char *at, size_t page)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	return pid < 0 ? -1 : mmun_wait_child(pid);
}

#define drop_page(_nr) ASSERT_EQ(0, mutate_dontneed(mmun_page(_nr), self->page))

/* GUP works on every kernel. */
#define collect_by_gup(_token, _first, _nr, _flags)            \
	ASSERT_EQ(_nr, mmun_collect(_token, mmun_page(_first), \
				    mmun_pages(_nr), MMUN_METHOD_GUP, _flags))

#define collect_page(_token, _nr) collect_by_gup(_token, _nr, 1, 0)

/* Returns the token of a section that has collected the page. */
#define begin_with_page(_nr)                                           \
	({                                                             \
		struct mmun_token __begun = mmun_read_begin(self->id); \
		collect_page(__begun, _nr);                            \
		__begun;                                               \
	})

#define expect_entry(_nr) EXPECT_EQ((_nr) + 1, device_byte(_nr))

/* Every kind of mutator takes the same order of steps. */

FIXTURE(collide_mutator)
{
	MMUN_RANGE_FIXTURE;
	__u32 near;
};

/* @everywhere: the mutator invalidates all pages and not only one page */
FIXTURE_VARIANT(collide_mutator)
{
	int (*mutate)(char *at, size_t page);
	bool everywhere;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(collide_mutator, munmap)   { mutate_munmap, false };
FIXTURE_VARIANT_ADD(collide_mutator, mprotect) { mutate_mprotect, false };
FIXTURE_VARIANT_ADD(collide_mutator, dontneed) { mutate_dontneed, false };
FIXTURE_VARIANT_ADD(collide_mutator, mremap)   { mutate_mremap, false };
FIXTURE_VARIANT_ADD(collide_mutator, fork)     { mutate_fork, true };
/* clang-format on */

FIXTURE_SETUP(collide_mutator)
{
	setup_range(2 * PAGES, PAGES, RANGE_PAGES);
	self->near = insert_pages(RANGE_PAGES, PAGES - RANGE_PAGES);
}

MMUN_FIXTURE_TEARDOWN(collide_mutator)

#define must_mutate(_nr) \
	ASSERT_EQ(0, variant->mutate(mmun_page(_nr), self->page))

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
	must_mutate(3);
	ASSERT_EQ(0, _mmun_commit(self->fd, token, &commit));
	EXPECT_EQ(1, commit.out_collided);
	EXPECT_EQ(0, commit.out_published);
	expect_no_entry(0);
	EXPECT_EQ(1, mmun_query_range(self->id).out_collisions);
	EXPECT_EQ(0, mmun_query_range(self->id).out_commits);
}

/*
 * A driver that has a flag instead of a sequence would miss the second
 * invalidation.
 */
TEST_F(collide_mutator, second_invalidation_after_a_first_is_seen)
{
	struct mmun_token token;

	must_mutate(3);
	token = begin_with_page(0);
	must_mutate(4);
	EXPECT_EQ(1, mmun_commit(token));
	expect_no_entry(0);
}

TEST_F(collide_mutator, two_invalidations_in_one_section_are_seen)
{
	struct mmun_token token = mmun_read_begin(self->id);

	must_mutate(3);
	must_mutate(4);
	EXPECT_EQ(1, mmun_commit(token));
}

TEST_F(collide_mutator, invalidation_before_begin_does_not_collide)
{
	struct mmun_token token;

	must_mutate(3);
	token = begin_with_page(0);
	EXPECT_EQ(0, mmun_commit(token));
	expect_entry(0);
	EXPECT_EQ(0, mmun_query_range(self->id).out_collisions);
}

TEST_F(collide_mutator, beginning_again_after_a_collision_succeeds)
{
	struct mmun_token token = mmun_read_begin(self->id);

	must_mutate(3);
	ASSERT_EQ(1, mmun_commit(token));
	token = begin_with_page(0);
	EXPECT_EQ(0, mmun_commit(token));
	expect_entry(0);
}

/* The mutator works on the pages directly before and after the range. */
TEST_F(collide_mutator, invalidation_of_adjacent_pages_does_not_collide)
{
	__u32 id = insert_pages(1, 2);
	struct mmun_token token = mmun_read_begin(id);

	must_mutate(0);
	must_mutate(3);
	EXPECT_EQ(variant->everywhere, mmun_check_retry(id, token.seq));
	EXPECT_EQ(variant->everywhere, mmun_commit(token));
}

TEST_F(collide_mutator, invalidation_of_a_neighbour_range_does_not_collide)
{
	struct mmun_token here = mmun_read_begin(self->id);
	struct mmun_token near = mmun_read_begin(self->near);

	must_mutate(RANGE_PAGES);
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

	must_mutate(3);
	newer = begin_with_page(0);
	EXPECT_NE(older.seq, newer.seq);
	EXPECT_EQ(0, mmun_commit(newer));
	EXPECT_EQ(1, mmun_commit(older));
	expect_entry(0);
}

TEST_F(collide_mutator, check_retry_agrees_with_commit)
{
	struct mmun_token token = mmun_read_begin(self->id);

	EXPECT_EQ(0, mmun_check_retry(self->id, token.seq));
	must_mutate(3);
	EXPECT_EQ(1, mmun_check_retry(self->id, token.seq));
	EXPECT_EQ(1, mmun_check_retry(self->id, token.seq));
	EXPECT_EQ(1, mmun_commit(token));
	token = mmun_read_begin(self->id);
	EXPECT_EQ(0, mmun_check_retry(self->id, token.seq));
	EXPECT_EQ(0, mmun_commit(token));
}

/* Published entries stay, except those of the page that the mutator changed. */
TEST_F(collide_mutator, collision_publishes_nothing_and_drops_only_its_own)
{
	struct mmun_token token = begin_with_page(0);

	ASSERT_EQ(0, mmun_commit(token));
	token = begin_with_page(1);
	must_mutate(3);
	ASSERT_EQ(1, mmun_commit(token));
	if (variant->everywhere)
		expect_no_entry(0);
	else
		expect_entry(0);
	expect_no_entry(1);
}

/* Many rounds: without an invalidation, or with one invalidation each */

FIXTURE(collide)
{
	MMUN_RANGE_FIXTURE;
	__u32 near;
};

FIXTURE_SETUP(collide)
{
	setup_range(2 * PAGES, PAGES, RANGE_PAGES);
	self->near = insert_pages(RANGE_PAGES, PAGES - RANGE_PAGES);
}

MMUN_FIXTURE_TEARDOWN(collide)

TEST_F(collide, idle_rounds_never_collide)
{
	int i, collided = 0;

	drop_page(3);
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

		drop_page(RANGE_PAGES);
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

		drop_page(i % RANGE_PAGES);
		collided += mmun_commit(token);
	}
	EXPECT_EQ(1000, collided);
	EXPECT_EQ(1000, mmun_query_range(self->id).out_collisions);
}

/* Sections that overlap, each with its own sequence */

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
			drop_page(3);
		tokens[i] = mmun_read_begin(self->id);
	}
	for (i = 0; i < 8; i++)
		EXPECT_EQ(i < 5, mmun_commit(tokens[i]));
}

TEST_F(collide, ranges_over_the_same_pages_collide_on_their_own)
{
	__u32 twin = insert_pages(0, RANGE_PAGES);
	struct mmun_token token = mmun_read_begin(self->id), late;

	drop_page(3);
	late = mmun_read_begin(twin);
	EXPECT_EQ(1, mmun_commit(token));
	EXPECT_EQ(0, mmun_commit(late));
}

/* A batch from READ_BEGIN to COMMIT or ABANDON */

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
	expect_entry(0);
}

TEST_F(collide, commit_that_collided_works_once)
{
	struct mmun_token token = mmun_read_begin(self->id);

	drop_page(3);
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
	expect_no_entry(0);
	EXPECT_EQ(0, mmun_commit(token));
	expect_entry(0);
}

/* COMMIT of an older batch must not succeed with a newer sequence. */
TEST_F(collide, commit_with_the_seq_of_another_batch_is_refused)
{
	struct mmun_token token = mmun_read_begin(self->id), fresh;

	collect_page(token, 3);
	drop_page(3);
	fresh = mmun_read_begin(self->id);
	fresh.batch = token.batch;
	mmun_err_commit(EINVAL, fresh);
	EXPECT_EQ(1, mmun_commit(token));
	expect_no_entry(3);
}

TEST_F(collide, abandoned_batch_publishes_nothing)
{
	struct mmun_token token = begin_with_page(0);

	mmun_abandon(token);
	expect_no_entry(0);
	mmun_err_commit(ENOENT, token);
	EXPECT_ERRNO(ENOENT, _mmun_abandon(self->fd, token));
	EXPECT_EQ(0, mmun_query_context().out_batches);
}

TEST_F(collide, commit_after_remove_of_the_range_is_enoent)
{
	struct mmun_token token = begin_with_page(0);

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
	struct mmun_token token = begin_with_page(0);

	mmun_remove(self->id);
	self->id = insert_pages(0, RANGE_PAGES);
	mmun_err_commit(ENOENT, token);
	expect_no_entry(0);
}

/* The methods of COLLECT */

FIXTURE(collide_method)
{
	MMUN_RANGE_FIXTURE;
};

/* @stale: errno of COLLECT when its sequence is stale */
FIXTURE_VARIANT(collide_method)
{
	__u32 method;
	__u32 flags;
	int stale;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(collide_method, fault)       { MMUN_METHOD_HMM_FAULT, 0, EBUSY };
FIXTURE_VARIANT_ADD(collide_method, fault_write) { MMUN_METHOD_HMM_FAULT, MMUN_WRITE, EBUSY };
FIXTURE_VARIANT_ADD(collide_method, look)        { MMUN_METHOD_HMM_NOFAULT, 0, EBUSY };
FIXTURE_VARIANT_ADD(collide_method, gup)         { MMUN_METHOD_GUP, 0, 0 };
FIXTURE_VARIANT_ADD(collide_method, gup_write)   { MMUN_METHOD_GUP, MMUN_WRITE, 0 };
/* clang-format on */

FIXTURE_SETUP(collide_method)
{
	setup_range(2 * PAGES, PAGES, RANGE_PAGES);
}

MMUN_FIXTURE_TEARDOWN(collide_method)

#define need_method() mmun_need_method(variant->method)

#define collect(_token, _first, _nr, _valid)                                \
	_mmun_collect(self->fd, _token, mmun_page(_first), mmun_pages(_nr), \
		      variant->method, variant->flags, _valid)

#define collect_pages(_token, _first, _nr)                       \
	mmun_collect(_token, mmun_page(_first), mmun_pages(_nr), \
		     variant->method, variant->flags)

/*
 * With HMM, COLLECT checks the sequence.  With GUP, only COMMIT checks the
 * sequence.
 */
TEST_F(collide_method, collect_in_a_stale_section_is_detected)
{
	struct mmun_token token;
	__u32 valid;
	int ret;

	need_method();
	token = mmun_read_begin(self->id);
	drop_page(3);
	errno = 0;
	ret = collect(token, 0, 1, &valid);
	EXPECT_EQ(variant->stale ? -1 : 0, ret);
	EXPECT_EQ(variant->stale, errno);
	EXPECT_EQ(1, mmun_commit(token));
	expect_no_entry(0);
}

/*
 *	reader			mutator
 *	begin
 *	collect pages 0-2
 *				invalidate page 1
 *	collect pages 3-5
 *	commit: collides
 *
 * If each part had a sequence of its own, COMMIT would miss the collision.
 */
TEST_F(collide_method, first_part_invalidated_during_the_second_collides)
{
	struct mmun_token token;
	__u32 valid;

	need_method();
	token = mmun_read_begin(self->id);
	EXPECT_EQ(3, collect_pages(token, 0, 3));
	drop_page(1);
	collect(token, 3, 3, &valid);
	EXPECT_EQ(1, mmun_commit(token));
	expect_no_entry(0);
	expect_no_entry(3);
}

TEST_F(collide_method, invalidation_after_collect_is_seen)
{
	struct mmun_token token;

	need_method();
	token = mmun_read_begin(self->id);
	EXPECT_EQ(RANGE_PAGES, collect_pages(token, 0, RANGE_PAGES));
	ASSERT_EQ(0, munmap(mmun_page(3), self->page));
	EXPECT_EQ(1, mmun_commit(token));
	expect_no_entry(0);
	expect_no_entry(3);
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
			expect_entry(i);
	expect_no_entry(3);
}

/* COLLECT of present pages raises no invalidation. */
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

/* If two parts of a batch overlap, the later part counts. */

TEST_F(collide, later_part_removes_write_permission)
{
	struct mmun_token token = mmun_read_begin(self->id);

	collect_by_gup(token, 0, 2, MMUN_WRITE);
	collect_page(token, 0);
	EXPECT_EQ(0, mmun_commit(token));
	expect_no_write(0);
	device_write_byte(1, 'x');
	expect_entry(0);
}

TEST_F(collide, later_part_adds_write_permission)
{
	struct mmun_token token = mmun_read_begin(self->id);

	collect_by_gup(token, 0, 2, 0);
	collect_by_gup(token, 0, 1, MMUN_WRITE);
	EXPECT_EQ(0, mmun_commit(token));
	device_write_byte(0, 'x');
	expect_no_write(1);
}

/*
 * A snapshot with MMUN_WRITE while a child shares the pages: the faults of the
 * snapshot break copy-on-write, which invalidates the range.
 */

FIXTURE(collide_cow)
{
	MMUN_RANGE_FIXTURE;
	struct mmun_child child;
};

FIXTURE_VARIANT(collide_cow)
{
	__u32 method;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(collide_cow, fault) { MMUN_METHOD_HMM_FAULT };
FIXTURE_VARIANT_ADD(collide_cow, gup)   { MMUN_METHOD_GUP };
/* clang-format on */

FIXTURE_SETUP(collide_cow)
{
	setup_range(2 * PAGES, PAGES, RANGE_PAGES);
	ASSERT_EQ(0, mmun_child_start(&self->child, NULL));
}

FIXTURE_TEARDOWN(collide_cow)
{
	EXPECT_EQ(0, mmun_child_end(&self->child));
	EXPECT_EQ(0, close(self->fd));
}

#define cow_snapshot(_pages, _retries, _entries)                 \
	({                                                       \
		struct mmun_snapshot __snap = MMUN_SNAPSHOT_OF(  \
			self->id, self->map, mmun_pages(_pages), \
			variant->method, MMUN_WRITE);            \
		__snap.max_retries = _retries;                   \
		__snap.pages = mmun_u64(_entries);               \
		ASSERT_EQ(0, _mmun_snapshot(self->fd, &__snap)); \
		__snap;                                          \
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
	expect_no_entry(0);
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
	device_write_byte(0, 'x');
}

/* hmm_range_fault() returns after each page that it faulted in. */
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
