/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Layer 1 of the calls of /dev/mmun: _mmun_x(fd, ...) issues the ioctl and
 * returns 0, or -1 with errno.  This file needs no harness.
 */
#ifndef _SELFTESTS_MMUN_IOCTL_H
#define _SELFTESTS_MMUN_IOCTL_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>

#include <test_mmun_uapi.h>

#define MMUN_DEV "/dev/mmun"
#define MMUN_RETRIES 1000 /* far beyond what a healthy kernel needs */

#define mmun_u64(ptr) ((__u64)(uintptr_t)(ptr))

static inline int mmun_open(void)
{
	return open(MMUN_DEV, O_RDWR | O_CLOEXEC);
}

static inline int _mmun_info(int fd, struct mmun_info *info)
{
	*info = (struct mmun_info){ .size = sizeof(*info) };
	return ioctl(fd, MMUN_INFO, info);
}

static inline int _mmun_insert_spans(int fd, __u32 kind,
				     struct mmun_span *spans, __u64 count,
				     __u64 *done)
{
	struct mmun_insert cmd = {
		.size = sizeof(cmd),
		.kind = kind,
		.spans = mmun_u64(spans),
		.count = count,
	};
	int ret = ioctl(fd, MMUN_INSERT, &cmd);

	*done = cmd.out_done;
	return ret;
}

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
	return _mmun_insert_kind(fd, MMUN_KIND_INTERVAL, start, length, id);
}

static inline int _mmun_insert_bulk(int fd, struct mmun_span *spans,
				    __u64 count, __u64 *done)
{
	return _mmun_insert_spans(fd, MMUN_KIND_INTERVAL, spans, count, done);
}

static inline int _mmun_remove_bulk(int fd, struct mmun_span *spans,
				    __u64 count, __u64 *done)
{
	struct mmun_remove cmd = {
		.size = sizeof(cmd),
		.spans = mmun_u64(spans),
		.count = count,
	};
	int ret = ioctl(fd, MMUN_REMOVE, &cmd);

	*done = cmd.out_done;
	return ret;
}

static inline int _mmun_remove(int fd, __u32 id)
{
	struct mmun_span span = { .id = id };
	__u64 done;

	return _mmun_remove_bulk(fd, &span, 1, &done);
}

/* The result of READ_BEGIN, which COLLECT, COMMIT and ABANDON take */
struct mmun_token {
	__u32 batch;
	__u64 seq;
};

static inline int _mmun_read_begin(int fd, __u32 id, struct mmun_token *token)
{
	struct mmun_read_begin cmd = { .size = sizeof(cmd), .id = id };
	int ret = ioctl(fd, MMUN_READ_BEGIN, &cmd);

	*token = (struct mmun_token){ cmd.out_batch, cmd.out_seq };
	return ret;
}

static inline int _mmun_collect(int fd, struct mmun_token token,
				const void *start, size_t length, __u32 method,
				__u32 flags, __u32 *valid)
{
	struct mmun_collect cmd = {
		.size = sizeof(cmd),
		.batch = token.batch,
		.start = mmun_u64(start),
		.length = length,
		.method = method,
		.flags = flags,
	};
	int ret = ioctl(fd, MMUN_COLLECT, &cmd);

	*valid = cmd.out_valid;
	return ret;
}

static inline int _mmun_commit(int fd, struct mmun_token token,
			       struct mmun_commit *cmd)
{
	*cmd = (struct mmun_commit){
		.size = sizeof(*cmd),
		.batch = token.batch,
		.seq = token.seq,
	};
	return ioctl(fd, MMUN_COMMIT, cmd);
}

static inline int _mmun_abandon(int fd, struct mmun_token token)
{
	struct mmun_abandon cmd = {
		.size = sizeof(cmd),
		.batch = token.batch,
	};

	return ioctl(fd, MMUN_ABANDON, &cmd);
}

static inline int _mmun_query_range(int fd, __u32 id,
				    struct mmun_query_range *cmd)
{
	cmd->size = sizeof(*cmd);
	cmd->id = id;
	return ioctl(fd, MMUN_QUERY_RANGE, cmd);
}

static inline int _mmun_check_retry(int fd, __u32 id, __u64 seq, __u32 *retry)
{
	struct mmun_query_range cmd = { .seq = seq };
	int ret = _mmun_query_range(fd, id, &cmd);

	*retry = cmd.out_retry;
	return ret;
}

/* The flags that a program adds to every snapshot: 0 or MMUN_OWN_LOOP */
#ifndef MMUN_SNAPSHOT_FLAGS
#define MMUN_SNAPSHOT_FLAGS 0
#endif

/* A snapshot that repeats the loop until no invalidation collides with it */
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

static inline int _mmun_access(int fd, __u32 id, const void *addr,
			       size_t length, void *buffer, __u32 flags,
			       __u64 *done)
{
	struct mmun_access cmd = {
		.size = sizeof(cmd),
		.id = id,
		.flags = flags,
		.addr = mmun_u64(addr),
		.length = length,
		.buffer = mmun_u64(buffer),
	};
	int ret = ioctl(fd, MMUN_ACCESS, &cmd);

	*done = cmd.out_done;
	return ret;
}

static inline int _mmun_verify(int fd, __u32 id, struct mmun_verify *cmd)
{
	*cmd = (struct mmun_verify){
		.size = sizeof(*cmd),
		.id = id,
		.max_retries = MMUN_RETRIES,
	};
	return ioctl(fd, MMUN_VERIFY, cmd);
}

static inline int _mmun_fail_nonblock(int fd, __u32 id, __u32 count,
				      __u32 *left)
{
	struct mmun_fail_nonblock cmd = {
		.size = sizeof(cmd),
		.id = id,
		.count = count,
	};
	int ret = ioctl(fd, MMUN_FAIL_NONBLOCK, &cmd);

	*left = cmd.out_left;
	return ret;
}

static inline int _mmun_pin_mm(int fd, __u32 timeout_ms, __u32 *unpinned)
{
	struct mmun_pin_mm cmd = {
		.size = sizeof(cmd),
		.timeout_ms = timeout_ms,
	};
	int ret = ioctl(fd, MMUN_PIN_MM, &cmd);

	*unpinned = cmd.out_unpinned;
	return ret;
}

static inline int _mmun_unpin_mm(int fd, __u32 tid, __u32 *count)
{
	struct mmun_unpin_mm cmd = { .size = sizeof(cmd), .tid = tid };
	int ret = ioctl(fd, MMUN_UNPIN_MM, &cmd);

	*count = cmd.out_count;
	return ret;
}

static inline int _mmun_log_setup(int fd, __u32 records, __u32 types,
				  __u64 *lost)
{
	struct mmun_log_setup cmd = {
		.size = sizeof(cmd),
		.records = records,
		.types = types,
	};
	int ret = ioctl(fd, MMUN_LOG_SETUP, &cmd);

	*lost = cmd.out_lost;
	return ret;
}

static inline int _mmun_query_context(int fd, struct mmun_query_context *cmd)
{
	*cmd = (struct mmun_query_context){ .size = sizeof(*cmd) };
	return ioctl(fd, MMUN_QUERY_CONTEXT, cmd);
}

/* The caller sets each field that is not 0.  The default of the count is 1. */
static inline int _mmun_hold(int fd, struct mmun_hold *cmd)
{
	cmd->size = sizeof(*cmd);
	cmd->count = cmd->count ?: 1;
	return ioctl(fd, MMUN_HOLD, cmd);
}

static inline int _mmun_wait_held(int fd, __u32 hold, __u32 timeout_ms,
				  struct mmun_wait_held *cmd)
{
	*cmd = (struct mmun_wait_held){
		.size = sizeof(*cmd),
		.hold = hold,
		.timeout_ms = timeout_ms,
	};
	return ioctl(fd, MMUN_WAIT_HELD, cmd);
}

static inline int _mmun_resume(int fd, __u32 hold, __u32 flags, __u32 *resumed)
{
	struct mmun_resume cmd = {
		.size = sizeof(cmd),
		.hold = hold,
		.flags = flags,
	};
	int ret = ioctl(fd, MMUN_RESUME, &cmd);

	*resumed = cmd.out_resumed;
	return ret;
}

static inline int _mmun_wake_thread(int fd, __u32 tid, __u32 count,
				    __u32 *woken)
{
	struct mmun_wake_thread cmd = {
		.size = sizeof(cmd),
		.tid = tid,
		.count = count,
	};
	int ret = ioctl(fd, MMUN_WAKE_THREAD, &cmd);

	*woken = cmd.out_woken;
	return ret;
}

static inline int _mmun_check_balance(int fd, __u32 timeout_ms,
				      struct mmun_check_balance *cmd)
{
	*cmd = (struct mmun_check_balance){
		.size = sizeof(*cmd),
		.timeout_ms = timeout_ms,
	};
	return ioctl(fd, MMUN_CHECK_BALANCE, cmd);
}

static inline bool mmun_has_feature(int fd, __u32 feature)
{
	struct mmun_info info;

	return !_mmun_info(fd, &info) && (info.out_features & feature);
}

/* The fields of an entry of the shadow */
static inline __u64 mmun_entry_pfn(__u64 entry)
{
	return entry & MMUN_PAGE_PFN_MASK;
}

static inline unsigned int mmun_entry_order(__u64 entry)
{
	return (entry >> MMUN_PAGE_ORDER_SHIFT) & MMUN_PAGE_ORDER_MASK;
}

/* The best method of the kernel that faults pages in */
static inline __u32 mmun_best_method(int fd)
{
	return mmun_has_feature(fd, MMUN_FEATURE_HMM) ? MMUN_METHOD_HMM_FAULT :
							MMUN_METHOD_GUP;
}

/*
 * Returns whether HMM itself repeats a snapshot by this method that collides.
 */
static inline bool mmun_is_unlocked(int fd, __u32 method)
{
	return method != MMUN_METHOD_GUP && !MMUN_SNAPSHOT_FLAGS &&
	       mmun_has_feature(fd, MMUN_FEATURE_HMM_UNLOCKED);
}

#endif /* _SELFTESTS_MMUN_IOCTL_H */
