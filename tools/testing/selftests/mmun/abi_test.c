// SPDX-License-Identifier: GPL-2.0
/*
 * The contract of each call: values, errno, the order of the checks, objects
 * that are gone, privilege.  Every wrong value is tried alone, in a call that
 * is otherwise perfect.  Every wrong value is also tried together with every
 * other wrong value of the call.
 */
#include "lib/calls.h"
#include "lib/worker.h"

/*
 * The order of the checks.  SEQ is compared only if the batch exists.  The code
 * of mm/ detects OVERFLOW.
 */
enum stage { OFFER, VALUE, KTHREAD, ID, INTERVAL, SEQ, OVERFLOW, BUFFER };

/* clang-format off */
static const int stage_errno[] = {
	[OFFER] = EOPNOTSUPP, [VALUE] = EINVAL, [KTHREAD] = EPERM, [ID] = ENOENT,
	[INTERVAL] = ERANGE, [SEQ] = EINVAL, [OVERFLOW] = EOVERFLOW, [BUFFER] = EFAULT,
};

/* The base of a wrong value, see base_value(). */
enum base {
	ZERO, BELOW, START, END, PAGE, MINUS_PAGE, TOO_LONG, TOO_MANY_BYTES, CUR_SEQ,
	MAX_RANGES, MAX_RETRIES, MAX_PIN_MS, MAX_HOLD_MS, TWICE_MAX_LOG,
};
/* clang-format on */

/**
 * struct wrong - a value that a field must not have
 * @what: text for messages
 * @cmd: the call
 * @offset: offset of the field in the argument
 * @width: bytes of the field
 * @base: base of the wrong value, see base_value()
 * @add: number that is added to the base
 * @stage: the check that fails
 */
struct wrong {
	const char *what;
	unsigned int cmd;
	size_t offset;
	size_t width;
	enum base base;
	__u64 add;
	enum stage stage;
};

/* @base, @add: the wrong value is base_value(@base) + @add. */
/* clang-format off */
#define WRONG_SUM(NAME, name, field, base, add, stage)             \
	{ #NAME " " #field "=" #base "+" #add, MMUN_##NAME,        \
	  offsetof(struct mmun_##name, field),                     \
	  sizeof(((struct mmun_##name *)0)->field), base, add, stage }
/* clang-format on */
#define WRONG(NAME, name, field, value, stage) \
	WRONG_SUM(NAME, name, field, ZERO, value, stage)

#define NO_ID 0x7ffffff0 /* no test creates so many objects */
#define KERNEL_ADDRESS (-4096ULL)
#define KTHREADD 2 /* a kernel thread */

/* clang-format off */
static const struct wrong wrongs[] = {
	WRONG(INFO, info, __reserved, 1, OFFER),
	WRONG(INFO, info, __reserved2, 1, OFFER),
	WRONG(INSERT, insert, kind, 2, OFFER),
	WRONG(INSERT, insert, kind, -1, OFFER),
	WRONG(INSERT, insert, count, 0, VALUE),
	WRONG_SUM(INSERT, insert, count, MAX_RANGES, 1, VALUE),
	WRONG(INSERT, insert, count, -1ULL, VALUE),
	WRONG(INSERT, insert, spans, 0, BUFFER),
	WRONG(INSERT, insert, spans, KERNEL_ADDRESS, BUFFER),
	WRONG(REMOVE, remove, __reserved, 1, OFFER),
	WRONG(REMOVE, remove, count, 0, VALUE),
	WRONG_SUM(REMOVE, remove, count, MAX_RANGES, 1, VALUE),
	WRONG(REMOVE, remove, spans, 0, BUFFER),
	WRONG(REMOVE, remove, spans, KERNEL_ADDRESS, BUFFER),
	WRONG(READ_BEGIN, read_begin, __reserved, 1, OFFER),
	WRONG(READ_BEGIN, read_begin, id, 0, ID),
	WRONG(READ_BEGIN, read_begin, id, NO_ID, ID),
	WRONG(COLLECT, collect, method, 3, OFFER),
	WRONG(COLLECT, collect, method, -1, OFFER),
	WRONG(COLLECT, collect, flags, 1U << 1, OFFER),
	WRONG(COLLECT, collect, flags, 1U << 2, OFFER),
	WRONG(COLLECT, collect, flags, 1U << 31, OFFER),
	WRONG(COLLECT, collect, __reserved, 1, OFFER),
	WRONG_SUM(COLLECT, collect, start, BELOW, 1, VALUE),
	WRONG(COLLECT, collect, length, 0, VALUE),
	WRONG_SUM(COLLECT, collect, length, PAGE, -1, VALUE),
	WRONG_SUM(COLLECT, collect, length, TOO_MANY_BYTES, 0, VALUE),
	WRONG_SUM(COLLECT, collect, length, MINUS_PAGE, 0, VALUE),
	WRONG(COLLECT, collect, batch, 0, ID),
	WRONG(COLLECT, collect, batch, NO_ID, ID),
	WRONG_SUM(COLLECT, collect, start, BELOW, 0, INTERVAL),
	WRONG_SUM(COLLECT, collect, start, END, 0, INTERVAL),
	WRONG(COLLECT, collect, start, 0, INTERVAL),
	WRONG_SUM(COLLECT, collect, length, TOO_LONG, 0, INTERVAL),
	WRONG(COMMIT, commit, batch, 0, ID),
	WRONG(COMMIT, commit, batch, NO_ID, ID),
	WRONG_SUM(COMMIT, commit, seq, CUR_SEQ, 1, SEQ),
	WRONG_SUM(COMMIT, commit, seq, CUR_SEQ, 1000, SEQ),
	WRONG(ABANDON, abandon, batch, 0, ID),
	WRONG(ABANDON, abandon, batch, NO_ID, ID),
	WRONG(SNAPSHOT, snapshot, method, 3, OFFER),
	WRONG(SNAPSHOT, snapshot, flags, 1U << 2, OFFER),
	WRONG(SNAPSHOT, snapshot, flags, 1U << 31, OFFER),
	WRONG_SUM(SNAPSHOT, snapshot, start, BELOW, 1, VALUE),
	WRONG(SNAPSHOT, snapshot, length, 0, VALUE),
	WRONG_SUM(SNAPSHOT, snapshot, length, PAGE, 1, VALUE),
	WRONG_SUM(SNAPSHOT, snapshot, length, TOO_MANY_BYTES, 0, VALUE),
	WRONG_SUM(SNAPSHOT, snapshot, max_retries, MAX_RETRIES, 1, VALUE),
	WRONG(SNAPSHOT, snapshot, id, 0, ID),
	WRONG(SNAPSHOT, snapshot, id, NO_ID, ID),
	WRONG_SUM(SNAPSHOT, snapshot, start, BELOW, 0, INTERVAL),
	WRONG_SUM(SNAPSHOT, snapshot, start, END, 0, INTERVAL),
	WRONG_SUM(SNAPSHOT, snapshot, length, TOO_LONG, 0, INTERVAL),
	WRONG(SNAPSHOT, snapshot, pages, 8, BUFFER),
	WRONG(SNAPSHOT, snapshot, pages, KERNEL_ADDRESS, BUFFER),
	WRONG(ACCESS, access, flags, 1U << 1, OFFER),
	WRONG(ACCESS, access, flags, 1U << 31, OFFER),
	WRONG(ACCESS, access, __reserved, 1, OFFER),
	WRONG(ACCESS, access, length, 0, VALUE),
	WRONG(ACCESS, access, id, 0, ID),
	WRONG(ACCESS, access, id, NO_ID, ID),
	WRONG_SUM(ACCESS, access, addr, START, -1, INTERVAL),
	WRONG_SUM(ACCESS, access, addr, END, -1, INTERVAL),
	WRONG(ACCESS, access, addr, -1ULL, INTERVAL),
	WRONG(ACCESS, access, length, -1ULL, INTERVAL),
	WRONG(ACCESS, access, buffer, 0, BUFFER),
	WRONG(ACCESS, access, buffer, KERNEL_ADDRESS, BUFFER),
	WRONG_SUM(VERIFY, verify, max_retries, MAX_RETRIES, 1, VALUE),
	WRONG(VERIFY, verify, id, 0, ID),
	WRONG(VERIFY, verify, id, NO_ID, ID),
	WRONG(FAIL_NONBLOCK, fail_nonblock, id, 0, ID),
	WRONG(FAIL_NONBLOCK, fail_nonblock, id, NO_ID, ID),
	WRONG(PIN_MM, pin_mm, __reserved, 1, OFFER),
	WRONG(PIN_MM, pin_mm, timeout_ms, 0, VALUE),
	WRONG_SUM(PIN_MM, pin_mm, timeout_ms, MAX_PIN_MS, 1, VALUE),
	WRONG(UNPIN_MM, unpin_mm, __reserved, 1, OFFER),
	WRONG(UNPIN_MM, unpin_mm, tid, NO_ID, ID),
	WRONG(LOG_SETUP, log_setup, types, 1U << 10, OFFER),
	WRONG(LOG_SETUP, log_setup, types, 1U << 31, OFFER),
	WRONG(LOG_SETUP, log_setup, __reserved, 1, OFFER),
	WRONG(LOG_SETUP, log_setup, records, 3, VALUE),
	WRONG_SUM(LOG_SETUP, log_setup, records, TWICE_MAX_LOG, 0, VALUE),
	WRONG(QUERY_CONTEXT, query_context, __reserved, 1, OFFER),
	WRONG(QUERY_RANGE, query_range, id, 0, ID),
	WRONG(QUERY_RANGE, query_range, id, NO_ID, ID),
	WRONG(HOLD, hold, point, 5, OFFER),
	WRONG(HOLD, hold, point, -1, OFFER),
	WRONG(HOLD, hold, count, 0, VALUE),
	WRONG(HOLD, hold, timeout_ms, 0, VALUE),
	WRONG_SUM(HOLD, hold, timeout_ms, MAX_HOLD_MS, 1, VALUE),
	WRONG(HOLD, hold, tid, KTHREADD, KTHREAD),
	WRONG(HOLD, hold, tid, NO_ID, ID),
	WRONG(HOLD, hold, tid, -1, ID),
	WRONG(HOLD, hold, id, NO_ID, ID),
	WRONG(WAIT_HELD, wait_held, __reserved, 1, OFFER),
	WRONG_SUM(WAIT_HELD, wait_held, timeout_ms, MAX_HOLD_MS, 1, VALUE),
	WRONG(WAIT_HELD, wait_held, hold, 0, ID),
	WRONG(WAIT_HELD, wait_held, hold, NO_ID, ID),
	WRONG(RESUME, resume, flags, 2, OFFER),
	WRONG(RESUME, resume, flags, 1U << 31, OFFER),
	WRONG(RESUME, resume, hold, 0, ID),
	WRONG(RESUME, resume, hold, NO_ID, ID),
	WRONG(WAKE_THREAD, wake_thread, count, 0, VALUE),
	WRONG(WAKE_THREAD, wake_thread, count, MMUN_MAX_WAKE_UPS + 1, VALUE),
	WRONG(WAKE_THREAD, wake_thread, tid, KTHREADD, KTHREAD),
	WRONG(WAKE_THREAD, wake_thread, tid, 0, ID),
	WRONG(WAKE_THREAD, wake_thread, tid, NO_ID, ID),
	WRONG_SUM(CHECK_BALANCE, check_balance, timeout_ms, MAX_HOLD_MS, 1,
		  VALUE),
};
/* clang-format on */

static const struct wrong *const wrongs_end = wrongs + ARRAY_SIZE(wrongs);

static __u64 base_value(FIXTURE_DATA(abi) * self, enum base base)
{
	const struct mmun_info *info = &self->info;
	const __u64 map = mmun_u64(self->map), page = self->page;
	const __u64 values[] = {
		[ZERO] = 0,
		[BELOW] = map - page,
		[START] = map,
		[END] = map + NR_PAGES * page,
		[PAGE] = page,
		[MINUS_PAGE] = -page,
		[TOO_LONG] = (NR_PAGES + 1) * page,
		[TOO_MANY_BYTES] = (info->out_max_batch_pages + 1ULL) * page,
		[CUR_SEQ] = self->token.seq,
		[MAX_RANGES] = info->out_max_ranges,
		[MAX_RETRIES] = info->out_max_retries,
		[MAX_PIN_MS] = info->out_max_pin_ms,
		[MAX_HOLD_MS] = info->out_max_hold_ms,
		[TWICE_MAX_LOG] = 2ULL * info->out_max_log_records,
	};

	return values[base];
}

static void poke(FIXTURE_DATA(abi) * self, union args *a, const struct wrong *w)
{
	__u64 value = base_value(self, w->base) + w->add;
	__u32 narrow = value;

	if (w->width == sizeof(narrow))
		memcpy(a->bytes + w->offset, &narrow, sizeof(narrow));
	else
		memcpy(a->bytes + w->offset, &value, sizeof(value));
}

/* A kernel without VERIFY does not look at its argument. */
static int wrong_errno(FIXTURE_DATA(abi) * self, const struct wrong *w)
{
	return perfect_answer(self, call_of(w->cmd)) == EOPNOTSUPP ?
		       EOPNOTSUPP :
		       stage_errno[w->stage];
}

TEST_F(abi, each_wrong_value_has_its_errno_and_changes_nothing)
{
	const struct wrong *w;
	union args good, bad;

	for (w = wrongs; w < wrongs_end; w++) {
		const struct call *call = call_of(w->cmd);

		prepare(_metadata, self, call, &good);
		bad = good;
		poke(self, &bad, w);
		self->args = bad;
		EXPECT_EQ(wrong_errno(self, w),
			  answer(self->fd, call->cmd, &self->args))
		{
			TH_LOG("%s", w->what);
		}
		EXPECT_EQ(0, memcmp(&bad, &self->args, sizeof(bad)))
		{
			TH_LOG("%s: failed and wrote", w->what);
		}
		EXPECT_PERFECT(call, &good);
	}
}

TEST_F(abi, of_two_wrong_values_the_earlier_check_fails)
{
	const struct wrong *a, *b, *first;
	int pairs = 0;

	for (a = wrongs; a < wrongs_end; a++) {
		for (b = a + 1; b < wrongs_end && b->cmd == a->cmd; b++) {
			if (a->offset == b->offset)
				continue;
			first = a->stage <= b->stage ? a : b;
			prepare(_metadata, self, call_of(a->cmd), &self->args);
			poke(self, &self->args, a);
			poke(self, &self->args, b);
			EXPECT_EQ(wrong_errno(self, first),
				  answer(self->fd, a->cmd, &self->args))
			{
				TH_LOG("%s, %s", a->what, b->what);
			}
			pairs++;
		}
	}
	EXPECT_LT(100, pairs);
}

/* Expect that a call on an object that is gone fails with ENOENT. */
#define EXPECT_GONE(name, type, field, value)                  \
	({                                                     \
		const struct call *__call = call_of(name);     \
		prepare(_metadata, self, __call, &self->args); \
		self->args.type.field = value;                 \
		EXPECT_ANSWER(ENOENT, __call, &self->args);    \
	})

TEST_F(abi, a_removed_range_is_enoent_for_every_call)
{
	__u32 id = mmun_insert(self->map, NR_PAGES * self->page);

	mmun_remove(id);
	EXPECT_GONE(MMUN_READ_BEGIN, read_begin, id, id);
	EXPECT_GONE(MMUN_SNAPSHOT, snapshot, id, id);
	EXPECT_GONE(MMUN_ACCESS, access, id, id);
	if (self->info.out_features & MMUN_FEATURE_HMM)
		EXPECT_GONE(MMUN_VERIFY, verify, id, id);
	EXPECT_GONE(MMUN_FAIL_NONBLOCK, fail_nonblock, id, id);
	EXPECT_GONE(MMUN_QUERY_RANGE, query_range, id, id);
	EXPECT_GONE(MMUN_HOLD, hold, id, id);
	mmun_err_remove(ENOENT, id);
}

TEST_F(abi, a_batch_is_gone_after_commit_and_after_abandon)
{
	struct mmun_token token[2] = { mmun_read_begin(self->id),
				       mmun_read_begin(self->id) };
	int i;

	EXPECT_EQ(0, mmun_commit(token[0]));
	mmun_abandon(token[1]);
	for (i = 0; i < 2; i++) {
		mmun_err_collect(ENOENT, token[i], self->map, self->page,
				 MMUN_METHOD_GUP, 0);
		mmun_err_commit(ENOENT, token[i]);
		EXPECT_ERRNO(ENOENT, _mmun_abandon(self->fd, token[i]));
	}
}

TEST_F(abi, a_batch_of_a_removed_range_fails_its_commit_and_is_gone)
{
	__u32 id = mmun_insert(self->map, self->page);
	struct mmun_token token = mmun_read_begin(id);
	__u32 batches = mmun_query_context().out_batches;

	mmun_remove(id);
	mmun_err_commit(ENOENT, token);
	EXPECT_EQ(batches - 1, mmun_query_context().out_batches);
	EXPECT_ERRNO(ENOENT, _mmun_abandon(self->fd, token));
}

TEST_F(abi, a_failed_commit_keeps_the_batch)
{
	struct mmun_token token = mmun_read_begin(self->id), wrong = token;

	wrong.seq += 2;
	mmun_err_commit(EINVAL, wrong);
	EXPECT_EQ(0, mmun_commit(token));
}

TEST_F(abi, a_dirty_bulk_element_stops_the_bulk_call_there)
{
	struct mmun_span bulk[2] = {
		{ mmun_u64(self->map), self->page, 0, 0 },
		{ mmun_u64(self->map), self->page, 0, 1 },
	};
	__u64 done;

	ASSERT_EQ(0, _mmun_insert_bulk(self->fd, bulk, 2, &done));
	EXPECT_EQ(1, done);
	EXPECT_ERRNO(EOPNOTSUPP,
		     _mmun_insert_bulk(self->fd, bulk + 1, 1, &done));
	bulk[1].id = self->id;
	ASSERT_EQ(0, _mmun_remove_bulk(self->fd, bulk, 2, &done));
	EXPECT_EQ(1, done);
	EXPECT_ERRNO(EOPNOTSUPP,
		     _mmun_remove_bulk(self->fd, bulk + 1, 1, &done));
}

TEST_F(abi, a_context_does_not_find_objects_of_another)
{
	const int mine = self->fd;
	int i, other = mmun_open();

	ASSERT_LE(0, other);
	self->fd = other;
	mmun_err_remove(ENOENT, self->id);
	mmun_err_read_begin(ENOENT, self->id);
	EXPECT_ERRNO(ENOENT, _mmun_abandon(other, self->token));
	EXPECT_EQ(0, mmun_query_context().out_ranges);
	/* The same number names another object in another context. */
	for (i = 0; i < 4; i++)
		mmun_remove(mmun_insert(self->map, self->page));
	self->fd = mine;
	EXPECT_EQ(1, mmun_query_context().out_ranges);
	EXPECT_EQ(0, mmun_commit(self->token));
	EXPECT_EQ(0, close(other));
	mmun_remove(self->id);
}

TEST_F(abi, info_is_sane)
{
	const struct mmun_info *info = &self->info;

	EXPECT_EQ(MMUN_ABI_VERSION, info->out_abi);
	EXPECT_EQ(self->page, info->out_page_size);
	EXPECT_EQ(0, info->out_features &
			     ~(MMUN_FEATURE_HMM | MMUN_FEATURE_HMM_UNLOCKED));
	/* HMM_UNLOCKED implies HMM. */
	if (info->out_features & MMUN_FEATURE_HMM_UNLOCKED)
		EXPECT_NE(0, info->out_features & MMUN_FEATURE_HMM);
	EXPECT_EQ(1ULL << MMUN_KIND_INTERVAL | 1ULL << MMUN_KIND_NAIVE,
		  info->out_kinds);
	EXPECT_LE(16, info->out_max_contexts);
	EXPECT_LE(1000000, info->out_max_ranges);
	EXPECT_LE(1000000, info->out_max_shadow_pages);
	EXPECT_LE(16, info->out_max_batches);
	EXPECT_LE(NR_PAGES, info->out_max_batch_pages);
	EXPECT_LE(MMUN_LOG_DEFAULT, info->out_max_log_records);
	/* LOG_SETUP accepts powers of two only, so the maximum must be one. */
	EXPECT_EQ(0,
		  info->out_max_log_records & (info->out_max_log_records - 1));
	EXPECT_LE(MMUN_RETRIES, info->out_max_retries);
	EXPECT_LE(MMUN_HOLD_MS, info->out_max_hold_ms);
	EXPECT_GE(60000, info->out_max_hold_ms);
	EXPECT_LE(1000, info->out_max_pin_ms);
	EXPECT_GE(60000, info->out_max_pin_ms);
	EXPECT_EQ(0, info->__reserved2);
}

TEST_F(abi, open_without_cap_sys_admin_is_eperm)
{
	ASSERT_EQ(0, mmun_drop_sys_admin());
	EXPECT_ERRNO(EPERM, mmun_open());
	EXPECT_EQ(0, strcmp(MMUN_NO_ACCESS, mmun_device_problem()));
}

TEST_F(abi, a_descriptor_works_for_a_user_that_could_not_open_it)
{
	const struct call *call;

	ASSERT_EQ(0, setresgid(65534, 65534, 65534));
	ASSERT_EQ(0, setresuid(65534, 65534, 65534));
	for (call = calls; call < calls_end; call++) {
		prepare(_metadata, self, call, &self->args);
		EXPECT_PERFECT(call, &self->args);
	}
}

TEST_F(abi, hmm_nofault_does_not_accept_write)
{
	mmun_need_feature(MMUN_FEATURE_HMM);
	mmun_err_collect(EINVAL, self->token, self->map, self->page,
			 MMUN_METHOD_HMM_NOFAULT, MMUN_WRITE);
	mmun_err_snapshot(EINVAL, self->id, self->map, self->page,
			  MMUN_METHOD_HMM_NOFAULT, MMUN_WRITE);
	EXPECT_EQ(1, mmun_collect(self->token, self->map, self->page,
				  MMUN_METHOD_HMM_NOFAULT, 0));
}

/* Returns 1 if UNPIN_MM ended the call. */
static int job_pin(struct worker *worker)
{
	__u32 released = 2;

	return _mmun_pin_mm(worker->fd, 5000, &released) ?: (int)released;
}

TEST_F(abi, unpin_mm_wakes_the_thread_of_that_tid_only)
{
	struct worker worker = { .fd = self->fd, .job = job_pin };
	struct mmun_record record;
	__u32 count;

	mmun_drain_log(self->fd);
	ASSERT_EQ(0, worker_create(&worker));
	worker_go(&worker);
	ASSERT_EQ(1, mmun_wait_record(self->fd, MMUN_RECORD_PIN, &record));
	EXPECT_EQ(worker.tid, record.tid);
	EXPECT_ERRNO(ENOENT, _mmun_unpin_mm(self->fd, mmun_gettid(), &count));
	ASSERT_EQ(0, _mmun_unpin_mm(self->fd, worker.tid, &count));
	EXPECT_EQ(1, count);
	EXPECT_EQ(1, worker_join(&worker));
	EXPECT_ERRNO(ENOENT, _mmun_unpin_mm(self->fd, worker.tid, &count));
}

TEST_F(abi, pin_mm_times_out_if_no_call_ends_it)
{
	__u32 released = 2;

	ASSERT_EQ(0, _mmun_pin_mm(self->fd, 1, &released));
	EXPECT_EQ(0, released);
}

FIXTURE(open_mode)
{
	int fd;
};

FIXTURE_VARIANT(open_mode)
{
	int mode;
	int read_errno;
	int write_errno;
};

/* The device cannot be written, and a new log contains no record. */
/* clang-format off */
FIXTURE_VARIANT_ADD(open_mode, read_write) { O_RDWR,   EAGAIN, EINVAL };
FIXTURE_VARIANT_ADD(open_mode, read_only)  { O_RDONLY, EAGAIN, EBADF };
FIXTURE_VARIANT_ADD(open_mode, write_only) { O_WRONLY, EBADF,  EINVAL };
/* clang-format on */

FIXTURE_SETUP(open_mode)
{
	self->fd = open(MMUN_DEV, variant->mode | O_NONBLOCK | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(open_mode)
{
	EXPECT_EQ(0, close(self->fd));
}

TEST_F(open_mode, read_and_write_need_their_mode_and_ioctl_needs_none)
{
	struct mmun_record record;

	EXPECT_EQ(MMUN_ABI_VERSION, mmun_info().out_abi);
	mmun_remove(mmun_insert(&record, sizeof(record)));
	EXPECT_ERRNO(variant->read_errno,
		     read(self->fd, &record, sizeof(record)));
	EXPECT_ERRNO(variant->write_errno,
		     write(self->fd, &record, sizeof(record)));
}

TEST_F(open_mode, the_device_cannot_be_mapped)
{
	const int prot = variant->mode == O_WRONLY ? PROT_NONE : PROT_READ;
	void *p;

	errno = 0;
	p = mmap(NULL, 4096, prot, MAP_PRIVATE, self->fd, 0);
	EXPECT_EQ(MAP_FAILED, p);
	/* mmap() needs a file that is open for reading. */
	EXPECT_EQ(variant->mode == O_WRONLY ? EACCES : ENODEV, errno);
}

MMUN_HARNESS_MAIN
