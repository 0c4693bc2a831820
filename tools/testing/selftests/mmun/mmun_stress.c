// SPDX-License-Identifier: GPL-2.0
/*
 * A stress test.  The threads of several processes insert, snapshot, read,
 * write and remove ranges over the memory of all processes.  At the same time,
 * the threads change this memory.  The results depend on timing.
 *
 * The seed determines the calls of each thread.  The program prints the seed.
 * With -S SEED the program repeats the calls, but not the interleaving of the
 * threads.  During the run no other program may use the device.
 */
#define __SANE_USERSPACE_TYPES__ /* makes __u64 an unsigned long long on every architecture */

#include "lib/ksm.h"
#include "lib/mmun.h"
#include "lib/random.h"
#include "lib/uffd.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <sys/swap.h>
#include <sys/uio.h>
#include <time.h>

#include "stress/shared.c"
#include "stress/pages.c"
#include "stress/ranges.c"
#include "stress/device.c"
#include "stress/batches.c"
#include "stress/log.c"
#include "stress/mutators.c"
#include "stress/children.c"

/*
 * The reasons for the errors that an operation may return:
 *
 *   ENOENT		another thread removed the range
 *   EOPNOTSUPP		a range of a list notifier must not refuse
 *   EFAULT, EACCES	the memory has holes, or pages that are not writable
 *   EAGAIN, EBUSY, EIO	another task uses the pages
 *   ENODEV		the NUMA node does not exist
 *   EINVAL		the kernel or the memory does not support the operation
 */
/* clang-format off */
static struct op ops[] = {
	{ "insert",		 30, op_insert, CONTEXT, { 0 } },
	{ "remove",		 20, op_remove, CONTEXT, { 0 } },
	{ "bulk-insert",	  2, op_bulk_insert, CONTEXT, { 0 } },
	{ "bulk-remove",	  2, op_bulk_remove, 0, { 0 } },
	{ "snapshot",		120, op_snapshot, RANGE, { ENOENT, EFAULT, EACCES } },
	{ "begin",		 60, op_begin, RANGE, { ENOENT } },
	{ "collect",		 80, op_collect, 0, { EBUSY, EFAULT, EACCES } },
	{ "commit",		 60, op_commit, 0, { ENOENT } },
	{ "check-retry",	 20, op_check_retry, 0, { ENOENT } },
	{ "read",		 80, op_read, RANGE | ONE | LOCK, { ENOENT, EFAULT } },
	{ "write",		 60, op_write, RANGE | ONE | LOCK, { ENOENT, EFAULT } },
	{ "verify",		 20, op_verify, RANGE, { ENOENT } },
	{ "refuse",		  2, op_refuse, RANGE, { ENOENT, EOPNOTSUPP } },
	{ "log",		 10, op_log, CONTEXT, { 0 } },
	{ "touch",		100, area_write, LOCK | OPEN | CHECK, { 0 } },
	{ "munmap",		 20, op_munmap, LOCK | CHECK, { 0 } },
	{ "map-over",		 20, area_renew, LOCK, { 0 } },
	{ "renew",		  1, op_renew, 0, { 0 } },
	{ "mremap",		 10, op_mremap, PRIVATE | ONE | LOCK | OPEN, { 0 } },
	{ "mprotect",		 20, op_mprotect, LOCK | OPEN, { 0 } },
	{ "dontneed",		 20, op_dontneed, LOCK | CHECK, { ENOMEM } },
	{ "free",		 10, op_free, PRIVATE | LOCK, { ENOMEM } },
	{ "punch",		 10, op_punch, SHARED | ANY | LOCK, { 0 } },
	{ "truncate",		  3, op_truncate, SHARED | ANY | TAIL | LOCK, { 0 } },
	{ "ksm",		  3, op_ksm, PRIVATE | PAIR | LOCK | OPEN | CHECK, { EINVAL } },
	{ "uffd-wp",		  5, op_uffd, PRIVATE | LOCK | OPEN, { 0 } },
	{ "cold",		  5, op_cold, 0, { ENOMEM, EINVAL } },
	{ "pageout",		 10, op_pageout, 0, { ENOMEM, EINVAL } },
	{ "collapse",		  3, op_collapse, 0, { EAGAIN, EBUSY, EINVAL, ENOMEM, EFAULT } },
	{ "split",		  1, op_split, ANY, { EINVAL, EBUSY } },
	{ "mbind",		  5, op_mbind, 0, { EIO, EFAULT, EINVAL, ENODEV, ENOSYS, ENOMEM } },
	{ "move-pages",		  5, op_move_pages, ANY,
	  { ENODEV, EINVAL, ENOSYS, ENOENT, EBUSY, ENOMEM, EFAULT } },
	{ "process-madvise",	  5, op_process_madvise, ANY, { ENOMEM, EINVAL, EPERM, ENOSYS } },
	{ "clear-refs",		  2, op_clear_refs, ANY, { EACCES, EINVAL } },
	{ "fork",		  4, op_fork, PRIVATE, { EAGAIN, ENOMEM } },
	{ "exec",		  1, op_exec, 0, { EAGAIN, ENOMEM } },
	{ "exit",		  2, op_exit, 0, { EAGAIN, ENOMEM } },
	{ "reap",		  2, op_reap, 0, { EAGAIN, ENOMEM, ESRCH, ENOSYS, EPERM } },
	{ }
};
/* clang-format on */

#include "stress/options.c"
#include "stress/process.c"
#include "stress/report.c"
#include "stress/watch.c"

#define ARENA_BASE 0x200000000000UL
#define ARENA_STRIDE 0x40000000UL
#define SWAP_DEVICE "/dev/zram0"
#define SWAP_SIZE "/sys/block/zram0/disksize"
#define SWAP_RESET "/sys/block/zram0/reset"

/* Write the header of a swap area to SWAP_DEVICE, and call swapon(). */
static int make_swap(int mib)
{
	__u32 head[] = { 1, (mib << 20) / page_size() - 1, 0 };
	int fd, ret;

	if (mmun_write_number(SWAP_SIZE, (long)mib << 20))
		return -1;
	fd = open(SWAP_DEVICE, O_RDWR | O_CLOEXEC);
	ret = pwrite(fd, head, sizeof(head), 1024) != sizeof(head) ||
	      pwrite(fd, "SWAPSPACE2", 10, page_size() - 10) != 10 ||
	      fsync(fd) || swapon(SWAP_DEVICE, 0);
	close(fd);
	return ret;
}

/* Run the stress test with swap and ksmd, if the kernel has them. */
static void stress_with_ksm(int fd)
{
	struct ksm ksm;
	bool has_ksm = !ksm_start(&ksm);

	if (options.swap_mib && make_swap(options.swap_mib)) {
		printf("# no swap on " SWAP_DEVICE "\n");
		options.swap_mib = 0;
	}
	stress(fd);
	if (has_ksm)
		ksm_restore(&ksm);
	if (options.swap_mib) {
		swapoff(SWAP_DEVICE);
		mmun_write_file(SWAP_RESET, "1");
	}
}

static int make_shared(int fd)
{
	pthread_barrierattr_t attr;
	struct mmun_info info;
	struct arena *arena;
	int p;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (shared == MAP_FAILED || _mmun_info(fd, &info))
		return -1;
	shared->kinds = info.out_kinds;
	pthread_barrierattr_init(&attr);
	pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(&shared->barrier, &attr, options.processes);
	for (p = 0; p < options.processes; p++) {
		arena = &shared->arenas[p];
		arena->number = p;
		arena->base = (char *)(ARENA_BASE + p * ARENA_STRIDE);
		arena->file = mmun_memfd_sized(SECTION_PAGES * page_size(), 0);
		if (arena->file < 0)
			return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	int fd;

	if (argc == 4 && !strcmp(argv[1], AFTER_EXEC))
		return after_exec(atoi(argv[2]), strtoul(argv[3], NULL, 0));
	parse_options(argc, argv);
	fd = mmun_open();
	if (fd < 0)
		return mmun_skip_all(MMUN_NO_DEVICE);
	if (make_shared(fd))
		return mmun_skip_all("no memory");
	printf("TAP version 13\n1..1\n# seed %llu, %llu processes of %llu threads, %llu seconds\n",
	       options.seed, options.processes, options.threads,
	       options.seconds);
	fflush(stdout);
	stress_with_ksm(fd);
	if (shared->failed)
		printf("# seed %llu: %s\n", options.seed, shared->what);
	printf("%sok 1 stress.every_answer_is_right_and_nothing_is_left\n",
	       shared->failed ? "not " : "");
	return shared->failed;
}
