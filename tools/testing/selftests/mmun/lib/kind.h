/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kind of the ranges of a test program, and what differs between the kinds.
 * The Makefile compiles some programs once for each kind, with MMUN_TEST_KIND.
 */
#ifndef _SELFTESTS_MMUN_KIND_H
#define _SELFTESTS_MMUN_KIND_H

#include <fnmatch.h>
#include <stdbool.h>
#include <stddef.h>

#include <test_mmun_uapi.h>

/* The kind of the ranges that _mmun_insert() inserts */
#ifndef MMUN_TEST_KIND
#define MMUN_TEST_KIND MMUN_KIND_INTERVAL
#endif

/* The policy of all ranges that a test inserts without a policy of its own */
#ifndef MMUN_TEST_POLICY
#define MMUN_TEST_POLICY 0
#endif

enum {
	MMUN_ONLY_INVLOCK = 1 << MMUN_KIND_INVLOCK,
	MMUN_MM_WIDE = 1 << MMUN_KIND_LIST_MM | 1 << MMUN_KIND_INVLOCK,
	MMUN_NAIVE_LISTS = 1 << MMUN_KIND_NAIVE_TREE |
			   1 << MMUN_KIND_NAIVE_LINEAR,
	MMUN_LISTS = 1 << MMUN_KIND_LIST | 1 << MMUN_KIND_LIST_MM |
		     1 << MMUN_KIND_INVLOCK | MMUN_NAIVE_LISTS,
	MMUN_TEST_KIND_MASK = 1 << MMUN_TEST_KIND,
};

#define MMUN_IS_LIST (MMUN_TEST_KIND_MASK & MMUN_LISTS)

/* Flags of the record of a callback that did not fail */
#define MMUN_KIND_FLAGS \
	(MMUN_TEST_KIND_MASK & 1 << MMUN_KIND_TWO_PASS ? MMUN_RECORD_FINISH : 0)

/*
 * Number of references to mm_count that a context has for its list notifiers:
 * the object of the ranges, and the list notifier for the points START and END
 */
#define MMUN_KIND_REFERENCES (MMUN_IS_LIST ? 2 : 0)

/**
 * struct mmun_rule - a rule that forbids tests over some kinds
 * @kinds: mask of 1 << enum mmun_kind
 * @tests: glob of the names "fixture.variant.test" or "fixture.test"
 * @rule: the rule of the kernel, or of the scheme of the kind
 */
struct mmun_rule {
	unsigned int kinds;
	const char *tests;
	const char *rule;
};

/* Rules of the kernel */
#define MMUN_DEFERS "only the interval tree defers insertions and removals"
#define MMUN_ONE_SEQ "only the interval tree has one sequence for the mm"
#define MMUN_NO_REFUSAL \
	"a list notifier with invalidate_range_end() must not refuse"
#define MMUN_RELEASED "the core calls no list notifier after release()"
/* Rules of the schemes */
#define MMUN_COUNTS_FIRST "an invalidation counts before it calls the ranges"
#define MMUN_COUNTS_MM "a reader waits for every invalidation of the mm"
#define MMUN_MM_SEQ "a section collides with every invalidation of the mm"
#define MMUN_SETS_FIRST \
	"an invalidation sets the sequence, then calls the ranges"

/* A test runs over a kind unless a rule names the test. */
/* clang-format off */
static const struct mmun_rule mmun_rules[] = {
	{ MMUN_LISTS, "hold.insert_while_*", MMUN_DEFERS },
	{ MMUN_LISTS, "hold.remove_while_odd_*", MMUN_DEFERS },
	{ MMUN_LISTS, "hold.remove_of_a_deferred_*", MMUN_DEFERS },
	{ MMUN_LISTS, "interleaving.*while_odd_*", MMUN_DEFERS },
	{ MMUN_LISTS, "interleaving.*while_even_*", MMUN_DEFERS },
	{ MMUN_LISTS, "interleaving.invalidation_inside_another_*", MMUN_DEFERS },
	{ MMUN_LISTS, "interleaving.remove_returns_only_after_*", MMUN_DEFERS },
	{ MMUN_LISTS, "interleaving_remove.start.*", MMUN_DEFERS },
	{ MMUN_LISTS, "interleaving_signal.remover*", MMUN_DEFERS },
	{ MMUN_LISTS, "wake_thread.woken_remover_*", MMUN_DEFERS },
	{ MMUN_LISTS, "interleaving.overlapping_*", MMUN_ONE_SEQ },
	{ MMUN_LISTS, "interleaving.first_invalidation_*", MMUN_ONE_SEQ },
	{ MMUN_LISTS, "interleaving.sequence_grows_*", MMUN_ONE_SEQ },
	{ MMUN_LISTS, "interleaving.reader_waits_even_if_*", MMUN_ONE_SEQ },
	{ MMUN_LISTS, "interleaving.reader_waits_for_the_end_*", MMUN_ONE_SEQ },
	{ MMUN_LISTS, "oom.*refuse*.*", MMUN_NO_REFUSAL },
	{ MMUN_LISTS, "oom_kill.*refusal*", MMUN_NO_REFUSAL },
	{ MMUN_LISTS, "oom_pinned.*refus*", MMUN_NO_REFUSAL },
	{ MMUN_LISTS, "held_exit.release_is_not_held_*", MMUN_RELEASED },
	{ MMUN_LISTS, "hold.reader_does_not_wait_at_enter_*", MMUN_COUNTS_FIRST },
	{ MMUN_LISTS, "interleaving.batch_commits_only_*", MMUN_COUNTS_FIRST },
	{ MMUN_MM_WIDE, "hold.reader_of_another_range_*", MMUN_COUNTS_MM },
	{ MMUN_MM_WIDE, "interleaving.held_callback_*", MMUN_COUNTS_MM },
	{ MMUN_ONLY_INVLOCK, "collide.*_adjacent_range_never_collide", MMUN_MM_SEQ },
	{ MMUN_ONLY_INVLOCK, "collide_mutator.*.invalidation_of_*", MMUN_MM_SEQ },
	{ MMUN_ONLY_INVLOCK, "fork.*shared.open_batch_*", MMUN_MM_SEQ },
	{ MMUN_ONLY_INVLOCK, "hold.reader_waits_at_leave_and_*", MMUN_MM_SEQ },
	{ MMUN_ONLY_INVLOCK, "hold_two.*.reader_waits_for_the_last_*", MMUN_MM_SEQ },
	{ MMUN_ONLY_INVLOCK, "interleaving.*_beside_a_busy_range_*", MMUN_MM_SEQ },
	{ MMUN_ONLY_INVLOCK, "wake_thread.woken_reader_*", MMUN_MM_SEQ },
	{ MMUN_ONLY_INVLOCK, "held_exit.exit_is_held_before_*", MMUN_SETS_FIRST },
	{ MMUN_ONLY_INVLOCK, "hold.nothing_is_invalidated_at_enter", MMUN_SETS_FIRST },
	{ }
};
/* clang-format on */

static inline bool mmun_rule_matches(const struct mmun_rule *rule,
				     const char *name)
{
	return rule->kinds & MMUN_TEST_KIND_MASK &&
	       !fnmatch(rule->tests, name, 0);
}

/* Returns the rule that forbids the test over the kind, or NULL. */
static inline const struct mmun_rule *mmun_rule_of(const char *name)
{
	for (const struct mmun_rule *rule = mmun_rules; rule->tests; rule++)
		if (mmun_rule_matches(rule, name))
			return rule;
	return NULL;
}

#endif /* _SELFTESTS_MMUN_KIND_H */
