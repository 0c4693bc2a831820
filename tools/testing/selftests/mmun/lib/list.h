/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The calls of /dev/mmun_list, the device of the module mmun_list, and a child
 * process that the list notifiers watch.
 *
 * The child is the victim of victim.h.  It also opens /dev/mmun_list, and has a
 * second thread.  The test calls the device with a copy of the descriptor, so
 * that a held thread of the child does not stop the test.
 */
#ifndef _SELFTESTS_MMUN_LIST_H
#define _SELFTESTS_MMUN_LIST_H

#include "list_device.h"
#include "mmun.h"
#include "victim.h"
#include "worker.h"

#define LIST_PAGES 8
#define LIST_BOTH \
	(MMUN_LIST_BIT(MMUN_LIST_START) | MMUN_LIST_BIT(MMUN_LIST_END))

/* Returns why a device cannot be opened, or NULL. */
static inline const char *list_problem(void)
{
	if (!access(LIST_DEV, R_OK | W_OK))
		return mmun_device_problem();
	return errno == ENOENT ? LIST_NO_DEVICE :
				 "no access to " LIST_DEV ": run as root";
}

/* Calls.  LIST_CALL() is the ioctl; the other macros need a test. */

/* Issue an ioctl on @_fd.  @_cmd must be an array of one struct. */
#define LIST_CALL(_fd, _NAME, _cmd) ioctl(_fd, MMUN_LIST_##_NAME, _cmd)

/*
 * Assert that an ioctl on @_fd succeeds.  The last arguments initialize fields of
 * struct mmun_list_@_type.  Evaluates to the struct.
 */
#define list_on(_fd, _NAME, _type, ...)                           \
	({                                                        \
		struct mmun_list_##_type __cmd = { __VA_ARGS__ }; \
		ASSERT_EQ(0, LIST_CALL(_fd, _NAME, &__cmd))       \
		{                                                 \
			TH_LOG("%s", strerror(errno));            \
		}                                                 \
		__cmd;                                            \
	})

/* Expect that an ioctl fails.  Evaluates to the struct. */
#define list_err_on(_fd, _errno, _NAME, _type, ...)                  \
	({                                                           \
		struct mmun_list_##_type __cmd = { __VA_ARGS__ };    \
		EXPECT_ERRNO(_errno, LIST_CALL(_fd, _NAME, &__cmd)); \
		__cmd;                                               \
	})

#define list_do(...) list_on(self->list, __VA_ARGS__)
#define list_err(...) list_err_on(self->list, __VA_ARGS__)

/* Issue an ioctl, and evaluate to its result @_field. */
#define list_value(_field, ...) ({ list_do(__VA_ARGS__)._field; })

#define list_register_with(_ops, _flags) \
	list_value(out_id, REGISTER, register, .ops = _ops, .flags = _flags)
#define list_register(_ops) list_register_with(_ops, 0)
#define list_unregister(_id) list_do(UNREGISTER, unregister, .id = _id)
#define list_get_with(_key, _flags) \
	list_do(GET, get, .key = _key, .flags = _flags)
#define list_get(_key) list_get_with(_key, 0)
#define list_put(_id) list_value(out_left, PUT, put, .id = _id)
#define list_state(_id) list_do(STATE, state, .id = _id)
#define list_calls(_id, _op) (list_state(_id).out_calls[_op])
#define list_answer(_id, _op, _count)                              \
	list_value(out_left, ANSWER, answer, .id = _id, .op = _op, \
		   .count = _count)
#define list_query() list_do(QUERY, counts, )

/* Holds */

/* Arm a hold of thread @_tid, or of any thread.  Returns the ID of the hold. */
#define list_hold(_id, _op, _tid)                                           \
	list_value(out_hold, HOLD, hold, .id = _id, .op = _op, .tid = _tid, \
		   .timeout_ms = MMUN_HOLD_MS)
/* Returns the state of the hold.  Does not wait. */
#define list_hold_state(_hold) \
	list_value(out_state, WAIT_HELD, wait_held, .hold = _hold)
/* Wait until the hold stops a thread.  Returns struct mmun_list_wait_held. */
#define list_wait_held(_hold)                                        \
	({                                                           \
		struct mmun_list_wait_held __held =                  \
			list_do(WAIT_HELD, wait_held, .hold = _hold, \
				.timeout_ms = MMUN_HOLD_MS);         \
		ASSERT_EQ(MMUN_LIST_HELD, __held.out_state);         \
		__held;                                              \
	})
/* Resume a thread, which the hold must stop. */
#define list_resume(_hold) \
	EXPECT_EQ(1, list_do(RESUME, resume, .hold = _hold).out_resumed)

/*
 * Order thread @_child to execute @_order, and wait until the thread is held in
 * callback @_op of notifier @_id.  Returns the ID of the hold.
 */
#define list_hold_order(_child, _order, _nr, _id, _op)               \
	({                                                           \
		__u32 __at = list_hold(_id, _op, (_child)->tid);     \
		ASSERT_EQ(0, mmun_child_order(_child, _order, _nr)); \
		list_wait_held(__at);                                \
		__at;                                                \
	})

/* Resume the thread, and expect that its order succeeds. */
#define list_end_order(_child, _hold)                    \
	do {                                             \
		list_resume(_hold);                      \
		EXPECT_EQ(0, mmun_child_answer(_child)); \
	} while (0)

/* The log */

/* Records of the log, for a test that cannot predict their order */
struct list_log {
	struct mmun_list_record records[1024];
	int nr;
};

/* Read the records, and remove them from the log. */
static inline void list_read_log(int fd, struct list_log *log)
{
	ssize_t n = read(fd, log->records, sizeof(log->records));

	log->nr = n < 0 ? 0 : n / sizeof(log->records[0]);
}

static inline void list_drain(int fd)
{
	static struct list_log log;

	do
		list_read_log(fd, &log);
	while (log.nr);
}

static inline bool list_is(const struct mmun_list_record *r, __u32 id, __u32 op)
{
	return r->id == id && r->op == op;
}

/* Returns the index of the first record from @first on, or -1. */
static inline int list_find(const struct list_log *log, int first, __u32 id,
			    __u32 op)
{
	for (int i = first; i < log->nr; i++)
		if (list_is(&log->records[i], id, op))
			return i;
	return -1;
}

static inline int list_count(const struct list_log *log, __u32 id, __u32 op)
{
	int nr = 0;

	for (int i = 0; i < log->nr; i++)
		nr += list_is(&log->records[i], id, op);
	return nr;
}

static inline void list_print(const struct list_log *log)
{
	for (int i = 0; i < log->nr; i++) {
		const struct mmun_list_record *r = &log->records[i];

		fprintf(stderr,
			"#   seq %llu id %u op %u event %d flags %x [%llx, %llx) answer %d byte %d by %u/%u\n",
			(unsigned long long)r->sequence, r->id, r->op,
			(int)r->event, r->flags, (unsigned long long)r->start,
			(unsigned long long)r->end, r->answer, r->byte, r->tid,
			r->tgid);
	}
}

/* Orders of the child.  The first argument of each order is its memory. */

static inline char *list_page(void *map, int nr)
{
	return (char *)map + nr * sysconf(_SC_PAGESIZE);
}

#define LIST_ORDER(_name, _expression)                     \
	static inline int list_##_name(void *map, int nr)  \
	{                                                  \
		const size_t page = sysconf(_SC_PAGESIZE); \
		char *at = list_page(map, nr);             \
		(void)page;                                \
		(void)at;                                  \
		return _expression;                        \
	}

/* clang-format off */
LIST_ORDER(child_open, list_open())
LIST_ORDER(child_close, close(nr))
LIST_ORDER(dontneed, madvise(at, page, MADV_DONTNEED))
LIST_ORDER(munmap, munmap(at, page))
LIST_ORDER(protect, mprotect(at, page, PROT_NONE))
LIST_ORDER(readonly, mprotect(at, page, PROT_READ))
/* clang-format on */

/* Write a page that another process shares, so that the kernel copies it. */
static inline int list_cow(void *map, int nr)
{
	struct mmun_child other;
	int ret = mmun_child_start(&other, NULL);

	mmun_store(list_page(map, nr), 'c');
	return ret ?: mmun_child_end(&other);
}

/* Fixtures */

/*
 * @list: /dev/mmun_list, which the victim opened
 * @its_list: @list as a descriptor of the victim
 * @left: what list_left() returned before the test
 * @other: a second thread of the victim
 */
#define LIST_FIXTURE              \
	MMUN_FIXTURE;             \
	struct mmun_child victim; \
	struct mmun_child other;  \
	__u32 pins;               \
	int list;                 \
	int its_list;             \
	long left

/* Returns the number of objects and notifiers that the module has. */
static inline long list_left(int fd)
{
	struct mmun_list_counts counts = {};

	if (LIST_CALL(fd, SYNCHRONIZE, &counts))
		return -1;
	return counts.out_objects + counts.out_registered;
}

/* Start the victim, and write its pages. */
#define setup_list()                                                          \
	do {                                                                  \
		int __fd = list_open();                                       \
		self->left = list_left(__fd);                                 \
		ASSERT_EQ(0, close(__fd));                                    \
		setup_victim(LIST_PAGES, LIST_PAGES);                         \
		self->its_list =                                              \
			mmun_child_do(&self->victim, list_child_open, 0);     \
		self->list = mmun_child_getfd(&self->victim, self->its_list); \
		ASSERT_LE(0, self->list);                                     \
		ASSERT_EQ(0, mmun_child_start_thread(&self->other,            \
						     &self->victim));         \
	} while (0)

/* Close the device, and expect that all notifiers and objects are freed. */
#define teardown_list()                            \
	do {                                       \
		int __fd = list_open();            \
		close(self->list);                 \
		end_victim();                      \
		EXPECT_EQ(0, close(self->fd));     \
		expect_soon(list_left(__fd) == 0); \
		EXPECT_EQ(0, close(__fd));         \
	} while (0)

#define LIST_PLAIN_FIXTURE(_fixture, _members) \
	FIXTURE(_fixture)                      \
	{                                      \
		LIST_FIXTURE;                  \
		_members;                      \
	};                                     \
	FIXTURE_SETUP(_fixture)                \
	{                                      \
		setup_list();                  \
	}                                      \
	FIXTURE_TEARDOWN(_fixture)             \
	{                                      \
		teardown_list();               \
	}

#define LIST_HARNESS_MAIN                                            \
	int main(int argc, char **argv)                              \
	{                                                            \
		return mmun_list_or_run(argc, argv, list_problem()); \
	}

#endif /* _SELFTESTS_MMUN_LIST_H */
