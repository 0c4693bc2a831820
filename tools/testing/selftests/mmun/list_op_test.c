// SPDX-License-Identifier: GPL-2.0
/*
 * Tests the callbacks of list notifiers: each callback that the kernel has, and
 * what in mm/ calls it.
 */
#include "lib/cgroup.h"
#include "lib/hugetlb.h"
#include "lib/list.h"
#include "lib/setting.h"

#define BIT(_op) MMUN_LIST_BIT(MMUN_LIST_##_op)
#define ALL_OPS ((1U << MMUN_LIST_OPS) - 1)

LIST_PLAIN_FIXTURE(list_op, )

/* The interface */

TEST_F(list_op, each_callback_registers_if_the_kernel_has_it)
{
	const __u32 has = list_do(INFO, info, ).out_ops;

	EXPECT_EQ(ALL_OPS & ~BIT(CHANGE_PTE), has & ~BIT(CHANGE_PTE));
	for (__u32 op = 0; op < MMUN_LIST_OPS; op++) {
		if (has & MMUN_LIST_BIT(op))
			list_unregister(list_register(MMUN_LIST_BIT(op)));
		else
			list_err(EOPNOTSUPP, REGISTER, register,
				 .ops = MMUN_LIST_BIT(op));
	}
}

TEST_F(list_op, secondary_tlb_cannot_come_with_start_or_end)
{
	const struct mmun_list_info info = list_do(INFO, info, );
	const __u32 with[] = { BIT(START), BIT(END), LIST_BOTH };

	for (int i = 0; i < ARRAY_SIZE(with); i++) {
		const __u32 ops = BIT(SECONDARY_TLB) | with[i];

		if (info.out_exclusive & with[i])
			list_err(EOPNOTSUPP, REGISTER, register, .ops = ops);
		else
			list_unregister(list_register(ops));
	}
}

/* The core itself refuses and warns, except older kernels, which do not check. */
TEST_F(list_op, warning_if_secondary_tlb_comes_with_start_or_end)
{
	const __u32 with[] = { BIT(START), BIT(END), LIST_BOTH };
	const __u64 registered = list_query().out_registered;
	__u32 id;

	mmun_need_warnings();
	mmun_skip_if(!list_do(INFO, info, ).out_exclusive,
		     "the kernel does not check");
	for (int i = 0; i < ARRAY_SIZE(with); i++)
		list_err(EINVAL, REGISTER, register,
			 .ops = BIT(SECONDARY_TLB) | with[i],
			 .flags = MMUN_LIST_FORCE);
	EXPECT_EQ(registered, list_query().out_registered);
	id = list_register_with(BIT(SECONDARY_TLB), MMUN_LIST_FORCE);
	list_unregister(id);
}

TEST_F(list_op, notifier_without_callbacks_is_never_called)
{
	const __u32 id = list_register(0);
	static struct list_log log;

	ASSERT_EQ(0, mmun_child_do(&self->victim, list_munmap, 0));
	EXPECT_EQ(1, list_state(id).out_hashed);
	list_unregister(id);
	list_read_log(self->list, &log);
	EXPECT_EQ(0, log.nr);
}

TEST(list_open_needs_a_privilege)
{
	ASSERT_EQ(0, mmun_drop_sys_admin());
	EXPECT_ERRNO(EPERM, list_open());
}

TEST_F(list_op, wrong_arguments_are_refused)
{
	const __u32 id = list_register(BIT(TEST_YOUNG) | LIST_BOTH);
	struct mmun_list_record r;

	EXPECT_ERRNO(ENOTTY, ioctl(self->list, MMUN_LIST_INFO + 0x10, &r));
	EXPECT_ERRNO(EFAULT, ioctl(self->list, MMUN_LIST_INFO, NULL));
	list_err(EINVAL, REGISTER, register, .ops = ALL_OPS + 1);
	list_err(EINVAL, REGISTER, register, .flags = 4);
	list_err(EINVAL, GET, get, .key = MMUN_LIST_KEYS);
	list_err(EINVAL, GET, get, .flags = 8);
	list_err(EINVAL, MAP_GET, map, .key = MMUN_LIST_KEYS);
	list_err(EINVAL, MAP_GET, map, .mode = 3);
	list_err(EINVAL, HOLD, hold, .id = id, .op = MMUN_LIST_START);
	list_err(EINVAL, HOLD, hold, .id = id, .op = MMUN_LIST_RELEASE,
		 .timeout_ms = 1);
	list_err(EINVAL, ANSWER, answer, .id = id, .op = MMUN_LIST_OPS);
	list_err(ENOENT, UNREGISTER, unregister, .id = id + 1);
	list_err(ENOENT, PUT, put, .id = id);
	list_err(ENOENT, MAP_PUT, map, .id = id);
	list_err(ENOENT, STATE, state, .id = id + 1);
	list_err(ENOENT, WAIT_HELD, wait_held, .hold = -1);
	list_err(ENOENT, RESUME, resume, .hold = -1);
	EXPECT_ERRNO(EINVAL, read(self->list, &r, sizeof(r) - 1));
	EXPECT_EQ(0, read(self->list, &r, sizeof(r)));
}

/* A task that stops there would stop other tasks, or would have a spinlock. */
TEST_F(list_op, no_task_can_be_held_under_a_spinlock)
{
	const __u32 ops[] = {
		MMUN_LIST_CLEAR_FLUSH_YOUNG,
		MMUN_LIST_CLEAR_YOUNG,
		MMUN_LIST_TEST_YOUNG,
		MMUN_LIST_CHANGE_PTE,
		MMUN_LIST_SECONDARY_TLB,
		MMUN_LIST_ALLOC,
		MMUN_LIST_FREE,
	};
	const __u32 id = list_register(BIT(TEST_YOUNG));

	for (int i = 0; i < ARRAY_SIZE(ops); i++)
		list_err(EOPNOTSUPP, HOLD, hold, .id = id, .op = ops[i],
			 .timeout_ms = 1);
}

/* The core warns if a notifier refuses an invalidation that it must end. */
TEST_F(list_op, notifier_with_an_end_cannot_refuse)
{
	const __u32 both = list_register(LIST_BOTH);
	const __u32 start = list_register(BIT(START));

	list_err(EOPNOTSUPP, ANSWER, answer, .id = both, .op = MMUN_LIST_START,
		 .count = 1);
	EXPECT_EQ(0, list_answer(start, MMUN_LIST_START, 3));
	EXPECT_EQ(3, list_answer(start, MMUN_LIST_START, 0));
}

TEST_F(list_op, hold_ends_when_its_time_is_over)
{
	const __u32 id = list_register(LIST_BOTH);
	const __u32 at = list_do(HOLD, hold, .id = id, .op = MMUN_LIST_START,
				 .timeout_ms = 1)
				 .out_hold;

	EXPECT_EQ(MMUN_LIST_OVER, list_do(WAIT_HELD, wait_held, .hold = at,
					  .timeout_ms = MMUN_HOLD_MS)
					  .out_state);
	ASSERT_EQ(0, mmun_child_do(&self->victim, list_munmap, 0));
	EXPECT_EQ(0, list_do(RESUME, resume, .hold = at).out_resumed);
}

TEST_F(list_op, hold_of_a_full_context_is_enospc)
{
	const __u32 id = list_register(LIST_BOTH);
	__u32 at = 0;

	for (int i = 0; i < MMUN_LIST_MAX_HOLDS; i++)
		at = list_hold(id, MMUN_LIST_START, 0);
	list_err(ENOSPC, HOLD, hold, .id = id, .op = MMUN_LIST_START,
		 .timeout_ms = MMUN_HOLD_MS);
	EXPECT_EQ(0, list_do(RESUME, resume, .hold = at).out_resumed);
	list_hold(id, MMUN_LIST_END, 0);
	list_err(ENOSPC, HOLD, hold, .id = id, .op = MMUN_LIST_START,
		 .timeout_ms = MMUN_HOLD_MS);
}

/* An order: invalidate the first page @nr times. */
static int dontneed_often(void *map, int nr)
{
	while (nr--)
		if (list_dontneed(map, 0))
			return -1;
	return 0;
}

TEST_F(list_op, log_drops_its_oldest_records)
{
	const __u32 id = list_register(LIST_BOTH);
	static struct list_log log;

	ASSERT_EQ(0, mmun_child_do(&self->victim, dontneed_often,
				   MMUN_LIST_LOG_RECORDS / 2 + 1));
	EXPECT_EQ(2, list_query().out_lost);
	list_read_log(self->list, &log);
	ASSERT_LT(0, log.nr);
	EXPECT_EQ(2, log.records[0].sequence);
	EXPECT_EQ(id, log.records[0].id);
}

/* release() */

TEST_F(list_op, exit_calls_release_once_and_takes_the_notifier_out)
{
	const __u32 id = list_register(BIT(RELEASE));
	static struct list_log log;

	EXPECT_EQ(1, list_state(id).out_hashed);
	ASSERT_EQ(0, mmun_child_order(&self->victim, victim_exit, 0));
	expect_status(0);
	list_read_log(self->list, &log);
	EXPECT_EQ(1, list_count(&log, id, MMUN_LIST_RELEASE));
	EXPECT_EQ(1, log.nr);
	EXPECT_EQ(self->victim.pid, log.records[0].tgid);
	EXPECT_EQ(0, list_state(id).out_hashed);
	list_unregister(id);
	list_read_log(self->list, &log);
	EXPECT_EQ(0, log.nr);
	list_err(ESRCH, REGISTER, register, .ops = LIST_BOTH);
	list_err(ESRCH, GET, get, .key = 0);
}

TEST_F(list_op, unregister_calls_release_in_its_own_task)
{
	const __u32 id = list_register(BIT(RELEASE));
	static struct list_log log;

	list_unregister(id);
	list_err(ENOENT, STATE, state, .id = id);
	list_read_log(self->list, &log);
	EXPECT_EQ(1, log.nr);
	EXPECT_EQ(true, list_is(&log.records[0], id, MMUN_LIST_RELEASE));
	EXPECT_EQ(mmun_gettid(), log.records[0].tid);
	ASSERT_EQ(0, mmun_child_order(&self->victim, victim_exit, 0));
	expect_status(0);
	list_read_log(self->list, &log);
	EXPECT_EQ(0, log.nr);
}

/* Invalidations */

/* An order that invalidates page @nr, and what it does to the page. */
struct change {
	mmun_order_fn order;
	int nr;
	__u32 event;
	bool is_unmapped;
};

static const struct change changes[] = {
	{ list_dontneed, 0, MMUN_LIST_EVENT_CLEAR, true },
	{ list_readonly, 1, MMUN_LIST_EVENT_PROTECTION_VMA, false },
	{ list_cow, 2, MMUN_LIST_EVENT_CLEAR, false },
	{ list_protect, 3, MMUN_LIST_EVENT_PROTECTION_VMA, true },
	{ list_munmap, 4, MMUN_LIST_EVENT_UNMAP, true },
};

/*
 * Returns the index of the end of the start @first: the next record of the same
 * notifier and thread.  Returns -1 if this is not an equal end.
 */
static int find_end(const struct list_log *log, int first)
{
	const struct mmun_list_record *start = &log->records[first];

	for (int i = first + 1; i < log->nr; i++) {
		const struct mmun_list_record *r = &log->records[i];

		if (r->id != start->id || r->tid != start->tid)
			continue;
		return r->op == MMUN_LIST_END && r->start == start->start &&
				       r->end == start->end &&
				       r->event == start->event ?
			       i :
			       -1;
	}
	return -1;
}

static bool covers(const struct mmun_list_record *r, const char *at, size_t n)
{
	return r->start <= mmun_u64(at) && r->end >= mmun_u64(at) + n;
}

/* Returns the last start of notifier @id with the event that covers the page. */
static int find_change(const struct list_log *log, __u32 id, const char *at,
		       __u32 event)
{
	int found = -1;

	for (int i = 0; i < log->nr; i++)
		if (list_is(&log->records[i], id, MMUN_LIST_START) &&
		    log->records[i].event == event &&
		    covers(&log->records[i], at, sysconf(_SC_PAGESIZE)))
			found = i;
	return found;
}

/* Expect that the notifier has seen each invalidation from start to end. */
#define expect_paired(_id)                                          \
	do {                                                        \
		const struct mmun_list_state __s = list_state(_id); \
		EXPECT_EQ(0, __s.out_active);                       \
		EXPECT_EQ(0, __s.out_unpaired);                     \
		EXPECT_EQ(__s.out_calls[MMUN_LIST_START],           \
			  __s.out_calls[MMUN_LIST_END]);            \
	} while (0)

TEST_F(list_op, each_start_has_one_end_with_the_same_interval_and_event)
{
	const __u32 id = list_register(LIST_BOTH);
	static struct list_log log;
	int start;

	for (int i = 0; i < ARRAY_SIZE(changes); i++) {
		const struct change *c = &changes[i];

		ASSERT_EQ(0, mmun_child_do(&self->victim, c->order, c->nr));
		list_read_log(self->list, &log);
		start = find_change(&log, id, mmun_page(c->nr), c->event);
		ASSERT_LE(0, start)
		{
			TH_LOG("no start of change %d", i);
			list_print(&log);
		}
		EXPECT_LT(start, find_end(&log, start));
		EXPECT_EQ(MMUN_LIST_RECORD_BLOCKABLE, log.records[start].flags);
		EXPECT_EQ(list_count(&log, id, MMUN_LIST_START),
			  list_count(&log, id, MMUN_LIST_END));
	}
	expect_paired(id);
}

#define NO_WALK \
	"User-Mode Linux has no get_user_pages_fast_only(): needs CONFIG_X86"

/*
 * What a driver can do in the end callback: the page tables are as the
 * invalidation leaves them.  At the start they are as before.
 */
TEST_F(list_op, start_finds_the_old_page_and_end_finds_the_new_one)
{
	const __u32 id = list_register_with(LIST_BOTH, MMUN_LIST_READ);
	static struct list_log log;

	mmun_skip_if(mmun_is_uml(), NO_WALK);
	for (int i = 0; i < ARRAY_SIZE(changes); i++) {
		const struct change *c = &changes[i];
		int start, end;

		ASSERT_EQ(0, mmun_child_do(&self->victim, c->order, c->nr));
		list_read_log(self->list, &log);
		start = find_change(&log, id, mmun_page(c->nr), c->event);
		ASSERT_LE(0, start);
		end = find_end(&log, start);
		ASSERT_LE(0, end);
		/* mmun_fill() has written the number of the page, from 1. */
		EXPECT_EQ(c->nr + 1, log.records[start].byte);
		EXPECT_EQ(c->is_unmapped ? -1 : c->nr + 1,
			  log.records[end].byte)
		{
			TH_LOG("change %d", i);
		}
	}
}

TEST_F(list_op, latest_notifier_is_called_first_at_start_and_at_end)
{
	const __u32 first = list_register(LIST_BOTH);
	const __u32 second = list_register(LIST_BOTH);
	const __u32 expected[] = { second, first, second, first };
	static struct list_log log;

	ASSERT_EQ(0, mmun_child_do(&self->victim, list_dontneed, 0));
	list_read_log(self->list, &log);
	ASSERT_EQ(4, log.nr);
	for (int i = 0; i < 4; i++) {
		EXPECT_EQ(expected[i], log.records[i].id);
		EXPECT_EQ(i < 2 ? MMUN_LIST_START : MMUN_LIST_END,
			  log.records[i].op);
	}
}

/* Invalidations inside of another one of the same task: huge pages */

FIXTURE(list_nested)
{
	LIST_FIXTURE;
	struct setting pool;
	bool has_pool;
};

FIXTURE_SETUP(list_nested)
{
	/* A process that restores a setting must not have the device. */
	self->has_pool = fill_pool(&self->pool, POOL_PAGES);
	setup_list();
}

FIXTURE_TEARDOWN(list_nested)
{
	teardown_list();
	EXPECT_EQ(0, setting_restore(&self->pool));
}

static char *nested_map;

/* Orders: map a huge page, or two pages of hugetlb. */

static int nested_map_huge(void *map, int nr)
{
	nested_map = mmun_map_filled(mmun_arena_aligned(HUGE_SIZE, HUGE_SIZE),
				     HUGE_SIZE / sysconf(_SC_PAGESIZE));
	if (!nested_map)
		return -1;
	madvise(nested_map, HUGE_SIZE, MADV_HUGEPAGE);
	return mmun_collapse(nested_map) ? -1 : 0;
}

static int nested_map_hugetlb(void *map, int nr)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB;
	void *p = mmap(NULL, 2 * HUGE_SIZE, PROT_READ | PROT_WRITE,
		       HUGETLB(flags), -1, 0);

	if (p == MAP_FAILED)
		return -1;
	nested_map = p;
	mmun_store(nested_map, 1);
	mmun_store(nested_map + HUGE_SIZE, 1);
	return 0;
}

/* Orders on the first @nr pages */

static int nested_dontneed(void *map, int nr)
{
	return madvise(nested_map, nr * sysconf(_SC_PAGESIZE), MADV_DONTNEED);
}

static int nested_munmap(void *map, int nr)
{
	return munmap(nested_map, nr * sysconf(_SC_PAGESIZE));
}

static bool is_end_of(const struct mmun_list_record *end,
		      const struct mmun_list_record *start)
{
	return end->op == MMUN_LIST_END && end->start == start->start &&
	       end->end == start->end && end->event == start->event;
}

#define MOST_NESTED 8

/*
 * Returns the largest number of invalidations that were active at once, or -1 if
 * an end is not the end of the latest start that has not ended.
 */
static int nesting_of(const struct list_log *log, __u32 id)
{
	const struct mmun_list_record *open[MOST_NESTED];
	int nr = 0, most = 0;

	for (int i = 0; i < log->nr; i++) {
		const struct mmun_list_record *r = &log->records[i];

		if (r->id != id)
			continue;
		if (r->op == MMUN_LIST_START && nr < MOST_NESTED)
			open[nr++] = r;
		else if (!nr || !is_end_of(r, open[--nr]))
			return -1;
		most = nr > most ? nr : most;
	}
	return nr ? -1 : most;
}

/* Order the change.  Evaluates to the number of nested invalidations. */
#define nested_do(_id, _order, _nr)                                      \
	({                                                               \
		static struct list_log __log;                            \
		int __nesting;                                           \
		list_drain(self->list);                                  \
		ASSERT_EQ(0, mmun_child_do(&self->victim, _order, _nr)); \
		list_read_log(self->list, &__log);                       \
		__nesting = nesting_of(&__log, _id);                     \
		expect_paired(_id);                                      \
		if (__nesting < 1)                                       \
			list_print(&__log);                              \
		__nesting;                                               \
	})

TEST_F(list_nested, split_of_a_huge_page_starts_and_ends_inside_of_another)
{
	const __u32 id = list_register(LIST_BOTH);

	mmun_skip_if(mmun_child_do(&self->victim, nested_map_huge, 0),
		     MMUN_NO_COLLAPSE ", and boot with MEM=1G");
	EXPECT_EQ(2, nested_do(id, nested_dontneed, 1));
}

/* Kernels before 6.3 raise a second, nested UNMAP to unmap huge pages. */
TEST_F(list_nested, hugetlb_ends_each_invalidation_that_it_starts)
{
	const int pages = HUGE_SIZE / sysconf(_SC_PAGESIZE);
	const __u32 id = list_register(LIST_BOTH);
	int dontneed, unmap;

	mmun_skip_if(!self->has_pool || mmun_child_do(&self->victim,
						      nested_map_hugetlb, 0),
		     NO_POOL);
	dontneed = nested_do(id, nested_dontneed, pages);
	EXPECT_LE(1, dontneed);
	EXPECT_GE(2, dontneed);
	unmap = nested_do(id, nested_munmap, 2 * pages);
	EXPECT_EQ(dontneed, unmap);
}

/*
 *   thread 1   |-start------------------end-|
 *   thread 2          |-start-end-|
 */
TEST_F(list_op, invalidation_inside_of_another_has_its_own_end)
{
	const __u32 id = list_register(LIST_BOTH);
	const __u32 outer = list_hold_order(&self->victim, list_dontneed, 0, id,
					    MMUN_LIST_START);
	const __u32 inner = list_hold_order(&self->other, list_dontneed, 2, id,
					    MMUN_LIST_START);

	EXPECT_EQ(2, list_state(id).out_active);
	list_end_order(&self->other, inner);
	EXPECT_EQ(1, list_state(id).out_active);
	EXPECT_EQ(1, list_calls(id, MMUN_LIST_END));
	list_end_order(&self->victim, outer);
	EXPECT_EQ(2, list_calls(id, MMUN_LIST_START));
	expect_paired(id);
}

/* A driver that works in the end callback delays only this invalidation. */
TEST_F(list_op, work_in_the_end_callback_does_not_stop_other_invalidations)
{
	const __u32 id = list_register(LIST_BOTH);
	const __u32 at = list_hold_order(&self->victim, list_dontneed, 0, id,
					 MMUN_LIST_END);

	EXPECT_EQ(0, list_state(id).out_active);
	ASSERT_EQ(0, mmun_child_do(&self->other, list_dontneed, 0));
	EXPECT_EQ(2, list_calls(id, MMUN_LIST_END));
	list_end_order(&self->victim, at);
	expect_paired(id);
}

/* A notifier that is registered during an invalidation */

static int job_register(struct worker *worker)
{
	struct mmun_list_register cmd = { .ops = LIST_BOTH };
	int ret = LIST_CALL(worker->fd, REGISTER, &cmd);

	worker->id = cmd.out_id;
	return ret;
}

static int job_get(struct worker *worker)
{
	struct mmun_list_get cmd = { .key = 0 };
	int ret = LIST_CALL(worker->fd, GET, &cmd);

	worker->id = cmd.out_id;
	return ret;
}

FIXTURE(list_join)
{
	LIST_FIXTURE;
	struct worker worker;
};

FIXTURE_VARIANT(list_join)
{
	mmun_order_fn order;
	bool is_get;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(list_join, register_in_munmap)  { list_munmap, false };
FIXTURE_VARIANT_ADD(list_join, register_in_madvise) { list_dontneed, false };
FIXTURE_VARIANT_ADD(list_join, get_in_munmap)       { list_munmap, true };
FIXTURE_VARIANT_ADD(list_join, get_in_madvise)      { list_dontneed, true };
/* clang-format on */

FIXTURE_SETUP(list_join)
{
	setup_list();
	self->worker.fd = self->list;
	ASSERT_EQ(0, worker_create(&self->worker));
}

FIXTURE_TEARDOWN(list_join)
{
	teardown_list();
}

/* Otherwise the notifier would get an end without a start. */
TEST_F(list_join, notifier_joins_only_between_invalidations)
{
	const __u32 id = list_register(LIST_BOTH);
	const __u32 at = list_hold_order(&self->victim, variant->order, 0, id,
					 MMUN_LIST_START);
	struct mmun_task task;
	__u32 joined;

	worker_do(&self->worker, variant->is_get ? job_get : job_register);
	task = mmun_quiesce_one(self->worker.tid);
	EXPECT_EQ(MMUN_TASK_BLOCKED, task.state);
	EXPECT_EQ(SYS_ioctl, task.syscall);
	EXPECT_EQ(variant->is_get ? MMUN_LIST_GET : MMUN_LIST_REGISTER,
		  task.arg);
	list_end_order(&self->victim, at);
	EXPECT_EQ(0, worker_join(&self->worker));
	joined = self->worker.id;
	EXPECT_EQ(0, list_calls(joined, MMUN_LIST_START));
	ASSERT_EQ(0, mmun_child_do(&self->victim, list_dontneed, 1));
	EXPECT_EQ(1, list_calls(joined, MMUN_LIST_START));
	expect_paired(joined);
	expect_paired(id);
}

/* change_pte() and the secondary TLB */

/*
 * Returns the index of the first record of callback @op that covers the page, or
 * -1.
 */
static int find_record(const struct list_log *log, int first, __u32 id,
		       __u32 op, const char *at)
{
	for (int i = first; i < log->nr; i++)
		if (list_is(&log->records[i], id, op) &&
		    covers(&log->records[i], at, sysconf(_SC_PAGESIZE)))
			return i;
	return -1;
}

TEST_F(list_op, copied_page_calls_change_pte_if_the_kernel_has_it)
{
	const struct mmun_list_info info = list_do(INFO, info, );
	const __u32 ops = LIST_BOTH | (info.out_ops & BIT(CHANGE_PTE));
	const __u32 id = list_register(ops), later = list_register(ops);
	static struct list_log log;
	int start, end, change;

	ASSERT_EQ(0, mmun_child_do(&self->victim, list_cow, 1));
	list_read_log(self->list, &log);
	start = find_change(&log, id, mmun_page(1), MMUN_LIST_EVENT_CLEAR);
	ASSERT_LE(0, start);
	change = find_record(&log, start, id, MMUN_LIST_CHANGE_PTE,
			     mmun_page(1));
	if (!(ops & BIT(CHANGE_PTE))) {
		EXPECT_EQ(-1, change);
		return;
	}
	end = find_record(&log, start, id, MMUN_LIST_END, mmun_page(1));
	ASSERT_LT(start, change);
	EXPECT_LT(change, end);
	EXPECT_EQ(-1, find_record(&log, change + 1, id, MMUN_LIST_CHANGE_PTE,
				  mmun_page(1)));
	EXPECT_LT(start, find_record(&log, start, later, MMUN_LIST_CHANGE_PTE,
				     mmun_page(1)));
}

#define NO_FLUSH "User-Mode Linux flushes no secondary TLB: needs CONFIG_X86"

/*
 * The kernel flushes before it frees the page, which can be later than the end
 * of the invalidation.
 */
TEST_F(list_op, each_change_of_a_page_flushes_the_secondary_tlb)
{
	const bool is_early = !list_do(INFO, info, ).out_exclusive;
	const __u32 id = list_register(LIST_BOTH);
	const __u32 tlb = list_register(BIT(SECONDARY_TLB));
	static struct list_log log;

	mmun_skip_if(mmun_is_uml() && !is_early, NO_FLUSH);
	for (int i = 0; i < ARRAY_SIZE(changes); i++) {
		const struct change *c = &changes[i];
		int start;

		ASSERT_EQ(0, mmun_child_do(&self->victim, c->order, c->nr));
		list_read_log(self->list, &log);
		start = find_change(&log, id, mmun_page(c->nr), c->event);
		ASSERT_LE(0, start);
		EXPECT_LT(start,
			  find_record(&log, start, tlb, MMUN_LIST_SECONDARY_TLB,
				      mmun_page(c->nr)))
		{
			TH_LOG("no flush in change %d", i);
			list_print(&log);
		}
	}
}

/*
 * If the mm also runs on another CPU, reclaim flushes the TLB of the other CPU
 * only after it has unmapped many pages.  Reclaim flushes the secondary TLB at
 * once.  The helper keeps the mm on the second CPU.
 */

#define TWO_CPUS "only one CPU: reclaim flushes its TLB at once"

static atomic_int helper; /* 1: it runs, 2: it must return, -1: no second CPU */

static void *run_on_second_cpu(void *unused)
{
	helper = mmun_bind_to_cpu(0, 1) ? 1 : -1;
	while (helper == 1)
		;
	return NULL;
}

static int reclaim(char *at, size_t length)
{
	return mmun_bind_to_cpu(0, 0) && !mmun_write_lazily_freed(at, length) ?
		       madvise(at, length, MADV_PAGEOUT) :
		       -1;
}

/* Returns 1 if there is no second CPU. */
static int reclaim_beside_helper(void *map, int nr)
{
	pthread_t thread;
	int ret = 1;

	if (pthread_create(&thread, NULL, run_on_second_cpu, NULL))
		return -1;
	while (!helper)
		sched_yield();
	if (helper == 1)
		ret = reclaim(list_page(map, nr), sysconf(_SC_PAGESIZE));
	helper = 2;
	pthread_join(thread, NULL);
	return ret;
}

TEST_F(list_op, reclaim_flushes_the_secondary_tlb_at_once)
{
	const __u32 id = list_register(LIST_BOTH);
	const __u32 tlb = list_register(BIT(SECONDARY_TLB));
	static struct list_log log;
	int end, flush, ret, start;

	mmun_skip_if(mmun_is_uml(), NO_FLUSH);
	ret = mmun_child_do(&self->victim, reclaim_beside_helper, 1);
	mmun_skip_if(ret == 1, TWO_CPUS);
	ASSERT_EQ(0, ret);
	list_read_log(self->list, &log);
	start = find_change(&log, id, mmun_page(1), MMUN_LIST_EVENT_CLEAR);
	ASSERT_LE(0, start);
	end = find_record(&log, start, id, MMUN_LIST_END, mmun_page(1));
	flush = find_record(&log, start, tlb, MMUN_LIST_SECONDARY_TLB,
			    mmun_page(1));
	EXPECT_LT(start, flush);
	EXPECT_LT(flush, end);
}

/* Young pages: two notifiers, whose answers differ. */

FIXTURE(list_young)
{
	LIST_FIXTURE;
	__u32 first, second;
	bool is_young;
	struct mmun_child cleanup;
	struct setting settings[2];
};

FIXTURE_VARIANT(list_young)
{
	bool first, second;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(list_young, none_says_so)   { false, false };
FIXTURE_VARIANT_ADD(list_young, first_says_so)  { true, false };
FIXTURE_VARIANT_ADD(list_young, second_says_so) { false, true };
FIXTURE_VARIANT_ADD(list_young, both_say_so)    { true, true };
/* clang-format on */

FIXTURE_SETUP(list_young)
{
	self->is_young = variant->first || variant->second;
}

FIXTURE_TEARDOWN(list_young)
{
	if (self->list)
		teardown_list();
	for (int i = 0; i < ARRAY_SIZE(self->settings); i++)
		EXPECT_EQ(0, setting_restore(&self->settings[i]));
	if (self->cleanup.pid > 0)
		EXPECT_EQ(0, mmun_child_end(&self->cleanup));
}

/*
 * Register both notifiers, with the callbacks @_ops.  Between the notifiers is
 * one without callbacks, which the core must skip.
 */
#define register_young(_ops)                        \
	do {                                        \
		self->first = list_register(_ops);  \
		list_register(0);                   \
		self->second = list_register(_ops); \
	} while (0)

/* The notifiers say from now on what the variant says. */
#define answer_young(_op)                                                 \
	do {                                                              \
		if (variant->first)                                       \
			list_answer(self->first, _op, MMUN_LIST_ALWAYS);  \
		if (variant->second)                                      \
			list_answer(self->second, _op, MMUN_LIST_ALWAYS); \
	} while (0)

/* The bitmap of idle pages.  The kernel asks for each page that is idle. */

#define IDLE_BITMAP "/sys/kernel/mm/page_idle/bitmap"
#define NO_IDLE "no idle pages: set CONFIG_IDLE_PAGE_TRACKING"
#define BITS 64

/* Write page 0, and move it to the LRU list, where the kernel looks for it. */
static int write_first_page(void *map, int nr)
{
	if (mmun_stay_on_this_cpu() || list_dontneed(map, 0))
		return -1;
	mmun_store(map, 'y');
	return madvise(list_page(map, 1), sysconf(_SC_PAGESIZE), MADV_COLD);
}

/* Mark page @pfn idle, or return whether it is idle. */
static int set_idle(int fd, __u64 pfn)
{
	const __u64 bits = 1ULL << pfn % BITS;

	return pwrite(fd, &bits, sizeof(bits), pfn / BITS * sizeof(bits)) ==
			       sizeof(bits) ?
		       0 :
		       -1;
}

static int is_idle(int fd, __u64 pfn)
{
	__u64 bits;

	if (pread(fd, &bits, sizeof(bits), pfn / BITS * sizeof(bits)) !=
	    sizeof(bits))
		return -1;
	return bits >> pfn % BITS & 1;
}

TEST_F(list_young, idle_page_is_young_if_any_notifier_says_so)
{
	int fd = open(IDLE_BITMAP, O_RDWR | O_CLOEXEC);
	__u64 calls, entry;

	mmun_skip_if(fd < 0, NO_IDLE);
	setup_list();
	ASSERT_EQ(0, mmun_child_do(&self->victim, write_first_page, 0));
	ASSERT_EQ(0, mmun_pagemap_of(self->victim.pid, self->map, &entry));
	entry &= PAGEMAP_PFN;
	register_young(BIT(CLEAR_YOUNG));
	ASSERT_EQ(0, set_idle(fd, entry));
	calls = list_calls(self->first, MMUN_LIST_CLEAR_YOUNG);
	EXPECT_EQ(1, calls);
	EXPECT_EQ(1, list_calls(self->second, MMUN_LIST_CLEAR_YOUNG));
	answer_young(MMUN_LIST_CLEAR_YOUNG);
	EXPECT_EQ(!self->is_young, is_idle(fd, entry));
	/* Both must be asked, because both must clear their bit. */
	EXPECT_EQ(2, list_calls(self->first, MMUN_LIST_CLEAR_YOUNG));
	EXPECT_EQ(2, list_calls(self->second, MMUN_LIST_CLEAR_YOUNG));
	EXPECT_EQ(0, close(fd));
}

/* Reclaim frees a lazily freed page, unless the page is young. */

#define LIMIT (64L << 20)

static int free_lazily(void *map, int nr)
{
	return mmun_write_lazily_freed(map, sysconf(_SC_PAGESIZE));
}

TEST_F(list_young, reclaim_keeps_a_page_if_any_notifier_says_that_it_is_young)
{
	__u64 calls, entry;

	need_cgroup(&self->cleanup, LIMIT);
	setup_list();
	ASSERT_EQ(0, mmun_child_do(&self->victim, enter_cgroup, 0));
	ASSERT_EQ(0, mmun_child_do(&self->victim, free_lazily, 0));
	register_young(BIT(CLEAR_FLUSH_YOUNG) | BIT(CLEAR_YOUNG));
	answer_young(MMUN_LIST_CLEAR_FLUSH_YOUNG);
	answer_young(MMUN_LIST_CLEAR_YOUNG);
	/* Fails if the cgroup has less memory that can be reclaimed. */
	mmun_write_file("memory.reclaim", "16M");
	ASSERT_EQ(0, mmun_pagemap_of(self->victim.pid, self->map, &entry));
	EXPECT_EQ(self->is_young, entry >> 63);
	/* The multi-generational LRU calls clear_young() instead. */
	calls = list_calls(self->first, MMUN_LIST_CLEAR_FLUSH_YOUNG) +
		list_calls(self->first, MMUN_LIST_CLEAR_YOUNG);
	EXPECT_LT(0, calls);
	EXPECT_EQ(calls,
		  list_calls(self->second, MMUN_LIST_CLEAR_FLUSH_YOUNG) +
			  list_calls(self->second, MMUN_LIST_CLEAR_YOUNG));
}

/* khugepaged collapses only pages of which one is young. */

#define THP "/sys/kernel/mm/transparent_hugepage/"
#define NO_THP "no khugepaged: set CONFIG_TRANSPARENT_HUGEPAGE"
#define SCANS 3

/* Write small pages, let them grow old, and let khugepaged see them. */
static int write_old_pages(void *map, int nr)
{
	const size_t page = sysconf(_SC_PAGESIZE);

	if (mmun_stay_on_this_cpu() || !mmun_map_filled(map, HUGE_SIZE / page))
		return -1;
	return madvise(map, HUGE_SIZE, MADV_COLD) ?:
		       madvise(map, HUGE_SIZE, MADV_HUGEPAGE);
}

/* When madvise() returns, khugepaged does not look at the pages any more. */
static int hide_pages(void *map, int nr)
{
	return madvise(map, HUGE_SIZE, MADV_NOHUGEPAGE);
}

/* Returns whether khugepaged has looked at all processes since @scans. */
static bool has_scanned(long scans)
{
	return mmun_read_number(THP "khugepaged/full_scans") >= scans + SCANS;
}

#define KPF_THP 22 /* bit of /proc/kpageflags */

/* Returns whether the page at @at is a part of a huge page. */
static bool is_huge(pid_t pid, const char *at)
{
	int fd = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	__u64 entry, flags = 0;

	if (!mmun_pagemap_of(pid, at, &entry))
		pread(fd, &flags, sizeof(flags),
		      (entry & PAGEMAP_PFN) * sizeof(flags));
	close(fd);
	return flags >> KPF_THP & 1;
}

/* khugepaged does not scan if no size of huge pages is permitted. */
static bool thp_is_never(void)
{
	char text[64] = "";

	return !mmun_read_file(THP "enabled", text, sizeof(text)) &&
	       strstr(text, "[never]");
}

/* khugepaged sleeps 10 s between two scans, and scans 4096 pages. */
static int hurry_khugepaged(struct setting *settings)
{
	static const struct {
		const char *path, *value;
	} fast[] = {
		{ THP "khugepaged/scan_sleep_millisecs", "1" },
		{ THP "khugepaged/pages_to_scan", "100000" },
	};

	for (int i = 0; i < ARRAY_SIZE(fast); i++)
		if (setting_keep(&settings[i], fast[i].path) ||
		    mmun_write_file(fast[i].path, fast[i].value))
			return -1;
	return 0;
}

/* Returns the number of pages of the huge page about which @id was asked. */
static int pages_asked(int fd, __u32 id, const char *map)
{
	const size_t page = sysconf(_SC_PAGESIZE);
	char *asked = calloc(HUGE_SIZE / page, 1);
	static struct list_log log;
	int nr = 0;

	do {
		list_read_log(fd, &log);
		for (int i = 0; asked && i < log.nr; i++) {
			const struct mmun_list_record *r = &log.records[i];
			const __u64 at = r->start - mmun_u64(map);

			if (list_is(r, id, MMUN_LIST_TEST_YOUNG) &&
			    at < HUGE_SIZE)
				asked[at / page] = 1;
		}
	} while (log.nr);
	for (int i = 0; asked && i < HUGE_SIZE / page; i++)
		nr += asked[i];
	free(asked);
	return nr;
}

TEST_F(list_young, khugepaged_asks_no_other_notifier_after_one_said_young)
{
	long scans = mmun_read_number(THP "khugepaged/full_scans");
	struct mmun_child other;
	__u64 asked_first, asked_second;
	bool huge;
	char *map = mmun_arena_aligned(HUGE_SIZE, HUGE_SIZE);

	mmun_skip_if(scans < 0 || thp_is_never(), NO_THP);
	/* A process that restores a setting must not have the device. */
	ASSERT_EQ(0, hurry_khugepaged(self->settings));
	setup_list();
	ASSERT_EQ(0, mmun_child_start_thread(&other, &self->victim));
	other.arg = map;
	register_young(BIT(TEST_YOUNG));
	answer_young(MMUN_LIST_TEST_YOUNG);
	ASSERT_EQ(0, mmun_child_do(&other, write_old_pages, 0));
	scans = mmun_read_number(THP "khugepaged/full_scans");
	expect_soon((huge = is_huge(self->victim.pid, map)) ||
		    has_scanned(scans));
	ASSERT_EQ(0, mmun_child_do(&other, hide_pages, 0));
	asked_first = list_calls(self->first, MMUN_LIST_TEST_YOUNG);
	asked_second = list_calls(self->second, MMUN_LIST_TEST_YOUNG);
	/* The latest notifier is asked first. */
	EXPECT_LE(HUGE_SIZE / self->page, asked_second);
	/* About each page, not again and again about the first one. */
	EXPECT_EQ(HUGE_SIZE / self->page,
		  pages_asked(self->list, self->second, map));
	EXPECT_EQ(variant->second ? 0 : asked_second, asked_first);
	if (!self->is_young)
		EXPECT_EQ(false, huge);
}

LIST_HARNESS_MAIN
