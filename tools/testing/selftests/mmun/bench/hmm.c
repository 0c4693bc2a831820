// SPDX-License-Identifier: GPL-2.0
/*
 * Measures test_hmm, a module of the kernel: its ioctls SNAPSHOT, READ and
 * WRITE, and one invalidation of its mirror.  The build needs test_hmm_uapi.h,
 * and the run needs test_hmm.ko.
 */

#if __has_include(<test_hmm_uapi.h>)
#include <test_hmm_uapi.h>

#define HMM_MODULE "/lib/test_hmm.ko"
#define HMM_DEV "/dev/hmm_dmirror0"

static bool load_hmm(void)
{
	int fd = open(HMM_MODULE, O_RDONLY | O_CLOEXEC);
	bool ok = fd >= 0 && !syscall(SYS_finit_module, fd, "", 0);

	close(fd);
	return ok;
}

static void open_hmm(void)
{
	map_pages(my.kind, my.n);
	my.fd = open(HMM_DEV, O_RDWR | O_CLOEXEC);
	MUST(my.fd >= 0);
}

static void hmm_call(unsigned long request, void *buffer)
{
	struct hmm_dmirror_cmd cmd = {
		.addr = mmun_u64(my.map),
		.ptr = mmun_u64(buffer),
		.npages = my.nr,
	};

	MUST(!ioctl(my.fd, request, &cmd) && cmd.cpages == my.nr);
}

static void bench_hmm_snapshot(void)
{
	unsigned char *perms = (unsigned char *)my.pages;
	unsigned char expected = HMM_DMIRROR_PROT_WRITE;

	if (my.huge)
		expected |= HMM_DMIRROR_PROT_PMD;
	memset(perms, 0, my.nr);
	add_pages("look", MEDIAN_OF(hmm_call(HMM_DMIRROR_SNAPSHOT, perms)));
	for (__u64 i = 0; i < my.nr; i++)
		MUST(perms[i] == expected);
}

/* HMM_DMIRROR_READ and _WRITE fault in missing pages, and copy the bytes. */
static void hmm_move(__u32 flags)
{
	hmm_call(flags ? HMM_DMIRROR_WRITE : HMM_DMIRROR_READ, my.buffer);
}

static void bench_hmm_of(void)
{
	open_hmm();
	bench_hmm_snapshot();
	bench_moves(hmm_move, hmm_move);
}

static void bench_hmm_hit(void)
{
	open_hmm();
	my.hits = 1;
	add_hit("hit", MEDIAN(touch_one(), invalidate(), nothing()));
}

static void run_test_hmm(void)
{
	if (!load_hmm()) {
		printf("# no " HMM_MODULE " for this kernel\n");
		return;
	}
	in_child(bench_hmm_of, "test_hmm", SMALL, 1);
	in_child(bench_hmm_of, "test_hmm", SMALL, HUGE_PAGES);
	in_child(bench_hmm_of, "test_hmm", SMALL, 16384);
	in_child(bench_hmm_of, "test_hmm", HUGE, HUGE_PAGES);
	in_child(bench_hmm_hit, "test_hmm", SMALL, 1);
	MUST(!syscall(SYS_delete_module, "test_hmm", O_NONBLOCK));
}

#else

static void run_test_hmm(void)
{
	printf("# built without test_hmm_uapi.h\n");
}

#endif
