// SPDX-License-Identifier: GPL-2.0
/*
 * Tests the mm-wide lock "invlock": which invalidations mmap_lock excludes if a
 * task holds the lock for writing, and what the fall-back of SNAPSHOT gives.
 * Documentation/schemes.rst lists the lock of each invalidation.
 */
#define MMUN_TEST_KIND MMUN_KIND_INVLOCK

#include "lib/cgroup.h"
#include "lib/ksm.h"
#include "lib/setting.h"
#include "lib/subject.h"
#include <limits.h>
#include <linux/mempolicy.h>
#include <sys/utsname.h>

/* Advice of madvise() that the C library of Debian 12 lacks */
#define ADVISE_GUARD 102

#define PAGEMAP_SOFT_DIRTY (1ULL << 55)

/*
 * The first kernel in which the lock does not exclude the invalidation, as
 * 100 * version + patch level.  The lock for page faults is the lock of the VMA
 * since 6.4.  Since 6.17, the same holds for some advice of madvise().
 */
#define IN_NO_KERNEL INT_MAX
#define IN_ALL_KERNELS 0
#define SINCE_VMA_FAULTS 604
#define SINCE_VMA_ADVICE 617
#define SINCE_VMA_GUARDS 619

static int kernel_version(void)
{
	int version = 0, level = 0;
	struct utsname name;

	if (!uname(&name))
		sscanf(name.release, "%d.%d", &version, &level);
	return 100 * version + level;
}

static char *huge; /* HUGE_SIZE bytes at a multiple of HUGE_SIZE */
static char *target; /* one page, to which mremap() moves a page */

/* Preparations, by the subject */

/*
 * Map all pages of the subject, and copy the pages that fork() has shared.  The
 * code of an order then needs no page fault, which could wait for mmap_lock.
 */
static int fault_in_all(struct subject *subject, int nr)
{
	return mlockall(MCL_CURRENT) ?: munlockall();
}

static int map_shared(struct subject *subject, int nr)
{
	char *p = mmun_map_file(subject_page(subject, nr), subject->page,
				MAP_SHARED, subject->memfd);

	return p ? (mmun_store(p, 's'), 0) : -1;
}

static int free_lazily(struct subject *subject, int nr)
{
	return mmun_write_lazily_freed(subject_page(subject, nr),
				       subject->page);
}

/* Small pages, which the kernel may collapse to a huge page */
static int map_huge(struct subject *subject, int nr)
{
	if (!mmun_map_filled(huge, HUGE_SIZE / subject->page))
		return -1;
	madvise(huge, HUGE_SIZE, MADV_HUGEPAGE);
	return 0;
}

/* Fails if the kernel has no guard regions. */
static int try_guard(struct subject *subject, int nr)
{
	return madvise(subject_page(subject, FREE_PAGE), subject->page,
		       ADVISE_GUARD);
}

/* Fails if the kernel has no soft dirty bits.  A written page has the bit. */
static int try_soft_dirty(struct subject *subject, int nr)
{
	__u64 entry = mmun_pagemap(subject_page(subject, nr));

	return entry & PAGEMAP_SOFT_DIRTY ? 0 : -1;
}

/* A child, which lives as long as the subject, shares all pages. */
static int share_pages(struct subject *subject, int nr)
{
	static struct mmun_child child;

	return mmun_child_start(&child, NULL);
}

/* Mutations, by a thread of the subject */

#define MUTATION(_name, _call)                                     \
	static int mutate_##_name(struct subject *subject, int nr) \
	{                                                          \
		char *page = subject_page(subject, nr);            \
		const size_t length = subject->page;               \
		return (void)page, (void)length, _call;            \
	}

/* clang-format off */
MUTATION(mprotect, mprotect(page, length, PROT_READ))
MUTATION(mremap, mremap(page, length, length, MREMAP_MAYMOVE | MREMAP_FIXED, target) == MAP_FAILED ? -1 : 0)
MUTATION(free, madvise(page, length, MADV_FREE))
MUTATION(guard, madvise(page, length, ADVISE_GUARD))
MUTATION(pageout, madvise(page, length, MADV_PAGEOUT))
MUTATION(collapse, madvise(huge, HUGE_SIZE, MADV_COLLAPSE))
MUTATION(clear_refs, mmun_write_file("/proc/self/clear_refs", "4"))
MUTATION(store, (mmun_store(page, 'w'), 0))
/* clang-format on */

/* Mutations, by another process */

/* clang-format off */
JOB(punch, fallocate(worker->subject->memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
		     worker->length))
JOB(truncate, ftruncate(worker->subject->memfd, 0))
JOB(reclaim, (mmun_write_file("memory.reclaim", "1M"), 0))
JOB(mrelease, syscall(SYS_process_mrelease, worker->subject->mutator[0].thread.pidfd, 0))
JOB(lock, _mmun_lock_mm(worker->fd, MMUN_HOLD_MS, &(__u32){ 0 }))
/* clang-format on */

/* The other process moves its own mapping of the page. */
static int job_move(struct worker *worker)
{
	int node = 1, status = -1;
	void *at = worker->at;

	if (syscall(SYS_move_pages, 0, 1UL, &at, NULL, &status, 0))
		return -1;
	node = !status;
	return syscall(SYS_move_pages, 0, 1UL, &at, &node, &status,
		       MPOL_MF_MOVE_ALL) ||
			       status != node ?
		       -1 :
		       0;
}

/*
 * The locker is a thread of the test, so that the lock belongs to a process
 * that does not use the mm.
 *
 *   0   1   2   3   4   5   6   7
 *   |-----range-----|
 */
#define LOCK_FIXTURE(_fixture, ...)        \
	FIXTURE(_fixture)                  \
	{                                  \
		SUBJECT_FIXTURE;           \
		struct worker locker;      \
		__VA_ARGS__;               \
	};                                 \
	FIXTURE_SETUP(_fixture)            \
	{                                  \
		setup_lock();              \
	}                                  \
	FIXTURE_TEARDOWN(_fixture)         \
	{                                  \
		end_lock();                \
		end_worker(&self->reader); \
		end_worker(&self->other);  \
		teardown_subject();        \
	}

#define setup_lock()                                             \
	do {                                                     \
		huge = mmun_arena_aligned(HUGE_SIZE, HUGE_SIZE); \
		target = mmun_arena(1);                          \
		setup_subject();                                 \
		self->id = insert_range();                       \
		setup_worker(&self->locker, self->id);           \
		setup_workers(self->id);                         \
	} while (0)

/* Take mmap_lock of the subject for writing. */
#define begin_lock()                                                          \
	do {                                                                  \
		struct mmun_record __r = {};                                  \
		mmun_log_setup(MMUN_LOG_DEFAULT, 1 << MMUN_RECORD_PIN);       \
		worker_do(&self->locker, job_lock);                           \
		ASSERT_EQ(1,                                                  \
			  mmun_wait_record(self->fd, MMUN_RECORD_PIN, &__r)); \
		EXPECT_EQ(self->locker.tid, __r.tid);                         \
	} while (0)

/* Unlock, if the locker holds the lock. */
#define end_lock()                                                      \
	do {                                                            \
		__u32 __count;                                          \
		if (!self->locker.is_busy)                              \
			break;                                          \
		EXPECT_EQ(0, _mmun_unpin_mm(self->fd, self->locker.tid, \
					    &__count));                 \
		EXPECT_EQ(0, worker_join(&self->locker));               \
	} while (0)

#define query_id() mmun_query_range(self->id).out_invalidations
#define invalidations() mmun_query_range(self->watched).out_invalidations

/* Wait until the mutator sleeps.  If a page fault sleeps, @_call is false. */
#define expect_excluded(_tid, _call)                           \
	do {                                                   \
		struct mmun_task __t = mmun_quiesce_one(_tid); \
		EXPECT_EQ(MMUN_TASK_BLOCKED, __t.state);       \
		EXPECT_EQ(_call, __t.syscall >= 0);            \
		EXPECT_EQ(self->before, invalidations());      \
	} while (0)

/**
 * FIXTURE_VARIANT(exclude) - an invalidation
 * @mutate: the invalidation by a thread of the subject, or NULL
 * @job: the invalidation by a thread of the test, or NULL
 * @prepare: what the subject does before the lock is taken, or NULL
 * @not_excluded: the first kernel in which the lock does not exclude it
 * @is_fault: whether the invalidation is not part of a system call
 * @is_huge: whether the invalidation hits the memory @huge
 * @needs_cgroup: whether the subject must be in a memory cgroup
 * @missing: why the kernel may lack the invalidation, or NULL
 */
LOCK_FIXTURE(exclude, __u32 watched; __u64 before; struct mmun_child cleanup)

FIXTURE_VARIANT(exclude)
{
	mutate_fn mutate;
	int (*job)(struct worker * worker);
	mutate_fn prepare;
	int not_excluded;
	bool is_fault;
	bool is_huge;
	bool needs_cgroup;
	const char *missing;
};

/* clang-format off */
#define OWN(_name, _not_excluded, ...) \
	FIXTURE_VARIANT_ADD(exclude, _name) { .mutate = mutate_##_name, .not_excluded = _not_excluded, ##__VA_ARGS__ }
#define FOREIGN(_name, ...) \
	FIXTURE_VARIANT_ADD(exclude, _name) { .job = job_##_name, .not_excluded = IN_ALL_KERNELS, ##__VA_ARGS__ }

OWN(munmap, IN_NO_KERNEL);
OWN(mprotect, IN_NO_KERNEL);
OWN(fork, IN_NO_KERNEL);
OWN(mremap, IN_NO_KERNEL);
OWN(clear_refs, IN_NO_KERNEL, .prepare = try_soft_dirty, .missing = "no soft dirty bits: set CONFIG_MEM_SOFT_DIRTY");
OWN(pageout, IN_NO_KERNEL, .prepare = free_lazily);
OWN(collapse, IN_NO_KERNEL, .prepare = map_huge, .is_huge = true, .missing = MMUN_NO_COLLAPSE);
OWN(dontneed, SINCE_VMA_ADVICE);
OWN(free, SINCE_VMA_ADVICE);
OWN(guard, SINCE_VMA_GUARDS, .prepare = try_guard, .missing = "no guard regions: the kernel is older");
OWN(store, SINCE_VMA_FAULTS, .prepare = share_pages, .is_fault = true);
FOREIGN(punch, .prepare = map_shared);
FOREIGN(truncate, .prepare = map_shared);
FOREIGN(move, .prepare = map_shared, .missing = "no second node: boot with numa=fake=2");
FOREIGN(reclaim, .prepare = free_lazily, .needs_cgroup = true);
/* clang-format on */

#define is_excluded() (kernel_version() < variant->not_excluded)

/* Watch the memory that the invalidation hits. */
#define prepare_mutation()                                                    \
	do {                                                                  \
		self->watched = variant->is_huge ?                            \
					mmun_insert(huge, HUGE_SIZE) :        \
					self->id;                             \
		subject_must(0, fault_in_all, 0);                             \
		if (variant->prepare &&                                       \
		    subject_do(subject_thread(0), variant->prepare, 0)) {     \
			mmun_skip_for(variant->missing);                      \
			ASSERT_TRUE(false);                                   \
		}                                                             \
		if (variant->job == job_move) {                               \
			ASSERT_NE(NULL, mmun_map_file(self->map, self->page,  \
						      MAP_SHARED,             \
						      self->subject->memfd)); \
			mmun_load(self->map);                                 \
		}                                                             \
		self->before = invalidations();                               \
	} while (0)

/* Start the invalidation.  Returns the thread. */
#define start_mutation()                                         \
	({                                                       \
		self->other.length = self->page;                 \
		if (variant->job)                                \
			worker_do(&self->other, variant->job);   \
		else                                             \
			order_mutator(0, variant->mutate, 0);    \
		variant->job ? self->other.tid : subject_tid(0); \
	})

/* Wait until the invalidation has ended.  Returns the result. */
#define finish_mutation()                           \
	(variant->job ? worker_join(&self->other) : \
			subject_answer(subject_thread(0)))

/*
 * An invalidation that the lock excludes neither begins nor ends before the
 * unlock.  Another invalidation does both.
 */
TEST_F(exclude, lock_for_writing_excludes_what_takes_mmap_lock)
{
	pid_t tid;
	int ret;

	if (variant->needs_cgroup) {
		need_cgroup(&self->cleanup, 16L << 20);
		ASSERT_EQ(0, mmun_write_number("cgroup.procs",
					       self->subject->pid));
	}
	prepare_mutation();
	begin_lock();
	tid = start_mutation();
	if (is_excluded()) {
		expect_excluded(tid, !variant->is_fault);
		end_lock();
	}
	ret = finish_mutation();
	if (ret < 0)
		mmun_skip_for(variant->missing);
	EXPECT_LE(0, ret);
	EXPECT_LT(self->before, invalidations());
	end_lock();
}

/* Page merging */

LOCK_FIXTURE(lock_ksm, struct setting run)

/* Two pages with the same bytes */
static int make_mergeable(struct subject *subject, int nr)
{
	memset(subject->map, 'k', 2 * subject->page);
	return madvise(subject->map, 2 * subject->page, MADV_MERGEABLE);
}

/* Kernel threads that start at boot have small process IDs. */
static pid_t find_ksmd(void)
{
	char path[32], comm[32];

	for (pid_t pid = 2; pid < 1000; pid++) {
		snprintf(path, sizeof(path), "/proc/%d/comm", pid);
		if (!mmun_read_file(path, comm, sizeof(comm)) &&
		    !strncmp(comm, "ksmd", 4))
			return pid;
	}
	return 0;
}

/* Returns whether the thread sleeps, and no signal wakes it. */
static bool is_blocked(pid_t tid)
{
	struct mmun_task task = { .tid = tid };

	mmun_task_see(&task);
	mmun_task_close(&task);
	return task.state == MMUN_TASK_BLOCKED;
}

TEST_F(lock_ksm, ksmd_merges_no_page_under_the_lock)
{
	const pid_t ksmd = find_ksmd();
	struct ksm ksm;

	setting_keep(&self->run, KSM_DIR "run");
	if (subject_do(subject_thread(0), make_mergeable, 0))
		SKIP(return, "no ksmd: set CONFIG_KSM");
	begin_lock();
	ASSERT_EQ(0, ksm_start(&ksm));
	expect_soon(is_blocked(ksmd));
	EXPECT_EQ(0, query_id());
	end_lock();
	while (!query_id() && !ksm_is_through(&ksm))
		;
	EXPECT_LT(0, query_id());
	EXPECT_EQ(0, ksm_stop(&ksm));
	EXPECT_EQ(0, setting_restore(&self->run));
}

/* The end of the process */

LOCK_FIXTURE(lock_exit)

static int pin_own_mm(struct subject *subject, int its_fd)
{
	return _mmun_pin_mm(its_fd, MMUN_HOLD_MS, &(__u32){ 0 });
}

static int open_device(struct subject *subject, int nr)
{
	return mmun_open();
}

/* The lock includes a reference to the mm, so that the mm cannot exit. */
TEST_F(lock_exit, locked_mm_does_not_exit)
{
	begin_lock();
	ASSERT_EQ(0, subject_kill(self->subject, SIGKILL));
	mmun_quiesce_one(subject_tid(0));
	mmun_quiesce_one(subject_tid(1));
	EXPECT_EQ(0, query_id());
	EXPECT_LT(0, mmun_query_context().out_mm_users);
	end_lock();
	subject_end(self->subject);
	expect_soon(query_id() > 0);
	EXPECT_EQ(0, mmun_query_context().out_mm_users);
}

/*
 * process_mrelease() needs a thread that has not exited: the second thread
 * waits in PIN_MM.
 */
TEST_F(lock_exit, process_mrelease_waits_for_the_lock)
{
	struct mmun_record r = {};
	int its_fd = subject_do(subject_thread(0), open_device, 0);
	int fd = subject_getfd(self->subject, its_fd);
	__u32 count;

	subject_must(0, fault_in_all, 0);
	order_mutator(1, pin_own_mm, its_fd);
	ASSERT_EQ(1, mmun_wait_record(fd, MMUN_RECORD_PIN, &r));
	begin_lock();
	ASSERT_EQ(0, subject_kill(self->subject, SIGKILL));
	worker_do(&self->other, job_mrelease);
	EXPECT_EQ(MMUN_TASK_BLOCKED, mmun_quiesce_one(self->other.tid).state);
	EXPECT_EQ(0, query_id());
	end_lock();
	EXPECT_EQ(0, worker_join(&self->other));
	EXPECT_LT(0, query_id());
	EXPECT_EQ(0, _mmun_unpin_mm(fd, 0, &count));
	EXPECT_EQ(0, close(fd));
}

TEST_F(lock_exit, lock_of_an_mm_that_has_exited_is_esrch)
{
	__u32 unpinned;

	subject_end(self->subject);
	EXPECT_ERRNO(ESRCH, _mmun_lock_mm(self->fd, 1, &unpinned));
}

TEST_F(lock_exit, lock_ends_by_itself)
{
	__u32 unpinned = 1;

	ASSERT_EQ(0, _mmun_lock_mm(self->fd, 1, &unpinned));
	EXPECT_EQ(0, unpinned);
	subject_must(0, mutate_munmap, 0);
	EXPECT_EQ(1, query_id());
}

/* SNAPSHOT with the lock */

LOCK_FIXTURE(locked, __u32 method)

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
	mmun_need_method(variant->method);
	EXPECT_EQ(
		0,
		locked_snapshot(RANGE_PAGES, variant->method, 0, 1).out_locked);
}

/*
 * The page faults of the reader copy pages, and so invalidate the pages under
 * the lock of the reader.  One round copies all pages, so the next round finds
 * nothing to copy.  @lock_after: 0: the first round has the lock.  1: the second
 * round has the lock, because the first has collided.
 */
TEST_F(locked, own_copies_collide_once_with_and_without_the_lock)
{
	if (variant->method == MMUN_METHOD_HMM_NOFAULT)
		SKIP(return, "the method causes no page fault");
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
 */
TEST_F(not_excluded, snapshot_waits_under_the_lock_for_a_hole_punch)
{
	struct worker *reader = &self->reader;

	subject_must(0, map_shared, 0);
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
	EXPECT_EQ(0, reader->snap.out_retries);
	EXPECT_EQ(RANGE_PAGES, reader->snap.out_valid);
	mmun_verify_if_hmm(self->id, RANGE_PAGES);
	EXPECT_EQ(0, mmun_device_byte(self->id, self->map));
}

/* The sequence decides even while a task holds the lock. */
TEST_F(not_excluded, section_collides_with_a_hole_punch_under_the_lock)
{
	struct mmun_token token;

	subject_must(0, map_shared, 0);
	begin_lock();
	token = mmun_read_begin(self->id);
	self->other.length = self->page;
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
