// SPDX-License-Identifier: GPL-2.0
/*
 * Tests the end of an mm: the event RELEASE, and the lifetimes of the mm, the
 * descriptor and the ranges.  The mm can end before or after the last
 * descriptor is closed.  No range outlives the last descriptor.
 */
#include <limits.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include "lib/victim.h"

/*
 *   0   1   2   3   4   5   6   7
 *   |---------ids[0]------------|
 *       |--ids[1]-|
 */
#define PAGES 8

#define CONTEXTS 60
#define CONTEXT_RANGES 3

#define setup_exit()                                                      \
	do {                                                              \
		setup_victim(PAGES, PAGES);                               \
		self->ids[0] = mmun_insert(self->map, mmun_pages(PAGES)); \
		self->ids[1] = mmun_insert(mmun_page(1), mmun_pages(3));  \
	} while (0)

/* Orders that end the mm */

static void *exit_the_group(void *arg)
{
	syscall(SYS_exit_group, 0);
	return arg;
}

static int die_in_a_thread(void *arg, int nr)
{
	pthread_t thread;

	if (!pthread_create(&thread, NULL, exit_the_group, NULL))
		pthread_join(thread, NULL);
	_exit(126);
}

/*
 * Dump core into a tmpfs that only this process can access, so that no file is
 * left behind.
 */
static int die_by_abort(void *arg, int nr)
{
	struct rlimit limit = {};

	if (!unshare(CLONE_NEWNS) &&
	    !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
	    !mount("none", "/proc", "tmpfs", 0, NULL) && !chdir("/proc"))
		limit = (struct rlimit){ RLIM_INFINITY, RLIM_INFINITY };
	setrlimit(RLIMIT_CORE, &limit);
	abort();
}

VICTIM_FIXTURE(exit, setup_exit())

/* @die: the function by which the victim exits, or NULL to send SIGKILL */
FIXTURE_VARIANT(exit)
{
	mmun_order_fn die;
	int status;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(exit, exit)             { victim_exit, 0 };
FIXTURE_VARIANT_ADD(exit, exit_of_a_thread) { die_in_a_thread, 0 };
FIXTURE_VARIANT_ADD(exit, sigkill)          { NULL, 128 + SIGKILL };
FIXTURE_VARIANT_ADD(exit, core_dump)        { die_by_abort, 128 + SIGABRT };
FIXTURE_VARIANT_ADD(exit, exec)             { victim_exec, EXECED_OK };
/* clang-format on */

#define die()                                          \
	do {                                           \
		if (variant->die) {                    \
			order_victim(variant->die, 0); \
		} else {                               \
			signal_victim(SIGKILL);        \
		}                                      \
		expect_status(variant->status);        \
	} while (0)

/* The core calls no list notifier after release(). */
#define EXIT_EVENTS (MMUN_IS_LIST ? 1 : 2)

/*
 * The kernel raises RELEASE while all pages are still mapped, and UNMAP before
 * it unmaps the pages.  RELEASE and UNMAP cover the whole address space.
 */
TEST_F(exit, raises_release_once_for_each_range_and_then_unmap)
{
	struct mmun_record r = {};

	die();
	for (int i = 0; i < 2 * EXIT_EVENTS; i++) {
		ASSERT_EQ(1, mmun_next_record(self->fd, &r));
		EXPECT_EQ(MMUN_RECORD_INVALIDATE, r.type);
		EXPECT_EQ(i < 2 ? MMUN_EVENT_RELEASE : MMUN_EVENT_UNMAP,
			  r.event);
		EXPECT_EQ(self->ids[i % 2], r.id);
		EXPECT_EQ(MMUN_RECORD_BLOCKABLE | MMUN_KIND_FLAGS, r.flags);
		EXPECT_EQ(0, r.start);
		EXPECT_EQ(ULONG_MAX, r.end)
		{
			mmun_print_record(&r);
		}
	}
	mmun_expect_no_event();
}

TEST_F(exit, release_covers_each_range_as_a_whole)
{
	die();
	mmun_expect_event(self->ids[0], MMUN_EVENT_RELEASE, self->map,
			  mmun_pages(PAGES));
	mmun_expect_event(self->ids[1], MMUN_EVENT_RELEASE, mmun_page(1),
			  mmun_pages(3));
}

TEST_F(exit, calls_that_need_the_mm_return_esrch)
{
	struct mmun_span bulk = {
		.start = mmun_u64(self->map),
		.length = self->page,
	};
	size_t length = mmun_pages(PAGES);
	__u32 id = self->ids[0];
	struct mmun_verify verify;
	struct mmun_token token;
	__u64 done;

	mmun_need_feature(MMUN_FEATURE_HMM);
	token = mmun_read_begin(id);
	die();
	mmun_err_insert(ESRCH, self->map, self->page);
	EXPECT_ERRNO(ESRCH, _mmun_insert_bulk(self->fd, &bulk, 1, &done));
	mmun_err_collect(ESRCH, token, self->map, length, MMUN_METHOD_GUP, 0);
	mmun_err_collect(ESRCH, token, self->map, length,
			 MMUN_METHOD_HMM_NOFAULT, 0);
	mmun_err_snapshot(ESRCH, id, self->map, length, MMUN_METHOD_HMM_FAULT,
			  0);
	EXPECT_ERRNO(ESRCH, _mmun_verify(self->fd, id, &verify));
	mmun_err_snapshot(ESRCH, id, self->map, length, MMUN_METHOD_GUP, 0);
	EXPECT_EQ(2, mmun_query_context().out_ranges);
}

TEST_F(exit, calls_that_need_no_mm_still_work)
{
	__u32 *ids = self->ids;
	struct mmun_query_context state;

	die();
	EXPECT_EQ(MMUN_ABI_VERSION, mmun_info().out_abi);
	EXPECT_EQ(EXIT_EVENTS, mmun_query_range(ids[0]).out_invalidations);
	if (!MMUN_IS_LIST)
		EXPECT_EQ(0, mmun_fail_nonblock(ids[0], 1));
	EXPECT_EQ(2 * EXIT_EVENTS, mmun_log_setup(0, 0));
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
	__u32 id = self->ids[0];

	mmun_need_feature(MMUN_FEATURE_HMM);
	EXPECT_EQ(PAGES,
		  mmun_snapshot(id, self->map, mmun_pages(PAGES),
				MMUN_METHOD_HMM_FAULT, MMUN_WRITE, NULL));
	EXPECT_EQ(1, mmun_device_byte(id, self->map));
	die();
	mmun_err_access(EFAULT, id, self->map, 1, 0);
	mmun_err_access(EFAULT, id, self->map, 1, MMUN_WRITE);
}

TEST_F(exit, makes_an_open_batch_collide)
{
	__u32 id = self->ids[1];
	struct mmun_token token;

	mmun_need_feature(MMUN_FEATURE_HMM);
	token = mmun_read_begin(id);
	EXPECT_EQ(1, mmun_collect(token, mmun_page(1), self->page,
				  MMUN_METHOD_HMM_FAULT, 0));
	EXPECT_EQ(0, mmun_check_retry(id, token.seq));
	die();
	EXPECT_EQ(1, mmun_check_retry(id, token.seq));
	EXPECT_EQ(1, mmun_commit(token));
	EXPECT_EQ(0, mmun_query_context().out_batches);
}

TEST_F(exit, leaves_one_reference_to_the_mm_for_each_range_and_the_context)
{
	const __u64 context = 1 + MMUN_KIND_REFERENCES;

	die();
	drop_lazy_references();
	EXPECT_EQ(context + 2, mmun_query_context().out_mm_count);
	mmun_remove(self->ids[1]);
	EXPECT_EQ(context + 1, mmun_query_context().out_mm_count);
	mmun_remove(self->ids[0]);
	EXPECT_EQ(context, mmun_query_context().out_mm_count);
}

/* The victim is killed while it executes a call of the device. */

VICTIM_FIXTURE(exit_in_call, setup_exit())

/* The log stays empty, so only a signal ends the read(). */
static int read_for_ever(void *map, int nr)
{
	struct mmun_record r;

	mmun_drain_log(victim_fd);
	return read(victim_fd, &r, sizeof(r));
}

TEST_F(exit_in_call, sigkill_ends_a_read_that_waits)
{
	order_victim(read_for_ever, 0);
	ASSERT_EQ(SYS_read, mmun_quiesce_one(self->victim.tid).syscall);
	end_victim();
	mmun_drain_log(self->fd);
	EXPECT_EQ(0, mmun_query_context().out_mm_users);
}

/* Each snapshot faults the pages in, because the loop drops the pages. */
static int snapshot_for_ever(void *map, int id)
{
	size_t length = PAGES * sysconf(_SC_PAGESIZE);
	struct mmun_snapshot snap;

	snap = MMUN_SNAPSHOT_OF(id, map, length, MMUN_METHOD_HMM_FAULT,
				MMUN_WRITE);
	while (!_mmun_snapshot(victim_fd, &snap))
		madvise(map, length, MADV_DONTNEED);
	return -1;
}

TEST_F(exit_in_call, sigkill_ends_snapshots_and_leaves_no_batch)
{
	struct mmun_record r;

	mmun_need_feature(MMUN_FEATURE_HMM);
	mmun_log_setup(MMUN_LOG_DEFAULT, 1U << MMUN_RECORD_COMMIT);
	order_victim(snapshot_for_ever, self->ids[0]);
	for (int i = 0; i < 10; i++)
		ASSERT_EQ(1,
			  mmun_wait_record(self->fd, MMUN_RECORD_COMMIT, &r));
	mmun_log_setup(MMUN_LOG_DEFAULT, MMUN_LOG_TYPES_DEFAULT);
	end_victim();
	do {
		ASSERT_EQ(1, mmun_wait_record(self->fd, MMUN_RECORD_INVALIDATE,
					      &r));
	} while (r.event == MMUN_EVENT_CLEAR);
	EXPECT_EQ(MMUN_EVENT_RELEASE, r.event);
	EXPECT_EQ(0, mmun_query_context().out_batches);
	EXPECT_EQ(0, mmun_query_context().out_mm_users);
}

/* The order in which the mm, the ranges and the last descriptor end */

VICTIM_FIXTURE(exit_order, mmun_setup())

/*
 * @steps: what ends, in this order: 'm' the mm, 'r' the ranges, 'f' the test's
 *	descriptor
 * @victim_keeps_fd: the victim has a descriptor until its exit, which drops the
 *	mm first and closes files later
 */
FIXTURE_VARIANT(exit_order)
{
	const char *steps;
	bool victim_keeps_fd;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(exit_order, mm_ranges_fd)    { "mrf", false };
FIXTURE_VARIANT_ADD(exit_order, mm_fd)           { "mf", false };
FIXTURE_VARIANT_ADD(exit_order, ranges_mm_fd)    { "rmf", false };
FIXTURE_VARIANT_ADD(exit_order, ranges_fd_mm)    { "rfm", false };
FIXTURE_VARIANT_ADD(exit_order, fd_mm)           { "fm", false };
FIXTURE_VARIANT_ADD(exit_order, all_by_the_exit) { "fm", true };
/* clang-format on */

static int victim_close(void *map, int nr)
{
	return close(victim_fd);
}

static void take_step(struct __test_metadata *_metadata,
		      FIXTURE_DATA(exit_order) * self, char step)
{
	switch (step) {
	case 'm':
		end_victim();
		break;
	case 'r':
		ASSERT_EQ(0, _mmun_remove(victim_fd, self->ids[0]));
		ASSERT_EQ(0, _mmun_remove(victim_fd, self->ids[1]));
		break;
	case 'f':
		ASSERT_EQ(0, close(victim_fd));
	}
}

/* The descriptor that the fixture opened belongs to another context. */
TEST_F(exit_order, leaves_no_object)
{
	__u64 before = mmun_objects_without_lists();
	const int watcher = self->fd;

	setup_exit();
	self->fd = watcher;
	if (!variant->victim_keeps_fd)
		victim_must(victim_close, 0);
	EXPECT_LT(before, mmun_query_context().out_objects);
	for (const char *step = variant->steps; *step; step++)
		take_step(_metadata, self, *step);
	mmun_expect_objects(before);
}

/* The test closes the last descriptor while the mm still exists. */

VICTIM_FIXTURE(exit_close, mmun_setup_filled(PAGES))

/* Returns a descriptor with ranges, a shadow and an open batch, or -1. */
static int open_context(char *map, size_t length)
{
	struct mmun_snapshot snap =
		MMUN_SNAPSHOT_OF(0, map, length, MMUN_METHOD_GUP, MMUN_WRITE);
	struct mmun_token token;
	int i, fd = mmun_open();
	__u32 valid;

	for (i = 0; i < CONTEXT_RANGES; i++)
		if (_mmun_insert(fd, map, length, &snap.id))
			return -1;
	if (_mmun_snapshot(fd, &snap) || snap.out_valid != PAGES ||
	    _mmun_read_begin(fd, snap.id, &token) ||
	    _mmun_collect(fd, token, map, length, MMUN_METHOD_GUP, 0, &valid))
		return -1;
	return fd;
}

TEST_F(exit_close, memory_of_live_ranges_stays_usable)
{
	__u32 id = mmun_insert(self->map, mmun_pages(PAGES));
	int i, fd = open_context(self->map, mmun_pages(PAGES));

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, close(fd));
	for (i = 0; i < PAGES; i++)
		EXPECT_EQ(i + 1, mmun_load(mmun_page(i + 1) - 1));
	memset(self->map, 0, mmun_pages(PAGES));
	mmun_expect_no_event();
	ASSERT_EQ(0, munmap(self->map, mmun_pages(PAGES)));
	mmun_expect_event(id, MMUN_EVENT_UNMAP, self->map, mmun_pages(PAGES));
}

/*
 * The test needs more contexts than CPUs, because each CPU may keep a reference
 * to the mm.
 */
TEST_F(exit_close, releases_all_memory_and_references_to_the_mm)
{
	__u64 objects = mmun_objects_without_lists();
	struct mmun_query_context before = mmun_query_context(), with, after;
	int i, fds[CONTEXTS];

	for (i = 0; i < CONTEXTS; i++) {
		fds[i] = open_context(self->map, mmun_pages(PAGES));
		ASSERT_LE(0, fds[i]);
	}
	with = mmun_query_context();
	EXPECT_LE(before.out_mm_count + CONTEXTS * CONTEXT_RANGES,
		  with.out_mm_count);
	EXPECT_LT(objects, with.out_objects);
	for (i = 0; i < CONTEXTS; i++)
		ASSERT_EQ(0, close(fds[i]));
	mmun_expect_objects(objects);
	after = mmun_query_context();
	EXPECT_GE(before.out_mm_count + CONTEXTS / 2, after.out_mm_count);
	EXPECT_EQ(before.out_mm_users, after.out_mm_users);
}

EXECED_MAIN
