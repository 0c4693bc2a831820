// SPDX-License-Identifier: GPL-2.0
/*
 * Tests the registration of a notifier that fails.  The first registration in an
 * mm allocates the subscriptions of the mm.  A registration fails if a signal is
 * pending, if there is no memory, or if the range ends beyond the end of the
 * address space.  After each failure the mm must be as before: nothing is
 * registered, no invalidation is active, and the mm has no more references.
 *
 * A process that the test forks has an mm without subscriptions.
 */
#include <stddef.h>
#include "lib/setting.h"
#include "lib/uffd.h"
#include "lib/victim.h"

/*
 * The memory of the victim:
 *
 *   0   1   2   3   4   5   6   7   8   9
 *   |----filled-----|-------calls-------|
 *
 * Each call of the device has a page for its argument.  A userfaultfd stops the
 * call until the test fills the page.
 */
#define NR_FILLED 4
#define NR_PAGES 10
#define NR_FAILURES 4

/* Time limit for tasks of the kernel that have borrowed the mm */
#define REFERENCES_MS 2000

/* The mm of the victim is dead.  Wait until only @_count references are left. */
#define expect_references(_count)                                   \
	do {                                                        \
		struct timespec __start = mmun_now();               \
		__u32 __left;                                       \
		do {                                                \
			drop_lazy_references();                     \
			__left = mmun_query_context().out_mm_count; \
		} while (__left != (_count) &&                      \
			 ms_since(&__start) < REFERENCES_MS);       \
		EXPECT_EQ(_count, __left);                          \
	} while (0)

static int dontneed(void *map, int nr)
{
	const size_t page = sysconf(_SC_PAGESIZE);

	return madvise((char *)map + nr * page, page, MADV_DONTNEED);
}

/* Read the log.  Sets @_count[t] to the number of records of each type t. */
#define count_records(_count)                                 \
	do {                                                  \
		struct mmun_record __record;                  \
		memset(_count, 0, sizeof(_count));            \
		while (mmun_next_record(self->fd, &__record)) \
			(_count)[__record.type]++;            \
	} while (0)

/* Expect that @_ranges ranges and @_lists list notifiers see an invalidation. */
#define expect_calls(_ranges, _lists)                                \
	do {                                                         \
		int __count[32];                                     \
		mmun_drain_log(self->fd);                            \
		victim_must(dontneed, 0);                            \
		count_records(__count);                              \
		EXPECT_EQ(_ranges, __count[MMUN_RECORD_INVALIDATE]); \
		EXPECT_EQ(_lists, __count[MMUN_RECORD_START]);       \
		EXPECT_EQ(_lists, __count[MMUN_RECORD_END]);         \
	} while (0)

/* The registrations that a signal interrupts */

struct argument {
	union {
		__u32 size;
		struct mmun_insert insert;
		struct mmun_hold hold;
		struct mmun_fail_nonblock fail_nonblock;
		struct mmun_check_balance check_balance;
	};
	struct mmun_span span;
};

#define setup_interrupted()                                           \
	do {                                                          \
		setup_victim(NR_PAGES, NR_FILLED);                    \
		mmun_log_setup(MMUN_LOG_DEFAULT, MMUN_LOG_TYPES_ALL); \
	} while (0)

VICTIM_FIXTURE(interrupted, setup_interrupted(), int uffd; int calls)

static void ignore_signal(int sig)
{
}

/*
 * Map the pages of the arguments.  Returns the userfaultfd of these pages, or
 * -1.  The handler is necessary, because a signal that is ignored is not
 * pending.
 */
static int map_arguments(void *map, int nr)
{
	const size_t page = sysconf(_SC_PAGESIZE);
	char *at = (char *)map + NR_FILLED * page;

	signal(SIGUSR1, ignore_signal);
	if (!mmun_map(at, nr * page))
		return -1;
	return uffd_create(at, nr * page, 0, UFFDIO_REGISTER_MODE_MISSING);
}

#define CALL(_name, _request)                                           \
	static int call_##_name(void *map, int nr)                      \
	{                                                               \
		return ioctl(victim_fd, _request,                       \
			     (char *)map + nr * sysconf(_SC_PAGESIZE)); \
	}

CALL(insert, MMUN_INSERT)
CALL(hold, MMUN_HOLD)
CALL(fail_nonblock, MMUN_FAIL_NONBLOCK)
CALL(check_balance, MMUN_CHECK_BALANCE)

/*
 * @call, @request: the call of the device that registers a notifier
 * @argument: the argument of the call, without a pointer and without a thread
 * @ranges, @lists: the notifiers that the call registers and that have records
 * @references: the references to the mm that the notifiers have
 * @always: whether the call takes all locks of the mm even if the mm has ranges
 */
FIXTURE_VARIANT(interrupted)
{
	mmun_order_fn call;
	unsigned int request;
	struct argument argument;
	int ranges, lists, references;
	bool always;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(interrupted, range) {
	.call = call_insert, .request = MMUN_INSERT,
	.argument = { .insert = { .size = sizeof(struct mmun_insert), .count = 1 } },
	.ranges = 1, .references = 1,
};

FIXTURE_VARIANT_ADD(interrupted, probe) {
	.call = call_check_balance, .request = MMUN_CHECK_BALANCE,
	.argument = { .check_balance = { .size = sizeof(struct mmun_check_balance) } },
};

FIXTURE_VARIANT_ADD(interrupted, list_notifier) {
	.call = call_hold, .request = MMUN_HOLD,
	.argument = { .hold = { .size = sizeof(struct mmun_hold), .point = MMUN_POINT_START,
				.count = 1, .timeout_ms = MMUN_HOLD_MS } },
	.lists = 1, .references = 1, .always = true,
};

FIXTURE_VARIANT_ADD(interrupted, list_notifier_without_end) {
	.call = call_fail_nonblock, .request = MMUN_FAIL_NONBLOCK,
	.argument = { .fail_nonblock = { .size = sizeof(struct mmun_fail_nonblock) } },
	.references = 1, .always = true,
};
/* clang-format on */

#define NO_USERFAULT "no userfaultfd: set CONFIG_USERFAULTFD"

#define need_arguments()                                               \
	do {                                                           \
		int __fd = mmun_child_do(&self->victim, map_arguments, \
					 NR_PAGES - NR_FILLED);        \
		if (__fd < 0)                                          \
			SKIP(return, NO_USERFAULT);                    \
		self->uffd = mmun_child_getfd(&self->victim, __fd);    \
		ASSERT_LE(0, self->uffd);                              \
	} while (0)

/* Copy the argument to the page at @to of the victim.  Returns 0, or -1. */
static int fill_argument(int uffd, char *to, struct argument argument,
			 unsigned int request)
{
	const size_t page = sysconf(_SC_PAGESIZE);
	char *from = calloc(1, page);
	struct uffdio_copy copy = {
		.dst = mmun_u64(to),
		.src = mmun_u64(from),
		.len = page,
	};
	int ret;

	if (request == MMUN_INSERT)
		argument.insert.spans =
			mmun_u64(to) + offsetof(struct argument, span);
	/* The hold waits for the test, which never causes an invalidation. */
	if (request == MMUN_HOLD)
		argument.hold.tid = mmun_gettid();
	memcpy(from, &argument, sizeof(argument));
	ret = ioctl(uffd, UFFDIO_COPY, &copy);
	free(from);
	return ret;
}

/*
 * Let the victim call the device, with the signal @_sig pending if @_sig is not
 * 0.  The victim sleeps in copy_from_user() until the test fills the page.  If
 * no signal is fatal, a signal does not end this sleep, so that the call goes on
 * with the pending signal.  Evaluates to the result of the call.
 */
#define victim_calls(_sig)                                                 \
	({                                                                 \
		const int __nr = NR_FILLED + self->calls++;                \
		struct mmun_task __task;                                   \
		struct argument __argument = variant->argument;            \
		__argument.span.start = mmun_u64(self->map);               \
		__argument.span.length = self->page;                       \
		order_victim(variant->call, __nr);                         \
		__task = mmun_quiesce_one(self->victim.tid);               \
		EXPECT_EQ(SYS_ioctl, __task.syscall);                      \
		EXPECT_EQ(variant->request, __task.arg);                   \
		signal_victim(_sig);                                       \
		ASSERT_EQ(0, fill_argument(self->uffd, mmun_page(__nr),    \
					   __argument, variant->request)); \
		mmun_child_answer(&self->victim);                          \
	})

/* Wait for the end of the victim.  The userfaultfd has a reference to its mm. */
#define end_of_victim()                          \
	do {                                     \
		end_victim();                    \
		EXPECT_EQ(0, close(self->uffd)); \
	} while (0)

/*
 *	victim			test
 *	calls the device:
 *	waits for the page
 *				sends a signal
 *				fills the page
 *	registers: EINTR
 *
 * If a failure had left the subscriptions of the mm, the next insertion of a
 * range would not look for a signal, and would succeed.
 */
TEST_F(interrupted, first_registration_leaves_nothing)
{
	__u64 objects = mmun_query_context().out_objects;

	need_arguments();
	for (int i = 0; i < NR_FAILURES; i++) {
		EXPECT_ERRNO(EINTR, victim_calls(SIGUSR1));
		EXPECT_EQ(0, mmun_query_context().out_ranges);
		EXPECT_EQ(objects, mmun_query_context().out_objects);
	}
	expect_calls(0, 0);
	EXPECT_EQ(0, victim_calls(0));
	expect_calls(variant->ranges, variant->lists);
	EXPECT_EQ(1, mmun_check_balance(0));
	end_of_victim();
	expect_references(1 + variant->references);
}

TEST_F(interrupted, first_registration_has_no_reference_to_a_dead_mm)
{
	need_arguments();
	for (int i = 0; i < NR_FAILURES; i++)
		EXPECT_ERRNO(EINTR, victim_calls(SIGUSR1));
	end_of_victim();
	expect_references(1);
}

/*
 * The mm has a range.  A list notifier takes all locks of the mm again, which a
 * signal interrupts.  A range takes no lock that a signal could interrupt.
 */
TEST_F(interrupted, later_registration_leaves_the_range)
{
	need_arguments();
	mmun_insert(self->map, self->page);
	if (variant->always)
		EXPECT_ERRNO(EINTR, victim_calls(SIGUSR1));
	else
		EXPECT_EQ(0, victim_calls(SIGUSR1));
	expect_calls(1 + variant->ranges, 0);
	EXPECT_EQ(0, victim_calls(0));
	EXPECT_EQ(1, mmun_check_balance(0));
	end_of_victim();
	expect_references(2 + variant->references * (variant->always ? 1 : 2));
}

/* A range that is empty, or that ends beyond the end of the address space */

VICTIM_FIXTURE(overflow, setup_victim(NR_PAGES, NR_FILLED))

FIXTURE_VARIANT(overflow)
{
	unsigned long start, length;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(overflow, empty)               { 0x10000, 0 };
FIXTURE_VARIANT_ADD(overflow, empty_at_0)          { 0, 0 };
FIXTURE_VARIANT_ADD(overflow, one_byte_too_long)   { -0x1000UL, 0x1001 };
FIXTURE_VARIANT_ADD(overflow, all_bytes_but_one)   { 2, -1UL };
/* clang-format on */

#define err_insert() \
	mmun_err_insert(EOVERFLOW, (void *)variant->start, variant->length)

TEST_F(overflow, first_registration_leaves_the_mm_balanced)
{
	__u64 objects = mmun_query_context().out_objects;

	for (int i = 0; i < NR_FAILURES; i++)
		err_insert();
	EXPECT_EQ(0, mmun_query_context().out_ranges);
	EXPECT_EQ(objects, mmun_query_context().out_objects);
	expect_calls(0, 0);
	EXPECT_EQ(1, mmun_check_balance(0));
	mmun_insert(self->map, self->page);
	expect_calls(1, 0);
	end_victim();
	expect_references(2);
}

/*
 *	victim			test
 *	held in the callback
 *				insert: EOVERFLOW
 *	resumed
 */
TEST_F(overflow, insert_during_an_invalidation_defers_no_range)
{
	__u32 hold;

	mmun_insert(self->map, self->page);
	hold = mmun_hold(MMUN_POINT_LEAVE, 0, self->victim.tid);
	order_victim(dontneed, 0);
	mmun_wait_held(hold);
	for (int i = 0; i < NR_FAILURES; i++)
		err_insert();
	EXPECT_EQ(1, mmun_resume(hold));
	EXPECT_EQ(0, mmun_child_answer(&self->victim));
	EXPECT_EQ(1, mmun_check_balance(MMUN_HOLD_MS));
	expect_calls(1, 0);
	end_victim();
	expect_references(2);
}

/* The references to the mm */

#define CONTEXTS 2
#define LISTS 2

VICTIM_FIXTURE(references, setup_victim(NR_PAGES, NR_FILLED))

static int open_again(void *map, int nr)
{
	return mmun_open();
}

/*
 * The context, each range and each list notifier have one reference.  The list
 * notifiers are registered until the last close.
 */
TEST_F(references, each_notifier_has_one_reference_to_a_dead_mm)
{
	int fd, observer;

	self->ids[0] = mmun_insert(self->map, self->page);
	self->ids[1] = mmun_insert(self->map, self->page);
	mmun_remove(mmun_insert(self->map, self->page));
	mmun_fail_nonblock(0, 0);
	mmun_hold(MMUN_POINT_START, 0, mmun_gettid());
	fd = mmun_child_do(&self->victim, open_again, 0);
	observer = mmun_child_getfd(&self->victim, fd);
	ASSERT_LE(0, observer);
	end_victim();
	expect_references(CONTEXTS + 2 + LISTS);
	mmun_remove(self->ids[0]);
	expect_references(CONTEXTS + 1 + LISTS);
	EXPECT_EQ(0, close(self->fd));
	self->fd = observer;
	expect_references(1);
}

/* A registration without memory */

#define FAIL_NTH "/proc/thread-self/fail-nth"
#define FAILSLAB "/sys/kernel/debug/failslab/"
#define FAIL_PAGE "/sys/kernel/debug/fail_page_alloc/"
#define MAX_ALLOCATIONS 100

/*
 * @wait: whether an allocation that may sleep never fails
 * @verbose: whether the kernel prints the stack of an allocation that fails
 */
FIXTURE(nomem)
{
	MMUN_FIXTURE;
	struct setting wait, verbose[2];
};

/*
 * @call: registers a notifier, and returns the ID of the range or of the hold
 * @undo: removes the range or the hold
 */
FIXTURE_VARIANT(nomem)
{
	int (*call)(int fd, __u32 *id);
	int (*undo)(int fd, __u32 id);
};

static int insert_byte(int fd, __u32 *id)
{
	return _mmun_insert(fd, id, 1, id);
}

static int hold_nothing(int fd, __u32 *id)
{
	return _mmun_hold_once(fd, MMUN_POINT_START, 0, getppid(), id);
}

static int end_hold(int fd, __u32 id)
{
	__u32 resumed;

	return _mmun_resume(fd, id, MMUN_RESUME_END, &resumed);
}

/* clang-format off */
FIXTURE_VARIANT_ADD(nomem, range)         { insert_byte, _mmun_remove };
FIXTURE_VARIANT_ADD(nomem, list_notifier) { hold_nothing, end_hold };
/* clang-format on */

FIXTURE_SETUP(nomem)
{
	mmun_setup();
	setting_keep(&self->wait, FAILSLAB "ignore-gfp-wait");
	setting_keep(&self->verbose[0], FAILSLAB "verbose");
	setting_keep(&self->verbose[1], FAIL_PAGE "verbose");
}

FIXTURE_TEARDOWN(nomem)
{
	EXPECT_EQ(0, setting_restore(&self->wait));
	EXPECT_EQ(0, setting_restore(&self->verbose[0]));
	EXPECT_EQ(0, setting_restore(&self->verbose[1]));
	EXPECT_EQ(0, close(self->fd));
}

#define NO_FAILURES "no allocation fails: set CONFIG_FAILSLAB"

/* Let each allocation fail that is chosen by FAIL_NTH, without a message. */
#define need_failures()                                                    \
	do {                                                               \
		if (access(FAIL_NTH, W_OK) || self->wait.cleanup.pid <= 0) \
			SKIP(return, NO_FAILURES);                         \
		ASSERT_EQ(0, mmun_write_file(self->wait.path, "N"));       \
		for (int __i = 0; __i < 2; __i++)                          \
			mmun_write_file(self->verbose[__i].path, "0");     \
	} while (0)

/* What a child reports as its exit status */
enum { CALL_NOT_REACHED, CALL_SUCCEEDED, CALL_FAILED, CALL_IS_WRONG };

/* Returns whether the contexts have the same ranges and objects. */
static bool is_same(const struct mmun_query_context *a,
		    const struct mmun_query_context *b)
{
	return a->out_ranges == b->out_ranges &&
	       a->out_objects == b->out_objects;
}

/*
 * Call the device, and let the allocation @nth of the call fail.  Returns the
 * result of the call.  Sets *@left to 0 if the call reached this allocation.
 * The function must not cause other allocations.
 */
static int call_without_memory(const FIXTURE_VARIANT(nomem) * variant, int fd,
			       int nth, int *left, __u32 *id)
{
	int ret, errnum, control = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	char text[16] = "";

	snprintf(text, sizeof(text), "%d", nth);
	if (pwrite(control, text, strlen(text), 0) < 0)
		return 0;
	ret = variant->call(fd, id);
	errnum = errno;
	if (pread(control, text, sizeof(text) - 1, 0) > 0)
		*left = atoi(text);
	if (pwrite(control, "0", 1, 0) < 0)
		*left = -1;
	close(control);
	errno = errnum;
	return ret;
}

/*
 * The main function of a child.  If @later is true, the mm of the child has a
 * range before the call.  After a failure the same call must succeed.
 */
static int register_without_memory(const FIXTURE_VARIANT(nomem) * variant,
				   int nth, bool later)
{
	struct mmun_query_context before, after;
	int ret, left = -1, fd = mmun_open();
	__u32 id;

	if (later && (variant->call(fd, &id) || variant->undo(fd, id)))
		return CALL_IS_WRONG;
	_mmun_query_context(fd, &before);
	ret = call_without_memory(variant, fd, nth, &left, &id);
	if (!ret)
		return left ? CALL_NOT_REACHED : CALL_SUCCEEDED;
	if (left || errno != ENOMEM || _mmun_query_context(fd, &after) ||
	    !is_same(&before, &after))
		return CALL_IS_WRONG;
	return variant->call(fd, &id) || variant->undo(fd, id) ? CALL_IS_WRONG :
								 CALL_FAILED;
}

/*
 * Let each allocation of the call fail, each in a new child with a new mm.
 * Evaluates to the number of failures of the call.
 */
#define count_failures(_later)                                                \
	({                                                                    \
		int __status = CALL_SUCCEEDED, __failures = 0, __nth;         \
		for (__nth = 1; __status != CALL_NOT_REACHED; __nth++) {      \
			pid_t __pid = fork();                                 \
			if (!__pid)                                           \
				_exit(register_without_memory(variant, __nth, \
							      _later));       \
			__status = mmun_wait_child(__pid);                    \
			ASSERT_GT(CALL_IS_WRONG, __status);                   \
			ASSERT_GT(MAX_ALLOCATIONS, __nth);                    \
			__failures += __status == CALL_FAILED;                \
		}                                                             \
		__failures;                                                   \
	})

/* Count again, and keep the smaller number. */
#define count_fewest(_fewest, _later)                 \
	do {                                          \
		int __count = count_failures(_later); \
		if (__count < *(_fewest))             \
			*(_fewest) = __count;         \
	} while (0)

/*
 * Only the first registration allocates the subscriptions of the mm, so it has
 * one allocation more that can fail.  Sometimes an object of the driver needs a
 * new slab, and the memory of this slab can fail too.  Therefore each number is
 * the smallest of several rounds.
 */
TEST_F(nomem, each_allocation_of_a_registration_can_fail)
{
	int first = MAX_ALLOCATIONS, later = MAX_ALLOCATIONS;
	__u64 objects = mmun_query_context().out_objects;

	need_failures();
	for (int i = 0; i < 2 || (i < 8 && later + 1 != first); i++) {
		count_fewest(&first, false);
		count_fewest(&later, true);
	}
	TH_LOG("%d allocations fail, %d in a later registration", first, later);
	EXPECT_EQ(later + 1, first);
	EXPECT_EQ(objects, mmun_query_context().out_objects);
}

MMUN_HARNESS_MAIN
