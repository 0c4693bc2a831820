/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The calls of /dev/mmun, for a test that has self->fd.  Each _mmun_x() of
 * ioctl.h has two wrappers:
 *
 *   mmun_x(...)	asserts that the call succeeds
 *   mmun_err_x(e, ...)	expects that the call fails with errno e
 */
#ifndef _SELFTESTS_MMUN_ASSERT_H
#define _SELFTESTS_MMUN_ASSERT_H

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "../../kselftest_harness.h"
#include "ioctl.h"
#include "task.h"

/*
 * Skip the test for the reason @_why, unless @_why is NULL.  Use this macro
 * only in the body of a test: the kselftest harness of Linux 6.1 runs the body
 * of a test even if the setup skips the test.
 */
#define mmun_skip_for(_why)                        \
	do {                                       \
		const char *__why = _why;          \
		if (__why)                         \
			SKIP(return, "%s", __why); \
	} while (0)

#define mmun_skip_if(_condition, _why) mmun_skip_for((_condition) ? _why : NULL)

/*
 * Skip unless MMUN_WARN is set.  The test does what a driver must not do, and the
 * sound kernel warns.
 */
#define mmun_need_warnings()               \
	mmun_skip_if(!getenv("MMUN_WARN"), \
		     "the kernel would warn: set MMUN_WARN=1 to run the test")

#define mmun_need_feature(feature)                         \
	mmun_skip_if(!mmun_has_feature(self->fd, feature), \
		     "the kernel lacks " #feature          \
		     ": build it with CONFIG_HMM_MIRROR")

#define mmun_need_method(method)                             \
	do {                                                 \
		if ((method) != MMUN_METHOD_GUP)             \
			mmun_need_feature(MMUN_FEATURE_HMM); \
	} while (0)

#define EXPECT_ERRNO(expected_errno, cmd)         \
	({                                        \
		errno = 0;                        \
		EXPECT_EQ(-1, cmd);               \
		EXPECT_EQ(expected_errno, errno); \
	})

/*
 * Assert that @_call succeeds.  The first parameter of @_call is the device,
 * and the last parameter points to the result.  Evaluates to the result.
 */
#define MMUN_MUST(_type, _call, ...)                                \
	({                                                          \
		_type __out[1] = { 0 };                             \
		ASSERT_EQ(0, _call(self->fd, ##__VA_ARGS__, __out)) \
		{                                                   \
			TH_LOG("%s", strerror(errno));              \
		}                                                   \
		__out[0];                                           \
	})

/* Like MMUN_MUST(), for a call that returns the ID of a new object */
#define MMUN_MUST_CREATE(_call, ...)                                 \
	({                                                           \
		__u32 __id = MMUN_MUST(__u32, _call, ##__VA_ARGS__); \
		ASSERT_NE(0, __id);                                  \
		__id;                                                \
	})

#define MMUN_MUST_FAIL(_errno, _type, _call, ...)                            \
	({                                                                   \
		_type __out[1];                                              \
		EXPECT_ERRNO(_errno, _call(self->fd, ##__VA_ARGS__, __out)); \
	})

#define mmun_info() MMUN_MUST(struct mmun_info, _mmun_info)

#define mmun_insert(start, length) MMUN_MUST_CREATE(_mmun_insert, start, length)
#define mmun_err_insert(_errno, start, length) \
	MMUN_MUST_FAIL(_errno, __u32, _mmun_insert, start, length)
#define mmun_insert_kind(kind, start, length) \
	MMUN_MUST_CREATE(_mmun_insert_kind, kind, start, length)

#define mmun_remove(id) ASSERT_EQ(0, _mmun_remove(self->fd, id))
#define mmun_err_remove(_errno, id) \
	EXPECT_ERRNO(_errno, _mmun_remove(self->fd, id))

#define mmun_read_begin(id)                                                 \
	({                                                                  \
		struct mmun_token __token =                                 \
			MMUN_MUST(struct mmun_token, _mmun_read_begin, id); \
		ASSERT_NE(0, __token.batch);                                \
		__token;                                                    \
	})
#define mmun_err_read_begin(_errno, id) \
	MMUN_MUST_FAIL(_errno, struct mmun_token, _mmun_read_begin, id)

/* Collect pages into a batch.  Returns the number of valid pages. */
#define mmun_collect(token, start, length, method, flags) \
	MMUN_MUST(__u32, _mmun_collect, token, start, length, method, flags)
#define mmun_err_collect(_errno, token, start, length, method, flags)      \
	MMUN_MUST_FAIL(_errno, __u32, _mmun_collect, token, start, length, \
		       method, flags)

/* Returns whether the batch collided. */
#define mmun_commit(token) \
	(MMUN_MUST(struct mmun_commit, _mmun_commit, token).out_collided)
#define mmun_err_commit(_errno, token) \
	MMUN_MUST_FAIL(_errno, struct mmun_commit, _mmun_commit, token)

#define mmun_abandon(token) ASSERT_EQ(0, _mmun_abandon(self->fd, token))

#define mmun_check_retry(id, seq) MMUN_MUST(__u32, _mmun_check_retry, id, seq)

/*
 * Take a snapshot, which must succeed.  Returns the number of valid pages in
 * the snapshot.  @_pages may be NULL.
 */
#define mmun_snapshot(_id, _start, _length, _method, _flags, _pages) \
	({                                                           \
		struct mmun_snapshot __snap = MMUN_SNAPSHOT_OF(      \
			_id, _start, _length, _method, _flags);      \
		__snap.pages = mmun_u64(_pages);                     \
		ASSERT_EQ(0, _mmun_snapshot(self->fd, &__snap));     \
		ASSERT_EQ(0, __snap.out_collided);                   \
		__snap.out_valid;                                    \
	})
#define mmun_err_snapshot(_errno, _id, _start, _length, _method, _flags) \
	({                                                               \
		struct mmun_snapshot __snap = MMUN_SNAPSHOT_OF(          \
			_id, _start, _length, _method, _flags);          \
		EXPECT_ERRNO(_errno, _mmun_snapshot(self->fd, &__snap)); \
	})

#define MMUN_DEVICE_ACCESS(...) MMUN_MUST(__u64, _mmun_access, __VA_ARGS__)
/*
 * Access @length bytes through the shadow, as a device would.  Asserts that all
 * bytes were transferred.
 */
#define mmun_device_read(id, addr, length, buffer) \
	ASSERT_EQ(length, MMUN_DEVICE_ACCESS(id, addr, length, buffer, 0))
#define mmun_device_write(id, addr, length, buffer) \
	ASSERT_EQ(length,                           \
		  MMUN_DEVICE_ACCESS(id, addr, length, buffer, MMUN_WRITE))
/* Returns the byte that the device reads at @addr. */
#define mmun_device_byte(id, addr)                   \
	({                                           \
		char __c = 0;                        \
		mmun_device_read(id, addr, 1, &__c); \
		__c;                                 \
	})
/*
 * Expect that an access by the device fails.  The errno is EFAULT if the shadow
 * has no entry, or if @flags is MMUN_WRITE and the entry is not writable.
 */
#define mmun_err_access(_errno, id, addr, length, flags)                      \
	({                                                                    \
		char __bytes[length];                                         \
		memset(__bytes, 0, sizeof(__bytes));                          \
		MMUN_MUST_FAIL(_errno, __u64, _mmun_access, id, addr, length, \
			       __bytes, flags);                               \
	})

/*
 * Expect that each valid entry of the shadow agrees with the page tables.
 * Returns the number of valid entries.
 */
#define mmun_verify(id)                                                  \
	({                                                               \
		struct mmun_verify __v =                                 \
			MMUN_MUST(struct mmun_verify, _mmun_verify, id); \
		EXPECT_EQ(MMUN_VERIFY_AGREES, __v.out_result)            \
		{                                                        \
			TH_LOG("at %llx: shadow %llx, page tables %llx", \
			       (unsigned long long)__v.out_addr,         \
			       (unsigned long long)__v.out_shadow,       \
			       (unsigned long long)__v.out_pte);         \
		}                                                        \
		__v.out_checked;                                         \
	})

/*
 * If the kernel has HMM, expect that the shadow has @checked valid entries, and
 * that each valid entry agrees with the page tables.
 */
#define mmun_verify_if_hmm(id, checked)                           \
	do {                                                      \
		if (mmun_has_feature(self->fd, MMUN_FEATURE_HMM)) \
			EXPECT_EQ(checked, mmun_verify(id));      \
	} while (0)

#define mmun_fail_nonblock(id, count) \
	MMUN_MUST(__u32, _mmun_fail_nonblock, id, count)

#define mmun_log_setup(records, types) \
	MMUN_MUST(__u64, _mmun_log_setup, records, types)
#define mmun_err_log_setup(_errno, records, types) \
	MMUN_MUST_FAIL(_errno, __u64, _mmun_log_setup, records, types)

#define mmun_query_context() \
	MMUN_MUST(struct mmun_query_context, _mmun_query_context)

#define mmun_query_range(id) \
	MMUN_MUST(struct mmun_query_range, _mmun_query_range, id)

/*
 * Arm a hold, which stops thread @tid once at the point @point of range @id.
 * Returns the ID of the hold.
 */
#define mmun_hold(point, id, tid) \
	MMUN_MUST_CREATE(_mmun_hold_once, point, id, tid)
#define mmun_err_hold(_errno, point, id, tid) \
	MMUN_MUST_FAIL(_errno, __u32, _mmun_hold_once, point, id, tid)

/* Wait at most @_ms milliseconds.  Returns the report of WAIT_HELD. */
#define mmun_wait_held_ms(hold, _ms) \
	MMUN_MUST(struct mmun_wait_held, _mmun_wait_held, hold, _ms)
/* Wait until the hold stops a task.  Returns the report of WAIT_HELD. */
#define mmun_wait_held(hold)                                   \
	({                                                     \
		struct mmun_wait_held __held =                 \
			mmun_wait_held_ms(hold, MMUN_HOLD_MS); \
		ASSERT_EQ(MMUN_HOLD_HELD, __held.out_state);   \
		__held;                                        \
	})
/* Returns enum mmun_hold_state.  Does not wait. */
#define mmun_hold_state(hold) (mmun_wait_held_ms(hold, 0).out_state)
#define mmun_err_wait_held(_errno, hold) \
	MMUN_MUST_FAIL(_errno, struct mmun_wait_held, _mmun_wait_held, hold, 0)

/* Resume the tasks that the hold stops.  Returns the number of these tasks. */
#define mmun_resume(hold) MMUN_MUST(__u32, _mmun_resume, hold, 0)
#define mmun_resume_end(hold) \
	MMUN_MUST(__u32, _mmun_resume, hold, MMUN_RESUME_END)
#define mmun_err_resume(_errno, hold) \
	MMUN_MUST_FAIL(_errno, __u32, _mmun_resume, hold, 0)

/* Wake the thread.  Returns the number of wake-ups that found it asleep. */
#define mmun_wake_thread(tid, count) \
	MMUN_MUST(__u32, _mmun_wake_thread, tid, count)

/*
 * Wait until the core has freed the objects of list notifiers of earlier tests,
 * so that @_lists are left.  Evaluates to the number of objects of the driver.
 */
#define mmun_objects_with_lists(_lists)                              \
	({                                                           \
		const struct timespec __then = mmun_now();           \
		while (mmun_query_context().out_lists != (_lists)) { \
			ASSERT_GT(MMUN_HOLD_MS, ms_since(&__then));  \
			poll(NULL, 0, 1);                            \
		}                                                    \
		mmun_query_context().out_objects;                    \
	})
#define mmun_objects_without_lists() mmun_objects_with_lists(0)

/*
 * Expect that the driver has @_nr objects.  The core frees the object of the
 * ranges of a list notifier after a grace period, so wait for the number.
 */
#define mmun_expect_objects(_nr)                                      \
	do {                                                          \
		const struct timespec __then = mmun_now();            \
		__u64 __objects = mmun_query_context().out_objects;   \
		while (__objects != (_nr) &&                          \
		       ms_since(&__then) < MMUN_HOLD_MS) {            \
			poll(NULL, 0, 1);                             \
			__objects = mmun_query_context().out_objects; \
		}                                                     \
		EXPECT_EQ(_nr, __objects);                            \
	} while (0)

/* Returns whether all invalidations of the mm have ended. */
#define mmun_check_balance(timeout_ms)                                         \
	(MMUN_MUST(struct mmun_check_balance, _mmun_check_balance, timeout_ms) \
		 .out_balanced)

/* Wait until a thread sleeps or has exited.  Returns struct mmun_task. */
#define mmun_quiesce_one(_tid)                                          \
	({                                                              \
		struct mmun_task __task = { .tid = _tid };              \
		ASSERT_EQ(1, mmun_task_quiesce(&__task, MMUN_HOLD_MS)); \
		mmun_task_close(&__task);                               \
		__task;                                                 \
	})

/* Wait until the condition is true, and fail after MMUN_PATIENCE_MS. */
#define expect_soon(_condition)                              \
	do {                                                 \
		int __tries = MMUN_PATIENCE_MS / 10;         \
		while (!(_condition) && __tries--)           \
			poll(NULL, 0, 10);                   \
		EXPECT_LE(0, __tries)                        \
		{                                            \
			TH_LOG("not in time: " #_condition); \
		}                                            \
	} while (0)

#endif /* _SELFTESTS_MMUN_ASSERT_H */
