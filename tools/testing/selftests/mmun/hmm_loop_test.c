// SPDX-License-Identifier: GPL-2.0
/*
 * Tests that the loop of hmm_range_fault() ends while a userfaultfd is closed.
 * The loop repeats the walk of the page tables after each page fault, and holds
 * mmap_lock for reading.  The close waits for mmap_lock for writing.
 */
#include "lib/mmun.h"
#include "lib/range.h"
#include "lib/uffd.h"
#include "lib/xfail.h"
#include <time.h>

/*
 *   0     1  ...  510   511
 *   |file|  anonymous  |anonymous, with a userfaultfd|
 *
 * One call of hmm_range_fault() faults all pages in, in this order.  The last
 * page fault must come after the start of the close.
 */
#define PAGES 512
#define ATTEMPTS 40
#define STEP_NS 50000 /* each attempt closes the userfaultfd this much later */
#define LIMIT_S 5

static struct attempt {
	int fd;
	int uffd;
	long delay_ns;
	struct mmun_snapshot snapshot;
	int error;
} attempt;

static long ns_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - start->tv_sec) * 1000000000L + now.tv_nsec -
	       start->tv_nsec;
}

/* The thread must not sleep, because a sleep is longer than the delay. */
static void *close_uffd(void *arg)
{
	struct timespec start;

	clock_gettime(CLOCK_MONOTONIC, &start);
	while (ns_since(&start) < attempt.delay_ns)
		;
	close(attempt.uffd);
	return NULL;
}

static void *take_snapshot(void *arg)
{
	attempt.error = _mmun_snapshot(attempt.fd, &attempt.snapshot) ? errno :
									0;
	return NULL;
}

static int nr_cpus(void)
{
	cpu_set_t cpus;

	return sched_getaffinity(0, sizeof(cpus), &cpus) ? 1 : CPU_COUNT(&cpus);
}

FIXTURE(hmm_loop)
{
	MMUN_RANGE_FIXTURE;
	int memfd;
};

FIXTURE_SETUP(hmm_loop)
{
	mmun_setup_arena(PAGES);
	self->id = insert_pages(0, PAGES);
	self->memfd = mmun_memfd_sized(self->page, 0);
	ASSERT_NE(NULL, mmun_map_file(self->map, self->page, MAP_SHARED,
				      self->memfd));
	attempt.fd = self->fd;
	attempt.snapshot = MMUN_SNAPSHOT_OF(self->id, self->map,
					    mmun_pages(PAGES),
					    MMUN_METHOD_HMM_FAULT,
					    MMUN_WRITE | MMUN_OWN_LOOP);
}

MMUN_FIXTURE_TEARDOWN(hmm_loop)

/*
 * Returns whether the snapshot ended by itself.  If not, the file loses its
 * page: this raises an event without mmap_lock, the sequence of the range
 * changes, and the loop ends with EBUSY.
 */
static bool snapshot_ends(FIXTURE_DATA(hmm_loop) * self)
{
	pthread_t closer, reader;
	struct timespec limit;
	bool ends;

	clock_gettime(CLOCK_MONOTONIC, &limit);
	limit.tv_sec += LIMIT_S;
	pthread_create(&closer, NULL, close_uffd, NULL);
	pthread_create(&reader, NULL, take_snapshot, NULL);
	ends = !pthread_clockjoin_np(reader, NULL, CLOCK_MONOTONIC, &limit);
	if (!ends) {
		ftruncate(self->memfd, 0);
		pthread_join(reader, NULL);
	}
	pthread_join(closer, NULL);
	return ends;
}

#define LOOPS \
	"the loop of HMM does not end while a userfaultfd is closed, see patches/uffd-loop"

TEST_F(hmm_loop, ends_while_a_userfaultfd_is_closed)
{
	mmun_need_feature(MMUN_FEATURE_HMM);
	mmun_skip_if(nr_cpus() < 2, "one processor: boot with SMP=2");
	for (int i = 0; i < ATTEMPTS; i++) {
		ASSERT_NE(NULL, mmun_map(mmun_page(1), mmun_pages(PAGES - 1)));
		attempt.uffd = uffd_create(mmun_page(PAGES - 1), self->page, 0,
					   UFFDIO_REGISTER_MODE_MISSING);
		mmun_skip_if(attempt.uffd < 0, NO_UFFD);
		attempt.delay_ns = i * STEP_NS;
		if (!snapshot_ends(self))
			XFAIL(return, LOOPS);
		EXPECT_TRUE(!attempt.error || attempt.error == EFAULT);
	}
}

MMUN_HARNESS_MAIN
