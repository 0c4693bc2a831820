// SPDX-License-Identifier: GPL-2.0
/*
 * The model and the search alone: each rule of the lock is what it is said to
 * be, and no schedule is left out.  Needs no kernel under test.
 */
#include "lib/mmun.h"
#include "model/error.h"
#include "model/schedule.h"
#include "model/search.h"

#define READER(r)	{ .kind = MODEL_READER, .range = (r) }
#define INSERTER(r)	{ .kind = MODEL_INSERTER, .range = (r) }
#define REMOVER(r)	{ .kind = MODEL_REMOVER, .range = (r) }
#define PAGES_OF(k, f, l) { .kind = (k), .first = (f), .last = (l) }
#define MISS		PAGES_OF(MODEL_MADVISE, 5, 5)
#define HIT_A		PAGES_OF(MODEL_MADVISE, 0, 0)
#define HIT_ALL		PAGES_OF(MODEL_MADVISE, 0, 5)
#define EXIT		PAGES_OF(MODEL_EXIT, 0, MODEL_ALL_PAGES)
#define REAPER		PAGES_OF(MODEL_REAPER, 0, 5)

enum { A, B, C, D };

FIXTURE(model) {
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

/* A and C are there; the actors are what is listed, counted from 0. */
#define start_with(...)                                                    \
	do {                                                               \
		const struct model_role __roles[] = { __VA_ARGS__ };       \
									   \
		self->config = (struct model_config){                      \
			.rules = &model_rules,                             \
			.nr = ARRAY_SIZE(__roles),                         \
			.live = 1 << A | 1 << C,                           \
			.refusals = 1,                                     \
		};                                                         \
		memcpy(self->config.role, __roles, sizeof(__roles));       \
		model_init(&self->m, &self->config);                       \
	} while (0)

#define lock (self->m.lock)
#define actor(nr) (self->m.actor[nr])

/* The actor takes a step, after which it is there. */
#define step(nr, _where)                                                   \
	do {                                                               \
		ASSERT_EQ(1, model_enabled(&self->m, &self->config, nr));  \
		model_step(&self->m, &self->config, nr, &self->trace);     \
		ASSERT_EQ(MODEL_##_where, actor(nr).where);                \
	} while (0)

/* A call that returns at once, with this result or that error */
#define call(nr, _result)                                                  \
	do {                                                               \
		step(nr, IDLE);                                            \
		ASSERT_EQ(0, actor(nr).errnum);                            \
		ASSERT_EQ(_result, actor(nr).result);                      \
	} while (0)
#define err_call(_errno, nr)                                               \
	do {                                                               \
		step(nr, IDLE);                                            \
		ASSERT_EQ(_errno, actor(nr).errnum);                       \
	} while (0)

/* A whole mutator that hits @nr_ranges ranges */
#define run(nr, nr_ranges)                                                 \
	do {                                                               \
		int __i;                                                   \
									   \
		for (__i = 0; __i < 2 * (nr_ranges) + 3; __i++)            \
			model_step(&self->m, &self->config, nr,            \
				   &self->trace);                          \
		ASSERT_EQ(MODEL_IDLE, actor(nr).where);                    \
	} while (0)

TEST_F(model, is_born_with_an_odd_seq_that_is_one_less)
{
	start_with(HIT_A);
	EXPECT_EQ(2, lock.seq);
	EXPECT_EQ(1, lock.sub[A].seq);
	EXPECT_EQ(1, lock.sub[A].in_tree);
	EXPECT_EQ(0, lock.sub[B].in_tree);
}

TEST_F(model, start_that_hits_makes_the_seq_odd_and_the_last_end_even)
{
	start_with(HIT_A);
	step(0, ENTER);
	EXPECT_EQ(3, lock.seq);
	EXPECT_EQ(1, lock.sub[A].seq);
	step(0, LEAVE);
	EXPECT_EQ(3, lock.sub[A].seq);
	step(0, START);
	EXPECT_EQ(1, lock.active);
	step(0, END);
	EXPECT_EQ(0, lock.active);
	EXPECT_EQ(4, lock.seq);
	step(0, IDLE);
	EXPECT_EQ(0, model_enabled(&self->m, &self->config, 0));
}

TEST_F(model, start_that_misses_leaves_the_seq_even)
{
	start_with(MISS);
	step(0, START);
	EXPECT_EQ(1, lock.active);
	EXPECT_EQ(2, lock.seq);
	step(0, END);
	EXPECT_EQ(2, lock.seq);
}

TEST_F(model, walk_is_in_order_of_the_addresses_and_logged)
{
	start_with(HIT_ALL);
	step(0, ENTER);
	EXPECT_EQ(A, actor(0).at);
	step(0, LEAVE);
	ASSERT_EQ(1, self->trace.nr);
	EXPECT_EQ(MMUN_RECORD_INVALIDATE, self->trace.record[0].type);
	EXPECT_EQ(A, self->trace.record[0].range);
	EXPECT_EQ(3, self->trace.record[0].seq);
	step(0, ENTER);
	EXPECT_EQ(C, actor(0).at);
	step(0, LEAVE);
	step(0, START);
	ASSERT_EQ(1, self->trace.nr);
	EXPECT_EQ(MMUN_RECORD_START, self->trace.record[0].type);
}

TEST_F(model, seq_is_even_only_after_the_end_of_the_last_invalidation)
{
	start_with(HIT_A, MISS);
	step(0, ENTER);
	step(1, START);
	step(0, LEAVE);
	step(0, START);
	step(0, END);
	EXPECT_EQ(3, lock.seq);
	step(1, END);
	EXPECT_EQ(4, lock.seq);
}

TEST_F(model, begin_waits_only_when_its_own_range_was_hit)
{
	start_with(HIT_A, READER(A), READER(C));
	step(0, ENTER);
	step(0, LEAVE);
	step(1, WAITS_SEQ);
	call(2, 1);
	step(0, START);
	step(0, END);
	EXPECT_EQ(MODEL_IDLE, actor(1).where);
	EXPECT_EQ(3, actor(1).result);
}

/* Not yet told: it gets the old sequence, and its commit will collide. */
TEST_F(model, begin_before_the_callback_does_not_wait_and_collides)
{
	start_with(HIT_A, READER(A));
	step(0, ENTER);
	call(1, 1);
	step(0, LEAVE);
	err_call(EBUSY, 1);
	call(1, 1);
	call(1, 1);
}

TEST_F(model, first_and_second_invalidation_after_insert_collide)
{
	start_with(HIT_A, HIT_A, READER(A), READER(A));
	call(2, 1);
	run(0, 1);
	call(3, 3);
	run(1, 1);
	EXPECT_EQ(5, lock.sub[A].seq);
	err_call(EBUSY, 2);
	err_call(EBUSY, 3);
}

TEST_F(model, commit_without_an_invalidation_does_not_collide)
{
	start_with(READER(A), MISS);
	call(0, 1);
	run(1, 0);
	call(0, 2);
	call(0, 0);
	call(0, 0);
}

TEST_F(model, insert_while_odd_is_deferred_and_collides)
{
	start_with(HIT_ALL, INSERTER(B), READER(B));
	step(0, ENTER);
	EXPECT_EQ(0, model_enabled(&self->m, &self->config, 2));
	call(1, 0);
	EXPECT_EQ(0, lock.sub[B].in_tree);
	EXPECT_EQ(3, lock.sub[B].seq);
	step(2, WAITS_SEQ);
	step(0, LEAVE);
	step(0, ENTER);
	EXPECT_EQ(C, actor(0).at);
	step(0, LEAVE);
	step(0, START);
	step(0, END);
	EXPECT_EQ(1, lock.sub[B].in_tree);
	EXPECT_EQ(MODEL_IDLE, actor(2).where);
}

TEST_F(model, insert_while_active_and_even_makes_the_seq_odd)
{
	start_with(MISS, INSERTER(B), READER(B), READER(A));
	step(0, START);
	call(1, 0);
	EXPECT_EQ(1, lock.sub[B].in_tree);
	EXPECT_EQ(3, lock.sub[B].seq);
	EXPECT_EQ(3, lock.seq);
	step(2, WAITS_SEQ);
	call(3, 1);
	step(0, END);
	EXPECT_EQ(4, lock.seq);
	EXPECT_EQ(MODEL_IDLE, actor(2).where);
}

TEST_F(model, remove_while_odd_waits_and_leaves_the_tree_at_the_end)
{
	start_with(HIT_A, REMOVER(C), REMOVER(C));
	step(0, ENTER);
	step(1, WAITS_SEQ);
	EXPECT_EQ(1, lock.sub[C].in_tree);
	err_call(ENOENT, 2);
	step(0, LEAVE);
	step(0, START);
	step(0, END);
	EXPECT_EQ(0, lock.sub[C].in_tree);
	EXPECT_EQ(MODEL_IDLE, actor(1).where);
}

TEST_F(model, remove_while_even_does_not_wait)
{
	start_with(MISS, REMOVER(A));
	step(0, START);
	call(1, 0);
	EXPECT_EQ(0, lock.sub[A].in_tree);
}

TEST_F(model, remove_of_a_deferred_insert_does_not_wait_and_leaves_nothing)
{
	start_with(HIT_A, INSERTER(B), REMOVER(B));
	step(0, ENTER);
	call(1, 0);
	call(2, 0);
	EXPECT_EQ(0, lock.nr_deferred);
	step(0, LEAVE);
	step(0, START);
	step(0, END);
	EXPECT_EQ(0, lock.sub[B].in_tree);
}

/* The latest first, as hlist_add_head() leaves them */
TEST_F(model, deferred_list_is_in_reverse_order)
{
	start_with(HIT_A, INSERTER(B), REMOVER(C), INSERTER(D));
	step(0, ENTER);
	call(1, 0);
	step(2, WAITS_SEQ);
	call(3, 0);
	ASSERT_EQ(3, lock.nr_deferred);
	EXPECT_EQ(D, lock.deferred[0]);
	EXPECT_EQ(C, lock.deferred[1]);
	EXPECT_EQ(B, lock.deferred[2]);
}

TEST_F(model, refusal_ends_the_invalidation_and_the_next_attempt_works)
{
	start_with(REAPER, READER(A), READER(C));
	call(1, 1);
	call(2, 1);
	err_call(EAGAIN, 0);
	ASSERT_EQ(1, self->trace.nr);
	EXPECT_EQ(1, self->trace.record[0].refused);
	EXPECT_EQ(0, lock.active);
	EXPECT_EQ(4, lock.seq);
	EXPECT_EQ(3, lock.sub[A].seq);
	EXPECT_EQ(1, lock.sub[C].seq);
	call(0, 0);
	EXPECT_EQ(4, self->trace.nr);
	EXPECT_EQ(6, lock.seq);
}

TEST_F(model, exit_tells_every_range_twice)
{
	start_with(EXIT, INSERTER(B), REMOVER(A));
	step(0, EXITING);
	err_call(ESRCH, 1);
	step(2, WAITS_SEQ);
	step(0, EXITING);
	EXPECT_EQ(C, actor(0).at);
	ASSERT_EQ(1, self->trace.nr);
	EXPECT_EQ(A, self->trace.record[0].range);
	EXPECT_EQ(MMUN_EVENT_RELEASE, self->trace.record[0].event);
	step(0, ENTER);
	EXPECT_EQ(C, actor(0).at);
	EXPECT_EQ(MODEL_IDLE, actor(2).where);
	step(0, LEAVE);
	EXPECT_EQ(MMUN_EVENT_UNMAP, self->trace.record[0].event);
	step(0, GONE);
	EXPECT_EQ(0, lock.active);
	EXPECT_EQ(6, lock.seq);
}

TEST_F(model, two_madvise_are_open_at_once_and_a_writer_waits_for_both)
{
	start_with(HIT_A, HIT_A, PAGES_OF(MODEL_MPROTECT, 3, 3));
	step(0, ENTER);
	step(1, ENTER);
	step(2, WAITS_MMAP);
	EXPECT_EQ(2, lock.active);
	step(0, LEAVE);
	step(0, START);
	step(0, END);
	step(0, IDLE);
	EXPECT_EQ(MODEL_WAITS_MMAP, actor(2).where);
	step(1, LEAVE);
	step(1, START);
	step(1, END);
	step(1, IDLE);
	EXPECT_EQ(MODEL_ENTER, actor(2).where);
	EXPECT_EQ(C, actor(2).at);
}

TEST_F(model, munmap_lets_collect_in_and_mprotect_does_not)
{
	start_with(PAGES_OF(MODEL_MUNMAP, 0, 0), READER(A));
	call(1, 1);
	step(0, ENTER);
	call(1, 1);
	start_with(PAGES_OF(MODEL_MPROTECT, 0, 0), READER(A));
	call(1, 1);
	step(0, ENTER);
	step(1, WAITS_MMAP);
	step(0, LEAVE);
	step(0, START);
	step(0, END);
	step(0, IDLE);
	EXPECT_EQ(MODEL_IDLE, actor(1).where);
	EXPECT_EQ(EBUSY, actor(1).errnum);
}

TEST_F(model, mremap_invalidates_twice)
{
	start_with(PAGES_OF(MODEL_MREMAP, 0, 0));
	step(0, ENTER);
	step(0, LEAVE);
	step(0, START);
	step(0, END);
	step(0, ENTER);
	EXPECT_EQ(5, lock.seq);
}

/* An error that replaces no rule would control nothing. */
TEST_F(model, every_deliberate_error_has_a_name)
{
	int i;

	EXPECT_LT(20, MODEL_ERRORS);
	for (i = 0; i < MODEL_ERRORS; i++) {
		const struct model_rules rules =
			model_rules_with(&model_errors[i]);

		EXPECT_NE(NULL, model_errors[i].text);
		EXPECT_NE(0, memcmp(&rules, &model_rules, sizeof(rules)));
	}
}

FIXTURE(schedule) {
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

TEST_F(schedule, is_printed_as_it_was_parsed)
{
	const char *text = "munmap02,rA,rC,iB,dC,exit";
	char again[SCHEDULE_TEXT];

	EXPECT_EQ(0, schedule_parse(&self->schedule, text));
	text = "munmap02,madvise33,rA,rC,iB,dC-M1.R0.R1.I0.D0.M0";
	ASSERT_EQ(1, schedule_parse(&self->schedule, text));
	EXPECT_EQ(6, self->schedule.nr);
	EXPECT_EQ(1 << A | 1 << C, self->schedule.config.live);
	schedule_print(again, sizeof(again), &self->schedule);
	EXPECT_STREQ(text, again);
}

TEST_F(schedule, nonsense_is_no_schedule)
{
	const char *const texts[] = {
		"", "r", "rE", "rAB", "madvise", "madvise0", "madvise20",
		"madvise06", "fork0", "rA,", "rA-", "rA-M0", "rA-R1", "rA-R0.",
		"munmap00,munmap01", "fork,munmap00", "exit,fork",
		"iB,iB", "iA,iC", "madvise00,madvise00,madvise00",
		"rA,rA,rA,rA,rA,rA,rA,rA,rA",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		EXPECT_EQ(0, schedule_parse(&self->schedule, texts[i]))
		{
			TH_LOG("\"%s\"", texts[i]);
		}
	}
}

/* Two actors of 3 and 1 steps that do not touch: 4 * 2 states in a grid */
TEST_F(schedule, search_walks_every_edge_once)
{
	ASSERT_NE(NULL, config_parse(&self->schedule.config, "madvise55,dA"));
	search_all(&self->search, &self->schedule.config, 0);
	EXPECT_EQ(8, self->search.nr_nodes);
	EXPECT_EQ(3 * 2 + 4, self->search.nr_edges);
	/* Each once, after the way to the first of a schedule */
	EXPECT_EQ(self->search.nr_edges, self->search.nr_steps);
	EXPECT_EQ(4, self->search.nr_goals);
}

TEST_F(schedule, search_goes_as_deep_as_asked)
{
	struct schedule schedule;
	__u32 i;

	ASSERT_NE(NULL, config_parse(&self->schedule.config,
				     "madvise00,rA,rC"));
	search_all(&self->search, &self->schedule.config, 3);
	for (i = 0; i < self->search.nr_goals; i++) {
		search_schedule(&self->search, i, &schedule);
		ASSERT_GE(3, schedule.nr);
	}
}

/* What the model allows in any order, the schedule can do. */
TEST_F(schedule, every_goal_can_be_reached)
{
	struct schedule schedule;
	struct model_trace trace;
	struct model m;
	__u32 i;
	int j;

	ASSERT_NE(NULL, config_parse(&self->schedule.config,
				     "madvise01,rA,iB,dB"));
	search_all(&self->search, &self->schedule.config, 0);
	for (i = 0; i < self->search.nr_goals; i++) {
		search_schedule(&self->search, i, &schedule);
		model_init(&m, &schedule.config);
		for (j = 0; j < schedule.nr; j++) {
			ASSERT_EQ(1, model_enabled(&m, &schedule.config,
						   schedule.step[j]));
			model_step(&m, &schedule.config, schedule.step[j],
				   &trace);
		}
		search_take(&self->search, schedule.step, schedule.nr);
	}
	EXPECT_EQ(self->search.nr_edges, self->search.nr_taken);
}

/* These tests need no device. */
int main(int argc, char **argv)
{
	return mmun_list_or_run(argc, argv, NULL);
}
