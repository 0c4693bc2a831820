// SPDX-License-Identifier: GPL-2.0
/*
 * Out of memory: the reaper takes the memory of a dying process and may not
 * wait.  process_mrelease(2) stands for it where every step is to be seen; in
 * the end a memory cgroup runs out of memory for real.
 */
#include "lib/mmun.h"

#define PAGES		10	/* of the arena */
#define VMA_PAGES	4	/* of each of the two VMAs */
#define FIRST		0
#define SECOND		6

#define CGROUP		"/sys/fs/cgroup"
#define LIMIT		(24UL << 20)
#define HOG_BYTES	(4 * LIMIT)
#define GONE		(LIMIT / 4)	/* so little is left when it is back */
#define REFUSALS	2

#define NO_MEMORY_CONTROLLER						\
	"no memory controller in " CGROUP				\
	": mount cgroup2 there, build with CONFIG_MEMCG"

/*
 * The victim maps two VMAs with a hole between them, has a range exactly over
 * each and parks, so that its mm stays when it is killed.
 *
 *   0   1   2   3   4   5   6   7   8   9
 *   |--ids[0]-------|       |--ids[1]-------|
 */
struct victim {
	pid_t pid;
	int pidfd;
	int fd;		/* the descriptor of the victim */
	char *vma[2];
	__u32 ids[2];
	__u32 refusals;	/* by the second range, from the start */
	int go[2];	/* a pipe, for a victim that does not begin at once */
};

/* What it writes when it is set up. */
struct hello {
	int fd;
	int errnum;
	__u32 ids[2];
};

static size_t vma_length(void)
{
	return VMA_PAGES * sysconf(_SC_PAGESIZE);
}

static void victim_set_up(struct victim *victim, int sock)
{
	struct hello hello = { .fd = mmun_open() };
	__u32 left;
	int i;

	for (i = 0; i < 2; i++)
		if (!mmun_map_filled(victim->vma[i], VMA_PAGES) ||
		    _mmun_insert(hello.fd, victim->vma[i], vma_length(),
				 &hello.ids[i]))
			hello.errnum = errno;
	if (_mmun_fail_nonblock(hello.fd, hello.ids[1], victim->refusals, &left))
		hello.errnum = errno;
	victim->fd = hello.fd;
	memcpy(victim->ids, hello.ids, sizeof(hello.ids));
	if (write(sock, &hello, sizeof(hello)) != sizeof(hello))
		_exit(1);
}

/* In the parent: get its descriptor. */
static int victim_adopt(struct victim *victim, int sock)
{
	struct hello hello;

	victim->pidfd = syscall(SYS_pidfd_open, victim->pid, 0);
	if (victim->pidfd < 0 ||
	    read(sock, &hello, sizeof(hello)) != sizeof(hello))
		return -1;
	memcpy(victim->ids, hello.ids, sizeof(hello.ids));
	victim->fd = syscall(SYS_pidfd_getfd, victim->pidfd, hello.fd, 0);
	errno = hello.errnum ?: errno;
	return victim->fd < 0 || hello.errnum ? -1 : 0;
}

/*
 * Fork a victim that sets itself up and then runs @body.  Returns 0 when it
 * has, and its descriptor is here.
 */
static int victim_start(struct victim *victim, char *arena,
			void (*body)(struct victim *victim))
{
	size_t page = sysconf(_SC_PAGESIZE);
	int pipefd[2], ret;

	if (pipe(pipefd))
		return -1;
	victim->vma[0] = arena + FIRST * page;
	victim->vma[1] = arena + SECOND * page;
	victim->pid = fork();
	if (!victim->pid) {
		victim_set_up(victim, pipefd[1]);
		body(victim);
		_exit(2);
	}
	close(pipefd[1]);
	ret = victim_adopt(victim, pipefd[0]);
	close(pipefd[0]);
	return ret;
}

static void park(struct victim *victim)
{
	struct mmun_info info;
	__u32 released;

	if (!_mmun_info(victim->fd, &info))
		_mmun_pin_mm(victim->fd, info.out_max_pin_ms, &released);
}

/* Returns its status as mmun_wait_child() does, or -1 if it did not end in time. */
static int victim_wait(struct victim *victim)
{
	struct pollfd pfd = { .fd = victim->pidfd, .events = POLLIN };

	if (poll(&pfd, 1, MMUN_PATIENCE_MS) != 1)
		return -1;
	return mmun_wait_child(victim->pid);
}

static int mrelease(int pidfd)
{
	return syscall(SYS_process_mrelease, pidfd, 0);
}

/* Whether a page of the process is there, as /proc/PID/pagemap tells. */
static int page_present(pid_t pid, char *at)
{
	size_t page = sysconf(_SC_PAGESIZE);
	__u64 entry = 0;
	char path[32];
	int fd, got;

	snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
	fd = open(path, O_RDONLY);
	got = pread(fd, &entry, sizeof(entry),
		    mmun_u64(at) / page * sizeof(entry));
	close(fd);
	return got == sizeof(entry) ? entry >> 63 : -1;
}

static int pages_present(struct victim *victim, int which)
{
	size_t page = sysconf(_SC_PAGESIZE);
	int i, present = 0;

	for (i = 0; i < VMA_PAGES; i++)
		present += page_present(victim->pid,
					victim->vma[which] + i * page);
	return present;
}

/*
 * Whether the record is one of the reaper: it must not wait, and it is told the
 * whole VMA.  The event is UNMAP, and CLEAR from 7.1 on, where the reaper no
 * longer claims that the VMA is going away.
 */
static bool is_reaping(const struct mmun_record *r, struct victim *victim,
		       int which, bool refused)
{
	__u64 start = mmun_u64(victim->vma[which]);
	__u64 end = start + vma_length();

	return r->type == MMUN_RECORD_INVALIDATE &&
	       r->id == victim->ids[which] &&
	       r->flags == (refused ? MMUN_RECORD_FAILED : 0) &&
	       (r->event == MMUN_EVENT_UNMAP ||
		r->event == MMUN_EVENT_CLEAR) &&
	       r->start == start && r->end == end &&
	       r->clip_start == start && r->clip_end == end;
}

/*
 * The next two records are those of one attempt to reap, one of each range.
 * Kernels differ in whether the VMAs are walked up or down.
 */
#define expect_attempt(victim, refused0, refused1)                       \
	do {                                                             \
		const bool __refused[] = { refused0, refused1 };         \
		struct mmun_record __r[2] = {};                          \
		int __i, __which;                                        \
		for (__i = 0; __i < 2; __i++) {                          \
			ASSERT_EQ(1, mmun_next_record(self->fd,          \
						      &__r[__i]));       \
			__which = __r[__i].id == (victim)->ids[1];       \
			EXPECT_EQ(true, is_reaping(&__r[__i], victim,    \
						   __which,              \
						   __refused[__which]))  \
			{                                                \
				mmun_print_record(&__r[__i]);            \
			}                                                \
		}                                                        \
		EXPECT_NE(__r[0].id, __r[1].id);                         \
	} while (0)

/* A victim that is parked; self->fd is its descriptor. */
FIXTURE(oom) {
	int fd;
	char *arena;
	struct victim victim;
};

FIXTURE_VARIANT(oom) {
	bool refuses[2];	/* what each range does at the first attempt */
};

FIXTURE_VARIANT_ADD(oom, accepted) { .refuses = { false, false } };

FIXTURE_VARIANT_ADD(oom, first_refuses) { .refuses = { true, false } };

FIXTURE_VARIANT_ADD(oom, second_refuses) { .refuses = { false, true } };

FIXTURE_VARIANT_ADD(oom, both_refuse) { .refuses = { true, true } };

#define park_a_victim()                                                  \
	do {                                                             \
		struct mmun_record __park = {};                          \
		self->arena = mmun_arena(PAGES);                         \
		ASSERT_NE(NULL, self->arena);                            \
		ASSERT_EQ(0, victim_start(&self->victim, self->arena, park)) \
		{                                                        \
			TH_LOG("no victim: %s", strerror(errno));        \
		}                                                        \
		self->fd = self->victim.fd;                              \
		ASSERT_EQ(1, mmun_wait_record(self->fd, MMUN_RECORD_PIN, \
					      &__park));                 \
	} while (0)

/* End what park_a_victim() began; the victim was killed or will be. */
#define unpark_the_victim()                                              \
	do {                                                             \
		__u32 __count;                                           \
		ASSERT_EQ(0, kill(self->victim.pid, SIGKILL));           \
		ASSERT_EQ(0, _mmun_unpin_mm(self->fd, 0, &__count));       \
		EXPECT_EQ(1, __count);                                   \
		EXPECT_EQ(128 + SIGKILL, victim_wait(&self->victim));    \
	} while (0)

#define kill_and_reap()                                                  \
	({                                                               \
		ASSERT_EQ(0, kill(self->victim.pid, SIGKILL));           \
		mrelease(self->victim.pidfd) ? errno : 0;        \
	})

FIXTURE_SETUP(oom)
{
	int i;

	park_a_victim();
	for (i = 0; i < 2; i++)
		mmun_fail_nonblock(self->victim.ids[i], variant->refuses[i]);
}

FIXTURE_TEARDOWN(oom)
{
	__u32 count;

	/* A test that failed leaves it parked. */
	_mmun_unpin_mm(self->fd, 0, &count);
	kill(self->victim.pid, SIGKILL);
	close(self->fd);
}

static int first_answer(const bool *refuses)
{
	return refuses[0] || refuses[1] ? EAGAIN : 0;
}

TEST_F(oom, process_mrelease_tells_each_range_its_vma_and_not_to_wait)
{
	EXPECT_EQ(first_answer(variant->refuses), kill_and_reap());
	expect_attempt(&self->victim, variant->refuses[0], variant->refuses[1]);
	mmun_expect_no_event();
	unpark_the_victim();
}

TEST_F(oom, process_mrelease_takes_the_memory_of_ranges_that_agree_only)
{
	struct victim *victim = &self->victim;
	int i;

	for (i = 0; i < 2; i++)
		EXPECT_EQ(VMA_PAGES, pages_present(victim, i));
	EXPECT_EQ(first_answer(variant->refuses), kill_and_reap());
	for (i = 0; i < 2; i++)
		EXPECT_EQ(variant->refuses[i] ? VMA_PAGES : 0,
			  pages_present(victim, i));
	unpark_the_victim();
}

TEST_F(oom, device_keeps_what_was_refused_and_loses_what_was_taken)
{
	struct victim *victim = &self->victim;
	char byte;
	int i;

	for (i = 0; i < 2; i++)
		mmun_snapshot(victim->ids[i], victim->vma[i], vma_length(),
			      MMUN_METHOD_GUP, MMUN_WRITE, NULL);
	EXPECT_EQ(first_answer(variant->refuses), kill_and_reap());
	for (i = 0; i < 2; i++) {
		if (!variant->refuses[i]) {
			mmun_err_access(EFAULT, victim->ids[i], victim->vma[i],
					1, 0);
			continue;
		}
		byte = 0;
		mmun_device_read(victim->ids[i], victim->vma[i], 1, &byte);
		EXPECT_EQ(1, byte);
		if (mmun_has_feature(self->fd, MMUN_FEATURE_HMM))
			EXPECT_EQ(VMA_PAGES, mmun_verify(victim->ids[i]));
	}
	unpark_the_victim();
}

TEST_F(oom, next_attempt_takes_what_the_first_was_refused)
{
	struct victim *victim = &self->victim;
	int i;

	EXPECT_EQ(first_answer(variant->refuses), kill_and_reap());
	mmun_drain_log(self->fd);
	EXPECT_EQ(0, mrelease(victim->pidfd));
	expect_attempt(victim, false, false);
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(variant->refuses[i],
			  mmun_query_range(victim->ids[i]).out_failed);
		EXPECT_EQ(2, mmun_query_range(victim->ids[i]).out_invalidations);
		EXPECT_EQ(0, pages_present(victim, i));
	}
	unpark_the_victim();
}

TEST_F(oom, batch_that_was_open_collides_whether_refused_or_not)
{
	struct mmun_token tokens[2];
	int i;

	for (i = 0; i < 2; i++)
		tokens[i] = mmun_read_begin(self->victim.ids[i]);
	EXPECT_EQ(first_answer(variant->refuses), kill_and_reap());
	for (i = 0; i < 2; i++)
		EXPECT_EQ(1, mmun_commit(tokens[i]));
	unpark_the_victim();
}

/* In a process of its own: were it not balanced it would wait for ever. */
static int begin_on_both(int fd, const __u32 *ids)
{
	struct mmun_token token;
	struct victim beginner;

	beginner.pid = fork();
	if (!beginner.pid)
		_exit(_mmun_read_begin(fd, ids[0], &token) ||
		      _mmun_abandon(fd, token) ||
		      _mmun_read_begin(fd, ids[1], &token) ||
		      _mmun_abandon(fd, token));
	beginner.pidfd = syscall(SYS_pidfd_open, beginner.pid, 0);
	return victim_wait(&beginner);
}

TEST_F(oom, leaves_the_mm_balanced_whether_refused_or_not)
{
	const __u32 *ids = self->victim.ids;

	EXPECT_EQ(first_answer(variant->refuses), kill_and_reap());
	ASSERT_EQ(0, begin_on_both(self->fd, ids))
	{
		TH_LOG("MMUN_READ_BEGIN does not return");
	}
	mmun_remove(ids[0]);
	unpark_the_victim();
	mmun_remove(ids[1]);
}

TEST_F(oom, release_follows_when_the_victim_can_die)
{
	struct victim *victim = &self->victim;

	EXPECT_EQ(first_answer(variant->refuses), kill_and_reap());
	mmun_drain_log(self->fd);
	unpark_the_victim();
	mmun_expect_event(victim->ids[0], MMUN_EVENT_RELEASE, victim->vma[0],
			  vma_length());
	mmun_expect_event(victim->ids[1], MMUN_EVENT_RELEASE, victim->vma[1],
			  vma_length());
	EXPECT_EQ(0, mmun_query_context().out_mm_users);
}

/* The same without variants. */
FIXTURE(oom_parked) {
	int fd;
	char *arena;
	struct victim victim;
};

FIXTURE_SETUP(oom_parked)
{
	park_a_victim();
}

FIXTURE_TEARDOWN(oom_parked)
{
	__u32 count;

	_mmun_unpin_mm(self->fd, 0, &count);
	kill(self->victim.pid, SIGKILL);
	close(self->fd);
}

TEST_F(oom_parked, process_mrelease_of_a_living_process_raises_nothing)
{
	EXPECT_ERRNO(EINVAL, mrelease(self->victim.pidfd));
	mmun_expect_no_event();
	EXPECT_EQ(VMA_PAGES, pages_present(&self->victim, 0));
	unpark_the_victim();
}

TEST_F(oom_parked, refusals_are_used_up_one_by_one)
{
	__u32 id = self->victim.ids[1];
	int i;

	EXPECT_EQ(0, mmun_fail_nonblock(id, 4));
	EXPECT_EQ(EAGAIN, kill_and_reap());
	for (i = 0; i < 2; i++)
		EXPECT_ERRNO(EAGAIN, mrelease(self->victim.pidfd));
	EXPECT_EQ(3, mmun_query_range(id).out_failed);
	EXPECT_EQ(1, mmun_fail_nonblock(id, 0));
	EXPECT_EQ(0, mrelease(self->victim.pidfd));
	EXPECT_EQ(3, mmun_query_range(id).out_failed);
	unpark_the_victim();
}

TEST_F(oom_parked, release_is_never_refused)
{
	__u32 id = self->victim.ids[0];

	EXPECT_EQ(0, mmun_fail_nonblock(id, 5));
	unpark_the_victim();
	mmun_expect_event(id, MMUN_EVENT_RELEASE, self->victim.vma[0],
			  vma_length());
	EXPECT_EQ(0, mmun_query_range(id).out_failed);
	EXPECT_EQ(5, mmun_fail_nonblock(id, 0));
}

/*
 * Three ranges in one VMA, of which the one in the middle refuses: the walk
 * ends there.
 *
 *   6   7   8   9
 *   |----ids[1]-----|
 *   |low|       |high|
 *           |mid|
 */
TEST_F(oom_parked, ranges_behind_the_refusing_one_are_not_called)
{
	size_t page = sysconf(_SC_PAGESIZE);
	char *vma = self->victim.vma[1];
	__u32 mid, high;

	mid = mmun_insert(vma + 2 * page, page);
	high = mmun_insert(vma + 3 * page, page);
	mmun_fail_nonblock(mid, 1);
	EXPECT_EQ(EAGAIN, kill_and_reap());
	EXPECT_EQ(1, mmun_query_range(self->victim.ids[1]).out_invalidations);
	EXPECT_EQ(1, mmun_query_range(mid).out_invalidations);
	EXPECT_EQ(0, mmun_query_range(high).out_invalidations);
	EXPECT_EQ(VMA_PAGES, pages_present(&self->victim, 1));
	EXPECT_EQ(0, mrelease(self->victim.pidfd));
	EXPECT_EQ(1, mmun_query_range(high).out_invalidations);
	unpark_the_victim();
}

TEST_F(oom_parked, memory_that_was_reaped_cannot_be_collected_again)
{
	__u32 id = self->victim.ids[0];
	char *vma = self->victim.vma[0];

	mmun_need_feature(MMUN_FEATURE_HMM);
	EXPECT_EQ(0, kill_and_reap());
	/* It must not trust page tables that the reaper has been through. */
	if (mmun_is_unlocked(self->fd, MMUN_METHOD_HMM_NOFAULT))
		mmun_err_snapshot(EFAULT, id, vma, vma_length(),
				  MMUN_METHOD_HMM_NOFAULT, 0);
	EXPECT_EQ(0, mmun_snapshot(id, vma, vma_length(),
				   MMUN_METHOD_HMM_NOFAULT, MMUN_OWN_LOOP,
				   NULL));
	mmun_err_snapshot(EFAULT, id, vma, vma_length(), MMUN_METHOD_HMM_FAULT, 0);
	mmun_err_snapshot(EFAULT, id, vma, vma_length(), MMUN_METHOD_GUP, 0);
	unpark_the_victim();
}

/*
 * A memory cgroup of one's own.  Its janitor, in a session of its own, takes it
 * away when the pipe to it closes, so that it goes too when the test is killed.
 */
struct cgroup {
	char path[64];
	pid_t janitor;
	int pipefd;
};

/* Returns 0, or -1 with errno. */
static int cgroup_write(const char *dir, const char *file, const char *text)
{
	char path[128];
	ssize_t done;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	done = write(fd, text, strlen(text));
	close(fd);
	return done == strlen(text) ? 0 : -1;
}

/* The number that follows @key in a file, or that is the file if it is "". */
static long cgroup_read(const char *dir, const char *file, const char *key)
{
	char path[128], text[1024] = {}, *at;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		return -1;
	close(fd);
	at = strstr(text, key);
	return at ? atol(at + strlen(key)) : -1;
}

static bool cgroup_has_memory(const char *file)
{
	char path[128], text[1024] = {};
	int fd;

	snprintf(path, sizeof(path), CGROUP "/%s", file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && read(fd, text, sizeof(text) - 1) < 0)
		text[0] = 0;
	close(fd);
	return strstr(text, "memory");
}

/* Exits with 0 when everything is as it was before. */
static void janitor_main(struct cgroup *cgroup, int pipefd, bool enabled)
{
	int tries;
	char byte;

	setsid();
	if (read(pipefd, &byte, 1) < 0)
		_exit(2);
	cgroup_write(cgroup->path, "cgroup.kill", "1");
	for (tries = 0; rmdir(cgroup->path) && tries < 1000; tries++)
		poll(NULL, 0, 10);
	if (enabled)
		cgroup_write(CGROUP, "cgroup.subtree_control", "-memory");
	_exit(!access(cgroup->path, F_OK));
}

static int cgroup_start_janitor(struct cgroup *cgroup, bool enabled)
{
	int pipefd[2];

	if (pipe2(pipefd, O_CLOEXEC))
		return -1;
	cgroup->pipefd = pipefd[1];
	cgroup->janitor = fork();
	if (!cgroup->janitor) {
		close(pipefd[1]);
		janitor_main(cgroup, pipefd[0], enabled);
	}
	close(pipefd[0]);
	return cgroup->janitor < 0 ? -1 : 0;
}

/* Returns 0, or -1 with errno. */
static int cgroup_create(struct cgroup *cgroup)
{
	bool enable = !cgroup_has_memory("cgroup.subtree_control");
	char limit[32];

	if (enable &&
	    cgroup_write(CGROUP, "cgroup.subtree_control", "+memory"))
		return -1;
	snprintf(cgroup->path, sizeof(cgroup->path), CGROUP "/mmun-%d",
		 getpid());
	snprintf(limit, sizeof(limit), "%lu", LIMIT);
	if (mkdir(cgroup->path, 0755) ||
	    cgroup_start_janitor(cgroup, enable) ||
	    cgroup_write(cgroup->path, "memory.max", limit))
		return -1;
	/* Kernels without swap have no such file. */
	cgroup_write(cgroup->path, "memory.swap.max", "0");
	return 0;
}

/* Returns whether it could be removed. */
static bool cgroup_remove(struct cgroup *cgroup)
{
	close(cgroup->pipefd);
	return !mmun_wait_child(cgroup->janitor);
}

/* Whether memory.current falls below GONE in time. */
static bool cgroup_memory_is_back(struct cgroup *cgroup)
{
	int tries;

	for (tries = 0; tries < MMUN_PATIENCE_MS / 10; tries++) {
		if (cgroup_read(cgroup->path, "memory.current", "") < GONE)
			return true;
		poll(NULL, 0, 10);
	}
	return false;
}

/* The cgroup's count may go down before the last of them. */
static bool pages_are_gone(struct victim *victim)
{
	int tries;

	for (tries = 0; tries < MMUN_PATIENCE_MS / 10; tries++) {
		if (!pages_present(victim, 0) && !pages_present(victim, 1))
			return true;
		poll(NULL, 0, 10);
	}
	return false;
}

/* A victim in a cgroup that has not enough memory for it. */
FIXTURE(oom_kill) {
	int fd;
	bool able;
	char *arena;
	struct cgroup cgroup;
	struct victim victim;
};

static struct victim *the_victim;
static struct cgroup *the_cgroup;

/* Touch memory until it kills; some threads read, one parks. */
static void hog(void)
{
	char *map = mmap(NULL, HOG_BYTES, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	size_t i, page = sysconf(_SC_PAGESIZE);

	madvise(map, HOG_BYTES, MADV_NOHUGEPAGE);
	for (i = 0; map != MAP_FAILED && i < HOG_BYTES; i += page)
		__atomic_store_n(map + i, 1, __ATOMIC_RELAXED);
}

static void *reader(void *arg)
{
	struct mmun_snapshot snap = {
		.id = the_victim->ids[!!arg],
		.start = mmun_u64(the_victim->vma[!!arg]),
		.length = vma_length(),
		.method = MMUN_METHOD_GUP,
		.flags = MMUN_WRITE,
		.max_retries = MMUN_RETRIES,
	};

	for (;;)
		_mmun_snapshot(the_victim->fd, &snap);
	return NULL;
}

static void enter_cgroup(void)
{
	if (cgroup_write("/proc/self", "oom_score_adj", "0") ||
	    cgroup_write(the_cgroup->path, "cgroup.procs", "0"))
		_exit(3);
}

static void hog_beside_readers(struct victim *victim)
{
	pthread_t threads[2];

	the_victim = victim;
	enter_cgroup();
	if (pthread_create(&threads[0], NULL, reader, NULL) ||
	    pthread_create(&threads[1], NULL, reader, victim))
		_exit(4);
	hog();
}

static void *hog_when_told(void *arg)
{
	struct victim *victim = arg;
	char go;

	if (read(victim->go[0], &go, 1) == 1)
		hog();
	_exit(4);
}

static void hog_and_park(struct victim *victim)
{
	pthread_t thread;

	enter_cgroup();
	if (!pthread_create(&thread, NULL, hog_when_told, victim))
		park(victim);
	_exit(5);
}

FIXTURE_SETUP(oom_kill)
{
	self->fd = -1;
	self->arena = mmun_arena(PAGES);
	ASSERT_NE(NULL, self->arena);
	the_cgroup = &self->cgroup;
	self->able = cgroup_has_memory("cgroup.controllers");
	if (self->able)
		ASSERT_EQ(0, cgroup_create(&self->cgroup))
		{
			TH_LOG("no cgroup: %s", strerror(errno));
		}
}

FIXTURE_TEARDOWN(oom_kill)
{
	__u32 count;

	if (self->fd >= 0)
		_mmun_unpin_mm(self->fd, 0, &count);
	close(self->fd);
}

/*
 * The victim's threads are in the middle of snapshots when it is killed, and
 * the pages that they fault in are charged to it, too.
 */
TEST_F(oom_kill, ends_a_process_with_ranges_and_readers_and_gives_its_memory_back)
{
	struct victim *victim = &self->victim;
	struct mmun_record r;
	int i;

	if (!self->able)
		SKIP(return, NO_MEMORY_CONTROLLER);
	ASSERT_EQ(0, victim_start(victim, self->arena, hog_beside_readers));
	self->fd = victim->fd;
	ASSERT_EQ(128 + SIGKILL, victim_wait(victim));
	EXPECT_EQ(1, cgroup_read(self->cgroup.path, "memory.events",
				 "oom_kill "));
	for (i = 0; i < 2; i++) {
		do {
			ASSERT_EQ(1, mmun_next_record(self->fd, &r));
		} while (r.event != MMUN_EVENT_RELEASE);
		EXPECT_EQ(victim->ids[i], r.id);
		EXPECT_LT(0, mmun_query_range(victim->ids[i]).out_commits);
		mmun_err_access(EFAULT, victim->ids[i], victim->vma[i], 1, 0);
	}
	EXPECT_EQ(0, mmun_query_context().out_mm_users);
	EXPECT_EQ(true, cgroup_memory_is_back(&self->cgroup));
	EXPECT_EQ(true, cgroup_remove(&self->cgroup));
}

/*
 * The victim cannot exit because of the thread that is parked, so it is the
 * reaper that has to get the memory, and its second range makes it try thrice.
 */
TEST_F(oom_kill, reaper_tries_again_after_a_refusal_and_gets_the_memory)
{
	struct victim *victim = &self->victim;
	struct mmun_record r;
	__u32 count;
	int tried = 0, which;

	if (!self->able)
		SKIP(return, NO_MEMORY_CONTROLLER);
	victim->refusals = REFUSALS;
	ASSERT_EQ(0, pipe(victim->go));
	ASSERT_EQ(0, victim_start(victim, self->arena, hog_and_park));
	self->fd = victim->fd;
	ASSERT_EQ(1, mmun_wait_record(self->fd, MMUN_RECORD_PIN, &r));
	ASSERT_EQ(1, write(victim->go[1], "", 1));
	while (tried <= REFUSALS) {
		ASSERT_EQ(1, mmun_wait_record(self->fd, MMUN_RECORD_INVALIDATE,
					      &r));
		which = r.id == victim->ids[1];
		EXPECT_EQ(true, is_reaping(&r, victim, which,
					   which && tried < REFUSALS))
		{
			mmun_print_record(&r);
		}
		tried += which;
	}
	EXPECT_LT(0, mmun_query_context().out_mm_users);
	EXPECT_EQ(true, cgroup_memory_is_back(&self->cgroup));
	EXPECT_EQ(true, pages_are_gone(victim));
	ASSERT_EQ(0, _mmun_unpin_mm(self->fd, 0, &count));
	EXPECT_EQ(128 + SIGKILL, victim_wait(victim));
	EXPECT_EQ(REFUSALS, mmun_query_range(victim->ids[1]).out_failed);
	EXPECT_EQ(true, cgroup_remove(&self->cgroup));
}

MMUN_HARNESS_MAIN
