// SPDX-License-Identifier: GPL-2.0
/*
 * Tests the log: the order of the records, lost records, read() and poll(),
 * LOG_SETUP, and the contents of a record.  A record contains, for example, the
 * thread that caused the event.
 */
#include "lib/mmun.h"
#include "lib/process.h"
#include "lib/worker.h"

#define NR_PAGES 8

/*
 *	0   1   2   3   4   5   6   7
 *	|---------------------------|	the range, and the map
 */
FIXTURE(log)
{
	MMUN_FIXTURE;
	__u32 id;
	struct worker waiter;
	struct mmun_record r[200];
};

FIXTURE_SETUP(log)
{
	mmun_setup_filled(NR_PAGES);
	self->id = mmun_insert(self->map, NR_PAGES * self->page);
}

MMUN_FIXTURE_TEARDOWN(log)

#define page_at(_i) mmun_page((_i) % NR_PAGES)

/* Raise events @_first to @_last.  Event n is on page n modulo NR_PAGES. */
#define make_events(_first, _last)                                     \
	do {                                                           \
		for (int __i = _first; __i <= (_last); __i++) {        \
			ASSERT_EQ(0, madvise(page_at(__i), self->page, \
					     MADV_DONTNEED));          \
		}                                                      \
	} while (0)

#define expect_page(_i) \
	mmun_expect_event(self->id, MMUN_EVENT_CLEAR, page_at(_i), self->page)

/* Expect that the next records report the events from @_first to @_last. */
#define expect_pages(_first, _last)                                \
	do {                                                       \
		for (int __i = _first; __i <= (_last); __i++)      \
			EXPECT_EQ(__i, expect_page(__i).sequence); \
	} while (0)

#define SIZE(records) ((size_t)((records) * sizeof(struct mmun_record)))

TEST_F(log, records_come_in_order_without_gaps)
{
	make_events(0, 20);
	expect_pages(0, 20);
	mmun_expect_no_event();
}

/*
 *	events	0 1 2 3 4 5 6 7 8 9
 *	log	            |6 7 8 9|
 */
TEST_F(log, full_log_drops_the_oldest_and_the_gap_counts_them)
{
	EXPECT_EQ(0, mmun_log_setup(4, MMUN_LOG_TYPES_DEFAULT));
	make_events(0, 9);
	expect_pages(6, 9);
	mmun_expect_no_event();
	make_events(10, 13);
	expect_pages(10, 13);
}

TEST_F(log, lost_records_leave_a_gap_between_two_records)
{
	EXPECT_EQ(0, mmun_log_setup(4, MMUN_LOG_TYPES_DEFAULT));
	make_events(0, 2);
	expect_pages(0, 0);
	make_events(3, 7);
	expect_pages(4, 4);
}

TEST_F(log, only_whole_records_are_read)
{
	make_events(0, 2);
	EXPECT_ERRNO(EINVAL, read(self->fd, self->r, SIZE(1) - 1));
	EXPECT_ERRNO(EINVAL, read(self->fd, self->r, 1));
	self->r[2].sequence = 77;
	ASSERT_EQ(SIZE(2), read(self->fd, self->r, SIZE(2.5)));
	EXPECT_EQ(0, self->r[0].sequence);
	EXPECT_EQ(1, self->r[1].sequence);
	EXPECT_EQ(77, self->r[2].sequence);
	ASSERT_EQ(SIZE(1), read(self->fd, self->r, SIZE(3)));
	EXPECT_EQ(2, self->r[0].sequence);
}

TEST_F(log, one_read_can_empty_the_log)
{
	make_events(0, 149);
	ASSERT_EQ(SIZE(150), read(self->fd, self->r, SIZE(200)));
	for (int i = 0; i < 150; i++)
		EXPECT_EQ(i, self->r[i].sequence);
	mmun_expect_no_event();
}

static int readable(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN | POLLOUT | POLLERR };

	return poll(&pfd, 1, 0) < 0 ? -1 : pfd.revents;
}

TEST_F(log, poll_reports_pollin_while_there_is_a_record)
{
	EXPECT_EQ(0, readable(self->fd));
	make_events(0, 1);
	EXPECT_EQ(POLLIN, readable(self->fd));
	expect_page(0);
	EXPECT_EQ(POLLIN, readable(self->fd));
	expect_page(1);
	EXPECT_EQ(0, readable(self->fd));
}

TEST_F(log, reading_an_empty_log_with_o_nonblock_is_eagain)
{
	ASSERT_EQ(0, fcntl(self->fd, F_SETFL, O_NONBLOCK));
	EXPECT_ERRNO(EAGAIN, read(self->fd, self->r, SIZE(1)));
	make_events(3, 3);
	EXPECT_EQ(SIZE(1), read(self->fd, self->r, SIZE(1)));
	EXPECT_ERRNO(EAGAIN, read(self->fd, self->r, SIZE(1)));
	/* A buffer that is too small is an error even if the log is empty. */
	EXPECT_ERRNO(EINVAL, read(self->fd, self->r, SIZE(1) - 1));
}

TEST_F(log, read_into_a_bad_buffer_loses_no_record)
{
	char *bad = mmun_arena(1);
	char *end = mmun_map_filled(mmun_arena(1), 1) + self->page;

	make_events(0, 2);
	EXPECT_ERRNO(EFAULT, read(self->fd, bad, SIZE(1)));
	EXPECT_ERRNO(EFAULT, read(self->fd, bad, SIZE(3)));
	EXPECT_ERRNO(EFAULT, read(self->fd, end - SIZE(1) + 1, SIZE(1)));
	expect_pages(0, 2);
}

/* Threads that wait for a record, by read() or by poll() */

static int job_read(struct worker *w)
{
	return read(w->fd, w->at, w->length);
}

static int job_poll(struct worker *w)
{
	struct pollfd pfd = { .fd = w->fd, .events = POLLIN };

	return poll(&pfd, 1, -1);
}

/* Start a thread, and wait until the thread sleeps in @_job. */
#define start_waiter(_job)                                           \
	do {                                                         \
		self->waiter.fd = self->fd;                          \
		self->waiter.at = (char *)self->r;                   \
		self->waiter.length = SIZE(1);                       \
		ASSERT_EQ(0, worker_create(&self->waiter));          \
		worker_do(&self->waiter, _job);                      \
		ASSERT_EQ(MMUN_TASK_WAITING,                         \
			  mmun_quiesce_one(self->waiter.tid).state); \
	} while (0)

TEST_F(log, event_wakes_a_blocked_read)
{
	start_waiter(job_read);
	make_events(5, 5);
	EXPECT_EQ(SIZE(1), worker_join(&self->waiter));
	EXPECT_EQ(mmun_u64(page_at(5)), self->r->clip_start);
}

TEST_F(log, event_wakes_a_blocked_poll)
{
	start_waiter(job_poll);
	make_events(5, 5);
	EXPECT_EQ(1, worker_join(&self->waiter));
	expect_page(5);
}

static void do_nothing(int signal)
{
}

TEST_F(log, signal_ends_a_blocked_read_with_eintr)
{
	struct sigaction action = { .sa_handler = do_nothing };

	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	start_waiter(job_read);
	ASSERT_EQ(0, pthread_kill(self->waiter.thread, SIGUSR1));
	EXPECT_ERRNO(EINTR, worker_join(&self->waiter));
}

TEST_F(log, log_setup_drops_and_counts_unread_records)
{
	make_events(0, 4);
	expect_page(0);
	EXPECT_EQ(4, mmun_log_setup(16, MMUN_LOG_TYPES_DEFAULT));
	mmun_expect_no_event();
	EXPECT_EQ(0, mmun_log_setup(8, MMUN_LOG_TYPES_DEFAULT));
	make_events(5, 5);
	EXPECT_EQ(5, expect_page(5).sequence);
}

TEST_F(log, log_is_as_large_as_requested)
{
	const __u32 max = mmun_info().out_max_log_records;
	EXPECT_EQ(0, mmun_log_setup(max, MMUN_LOG_TYPES_DEFAULT));
	make_events(0, 2);
	EXPECT_EQ(0, expect_page(0).sequence);
	mmun_err_log_setup(EINVAL, 2 * max, MMUN_LOG_TYPES_DEFAULT);
	EXPECT_EQ(2, mmun_log_setup(1, MMUN_LOG_TYPES_DEFAULT));
	make_events(0, 2);
	EXPECT_EQ(5, expect_page(2).sequence);
	mmun_expect_no_event();
}

TEST_F(log, disabled_log_stays_empty_and_ranges_still_count_events)
{
	mmun_log_setup(0, MMUN_LOG_TYPES_ALL);
	make_events(0, 2);
	EXPECT_EQ(0, readable(self->fd));
	EXPECT_EQ(0, mmun_log_setup(16, 0));
	make_events(3, 4);
	EXPECT_EQ(0, readable(self->fd));
	EXPECT_EQ(5, mmun_query_range(self->id).out_invalidations);
	EXPECT_EQ(0, mmun_log_setup(16, MMUN_LOG_TYPES_DEFAULT));
	make_events(5, 5);
	expect_page(5);
}

TEST_F(log, failed_log_setup_keeps_the_log)
{
	make_events(0, 1);
	mmun_err_log_setup(EINVAL, 3, 1);
	mmun_err_log_setup(EOPNOTSUPP, 4, MMUN_LOG_TYPES_ALL + 1);
	expect_page(0);
	expect_page(1);
}

TEST_F(log, failed_insert_logs_an_insert_and_a_remove)
{
	mmun_log_setup(16, 1U << MMUN_RECORD_INSERT | 1U << MMUN_RECORD_REMOVE);
	mmun_err_insert(EOVERFLOW, self->map, 0);
	ASSERT_EQ(POLLIN, readable(self->fd));
	ASSERT_EQ(SIZE(2), read(self->fd, self->r, SIZE(2)));
	EXPECT_EQ(MMUN_RECORD_INSERT, self->r[0].type);
	EXPECT_EQ(MMUN_RECORD_REMOVE, self->r[1].type);
	EXPECT_EQ(self->r[0].id, self->r[1].id);
	mmun_expect_no_event();
}

/*
 *	0   1   2   3   4   5   6   7
 *	    |-range-|
 *	|-invalidate----|
 *	    |-clip--|
 */
TEST_F(log, record_has_the_whole_invalidation_and_the_part_in_its_range)
{
	__u32 id = mmun_insert(self->map + self->page + 1, 2 * self->page - 2);
	struct mmun_record r;

	mmun_remove(self->id);
	ASSERT_EQ(0, madvise(self->map, 4 * self->page, MADV_DONTNEED));
	r = mmun_expect_event(id, MMUN_EVENT_CLEAR, self->map + self->page + 1,
			      2 * self->page - 2);
	EXPECT_EQ(mmun_u64(self->map), r.start);
	EXPECT_EQ(mmun_u64(self->map) + 4 * self->page, r.end);
	EXPECT_EQ(0, r.__reserved);
}

TEST_F(log, invalidation_has_one_odd_sequence_for_all_its_ranges)
{
	mmun_insert(self->map, self->page);
	make_events(0, 0);
	make_events(0, 0);
	ASSERT_EQ(POLLIN, readable(self->fd));
	ASSERT_EQ(SIZE(4), read(self->fd, self->r, SIZE(4)));
	for (int i = 0; i < 4; i++)
		EXPECT_EQ(1, self->r[i].cur_seq & 1);
	EXPECT_EQ(self->r[0].cur_seq, self->r[1].cur_seq);
	EXPECT_EQ(self->r[2].cur_seq, self->r[3].cur_seq);
	EXPECT_NE(self->r[0].id, self->r[1].id);
	EXPECT_EQ(self->r[0].cur_seq + 2, self->r[2].cur_seq);
}

static __u64 now(void)
{
	struct timespec ts = mmun_now();

	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

TEST_F(log, times_are_monotonic_and_inside_the_call)
{
	__u64 before, after, last = 0, spent = 0;
	struct mmun_record r;

	before = now();
	make_events(0, 20);
	after = now();
	for (int i = 0; i <= 20; i++) {
		r = expect_page(i);
		EXPECT_LE(before, r.time_ns);
		EXPECT_LE(last, r.time_ns);
		/* A coarse clock may report no time for a short callback. */
		if (!mmun_is_uml())
			EXPECT_LT(0, r.duration_ns);
		last = r.time_ns + r.duration_ns;
		spent += r.duration_ns;
	}
	EXPECT_GE(after, last);
	if (!mmun_is_uml())
		EXPECT_LT(0, spent);
}

/* The thread that caused the event */

static int job_named_event(struct worker *w)
{
	prctl(PR_SET_NAME, "mmun-worker");
	return madvise(w->at, w->length, MADV_DONTNEED);
}

#define expect_cause(_record, _tid, _tgid, _comm)     \
	({                                            \
		struct mmun_record __cause = _record; \
		EXPECT_EQ(_tid, __cause.tid);         \
		EXPECT_EQ(_tgid, __cause.tgid);       \
		EXPECT_STREQ(_comm, __cause.comm);    \
	})

/* The worker raises an event on page 6, and the main thread one on page 0. */
TEST_F(log, event_names_the_thread_that_caused_it)
{
	struct worker w = { .at = page_at(6), .length = self->page };

	ASSERT_EQ(0, worker_create(&w));
	worker_do(&w, job_named_event);
	ASSERT_EQ(0, worker_join(&w));
	EXPECT_NE(w.tid, getpid());
	expect_cause(expect_page(6), w.tid, getpid(), "mmun-worker");
	ASSERT_EQ(0, prctl(PR_SET_NAME, "mmun-main"));
	make_events(0, 0);
	expect_cause(expect_page(0), getpid(), getpid(), "mmun-main");
}

/* Functions that a child executes, to invalidate memory of the test */

static int write_to_parent(void *addr, int nr)
{
	char path[64];
	int fd;

	prctl(PR_SET_NAME, "mmun-child");
	snprintf(path, sizeof(path), "/proc/%d/mem", getppid());
	fd = open(path, O_WRONLY);
	return fd < 0 || pwrite(fd, "!", 1, mmun_u64(addr)) != 1 ? -1 : 0;
}

static int truncate_to_page(void *arg, int memfd)
{
	prctl(PR_SET_NAME, "mmun-child");
	return ftruncate(memfd, sysconf(_SC_PAGESIZE));
}

/*
 * The parent and the child share the page.  The child writes to the parent's
 * memory through /proc.  The write copies the page, which raises an event.
 */
TEST_F(log, event_names_the_process_that_wrote_through_proc_mem)
{
	struct mmun_child child;

	ASSERT_EQ(0, mmun_child_start(&child, page_at(2)));
	mmun_drain_log(self->fd);
	ASSERT_EQ(0, mmun_child_do(&child, write_to_parent, 0));
	expect_cause(expect_page(2), child.pid, child.pid, "mmun-child");
	mmun_expect_no_event();
	EXPECT_EQ('!', *page_at(2));
	EXPECT_EQ(0, mmun_child_end(&child));
}

TEST_F(log, event_names_the_process_that_truncated_the_file)
{
	const size_t length = 2 * self->page;
	int memfd = mmun_memfd_sized(length, 0);
	char *map = mmun_map_file(mmun_arena(2), length, MAP_SHARED, memfd);
	struct mmun_child child;
	__u32 id;

	ASSERT_NE(NULL, map);
	memset(map, 1, length);
	mmun_remove(self->id);
	id = mmun_insert(map, length);
	ASSERT_EQ(0, mmun_child_start(&child, NULL));
	mmun_drain_log(self->fd);
	ASSERT_EQ(0, mmun_child_do(&child, truncate_to_page, memfd));
	expect_cause(mmun_expect_event(id, MMUN_EVENT_CLEAR, map + self->page,
				       self->page),
		     child.pid, child.pid, "mmun-child");
	EXPECT_EQ(0, mmun_child_end(&child));
}

/* Each test causes records of every type.  A variant checks one type. */
FIXTURE(log_type)
{
	MMUN_FIXTURE;
	__u32 id;
	struct mmun_token tokens[2];
};

/* The expected cur_seq of a record, or NO_SEQ if any value is possible */
enum seq { NO_SEQ, FIRST_BATCH, SECOND_BATCH, ODD };

FIXTURE_VARIANT(log_type)
{
	enum mmun_record_type type;
	int count;
	enum seq seqs[2];
};

/* clang-format off */
FIXTURE_VARIANT_ADD(log_type, invalidate) { MMUN_RECORD_INVALIDATE, 1, { ODD } };
FIXTURE_VARIANT_ADD(log_type, pin)        { MMUN_RECORD_PIN, 1, { NO_SEQ } };
FIXTURE_VARIANT_ADD(log_type, insert)     { MMUN_RECORD_INSERT, 1, { NO_SEQ } };
FIXTURE_VARIANT_ADD(log_type, remove)     { MMUN_RECORD_REMOVE, 1, { NO_SEQ } };
FIXTURE_VARIANT_ADD(log_type, begin)      { MMUN_RECORD_BEGIN, 2, { FIRST_BATCH, SECOND_BATCH } };
FIXTURE_VARIANT_ADD(log_type, commit)     { MMUN_RECORD_COMMIT, 1, { SECOND_BATCH } };
FIXTURE_VARIANT_ADD(log_type, collide)    { MMUN_RECORD_COLLIDE, 1, { FIRST_BATCH } };
/* clang-format on */

FIXTURE_SETUP(log_type)
{
	mmun_setup_filled(1);
}

MMUN_FIXTURE_TEARDOWN(log_type)

static void play_script(struct __test_metadata *_metadata,
			FIXTURE_DATA(log_type) * self)
{
	self->id = mmun_insert(self->map, self->page);
	self->tokens[0] = mmun_read_begin(self->id);
	ASSERT_EQ(0, madvise(self->map, self->page, MADV_DONTNEED));
	EXPECT_EQ(1, mmun_commit(self->tokens[0]));
	self->tokens[1] = mmun_read_begin(self->id);
	EXPECT_EQ(0, mmun_commit(self->tokens[1]));
	MMUN_MUST(__u32, _mmun_pin_mm, 1);
	mmun_remove(self->id);
}

static __u64 expected_seq(FIXTURE_DATA(log_type) * self, enum seq seq,
			  __u64 actual)
{
	const __u64 seqs[] = { 0, self->tokens[0].seq, self->tokens[1].seq,
			       actual | 1 };

	return seqs[seq];
}

TEST_F(log_type, is_logged_with_its_fields_if_only_its_type_is_enabled)
{
	const bool pin = variant->type == MMUN_RECORD_PIN;
	struct mmun_record r;

	mmun_log_setup(64, 1U << variant->type);
	play_script(_metadata, self);
	for (int i = 0; i < variant->count; i++) {
		ASSERT_EQ(1, mmun_next_record(self->fd, &r));
		EXPECT_EQ(expected_seq(self, variant->seqs[i], r.cur_seq),
			  r.cur_seq);
		EXPECT_EQ(variant->type, r.type);
		EXPECT_EQ(i, r.sequence);
		EXPECT_EQ(pin ? 0 : self->id, r.id);
		EXPECT_EQ(pin ? 0 : mmun_u64(self->map), r.start);
		EXPECT_EQ(pin ? 0 : mmun_u64(self->map) + self->page, r.end);
		EXPECT_EQ(mmun_gettid(), r.tid);
	}
	mmun_expect_no_event();
}

TEST_F(log_type, is_not_logged_if_only_other_types_are_enabled)
{
	struct mmun_record r;
	int others = 0;

	mmun_log_setup(64, MMUN_LOG_TYPES_ALL & ~(1U << variant->type));
	play_script(_metadata, self);
	for (; mmun_next_record(self->fd, &r); others++)
		EXPECT_NE(variant->type, r.type);
	EXPECT_EQ(8 - variant->count, others);
}

MMUN_HARNESS_MAIN
