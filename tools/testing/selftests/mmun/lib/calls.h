/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Fills in the argument of each call of the device so that the call succeeds.
 */
#ifndef _SELFTESTS_MMUN_CALLS_H
#define _SELFTESTS_MMUN_CALLS_H

#include <stddef.h>

#include "mmun.h"

#define NR_PAGES 16

union args {
	__u32 size;
#define MEMBER(NAME, name, last) struct mmun_##name name;
	MMUN_CALLS(MEMBER)
#undef MEMBER
	char bytes[4096];
};

/*
 * The fixture has a range over all pages of self->map, and an open batch of
 * this range.  The shadow of the range has an entry for each page.
 *
 *	|- - -|  0   1   2  ...  15 |- - -|
 *	       |-------range-------|
 *	       |--------map--------|
 */
FIXTURE(abi)
{
	MMUN_FIXTURE;
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
	mmun_setup_filled(NR_PAGES);
	self->info = mmun_info();
	self->id = mmun_insert(self->map, NR_PAGES * self->page);
	self->token = mmun_read_begin(self->id);
	ASSERT_EQ(NR_PAGES,
		  mmun_snapshot(self->id, self->map, NR_PAGES * self->page,
				MMUN_METHOD_GUP, MMUN_WRITE, NULL));
}

MMUN_FIXTURE_TEARDOWN(abi)

/* Fill in self->span.  Returns the address of self->span. */
static inline __u64 abi_span(FIXTURE_DATA(abi) * self, char *start,
			     size_t length, __u32 id)
{
	self->span = (struct mmun_span){
		.start = mmun_u64(start),
		.length = length,
		.id = id,
	};
	return mmun_u64(&self->span);
}

/* End the holds of earlier calls, up to the hold with the ID @newest. */
static inline void abi_end_holds(FIXTURE_DATA(abi) * self, __u32 newest)
{
	__u32 released;

	while (self->newest_hold < newest)
		_mmun_resume(self->fd, ++self->newest_hold, MMUN_RESUME_END,
			     &released);
}

/* Arm a hold, and end all other holds.  Returns the ID of the new hold. */
static inline __u32 abi_only_hold(struct __test_metadata *_metadata,
				  FIXTURE_DATA(abi) * self)
{
	__u32 hold = mmun_hold(MMUN_POINT_ENTER, 0, mmun_gettid());

	abi_end_holds(self, hold - 1);
	return hold;
}

/* clang-format off */

/* Define perfect_@name(), which executes @before and fills in the argument. */
#define PERFECT_AFTER(before, name, ...)                                     \
	static inline void perfect_##name(struct __test_metadata *_metadata, \
					  FIXTURE_DATA(abi) *self,           \
					  union args *a)                     \
	{                                                                    \
		before;                                                      \
		a->name = (struct mmun_##name){ .size = sizeof(a->name),     \
						##__VA_ARGS__ };             \
	}
#define PERFECT(name, ...) PERFECT_AFTER(, name, ##__VA_ARGS__)

PERFECT(info)
PERFECT(insert, .spans = abi_span(self, self->map, self->page, 0), .count = 1)
PERFECT(remove, .spans = abi_span(self, NULL, 0, mmun_insert(self->map, self->page)), .count = 1)
PERFECT(read_begin, .id = self->id)
PERFECT(collect, .batch = self->token.batch, .start = mmun_u64(self->map), .length = self->page,
	.method = MMUN_METHOD_GUP)
PERFECT_AFTER(struct mmun_token token = mmun_read_begin(self->id), commit,
	      .batch = token.batch, .seq = token.seq)
PERFECT(abandon, .batch = mmun_read_begin(self->id).batch)
PERFECT(snapshot, .id = self->id, .start = mmun_u64(self->map), .length = self->page,
	.method = MMUN_METHOD_GUP, .pages = mmun_u64(self->buffer))
PERFECT(access, .id = self->id, .addr = mmun_u64(self->map), .length = sizeof(self->buffer),
	.buffer = mmun_u64(self->buffer))
PERFECT(verify, .id = self->id)
PERFECT(fail_nonblock, .id = self->id)
PERFECT(query_range, .id = self->id)
PERFECT(query_context)
PERFECT(log_setup, .records = MMUN_LOG_DEFAULT, .types = MMUN_LOG_TYPES_DEFAULT)
PERFECT_AFTER(abi_end_holds(self, mmun_hold(MMUN_POINT_ENTER, 0, mmun_gettid())), hold,
	      .id = self->id, .tid = mmun_gettid(), .count = 1, .timeout_ms = 1)
PERFECT(wait_held, .hold = abi_only_hold(_metadata, self))
PERFECT(resume, .hold = abi_only_hold(_metadata, self))
PERFECT(wake_thread, .tid = mmun_gettid(), .count = 1)
PERFECT(check_balance)
PERFECT(pin_mm, .timeout_ms = 1)
PERFECT(unpin_mm)
/* clang-format on */

/*
 * struct call - a call of the device
 * @name: name of the call, for messages
 * @cmd: command for ioctl()
 * @min_size: the size of the argument in the first version of the call
 * @size: the size of the argument in this version of the call
 * @perfect: fills in an argument with which the call succeeds
 */
static const struct call {
	const char *name;
	unsigned int cmd;
	size_t min_size;
	size_t size;
	void (*perfect)(struct __test_metadata *_metadata,
			FIXTURE_DATA(abi) * self, union args *a);
} calls[] = {
#define CALL(NAME, name, last)                             \
	{ "MMUN_" #NAME, MMUN_##NAME,                      \
	  offsetof(struct mmun_##name, last) +             \
		  sizeof(((struct mmun_##name *)0)->last), \
	  sizeof(struct mmun_##name), perfect_##name },
	MMUN_CALLS(CALL)
#undef CALL
};

#define NR_CALLS ((int)ARRAY_SIZE(calls))

static const struct call *const calls_end = calls + NR_CALLS;

static inline const struct call *call_of(unsigned int cmd)
{
	return calls + _IOC_NR(cmd) - MMUN_CMD_INFO;
}

/* Fill in *@_args so that @_call succeeds. */
#define prepare(_call, _args)                              \
	do {                                               \
		union args *__args = _args;                \
		memset(__args, 0, sizeof(*__args));        \
		(_call)->perfect(_metadata, self, __args); \
	} while (0)

/*
 * Define a test whose body runs once for each element @call of calls[].  At the
 * start of the body, self->args is an argument with which @call succeeds.
 */
#define TEST_EACH_CALL(_test)                                      \
	static void _test##_for(struct __test_metadata *_metadata, \
				FIXTURE_DATA(abi) * self,          \
				const struct call *call);          \
	TEST_F(abi, _test)                                         \
	{                                                          \
		for (int i = 0; i < NR_CALLS; i++) {               \
			prepare(calls + i, &self->args);           \
			_test##_for(_metadata, self, calls + i);   \
		}                                                  \
	}                                                          \
	static void _test##_for(struct __test_metadata *_metadata, \
				FIXTURE_DATA(abi) * self,          \
				const struct call *call)

/* Returns the correct result of @call on this kernel: 0 or an errno. */
static inline int perfect_answer(FIXTURE_DATA(abi) * self,
				 const struct call *call)
{
	bool has_hmm = self->info.out_features & MMUN_FEATURE_HMM;
	int ret = call->cmd == MMUN_UNPIN_MM ? ENOENT : 0;

	return call->cmd == MMUN_VERIFY && !has_hmm ? EOPNOTSUPP : ret;
}

/* Returns 0 or an errno, or -1 if ioctl() returns neither 0 nor -1. */
static inline int answer(int fd, unsigned int cmd, void *arg)
{
	int ret = ioctl(fd, cmd, arg);

	return ret == -1 ? errno : -!!ret;
}

#define EXPECT_ANSWER(expected, call, arg)                              \
	({                                                              \
		EXPECT_EQ(expected, answer(self->fd, (call)->cmd, arg)) \
		{                                                       \
			TH_LOG("%s", (call)->name);                     \
	}                                                               \
	})

#define EXPECT_PERFECT(call, arg) \
	EXPECT_ANSWER(perfect_answer(self, call), call, arg)

#endif /* _SELFTESTS_MMUN_CALLS_H */
