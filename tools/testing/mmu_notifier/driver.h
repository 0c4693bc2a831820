/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The loops of drivers, each as a right loop and as the wrong loop that a driver of
 * the kernel had.  The search must find the error of the wrong loop.
 *
 * A driver mirrors the pages 0 and 1 in shadow entries.
 */
#ifndef _MMU_NOTIFIER_DRIVER_H
#define _MMU_NOTIFIER_DRIVER_H

/* What exists before the first step: a mirror with the right callback, or another */
void driver_setup(void);
void driver_setup_late_seq(void);
void driver_setup_unlocked_callback(void);
void driver_setup_mutex(void);
void driver_setup_if_mapped(void);
void driver_setup_table(void);
void driver_setup_put(void);
void driver_setup_not_inserted(void);
void driver_setup_flag(void);
void driver_setup_counter(void);
void driver_setup_lock_until_end(void);
void driver_setup_lock_kept(void);
void driver_setup_lock_dropped(void);
void driver_setup_got(void);
void driver_setup_job(void);
void driver_setup_batch(void);
/* The next configuration has no mirror, unless its setup makes one. */
void driver_forget(void);

/* Readers.  A reader fails if it tries more often than the invalidations explain. */
void driver_read(void *role);
void driver_read_chunks(void *role);
void driver_read_chunks_wrong(void *role);
void driver_read_stale_seq(
	void *role); /* The number of its tries is not limited. */
void driver_count_stale_seq(void *role);
void driver_read_one_seq_for_all(void *role);
void driver_read_flag(void *role);
void driver_read_without_lock(void *role);
void driver_read_test_before_lock(void *role);
void driver_read_mutex(void *role);
void driver_read_begin_under_lock(void *role);
void driver_read_use_before_retry(void *role);
void driver_insert_after_walk(void *role);
void driver_insert_before_walk(void *role);

/* Readers of a list notifier that counts invalidations */
void driver_read_count_and_seq(void *role);
void driver_read_count(void *role);
void driver_read_seq(void *role);

void driver_remove(void *role);
void driver_remove_under_lock(void *role);
void driver_remove_and_free(void *role);
void driver_free_and_remove(void *role);
void driver_remove_inserted(void *role);
void driver_put_later(void *role);
void driver_put_and_drop(void *role);
void driver_drop_too_often(void *role);
void driver_use_and_put(void *role);
void driver_put_and_use(void *role);
void driver_finish_job(void *role);
/* Test under the lock, again and again, whether the job is done. */
void driver_poll(void *role);
void driver_map_unless_done(void *role);
void driver_finish_and_drop(void *role);
void driver_free_done(void *role);
void driver_lock_and_free_done(void *role);
/* Finish the job in an SRCU callback, and free the job. */
void driver_free_after_barrier(void *role);
void driver_free_after_synchronize(void *role);
void driver_run_batch(void *role);
void driver_try_and_expect_batch(void *role);
void driver_invalidate(void *role);
void driver_reap(void *role);

/* The page is no longer mapped: no shadow entry may map the page. */
void driver_check_page(int page);
/* All actors have ended: the shadow entries map the pages that the mm maps. */
void driver_check_end(void);

#endif /* _MMU_NOTIFIER_DRIVER_H */
