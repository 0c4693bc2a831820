// SPDX-License-Identifier: GPL-2.0
/*
 * The log: its order, what it loses and tells of it, read() and poll(), its
 * set-up, and what a record says, above all who caused it.
 */
#include <stdatomic.h>
#include <time.h>
#include "lib/mmun.h"

#define NR_PAGES	8

/*
 *	0   1   2   3   4   5   6   7
 *	|---------------------------|	the range, and the map
 */
FIXTURE(log)
{
	MMUN_FIXTURE;
	__u32 id;
};

FIXTURE_SETUP(log)
{
	mmun_setup_filled(NR_PAGES);
	self->id = mmun_insert(self->map, NR_PAGES * self->page);
}

MMUN_FIXTURE_TEARDOWN(log)

static char *page_at(FIXTURE_DATA(log) *self, int i)
{
	return self->map + i % NR_PAGES * self->page;
}

/* One event on each of the pages from first to last; they come round. */
static int make_events(FIXTURE_DATA(log) *self, int first, int last)
{
	int i;

	for (i = first; i <= last; i++)
		if (madvise(page_at(self, i), self->page, MADV_DONTNEED))
			return -1;
	return 0;
}

#define expect_page(i)                                                  \
	mmun_expect_event(self->id, MMUN_EVENT_CLEAR, page_at(self, i), \
			  self->page)

#define SIZE(records)	((size_t)((records) * sizeof(struct mmun_record)))

TEST_F(log, records_come_in_order_without_gaps)
{
	__u64 first;
	int i;

	ASSERT_EQ(0, make_events(self, 0, 20));
	first = expect_page(0).sequence;
	EXPECT_EQ(0, first);
	for (i = 1; i <= 20; i++)
		EXPECT_EQ(first + i, expect_page(i).sequence);
	mmun_expect_no_event();
}

/*
 *	events	0 1 2 3 4 5 6 7 8 9
 *	log	            |6 7 8 9|
 */
TEST_F(log, a_full_log_forgets_the_oldest_and_the_gap_counts_them)
{
	int i;

	EXPECT_EQ(0, mmun_log_setup(4, MMUN_LOG_TYPES_DEFAULT));
	ASSERT_EQ(0, make_events(self, 0, 9));
	for (i = 6; i <= 9; i++)
		EXPECT_EQ(i, expect_page(i).sequence);
	mmun_expect_no_event();
	/* It goes on as if nothing had happened. */
	ASSERT_EQ(0, make_events(self, 10, 13));
	for (i = 10; i <= 13; i++)
		EXPECT_EQ(i, expect_page(i).sequence);
}

TEST_F(log, a_gap_can_be_between_two_records)
{
	EXPECT_EQ(0, mmun_log_setup(4, MMUN_LOG_TYPES_DEFAULT));
	ASSERT_EQ(0, make_events(self, 0, 2));
	EXPECT_EQ(0, expect_page(0).sequence);
	ASSERT_EQ(0, make_events(self, 3, 7));
	EXPECT_EQ(4, expect_page(4).sequence);
}

TEST_F(log, only_whole_records_are_read)
{
	struct mmun_record r[3] = {};

	ASSERT_EQ(0, make_events(self, 0, 2));
	EXPECT_ERRNO(EINVAL, read(self->fd, r, SIZE(1) - 1));
	EXPECT_ERRNO(EINVAL, read(self->fd, r, 1));
	r[2].sequence = 77;
	ASSERT_EQ(SIZE(2), read(self->fd, r, SIZE(2.5)));
	EXPECT_EQ(0, r[0].sequence);
	EXPECT_EQ(1, r[1].sequence);
	EXPECT_EQ(77, r[2].sequence);
	ASSERT_EQ(SIZE(1), read(self->fd, r, SIZE(3)));
	EXPECT_EQ(2, r[0].sequence);
}

TEST_F(log, one_read_can_empty_the_log)
{
	struct mmun_record *r = calloc(200, sizeof(*r));
	int i;

	ASSERT_NE(NULL, r);
	ASSERT_EQ(0, make_events(self, 0, 149));
	ASSERT_EQ(SIZE(150), read(self->fd, r, SIZE(200)));
	for (i = 0; i < 150; i++)
		EXPECT_EQ(i, r[i].sequence);
	mmun_expect_no_event();
	free(r);
}

static int readable(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN | POLLOUT | POLLERR };

	return poll(&pfd, 1, 0) < 0 ? -1 : pfd.revents;
}

TEST_F(log, poll_says_pollin_while_there_is_a_record)
{
	EXPECT_EQ(0, readable(self->fd));
	ASSERT_EQ(0, make_events(self, 0, 1));
	EXPECT_EQ(POLLIN, readable(self->fd));
	expect_page(0);
	EXPECT_EQ(POLLIN, readable(self->fd));
	expect_page(1);
	EXPECT_EQ(0, readable(self->fd));
}

TEST_F(log, reading_an_empty_log_with_o_nonblock_is_eagain)
{
	struct mmun_record r;

	ASSERT_EQ(0, fcntl(self->fd, F_SETFL, O_NONBLOCK));
	EXPECT_ERRNO(EAGAIN, read(self->fd, &r, sizeof(r)));
	ASSERT_EQ(0, make_events(self, 3, 3));
	EXPECT_EQ(sizeof(r), read(self->fd, &r, sizeof(r)));
	EXPECT_ERRNO(EAGAIN, read(self->fd, &r, sizeof(r)));
	/* A buffer that is too small is wrong even then. */
	EXPECT_ERRNO(EINVAL, read(self->fd, &r, sizeof(r) - 1));
}

TEST_F(log, a_bad_buffer_loses_no_record)
{
	char *bad = mmun_arena(1);
	char *end = mmun_map_filled(mmun_arena(1), 1) + self->page;

	ASSERT_EQ(0, make_events(self, 0, 2));
	EXPECT_ERRNO(EFAULT, read(self->fd, bad, SIZE(1)));
	EXPECT_ERRNO(EFAULT, read(self->fd, bad, SIZE(3)));
	EXPECT_ERRNO(EFAULT, read(self->fd, end - SIZE(1) + 1, SIZE(1)));
	EXPECT_EQ(0, expect_page(0).sequence);
	EXPECT_EQ(1, expect_page(1).sequence);
	EXPECT_EQ(2, expect_page(2).sequence);
}

/* A thread that waits for a record, by read() or by poll(). */
struct waiter {
	pthread_t thread;
	int fd;
	bool polls;
	atomic_int tid;
	ssize_t ret;
	int err;
	struct mmun_record record;
};

static void *wait_for_record(void *arg)
{
	struct pollfd pfd = { .events = POLLIN };
	struct waiter *w = arg;

	pfd.fd = w->fd;
	w->tid = mmun_gettid();
	w->ret = w->polls ? poll(&pfd, 1, -1) :
			    read(w->fd, &w->record, sizeof(w->record));
	w->err = errno;
	return NULL;
}

static char thread_state(int tid)
{
	char path[64], line[256] = "", *p;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	file = fopen(path, "r");
	if (!file)
		return 0;
	p = fgets(line, sizeof(line), file) ? strrchr(line, ')') : NULL;
	fclose(file);
	return p ? p[2] : 0;
}

/* After the thread has told its tid there is only one thing it sleeps in. */
static int start_waiter(struct waiter *w)
{
	time_t end = time(NULL) + 10;

	if (pthread_create(&w->thread, NULL, wait_for_record, w))
		return -1;
	while (!w->tid || thread_state(w->tid) != 'S') {
		if (time(NULL) > end)
			return -1;
		sched_yield();
	}
	return 0;
}

static int join_waiter(struct waiter *w)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += 10;
	return pthread_timedjoin_np(w->thread, NULL, &end);
}

TEST_F(log, an_event_wakes_a_blocked_read)
{
	struct waiter w = { .fd = self->fd };

	ASSERT_EQ(0, start_waiter(&w));
	ASSERT_EQ(0, make_events(self, 5, 5));
	ASSERT_EQ(0, join_waiter(&w))
	{
		TH_LOG("read() still waits though there is a record");
	}
	EXPECT_EQ(sizeof(w.record), w.ret);
	EXPECT_EQ(mmun_u64(page_at(self, 5)), w.record.clip_start);
}

TEST_F(log, an_event_wakes_a_blocked_poll)
{
	struct waiter w = { .fd = self->fd, .polls = true };

	ASSERT_EQ(0, start_waiter(&w));
	ASSERT_EQ(0, make_events(self, 5, 5));
	ASSERT_EQ(0, join_waiter(&w))
	{
		TH_LOG("poll() still waits though there is a record");
	}
	EXPECT_EQ(1, w.ret);
	expect_page(5);
}

static void do_nothing(int signal)
{
}

TEST_F(log, a_signal_ends_a_blocked_read_with_eintr)
{
	struct sigaction action = { .sa_handler = do_nothing };
	struct waiter w = { .fd = self->fd };

	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	ASSERT_EQ(0, start_waiter(&w));
	ASSERT_EQ(0, pthread_kill(w.thread, SIGUSR1));
	ASSERT_EQ(0, join_waiter(&w))
	{
		TH_LOG("read() still waits though there was a signal");
	}
	EXPECT_EQ(-1, w.ret);
	EXPECT_EQ(EINTR, w.err);
}

TEST_F(log, setup_drops_and_counts_what_was_not_read)
{
	ASSERT_EQ(0, make_events(self, 0, 4));
	expect_page(0);
	EXPECT_EQ(4, mmun_log_setup(16, MMUN_LOG_TYPES_DEFAULT));
	mmun_expect_no_event();
	EXPECT_EQ(0, mmun_log_setup(8, MMUN_LOG_TYPES_DEFAULT));
	ASSERT_EQ(0, make_events(self, 5, 5));
	EXPECT_EQ(5, expect_page(5).sequence);
}

TEST_F(log, a_log_is_as_large_as_was_asked)
{
	const __u32 max = mmun_info().out_max_log_records;
	__u64 lost;

	EXPECT_EQ(0, mmun_log_setup(max, MMUN_LOG_TYPES_DEFAULT));
	ASSERT_EQ(0, make_events(self, 0, 2));
	EXPECT_EQ(0, expect_page(0).sequence);
	EXPECT_ERRNO(EINVAL, _mmun_log_setup(self->fd, 2 * max,
					     MMUN_LOG_TYPES_DEFAULT, &lost));
	EXPECT_EQ(2, mmun_log_setup(1, MMUN_LOG_TYPES_DEFAULT));
	ASSERT_EQ(0, make_events(self, 0, 2));
	EXPECT_EQ(5, expect_page(2).sequence);
	mmun_expect_no_event();
}

TEST_F(log, without_room_or_types_nothing_is_logged_but_all_is_counted)
{
	mmun_log_setup(0, MMUN_LOG_TYPES_ALL);
	ASSERT_EQ(0, make_events(self, 0, 2));
	EXPECT_EQ(0, readable(self->fd));
	EXPECT_EQ(0, mmun_log_setup(16, 0));
	ASSERT_EQ(0, make_events(self, 3, 4));
	EXPECT_EQ(0, readable(self->fd));
	EXPECT_EQ(5, mmun_query_range(self->id).out_invalidations);
	EXPECT_EQ(0, mmun_log_setup(16, MMUN_LOG_TYPES_DEFAULT));
	ASSERT_EQ(0, make_events(self, 5, 5));
	expect_page(5);
}

TEST_F(log, a_refused_setup_keeps_the_log)
{
	__u64 lost;

	ASSERT_EQ(0, make_events(self, 0, 1));
	EXPECT_ERRNO(EINVAL, _mmun_log_setup(self->fd, 3, 1, &lost));
	EXPECT_ERRNO(EOPNOTSUPP,
		     _mmun_log_setup(self->fd, 4, MMUN_LOG_TYPES_ALL + 1,
				     &lost));
	expect_page(0);
	expect_page(1);
}

TEST_F(log, a_failed_insert_is_followed_by_its_removal)
{
	struct mmun_record r[2];
	int i;

	mmun_log_setup(16, 1U << MMUN_RECORD_INSERT | 1U << MMUN_RECORD_REMOVE);
	mmun_err_insert(EOVERFLOW, self->map, 0);
	for (i = 0; i < 2; i++)
		ASSERT_EQ(1, mmun_next_record(self->fd, r + i));
	EXPECT_EQ(MMUN_RECORD_INSERT, r[0].type);
	EXPECT_EQ(MMUN_RECORD_REMOVE, r[1].type);
	EXPECT_EQ(r[0].id, r[1].id);
	mmun_expect_no_event();
}

/*
 *	0   1   2   3   4   5   6   7
 *	    |-range-|
 *	|-invalidate----|
 *	    |-clip--|
 */
TEST_F(log, a_record_tells_the_whole_invalidation_and_its_part_of_it)
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

TEST_F(log, an_invalidation_has_one_odd_sequence_for_all_its_ranges)
{
	struct mmun_record r[4];
	int i;

	mmun_insert(self->map, self->page);
	ASSERT_EQ(0, make_events(self, 0, 0));
	ASSERT_EQ(0, make_events(self, 0, 0));
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(1, mmun_next_record(self->fd, r + i));
		EXPECT_EQ(1, r[i].cur_seq & 1);
	}
	EXPECT_EQ(r[0].cur_seq, r[1].cur_seq);
	EXPECT_EQ(r[2].cur_seq, r[3].cur_seq);
	EXPECT_NE(r[0].id, r[1].id);
	EXPECT_EQ(r[0].cur_seq + 2, r[2].cur_seq);
}

static __u64 now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

TEST_F(log, times_are_monotonic_and_inside_the_call)
{
	__u64 before, after, last = 0, spent = 0;
	struct mmun_record r;
	int i;

	before = now();
	ASSERT_EQ(0, make_events(self, 0, 20));
	after = now();
	for (i = 0; i <= 20; i++) {
		r = expect_page(i);
		EXPECT_LE(before, r.time_ns);
		EXPECT_LE(last, r.time_ns);
		/* A callback may be shorter than a tick of a coarse clock. */
		if (!mmun_is_uml())
			EXPECT_LT(0, r.duration_ns);
		last = r.time_ns + r.duration_ns;
		spent += r.duration_ns;
	}
	EXPECT_GE(after, last);
	if (!mmun_is_uml())
		EXPECT_LT(0, spent);
}

/* Who caused it. */

struct worker {
	FIXTURE_DATA(log) *self;
	int tid;
};

static void *named_worker(void *arg)
{
	struct worker *worker = arg;

	prctl(PR_SET_NAME, "mmun-worker");
	worker->tid = mmun_gettid();
	return (void *)(long)make_events(worker->self, 6, 6);
}

TEST_F(log, an_event_names_the_thread_that_caused_it)
{
	struct worker worker = { .self = self };
	struct mmun_record r;
	pthread_t thread;
	void *ret;

	ASSERT_EQ(0, pthread_create(&thread, NULL, named_worker, &worker));
	ASSERT_EQ(0, pthread_join(thread, &ret));
	ASSERT_EQ(NULL, ret);
	/* The first thread of a process may unmap things, but not these. */
	r = expect_page(6);
	EXPECT_EQ(worker.tid, r.tid);
	EXPECT_EQ(getpid(), r.tgid);
	EXPECT_NE(r.tid, r.tgid);
	EXPECT_STREQ("mmun-worker", r.comm);
	ASSERT_EQ(0, prctl(PR_SET_NAME, "mmun-main"));
	ASSERT_EQ(0, make_events(self, 0, 0));
	r = expect_page(0);
	EXPECT_EQ(getpid(), r.tid);
	EXPECT_EQ(getpid(), r.tgid);
	EXPECT_STREQ("mmun-main", r.comm);
}

/* Another process that does something to our memory, when it is told to. */
struct stranger {
	pid_t pid;
	int go[2];
};

/* Returns 0 in the child when it is time, and 1 in the parent. */
static int start_stranger(struct stranger *s)
{
	char byte;

	if (pipe(s->go))
		return -1;
	s->pid = fork();
	if (s->pid < 0)
		return -1;
	if (s->pid)
		return 1;
	prctl(PR_SET_NAME, "mmun-stranger");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	return read(s->go[0], &byte, 1) == 1 ? 0 : -1;
}

static int run_stranger(struct stranger *s)
{
	if (write(s->go[1], ".", 1) != 1)
		return -1;
	close(s->go[0]);
	close(s->go[1]);
	return mmun_wait_child(s->pid);
}

#define expect_stranger(r, s)                            \
	({                                               \
		EXPECT_EQ((s).pid, (r).tid);             \
		EXPECT_EQ((s).pid, (r).tgid);            \
		EXPECT_STREQ("mmun-stranger", (r).comm); \
	})

/* Through the memory file of its parent. */
static int write_to_parent(char *addr)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", getppid());
	fd = open(path, O_WRONLY);
	return fd < 0 ? 1 : pwrite(fd, "!", 1, mmun_u64(addr)) != 1;
}

/*
 * After fork() both share the pages; who writes to one for the parent breaks
 * that in the parent's page tables, which is an event there.
 */
TEST_F(log, an_event_names_a_foreign_process_that_wrote)
{
	struct mmun_record r;
	struct stranger s;
	int ret = start_stranger(&s);

	ASSERT_LE(0, ret);
	if (!ret)
		_exit(write_to_parent(page_at(self, 2)));
	mmun_drain_log(self->fd);
	ASSERT_EQ(0, run_stranger(&s));
	r = expect_page(2);
	expect_stranger(r, s);
	mmun_expect_no_event();
	EXPECT_EQ('!', *page_at(self, 2));
}

TEST_F(log, an_event_names_a_foreign_process_that_truncated)
{
	const size_t length = 2 * self->page;
	int ret, memfd = mmun_memfd(0);
	struct mmun_record r;
	struct stranger s;
	char *map;
	__u32 id;

	ASSERT_EQ(0, ftruncate(memfd, length));
	map = mmap(mmun_arena(2), length, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_FIXED, memfd, 0);
	ASSERT_NE(MAP_FAILED, map);
	memset(map, 1, length);
	mmun_remove(self->id);
	id = mmun_insert(map, length);
	ret = start_stranger(&s);
	ASSERT_LE(0, ret);
	if (!ret)
		_exit(ftruncate(memfd, self->page));
	mmun_drain_log(self->fd);
	ASSERT_EQ(0, run_stranger(&s));
	ASSERT_EQ(1, mmun_next_record(self->fd, &r));
	expect_stranger(r, s);
	EXPECT_EQ(id, r.id);
	EXPECT_EQ(MMUN_EVENT_CLEAR, r.event);
	EXPECT_EQ(mmun_u64(map) + self->page, r.clip_start);
	EXPECT_EQ(mmun_u64(map) + length, r.clip_end);
}

/*
 * One script, in which everything happens that the log has a type for; each
 * variant logs one type only.
 */
FIXTURE(log_type)
{
	MMUN_FIXTURE;
	__u32 id;
	struct mmun_token tokens[2];
};

/* A record to expect: with which sequence, as far as the script knows it. */
enum seq { NO_SEQ, FIRST_BATCH, SECOND_BATCH, ODD };

FIXTURE_VARIANT(log_type)
{
	enum mmun_record_type type;
	int count;
	enum seq seqs[2];
};

/* clang-format off */
FIXTURE_VARIANT_ADD(log_type, invalidate) {
	.type = MMUN_RECORD_INVALIDATE, .count = 1, .seqs = { ODD },
};

FIXTURE_VARIANT_ADD(log_type, park) {
	.type = MMUN_RECORD_PIN, .count = 1, .seqs = { NO_SEQ },
};

FIXTURE_VARIANT_ADD(log_type, insert) {
	.type = MMUN_RECORD_INSERT, .count = 1, .seqs = { NO_SEQ },
};

FIXTURE_VARIANT_ADD(log_type, remove) {
	.type = MMUN_RECORD_REMOVE, .count = 1, .seqs = { NO_SEQ },
};

FIXTURE_VARIANT_ADD(log_type, begin) {
	.type = MMUN_RECORD_BEGIN, .count = 2,
	.seqs = { FIRST_BATCH, SECOND_BATCH },
};

FIXTURE_VARIANT_ADD(log_type, commit) {
	.type = MMUN_RECORD_COMMIT, .count = 1, .seqs = { SECOND_BATCH },
};

FIXTURE_VARIANT_ADD(log_type, collide) {
	.type = MMUN_RECORD_COLLIDE, .count = 1, .seqs = { FIRST_BATCH },
};

/* clang-format on */

FIXTURE_SETUP(log_type)
{
	self->page = sysconf(_SC_PAGESIZE);
	self->fd = mmun_open();
	ASSERT_LE(0, self->fd);
	self->map = mmun_map_filled(mmun_arena(1), 1);
	ASSERT_NE(NULL, self->map);
}

MMUN_FIXTURE_TEARDOWN(log_type)

static void play_script(struct __test_metadata *_metadata,
			FIXTURE_DATA(log_type) *self)
{
	__u32 released;

	self->id = mmun_insert(self->map, self->page);
	self->tokens[0] = mmun_read_begin(self->id);
	ASSERT_EQ(0, madvise(self->map, self->page, MADV_DONTNEED));
	EXPECT_EQ(1, mmun_commit(self->tokens[0]));
	self->tokens[1] = mmun_read_begin(self->id);
	EXPECT_EQ(0, mmun_commit(self->tokens[1]));
	ASSERT_EQ(0, _mmun_pin_mm(self->fd, 1, &released));
	mmun_remove(self->id);
}

static __u64 expected_seq(FIXTURE_DATA(log_type) *self, enum seq seq,
			  __u64 actual)
{
	switch (seq) {
	case NO_SEQ:
		return 0;
	case ODD:
		return actual | 1;
	default:
		return self->tokens[seq - FIRST_BATCH].seq;
	}
}

TEST_F(log_type, it_is_logged_alone_and_tells_what_happened)
{
	const bool park = variant->type == MMUN_RECORD_PIN;
	struct mmun_record r;
	int i;

	mmun_log_setup(64, 1U << variant->type);
	play_script(_metadata, self);
	for (i = 0; i < variant->count; i++) {
		ASSERT_EQ(1, mmun_next_record(self->fd, &r));
		EXPECT_EQ(variant->type, r.type);
		EXPECT_EQ(i, r.sequence);
		EXPECT_EQ(park ? 0 : self->id, r.id);
		EXPECT_EQ(park ? 0 : mmun_u64(self->map), r.start);
		EXPECT_EQ(park ? 0 : mmun_u64(self->map) + self->page, r.end);
		EXPECT_EQ(mmun_gettid(), r.tid);
		EXPECT_EQ(expected_seq(self, variant->seqs[i], r.cur_seq),
			  r.cur_seq);
	}
	mmun_expect_no_event();
}

TEST_F(log_type, it_is_not_logged_when_only_the_others_are)
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
