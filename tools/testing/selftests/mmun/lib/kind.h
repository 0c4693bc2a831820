/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kind of the ranges of a test program, and what differs between the kinds.
 * The Makefile compiles some programs once for each kind, with MMUN_TEST_KIND.
 */
#ifndef _SELFTESTS_MMUN_KIND_H
#define _SELFTESTS_MMUN_KIND_H

#include <fnmatch.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <test_mmun_uapi.h>

/* The kind of the ranges that _mmun_insert() inserts */
#ifndef MMUN_TEST_KIND
#define MMUN_TEST_KIND MMUN_KIND_INTERVAL
#endif

#define MMUN_IS_LIST                         \
	(MMUN_TEST_KIND == MMUN_KIND_LIST || \
	 MMUN_TEST_KIND == MMUN_KIND_LIST_MM)

/* Flags of the record of a callback that did not fail */
#define MMUN_KIND_FLAGS \
	(MMUN_TEST_KIND == MMUN_KIND_TWO_PASS ? MMUN_RECORD_FINISH : 0)

/*
 * Number of references to mm_count that a context has for its list notifiers:
 * the object of the ranges, and the list notifier for the points START and END
 */
#define MMUN_KIND_REFERENCES (MMUN_IS_LIST ? 2 : 0)

/**
 * struct mmun_rule - a rule of the kernel that forbids tests over some kinds
 * @kinds: mask of 1 << enum mmun_kind
 * @tests: globs of the tests, separated by blanks
 * @rule: the rule of the kernel, or of the scheme of the kind
 */
struct mmun_rule {
	unsigned int kinds;
	const char *tests;
	const char *rule;
};

#define MMUN_LISTS (1 << MMUN_KIND_LIST | 1 << MMUN_KIND_LIST_MM)

/*
 * A test runs over a kind unless a rule names the test.  The name of a test is
 * "fixture.variant.test", or "fixture.test".
 */
static const struct mmun_rule mmun_rules[] = {
	{ MMUN_LISTS,
	  "hold.insert_while_* hold.remove_while_odd_* "
	  "hold.remove_of_a_deferred_* "
	  "interleaving.*while_odd_* interleaving.*while_even_* "
	  "interleaving.invalidation_inside_another_* "
	  "interleaving.remove_returns_only_after_many_* "
	  "interleaving_remove.start.* interleaving_signal.remover* "
	  "wake_thread.woken_remover_*",
	  "only the interval tree defers insertions and removals until invalidations end" },
	{ MMUN_LISTS,
	  "hold.reader_does_not_wait_at_enter_* "
	  "interleaving.batch_commits_only_if_it_began_after_the_callback",
	  "a list notifier counts an invalidation before it calls the ranges" },
	{ MMUN_LISTS,
	  "interleaving.overlapping_* interleaving.first_invalidation_changes_* "
	  "interleaving.sequence_grows_* "
	  "interleaving.reader_waits_even_if_the_callback_* "
	  "interleaving.reader_waits_for_the_end_of_the_outer_*",
	  "only the interval tree counts invalidations that hit, and gives one sequence to those that overlap in time" },
	{ 1 << MMUN_KIND_LIST_MM,
	  "hold.reader_of_another_range_* "
	  "interleaving.held_callback_does_not_delay_*",
	  "with one count for the mm, a reader waits for every invalidation of the mm" },
	{ MMUN_LISTS, "oom.*refuse*.* oom_kill.*refusal* oom_pinned.*refus*",
	  "a list notifier with invalidate_range_end() must not refuse" },
	{ MMUN_LISTS, "held_exit.release_is_not_held_at_enter_or_leave",
	  "the core calls no list notifier after release()" },
};

#define MMUN_NR_RULES (sizeof(mmun_rules) / sizeof(mmun_rules[0]))

/*
 * Call @fn for each glob of the rule, until @fn returns true.  Returns whether
 * @fn has returned true.
 */
static inline bool mmun_each_glob(const struct mmun_rule *rule,
				  bool (*fn)(const char *glob, const char *arg),
				  const char *arg)
{
	char *copy = strdup(rule->tests), *rest = copy, *glob;
	bool found = false;

	while (!found && (glob = strsep(&rest, " ")))
		found = fn(glob, arg);
	free(copy);
	return found;
}

static inline bool mmun_is_match(const char *glob, const char *name)
{
	return !fnmatch(glob, name, 0);
}

/* Returns the rule that forbids the test over the kind, or NULL. */
static inline const struct mmun_rule *mmun_rule_of(const char *name)
{
	const struct mmun_rule *rule = mmun_rules;

	for (size_t i = 0; i < MMUN_NR_RULES; i++, rule++)
		if (rule->kinds & 1 << MMUN_TEST_KIND &&
		    mmun_each_glob(rule, mmun_is_match, name))
			return rule;
	return NULL;
}

#endif /* _SELFTESTS_MMUN_KIND_H */
