// SPDX-License-Identifier: GPL-2.0
/*
 * Tests the collision-retry lock: threads insert, remove and read ranges while
 * an invalidation is open.  Holds determine each interleaving.
 *
 * An invalidation is open from its start to its end.  While an invalidation
 * that hits a range is open, the sequence of the mm is odd.  An invalidation
 * that hits no range does not change the sequence.  When the last open
 * invalidation ends, the core inserts and removes the deferred ranges.
 */
#include <stdatomic.h>
#include "lib/subject.h"

#define MANY 50000
#define STEP 1000 /* ranges per bulk call, and invalidations per mutator call */
#define LONG_RUN 100000

/* @near is the second range in hold.h.  The worker @other uses @near. */
#define INTERLEAVING_FIXTURE(_fixture)                                         \
	FIXTURE(_fixture)                                                      \
	{                                                                      \
		SUBJECT_FIXTURE;                                               \
		__u32 near;                                                    \
	};                                                                     \
	FIXTURE_SETUP(_fixture)                                                \
	{                                                                      \
		setup_subject();                                               \
		self->id = insert_range();                                     \
		self->near = mmun_insert(mmun_page(NEAR_PAGE), mmun_pages(2)); \
		setup_workers(self->near);                                     \
	}                                                                      \
	SUBJECT_FIXTURE_TEARDOWN(_fixture)

INTERLEAVING_FIXTURE(interleaving)
INTERLEAVING_FIXTURE(interleaving_remove)

#define insert_at(_nr) mmun_insert(mmun_page(_nr), self->page)
#define drop_page(_nr) subject_must(0, mutate_dontneed, _nr)
#define query(_id) mmun_query_range(_id)

/* Hold the invalidation of page @_page after the callback of range @_id. */
#define hold_callback(_nr, _page, _id) \
	hold_mutator(_nr, mutate_dontneed, _page, MMUN_POINT_LEAVE, _id)

/*
 * open_odd() holds an invalidation that hits range self->id.  open_even() holds
 * an invalidation that hits no range.
 */
#define open_odd() hold_callback(0, 1, self->id)
#define open_even() \
	hold_mutator(0, mutate_dontneed, FREE_PAGE, MMUN_POINT_START, 0)

#define expect_in_tree(_id, _there) EXPECT_EQ(_there, query(_id).out_in_tree)

/*
 * Expect that an invalidation of page @_page by mutator @_nr calls range @_id
 * and no other range.
 */
#define expect_only_by(_nr, _id, _page)                    \
	do {                                               \
		mmun_drain_log(self->fd);                  \
		subject_must(_nr, mutate_dontneed, _page); \
		expect_clear(_id, _page);                  \
		mmun_expect_no_event();                    \
	} while (0)
#define expect_only(_id, _page) expect_only_by(0, _id, _page)

#define block_remover() block_worker(&self->other, job_remove, MMUN_REMOVE)

/* Resume mutator 0, and expect that the remover returns. */
#define resume_and_join(_hold)                           \
	do {                                             \
		resume_mutator(0, _hold);                \
		EXPECT_EQ(0, worker_join(&self->other)); \
	} while (0)

/* Insert and remove while an invalidation is open. */

/*
 * A range whose insert is deferred is not in the tree.  The removal of a
 * deferred range does not wait, and does not affect a later insert at the same
 * place.
 */
TEST_F(interleaving, remove_while_odd_cancels_only_the_first_of_two_inserts)
{
	__u32 at = open_odd(), first = insert_at(FREE_PAGE), last;

	expect_in_tree(first, 0);
	mmun_remove(first);
	last = insert_at(FREE_PAGE);
	expect_in_tree(last, 0);
	EXPECT_EQ(query(self->id).out_seq, query(last).out_seq);
	resume_mutator(0, at);
	expect_in_tree(last, 1);
	expect_only(last, FREE_PAGE);
}

/*
 *	mutator		test			remover		reader
 *	held, even	insert: in the tree;
 *			the sequence is odd	remove: waits
 *			insert: deferred			begin: waits
 *	resumed					returns		returns
 */
TEST_F(interleaving, insert_remove_insert_while_even_leaves_the_last_range)
{
	__u32 at = open_even(), first = insert_at(FREE_PAGE), last;

	expect_in_tree(first, 1);
	self->other.id = first;
	block_remover();
	last = insert_at(FREE_PAGE);
	expect_in_tree(last, 0);
	self->reader.id = last;
	block_reader();
	resume_and_join(at);
	EXPECT_EQ(0, worker_join(&self->reader));
	EXPECT_EQ(0, mmun_commit(self->reader.token));
	expect_in_tree(last, 1);
	expect_only(last, FREE_PAGE);
}

/*
 *	mutator		remover			test
 *	held, odd	remove near: waits	insert in its place: deferred
 *						remove that: at once
 *	resumed		returns			no range is left there
 */
TEST_F(interleaving, remove_insert_remove_while_odd_leaves_no_range)
{
	__u32 at = open_odd();

	block_remover();
	mmun_remove(insert_at(NEAR_PAGE));
	expect_blocked_in(self->other.tid, MMUN_REMOVE);
	resume_and_join(at);
	mmun_drain_log(self->fd);
	drop_page(NEAR_PAGE);
	mmun_expect_no_event();
}

TEST_F(interleaving, remove_and_insert_while_odd_leave_the_new_range)
{
	__u32 at = open_odd(), new;

	block_remover();
	new = insert_at(NEAR_PAGE);
	expect_in_tree(new, 0);
	resume_and_join(at);
	expect_only(new, NEAR_PAGE);
}

/*
 * The interval tree does not change until the end of the outer invalidation.
 * The inner invalidation calls the range that is being removed, and does not
 * call the range whose insert is deferred.
 */
TEST_F(interleaving, invalidation_inside_another_sees_the_unchanged_tree)
{
	__u32 at = open_odd(), new;

	block_remover();
	new = insert_at(NEAR_PAGE);
	expect_only_by(1, self->near, NEAR_PAGE);
	EXPECT_EQ(0, query(new).out_invalidations);
	expect_blocked_in(self->other.tid, MMUN_REMOVE);
	resume_and_join(at);
	expect_only(new, NEAR_PAGE);
}

/* Remove a range whose callback is held. */

/* @calls: number of callbacks of the range that ran before @point */
FIXTURE_VARIANT(interleaving_remove)
{
	__u32 point;
	__u32 calls;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(interleaving_remove, enter) { MMUN_POINT_ENTER, 0 };
FIXTURE_VARIANT_ADD(interleaving_remove, leave) { MMUN_POINT_LEAVE, 1 };
FIXTURE_VARIANT_ADD(interleaving_remove, start) { MMUN_POINT_START, 1 };
/* clang-format on */

/*
 *	mutator				remover
 *	held in the callback		remove: waits
 *	resumed; the callback returns
 *	end				returns
 */
TEST_F(interleaving_remove, waits_for_the_held_callback)
{
	struct mmun_token token = mmun_read_begin(self->near);
	struct mmun_record r = {};
	__u32 at;

	mmun_log_setup(16,
		       1U << MMUN_RECORD_INVALIDATE | 1U << MMUN_RECORD_REMOVE);
	at = hold_mutator(0, mutate_munmap, NEAR_PAGE, variant->point,
			  self->near);
	EXPECT_EQ(variant->calls, query(self->near).out_invalidations);
	block_remover();
	EXPECT_EQ(variant->calls, mmun_next_record(self->fd, &r));
	mmun_expect_no_event();
	mmun_err_commit(ENOENT, token);
	resume_and_join(at);
	ASSERT_EQ(1, variant->calls ?: mmun_next_record(self->fd, &r));
	EXPECT_EQ(MMUN_RECORD_INVALIDATE, r.type);
	ASSERT_EQ(1, mmun_next_record(self->fd, &r));
	EXPECT_EQ(MMUN_RECORD_REMOVE, r.type);
	drop_page(NEAR_PAGE + 1);
	mmun_expect_no_event();
}

TEST_F(interleaving, remove_after_the_end_of_the_invalidation_does_not_wait)
{
	__u32 at = hold_mutator(0, mutate_munmap, 1, MMUN_POINT_END, self->id);

	mmun_remove(self->id);
	resume_mutator(0, at);
}

/*
 * The core holds its lock while it inserts and removes the deferred ranges, the
 * newest first.  If many inserts follow a remove, the core holds the lock for a
 * long time.  If the remover read the sequence without the lock, the remover
 * would return too early, before the core removes the range.  The remover reads
 * the sequence when it wakes, so the kicker wakes the remover without a pause.
 * The remover and the kicker run on another CPU than the mutator, which does
 * not yield its CPU while it holds the lock.
 */

static atomic_ulong woken;

static int job_kick(struct worker *worker)
{
	__u32 count;

	while (!_mmun_wake_thread(worker->fd, worker->id, 100, &count))
		woken += count;
	return errno == ENOENT ? 0 : -1;
}

/*
 * Insert up to MANY ranges of one byte each, all on one page.  Stop after a
 * quarter of the time-out of a hold: on a slow machine, fewer ranges are
 * enough.  Returns the number of ranges, or -1.
 */
static int insert_many(int fd, struct mmun_span *bulk, char *at, size_t page)
{
	struct timespec then = mmun_now();
	__u64 done = STEP;
	int n;

	for (n = 0; n < MANY && ms_since(&then) < MMUN_HOLD_MS / 4; n += STEP) {
		for (int i = n; i < n + STEP; i++) {
			bulk[i].start = mmun_u64(at + i % page);
			bulk[i].length = 1;
		}
		if (_mmun_insert_bulk(fd, bulk + n, STEP, &done) ||
		    done != STEP)
			return -1;
	}
	return n;
}

/*
 *	mutator, CPU 0	remover, CPU 1	kicker, CPU 1	test
 *	held, odd	remove: waits			insert many, remove one
 *					wakes the remover
 *	resumed		returns after all changes
 */
TEST_F(interleaving, remove_returns_only_after_many_deferred_changes_are_made)
{
	static struct mmun_span bulk[MANY];
	struct worker *kicker = &self->reader;
	__u32 at;
	int many;

	if (!mmun_bind_to_cpu(self->other.tid, 1) ||
	    !mmun_bind_to_cpu(kicker->tid, 1))
		SKIP(return, "only one CPU: the race needs two");
	ASSERT_EQ(true, mmun_bind_to_cpu(subject_tid(0), 0));
	mmun_log_setup(0, 0);
	at = open_odd();
	block_remover();
	many = insert_many(self->fd, bulk, mmun_page(FREE_PAGE), self->page);
	ASSERT_LT(0, many);
	mmun_remove(bulk[many / 2].id);
	kicker->id = self->other.tid;
	worker_do(kicker, job_kick);
	while (!woken)
		sched_yield();
	ASSERT_EQ(true, mmun_bind_to_cpu(0, 0));
	resume_and_join(at);
	EXPECT_EQ(0, worker_join(kicker));
	drop_page(FREE_PAGE);
	for (int i = 0; i < many; i += many / 5) {
		expect_in_tree(bulk[i].id, 1);
		EXPECT_EQ(1, query(bulk[i].id).out_invalidations);
	}
	mmun_err_remove(ENOENT, bulk[many / 2].id);
	mmun_err_remove(ENOENT, self->near);
}

/* Signals to a process that waits in the core */

FIXTURE(interleaving_signal)
{
	SUBJECT_FIXTURE;
	struct mmun_child child;
};

/*
 * @cmd: the call that waits when the signal arrives
 * @sig: the signal
 * @status: 128 + the signal that killed the child, or the error of the call
 * @at_once: whether the signal ends the wait
 * @left: the number of ranges after the test, and also of batches unless the
 *	signal ended the wait
 */
FIXTURE_VARIANT(interleaving_signal)
{
	unsigned int cmd;
	int sig;
	int status;
	bool at_once;
	__u32 left;
};

/* The first insert into an mm waits for mmap_lock.  SIGKILL ends this wait. */
#define KILLED (128 + SIGKILL)

/* clang-format off */
#define SIGNAL(_name, ...) FIXTURE_VARIANT_ADD(interleaving_signal, _name) { __VA_ARGS__ }

SIGNAL(reader, MMUN_READ_BEGIN, SIGUSR1, .left = 1);
SIGNAL(reader_killed, MMUN_READ_BEGIN, SIGKILL, KILLED, .at_once = MMUN_IS_LIST, .left = 1);
SIGNAL(remover, MMUN_REMOVE, SIGUSR1, .status = 0);
SIGNAL(remover_killed, MMUN_REMOVE, SIGKILL, .status = KILLED);
SIGNAL(inserter, MMUN_INSERT, SIGUSR1, .status = EINTR);
SIGNAL(inserter_killed, MMUN_INSERT, SIGKILL, KILLED, .at_once = true);
/* clang-format on */

static atomic_int signalled;

static void on_signal(int sig)
{
	signalled = 1;
}

/* Exits with the errno of the call, or with 124 if no signal arrived. */
static int call_and_exit(void *arg, int cmd)
{
	FIXTURE_DATA(interleaving_signal) *self = arg;
	struct mmun_token token;
	__u32 id;
	int ret;

	if (cmd == MMUN_READ_BEGIN)
		ret = _mmun_read_begin(self->fd, self->id, &token);
	else if (cmd == MMUN_REMOVE)
		ret = _mmun_remove(self->fd, self->id);
	else
		ret = _mmun_insert(self->fd, self->map, 1, &id);
	_exit(!signalled ? 124 : ret ? errno : 0);
}

FIXTURE_SETUP(interleaving_signal)
{
	setup_subject();
	if (variant->cmd != MMUN_INSERT)
		self->id = insert_range();
	signal(SIGUSR1, on_signal);
	ASSERT_EQ(0, mmun_child_start(&self->child, self));
}

/* The child must exit first, because it has a descriptor of the device. */
FIXTURE_TEARDOWN(interleaving_signal)
{
	mmun_child_kill(&self->child);
	teardown_subject();
}

/*
 * No signal ends a wait in the core for the end of an invalidation.  SIGKILL
 * ends a wait for mmap_lock, and a wait of a range of a list notifier.
 */
TEST_F(interleaving_signal, only_sigkill_outside_of_the_core_ends_the_wait)
{
	__u32 at = hold_mutator(0, mutate_munmap, 1, MMUN_POINT_START, 0);

	ASSERT_EQ(0,
		  mmun_child_order(&self->child, call_and_exit, variant->cmd));
	expect_blocked_in(self->child.tid, variant->cmd);
	ASSERT_EQ(0, mmun_child_signal(&self->child, variant->sig));
	if (variant->at_once) {
		EXPECT_EQ(variant->status, mmun_child_wait(&self->child));
	} else {
		expect_blocked_in(self->child.tid, variant->cmd);
	}
	EXPECT_EQ(MMUN_HOLD_HELD, mmun_hold_state(at));
	resume_mutator(0, at);
	if (!variant->at_once)
		EXPECT_EQ(variant->status, mmun_child_wait(&self->child));
	EXPECT_EQ(variant->left, mmun_query_context().out_ranges);
	EXPECT_EQ(variant->left && !variant->at_once,
		  mmun_query_context().out_batches);
	expect_in_tree(insert_at(0), 1);
}

/* Readers */

/*
 *	mutator		before		at enter	at leave
 *			begin
 *	held at enter			begin
 *	held at leave					begin: waits
 *	resumed						returns
 *			collides	collides	commits
 */
TEST_F(interleaving, batch_commits_only_if_it_began_after_the_callback)
{
	struct mmun_token before = mmun_read_begin(self->id), entered;
	struct mmun_record r;
	__u32 enter, leave;

	enter = mmun_hold(MMUN_POINT_ENTER, self->id, subject_tid(0));
	leave = mmun_hold(MMUN_POINT_LEAVE, self->id, subject_tid(0));
	order_mutator(0, mutate_dontneed, 1);
	mmun_wait_held(enter);
	entered = mmun_read_begin(self->id);
	EXPECT_EQ(1, mmun_resume(enter));
	mmun_wait_held(leave);
	r = expect_clear(self->id, 1);
	block_reader();
	EXPECT_EQ(1, mmun_check_retry(self->id, before.seq));
	resume_mutator(0, leave);
	EXPECT_EQ(0, worker_join(&self->reader));
	EXPECT_EQ(0, mmun_commit(self->reader.token));
	EXPECT_EQ(before.seq, entered.seq);
	EXPECT_EQ(r.cur_seq, self->reader.token.seq);
	EXPECT_EQ(1, mmun_commit(before));
	EXPECT_EQ(1, mmun_commit(entered));
}

/*
 *	reader					mutator
 *	begin, collect pages 0, 1
 *	collect pages 2, 3: waits for page 3	invalidate page 0
 *						fill page 3
 *	returns
 *	commit: collides
 */
TEST_F(interleaving, batch_collides_if_a_collected_page_was_invalidated)
{
	struct mmun_token token;

	need_userfault(RANGE_PAGES);
	drop_page(3);
	token = mmun_read_begin(self->id);
	EXPECT_EQ(2, mmun_collect(token, self->map, mmun_pages(2),
				  MMUN_METHOD_GUP, 0));
	self->reader.token = token;
	self->reader.at = mmun_page(2);
	self->reader.length = mmun_pages(2);
	block_worker(&self->reader, job_collect, MMUN_COLLECT);
	EXPECT_EQ(0, mmun_check_retry(self->id, token.seq));
	drop_page(0);
	EXPECT_EQ(1, mmun_check_retry(self->id, token.seq));
	subject_fill_page(3);
	EXPECT_EQ(2, worker_join(&self->reader));
	EXPECT_EQ(1, mmun_commit(token));
	for (int i = 1; i < 4; i++)
		expect_shadow(i, false);
}

/*
 *	reader: pages 0, 1	mutator
 *	waits for page 0	drop page 1, fill page 0
 *	waits for page 1	drop page 0, fill page 1
 *	has both: collides
 */
TEST_F(interleaving, snapshot_without_retries_left_publishes_nothing)
{
	__u64 pages[2] = { 1, 2 };

	need_userfault(2);
	drop_page(0);
	self->reader.length = mmun_pages(2);
	self->reader.snap.max_retries = 2;
	self->reader.snap.pages = mmun_u64(pages);
	worker_do(&self->reader, job_snapshot);
	for (int i = 0; i < 3; i++) {
		expect_blocked_in(self->reader.tid, MMUN_SNAPSHOT);
		EXPECT_EQ(i, query(self->id).out_collisions);
		drop_page(1);
		subject_fill_page(0);
		expect_blocked_in(self->reader.tid, MMUN_SNAPSHOT);
		drop_page(0);
		subject_fill_page(1);
	}
	EXPECT_EQ(0, worker_join(&self->reader));
	EXPECT_EQ(1, self->reader.snap.out_collided);
	EXPECT_EQ(2, self->reader.snap.out_retries);
	EXPECT_EQ(0, self->reader.snap.out_valid);
	EXPECT_EQ(3, query(self->id).out_collisions);
	EXPECT_EQ(0, query(self->id).out_commits);
	EXPECT_EQ(1, pages[0]);
	EXPECT_EQ(2, pages[1]);
	expect_shadow(0, false);
	expect_shadow(1, false);
}

/* Invalidations of the second range */

TEST_F(interleaving, held_callback_does_not_delay_a_snapshot_of_another_range)
{
	__u32 at = hold_callback(0, NEAR_PAGE, self->near);

	worker_do(&self->reader, job_snapshot);
	EXPECT_EQ(MMUN_TASK_GONE, mmun_quiesce_one(self->reader.tid).state);
	EXPECT_EQ(MMUN_HOLD_HELD, mmun_hold_state(at));
	EXPECT_EQ(0, worker_join(&self->reader));
	EXPECT_EQ(0, self->reader.snap.out_collided);
	EXPECT_EQ(0, self->reader.snap.out_retries);
	EXPECT_EQ(RANGE_PAGES, self->reader.snap.out_valid);
	resume_mutator(0, at);
}

static int mutate_until_stopped(struct subject *subject, int nr)
{
	while (!__atomic_load_n(&subject->stop, __ATOMIC_RELAXED))
		if (mutate_dontneed(subject, nr))
			return -1;
	return 0;
}

#define calls_of_near() (query(self->near).out_invalidations)

TEST_F(interleaving, snapshots_beside_a_busy_range_need_no_retry)
{
	__u64 before;
	int i;

	mmun_log_setup(0, 0);
	order_mutator(0, mutate_until_stopped, NEAR_PAGE);
	while (!calls_of_near())
		sched_yield();
	before = calls_of_near();
	for (i = 0; i < 500 || calls_of_near() < before + 100; i++) {
		ASSERT_EQ(0, job_snapshot(&self->reader));
		ASSERT_EQ(0, self->reader.snap.out_collided);
	}
	self->subject->stop = true;
	EXPECT_EQ(0, subject_answer(subject_thread(0)));
	EXPECT_EQ(0, query(self->id).out_invalidations);
	EXPECT_EQ(i, query(self->id).out_commits);
}

/*
 * The sequence has 64 bits and grows by two, so no test reaches its
 * wrap-around.  The tests cover two edge cases.  The sequence of a new range is
 * one less than the sequence of an idle mm.  A nested invalidation does not
 * change the sequence.
 */

TEST_F(interleaving, sequence_grows_by_two_with_each_invalidation_that_hits)
{
	struct mmun_record r[3];
	__u32 new;

	for (int i = 0; i < 3; i++) {
		drop_page(FREE_PAGE);
		drop_page(1);
		r[i] = expect_clear(self->id, 1);
	}
	EXPECT_EQ(r[0].cur_seq + 2, r[1].cur_seq);
	EXPECT_EQ(r[1].cur_seq + 2, r[2].cur_seq);
	/* A new range starts with the sequence of the last invalidation. */
	new = insert_at(NEAR_PAGE);
	EXPECT_EQ(r[2].cur_seq, query(new).out_seq);
	EXPECT_EQ(r[2].cur_seq, query(self->id).out_seq);
}

/*
 *   0   1   2   3
 *   |-----range-----|		hit first
 *   |--new--|			inserted afterwards: the same sequence
 */
TEST_F(interleaving, first_invalidation_changes_the_sequence_of_a_new_range)
{
	struct mmun_token old, new;
	__u32 id;

	drop_page(3);
	id = mmun_insert(self->map, mmun_pages(2));
	old = mmun_read_begin(self->id);
	new = mmun_read_begin(id);
	EXPECT_EQ(old.seq, new.seq);
	drop_page(3);
	EXPECT_EQ(1, mmun_commit(old));
	EXPECT_EQ(0, mmun_check_retry(id, new.seq));
	drop_page(0);
	EXPECT_EQ(1, mmun_commit(new));
	EXPECT_EQ(new.seq + 4, mmun_read_begin(id).seq);
}

/*
 *	mutator 0	mutator 1			reader of late
 *	held, even	(late is inserted: odd)
 *			held in the callback of late,
 *			which gets the same sequence	begin: waits
 *	resumed						still waits
 *			resumed				returns
 */
TEST_F(interleaving, reader_waits_even_if_the_callback_repeats_the_sequence)
{
	__u32 at = open_even(), inner, late;
	struct mmun_token before = mmun_read_begin(self->id);
	struct mmun_record r;
	__u64 seq;

	late = insert_at(0);
	seq = query(late).out_seq;
	inner = hold_callback(1, 0, late);
	EXPECT_EQ(seq, query(late).out_seq);
	EXPECT_EQ(1, query(late).out_invalidations);
	self->reader.id = late;
	block_reader();
	resume_mutator(0, at);
	expect_blocked_in(self->reader.tid, MMUN_READ_BEGIN);
	resume_mutator(1, inner);
	EXPECT_EQ(0, worker_join(&self->reader));
	EXPECT_EQ(0, mmun_commit(self->reader.token));
	EXPECT_EQ(seq, self->reader.token.seq);
	EXPECT_EQ(1, mmun_commit(before));
	ASSERT_EQ(1, mmun_next_record(self->fd, &r));
	EXPECT_EQ(seq, r.cur_seq);
}

/*
 *	mutator 0	mutator 1	mutator 0
 *	held, odd	held, odd
 *	resumed		resumed		hits again
 */
TEST_F(interleaving, overlapping_invalidations_have_one_sequence)
{
	struct mmun_record r[3];
	__u32 at[2];

	for (int i = 0; i < 2; i++)
		at[i] = hold_callback(i, i, self->id);
	for (int i = 0; i < 2; i++)
		resume_mutator(i, at[i]);
	drop_page(2);
	for (int i = 0; i < 3; i++)
		r[i] = expect_clear(self->id, i);
	EXPECT_EQ(r[0].cur_seq, r[1].cur_seq);
	EXPECT_EQ(r[1].cur_seq + 2, r[2].cur_seq);
}

/* Replace the pages of the subject by a huge page. */
static int mutate_map_huge(struct subject *subject, int nr)
{
	char *p = mmun_arena_aligned(HUGE_SIZE, HUGE_SIZE);

	if (!p || !mmun_map(p, HUGE_SIZE))
		return -1;
	madvise(p, HUGE_SIZE, MADV_HUGEPAGE);
	memset(p, 1, HUGE_SIZE);
	subject->map = p;
	return madvise(p, HUGE_SIZE, MADV_COLLAPSE);
}

#define NO_HUGE_PAGE \
	"no huge page: set CONFIG_TRANSPARENT_HUGEPAGE, boot with MEM=1G"

/*
 *	page 1 of 512 is dropped		reader
 *	start
 *	    the huge page is split: start
 *	    end: held				begin: waits
 *	    resumed
 *	end					returns
 */
TEST_F(interleaving, reader_waits_for_the_end_of_the_outer_invalidation)
{
	struct mmun_record outer, inner;
	__u32 at;

	if (subject_do(subject_thread(0), mutate_map_huge, 0))
		SKIP(return, NO_HUGE_PAGE);
	self->map = self->subject->map;
	self->reader.id = mmun_insert(self->map, HUGE_SIZE);
	at = hold_mutator(0, mutate_dontneed, 1, MMUN_POINT_END, 0);
	outer = expect_clear(self->reader.id, 1);
	inner = mmun_expect_event(self->reader.id, MMUN_EVENT_CLEAR, self->map,
				  HUGE_SIZE);
	EXPECT_EQ(outer.cur_seq, inner.cur_seq);
	EXPECT_EQ(mmun_u64(self->map) + HUGE_SIZE, mmun_wait_held(at).out_end);
	expect_balance(0);
	block_reader();
	resume_mutator(0, at);
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

TEST_F_TIMEOUT(interleaving, begin_and_commit_agree_after_100000_invalidations,
	       120)
{
	struct mmun_token before = mmun_read_begin(self->id), after;

	mmun_log_setup(0, 0);
	for (int i = 0; i < LONG_RUN; i += STEP)
		subject_must(0, mutate_many_times, STEP);
	EXPECT_EQ(LONG_RUN, query(self->id).out_invalidations);
	EXPECT_EQ(1, mmun_commit(before));
	after = mmun_read_begin(self->id);
	EXPECT_EQ(before.seq + 2 * LONG_RUN, after.seq);
	EXPECT_EQ(0, mmun_check_retry(self->id, after.seq));
	EXPECT_EQ(0, mmun_commit(after));
	after = mmun_read_begin(self->id);
	drop_page(0);
	EXPECT_EQ(1, mmun_commit(after));
}

MMUN_HARNESS_MAIN
