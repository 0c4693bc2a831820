// SPDX-License-Identifier: GPL-2.0
/* The configurations with the loops of drivers, right and wrong, see driver.h */
#include <errno.h>

#include "config.h"
#include "driver.h"
#include "primitive.h"

#define UNMODELLED .settings = { .unmodelled = true }
#define OLD "the driver maps an old page"
#define MAPS "page 0 is unmapped, and the driver maps the page"

/* clang-format off */
#define RUN(function) { .run = function, .name = #function }

const struct config driver_configs[] = {
	{
		.name = "driver_reads_until_there_is_no_collision", .setup = driver_setup,
		UNMODELLED,
		.role = { RUN(driver_read), RUN(driver_invalidate), RUN(driver_invalidate) },
	}, {
		.name = "driver_with_two_readers", .setup = driver_setup, UNMODELLED,
		.role = { RUN(driver_read), RUN(driver_read), RUN(driver_invalidate) },
	}, {
		.name = "driver_reads_all_chunks_with_one_sequence", .setup = driver_setup,
		UNMODELLED,
		.role = { RUN(driver_read_chunks), RUN(driver_invalidate) },
	}, {
		.name = "driver_reads_each_chunk_with_a_sequence", .setup = driver_setup,
		.caught = OLD, UNMODELLED,
		.role = { RUN(driver_read_chunks_wrong), RUN(driver_invalidate) },
	}, {
		.name = "driver_retries_with_the_old_sequence", .setup = driver_setup,
		.caught = "livelock", UNMODELLED,
		.role = { RUN(driver_read_stale_seq), RUN(driver_invalidate) },
	}, {
		.name = "driver_tries_more_often_than_it_is_invalidated", .setup = driver_setup,
		.caught = "a reader tries 3 times after 1 invalidations", UNMODELLED,
		.role = { RUN(driver_count_stale_seq), RUN(driver_invalidate) },
	}, {
		.name = "driver_stores_one_sequence_for_two_readers", .setup = driver_setup,
		.caught = OLD, UNMODELLED,
		.role = { RUN(driver_read_one_seq_for_all), RUN(driver_read_one_seq_for_all),
			  RUN(driver_invalidate) },
	}, {
		.name = "driver_has_a_flag_instead_of_a_sequence", .setup = driver_setup_flag,
		.caught = MAPS, UNMODELLED,
		.role = { RUN(driver_read_flag), RUN(driver_read_flag), RUN(driver_invalidate) },
	}, {
		.name = "driver_has_a_count_and_a_sequence", .setup = driver_setup_counter,
		UNMODELLED,
		.role = { RUN(driver_read_count_and_seq), RUN(driver_invalidate),
			  RUN(driver_invalidate) },
	}, {
		.name = "driver_has_a_count_without_a_sequence", .setup = driver_setup_counter,
		.caught = "when a reader publishes", UNMODELLED,
		.role = { RUN(driver_read_count), RUN(driver_invalidate) },
	}, {
		.name = "driver_has_a_sequence_without_a_count", .setup = driver_setup_counter,
		.caught = "when a reader publishes", UNMODELLED,
		.role = { RUN(driver_read_seq), RUN(driver_invalidate) },
	}, {
		.name = "driver_publishes_without_the_lock", .setup = driver_setup,
		.caught = MAPS, UNMODELLED,
		.role = { RUN(driver_read_without_lock), RUN(driver_invalidate) },
	}, {
		.name = "driver_tests_before_it_takes_the_lock", .setup = driver_setup,
		.caught = MAPS, UNMODELLED,
		.role = { RUN(driver_read_test_before_lock), RUN(driver_invalidate) },
	}, {
		.name = "driver_uses_pages_before_the_test", .setup = driver_setup,
		.caught = MAPS, UNMODELLED,
		.role = { RUN(driver_read_use_before_retry), RUN(driver_invalidate) },
	}, {
		.name = "driver_sets_the_sequence_after_the_lock", .setup = driver_setup_late_seq,
		.caught = MAPS, UNMODELLED,
		.role = { RUN(driver_read), RUN(driver_invalidate) },
	}, {
		.name = "driver_drops_entries_without_the_lock",
		.setup = driver_setup_unlocked_callback, .caught = MAPS, UNMODELLED,
		.role = { RUN(driver_read), RUN(driver_invalidate) },
	}, {
		.name = "driver_sets_no_sequence_if_it_maps_no_page",
		.setup = driver_setup_if_mapped, .caught = MAPS, UNMODELLED,
		.role = { RUN(driver_read), RUN(driver_invalidate) },
	}, {
		.name = "driver_begins_before_it_takes_the_lock", .setup = driver_setup_mutex,
		UNMODELLED,
		.role = { RUN(driver_read_mutex), RUN(driver_invalidate), RUN(driver_invalidate) },
	}, {
		.name = "driver_begins_under_the_lock", .setup = driver_setup_mutex,
		.caught = "deadlock: actor 0 waits for ever", UNMODELLED,
		.role = { RUN(driver_read_begin_under_lock), RUN(driver_invalidate),
			  RUN(driver_invalidate) },
	}, {
		.name = "driver_inserts_before_it_walks", .setup = driver_setup_not_inserted,
		UNMODELLED,
		.role = { RUN(driver_insert_before_walk), RUN(driver_invalidate) },
	}, {
		.name = "driver_inserts_after_it_walked", .setup = driver_setup_not_inserted,
		.caught = OLD, UNMODELLED,
		.role = { RUN(driver_insert_after_walk), RUN(driver_invalidate) },
	}, {
		.name = "driver_removes_without_its_lock", .setup = driver_setup_mutex, UNMODELLED,
		.role = { RUN(driver_remove), RUN(driver_invalidate) },
	}, {
		.name = "driver_removes_under_its_lock", .setup = driver_setup_mutex,
		.caught = "deadlock", UNMODELLED,
		.role = { RUN(driver_remove_under_lock), RUN(driver_invalidate) },
	}, {
		.name = "driver_frees_after_it_removes", .setup = driver_setup_table, UNMODELLED,
		.role = { RUN(driver_remove_and_free), RUN(driver_invalidate) },
	}, {
		.name = "driver_frees_before_it_removes", .setup = driver_setup_table,
		.caught = "use after free", UNMODELLED,
		.role = { RUN(driver_free_and_remove), RUN(driver_invalidate) },
	}, {
		.name = "driver_removes_only_what_it_inserted", .setup = driver_setup_not_inserted,
		UNMODELLED,
		.role = { RUN(driver_remove_inserted), RUN(driver_invalidate) },
	}, {
		.name = "driver_removes_what_it_did_not_insert",
		.setup = driver_setup_not_inserted, .caught = "null pointer dereference",
		UNMODELLED,
		.role = { RUN(driver_remove), RUN(driver_invalidate) },
	}, {
		.name = "driver_drops_its_user_of_the_mm_in_a_worker", .setup = driver_setup,
		.settings = { .unmodelled = true, .more_users = 1 },
		.role = { RUN(driver_put_later), RUN(driver_invalidate), RUN(exiter) },
	}, {
		.name = "driver_drops_its_user_of_the_mm_in_a_callback", .setup = driver_setup_put,
		.caught = "deadlock: an invalidation waits for invalidations",
		.settings = { .unmodelled = true, .more_users = 1 },
		.role = { RUN(driver_invalidate), RUN(exiter) },
	}, {
		.name = "driver_drops_the_reference_that_it_took", .setup = driver_setup,
		UNMODELLED,
		.role = { RUN(driver_put_and_drop), RUN(driver_remove) },
	}, {
		.name = "driver_drops_a_reference_that_it_did_not_take",
		.caught = "use after free", UNMODELLED,
		.role = { RUN(driver_drop_too_often) },
	}, {
		.name = "driver_holds_a_lock_until_the_end", .setup = driver_setup_lock_until_end,
		UNMODELLED,
		.role = { RUN(driver_reap) },
	}, {
		/* The trylock can fail, but a notifier with an end must not refuse. */
		.name = "driver_holds_a_lock_until_the_end_and_refuses",
		.setup = driver_setup_lock_until_end,
		.settings = { .unmodelled = true, .may_warn = true },
		.caught = "an actor releases a lock that the actor does not hold",
		.role = { RUN(driver_reap), RUN(driver_invalidate) },
	}, {
		.name = "driver_drops_its_lock_and_refuses", .setup = driver_setup_lock_dropped,
		UNMODELLED,
		.role = { RUN(driver_reap), RUN(driver_invalidate) },
	}, {
		.name = "driver_holds_its_lock_and_refuses", .setup = driver_setup_lock_kept,
		.caught = "an actor ends, and holds a lock", UNMODELLED,
		.role = { RUN(driver_reap), RUN(driver_invalidate) },
	}, {
		.name = "driver_uses_its_notifier_before_the_put", .setup = driver_setup_got,
		UNMODELLED,
		.role = { RUN(driver_use_and_put), RUN(srcu_worker) },
	}, {
		.name = "driver_uses_its_notifier_after_the_put", .setup = driver_setup_got,
		.caught = "use after free", UNMODELLED,
		.role = { RUN(driver_put_and_use), RUN(srcu_worker) },
	}, {
		.name = "driver_tests_a_flag_without_the_lock", .setup = driver_setup_job,
		.caught = "the driver maps a page after the job", UNMODELLED,
		.role = { RUN(driver_map_unless_done), RUN(driver_finish_and_drop) },
	}, {
		.name = "driver_polls_until_the_job_is_done", .setup = driver_setup_job,
		UNMODELLED,
		.role = { RUN(driver_poll), RUN(driver_poll), RUN(driver_finish_job) },
	}, {
		.name = "driver_polls_a_job_that_is_never_done", .setup = driver_setup_job,
		.caught = "livelock: no schedule ends", UNMODELLED,
		.role = { RUN(driver_poll), RUN(driver_poll) },
	}, {
		.name = "driver_frees_a_lock_after_its_release", .setup = driver_setup_job,
		UNMODELLED,
		.role = { RUN(driver_finish_job), RUN(driver_lock_and_free_done) },
	}, {
		.name = "driver_frees_a_lock_before_its_release", .setup = driver_setup_job,
		.caught = "use after free", UNMODELLED,
		.role = { RUN(driver_finish_job), RUN(driver_free_done) },
	}, {
		.name = "driver_waits_for_its_srcu_callback", .setup = driver_setup_job,
		UNMODELLED,
		.role = { RUN(driver_free_after_barrier), RUN(srcu_worker) },
	}, {
		.name = "driver_waits_for_the_srcu_readers_only", .setup = driver_setup_job,
		.caught = "use after free", UNMODELLED,
		.role = { RUN(driver_free_after_synchronize), RUN(srcu_worker) },
	}, {
		.name = "driver_takes_a_failed_trylock_for_a_flag",
		.setup = driver_setup_batch, UNMODELLED,
		.caught = "a task holds the lock, and no batch runs",
		.role = { RUN(driver_run_batch), RUN(driver_try_and_expect_batch) },
	},
	{ }
};
/* clang-format on */
