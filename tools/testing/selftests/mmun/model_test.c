// SPDX-License-Identifier: GPL-2.0
/*
 * Tests the model without a kernel: the rules of the lock, of the two passes and
 * of the list notifiers, and the search for the schedules of a configuration.
 */
#include "lib/mmun.h"
#include "model/list.h"
#include "model/listen.h"
#include "model/search.h"
#include "model/two_pass.h"

enum { A, B, C, D };

/* Short names of the values of enum model_where, in the same order */
enum {
	IDLE,
	ENTER,
	LEAVE,
	START,
	END,
	EXITING,
	CALLED,
	WAITS_SEQ,
	WAITS_MMAP,
	WAITS_READERS,
	MAY_WAIT,
	GONE,
};

FIXTURE(model)
{
	struct model_config config;
	struct model m;
	struct model_trace trace;
};

FIXTURE_SETUP(model)
{
}

FIXTURE_TEARDOWN(model)
{
}

#define start_with(_actors)                                            \
	do {                                                           \
		ASSERT_NE(NULL, config_parse(&self->config, _actors)); \
		model_init(&self->m, &self->config);                   \
	} while (0)

/* @_nr is the number of an actor in the configuration, from 0. */
#define actor_state(_nr) (self->m.actor[_nr])
#define can_step(_nr) model_enabled(&self->m, &self->config, _nr)

/* Make an actor take steps, which must lead to the stops in the arguments. */
#define actor_goes(_nr, ...)                                             \
	do {                                                             \
		const int __where[] = { __VA_ARGS__ };                   \
		for (int __i = 0; __i < ARRAY_SIZE(__where); __i++) {    \
			ASSERT_EQ(1, can_step(_nr));                     \
			model_step(&self->m, &self->config, _nr,         \
				   &self->trace);                        \
			ASSERT_EQ(__where[__i], actor_state(_nr).where); \
		}                                                        \
	} while (0)

/* Make an actor take a step whose call returns @_errno and @_result at once. */
#define call_ends(_nr, _errno, _result)                      \
	do {                                                 \
		actor_goes(_nr, IDLE);                       \
		ASSERT_EQ(_errno, actor_state(_nr).errnum);  \
		ASSERT_EQ(_result, actor_state(_nr).result); \
	} while (0)
#define call_returns(_nr, _result) call_ends(_nr, 0, _result)
#define call_fails(_nr, _errno) call_ends(_nr, _errno, 0)

#define expect_mm(_active, _seq)                         \
	do {                                             \
		EXPECT_EQ(_active, self->m.lock.active); \
		EXPECT_EQ(_seq, self->m.lock.seq);       \
	} while (0)
#define expect_range(_range, _seq, _in_tree)                           \
	do {                                                           \
		EXPECT_EQ(_seq, self->m.lock.sub[_range].seq);         \
		EXPECT_EQ(_in_tree, self->m.lock.sub[_range].in_tree); \
	} while (0)

TEST_F(model, initial_range_has_the_seq_of_the_mm_minus_one)
{
	start_with("madvise00");
	expect_mm(0, 2);
	expect_range(A, 1, 1);
	expect_range(B, 0, 0);
}

TEST_F(model, start_that_hits_makes_the_seq_odd_and_its_end_makes_it_even)
{
	start_with("madvise00");
	actor_goes(0, ENTER);
	expect_mm(1, 3);
	expect_range(A, 1, 1);
	actor_goes(0, LEAVE);
	expect_range(A, 3, 1);
	actor_goes(0, START);
	expect_mm(1, 3);
	actor_goes(0, END);
	expect_mm(0, 4);
	actor_goes(0, IDLE);
	EXPECT_EQ(0, can_step(0));
}

TEST_F(model, start_that_misses_leaves_the_seq_even)
{
	start_with("madvise55");
	actor_goes(0, START);
	expect_mm(1, 2);
	actor_goes(0, END);
	expect_mm(0, 2);
}

TEST_F(model, ranges_are_called_in_the_order_of_their_addresses)
{
	start_with("madvise05");
	actor_goes(0, ENTER);
	EXPECT_EQ(A, actor_state(0).at);
	actor_goes(0, LEAVE);
	ASSERT_EQ(1, self->trace.nr);
	EXPECT_EQ(MMUN_RECORD_INVALIDATE, self->trace.record[0].type);
	EXPECT_EQ(A, self->trace.record[0].range);
	EXPECT_EQ(3, self->trace.record[0].seq);
	actor_goes(0, ENTER);
	EXPECT_EQ(C, actor_state(0).at);
	actor_goes(0, LEAVE, START);
	ASSERT_EQ(1, self->trace.nr);
	EXPECT_EQ(MMUN_RECORD_START, self->trace.record[0].type);
}

TEST_F(model, seq_is_even_only_after_the_end_of_the_last_invalidation)
{
	start_with("madvise00,madvise55");
	actor_goes(0, ENTER);
	actor_goes(1, START);
	actor_goes(0, LEAVE, START, END);
	expect_mm(1, 3);
	actor_goes(1, END);
	expect_mm(0, 4);
}

TEST_F(model, begin_waits_only_when_its_own_range_was_hit)
{
	start_with("madvise00,rA,rC");
	actor_goes(0, ENTER, LEAVE);
	actor_goes(1, WAITS_SEQ);
	call_returns(2, 1);
	actor_goes(0, START, END);
	EXPECT_EQ(IDLE, actor_state(1).where);
	EXPECT_EQ(3, actor_state(1).result);
}

TEST_F(model, begin_before_the_callback_does_not_wait_and_collides)
{
	start_with("madvise00,rA");
	actor_goes(0, ENTER);
	call_returns(1, 1);
	actor_goes(0, LEAVE);
	call_fails(1, EBUSY);
	call_returns(1, 1);
	call_returns(1, 1);
}

TEST_F(model, first_two_invalidations_after_insert_collide_with_readers)
{
	start_with("madvise00,madvise00,rA,rA");
	call_returns(2, 1);
	actor_goes(0, ENTER, LEAVE, START, END, IDLE);
	call_returns(3, 3);
	actor_goes(1, ENTER, LEAVE, START, END, IDLE);
	expect_range(A, 5, 1);
	call_fails(2, EBUSY);
	call_fails(3, EBUSY);
}

TEST_F(model, commit_without_an_invalidation_does_not_collide)
{
	start_with("rA,madvise55");
	call_returns(0, 1);
	actor_goes(1, START, END, IDLE);
	call_returns(0, 2);
	call_returns(0, 0);
	call_returns(0, 0);
}

TEST_F(model, insert_while_odd_is_deferred_and_collides)
{
	start_with("madvise05,iB,rB");
	actor_goes(0, ENTER);
	EXPECT_EQ(0, can_step(2));
	call_returns(1, 0);
	expect_range(B, 3, 0);
	actor_goes(2, WAITS_SEQ);
	actor_goes(0, LEAVE, ENTER);
	EXPECT_EQ(C, actor_state(0).at);
	actor_goes(0, LEAVE, START, END);
	expect_range(B, 3, 1);
	EXPECT_EQ(IDLE, actor_state(2).where);
}

TEST_F(model, insert_while_active_and_even_makes_the_seq_odd)
{
	start_with("madvise55,iB,rB,rA");
	actor_goes(0, START);
	call_returns(1, 0);
	expect_range(B, 3, 1);
	expect_mm(1, 3);
	actor_goes(2, WAITS_SEQ);
	call_returns(3, 1);
	actor_goes(0, END);
	expect_mm(0, 4);
	EXPECT_EQ(IDLE, actor_state(2).where);
}

TEST_F(model, remove_while_odd_waits_and_leaves_the_tree_at_the_end)
{
	start_with("madvise00,dC,dC");
	actor_goes(0, ENTER);
	actor_goes(1, WAITS_SEQ);
	expect_range(C, 1, 1);
	call_fails(2, ENOENT);
	actor_goes(0, LEAVE, START, END);
	expect_range(C, 1, 0);
	EXPECT_EQ(IDLE, actor_state(1).where);
}

TEST_F(model, remove_while_the_sequence_is_even_does_not_wait)
{
	start_with("madvise55,dA");
	actor_goes(0, START);
	call_returns(1, 0);
	expect_range(A, 1, 0);
}

TEST_F(model, remove_of_a_deferred_insert_does_not_wait_and_leaves_nothing)
{
	start_with("madvise00,iB,dB");
	actor_goes(0, ENTER);
	call_returns(1, 0);
	call_returns(2, 0);
	EXPECT_EQ(0, self->m.lock.nr_deferred);
	actor_goes(0, LEAVE, START, END);
	expect_range(B, 3, 0);
}

/* hlist_add_head() puts the latest deferred change at the head of the list. */
TEST_F(model, deferred_list_is_in_reverse_order)
{
	start_with("madvise00,iB,dC,iD");
	actor_goes(0, ENTER);
	call_returns(1, 0);
	actor_goes(2, WAITS_SEQ);
	call_returns(3, 0);
	ASSERT_EQ(3, self->m.lock.nr_deferred);
	EXPECT_EQ(D, self->m.lock.deferred[0]);
	EXPECT_EQ(C, self->m.lock.deferred[1]);
	EXPECT_EQ(B, self->m.lock.deferred[2]);
}

TEST_F(model, refusal_ends_the_invalidation_and_the_next_attempt_works)
{
	start_with("reaper,rA,rC");
	call_returns(1, 1);
	call_returns(2, 1);
	call_fails(0, EAGAIN);
	ASSERT_EQ(1, self->trace.nr);
	EXPECT_EQ(1, self->trace.record[0].refused);
	expect_mm(0, 4);
	expect_range(A, 3, 1);
	expect_range(C, 1, 1);
	call_returns(0, 0);
	EXPECT_EQ(4, self->trace.nr);
	expect_mm(0, 6);
}

TEST_F(model, exit_calls_every_range_twice)
{
	start_with("exit,iB,dA");
	actor_goes(0, EXITING);
	call_fails(1, ESRCH);
	actor_goes(2, WAITS_SEQ);
	actor_goes(0, EXITING);
	EXPECT_EQ(C, actor_state(0).at);
	ASSERT_EQ(1, self->trace.nr);
	EXPECT_EQ(A, self->trace.record[0].range);
	EXPECT_EQ(MMUN_EVENT_RELEASE, self->trace.record[0].event);
	actor_goes(0, ENTER);
	EXPECT_EQ(C, actor_state(0).at);
	EXPECT_EQ(IDLE, actor_state(2).where);
	actor_goes(0, LEAVE);
	EXPECT_EQ(MMUN_EVENT_UNMAP, self->trace.record[0].event);
	actor_goes(0, GONE);
	expect_mm(0, 6);
}

TEST_F(model, second_pass_follows_the_first_pass_of_all_ranges)
{
	start_with("two_pass:madvise02");
	actor_goes(0, ENTER, ENTER);
	EXPECT_EQ(C, actor_state(0).at);
	EXPECT_EQ(0, self->trace.nr);
	expect_range(A, 3, 1);
	actor_goes(0, LEAVE);
	EXPECT_EQ(A, actor_state(0).at);
	ASSERT_EQ(1, self->trace.nr);
	EXPECT_EQ(A, self->trace.record[0].range);
	EXPECT_EQ(1, self->trace.record[0].second);
	actor_goes(0, LEAVE);
	EXPECT_EQ(C, actor_state(0).at);
	actor_goes(0, START, END, IDLE);
	expect_mm(0, 4);
}

TEST_F(model, range_of_two_passes_is_finished_after_a_refusal)
{
	start_with("two_pass:reaper");
	call_fails(0, EAGAIN);
	ASSERT_EQ(2, self->trace.nr);
	EXPECT_EQ(C, self->trace.record[0].range);
	EXPECT_EQ(1, self->trace.record[0].refused);
	EXPECT_EQ(A, self->trace.record[1].range);
	EXPECT_EQ(1, self->trace.record[1].second);
	expect_mm(0, 4);
	call_returns(0, 0);
	EXPECT_EQ(4, self->trace.nr);
}

TEST_F(model, exit_finishes_every_range_without_a_stop)
{
	start_with("two_pass:exit");
	actor_goes(0, EXITING, EXITING);
	EXPECT_EQ(0, self->trace.nr);
	actor_goes(0, ENTER);
	EXPECT_EQ(2, self->trace.nr);
	actor_goes(0, ENTER, LEAVE, LEAVE, GONE);
	expect_mm(0, 6);
}

/* The ranges of invlock have the sequence of the mm, which is odd. */
#define expect_invlock(_active, _seq)                                         \
	do {                                                                  \
		expect_mm(_active, _seq);                                     \
		EXPECT_EQ(_seq, self->config.rules->clock(&self->m.lock, A)); \
	} while (0)

TEST_F(model, every_start_of_invlock_takes_a_new_seq_even_if_it_hits_nothing)
{
	start_with("invlock:madvise00,madvise55");
	expect_invlock(0, 1);
	actor_goes(0, ENTER);
	expect_invlock(1, 3);
	actor_goes(1, START);
	expect_invlock(2, 5);
	actor_goes(0, LEAVE);
	EXPECT_EQ(3, self->trace.record[0].seq);
	actor_goes(0, START, END);
	actor_goes(1, END);
	expect_invlock(0, 5);
}

TEST_F(model, begin_of_invlock_waits_until_no_invalidation_is_active)
{
	start_with("invlock:madvise00,madvise55,rC");
	actor_goes(1, START);
	actor_goes(2, WAITS_SEQ);
	actor_goes(0, ENTER);
	actor_goes(1, END);
	EXPECT_EQ(WAITS_SEQ, actor_state(2).where);
	actor_goes(0, LEAVE, START, END);
	EXPECT_EQ(IDLE, actor_state(2).where);
	EXPECT_EQ(3, actor_state(2).result);
	call_fails(2, EBUSY);
}

TEST_F(model, insert_of_invlock_is_called_by_an_active_invalidation)
{
	start_with("invlock:madvise02,iB,rB");
	actor_goes(0, ENTER);
	call_returns(1, 0);
	actor_goes(2, WAITS_SEQ);
	actor_goes(0, LEAVE, ENTER);
	EXPECT_EQ(B, actor_state(0).at);
}

TEST_F(model, remove_of_invlock_waits_only_for_callbacks_of_its_range)
{
	start_with("invlock:madvise02,madvise02,dA,dC");
	actor_goes(0, ENTER);
	actor_goes(1, ENTER);
	call_returns(3, 0);
	actor_goes(2, WAITS_SEQ);
	actor_goes(0, LEAVE, START);
	EXPECT_EQ(WAITS_SEQ, actor_state(2).where);
	actor_goes(1, LEAVE, START);
	EXPECT_EQ(IDLE, actor_state(2).where);
}

TEST_F(model, exit_calls_the_ranges_of_invlock_once_and_no_reader_waits)
{
	start_with("invlock:exit,rA,dC");
	actor_goes(0, EXITING);
	call_returns(1, 3);
	call_fails(1, ESRCH);
	actor_goes(0, EXITING);
	actor_goes(2, WAITS_SEQ);
	actor_goes(0, GONE);
	EXPECT_EQ(IDLE, actor_state(2).where);
	call_returns(1, 0);
}

TEST_F(model, two_madvise_overlap_and_a_writer_of_mmap_lock_waits_for_both)
{
	start_with("madvise00,madvise00,mprotect33");
	actor_goes(0, ENTER);
	actor_goes(1, ENTER);
	actor_goes(2, WAITS_MMAP);
	EXPECT_EQ(2, self->m.lock.active);
	actor_goes(0, LEAVE, START, END, IDLE);
	EXPECT_EQ(WAITS_MMAP, actor_state(2).where);
	actor_goes(1, LEAVE, START, END, IDLE);
	EXPECT_EQ(ENTER, actor_state(2).where);
	EXPECT_EQ(C, actor_state(2).at);
}

TEST_F(model, collect_waits_for_mprotect_and_not_for_munmap)
{
	start_with("munmap00,rA");
	call_returns(1, 1);
	actor_goes(0, ENTER);
	call_returns(1, 1);
	start_with("mprotect00,rA");
	call_returns(1, 1);
	actor_goes(0, ENTER);
	actor_goes(1, WAITS_MMAP);
	actor_goes(0, LEAVE, START, END, IDLE);
	EXPECT_EQ(IDLE, actor_state(1).where);
	EXPECT_EQ(EBUSY, actor_state(1).errnum);
}

TEST_F(model, mremap_invalidates_twice)
{
	start_with("mremap00");
	actor_goes(0, ENTER, LEAVE, START, END, ENTER);
	expect_mm(1, 5);
}

/* The steps of the listeners.  The listener of /dev/mmun is listener 0. */

#define expect_called(_nr, _listener, _callback)                        \
	do {                                                            \
		ASSERT_GT(self->trace.nr_called, _nr);                  \
		EXPECT_EQ(_listener, self->trace.called[_nr].listener); \
		EXPECT_EQ(_callback, self->trace.called[_nr].callback); \
	} while (0)
#define expect_objects(_freed, _may_free)                        \
	do {                                                     \
		EXPECT_EQ(_freed, self->m.freed);                \
		EXPECT_EQ(_may_free, listen_may_free(&self->m)); \
	} while (0)
#define users_of(_listener) (self->m.list.listener[_listener].users)

TEST_F(model, walk_calls_the_newest_listener_first)
{
	start_with("madvise55,register0,unregister1");
	call_returns(1, 2);
	actor_goes(0, CALLED);
	EXPECT_EQ(1, actor_state(0).at);
	EXPECT_EQ(2, self->trace.nr_called);
	expect_called(0, 2, LIST_START);
	expect_called(1, 1, LIST_START);
	actor_goes(0, START, END);
	EXPECT_EQ(2, self->trace.nr_called);
	expect_called(0, 2, LIST_END);
	expect_called(1, 1, LIST_END);
}

TEST_F(model, unregister_waits_until_the_callback_returns)
{
	start_with("madvise55,unregister0");
	actor_goes(0, CALLED);
	actor_goes(1, WAITS_READERS);
	expect_called(0, 1, LIST_RELEASE);
	actor_goes(0, START);
	EXPECT_EQ(WAITS_READERS, actor_state(1).where);
	actor_goes(0, END);
	EXPECT_EQ(0, self->trace.nr_called);
	EXPECT_EQ(MAY_WAIT, actor_state(1).where);
	actor_goes(0, IDLE);
	EXPECT_EQ(IDLE, actor_state(1).where);
}

TEST_F(model, unregister_does_not_wait_for_the_callback_of_a_range)
{
	start_with("madvise00,unregister0");
	actor_goes(0, ENTER);
	call_returns(1, 0);
	actor_goes(0, LEAVE, START);
	EXPECT_EQ(0, self->trace.nr_called);
}

TEST_F(model, unregister_needs_a_registered_listener)
{
	start_with("madvise55,register0,unregister0");
	actor_goes(0, START);
	EXPECT_EQ(0, can_step(2));
	actor_goes(1, WAITS_MMAP);
	EXPECT_EQ(0, can_step(2));
	actor_goes(0, END, IDLE);
	EXPECT_EQ(1, can_step(2));
}

TEST_F(model, walk_goes_on_after_a_listener_that_has_left_the_list)
{
	start_with("madvise55,unregister0,put0");
	actor_goes(0, CALLED);
	EXPECT_EQ(2, actor_state(0).at);
	call_returns(2, 0);
	actor_goes(0, CALLED);
	EXPECT_EQ(1, actor_state(0).at);
	actor_goes(0, START, END);
	EXPECT_EQ(1, self->trace.nr_called);
	expect_called(0, 1, LIST_END);
}

TEST_F(model, walk_calls_no_listener_that_has_left_the_list)
{
	start_with("madvise55,unregister0,put0");
	actor_goes(0, CALLED);
	actor_goes(1, WAITS_READERS);
	call_returns(2, 0);
	actor_goes(0, START);
	EXPECT_EQ(0, self->trace.nr_called);
}

/* The listener of the callback has left first, and still points to the other. */
TEST_F(model, walk_calls_a_listener_that_has_left_after_the_one_before_it)
{
	start_with("madvise55,unregister0,put0");
	actor_goes(0, CALLED);
	call_returns(2, 0);
	actor_goes(1, WAITS_READERS);
	actor_goes(0, CALLED);
	EXPECT_EQ(1, actor_state(0).at);
	actor_goes(0, START, END);
	EXPECT_EQ(0, self->trace.nr_called);
}

TEST_F(model, register_and_get_wait_for_the_mmap_lock)
{
	start_with("madvise55,register0,get0");
	actor_goes(0, START);
	actor_goes(1, WAITS_MMAP);
	actor_goes(2, WAITS_MMAP);
	actor_goes(0, END);
	EXPECT_EQ(WAITS_MMAP, actor_state(1).where);
	actor_goes(0, IDLE);
	EXPECT_EQ(IDLE, actor_state(1).where);
	EXPECT_EQ(IDLE, actor_state(2).where);
	EXPECT_EQ(3, self->m.list.nr);
}

TEST_F(model, get_returns_the_object_that_exists)
{
	start_with("get0,get1,get0");
	call_returns(0, 1);
	expect_called(0, 1, 0);
	call_returns(1, 2);
	call_returns(2, 1);
	EXPECT_EQ(0, self->trace.nr_called);
	EXPECT_EQ(2, users_of(1));
	EXPECT_EQ(1, users_of(2));
}

TEST_F(model, only_the_last_put_frees)
{
	start_with("put0,put0,get0");
	EXPECT_EQ(2, users_of(1));
	call_returns(0, 0);
	expect_objects(0, 0);
	EXPECT_EQ(1, users_of(1));
	call_returns(1, 0);
	expect_objects(1, 0);
	call_returns(2, 1);
	expect_called(0, 1, 0);
}

TEST_F(model, last_put_returns_and_the_free_waits_until_the_callback_returns)
{
	start_with("munmap55,get0,put0");
	actor_goes(0, CALLED);
	call_returns(2, 0);
	actor_goes(1, WAITS_MMAP);
	expect_objects(0, 0);
	actor_goes(0, START);
	expect_objects(0, 0);
	actor_goes(0, END);
	expect_objects(0, 1);
	actor_goes(0, IDLE);
	expect_objects(1, 0);
	EXPECT_EQ(2, actor_state(1).result);
}

TEST_F(model, two_walks_both_keep_the_object)
{
	start_with("madvise55,madvise55,put0");
	actor_goes(0, CALLED);
	actor_goes(1, CALLED);
	call_returns(2, 0);
	actor_goes(0, START, END);
	expect_objects(0, 0);
	actor_goes(1, START);
	expect_objects(0, 0);
	actor_goes(1, END, IDLE);
	expect_objects(0, 1);
	actor_goes(0, IDLE);
	expect_objects(1, 0);
}

TEST_F(model, exit_releases_the_listeners_and_only_put_frees)
{
	start_with("exit,get0,put0,unregister0");
	actor_goes(0, EXITING);
	call_fails(1, ESRCH);
	actor_goes(0, EXITING, ENTER);
	EXPECT_EQ(2, self->trace.nr_called);
	expect_called(0, 2, LIST_RELEASE);
	expect_called(1, 1, LIST_RELEASE);
	call_returns(3, 0);
	EXPECT_EQ(0, self->trace.nr_called);
	expect_objects(0, 0);
	call_returns(2, 0);
	expect_objects(1, 0);
}

static int nr_replaced(__u32 kind, const struct model_error *error)
{
	const struct model_rules rules = model_rules_with(kind, error);
	const char *right = (const char *)model_rules_of(kind);
	const char *wrong = (const char *)&rules;
	int nr = 0;

	for (size_t i = 0; i < sizeof(rules); i += sizeof(rules.start))
		nr += !!memcmp(wrong + i, right + i, sizeof(rules.start));
	return nr;
}

#define expect_errors(_kind, _errors)                                    \
	do {                                                             \
		for (int __i = 0; __i < ARRAY_SIZE(_errors); __i++) {    \
			EXPECT_NE(NULL, _errors[__i].text);              \
			EXPECT_LE(1, nr_replaced(_kind, &_errors[__i])); \
		}                                                        \
	} while (0)

TEST_F(model, every_deliberate_error_replaces_a_rule)
{
	expect_errors(MMUN_KIND_INTERVAL, model_errors);
	expect_errors(MMUN_KIND_TWO_PASS, model_two_pass_errors);
	expect_errors(MMUN_KIND_INVLOCK, model_invlock_errors);
}

TEST_F(model, longer_range_is_called_and_the_range_inside_too)
{
	struct model_lock lock = { .seq = MODEL_FIRST_SEQ };

	lock.sub[A].more = 2;
	lock_insert(&lock, A);
	lock_insert(&lock, B);
	EXPECT_EQ(A, lock_start(&lock, 2, 2));
	EXPECT_EQ(B, lock_next(&lock, 2, 2, A));
	EXPECT_EQ(MODEL_NO_RANGE, lock_next(&lock, 2, 2, B));
	EXPECT_EQ(MODEL_NO_RANGE, lock_next(&lock, 3, 3, A));
}

TEST_F(model, second_passes_have_the_order_of_the_first_passes)
{
	struct model_passes passes = {};

	passes_await(&passes, A);
	EXPECT_EQ(1, passes_call(&passes));
	passes_await(&passes, C);
	EXPECT_EQ(0, passes_done(&passes));
	EXPECT_EQ(1, passes_finish(&passes, A));
	EXPECT_EQ(0, passes_call(&passes));
	EXPECT_EQ(0, passes_finish(&passes, A));
	EXPECT_EQ(1, passes_finish(&passes, C));
	EXPECT_EQ(1, passes_done(&passes));
}

/* Actors of the tests of the list */
enum { WALKER, CHANGER };

#define ALL_CALLBACKS 0xff

FIXTURE(list)
{
	struct model_list list;
	int first; /* the listener that was registered first */
	int second;
};

static int registered(struct model_list *list, int has)
{
	const int listener = list_new(list, has, 0);

	list_lock(list, 1 << listener);
	list_register(list, listener);
	return listener;
}

FIXTURE_SETUP(list)
{
	self->first = registered(&self->list, ALL_CALLBACKS);
	self->second = registered(&self->list, ALL_CALLBACKS);
}

FIXTURE_TEARDOWN(list)
{
}

static void walk(struct model_list *list, int calls)
{
	list_walk(list, WALKER, calls);
	list_read_begin(list, WALKER);
}

static void unregister(struct model_list *list, int listener)
{
	list_unregister_begins(list, CHANGER, listener);
	list_read_begin(list, CHANGER);
	list_call(list, CHANGER, listener, LIST_RELEASE);
	list_read_end(list, CHANGER);
	list_lock(list, 1 << listener);
	list_unregister(list, listener);
}

#define calls_ok(_listener, _callback) \
	list_call(&self->list, WALKER, _listener, _callback)

TEST_F(list, listeners_are_called_once_and_the_latest_first)
{
	walk(&self->list, LIST_START);
	EXPECT_EQ(1, calls_ok(self->second, LIST_START));
	EXPECT_EQ(0, calls_ok(self->second, LIST_START));
	EXPECT_EQ(1, calls_ok(self->first, LIST_START));
	EXPECT_EQ(1, list_started(&self->list, WALKER));
	walk(&self->list, LIST_END);
	EXPECT_EQ(0, calls_ok(self->first, LIST_END));
	EXPECT_EQ(1, calls_ok(self->second, LIST_END));
	EXPECT_EQ(0, list_walk_ends(&self->list, WALKER));
}

TEST_F(list, no_listener_is_called_outside_of_a_read_section)
{
	list_walk(&self->list, WALKER, LIST_CLEAR_YOUNG);
	EXPECT_EQ(0, calls_ok(self->second, LIST_CLEAR_YOUNG));
}

TEST_F(list, refused_start_ends_what_has_started)
{
	walk(&self->list, LIST_START);
	EXPECT_EQ(1, calls_ok(self->second, LIST_START));
	list_refuse(&self->list, WALKER, self->second);
	EXPECT_EQ(1, calls_ok(self->first, LIST_START));
	EXPECT_EQ(0, calls_ok(self->second, LIST_END));
	EXPECT_EQ(1, calls_ok(self->first, LIST_END));
	EXPECT_EQ(1, list_started(&self->list, WALKER));
}

TEST_F(list, test_young_ends_at_the_first_yes)
{
	walk(&self->list, LIST_TEST_YOUNG);
	EXPECT_EQ(1, calls_ok(self->second, LIST_TEST_YOUNG));
	list_young(&self->list, WALKER);
	EXPECT_EQ(0, calls_ok(self->first, LIST_TEST_YOUNG));
	EXPECT_EQ(1, list_walk_ends(&self->list, WALKER));
}

TEST_F(list, walk_may_call_a_listener_that_leaves_and_unregister_waits)
{
	walk(&self->list, LIST_START);
	unregister(&self->list, self->first);
	EXPECT_EQ(0, list_is_unregistered(&self->list, self->first));
	EXPECT_EQ(1, calls_ok(self->second, LIST_START));
	EXPECT_EQ(1, calls_ok(self->first, LIST_START));
	EXPECT_EQ(1, list_started(&self->list, WALKER));
	list_read_end(&self->list, WALKER);
	EXPECT_EQ(1, list_is_unregistered(&self->list, self->first));
}

TEST_F(list, walk_need_not_call_a_listener_that_leaves)
{
	walk(&self->list, LIST_START);
	unregister(&self->list, self->first);
	EXPECT_EQ(1, calls_ok(self->second, LIST_START));
	EXPECT_EQ(1, list_started(&self->list, WALKER));
}

TEST_F(list, reader_that_begins_later_does_not_call_the_listener)
{
	list_walk(&self->list, WALKER, LIST_CLEAR_YOUNG);
	unregister(&self->list, self->second);
	EXPECT_EQ(1, list_is_unregistered(&self->list, self->second));
	list_read_begin(&self->list, WALKER);
	EXPECT_EQ(0, calls_ok(self->second, LIST_CLEAR_YOUNG));
}

TEST_F(list, last_put_frees_after_the_readers)
{
	EXPECT_EQ(self->second, list_get(&self->list, 0));
	EXPECT_EQ(0, list_put(&self->list, self->second));
	list_read_begin(&self->list, WALKER);
	list_lock(&self->list, 1 << self->second);
	EXPECT_EQ(1, list_put(&self->list, self->second));
	EXPECT_EQ(0, list_can_free(&self->list, self->second));
	list_read_end(&self->list, WALKER);
	EXPECT_EQ(1, list_can_free(&self->list, self->second));
	EXPECT_EQ(self->first, list_get(&self->list, 0));
	EXPECT_EQ(MODEL_NO_LISTENER, list_get(&self->list, 1));
}

TEST_F(list, synchronize_waits_for_a_put_that_has_returned)
{
	list_read_begin(&self->list, WALKER);
	list_lock(&self->list, 1 << self->second);
	EXPECT_EQ(1, list_put(&self->list, self->second));
	list_await(&self->list, CHANGER);
	EXPECT_EQ(1, list_awaited(&self->list, CHANGER));
	EXPECT_EQ(1, list_has_freed(&self->list, CHANGER));
	list_put_returns(&self->list, self->second);
	list_await(&self->list, CHANGER);
	EXPECT_EQ(0, list_awaited(&self->list, CHANGER));
	list_read_end(&self->list, WALKER);
	EXPECT_EQ(1, list_awaited(&self->list, CHANGER));
	EXPECT_EQ(0, list_has_freed(&self->list, CHANGER));
	list_forget(&self->list, self->second);
	EXPECT_EQ(1, list_has_freed(&self->list, CHANGER));
}

TEST_F(list, exit_without_a_release_is_wrong)
{
	list_lock(&self->list, 3);
	list_exit(&self->list);
	EXPECT_EQ(0, list_has_exited(&self->list));
}

TEST_F(list, exit_releases_each_listener_and_waits)
{
	walk(&self->list, LIST_RELEASE);
	EXPECT_EQ(1, calls_ok(self->second, LIST_RELEASE));
	EXPECT_EQ(0, list_has_exited(&self->list));
	EXPECT_EQ(1, calls_ok(self->first, LIST_RELEASE));
	EXPECT_EQ(1, list_walk_ends(&self->list, WALKER));
	list_lock(&self->list, 3);
	list_exit(&self->list);
	EXPECT_EQ(0, list_has_exited(&self->list));
	list_read_end(&self->list, WALKER);
	EXPECT_EQ(1, list_has_exited(&self->list));
}

FIXTURE(schedule)
{
	struct model_config config;
	struct schedule schedule;
	struct search search;
};

FIXTURE_SETUP(schedule)
{
}

FIXTURE_TEARDOWN(schedule)
{
	search_free(&self->search);
}

#define search_of(_text, _depth)                                     \
	do {                                                         \
		ASSERT_NE(NULL, config_parse(&self->config, _text)); \
		search_all(&self->search, &self->config, _depth);    \
	} while (0)

TEST_F(schedule, is_printed_as_it_was_parsed)
{
	const char *text = "munmap02,madvise33,rA,rC,iB,dC-M1.R0.R1.I0.D0.M0";
	char again[SCHEDULE_TEXT];

	ASSERT_EQ(1, schedule_parse(&self->schedule, text));
	EXPECT_EQ(6, self->schedule.nr);
	EXPECT_EQ(1 << A | 1 << C, self->schedule.config.live);
	schedule_print(again, &self->schedule);
	EXPECT_STREQ(text, again);
}

TEST_F(schedule, with_a_kind_is_printed_as_it_was_parsed)
{
	const char *text = "two_pass:munmap02,rA-M0.R0";
	char again[SCHEDULE_TEXT];

	ASSERT_EQ(1, schedule_parse(&self->schedule, text));
	EXPECT_EQ(MMUN_KIND_TWO_PASS, self->schedule.config.kind);
	schedule_print(again, &self->schedule);
	EXPECT_STREQ(text, again);
}

TEST_F(schedule, with_listeners_is_printed_as_it_was_parsed)
{
	const char *text = "register0,unregister0,get1,put1-U0.L0.G0.T0";
	char again[SCHEDULE_TEXT];

	ASSERT_EQ(1, schedule_parse(&self->schedule, text));
	EXPECT_EQ(1, self->schedule.config.plain);
	EXPECT_EQ(0, self->schedule.config.listed);
	EXPECT_EQ(1, self->schedule.config.users[1]);
	schedule_print(again, &self->schedule);
	EXPECT_STREQ(text, again);
}

TEST_F(schedule, malformed_text_is_rejected)
{
	/* clang-format off */
	static const char *const texts[] = {
		"", "r", "rE", "rAB", "madvise", "madvise0", "madvise20",
		"madvise06", "fork0", "rA,", "rA-", "rA-M0", "rA-R1", "rA-R0.",
		"munmap00,munmap01", "fork,munmap00", "exit,fork",
		"munmap02,rA,rC,iB,dC,exit", "iB,iB", "iA,iC",
		"madvise00,madvise00,madvise00", "rA,rA,rA,rA,rA,rA,rA,rA,rA",
		"get", "get2", "getA", "put00", "register", "unregister2",
		"register0,register0", "unregister0,unregister0",
		"reaper,get0", "put0,reaper", "get0,get0,get0,get0",
		"put0,put1,register0,unregister1", "two_pass", "two_pass:",
		"two_pass:two_pass:rA", "rA,two_pass:rA", "three_pass:rA",
		"invlock:reaper,rA", "invlock:fork,get0", "put0:invlock:",
	};
	/* clang-format on */

	for (int i = 0; i < ARRAY_SIZE(texts); i++) {
		EXPECT_EQ(0, schedule_parse(&self->schedule, texts[i]))
		{
			TH_LOG("\"%s\"", texts[i]);
		}
	}
}

/* Two independent actors take 3 steps and 1 step, so there are 4 * 2 states. */
TEST_F(schedule, search_walks_every_edge_once)
{
	search_of("madvise55,dA", 0);
	EXPECT_EQ(8, self->search.nr_nodes);
	EXPECT_EQ(3 * 2 + 4, self->search.nr_edges);
	EXPECT_EQ(self->search.nr_edges, self->search.nr_steps);
	EXPECT_EQ(4, self->search.nr_goals);
}

TEST_F(schedule, search_stops_at_the_depth)
{
	search_of("madvise00,rA,rC", 3);
	for (__u32 i = 0; i < self->search.nr_goals; i++) {
		search_schedule(&self->search, i, &self->schedule);
		ASSERT_GE(3, self->schedule.nr);
	}
}

TEST_F(schedule, schedules_of_a_search_take_every_edge)
{
	struct schedule *schedule = &self->schedule;
	struct model_trace trace;
	struct model m;

	search_of("madvise01,rA,iB,dB", 0);
	for (__u32 i = 0; i < self->search.nr_goals; i++) {
		search_schedule(&self->search, i, schedule);
		model_init(&m, &schedule->config);
		for (int j = 0; j < schedule->nr; j++) {
			const int actor = schedule->step[j];

			ASSERT_EQ(1,
				  model_enabled(&m, &schedule->config, actor));
			model_step(&m, &schedule->config, actor, &trace);
		}
		search_take(&self->search, schedule->step, schedule->nr);
	}
	EXPECT_EQ(self->search.nr_edges, self->search.nr_taken);
}

/* Make the steps of all edges.  Returns the number of wrong steps. */
static int nr_wrong(const struct search *search)
{
	struct model_trace trace;
	int wrong = 0;

	for (const struct node *n = search->root; n; n = n->next) {
		for (int i = 0; i < search->config->nr; i++) {
			struct model m = n->state;

			if (!n->after[i])
				continue;
			model_step(&m, search->config, i, &trace);
			wrong += trace.is_wrong;
		}
	}
	return wrong;
}

static int oldest_first(const struct model *m, int listener)
{
	const struct model_list *list = &m->list;
	int place = list->nr - 1;

	if (listener != MODEL_NO_LISTENER)
		while (place >= 0 && list->order[place--] != listener)
			;
	return place >= 0 ? list->order[place] : MODEL_NO_LISTENER;
}

static const char *const list_texts[] = {
	"madvise02,register0,unregister1",
	"madvise00,madvise55,unregister0,put0",
	"mremap02,unregister0,unregister1",
	"munmap02,get0,put0,iB",
	"fork,register0,put0,get0",
	"exit,get0,put0,unregister0",
	"mprotect55,get0,put0,put1,madvise00",
};

static const char *const two_pass_texts[] = {
	"two_pass:madvise05,madvise00,iB,iD",
	"two_pass:munmap02,get0,put0,iB",
	"two_pass:reaper,iB,dC",
	"two_pass:exit,iB,dC",
};

#define steps_obey(_texts)                                           \
	do {                                                         \
		for (int __i = 0; __i < ARRAY_SIZE(_texts); __i++) { \
			search_free(&self->search);                  \
			search_of(_texts[__i], 0);                   \
			EXPECT_LT(0, self->search.nr_edges);         \
			EXPECT_EQ(0, nr_wrong(&self->search));       \
		}                                                    \
	} while (0)

#define steps_break(_text, ...)                                          \
	do {                                                             \
		const struct model_error __error = {                     \
			.wrong = { __VA_ARGS__ },                        \
		};                                                       \
		struct model_rules __rules;                              \
		ASSERT_NE(NULL, config_parse(&self->config, _text));     \
		__rules = model_rules_with(self->config.kind, &__error); \
		self->config.rules = &__rules;                           \
		search_all(&self->search, &self->config, 0);             \
		EXPECT_LT(0, nr_wrong(&self->search));                   \
	} while (0)

TEST_F(schedule, steps_obey_the_rules_of_the_list)
{
	steps_obey(list_texts);
}

TEST_F(schedule, walk_in_the_wrong_order_breaks_the_rules_of_the_list)
{
	steps_break(list_texts[0], .next_listener = oldest_first);
}

TEST_F(schedule, steps_obey_the_rules_of_the_two_passes)
{
	steps_obey(two_pass_texts);
}

static int last_first(const struct model_passes *passes, int next)
{
	return next == MODEL_NO_RANGE && passes->nr ?
		       passes->range[passes->nr - 1] :
		       MODEL_NO_RANGE;
}

TEST_F(schedule, second_passes_in_the_wrong_order_break_the_rules)
{
	steps_break(two_pass_texts[0], .finish = last_first);
}

/* Returns whether the actor is between begin and commit. */
static bool is_in_section(const struct model_role *role,
			  const struct model_actor *a)
{
	return role->kind == MODEL_READER && a->where != MODEL_WAITS_SEQ &&
	       a->calls > MODEL_BEGIN && a->calls < MODEL_DONE;
}

/*
 * Returns the number of sections that do not collide although an invalidation is
 * active.
 */
static int nr_unsafe(const struct search *search)
{
	const struct model_config *config = search->config;
	int unsafe = 0;

	for (const struct node *n = search->root; n; n = n->next)
		for (int i = 0; i < config->nr; i++)
			unsafe += n->state.lock.active &&
				  is_in_section(&config->role[i],
						&n->state.actor[i]) &&
				  !config->rules->retry(&n->state.lock,
							config->role[i].range,
							n->state.actor[i].seq);
	return unsafe;
}

static const char *const invlock_texts[] = {
	"invlock:madvise02,rA,rC,iB,dC",
	"invlock:madvise00,madvise55,rA,rB,iB",
	"invlock:mremap02,rA,dC",
	"invlock:exit,rA,dC",
};

TEST_F(schedule, sections_of_invlock_collide_while_an_invalidation_is_active)
{
	for (int i = 0; i < ARRAY_SIZE(invlock_texts); i++) {
		search_free(&self->search);
		search_of(invlock_texts[i], 0);
		EXPECT_EQ(0, nr_unsafe(&self->search));
	}
}

/* A start that leaves the sequence must break this rule. */
static int leave_the_seq(struct model_lock *lock, int first, int last)
{
	lock->active++;
	return lock_next(lock, first, last, MODEL_NO_RANGE);
}

TEST_F(schedule, sections_of_invlock_need_a_new_seq_at_each_start)
{
	const struct model_error error = { .wrong = { .start =
							      leave_the_seq } };
	const struct model_rules rules =
		model_rules_with(MMUN_KIND_INVLOCK, &error);

	ASSERT_NE(NULL, config_parse(&self->config, invlock_texts[0]));
	self->config.rules = &rules;
	search_all(&self->search, &self->config, 0);
	EXPECT_LT(0, nr_unsafe(&self->search));
}

/* These tests need no device. */
int main(int argc, char **argv)
{
	return mmun_list_or_run(argc, argv, NULL);
}
