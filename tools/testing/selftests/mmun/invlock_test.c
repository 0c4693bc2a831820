// SPDX-License-Identifier: GPL-2.0
/*
 * Tests the mm-wide lock "invlock": what the fall-back of SNAPSHOT to mmap_lock
 * gives, and the sequence of the mm.  write_lock_test tests which invalidations
 * mmap_lock excludes.
 */
#define MMUN_TEST_KIND MMUN_KIND_INVLOCK

#include "lib/write_lock.h"

static char *huge; /* HUGE_SIZE bytes at a multiple of HUGE_SIZE */

/* Small pages, which the kernel may collapse to a huge page */
static int map_huge(struct subject *subject, int nr)
{
	if (!mmun_map_filled(huge, HUGE_SIZE / subject->page))
		return -1;
	madvise(huge, HUGE_SIZE, MADV_HUGEPAGE);
	return 0;
}

/*
 *   0   1   2   3   4   5   6   7
 *   |-----range-----|
 */
#define LOCK_FIXTURE(_fixture)      \
	FIXTURE(_fixture)           \
	{                           \
		LOCKER_FIXTURE;     \
	};                          \
	FIXTURE_SETUP(_fixture)     \
	{                           \
		setup_locker(huge); \
	}                           \
	FIXTURE_TEARDOWN(_fixture)  \
	{                           \
		teardown_locker();  \
	}

#define query_id() mmun_query_range(self->id).out_invalidations

static int open_device(struct subject *subject, int nr)
{
	return mmun_open();
}

/* SNAPSHOT with the lock */

LOCK_FIXTURE(locked)

#define locked_snapshot(_pages, _method, _flags, _after)                  \
	({                                                                \
		struct mmun_snapshot __s = MMUN_SNAPSHOT_OF(              \
			self->id, self->map, mmun_pages(_pages), _method, \
			MMUN_WRITE_LOCK | (_flags));                      \
		__s.lock_after = _after;                                  \
		ASSERT_EQ(0, _mmun_snapshot(self->fd, &__s))              \
		{                                                         \
			TH_LOG("%s", strerror(errno));                    \
		}                                                         \
		__s;                                                      \
	})

/* clang-format off */
FIXTURE_VARIANT(locked) { __u32 method; };
FIXTURE_VARIANT_ADD(locked, hmm) { MMUN_METHOD_HMM_FAULT };
FIXTURE_VARIANT_ADD(locked, hmm_nofault) { MMUN_METHOD_HMM_NOFAULT };
FIXTURE_VARIANT_ADD(locked, gup) { MMUN_METHOD_GUP };
/* clang-format on */

#define expect_locked(_snap, _retries)                     \
	do {                                               \
		const struct mmun_snapshot __r = _snap;    \
		EXPECT_EQ(1, __r.out_locked);              \
		EXPECT_EQ(_retries, __r.out_retries);      \
		EXPECT_EQ(0, __r.out_collided);            \
		EXPECT_EQ(RANGE_PAGES, __r.out_valid);     \
		mmun_verify_if_hmm(self->id, RANGE_PAGES); \
	} while (0)

TEST_F(locked, snapshot_collects_under_the_lock_and_unlocks)
{
	mmun_need_method(variant->method);
	expect_locked(locked_snapshot(RANGE_PAGES, variant->method, 0, 0), 0);
	EXPECT_EQ(1, mmun_device_byte(self->id, self->map));
	subject_must(0, mutate_munmap, 0);
	mmun_err_access(EFAULT, self->id, self->map, 1, 0);
}

TEST_F(locked, snapshot_without_a_collision_does_not_lock)
{
	struct mmun_snapshot s;

	mmun_need_method(variant->method);
	s = locked_snapshot(RANGE_PAGES, variant->method, 0, 1);
	EXPECT_EQ(0, s.out_locked);
}

LOCK_FIXTURE(own_copies)

/* clang-format off */
FIXTURE_VARIANT(own_copies) { __u32 method; };
FIXTURE_VARIANT_ADD(own_copies, hmm) { MMUN_METHOD_HMM_FAULT };
FIXTURE_VARIANT_ADD(own_copies, gup) { MMUN_METHOD_GUP };
/* clang-format on */

/*
 * The page faults of the reader copy pages, and so invalidate the pages under
 * the lock of the reader.  One round copies all pages, so the next round finds
 * nothing to copy.  @lock_after: 0: the first round has the lock.  1: the second
 * round has the lock, because the first has collided.
 */
TEST_F(own_copies, collide_once_with_and_without_the_lock)
{
	mmun_need_method(variant->method);
	for (int after = 0; after < 2; after++) {
		subject_must(0, share_pages, 0);
		expect_locked(locked_snapshot(RANGE_PAGES, variant->method,
					      MMUN_WRITE, after),
			      1);
	}
}

/* Safety where the lock excludes nothing */

LOCK_FIXTURE(not_excluded)

/* clang-format off */
FIXTURE_VARIANT(not_excluded) { __u32 point; };
FIXTURE_VARIANT_ADD(not_excluded, enter) { MMUN_POINT_ENTER };
FIXTURE_VARIANT_ADD(not_excluded, leave) { MMUN_POINT_LEAVE };
FIXTURE_VARIANT_ADD(not_excluded, start) { MMUN_POINT_START };
/* clang-format on */

/*
 *   punch	|--start: held--------end|
 *   reader		|-lock--begin: waits--collect--commit--unlock-|
 *   mprotect			|-waits for the lock-----------------------|
 *
 * After the end, the file system can unmap the page a second time, because it
 * removes the page only then.
 */
TEST_F(not_excluded, snapshot_waits_under_the_lock_for_a_hole_punch)
{
	struct worker *reader = &self->reader;

	subject_must(0, map_memfd, 0);
	subject_must(0, fault_in_all, 0);
	hold_worker(&self->other, job_punch, 0, variant->point,
		    variant->point == MMUN_POINT_START ? 0 : self->id);
	reader->snap.flags = MMUN_WRITE_LOCK;
	reader->snap.max_retries = MMUN_RETRIES;
	block_worker(reader, job_snapshot, MMUN_SNAPSHOT);
	order_mutator(0, mutate_mprotect, FREE_PAGE);
	EXPECT_EQ(MMUN_TASK_BLOCKED, mmun_quiesce_one(subject_tid(0)).state);
	end_worker(&self->other);
	EXPECT_EQ(0, worker_join(reader));
	EXPECT_EQ(0, subject_answer(subject_thread(0)));
	EXPECT_EQ(1, reader->snap.out_locked);
	EXPECT_EQ(0, reader->snap.out_collided);
	EXPECT_EQ(RANGE_PAGES, reader->snap.out_valid);
	if (mmun_has_feature(self->fd, MMUN_FEATURE_HMM))
		EXPECT_LE(RANGE_PAGES - 1, mmun_verify(self->id));
	locked_snapshot(RANGE_PAGES, MMUN_METHOD_GUP, 0, 0);
	EXPECT_EQ(0, mmun_device_byte(self->id, self->map));
}

/* The sequence decides even while a task holds the lock. */
TEST_F(not_excluded, section_collides_with_a_hole_punch_under_the_lock)
{
	struct mmun_token token;

	subject_must(0, map_memfd, 0);
	begin_lock();
	token = mmun_read_begin(self->id);
	worker_do(&self->other, job_punch);
	EXPECT_EQ(0, worker_join(&self->other));
	EXPECT_EQ(1, mmun_commit(token));
	end_lock();
}

/* A storm */

LOCK_FIXTURE(storm)

static int protect_for_ever(struct subject *subject, int nr)
{
	char *page = subject_page(subject, nr);

	while (!__atomic_load_n(&subject->stop, __ATOMIC_RELAXED))
		if (mprotect(page, subject->page, PROT_READ) ||
		    mprotect(page, subject->page, PROT_READ | PROT_WRITE))
			return -1;
	return 0;
}

#define SNAPSHOTS 50
#define STORM_PAGES ((int)(HUGE_SIZE / self->page))

/* Two threads invalidate pages that the snapshots do not include. */
#define begin_storm()                                                          \
	do {                                                                   \
		subject_must(0, map_huge, 0);                                  \
		self->id = mmun_insert(huge, HUGE_SIZE);                       \
		for (int __i = 0; __i < 2; __i++)                              \
			order_mutator(__i, protect_for_ever, FREE_PAGE + __i); \
	} while (0)

#define end_storm()                                                        \
	do {                                                               \
		__atomic_store_n(&self->subject->stop, true,               \
				 __ATOMIC_RELAXED);                        \
		for (int __i = 0; __i < 2; __i++)                          \
			EXPECT_EQ(0, subject_answer(subject_thread(__i))); \
	} while (0)

/* Take a snapshot in the storm.  Returns the argument with the results. */
#define storm_snapshot(_flags, _after)                                       \
	({                                                                   \
		struct mmun_snapshot __s = MMUN_SNAPSHOT_OF(                 \
			self->id, huge, HUGE_SIZE, MMUN_METHOD_GUP, _flags); \
		__s.lock_after = _after;                                     \
		ASSERT_EQ(0, _mmun_snapshot(self->fd, &__s));                \
		__s;                                                         \
	})

/* Under the lock no invalidation of the storm can begin. */
TEST_F(storm, locked_snapshots_never_retry)
{
	struct mmun_snapshot s;

	begin_storm();
	for (int i = 0; i < SNAPSHOTS; i++) {
		s = storm_snapshot(MMUN_WRITE_LOCK, 0);
		EXPECT_EQ(1, s.out_locked);
		EXPECT_EQ(0, s.out_retries);
		EXPECT_EQ(STORM_PAGES, s.out_valid);
	}
	end_storm();
}

/* A snapshot that locks after n collisions has n retries, and not more. */
TEST_F(storm, retries_are_bounded_by_lock_after)
{
	unsigned int bounded = 0, locked = 0, unbounded = 0, most = 0;
	struct mmun_snapshot s;

	begin_storm();
	for (int i = 0; i < SNAPSHOTS; i++) {
		s = storm_snapshot(MMUN_WRITE_LOCK, 2);
		EXPECT_GE(2, s.out_retries);
		EXPECT_EQ(s.out_retries == 2, s.out_locked);
		EXPECT_EQ(0, s.out_collided);
		bounded += s.out_retries;
		locked += s.out_locked;
		s = storm_snapshot(0, 0);
		unbounded += s.out_retries;
		most = s.out_retries > most ? s.out_retries : most;
	}
	end_storm();
	fprintf(stderr,
		"# %d snapshots: %u retries and %u locks with the fall-back, %u retries without, at most %u\n",
		SNAPSHOTS, bounded, locked, unbounded, most);
}

/* Errors */

LOCK_FIXTURE(lock_error)

TEST_F(lock_error, lock_of_another_kind_is_eopnotsupp)
{
	for (__u32 kind = 0; kind < MMUN_NR_KINDS; kind++) {
		__u32 id;

		if (kind == MMUN_KIND_INVLOCK || !mmun_has_kind(self->fd, kind))
			continue;
		id = mmun_insert_kind(kind, mmun_page(FREE_PAGE), self->page);
		mmun_err_snapshot(EOPNOTSUPP, id, mmun_page(FREE_PAGE),
				  self->page, MMUN_METHOD_GUP, MMUN_WRITE_LOCK);
	}
}

TEST_F(lock_error, bad_arguments_leave_the_mm_unlocked)
{
	struct mmun_snapshot s = MMUN_SNAPSHOT_OF(self->id, self->map,
						  self->page, MMUN_METHOD_GUP,
						  MMUN_WRITE_LOCK);

	s.lock_after = MMUN_RETRIES + mmun_info().out_max_retries + 1;
	EXPECT_ERRNO(EINVAL, _mmun_snapshot(self->fd, &s));
	subject_must(0, mutate_munmap, 0);
	mmun_err_snapshot(EFAULT, self->id, self->map, self->page,
			  MMUN_METHOD_GUP, MMUN_WRITE_LOCK);
	mmun_remove(self->id);
	mmun_err_snapshot(ENOENT, self->id, self->map, self->page,
			  MMUN_METHOD_GUP, MMUN_WRITE_LOCK);
	subject_must(0, mutate_munmap, 1);
}

TEST_F(lock_error, snapshot_of_an_mm_that_has_exited_is_esrch)
{
	subject_end(self->subject);
	mmun_err_snapshot(ESRCH, self->id, self->map, self->page,
			  MMUN_METHOD_GUP, MMUN_WRITE_LOCK);
}

static int snapshot_with_lock(void *arg, int fd)
{
	struct mmun_snapshot *snap = arg;

	return _mmun_snapshot(fd, snap);
}

/* A held mutator owns the lock for which the reader waits. */
TEST_F(lock_error, sigkill_ends_the_wait_for_the_lock)
{
	struct mmun_snapshot snap =
		MMUN_SNAPSHOT_OF(self->id, self->map, self->page,
				 MMUN_METHOD_GUP, MMUN_WRITE_LOCK);
	struct mmun_child child;
	__u32 hold;

	ASSERT_EQ(0, mmun_child_start(&child, &snap));
	hold = hold_mutator(0, mutate_mprotect, 0, MMUN_POINT_START, 0);
	ASSERT_EQ(0, mmun_child_order(&child, snapshot_with_lock, self->fd));
	expect_blocked_in(child.tid, MMUN_SNAPSHOT);
	ASSERT_EQ(0, mmun_child_signal(&child, SIGKILL));
	EXPECT_EQ(128 + SIGKILL, mmun_child_reap(&child));
	EXPECT_EQ(MMUN_HOLD_HELD, mmun_hold_state(hold));
	resume_mutator(0, hold);
}

/* The sequence of the mm */

LOCK_FIXTURE(mm_sequence)

TEST_F(mm_sequence, invalidation_elsewhere_collides_only_over_invlock)
{
	__u32 mm = mmun_insert_kind(MMUN_KIND_LIST_MM, self->map, self->page);
	struct mmun_token invlock = mmun_read_begin(self->id);
	struct mmun_token list = mmun_read_begin(mm);

	subject_must(0, mutate_dontneed, FREE_PAGE);
	EXPECT_EQ(0, query_id());
	EXPECT_EQ(1, mmun_commit(invlock));
	EXPECT_EQ(0, mmun_commit(list));
}

TEST_F(mm_sequence, ranges_and_contexts_share_the_sequence)
{
	__u32 near = mmun_insert(mmun_page(NEAR_PAGE), self->page), far;
	int its_fd = subject_do(subject_thread(0), open_device, 0);
	int fd = subject_getfd(self->subject, its_fd);
	const __u64 lists = mmun_query_context().out_lists;
	struct mmun_query_range other;
	__u64 seq;

	ASSERT_EQ(0, _mmun_insert(fd, mmun_page(FREE_PAGE), self->page, &far));
	EXPECT_EQ(lists, mmun_query_context().out_lists);
	seq = mmun_query_range(self->id).out_seq;
	subject_must(0, mutate_dontneed, NEAR_PAGE);
	EXPECT_NE(seq, mmun_query_range(self->id).out_seq);
	seq = mmun_query_range(near).out_seq;
	EXPECT_EQ(seq, mmun_query_range(self->id).out_seq);
	ASSERT_EQ(0, _mmun_query_range(fd, far, &other));
	EXPECT_EQ(seq, other.out_seq);
	EXPECT_EQ(0, close(fd));
}

MMUN_HARNESS_MAIN
