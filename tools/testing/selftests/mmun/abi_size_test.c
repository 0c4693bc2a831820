// SPDX-License-Identifier: GPL-2.0
/*
 * The contract of all calls: the numbers of the calls, the layout and the size
 * of the argument, and the copy of the argument.
 */
#include <assert.h>
#include "lib/calls.h"

/* The layout is part of the ABI.  It is the same for 32-bit callers. */
#define LAYOUT_SIZE(type, bytes) \
	static_assert(sizeof(struct type) == (bytes), #type)
#define LAYOUT(type, field, offset)                             \
	static_assert(offsetof(struct type, field) == (offset), \
		      #type "." #field)

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

TEST_F(abi, every_call_works)
{
	const struct call *call;

	for (call = calls; call < calls_end; call++) {
		ASSERT_EQ(_IO('J', 0x80 + (call - calls)), call->cmd);
		prepare(_metadata, self, call, &self->args);
		EXPECT_PERFECT(call, &self->args);
	}
}

TEST_F(abi, a_size_below_the_smallest_is_einval)
{
	const struct call *call;
	int i;

	for (call = calls; call < calls_end; call++) {
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

	for (call = calls; call < calls_end; call++) {
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

	for (call = calls; call < calls_end; call++) {
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

TEST_F(abi, a_wrong_size_is_reported_before_wrong_values)
{
	const struct call *call;

	memset(&self->args, 0xff, sizeof(self->args));
	for (call = calls; call < calls_end; call++) {
		self->args.size = call->min_size - 1;
		EXPECT_ANSWER(EINVAL, call, &self->args);
		self->args.size = call->size + 1;
		EXPECT_ANSWER(E2BIG, call, &self->args);
	}
}

/*
 *	|  page 14  |  page 15  |  nothing  |
 *	                     |struct|	the end of the struct is missing
 *	                       |size|	the end of its first field is missing
 */
TEST_F(abi, a_bad_argument_pointer_is_efault)
{
	char *end = self->map + NR_PAGES * self->page;
	void *const bad[] = { NULL, (void *)8, end, end - 2, (void *)-4096L };
	const struct call *call;
	int i;

	for (call = calls; call < calls_end; call++) {
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
		const struct call *call = call_of(creators[i]);

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

	for (call = calls; call < calls_end; call++) {
		int nr = _IOC_NR(call->cmd);

		prepare(_metadata, self, call, &self->args);
		EXPECT_EQ(ENOTTY, answer(self->fd, _IO('I', nr), &self->args));
		EXPECT_EQ(ENOTTY, answer(self->fd, _IO('K', nr), &self->args));
		EXPECT_EQ(ENOTTY, answer(self->fd, _IOWR('J', nr, union args),
					 &self->args));
		EXPECT_EQ(ENOTTY,
			  answer(self->fd, _IOW('J', nr, __u32), &self->args));
		EXPECT_PERFECT(call, &self->args);
	}
}

#if defined(__x86_64__) && !defined(__ILP32__)
#define COMPAT_GETPID 20
#define COMPAT_IOCTL 54

/* A system call of the 32-bit ABI, which 64-bit code can also use. */
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
 * A kernel without the 32-bit ABI raises SIGSEGV, so a child tries a call.
 * User-Mode Linux interprets the number as a number of the 64-bit ABI.
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

#define NO_COMPAT "no 32-bit ioctl: build the kernel with CONFIG_IA32_EMULATION"

#ifndef MAP_32BIT
#define MAP_32BIT 0
#endif

TEST_F(abi, a_32_bit_caller_gets_the_same_answers)
{
	union args *a = mmap(NULL, sizeof(*a), PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	const struct call *call;

	if (!have_compat())
		SKIP(return, NO_COMPAT);
	ASSERT_NE(MAP_FAILED, a);
	for (call = calls; call < calls_end; call++) {
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

MMUN_HARNESS_MAIN
