// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of an mm that has a list notifier and a range.  The list notifier
 * refuses an invalidation that must not block.  The caller then does not end
 * the invalidation, so the core must end the invalidation for the range.
 *
 * If the core does not end the invalidation, READ_BEGIN, REMOVE and close()
 * wait for ever.  Each test therefore calls CHECK_BALANCE first, and ends with
 * an expected failure if the mm is not balanced.  The driver then waits until
 * the victim has exited, and does not call the core to remove the range.
 */
#include "lib/refuse.h"

#define VMA_PAGES 4
#define ID_LIST 0 /* FAIL_NONBLOCK: the list notifier */

VICTIM_FIXTURE(refuse, setup_victim(8, VMA_PAGES); pin_victim())

/*
 * The victim has memory in the pages 0 to 3:
 *
 *   0   1   2   3   4   5   6   7
 *   |-----memory----|
 *   |------hit------|       |miss
 *
 * @first, @nr: the pages of the range; @nr is 0 if there is no range
 * @range_refuses: the range covers all memory of the victim, and refuses each
 *	invalidation.  The core then does not call the list notifier.
 */
FIXTURE_VARIANT(refuse)
{
	int first, nr;
	bool range_refuses;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(refuse, range_is_hit)      { 0, VMA_PAGES, false };
FIXTURE_VARIANT_ADD(refuse, range_is_missed)   { 6, 1, false };
FIXTURE_VARIANT_ADD(refuse, no_range)          { };
FIXTURE_VARIANT_ADD(refuse, range_refuses_too) { .range_refuses = true };
/* clang-format on */

#define insert_range()                                                        \
	do {                                                                  \
		if (variant->nr)                                              \
			self->ids[0] = mmun_insert(mmun_page(variant->first), \
						   mmun_pages(variant->nr));  \
		if (!variant->range_refuses)                                  \
			break;                                                \
		self->ids[0] = mmun_insert(NULL, ALL_MEMORY);                 \
		EXPECT_EQ(0, mmun_fail_nonblock(self->ids[0], -1));           \
	} while (0)

/* Kill the victim.  The list notifier refuses the first attempt to reap. */
#define refuse_once()                                         \
	do {                                                  \
		EXPECT_EQ(0, mmun_fail_nonblock(ID_LIST, 1)); \
		signal_victim(SIGKILL);                       \
		EXPECT_ERRNO(EAGAIN, mrelease());             \
	} while (0)

#define setup_refusal()         \
	do {                    \
		insert_range(); \
		refuse_once();  \
		need_balance(); \
	} while (0)

TEST_F(refuse, mm_is_balanced_after_a_list_notifier_refused)
{
	setup_refusal();
	EXPECT_EQ(variant->range_refuses, mmun_fail_nonblock(ID_LIST, 0));
}

/* The first hold at START or END registers the other list notifier. */
static int register_other(int fd)
{
	__u32 hold;

	return _mmun_hold_once(fd, MMUN_POINT_END, 0, 0, &hold);
}

/* Read the log, and count its starts and its ends. */
#define count_records(_counts)                                    \
	do {                                                      \
		struct mmun_record __r;                           \
		while (mmun_next_record(self->fd, &__r) == 1)     \
			(_counts)[__r.type == MMUN_RECORD_END] += \
				__r.type == MMUN_RECORD_START ||  \
				__r.type == MMUN_RECORD_END;      \
	} while (0)

TEST_F(refuse, each_start_of_another_list_notifier_has_an_end)
{
	int counts[2] = { 0, 0 }; /* of starts and of ends */

	EXPECT_EQ(0, mmun_log_setup(1024, 1U << MMUN_RECORD_START |
						  1U << MMUN_RECORD_END));
	ASSERT_EQ(0, register_other(self->fd));
	insert_range();
	refuse_once();
	count_records(counts);
	EXPECT_EQ(!variant->range_refuses, counts[0] > 0);
	EXPECT_EQ(counts[0], counts[1]);
	need_balance();
}

TEST_F(refuse, next_attempt_to_reap_succeeds)
{
	setup_refusal();
	mmun_fail_nonblock(ID_LIST, 0);
	if (variant->range_refuses)
		EXPECT_LT(0, mmun_fail_nonblock(self->ids[0], 0));
	EXPECT_EQ(0, mrelease());
	EXPECT_EQ(1, mmun_check_balance(BALANCE_MS));
}

TEST_F(refuse, range_can_be_read_and_removed)
{
	setup_refusal();
	if (!self->ids[0])
		return;
	EXPECT_EQ(0, _mmun_abandon(self->fd, mmun_read_begin(self->ids[0])));
	mmun_remove(self->ids[0]);
}

TEST_F(refuse, victim_exits_and_the_device_can_be_closed)
{
	setup_refusal();
	end_victim();
	EXPECT_EQ(0, mmun_query_context().out_mm_users);
}

MMUN_HARNESS_MAIN
