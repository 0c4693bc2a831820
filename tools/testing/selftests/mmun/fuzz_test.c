// SPDX-License-Identifier: GPL-2.0
/*
 * Issues a hundred thousand ioctls with random arguments, or with arguments
 * that are plausible except one field.  The runner checks that the kernel
 * prints no message.  The context must work after the ioctls, and all memory
 * must be freed.
 *
 * MMUN_SEED=number in the environment repeats the calls of a run.
 */
#include <stdatomic.h>
#include "lib/mmun.h"
#include "lib/random.h"

#define NR_PAGES 16
#define NR_IDS 8
#define DEFAULT_SEED 20191112 /* when interval notifiers were merged */

/*
 * The fields of the argument of each call, in the order of their offsets.  A
 * small letter is a __u32, and a capital letter is an __aligned_u64.
 *
 *   s size			z zero			o O output
 *   k kind			r range			b batch
 *   h hold			q point			p thread
 *   P array			C its length		A address
 *   L length			m method		f flags
 *   S sequence			n number		c records
 *   y types			t milliseconds		d milliseconds, for free
 */
static const struct shape {
	unsigned int cmd;
	const char *name;
	size_t size;
	const char *fields;
} shapes[] = {
#define INFO_FIELDS "szooOOoooooooooz"
#define INSERT_FIELDS "skPCO"
#define REMOVE_FIELDS "szPCO"
#define READ_BEGIN_FIELDS "srozO"
#define COLLECT_FIELDS "sbALmfoz"
#define COMMIT_FIELDS "sbSoo"
#define ABANDON_FIELDS "sb"
#define SNAPSHOT_FIELDS "srALmfnoPoo"
#define ACCESS_FIELDS "srfzALPO"
#define VERIFY_FIELDS "srnoOOOO"
#define FAIL_NONBLOCK_FIELDS "srno"
#define QUERY_RANGE_FIELDS "srSOooOOOO"
#define QUERY_CONTEXT_FIELDS "szooooOO"
#define LOG_SETUP_FIELDS "scyzO"
#define HOLD_FIELDS "sqrpnndo"
#define WAIT_HELD_FIELDS "shtoooozOO"
#define RESUME_FIELDS "shfo"
#define WAKE_THREAD_FIELDS "spno"
#define CHECK_BALANCE_FIELDS "stooO"
#define PIN_MM_FIELDS "stoz"
#define UNPIN_MM_FIELDS "spoz"
#define SHAPE(NAME, name, last) \
	{ MMUN_##NAME, #NAME, sizeof(struct mmun_##name), NAME##_FIELDS },
	MMUN_CALLS(SHAPE)
#undef SHAPE
};

#define NR_CALLS ((int)ARRAY_SIZE(shapes))

/*
 *	|- - -| map, 16 pages |- - -|	the range over it is among the ids
 *	|- - -| array, 1 page |- - -|
 *	|- - -| arg, 1 page   |- - -|	the argument begins somewhere in it
 */
FIXTURE(fuzz)
{
	MMUN_FIXTURE;
	int observer;
	char *array;
	char *arg;
	atomic_int stop;
	__u64 dice;
	__u32 ids[NR_IDS];
	struct mmun_token tokens[NR_IDS];
	__u32 holds[NR_IDS];
	unsigned int calls[NR_CALLS];
	unsigned int good[NR_CALLS];
};

enum how { NOISE, ONE_FIELD, COMMAND };

/* Enough calls must succeed, because a failed call tests only the checks. */
FIXTURE_VARIANT(fuzz)
{
	enum how how;
	int calls;
	int least_of_each;
	int least;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(fuzz, all_fields_random) { NOISE, 30000, 0, 500 };
FIXTURE_VARIANT_ADD(fuzz, one_field_random) { ONE_FIELD, 60000, 10, 10000 };
FIXTURE_VARIANT_ADD(fuzz, command_and_pointer_random) { COMMAND, 10000, 0, 200 };
/* clang-format on */

/*
 * wild() returns powers of two as addresses, and the kernel may write to these
 * addresses.  The program must have no memory at powers of two.  Some kernels
 * place the first mapping at 1 << 30.  A constructor of the harness creates the
 * first mapping, so this constructor must run earlier.
 */
static void __attribute__((constructor(101))) reserve_powers_of_two(void)
{
	const size_t page = sysconf(_SC_PAGESIZE);

	for (__u64 address = 2 * page; address < 1ULL << 47; address *= 2)
		mmap((void *)(address - page), 2 * page, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
}

static __u64 below(FIXTURE_DATA(fuzz) * self, __u64 limit)
{
	return mmun_random_below(&self->dice, limit);
}

static __u32 any_id(FIXTURE_DATA(fuzz) * self)
{
	return self->ids[below(self, NR_IDS)];
}

static __u64 wild_pointer(FIXTURE_DATA(fuzz) * self)
{
	const __u64 map = mmun_u64(self->map), page = self->page;
	const __u64 array = mmun_u64(self->array), arg = mmun_u64(self->arg);
	/* clang-format off */
	const __u64 pointers[] = {
		0, 8, map, map + 1, map - page, map + (NR_PAGES - 1) * page,
		array, array + page - 4, arg, arg + page - 4,
		1ULL << 47, (1ULL << 47) - 4096, 1ULL << 63,
		0xffff888000000000ULL, 0xffffffff81000000ULL, -4096ULL,
	};
	/* clang-format on */

	return pointers[below(self, ARRAY_SIZE(pointers))];
}

static __u64 wild(FIXTURE_DATA(fuzz) * self)
{
	const __u64 values[] = {
		0,
		-1ULL,
		1ULL << below(self, 64),
		(1ULL << below(self, 64)) - 1,
		below(self, 32),
		any_id(self),
		wild_pointer(self),
		mmun_random(&self->dice),
	};

	return values[below(self, ARRAY_SIZE(values))];
}

/* Fill the array of a bulk call.  A few elements are wrong. */
static __u64 plausible_array(FIXTURE_DATA(fuzz) * self)
{
	struct mmun_span *bulk = (struct mmun_span *)self->array;

	for (int i = 0; i < 16; i++, bulk++) {
		*bulk = (struct mmun_span){
			.start = mmun_u64(self->map) + below(self, self->page),
			.length = 1 + below(self, 4 * self->page),
			.id = any_id(self),
		};
		if (!below(self, 8))
			bulk->start = wild(self);
		if (!below(self, 8))
			bulk->length = wild(self);
		if (!below(self, 16))
			bulk->id = wild(self);
		if (!below(self, 64))
			bulk->__reserved = bulk->id;
	}
	return mmun_u64(self->array);
}

static __u64 plausible(FIXTURE_DATA(fuzz) * self, const struct shape *shape,
		       char field, struct mmun_token token)
{
	const __u64 small = 1 + below(self, 15);
	/* clang-format off */
	const __u64 values[128] = {
		['s'] = shape->size,
		['r'] = any_id(self),
		['b'] = token.batch,
		['S'] = token.seq,
		['h'] = self->holds[below(self, NR_IDS)],
		['q'] = below(self, 5),
		['k'] = below(self, MMUN_NR_KINDS),
		['p'] = below(self, 2) ? mmun_gettid() : 0,
		['A'] = mmun_u64(mmun_page(below(self, 8))),
		['L'] = mmun_pages(1 + below(self, 8)),
		['m'] = below(self, 3),
		['f'] = below(self, 2),
		['P'] = mmun_u64(self->map),
		['C'] = small, ['d'] = small, ['n'] = small,
		['c'] = 1ULL << below(self, 8),
		['y'] = below(self, MMUN_LOG_TYPES_ALL + 1),
		['t'] = !below(self, 32),
	};
	/* clang-format on */

	if (field == 'P' &&
	    (shape->cmd == MMUN_INSERT || shape->cmd == MMUN_REMOVE))
		return plausible_array(self);
	return values[(int)field];
}

/*
 * Fill the argument.  Field number @odd receives a random value.  If @odd is
 * -1, every field receives a random value.
 */
static void fill(FIXTURE_DATA(fuzz) * self, const struct shape *shape,
		 char *arg, int odd)
{
	struct mmun_token token = self->tokens[below(self, NR_IDS)];
	const char *f;
	__u64 value;

	for (f = shape->fields; *f; f++) {
		const size_t size = *f >= 'a' ? sizeof(__u32) : sizeof(__u64);

		value = odd < 0 || f - shape->fields == odd ?
				wild(self) :
				plausible(self, shape, *f, token);
		if (*f == 's' && odd < 0 && below(self, 4))
			value = shape->size;
		/*
		 * The held thread may be the thread that would release the
		 * hold.  Three in four other time-outs are 0, because waiting
		 * slows the test down.
		 */
		if (*f == 'd' && (__u32)value < 100000)
			value %= 16;
		if (*f == 't' && (__u32)value < 100000)
			value = (__u32)value && !below(self, 4);
		memcpy(arg, &value, size);
		arg += size;
	}
}

/*
 * Create the ranges, batches, pages and events that the calls need to succeed.
 */
static void refresh(FIXTURE_DATA(fuzz) * self)
{
	const int i = below(self, NR_IDS);
	struct mmun_snapshot cmd =
		MMUN_SNAPSHOT_OF(0, self->map, mmun_pages(NR_PAGES),
				 MMUN_METHOD_GUP, MMUN_WRITE);

	if (_mmun_insert(self->fd, self->map, cmd.length, &cmd.id))
		return;
	self->ids[i] = cmd.id;
	_mmun_snapshot(self->fd, &cmd);
	if (!below(self, 4))
		madvise(self->map + i * self->page, self->page, MADV_DONTNEED);
	_mmun_read_begin(self->fd, cmd.id, self->tokens + i);
}

/* Open a new context, so that the old context cannot fill up with ranges. */
static int renew(FIXTURE_DATA(fuzz) * self)
{
	if (self->fd >= 0 && close(self->fd))
		return -1;
	self->fd = mmun_open();
	for (int i = 0; i < NR_IDS; i++)
		refresh(self);
	return self->fd;
}

/* Remember some of the IDs that the call returned. */
static void keep_ids(FIXTURE_DATA(fuzz) * self, unsigned int cmd,
		     const char *arg)
{
	const struct mmun_read_begin *begin = (const void *)arg;
	const struct mmun_span *span = (const void *)self->array;
	const struct mmun_hold *hold = (const void *)arg;
	const int i = below(self, NR_IDS);

	if (cmd == MMUN_INSERT && i < 2)
		self->ids[i] = span->id;
	else if (cmd == MMUN_READ_BEGIN)
		self->tokens[i] =
			(struct mmun_token){ begin->out_batch, begin->out_seq };
	else if (cmd == MMUN_HOLD)
		self->holds[i] = hold->out_hold;
}

static unsigned int wild_command(FIXTURE_DATA(fuzz) * self, unsigned int cmd)
{
	const unsigned int flipped = cmd ^ 1U << below(self, 32);
	const unsigned int commands[] = { cmd, wild(self), flipped, flipped };

	return commands[below(self, ARRAY_SIZE(commands))];
}

static void call(FIXTURE_DATA(fuzz) * self, enum how how)
{
	const int nr = below(self, NR_CALLS);
	const struct shape *shape = shapes + nr;
	int odd = below(self, 2 * strlen(shape->fields));
	char *arg = self->arg + 8 * below(self, 64);
	unsigned int cmd = shape->cmd;

	fill(self, shape, arg, how == NOISE ? -1 : odd);
	/* Sometimes the argument is partly behind the end of the page. */
	if (!below(self, 32))
		arg = memmove(self->arg + self->page - shape->size + 4, arg,
			      shape->size - 4);
	if (how == COMMAND) {
		cmd = wild_command(self, cmd);
		arg = below(self, 2) ? arg : (char *)wild_pointer(self);
	}
	if (cmd == shape->cmd)
		self->calls[nr]++;
	if (ioctl(self->fd, cmd, arg) || cmd != shape->cmd)
		return;
	self->good[nr]++;
	if (how != COMMAND)
		keep_ids(self, cmd, arg);
}

/* UNPIN_MM needs a thread that sleeps in PIN_MM. */
static void *pinner(void *arg)
{
	FIXTURE_DATA(fuzz) *self = arg;
	__u32 released;

	while (!self->stop)
		_mmun_pin_mm(self->fd, 2, &released);
	return NULL;
}

FIXTURE_SETUP(fuzz)
{
	self->dice = mmun_seed(DEFAULT_SEED) * 1000003 + variant->how;
	mmun_setup_filled(NR_PAGES);
	self->observer = self->fd;
	self->fd = -1;
	self->array = mmun_map(mmun_arena(1), self->page);
	self->arg = mmun_map(mmun_arena(1), self->page);
	ASSERT_NE(NULL, self->array);
	ASSERT_NE(NULL, self->arg);
}

FIXTURE_TEARDOWN(fuzz)
{
	EXPECT_EQ(0, close(self->observer));
}

static void check_good(struct __test_metadata *_metadata,
		       FIXTURE_DATA(fuzz) * self,
		       const FIXTURE_VARIANT(fuzz) * variant)
{
	bool has_hmm = mmun_has_feature(self->observer, MMUN_FEATURE_HMM);
	char line[512] = "";
	int all = 0;
	size_t at = 0;

	for (int i = 0; i < NR_CALLS; i++) {
		at += snprintf(line + at, sizeof(line) - at, " %s %u/%u",
			       shapes[i].name, self->good[i], self->calls[i]);
		all += self->good[i];
		if (shapes[i].cmd == MMUN_VERIFY && !has_hmm)
			continue;
		EXPECT_LE(variant->least_of_each, self->good[i])
		{
			TH_LOG("%s succeeded too rarely", shapes[i].name);
		}
	}
	EXPECT_LE(variant->least, all);
	TH_LOG("succeeded:%s", line);
}

/* Check that the context works. */
static void check_context(struct __test_metadata *_metadata,
			  FIXTURE_DATA(fuzz) * self)
{
	const size_t length = mmun_pages(NR_PAGES);
	__u32 id = mmun_insert(self->map, length);

	EXPECT_EQ(NR_PAGES, mmun_snapshot(id, self->map, length,
					  MMUN_METHOD_GUP, MMUN_WRITE, NULL));
	mmun_device_write(id, self->map, 6, "device");
	EXPECT_EQ(0, memcmp(self->map, "device", 6));
	mmun_log_setup(16, MMUN_LOG_TYPES_DEFAULT);
	ASSERT_EQ(0, madvise(self->map, length, MADV_DONTNEED));
	mmun_err_access(EFAULT, id, self->map, 6, 0);
	EXPECT_EQ(1, mmun_query_range(id).out_invalidations);
	mmun_remove(id);
}

TEST_F_TIMEOUT(fuzz, calls_leave_a_working_context_and_leak_no_memory, 150)
{
	__u64 before;
	pthread_t thread;

	self->fd = self->observer;
	before = mmun_objects_without_lists();
	self->fd = -1;
	ASSERT_LE(0, renew(self));
	ASSERT_EQ(0, pthread_create(&thread, NULL, pinner, self));
	for (int i = 0; i < variant->calls; i++) {
		call(self, variant->how);
		if (i % 32 == 0)
			refresh(self);
		if (i % 1000 == 999)
			ASSERT_LE(0, renew(self));
	}
	self->stop = 1;
	ASSERT_EQ(0, pthread_join(thread, NULL));
	check_good(_metadata, self, variant);
	check_context(_metadata, self);
	ASSERT_EQ(0, close(self->fd));
	self->fd = self->observer;
	mmun_expect_objects(before);
}

MMUN_HARNESS_MAIN
