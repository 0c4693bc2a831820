// SPDX-License-Identifier: GPL-2.0
/*
 * Tests which invalidations mmap_lock excludes, if a reader holds the lock for
 * writing.  invlock_test tests what a reader of MMUN_KIND_INVLOCK makes of it.
 *
 * A worker of the test holds the lock of the subject, see lib/subject.h.  Then
 * the subject, or the test itself, changes the page tables of the subject.  The
 * change either waits for the lock, or invalidates the range in the meantime.
 */
#define MMUN_TEST_KIND MMUN_KIND_INVLOCK

#include "lib/cgroup.h"
#include "lib/disk.h"
#include "lib/ksm.h"
#include "lib/node.h"
#include "lib/setting.h"
#include "lib/uffd.h"
#include "lib/write_lock.h"
#include <dirent.h>
#include <sys/utsname.h>

#define THP_DIR "/sys/kernel/mm/transparent_hugepage/"
#define NO_GUARD "no guard pages: the kernel is older"
#define PAGE 1 /* the page that changes, in the range */

/* Memory that the test and the subject share, and an arena for a huge page */
static char *shared, *huge;

#define VERSION(major, minor) ((major) << 8 | (minor))

/*
 * No file reports which lock a system call takes, so the tests compare
 * the version of the kernel.
 */
static int kernel_version(void)
{
	struct utsname name;
	char *minor;
	long major;

	uname(&name);
	major = strtol(name.release, &minor, 10);
	return VERSION(major, strtol(minor + 1, NULL, 10));
}

/* Preparations by the subject, before the lock is held */

/* Split the VMA behind the page. */
static int prepare_two_vmas(struct subject *subject, int nr)
{
	return mprotect(subject_page(subject, nr + 1), subject->page,
			PROT_READ);
}

/* Map the shared page of the test. */
static int prepare_shared(struct subject *subject, int nr)
{
	char *p = subject_page(subject, nr);

	if (mremap(shared, 0, subject->page, MREMAP_MAYMOVE | MREMAP_FIXED,
		   p) != p)
		return -1;
	mmun_store(p, 's');
	return 0;
}

/* The kernel reclaims such a page without swap. */
static int prepare_lazily_freed(struct subject *subject, int nr)
{
	return mmun_write_lazily_freed(subject_page(subject, nr),
				       subject->page);
}

/* Map and write the first page of the disk. */
static int prepare_disk(struct subject *subject, int nr)
{
	char *p = subject_page(subject, nr);
	int disk = open(DISK, O_RDWR | O_CLOEXEC);

	if (disk < 0 || !mmun_map_file(p, subject->page, MAP_SHARED, disk))
		return -1;
	mmun_store(p, 'd');
	return close(disk);
}

/* Map small pages that MADV_COLLAPSE can replace by a huge page. */
static int prepare_huge(struct subject *subject, int nr)
{
	if (access(THP_DIR, F_OK) || !mmun_map(huge, HUGE_SIZE))
		return -1;
	mmun_fill(huge, ALL_PAGES);
	return madvise(huge, HUGE_SIZE, MADV_HUGEPAGE);
}

/* Set a guard in a page that is not in the range. */
static int prepare_guard(struct subject *subject, int nr)
{
	return madvise(subject_page(subject, FREE_PAGE), subject->page,
		       MADV_GUARD_INSTALL);
}

static int uffd; /* of the subject */

static int register_page(struct subject *subject, int nr, __u64 features,
			 __u64 mode)
{
	uffd = uffd_create(subject_page(subject, nr), subject->page, features,
			   mode);
	return uffd < 0 ? -1 : 0;
}

/* Register the page, so that the subject can protect it. */
static int prepare_wp(struct subject *subject, int nr)
{
	return register_page(subject, nr, 0, UFFDIO_REGISTER_MODE_WP);
}

/* The same, for PAGEMAP_SCAN */
static int prepare_wp_async(struct subject *subject, int nr)
{
	return register_page(subject, nr, UFFD_FEATURE_WP_ASYNC,
			     UFFDIO_REGISTER_MODE_WP);
}

/* Register the place to which UFFDIO_MOVE moves a page.  It has no page. */
static int prepare_move(struct subject *subject, int nr)
{
	if (register_page(subject, FREE_PAGE, UFFD_FEATURE_MOVE,
			  UFFDIO_REGISTER_MODE_MISSING))
		return -1;
	return mutate_dontneed(subject, FREE_PAGE);
}

/* Give ksmd two equal pages. */
static int prepare_equal(struct subject *subject, int nr)
{
	char *p = subject_page(subject, nr);

	memset(p, 'k', 2 * subject->page);
	return madvise(p, 2 * subject->page, MADV_MERGEABLE);
}

/* Mutations by the subject */

static int by_mremap(struct subject *subject, int nr)
{
	void *to = subject_page(subject, FREE_PAGE);

	return mremap(subject_page(subject, nr), subject->page, subject->page,
		      MREMAP_MAYMOVE | MREMAP_FIXED, to) == to ?
		       0 :
		       -1;
}

static int by_dontneed_two(struct subject *subject, int nr)
{
	return madvise(subject_page(subject, nr), 2 * subject->page,
		       MADV_DONTNEED);
}

static int by_free(struct subject *subject, int nr)
{
	return madvise(subject_page(subject, nr), subject->page, MADV_FREE);
}

static int by_guard(struct subject *subject, int nr)
{
	return madvise(subject_page(subject, nr), subject->page,
		       MADV_GUARD_INSTALL);
}

static int by_pageout(struct subject *subject, int nr)
{
	return madvise(subject_page(subject, nr), subject->page, MADV_PAGEOUT);
}

static int by_soft_dirty(struct subject *subject, int nr)
{
	return mmun_write_file("/proc/self/clear_refs", "4");
}

static int by_cow(struct subject *subject, int nr)
{
	mmun_store(subject_page(subject, nr), 'c');
	return 0;
}

static int by_collapse(struct subject *subject, int nr)
{
	return madvise(huge, HUGE_SIZE, MADV_COLLAPSE);
}

static int by_write_protection(struct subject *subject, int nr)
{
	return uffd_protect(uffd, subject_page(subject, nr), subject->page,
			    true);
}

static int by_scan(struct subject *subject, int nr)
{
	return pagemap_scan(subject_page(subject, nr), subject->page);
}

static int by_move(struct subject *subject, int nr)
{
	return uffd_move(uffd, subject_page(subject, FREE_PAGE),
			 subject_page(subject, nr), subject->page);
}

static int by_exit(struct subject *subject, int nr)
{
	_exit(0);
}

/* Mutations by the test */

static int job_truncate(struct worker *worker)
{
	return ftruncate(worker->subject->memfd, 0);
}

static int job_write_back(struct worker *worker)
{
	int disk = open(DISK, O_RDWR | O_CLOEXEC);

	return fsync(disk) ?: close(disk);
}

/* The write fails if the kernel reclaims less than 1 MiB. */
static int job_reclaim(struct worker *worker)
{
	mmun_write_file("memory.reclaim", "1M");
	return 0;
}

static int job_mrelease(struct worker *worker)
{
	int pidfd = worker->subject->mutator[0].thread.pidfd;

	return syscall(SYS_process_mrelease, pidfd, 0) && errno != ESRCH ? -1 :
									   0;
}

/* Move the shared page of the test, which the subject maps too. */
static int job_move(struct worker *worker)
{
	int node;

	mmun_load(shared);
	node = move_page(shared, NULL) == 0;
	return move_page(shared, &node) == node ? 0 : -1;
}

/*
 * @before: see lock_mm(); @cleanup: removes the cgroup or the disk; @setting:
 * changed by the test
 */
#define WRITE_LOCK_FIXTURE(_fixture)                                  \
	FIXTURE(_fixture)                                             \
	{                                                             \
		LOCKER_FIXTURE;                                       \
		__u64 before;                                         \
		struct mmun_child cleanup;                            \
		struct setting setting;                               \
	};                                                            \
	FIXTURE_SETUP(_fixture)                                       \
	{                                                             \
		shared = mmap(NULL, sysconf(_SC_PAGESIZE),            \
			      PROT_READ | PROT_WRITE,                 \
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);     \
		ASSERT_NE(MAP_FAILED, shared);                        \
		setup_locker(huge);                                   \
	}                                                             \
	FIXTURE_TEARDOWN(_fixture)                                    \
	{                                                             \
		teardown_locker();                                    \
		EXPECT_EQ(0, setting_restore(&self->setting));        \
		if (self->cleanup.pid > 0)                            \
			EXPECT_EQ(0, mmun_child_end(&self->cleanup)); \
	}

#define invalidations() (mmun_query_range(self->id).out_invalidations)

/* Take the lock, and keep the number of invalidations before. */
#define lock_mm()                               \
	do {                                    \
		self->before = invalidations(); \
		begin_lock();                   \
	} while (0)

/* Expect that the thread waits, and that the range was not invalidated. */
#define expect_excluded(_tid)                                               \
	do {                                                                \
		EXPECT_EQ(MMUN_TASK_BLOCKED, mmun_quiesce_one(_tid).state); \
		EXPECT_EQ(self->before, invalidations());                   \
	} while (0)

#define expect_invalidated() EXPECT_LT(self->before, invalidations())

/* Mutations of the subject */

WRITE_LOCK_FIXTURE(by_subject)

/**
 * struct by_subject_variant - a mutation
 * @prepare: before the lock is held
 * @mutate: invalidates the page
 * @vma_lock_since: the first kernel in which the lock of a VMA is enough, or 0
 * @mmap_lock_until: the last kernel of which the test knows that the mutation
 *	takes mmap_lock, if @vma_lock_since is not 0
 * @in_huge: the mutation invalidates the arena of the huge page
 * @missing: why @prepare fails on some kernels, or NULL
 */
FIXTURE_VARIANT(by_subject)
{
	mutate_fn prepare;
	mutate_fn mutate;
	int vma_lock_since;
	int mmap_lock_until;
	bool in_huge;
	const char *missing;
};

/* clang-format off */
#define VARIANT(_name, ...) \
	FIXTURE_VARIANT_ADD(by_subject, _name) { __VA_ARGS__ }
VARIANT(munmap, .mutate = mutate_munmap);
VARIANT(mprotect, .mutate = mutate_mprotect);
VARIANT(mremap, .mutate = by_mremap);
VARIANT(fork, .mutate = mutate_fork);
VARIANT(soft_dirty, .mutate = by_soft_dirty);
VARIANT(collapse, .prepare = prepare_huge, .mutate = by_collapse, .in_huge = true,
	.missing = MMUN_NO_COLLAPSE);
VARIANT(pageout, .prepare = prepare_lazily_freed, .mutate = by_pageout);
VARIANT(uffd_writeprotect, .prepare = prepare_wp, .mutate = by_write_protection,
	.missing = NO_UFFD_WP);
VARIANT(scan, .prepare = prepare_wp_async, .mutate = by_scan, .missing = NO_SCAN);
VARIANT(dontneed_of_two_vmas, .prepare = prepare_two_vmas, .mutate = by_dontneed_two);
VARIANT(dontneed, .mutate = mutate_dontneed,
	.mmap_lock_until = VERSION(6, 12), .vma_lock_since = VERSION(7, 3));
VARIANT(free, .mutate = by_free,
	.mmap_lock_until = VERSION(6, 12), .vma_lock_since = VERSION(7, 3));
VARIANT(guard, .prepare = prepare_guard, .mutate = by_guard, .missing = NO_GUARD,
	.mmap_lock_until = VERSION(6, 12), .vma_lock_since = VERSION(7, 3));
VARIANT(move, .prepare = prepare_move, .mutate = by_move, .missing = NO_UFFD_MOVE,
	.mmap_lock_until = VERSION(6, 7), .vma_lock_since = VERSION(6, 8));
VARIANT(copy_on_write, .prepare = share_pages, .mutate = by_cow,
	.mmap_lock_until = VERSION(6, 1), .vma_lock_since = VERSION(6, 12));
/* clang-format on */

/*
 * Whether page faults of the subject take the lock of a VMA.  Such a fault does
 * not wait for mmap_lock.  The page of the fault is in a VMA with an anon_vma.
 */
#define faults_use_vma_locks()                                   \
	({                                                       \
		struct mmun_task __t;                            \
		subject_must(1, mutate_dontneed, NEAR_PAGE);     \
		lock_mm();                                       \
		order_mutator(1, by_cow, NEAR_PAGE);             \
		__t = mmun_quiesce_one(subject_tid(1));          \
		end_lock();                                      \
		ASSERT_EQ(0, subject_answer(subject_thread(1))); \
		ASSERT_EQ(0, worker_create(&self->locker));      \
		__t.state != MMUN_TASK_BLOCKED;                  \
	})

#define need_known_kernel()                                              \
	mmun_skip_if(kernel_version() > variant->mmap_lock_until &&      \
			     kernel_version() < variant->vma_lock_since, \
		     "it is not known which lock this kernel takes")

/* Skip the test if the kernel lacks what the mutation needs. */
#define prepare_subject()                                                   \
	do {                                                                \
		if (!variant->prepare ||                                    \
		    !subject_do(subject_thread(0), variant->prepare, PAGE)) \
			break;                                              \
		mmun_skip_for(variant->missing);                            \
		ASSERT_TRUE(false)                                          \
		{                                                           \
			TH_LOG("not prepared: %s", strerror(errno));        \
		}                                                           \
	} while (0)

#define mutator_succeeds() EXPECT_EQ(0, subject_answer(subject_thread(0)))

/* khugepaged must not collapse the small pages, of which most are missing. */
#define stop_khugepaged()                                                \
	do {                                                             \
		const char *__path = THP_DIR "khugepaged/max_ptes_none"; \
		if (!setting_keep(&self->setting, __path))               \
			EXPECT_EQ(0, mmun_write_number(__path, 0));      \
	} while (0)

TEST_F(by_subject, waits_for_mmap_lock_unless_a_vma_lock_is_enough)
{
	bool waits = true;

	need_known_kernel();
	if (variant->in_huge) {
		stop_khugepaged();
		self->id = mmun_insert(huge, HUGE_SIZE);
	}
	if (variant->vma_lock_since)
		waits = kernel_version() < variant->vma_lock_since ||
			!faults_use_vma_locks();
	subject_must(0, fault_in_all, 0);
	prepare_subject();
	lock_mm();
	order_mutator(0, variant->mutate, PAGE);
	if (waits) {
		expect_excluded(subject_tid(0));
		end_lock();
		mutator_succeeds();
	} else {
		mutator_succeeds();
		expect_invalidated();
		end_lock();
	}
	expect_invalidated();
}

/* Mutations of the test, which has another mm */

WRITE_LOCK_FIXTURE(by_test)

typedef int (*job_fn)(struct worker *worker);

FIXTURE_VARIANT(by_test)
{
	job_fn job;
	mutate_fn prepare;
	bool needs_node;
	bool in_cgroup;
	bool on_disk;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(by_test, hole) { .job = job_punch, .prepare = map_memfd };
FIXTURE_VARIANT_ADD(by_test, truncation) { .job = job_truncate, .prepare = map_memfd };
FIXTURE_VARIANT_ADD(by_test, migration) {
	.job = job_move, .prepare = prepare_shared, .needs_node = true };
FIXTURE_VARIANT_ADD(by_test, reclaim) {
	.job = job_reclaim, .prepare = prepare_lazily_freed, .in_cgroup = true };
FIXTURE_VARIANT_ADD(by_test, writeback) {
	.job = job_write_back, .prepare = prepare_disk, .on_disk = true };
/* clang-format on */

TEST_F(by_test, does_not_wait_for_mmap_lock)
{
	if (variant->in_cgroup) {
		need_cgroup(&self->cleanup, 16L << 20);
		ASSERT_EQ(0, mmun_write_number("cgroup.procs",
					       self->subject->pid));
	}
	if (variant->on_disk) {
		int disk = disk_create(&self->cleanup);

		mmun_skip_if(disk < 0, NO_DISK);
		EXPECT_EQ(0, close(disk));
	}
	mmun_skip_if(variant->needs_node && access(SECOND_NODE, F_OK), NO_NODE);
	subject_must(0, variant->prepare, PAGE);
	lock_mm();
	worker_do(&self->other, variant->job);
	EXPECT_EQ(0, worker_join(&self->other));
	expect_invalidated();
	end_lock();
}

/* Exit, and mutations by kernel threads */

WRITE_LOCK_FIXTURE(write_lock)

TEST_F(write_lock, exit_waits)
{
	struct mmun_record r = {};

	lock_mm();
	order_mutator(0, by_exit, 0);
	expect_excluded(subject_tid(0));
	end_lock();
	ASSERT_EQ(1, mmun_wait_record(self->fd, MMUN_RECORD_INVALIDATE, &r));
	EXPECT_EQ(MMUN_EVENT_RELEASE, r.event);
}

/* The lock keeps the mm of a process that was killed. */
TEST_F(write_lock, process_mrelease_waits)
{
	lock_mm();
	ASSERT_EQ(0, subject_kill(self->subject, SIGKILL));
	worker_do(&self->other, job_mrelease);
	expect_excluded(self->other.tid);
	end_lock();
	EXPECT_EQ(0, worker_join(&self->other));
	expect_invalidated();
}

/* Returns the thread ID of ksmd, or 0. */
static pid_t find_ksmd(void)
{
	char path[300], comm[32];
	struct dirent *entry;
	DIR *proc = opendir("/proc");
	pid_t pid = 0;

	while (!pid && proc && (entry = readdir(proc))) {
		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		if (atoi(entry->d_name) &&
		    !mmun_read_file(path, comm, sizeof(comm)) &&
		    !strncmp(comm, "ksmd", 4))
			pid = atoi(entry->d_name);
	}
	if (proc)
		closedir(proc);
	return pid;
}

/* Returns whether the thread sleeps, and no signal wakes it. */
static bool is_blocked(pid_t tid)
{
	struct mmun_task task = { .tid = tid };

	mmun_task_see(&task);
	mmun_task_close(&task);
	return task.state == MMUN_TASK_BLOCKED;
}

TEST_F(write_lock, ksmd_waits)
{
	pid_t ksmd = find_ksmd();
	struct ksm ksm;

	mmun_skip_if(!ksmd, "no ksmd: set CONFIG_KSM");
	subject_must(0, prepare_equal, PAGE);
	ASSERT_EQ(0, setting_keep(&self->setting, KSM_DIR "run"));
	lock_mm();
	EXPECT_EQ(0, ksm_start(&ksm));
	expect_soon(is_blocked(ksmd));
	EXPECT_EQ(self->before, invalidations());
	end_lock();
	while (self->before == invalidations() && !ksm_is_through(&ksm))
		;
	EXPECT_EQ(0, ksm_stop(&ksm));
	expect_invalidated();
}

/* The lock itself */

TEST_F(write_lock, lasts_until_its_time_is_over)
{
	__u32 unpinned = 1;

	EXPECT_EQ(0, _mmun_lock_mm(self->fd, 1, &unpinned));
	EXPECT_EQ(0, unpinned);
	subject_must(0, mutate_mprotect, PAGE);
}

static int lock_in_child(void *arg, int nr)
{
	__u32 unpinned;

	return _mmun_lock_mm(nr, LOCK_MS, &unpinned);
}

/* A held mutator owns the lock.  The next thread can lock. */
TEST_F(write_lock, waiting_for_it_ends_at_a_fatal_signal)
{
	struct mmun_child child;
	__u32 hold, unpinned;

	ASSERT_EQ(0, mmun_child_start(&child, NULL));
	hold = hold_mutator(0, mutate_mprotect, PAGE, MMUN_POINT_START, 0);
	ASSERT_EQ(0, mmun_child_order(&child, lock_in_child, self->fd));
	expect_blocked_in(child.tid, MMUN_PIN_MM);
	ASSERT_EQ(0, mmun_child_signal(&child, SIGKILL));
	EXPECT_EQ(128 + SIGKILL, mmun_child_reap(&child));
	resume_mutator(0, hold);
	EXPECT_EQ(0, _mmun_lock_mm(self->fd, 1, &unpinned));
}

/* Otherwise the times of many threads would add up. */
TEST_F(write_lock, of_a_second_thread_is_ebusy)
{
	__u32 unpinned;

	lock_mm();
	EXPECT_ERRNO(EBUSY, _mmun_lock_mm(self->fd, 1, &unpinned));
	end_lock();
	EXPECT_EQ(0, _mmun_lock_mm(self->fd, 1, &unpinned));
}

TEST_F(write_lock, of_an_mm_that_has_exited_is_esrch)
{
	__u32 unpinned;

	subject_end(self->subject);
	EXPECT_ERRNO(ESRCH, _mmun_lock_mm(self->fd, 1, &unpinned));
}

MMUN_HARNESS_MAIN
