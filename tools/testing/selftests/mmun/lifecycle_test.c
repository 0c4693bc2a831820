// SPDX-License-Identifier: GPL-2.0
/*
 * The named scenarios of lifetimes: exit, exec, core dump, fork and the last
 * mmput() beside an invalidation or a call of the device that is in flight; the
 * last close beside a call; and the module.
 */
#include <glob.h>
#include <sys/resource.h>
#include "lib/subject.h"

#ifndef FALLOC_FL_KEEP_SIZE
#define FALLOC_FL_KEEP_SIZE	0x01
#define FALLOC_FL_PUNCH_HOLE	0x02
#endif

#define EXECED		"--execed"
#define EXECED_STATUS	42
#define MODULE		"test_mmun"
#define MODULE_FILE	"/lib/test_mmun.ko"
#define RELOADS		5
#define FILE_PAGE	2	/* the page that maps the file */

FIXTURE(lifecycle)
{
	int fd;
	size_t page;
	struct subject *subject;
	char *map;
	__u32 id;
	struct worker reader;
	struct worker other;
};

FIXTURE_SETUP(lifecycle)
{
	self->page = sysconf(_SC_PAGESIZE);
	self->subject = subject_start();
	ASSERT_NE(NULL, self->subject)
	{
		TH_LOG("no subject: %s", strerror(errno));
	}
	self->fd = self->subject->fd;
	self->map = self->subject->map;
	self->id = mmun_insert(self->map, RANGE_PAGES * self->page);
	ASSERT_EQ(0, worker_start(&self->reader, self->subject, self->id));
	ASSERT_EQ(0, worker_start(&self->other, self->subject, self->id));
}

FIXTURE_TEARDOWN(lifecycle)
{
	expect_balanced();
	EXPECT_EQ(0, close(self->fd));
	subject_end(self->subject);
}

/* The next record tells the whole range. */
#define expect_whole(_event)                                              \
	mmun_expect_event(self->id, _event, self->map,                    \
			  RANGE_PAGES * self->page)

#define expect_users(_nr) EXPECT_EQ(_nr, mmun_query_context().out_mm_users)

static int mutate_exit(struct subject *subject, int nr)
{
	_exit(0);
}

static int mutate_exec(struct subject *subject, int nr)
{
	return execl("/proc/self/exe", "lifecycle_test", EXECED, NULL);
}

/* Exit and exec while another thread is held */

FIXTURE(lifecycle_held)
{
	int fd;
	size_t page;
	struct subject *subject;
	char *map;
	__u32 id;
};

FIXTURE_VARIANT(lifecycle_held)
{
	mutate_fn end;
	int status;
	__u32 point;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(lifecycle_held, exit_enter) {
	.end = mutate_exit, .status = 0, .point = MMUN_POINT_ENTER,
};

FIXTURE_VARIANT_ADD(lifecycle_held, exit_start) {
	.end = mutate_exit, .status = 0, .point = MMUN_POINT_START,
};

FIXTURE_VARIANT_ADD(lifecycle_held, exec_enter) {
	.end = mutate_exec, .status = EXECED_STATUS,
	.point = MMUN_POINT_ENTER,
};

FIXTURE_VARIANT_ADD(lifecycle_held, exec_start) {
	.end = mutate_exec, .status = EXECED_STATUS,
	.point = MMUN_POINT_START,
};
/* clang-format on */

FIXTURE_SETUP(lifecycle_held)
{
	self->page = sysconf(_SC_PAGESIZE);
	self->subject = subject_start();
	ASSERT_NE(NULL, self->subject)
	{
		TH_LOG("no subject: %s", strerror(errno));
	}
	self->fd = self->subject->fd;
	self->map = self->subject->map;
	self->id = mmun_insert(self->map, RANGE_PAGES * self->page);
}

FIXTURE_TEARDOWN(lifecycle_held)
{
	EXPECT_EQ(0, close(self->fd));
	subject_end(self->subject);
}

/*
 *	mutator 0		mutator 1
 *	munmap: held
 *				exit or exec: kills
 *				mutator 0
 *	goes on to the end,
 *	exits
 *				RELEASE, UNMAP
 */
TEST_F(lifecycle_held, invalidation_ends_before_the_mm_is_released)
{
	struct mmun_record munmap, release, unmap;
	struct timespec then;
	__u32 at;

	clock_gettime(CLOCK_MONOTONIC, &then);
	at = hold_mutator(0, mutate_munmap, 1, variant->point, self->id);
	ASSERT_EQ(0, subject_order(mutator(1), variant->end, 0));
	EXPECT_EQ(variant->status, mmun_wait_child(self->subject->pid));
	EXPECT_GT(MMUN_HOLD_MS, ms_since(&then));
	EXPECT_EQ(MMUN_HOLD_OVER, mmun_hold_state(at));
	EXPECT_EQ(0, mmun_resume(at));
	munmap = mmun_expect_event(self->id, MMUN_EVENT_UNMAP,
				   self->map + self->page, self->page);
	release = expect_whole(MMUN_EVENT_RELEASE);
	unmap = expect_whole(MMUN_EVENT_UNMAP);
	mmun_expect_no_event();
	EXPECT_EQ(munmap.cur_seq + 2, release.cur_seq);
	EXPECT_EQ(release.cur_seq + 2, unmap.cur_seq);
	EXPECT_EQ(self->subject->pid, release.tgid);
}

/*
 * Invalidations by another process: a file shrinks.  Who does that has a lock of
 * the file, which exit needs to take the file out of the mm.
 *
 *   0   1   2   3
 *   |-----range-----|
 *           |file|
 */

static int mutate_map_file(struct subject *subject, int nr)
{
	char *at = subject_page(subject, nr);

	if (mmap(at, sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED, subject->memfd, 0) != at)
		return -1;
	*at = 1;
	return 0;
}

static int job_punch(struct worker *worker)
{
	return fallocate(worker->subject->memfd,
			 FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			 sysconf(_SC_PAGESIZE));
}

static int job_probe(struct worker *worker)
{
	struct mmun_check_balance probe;

	if (_mmun_check_balance(worker->fd, MMUN_HOLD_MS, &probe))
		return -1;
	return probe.out_balanced;
}

/* Hold the other worker when it has told the range; returns the ID. */
#define hold_punch()                                                      \
	({                                                                \
		__u32 __at;                                               \
		mutate(0, mutate_map_file, FILE_PAGE);                    \
		mmun_drain_log(self->fd);                                 \
		__at = mmun_hold(MMUN_POINT_LEAVE, self->id,              \
				 self->other.tid);                        \
		worker_do(&self->other, job_punch);                       \
		mmun_wait_held(__at);                                     \
		__at;                                                     \
	})

#define expect_punch()                                                    \
	mmun_expect_event(self->id, MMUN_EVENT_CLEAR,                     \
			  self->map + FILE_PAGE * self->page, self->page)

#define end_punch(_at)                                                    \
	do {                                                              \
		EXPECT_EQ(1, mmun_resume(_at));                          \
		EXPECT_EQ(0, worker_join(&self->other));                  \
	} while (0)

/*
 *	test's thread		subject
 *	punch: held
 *				exit: RELEASE and UNMAP, inside
 *				the other: the same sequence
 *				waits for the file
 *	let go
 *				is gone
 */
TEST_F(lifecycle, exit_inside_an_invalidation_by_another_process)
{
	struct mmun_record punch, release = {}, unmap = {};
	__u32 at = hold_punch();

	punch = expect_punch();
	ASSERT_EQ(0, subject_order(mutator(1), mutate_exit, 0));
	ASSERT_EQ(1, mmun_wait_record(self->fd, MMUN_RECORD_INVALIDATE,
				      &release));
	ASSERT_EQ(1, mmun_wait_record(self->fd, MMUN_RECORD_INVALIDATE,
				      &unmap));
	EXPECT_EQ(MMUN_EVENT_RELEASE, release.event);
	EXPECT_EQ(MMUN_EVENT_UNMAP, unmap.event);
	EXPECT_EQ(punch.cur_seq, release.cur_seq);
	EXPECT_EQ(punch.cur_seq, unmap.cur_seq);
	EXPECT_EQ(MMUN_TASK_BLOCKED, mmun_quiesce_one(release.tid).state);
	expect_users(0);
	worker_do(&self->reader, job_begin);
	expect_blocked_in(self->reader.tid, MMUN_READ_BEGIN);
	end_punch(at);
	EXPECT_EQ(0, mmun_wait_child(self->subject->pid));
	EXPECT_EQ(0, worker_join(&self->reader));
	EXPECT_EQ(0, mmun_commit(self->reader.token));
	mmun_expect_no_event();
}

/*
 * The last mmput() by somebody else: a call of the device from another process
 * is a user of the mm until it returns.  It is that process that runs RELEASE,
 * in the middle of the call.
 */

#define expect_released_by(_worker)                                       \
	do {                                                              \
		EXPECT_EQ((_worker)->tid,                                 \
			  expect_whole(MMUN_EVENT_RELEASE).tid);          \
		EXPECT_EQ((_worker)->tid,                                 \
			  expect_whole(MMUN_EVENT_UNMAP).tid);            \
		mmun_expect_no_event();                                   \
		expect_users(0);                                          \
	} while (0)

/* The subject is killed, and one user of its mm remains. */
#define kill_but_for_one_user()                                           \
	do {                                                              \
		mmun_drain_log(self->fd);                                 \
		ASSERT_EQ(0, subject_kill(self->subject, SIGKILL));       \
		EXPECT_EQ(128 + SIGKILL,                                  \
			  mmun_wait_child(self->subject->pid));           \
		expect_users(1);                                          \
		mmun_expect_no_event();                                   \
	} while (0)

/*
 *	other			reader			subject
 *	punch: held
 *				probe: waits for
 *				the end of that
 *							is killed
 *	let go
 *				RELEASE, UNMAP
 *				returns
 */
TEST_F(lifecycle, last_mmput_by_a_probe_releases_the_mm)
{
	__u32 at = hold_punch(), users = mmun_query_context().out_mm_users;

	worker_do(&self->reader, job_probe);
	while (mmun_query_context().out_mm_users == users)
		sched_yield();
	kill_but_for_one_user();
	end_punch(at);
	EXPECT_EQ(1, worker_join(&self->reader));
	expect_released_by(&self->reader);
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
	int uffd = subject_userfault(self->subject, RANGE_PAGES);

	if (uffd < 0)
		SKIP(return, NO_USERFAULT);
	mutate(0, mutate_dontneed, 3);
	self->reader.token = mmun_read_begin(self->id);
	worker_do(&self->reader, job_collect);
	expect_blocked_in(self->reader.tid, MMUN_COLLECT);
	kill_but_for_one_user();
	ASSERT_EQ(0, userfault_fill(uffd, self->subject, 3));
	EXPECT_EQ(RANGE_PAGES, worker_join(&self->reader));
	expect_released_by(&self->reader);
	EXPECT_EQ(1, mmun_commit(self->reader.token));
	expect_shadow(0, false);
	close(uffd);
}

TEST_F(lifecycle, last_mmput_by_a_snapshot_releases_the_mm_and_is_esrch)
{
	int uffd = subject_userfault(self->subject, RANGE_PAGES);

	if (uffd < 0)
		SKIP(return, NO_USERFAULT);
	mutate(0, mutate_dontneed, 3);
	self->reader.snap.max_retries = MMUN_RETRIES;
	worker_do(&self->reader, job_snapshot);
	expect_blocked_in(self->reader.tid, MMUN_SNAPSHOT);
	kill_but_for_one_user();
	ASSERT_EQ(0, userfault_fill(uffd, self->subject, 3));
	EXPECT_EQ(-1, worker_join(&self->reader));
	EXPECT_EQ(ESRCH, errno);
	expect_released_by(&self->reader);
	EXPECT_EQ(1, mmun_query_range(self->id).out_collisions);
	EXPECT_EQ(0, mmun_query_range(self->id).out_commits);
	expect_shadow(0, false);
	close(uffd);
}

/* Core dump */

static bool cores_are_files(void)
{
	FILE *file = fopen("/proc/sys/kernel/core_pattern", "r");
	char pattern[8] = "";
	bool ret;

	ret = file && fgets(pattern, sizeof(pattern), file) &&
	      !strcmp(pattern, "core\n");
	if (file)
		fclose(file);
	return ret;
}

/* Die with a core dump in a directory of the subject's own. */
static int mutate_abort(struct subject *subject, int nr)
{
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

	if (chdir(subject->dir) || setrlimit(RLIMIT_CORE, &limit))
		return -1;
	abort();
}

/* Whether the file has the bytes; it is deleted. */
static bool file_has(const char *path, const void *bytes, size_t length)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool ret = false;
	struct stat st;
	char *p;

	if (fd < 0 || fstat(fd, &st))
		return false;
	p = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p != MAP_FAILED) {
		ret = memmem(p, st.st_size, bytes, length);
		munmap(p, st.st_size);
	}
	close(fd);
	unlink(path);
	return ret;
}

/* Whether the only core in the directory has the bytes; both are deleted. */
static bool core_has(const char *dir, const void *bytes, size_t length)
{
	char pattern[64];
	bool ret = false;
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/core*", dir);
	if (!glob(pattern, 0, NULL, &found)) {
		ret = found.gl_pathc == 1 &&
		      file_has(found.gl_pathv[0], bytes, length);
		globfree(&found);
	}
	rmdir(dir);
	return ret;
}

/*
 *   0   1   2   3
 *   |-----range-----|	the device writes to page 0
 *
 *	mutator 0		mutator 1
 *	munmap page 1: held
 *				abort: kills mutator 0
 *	goes on to the end
 *				dumps; the device still
 *				has page 0
 *				RELEASE, UNMAP
 */
TEST_F(lifecycle, core_dump_ends_a_hold_and_has_what_the_device_wrote)
{
	struct timespec then;
	__u64 word[2];
	int status;
	__u32 at;

	if (!cores_are_files())
		SKIP(return, "no core files: set CONFIG_COREDUMP, and kernel.core_pattern to core");
	strcpy(self->subject->dir, "/tmp/mmun-XXXXXX");
	mkdir("/tmp", 0777);
	ASSERT_NE(NULL, mkdtemp(self->subject->dir));
	clock_gettime(CLOCK_MONOTONIC, &then);
	word[0] = then.tv_nsec * 0x9e3779b97f4a7c15ULL;
	word[1] = ~word[0];
	EXPECT_EQ(1, mmun_snapshot(self->id, self->map, self->page,
				   MMUN_METHOD_GUP, MMUN_WRITE, NULL));
	mmun_device_write(self->id, self->map, sizeof(word), word);
	at = hold_mutator(0, mutate_munmap, 1, MMUN_POINT_LEAVE, self->id);
	ASSERT_EQ(0, subject_order(mutator(1), mutate_abort, 0));
	ASSERT_EQ(self->subject->pid, waitpid(self->subject->pid, &status, 0));
	EXPECT_GT(MMUN_HOLD_MS, ms_since(&then));
	EXPECT_EQ(SIGABRT, WTERMSIG(status));
	EXPECT_NE(0, WCOREDUMP(status));
	EXPECT_EQ(true, core_has(self->subject->dir, word, sizeof(word)));
	EXPECT_EQ(0, mmun_resume(at));
	mmun_expect_event(self->id, MMUN_EVENT_UNMAP, self->map + self->page,
			  self->page);
	expect_whole(MMUN_EVENT_RELEASE);
	expect_whole(MMUN_EVENT_UNMAP);
	mmun_expect_no_event();
	expect_shadow(0, false);
}

/* Fork between begin and commit.  It has mmap_lock for writing all the time. */

static int mutate_fork(struct subject *subject, int nr)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	return mmun_wait_child(pid);
}

/*
 *	reader			mutator
 *	begin, collect
 *				fork: held at enter
 *	commit: published
 *				let go: drops it
 */
TEST_F(lifecycle, commit_before_the_callback_of_a_fork_is_undone_by_it)
{
	struct mmun_token token = mmun_read_begin(self->id);
	__u32 at;

	EXPECT_EQ(RANGE_PAGES, mmun_collect(token, self->map,
					    RANGE_PAGES * self->page,
					    MMUN_METHOD_GUP, MMUN_WRITE));
	at = hold_mutator(0, mutate_fork, 0, MMUN_POINT_ENTER, self->id);
	EXPECT_EQ(MMUN_EVENT_PROTECTION_PAGE, mmun_wait_held(at).out_event);
	EXPECT_EQ(0, mmun_commit(token));
	expect_shadow(0, true);
	expect_shadow(3, true);
	let_go(0, at);
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
 *							let go
 *			has the pages	returns
 *			commit:		commit:
 *			collides	published
 */
TEST_F(lifecycle, commit_after_the_callback_of_a_fork_collides)
{
	struct mmun_token token = mmun_read_begin(self->id);
	__u32 at;

	EXPECT_EQ(RANGE_PAGES, mmun_collect(token, self->map,
					    RANGE_PAGES * self->page,
					    MMUN_METHOD_GUP, MMUN_WRITE));
	self->other.token = mmun_read_begin(self->id);
	at = hold_mutator(0, mutate_fork, 0, MMUN_POINT_LEAVE, self->id);
	EXPECT_EQ(1, mmun_commit(token));
	worker_do(&self->other, job_collect);
	expect_blocked_in(self->other.tid, MMUN_COLLECT);
	worker_do(&self->reader, job_begin);
	expect_blocked_in(self->reader.tid, MMUN_READ_BEGIN);
	let_go(0, at);
	EXPECT_EQ(RANGE_PAGES, worker_join(&self->other));
	EXPECT_EQ(1, mmun_commit(self->other.token));
	EXPECT_EQ(0, worker_join(&self->reader));
	EXPECT_EQ(0, mmun_commit(self->reader.token));
	expect_shadow(0, false);
}

/* The last close beside a call */

static int mutate_open(struct subject *subject, int nr)
{
	return mmun_open();
}

static int mutate_close(struct subject *subject, int nr)
{
	return close(nr);
}

/* A second context of the subject, of which the test has the only descriptor */
#define open_another()                                                    \
	({                                                                \
		int __its = subject_do(mutator(0), mutate_open, 0);       \
		int __fd = subject_getfd(self->subject, __its);           \
		ASSERT_LE(0, __fd);                                       \
		mutate(0, mutate_close, __its);                           \
		__fd;                                                     \
	})

/*
 *	mutator			reader			test
 *	held
 *				snapshot on a dup:
 *				waits
 *							close both
 *	let go
 *				publishes, returns:
 *				the context goes
 */
TEST_F(lifecycle, context_outlives_its_descriptors_while_a_snapshot_waits)
{
	__u64 memory = mmun_query_context().out_objects;
	int fd = open_another();
	__u32 at, id;

	ASSERT_EQ(0, _mmun_insert(fd, self->map, RANGE_PAGES * self->page,
				  &id));
	self->reader.fd = dup(fd);
	self->reader.id = id;
	at = hold_mutator(0, mutate_dontneed, 1, MMUN_POINT_START, self->id);
	worker_do(&self->reader, job_snapshot);
	expect_blocked_in(self->reader.tid, MMUN_SNAPSHOT);
	EXPECT_EQ(0, close(fd));
	EXPECT_EQ(0, close(self->reader.fd));
	expect_blocked_in(self->reader.tid, MMUN_SNAPSHOT);
	EXPECT_LT(memory, mmun_query_context().out_objects);
	let_go(0, at);
	EXPECT_EQ(0, worker_join(&self->reader));
	EXPECT_EQ(0, self->reader.snap.out_collided);
	EXPECT_EQ(RANGE_PAGES, self->reader.snap.out_valid);
	EXPECT_EQ(memory, mmun_query_context().out_objects);
}

/* The module */

FIXTURE(module)
{
	int fd;
	size_t page;
	char *map;
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
	self->page = sysconf(_SC_PAGESIZE);
	self->fd = mmun_open();
	ASSERT_LE(0, self->fd);
	self->map = mmun_map_filled(mmun_arena(PAGES), PAGES);
	ASSERT_NE(NULL, self->map);
}

/* The programs that come after this one need it. */
FIXTURE_TEARDOWN(module)
{
	close(self->fd);
	EXPECT_EQ(0, access(MMUN_DEV, F_OK) ? module_load() : 0);
}

#define NO_MODULE_FILE	"no " MODULE_FILE " to load again: it is only where make kselftest boots"

TEST_F(module, stays_while_it_is_open_anywhere)
{
	struct mmun_hold hold = {
		.tid = mmun_gettid(),
		.timeout_ms = MMUN_HOLD_MS,
	};
	pid_t pid;

	if (access(MODULE_FILE, R_OK))
		SKIP(return, NO_MODULE_FILE);
	EXPECT_ERRNO(EWOULDBLOCK, module_unload());
	mmun_insert(self->map, PAGES * self->page);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pause();
	}
	/* A fork after this would be held. */
	ASSERT_EQ(0, _mmun_hold(self->fd, &hold));
	EXPECT_ERRNO(EWOULDBLOCK, module_unload());
	EXPECT_EQ(0, close(self->fd));
	EXPECT_ERRNO(EWOULDBLOCK, module_unload());
	ASSERT_EQ(0, kill(pid, SIGKILL));
	EXPECT_EQ(128 + SIGKILL, mmun_wait_child(pid));
	EXPECT_EQ(0, module_unload());
}

TEST_F(module, works_as_before_each_time_it_is_loaded_again)
{
	struct mmun_info info = mmun_info();
	__u64 memory = mmun_query_context().out_objects;
	__u32 id;
	int i;

	if (access(MODULE_FILE, R_OK))
		SKIP(return, NO_MODULE_FILE);
	for (i = 0; i < RELOADS; i++) {
		ASSERT_EQ(0, close(self->fd));
		ASSERT_EQ(0, module_unload());
		EXPECT_ERRNO(ENOENT, access(MMUN_DEV, F_OK));
		ASSERT_EQ(0, module_load());
		self->fd = mmun_open();
		ASSERT_LE(0, self->fd);
		EXPECT_EQ(memory, mmun_query_context().out_objects);
		EXPECT_EQ(info.out_features, mmun_info().out_features);
		id = mmun_insert(self->map, PAGES * self->page);
		EXPECT_EQ(1, id);
		EXPECT_EQ(PAGES, mmun_snapshot(id, self->map,
					       PAGES * self->page,
					       MMUN_METHOD_GUP, 0, NULL));
		ASSERT_EQ(0, madvise(self->map, self->page, MADV_DONTNEED));
		EXPECT_EQ(1, mmun_query_range(id).out_invalidations);
		EXPECT_EQ(1, mmun_check_balance(MMUN_HOLD_MS));
	}
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], EXECED))
		return EXECED_STATUS;
	return mmun_main(argc, argv);
}
