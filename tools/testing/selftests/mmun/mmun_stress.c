// SPDX-License-Identifier: GPL-2.0
/*
 * Everything at once, for as long as one likes: threads of several processes
 * insert, remove, snapshot, read and write ranges of their own and each other's
 * memory, while they take it away.  It is here that luck is allowed.
 *
 * Each call is drawn from a seed, which is printed: -S repeats the schedule of
 * each thread, with what luck the scheduler gives.  Nobody else may use the
 * device meanwhile.
 */
#include "lib/mmun.h"

#include <linux/userfaultfd.h>
#include <stdarg.h>
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
 * ENOENT: somebody has removed the range.  EFAULT, EACCES: the memory has holes
 * and what may not be written to.
 * EAGAIN, EBUSY, EIO: pages that somebody else holds just then.  ENODEV: there
 * is no such node.  EINVAL: not on this kernel, or not for such memory.
 */
static const struct op ops[] = {
	{ "insert",		30, op_insert,		{ 0 } },
	{ "remove",		20, op_remove,		{ 0 } },
	{ "bulk-insert",	2,  op_bulk_insert,	{ 0 } },
	{ "bulk-remove",	2,  op_bulk_remove,	{ 0 } },
	{ "snapshot",		120, op_snapshot,	{ ENOENT, EFAULT, EACCES } },
	{ "begin",		60, op_begin,		{ ENOENT } },
	{ "collect",		80, op_collect,		{ EBUSY, EFAULT, EACCES } },
	{ "commit",		60, op_commit,		{ ENOENT } },
	{ "check-retry",	20, op_check_retry,	{ ENOENT } },
	{ "read",		80, op_read,		{ ENOENT, EFAULT } },
	{ "write",		60, op_write,		{ ENOENT, EFAULT } },
	{ "verify",		20, op_verify,		{ ENOENT } },
	{ "refuse",		2,  op_refuse,		{ ENOENT } },
	{ "log",		10,  op_log,		{ 0 } },
	{ "touch",		100, op_touch,		{ 0 } },
	{ "munmap",		20, op_munmap,		{ 0 } },
	{ "map-over",		20, op_map_over,	{ 0 } },
	{ "renew",		1,  op_renew,		{ 0 } },
	{ "mremap",		10, op_mremap,		{ 0 } },
	{ "mprotect",		20, op_mprotect,	{ 0 } },
	{ "dontneed",		20, op_dontneed,	{ ENOMEM } },
	{ "free",		10, op_free,		{ ENOMEM } },
	{ "punch",		10, op_punch,		{ 0 } },
	{ "truncate",		3,  op_truncate,	{ 0 } },
	{ "ksm",		3,  op_ksm,		{ EINVAL } },
	{ "uffd-wp",		5,  op_uffd,		{ 0 } },
	{ "cold",		5,  op_cold,		{ ENOMEM, EINVAL } },
	{ "pageout",		10, op_pageout,		{ ENOMEM, EINVAL } },
	{ "collapse",		3,  op_collapse,
	  { EAGAIN, EBUSY, EINVAL, ENOMEM, EFAULT } },
	{ "split",		1,  op_split,		{ EINVAL, EBUSY } },
	{ "mbind",		5,  op_mbind,
	  { EIO, EFAULT, EINVAL, ENODEV, ENOSYS, ENOMEM } },
	{ "move-pages",		5,  op_move_pages,
	  { ENODEV, EINVAL, ENOSYS, ENOENT, EBUSY, ENOMEM, EFAULT } },
	{ "process-madvise",	5,  op_process_madvise,
	  { ENOMEM, EINVAL, EPERM, ENOSYS } },
	{ "clear-refs",		2,  op_clear_refs,	{ EACCES, EINVAL } },
	{ "fork",		4,  op_fork,		{ EAGAIN, ENOMEM } },
	{ "exec",		1,  op_exec,		{ EAGAIN, ENOMEM } },
	{ "exit",		2,  op_exit,		{ EAGAIN, ENOMEM } },
	{ "reap",		2,  op_reap,
	  { EAGAIN, ENOMEM, ESRCH, ENOSYS, EPERM } },
	{ }
};

#include "stress/options.c"
#include "stress/process.c"
#include "stress/report.c"
#include "stress/watch.c"

#define ARENA_BASE	0x200000000000UL
#define ARENA_STRIDE	0x40000000UL
#define SWAP_DEVICE	"/dev/zram0"
#define SWAP_SIZE	"/sys/block/zram0/disksize"
#define SWAP_RESET	"/sys/block/zram0/reset"
#define KSM_RUN		"/sys/kernel/mm/ksm/run"

/* What mkswap writes: one page of header, the rest to swap on. */
static int make_swap(int mib)
{
	__u32 head[] = { 1, (mib << 20) / page_size() - 1, 0 };
	char size[16];
	int fd, ret;

	snprintf(size, sizeof(size), "%dM", mib);
	if (mmun_write_file(SWAP_SIZE, size))
		return -1;
	fd = open(SWAP_DEVICE, O_RDWR | O_CLOEXEC);
	ret = pwrite(fd, head, sizeof(head), 1024) != sizeof(head) ||
	      pwrite(fd, "SWAPSPACE2", 10, page_size() - 10) != 10 ||
	      fsync(fd) || swapon(SWAP_DEVICE, 0);
	close(fd);
	return ret;
}

/* One character; 0 if there is none to be had. */
static char ksm_before;

static char read_ksm(void)
{
	int fd = open(KSM_RUN, O_RDONLY | O_CLOEXEC);
	char text = 0;

	if (fd < 0 || read(fd, &text, 1) != 1)
		text = 0;
	close(fd);
	return text;
}

static void set_up(void)
{
	if (options.swap_mib && make_swap(options.swap_mib)) {
		printf("# no swap on " SWAP_DEVICE "\n");
		options.swap_mib = 0;
	}
	ksm_before = read_ksm();
	mmun_write_file(KSM_RUN, "1");
}

static void tear_down(void)
{
	if (ksm_before)
		mmun_write_file(KSM_RUN, (char[]){ ksm_before, '\0' });
	if (!options.swap_mib)
		return;
	swapoff(SWAP_DEVICE);
	mmun_write_file(SWAP_RESET, "1");
}

static int make_shared(void)
{
	pthread_barrierattr_t attr;
	struct arena *arena;
	int p;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (shared == MAP_FAILED)
		return -1;
	shared->processes = options.processes;
	shared->threads = options.threads;
	shared->calls = options.calls;
	shared->seed = options.seed;
	pthread_barrierattr_init(&attr);
	pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(&shared->barrier, &attr, options.processes);
	for (p = 0; p < options.processes; p++) {
		arena = &shared->arenas[p];
		arena->number = p;
		arena->base = (char *)(ARENA_BASE + p * ARENA_STRIDE);
		arena->file = mmun_memfd(0);
		if (arena->file < 0 ||
		    ftruncate(arena->file, SECTION_PAGES * page_size()))
			return -1;
	}
	return 0;
}

static void stress(int fd)
{
	pid_t pids[MAX_PROCESSES] = {};
	__u64 began = now_ns();
	struct mmun_query_context state;
	int p;

	_mmun_query_context(fd, &state);
	for (p = 0; p < shared->processes; p++) {
		pids[p] = fork_child();
		if (!pids[p]) {
			close(fd);
			_exit(process_main(p));
		}
	}
	watch_processes(pids, fd, began);
	check_memory(fd, state.out_objects);
	report(began);
}

static int finish(void)
{
	printf("%sok 1 stress.every_answer_is_right_and_nothing_is_left\n",
	       shared->failed ? "not " : "");
	return shared->failed;
}

int main(int argc, char **argv)
{
	int option, fd;

	if (argc == 4 && !strcmp(argv[1], AFTER_EXEC))
		return after_exec(atoi(argv[2]), strtoul(argv[3], NULL, 0));
	set_defaults();
	while ((option = getopt(argc, argv, "t:p:s:n:S:w:z:vl")) >= 0) {
		if (option == 'l')
			return list_ops();
		if (set_option(option, optarg))
			return show_usage(argv[0]);
	}
	if (optind < argc || !options_are_sound())
		return show_usage(argv[0]);
	fd = mmun_open();
	if (fd < 0)
		return mmun_skip_all("no " MMUN_DEV ": load test_mmun.ko");
	if (make_shared())
		return mmun_skip_all("no memory");
	printf("TAP version 13\n1..1\n# seed %llu, %d processes of %d threads, %d seconds\n",
	       (unsigned long long)options.seed, options.processes,
	       options.threads, options.seconds);
	fflush(stdout);
	set_up();
	stress(fd);
	tear_down();
	if (shared->failed)
		printf("# seed %llu: %s\n", (unsigned long long)options.seed,
		       shared->what);
	return finish();
}
