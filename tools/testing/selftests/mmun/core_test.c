// SPDX-License-Identifier: GPL-2.0
/*
 * Tests the core with the experiments of /dev/mmun_core, which call the core as
 * a driver would.
 */
#include <sched.h>

#include "lib/core.h"
#include "lib/mmun.h"
#include "lib/xfail.h"

#define LIMIT_MS 1000

#define NOT_SYNCHRONIZED \
	"mmu_notifier_synchronize() returned before free_notifier(), see patches/synchronize"

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

/* Stay on the first CPU.  Returns the second CPU, or -1 if there is one CPU. */
static int stay_on_first_cpu(void)
{
	cpu_set_t cpus, one;
	int cpu;

	if (sched_getaffinity(0, sizeof(cpus), &cpus))
		return -1;
	cpu = next_cpu(&cpus, 0);
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	return sched_setaffinity(0, sizeof(one), &one) ?
		       -1 :
		       next_cpu(&cpus, cpu + 1);
}

/*
 * SRCU has a list of callbacks for each CPU, or one list for all CPUs, and then
 * the order of the list makes mmu_notifier_synchronize() wait.  The runner
 * boots guests with srcutree.convert_to_big=1, which selects many lists.  If
 * there is one list or one CPU, the test passes, and cannot find the defect.
 */
TEST_F(core, synchronize_waits_for_free_notifier_on_another_cpu)
{
	const int cpu = stay_on_first_cpu();
	struct mmun_core_synchronize cmd = {
		.cpu = cpu < 0 ? 0 : cpu,
		.limit_ms = cpu < 0 ? 0 : LIMIT_MS,
	};

	ASSERT_EQ(0, ioctl(self->fd, MMUN_CORE_SYNCHRONIZE, &cmd));
	EXPECT_EQ(0, cmd.out_inside);
	EXPECT_EQ(2, cmd.out_allocs);
	EXPECT_EQ(2, cmd.out_frees);
	if (cmd.out_left)
		XFAIL(return, NOT_SYNCHRONIZED);
}

int main(int argc, char **argv)
{
	return mmun_list_or_run(argc, argv, core_problem());
}
