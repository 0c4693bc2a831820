// SPDX-License-Identifier: GPL-2.0
/*
 * MMUN_CHECK_BALANCE reports whether each invalidation of the mm that started
 * has ended.
 */
#include "lib/hold.h"

HOLD_FIXTURE(balance)

/* Returns the result of a check that does not wait. */
#define check_once()                                                  \
	({                                                            \
		struct mmun_check_balance __c;                        \
		ASSERT_EQ(0, _mmun_check_balance(self->fd, 0, &__c)); \
		__c;                                                  \
	})

TEST_F(balance, idle_mm_is_balanced_and_a_check_leaves_nothing)
{
	struct mmun_query_context before = mmun_query_context(), after;
	struct mmun_check_balance check;
	int i;

	for (i = 0; i < 1000; i++) {
		check = check_once();
		ASSERT_EQ(1, check.out_balanced);
		ASSERT_EQ(0, check.out_odd);
		ASSERT_EQ(1, check.out_seq & 1);
	}
	after = mmun_query_context();
	EXPECT_EQ(before.out_objects, after.out_objects);
	EXPECT_EQ(before.out_mm_users, after.out_mm_users);
}

TEST_F(balance, mm_is_not_balanced_while_the_sequence_is_odd)
{
	__u32 at = hold_dontneed(1, MMUN_POINT_LEAVE, self->id);
	struct mmun_check_balance check;
	int i;

	for (i = 0; i < 100; i++) {
		check = check_once();
		ASSERT_EQ(0, check.out_balanced);
		ASSERT_EQ(1, check.out_odd);
		ASSERT_EQ(mmun_query_range(self->id).out_seq, check.out_seq);
	}
	resume_worker(&self->mutator, at);
	EXPECT_EQ(1, mmun_check_balance(0));
}

TEST_F(balance, check_while_even_makes_the_sequence_odd)
{
	__u32 at = hold_dontneed(FREE, MMUN_POINT_START, 0);
	struct mmun_check_balance check;

	check = check_once();
	EXPECT_EQ(0, check.out_balanced);
	EXPECT_EQ(0, check.out_odd);
	check = check_once();
	EXPECT_EQ(0, check.out_balanced);
	EXPECT_EQ(1, check.out_odd);
	resume_worker(&self->mutator, at);
	EXPECT_EQ(1, mmun_check_balance(0));
}

TEST_F(balance, check_waits_for_the_end_of_an_invalidation)
{
	__u32 at = hold_dontneed(1, MMUN_POINT_LEAVE, self->id);

	worker_do(&self->other, job_check_balance);
	resume_worker(&self->mutator, at);
	EXPECT_EQ(1, worker_join(&self->other));
}

TEST_F(balance, close_after_a_check_during_an_invalidation_frees_memory)
{
	__u32 at = hold_dontneed(FREE, MMUN_POINT_START, 0);
	__u64 memory = mmun_query_context().out_objects;
	struct mmun_check_balance check;
	int other = mmun_open();

	ASSERT_LE(0, other);
	ASSERT_EQ(0, _mmun_check_balance(other, 0, &check));
	EXPECT_EQ(0, check.out_balanced);
	EXPECT_LT(memory, mmun_query_context().out_objects);
	resume_worker(&self->mutator, at);
	EXPECT_EQ(0, close(other));
	EXPECT_GE(memory, mmun_query_context().out_objects);
	EXPECT_EQ(1, mmun_check_balance(0));
}

MMUN_HARNESS_MAIN
