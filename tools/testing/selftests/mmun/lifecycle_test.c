// SPDX-License-Identifier: GPL-2.0
/*
 * Tests lifetimes.  During an invalidation or an ioctl, a process exits,
 * executes a program, dumps core, forks, or calls the last mmput().  The last
 * close() comes during an ioctl.  The module is removed.
 */
#include <glob.h>
#include <linux/falloc.h>
#include <sys/resource.h>
#include "lib/execed.h"
#include "lib/subject.h"

#define MODULE "test_mmun"
#define MODULE_FILE "/lib/test_mmun.ko"
#define RELOADS 5
#define FILE_PAGE 2 /* the page that maps the file */

#define LIFECYCLE_FIXTURE(_fixture)        \
	FIXTURE(_fixture)                  \
	{                                  \
		SUBJECT_FIXTURE;           \
	};                                 \
	FIXTURE_SETUP(_fixture)            \
	{                                  \
		setup_subject();           \
		self->id = insert_range(); \
		setup_workers(self->id);   \
	}                                  \
	SUBJECT_FIXTURE_TEARDOWN(_fixture)

LIFECYCLE_FIXTURE(lifecycle)

/* Expect that the next record reports the invalidation of the whole range. */
#define expect_whole(_event) \
	mmun_expect_event(self->id, _event, self->map, mmun_pages(RANGE_PAGES))

#define expect_users(_nr) EXPECT_EQ(_nr, mmun_query_context().out_mm_users)

/* Exit and exec while another thread is held */

static int mutate_exit(struct subject *subject, int nr)
{
	_exit(0);
}

static int mutate_open(struct subject *subject, int nr)
{
	return mmun_open();
}

/* @fd: a descriptor of the device in the subject */
static int mutate_exec(struct subject *subject, int fd)
{
	return exec_self(fd);
}

LIFECYCLE_FIXTURE(lifecycle_held)

FIXTURE_VARIANT(lifecycle_held)
{
	mutate_fn end;
	int status;
	__u32 point;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(lifecycle_held, exit_enter) { mutate_exit, 0, MMUN_POINT_ENTER };
FIXTURE_VARIANT_ADD(lifecycle_held, exit_start) { mutate_exit, 0, MMUN_POINT_START };
FIXTURE_VARIANT_ADD(lifecycle_held, exec_enter) { mutate_exec, EXECED_OK, MMUN_POINT_ENTER };
FIXTURE_VARIANT_ADD(lifecycle_held, exec_start) { mutate_exec, EXECED_OK, MMUN_POINT_START };
/* clang-format on */

/*
 *	mutator 0		mutator 1
 *	munmap: held
 *				exit or exec: kills
 *				mutator 0
 *	invalidation ends,
 *	exits
 *				RELEASE, UNMAP
 */
TEST_F(lifecycle_held, invalidation_ends_before_the_mm_is_released)
{
	struct mmun_record munmap, release, unmap;
	int fd = subject_do(subject_thread(1), mutate_open, 0);
	struct timespec then = mmun_now();
	__u32 at;

	at = hold_mutator(0, mutate_munmap, 1, variant->point, self->id);
	ASSERT_EQ(0, subject_order(subject_thread(1), variant->end, fd));
	EXPECT_EQ(variant->status, mmun_wait_child(self->subject->pid));
	EXPECT_GT(MMUN_HOLD_MS, ms_since(&then));
	EXPECT_EQ(MMUN_HOLD_OVER, mmun_hold_state(at));
	EXPECT_EQ(0, mmun_resume(at));
	munmap = mmun_expect_event(self->id, MMUN_EVENT_UNMAP, mmun_page(1),
				   self->page);
	release = expect_whole(MMUN_EVENT_RELEASE);
	unmap = expect_whole(MMUN_EVENT_UNMAP);
	mmun_expect_no_event();
	EXPECT_EQ(munmap.cur_seq + 2, release.cur_seq);
	EXPECT_EQ(release.cur_seq + 2, unmap.cur_seq);
	EXPECT_EQ(self->subject->pid, release.tgid);
}

/*
 * Another process punches a hole into a file, which invalidates the mapping of
 * the file in the subject.  The other process holds a lock of the file.  exit()
 * of the subject needs the lock to remove the mapping.
 *
 *   0   1   2   3
 *   |-----range-----|
 *           |file|
 */

static int mutate_map_file(struct subject *subject, int nr)
{
	char *at = subject_page(subject, nr);

	if (mmap(at, subject->page, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED, subject->memfd, 0) != at)
		return -1;
	*at = 1;
	return 0;
}

JOB(punch, fallocate(worker->subject->memfd,
		     FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
		     worker->subject->page))

/* Worker self->other punches a hole, and is held after the callback. */
#define hold_punch()                                            \
	do {                                                    \
		subject_must(0, mutate_map_file, FILE_PAGE);    \
		mmun_drain_log(self->fd);                       \
		hold_worker(&self->other, job_punch, FILE_PAGE, \
			    MMUN_POINT_LEAVE, self->id);        \
	} while (0)

/*
 *	other			subject
 *	punch: held
 *				exit: RELEASE and UNMAP
 *				with the same sequence;
 *				waits for the file
 *	resumed
 *				is gone
 */
TEST_F(lifecycle, exit_during_an_invalidation_has_the_same_sequence)
{
	struct mmun_record punch, release = {}, unmap = {};

	hold_punch();
	punch = expect_clear(self->id, FILE_PAGE);
	ASSERT_EQ(0, subject_order(subject_thread(1), mutate_exit, 0));
	ASSERT_EQ(1,
		  mmun_wait_record(self->fd, MMUN_RECORD_INVALIDATE, &release));
	ASSERT_EQ(1,
		  mmun_wait_record(self->fd, MMUN_RECORD_INVALIDATE, &unmap));
	EXPECT_EQ(MMUN_EVENT_RELEASE, release.event);
	EXPECT_EQ(MMUN_EVENT_UNMAP, unmap.event);
	EXPECT_EQ(punch.cur_seq, release.cur_seq);
	EXPECT_EQ(punch.cur_seq, unmap.cur_seq);
	EXPECT_EQ(MMUN_TASK_BLOCKED, mmun_quiesce_one(release.tid).state);
	expect_users(0);
	block_reader();
	end_worker(&self->other);
	EXPECT_EQ(0, mmun_wait_child(self->subject->pid));
	EXPECT_EQ(0, worker_join(&self->reader));
	EXPECT_EQ(0, mmun_commit(self->reader.token));
	mmun_expect_no_event();
}

/*
 * Another process calls the last mmput().  An ioctl of the device is a user of
 * the mm until the ioctl returns.  If the ioctl is the last user, RELEASE runs
 * in the thread that called the ioctl.
 */

#define expect_released_by_reader()                              \
	do {                                                     \
		EXPECT_EQ(self->reader.tid,                      \
			  expect_whole(MMUN_EVENT_RELEASE).tid); \
		EXPECT_EQ(self->reader.tid,                      \
			  expect_whole(MMUN_EVENT_UNMAP).tid);   \
		mmun_expect_no_event();                          \
		expect_users(0);                                 \
	} while (0)

/* Kill the subject.  The reader remains as the only user of the mm. */
#define kill_subject()                                                         \
	do {                                                                   \
		mmun_drain_log(self->fd);                                      \
		ASSERT_EQ(0, subject_kill(self->subject, SIGKILL));            \
		EXPECT_EQ(128 + SIGKILL, mmun_wait_child(self->subject->pid)); \
		expect_users(1);                                               \
		mmun_expect_no_event();                                        \
	} while (0)

/*
 *	other			reader			subject
 *	punch: held
 *				CHECK_BALANCE:
 *				waits for the
 *				end of the punch
 *							is killed
 *	resumed
 *				RELEASE, UNMAP
 *				returns
 */
TEST_F(lifecycle, last_mmput_by_check_balance_releases_the_mm)
{
	__u32 users;

	hold_punch();
	users = mmun_query_context().out_mm_users;
	worker_do(&self->reader, job_check_balance);
	while (mmun_query_context().out_mm_users == users)
		sched_yield();
	kill_subject();
	end_worker(&self->other);
	EXPECT_EQ(1, worker_join(&self->reader));
	expect_released_by_reader();
}

/*
 *	reader			subject
 *	begin
 *	collect: waits for
 *	page 3
 *				is killed
 *	page 3 is filled
 *	RELEASE, UNMAP
 *	collect returns
 *	commit: collides
 */
TEST_F(lifecycle, last_mmput_by_a_collect_releases_the_mm_and_collides)
{
	need_userfault(RANGE_PAGES);
	subject_must(0, mutate_dontneed, 3);
	self->reader.token = mmun_read_begin(self->id);
	block_worker(&self->reader, job_collect, MMUN_COLLECT);
	kill_subject();
	subject_fill_page(3);
	EXPECT_EQ(RANGE_PAGES, worker_join(&self->reader));
	expect_released_by_reader();
	EXPECT_EQ(1, mmun_commit(self->reader.token));
	expect_shadow(0, false);
}

TEST_F(lifecycle, last_mmput_by_a_snapshot_releases_the_mm_and_is_esrch)
{
	need_userfault(RANGE_PAGES);
	subject_must(0, mutate_dontneed, 3);
	self->reader.snap.max_retries = MMUN_RETRIES;
	block_worker(&self->reader, job_snapshot, MMUN_SNAPSHOT);
	kill_subject();
	subject_fill_page(3);
	EXPECT_ERRNO(ESRCH, worker_join(&self->reader));
	expect_released_by_reader();
	EXPECT_EQ(1, mmun_query_range(self->id).out_collisions);
	EXPECT_EQ(0, mmun_query_range(self->id).out_commits);
	expect_shadow(0, false);
}

/* Core dump */

#define NO_CORES \
	"no core files: set CONFIG_COREDUMP, and kernel.core_pattern to core"

static bool cores_are_files(void)
{
	char pattern[8];

	return !mmun_read_file("/proc/sys/kernel/core_pattern", pattern,
			       sizeof(pattern)) &&
	       !strcmp(pattern, "core\n");
}

/* Dump core in a directory of the subject. */
static int mutate_abort(struct subject *subject, int nr)
{
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

	if (chdir(subject->dir) || setrlimit(RLIMIT_CORE, &limit))
		return -1;
	abort();
}

/*
 * Returns whether the only core in the directory contains the bytes.  Deletes
 * the core and the directory.
 */
static bool core_has(const char *dir, const void *bytes, size_t length)
{
	char pattern[64], *core = MAP_FAILED;
	struct stat st;
	glob_t found;
	int fd;

	snprintf(pattern, sizeof(pattern), "%s/core*", dir);
	if (glob(pattern, 0, NULL, &found) || found.gl_pathc != 1)
		return false;
	fd = open(found.gl_pathv[0], O_RDONLY | O_CLOEXEC);
	if (!fstat(fd, &st))
		core = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	unlink(found.gl_pathv[0]);
	rmdir(dir);
	return core != MAP_FAILED && memmem(core, st.st_size, bytes, length);
}

/*
 *   0   1   2   3
 *   |-----range-----|	the device writes to page 0
 *
 *	mutator 0		mutator 1
 *	munmap page 1: held
 *				abort: kills mutator 0
 *	invalidation ends
 *				dumps core; the device
 *				still has page 0
 *				RELEASE, UNMAP
 */
TEST_F(lifecycle, core_dump_ends_a_hold_and_contains_device_writes)
{
	struct timespec then = mmun_now();
	int status;
	__u32 at;

	if (!cores_are_files())
		SKIP(return, NO_CORES);
	strcpy(self->subject->dir, "/tmp/mmun-XXXXXX");
	mkdir("/tmp", 0777);
	ASSERT_NE(NULL, mkdtemp(self->subject->dir));
	EXPECT_EQ(1, mmun_snapshot(self->id, self->map, self->page,
				   MMUN_METHOD_GUP, MMUN_WRITE, NULL));
	mmun_device_write(self->id, self->map, sizeof(then), &then);
	at = hold_mutator(0, mutate_munmap, 1, MMUN_POINT_LEAVE, self->id);
	ASSERT_EQ(0, subject_order(subject_thread(1), mutate_abort, 0));
	ASSERT_EQ(self->subject->pid, waitpid(self->subject->pid, &status, 0));
	EXPECT_GT(MMUN_HOLD_MS, ms_since(&then));
	EXPECT_EQ(SIGABRT | WCOREFLAG, status);
	EXPECT_EQ(true, core_has(self->subject->dir, &then, sizeof(then)));
	EXPECT_EQ(0, mmun_resume(at));
	mmun_expect_event(self->id, MMUN_EVENT_UNMAP, mmun_page(1), self->page);
	expect_whole(MMUN_EVENT_RELEASE);
	expect_whole(MMUN_EVENT_UNMAP);
	mmun_expect_no_event();
	expect_shadow(0, false);
}

#define collect_range(_token)                                              \
	EXPECT_EQ(RANGE_PAGES,                                             \
		  mmun_collect(_token, self->map, mmun_pages(RANGE_PAGES), \
			       MMUN_METHOD_GUP, MMUN_WRITE))

/*
 *	reader			mutator
 *	begin, collect
 *				fork: held at enter
 *	commit: published
 *				resumed: drops it
 */
TEST_F(lifecycle, callback_of_fork_drops_entries_committed_before)
{
	struct mmun_token token = mmun_read_begin(self->id);
	__u32 at;

	collect_range(token);
	at = hold_mutator(0, mutate_fork, 0, MMUN_POINT_ENTER, self->id);
	EXPECT_EQ(MMUN_EVENT_PROTECTION_PAGE, mmun_wait_held(at).out_event);
	EXPECT_EQ(0, mmun_commit(token));
	expect_shadow(0, true);
	expect_shadow(3, true);
	resume_mutator(0, at);
	expect_shadow(0, false);
	expect_shadow(3, false);
}

/*
 *	committer	collector	reader		mutator
 *	begin, collect	begin
 *							fork: held at
 *							leave
 *	commit:
 *	collides
 *			collect: waits
 *			for mmap_lock
 *					begin: waits
 *							resumed
 *			returns		returns
 *			commit:		commit:
 *			collides	published
 */
TEST_F(lifecycle, commit_after_the_callback_of_fork_collides)
{
	struct mmun_token token = mmun_read_begin(self->id);
	__u32 at;

	collect_range(token);
	self->other.token = mmun_read_begin(self->id);
	at = hold_mutator(0, mutate_fork, 0, MMUN_POINT_LEAVE, self->id);
	EXPECT_EQ(1, mmun_commit(token));
	block_worker(&self->other, job_collect, MMUN_COLLECT);
	block_reader();
	resume_mutator(0, at);
	EXPECT_EQ(RANGE_PAGES, worker_join(&self->other));
	EXPECT_EQ(1, mmun_commit(self->other.token));
	EXPECT_EQ(0, worker_join(&self->reader));
	EXPECT_EQ(0, mmun_commit(self->reader.token));
	expect_shadow(0, false);
}

/* The last close() while an ioctl waits */

static int mutate_close(struct subject *subject, int nr)
{
	return close(nr);
}

/*
 *	mutator			reader			test
 *	held
 *				snapshot by a
 *				duplicate
 *				descriptor: waits
 *							close both
 *	resumed
 *				publishes, returns:
 *				the context is freed
 */
TEST_F(lifecycle, context_outlives_its_descriptors_while_a_snapshot_waits)
{
	__u64 objects = mmun_objects_without_lists();
	int its_fd = subject_do(subject_thread(0), mutate_open, 0);
	int fd = subject_getfd(self->subject, its_fd);
	__u32 at;

	subject_must(0, mutate_close, its_fd);
	ASSERT_EQ(0, _mmun_insert(fd, self->map, mmun_pages(RANGE_PAGES),
				  &self->reader.id));
	self->reader.fd = dup(fd);
	at = hold_mutator(0, mutate_dontneed, 1, MMUN_POINT_START, self->id);
	block_worker(&self->reader, job_snapshot, MMUN_SNAPSHOT);
	EXPECT_EQ(0, close(fd));
	EXPECT_EQ(0, close(self->reader.fd));
	expect_blocked_in(self->reader.tid, MMUN_SNAPSHOT);
	EXPECT_LT(objects, mmun_query_context().out_objects);
	resume_mutator(0, at);
	EXPECT_EQ(0, worker_join(&self->reader));
	EXPECT_EQ(0, self->reader.snap.out_collided);
	EXPECT_EQ(RANGE_PAGES, self->reader.snap.out_valid);
	EXPECT_EQ(objects, mmun_query_context().out_objects);
}

/* The module */

FIXTURE(module)
{
	MMUN_FIXTURE;
};

static int module_unload(void)
{
	return syscall(SYS_delete_module, MODULE, O_NONBLOCK);
}

static int module_load(void)
{
	int fd = open(MODULE_FILE, O_RDONLY | O_CLOEXEC), ret;

	ret = fd < 0 ? -1 : syscall(SYS_finit_module, fd, "", 0);
	close(fd);
	return ret;
}

FIXTURE_SETUP(module)
{
	mmun_setup_filled(ALL_PAGES);
}

/* Load the module again, because the programs that run later need it. */
FIXTURE_TEARDOWN(module)
{
	close(self->fd);
	EXPECT_EQ(0, access(MMUN_DEV, F_OK) ? module_load() : 0);
}

#define NO_MODULE_FILE \
	"no " MODULE_FILE " to load again: only make kselftest has it"

TEST_F(module, unload_fails_while_any_process_has_the_device_open)
{
	struct mmun_child child;

	if (access(MODULE_FILE, R_OK))
		SKIP(return, NO_MODULE_FILE);
	EXPECT_ERRNO(EWOULDBLOCK, module_unload());
	mmun_insert(self->map, mmun_pages(ALL_PAGES));
	ASSERT_EQ(0, mmun_child_start(&child, self));
	/* The hold also stops fork(), so start the child before the hold. */
	mmun_hold(MMUN_POINT_ENTER, 0, mmun_gettid());
	EXPECT_ERRNO(EWOULDBLOCK, module_unload());
	EXPECT_EQ(0, close(self->fd));
	EXPECT_ERRNO(EWOULDBLOCK, module_unload());
	ASSERT_EQ(0, mmun_child_signal(&child, SIGKILL));
	EXPECT_EQ(128 + SIGKILL, mmun_child_reap(&child));
	EXPECT_EQ(0, module_unload());
}

TEST_F(module, works_the_same_after_each_reload)
{
	struct mmun_info info = mmun_info();
	__u64 objects = mmun_objects_without_lists();
	__u32 id;

	if (access(MODULE_FILE, R_OK))
		SKIP(return, NO_MODULE_FILE);
	for (int i = 0; i < RELOADS; i++) {
		ASSERT_EQ(0, close(self->fd));
		ASSERT_EQ(0, module_unload());
		EXPECT_ERRNO(ENOENT, access(MMUN_DEV, F_OK));
		ASSERT_EQ(0, module_load());
		self->fd = mmun_open();
		ASSERT_LE(0, self->fd);
		EXPECT_EQ(objects, mmun_query_context().out_objects);
		EXPECT_EQ(info.out_features, mmun_info().out_features);
		id = mmun_insert(self->map, mmun_pages(ALL_PAGES));
		EXPECT_EQ(1, id);
		EXPECT_EQ(ALL_PAGES,
			  mmun_snapshot(id, self->map, mmun_pages(ALL_PAGES),
					MMUN_METHOD_GUP, 0, NULL));
		ASSERT_EQ(0, madvise(self->map, self->page, MADV_DONTNEED));
		EXPECT_EQ(1, mmun_query_range(id).out_invalidations);
		EXPECT_EQ(1, mmun_check_balance(MMUN_HOLD_MS));
	}
}

EXECED_MAIN
