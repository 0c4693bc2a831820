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
/* clang-format on */

/**
 * struct wrong - a value that a field must not have
 * @what: text for messages
 * @cmd: the call
 * @offset: offset of the field in the argument
 * @width: bytes of the field
 * @value: the value
 * @stage: the check that fails
 */
struct wrong {
	const char *what;
	unsigned int cmd;
	size_t offset;
	size_t width;
	__u64 value;
	enum stage stage;
};

#define WRONG(name, field, value, stage)                                       \
	{                                                                      \
#name " " #field "=" #value, mmun_request_##name,              \
			offsetof(struct mmun_##name, field),                   \
			sizeof(((struct mmun_##name *)0)->field), value, stage \
	}

#define NO_ID 0x7ffffff0 /* no test creates so many objects */
#define KERNEL_ADDRESS (-4096ULL)
#define KTHREADD 2 /* a kernel thread */

/* Returns a new array, which ends with an element without @what. */
static struct wrong *all_wrongs(FIXTURE_DATA(abi) * self)
{
	const struct mmun_info *info = &self->info;
	const __u64 map = mmun_u64(self->map), page = self->page;
	const __u64 end = map + NR_PAGES * page;
	/* clang-format off */
	const struct wrong wrongs[] = {
		WRONG(info, __reserved, 1, OFFER),
		WRONG(info, __reserved2, 1, OFFER),
		WRONG(insert, kind, 2, OFFER),
		WRONG(insert, kind, -1, OFFER),
		WRONG(insert, count, 0, VALUE),
		WRONG(insert, count, info->out_max_ranges + 1, VALUE),
		WRONG(insert, count, -1ULL, VALUE),
		WRONG(insert, spans, 0, BUFFER),
		WRONG(insert, spans, KERNEL_ADDRESS, BUFFER),
		WRONG(remove, __reserved, 1, OFFER),
		WRONG(remove, count, 0, VALUE),
		WRONG(remove, count, info->out_max_ranges + 1, VALUE),
		WRONG(remove, spans, 0, BUFFER),
		WRONG(remove, spans, KERNEL_ADDRESS, BUFFER),
		WRONG(read_begin, __reserved, 1, OFFER),
		WRONG(read_begin, id, 0, ID),
		WRONG(read_begin, id, NO_ID, ID),
		WRONG(collect, method, 3, OFFER),
		WRONG(collect, method, -1, OFFER),
		WRONG(collect, flags, 1U << 1, OFFER),
		WRONG(collect, flags, 1U << 2, OFFER),
		WRONG(collect, flags, 1U << 31, OFFER),
		WRONG(collect, __reserved, 1, OFFER),
		WRONG(collect, start, map - page + 1, VALUE),
		WRONG(collect, length, 0, VALUE),
		WRONG(collect, length, page - 1, VALUE),
		WRONG(collect, length, (info->out_max_batch_pages + 1ULL) * page, VALUE),
		WRONG(collect, length, -page, VALUE),
		WRONG(collect, batch, 0, ID),
		WRONG(collect, batch, NO_ID, ID),
		WRONG(collect, start, map - page, INTERVAL),
		WRONG(collect, start, end, INTERVAL),
		WRONG(collect, start, 0, INTERVAL),
		WRONG(collect, length, end + page - map, INTERVAL),
		WRONG(commit, batch, 0, ID),
		WRONG(commit, batch, NO_ID, ID),
		WRONG(commit, seq, self->token.seq + 1, SEQ),
		WRONG(commit, seq, self->token.seq + 1000, SEQ),
		WRONG(abandon, batch, 0, ID),
		WRONG(abandon, batch, NO_ID, ID),
		WRONG(snapshot, method, 3, OFFER),
		WRONG(snapshot, flags, 1U << 2, OFFER),
		WRONG(snapshot, flags, 1U << 31, OFFER),
		WRONG(snapshot, start, map - page + 1, VALUE),
		WRONG(snapshot, length, 0, VALUE),
		WRONG(snapshot, length, page + 1, VALUE),
		WRONG(snapshot, length, (info->out_max_batch_pages + 1ULL) * page, VALUE),
		WRONG(snapshot, max_retries, info->out_max_retries + 1, VALUE),
		WRONG(snapshot, id, 0, ID),
		WRONG(snapshot, id, NO_ID, ID),
		WRONG(snapshot, start, map - page, INTERVAL),
		WRONG(snapshot, start, end, INTERVAL),
		WRONG(snapshot, length, end + page - map, INTERVAL),
		WRONG(snapshot, pages, 8, BUFFER),
		WRONG(snapshot, pages, KERNEL_ADDRESS, BUFFER),
		WRONG(access, flags, 1U << 1, OFFER),
		WRONG(access, flags, 1U << 31, OFFER),
		WRONG(access, __reserved, 1, OFFER),
		WRONG(access, length, 0, VALUE),
		WRONG(access, id, 0, ID),
		WRONG(access, id, NO_ID, ID),
		WRONG(access, addr, map - 1, INTERVAL),
		WRONG(access, addr, end - 1, INTERVAL),
		WRONG(access, addr, -1ULL, INTERVAL),
		WRONG(access, length, -1ULL, INTERVAL),
		WRONG(access, buffer, 0, BUFFER),
		WRONG(access, buffer, KERNEL_ADDRESS, BUFFER),
		WRONG(verify, max_retries, info->out_max_retries + 1, VALUE),
		WRONG(verify, id, 0, ID),
		WRONG(verify, id, NO_ID, ID),
		WRONG(fail_nonblock, id, 0, ID),
		WRONG(fail_nonblock, id, NO_ID, ID),
		WRONG(pin_mm, __reserved, 1, OFFER),
		WRONG(pin_mm, timeout_ms, 0, VALUE),
		WRONG(pin_mm, timeout_ms, info->out_max_pin_ms + 1, VALUE),
		WRONG(unpin_mm, __reserved, 1, OFFER),
		WRONG(unpin_mm, tid, NO_ID, ID),
		WRONG(log_setup, types, 1U << 10, OFFER),
		WRONG(log_setup, types, 1U << 31, OFFER),
		WRONG(log_setup, __reserved, 1, OFFER),
		WRONG(log_setup, records, 3, VALUE),
		WRONG(log_setup, records, 2ULL * info->out_max_log_records, VALUE),
		WRONG(query_context, __reserved, 1, OFFER),
		WRONG(query_range, id, 0, ID),
		WRONG(query_range, id, NO_ID, ID),
		WRONG(hold, point, 5, OFFER),
		WRONG(hold, point, -1, OFFER),
		WRONG(hold, count, 0, VALUE),
		WRONG(hold, timeout_ms, 0, VALUE),
		WRONG(hold, timeout_ms, info->out_max_hold_ms + 1, VALUE),
		WRONG(hold, tid, KTHREADD, KTHREAD),
		WRONG(hold, tid, NO_ID, ID),
		WRONG(hold, tid, -1, ID),
		WRONG(hold, id, NO_ID, ID),
		WRONG(wait_held, __reserved, 1, OFFER),
		WRONG(wait_held, timeout_ms, info->out_max_hold_ms + 1, VALUE),
		WRONG(wait_held, hold, 0, ID),
		WRONG(wait_held, hold, NO_ID, ID),
		WRONG(resume, flags, 2, OFFER),
		WRONG(resume, flags, 1U << 31, OFFER),
		WRONG(resume, hold, 0, ID),
		WRONG(resume, hold, NO_ID, ID),
		WRONG(wake_thread, count, 0, VALUE),
		WRONG(wake_thread, count, MMUN_MAX_WAKE_UPS + 1, VALUE),
		WRONG(wake_thread, tid, KTHREADD, KTHREAD),
		WRONG(wake_thread, tid, 0, ID),
		WRONG(wake_thread, tid, NO_ID, ID),
		WRONG(check_balance, timeout_ms, info->out_max_hold_ms + 1, VALUE),
		{},
	};
	/* clang-format on */

	return memcpy(malloc(sizeof(wrongs)), wrongs, sizeof(wrongs));
}

static void poke(union args *a, const struct wrong *w)
{
	__u32 narrow = w->value;

	if (w->width == sizeof(narrow))
		memcpy(a->bytes + w->offset, &narrow, sizeof(narrow));
	else
		memcpy(a->bytes + w->offset, &w->value, sizeof(w->value));
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

	for (w = all_wrongs(self); w->what; w++) {
		const struct call *call = call_of(w->cmd);

		prepare(call, &good);
		bad = good;
		poke(&bad, w);
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

	for (a = all_wrongs(self); a->what; a++) {
		for (b = a + 1; b->cmd == a->cmd; b++) {
			if (a->offset == b->offset)
				continue;
			first = a->stage <= b->stage ? a : b;
			prepare(call_of(a->cmd), &self->args);
			poke(&self->args, a);
			poke(&self->args, b);
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

/* Expect that the call fails with ENOENT on range @id, which is gone. */
#define EXPECT_GONE(name)                                                 \
	({                                                                \
		const struct call *__call = call_of(mmun_request_##name); \
		prepare(__call, &self->args);                             \
		self->args.name.id = id;                                  \
		EXPECT_ANSWER(ENOENT, __call, &self->args);               \
	})

TEST_F(abi, a_removed_range_is_enoent_for_every_call)
{
	__u32 id = mmun_insert(self->map, NR_PAGES * self->page);

	mmun_remove(id);
	EXPECT_GONE(read_begin);
	EXPECT_GONE(snapshot);
	EXPECT_GONE(access);
	if (self->info.out_features & MMUN_FEATURE_HMM)
		EXPECT_GONE(verify);
	EXPECT_GONE(fail_nonblock);
	EXPECT_GONE(query_range);
	EXPECT_GONE(hold);
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
		prepare(call, &self->args);
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
