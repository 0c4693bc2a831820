// SPDX-License-Identifier: GPL-2.0
/*
 * Tests each call of the device: wrong values, errno, the order of the checks,
 * IDs of removed objects, and privileges.  The tests try each wrong value in a
 * call that is otherwise correct, and then each pair of wrong values of a call.
 */
#include "lib/calls.h"
#include "lib/worker.h"

/*
 * The checks of a call, in their order.  The driver compares the sequence (SEQ)
 * only if the batch exists.  The core checks for OVERFLOW.
 */
enum stage { OFFER, VALUE, KTHREAD, ID, INTERVAL, SEQ, OVERFLOW, BUFFER };

/* clang-format off */
static const int stage_errno[] = {
	[OFFER] = EOPNOTSUPP, [VALUE] = EINVAL, [KTHREAD] = EPERM, [ID] = ENOENT,
	[INTERVAL] = ERANGE, [SEQ] = EINVAL, [OVERFLOW] = EOVERFLOW, [BUFFER] = EFAULT,
};
/* clang-format on */

/**
 * struct wrong - wrong values of one field of an argument
 * @what: text for messages
 * @cmd: the call
 * @offset: offset of the field in the argument
 * @width: bytes of the field
 * @stage: the check that fails
 * @value: the wrong value, if all_wrongs() returned this structure
 * @count: number of @values
 * @values: the wrong values, if this structure is in the table of all_wrongs()
 */
struct wrong {
	const char *what;
	unsigned int cmd;
	size_t offset;
	size_t width;
	enum stage stage;
	unsigned long long value;
	int count;
	unsigned long long values[4];
};

/* clang-format off */
#define WRONG(name, field, stage, ...)                               \
	{ #name " " #field, mmun_request_##name,                     \
	  offsetof(struct mmun_##name, field),                       \
	  sizeof(((struct mmun_##name *)0)->field), stage, 0,        \
	  ARRAY_SIZE(((__u64[]){ __VA_ARGS__ })), { __VA_ARGS__ } }
/* clang-format on */

#define NO_ID 0x7ffffff0 /* no object of a test has this ID */
#define KERNEL_ADDRESS (-4096ULL)
#define KTHREADD 2 /* a kernel thread */

/* Returns all wrong values as an array, whose last element has no @what. */
static const struct wrong *all_wrongs(FIXTURE_DATA(abi) * self)
{
	const struct mmun_info *info = &self->info;
	const __u64 map = mmun_u64(self->map), page = self->page;
	const __u64 end = map + NR_PAGES * page;
	const __u64 too_long = (info->out_max_batch_pages + 1ULL) * page;
	/* clang-format off */
	const struct wrong rows[] = {
		WRONG(info, __reserved, OFFER, 1),
		WRONG(info, __reserved2, OFFER, 1),
		WRONG(insert, kind, OFFER, MMUN_NR_KINDS, -1),
		WRONG(insert, policy, OFFER, 1U << 4, 1U << 31),
		WRONG(insert, __reserved, OFFER, 1),
		WRONG(insert, count, VALUE, 0, info->out_max_ranges + 1, -1ULL),
		WRONG(insert, spans, BUFFER, 0, KERNEL_ADDRESS),
		WRONG(remove, __reserved, OFFER, 1),
		WRONG(remove, count, VALUE, 0, info->out_max_ranges + 1),
		WRONG(remove, spans, BUFFER, 0, KERNEL_ADDRESS),
		WRONG(read_begin, __reserved, OFFER, 1),
		WRONG(read_begin, id, ID, 0, NO_ID),
		WRONG(collect, method, OFFER, 3, -1),
		WRONG(collect, flags, OFFER, 1U << 1, 1U << 2, 1U << 31),
		WRONG(collect, __reserved, OFFER, 1),
		WRONG(collect, start, VALUE, map - page + 1),
		WRONG(collect, length, VALUE, 0, page - 1, too_long, -page),
		WRONG(collect, batch, ID, 0, NO_ID),
		WRONG(collect, start, INTERVAL, map - page, end, 0),
		WRONG(collect, length, INTERVAL, end + page - map),
		WRONG(commit, batch, ID, 0, NO_ID),
		WRONG(commit, seq, SEQ, self->token.seq + 1, self->token.seq + 1000),
		WRONG(abandon, batch, ID, 0, NO_ID),
		WRONG(snapshot, method, OFFER, 3),
		WRONG(snapshot, flags, OFFER, 1U << 3, 1U << 31),
		WRONG(snapshot, start, VALUE, map - page + 1),
		WRONG(snapshot, length, VALUE, 0, page + 1, too_long),
		WRONG(snapshot, max_retries, VALUE, info->out_max_retries + 1),
		WRONG(snapshot, lock_after, VALUE, 1, info->out_max_retries + 1),
		WRONG(snapshot, id, ID, 0, NO_ID),
		WRONG(snapshot, start, INTERVAL, map - page, end),
		WRONG(snapshot, length, INTERVAL, end + page - map),
		WRONG(snapshot, pages, BUFFER, 8, KERNEL_ADDRESS),
		WRONG(access, flags, OFFER, 1U << 1, 1U << 31),
		WRONG(access, __reserved, OFFER, 1),
		WRONG(access, length, VALUE, 0),
		WRONG(access, id, ID, 0, NO_ID),
		WRONG(access, addr, INTERVAL, map - 1, end - 1, -1ULL),
		WRONG(access, length, INTERVAL, -1ULL),
		WRONG(access, buffer, BUFFER, 0, KERNEL_ADDRESS),
		WRONG(verify, max_retries, VALUE, info->out_max_retries + 1),
		WRONG(verify, id, ID, 0, NO_ID),
		WRONG(fail_nonblock, id, ID, NO_ID),
		WRONG(pin_mm, flags, OFFER, 1, 1U << 3, 1U << 31),
		WRONG(pin_mm, timeout_ms, VALUE, 0, info->out_max_pin_ms + 1),
		WRONG(unpin_mm, __reserved, OFFER, 1),
		WRONG(unpin_mm, tid, ID, NO_ID),
		WRONG(log_setup, types, OFFER, 1U << 10, 1U << 31),
		WRONG(log_setup, __reserved, OFFER, 1),
		WRONG(log_setup, records, VALUE, 3, 2ULL * info->out_max_log_records),
		WRONG(query_context, __reserved, OFFER, 1),
		WRONG(query_range, id, ID, 0, NO_ID),
		WRONG(hold, point, OFFER, 5, -1),
		WRONG(hold, count, VALUE, 0),
		WRONG(hold, timeout_ms, VALUE, 0, info->out_max_hold_ms + 1),
		WRONG(hold, tid, KTHREAD, KTHREADD),
		WRONG(hold, tid, ID, NO_ID, -1),
		WRONG(hold, id, ID, NO_ID),
		WRONG(wait_held, __reserved, OFFER, 1),
		WRONG(wait_held, timeout_ms, VALUE, info->out_max_hold_ms + 1),
		WRONG(wait_held, hold, ID, 0, NO_ID),
		WRONG(resume, flags, OFFER, 2, 1U << 31),
		WRONG(resume, hold, ID, 0, NO_ID),
		WRONG(wake_thread, count, VALUE, 0, MMUN_MAX_WAKE_UPS + 1),
		WRONG(wake_thread, tid, KTHREAD, KTHREADD),
		WRONG(wake_thread, tid, ID, 0, NO_ID),
		WRONG(check_balance, timeout_ms, VALUE, info->out_max_hold_ms + 1),
	};
	/* clang-format on */
	static struct wrong wrongs[ARRAY_SIZE(rows) * ARRAY_SIZE(rows->values)];
	struct wrong *w = wrongs;

	for (int i = 0; i < ARRAY_SIZE(rows); i++)
		for (int j = 0; j < rows[i].count; j++) {
			*w = rows[i];
			w++->value = rows[i].values[j];
		}
	return wrongs;
}

static void poke(union args *a, const struct wrong *w)
{
	__u32 narrow = w->value;

	if (w->width == sizeof(narrow))
		memcpy(a->bytes + w->offset, &narrow, sizeof(narrow));
	else
		memcpy(a->bytes + w->offset, &w->value, sizeof(w->value));
}

/* MMUN_VERIFY without HMM fails before the driver checks the argument. */
static int wrong_errno(FIXTURE_DATA(abi) * self, const struct wrong *w)
{
	return perfect_answer(self, call_of(w->cmd)) == EOPNOTSUPP ?
		       EOPNOTSUPP :
		       stage_errno[w->stage];
}

TEST_F(abi, each_wrong_value_fails_with_its_errno_and_changes_nothing)
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
			TH_LOG("%s=%#llx", w->what, w->value);
		}
		EXPECT_EQ(0, memcmp(&bad, &self->args, sizeof(bad)))
		{
			TH_LOG("%s=%#llx: failed, but wrote", w->what,
			       w->value);
		}
		EXPECT_PERFECT(call, &good);
	}
}

TEST_F(abi, first_failing_check_determines_the_errno)
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
				TH_LOG("%s=%#llx, %s=%#llx", a->what, a->value,
				       b->what, b->value);
			}
			pairs++;
		}
	}
	EXPECT_LT(100, pairs);
}

/* Expect that the call fails with ENOENT, because range @id was removed. */
#define EXPECT_GONE(name)                                                 \
	({                                                                \
		const struct call *__call = call_of(mmun_request_##name); \
		prepare(__call, &self->args);                             \
		self->args.name.id = id;                                  \
		EXPECT_ANSWER(ENOENT, __call, &self->args);               \
	})

TEST_F(abi, every_call_on_a_removed_range_is_enoent)
{
	__u32 id = mmun_insert(self->map, mmun_pages(NR_PAGES));

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

TEST_F(abi, batch_is_gone_after_commit_and_after_abandon)
{
	struct mmun_token token[2] = { mmun_read_begin(self->id),
				       mmun_read_begin(self->id) };

	EXPECT_EQ(0, mmun_commit(token[0]));
	mmun_abandon(token[1]);
	for (int i = 0; i < 2; i++) {
		mmun_err_collect(ENOENT, token[i], self->map, self->page,
				 MMUN_METHOD_GUP, 0);
		mmun_err_commit(ENOENT, token[i]);
		EXPECT_ERRNO(ENOENT, _mmun_abandon(self->fd, token[i]));
	}
}

TEST_F(abi, batch_of_a_removed_range_fails_its_commit_and_is_gone)
{
	__u32 id = mmun_insert(self->map, self->page);
	struct mmun_token token = mmun_read_begin(id);
	__u32 batches = mmun_query_context().out_batches;

	mmun_remove(id);
	mmun_err_commit(ENOENT, token);
	EXPECT_EQ(batches - 1, mmun_query_context().out_batches);
	EXPECT_ERRNO(ENOENT, _mmun_abandon(self->fd, token));
}

TEST_F(abi, failed_commit_keeps_the_batch)
{
	struct mmun_token token = mmun_read_begin(self->id), wrong = token;

	wrong.seq += 2;
	mmun_err_commit(EINVAL, wrong);
	EXPECT_EQ(0, mmun_commit(token));
}

TEST_F(abi, bulk_call_stops_at_a_nonzero_reserved_field)
{
	struct mmun_span bulk[2] = {
		{ mmun_u64(self->map), self->page, 0, 0 },
		{ mmun_u64(self->map), self->page, 0, 1 },
	};

	EXPECT_EQ(1, MMUN_MUST(__u64, _mmun_insert_bulk, bulk, 2));
	MMUN_MUST_FAIL(EOPNOTSUPP, __u64, _mmun_insert_bulk, bulk + 1, 1);
	bulk[1].id = self->id;
	EXPECT_EQ(1, MMUN_MUST(__u64, _mmun_remove_bulk, bulk, 2));
	MMUN_MUST_FAIL(EOPNOTSUPP, __u64, _mmun_remove_bulk, bulk + 1, 1);
}

TEST_F(abi, context_does_not_find_objects_of_another_context)
{
	const int mine = self->fd;
	int other = mmun_open();

	ASSERT_LE(0, other);
	self->fd = other;
	mmun_err_remove(ENOENT, self->id);
	mmun_err_read_begin(ENOENT, self->id);
	EXPECT_ERRNO(ENOENT, _mmun_abandon(other, self->token));
	EXPECT_EQ(0, mmun_query_context().out_ranges);
	/* The same ID names different objects in different contexts. */
	for (int i = 0; i < 4; i++)
		mmun_remove(mmun_insert(self->map, self->page));
	self->fd = mine;
	EXPECT_EQ(1, mmun_query_context().out_ranges);
	EXPECT_EQ(0, mmun_commit(self->token));
	EXPECT_EQ(0, close(other));
	mmun_remove(self->id);
}

TEST_F(abi, info_reports_consistent_features_and_limits)
{
	const struct mmun_info *info = &self->info;

	EXPECT_EQ(MMUN_ABI_VERSION, info->out_abi);
	EXPECT_EQ(self->page, info->out_page_size);
	EXPECT_EQ(0, info->out_features &
			     ~(MMUN_FEATURE_HMM | MMUN_FEATURE_HMM_UNLOCKED));
	/* HMM_UNLOCKED implies HMM. */
	if (info->out_features & MMUN_FEATURE_HMM_UNLOCKED)
		EXPECT_NE(0, info->out_features & MMUN_FEATURE_HMM);
	/* Only some kernels have two-pass notifiers. */
	EXPECT_EQ((1ULL << MMUN_NR_KINDS) - 1,
		  info->out_kinds | 1ULL << MMUN_KIND_TWO_PASS);
	EXPECT_LE(16, info->out_max_contexts);
	EXPECT_LE(1000000, info->out_max_ranges);
	EXPECT_LE(1000000, info->out_max_shadow_pages);
	EXPECT_LE(16, info->out_max_batches);
	EXPECT_LE(NR_PAGES, info->out_max_batch_pages);
	EXPECT_LE(MMUN_LOG_DEFAULT, info->out_max_log_records);
	/* The largest log, too, has a power of two of records. */
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

TEST_F(abi, open_descriptor_works_for_an_unprivileged_user)
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

/* Returns 1 if MMUN_UNPIN_MM ended the call MMUN_PIN_MM. */
static int job_pin(struct worker *worker)
{
	__u32 released = 2;

	return _mmun_pin_mm(worker->fd, 5000, &released) ?: (int)released;
}

TEST_F(abi, unpin_mm_wakes_only_the_thread_that_it_names)
{
	struct worker worker = { .fd = self->fd, .job = job_pin };
	struct mmun_record record;

	mmun_drain_log(self->fd);
	ASSERT_EQ(0, worker_create(&worker));
	worker_go(&worker);
	ASSERT_EQ(1, mmun_wait_record(self->fd, MMUN_RECORD_PIN, &record));
	EXPECT_EQ(worker.tid, record.tid);
	MMUN_MUST_FAIL(ENOENT, __u32, _mmun_unpin_mm, mmun_gettid());
	EXPECT_EQ(1, MMUN_MUST(__u32, _mmun_unpin_mm, worker.tid));
	EXPECT_EQ(1, worker_join(&worker));
	MMUN_MUST_FAIL(ENOENT, __u32, _mmun_unpin_mm, worker.tid);
}

TEST_F(abi, pin_mm_times_out_if_no_call_ends_it)
{
	EXPECT_EQ(0, MMUN_MUST(__u32, _mmun_pin_mm, 1));
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

/* The device does not support write(), and a new log contains no record. */
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

TEST_F(open_mode, read_and_write_depend_on_the_mode_and_ioctl_does_not)
{
	struct mmun_record record;

	EXPECT_EQ(MMUN_ABI_VERSION, mmun_info().out_abi);
	mmun_remove(mmun_insert(&record, sizeof(record)));
	EXPECT_ERRNO(variant->read_errno,
		     read(self->fd, &record, sizeof(record)));
	EXPECT_ERRNO(variant->write_errno,
		     write(self->fd, &record, sizeof(record)));
}

TEST_F(open_mode, device_cannot_be_mapped)
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
