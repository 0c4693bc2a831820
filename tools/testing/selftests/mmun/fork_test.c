// SPDX-License-Identifier: GPL-2.0
/*
 * fork(): the parent's pages are write-protected and its ranges are told, the
 * child has no subscription, and no write through a shadow reaches the child.
 */
#include "lib/mmun.h"

#include <sys/socket.h>

#define PAGES	8
#define FIRST	0x11	/* what the pages hold when the test begins */
#define CHILD	0xc1
#define PARENT	0xa1
#define DEVICE	0xd1

#define CHILD_STACK	16384

/* The compiler may neither leave them out nor move them. */
static char byte_at(const char *at)
{
	return __atomic_load_n(at, __ATOMIC_SEQ_CST);
}

static void set_byte(char *at, char value)
{
	__atomic_store_n(at, value, __ATOMIC_SEQ_CST);
}

/* Pages that wait in the list of another CPU look shared: stay on one. */
static int stay_on_one_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	return sched_setaffinity(0, sizeof(set), &set);
}

/*
 * A child that does what it is told: it gets an operation and answers one
 * number, which for most of them is errno.
 */
struct kid {
	pid_t pid;
	int sock;
	char *map;
	int fd;
};

struct request {
	char op;
	char value;
	int pages;
};

static int snapshot_pages(int fd, __u32 id, char *map, __u32 method,
			  __u32 flags, int pages)
{
	struct mmun_snapshot snap = {
		.id = id,
		.start = mmun_u64(map),
		.length = pages * sysconf(_SC_PAGESIZE),
		.method = method,
		.flags = flags,
		.max_retries = MMUN_RETRIES,
	};

	if (_mmun_snapshot(fd, &snap))
		return -errno;
	return snap.out_valid;
}

/* In the child, through the descriptor that it got from its parent. */
static int kid_device_byte(struct kid *kid, struct request *req)
{
	__u32 method = req->op == 'F' ? MMUN_METHOD_HMM_FAULT : MMUN_METHOD_GUP;
	size_t page = sysconf(_SC_PAGESIZE);
	char byte = 0;
	__u64 done;
	__u32 id;
	int ret;

	if (_mmun_insert(kid->fd, kid->map, req->pages * page, &id))
		return -errno;
	ret = snapshot_pages(kid->fd, id, kid->map, method, MMUN_WRITE,
			     req->pages);
	if (ret != req->pages)
		return ret < 0 ? ret : -EIO;
	if (_mmun_access(kid->fd, id, kid->map, 1, &byte, 0, &done))
		return -errno;
	ret = _mmun_access(kid->fd, id, kid->map, 1, &req->value, MMUN_WRITE,
			   &done);
	return ret ? -errno : byte & 0xff;
}

static int kid_obey(struct kid *kid, struct request *req)
{
	size_t length = req->pages * sysconf(_SC_PAGESIZE);
	pid_t pid;

	switch (req->op) {
	case 'r':	/* read a byte */
		return byte_at(kid->map) & 0xff;
	case 'w':	/* write all the pages */
		memset(kid->map, req->value, length);
		return 0;
	case 'p':
		return mprotect(kid->map, length, PROT_READ) ? errno : 0;
	case 'd':
		return madvise(kid->map, length, MADV_DONTNEED) ? errno : 0;
	case 'u':
		return munmap(kid->map, length) ? errno : 0;
	case 'f':	/* have a child of one's own */
		pid = fork();
		if (!pid)
			_exit(0);
		return mmun_wait_child(pid);
	case 'F':	/* use the inherited descriptor */
	case 'G':
		return kid_device_byte(kid, req);
	}
	return -ENOTTY;
}

static void kid_main(struct kid *kid)
{
	struct request req;
	int answer;

	while (recv(kid->sock, &req, sizeof(req), 0) == sizeof(req) &&
	       req.op != 'q') {
		answer = kid_obey(kid, &req);
		if (send(kid->sock, &answer, sizeof(answer), 0) < 0)
			break;
	}
	_exit(0);
}

/* Returns 0, or -1 when there is no child. */
static int kid_fork(struct kid *kid, char *map, int fd)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair))
		return -1;
	*kid = (struct kid){ .map = map, .fd = fd };
	kid->pid = fork();
	kid->sock = pair[!kid->pid];
	close(pair[!!kid->pid]);
	if (!kid->pid)
		kid_main(kid);
	return kid->pid < 0 ? -1 : 0;
}

/* Returns the answer, or -ETIMEDOUT when none came in time. */
static int kid_do(struct kid *kid, char op, int pages, char value)
{
	struct pollfd pfd = { .fd = kid->sock, .events = POLLIN };
	struct request req = { .op = op, .value = value, .pages = pages };
	int answer;

	if (send(kid->sock, &req, sizeof(req), 0) != sizeof(req))
		return -errno;
	if (poll(&pfd, 1, MMUN_PATIENCE_MS) != 1 ||
	    recv(kid->sock, &answer, sizeof(answer), 0) != sizeof(answer))
		return -ETIMEDOUT;
	return answer;
}

/* Let it go and wait for it; returns its exit status. */
static int kid_end(struct kid *kid)
{
	struct request req = { .op = 'q' };

	if (send(kid->sock, &req, sizeof(req), 0) != sizeof(req))
		return -1;
	return mmun_wait_child(kid->pid);
}

#define fork_kid(kid) ASSERT_EQ(0, kid_fork(kid, self->map, self->fd))

/*
 * Memory of each sort, all pages present and filled with FIRST.  A range lies
 * exactly over it.
 */
FIXTURE(fork) {
	int fd;
	__u32 id;
	size_t page;
	size_t length;
	char *arena;
	char *map;
};

FIXTURE_VARIANT(fork) {
	int flags;
	bool memfd;
	bool cow;	/* the child gets a copy */
};

FIXTURE_VARIANT_ADD(fork, anon_private) {
	.flags = MAP_PRIVATE | MAP_ANONYMOUS,
	.cow = true,
};

FIXTURE_VARIANT_ADD(fork, memfd_private) {
	.flags = MAP_PRIVATE,
	.memfd = true,
	.cow = true,
};

FIXTURE_VARIANT_ADD(fork, memfd_shared) {
	.flags = MAP_SHARED,
	.memfd = true,
};

static char *map_variant(char *at, size_t length, int flags, bool memfd)
{
	int fd = -1;
	char *map;

	if (memfd) {
		fd = mmun_memfd(0);
		if (fd < 0 || ftruncate(fd, length))
			return NULL;
	}
	map = mmap(at, length, PROT_READ | PROT_WRITE, flags | MAP_FIXED,
		   fd, 0);
	if (fd >= 0)
		close(fd);
	if (map == MAP_FAILED)
		return NULL;
	madvise(map, length, MADV_NOHUGEPAGE);
	return map;
}

FIXTURE_SETUP(fork)
{
	self->page = sysconf(_SC_PAGESIZE);
	self->length = PAGES * self->page;
	ASSERT_EQ(0, stay_on_one_cpu());
	self->fd = mmun_open();
	ASSERT_LE(0, self->fd);
	self->arena = mmun_arena(PAGES);
	ASSERT_NE(NULL, self->arena);
	self->map = map_variant(self->arena, self->length, variant->flags,
				variant->memfd);
	ASSERT_NE(NULL, self->map);
	memset(self->map, FIRST, self->length);
	self->id = mmun_insert(self->map, self->length);
}

FIXTURE_TEARDOWN(fork)
{
	close(self->fd);
}

TEST_F(fork, is_seen_by_a_range_over_copied_memory_and_no_other)
{
	struct kid kid;

	fork_kid(&kid);
	if (variant->cow)
		mmun_expect_event(self->id, MMUN_EVENT_PROTECTION_PAGE,
				  self->map, self->length);
	mmun_expect_no_event();
	EXPECT_EQ(0, kid_end(&kid));
}

/*
 *   0   1   2   3   4   5   6   7
 *   |-------------VMA-----------|
 *           |--range--|              (from the middle of page 2)
 *           |--event--|
 */
TEST_F(fork, event_tells_the_vma_and_the_part_that_is_watched)
{
	char *start = self->map + 2 * self->page + self->page / 2;
	size_t length = 2 * self->page;
	struct mmun_record r = {};
	struct kid kid;
	__u32 id;

	mmun_remove(self->id);
	id = mmun_insert(start, length);
	fork_kid(&kid);
	if (variant->cow) {
		r = mmun_expect_event(id, MMUN_EVENT_PROTECTION_PAGE, start,
				      length);
		EXPECT_EQ(mmun_u64(self->map), r.start);
		EXPECT_EQ(mmun_u64(self->map) + self->length, r.end);
	}
	mmun_expect_no_event();
	EXPECT_EQ(0, kid_end(&kid));
}

TEST_F(fork, of_memory_never_touched_raises_nothing)
{
	struct kid kid;

	ASSERT_NE(NULL, map_variant(self->arena, self->length, variant->flags,
				    variant->memfd));
	mmun_drain_log(self->fd);
	fork_kid(&kid);
	mmun_expect_no_event();
	EXPECT_EQ(0, kid_end(&kid));
}

TEST_F(fork, collides_a_batch_that_is_open)
{
	struct mmun_token token;
	struct kid kid;

	mmun_need_feature(MMUN_FEATURE_HMM);
	token = mmun_read_begin(self->id);
	EXPECT_EQ(PAGES, mmun_collect(token, self->map, self->length,
				      MMUN_METHOD_HMM_FAULT, MMUN_WRITE));
	fork_kid(&kid);
	EXPECT_EQ(variant->cow, mmun_check_retry(self->id, token.seq));
	EXPECT_EQ(variant->cow, mmun_commit(token));
	EXPECT_EQ(0, kid_end(&kid));
}

TEST_F(fork, leaves_no_shadow_entry_writable)
{
	__u64 pages[PAGES] = {};
	struct kid kid;
	int i;

	mmun_need_feature(MMUN_FEATURE_HMM);
	mmun_snapshot(self->id, self->map, self->length, MMUN_METHOD_HMM_FAULT,
		      MMUN_WRITE, NULL);
	fork_kid(&kid);
	for (i = 0; variant->cow && i < PAGES; i++)
		mmun_err_access(EFAULT, self->id, self->map + i * self->page, 1,
				MMUN_WRITE);
	EXPECT_EQ(PAGES, mmun_snapshot(self->id, self->map, self->length,
				       MMUN_METHOD_HMM_NOFAULT, 0, pages));
	for (i = 0; i < PAGES; i++)
		EXPECT_EQ(variant->cow ? 0 : MMUN_PAGE_WRITE,
			  pages[i] & MMUN_PAGE_WRITE);
	if (variant->cow)
		mmun_err_access(EFAULT, self->id, self->map, 1, MMUN_WRITE);
	EXPECT_EQ(PAGES, mmun_verify(self->id));
	EXPECT_EQ(0, kid_end(&kid));
}

TEST_F(fork, write_of_the_parent_clears_the_one_page_it_copies)
{
	char *at = self->map + 3 * self->page;
	char byte = 0;
	struct kid kid;

	mmun_need_feature(MMUN_FEATURE_HMM);
	fork_kid(&kid);
	mmun_drain_log(self->fd);
	mmun_snapshot(self->id, self->map, self->length, MMUN_METHOD_HMM_NOFAULT, 0,
		      NULL);
	set_byte(at, PARENT);
	if (variant->cow) {
		mmun_expect_event(self->id, MMUN_EVENT_CLEAR, at, self->page);
		mmun_err_access(EFAULT, self->id, at, 1, 0);
	}
	mmun_expect_no_event();
	EXPECT_EQ(variant->cow ? PAGES - 1 : PAGES, mmun_verify(self->id));
	mmun_snapshot(self->id, at, self->page, MMUN_METHOD_HMM_NOFAULT, 0, NULL);
	mmun_device_read(self->id, at, 1, &byte);
	EXPECT_EQ((char)PARENT, byte);
	EXPECT_EQ(0, kid_end(&kid));
}

TEST_F(fork, write_of_the_parent_is_kept_from_a_child_with_a_copy)
{
	struct kid kid;

	fork_kid(&kid);
	set_byte(self->map, PARENT);
	EXPECT_EQ(variant->cow ? FIRST : PARENT, kid_do(&kid, 'r', 1, 0));
	EXPECT_EQ(0, kid_end(&kid));
}

TEST_F(fork, write_of_the_device_is_kept_from_a_child_with_a_copy)
{
	char byte = DEVICE;
	struct kid kid;

	mmun_need_feature(MMUN_FEATURE_HMM);
	mmun_snapshot(self->id, self->map, self->length, MMUN_METHOD_HMM_FAULT,
		      MMUN_WRITE, NULL);
	fork_kid(&kid);
	if (variant->cow)
		mmun_err_access(EFAULT, self->id, self->map, 1, MMUN_WRITE);
	mmun_snapshot(self->id, self->map, self->length, MMUN_METHOD_HMM_FAULT,
		      MMUN_WRITE, NULL);
	mmun_device_write(self->id, self->map, 1, &byte);
	EXPECT_EQ((char)DEVICE, byte_at(self->map));
	EXPECT_EQ(variant->cow ? FIRST : DEVICE, kid_do(&kid, 'r', 1, 0));
	EXPECT_EQ(PAGES, mmun_verify(self->id));
	EXPECT_EQ(0, kid_end(&kid));
}

TEST_F(fork, what_the_child_does_raises_nothing_in_the_parent)
{
	static const char ops[] = "wfpdu";
	struct kid kid;
	const char *op;

	mmun_need_feature(MMUN_FEATURE_HMM);
	fork_kid(&kid);
	mmun_drain_log(self->fd);
	mmun_snapshot(self->id, self->map, self->length, MMUN_METHOD_HMM_NOFAULT, 0,
		      NULL);
	for (op = ops; *op; op++)
		EXPECT_EQ(0, kid_do(&kid, *op, PAGES, CHILD))
		{
			TH_LOG("the child could not do '%c'", *op);
		}
	EXPECT_EQ(0, kid_end(&kid));
	mmun_expect_no_event();
	EXPECT_EQ(PAGES, mmun_verify(self->id));
	EXPECT_EQ(variant->cow ? FIRST : (char)CHILD,
		  byte_at(self->map));
}

TEST_F(fork, write_after_the_child_is_gone_takes_the_page_back_unseen)
{
	__u64 before[PAGES] = {}, after[PAGES] = {};
	struct kid kid;
	int i;

	mmun_need_feature(MMUN_FEATURE_HMM);
	fork_kid(&kid);
	ASSERT_EQ(0, kid_end(&kid));
	mmun_drain_log(self->fd);
	mmun_snapshot(self->id, self->map, self->length, MMUN_METHOD_HMM_NOFAULT, 0,
		      before);
	memset(self->map, PARENT, self->length);
	mmun_expect_no_event();
	EXPECT_EQ(PAGES, mmun_verify(self->id));
	mmun_snapshot(self->id, self->map, self->length, MMUN_METHOD_HMM_NOFAULT, 0,
		      after);
	for (i = 0; i < PAGES; i++) {
		EXPECT_EQ(before[i] & MMUN_PAGE_PFN_MASK,
			  after[i] & MMUN_PAGE_PFN_MASK);
		EXPECT_EQ(MMUN_PAGE_WRITE, after[i] & MMUN_PAGE_WRITE);
	}
}

TEST_F(fork, each_one_raises_an_event_with_a_later_sequence)
{
	struct mmun_record first = {}, second = {};
	struct kid kids[2];

	fork_kid(&kids[0]);
	if (variant->cow)
		first = mmun_expect_event(self->id, MMUN_EVENT_PROTECTION_PAGE,
					  self->map, self->length);
	fork_kid(&kids[1]);
	if (variant->cow) {
		second = mmun_expect_event(self->id, MMUN_EVENT_PROTECTION_PAGE,
					   self->map, self->length);
		EXPECT_LT(first.cur_seq, second.cur_seq);
	}
	mmun_expect_no_event();
	EXPECT_EQ(0, kid_end(&kids[0]));
	EXPECT_EQ(0, kid_end(&kids[1]));
}

/*
 * The child has changed its own copy: what it sees through the device is the
 * parent's page all the same, and the byte that its device writes is found by
 * the parent.
 */
TEST_F(fork, inherited_descriptor_works_on_the_memory_of_the_parent)
{
	struct kid kid;

	mmun_need_feature(MMUN_FEATURE_HMM);
	fork_kid(&kid);
	EXPECT_EQ(0, kid_do(&kid, 'w', PAGES, CHILD));
	EXPECT_EQ(variant->cow ? FIRST : CHILD,
		  kid_do(&kid, 'G', PAGES, PARENT));
	EXPECT_EQ(PARENT, kid_do(&kid, 'F', PAGES, DEVICE));
	EXPECT_EQ((char)DEVICE, byte_at(self->map));
	EXPECT_EQ(variant->cow ? CHILD : DEVICE, kid_do(&kid, 'r', 1, 0));
	EXPECT_EQ(0, kid_end(&kid));
	EXPECT_EQ(3, mmun_query_context().out_ranges);
}

TEST_F(fork, inherited_descriptor_works_when_the_child_has_unmapped_all)
{
	struct kid kid;

	mmun_need_feature(MMUN_FEATURE_HMM);
	fork_kid(&kid);
	EXPECT_EQ(0, kid_do(&kid, 'u', PAGES, 0));
	EXPECT_EQ(FIRST, kid_do(&kid, 'G', PAGES, PARENT));
	EXPECT_EQ(PARENT, kid_do(&kid, 'F', PAGES, DEVICE));
	EXPECT_EQ((char)DEVICE, byte_at(self->map));
	EXPECT_EQ(0, kid_end(&kid));
}

/* The other way round: the parent of a process that owns ranges. */
struct owner_result {
	int errnum;
	__u32 parent_events;
	__u32 own_events;
	struct mmun_record own;
};

/* The last one is kept. */
static __u32 count_events(int fd, struct mmun_record *last)
{
	struct mmun_record r;
	__u32 count = 0;

	while (mmun_next_record(fd, &r)) {
		*last = r;
		count++;
	}
	return count;
}

static int own_a_range(char *map, size_t length)
{
	int fd = mmun_open();
	__u32 id;

	return fd < 0 || _mmun_insert(fd, map, length, &id) ? -1 : fd;
}

/* The child: says that it is ready, lets its parent act, writes itself. */
static void owner_main(int sock, char *map, size_t length)
{
	struct owner_result result = {};
	int fd = own_a_range(map, length);
	char go = fd < 0 ? 'E' : 'R';

	if (send(sock, &go, 1, 0) != 1 || recv(sock, &go, 1, 0) != 1)
		_exit(1);
	result.parent_events = count_events(fd, &result.own);
	memset(map, CHILD, sysconf(_SC_PAGESIZE));
	result.own_events = count_events(fd, &result.own);
	_exit(send(sock, &result, sizeof(result), 0) != sizeof(result));
}

TEST_F(fork, child_with_ranges_of_its_own_sees_its_own_doings_only)
{
	struct owner_result result = {};
	char go = 0;
	int pair[2];
	pid_t pid;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair));
	pid = fork();
	if (!pid)
		owner_main(pair[1], self->map, self->length);
	close(pair[1]);
	ASSERT_EQ(1, recv(pair[0], &go, 1, 0));
	ASSERT_EQ('R', go);
	memset(self->map + self->page, PARENT, self->page);
	ASSERT_EQ(0, munmap(self->map + 2 * self->page, self->page));
	ASSERT_EQ(1, send(pair[0], &go, 1, 0));
	ASSERT_EQ(sizeof(result), recv(pair[0], &result, sizeof(result), 0));
	EXPECT_EQ(0, mmun_wait_child(pid));
	EXPECT_EQ(0, result.parent_events);
	ASSERT_EQ(variant->cow, result.own_events);
	if (variant->cow) {
		EXPECT_EQ(MMUN_EVENT_CLEAR, result.own.event);
		EXPECT_EQ(mmun_u64(self->map), result.own.clip_start);
		EXPECT_EQ(mmun_u64(self->map + self->page),
			  result.own.clip_end);
	}
}

/* A child that shares the mm, as vfork() makes it. */
struct sharer {
	char *map;
	size_t length;
};

static int sharer_main(void *arg)
{
	struct sharer *sharer = arg;

	if (sharer->map)
		return munmap(sharer->map, sharer->length) ? 1 : 0;
	return 0;
}

/* Returns its exit status; the caller has no events of its own meanwhile. */
static int run_sharer(struct sharer *sharer)
{
	static char stack[CHILD_STACK];
	pid_t pid = clone(sharer_main, stack + sizeof(stack),
			  CLONE_VM | CLONE_VFORK | SIGCHLD, sharer);

	return pid < 0 ? -1 : mmun_wait_child(pid);
}

TEST_F(fork, exit_of_a_child_that_shares_the_mm_is_no_release)
{
	struct sharer sharer = {};
	__u32 users = mmun_query_context().out_mm_users;

	EXPECT_EQ(0, run_sharer(&sharer));
	mmun_expect_no_event();
	EXPECT_EQ(users, mmun_query_context().out_mm_users);
	ASSERT_EQ(0, munmap(self->map, self->length));
	mmun_expect_event(self->id, MMUN_EVENT_UNMAP, self->map, self->length);
}

TEST_F(fork, munmap_by_a_child_that_shares_the_mm_is_seen)
{
	struct sharer sharer = { self->map + self->page, 2 * self->page };

	EXPECT_EQ(0, run_sharer(&sharer));
	mmun_expect_event(self->id, MMUN_EVENT_UNMAP, self->map + self->page,
			  2 * self->page);
	mmun_expect_no_event();
}

/* Memory that the child does not get, or gets empty. */
FIXTURE(fork_advice) {
	int fd;
	__u32 id;
	size_t length;
	char *map;
};

FIXTURE_VARIANT(fork_advice) {
	int advice;
};

FIXTURE_VARIANT_ADD(fork_advice, dontfork) { .advice = MADV_DONTFORK };

FIXTURE_VARIANT_ADD(fork_advice, wipeonfork) { .advice = MADV_WIPEONFORK };

FIXTURE_SETUP(fork_advice)
{
	self->length = PAGES * sysconf(_SC_PAGESIZE);
	self->fd = mmun_open();
	ASSERT_LE(0, self->fd);
	self->map = mmun_map_filled(mmun_arena(PAGES), PAGES);
	ASSERT_NE(NULL, self->map);
	self->id = mmun_insert(self->map, self->length);
}

FIXTURE_TEARDOWN(fork_advice)
{
	close(self->fd);
}

TEST_F(fork_advice, memory_that_is_not_copied_stays_writable_for_the_device)
{
	char byte = DEVICE;
	struct kid kid;

	mmun_need_feature(MMUN_FEATURE_HMM);
	ASSERT_EQ(0, madvise(self->map, self->length, variant->advice));
	mmun_drain_log(self->fd);
	mmun_snapshot(self->id, self->map, self->length, MMUN_METHOD_HMM_FAULT,
		      MMUN_WRITE, NULL);
	fork_kid(&kid);
	mmun_expect_no_event();
	mmun_device_write(self->id, self->map, 1, &byte);
	EXPECT_EQ((char)DEVICE, byte_at(self->map));
	EXPECT_EQ(PAGES, mmun_verify(self->id));
	EXPECT_EQ(0, kid_end(&kid));
}

/* A range over several VMAs. */
FIXTURE(fork_vmas) {
	int fd;
	size_t page;
	char *map;
};

FIXTURE_SETUP(fork_vmas)
{
	self->page = sysconf(_SC_PAGESIZE);
	self->fd = mmun_open();
	ASSERT_LE(0, self->fd);
	self->map = mmun_arena(PAGES);
	ASSERT_NE(NULL, self->map);
}

FIXTURE_TEARDOWN(fork_vmas)
{
	close(self->fd);
}

/*
 *   0   1   2   3   4   5   6   7
 *   |private|shared |private|empty|
 *       |------range--------------|
 *       |event|     | event |
 */
TEST_F(fork_vmas, each_copied_vma_of_a_range_is_told_alone)
{
	char *start = self->map + self->page;
	struct kid kid;
	__u32 id;

	ASSERT_NE(NULL, mmun_map_filled(self->map, 2));
	ASSERT_NE(MAP_FAILED, mmap(self->map + 2 * self->page, 2 * self->page,
				   PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED |
				   MAP_POPULATE, -1, 0));
	ASSERT_NE(NULL, mmun_map_filled(self->map + 4 * self->page, 2));
	id = mmun_insert(start, (PAGES - 1) * self->page);
	fork_kid(&kid);
	mmun_expect_event(id, MMUN_EVENT_PROTECTION_PAGE, start, self->page);
	mmun_expect_event(id, MMUN_EVENT_PROTECTION_PAGE,
			  self->map + 4 * self->page, 2 * self->page);
	mmun_expect_no_event();
	EXPECT_EQ(0, kid_end(&kid));
}

/*
 * The neighbours only touch the VMA, and the arena round it is not populated.
 *
 *   0   1   2   3   4   5   6   7
 *   | left  |private|right|
 *           | event |
 */
TEST_F(fork_vmas, neighbours_that_only_touch_the_vma_are_not_told)
{
	char *vma = self->map + 2 * self->page;
	size_t length = 2 * self->page;
	struct kid kid;
	__u32 id;

	ASSERT_NE(NULL, mmun_map_filled(vma, 2));
	mmun_insert(self->map, length);
	id = mmun_insert(vma, length);
	mmun_insert(vma + length, length);
	fork_kid(&kid);
	mmun_expect_event(id, MMUN_EVENT_PROTECTION_PAGE, vma, length);
	mmun_expect_no_event();
	EXPECT_EQ(0, kid_end(&kid));
}

MMUN_HARNESS_MAIN
