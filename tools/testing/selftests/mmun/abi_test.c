// SPDX-License-Identifier: GPL-2.0
/*
 * The contract of the calls: sizes, fields, errno, the order of the checks,
 * privilege, layout.  One table has a row per call, one a row per wrong value;
 * every failure is provoked alone, on a call that is perfect otherwise.
 */
#include <assert.h>
#include <stddef.h>
#include "lib/mmun.h"

#define NR_PAGES	16

union args {
	__u32 size;
#define MEMBER(NAME, name, last) struct mmun_##name name;
	MMUN_CALLS(MEMBER)
#undef MEMBER
	char bytes[4096];
};

/*
 * A range over all of the map, whose pages are in its shadow, and a batch.
 *
 *	|- - -|  0   1   2  ...  15 |- - -|
 *	       |-------range-------|
 *	       |--------map--------|
 */
FIXTURE(abi)
{
	int fd;
	size_t page;
	char *map;
	__u32 id;
	struct mmun_token token;
	struct mmun_span span;
	__u32 newest_hold;
	struct mmun_info info;
	char buffer[64];
	union args args;
};

FIXTURE_SETUP(abi)
{
	self->page = sysconf(_SC_PAGESIZE);
	self->fd = mmun_open();
	ASSERT_LE(0, self->fd);
	self->info = mmun_info();
	self->map = mmun_map_filled(mmun_arena(NR_PAGES), NR_PAGES);
	ASSERT_NE(NULL, self->map);
	self->id = mmun_insert(self->map, NR_PAGES * self->page);
	self->token = mmun_read_begin(self->id);
	ASSERT_EQ(NR_PAGES, mmun_snapshot(self->id, self->map,
					  NR_PAGES * self->page,
					  MMUN_METHOD_GUP, MMUN_WRITE, NULL));
}

FIXTURE_TEARDOWN(abi)
{
	EXPECT_EQ(0, close(self->fd));
}

/* One per shape of argument: fill in what makes the call succeed. */

#define PERFECT(name)                                                 \
	static void perfect_##name(struct __test_metadata *_metadata, \
				   FIXTURE_DATA(abi) *self, union args *a)

PERFECT(info)
{
}

PERFECT(query_context)
{
}

PERFECT(check_balance)
{
}

/* There is nothing to unpin. */
PERFECT(unpin_mm)
{
}

PERFECT(read_begin)
{
	a->read_begin.id = self->id;
}

PERFECT(verify)
{
	a->verify.id = self->id;
}

PERFECT(fail_nonblock)
{
	a->fail_nonblock.id = self->id;
}

PERFECT(query_range)
{
	a->query_range.id = self->id;
}

PERFECT(insert)
{
	self->span = (struct mmun_span){
		.start = mmun_u64(self->map),
		.length = self->page,
	};
	a->insert.spans = mmun_u64(&self->span);
	a->insert.count = 1;
}

PERFECT(remove)
{
	self->span.id = mmun_insert(self->map, self->page);
	a->remove.spans = mmun_u64(&self->span);
	a->remove.count = 1;
}

PERFECT(collect)
{
	a->collect.batch = self->token.batch;
	a->collect.start = mmun_u64(self->map);
	a->collect.length = self->page;
	a->collect.method = MMUN_METHOD_GUP;
}

PERFECT(commit)
{
	struct mmun_token token = mmun_read_begin(self->id);

	a->commit.batch = token.batch;
	a->commit.seq = token.seq;
}

PERFECT(abandon)
{
	a->abandon.batch = mmun_read_begin(self->id).batch;
}

PERFECT(snapshot)
{
	a->snapshot.id = self->id;
	a->snapshot.start = mmun_u64(self->map);
	a->snapshot.length = self->page;
	a->snapshot.method = MMUN_METHOD_GUP;
	a->snapshot.pages = mmun_u64(self->buffer);
}

PERFECT(access)
{
	a->access.id = self->id;
	a->access.addr = mmun_u64(self->map);
	a->access.length = sizeof(self->buffer);
	a->access.buffer = mmun_u64(self->buffer);
}

PERFECT(pin_mm)
{
	a->pin_mm.timeout_ms = 1;
}

PERFECT(log_setup)
{
	a->log_setup.records = MMUN_LOG_DEFAULT;
	a->log_setup.types = MMUN_LOG_TYPES_DEFAULT;
}

/* The holds that perfect calls made are taken away by the next one. */
static void end_holds(FIXTURE_DATA(abi) *self, __u32 newest)
{
	__u32 released;

	while (self->newest_hold < newest)
		_mmun_resume(self->fd, ++self->newest_hold, MMUN_RESUME_END,
			     &released);
}

PERFECT(hold)
{
	end_holds(self, mmun_hold(MMUN_POINT_ENTER, 0, mmun_gettid()));
	a->hold.id = self->id;
	a->hold.tid = mmun_gettid();
	a->hold.count = 1;
	a->hold.timeout_ms = 1;
}

/* A hold that is alone */
static __u32 only_hold(struct __test_metadata *_metadata,
		       FIXTURE_DATA(abi) *self)
{
	__u32 hold = mmun_hold(MMUN_POINT_ENTER, 0, mmun_gettid());

	end_holds(self, hold - 1);
	return hold;
}

PERFECT(wait_held)
{
	a->wait_held.hold = only_hold(_metadata, self);
}

PERFECT(resume)
{
	a->resume.hold = only_hold(_metadata, self);
}

PERFECT(wake_thread)
{
	a->wake_thread.tid = mmun_gettid();
	a->wake_thread.count = 1;
}

/* Every call, in the order of its number */
static const struct call {
	const char *name;
	unsigned int cmd;
	size_t min_size;	/* the smallest that it ever had */
	size_t size;		/* what it has now */
	void (*perfect)(struct __test_metadata *_metadata,
			FIXTURE_DATA(abi) *self, union args *a);
} calls[] = {
#define CALL(NAME, name, last)                                              \
	{ "MMUN_" #NAME, MMUN_##NAME,                                       \
	  offsetof(struct mmun_##name, last) +                              \
		  sizeof(((struct mmun_##name *)0)->last),                  \
	  sizeof(struct mmun_##name), perfect_##name },
	MMUN_CALLS(CALL)
#undef CALL
};

#define NR_CALLS ((int)ARRAY_SIZE(calls))

/* The layout is part of the ABI, and the same for 32-bit callers. */
#define LAYOUT_SIZE(type, bytes) \
	static_assert(sizeof(struct type) == (bytes), #type)
#define LAYOUT(type, field, offset) \
	static_assert(offsetof(struct type, field) == (offset), #type "." #field)

LAYOUT_SIZE(mmun_info, 72);
LAYOUT(mmun_info, out_features, 16);
LAYOUT(mmun_info, out_kinds, 24);
LAYOUT(mmun_info, out_max_contexts, 32);
LAYOUT(mmun_info, out_max_pin_ms, 64);
LAYOUT_SIZE(mmun_span, 24);
LAYOUT(mmun_span, length, 8);
LAYOUT(mmun_span, id, 16);
LAYOUT_SIZE(mmun_insert, 32);
LAYOUT(mmun_insert, spans, 8);
LAYOUT(mmun_insert, out_done, 24);
LAYOUT_SIZE(mmun_remove, 32);
LAYOUT(mmun_remove, spans, 8);
LAYOUT(mmun_remove, out_done, 24);
LAYOUT_SIZE(mmun_read_begin, 24);
LAYOUT(mmun_read_begin, out_batch, 8);
LAYOUT(mmun_read_begin, out_seq, 16);
LAYOUT_SIZE(mmun_collect, 40);
LAYOUT(mmun_collect, start, 8);
LAYOUT(mmun_collect, method, 24);
LAYOUT(mmun_collect, out_valid, 32);
LAYOUT_SIZE(mmun_commit, 24);
LAYOUT(mmun_commit, seq, 8);
LAYOUT(mmun_commit, out_collided, 16);
LAYOUT_SIZE(mmun_abandon, 8);
LAYOUT_SIZE(mmun_snapshot, 56);
LAYOUT(mmun_snapshot, start, 8);
LAYOUT(mmun_snapshot, method, 24);
LAYOUT(mmun_snapshot, pages, 40);
LAYOUT(mmun_snapshot, out_valid, 52);
LAYOUT_SIZE(mmun_access, 48);
LAYOUT(mmun_access, addr, 16);
LAYOUT(mmun_access, buffer, 32);
LAYOUT(mmun_access, out_done, 40);
LAYOUT_SIZE(mmun_verify, 48);
LAYOUT(mmun_verify, out_result, 12);
LAYOUT(mmun_verify, out_checked, 16);
LAYOUT(mmun_verify, out_pte, 40);
LAYOUT_SIZE(mmun_fail_nonblock, 16);
LAYOUT_SIZE(mmun_query_range, 64);
LAYOUT(mmun_query_range, seq, 8);
LAYOUT(mmun_query_range, out_in_tree, 24);
LAYOUT(mmun_query_range, out_invalidations, 32);
LAYOUT_SIZE(mmun_query_context, 32);
LAYOUT(mmun_query_context, out_objects, 24);
LAYOUT_SIZE(mmun_log_setup, 24);
LAYOUT(mmun_log_setup, out_lost, 16);
LAYOUT_SIZE(mmun_hold, 32);
LAYOUT(mmun_hold, out_hold, 28);
LAYOUT_SIZE(mmun_wait_held, 48);
LAYOUT(mmun_wait_held, out_start, 32);
LAYOUT_SIZE(mmun_resume, 16);
LAYOUT(mmun_resume, out_resumed, 12);
LAYOUT_SIZE(mmun_wake_thread, 16);
LAYOUT_SIZE(mmun_check_balance, 24);
LAYOUT(mmun_check_balance, out_seq, 16);
LAYOUT_SIZE(mmun_pin_mm, 16);
LAYOUT_SIZE(mmun_unpin_mm, 16);
LAYOUT_SIZE(mmun_record, 104);
LAYOUT(mmun_record, cur_seq, 24);
LAYOUT(mmun_record, id, 64);
LAYOUT(mmun_record, event, 72);
LAYOUT(mmun_record, comm, 88);

/* Makes the perfect call in a. */
static void prepare(struct __test_metadata *_metadata, FIXTURE_DATA(abi) *self,
		    const struct call *call, union args *a)
{
	memset(a, 0, sizeof(*a));
	a->size = call->size;
	call->perfect(_metadata, self, a);
}

/* What a perfect call says on this kernel. */
static int perfect_answer(FIXTURE_DATA(abi) *self, const struct call *call)
{
	bool hmm = self->info.out_features & MMUN_FEATURE_HMM;
	int ret = 0;

	if (call->cmd == MMUN_VERIFY && !hmm)
		ret = EOPNOTSUPP;
	if (call->cmd == MMUN_UNPIN_MM)
		ret = ENOENT;
	return ret;
}

/* Returns 0, the errno, or -1 for a result that no call has. */
static int answer(int fd, unsigned int cmd, void *arg)
{
	switch (ioctl(fd, cmd, arg)) {
	case 0:
		return 0;
	case -1:
		return errno;
	default:
		return -1;
	}
}

#define EXPECT_ANSWER(expected, call, arg)                              \
	({                                                              \
		EXPECT_EQ(expected, answer(self->fd, (call)->cmd, arg)) \
		{                                                       \
			TH_LOG("%s", (call)->name);                     \
		}                                                       \
	})

#define EXPECT_PERFECT(call, arg) \
	EXPECT_ANSWER(perfect_answer(self, call), call, arg)

#define for_each_call(call) \
	for (call = calls; call < calls + NR_CALLS; call++)

TEST_F(abi, every_call_works)
{
	const struct call *call;

	for_each_call(call) {
		ASSERT_EQ(_IO('J', 0x80 + (call - calls)), call->cmd);
		prepare(_metadata, self, call, &self->args);
		EXPECT_PERFECT(call, &self->args);
	}
}

TEST_F(abi, a_size_below_the_smallest_is_einval)
{
	const struct call *call;
	int i;

	for_each_call(call) {
		const __u32 sizes[] = { 0, 1, 4, call->min_size - 1 };

		prepare(_metadata, self, call, &self->args);
		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			self->args.size = sizes[i];
			EXPECT_ANSWER(EINVAL, call, &self->args);
		}
		self->args.size = call->min_size;
		EXPECT_PERFECT(call, &self->args);
	}
}

TEST_F(abi, a_longer_size_with_a_zero_tail_works)
{
	static const char zero[sizeof(union args)];
	const struct call *call;
	int i;

	for_each_call(call) {
		const __u32 sizes[] = { call->size + 1, call->size + 8,
					sizeof(union args) };

		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			prepare(_metadata, self, call, &self->args);
			self->args.size = sizes[i];
			EXPECT_PERFECT(call, &self->args);
			EXPECT_EQ(sizes[i], self->args.size);
			EXPECT_EQ(0, memcmp(self->args.bytes + call->size, zero,
					    sizes[i] - call->size));
		}
	}
}

TEST_F(abi, a_longer_size_with_a_dirty_tail_is_e2big)
{
	const struct call *call;
	int i;

	for_each_call(call) {
		const int dirty[] = { call->size, call->size + 7,
				      sizeof(union args) - 1 };

		prepare(_metadata, self, call, &self->args);
		for (i = 0; i < ARRAY_SIZE(dirty); i++) {
			self->args.size = dirty[i] + 1;
			self->args.bytes[dirty[i]] = 1;
			EXPECT_ANSWER(E2BIG, call, &self->args);
			self->args.bytes[dirty[i]] = 0;
		}
		self->args.size = call->min_size;
		EXPECT_PERFECT(call, &self->args);
	}
}

TEST_F(abi, a_wrong_struct_wins_over_what_is_in_it)
{
	const struct call *call;

	memset(&self->args, 0xff, sizeof(self->args));
	for_each_call(call) {
		self->args.size = call->min_size - 1;
		EXPECT_ANSWER(EINVAL, call, &self->args);
		self->args.size = call->size + 1;
		EXPECT_ANSWER(E2BIG, call, &self->args);
	}
}

/*
 *	|  page 14  |  page 15  |  nothing  |
 *	                     |struct|	the end of it is missing
 *	                       |size|	not even all of the size
 */
TEST_F(abi, a_bad_argument_pointer_is_efault)
{
	char *end = self->map + NR_PAGES * self->page;
	void *const bad[] = { NULL, (void *)8, end, end - 2, (void *)-4096L };
	const struct call *call;
	int i;

	for_each_call(call) {
		for (i = 0; i < ARRAY_SIZE(bad); i++)
			EXPECT_ANSWER(EFAULT, call, bad[i]);
		*(__u32 *)(end - 4) = call->min_size;
		EXPECT_ANSWER(EFAULT, call, end - 4);
	}
}

TEST_F(abi, an_unwritable_argument_leaves_no_range_no_batch_and_no_hold)
{
	union args *a = mmap(NULL, sizeof(*a), PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const unsigned int creators[] = { MMUN_INSERT, MMUN_READ_BEGIN,
					  MMUN_HOLD };
	struct mmun_query_context before = mmun_query_context(), after;
	int i;

	ASSERT_NE(MAP_FAILED, a);
	for (i = 0; i < ARRAY_SIZE(creators); i++) {
		const struct call *call = calls + _IOC_NR(creators[i]) -
					  MMUN_CMD_INFO;

		prepare(_metadata, self, call, a);
		ASSERT_EQ(0, mprotect(a, sizeof(*a), PROT_READ));
		EXPECT_ANSWER(EFAULT, call, a);
		ASSERT_EQ(0, mprotect(a, sizeof(*a), PROT_READ | PROT_WRITE));
	}
	after = mmun_query_context();
	EXPECT_EQ(before.out_ranges, after.out_ranges);
	EXPECT_EQ(before.out_batches, after.out_batches);
	EXPECT_EQ(before.out_objects, after.out_objects);
}

TEST_F(abi, an_unknown_command_is_enotty)
{
	const int last = MMUN_CMD_INFO + NR_CALLS - 1;
	int nr;

	for (nr = 0; nr < 256; nr++) {
		if (nr >= MMUN_CMD_INFO && nr <= last)
			continue;
		EXPECT_EQ(ENOTTY, answer(self->fd, _IO('J', nr), NULL))
		{
			TH_LOG("number %#x", nr);
		}
	}
}

TEST_F(abi, a_known_number_of_another_letter_or_direction_is_enotty)
{
	const struct call *call;

	for_each_call(call) {
		int nr = _IOC_NR(call->cmd);

		prepare(_metadata, self, call, &self->args);
		EXPECT_EQ(ENOTTY, answer(self->fd, _IO('I', nr), &self->args));
		EXPECT_EQ(ENOTTY, answer(self->fd, _IO('K', nr), &self->args));
		EXPECT_EQ(ENOTTY, answer(self->fd, _IOWR('J', nr, union args),
					 &self->args));
		EXPECT_EQ(ENOTTY, answer(self->fd, _IOW('J', nr, __u32),
					 &self->args));
		EXPECT_PERFECT(call, &self->args);
	}
}

/*
 * The order of the checks.  SEQ can only be compared when the batch is found,
 * OVERFLOW is for the core to find.
 */
enum stage { OFFER, VALUE, KTHREAD, ID, INTERVAL, SEQ, OVERFLOW, BUFFER };

static const int stage_errno[] = {
	[OFFER] = EOPNOTSUPP,
	[VALUE] = EINVAL,
	[KTHREAD] = EPERM,
	[ID] = ENOENT,
	[INTERVAL] = ERANGE,
	[SEQ] = EINVAL,
	[OVERFLOW] = EOVERFLOW,
	[BUFFER] = EFAULT,
};

struct wrong {
	const char *what;
	unsigned int cmd;
	size_t offset;
	size_t width;
	__u64 value;
	enum stage stage;
};

#define NR_WRONG_MAX	160
#define NO_ID		0x7ffffff0	/* nobody makes that many */
#define KERNEL_ADDRESS	(-4096ULL)
#define KTHREADD	2	/* a kernel thread */

/* One wrong value per row */
static int wrong_values(FIXTURE_DATA(abi) *self, struct wrong *wrong)
{
#define WRONG(name, type, field, value, stage)                      \
	{ #name " " #field "=" #value, name,                        \
	  offsetof(struct mmun_##type, field),                      \
	  sizeof(((struct mmun_##type *)0)->field), value, stage }
	const __u64 below = mmun_u64(self->map) - self->page;
	const __u64 above = mmun_u64(self->map) + NR_PAGES * self->page;
	const __u64 too_long = (NR_PAGES + 1) * self->page;
	const __u32 hold_ms = self->info.out_max_hold_ms;
	const __u64 never = (self->info.out_max_batch_pages + 1ULL) *
			    self->page;
	const struct wrong rows[] = {
		WRONG(MMUN_INFO, info, __reserved, 1, OFFER),
		WRONG(MMUN_INFO, info, __reserved2, 1, OFFER),
		WRONG(MMUN_INSERT, insert, kind, 2, OFFER),
		WRONG(MMUN_INSERT, insert, kind, -1, OFFER),
		WRONG(MMUN_INSERT, insert, count, 0, VALUE),
		WRONG(MMUN_INSERT, insert, count,
		      self->info.out_max_ranges + 1ULL, VALUE),
		WRONG(MMUN_INSERT, insert, count, -1ULL, VALUE),
		WRONG(MMUN_INSERT, insert, spans, 0, BUFFER),
		WRONG(MMUN_INSERT, insert, spans, KERNEL_ADDRESS, BUFFER),
		WRONG(MMUN_REMOVE, remove, __reserved, 1, OFFER),
		WRONG(MMUN_REMOVE, remove, count, 0, VALUE),
		WRONG(MMUN_REMOVE, remove, count,
		      self->info.out_max_ranges + 1ULL, VALUE),
		WRONG(MMUN_REMOVE, remove, spans, 0, BUFFER),
		WRONG(MMUN_REMOVE, remove, spans, KERNEL_ADDRESS, BUFFER),
		WRONG(MMUN_READ_BEGIN, read_begin, __reserved, 1, OFFER),
		WRONG(MMUN_READ_BEGIN, read_begin, id, 0, ID),
		WRONG(MMUN_READ_BEGIN, read_begin, id, NO_ID, ID),
		WRONG(MMUN_COLLECT, collect, method, 3, OFFER),
		WRONG(MMUN_COLLECT, collect, method, -1, OFFER),
		WRONG(MMUN_COLLECT, collect, flags, 1U << 1, OFFER),
		WRONG(MMUN_COLLECT, collect, flags, 1U << 2, OFFER),
		WRONG(MMUN_COLLECT, collect, flags, 1U << 31, OFFER),
		WRONG(MMUN_COLLECT, collect, __reserved, 1, OFFER),
		WRONG(MMUN_COLLECT, collect, start, below + 1, VALUE),
		WRONG(MMUN_COLLECT, collect, length, 0, VALUE),
		WRONG(MMUN_COLLECT, collect, length, self->page - 1, VALUE),
		WRONG(MMUN_COLLECT, collect, length, never, VALUE),
		WRONG(MMUN_COLLECT, collect, length, -self->page, VALUE),
		WRONG(MMUN_COLLECT, collect, batch, 0, ID),
		WRONG(MMUN_COLLECT, collect, batch, NO_ID, ID),
		WRONG(MMUN_COLLECT, collect, start, below, INTERVAL),
		WRONG(MMUN_COLLECT, collect, start, above, INTERVAL),
		WRONG(MMUN_COLLECT, collect, start, 0, INTERVAL),
		WRONG(MMUN_COLLECT, collect, length, too_long, INTERVAL),
		WRONG(MMUN_COMMIT, commit, batch, 0, ID),
		WRONG(MMUN_COMMIT, commit, batch, NO_ID, ID),
		WRONG(MMUN_COMMIT, commit, seq, self->token.seq + 1, SEQ),
		WRONG(MMUN_COMMIT, commit, seq, self->token.seq + 1000, SEQ),
		WRONG(MMUN_ABANDON, abandon, batch, 0, ID),
		WRONG(MMUN_ABANDON, abandon, batch, NO_ID, ID),
		WRONG(MMUN_SNAPSHOT, snapshot, method, 3, OFFER),
		WRONG(MMUN_SNAPSHOT, snapshot, flags, 1U << 2, OFFER),
		WRONG(MMUN_SNAPSHOT, snapshot, flags, 1U << 31, OFFER),
		WRONG(MMUN_SNAPSHOT, snapshot, start, below + 1, VALUE),
		WRONG(MMUN_SNAPSHOT, snapshot, length, 0, VALUE),
		WRONG(MMUN_SNAPSHOT, snapshot, length, self->page + 1, VALUE),
		WRONG(MMUN_SNAPSHOT, snapshot, length, never, VALUE),
		WRONG(MMUN_SNAPSHOT, snapshot, max_retries,
		      self->info.out_max_retries + 1, VALUE),
		WRONG(MMUN_SNAPSHOT, snapshot, id, 0, ID),
		WRONG(MMUN_SNAPSHOT, snapshot, id, NO_ID, ID),
		WRONG(MMUN_SNAPSHOT, snapshot, start, below, INTERVAL),
		WRONG(MMUN_SNAPSHOT, snapshot, start, above, INTERVAL),
		WRONG(MMUN_SNAPSHOT, snapshot, length, too_long, INTERVAL),
		WRONG(MMUN_SNAPSHOT, snapshot, pages, 8, BUFFER),
		WRONG(MMUN_SNAPSHOT, snapshot, pages, KERNEL_ADDRESS, BUFFER),
		WRONG(MMUN_ACCESS, access, flags, 1U << 1, OFFER),
		WRONG(MMUN_ACCESS, access, flags, 1U << 31, OFFER),
		WRONG(MMUN_ACCESS, access, __reserved, 1, OFFER),
		WRONG(MMUN_ACCESS, access, length, 0, VALUE),
		WRONG(MMUN_ACCESS, access, id, 0, ID),
		WRONG(MMUN_ACCESS, access, id, NO_ID, ID),
		WRONG(MMUN_ACCESS, access, addr, below + self->page - 1,
		      INTERVAL),
		WRONG(MMUN_ACCESS, access, addr, above - 1, INTERVAL),
		WRONG(MMUN_ACCESS, access, addr, -1ULL, INTERVAL),
		WRONG(MMUN_ACCESS, access, length, -1ULL, INTERVAL),
		WRONG(MMUN_ACCESS, access, buffer, 0, BUFFER),
		WRONG(MMUN_ACCESS, access, buffer, KERNEL_ADDRESS, BUFFER),
		WRONG(MMUN_VERIFY, verify, max_retries,
		      self->info.out_max_retries + 1, VALUE),
		WRONG(MMUN_VERIFY, verify, id, 0, ID),
		WRONG(MMUN_VERIFY, verify, id, NO_ID, ID),
		WRONG(MMUN_FAIL_NONBLOCK, fail_nonblock, id, 0, ID),
		WRONG(MMUN_FAIL_NONBLOCK, fail_nonblock, id, NO_ID, ID),
		WRONG(MMUN_PIN_MM, pin_mm, __reserved, 1, OFFER),
		WRONG(MMUN_PIN_MM, pin_mm, timeout_ms, 0, VALUE),
		WRONG(MMUN_PIN_MM, pin_mm, timeout_ms,
		      self->info.out_max_pin_ms + 1, VALUE),
		WRONG(MMUN_UNPIN_MM, unpin_mm, __reserved, 1, OFFER),
		WRONG(MMUN_UNPIN_MM, unpin_mm, tid, NO_ID, ID),
		WRONG(MMUN_LOG_SETUP, log_setup, types, 1U << 10, OFFER),
		WRONG(MMUN_LOG_SETUP, log_setup, types, 1U << 31, OFFER),
		WRONG(MMUN_LOG_SETUP, log_setup, __reserved, 1, OFFER),
		WRONG(MMUN_LOG_SETUP, log_setup, records, 3, VALUE),
		WRONG(MMUN_LOG_SETUP, log_setup, records,
		      2 * self->info.out_max_log_records, VALUE),
		WRONG(MMUN_QUERY_CONTEXT, query_context, __reserved, 1, OFFER),
		WRONG(MMUN_QUERY_RANGE, query_range, id, 0, ID),
		WRONG(MMUN_QUERY_RANGE, query_range, id, NO_ID, ID),
		WRONG(MMUN_HOLD, hold, point, 5, OFFER),
		WRONG(MMUN_HOLD, hold, point, -1, OFFER),
		WRONG(MMUN_HOLD, hold, count, 0, VALUE),
		WRONG(MMUN_HOLD, hold, timeout_ms, 0, VALUE),
		WRONG(MMUN_HOLD, hold, timeout_ms, hold_ms + 1, VALUE),
		WRONG(MMUN_HOLD, hold, tid, KTHREADD, KTHREAD),
		WRONG(MMUN_HOLD, hold, tid, NO_ID, ID),
		WRONG(MMUN_HOLD, hold, tid, -1, ID),
		WRONG(MMUN_HOLD, hold, id, NO_ID, ID),
		WRONG(MMUN_WAIT_HELD, wait_held, __reserved, 1, OFFER),
		WRONG(MMUN_WAIT_HELD, wait_held, timeout_ms, hold_ms + 1,
		      VALUE),
		WRONG(MMUN_WAIT_HELD, wait_held, hold, 0, ID),
		WRONG(MMUN_WAIT_HELD, wait_held, hold, NO_ID, ID),
		WRONG(MMUN_RESUME, resume, flags, 2, OFFER),
		WRONG(MMUN_RESUME, resume, flags, 1U << 31, OFFER),
		WRONG(MMUN_RESUME, resume, hold, 0, ID),
		WRONG(MMUN_RESUME, resume, hold, NO_ID, ID),
		WRONG(MMUN_WAKE_THREAD, wake_thread, count, 0, VALUE),
		WRONG(MMUN_WAKE_THREAD, wake_thread, count, MMUN_MAX_WAKE_UPS + 1, VALUE),
		WRONG(MMUN_WAKE_THREAD, wake_thread, tid, KTHREADD, KTHREAD),
		WRONG(MMUN_WAKE_THREAD, wake_thread, tid, 0, ID),
		WRONG(MMUN_WAKE_THREAD, wake_thread, tid, NO_ID, ID),
		WRONG(MMUN_CHECK_BALANCE, check_balance, timeout_ms, hold_ms + 1, VALUE),
	};

	static_assert(ARRAY_SIZE(rows) <= NR_WRONG_MAX, "too many rows");
	memcpy(wrong, rows, sizeof(rows));
	return ARRAY_SIZE(rows);
}

static const struct call *wrong_call(const struct wrong *w)
{
	return calls + _IOC_NR(w->cmd) - MMUN_CMD_INFO;
}

static void poke(union args *a, const struct wrong *w)
{
	__u32 narrow = w->value;

	if (w->width == sizeof(narrow))
		memcpy(a->bytes + w->offset, &narrow, sizeof(narrow));
	else
		memcpy(a->bytes + w->offset, &w->value, sizeof(w->value));
}

/* Without VERIFY every row of it says EOPNOTSUPP, whatever it is about. */
static int wrong_errno(FIXTURE_DATA(abi) *self, const struct wrong *w)
{
	return perfect_answer(self, wrong_call(w)) == EOPNOTSUPP ?
		       EOPNOTSUPP :
		       stage_errno[w->stage];
}

TEST_F(abi, each_wrong_value_has_its_errno_and_changes_nothing)
{
	struct wrong wrong[NR_WRONG_MAX];
	int i, n = wrong_values(self, wrong);
	union args good, bad;

	for (i = 0; i < n; i++) {
		const struct call *call = wrong_call(wrong + i);

		prepare(_metadata, self, call, &good);
		bad = good;
		poke(&bad, wrong + i);
		self->args = bad;
		EXPECT_EQ(wrong_errno(self, wrong + i),
			  answer(self->fd, call->cmd, &self->args))
		{
			TH_LOG("%s", wrong[i].what);
		}
		EXPECT_EQ(0, memcmp(&bad, &self->args, sizeof(bad)))
		{
			TH_LOG("%s: failed and wrote", wrong[i].what);
		}
		EXPECT_PERFECT(call, &good);
	}
}

TEST_F(abi, of_two_wrong_values_the_earlier_check_answers)
{
	struct wrong wrong[NR_WRONG_MAX], *a, *b, *first;
	int n = wrong_values(self, wrong), pairs = 0;

	for (a = wrong; a < wrong + n; a++) {
		for (b = a + 1; b < wrong + n && b->cmd == a->cmd; b++) {
			if (a->offset == b->offset)
				continue;
			first = a->stage <= b->stage ? a : b;
			prepare(_metadata, self, wrong_call(a), &self->args);
			poke(&self->args, a);
			poke(&self->args, b);
			EXPECT_EQ(wrong_errno(self, first),
				  answer(self->fd, a->cmd, &self->args))
			{
				TH_LOG("%s, %s", a->what, b->what);
			}
			pairs++;
		}
	}
	EXPECT_LT(100, pairs);
}

/* The calls of the same object, which is gone. */
#define EXPECT_GONE(name, type, field, value)                          \
	({                                                             \
		const struct call *__call = calls + _IOC_NR(name) -    \
					    MMUN_CMD_INFO;             \
		prepare(_metadata, self, __call, &self->args);         \
		self->args.type.field = value;                         \
		EXPECT_ANSWER(ENOENT, __call, &self->args);            \
	})

TEST_F(abi, a_removed_range_is_enoent_for_every_call)
{
	__u32 id = mmun_insert(self->map, NR_PAGES * self->page);

	mmun_remove(id);
	EXPECT_GONE(MMUN_READ_BEGIN, read_begin, id, id);
	EXPECT_GONE(MMUN_SNAPSHOT, snapshot, id, id);
	EXPECT_GONE(MMUN_ACCESS, access, id, id);
	if (self->info.out_features & MMUN_FEATURE_HMM)
		EXPECT_GONE(MMUN_VERIFY, verify, id, id);
	EXPECT_GONE(MMUN_FAIL_NONBLOCK, fail_nonblock, id, id);
	EXPECT_GONE(MMUN_QUERY_RANGE, query_range, id, id);
	EXPECT_GONE(MMUN_HOLD, hold, id, id);
	mmun_err_remove(ENOENT, id);
}

TEST_F(abi, a_batch_is_gone_after_commit_and_after_abandon)
{
	struct mmun_token token[2] = { mmun_read_begin(self->id),
				       mmun_read_begin(self->id) };
	int i;

	EXPECT_EQ(0, mmun_commit(token[0]));
	mmun_abandon(token[1]);
	for (i = 0; i < 2; i++) {
		mmun_err_collect(ENOENT, token[i], self->map, self->page,
				 MMUN_METHOD_GUP, 0);
		mmun_err_commit(ENOENT, token[i]);
		EXPECT_ERRNO(ENOENT, _mmun_abandon(self->fd, token[i]));
	}
}

TEST_F(abi, a_batch_of_a_removed_range_fails_its_commit_and_is_gone)
{
	__u32 id = mmun_insert(self->map, self->page);
	struct mmun_token token = mmun_read_begin(id);
	__u32 batches = mmun_query_context().out_batches;

	mmun_remove(id);
	mmun_err_commit(ENOENT, token);
	EXPECT_EQ(batches - 1, mmun_query_context().out_batches);
	EXPECT_ERRNO(ENOENT, _mmun_abandon(self->fd, token));
}

TEST_F(abi, a_failed_commit_keeps_the_batch)
{
	struct mmun_token token = mmun_read_begin(self->id), wrong = token;

	wrong.seq += 2;
	mmun_err_commit(EINVAL, wrong);
	EXPECT_EQ(0, mmun_commit(token));
}

TEST_F(abi, a_dirty_bulk_element_stops_the_bulk_call_there)
{
	struct mmun_span bulk[2] = {
		{ mmun_u64(self->map), self->page, 0, 0 },
		{ mmun_u64(self->map), self->page, 0, 1 },
	};
	__u64 done;

	ASSERT_EQ(0, _mmun_insert_bulk(self->fd, bulk, 2, &done));
	EXPECT_EQ(1, done);
	EXPECT_ERRNO(EOPNOTSUPP,
		     _mmun_insert_bulk(self->fd, bulk + 1, 1, &done));
	bulk[1].id = self->id;
	ASSERT_EQ(0, _mmun_remove_bulk(self->fd, bulk, 2, &done));
	EXPECT_EQ(1, done);
	EXPECT_ERRNO(EOPNOTSUPP,
		     _mmun_remove_bulk(self->fd, bulk + 1, 1, &done));
}

TEST_F(abi, contexts_do_not_see_each_others_objects)
{
	const int mine = self->fd;
	int i, other = mmun_open();

	ASSERT_LE(0, other);
	self->fd = other;
	mmun_err_remove(ENOENT, self->id);
	mmun_err_read_begin(ENOENT, self->id);
	EXPECT_ERRNO(ENOENT, _mmun_abandon(other, self->token));
	EXPECT_EQ(0, mmun_query_context().out_ranges);
	/* Even where the numbers are the same the objects are not. */
	for (i = 0; i < 4; i++)
		mmun_remove(mmun_insert(self->map, self->page));
	self->fd = mine;
	EXPECT_EQ(1, mmun_query_context().out_ranges);
	EXPECT_EQ(0, mmun_commit(self->token));
	EXPECT_EQ(0, close(other));
	mmun_remove(self->id);
}

TEST_F(abi, info_is_sane)
{
	const struct mmun_info *info = &self->info;

	EXPECT_EQ(MMUN_ABI_VERSION, info->out_abi);
	EXPECT_EQ(self->page, info->out_page_size);
	EXPECT_EQ(0, info->out_features & ~(MMUN_FEATURE_HMM |
					    MMUN_FEATURE_HMM_UNLOCKED));
	/* The one is a part of the other. */
	if (info->out_features & MMUN_FEATURE_HMM_UNLOCKED)
		EXPECT_NE(0, info->out_features & MMUN_FEATURE_HMM);
	EXPECT_EQ(1ULL << MMUN_KIND_INTERVAL | 1ULL << MMUN_KIND_NAIVE,
		  info->out_kinds);
	EXPECT_LE(16, info->out_max_contexts);
	EXPECT_LE(1000000, info->out_max_ranges);
	EXPECT_LE(1000000, info->out_max_shadow_pages);
	EXPECT_LE(16, info->out_max_batches);
	EXPECT_LE(NR_PAGES, info->out_max_batch_pages);
	EXPECT_LE(MMUN_LOG_DEFAULT, info->out_max_log_records);
	/* A power of two, or the largest log could not be had. */
	EXPECT_EQ(0, info->out_max_log_records &
			     (info->out_max_log_records - 1));
	EXPECT_LE(MMUN_RETRIES, info->out_max_retries);
	EXPECT_LE(MMUN_HOLD_MS, info->out_max_hold_ms);
	EXPECT_GE(60000, info->out_max_hold_ms);
	EXPECT_LE(1000, info->out_max_pin_ms);
	EXPECT_GE(60000, info->out_max_pin_ms);
	EXPECT_EQ(0, info->__reserved2);
}

TEST_F(abi, open_without_cap_sys_admin_is_eperm)
{
	ASSERT_EQ(0, mmun_drop_sys_admin());
	EXPECT_ERRNO(EPERM, mmun_open());
	EXPECT_EQ(0, strcmp(MMUN_NO_ACCESS, mmun_device_problem()));
}

TEST_F(abi, a_descriptor_works_for_a_user_that_could_not_open_it)
{
	const struct call *call;

	ASSERT_EQ(0, setresgid(65534, 65534, 65534));
	ASSERT_EQ(0, setresuid(65534, 65534, 65534));
	for_each_call(call) {
		prepare(_metadata, self, call, &self->args);
		EXPECT_PERFECT(call, &self->args);
	}
}

TEST_F(abi, look_cannot_be_asked_for_write)
{
	mmun_need_feature(MMUN_FEATURE_HMM);
	mmun_err_collect(EINVAL, self->token, self->map, self->page,
			 MMUN_METHOD_HMM_NOFAULT, MMUN_WRITE);
	mmun_err_snapshot(EINVAL, self->id, self->map, self->page,
			  MMUN_METHOD_HMM_NOFAULT, MMUN_WRITE);
	EXPECT_EQ(1, mmun_collect(self->token, self->map, self->page,
				  MMUN_METHOD_HMM_NOFAULT, 0));
}

/* A thread that waits until it is released. */
static void *parker(void *arg)
{
	__u32 released = 2;

	if (_mmun_pin_mm(*(int *)arg, 5000, &released))
		return (void *)-1L;
	return (void *)(long)released;
}

TEST_F(abi, unpin_mm_wakes_the_thread_of_that_tid_only)
{
	struct mmun_record record;
	pthread_t thread;
	void *released;
	__u32 count;

	mmun_drain_log(self->fd);
	ASSERT_EQ(0, pthread_create(&thread, NULL, parker, &self->fd));
	ASSERT_EQ(1, mmun_wait_record(self->fd, MMUN_RECORD_PIN, &record));
	EXPECT_ERRNO(ENOENT, _mmun_unpin_mm(self->fd, mmun_gettid(), &count));
	ASSERT_EQ(0, _mmun_unpin_mm(self->fd, record.tid, &count));
	EXPECT_EQ(1, count);
	ASSERT_EQ(0, pthread_join(thread, &released));
	EXPECT_EQ(1, (long)released);
	EXPECT_ERRNO(ENOENT, _mmun_unpin_mm(self->fd, record.tid, &count));
}

TEST_F(abi, pin_mm_times_out_if_no_call_ends_it)
{
	__u32 released = 2;

	ASSERT_EQ(0, _mmun_pin_mm(self->fd, 1, &released));
	EXPECT_EQ(0, released);
}

#if defined(__x86_64__) && !defined(__ILP32__)
#define COMPAT_GETPID	20
#define COMPAT_IOCTL	54

/* A system call of the 32-bit ABI, by the gate that 64-bit code has, too. */
static int compat_call(int nr, int fd, unsigned int cmd, void *arg)
{
	int ret;

	asm volatile("int $0x80"
		     : "=a"(ret)
		     : "a"(nr), "b"(fd), "c"(cmd), "d"(arg)
		     : "memory", "r8", "r9", "r10", "r11");
	return ret;
}

static int compat_answer(int fd, unsigned int cmd, void *arg)
{
	return -compat_call(COMPAT_IOCTL, fd, cmd, arg);
}

/*
 * Without the gate the call raises SIGSEGV, so a child tries it.  User-Mode Linux
 * takes the number for one of the 64-bit ABI.
 */
static int have_compat(void)
{
	pid_t child = fork();

	if (!child) {
		signal(SIGSEGV, SIG_DFL);
		_exit(compat_call(COMPAT_GETPID, -1, 0, NULL) != getpid());
	}
	return child > 0 && !mmun_wait_child(child);
}
#else
static int compat_answer(int fd, unsigned int cmd, void *arg)
{
	return -1;
}

static int have_compat(void)
{
	return 0;
}
#endif

#ifndef MAP_32BIT
#define MAP_32BIT 0
#endif

TEST_F(abi, a_32_bit_caller_gets_the_same_answers)
{
	union args *a = mmap(NULL, sizeof(*a), PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	const struct call *call;

	if (!have_compat())
		SKIP(return, "no 32-bit ioctl: build the kernel with CONFIG_IA32_EMULATION");
	ASSERT_NE(MAP_FAILED, a);
	for_each_call(call) {
		prepare(_metadata, self, call, a);
		a->size = call->min_size - 1;
		EXPECT_EQ(EINVAL, compat_answer(self->fd, call->cmd, a));
		a->size = call->min_size;
		EXPECT_EQ(perfect_answer(self, call),
			  compat_answer(self->fd, call->cmd, a))
		{
			TH_LOG("%s", call->name);
		}
	}
	EXPECT_EQ(ENOTTY, compat_answer(self->fd, _IO('J', 0x7f), a));
}

FIXTURE(open_mode)
{
	int fd;
};

FIXTURE_VARIANT(open_mode)
{
	int mode;
	int read_errno;
	int write_errno;
};

/* There is nothing to write, and nothing to read in a new log. */
/* clang-format off */
FIXTURE_VARIANT_ADD(open_mode, read_write) {
	.mode = O_RDWR, .read_errno = EAGAIN, .write_errno = EINVAL,
};

FIXTURE_VARIANT_ADD(open_mode, read_only) {
	.mode = O_RDONLY, .read_errno = EAGAIN, .write_errno = EBADF,
};

FIXTURE_VARIANT_ADD(open_mode, write_only) {
	.mode = O_WRONLY, .read_errno = EBADF, .write_errno = EINVAL,
};

/* clang-format on */

FIXTURE_SETUP(open_mode)
{
	self->fd = open(MMUN_DEV, variant->mode | O_NONBLOCK | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(open_mode)
{
	EXPECT_EQ(0, close(self->fd));
}

TEST_F(open_mode, calls_work_and_read_and_write_need_theirs)
{
	struct mmun_record record;

	EXPECT_EQ(MMUN_ABI_VERSION, mmun_info().out_abi);
	mmun_remove(mmun_insert(&record, sizeof(record)));
	EXPECT_ERRNO(variant->read_errno,
		     read(self->fd, &record, sizeof(record)));
	EXPECT_ERRNO(variant->write_errno,
		     write(self->fd, &record, sizeof(record)));
}

TEST_F(open_mode, the_device_cannot_be_mapped)
{
	const int prot = variant->mode == O_WRONLY ? PROT_NONE : PROT_READ;
	void *p;

	errno = 0;
	p = mmap(NULL, 4096, prot, MAP_PRIVATE, self->fd, 0);
	EXPECT_EQ(MAP_FAILED, p);
	/* Every mapping needs a file that can be read. */
	EXPECT_EQ(variant->mode == O_WRONLY ? EACCES : ENODEV, errno);
}

MMUN_HARNESS_MAIN
