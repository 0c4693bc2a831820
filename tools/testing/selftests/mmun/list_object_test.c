// SPDX-License-Identifier: GPL-2.0
/*
 * Tests the life of an object that mmu_notifier_get() allocates: get, get again,
 * put, put from release(), free.  The core frees an object after a grace period
 * of SRCU.  A task that is held in a callback, of any mm, keeps the grace period
 * from its end.  So a test can look at an object whose free is pending.
 *
 * The last tests find out whether a map that a driver keeps itself has errors
 * that the core does not have.
 */
#include "lib/list.h"

#define KEY 0
#define OTHER_KEY 1

/*
 * @watched: a process with a list notifier.  A thread of it can be held, which
 *	delays all grace periods.
 * @watched_list: /dev/mmun_list of @watched
 * @its_id: the list notifier of @watched
 */
FIXTURE(list_object)
{
	LIST_FIXTURE;
	struct mmun_child watched;
	int watched_list;
	__u32 its_id;
	struct worker worker;
};

static void on_signal(int sig)
{
}

/* A handled signal must not restart the call. */
static int handle_signal(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	return sigaction(SIGUSR1, &action, NULL);
}

FIXTURE_SETUP(list_object)
{
	int fd;

	setup_list();
	ASSERT_EQ(0, handle_signal());
	ASSERT_EQ(0, mmun_child_start(&self->watched, self->map));
	ASSERT_LE(0, mmun_child_do(&self->watched, victim_set_up, LIST_PAGES));
	fd = mmun_child_do(&self->watched, list_child_open, 0);
	self->watched_list = mmun_child_getfd(&self->watched, fd);
	ASSERT_LE(0, self->watched_list);
	self->its_id = list_on(self->watched_list, REGISTER, register,
			       .ops = LIST_BOTH)
			       .out_id;
	self->worker.fd = self->list;
	ASSERT_EQ(0, worker_create(&self->worker));
}

FIXTURE_TEARDOWN(list_object)
{
	EXPECT_EQ(0, close(self->watched_list));
	mmun_child_kill(&self->watched);
	teardown_list();
}

/* Delay the end of each grace period.  Returns the ID of the hold. */
#define stop_grace_periods()                                                   \
	({                                                                     \
		const __u32 __at = list_on(self->watched_list, HOLD, hold,     \
					   .id = self->its_id,                 \
					   .op = MMUN_LIST_START,              \
					   .tid = self->watched.tid,           \
					   .timeout_ms = MMUN_HOLD_MS)         \
					   .out_hold;                          \
		ASSERT_EQ(0,                                                   \
			  mmun_child_order(&self->watched, list_dontneed, 0)); \
		EXPECT_EQ(MMUN_LIST_HELD,                                      \
			  list_on(self->watched_list, WAIT_HELD, wait_held,    \
				  .hold = __at, .timeout_ms = MMUN_HOLD_MS)    \
				  .out_state);                                 \
		__at;                                                          \
	})

#define resume_grace_periods(_at)                                        \
	do {                                                             \
		EXPECT_EQ(1, list_on(self->watched_list, RESUME, resume, \
				     .hold = _at)                        \
				     .out_resumed);                      \
		EXPECT_EQ(0, mmun_child_answer(&self->watched));         \
	} while (0)

static int job_synchronize(struct worker *worker)
{
	return LIST_CALL(worker->fd, SYNCHRONIZE, &(struct mmun_list_counts){});
}

#define expect_blocked(_request)                                           \
	do {                                                               \
		struct mmun_task __t = mmun_quiesce_one(self->worker.tid); \
		EXPECT_EQ(MMUN_TASK_BLOCKED, __t.state);                   \
		EXPECT_EQ(SYS_ioctl, __t.syscall);                         \
		EXPECT_EQ(_request, __t.arg);                              \
	} while (0)

/* Expect that the core calls free_notifier() for each object soon. */
#define expect_freed()                                          \
	do {                                                    \
		struct mmun_list_counts __c;                    \
		expect_soon(list_query().out_objects == 0);     \
		__c = list_query();                             \
		EXPECT_EQ(__c.out_allocs, __c.out_frees);       \
		EXPECT_EQ(__c.out_allocs, __c.out_frees_begun); \
	} while (0)

/* Get and put */

TEST_F(list_object, first_get_allocates_and_later_gets_count)
{
	struct mmun_list_get got = list_get(KEY);
	const __u32 id = got.out_id;

	EXPECT_EQ(1, got.out_allocs);
	EXPECT_EQ(1, got.out_users);
	for (__u32 users = 2; users <= 5; users++) {
		got = list_get_with(KEY, users & 1 ? MMUN_LIST_LOCKED : 0);
		EXPECT_EQ(id, got.out_id);
		EXPECT_EQ(users, got.out_users);
		EXPECT_EQ(0, got.out_allocs);
	}
	for (__u32 left = 4; left; left--) {
		EXPECT_EQ(left, list_put(id));
		EXPECT_EQ(left, list_state(id).out_users);
		EXPECT_EQ(1, list_state(id).out_hashed);
	}
	EXPECT_EQ(0, list_put(id));
	list_err(ENOENT, PUT, put, .id = id);
	expect_freed();
}

TEST_F(list_object, locked_get_allocates_too)
{
	struct mmun_list_get got = list_get_with(KEY, MMUN_LIST_LOCKED);

	EXPECT_EQ(1, got.out_allocs);
	EXPECT_EQ(got.out_id, list_get(KEY).out_id);
	EXPECT_EQ(1, list_put(got.out_id));
	EXPECT_EQ(0, list_put(got.out_id));
}

TEST_F(list_object, each_key_and_each_mm_has_its_own_object)
{
	const __u32 id = list_get(KEY).out_id;
	const struct mmun_list_get other_key = list_get(OTHER_KEY);
	const struct mmun_list_get other_mm =
		list_on(self->watched_list, GET, get, .key = KEY);

	EXPECT_NE(id, other_key.out_id);
	EXPECT_EQ(1, other_key.out_allocs);
	EXPECT_EQ(1, other_key.out_users);
	EXPECT_NE(id, other_mm.out_id);
	EXPECT_EQ(1, other_mm.out_allocs);
	EXPECT_EQ(1, list_state(id).out_users);
}

TEST_F(list_object, object_gets_the_invalidations_until_its_last_put)
{
	const __u32 plain = list_register(LIST_BOTH);
	const __u32 id = list_get(KEY).out_id;
	static struct list_log log;

	ASSERT_EQ(0, mmun_child_do(&self->victim, list_dontneed, 0));
	EXPECT_EQ(1, list_calls(id, MMUN_LIST_START));
	EXPECT_EQ(1, list_calls(id, MMUN_LIST_END));
	list_put(id);
	ASSERT_EQ(0, mmun_child_do(&self->victim, list_dontneed, 0));
	EXPECT_EQ(2, list_calls(plain, MMUN_LIST_START));
	expect_freed();
	list_read_log(self->list, &log);
	EXPECT_EQ(1, list_count(&log, id, MMUN_LIST_START));
	EXPECT_EQ(0, list_count(&log, id, MMUN_LIST_RELEASE));
}

/* A plain notifier has other ops, so that a get does not find it. */
TEST_F(list_object, get_does_not_find_a_registered_notifier)
{
	const __u32 plain = list_register(MMUN_LIST_KEY_OPS);
	struct mmun_list_get got = list_get(KEY);

	EXPECT_NE(plain, got.out_id);
	EXPECT_EQ(1, got.out_allocs);
	list_unregister(plain);
	EXPECT_EQ(2, list_get(KEY).out_users);
	EXPECT_EQ(1, list_put(got.out_id));
	EXPECT_EQ(0, list_put(got.out_id));
	EXPECT_EQ(1, list_get(KEY).out_allocs);
}

TEST_F(list_object, each_close_puts_what_its_context_got)
{
	const int its = mmun_child_do(&self->victim, list_child_open, 0);
	const int fd = mmun_child_getfd(&self->victim, its);
	const __u32 id = list_get(KEY).out_id;

	ASSERT_LE(0, fd);
	EXPECT_EQ(id, list_on(fd, GET, get, .key = KEY).out_id);
	EXPECT_EQ(2, list_get(KEY).out_users - 1);
	list_err_on(fd, ENOENT, STATE, state, .id = id + 1);
	EXPECT_EQ(3, list_on(fd, STATE, state, .id = id).out_users);
	EXPECT_EQ(0, mmun_child_do(&self->victim, list_child_close, its));
	EXPECT_EQ(0, close(fd));
	EXPECT_EQ(2, list_state(id).out_users);
}

/* Put.  Returns the number of uses that the context still has. */
static int job_put(struct worker *worker)
{
	struct mmun_list_put cmd = { .id = worker->id };

	return LIST_CALL(worker->fd, PUT, &cmd) ?: (int)cmd.out_left;
}

/* The number of threads that are ready to put */
static atomic_int putters;

/* Put when two threads are ready. */
static int job_put_at_once(struct worker *worker)
{
	atomic_fetch_add(&putters, 1);
	while (atomic_load(&putters) < 2)
		;
	return job_put(worker);
}

/* What two threads have returned */
struct both {
	int own, other;
};

/* Put the object in this thread and in another one at the same time. */
static struct both put_twice(int fd, __u32 id)
{
	struct worker worker = { .fd = fd, .id = id }, self = worker;
	struct both left = { -2, -2 };

	if (worker_create(&worker))
		return left;
	atomic_store(&putters, 0);
	worker_do(&worker, job_put_at_once);
	left.own = job_put_at_once(&self);
	left.other = worker_join(&worker);
	return left;
}

#define PUT_ROUNDS 200

/*
 * Only one of the puts is the last.  The lock of the core is held for a few
 * instructions, so that this test seldom meets a core without the lock; make
 * quick has the interleavings.
 */
TEST_F(list_object, two_threads_that_put_at_once_free_the_object_once)
{
	const struct mmun_list_counts before = list_query();

	for (int i = 0; i < PUT_ROUNDS; i++) {
		const __u32 id = list_get(KEY).out_id;
		struct both left;

		EXPECT_EQ(2, list_get(KEY).out_users);
		left = put_twice(self->list, id);
		EXPECT_EQ(1, left.own + left.other);
		EXPECT_EQ(0, left.own * left.other);
		list_err(ENOENT, STATE, state, .id = id);
	}
	expect_freed();
	EXPECT_EQ(before.out_allocs + PUT_ROUNDS, list_query().out_allocs);
}

/* The last use can be put once. */
TEST_F(list_object, one_of_two_threads_that_put_the_last_use_is_enoent)
{
	for (int i = 0; i < PUT_ROUNDS; i++) {
		struct both left = put_twice(self->list, list_get(KEY).out_id);

		EXPECT_EQ(-1, left.own + left.other);
		EXPECT_EQ(0, left.own * left.other);
	}
	expect_freed();
}

/* Free */

TEST_F(list_object, free_waits_for_the_end_of_the_grace_period)
{
	const __u32 id = list_get(KEY).out_id, at = stop_grace_periods();
	static struct list_log log;

	EXPECT_EQ(0, list_put(id));
	worker_do(&self->worker, job_synchronize);
	expect_blocked(MMUN_LIST_SYNCHRONIZE);
	list_read_log(self->list, &log);
	EXPECT_EQ(0, list_count(&log, id, MMUN_LIST_FREE));
	EXPECT_EQ(1, list_query().out_objects);
	resume_grace_periods(at);
	EXPECT_EQ(0, worker_join(&self->worker));
	expect_freed();
	list_read_log(self->list, &log);
	ASSERT_EQ(1, log.nr);
	EXPECT_EQ(true, list_is(&log.records[0], id, MMUN_LIST_FREE));
	EXPECT_EQ(MMUN_LIST_RECORD_KERNEL, log.records[0].flags);
}

TEST_F(list_object, get_while_the_free_is_pending_allocates_a_new_object)
{
	const __u32 id = list_get(KEY).out_id, at = stop_grace_periods();
	struct mmun_list_get got;

	EXPECT_EQ(0, list_put(id));
	got = list_get(KEY);
	EXPECT_NE(id, got.out_id);
	EXPECT_EQ(1, got.out_allocs);
	EXPECT_EQ(1, got.out_users);
	EXPECT_EQ(2, list_query().out_objects);
	EXPECT_EQ(0, list_put(got.out_id));
	EXPECT_EQ(1, list_get(KEY).out_allocs);
	EXPECT_EQ(3, list_query().out_objects);
	resume_grace_periods(at);
	expect_soon(list_query().out_objects == 1);
}

/* The task of a callback can still use the object. */
TEST_F(list_object, object_is_not_freed_while_a_task_is_in_its_callback)
{
	const __u32 id = list_get(KEY).out_id;
	const __u32 at = list_hold_order(&self->victim, list_dontneed, 0, id,
					 MMUN_LIST_START);

	EXPECT_EQ(0, list_put(id));
	worker_do(&self->worker, job_synchronize);
	expect_blocked(MMUN_LIST_SYNCHRONIZE);
	EXPECT_EQ(1, list_query().out_objects);
	list_end_order(&self->victim, at);
	EXPECT_EQ(0, worker_join(&self->worker));
	expect_freed();
}

/* Exit */

TEST_F(list_object, object_outlives_the_mm_until_its_put)
{
	const __u32 id = list_get(KEY).out_id;
	struct mmun_list_state state;

	ASSERT_EQ(0, mmun_child_order(&self->victim, victim_exit, 0));
	expect_status(0);
	state = list_state(id);
	EXPECT_EQ(1, state.out_calls[MMUN_LIST_RELEASE]);
	EXPECT_EQ(0, state.out_hashed);
	EXPECT_EQ(1, state.out_users);
	EXPECT_EQ(1, list_query().out_objects);
	list_err(ESRCH, GET, get, .key = KEY);
	EXPECT_EQ(0, list_put(id));
	expect_freed();
}

TEST_F(list_object, release_can_put_the_last_user)
{
	const __u32 id = list_get_with(KEY, MMUN_LIST_PUT_IN_RELEASE).out_id;
	static struct list_log log;

	list_err(ENOENT, PUT, put, .id = id);
	ASSERT_EQ(0, mmun_child_order(&self->victim, victim_exit, 0));
	expect_status(0);
	expect_freed();
	list_read_log(self->list, &log);
	EXPECT_EQ(1, list_count(&log, id, MMUN_LIST_RELEASE));
	EXPECT_EQ(1, list_count(&log, id, MMUN_LIST_FREE));
	EXPECT_LT(list_find(&log, 0, id, MMUN_LIST_RELEASE),
		  list_find(&log, 0, id, MMUN_LIST_FREE));
}

/* release() takes the object out of the list, and the exit then goes on. */
TEST_F(list_object, release_that_puts_does_not_hide_the_other_notifiers)
{
	const __u32 first = list_register(MMUN_LIST_BIT(MMUN_LIST_RELEASE));
	const __u32 id = list_get_with(KEY, MMUN_LIST_PUT_IN_RELEASE).out_id;
	const __u32 last = list_register(MMUN_LIST_BIT(MMUN_LIST_RELEASE));

	list_get(KEY);
	ASSERT_EQ(0, mmun_child_order(&self->victim, victim_exit, 0));
	expect_status(0);
	EXPECT_EQ(1, list_calls(first, MMUN_LIST_RELEASE));
	EXPECT_EQ(1, list_calls(last, MMUN_LIST_RELEASE));
	EXPECT_EQ(1, list_state(id).out_users);
	EXPECT_EQ(0, list_state(id).out_hashed);
	list_put(id);
	expect_freed();
}

/* Failures */

TEST_F(list_object, failed_allocation_leaves_nothing)
{
	const __u64 allocs = list_query().out_allocs;

	for (__u32 flags = 0; flags <= MMUN_LIST_LOCKED; flags++) {
		struct mmun_list_get got =
			list_err(ENOMEM, GET, get, .key = KEY,
				 .flags = flags | MMUN_LIST_FAIL_ALLOC);

		EXPECT_EQ(1, got.out_allocs);
		EXPECT_EQ(0, got.out_frees);
		EXPECT_EQ(0, got.out_id);
	}
	EXPECT_EQ(allocs, list_query().out_allocs);
	EXPECT_EQ(1, list_get(KEY).out_allocs);
	/* An object exists, so that nothing is allocated. */
	EXPECT_EQ(2, list_get_with(KEY, MMUN_LIST_FAIL_ALLOC).out_users);
}

/* A context has a limited number of notifiers, of all sorts together. */
TEST_F(list_object, get_of_a_full_context_is_enospc_and_allocates_nothing)
{
	const __u64 allocs = list_query().out_allocs;
	__u32 last = 0;

	for (int i = 0; i < MMUN_LIST_MAX_NOTIFIERS; i++)
		last = list_register(0);
	list_err(ENOSPC, REGISTER, register, .ops = 0);
	list_err(ENOSPC, MAP_GET, map, .key = KEY);
	EXPECT_EQ(0, list_err(ENOSPC, GET, get, .key = KEY).out_allocs);
	EXPECT_EQ(allocs, list_query().out_allocs);
	list_unregister(last);
	list_put(list_get(KEY).out_id);
	EXPECT_EQ(0, list_do(MAP_PUT, map,
			     .id = list_do(MAP_GET, map, .key = KEY).out_id)
			     .out_users);
	list_register(0);
	list_err(ENOSPC, REGISTER, register, .ops = 0);
}

static struct mmun_list_get interrupted;

static int job_get(struct worker *worker)
{
	interrupted = (struct mmun_list_get){ .flags = worker->flags };
	return LIST_CALL(worker->fd, GET, &interrupted);
}

static int job_register(struct worker *worker)
{
	struct mmun_list_register cmd = { .ops = LIST_BOTH };

	return LIST_CALL(worker->fd, REGISTER, &cmd);
}

/*
 * The worker waits for mmap_lock, which a held thread of the victim owns.  A
 * signal arrives meanwhile.  Then the thread releases mmap_lock.
 */
#define interrupt_worker(_job, _request)                                       \
	do {                                                                   \
		const __u32 __id = list_register(LIST_BOTH);                   \
		const __u32 __at = list_hold_order(&self->victim, list_munmap, \
						   7, __id, MMUN_LIST_START);  \
		worker_do(&self->worker, _job);                                \
		expect_blocked(_request);                                      \
		ASSERT_EQ(0, syscall(SYS_tgkill, getpid(), self->worker.tid,   \
				     SIGUSR1));                                \
		list_end_order(&self->victim, __at);                           \
		EXPECT_ERRNO(EINTR, worker_join(&self->worker));               \
		list_unregister(__id);                                         \
	} while (0)

/* mm_take_all_locks() fails if a signal is pending. */
TEST_F(list_object, get_that_cannot_register_frees_what_it_allocated)
{
	interrupt_worker(job_get, MMUN_LIST_GET);
	EXPECT_EQ(1, interrupted.out_allocs);
	EXPECT_EQ(1, interrupted.out_frees);
	EXPECT_EQ(0, list_query().out_objects);
	EXPECT_EQ(1, list_get(KEY).out_allocs);
}

TEST_F(list_object, locked_get_that_cannot_register_frees_what_it_allocated)
{
	self->worker.flags = MMUN_LIST_LOCKED;
	interrupt_worker(job_get, MMUN_LIST_GET);
	EXPECT_EQ(1, interrupted.out_allocs);
	EXPECT_EQ(1, interrupted.out_frees);
	EXPECT_EQ(0, list_query().out_objects);
}

/* The object exists, so that no lock of the mm is necessary. */
TEST_F(list_object, signal_does_not_end_a_get_of_an_existing_object)
{
	const __u32 id = list_get(KEY).out_id;
	const __u32 at = list_hold_order(&self->victim, list_munmap, 7, id,
					 MMUN_LIST_START);

	worker_do(&self->worker, job_get);
	expect_blocked(MMUN_LIST_GET);
	ASSERT_EQ(0, syscall(SYS_tgkill, getpid(), self->worker.tid, SIGUSR1));
	list_end_order(&self->victim, at);
	EXPECT_EQ(0, worker_join(&self->worker));
	EXPECT_EQ(0, interrupted.out_allocs);
	EXPECT_EQ(2, interrupted.out_users);
}

TEST_F(list_object, interrupted_register_leaves_no_notifier)
{
	const __u64 registered = list_query().out_registered;

	interrupt_worker(job_register, MMUN_LIST_REGISTER);
	EXPECT_EQ(registered, list_query().out_registered);
}

/* A map that the driver keeps itself */

#define map_get(_mode) list_do(MAP_GET, map, .key = KEY, .mode = _mode)
#define map_put(_id, _mode) list_do(MAP_PUT, map, .id = _id, .mode = _mode)

static struct mmun_list_map mapped;

static int job_map_get(struct worker *worker)
{
	mapped = (struct mmun_list_map){ .key = KEY, .mode = worker->flags };
	return LIST_CALL(worker->fd, MAP_GET, &mapped);
}

static int job_map_put(struct worker *worker)
{
	mapped = (struct mmun_list_map){ .id = worker->id,
					 .mode = worker->flags };
	return LIST_CALL(worker->fd, MAP_PUT, &mapped);
}

/*
 * Start the job, which stops after its first critical section if the map is
 * wrong.  Evaluates to the ID of the hold if the job has stopped, otherwise 0.
 */
#define stop_in_map(_job, _mode)                                            \
	({                                                                  \
		__u32 __at = list_hold(0, MMUN_LIST_MAP, self->worker.tid); \
		self->worker.flags = _mode;                                 \
		worker_do(&self->worker, _job);                             \
		if (_mode == MMUN_LIST_MAP_RIGHT) {                         \
			EXPECT_EQ(0, worker_join(&self->worker));           \
			list_do(RESUME, resume, .hold = __at);              \
			__at = 0;                                           \
		} else {                                                    \
			list_wait_held(__at);                               \
		}                                                           \
		__at;                                                       \
	})

#define resume_in_map(_at)                                \
	do {                                              \
		if (!(_at))                               \
			break;                            \
		list_resume(_at);                         \
		EXPECT_EQ(0, worker_join(&self->worker)); \
	} while (0)

/*
 *   worker        this task
 *   MAP_GET
 *     look up     MAP_GET
 *     register
 *
 * Returns the number of notifiers that the two gets have registered.
 */
#define notifiers_of_two_gets(_mode)                                      \
	({                                                                \
		const __u32 __at = stop_in_map(job_map_get, _mode);       \
		struct mmun_list_map __got = map_get(_mode);              \
		resume_in_map(__at);                                      \
		__got.out_id == mapped.out_id ? 1 : (int)mapped.out_same; \
	})

TEST_F(list_object, two_gets_share_one_notifier_of_a_right_map)
{
	EXPECT_EQ(1, notifiers_of_two_gets(MMUN_LIST_MAP_RIGHT));
}

TEST_F(list_object, map_with_two_lookups_registers_two_notifiers)
{
	EXPECT_EQ(2, notifiers_of_two_gets(MMUN_LIST_MAP_TWO_LOOKUPS));
}

/*
 *   worker          this task
 *   MAP_PUT
 *     last user     MAP_GET
 *     unregister
 *
 * Returns whether the notifier of the get is called.
 */
#define get_after_put_works(_mode)                                            \
	({                                                                    \
		struct mmun_list_map __got;                                   \
		__u32 __at;                                                   \
		self->worker.id = map_get(_mode).out_id;                      \
		__at = stop_in_map(job_map_put, _mode);                       \
		__got = map_get(_mode);                                       \
		resume_in_map(__at);                                          \
		ASSERT_EQ(0, mmun_child_do(&self->victim, list_dontneed, 0)); \
		list_calls(__got.out_id, MMUN_LIST_START) == 1;               \
	})

TEST_F(list_object, notifier_of_a_right_map_works_after_a_get)
{
	EXPECT_EQ(1, get_after_put_works(MMUN_LIST_MAP_RIGHT));
}

TEST_F(list_object, map_with_a_late_removal_returns_a_dying_notifier)
{
	EXPECT_EQ(0, get_after_put_works(MMUN_LIST_MAP_LATE_REMOVAL));
}

/* The same steps with mmu_notifier_get() and mmu_notifier_put() */

TEST_F(list_object, object_of_a_get_after_the_last_put_works)
{
	const __u32 id = list_get(KEY).out_id, at = stop_grace_periods();
	struct mmun_list_get got;

	self->worker.id = id;
	worker_do(&self->worker, job_put);
	EXPECT_EQ(0, worker_join(&self->worker));
	got = list_get(KEY);
	ASSERT_EQ(0, mmun_child_do(&self->victim, list_dontneed, 0));
	EXPECT_EQ(1, list_calls(got.out_id, MMUN_LIST_START));
	resume_grace_periods(at);
}

LIST_HARNESS_MAIN
