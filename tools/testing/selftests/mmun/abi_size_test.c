// SPDX-License-Identifier: GPL-2.0
/*
 * Tests the rules that apply to every call: the ioctl number, the layout and
 * the size of the argument, and the copy of the argument.
 */
#include <assert.h>
#include "lib/calls.h"

/* 32-bit and 64-bit callers pass arguments of the same layout to the driver. */
#define SIZE sizeof(layout)
#define AT(field) offsetof(typeof(layout), field)
#define OFFSETS(name, condition)                                   \
	static inline void check_##name(struct mmun_##name layout) \
	{                                                          \
		static_assert(condition, #name ": " #condition);   \
	}

/* clang-format off */
OFFSETS(info, SIZE == 72 && AT(out_features) == 16 && AT(out_kinds) == 24 &&
	AT(out_max_contexts) == 32 && AT(out_max_pin_ms) == 64)
OFFSETS(span, SIZE == 24 && AT(length) == 8 && AT(id) == 16)
OFFSETS(insert, SIZE == 40 && AT(spans) == 8 && AT(out_done) == 24 && AT(policy) == 32)
OFFSETS(remove, SIZE == 32 && AT(spans) == 8 && AT(out_done) == 24)
OFFSETS(read_begin, SIZE == 24 && AT(out_batch) == 8 && AT(out_seq) == 16)
OFFSETS(collect, SIZE == 40 && AT(start) == 8 && AT(method) == 24 && AT(out_valid) == 32)
OFFSETS(commit, SIZE == 24 && AT(seq) == 8 && AT(out_collided) == 16)
OFFSETS(abandon, SIZE == 8)
OFFSETS(snapshot, SIZE == 64 && AT(start) == 8 && AT(method) == 24 && AT(pages) == 40 &&
	AT(out_valid) == 52 && AT(out_locked) == 60)
OFFSETS(access, SIZE == 48 && AT(addr) == 16 && AT(buffer) == 32 && AT(out_done) == 40)
OFFSETS(verify, SIZE == 48 && AT(out_result) == 12 && AT(out_checked) == 16 && AT(out_pte) == 40)
OFFSETS(fail_nonblock, SIZE == 16)
OFFSETS(query_range, SIZE == 88 && AT(seq) == 8 && AT(out_in_tree) == 24 &&
	AT(out_invalidations) == 32 && AT(out_kept_tables) == 80)
OFFSETS(query_context, SIZE == 48 && AT(out_objects) == 24)
OFFSETS(log_setup, SIZE == 24 && AT(out_lost) == 16)
OFFSETS(hold, SIZE == 32 && AT(out_hold) == 28)
OFFSETS(wait_held, SIZE == 48 && AT(out_start) == 32)
OFFSETS(resume, SIZE == 16 && AT(out_resumed) == 12)
OFFSETS(wake_thread, SIZE == 16)
OFFSETS(check_balance, SIZE == 24 && AT(out_seq) == 16)
OFFSETS(pin_mm, SIZE == 16)
OFFSETS(unpin_mm, SIZE == 16)
OFFSETS(record, SIZE == 104 && AT(cur_seq) == 24 && AT(id) == 64 && AT(event) == 72 &&
	AT(comm) == 88)
/* clang-format on */

TEST_EACH_CALL(every_call_works)
{
	ASSERT_EQ(_IO('J', 0x80 + (call - calls)), call->cmd);
	EXPECT_PERFECT(call, &self->args);
}

TEST_EACH_CALL(size_below_the_minimum_is_einval)
{
	const __u32 sizes[] = { 0, 1, 4, call->min_size - 1 };

	for (int i = 0; i < ARRAY_SIZE(sizes); i++) {
		self->args.size = sizes[i];
		EXPECT_ANSWER(EINVAL, call, &self->args);
	}
	self->args.size = call->min_size;
	EXPECT_PERFECT(call, &self->args);
}

TEST_EACH_CALL(longer_size_with_a_zero_tail_works)
{
	static const char zero[sizeof(union args)];
	const __u32 sizes[] = { call->size + 1, call->size + 8, sizeof(zero) };

	for (int i = 0; i < ARRAY_SIZE(sizes); i++) {
		prepare(call, &self->args);
		self->args.size = sizes[i];
		EXPECT_PERFECT(call, &self->args);
		EXPECT_EQ(sizes[i], self->args.size);
		EXPECT_EQ(0, memcmp(self->args.bytes + call->size, zero,
				    sizes[i] - call->size));
	}
}

TEST_EACH_CALL(longer_size_with_a_dirty_tail_is_e2big)
{
	const int dirty[] = { call->size, call->size + 7,
			      sizeof(union args) - 1 };

	for (int i = 0; i < ARRAY_SIZE(dirty); i++) {
		self->args.size = dirty[i] + 1;
		self->args.bytes[dirty[i]] = 1;
		EXPECT_ANSWER(E2BIG, call, &self->args);
		self->args.bytes[dirty[i]] = 0;
	}
	self->args.size = call->min_size;
	EXPECT_PERFECT(call, &self->args);
}

TEST_EACH_CALL(wrong_size_is_reported_before_wrong_values)
{
	memset(&self->args, 0xff, sizeof(self->args));
	self->args.size = call->min_size - 1;
	EXPECT_ANSWER(EINVAL, call, &self->args);
	self->args.size = call->size + 1;
	EXPECT_ANSWER(E2BIG, call, &self->args);
}

/*
 *	|  page 14  |  page 15  |  nothing  |
 *	                     |struct|	the end of the struct is missing
 *	                       |size|	the end of its first field is missing
 */
TEST_EACH_CALL(bad_argument_pointer_is_efault)
{
	char *end = mmun_page(NR_PAGES);
	void *const bad[] = { NULL, (void *)8, end, end - 2, (void *)-4096L };

	for (int i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_ANSWER(EFAULT, call, bad[i]);
	*(__u32 *)(end - 4) = call->min_size;
	EXPECT_ANSWER(EFAULT, call, end - 4);
}

TEST_F(abi, unwritable_argument_leaves_no_range_no_batch_and_no_hold)
{
	union args *a = (void *)mmun_map(mmun_arena(1), sizeof(*a));
	const unsigned int creators[] = { MMUN_INSERT, MMUN_READ_BEGIN,
					  MMUN_HOLD };
	struct mmun_query_context before = mmun_query_context(), after;

	ASSERT_NE(NULL, a);
	for (int i = 0; i < ARRAY_SIZE(creators); i++) {
		const struct call *call = call_of(creators[i]);

		prepare(call, a);
		ASSERT_EQ(0, mprotect(a, sizeof(*a), PROT_READ));
		EXPECT_ANSWER(EFAULT, call, a);
		ASSERT_EQ(0, mprotect(a, sizeof(*a), PROT_READ | PROT_WRITE));
	}
	after = mmun_query_context();
	EXPECT_EQ(before.out_ranges, after.out_ranges);
	EXPECT_EQ(before.out_batches, after.out_batches);
	EXPECT_EQ(before.out_objects, after.out_objects);
}

TEST_F(abi, unknown_command_is_enotty)
{
	const int last = MMUN_CMD_INFO + NR_CALLS - 1;

	for (int nr = 0; nr < 256; nr++) {
		if (nr >= MMUN_CMD_INFO && nr <= last)
			continue;
		EXPECT_EQ(ENOTTY, answer(self->fd, _IO('J', nr), NULL))
		{
			TH_LOG("number %#x", nr);
		}
	}
}

TEST_EACH_CALL(known_ioctl_number_with_a_wrong_type_or_direction_is_enotty)
{
	const int nr = _IOC_NR(call->cmd);
	const unsigned int wrong[] = { _IO('I', nr), _IO('K', nr),
				       _IOWR('J', nr, union args),
				       _IOW('J', nr, __u32) };

	for (int i = 0; i < ARRAY_SIZE(wrong); i++) {
		EXPECT_EQ(ENOTTY, answer(self->fd, wrong[i], &self->args))
		{
			TH_LOG("%s, number %#x", call->name, wrong[i]);
		}
	}
	EXPECT_PERFECT(call, &self->args);
}

#define COMPAT_GETPID 20
#define COMPAT_IOCTL 54

/* Issue a system call of the 32-bit ABI, which 64-bit code can also use. */
static int compat_call(int nr, int fd, unsigned int cmd, void *arg)
{
	int ret = -1;

#if defined(__x86_64__) && !defined(__ILP32__)
	asm volatile("int $0x80"
		     : "=a"(ret)
		     : "a"(nr), "b"(fd), "c"(cmd), "d"(arg)
		     : "memory", "r8", "r9", "r10", "r11");
#endif
	return ret;
}

static int compat_answer(int fd, unsigned int cmd, void *arg)
{
	return -compat_call(COMPAT_IOCTL, fd, cmd, arg);
}

/*
 * A child process tries getpid(), because int $0x80 causes SIGSEGV if the
 * kernel lacks the 32-bit ABI.  User-Mode Linux executes a system call of the
 * 64-bit ABI instead.
 */
static bool have_compat(void)
{
	pid_t child = fork();

	if (!child) {
		signal(SIGSEGV, SIG_DFL);
		_exit(compat_call(COMPAT_GETPID, -1, 0, NULL) != getpid());
	}
	return child > 0 && !mmun_wait_child(child);
}

#define NO_COMPAT "no 32-bit ioctl: build the kernel with CONFIG_IA32_EMULATION"

#ifndef MAP_32BIT
#define MAP_32BIT 0
#endif

TEST_F(abi, compat_ioctl_returns_the_same_results)
{
	union args *a = mmap(NULL, sizeof(*a), PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	const struct call *call;

	if (!have_compat())
		SKIP(return, NO_COMPAT);
	ASSERT_NE(MAP_FAILED, a);
	for (call = calls; call < calls_end; call++) {
		prepare(call, a);
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

MMUN_HARNESS_MAIN
