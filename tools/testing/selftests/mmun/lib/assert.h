/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The calls of /dev/mmun, for a test that has self->fd.  Two wrappers for each
 * _mmun_x() of ioctl.h:
 *
 *   mmun_x(...)	asserts that the call succeeds
 *   mmun_err_x(e, ...)	expects that the call fails with errno e
 */
#ifndef _SELFTESTS_MMUN_ASSERT_H
#define _SELFTESTS_MMUN_ASSERT_H

#include <errno.h>
#include <string.h>

#include "../../kselftest_harness.h"
#include "ioctl.h"
#include "task.h"

/*
 * Time limit of holds, and of waits for holds.  A passing test never needs it,
 * and it is shorter than the time-out of a test.
 */
#define MMUN_HOLD_MS 8000

#define MMUN_LACKS(feature) \
	"the kernel lacks " #feature ": build it with CONFIG_HMM_MIRROR"

/*
 * Skip in the body of the test: the harness of 6.1 runs the body even after a
 * SKIP in the setup.
 */
#define mmun_need_feature(feature)                         \
	do {                                               \
		if (!mmun_has_feature(self->fd, feature))  \
			SKIP(return, MMUN_LACKS(feature)); \
	} while (0)

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

#define mmun_info()                                          \
	({                                                   \
		struct mmun_info __info;                     \
		ASSERT_EQ(0, _mmun_info(self->fd, &__info)); \
		__info;                                      \
	})

#define mmun_insert(start, length)                                          \
	({                                                                  \
		__u32 __id;                                                 \
		ASSERT_EQ(0, _mmun_insert(self->fd, start, length, &__id)); \
		ASSERT_NE(0, __id);                                         \
		__id;                                                       \
	})
#define mmun_err_insert(_errno, start, length)                              \
	({                                                                  \
		__u32 __id;                                                 \
		EXPECT_ERRNO(_errno,                                        \
			     _mmun_insert(self->fd, start, length, &__id)); \
	})

#define mmun_remove(id) ASSERT_EQ(0, _mmun_remove(self->fd, id))
#define mmun_err_remove(_errno, id) \
	EXPECT_ERRNO(_errno, _mmun_remove(self->fd, id))

#define mmun_read_begin(id)                                             \
	({                                                              \
		struct mmun_token __token;                              \
		ASSERT_EQ(0, _mmun_read_begin(self->fd, id, &__token)); \
		ASSERT_NE(0, __token.batch);                            \
		__token;                                                \
	})
#define mmun_err_read_begin(_errno, id)                                 \
	({                                                              \
		struct mmun_token __token;                              \
		EXPECT_ERRNO(_errno,                                    \
			     _mmun_read_begin(self->fd, id, &__token)); \
	})

/* Returns the number of valid pages. */
#define mmun_collect(token, start, length, method, flags)                  \
	({                                                                 \
		__u32 __valid;                                             \
		ASSERT_EQ(0, _mmun_collect(self->fd, token, start, length, \
					   method, flags, &__valid));      \
		__valid;                                                   \
	})
#define mmun_err_collect(_errno, token, start, length, method, flags)      \
	({                                                                 \
		__u32 __valid;                                             \
		EXPECT_ERRNO(_errno,                                       \
			     _mmun_collect(self->fd, token, start, length, \
					   method, flags, &__valid));      \
	})

/* Returns whether the batch collided. */
#define mmun_commit(token)                                              \
	({                                                              \
		struct mmun_commit __commit;                            \
		ASSERT_EQ(0, _mmun_commit(self->fd, token, &__commit)); \
		__commit.out_collided;                                  \
	})
#define mmun_err_commit(_errno, token)                                  \
	({                                                              \
		struct mmun_commit __commit;                            \
		EXPECT_ERRNO(_errno,                                    \
			     _mmun_commit(self->fd, token, &__commit)); \
	})

#define mmun_abandon(token) ASSERT_EQ(0, _mmun_abandon(self->fd, token))

#define mmun_check_retry(id, seq)                                             \
	({                                                                    \
		__u32 __retry;                                                \
		ASSERT_EQ(0, _mmun_check_retry(self->fd, id, seq, &__retry)); \
		__retry;                                                      \
	})

/*
 * Take a snapshot that must succeed.  Returns the number of valid pages.
 * @_pages may be NULL.
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

/* Read or write all bytes through the shadow, as a device would. */
#define mmun_device_read(id, addr, length, buffer)                            \
	({                                                                    \
		__u64 __done;                                                 \
		ASSERT_EQ(0, _mmun_access(self->fd, id, addr, length, buffer, \
					  0, &__done));                       \
		ASSERT_EQ(length, __done);                                    \
	})
#define mmun_device_write(id, addr, length, buffer)                           \
	({                                                                    \
		__u64 __done;                                                 \
		ASSERT_EQ(0, _mmun_access(self->fd, id, addr, length, buffer, \
					  MMUN_WRITE, &__done));              \
		ASSERT_EQ(length, __done);                                    \
	})
/* Returns the byte that the device reads. */
#define mmun_device_byte(id, addr)                   \
	({                                           \
		char __c = 0;                        \
		mmun_device_read(id, addr, 1, &__c); \
		__c;                                 \
	})
/*
 * Expect that an access of the device fails.  The errno is EFAULT if the shadow
 * has no entry, or with MMUN_WRITE no writable entry.
 */
#define mmun_err_access(_errno, id, addr, length, flags)                      \
	({                                                                    \
		char __bytes[length];                                         \
		__u64 __done;                                                 \
		memset(__bytes, 0, sizeof(__bytes));                          \
		EXPECT_ERRNO(_errno, _mmun_access(self->fd, id, addr, length, \
						  __bytes, flags, &__done));  \
	})

/*
 * Expect that each valid entry of the shadow agrees with the page tables.
 * Returns the number of valid entries.
 */
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

/*
 * If the kernel has VERIFY, expect @checked valid entries that agree with the
 * page tables.
 */
#define mmun_verify_if_hmm(id, checked)                           \
	do {                                                      \
		if (mmun_has_feature(self->fd, MMUN_FEATURE_HMM)) \
			EXPECT_EQ(checked, mmun_verify(id));      \
	} while (0)

#define mmun_fail_nonblock(id, count)                                         \
	({                                                                    \
		__u32 __left;                                                 \
		ASSERT_EQ(0,                                                  \
			  _mmun_fail_nonblock(self->fd, id, count, &__left)); \
		__left;                                                       \
	})

#define mmun_log_setup(records, types)                                         \
	({                                                                     \
		__u64 __lost;                                                  \
		ASSERT_EQ(0,                                                   \
			  _mmun_log_setup(self->fd, records, types, &__lost)); \
		__lost;                                                        \
	})

#define mmun_query_context()                                           \
	({                                                             \
		struct mmun_query_context __state;                     \
		ASSERT_EQ(0, _mmun_query_context(self->fd, &__state)); \
		__state;                                               \
	})

#define mmun_query_range(id)                                             \
	({                                                               \
		struct mmun_query_range __range = {};                    \
		ASSERT_EQ(0, _mmun_query_range(self->fd, id, &__range)); \
		__range;                                                 \
	})

#define mmun_insert_kind(kind, start, length)                                 \
	({                                                                    \
		__u32 __id;                                                   \
		ASSERT_EQ(0, _mmun_insert_kind(self->fd, kind, start, length, \
					       &__id));                       \
		ASSERT_NE(0, __id);                                           \
		__id;                                                         \
	})

/* The argument of a hold that stops thread @_tid once at @_point of range @_id. */
#define MMUN_HOLD_OF(_point, _id, _tid)                  \
	{                                                \
		.point = _point, .id = _id, .tid = _tid, \
		.timeout_ms = MMUN_HOLD_MS,              \
	}

/*
 * Arm a hold that stops thread @_tid once at @_point of range @_id.  Returns
 * the ID of the hold.
 */
#define mmun_hold(_point, _id, _tid)                                       \
	({                                                                 \
		struct mmun_hold __hold = MMUN_HOLD_OF(_point, _id, _tid); \
		ASSERT_EQ(0, _mmun_hold(self->fd, &__hold));               \
		ASSERT_NE(0, __hold.out_hold);                             \
		__hold.out_hold;                                           \
	})
#define mmun_err_hold(_errno, _point, _id, _tid)                           \
	({                                                                 \
		struct mmun_hold __hold = MMUN_HOLD_OF(_point, _id, _tid); \
		EXPECT_ERRNO(_errno, _mmun_hold(self->fd, &__hold));       \
	})

/* Wait until a task is held.  Returns the report of WAIT_HELD. */
#define mmun_wait_held(hold)                                               \
	({                                                                 \
		struct mmun_wait_held __held;                              \
		ASSERT_EQ(0, _mmun_wait_held(self->fd, hold, MMUN_HOLD_MS, \
					     &__held));                    \
		ASSERT_EQ(MMUN_HOLD_HELD, __held.out_state);               \
		__held;                                                    \
	})
/* Returns enum mmun_hold_state.  Does not wait. */
#define mmun_hold_state(hold)                                              \
	({                                                                 \
		struct mmun_wait_held __held;                              \
		ASSERT_EQ(0, _mmun_wait_held(self->fd, hold, 0, &__held)); \
		__held.out_state;                                          \
	})
#define mmun_err_wait_held(_errno, hold)                                   \
	({                                                                 \
		struct mmun_wait_held __held;                              \
		EXPECT_ERRNO(_errno,                                       \
			     _mmun_wait_held(self->fd, hold, 0, &__held)); \
	})

/* Returns the number of tasks that were resumed. */
#define mmun_resume(hold)                                                  \
	({                                                                 \
		__u32 __resumed;                                           \
		ASSERT_EQ(0, _mmun_resume(self->fd, hold, 0, &__resumed)); \
		__resumed;                                                 \
	})
#define mmun_resume_end(hold)                                              \
	({                                                                 \
		__u32 __resumed;                                           \
		ASSERT_EQ(0, _mmun_resume(self->fd, hold, MMUN_RESUME_END, \
					  &__resumed));                    \
		__resumed;                                                 \
	})
#define mmun_err_resume(_errno, hold)                                      \
	({                                                                 \
		__u32 __resumed;                                           \
		EXPECT_ERRNO(_errno,                                       \
			     _mmun_resume(self->fd, hold, 0, &__resumed)); \
	})

/* Returns the number of wake-ups that found the thread asleep. */
#define mmun_wake_thread(tid, count)                                          \
	({                                                                    \
		__u32 __woken;                                                \
		ASSERT_EQ(0,                                                  \
			  _mmun_wake_thread(self->fd, tid, count, &__woken)); \
		__woken;                                                      \
	})

/* Returns whether each invalidation of the mm that started has ended. */
#define mmun_check_balance(timeout_ms)                                 \
	({                                                             \
		struct mmun_check_balance __probe;                     \
		ASSERT_EQ(0, _mmun_check_balance(self->fd, timeout_ms, \
						 &__probe));           \
		__probe.out_balanced;                                  \
	})

/* Wait until a thread does not run.  Returns the state of the thread. */
#define mmun_quiesce_one(_tid)                                          \
	({                                                              \
		struct mmun_task __task = { .tid = _tid };              \
		ASSERT_EQ(1, mmun_task_quiesce(&__task, MMUN_HOLD_MS)); \
		mmun_task_close(&__task);                               \
		__task;                                                 \
	})

#endif /* _SELFTESTS_MMUN_ASSERT_H */
