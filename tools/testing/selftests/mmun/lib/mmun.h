/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of /dev/mmun share: the calls in three layers, the expected
 * records, the memory they play with, and main().
 *
 *   _mmun_x(fd, ...)	issues the ioctl and returns 0 or -1 with errno
 *   mmun_x(...)	asserts that it succeeds on self->fd
 *   mmun_err_x(e, ...)	expects it to fail with errno e on self->fd
 *
 * The functions are static because a harness program is one file.
 */
#ifndef _SELFTESTS_MMUN_H
#define _SELFTESTS_MMUN_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../kselftest_harness.h"
#include <test_mmun_uapi.h>
#include "compat.h"
#include "mark.h"
#include "names.h"

#define MMUN_DEV	"/dev/mmun"
#define MMUN_RETRIES	1000	/* far beyond what a healthy kernel needs */
/* For what must happen; the harness ends a test after 30 seconds. */
#define MMUN_PATIENCE_MS	25000

#define mmun_u64(ptr)	((__u64)(uintptr_t)(ptr))

/* Is the kernel User-Mode Linux?  It has no counter of cycles, and a coarse clock. */
static inline bool mmun_is_uml(void)
{
	FILE *cpuinfo = fopen("/proc/cpuinfo", "r");
	char line[256];
	bool found = false;

	if (!cpuinfo)
		return false;
	while (!found && fgets(line, sizeof(line), cpuinfo))
		found = strstr(line, "User Mode Linux");
	fclose(cpuinfo);
	return found;
}

/* Layer 1: issue the call. */

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

/* What READ_BEGIN hands out and COMMIT wants back. */
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

/* What a program adds to the flags of every snapshot: 0 or MMUN_OWN_LOOP */
#ifndef MMUN_SNAPSHOT_FLAGS
#define MMUN_SNAPSHOT_FLAGS	0
#endif

/* The caller fills in what it wants to differ from a plain faulting one. */
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

static inline int _mmun_fail_nonblock(int fd, __u32 id, __u32 count, __u32 *left)
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

/* The caller fills in what is not zero; the count is 1 unless it says more. */
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

static inline int _mmun_resume(int fd, __u32 hold, __u32 flags,
			       __u32 *resumed)
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

static inline int _mmun_wake_thread(int fd, __u32 tid, __u32 count, __u32 *woken)
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

static inline int _mmun_check_balance(int fd, __u32 timeout_ms, struct mmun_check_balance *cmd)
{
	*cmd = (struct mmun_check_balance){
		.size = sizeof(*cmd),
		.timeout_ms = timeout_ms,
	};
	return ioctl(fd, MMUN_CHECK_BALANCE, cmd);
}

/* Layers 2 and 3: assert that it succeeds, or expect that it fails. */

#define EXPECT_ERRNO(expected_errno, cmd)                     \
	({                                                    \
		errno = 0;                                    \
		EXPECT_EQ(-1, cmd);                           \
		EXPECT_EQ(expected_errno, errno);             \
	})

#define mmun_info()                                           \
	({                                                    \
		struct mmun_info __info;                      \
		ASSERT_EQ(0, _mmun_info(self->fd, &__info));  \
		__info;                                       \
	})

#define mmun_insert(start, length)                                       \
	({                                                               \
		__u32 __id;                                              \
		ASSERT_EQ(0, _mmun_insert(self->fd, start, length, &__id)); \
		ASSERT_NE(0, __id);                                      \
		__id;                                                    \
	})
#define mmun_err_insert(_errno, start, length)                           \
	({                                                               \
		__u32 __id;                                              \
		EXPECT_ERRNO(_errno,                                     \
			     _mmun_insert(self->fd, start, length, &__id)); \
	})

#define mmun_remove(id) ASSERT_EQ(0, _mmun_remove(self->fd, id))
#define mmun_err_remove(_errno, id) \
	EXPECT_ERRNO(_errno, _mmun_remove(self->fd, id))

#define mmun_read_begin(id)                                              \
	({                                                               \
		struct mmun_token __token;                               \
		ASSERT_EQ(0, _mmun_read_begin(self->fd, id, &__token));  \
		ASSERT_NE(0, __token.batch);                             \
		__token;                                                 \
	})
#define mmun_err_read_begin(_errno, id)                                  \
	({                                                               \
		struct mmun_token __token;                               \
		EXPECT_ERRNO(_errno,                                     \
			     _mmun_read_begin(self->fd, id, &__token));  \
	})

/* Returns the number of pages found valid. */
#define mmun_collect(token, start, length, method, flags)                \
	({                                                               \
		__u32 __valid;                                           \
		ASSERT_EQ(0, _mmun_collect(self->fd, token, start, length, \
					   method, flags, &__valid));    \
		__valid;                                                 \
	})
#define mmun_err_collect(_errno, token, start, length, method, flags)    \
	({                                                               \
		__u32 __valid;                                           \
		EXPECT_ERRNO(_errno, _mmun_collect(self->fd, token, start, \
						   length, method, flags, \
						   &__valid));           \
	})

/* Returns whether it collided. */
#define mmun_commit(token)                                               \
	({                                                               \
		struct mmun_commit __commit;                             \
		ASSERT_EQ(0, _mmun_commit(self->fd, token, &__commit));  \
		__commit.out_collided;                                   \
	})
#define mmun_err_commit(_errno, token)                                   \
	({                                                               \
		struct mmun_commit __commit;                             \
		EXPECT_ERRNO(_errno,                                     \
			     _mmun_commit(self->fd, token, &__commit));  \
	})

#define mmun_abandon(token) ASSERT_EQ(0, _mmun_abandon(self->fd, token))

#define mmun_check_retry(id, seq)                                        \
	({                                                               \
		__u32 __retry;                                           \
		ASSERT_EQ(0, _mmun_check_retry(self->fd, id, seq, &__retry)); \
		__retry;                                                 \
	})

/*
 * Take a snapshot that must succeed; returns the number of valid pages.  pages
 * may be NULL.
 */
#define mmun_snapshot(_id, _start, _length, _method, _flags, _pages)     \
	({                                                               \
		struct mmun_snapshot __snap = {                          \
			.id = _id,                                       \
			.start = mmun_u64(_start),                       \
			.length = _length,                               \
			.method = _method,                               \
			.flags = _flags,                                 \
			.max_retries = MMUN_RETRIES,                     \
			.pages = mmun_u64(_pages),                       \
		};                                                       \
		ASSERT_EQ(0, _mmun_snapshot(self->fd, &__snap));         \
		ASSERT_EQ(0, __snap.out_collided);                       \
		__snap.out_valid;                                        \
	})
#define mmun_err_snapshot(_errno, _id, _start, _length, _method, _flags) \
	({                                                               \
		struct mmun_snapshot __snap = {                          \
			.id = _id,                                       \
			.start = mmun_u64(_start),                       \
			.length = _length,                               \
			.method = _method,                               \
			.flags = _flags,                                 \
			.max_retries = MMUN_RETRIES,                     \
		};                                                       \
		EXPECT_ERRNO(_errno, _mmun_snapshot(self->fd, &__snap)); \
	})

/* Move all the bytes through the shadow, as a device would. */
#define mmun_device_read(id, addr, length, buffer)                       \
	({                                                               \
		__u64 __done;                                            \
		ASSERT_EQ(0, _mmun_access(self->fd, id, addr, length,    \
					  buffer, 0, &__done));          \
		ASSERT_EQ(length, __done);                               \
	})
#define mmun_device_write(id, addr, length, buffer)                      \
	({                                                               \
		__u64 __done;                                            \
		ASSERT_EQ(0, _mmun_access(self->fd, id, addr, length,    \
					  buffer, MMUN_WRITE, &__done)); \
		ASSERT_EQ(length, __done);                               \
	})
/* Expect that the device finds no entry (flags 0) or none to write to. */
#define mmun_err_access(_errno, id, addr, length, flags)                 \
	({                                                               \
		char __bytes[length];                                    \
		__u64 __done;                                            \
		memset(__bytes, 0, sizeof(__bytes));                     \
		EXPECT_ERRNO(_errno, _mmun_access(self->fd, id, addr,    \
						  length, __bytes, flags, \
						  &__done));             \
	})

/* Coherence: every valid shadow entry is what the page tables say. */
#define mmun_verify(id)                                                  \
	({                                                               \
		struct mmun_verify __v;                                  \
		ASSERT_EQ(0, _mmun_verify(self->fd, id, &__v));          \
		EXPECT_EQ(MMUN_VERIFY_AGREES, __v.out_result)            \
		{                                                        \
			TH_LOG("at %llx: shadow %llx, page tables %llx", \
			       (unsigned long long)__v.out_addr,         \
			       (unsigned long long)__v.out_shadow,       \
			       (unsigned long long)__v.out_pte);         \
		}                                                        \
		__v.out_checked;                                         \
	})

#define mmun_fail_nonblock(id, count)                                           \
	({                                                               \
		__u32 __left;                                            \
		ASSERT_EQ(0, _mmun_fail_nonblock(self->fd, id, count, &__left)); \
		__left;                                                  \
	})

#define mmun_log_setup(records, types)                                   \
	({                                                               \
		__u64 __lost;                                            \
		ASSERT_EQ(0, _mmun_log_setup(self->fd, records, types,   \
					     &__lost));                  \
		__lost;                                                  \
	})

#define mmun_query_context()                                                     \
	({                                                               \
		struct mmun_query_context __state;                               \
		ASSERT_EQ(0, _mmun_query_context(self->fd, &__state));           \
		__state;                                                 \
	})

#define mmun_query_range(id)                                             \
	({                                                               \
		struct mmun_query_range __range = { };                   \
		ASSERT_EQ(0, _mmun_query_range(self->fd, id, &__range)); \
		__range;                                                 \
	})

#define mmun_insert_kind(kind, start, length)                            \
	({                                                               \
		__u32 __id;                                              \
		ASSERT_EQ(0, _mmun_insert_kind(self->fd, kind, start,    \
					       length, &__id));          \
		ASSERT_NE(0, __id);                                      \
		__id;                                                    \
	})

/*
 * How long holds last that nobody ends, and waits for them at most: what is too
 * long for a test and too short for its time-out.
 */
#define MMUN_HOLD_MS	8000

/* Hold thread @_tid, once, at @_point of range @_id; returns the ID. */
#define mmun_hold(_point, _id, _tid)                                     \
	({                                                               \
		struct mmun_hold __hold = {                              \
			.point = _point,                                 \
			.id = _id,                                       \
			.tid = _tid,                                     \
			.timeout_ms = MMUN_HOLD_MS,                      \
		};                                                       \
		ASSERT_EQ(0, _mmun_hold(self->fd, &__hold));             \
		ASSERT_NE(0, __hold.out_hold);                           \
		__hold.out_hold;                                         \
	})
#define mmun_err_hold(_errno, _point, _id, _tid)                         \
	({                                                               \
		struct mmun_hold __hold = {                              \
			.point = _point,                                 \
			.id = _id,                                       \
			.tid = _tid,                                     \
			.timeout_ms = MMUN_HOLD_MS,                      \
		};                                                       \
		EXPECT_ERRNO(_errno, _mmun_hold(self->fd, &__hold));     \
	})

/* Wait until a task is held; returns what is told of it. */
#define mmun_wait_held(hold)                                             \
	({                                                               \
		struct mmun_wait_held __held;                            \
		ASSERT_EQ(0, _mmun_wait_held(self->fd, hold, MMUN_HOLD_MS, \
					     &__held));                  \
		ASSERT_EQ(MMUN_HOLD_HELD, __held.out_state);             \
		__held;                                                  \
	})
/* Just look; returns enum mmun_hold_state. */
#define mmun_hold_state(hold)                                            \
	({                                                               \
		struct mmun_wait_held __held;                            \
		ASSERT_EQ(0, _mmun_wait_held(self->fd, hold, 0, &__held)); \
		__held.out_state;                                        \
	})
#define mmun_err_wait_held(_errno, hold)                                 \
	({                                                               \
		struct mmun_wait_held __held;                            \
		EXPECT_ERRNO(_errno,                                     \
			     _mmun_wait_held(self->fd, hold, 0, &__held)); \
	})

/* Returns how many were let go. */
#define mmun_resume(hold)                                               \
	({                                                               \
		__u32 __resumed;                                        \
		ASSERT_EQ(0, _mmun_resume(self->fd, hold, 0, &__resumed)); \
		__resumed;                                              \
	})
#define mmun_resume_end(hold)                                           \
	({                                                               \
		__u32 __resumed;                                        \
		ASSERT_EQ(0, _mmun_resume(self->fd, hold,               \
					   MMUN_RESUME_END,             \
					   &__resumed));                \
		__resumed;                                              \
	})
#define mmun_err_resume(_errno, hold)                                   \
	({                                                               \
		__u32 __resumed;                                        \
		EXPECT_ERRNO(_errno, _mmun_resume(self->fd, hold, 0,    \
						   &__resumed));        \
	})

/* Returns how many wake-ups found the thread asleep. */
#define mmun_wake_thread(tid, count)                                            \
	({                                                               \
		__u32 __woken;                                           \
		ASSERT_EQ(0, _mmun_wake_thread(self->fd, tid, count, &__woken)); \
		__woken;                                                 \
	})

/* Returns whether the mm's invalidations are in balance. */
#define mmun_check_balance(timeout_ms)                                           \
	({                                                               \
		struct mmun_check_balance __probe;                               \
		ASSERT_EQ(0, _mmun_check_balance(self->fd, timeout_ms, &__probe)); \
		__probe.out_balanced;                                    \
	})

/* Records: read without waiting, compare, and print them all on failure. */

/* Returns 1, or 0 when the log is empty. */
static inline int mmun_next_record(int fd, struct mmun_record *record)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	if (poll(&pfd, 1, 0) != 1)
		return 0;
	return read(fd, record, sizeof(*record)) == sizeof(*record);
}

static inline void mmun_drain_log(int fd)
{
	struct mmun_record record;

	while (mmun_next_record(fd, &record))
		;
}

/* Waits at most MMUN_PATIENCE_MS for the next record of that type. */
static inline int mmun_wait_record(int fd, __u16 type,
				   struct mmun_record *record)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	while (poll(&pfd, 1, MMUN_PATIENCE_MS) == 1) {
		if (read(fd, record, sizeof(*record)) != sizeof(*record))
			return 0;
		if (record->type == type)
			return 1;
	}
	return 0;
}

static inline void mmun_print_record(const struct mmun_record *r)
{
	fprintf(stderr,
		"#   seq %llu type %u id %u event %u flags %x cur_seq %llu [%llx, %llx) clip [%llx, %llx) by %u/%u %.16s\n",
		(unsigned long long)r->sequence, r->type, r->id, r->event,
		r->flags, (unsigned long long)r->cur_seq,
		(unsigned long long)r->start, (unsigned long long)r->end,
		(unsigned long long)r->clip_start,
		(unsigned long long)r->clip_end, r->tid, r->tgid, r->comm);
}

/* The log as a whole, where the order of the records is not promised. */
struct mmun_records {
	struct mmun_record records[256];
	int count;
};

static inline void mmun_read_all(int fd, struct mmun_records *log)
{
	for (log->count = 0; log->count < 256; log->count++)
		if (!mmun_next_record(fd, &log->records[log->count]))
			return;
}

static inline void mmun_print_all(const struct mmun_records *log)
{
	int i;

	for (i = 0; i < log->count; i++)
		mmun_print_record(&log->records[i]);
}

/*
 * The next record says that @id was invalidated by @event, blockable, clipped
 * to [start, start + length).  Evaluates to the record.
 */
#define mmun_expect_event(_id, _event, _start, _length)                  \
	({                                                               \
		struct mmun_record __r = {};                             \
		ASSERT_EQ(1, mmun_next_record(self->fd, &__r))           \
		{                                                        \
			TH_LOG("no event, expected %d on range %u",      \
			       (int)(_event), (unsigned int)(_id));      \
		}                                                        \
		EXPECT_EQ(MMUN_RECORD_INVALIDATE, __r.type);             \
		EXPECT_EQ(_id, __r.id);                                  \
		EXPECT_EQ(_event, __r.event);                            \
		EXPECT_EQ(MMUN_RECORD_BLOCKABLE, __r.flags);             \
		EXPECT_EQ(1, __r.cur_seq & 1);                           \
		EXPECT_EQ(mmun_u64(_start), __r.clip_start);             \
		EXPECT_EQ(mmun_u64(_start) + (_length), __r.clip_end)    \
		{                                                        \
			mmun_print_record(&__r);                         \
		}                                                        \
		__r;                                                     \
	})

#define mmun_expect_no_event()                                           \
	({                                                               \
		struct mmun_record __r = {};                             \
		EXPECT_EQ(0, mmun_next_record(self->fd, &__r))           \
		{                                                        \
			mmun_print_record(&__r);                         \
		}                                                        \
	})

static inline bool mmun_has_feature(int fd, __u32 feature)
{
	struct mmun_info info;

	return !_mmun_info(fd, &info) && (info.out_features & feature);
}

/* Does a snapshot by this method leave the loop to HMM? */
static inline bool mmun_is_unlocked(int fd, __u32 method)
{
	return method != MMUN_METHOD_GUP && !MMUN_SNAPSHOT_FLAGS &&
	       mmun_has_feature(fd, MMUN_FEATURE_HMM_UNLOCKED);
}

#define MMUN_LACKS(feature) \
	"the kernel lacks " #feature ": build it with CONFIG_HMM_MIRROR"

/* Skip in the body: 6.1's harness runs it even after a SKIP in the setup. */
#define mmun_need_feature(feature)                                       \
	do {                                                             \
		if (!mmun_has_feature(self->fd, feature))                \
			SKIP(return, MMUN_LACKS(feature));               \
	} while (0)

/*
 * Memory.  An arena is @pages pages of PROT_NONE between two more of them, so
 * that what is mapped into it has no neighbours and never merges.
 */
static inline char *mmun_arena(size_t pages)
{
	size_t page = sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, (pages + 2) * page, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p + page;
}

/* Anonymous private memory at a fixed place; not populated, never huge. */
static inline char *mmun_map(char *at, size_t length)
{
	char *p = mmap(at, length, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	madvise(p, length, MADV_NOHUGEPAGE);
	return p;
}

/* As mmun_map(), each page written with its own number, counted from 1. */
static inline char *mmun_map_filled(char *at, size_t pages)
{
	size_t page = sysconf(_SC_PAGESIZE);
	char *p = mmun_map(at, pages * page);
	size_t i;

	for (i = 0; p && i < pages; i++)
		memset(p + i * page, (int)(i + 1), page);
	return p;
}

/*
 * With vm.memfd_noexec=2 a memfd must not be executable.  Kernels before 6.3
 * do not have the flag.
 */
static inline int mmun_memfd(unsigned int flags)
{
	int fd = memfd_create("mmun", flags | MFD_CLOEXEC | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("mmun", flags | MFD_CLOEXEC);
	return fd;
}

/*
 * What one entry above the last page table maps, which is the size of a huge
 * page.  A kernel without huge pages does not print it.
 */
static inline size_t mmun_huge_size(void)
{
	static size_t size;
	FILE *file;

	if (size)
		return size;
	file = fopen("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size",
		     "re");
	size = sysconf(_SC_PAGESIZE);
	size *= size / sizeof(__u64);
	if (file && fscanf(file, "%zu", &size) != 1)
		fprintf(stderr, "# no size of a huge page, taken for %zu\n",
			size);
	if (file)
		fclose(file);
	return size;
}

#define HUGE_SIZE	mmun_huge_size()

#define MMUN_NO_COLLAPSE "no MADV_COLLAPSE: set CONFIG_TRANSPARENT_HUGEPAGE"

/* Make a huge page at @p.  Returns why that cannot be done, or NULL. */
static inline const char *mmun_collapse(char *p)
{
	if (!madvise(p, HUGE_SIZE, MADV_COLLAPSE))
		return NULL;
	return errno == EINVAL ? MMUN_NO_COLLAPSE :
				 "no memory for a huge page: boot with MEM=1G";
}

/* The PFN in an entry of /proc/PID/pagemap */
#define PAGEMAP_PFN	((1ULL << 55) - 1)

/* The entry of /proc/self/pagemap for the page at @p, or 0. */
static inline __u64 mmun_pagemap(const char *p)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	__u64 entry = 0;

	if (pread(fd, &entry, sizeof(entry), (uintptr_t)p /
		  sysconf(_SC_PAGESIZE) * sizeof(entry)) != sizeof(entry))
		entry = 0;
	close(fd);
	return entry;
}

/* Give up CAP_SYS_ADMIN and nothing else.  Returns 0, or -1 with errno. */
static inline int mmun_drop_sys_admin(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data))
		return -1;
	data[0].effective &= ~(1U << CAP_SYS_ADMIN);
	return syscall(SYS_capset, &head, data);
}

/*
 * Wait for a child; returns its exit status, 128 + the signal that killed it,
 * or -1.  The harness' time-out bounds it.
 */
static inline int mmun_wait_child(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static inline pid_t mmun_gettid(void)
{
	return syscall(SYS_gettid);
}

/*
 * For MADV_PAGEOUT of a page that is touched after this.  A page comes to the LRU by
 * way of a list of the CPU that touched it first; another CPU cannot take it from
 * there.
 */
static inline int mmun_stay_on_this_cpu(void)
{
	cpu_set_t here;

	CPU_ZERO(&here);
	CPU_SET(sched_getcpu(), &here);
	return sched_setaffinity(0, sizeof(here), &here);
}

/* Write pages that MADV_PAGEOUT can take at once, without swap. */
static inline int mmun_write_lazily_freed(char *at, size_t length)
{
	if (mmun_stay_on_this_cpu() || madvise(at, length, MADV_DONTNEED))
		return -1;
	memset(at, 1, length);
	return madvise(at, length, MADV_FREE);
}

/* main(): list or run the tests that MMUN_TESTS asks for, see names.h. */

#define MMUN_NO_TEST	"no test here matches MMUN_TESTS"

static inline int mmun_skip_all(const char *why)
{
	printf("TAP version 13\n1..0 # SKIP %s\n", why);
	return KSFT_SKIP;
}

static int test_harness_run(int argc, char **argv);

#define MMUN_NO_DEVICE	"no " MMUN_DEV ": load test_mmun.ko"
#define MMUN_ONE_LOOP	"no hmm_range_fault_unlocked_timeout(): SNAPSHOT has one loop, which other programs test"
#define MMUN_NO_ACCESS	"no access to " MMUN_DEV ": run as root"

/* Returns why the device cannot be opened, or NULL. */
static inline const char *mmun_device_problem(void)
{
	const char *problem = NULL;
	int fd = mmun_open();

	if (fd < 0)
		return errno == ENOENT ? MMUN_NO_DEVICE : MMUN_NO_ACCESS;
	if (MMUN_SNAPSHOT_FLAGS &&
	    !mmun_has_feature(fd, MMUN_FEATURE_HMM_UNLOCKED))
		problem = MMUN_ONE_LOOP;
	close(fd);
	return problem;
}

/* @problem: why no test of the program can run, or NULL */
static inline int mmun_list_or_run(int argc, char **argv, const char *problem)
{
	mmun_choose_tests();
	if (mmun_wants_list()) {
		mmun_list_tests();
		return KSFT_PASS;
	}
	if (problem)
		return mmun_skip_all(problem);
	if (!__fixture_list)
		return mmun_skip_all(MMUN_NO_TEST);
	mmun_mark_tests();
	return test_harness_run(argc, argv);
}

static inline int mmun_main(int argc, char **argv)
{
	return mmun_list_or_run(argc, argv, mmun_device_problem());
}

#define MMUN_HARNESS_MAIN                                                \
	int main(int argc, char **argv)                                  \
	{                                                                \
		return mmun_main(argc, argv);                            \
	}

#endif /* _SELFTESTS_MMUN_H */
