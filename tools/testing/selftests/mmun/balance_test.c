// SPDX-License-Identifier: GPL-2.0
/*
 * Tests MMUN_CHECK_BALANCE, which reports whether all invalidations of the mm
 * have ended.
 */
#include "lib/hold.h"

HOLD_FIXTURE(balance)

/* Expect this result of MMUN_CHECK_BALANCE.  Evaluates to the sequence. */
#define expect_check(_balanced, _odd)                                 \
	({                                                            \
		struct mmun_check_balance __c;                        \
		ASSERT_EQ(0, _mmun_check_balance(self->fd, 0, &__c)); \
		ASSERT_EQ(_balanced, __c.out_balanced);               \
		ASSERT_EQ(_odd, __c.out_odd);                         \
		__c.out_seq;                                          \
	})

TEST_F(balance, idle_mm_is_balanced_and_a_check_leaves_no_object)
{
	struct mmun_query_context before = mmun_query_context(), after;

	for (int i = 0; i < 1000; i++)
		ASSERT_EQ(1, expect_check(1, 0) & 1);
	after = mmun_query_context();
	EXPECT_EQ(before.out_objects, after.out_objects);
	EXPECT_EQ(before.out_mm_users, after.out_mm_users);
}

TEST_F(balance, mm_is_not_balanced_while_the_sequence_is_odd)
{
	hold_dontneed(1, MMUN_POINT_LEAVE, self->id);
	for (int i = 0; i < 100; i++)
		ASSERT_EQ(mmun_query_range(self->id).out_seq,
			  expect_check(0, 1));
	end_workers();
	EXPECT_EQ(1, mmun_check_balance(0));
}

TEST_F(balance, check_while_even_makes_the_sequence_odd)
{
	hold_dontneed(FREE_PAGE, MMUN_POINT_START, 0);
	expect_check(0, 0);
	expect_check(0, 1);
	end_workers();
	EXPECT_EQ(1, mmun_check_balance(0));
}

TEST_F(balance, check_waits_for_the_end_of_an_invalidation)
{
	hold_dontneed(1, MMUN_POINT_LEAVE, self->id);
	worker_do(&self->other, job_check_balance);
	end_worker(&self->mutator);
	EXPECT_EQ(1, worker_join(&self->other));
}

TEST_F(balance, close_after_a_check_during_an_invalidation_frees_memory)
{
	__u64 idle = mmun_objects_without_lists(), held;
	struct mmun_check_balance check;
	int other = mmun_open();

	ASSERT_LE(0, other);
	hold_dontneed(FREE_PAGE, MMUN_POINT_START, 0);
	held = mmun_query_context().out_objects;
	ASSERT_EQ(0, _mmun_check_balance(other, 0, &check));
	EXPECT_EQ(0, check.out_balanced);
	EXPECT_LT(held, mmun_query_context().out_objects);
	end_workers();
	EXPECT_EQ(0, close(other));
	EXPECT_EQ(idle, mmun_query_context().out_objects);
	EXPECT_EQ(1, mmun_check_balance(0));
}

MMUN_HARNESS_MAIN
