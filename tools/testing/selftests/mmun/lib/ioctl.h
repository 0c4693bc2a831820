/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The lowest layer of the calls of /dev/mmun: _mmun_x(fd, ...) issues the ioctl
 * and returns 0, or -1 with errno.  This file needs no harness.
 */
#ifndef _SELFTESTS_MMUN_IOCTL_H
#define _SELFTESTS_MMUN_IOCTL_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>

#include <test_mmun_uapi.h>

#include "kind.h"

#define MMUN_DEV "/dev/mmun"
#define MMUN_RETRIES 1000 /* in one call; a correct kernel needs far fewer */

/*
 * The time limit of a hold, and of a wait for a held task.  A test that passes
 * does not reach the limit, which is shorter than the time-out of a test.
 */
#define MMUN_HOLD_MS 8000

#define mmun_u64(ptr) ((__u64)(uintptr_t)(ptr))

static inline int mmun_open(void)
{
	return open(MMUN_DEV, O_RDWR | O_CLOEXEC);
}

/* A batch: the result of READ_BEGIN, for COLLECT, COMMIT and ABANDON */
struct mmun_token {
	__u32 batch;
	__u64 seq;
};

/* Define mmun_request_info as MMUN_INFO, and likewise for each other call. */
#define MMUN_ALIAS(NAME, name, last) mmun_request_##name = MMUN_##NAME,
enum { MMUN_CALLS(MMUN_ALIAS) };
#undef MMUN_ALIAS

/*
 * Define a function with the signature @_signature, which issues the ioctl
 * @_name on @fd.  The last arguments initialize fields of @cmd, struct
 * mmun_@_name.  The statement @_copy copies results from @cmd, or is empty.
 */
#define MMUN_CALL(_signature, _name, _copy, ...)                 \
	static inline int _signature                             \
	{                                                        \
		struct mmun_##_name cmd = { .size = sizeof(cmd), \
					    ##__VA_ARGS__ };     \
		int ret = ioctl(fd, mmun_request_##_name, &cmd); \
		_copy;                                           \
		return ret;                                      \
	}

/* clang-format off */
MMUN_CALL(_mmun_info(int fd, struct mmun_info *info), info, *info = cmd)
MMUN_CALL(_mmun_insert_spans(int fd, __u32 kind, struct mmun_span *spans, __u64 count, __u64 *done),
	  insert, *done = cmd.out_done, .kind = kind, .spans = mmun_u64(spans), .count = count,
	  .policy = MMUN_TEST_POLICY)
MMUN_CALL(_mmun_insert_policy(int fd, __u32 kind, __u32 policy, struct mmun_span *span,
			      __u64 *done),
	  insert, *done = cmd.out_done, .kind = kind, .spans = mmun_u64(span), .count = 1,
	  .policy = policy)
MMUN_CALL(_mmun_remove_bulk(int fd, struct mmun_span *spans, __u64 count, __u64 *done),
	  remove, *done = cmd.out_done, .spans = mmun_u64(spans), .count = count)
MMUN_CALL(_mmun_read_begin(int fd, __u32 id, struct mmun_token *token),
	  read_begin, *token = ((struct mmun_token){ cmd.out_batch, cmd.out_seq }), .id = id)
MMUN_CALL(_mmun_collect(int fd, struct mmun_token token, const void *start, size_t length,
			__u32 method, __u32 flags, __u32 *valid),
	  collect, *valid = cmd.out_valid, .batch = token.batch, .start = mmun_u64(start),
	  .length = length, .method = method, .flags = flags)
MMUN_CALL(_mmun_commit(int fd, struct mmun_token token, struct mmun_commit *commit),
	  commit, *commit = cmd, .batch = token.batch, .seq = token.seq)
MMUN_CALL(_mmun_abandon(int fd, struct mmun_token token), abandon, , .batch = token.batch)
MMUN_CALL(_mmun_access(int fd, __u32 id, const void *addr, size_t length, void *buffer,
		       __u32 flags, __u64 *done),
	  access, *done = cmd.out_done, .id = id, .addr = mmun_u64(addr), .length = length,
	  .buffer = mmun_u64(buffer), .flags = flags)
MMUN_CALL(_mmun_verify(int fd, __u32 id, struct mmun_verify *verify),
	  verify, *verify = cmd, .id = id, .max_retries = MMUN_RETRIES)
MMUN_CALL(_mmun_fail_nonblock(int fd, __u32 id, __u32 count, __u32 *left),
	  fail_nonblock, *left = cmd.out_left, .id = id, .count = count)
MMUN_CALL(_mmun_check_retry(int fd, __u32 id, __u64 seq, __u32 *retry),
	  query_range, *retry = cmd.out_retry, .id = id, .seq = seq)
MMUN_CALL(_mmun_query_range(int fd, __u32 id, struct mmun_query_range *range),
	  query_range, *range = cmd, .id = id)
MMUN_CALL(_mmun_query_context(int fd, struct mmun_query_context *context),
	  query_context, *context = cmd)
MMUN_CALL(_mmun_pin_mm(int fd, __u32 timeout_ms, __u32 *unpinned),
	  pin_mm, *unpinned = cmd.out_unpinned, .timeout_ms = timeout_ms)
MMUN_CALL(_mmun_lock_mm(int fd, __u32 timeout_ms, __u32 *unpinned),
	  pin_mm, *unpinned = cmd.out_unpinned, .timeout_ms = timeout_ms, .flags = MMUN_WRITE_LOCK)
MMUN_CALL(_mmun_unpin_mm(int fd, __u32 tid, __u32 *count),
	  unpin_mm, *count = cmd.out_count, .tid = tid)
MMUN_CALL(_mmun_log_setup(int fd, __u32 records, __u32 types, __u64 *lost),
	  log_setup, *lost = cmd.out_lost, .records = records, .types = types)
MMUN_CALL(_mmun_hold_once(int fd, __u32 point, __u32 id, __u32 tid, __u32 *hold),
	  hold, *hold = cmd.out_hold, .point = point, .id = id, .tid = tid, .count = 1,
	  .timeout_ms = MMUN_HOLD_MS)
MMUN_CALL(_mmun_wait_held(int fd, __u32 hold, __u32 timeout_ms, struct mmun_wait_held *held),
	  wait_held, *held = cmd, .hold = hold, .timeout_ms = timeout_ms)
MMUN_CALL(_mmun_resume(int fd, __u32 hold, __u32 flags, __u32 *resumed),
	  resume, *resumed = cmd.out_resumed, .hold = hold, .flags = flags)
MMUN_CALL(_mmun_wake_thread(int fd, __u32 tid, __u32 count, __u32 *woken),
	  wake_thread, *woken = cmd.out_woken, .tid = tid, .count = count)
MMUN_CALL(_mmun_check_balance(int fd, __u32 timeout_ms, struct mmun_check_balance *check),
	  check_balance, *check = cmd, .timeout_ms = timeout_ms)
/* clang-format on */

static inline int _mmun_insert_kind(int fd, __u32 kind, const void *start,
				    size_t length, __u32 *id)
{
	struct mmun_span span = { .start = mmun_u64(start), .length = length };
	__u64 done;
	int ret = _mmun_insert_spans(fd, kind, &span, 1, &done);

	*id = span.id;
	return ret;
}

static inline int _mmun_insert(int fd, const void *start, size_t length,
			       __u32 *id)
{
	return _mmun_insert_kind(fd, MMUN_TEST_KIND, start, length, id);
}

static inline int _mmun_insert_bulk(int fd, struct mmun_span *spans,
				    __u64 count, __u64 *done)
{
	return _mmun_insert_spans(fd, MMUN_TEST_KIND, spans, count, done);
}

static inline int _mmun_remove(int fd, __u32 id)
{
	struct mmun_span span = { .id = id };
	__u64 done;

	return _mmun_remove_bulk(fd, &span, 1, &done);
}

/* Flags that _mmun_snapshot() adds to each snapshot: 0 or MMUN_OWN_LOOP */
#ifndef MMUN_SNAPSHOT_FLAGS
#define MMUN_SNAPSHOT_FLAGS 0
#endif

/* The argument of a SNAPSHOT that retries after collisions */
#define MMUN_SNAPSHOT_OF(_id, _start, _length, _method, _flags) \
	((struct mmun_snapshot){                                \
		.id = _id,                                      \
		.start = mmun_u64(_start),                      \
		.length = _length,                              \
		.method = _method,                              \
		.flags = _flags,                                \
		.max_retries = MMUN_RETRIES,                    \
	})

/*
 * The caller initializes @cmd with MMUN_SNAPSHOT_OF(), or sets each field that
 * is not 0.
 */
static inline int _mmun_snapshot(int fd, struct mmun_snapshot *cmd)
{
	cmd->size = sizeof(*cmd);
	cmd->flags |= MMUN_SNAPSHOT_FLAGS;
	return ioctl(fd, MMUN_SNAPSHOT, cmd);
}

/* The caller sets each field of @cmd that is not 0.  A count of 0 means 1. */
static inline int _mmun_hold(int fd, struct mmun_hold *cmd)
{
	cmd->size = sizeof(*cmd);
	cmd->count = cmd->count ?: 1;
	return ioctl(fd, MMUN_HOLD, cmd);
}

static inline bool mmun_has_feature(int fd, __u32 feature)
{
	struct mmun_info info;

	return !_mmun_info(fd, &info) && (info.out_features & feature);
}

/* Each entry of the shadow contains a PFN and an order. */
static inline __u64 mmun_entry_pfn(__u64 entry)
{
	return entry & MMUN_PAGE_PFN_MASK;
}

static inline unsigned int mmun_entry_order(__u64 entry)
{
	return (entry >> MMUN_PAGE_ORDER_SHIFT) & MMUN_PAGE_ORDER_MASK;
}

/* Returns the best method by which this kernel can fault pages in. */
static inline __u32 mmun_best_method(int fd)
{
	return mmun_has_feature(fd, MMUN_FEATURE_HMM) ? MMUN_METHOD_HMM_FAULT :
							MMUN_METHOD_GUP;
}

static inline bool mmun_has_kind(int fd, __u32 kind)
{
	struct mmun_info info;

	return !_mmun_info(fd, &info) && (info.out_kinds & 1ULL << kind);
}

/* Returns whether HMM itself retries a snapshot by this method. */
static inline bool mmun_is_unlocked(int fd, __u32 method)
{
	return method != MMUN_METHOD_GUP && !MMUN_SNAPSHOT_FLAGS &&
	       !MMUN_IS_LIST && mmun_has_feature(fd, MMUN_FEATURE_HMM_UNLOCKED);
}

#endif /* _SELFTESTS_MMUN_IOCTL_H */
