// SPDX-License-Identifier: GPL-2.0
/*
 * Tests the core with the experiments of /dev/mmun_core, which call the core as
 * a driver would.
 */
#include <sched.h>

#include "lib/core.h"
#include "lib/hugetlb.h"
#include "lib/mmun.h"
#include "lib/process.h"
#include "lib/xfail.h"

#define LIMIT_MS 1000

#define NOT_SYNCHRONIZED \
	"mmu_notifier_synchronize() returned before free_notifier(), see patches/synchronize"
#define LATE_RELEASE \
	"mmu_notifier_unregister() called ->release after exit, see patches/unregister"
#define LOCKED_FAULT \
	"hmm_range_fault() faulted under the lock of the VMA, see patches/hugetlb-hole"
#define WRONG_PFN \
	"HMM reports the PFNs of other pages, see patches/private-huge"

#define ONE_CPU "one processor: boot with SMP=2"
#define NO_PROBES "no kprobes: set CONFIG_KPROBES"
#define NO_WALK \
	"no hmm_range_fault() or kprobes: set CONFIG_HMM_MIRROR, CONFIG_KPROBES"
#define NO_DEVICE_PAGE "no huge pages in device memory: CONFIG_DEVICE_PRIVATE"
#define NO_HUGE_PAGE "no memory for a huge page: boot with MEM=1G"

FIXTURE(core)
{
	int fd;
};

FIXTURE_SETUP(core)
{
	self->fd = core_open();
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(core)
{
	EXPECT_EQ(0, close(self->fd));
}

/* Returns a CPU that the task may use, at least @first, or -1. */
static int next_cpu(const cpu_set_t *cpus, int first)
{
	for (int cpu = first; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, cpus))
			return cpu;
	return -1;
}

static int stay_on_cpu(int cpu)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	return sched_setaffinity(0, sizeof(one), &one);
}

/* Stay on the first CPU.  Returns the second CPU, or -1 if there is one CPU. */
static int stay_on_first_cpu(void)
{
	cpu_set_t cpus;
	int cpu;

	if (sched_getaffinity(0, sizeof(cpus), &cpus))
		return -1;
	cpu = next_cpu(&cpus, 0);
	return stay_on_cpu(cpu) ? -1 : next_cpu(&cpus, cpu + 1);
}

/*
 * SRCU has a list of callbacks for each CPU, or one list for all CPUs, and then
 * the order of the list makes mmu_notifier_synchronize() wait.  The runner
 * boots guests with srcutree.convert_to_big=1, which selects many lists.  If
 * there is one list, the test passes, and cannot find the defect.
 */
TEST_F(core, synchronize_waits_for_free_notifier_on_another_cpu)
{
	const int cpu = stay_on_first_cpu();
	struct mmun_core_synchronize cmd = {
		.cpu = cpu,
		.limit_ms = LIMIT_MS,
	};

	mmun_skip_if(cpu < 0, ONE_CPU);
	ASSERT_EQ(0, ioctl(self->fd, MMUN_CORE_SYNCHRONIZE, &cmd));
	EXPECT_EQ(0, cmd.out_inside);
	EXPECT_EQ(2, cmd.out_allocs);
	EXPECT_EQ(2, cmd.out_frees);
	if (cmd.out_left)
		XFAIL(return, NOT_SYNCHRONIZED);
}

/*
 * The child runs only on the first CPU.  The experiment keeps the second CPU
 * busy, and the second CPU could not answer if the mm of the child had been used
 * there.
 */
TEST_F(core, unregister_calls_no_release_after_exit)
{
	const int second = stay_on_first_cpu();
	struct mmun_core_unregister cmd = {
		.cpu = sched_getcpu(),
		.limit_ms = MMUN_CORE_MAX_MS,
	};
	struct mmun_child child;
	int errnum;

	mmun_skip_if(second < 0, ONE_CPU);
	ASSERT_EQ(0, mmun_child_start(&child, NULL));
	cmd.pid = child.pid;
	ASSERT_EQ(0, stay_on_cpu(second));
	errnum = ioctl(self->fd, MMUN_CORE_UNREGISTER, &cmd) ? errno : 0;
	mmun_child_kill(&child);
	mmun_skip_if(errnum == EOPNOTSUPP, NO_PROBES);
	ASSERT_EQ(0, errnum);
	EXPECT_EQ(1, cmd.out_delayed);
	EXPECT_EQ(1, cmd.out_freed);
	EXPECT_LE(1, cmd.out_releases);
	if (cmd.out_late)
		XFAIL(return, LATE_RELEASE);
}

/* The mm of a process that has exited must not get an interval notifier. */
TEST_F(core, warning_if_an_interval_is_inserted_into_an_mm_without_users)
{
	struct mmun_core_dead cmd = {
		.start = sysconf(_SC_PAGESIZE),
		.limit_ms = MMUN_CORE_MAX_MS,
	};
	struct mmun_child child;
	int ret;

	mmun_need_warnings();
	ASSERT_EQ(0, mmun_child_start(&child, NULL));
	cmd.pid = child.pid;
	ret = ioctl(self->fd, MMUN_CORE_DEAD, &cmd);
	mmun_child_kill(&child);
	ASSERT_EQ(0, ret);
	EXPECT_EQ(0, cmd.out_first);
	EXPECT_EQ(-EINVAL, cmd.out_second);
}

/*
 * Tests of hugetlb.  The mapping is not populated, and the arena maps nothing
 * else, so the arena has no table of huge pages.  hmm_range_fault() calls
 * different functions for a missing table and for a missing page of a table.
 */
FIXTURE(core_hugetlb)
{
	int fd;
	bool has_pool;
	char *map;
	struct setting pool;
};

FIXTURE_SETUP(core_hugetlb)
{
	int file;

	self->fd = core_open();
	ASSERT_LE(0, self->fd);
	self->has_pool = fill_pool(&self->pool, POOL_PAGES);
	self->map = mmun_arena_aligned(TABLE_SIZE, TABLE_SIZE);
	ASSERT_NE(NULL, self->map);
	if (self->has_pool) {
		file = mmun_memfd_sized(2 * HUGE_SIZE, HUGETLB(MFD_HUGETLB));
		ASSERT_NE(MAP_FAILED,
			  mmap(self->map, 2 * HUGE_SIZE, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_FIXED, file, 0));
		EXPECT_EQ(0, close(file));
	}
}

FIXTURE_TEARDOWN(core_hugetlb)
{
	munmap(self->map, TABLE_SIZE);
	EXPECT_EQ(0, close(self->fd));
	EXPECT_EQ(0, setting_restore(&self->pool));
}

/* Fault in the page at @_p.  The number of faults with the lock is in @_cmd. */
#define fault_in(_cmd, _p)                                                    \
	({                                                                    \
		*(_cmd) = (struct mmun_core_hugetlb){                         \
			.start = mmun_u64(_p),                                \
		};                                                            \
		int __errnum =                                                \
			ioctl(self->fd, MMUN_CORE_HUGETLB, _cmd) ? errno : 0; \
		mmun_skip_if(__errnum == EOPNOTSUPP, NO_WALK);                \
		ASSERT_EQ(0, __errnum);                                       \
		EXPECT_EQ(1, (_cmd)->out_faults);                             \
	})

TEST_F(core_hugetlb, hmm_faults_in_a_missing_page_without_the_lock_of_the_vma)
{
	struct mmun_core_hugetlb cmd;

	mmun_skip_if(!self->has_pool, NO_POOL);
	mmun_store(self->map, 1);
	fault_in(&cmd, self->map + HUGE_SIZE);
	EXPECT_EQ(0, cmd.out_locked);
}

TEST_F(core_hugetlb, hmm_faults_in_a_missing_table_without_the_lock_of_the_vma)
{
	struct mmun_core_hugetlb cmd;

	mmun_skip_if(!self->has_pool, NO_POOL);
	fault_in(&cmd, self->map);
	if (cmd.out_locked)
		XFAIL(return, LOCKED_FAULT);
}

/* Map a huge page, and write it.  Returns NULL on failure. */
static char *map_huge_page(void)
{
	char *p = mmun_arena_aligned(HUGE_SIZE, HUGE_SIZE);
	const size_t page = sysconf(_SC_PAGESIZE);

	if (!p || !mmun_map_filled(p, HUGE_SIZE / page) ||
	    madvise(p, HUGE_SIZE, MADV_HUGEPAGE) || mmun_collapse(p))
		return NULL;
	return p;
}

static const struct part {
	__u32 first;
	__u32 nr;
} parts[] = { { 0, 512 }, { 0, 1 }, { 5, 1 }, { 100, 32 }, { 511, 1 } };

/*
 * A device driver uses the PFNs to access its own memory.  If the PFNs are
 * wrong, the device accesses the data of other pages.
 */
TEST_F(core, part_of_a_device_private_huge_page_has_the_pfns_of_the_part)
{
	struct mmun_core_device_part none = { 0 };
	int wrong = 0;

	EXPECT_EQ(-1, ioctl(self->fd, MMUN_CORE_DEVICE_PART, &none));
	mmun_skip_if(errno == EOPNOTSUPP, NO_DEVICE_PAGE);
	EXPECT_EQ(EINVAL, errno);
	for (int i = 0; i < ARRAY_SIZE(parts); i++) {
		struct mmun_core_device_part cmd = {
			.addr = mmun_u64(map_huge_page()),
			.first = parts[i].first,
			.nr = parts[i].nr,
		};

		mmun_skip_if(!cmd.addr, NO_HUGE_PAGE);
		ASSERT_EQ(0, ioctl(self->fd, MMUN_CORE_DEVICE_PART, &cmd));
		EXPECT_EQ(cmd.nr, cmd.out_valid);
		EXPECT_EQ(HUGE_SIZE, sysconf(_SC_PAGESIZE) << cmd.out_order);
		if (cmd.out_right == cmd.nr)
			continue;
		wrong++;
		TH_LOG("page %u of the huge page: the PFN of page %lld",
		       cmd.first, (long long)cmd.out_distance);
	}
	if (wrong)
		XFAIL(return, WRONG_PFN);
}

int main(int argc, char **argv)
{
	return mmun_list_or_run(argc, argv, core_problem());
}
