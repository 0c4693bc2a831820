// SPDX-License-Identifier: GPL-2.0
/*
 * Out of memory: the reaper frees the memory of a dying process and must not
 * wait.  Most tests reap with process_mrelease(2), which makes each step
 * visible.  The last two tests exhaust the memory of a cgroup.
 */
#include "lib/victim.h"

/*
 * Two VMAs with a range over each
 *
 *   0   1   2   3   4   5   6   7   8   9
 *   |----ids[0]-----|       |----ids[1]-----|
 */
#define VMA_PAGES 4

static const struct victim_span spans[] = {
	{ 0, VMA_PAGES },
	{ 6, VMA_PAGES },
};

#define CGROUP "/sys/fs/cgroup"
#define LIMIT (24L << 20)
#define HOG_BYTES (4 * LIMIT)
#define FREED (LIMIT / 4) /* the memory is free when less than this is used */
#define REFUSALS 2

#define NO_MEMORY_CONTROLLER              \
	"no memory controller in " CGROUP \
	": mount cgroup2 there, build with CONFIG_MEMCG"

static int map_vmas(void *arg, int nr)
{
	struct victim *victim = arg;

	if (!mmun_map_filled(victim_at(victim, 0), VMA_PAGES))
		return -1;
	if (!mmun_map_filled(victim_at(victim, 1), VMA_PAGES))
		return -1;
	return 0;
}

/* The mm of the victim stays after SIGKILL until MMUN_UNPIN_MM. */
static int pin_mm(void *arg, int nr)
{
	struct victim *victim = arg;
	struct mmun_info info;
	__u32 unpinned;

	if (_mmun_info(victim->fd, &info))
		return -1;
	return _mmun_pin_mm(victim->fd, info.out_max_pin_ms, &unpinned);
}

static int mrelease(const struct victim *victim)
{
	return syscall(SYS_process_mrelease, victim->child.pidfd, 0);
}

/* Returns the number of pages of the VMA that are present, or -1. */
static int pages_present(const struct victim *victim, int which)
{
	size_t page = sysconf(_SC_PAGESIZE);
	int i, present = 0;
	__u64 entry;

	for (i = 0; i < VMA_PAGES; i++) {
		if (mmun_pagemap_of(victim->child.pid,
				    victim_at(victim, which) + i * page,
				    &entry))
			return -1;
		present += entry >> 63;
	}
	return present;
}

/*
 * Returns whether the reaper caused the record.  The reaper must not wait, and
 * invalidates the whole VMA.  The event is UNMAP before 7.1.  Since 7.1 it is
 * CLEAR, because the VMA stays.
 */
static bool is_reaping(const struct mmun_record *r, const struct victim *victim,
		       int which, bool refused)
{
	__u64 start = mmun_u64(victim_at(victim, which));
	__u64 end = start + victim_length(victim, which);

	return r->type == MMUN_RECORD_INVALIDATE &&
	       r->id == victim->ids[which] &&
	       r->flags == (refused ? MMUN_RECORD_FAILED : 0) &&
	       (r->event == MMUN_EVENT_UNMAP || r->event == MMUN_EVENT_CLEAR) &&
	       r->start == start && r->end == end && r->clip_start == start &&
	       r->clip_end == end;
}

/*
 * Expect that one attempt to reap writes the next two records, one for each
 * range.  Some kernels walk the VMAs upwards, and other kernels walk them
 * downwards.
 */
#define expect_attempt(_refused0, _refused1)                                 \
	do {                                                                 \
		const bool __refused[] = { _refused0, _refused1 };           \
		struct mmun_record __r[2] = {};                              \
		int __i, __which;                                            \
		for (__i = 0; __i < 2; __i++) {                              \
			ASSERT_EQ(1, mmun_next_record(self->fd, &__r[__i])); \
			__which = __r[__i].id == self->victim.ids[1];        \
			EXPECT_EQ(true,                                      \
				  is_reaping(&__r[__i], &self->victim,       \
					     __which, __refused[__which]))   \
			{                                                    \
				mmun_print_record(&__r[__i]);                \
			}                                                    \
		}                                                            \
		EXPECT_NE(__r[0].id, __r[1].id);                             \
	} while (0)

/* Start a victim that has pinned its mm. */
#define setup_pinned_victim()                                                \
	do {                                                                 \
		struct mmun_record __pin = {};                               \
		setup_victim(spans, map_vmas);                               \
		ASSERT_EQ(0,                                                 \
			  mmun_child_order(&self->victim.child, pin_mm, 0)); \
		ASSERT_EQ(1, mmun_wait_record(self->fd, MMUN_RECORD_PIN,     \
					      &__pin));                      \
	} while (0)

#define kill_victim() \
	ASSERT_EQ(0, mmun_child_signal(&self->victim.child, SIGKILL))

/* Returns the errno of process_mrelease(). */
#define kill_and_reap()                              \
	({                                           \
		kill_victim();                       \
		mrelease(&self->victim) ? errno : 0; \
	})

/*
 * Kill the victim and unpin its mm, so that the victim exits.  The victim may
 * have been killed before.
 */
#define end_victim()                                                 \
	do {                                                         \
		__u32 __count;                                       \
		kill_victim();                                       \
		ASSERT_EQ(0, _mmun_unpin_mm(self->fd, 0, &__count)); \
		EXPECT_EQ(1, __count);                               \
		EXPECT_EQ(128 + SIGKILL,                             \
			  mmun_child_wait(&self->victim.child));     \
	} while (0)

FIXTURE(oom)
{
	VICTIM_FIXTURE;
};

/* @refuses: whether the range refuses the first attempt */
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

FIXTURE_SETUP(oom)
{
	int i;

	setup_pinned_victim();
	for (i = 0; i < 2; i++)
		mmun_fail_nonblock(self->victim.ids[i], variant->refuses[i]);
}

FIXTURE_TEARDOWN(oom)
{
	teardown_victim();
}

#define expect_first_attempt()                                             \
	EXPECT_EQ(variant->refuses[0] || variant->refuses[1] ? EAGAIN : 0, \
		  kill_and_reap())

TEST_F(oom, process_mrelease_passes_each_vma_and_must_not_wait)
{
	expect_first_attempt();
	expect_attempt(variant->refuses[0], variant->refuses[1]);
	mmun_expect_no_event();
	end_victim();
}

TEST_F(oom, process_mrelease_frees_the_memory_of_accepting_ranges_only)
{
	int i;

	for (i = 0; i < 2; i++)
		EXPECT_EQ(VMA_PAGES, pages_present(&self->victim, i));
	expect_first_attempt();
	for (i = 0; i < 2; i++)
		EXPECT_EQ(variant->refuses[i] ? VMA_PAGES : 0,
			  pages_present(&self->victim, i));
	end_victim();
}

TEST_F(oom, device_keeps_refused_pages_and_loses_the_others)
{
	__u32 *ids = self->victim.ids;
	char *vma;
	int i;

	for (i = 0; i < 2; i++)
		mmun_snapshot(ids[i], victim_at(&self->victim, i),
			      victim_length(&self->victim, i), MMUN_METHOD_GUP,
			      MMUN_WRITE, NULL);
	expect_first_attempt();
	for (i = 0; i < 2; i++) {
		vma = victim_at(&self->victim, i);
		if (!variant->refuses[i]) {
			mmun_err_access(EFAULT, ids[i], vma, 1, 0);
			continue;
		}
		EXPECT_EQ(1, mmun_device_byte(ids[i], vma));
		mmun_verify_if_hmm(ids[i], VMA_PAGES);
	}
	end_victim();
}

TEST_F(oom, second_mrelease_frees_what_the_first_left)
{
	struct mmun_query_range range;
	int i;

	expect_first_attempt();
	mmun_drain_log(self->fd);
	EXPECT_EQ(0, mrelease(&self->victim));
	expect_attempt(false, false);
	for (i = 0; i < 2; i++) {
		range = mmun_query_range(self->victim.ids[i]);
		EXPECT_EQ(variant->refuses[i], range.out_failed);
		EXPECT_EQ(2, range.out_invalidations);
		EXPECT_EQ(0, pages_present(&self->victim, i));
	}
	end_victim();
}

TEST_F(oom, open_batch_collides_whether_refused_or_not)
{
	struct mmun_token tokens[2];
	int i;

	for (i = 0; i < 2; i++)
		tokens[i] = mmun_read_begin(self->victim.ids[i]);
	expect_first_attempt();
	for (i = 0; i < 2; i++)
		EXPECT_EQ(1, mmun_commit(tokens[i]));
	end_victim();
}

/*
 * The child makes this call, because the call never returns if the mm is out of
 * balance.
 */
static int begin_and_abandon(void *arg, int which)
{
	struct victim *victim = arg;
	struct mmun_token token;

	return _mmun_read_begin(victim->fd, victim->ids[which], &token) ?:
		       _mmun_abandon(victim->fd, token);
}

TEST_F(oom, leaves_the_mm_balanced_whether_refused_or_not)
{
	struct mmun_child reader;
	int i;

	expect_first_attempt();
	ASSERT_EQ(0, mmun_child_start(&reader, &self->victim));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, mmun_child_do(&reader, begin_and_abandon, i))
		{
			TH_LOG("MMUN_READ_BEGIN does not return");
		}
	EXPECT_EQ(0, mmun_child_end(&reader));
	mmun_remove(self->victim.ids[0]);
	end_victim();
	mmun_remove(self->victim.ids[1]);
}

TEST_F(oom, release_follows_when_the_victim_can_exit)
{
	expect_first_attempt();
	mmun_drain_log(self->fd);
	end_victim();
	expect_victim_event(0, MMUN_EVENT_RELEASE);
	expect_victim_event(1, MMUN_EVENT_RELEASE);
	EXPECT_EQ(0, mmun_query_context().out_mm_users);
}

FIXTURE(oom_pinned)
{
	VICTIM_FIXTURE;
};

FIXTURE_SETUP(oom_pinned)
{
	setup_pinned_victim();
}

FIXTURE_TEARDOWN(oom_pinned)
{
	teardown_victim();
}

TEST_F(oom_pinned, process_mrelease_of_a_living_process_raises_nothing)
{
	EXPECT_ERRNO(EINVAL, mrelease(&self->victim));
	mmun_expect_no_event();
	EXPECT_EQ(VMA_PAGES, pages_present(&self->victim, 0));
	end_victim();
}

TEST_F(oom_pinned, refusals_are_used_up_one_by_one)
{
	__u32 id = self->victim.ids[1];
	int i;

	EXPECT_EQ(0, mmun_fail_nonblock(id, 4));
	EXPECT_EQ(EAGAIN, kill_and_reap());
	for (i = 0; i < 2; i++)
		EXPECT_ERRNO(EAGAIN, mrelease(&self->victim));
	EXPECT_EQ(3, mmun_query_range(id).out_failed);
	EXPECT_EQ(1, mmun_fail_nonblock(id, 0));
	EXPECT_EQ(0, mrelease(&self->victim));
	EXPECT_EQ(3, mmun_query_range(id).out_failed);
	end_victim();
}

TEST_F(oom_pinned, release_is_never_refused)
{
	__u32 id = self->victim.ids[0];

	EXPECT_EQ(0, mmun_fail_nonblock(id, 5));
	end_victim();
	expect_victim_event(0, MMUN_EVENT_RELEASE);
	EXPECT_EQ(0, mmun_query_range(id).out_failed);
	EXPECT_EQ(5, mmun_fail_nonblock(id, 0));
}

/*
 * Three ranges cover one VMA.  The range in the middle refuses, which ends the
 * walk.
 *
 *   6   7   8   9
 *   |----ids[1]-----|
 *           |mid|
 *               |high|
 */
TEST_F(oom_pinned, ranges_behind_the_refusing_one_are_not_called)
{
	char *vma = victim_at(&self->victim, 1);
	__u32 mid = mmun_insert(vma + mmun_pages(2), self->page);
	__u32 high = mmun_insert(vma + mmun_pages(3), self->page);

	mmun_fail_nonblock(mid, 1);
	EXPECT_EQ(EAGAIN, kill_and_reap());
	EXPECT_EQ(1, mmun_query_range(self->victim.ids[1]).out_invalidations);
	EXPECT_EQ(1, mmun_query_range(mid).out_invalidations);
	EXPECT_EQ(0, mmun_query_range(high).out_invalidations);
	EXPECT_EQ(VMA_PAGES, pages_present(&self->victim, 1));
	EXPECT_EQ(0, mrelease(&self->victim));
	EXPECT_EQ(1, mmun_query_range(high).out_invalidations);
	end_victim();
}

#define err_snapshot_first_vma(_method)                           \
	mmun_err_snapshot(EFAULT, self->victim.ids[0], self->map, \
			  victim_length(&self->victim, 0), _method, 0)

/* The kernel must not trust page tables that the reaper has cleared. */
TEST_F(oom_pinned, memory_that_was_reaped_cannot_be_collected_again)
{
	mmun_need_feature(MMUN_FEATURE_HMM);
	EXPECT_EQ(0, kill_and_reap());
	if (mmun_is_unlocked(self->fd, MMUN_METHOD_HMM_NOFAULT))
		err_snapshot_first_vma(MMUN_METHOD_HMM_NOFAULT);
	EXPECT_EQ(0,
		  mmun_snapshot(self->victim.ids[0], self->map,
				victim_length(&self->victim, 0),
				MMUN_METHOD_HMM_NOFAULT, MMUN_OWN_LOOP, NULL));
	err_snapshot_first_vma(MMUN_METHOD_HMM_FAULT);
	err_snapshot_first_vma(MMUN_METHOD_GUP);
	end_victim();
}

/* A memory cgroup for the victim.  Its directory is the current directory. */

static char cgroup[64];

/* Returns whether the text of a file contains the word. */
static bool file_has(const char *path, const char *word)
{
	char text[1024];

	return !mmun_read_file(path, text, sizeof(text)) && strstr(text, word);
}

/*
 * A process that outlives the test calls this function.  Returns 0 if nothing
 * is left.
 */
static int cgroup_remove(void *disable, int nr)
{
	int tries;

	mmun_write_file("cgroup.kill", "1");
	for (tries = 0; rmdir(cgroup) && tries < 1000; tries++)
		poll(NULL, 0, 10);
	if (disable)
		mmun_write_file(CGROUP "/cgroup.subtree_control", "-memory");
	return !access(cgroup, F_OK);
}

static int cgroup_create(struct mmun_child *cleanup)
{
	bool enable = !file_has(CGROUP "/cgroup.subtree_control", "memory");

	if (enable &&
	    mmun_write_file(CGROUP "/cgroup.subtree_control", "+memory"))
		return -1;
	snprintf(cgroup, sizeof(cgroup), CGROUP "/mmun-%d", getpid());
	if (mkdir(cgroup, 0755) || chdir(cgroup) ||
	    mmun_cleanup_start(cleanup, cgroup_remove,
			       enable ? cgroup : NULL) ||
	    mmun_write_number("memory.max", LIMIT))
		return -1;
	/* A kernel without swap lacks this file. */
	mmun_write_file("memory.swap.max", "0");
	return 0;
}

static bool is_cgroup_memory_free(const struct victim *victim)
{
	long used = mmun_read_number("memory.current");

	return used >= 0 && used < FREED;
}

static bool are_pages_gone(const struct victim *victim)
{
	return !pages_present(victim, 0) && !pages_present(victim, 1);
}

/* Returns whether the condition becomes true in time. */
static bool wait_until(bool (*is_true)(const struct victim *victim),
		       const struct victim *victim)
{
	int tries;

	for (tries = 0; tries < MMUN_PATIENCE_MS / 10; tries++) {
		if (is_true(victim))
			return true;
		poll(NULL, 0, 10);
	}
	return false;
}

/* Orders */

static int enter_cgroup(void *arg, int nr)
{
	return mmun_write_file("/proc/self/oom_score_adj", "0") ?:
		       mmun_write_file("cgroup.procs", "0");
}

/*
 * Write to more memory than the cgroup allows, so that the kernel kills the
 * victim.
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

static int snapshot_for_ever(void *arg, int which)
{
	struct victim *victim = arg;
	struct mmun_snapshot snap;

	snap = MMUN_SNAPSHOT_OF(victim->ids[which], victim_at(victim, which),
				victim_length(victim, which), MMUN_METHOD_GUP,
				MMUN_WRITE);
	for (;;)
		_mmun_snapshot(victim->fd, &snap);
	return -1;
}

/* A victim in a cgroup that has not enough memory for it */

FIXTURE(oom_kill)
{
	VICTIM_FIXTURE;
	bool has_cgroup;
	struct mmun_child cleanup;
};

FIXTURE_SETUP(oom_kill)
{
	self->fd = -1;
	self->has_cgroup = file_has(CGROUP "/cgroup.controllers", "memory");
	if (!self->has_cgroup)
		return;
	ASSERT_EQ(0, cgroup_create(&self->cleanup));
	setup_victim(spans, map_vmas);
	ASSERT_EQ(0, mmun_child_do(&self->victim.child, enter_cgroup, 0));
}

FIXTURE_TEARDOWN(oom_kill)
{
	teardown_victim();
}

#define need_cgroup()                                       \
	do {                                                \
		if (!self->has_cgroup)                      \
			SKIP(return, NO_MEMORY_CONTROLLER); \
	} while (0)

/*
 * The kernel kills the victim while its threads take snapshots.  The pages that
 * the threads fault in also count as memory of the victim.
 */
TEST_F(oom_kill, ends_a_process_with_ranges_and_readers_and_frees_its_memory)
{
	struct victim *victim = &self->victim;
	struct mmun_child reader;
	struct mmun_record r;
	int i;

	need_cgroup();
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, mmun_child_start_thread(&reader, &victim->child));
		ASSERT_EQ(0, mmun_child_order(&reader, snapshot_for_ever, i));
	}
	ASSERT_EQ(0, mmun_child_order(&victim->child, use_up_memory, 0));
	ASSERT_EQ(128 + SIGKILL, mmun_child_wait(&victim->child));
	EXPECT_EQ(true, file_has("memory.events", "oom_kill 1\n"));
	for (i = 0; i < 2; i++) {
		do {
			ASSERT_EQ(1, mmun_next_record(self->fd, &r));
		} while (r.event != MMUN_EVENT_RELEASE);
		EXPECT_EQ(victim->ids[i], r.id);
		EXPECT_LT(0, mmun_query_range(victim->ids[i]).out_commits);
		mmun_err_access(EFAULT, victim->ids[i], victim_at(victim, i), 1,
				0);
	}
	EXPECT_EQ(0, mmun_query_context().out_mm_users);
	EXPECT_EQ(true, wait_until(is_cgroup_memory_free, victim));
	EXPECT_EQ(0, mmun_child_end(&self->cleanup));
}

/*
 * The victim cannot exit while its mm is pinned, so the reaper has to free the
 * memory.  The second range refuses twice, so the reaper needs three attempts.
 */
TEST_F(oom_kill, reaper_tries_again_after_a_refusal_and_frees_the_memory)
{
	struct victim *victim = &self->victim;
	struct mmun_child thread;
	struct mmun_record r;
	int tried = 0, which;
	__u32 count;

	need_cgroup();
	mmun_fail_nonblock(victim->ids[1], REFUSALS);
	ASSERT_EQ(0, mmun_child_start_thread(&thread, &victim->child));
	ASSERT_EQ(0, mmun_child_order(&victim->child, pin_mm, 0));
	ASSERT_EQ(1, mmun_wait_record(self->fd, MMUN_RECORD_PIN, &r));
	ASSERT_EQ(0, mmun_child_order(&thread, use_up_memory, 0));
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
	EXPECT_EQ(true, wait_until(is_cgroup_memory_free, victim));
	/* The memory is counted as free before the last page is gone. */
	EXPECT_EQ(true, wait_until(are_pages_gone, victim));
	ASSERT_EQ(0, _mmun_unpin_mm(self->fd, 0, &count));
	EXPECT_EQ(128 + SIGKILL, mmun_child_wait(&victim->child));
	EXPECT_EQ(REFUSALS, mmun_query_range(victim->ids[1]).out_failed);
	EXPECT_EQ(0, mmun_child_end(&self->cleanup));
}

MMUN_HARNESS_MAIN
