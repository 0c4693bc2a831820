// SPDX-License-Identifier: GPL-2.0
/*
 * The named scenarios of the collision-retry lock: what is inserted, removed and
 * read while an invalidation is open, stepped by holds.
 *
 * An invalidation that meets a range makes the sequence odd until it ends; one
 * that meets none leaves it even.  Either is open from its start to its end, and
 * the last one that ends does what was deferred.
 */
#include <stdatomic.h>
#include "lib/subject.h"

#define MANY		50000
#define STEP		1000	/* so many of them in one call */
#define LONG_RUN	100000

FIXTURE(scenario)
{
	int fd;
	size_t page;
	struct subject *subject;
	char *map;
	__u32 id;
	__u32 near;
	struct worker reader;
	struct worker other;
};

FIXTURE_SETUP(scenario)
{
	self->page = sysconf(_SC_PAGESIZE);
	self->subject = subject_start();
	ASSERT_NE(NULL, self->subject)
	{
		TH_LOG("no subject: %s", strerror(errno));
	}
	self->fd = self->subject->fd;
	self->map = self->subject->map;
	self->id = mmun_insert(self->map, RANGE_PAGES * self->page);
	self->near = mmun_insert(self->map + NEAR * self->page,
				 2 * self->page);
	ASSERT_EQ(0, worker_start(&self->reader, self->subject, self->id));
	ASSERT_EQ(0, worker_start(&self->other, self->subject, self->near));
}

FIXTURE_TEARDOWN(scenario)
{
	expect_balanced();
	EXPECT_EQ(0, close(self->fd));
	subject_end(self->subject);
}

/* An invalidation that is open: it meets the range, or nothing. */
#define open_odd()  hold_mutator(0, mutate_dontneed, 1, MMUN_POINT_LEAVE, \
				 self->id)
#define open_even() hold_mutator(0, mutate_dontneed, FREE, \
				 MMUN_POINT_START, 0)

#define insert_near() \
	mmun_insert(self->map + NEAR * self->page, self->page)

#define expect_in_tree(_id, _there) \
	EXPECT_EQ(_there, mmun_query_range(_id).out_in_tree)

/* An invalidation of page @_nr is told to @_id, and to nobody else. */
#define expect_only(_id, _nr)                                             \
	do {                                                              \
		mmun_drain_log(self->fd);                                 \
		mutate(0, mutate_dontneed, _nr);                          \
		mmun_expect_event(_id, MMUN_EVENT_CLEAR,                  \
				  self->map + (_nr) * self->page,         \
				  self->page);                            \
		mmun_expect_no_event();                                   \
	} while (0)

#define expect_nobody(_nr)                                                \
	do {                                                              \
		mmun_drain_log(self->fd);                                 \
		mutate(0, mutate_dontneed, _nr);                          \
		mmun_expect_no_event();                                   \
	} while (0)

/* Insert and remove while an invalidation is open. */

/*
 *	mutator		test
 *	held, odd
 *			insert: deferred
 *			remove: at once, it was not in the tree yet
 *			insert: deferred
 *	let go
 *			only the second is in the tree
 */
TEST_F(scenario, insert_remove_insert_while_odd_leaves_the_last)
{
	__u32 at, first, last;

	at = open_odd();
	first = mmun_insert(self->map + FREE * self->page, self->page);
	expect_in_tree(first, 0);
	mmun_remove(first);
	last = mmun_insert(self->map + FREE * self->page, self->page);
	expect_in_tree(last, 0);
	EXPECT_EQ(mmun_query_range(self->id).out_seq,
		  mmun_query_range(last).out_seq);
	let_go(0, at);
	expect_in_tree(last, 1);
	expect_only(last, FREE);
}

/*
 *	mutator		test			remover		reader
 *	held, even
 *			insert: in the tree;
 *			makes it odd
 *						remove first:
 *						waits
 *			insert: deferred
 *								begin: waits
 *	let go
 *						returns		returns
 */
TEST_F(scenario, insert_remove_insert_while_even_leaves_the_last)
{
	__u32 at = open_even(), first, last;

	first = mmun_insert(self->map + FREE * self->page, self->page);
	expect_in_tree(first, 1);
	self->other.id = first;
	worker_do(&self->other, job_remove);
	expect_blocked_in(self->other.tid, MMUN_REMOVE);
	last = mmun_insert(self->map + FREE * self->page, self->page);
	expect_in_tree(last, 0);
	self->reader.id = last;
	worker_do(&self->reader, job_begin);
	expect_blocked_in(self->reader.tid, MMUN_READ_BEGIN);
	let_go(0, at);
	EXPECT_EQ(0, worker_join(&self->other));
	EXPECT_EQ(0, worker_join(&self->reader));
	EXPECT_EQ(0, mmun_commit(self->reader.token));
	expect_in_tree(last, 1);
	expect_only(last, FREE);
}

/*
 *	mutator		remover		test
 *	held, odd
 *			remove near:
 *			waits
 *					insert there: deferred
 *					remove that: at once
 *	let go
 *			returns
 *					nobody is there
 */
TEST_F(scenario, remove_insert_remove_while_odd_leaves_nobody)
{
	__u32 at = open_odd();

	worker_do(&self->other, job_remove);
	expect_blocked_in(self->other.tid, MMUN_REMOVE);
	mmun_remove(insert_near());
	expect_blocked_in(self->other.tid, MMUN_REMOVE);
	let_go(0, at);
	EXPECT_EQ(0, worker_join(&self->other));
	expect_nobody(NEAR);
}

TEST_F(scenario, remove_and_insert_while_odd_leave_the_new_one)
{
	__u32 at = open_odd(), new;

	worker_do(&self->other, job_remove);
	expect_blocked_in(self->other.tid, MMUN_REMOVE);
	new = insert_near();
	expect_in_tree(new, 0);
	let_go(0, at);
	EXPECT_EQ(0, worker_join(&self->other));
	expect_only(new, NEAR);
}

/*
 * The removed one is still in the tree: it is called once more, by another
 * invalidation that comes before the end.  What is deferred is not.
 */
TEST_F(scenario, invalidation_inside_another_meets_the_tree_as_it_was)
{
	__u32 at = open_odd(), new;

	worker_do(&self->other, job_remove);
	expect_blocked_in(self->other.tid, MMUN_REMOVE);
	new = insert_near();
	mmun_drain_log(self->fd);
	mutate(1, mutate_dontneed, NEAR);
	mmun_expect_event(self->near, MMUN_EVENT_CLEAR,
			  self->map + NEAR * self->page, self->page);
	mmun_expect_no_event();
	EXPECT_EQ(0, mmun_query_range(new).out_invalidations);
	expect_blocked_in(self->other.tid, MMUN_REMOVE);
	let_go(0, at);
	EXPECT_EQ(0, worker_join(&self->other));
	expect_only(new, NEAR);
}

/* Remove a range whose own callback is held. */

FIXTURE(scenario_remove)
{
	int fd;
	size_t page;
	struct subject *subject;
	char *map;
	__u32 id;
	struct worker other;
};

FIXTURE_VARIANT(scenario_remove)
{
	__u32 point;
	__u32 told;	/* times that the range has been called there */
};

/* clang-format off */
FIXTURE_VARIANT_ADD(scenario_remove, enter) {
	.point = MMUN_POINT_ENTER, .told = 0,
};

FIXTURE_VARIANT_ADD(scenario_remove, leave) {
	.point = MMUN_POINT_LEAVE, .told = 1,
};

FIXTURE_VARIANT_ADD(scenario_remove, start) {
	.point = MMUN_POINT_START, .told = 1,
};
/* clang-format on */

FIXTURE_SETUP(scenario_remove)
{
	self->page = sysconf(_SC_PAGESIZE);
	self->subject = subject_start();
	ASSERT_NE(NULL, self->subject)
	{
		TH_LOG("no subject: %s", strerror(errno));
	}
	self->fd = self->subject->fd;
	self->map = self->subject->map;
	mmun_log_setup(16, 1U << MMUN_RECORD_INVALIDATE |
			   1U << MMUN_RECORD_REMOVE);
	self->id = mmun_insert(self->map, RANGE_PAGES * self->page);
	ASSERT_EQ(0, worker_start(&self->other, self->subject, self->id));
}

FIXTURE_TEARDOWN(scenario_remove)
{
	expect_balanced();
	EXPECT_EQ(0, close(self->fd));
	subject_end(self->subject);
}

/*
 *	mutator			remover
 *	held in the callback
 *				remove: waits
 *	let go; callback
 *	returns; end
 *				returns
 */
TEST_F(scenario_remove, waits_for_the_callback_that_is_held)
{
	struct mmun_token token = mmun_read_begin(self->id);
	struct mmun_record r = {};
	__u32 at;

	at = hold_mutator(0, mutate_munmap, 1, variant->point, self->id);
	EXPECT_EQ(variant->told, mmun_query_range(self->id).out_invalidations);
	worker_do(&self->other, job_remove);
	expect_blocked_in(self->other.tid, MMUN_REMOVE);
	EXPECT_EQ(variant->told, mmun_next_record(self->fd, &r));
	mmun_expect_no_event();
	mmun_err_commit(ENOENT, token);
	let_go(0, at);
	EXPECT_EQ(0, worker_join(&self->other));
	ASSERT_EQ(1, variant->told ?: mmun_next_record(self->fd, &r));
	EXPECT_EQ(MMUN_RECORD_INVALIDATE, r.type);
	ASSERT_EQ(1, mmun_next_record(self->fd, &r));
	EXPECT_EQ(MMUN_RECORD_REMOVE, r.type);
	mutate(0, mutate_dontneed, 0);
	mmun_expect_no_event();
}

TEST_F(scenario, remove_of_a_range_whose_invalidation_has_ended_does_not_wait)
{
	__u32 at = hold_mutator(0, mutate_munmap, 1, MMUN_POINT_END, self->id);

	mmun_remove(self->id);
	let_go(0, at);
}

/*
 * What is deferred is done under the core's lock, in one go, newest first: with
 * very many inserts after a remove that takes long.  A remover that looks at the
 * sequence without the lock meanwhile sees that the invalidation is over, and
 * returns while the core is about to use the range.  It only looks when it is
 * woken, so somebody does that all the time; on another CPU, for who has the
 * lock does not give up its own.
 */

static atomic_ulong woken;

static int job_kick(struct worker *worker)
{
	__u32 count;

	while (!_mmun_wake_thread(worker->fd, worker->id, 100, &count))
		woken += count;
	return errno == ENOENT ? 0 : -1;
}

/* Let the thread run on the @nr-th CPU of those that the caller may use. */
static bool pin(pid_t tid, int nr)
{
	cpu_set_t all, one;
	int cpu;

	CPU_ZERO(&one);
	if (sched_getaffinity(0, sizeof(all), &all))
		return false;
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all) || nr--)
			continue;
		CPU_SET(cpu, &one);
		return !sched_setaffinity(tid, sizeof(one), &one);
	}
	return false;
}

static struct mmun_span *bulk_of(char *start, size_t length)
{
	struct mmun_span *bulk = calloc(MANY, sizeof(*bulk));
	int i;

	for (i = 0; bulk && i < MANY; i++) {
		bulk[i].start = mmun_u64(start) + i % length;
		bulk[i].length = 1;
	}
	return bulk;
}

/*
 * Insert MANY, or where each takes very long as many as a quarter of a hold's
 * time allows: then fewer are enough.  Returns how many, or -1.
 */
static int insert_many(int fd, struct mmun_span *bulk)
{
	struct timespec then;
	__u64 done;
	int n;

	clock_gettime(CLOCK_MONOTONIC, &then);
	for (n = 0; n < MANY && ms_since(&then) < MMUN_HOLD_MS / 4; n += STEP)
		if (_mmun_insert_bulk(fd, bulk + n, STEP, &done) ||
		    done != STEP)
			return -1;
	return n;
}

/*
 *	mutator		remover, CPU 1	kicker, CPU 1	test
 *	CPU 0
 *	held, odd
 *			remove near:
 *			waits
 *							insert many
 *							remove one of them
 *					wakes the
 *					remover
 *	let go; does
 *	what is
 *	deferred
 *			returns
 */
TEST_F(scenario, remove_among_many_deferred_inserts_returns_when_it_is_done)
{
	struct worker *kicker = &self->reader;
	struct mmun_span *bulk;
	int i, many;
	__u32 at;

	if (!pin(self->other.tid, 1) || !pin(kicker->tid, 1))
		SKIP(return, "only one CPU: the race needs two");
	ASSERT_EQ(true, pin(mutator(0)->tid, 0));
	bulk = bulk_of(self->map + FREE * self->page, self->page);
	ASSERT_NE(NULL, bulk);
	mmun_log_setup(0, 0);
	at = open_odd();
	worker_do(&self->other, job_remove);
	expect_blocked_in(self->other.tid, MMUN_REMOVE);
	many = insert_many(self->fd, bulk);
	ASSERT_LT(0, many);
	mmun_remove(bulk[many / 2].id);
	kicker->id = self->other.tid;
	worker_do(kicker, job_kick);
	while (!woken)
		sched_yield();
	ASSERT_EQ(true, pin(0, 0));
	let_go(0, at);
	EXPECT_EQ(0, worker_join(&self->other));
	EXPECT_EQ(0, worker_join(kicker));
	mutate(0, mutate_dontneed, FREE);
	for (i = 0; i < many; i += many / 5) {
		expect_in_tree(bulk[i].id, 1);
		EXPECT_EQ(1, mmun_query_range(bulk[i].id).out_invalidations);
	}
	mmun_err_remove(ENOENT, bulk[many / 2].id);
	mmun_err_remove(ENOENT, self->near);
	free(bulk);
}

/* Signals to who waits in the core. */

enum call {
	CALL_BEGIN,
	CALL_REMOVE,
	CALL_INSERT,
};

FIXTURE(scenario_signal)
{
	int fd;
	size_t page;
	struct subject *subject;
	char *map;
	__u32 id;
	int go[2];	/* a pipe */
	pid_t pid;
};

/*
 * @cmd is the call that waits, @sig the signal, @status the exit status of the
 * process that made the call: what the call failed with, if it did, or 128 and
 * the signal that killed it.  @at_once: that ends the wait.
 */
FIXTURE_VARIANT(scenario_signal)
{
	enum call call;
	unsigned int cmd;
	int sig;
	int status;
	bool at_once;
	__u32 ranges;	/* that are left */
	__u32 batches;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(scenario_signal, reader) {
	.call = CALL_BEGIN, .cmd = MMUN_READ_BEGIN, .sig = SIGUSR1,
	.status = 0, .ranges = 1, .batches = 1,
};

FIXTURE_VARIANT_ADD(scenario_signal, reader_killed) {
	.call = CALL_BEGIN, .cmd = MMUN_READ_BEGIN, .sig = SIGKILL,
	.status = 128 + SIGKILL, .ranges = 1, .batches = 1,
};

FIXTURE_VARIANT_ADD(scenario_signal, remover) {
	.call = CALL_REMOVE, .cmd = MMUN_REMOVE, .sig = SIGUSR1,
	.status = 0, .ranges = 0, .batches = 0,
};

FIXTURE_VARIANT_ADD(scenario_signal, remover_killed) {
	.call = CALL_REMOVE, .cmd = MMUN_REMOVE, .sig = SIGKILL,
	.status = 128 + SIGKILL, .ranges = 0, .batches = 0,
};

/* The first insert into an mm: it waits for mmap_lock, then minds signals. */
FIXTURE_VARIANT_ADD(scenario_signal, inserter) {
	.call = CALL_INSERT, .cmd = MMUN_INSERT, .sig = SIGUSR1,
	.status = EINTR, .ranges = 0, .batches = 0,
};

FIXTURE_VARIANT_ADD(scenario_signal, inserter_killed) {
	.call = CALL_INSERT, .cmd = MMUN_INSERT, .sig = SIGKILL,
	.status = 128 + SIGKILL, .at_once = true, .ranges = 0, .batches = 0,
};
/* clang-format on */

static atomic_int signalled;

static void on_signal(int sig)
{
	signalled = 1;
}

static int call(enum call call, int fd, __u32 id, char *map)
{
	struct mmun_token token;

	switch (call) {
	case CALL_BEGIN:
		return _mmun_read_begin(fd, id, &token);
	case CALL_REMOVE:
		return _mmun_remove(fd, id);
	default:
		return _mmun_insert(fd, map, 1, &id);
	}
}

/* The process that waits: call, and tell by the exit status what came of it. */
static void caller_main(FIXTURE_DATA(scenario_signal) *self, enum call what)
{
	char go;
	int ret;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGUSR1, on_signal);
	if (read(self->go[0], &go, 1) != 1)
		_exit(125);
	ret = call(what, self->fd, self->id, self->map);
	if (!signalled)
		_exit(124);
	_exit(ret ? errno : 0);
}

FIXTURE_SETUP(scenario_signal)
{
	self->page = sysconf(_SC_PAGESIZE);
	self->subject = subject_start();
	ASSERT_NE(NULL, self->subject)
	{
		TH_LOG("no subject: %s", strerror(errno));
	}
	self->fd = self->subject->fd;
	self->map = self->subject->map;
	if (variant->call != CALL_INSERT)
		self->id = mmun_insert(self->map, RANGE_PAGES * self->page);
	ASSERT_EQ(0, pipe(self->go));
	self->pid = fork();
	if (!self->pid)
		caller_main(self, variant->call);
}

FIXTURE_TEARDOWN(scenario_signal)
{
	kill(self->pid, SIGKILL);
	expect_balanced();
	EXPECT_EQ(0, close(self->fd));
	subject_end(self->subject);
}

/* What waits for the end of an invalidation does so in the core, unkillably. */
TEST_F(scenario_signal, acts_at_the_end_unless_it_kills_who_waits_for_mmap_lock)
{
	__u32 at = hold_mutator(0, mutate_munmap, 1, MMUN_POINT_START, 0);

	ASSERT_EQ(1, write(self->go[1], "g", 1));
	expect_blocked_in(self->pid, variant->cmd);
	ASSERT_EQ(0, kill(self->pid, variant->sig));
	if (variant->at_once) {
		EXPECT_EQ(variant->status, mmun_wait_child(self->pid));
	} else {
		expect_blocked_in(self->pid, variant->cmd);
	}
	EXPECT_EQ(MMUN_HOLD_HELD, mmun_hold_state(at));
	let_go(0, at);
	if (!variant->at_once) {
		EXPECT_EQ(variant->status, mmun_wait_child(self->pid));
	}
	EXPECT_EQ(variant->ranges, mmun_query_context().out_ranges);
	EXPECT_EQ(variant->batches, mmun_query_context().out_batches);
	expect_in_tree(mmun_insert(self->map, self->page), 1);
}

/* Readers */

/*
 *	mutator		old		at enter	at leave
 *			begin
 *	held at enter
 *					begin
 *	held at leave
 *							begin: waits
 *	let go
 *							returns
 *			collides	collides	commits
 */
TEST_F(scenario, readers_of_two_sequences_and_only_the_later_one_commits)
{
	struct mmun_token old = mmun_read_begin(self->id), entered;
	struct mmun_record r;
	__u32 enter, leave;

	enter = mmun_hold(MMUN_POINT_ENTER, self->id, mutator(0)->tid);
	leave = mmun_hold(MMUN_POINT_LEAVE, self->id, mutator(0)->tid);
	ASSERT_EQ(0, subject_order(mutator(0), mutate_dontneed, 1));
	mmun_wait_held(enter);
	entered = mmun_read_begin(self->id);
	EXPECT_EQ(1, mmun_resume(enter));
	mmun_wait_held(leave);
	r = mmun_expect_event(self->id, MMUN_EVENT_CLEAR,
			      self->map + self->page, self->page);
	worker_do(&self->reader, job_begin);
	expect_blocked_in(self->reader.tid, MMUN_READ_BEGIN);
	EXPECT_EQ(1, mmun_check_retry(self->id, old.seq));
	let_go(0, leave);
	EXPECT_EQ(0, worker_join(&self->reader));
	EXPECT_EQ(old.seq, entered.seq);
	EXPECT_EQ(r.cur_seq, self->reader.token.seq);
	EXPECT_EQ(1, mmun_commit(old));
	EXPECT_EQ(1, mmun_commit(entered));
	EXPECT_EQ(0, mmun_commit(self->reader.token));
}

/*
 *	reader			mutator
 *	begin
 *	collect pages 0, 1
 *	collect pages 2, 3:
 *	waits for page 3
 *				invalidate page 0
 *				fill page 3
 *	has them
 *	commit: collides
 */
TEST_F(scenario, chunk_that_is_invalidated_while_the_next_is_read_collides)
{
	int uffd = subject_userfault(self->subject, RANGE_PAGES);
	struct mmun_token token;

	if (uffd < 0)
		SKIP(return, NO_USERFAULT);
	mutate(0, mutate_dontneed, 3);
	token = mmun_read_begin(self->id);
	EXPECT_EQ(2, mmun_collect(token, self->map, 2 * self->page,
				  MMUN_METHOD_GUP, 0));
	self->reader.token = token;
	self->reader.at = self->map + 2 * self->page;
	self->reader.length = 2 * self->page;
	worker_do(&self->reader, job_collect);
	expect_blocked_in(self->reader.tid, MMUN_COLLECT);
	EXPECT_EQ(0, mmun_check_retry(self->id, token.seq));
	mutate(0, mutate_dontneed, 0);
	EXPECT_EQ(1, mmun_check_retry(self->id, token.seq));
	ASSERT_EQ(0, userfault_fill(uffd, self->subject, 3));
	EXPECT_EQ(2, worker_join(&self->reader));
	EXPECT_EQ(1, mmun_commit(token));
	expect_shadow(1, false);
	expect_shadow(2, false);
	expect_shadow(3, false);
	close(uffd);
}

/*
 *	reader: pages 0, 1	mutator
 *	begin
 *	waits for page 0
 *				drop page 1, fill page 0
 *	waits for page 1
 *				drop page 0, fill page 1
 *	has both
 *	collides; begin ...
 */
TEST_F(scenario, snapshot_that_uses_up_its_retries_publishes_nothing)
{
	int i, uffd = subject_userfault(self->subject, 2);
	__u64 pages[2] = { 1, 2 };

	if (uffd < 0)
		SKIP(return, NO_USERFAULT);
	mutate(0, mutate_dontneed, 0);
	self->reader.length = 2 * self->page;
	self->reader.snap.max_retries = 2;
	self->reader.snap.pages = mmun_u64(pages);
	worker_do(&self->reader, job_snapshot);
	for (i = 0; i < 3; i++) {
		expect_blocked_in(self->reader.tid, MMUN_SNAPSHOT);
		EXPECT_EQ(i, mmun_query_range(self->id).out_collisions);
		mutate(0, mutate_dontneed, 1);
		ASSERT_EQ(0, userfault_fill(uffd, self->subject, 0));
		expect_blocked_in(self->reader.tid, MMUN_SNAPSHOT);
		mutate(0, mutate_dontneed, 0);
		ASSERT_EQ(0, userfault_fill(uffd, self->subject, 1));
	}
	EXPECT_EQ(0, worker_join(&self->reader));
	EXPECT_EQ(1, self->reader.snap.out_collided);
	EXPECT_EQ(2, self->reader.snap.out_retries);
	EXPECT_EQ(0, self->reader.snap.out_valid);
	EXPECT_EQ(3, mmun_query_range(self->id).out_collisions);
	EXPECT_EQ(0, mmun_query_range(self->id).out_commits);
	EXPECT_EQ(1, pages[0]);
	EXPECT_EQ(2, pages[1]);
	expect_shadow(0, false);
	expect_shadow(1, false);
	close(uffd);
}

/* A busy neighbour */

TEST_F(scenario, snapshot_beside_a_neighbour_whose_callback_is_held_is_not_delayed)
{
	__u32 at = hold_mutator(0, mutate_dontneed, NEAR, MMUN_POINT_LEAVE,
				self->near);

	worker_do(&self->reader, job_snapshot);
	EXPECT_EQ(MMUN_TASK_GONE, mmun_quiesce_one(self->reader.tid).state);
	EXPECT_EQ(MMUN_HOLD_HELD, mmun_hold_state(at));
	EXPECT_EQ(0, worker_join(&self->reader));
	EXPECT_EQ(0, self->reader.snap.out_collided);
	EXPECT_EQ(0, self->reader.snap.out_retries);
	EXPECT_EQ(RANGE_PAGES, self->reader.snap.out_valid);
	let_go(0, at);
}

static int mutate_until_told(struct subject *subject, int nr)
{
	while (!__atomic_load_n(&subject->stop, __ATOMIC_RELAXED))
		if (mutate_dontneed(subject, nr))
			return -1;
	return 0;
}

#define told_near()	(mmun_query_range(self->near).out_invalidations)

TEST_F(scenario, snapshots_beside_a_neighbour_that_never_rests_need_no_retry)
{
	struct mmun_snapshot snap = {
		.id = self->id,
		.start = mmun_u64(self->map),
		.length = RANGE_PAGES * self->page,
		.method = MMUN_METHOD_GUP,
	};
	__u64 before;
	int i;

	mmun_log_setup(0, 0);
	ASSERT_EQ(0, subject_order(mutator(0), mutate_until_told, NEAR));
	while (!told_near())
		sched_yield();
	before = told_near();
	for (i = 0; i < 500 || told_near() < before + 100; i++) {
		ASSERT_EQ(0, _mmun_snapshot(self->fd, &snap));
		ASSERT_EQ(0, snap.out_collided);
	}
	self->subject->stop = true;
	EXPECT_EQ(0, subject_answer(mutator(0)));
	EXPECT_EQ(0, mmun_query_range(self->id).out_invalidations);
	EXPECT_EQ(i, mmun_query_range(self->id).out_commits);
}

/*
 * The sequence.  It is 64 bits wide and moves by two: its wrap-around is out of
 * reach.  The edges within reach are the births of ranges, where the sequence of
 * the range and that of the mm are next to each other, and nesting, where they
 * do not move.
 */

TEST_F(scenario, sequence_moves_by_two_with_each_invalidation_that_meets_a_range)
{
	char *page = self->map + self->page;
	struct mmun_record r[3];
	__u32 new;
	int i;

	for (i = 0; i < 3; i++) {
		mutate(0, mutate_dontneed, FREE);
		mutate(0, mutate_dontneed, 1);
		r[i] = mmun_expect_event(self->id, MMUN_EVENT_CLEAR, page,
					 self->page);
	}
	EXPECT_EQ(r[0].cur_seq + 2, r[1].cur_seq);
	EXPECT_EQ(r[1].cur_seq + 2, r[2].cur_seq);
	/* A range that is born now has the sequence of the last one. */
	new = insert_near();
	EXPECT_EQ(r[2].cur_seq, mmun_query_range(new).out_seq);
	EXPECT_EQ(r[2].cur_seq, mmun_query_range(self->id).out_seq);
}

/*
 *   0   1   2   3
 *   |-----range-----|		hit first
 *   |--new--|			inserted after that: the same sequence
 */
TEST_F(scenario, first_invalidation_after_insert_differs_from_the_birth)
{
	struct mmun_token old, new;
	__u32 id;

	mutate(0, mutate_dontneed, 3);
	id = mmun_insert(self->map, 2 * self->page);
	old = mmun_read_begin(self->id);
	new = mmun_read_begin(id);
	EXPECT_EQ(old.seq, new.seq);
	mutate(0, mutate_dontneed, 3);
	EXPECT_EQ(1, mmun_commit(old));
	EXPECT_EQ(0, mmun_check_retry(id, new.seq));
	mutate(0, mutate_dontneed, 0);
	EXPECT_EQ(1, mmun_commit(new));
	EXPECT_EQ(new.seq + 4, mmun_read_begin(id).seq);
}

/*
 *	mutator 0	mutator 1	reader of late
 *	held, even
 *			(late is inserted, which makes it odd)
 *			held in late's
 *			callback: the
 *			sequence of its
 *			birth again
 *					begin: waits
 *	let go
 *					still waits
 *			let go
 *					returns
 */
TEST_F(scenario, invalidation_with_the_sequence_of_the_birth_lets_no_reader_in)
{
	__u32 at = open_even(), inner, late;
	struct mmun_token before = mmun_read_begin(self->id);
	struct mmun_record r;
	__u64 birth;

	late = mmun_insert(self->map, self->page);
	birth = mmun_query_range(late).out_seq;
	inner = hold_mutator(1, mutate_dontneed, 0, MMUN_POINT_LEAVE, late);
	EXPECT_EQ(birth, mmun_query_range(late).out_seq);
	EXPECT_EQ(1, mmun_query_range(late).out_invalidations);
	self->reader.id = late;
	worker_do(&self->reader, job_begin);
	expect_blocked_in(self->reader.tid, MMUN_READ_BEGIN);
	let_go(0, at);
	expect_blocked_in(self->reader.tid, MMUN_READ_BEGIN);
	let_go(1, inner);
	EXPECT_EQ(0, worker_join(&self->reader));
	EXPECT_EQ(birth, self->reader.token.seq);
	EXPECT_EQ(0, mmun_commit(self->reader.token));
	EXPECT_EQ(1, mmun_commit(before));
	ASSERT_EQ(1, mmun_next_record(self->fd, &r));
	EXPECT_EQ(birth, r.cur_seq);
}

/*
 *	mutator 0	mutator 1	mutator 0
 *	held, odd
 *			held, odd
 *	let go		let go
 *					hits again
 */
TEST_F(scenario, second_invalidation_has_another_sequence_only_after_the_end)
{
	__u32 at[2];
	struct mmun_record r[3];
	int i;

	for (i = 0; i < 2; i++)
		at[i] = hold_mutator(i, mutate_dontneed, i, MMUN_POINT_LEAVE,
				     self->id);
	for (i = 0; i < 2; i++)
		let_go(i, at[i]);
	mutate(0, mutate_dontneed, 2);
	for (i = 0; i < 3; i++)
		r[i] = mmun_expect_event(self->id, MMUN_EVENT_CLEAR,
					 self->map + i * self->page,
					 self->page);
	EXPECT_EQ(r[0].cur_seq, r[1].cur_seq);
	EXPECT_EQ(r[1].cur_seq + 2, r[2].cur_seq);
}

/* The page table entry of one huge page, or -1 */
static int mutate_map_huge(struct subject *subject, int nr)
{
	char *p = mmap(NULL, 2 * HUGE_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return -1;
	p += -(uintptr_t)p & (HUGE_SIZE - 1);
	madvise(p, HUGE_SIZE, MADV_HUGEPAGE);
	memset(p, 1, HUGE_SIZE);
	subject->huge = p;
	return madvise(p, HUGE_SIZE, MADV_COLLAPSE);
}

static int mutate_dontneed_huge(struct subject *subject, int nr)
{
	size_t page = sysconf(_SC_PAGESIZE);

	return madvise(subject->huge + nr * page, page, MADV_DONTNEED);
}

/*
 *	page 1 of 512 is dropped	reader
 *	start
 *	    the huge page is split:
 *	    start
 *	    end: held
 *					begin: waits
 *	    let go
 *	end
 *					returns
 */
TEST_F(scenario, nested_invalidations_of_one_thread_are_one_to_a_reader)
{
	struct mmun_record outer, inner;
	char *huge;
	__u32 at;

	if (subject_do(mutator(0), mutate_map_huge, 0))
		SKIP(return, "no huge page: set CONFIG_TRANSPARENT_HUGEPAGE, boot with MEM=1G");
	huge = self->subject->huge;
	self->reader.id = mmun_insert(huge, HUGE_SIZE);
	at = hold_mutator(0, mutate_dontneed_huge, 1, MMUN_POINT_END, 0);
	outer = mmun_expect_event(self->reader.id, MMUN_EVENT_CLEAR,
				  huge + self->page, self->page);
	inner = mmun_expect_event(self->reader.id, MMUN_EVENT_CLEAR, huge,
				  HUGE_SIZE);
	EXPECT_EQ(outer.cur_seq, inner.cur_seq);
	EXPECT_EQ(mmun_u64(huge) + HUGE_SIZE, mmun_wait_held(at).out_end);
	EXPECT_EQ(0, mmun_check_balance(0));
	worker_do(&self->reader, job_begin);
	expect_blocked_in(self->reader.tid, MMUN_READ_BEGIN);
	let_go(0, at);
	EXPECT_EQ(0, worker_join(&self->reader));
	EXPECT_EQ(0, mmun_commit(self->reader.token));
	mmun_expect_no_event();
}

static int mutate_many_times(struct subject *subject, int nr)
{
	while (nr--)
		if (mutate_dontneed(subject, 0))
			return -1;
	return 0;
}

TEST_F_TIMEOUT(scenario, begin_and_commit_agree_after_100000_invalidations,
	       120)
{
	struct mmun_token before = mmun_read_begin(self->id), after;

	mmun_log_setup(0, 0);
	mutate(0, mutate_many_times, LONG_RUN);
	EXPECT_EQ(LONG_RUN, mmun_query_range(self->id).out_invalidations);
	EXPECT_EQ(1, mmun_commit(before));
	after = mmun_read_begin(self->id);
	EXPECT_EQ(before.seq + 2 * LONG_RUN, after.seq);
	EXPECT_EQ(0, mmun_check_retry(self->id, after.seq));
	EXPECT_EQ(0, mmun_commit(after));
	after = mmun_read_begin(self->id);
	mutate(0, mutate_dontneed, 0);
	EXPECT_EQ(1, mmun_commit(after));
}

MMUN_HARNESS_MAIN
