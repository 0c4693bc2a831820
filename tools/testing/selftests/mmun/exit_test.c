// SPDX-License-Identifier: GPL-2.0
/*
 * The end of an mm: RELEASE, and the three lifetimes that are independent of
 * each other: the descriptor may outlive the mm, the mm may outlive the
 * descriptor, and the ranges go with the descriptor whenever that is.
 */
#include "lib/mmun.h"

#include <limits.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define PAGES		8
#define INNER_PAGES	3	/* of the second range */
#define CONTEXTS	60
#define CONTEXT_RANGES	3
#define EXEC_FD		"MMUN_EXIT_TEST_FD"
#define EXEC_OK		42

/* What the victim tells when it is set up, with its descriptor. */
struct hello {
	__u32 ids[2];
	int errnum;
};

struct victim {
	pid_t pid;
	int sock;
	int fd;
	char *map;
	__u32 ids[2];
};

/* One message with one descriptor, over a connected socket. */
union fd_control {
	struct cmsghdr align;
	char buf[CMSG_SPACE(sizeof(int))];
};

static int send_fd(int sock, int fd, void *data, size_t size)
{
	union fd_control control = {};
	struct iovec iov = { data, size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg;

	if (fd >= 0) {
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	}
	return sendmsg(sock, &msg, 0) == size ? 0 : -1;
}

/* Returns the descriptor, or -1. */
static int recv_fd(int sock, void *data, size_t size)
{
	union fd_control control = {};
	struct iovec iov = { data, size };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg;
	int fd = -1;

	if (recvmsg(sock, &msg, MSG_CMSG_CLOEXEC) != size)
		return -1;
	cmsg = CMSG_FIRSTHDR(&msg);
	if (cmsg && cmsg->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(cmsg), sizeof(fd));
	return fd;
}

/*
 * The new program that a victim becomes: the descriptor that came along is
 * bound to an mm that is gone.
 */
static int exec_main(int fd)
{
	struct mmun_query_context state;
	char *map = mmun_map_filled(mmun_arena(1), 1);
	__u32 id;

	if (_mmun_query_context(fd, &state) || state.out_mm_users)
		return 1;
	if (!_mmun_insert(fd, map, 1, &id) || errno != ESRCH)
		return 2;
	return EXEC_OK;
}

static void exec_myself(int fd)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", fd);
	setenv(EXEC_FD, number, 1);
	fcntl(fd, F_SETFD, 0);
	execl("/proc/self/exe", "mmun", NULL);
	_exit(127);
}

/*
 * Die with a core dump, if the kernel has them, that leaves no file behind: the
 * current directory is a tmpfs that only this process sees.
 */
static void dump_core(void)
{
	struct rlimit limit = {};

	if (!unshare(CLONE_NEWNS) &&
	    !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
	    !mount("none", "/proc", "tmpfs", 0, NULL) && !chdir("/proc"))
		limit = (struct rlimit){ RLIM_INFINITY, RLIM_INFINITY };
	setrlimit(RLIMIT_CORE, &limit);
	abort();
}

/* Snapshots without end, each of which has to fault the pages in. */
static void snapshot_for_ever(struct victim *victim)
{
	struct mmun_snapshot snap = {
		.id = victim->ids[0],
		.start = mmun_u64(victim->map),
		.length = PAGES * sysconf(_SC_PAGESIZE),
		.method = MMUN_METHOD_HMM_FAULT,
		.flags = MMUN_WRITE,
		.max_retries = MMUN_RETRIES,
	};

	while (!_mmun_snapshot(victim->fd, &snap))
		madvise(victim->map, snap.length, MADV_DONTNEED);
	_exit(errno);
}

/* Nothing will come: only a signal can end it. */
static void read_for_ever(struct victim *victim)
{
	struct mmun_record r;

	mmun_drain_log(victim->fd);
	if (send(victim->sock, "r", 1, 0) == 1 &&
	    read(victim->fd, &r, sizeof(r)) < 0)
		_exit(errno);
	_exit(1);
}

static void *exit_the_group(void *arg)
{
	syscall(SYS_exit_group, 0);
	return arg;
}

static void exit_in_a_thread(void)
{
	pthread_t thread;

	if (!pthread_create(&thread, NULL, exit_the_group, NULL))
		pthread_join(thread, NULL);
}

/* One letter is one way to spend the last moments. */
static void victim_die(struct victim *victim, char how)
{
	switch (how) {
	case 'x':
		_exit(0);
	case 't':
		exit_in_a_thread();
		break;
	case 'a':
		dump_core();
		break;
	case 'e':
		exec_myself(victim->fd);
		break;
	case 'r':
		read_for_ever(victim);
		break;
	case 's':
		snapshot_for_ever(victim);
		break;
	case 'c':	/* without the descriptor, until it is killed */
		close(victim->fd);
		if (send(victim->sock, &how, 1, 0) == 1)
			pause();
	}
	_exit(126);
}

static void victim_main(int sock, char *map)
{
	struct victim victim = { .sock = sock, .fd = mmun_open(), .map = map };
	size_t page = sysconf(_SC_PAGESIZE);
	struct hello hello = {};
	char how;

	if (victim.fd < 0 || !mmun_map_filled(map, PAGES) ||
	    _mmun_insert(victim.fd, map, PAGES * page, &victim.ids[0]) ||
	    _mmun_insert(victim.fd, map + page, INNER_PAGES * page,
			 &victim.ids[1]))
		hello.errnum = errno;
	memcpy(hello.ids, victim.ids, sizeof(hello.ids));
	if (send_fd(sock, victim.fd, &hello, sizeof(hello)) ||
	    recv(sock, &how, 1, 0) != 1)
		_exit(125);
	victim_die(&victim, how);
}

/* Returns 0 when there is a victim with two ranges and its descriptor here. */
static int victim_start(struct victim *victim, char *map)
{
	struct hello hello = {};
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair))
		return -1;
	*victim = (struct victim){ .sock = pair[0], .map = map };
	victim->pid = fork();
	if (!victim->pid) {
		close(pair[0]);
		victim_main(pair[1], map);
	}
	close(pair[1]);
	victim->fd = recv_fd(pair[0], &hello, sizeof(hello));
	memcpy(victim->ids, hello.ids, sizeof(hello.ids));
	errno = hello.errnum;
	return victim->fd < 0 || hello.errnum ? -1 : 0;
}

/* Tell it how to die; 'k': by SIGKILL, and the victim does nothing for it. */
static int victim_kill(struct victim *victim, char how)
{
	if (how == 'k')
		return kill(victim->pid, SIGKILL);
	return send(victim->sock, &how, 1, 0) == 1 ? 0 : -1;
}

static int victim_end(struct victim *victim, char how)
{
	return victim_kill(victim, how) ?: mmun_wait_child(victim->pid);
}

/* Waits for a byte of the victim. */
static int victim_says(struct victim *victim, char what)
{
	struct pollfd pfd = { .fd = victim->sock, .events = POLLIN };
	char said = 0;

	return poll(&pfd, 1, MMUN_PATIENCE_MS) == 1 &&
	       recv(victim->sock, &said, 1, 0) == 1 && said == what;
}

/* The state of a process as /proc/PID/stat has it, after its name. */
static char process_state(pid_t pid)
{
	char path[32], text[256] = {}, *at;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		text[0] = 0;
	close(fd);
	at = strrchr(text, ')');
	return at ? at[2] : 0;
}

/* Returns whether it is asleep, after at most a great many looks. */
static bool process_sleeps(pid_t pid)
{
	unsigned long looks;

	for (looks = 0; looks < 1000000; looks++) {
		if (process_state(pid) == 'S')
			return true;
		sched_yield();
	}
	return false;
}

/*
 * A CPU that ran the dead process may go on using its mm until it runs another
 * one: visit them all, that only real references are left.
 */
static void drop_lazy_references(void)
{
	cpu_set_t all, one;
	int cpu;

	if (sched_getaffinity(0, sizeof(all), &all))
		return;
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		sched_setaffinity(0, sizeof(one), &one);
	}
	sched_setaffinity(0, sizeof(all), &all);
}

/*
 * A child with two ranges, one inside the other, whose descriptor is self->fd.
 *
 *   0   1   2   3   4   5   6   7
 *   |---------ids[0]------------|
 *       |--ids[1]-|
 */
FIXTURE(exit) {
	int fd;
	size_t page;
	char *map;
	struct victim victim;
};

FIXTURE_VARIANT(exit) {
	char how;
	int status;
};

FIXTURE_VARIANT_ADD(exit, exit) { .how = 'x', .status = 0 };

FIXTURE_VARIANT_ADD(exit, exit_of_a_thread) { .how = 't', .status = 0 };

FIXTURE_VARIANT_ADD(exit, sigkill) { .how = 'k', .status = 128 + SIGKILL };

/* Where the kernel has no core dumps this is death by a signal. */
FIXTURE_VARIANT_ADD(exit, core_dump) { .how = 'a', .status = 128 + SIGABRT };

FIXTURE_VARIANT_ADD(exit, exec) { .how = 'e', .status = EXEC_OK };

FIXTURE_SETUP(exit)
{
	self->page = sysconf(_SC_PAGESIZE);
	self->map = mmun_arena(PAGES);
	ASSERT_NE(NULL, self->map);
	ASSERT_EQ(0, victim_start(&self->victim, self->map));
	self->fd = self->victim.fd;
}

FIXTURE_TEARDOWN(exit)
{
	close(self->fd);
}

static bool is_end_of_mm(const struct mmun_record *r, __u32 event, __u32 id)
{
	return r->type == MMUN_RECORD_INVALIDATE && r->id == id &&
	       r->event == event && r->flags == MMUN_RECORD_BLOCKABLE &&
	       r->start == 0 && r->end == ULONG_MAX;
}

/*
 * RELEASE tells everybody that the mm goes, while all is still mapped; then the
 * unmapping itself is told, for the whole address space once more.
 */
TEST_F(exit, raises_release_once_for_each_range_and_then_unmap)
{
	static const __u32 events[] = {
		MMUN_EVENT_RELEASE, MMUN_EVENT_UNMAP,
	};
	struct mmun_record r = {};
	int i;

	ASSERT_EQ(variant->status, victim_end(&self->victim, variant->how));
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(1, mmun_next_record(self->fd, &r));
		EXPECT_EQ(true, is_end_of_mm(&r, events[i / 2],
					     self->victim.ids[i % 2]))
		{
			mmun_print_record(&r);
		}
	}
	mmun_expect_no_event();
}

TEST_F(exit, release_is_clipped_to_each_range)
{
	char *inner = self->map + self->page;
	__u32 *ids = self->victim.ids;

	ASSERT_EQ(variant->status, victim_end(&self->victim, variant->how));
	mmun_expect_event(ids[0], MMUN_EVENT_RELEASE, self->map,
			  PAGES * self->page);
	mmun_expect_event(ids[1], MMUN_EVENT_RELEASE, inner,
			  INNER_PAGES * self->page);
}

TEST_F(exit, calls_that_need_the_mm_say_so)
{
	struct mmun_token token;
	struct mmun_verify verify;
	size_t length = PAGES * self->page;
	struct mmun_span bulk = {
		.start = mmun_u64(self->map),
		.length = self->page,
	};
	__u32 id = self->victim.ids[0];
	__u64 done;

	mmun_need_feature(MMUN_FEATURE_HMM);
	token = mmun_read_begin(id);
	ASSERT_EQ(variant->status, victim_end(&self->victim, variant->how));
	mmun_err_insert(ESRCH, self->map, self->page);
	EXPECT_ERRNO(ESRCH, _mmun_insert_bulk(self->fd, &bulk, 1, &done));
	mmun_err_collect(ESRCH, token, self->map, length, MMUN_METHOD_GUP, 0);
	mmun_err_collect(ESRCH, token, self->map, length, MMUN_METHOD_HMM_NOFAULT, 0);
	mmun_err_snapshot(ESRCH, id, self->map, length, MMUN_METHOD_HMM_FAULT, 0);
	EXPECT_ERRNO(ESRCH, _mmun_verify(self->fd, id, &verify));
	mmun_err_snapshot(ESRCH, id, self->map, length, MMUN_METHOD_GUP, 0);
	EXPECT_EQ(2, mmun_query_context().out_ranges);
}

TEST_F(exit, calls_that_need_no_mm_still_work)
{
	__u32 *ids = self->victim.ids;
	struct mmun_query_context state;

	ASSERT_EQ(variant->status, victim_end(&self->victim, variant->how));
	EXPECT_EQ(MMUN_ABI_VERSION, mmun_info().out_abi);
	EXPECT_EQ(2, mmun_query_range(ids[0]).out_invalidations);
	EXPECT_EQ(0, mmun_fail_nonblock(ids[0], 1));
	EXPECT_EQ(4, mmun_log_setup(0, 0));
	mmun_abandon(mmun_read_begin(ids[1]));
	mmun_remove(ids[0]);
	mmun_err_remove(ENOENT, ids[0]);
	state = mmun_query_context();
	EXPECT_EQ(1, state.out_ranges);
	EXPECT_EQ(0, state.out_batches);
	EXPECT_EQ(0, state.out_mm_users);
}

TEST_F(exit, empties_the_shadow)
{
	__u32 id = self->victim.ids[0];
	char byte = 0;

	mmun_need_feature(MMUN_FEATURE_HMM);
	EXPECT_EQ(PAGES, mmun_snapshot(id, self->map, PAGES * self->page,
				       MMUN_METHOD_HMM_FAULT, MMUN_WRITE, NULL));
	mmun_device_read(id, self->map, 1, &byte);
	EXPECT_EQ(1, byte);
	ASSERT_EQ(variant->status, victim_end(&self->victim, variant->how));
	mmun_err_access(EFAULT, id, self->map, 1, 0);
	mmun_err_access(EFAULT, id, self->map, 1, MMUN_WRITE);
}

TEST_F(exit, collides_a_batch_that_is_open)
{
	struct mmun_token token;

	mmun_need_feature(MMUN_FEATURE_HMM);
	token = mmun_read_begin(self->victim.ids[1]);
	EXPECT_EQ(1, mmun_collect(token, self->map + self->page, self->page,
				  MMUN_METHOD_HMM_FAULT, 0));
	EXPECT_EQ(0, mmun_check_retry(self->victim.ids[1], token.seq));
	ASSERT_EQ(variant->status, victim_end(&self->victim, variant->how));
	EXPECT_EQ(1, mmun_check_retry(self->victim.ids[1], token.seq));
	EXPECT_EQ(1, mmun_commit(token));
	EXPECT_EQ(0, mmun_query_context().out_batches);
}

TEST_F(exit, leaves_one_reference_to_the_mm_for_each_range_and_the_context)
{
	ASSERT_EQ(variant->status, victim_end(&self->victim, variant->how));
	drop_lazy_references();
	EXPECT_EQ(3, mmun_query_context().out_mm_count);
	mmun_remove(self->victim.ids[1]);
	EXPECT_EQ(2, mmun_query_context().out_mm_count);
	mmun_remove(self->victim.ids[0]);
	EXPECT_EQ(1, mmun_query_context().out_mm_count);
}

/* SIGKILL finds the victim in the middle of a call. */
FIXTURE(exit_in_call) {
	int fd;
	char *map;
	struct victim victim;
};

FIXTURE_SETUP(exit_in_call)
{
	self->map = mmun_arena(PAGES);
	ASSERT_NE(NULL, self->map);
	ASSERT_EQ(0, victim_start(&self->victim, self->map));
	self->fd = self->victim.fd;
}

FIXTURE_TEARDOWN(exit_in_call)
{
	close(self->fd);
}

TEST_F(exit_in_call, sigkill_ends_a_read_that_waits)
{
	ASSERT_EQ(0, victim_kill(&self->victim, 'r'));
	ASSERT_EQ(1, victim_says(&self->victim, 'r'));
	ASSERT_EQ(true, process_sleeps(self->victim.pid));
	EXPECT_EQ(128 + SIGKILL, victim_end(&self->victim, 'k'));
	mmun_drain_log(self->fd);
	EXPECT_EQ(0, mmun_query_context().out_mm_users);
}

TEST_F(exit_in_call, sigkill_ends_snapshots_and_leaves_no_batch)
{
	struct mmun_record r;
	int i;

	mmun_need_feature(MMUN_FEATURE_HMM);
	mmun_log_setup(MMUN_LOG_DEFAULT, 1U << MMUN_RECORD_COMMIT);
	ASSERT_EQ(0, victim_kill(&self->victim, 's'));
	for (i = 0; i < 10; i++)
		ASSERT_EQ(1, mmun_wait_record(self->fd, MMUN_RECORD_COMMIT,
					      &r));
	mmun_log_setup(MMUN_LOG_DEFAULT, MMUN_LOG_TYPES_DEFAULT);
	EXPECT_EQ(128 + SIGKILL, victim_end(&self->victim, 'k'));
	do {
		ASSERT_EQ(1, mmun_wait_record(self->fd, MMUN_RECORD_INVALIDATE,
					      &r));
	} while (r.event == MMUN_EVENT_CLEAR);
	EXPECT_EQ(MMUN_EVENT_RELEASE, r.event);
	EXPECT_EQ(0, mmun_query_context().out_batches);
	EXPECT_EQ(0, mmun_query_context().out_mm_users);
}

/*
 * What is taken away, in which order: 'm' the mm, 'r' the ranges, 'f' the last
 * descriptor.
 */
FIXTURE(exit_order) {
	int fd;
	char *map;
};

FIXTURE_VARIANT(exit_order) {
	const char *steps;
	bool victim_keeps_fd;
};

FIXTURE_VARIANT_ADD(exit_order, mm_ranges_fd) { .steps = "mrf" };

FIXTURE_VARIANT_ADD(exit_order, mm_fd) { .steps = "mf" };

FIXTURE_VARIANT_ADD(exit_order, ranges_mm_fd) { .steps = "rmf" };

FIXTURE_VARIANT_ADD(exit_order, ranges_fd_mm) { .steps = "rfm" };

FIXTURE_VARIANT_ADD(exit_order, fd_mm) { .steps = "fm" };

/* A process drops its mm first and closes its files later. */
FIXTURE_VARIANT_ADD(exit_order, all_by_the_exit) {
	.steps = "fm",
	.victim_keeps_fd = true,
};

FIXTURE_SETUP(exit_order)
{
	self->map = mmun_arena(PAGES);
	ASSERT_NE(NULL, self->map);
	self->fd = mmun_open();
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(exit_order)
{
	close(self->fd);
}

static int take_away(struct victim *victim, char step)
{
	switch (step) {
	case 'm':
		return victim_end(victim, 'k') == 128 + SIGKILL ? 0 : -1;
	case 'r':
		return _mmun_remove(victim->fd, victim->ids[0]) ?:
		       _mmun_remove(victim->fd, victim->ids[1]);
	case 'f':
		return close(victim->fd);
	}
	return -1;
}

TEST_F(exit_order, leaves_no_object)
{
	__u64 before = mmun_query_context().out_objects;
	struct victim victim;
	const char *step;

	ASSERT_EQ(0, victim_start(&victim, self->map));
	if (!variant->victim_keeps_fd) {
		ASSERT_EQ(0, victim_kill(&victim, 'c'));
		ASSERT_EQ(1, victim_says(&victim, 'c'));
	}
	EXPECT_LT(before, mmun_query_context().out_objects);
	for (step = variant->steps; *step; step++)
		ASSERT_EQ(0, take_away(&victim, *step));
	EXPECT_EQ(before, mmun_query_context().out_objects);
}

/* The mm goes on when the descriptor is closed with live ranges. */
FIXTURE(exit_close) {
	int fd;
	size_t page;
	char *map;
};

FIXTURE_SETUP(exit_close)
{
	self->page = sysconf(_SC_PAGESIZE);
	self->map = mmun_map_filled(mmun_arena(PAGES), PAGES);
	ASSERT_NE(NULL, self->map);
	self->fd = mmun_open();
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(exit_close)
{
	close(self->fd);
}

TEST_F(exit_close, memory_of_live_ranges_stays_usable)
{
	struct mmun_snapshot snap = {
		.start = mmun_u64(self->map),
		.length = PAGES * self->page,
		.method = MMUN_METHOD_GUP,
		.flags = MMUN_WRITE,
		.max_retries = MMUN_RETRIES,
	};
	__u32 id = mmun_insert(self->map, PAGES * self->page);
	int i, fd = mmun_open();

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, _mmun_insert(fd, self->map, PAGES * self->page, &snap.id));
	ASSERT_EQ(0, _mmun_snapshot(fd, &snap));
	EXPECT_EQ(PAGES, snap.out_valid);
	ASSERT_EQ(0, close(fd));
	for (i = 0; i < PAGES; i++)
		EXPECT_EQ(i + 1, self->map[(i + 1) * self->page - 1]);
	memset(self->map, 0, PAGES * self->page);
	mmun_expect_no_event();
	ASSERT_EQ(0, munmap(self->map, PAGES * self->page));
	mmun_expect_event(id, MMUN_EVENT_UNMAP, self->map, PAGES * self->page);
}

/* A descriptor with ranges, a shadow and an open batch, or -1. */
static int open_laden(char *map, size_t length)
{
	struct mmun_snapshot snap = {
		.start = mmun_u64(map),
		.length = length,
		.method = MMUN_METHOD_GUP,
		.max_retries = MMUN_RETRIES,
	};
	struct mmun_token token;
	int i, fd = mmun_open();
	__u32 valid;

	for (i = 0; i < CONTEXT_RANGES; i++)
		if (_mmun_insert(fd, map, length, &snap.id))
			return -1;
	if (_mmun_snapshot(fd, &snap) ||
	    _mmun_read_begin(fd, snap.id, &token) ||
	    _mmun_collect(fd, token, map, length, MMUN_METHOD_GUP, 0, &valid))
		return -1;
	return fd;
}

/* So many that the few lazy users of the mm do not matter. */
TEST_F(exit_close, gives_back_all_memory_and_references_to_the_mm)
{
	struct mmun_query_context before = mmun_query_context(), with, after;
	int i, fds[CONTEXTS];

	for (i = 0; i < CONTEXTS; i++) {
		fds[i] = open_laden(self->map, PAGES * self->page);
		ASSERT_LE(0, fds[i]);
	}
	with = mmun_query_context();
	EXPECT_LE(before.out_mm_count + CONTEXTS * CONTEXT_RANGES,
		  with.out_mm_count);
	EXPECT_LT(before.out_objects, with.out_objects);
	for (i = 0; i < CONTEXTS; i++)
		ASSERT_EQ(0, close(fds[i]));
	after = mmun_query_context();
	EXPECT_GE(before.out_mm_count + CONTEXTS / 2, after.out_mm_count);
	EXPECT_EQ(before.out_objects, after.out_objects);
	EXPECT_EQ(before.out_mm_users, after.out_mm_users);
}

/* As MMUN_HARNESS_MAIN, but for what exec_myself() starts. */
int main(int argc, char **argv)
{
	const char *fd = getenv(EXEC_FD);

	return fd ? exec_main(atoi(fd)) : mmun_main(argc, argv);
}
