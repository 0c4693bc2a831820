// SPDX-License-Identifier: GPL-2.0
/*
 * Tests an mm that two drivers watch: /dev/mmun with ranges, and /dev/mmun_list
 * with list notifiers.
 */
#include <fcntl.h>

#include "lib/list.h"
#include "lib/refuse.h"

#define MODULE "mmun_list"
#define MODULE_FILE "/lib/mmun_list.ko"
#define RELEASE_OPS (MMUN_LIST_BIT(MMUN_LIST_RELEASE) | LIST_BOTH)

LIST_PLAIN_FIXTURE(list_mixed, struct worker worker)

#define insert_all() mmun_insert(self->map, mmun_pages(LIST_PAGES))

/* Create the worker of a test that needs one. */
#define create_worker(_fd)                                  \
	do {                                                \
		self->worker.fd = _fd;                      \
		ASSERT_EQ(0, worker_create(&self->worker)); \
	} while (0)

#define expect_blocked(_syscall, _arg)                                     \
	do {                                                               \
		struct mmun_task __t = mmun_quiesce_one(self->worker.tid); \
		EXPECT_EQ(MMUN_TASK_BLOCKED, __t.state);                   \
		EXPECT_EQ(_syscall, __t.syscall);                          \
		EXPECT_EQ(_arg, __t.arg);                                  \
	} while (0)

#define expect_balance() EXPECT_EQ(1, mmun_check_balance(MMUN_HOLD_MS))

#define expect_calls(_id, _starts, _ends)                           \
	do {                                                        \
		const struct mmun_list_state __s = list_state(_id); \
		EXPECT_EQ(_starts, __s.out_calls[MMUN_LIST_START]); \
		EXPECT_EQ(_ends, __s.out_calls[MMUN_LIST_END]);     \
		EXPECT_EQ(0, __s.out_unpaired);                     \
	} while (0)

/* An mm that has had only one kind of notifier */

TEST_F(list_mixed, range_joins_an_mm_that_had_only_a_list_notifier)
{
	const __u32 id = list_register(LIST_BOTH), range = insert_all();

	ASSERT_EQ(0, mmun_child_do(&self->victim, list_dontneed, 0));
	expect_calls(id, 1, 1);
	EXPECT_EQ(1, mmun_query_range(range).out_invalidations);
	expect_balance();
	list_unregister(id);
	ASSERT_EQ(0, mmun_child_do(&self->victim, list_dontneed, 1));
	EXPECT_EQ(2, mmun_query_range(range).out_invalidations);
}

TEST_F(list_mixed, list_notifier_joins_an_mm_that_had_only_a_range)
{
	const __u32 range = insert_all(), id = list_register(LIST_BOTH);

	ASSERT_EQ(0, mmun_child_do(&self->victim, list_dontneed, 0));
	expect_calls(id, 1, 1);
	EXPECT_EQ(1, mmun_query_range(range).out_invalidations);
	mmun_remove(range);
	ASSERT_EQ(0, mmun_child_do(&self->victim, list_dontneed, 1));
	expect_calls(id, 2, 2);
	expect_balance();
}

static int job_insert(struct worker *worker)
{
	return _mmun_insert(worker->fd, worker->at, 1, &worker->id);
}

/*
 * The invalidation has not counted itself in the tree.  If its end found a tree,
 * the count of active invalidations would become negative.
 */
TEST_F(list_mixed, first_insert_waits_for_the_invalidation_of_a_list_notifier)
{
	const __u32 id = list_register(LIST_BOTH);
	__u32 at;

	create_worker(self->fd);
	self->worker.at = self->map;
	at = list_hold_order(&self->victim, list_dontneed, 0, id,
			     MMUN_LIST_START);
	worker_do(&self->worker, job_insert);
	expect_blocked(SYS_ioctl, MMUN_INSERT);
	list_end_order(&self->victim, at);
	EXPECT_EQ(0, worker_join(&self->worker));
	EXPECT_EQ(0, mmun_query_range(self->worker.id).out_invalidations);
	expect_balance();
}

/* The order of the calls */

TEST_F(list_mixed, range_is_called_before_the_list_notifiers)
{
	const __u32 id = list_register(LIST_BOTH), range = insert_all();
	__u32 at = mmun_hold(MMUN_POINT_ENTER, range, self->victim.tid);

	ASSERT_EQ(0, mmun_child_order(&self->victim, list_dontneed, 0));
	mmun_wait_held(at);
	expect_calls(id, 0, 0);
	EXPECT_EQ(1, mmun_resume(at));
	EXPECT_EQ(0, mmun_child_answer(&self->victim));
	at = list_hold_order(&self->victim, list_dontneed, 1, id,
			     MMUN_LIST_START);
	EXPECT_EQ(2, mmun_query_range(range).out_invalidations);
	expect_calls(id, 2, 1);
	list_end_order(&self->victim, at);
	expect_calls(id, 2, 2);
}

static int job_begin_range(struct worker *worker)
{
	return _mmun_read_begin(worker->fd, worker->id, &worker->token);
}

TEST_F(list_mixed, reader_waits_at_the_start_and_not_at_the_end)
{
	const __u32 id = list_register(LIST_BOTH), range = insert_all();
	__u32 at;

	create_worker(self->fd);
	self->worker.id = range;
	at = list_hold_order(&self->victim, list_dontneed, 0, id,
			     MMUN_LIST_START);
	worker_do(&self->worker, job_begin_range);
	expect_blocked(SYS_ioctl, MMUN_READ_BEGIN);
	list_end_order(&self->victim, at);
	EXPECT_EQ(0, worker_join(&self->worker));
	at = list_hold_order(&self->victim, list_dontneed, 1, id,
			     MMUN_LIST_END);
	mmun_abandon(mmun_read_begin(range));
	list_end_order(&self->victim, at);
}

#define NR_LIST 3

TEST_F(list_mixed, one_invalidation_calls_each_notifier_of_both_drivers_once)
{
	const __u32 ranges[] = { insert_all(), insert_all() };
	__u32 ids[NR_LIST];

	for (int i = 0; i < NR_LIST; i++)
		ids[i] = list_register(LIST_BOTH);
	ASSERT_EQ(0, mmun_child_do(&self->victim, list_dontneed, 0));
	for (int i = 0; i < NR_LIST; i++)
		expect_calls(ids[i], 1, 1);
	for (int i = 0; i < ARRAY_SIZE(ranges); i++)
		EXPECT_EQ(1, mmun_query_range(ranges[i]).out_invalidations);
	ASSERT_EQ(0, mmun_child_order(&self->victim, victim_exit, 0));
	expect_status(0);
	/* The exit takes the list notifiers out, and then calls the ranges. */
	for (int i = 0; i < NR_LIST; i++)
		expect_calls(ids[i], 1, 1);
	for (int i = 0; i < ARRAY_SIZE(ranges); i++)
		EXPECT_EQ(3, mmun_query_range(ranges[i]).out_invalidations);
}

/* Unregister and close */

static int job_unregister(struct worker *worker)
{
	struct mmun_list_unregister cmd = { .id = worker->id };

	return LIST_CALL(worker->fd, UNREGISTER, &cmd);
}

FIXTURE(list_leave)
{
	LIST_FIXTURE;
	struct worker worker;
};

FIXTURE_VARIANT(list_leave)
{
	__u32 op;
	mmun_order_fn order;
	bool is_other;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(list_leave, in_start) {
	MMUN_LIST_START, list_dontneed, false };
FIXTURE_VARIANT_ADD(list_leave, in_end) {
	MMUN_LIST_END, list_dontneed, false };
FIXTURE_VARIANT_ADD(list_leave, in_start_of_another_notifier) {
	MMUN_LIST_START, list_munmap, true };
/* clang-format on */

FIXTURE_SETUP(list_leave)
{
	setup_list();
	create_worker(self->list);
}

FIXTURE_TEARDOWN(list_leave)
{
	teardown_list();
}

/* All list notifiers share one SRCU domain. */
TEST_F(list_leave, unregister_waits_until_the_callback_has_returned)
{
	const __u32 id = list_register(LIST_BOTH);
	const __u32 held = variant->is_other ? list_register(LIST_BOTH) : id;
	const __u32 at = list_hold_order(&self->victim, variant->order, 0, held,
					 variant->op);

	self->worker.id = id;
	worker_do(&self->worker, job_unregister);
	expect_blocked(SYS_ioctl, MMUN_LIST_UNREGISTER);
	EXPECT_EQ(0, list_state(id).out_hashed);
	list_err(ENOENT, UNREGISTER, unregister, .id = id);
	list_end_order(&self->victim, at);
	EXPECT_EQ(0, worker_join(&self->worker));
	list_err(ENOENT, STATE, state, .id = id);
}

TEST_F(list_mixed, unregister_does_not_wait_for_the_callback_of_a_range)
{
	const __u32 id = list_register(LIST_BOTH), range = insert_all();
	const __u32 at = mmun_hold(MMUN_POINT_ENTER, range, self->victim.tid);

	ASSERT_EQ(0, mmun_child_order(&self->victim, list_dontneed, 0));
	mmun_wait_held(at);
	list_unregister(id);
	EXPECT_EQ(MMUN_HOLD_HELD, mmun_hold_state(at));
	EXPECT_EQ(1, mmun_resume(at));
	EXPECT_EQ(0, mmun_child_answer(&self->victim));
	expect_balance();
}

/* The last thread that exits calls release().  This can be any thread. */
#define hold_exit(_id)                                                         \
	({                                                                     \
		const __u32 __at = list_hold(_id, MMUN_LIST_RELEASE, 0);       \
		ASSERT_EQ(0, mmun_child_order(&self->victim, victim_exit, 0)); \
		list_wait_held(__at);                                          \
		__at;                                                          \
	})

#define is_blocked(_tid) (mmun_quiesce_one(_tid).state == MMUN_TASK_BLOCKED)

/* The exit calls release(), and the driver unregisters: both call release(). */
TEST_F(list_mixed, unregister_during_the_exit_waits_for_release)
{
	const __u32 id = list_register(RELEASE_OPS);
	__u32 at;

	create_worker(self->list);
	self->worker.id = id;
	at = hold_exit(id);
	worker_do(&self->worker, job_unregister);
	expect_blocked(SYS_ioctl, MMUN_LIST_UNREGISTER);
	EXPECT_EQ(2, list_calls(id, MMUN_LIST_RELEASE));
	list_resume(at);
	EXPECT_EQ(0, worker_join(&self->worker));
	expect_status(0);
}

TEST_F(list_mixed, exit_waits_for_the_release_of_unregister)
{
	const __u32 id = list_register(RELEASE_OPS);
	__u32 at;

	create_worker(self->list);
	self->worker.id = id;
	at = list_hold(id, MMUN_LIST_RELEASE, self->worker.tid);
	worker_do(&self->worker, job_unregister);
	list_wait_held(at);
	ASSERT_EQ(0, mmun_child_order(&self->victim, victim_exit, 0));
	EXPECT_EQ(1,
		  is_blocked(self->victim.tid) + is_blocked(self->other.tid));
	EXPECT_EQ(2, list_calls(id, MMUN_LIST_RELEASE));
	EXPECT_EQ(0, list_state(id).out_hashed);
	list_resume(at);
	EXPECT_EQ(0, worker_join(&self->worker));
	expect_status(0);
}

/* An order */
/* Close both descriptors of the context. */
#define close_list()                                                       \
	do {                                                               \
		ASSERT_EQ(0, mmun_child_do(&self->other, list_child_close, \
					   self->its_list));               \
		ASSERT_EQ(0, close(self->list));                           \
	} while (0)

/* Open a context of the test, for the teardown. */
#define open_list_again()                 \
	do {                              \
		self->list = list_open(); \
		ASSERT_LE(0, self->list); \
	} while (0)

TEST_F(list_mixed, close_resumes_the_held_task_and_unregisters)
{
	const __u32 id = list_register(LIST_BOTH), range = insert_all();

	list_get(0);
	list_hold_order(&self->victim, list_dontneed, 0, id, MMUN_LIST_START);
	close_list();
	EXPECT_EQ(0, mmun_child_answer(&self->victim));
	EXPECT_EQ(1, mmun_query_range(range).out_invalidations);
	open_list_again();
	EXPECT_EQ(0, list_query().out_registered);
	expect_balance();
}

/* The mm lives, so release() has put nothing. */
TEST_F(list_mixed, close_puts_what_release_would_put)
{
	list_get_with(0, MMUN_LIST_PUT_IN_RELEASE);
	list_get(0);
	list_get_with(1, MMUN_LIST_PUT_IN_RELEASE);
	close_list();
	open_list_again();
	expect_soon(!list_query().out_objects);
}

/* The second driver leaves */

#define NO_MODULE_FILE \
	"no " MODULE_FILE " to load again: only make kselftest has it"

static int module_unload(void)
{
	return syscall(SYS_delete_module, MODULE, O_NONBLOCK);
}

static int module_load(void)
{
	int fd = open(MODULE_FILE, O_RDONLY | O_CLOEXEC);
	int ret = fd < 0 ? -1 : syscall(SYS_finit_module, fd, "", 0);

	close(fd);
	return ret;
}

static int job_unload(struct worker *worker)
{
	return module_unload();
}

FIXTURE(list_module)
{
	LIST_FIXTURE;
	struct worker worker;
};

FIXTURE_SETUP(list_module)
{
	setup_list();
	create_worker(self->list);
}

/* Load the module again, because the programs that run later need it. */
FIXTURE_TEARDOWN(list_module)
{
	if (access(LIST_DEV, F_OK)) {
		EXPECT_EQ(0, module_load());
		self->list = list_open();
	}
	teardown_list();
}

#define need_module_file() \
	mmun_skip_if(access(MODULE_FILE, R_OK), NO_MODULE_FILE)

TEST_F(list_module, second_driver_leaves_while_a_range_is_in_its_callback)
{
	const __u32 id = list_register(LIST_BOTH), range = insert_all();
	const __u32 at = mmun_hold(MMUN_POINT_ENTER, range, self->victim.tid);

	need_module_file();
	EXPECT_ERRNO(EWOULDBLOCK, module_unload());
	list_get(0);
	ASSERT_EQ(0, mmun_child_order(&self->victim, list_dontneed, 0));
	mmun_wait_held(at);
	expect_calls(id, 0, 0);
	close_list();
	ASSERT_EQ(0, module_unload());
	EXPECT_ERRNO(ENOENT, access(LIST_DEV, F_OK));
	EXPECT_EQ(MMUN_HOLD_HELD, mmun_hold_state(at));
	EXPECT_EQ(1, mmun_resume(at));
	EXPECT_EQ(0, mmun_child_answer(&self->victim));
	EXPECT_EQ(1, mmun_query_range(range).out_invalidations);
	expect_balance();
}

/* The first driver is in a callback of a list notifier: SRCU waits for it. */
TEST_F(list_module, exit_of_the_module_waits_for_its_frees)
{
	const __u32 range = insert_all();
	const __u32 at = mmun_hold(MMUN_POINT_START, range, self->victim.tid);

	need_module_file();
	list_get(0);
	ASSERT_EQ(0, mmun_child_order(&self->victim, list_dontneed, 0));
	mmun_wait_held(at);
	close_list();
	worker_do(&self->worker, job_unload);
	EXPECT_EQ(MMUN_TASK_BLOCKED, mmun_quiesce_one(self->worker.tid).state);
	EXPECT_EQ(MMUN_HOLD_HELD, mmun_hold_state(at));
	EXPECT_EQ(1, mmun_resume(at));
	EXPECT_EQ(0, mmun_child_answer(&self->victim));
	EXPECT_EQ(0, worker_join(&self->worker));
	expect_balance();
}

/* Refusal */

FIXTURE(list_refuse)
{
	LIST_FIXTURE;
};

/*
 * @before, @after: number of notifiers with start and end that are registered
 *	before and after the one that refuses
 * @is_object: the notifier that refuses is an object
 * @has_range: the mm has a range as well
 */
FIXTURE_VARIANT(list_refuse)
{
	int before, after;
	bool is_object;
	bool has_range;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(list_refuse, first)     { 0, 2, false, false };
FIXTURE_VARIANT_ADD(list_refuse, middle)    { 1, 1, false, false };
FIXTURE_VARIANT_ADD(list_refuse, last)      { 2, 0, false, false };
FIXTURE_VARIANT_ADD(list_refuse, object)    { 1, 1, true, false };
FIXTURE_VARIANT_ADD(list_refuse, range)     { 1, 1, false, true };
/* clang-format on */

FIXTURE_SETUP(list_refuse)
{
	setup_list();
	pin_victim();
}

FIXTURE_TEARDOWN(list_refuse)
{
	teardown_list();
}

#define register_refuser()                                              \
	(variant->is_object ? list_get(MMUN_LIST_REFUSING_KEY).out_id : \
			      list_register(MMUN_LIST_BIT(MMUN_LIST_START)))

/* Register the notifiers.  Returns the ID of the one that refuses once. */
#define register_all(_ids)                                      \
	({                                                      \
		__u32 __refuser;                                \
		for (int __i = 0; __i < variant->before; __i++) \
			(_ids)[__i] = list_register(LIST_BOTH); \
		__refuser = register_refuser();                 \
		for (int __i = 0; __i < variant->after; __i++)  \
			(_ids)[variant->before + __i] =         \
				list_register(LIST_BOTH);       \
		if (variant->has_range)                         \
			mmun_insert(NULL, ALL_MEMORY);          \
		list_answer(__refuser, MMUN_LIST_START, 1);     \
		__refuser;                                      \
	})

TEST_F(list_refuse, each_other_notifier_gets_its_end)
{
	__u32 ids[2], refuser = register_all(ids), starts;

	signal_victim(SIGKILL);
	EXPECT_ERRNO(EAGAIN, mrelease());
	EXPECT_EQ(0, list_answer(refuser, MMUN_LIST_START, 0));
	starts = list_calls(refuser, MMUN_LIST_START);
	EXPECT_LT(0, starts);
	for (int i = 0; i < 2; i++) {
		expect_calls(ids[i], starts, starts);
		EXPECT_EQ(0, list_state(ids[i]).out_active);
	}
	if (variant->has_range)
		need_balance();
	EXPECT_EQ(0, mrelease());
	expect_calls(ids[0], list_calls(refuser, MMUN_LIST_START),
		     list_calls(refuser, MMUN_LIST_START));
}

static bool is_refused(const struct mmun_list_record *r)
{
	return r->flags & MMUN_LIST_RECORD_REFUSED;
}

/* A start that must not block, and its end, have no flag in the record. */
TEST_F(list_refuse, refused_start_is_one_that_must_not_block)
{
	__u32 ids[2], refuser = register_all(ids);
	static struct list_log log;
	int at;

	signal_victim(SIGKILL);
	EXPECT_ERRNO(EAGAIN, mrelease());
	list_read_log(self->list, &log);
	at = list_find(&log, 0, refuser, MMUN_LIST_START);
	while (at >= 0 && !is_refused(&log.records[at]))
		at = list_find(&log, at + 1, refuser, MMUN_LIST_START);
	ASSERT_LE(0, at);
	EXPECT_EQ(MMUN_LIST_RECORD_REFUSED, log.records[at].flags);
	EXPECT_EQ(-EAGAIN, log.records[at].answer);
	EXPECT_LT(0, list_count(&log, ids[1], MMUN_LIST_END));
	if (variant->has_range)
		need_balance();
}

TEST_F(list_refuse, two_refusals_of_one_start_are_one_failure)
{
	__u32 ids[2], refusers[] = { register_all(ids), register_refuser() };

	list_answer(refusers[1], MMUN_LIST_START, 1);
	signal_victim(SIGKILL);
	EXPECT_ERRNO(EAGAIN, mrelease());
	for (int i = 0; i < 2; i++)
		EXPECT_EQ(0, list_answer(refusers[i], MMUN_LIST_START, 0));
	expect_calls(ids[0], list_calls(ids[1], MMUN_LIST_START),
		     list_calls(ids[1], MMUN_LIST_END));
	EXPECT_EQ(0, list_state(ids[0]).out_active);
	if (variant->has_range)
		need_balance();
}

/* The core then does not call the list notifiers, which get no end either. */
TEST_F(list_mixed, refusal_of_a_range_hides_the_invalidation_from_the_list)
{
	const __u32 id = list_register(LIST_BOTH);
	const __u32 range = mmun_insert(NULL, ALL_MEMORY);

	pin_victim();
	mmun_fail_nonblock(range, -1);
	signal_victim(SIGKILL);
	EXPECT_ERRNO(EAGAIN, mrelease());
	expect_calls(id, 0, 0);
	expect_balance();
	EXPECT_LT(0, mmun_fail_nonblock(range, 0));
	EXPECT_EQ(0, mrelease());
	EXPECT_LT(0, list_calls(id, MMUN_LIST_START));
	expect_balance();
}

/*
 * The first registration races with page faults.  A page fault can hold only the
 * lock of its VMA, not mmap_lock.  If the registration did not wait for that
 * lock, an invalidation could end that has not started.
 */

#define RACE_PAGES 64
#define NEW_PROCESSES 12
#define REGISTRATIONS 40

static char *race_map;
static int race_fd;
/* The thread that faults */
static pid_t race_tid;
static atomic_int race_stop, race_over, race_rounds;

/* Orders.  The thread faults, and another thread of the process registers. */

static int race_open(void *map, int is_list)
{
	race_tid = mmun_gettid();
	race_fd = is_list ? list_open() : mmun_open();
	race_map = mmun_map_filled(mmun_arena(RACE_PAGES), RACE_PAGES);
	return race_map ? race_fd : -1;
}

/* Copy all pages again and again, which a child shares. */
static int race_fault(void *map, int nr)
{
	struct mmun_child child;
	int ret = 0;

	while (!ret && !atomic_load(&race_stop)) {
		ret = mmun_child_start(&child, NULL);
		for (int i = 0; i < RACE_PAGES; i++) {
			mmun_store(list_page(race_map, i), 'f');
			atomic_fetch_add(&race_rounds, 1);
		}
		ret = ret ?: mmun_child_end(&child);
	}
	atomic_store(&race_over, 1);
	return ret;
}

/* Let the thread fault.  Returns whether it has stopped, or takes too long. */
static bool race_gives_up(const struct timespec *then)
{
	sched_yield();
	errno = ETIMEDOUT;
	return atomic_load(&race_over) || ms_since(then) >= MMUN_HOLD_MS;
}

/* Wait for the next page fault.  Returns 0, or -1 with errno. */
static int race_await_fault(void)
{
	const struct timespec then = mmun_now();
	const int rounds = atomic_load(&race_rounds);

	while (atomic_load(&race_rounds) == rounds)
		if (race_gives_up(&then))
			return -1;
	return 0;
}

static int race_insert(void *map, int nr)
{
	__u32 id;
	int ret = race_await_fault() ?: _mmun_insert(race_fd, race_map, 1, &id);

	atomic_store(&race_stop, 1);
	return ret;
}

/*
 * Returns the first callback of the notifier in the thread that faults, or -1
 * with errno.  The callbacks of other threads, such as a page fault of this
 * thread, say nothing about the page fault during the registration.
 */
static int race_first_callback(__u32 id)
{
	const struct timespec then = mmun_now();
	static struct list_log log;

	do {
		list_read_log(race_fd, &log);
		for (int i = 0; i < log.nr; i++)
			if (log.records[i].id == id &&
			    log.records[i].tid == race_tid)
				return log.records[i].op;
	} while (!race_gives_up(&then));
	return -1;
}

/*
 * Register during a page fault.  Returns 0 if the notifier is first called at
 * the start of an invalidation, 1 if the end comes first, or -1 with errno.
 */
static int race_register_once(void)
{
	struct mmun_list_register cmd = { .ops = LIST_BOTH };
	struct mmun_list_unregister end;
	int first;

	if (race_await_fault() || LIST_CALL(race_fd, REGISTER, &cmd))
		return -1;
	first = race_first_callback(cmd.out_id);
	end = (struct mmun_list_unregister){ .id = cmd.out_id };
	if (first < 0 || LIST_CALL(race_fd, UNREGISTER, &end))
		return -1;
	return first != MMUN_LIST_START;
}

/* Returns the number of notifiers that got an end without a start, or -1. */
static int race_register(void *map, int nr)
{
	int wrong = 0, ret = 0;

	for (int i = 0; i < nr && ret >= 0; i++) {
		ret = race_register_once();
		wrong += ret > 0;
	}
	atomic_store(&race_stop, 1);
	return ret < 0 ? ret : wrong;
}

FIXTURE(list_race)
{
	struct mmun_child faulter, registrar;
	int fd;
};

FIXTURE_SETUP(list_race)
{
}

FIXTURE_TEARDOWN(list_race)
{
	mmun_child_kill(&self->faulter);
}

/* Start a process with two threads and a new mm. */
#define start_race(_is_list)                                                   \
	do {                                                                   \
		ASSERT_EQ(0, mmun_child_start(&self->faulter, NULL));          \
		ASSERT_EQ(0, mmun_child_start_thread(&self->registrar,         \
						     &self->faulter));         \
		self->fd = mmun_child_getfd(                                   \
			&self->faulter,                                        \
			mmun_child_do(&self->faulter, race_open, _is_list));   \
		ASSERT_LE(0, self->fd);                                        \
		ASSERT_EQ(0, mmun_child_order(&self->faulter, race_fault, 0)); \
	} while (0)

TEST_F(list_race, first_insert_beside_page_faults_leaves_the_mm_balanced)
{
	for (int i = 0; i < NEW_PROCESSES; i++) {
		start_race(false);
		EXPECT_EQ(0, mmun_child_do(&self->registrar, race_insert, 0));
		EXPECT_EQ(0, mmun_child_answer(&self->faulter));
		ASSERT_EQ(1, mmun_check_balance(MMUN_HOLD_MS))
		{
			TH_LOG("process %d", i);
		}
		mmun_child_kill(&self->faulter);
		EXPECT_EQ(0, close(self->fd));
	}
}

TEST_F(list_race, notifier_registered_beside_page_faults_gets_no_end_first)
{
	start_race(true);
	EXPECT_EQ(0, mmun_child_do(&self->registrar, race_register,
				   REGISTRATIONS));
	EXPECT_EQ(0, mmun_child_answer(&self->faulter));
	EXPECT_EQ(0, close(self->fd));
}

LIST_HARNESS_MAIN
