// SPDX-License-Identifier: GPL-2.0
/*
 * All configurations.  Range A covers the pages 0 and 1, range B the pages 1 and
 * 2, range C the pages 2 and 3, and range D the pages 3 and 4.
 */
#include <errno.h>
#include <string.h>

#include "access.h"
#include "actor.h"
#include "config.h"
#include "driver.h"
#include "primitive.h"
#include "refine.h"
#include "refine_list.h"

/* clang-format off */
#define RUN(function) { .run = function, .name = #function }
#define RANGE(function, text, n) \
	{ .run = function, .name = text, .with = WITH_RANGE, .range = n }
#define PAGES(function, text, f, l) \
	{ .run = function, .name = text, .with = WITH_PAGES, .first = f, .last = l }
#define LISTENER(function, text, n) \
	{ .run = function, .name = text, .with = WITH_LISTENER, .range = n }

#define READ(n) RANGE(reader, "reads", n)
#define INSERT(n) RANGE(inserter, "inserts", n)
#define INSERT_READ(n) RANGE(insert_and_read, "inserts and reads", n)
#define INSERT_REMOVE(n) RANGE(insert_and_remove, "inserts and removes", n)
#define INSERT_LOCKED(n) RANGE(insert_locked, "inserts and reads under the mmap_lock", n)
#define REMOVE(n) RANGE(remover, "removes", n)
#define INVALIDATE(f, l) PAGES(invalidator, "invalidates", f, l)
#define NEST(f, l) PAGES(nested_invalidator, "makes nested invalidations of", f, l)
#define REAP(f, l) PAGES(reaper, "must not block, and invalidates", f, l)
#define FAULT(f, l) PAGES(faulter, "faults, and invalidates", f, l)
#define ONLY_END(f, l) PAGES(only_end_invalidator, "flushes, and invalidates", f, l)
#define REGISTER { .run = registrar, .name = "registers a list notifier" }
#define REGISTER_UNREGISTER \
	{ .run = register_and_unregister, .name = "registers and unregisters a list notifier" }
#define UNREGISTER(n) LISTENER(unregistrar, "unregisters", n)
#define PUT(n) LISTENER(putter, "puts", n)
#define PUT_SYNCHRONIZE(n) LISTENER(put_and_synchronize, "puts and synchronizes", n)
#define SYNCHRONIZE { .run = synchronizer, .name = "synchronizes the list notifiers" }
#define GET_PUT { .run = get_and_put, .name = "gets and puts a list notifier" }
#define SRCU { .run = srcu_worker, .name = "runs the SRCU callbacks" }
#define EXIT { .run = exiter, .name = "drops the last user of the mm" }

const struct config configs[] = {
	{
		.name = "read_collides_with_invalidation", .live = A,
		.role = { READ(0), INVALIDATE(0, 1) },
	}, {
		.name = "two_reads_of_one_range", .live = A,
		.role = { READ(0), READ(0), INVALIDATE(1, 1) },
	}, {
		.name = "read_collides_with_two_invalidations", .live = A,
		.role = { READ(0), INVALIDATE(0, 1), INVALIDATE(1, 2) },
	}, {
		.name = "read_of_a_range_that_only_touches_the_invalidation", .live = A | C,
		.role = { READ(0), INVALIDATE(2, 2), INVALIDATE(4, 5) },
	}, {
		.name = "invalidations_that_only_touch_a_range", .live = C,
		.role = { READ(2), INVALIDATE(0, 1), INVALIDATE(4, 5) },
	}, {
		.name = "nested_invalidations", .live = A | B,
		.role = { READ(0), NEST(0, 2), INVALIDATE(1, 1) },
	}, {
		.name = "invalidation_calls_each_overlapping_range_once", .live = A | B | C | D,
		.role = { INVALIDATE(0, 4), INVALIDATE(1, 2), INVALIDATE(3, 3) },
	}, {
		.name = "insert_during_an_invalidation_is_deferred", .live = A,
		.role = { INSERT(1), INVALIDATE(0, 2) },
	}, {
		.name = "insert_during_an_invalidation_that_hits_no_range", .live = A,
		.role = { INSERT_READ(3), INVALIDATE(4, 4) },
	}, {
		.name = "remove_during_an_invalidation_that_hits_no_range", .live = A | D,
		.role = { REMOVE(3), INVALIDATE(5, 5), INVALIDATE(0, 0) },
	}, {
		.name = "insert_and_remove_during_an_invalidation_that_hits_no_range", .live = A,
		.role = { INSERT_REMOVE(3), INVALIDATE(2, 4), INVALIDATE(0, 0) },
	}, {
		.name = "read_of_a_range_inserted_during_an_invalidation", .live = A,
		.role = { INSERT_READ(1), INVALIDATE(0, 2) },
	}, {
		.name = "insert_and_remove_during_an_invalidation", .live = A,
		.role = { INSERT_REMOVE(1), INVALIDATE(0, 2), INVALIDATE(1, 1) },
	}, {
		.name = "remove_during_an_invalidation_waits", .live = A | B,
		.role = { REMOVE(1), INVALIDATE(0, 2), INVALIDATE(0, 0) },
	}, {
		.name = "several_deferred_changes", .live = A | C | D,
		.role = { INSERT(1), REMOVE(2), REMOVE(3), INVALIDATE(0, 4) },
	}, {
		.name = "first_insert_creates_the_subscriptions",
		.role = { INSERT_READ(0), INSERT_READ(1) },
	}, {
		.name = "exit_releases_each_range", .live = A | C,
		.role = { READ(0), EXIT },
	}, {
		.name = "remove_after_exit", .live = A | C,
		.role = { REMOVE(0), EXIT },
	}, {
		.name = "refused_invalidation_ends", .live = A | B, .refuses = B,
		.role = { READ(0), REAP(0, 2), INVALIDATE(0, 0) },
	}, {
		.name = "two_pass_range_is_finished_once", .live = A | B, .two_pass = A,
		.role = { READ(0), INVALIDATE(0, 2), INVALIDATE(1, 1) },
	}, {
		.name = "two_pass_range_is_finished_after_a_refusal", .live = A | B,
		.two_pass = A, .refuses = B,
		.role = { READ(0), REAP(0, 2), REAP(0, 1) },
	}, {
		.name = "second_pass_follows_all_first_passes", .live = A | B | C | D,
		.two_pass = A | C | D,
		.role = { INVALIDATE(0, 4), INVALIDATE(1, 2), REAP(3, 3) },
	}, {
		.name = "two_pass_range_refuses", .live = A | B | C, .two_pass = A | B,
		.refuses = B,
		.role = { REAP(0, 3), INVALIDATE(1, 1) },
	}, {
		.name = "second_pass_at_exit", .live = A | B | C, .two_pass = A | C,
		.role = { EXIT, REMOVE(1), INVALIDATE(0, 0) },
	}, {
		.name = "insert_of_a_wrong_range_fails", .live = A,
		.role = { RUN(insert_wrong), INVALIDATE(0, 0) },
	}, {
		.name = "first_insert_without_memory_fails",
		/* the first kzalloc() of the actor is its range */
		.settings = { .failed_alloc = 2, .error = -ENOMEM },
		.role = { RUN(insert_fails), INVALIDATE(0, 0) },
	}, {
		.name = "interrupted_first_insert_fails",
		.settings = { .interrupted = true, .error = -EINTR },
		.role = { RUN(insert_fails), INVALIDATE(0, 0) },
	}, {
		.name = "insert_after_exit_fails", .live = A,
		.settings = { .may_warn = true, .error = -EINVAL },
		.role = { RUN(late_inserter) },
	}, {
		.name = "first_insert_waits_for_page_faults",
		.role = { INSERT_READ(0), FAULT(0, 1) },
	}, {
		.name = "exit_releases_many_ranges", .live = A | B | D,
		.role = { EXIT },
	}, {
		.name = "list_notifier_gets_start_and_end", .live = A, .listeners = 1,
		.role = { READ(0), INVALIDATE(0, 1), REAP(0, 2) },
	}, {
		.name = "refusal_of_a_range_skips_the_list_notifiers", .live = A, .refuses = A,
		.listeners = 1,
		.role = { READ(0), REAP(0, 1) },
	}, {
		.name = "refusal_of_a_list_notifier_ends_the_other", .listeners = 3,
		.list_refuses = 2,
		.role = { REAP(0, 1), INVALIDATE(0, 1) },
	}, {
		.name = "refusal_of_a_list_notifier_ends_the_invalidation", .live = A,
		.listeners = 3, .list_refuses = 2,
		.fails = "the core does not end the invalidation, see patches/refused-start",
		.violates = "the start of an invalidation failed, and left the invalidation open",
		.role = { REAP(0, 1), READ(0) },
	}, {
		.name = "first_register_waits_for_page_faults",
		.role = { REGISTER, FAULT(0, 1) },
	}, {
		.name = "insert_after_register", .listeners = 1,
		.role = { INSERT_READ(0), FAULT(0, 1) },
	}, {
		.name = "unregister_waits_for_callbacks", .listeners = 1,
		.role = { UNREGISTER(0), INVALIDATE(0, 1) },
	}, {
		.name = "unregister_and_exit", .listeners = 1,
		.settings = { .late_release = true },
		.role = { UNREGISTER(0), EXIT },
	}, {
		.name = "unregister_and_exit_with_a_range", .live = A, .listeners = 1,
		.settings = { .late_release = true },
		.role = { UNREGISTER(0), EXIT },
	}, {
		.name = "release_ends_before_the_exit_frees_the_pages", .listeners = 1,
		.fails = "unregister tests the list outside of SRCU, see patches/unregister",
		.violates = "the exit frees the pages, and release() still runs",
		.role = { UNREGISTER(0), EXIT },
	}, {
		.name = "exit_releases_all_list_notifiers", .listeners = 3,
		.role = { EXIT, RUN(aging) },
	}, {
		.name = "put_frees_after_the_callbacks",
		.role = { GET_PUT, FAULT(0, 1), SRCU },
	}, {
		.name = "get_returns_the_same_notifier",
		.role = { GET_PUT, GET_PUT, SRCU },
	}, {
		.name = "invalidation_calls_nested_ranges", .live = A | B, .wide = A,
		.role = { READ(1), INVALIDATE(0, 4), INVALIDATE(3, 3) },
	}, {
		.name = "remove_of_a_range_around_another", .live = A | B | C, .wide = A,
		.role = { REMOVE(0), INVALIDATE(1, 2), INVALIDATE(3, 3) },
	}, {
		.name = "first_insert_under_the_mmap_lock",
		.role = { INSERT_LOCKED(0), FAULT(0, 2) },
	}, {
		.name = "inserts_under_the_mmap_lock",
		.role = { INSERT_LOCKED(0), INSERT_LOCKED(1) },
	}, {
		.name = "insert_under_the_mmap_lock_is_deferred", .live = A,
		.role = { INSERT_LOCKED(1), INVALIDATE(0, 2) },
	}, {
		.name = "insert_under_the_mmap_lock_after_register", .listeners = 1,
		.role = { INSERT_LOCKED(0), FAULT(0, 1) },
	}, {
		.name = "insert_under_the_mmap_lock_without_memory_fails",
		.settings = { .failed_alloc = 2, .error = -ENOMEM },
		.role = { RUN(insert_locked_fails), INVALIDATE(0, 0) },
	}, {
		.name = "interrupted_insert_under_the_mmap_lock_fails",
		.settings = { .interrupted = true, .error = -EINTR },
		.role = { RUN(insert_locked_fails), INVALIDATE(0, 0) },
	}, {
		.name = "interrupted_insert_after_register_fails", .listeners = 1,
		.settings = { .interrupted = true, .error = -EINTR },
		.role = { RUN(insert_fails), INVALIDATE(0, 0) },
	}, {
		.name = "only_end_ends_the_invalidation", .live = A, .listeners = 3, .list_tlb = 2,
		.role = { READ(0), ONLY_END(0, 1), INVALIDATE(1, 1) },
	}, {
		.name = "read_only_events", .role = { RUN(read_only) },
	}, {
		.name = "list_notifiers_are_called_in_order", .listeners = 15, .list_tlb = 2,
		.list_bare = 4,
		.role = { INVALIDATE(0, 1), REAP(0, 1), RUN(flush_secondary_tlb) },
	}, {
		.name = "nested_invalidations_with_list_notifiers", .live = A, .listeners = 3,
		.role = { NEST(0, 2), UNREGISTER(1) },
	}, {
		.name = "refusal_ends_each_started_list_notifier", .listeners = 15, .list_refuses = 4,
		.list_bare = 2,
		.role = { REAP(0, 1), UNREGISTER(3) },
	}, {
		.name = "all_list_notifiers_refuse", .listeners = 3, .list_refuses = 3,
		.role = { REAP(0, 1), INVALIDATE(0, 1), REAP(2, 2) },
	}, {
		.name = "unregister_of_the_only_notifier_during_its_refusal", .listeners = 1,
		.list_refuses = 1,
		.role = { REAP(0, 1), UNREGISTER(0) },
	}, {
		.name = "unregister_during_a_refusal", .listeners = 7, .list_refuses = 2,
		.role = { REAP(0, 1), UNREGISTER(1), UNREGISTER(2) },
	}, {
		.name = "young_if_one_list_notifier_says_so", .listeners = 15, .list_young = 2,
		.list_bare = 8,
		.role = { RUN(aging), UNREGISTER(2) },
	}, {
		.name = "young_if_all_list_notifiers_say_so", .listeners = 3, .list_young = 3,
		.role = { RUN(aging), RUN(change_pte) },
	}, {
		.name = "young_without_list_notifiers", .live = A, .role = { RUN(aging), EXIT },
	}, {
		.name = "young_of_a_notifier_that_leaves", .listeners = 7, .list_young = 1,
		.list_bare = 4,
		.role = { RUN(aging), UNREGISTER(0), RUN(change_pte) },
	}, {
		.name = "secondary_tlb_is_flushed", .listeners = 7, .list_tlb = 5,
		.role = { RUN(flush_secondary_tlb), UNREGISTER(2), INVALIDATE(0, 1) },
	}, {
		.name = "register_of_both_kinds_of_callbacks", .settings = { .may_warn = true },
		.role = { RUN(register_both_kinds) },
	}, {
		.name = "walks_before_the_first_notifier",
		.role = { RUN(aging), RUN(flush_secondary_tlb), RUN(change_pte), REGISTER },
	}, {
		.name = "register_and_unregister_of_several", .listeners = 1,
		.role = { REGISTER_UNREGISTER, UNREGISTER(0), FAULT(0, 1) },
	}, {
		.name = "register_and_exit_of_several", .listeners = 1,
		.settings = { .more_users = 1, .late_release = true },
		.role = { RUN(register_and_exit), EXIT, UNREGISTER(0) },
	}, {
		.name = "exit_releases_what_unregister_leaves", .listeners = 15, .list_bare = 4,
		.settings = { .late_release = true },
		.role = { EXIT, UNREGISTER(1), UNREGISTER(2) },
	}, {
		.name = "exit_during_an_aging", .listeners = 3, .settings = { .late_release = true },
		.role = { EXIT, RUN(aging), UNREGISTER(0) },
	}, {
		.name = "first_register_without_memory_fails",
		/* the first kzalloc() of the actor is its list notifier */
		.settings = { .failed_alloc = 2, .error = -ENOMEM },
		.role = { RUN(register_fails), INVALIDATE(0, 0) },
	}, {
		.name = "interrupted_first_register_fails",
		.settings = { .interrupted = true, .error = -EINTR },
		.role = { RUN(register_fails), INVALIDATE(0, 0) },
	}, {
		.name = "interrupted_register_fails", .live = A, .listeners = 1,
		.settings = { .interrupted = true, .error = -EINTR },
		.role = { RUN(register_fails), INVALIDATE(0, 0) },
	}, {
		.name = "get_without_memory_for_the_notifier_fails",
		.settings = { .failed_alloc = 1, .error = -ENOMEM },
		.role = { RUN(get_fails), FAULT(0, 1) },
	}, {
		.name = "get_without_memory_for_the_subscriptions_fails",
		.settings = { .failed_alloc = 2, .error = -ENOMEM },
		.role = { RUN(get_fails), FAULT(0, 1) },
	}, {
		.name = "interrupted_get_fails",
		.settings = { .interrupted = true, .error = -EINTR },
		.role = { RUN(get_fails), FAULT(0, 1) },
	}, {
		.name = "get_too_often_fails", .listeners = 1, .list_got = 1,
		.role = { RUN(get_too_often) },
	}, {
		.name = "get_of_other_ops_returns_another_notifier", .listeners = 1, .list_got = 1,
		.role = { GET_PUT, RUN(get_other_and_put), FAULT(0, 1), SRCU },
	}, {
		.name = "put_frees_after_all_gets", .listeners = 1, .list_got = 1,
		.role = { GET_PUT, PUT(0), FAULT(0, 1), SRCU },
	}, {
		.name = "put_and_exit", .listeners = 3, .list_got = 1,
		.role = { PUT(0), EXIT, SRCU },
	}, {
		.name = "release_puts_its_list_notifier", .listeners = 7, .list_got = 2,
		.list_puts = 2,
		.role = { EXIT, SRCU, RUN(aging) },
	}, {
		.name = "release_puts_its_list_notifier_after_the_ranges", .live = A,
		.listeners = 1, .list_got = 1, .list_puts = 1,
		.role = { EXIT, SRCU, REMOVE(0) },
	}, {
		.name = "synchronize_waits_for_callbacks", .listeners = 1, .list_got = 1,
		.settings = { .late_free = true },
		.role = { SYNCHRONIZE, RUN(aging), PUT(0), SRCU },
	}, {
		.name = "synchronize_waits_for_the_free_of_an_earlier_put", .listeners = 1,
		.list_got = 1,
		.fails = "synchronize waits for no SRCU callback, see patches/synchronize",
		.violates = "synchronize returned, and free_notifier() of a put has not returned",
		.role = { PUT_SYNCHRONIZE(0), SRCU },
	}, {
		.name = "synchronize_waits_for_the_frees_of_all_tasks", .listeners = 1, .list_got = 1,
		.fails = "synchronize waits for no SRCU callback, see patches/synchronize",
		.violates = "synchronize returned, and free_notifier() of a put has not returned",
		.role = { GET_PUT, PUT(0), SYNCHRONIZE, SRCU },
	}, {
		.name = "reader_invalidator_inserter_remover", .live = A | C,
		.role = { READ(0), INVALIDATE(0, 2), INSERT(1), REMOVE(2) },
	}, {
		.name = "two_readers_invalidator_inserter_remover", .live = A | C, .deep = true,
		.role = { READ(0), READ(0), INVALIDATE(0, 2), INSERT(1), REMOVE(2) },
	}, {
		.name = "two_readers_two_mutators_inserter_remover", .live = A | C, .deep = true,
		.role = { READ(0), READ(0), INVALIDATE(0, 2), INVALIDATE(1, 3), INSERT(1), REMOVE(2) },
	}, {
		.name = "walk_of_readers_mutators_inserters_and_removers", .live = A | C | D,
		.deep = true, .walks = 300000,
		.role = { READ(0), READ(2), INVALIDATE(0, 2), INVALIDATE(1, 3), REAP(0, 4),
			  INSERT_REMOVE(1), REMOVE(3) },
	}, {
		.name = "walk_of_both_kinds_of_notifiers", .live = A | C,
		.deep = true, .walks = 300000, .listeners = 1,
		.role = { READ(0), FAULT(0, 2), FAULT(1, 3), INSERT_READ(1), REMOVE(2),
			  REGISTER_UNREGISTER, UNREGISTER(0) },
	},
	{ }
};
/* clang-format on */

static enum listener_kind listener_kind(const struct config *config, int i)
{
	if (config->list_refuses >> i & 1)
		return LISTENER_REFUSES;
	if (config->list_tlb >> i & 1)
		return LISTENER_TLB;
	if (config->list_puts >> i & 1)
		return LISTENER_PUTS;
	if (config->list_bare >> i & 1)
		return LISTENER_BARE;
	return LISTENER_PAIR;
}

void config_begin(const struct config *config)
{
	me = NULL;
	violation[0] = '\0';
	memset(&world, 0, offsetof(struct world, stack));
	mm_settings = config->settings;
	mm_init();
	driver_forget();
	refine_init();
	refine_list_init();
	for (int i = 0; i < RANGES; i++)
		if (config->live >> i & 1)
			interval_setup(i, config->refuses >> i & 1,
				       config->two_pass >> i & 1,
				       config->wide >> i & 1);
	for (int i = 0; i < LISTENERS; i++)
		if (config->listeners >> i & 1)
			listener_setup(listener_kind(config, i),
				       config->list_young >> i & 1,
				       config->list_got >> i & 1);
	if (config->setup)
		config->setup();
	for (int i = 0; i < MAX_ROLES && config->role[i].run; i++)
		actor_add(config->role[i].run, (void *)&config->role[i]);
}
