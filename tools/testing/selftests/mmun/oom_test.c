// SPDX-License-Identifier: GPL-2.0
/*
 * Tests the OOM reaper, which frees the memory of a dying process and must not
 * wait.  Most tests call process_mrelease(2).  Each call is one attempt to
 * reap.  The last two tests exhaust the memory of a cgroup.
 */
#include "lib/cgroup.h"
#include "lib/victim.h"

/*
 * Two VMAs with a range over each
 *
 *   0   1   2   3   4   5   6   7   8   9
 *   |----ids[0]-----|       |----ids[1]-----|
 */
#define VMA_PAGES 4
#define vma(_which) mmun_page(6 * (_which))

#define LIMIT (24L << 20)
#define HOG_BYTES (4 * LIMIT)
#define FREED (LIMIT / 4) /* bytes, less than the victim uses */
#define REFUSALS 2

/* An order */
static int map_pages(void *map, int first)
{
	char *vma = (char *)map + first * sysconf(_SC_PAGESIZE);

	return mmun_map_filled(vma, VMA_PAGES) ? 0 : -1;
}

#define setup_vmas()                                                          \
	do {                                                                  \
		setup_victim(10, VMA_PAGES);                                  \
		victim_must(map_pages, 6);                                    \
		for (int __i = 0; __i < 2; __i++)                             \
			self->ids[__i] =                                      \
				mmun_insert(vma(__i), mmun_pages(VMA_PAGES)); \
	} while (0)

#define mrelease() syscall(SYS_process_mrelease, self->victim.pidfd, 0)

/* Returns the number of pages of the VMA that are present, or -1. */
static int count_present(pid_t pid, const char *vma)
{
	size_t page = sysconf(_SC_PAGESIZE);
	int present = 0;
	__u64 entry;

	for (int i = 0; i < VMA_PAGES; i++) {
		if (mmun_pagemap_of(pid, vma + i * page, &entry))
			return -1;
		present += entry >> 63;
	}
	return present;
}

#define pages_present(_which) count_present(self->victim.pid, vma(_which))

/*
 * Expect that the reaper caused the record.  The event is not blockable, and
 * covers the whole VMA.  The event is UNMAP on kernels before 7.1, and CLEAR
 * since 7.1, because the VMA stays.
 */
#define expect_reaping(_r, _which, _refused)                                 \
	do {                                                                 \
		const __u64 __start = mmun_u64(vma(_which));                 \
		const __u64 __end = __start + mmun_pages(VMA_PAGES);         \
		EXPECT_EQ(MMUN_RECORD_INVALIDATE, (_r).type);                \
		EXPECT_EQ(self->ids[_which], (_r).id);                       \
		EXPECT_EQ((_refused) ? MMUN_RECORD_FAILED : MMUN_KIND_FLAGS, \
			  (_r).flags);                                       \
		EXPECT_EQ(true, (_r).event == MMUN_EVENT_UNMAP ||            \
					(_r).event == MMUN_EVENT_CLEAR);     \
		EXPECT_EQ(__start, (_r).start);                              \
		EXPECT_EQ(__end, (_r).end);                                  \
		EXPECT_EQ(__start, (_r).clip_start);                         \
		EXPECT_EQ(__end, (_r).clip_end)                              \
		{                                                            \
			mmun_print_record(&(_r));                            \
		}                                                            \
	} while (0)

/*
 * Expect that one attempt to reap writes the next two records, one for each
 * range.  The order of the records depends on the kernel.
 */
#define expect_attempt(...)                                                    \
	do {                                                                   \
		const bool __refused[] = { __VA_ARGS__ };                      \
		struct mmun_record __r[2] = {};                                \
		for (int __i = 0; __i < 2; __i++) {                            \
			int __which;                                           \
			ASSERT_EQ(1, mmun_next_record(self->fd, &__r[__i]));   \
			__which = __r[__i].id == self->ids[1];                 \
			expect_reaping(__r[__i], __which, __refused[__which]); \
		}                                                              \
		EXPECT_NE(__r[0].id, __r[1].id);                               \
	} while (0)

/* Kill the victim, and try to reap.  Returns errno of process_mrelease(). */
#define kill_and_reap()                 \
	({                              \
		signal_victim(SIGKILL); \
		mrelease() ? errno : 0; \
	})

VICTIM_FIXTURE(oom, setup_vmas(); pin_victim())

/* @refuses: whether each range refuses the first attempt to reap */
FIXTURE_VARIANT(oom)
{
	bool refuses[2];
};

/* clang-format off */
FIXTURE_VARIANT_ADD(oom, accepted)       { { false, false } };
FIXTURE_VARIANT_ADD(oom, first_refuses)  { { true, false } };
FIXTURE_VARIANT_ADD(oom, second_refuses) { { false, true } };
FIXTURE_VARIANT_ADD(oom, both_refuse)    { { true, true } };
/* clang-format on */

#define expect_first_attempt()                                         \
	do {                                                           \
		for (int __i = 0; __i < 2; __i++)                      \
			if (variant->refuses[__i])                     \
				mmun_fail_nonblock(self->ids[__i], 1); \
		EXPECT_EQ(variant->refuses[0] || variant->refuses[1] ? \
				  EAGAIN :                             \
				  0,                                   \
			  kill_and_reap());                            \
	} while (0)

TEST_F(oom, process_mrelease_raises_a_nonblockable_event_for_each_vma)
{
	expect_first_attempt();
	expect_attempt(variant->refuses[0], variant->refuses[1]);
	mmun_expect_no_event();
}

TEST_F(oom, process_mrelease_frees_only_the_memory_of_accepting_ranges)
{
	for (int i = 0; i < 2; i++)
		EXPECT_EQ(VMA_PAGES, pages_present(i));
	expect_first_attempt();
	for (int i = 0; i < 2; i++)
		EXPECT_EQ(variant->refuses[i] ? VMA_PAGES : 0,
			  pages_present(i));
}

TEST_F(oom, device_keeps_only_the_pages_of_refusing_ranges)
{
	__u32 *ids = self->ids;

	for (int i = 0; i < 2; i++)
		mmun_snapshot(ids[i], vma(i), mmun_pages(VMA_PAGES),
			      MMUN_METHOD_GUP, MMUN_WRITE, NULL);
	expect_first_attempt();
	for (int i = 0; i < 2; i++) {
		if (!variant->refuses[i]) {
			mmun_err_access(EFAULT, ids[i], vma(i), 1, 0);
			continue;
		}
		EXPECT_EQ(1, mmun_device_byte(ids[i], vma(i)));
		mmun_verify_if_hmm(ids[i], VMA_PAGES);
	}
}

TEST_F(oom, second_mrelease_frees_what_the_first_left)
{
	struct mmun_query_range range;

	expect_first_attempt();
	mmun_drain_log(self->fd);
	EXPECT_EQ(0, mrelease());
	expect_attempt(false, false);
	for (int i = 0; i < 2; i++) {
		range = mmun_query_range(self->ids[i]);
		EXPECT_EQ(variant->refuses[i], range.out_failed);
		EXPECT_EQ(2, range.out_invalidations);
		EXPECT_EQ(0, pages_present(i));
	}
}

TEST_F(oom, open_batch_collides_even_if_its_range_refuses)
{
	struct mmun_token tokens[2];

	for (int i = 0; i < 2; i++)
		tokens[i] = mmun_read_begin(self->ids[i]);
	expect_first_attempt();
	for (int i = 0; i < 2; i++)
		EXPECT_EQ(1, mmun_commit(tokens[i]));
}

/* The child calls READ_BEGIN, which never returns if the mm is not balanced. */
static int begin_and_abandon(void *map, int id)
{
	struct mmun_token token;

	return _mmun_read_begin(victim_fd, id, &token) ?:
		       _mmun_abandon(victim_fd, token);
}

TEST_F(oom, mm_is_balanced_even_if_a_range_refuses)
{
	struct mmun_child reader;

	expect_first_attempt();
	ASSERT_EQ(0, mmun_child_start(&reader, NULL));
	for (int i = 0; i < 2; i++)
		ASSERT_EQ(0, mmun_child_do(&reader, begin_and_abandon,
					   self->ids[i]))
		{
			TH_LOG("MMUN_READ_BEGIN does not return");
		}
	EXPECT_EQ(0, mmun_child_end(&reader));
	mmun_remove(self->ids[0]);
	end_victim();
	mmun_remove(self->ids[1]);
}

#define expect_release(_which)                                                \
	mmun_expect_event(self->ids[_which], MMUN_EVENT_RELEASE, vma(_which), \
			  mmun_pages(VMA_PAGES))

TEST_F(oom, release_follows_when_the_victim_can_exit)
{
	expect_first_attempt();
	mmun_drain_log(self->fd);
	end_victim();
	expect_release(0);
	expect_release(1);
	EXPECT_EQ(0, mmun_query_context().out_mm_users);
}

VICTIM_FIXTURE(oom_pinned, setup_vmas(); pin_victim())

TEST_F(oom_pinned, process_mrelease_of_a_living_process_raises_no_event)
{
	EXPECT_ERRNO(EINVAL, mrelease());
	mmun_expect_no_event();
	EXPECT_EQ(VMA_PAGES, pages_present(0));
}

TEST_F(oom_pinned, each_attempt_to_reap_uses_up_one_refusal)
{
	__u32 id = self->ids[1];

	EXPECT_EQ(0, mmun_fail_nonblock(id, 4));
	EXPECT_EQ(EAGAIN, kill_and_reap());
	for (int i = 0; i < 2; i++)
		EXPECT_ERRNO(EAGAIN, mrelease());
	EXPECT_EQ(3, mmun_query_range(id).out_failed);
	EXPECT_EQ(1, mmun_fail_nonblock(id, 0));
	EXPECT_EQ(0, mrelease());
	EXPECT_EQ(3, mmun_query_range(id).out_failed);
}

TEST_F(oom_pinned, release_is_never_refused)
{
	__u32 id = self->ids[0];

	EXPECT_EQ(0, mmun_fail_nonblock(id, 5));
	end_victim();
	expect_release(0);
	EXPECT_EQ(0, mmun_query_range(id).out_failed);
	EXPECT_EQ(5, mmun_fail_nonblock(id, 0));
}

/*
 * Three ranges cover one VMA.  The range in the middle refuses, so the core
 * does not call the next range.
 *
 *   6   7   8   9
 *   |----ids[1]-----|
 *           |mid|
 *               |high|
 */
TEST_F(oom_pinned, ranges_after_the_refusing_range_are_not_called)
{
	__u32 mid = mmun_insert(mmun_page(8), self->page);
	__u32 high = mmun_insert(mmun_page(9), self->page);

	mmun_fail_nonblock(mid, 1);
	EXPECT_EQ(EAGAIN, kill_and_reap());
	EXPECT_EQ(1, mmun_query_range(self->ids[1]).out_invalidations);
	EXPECT_EQ(1, mmun_query_range(mid).out_invalidations);
	EXPECT_EQ(0, mmun_query_range(high).out_invalidations);
	EXPECT_EQ(VMA_PAGES, pages_present(1));
	EXPECT_EQ(0, mrelease());
	EXPECT_EQ(1, mmun_query_range(high).out_invalidations);
}

#define err_snapshot_first_vma(_method)                    \
	mmun_err_snapshot(EFAULT, self->ids[0], self->map, \
			  mmun_pages(VMA_PAGES), _method, 0)

/*
 * The kernel must not fault pages in after the reaper cleared the page tables.
 */
TEST_F(oom_pinned, reaped_memory_cannot_be_collected)
{
	mmun_need_feature(MMUN_FEATURE_HMM);
	EXPECT_EQ(0, kill_and_reap());
	if (mmun_is_unlocked(self->fd, MMUN_METHOD_HMM_NOFAULT))
		err_snapshot_first_vma(MMUN_METHOD_HMM_NOFAULT);
	EXPECT_EQ(0,
		  mmun_snapshot(self->ids[0], self->map, mmun_pages(VMA_PAGES),
				MMUN_METHOD_HMM_NOFAULT, MMUN_OWN_LOOP, NULL));
	err_snapshot_first_vma(MMUN_METHOD_HMM_FAULT);
	err_snapshot_first_vma(MMUN_METHOD_GUP);
}

static bool is_cgroup_memory_free(void)
{
	long used = mmun_read_number("memory.current");

	return used >= 0 && used < FREED;
}

/* Orders */

/*
 * Write to more memory than the cgroup may use, so the kernel kills the victim.
 */
static int use_up_memory(void *arg, int nr)
{
	char *map = mmap(NULL, HOG_BYTES, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	size_t i, page = sysconf(_SC_PAGESIZE);

	madvise(map, HOG_BYTES, MADV_NOHUGEPAGE);
	for (i = 0; map != MAP_FAILED && i < HOG_BYTES; i += page)
		mmun_store(map + i, 1);
	return -1;
}

static int snapshot_for_ever(void *vma, int id)
{
	struct mmun_snapshot snap =
		MMUN_SNAPSHOT_OF(id, vma, VMA_PAGES * sysconf(_SC_PAGESIZE),
				 MMUN_METHOD_GUP, MMUN_WRITE);

	for (;;)
		_mmun_snapshot(victim_fd, &snap);
	return -1;
}

/* The victim is in a cgroup, and needs more memory than the cgroup may use. */

VICTIM_FIXTURE(oom_kill, )

#define setup_cgroup(_cleanup)                \
	do {                                  \
		need_cgroup(_cleanup, LIMIT); \
		setup_vmas();                 \
		victim_must(enter_cgroup, 0); \
	} while (0)

/*
 * The kernel kills the victim while its threads take snapshots.  The victim is
 * charged for the pages that its threads fault in.
 */
TEST_F(oom_kill, ends_a_process_with_ranges_and_readers_and_frees_its_memory)
{
	struct mmun_child cleanup, reader;
	struct mmun_record r;

	setup_cgroup(&cleanup);
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, mmun_child_start_thread(&reader, &self->victim));
		reader.arg = vma(i);
		ASSERT_EQ(0, mmun_child_order(&reader, snapshot_for_ever,
					      self->ids[i]));
	}
	order_victim(use_up_memory, 0);
	expect_status(128 + SIGKILL);
	EXPECT_EQ(true, file_has("memory.events", "oom_kill 1\n"));
	for (int i = 0; i < 2; i++) {
		do {
			ASSERT_EQ(1, mmun_next_record(self->fd, &r));
		} while (r.event != MMUN_EVENT_RELEASE);
		EXPECT_EQ(self->ids[i], r.id);
		EXPECT_LT(0, mmun_query_range(self->ids[i]).out_commits);
		mmun_err_access(EFAULT, self->ids[i], vma(i), 1, 0);
	}
	EXPECT_EQ(0, mmun_query_context().out_mm_users);
	expect_soon(is_cgroup_memory_free());
	EXPECT_EQ(0, mmun_child_end(&cleanup));
}

/*
 * The victim cannot exit while its mm is pinned, so the reaper has to free the
 * memory.  The second range refuses twice, so the reaper needs three attempts.
 */
TEST_F(oom_kill, reaper_tries_again_after_a_refusal_and_frees_the_memory)
{
	struct mmun_child cleanup, thread;
	struct mmun_record r;
	int tried = 0, which;

	setup_cgroup(&cleanup);
	mmun_fail_nonblock(self->ids[1], REFUSALS);
	ASSERT_EQ(0, mmun_child_start_thread(&thread, &self->victim));
	pin_victim();
	ASSERT_EQ(0, mmun_child_order(&thread, use_up_memory, 0));
	while (tried <= REFUSALS) {
		ASSERT_EQ(1, mmun_wait_record(self->fd, MMUN_RECORD_INVALIDATE,
					      &r));
		which = r.id == self->ids[1];
		expect_reaping(r, which, which && tried < REFUSALS);
		tried += which;
	}
	EXPECT_LT(0, mmun_query_context().out_mm_users);
	expect_soon(is_cgroup_memory_free());
	/* The cgroup can report free memory before all pages are gone. */
	expect_soon(!pages_present(0) && !pages_present(1));
	end_victim();
	EXPECT_EQ(REFUSALS, mmun_query_range(self->ids[1]).out_failed);
	EXPECT_EQ(0, mmun_child_end(&cleanup));
}

MMUN_HARNESS_MAIN
