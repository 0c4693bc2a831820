// SPDX-License-Identifier: GPL-2.0
/*
 * The same with the kernel's own test_hmm, where its header was at hand and its
 * module is: SNAPSHOT, READ and WRITE through its mirror, and one hit.
 */

#if __has_include(<test_hmm_uapi.h>)
#include <test_hmm_uapi.h>

#define HMM_MODULE	"/lib/test_hmm.ko"
#define HMM_DEV		"/dev/hmm_dmirror0"

static bool load_hmm(void)
{
	int fd = open(HMM_MODULE, O_RDONLY | O_CLOEXEC);
	bool ok = fd >= 0 && !syscall(SYS_finit_module, fd, "", 0);

	close(fd);
	return ok;
}

static void unload_hmm(void)
{
	MUST(!syscall(SYS_delete_module, "test_hmm", O_NONBLOCK));
}

static void open_hmm(int kind, __u64 nr)
{
	map_pages(kind, nr);
	subject.fd = open(HMM_DEV, O_RDWR | O_CLOEXEC);
	MUST(subject.fd >= 0);
}

static void hmm_call(unsigned long request, void *buffer)
{
	struct hmm_dmirror_cmd cmd = {
		.addr = mmun_u64(subject.map),
		.ptr = mmun_u64(buffer),
		.npages = subject.nr,
	};

	MUST(!ioctl(subject.fd, request, &cmd) && cmd.cpages == subject.nr);
}

static void bench_hmm_snapshot(void)
{
	unsigned char *perms = (unsigned char *)subject.pages;
	unsigned char wanted = HMM_DMIRROR_PROT_WRITE;
	__u64 i;

	if (subject.kind == HUGE)
		wanted |= HMM_DMIRROR_PROT_PMD;
	memset(perms, 0, subject.nr);
	add_pages("look", "test_hmm",
		  MEDIAN(nothing(), hmm_call(HMM_DMIRROR_SNAPSHOT, perms),
			 nothing()));
	for (i = 0; i < subject.nr; i++)
		MUST(perms[i] == wanted);
}

static void bench_hmm_reads(void)
{
	add_pages("read_cold", "test_hmm",
		  MEDIAN(chill(), hmm_call(HMM_DMIRROR_READ, subject.buffer),
			 nothing()));
	mark(subject.map, 'r');
	add_pages("read", "test_hmm",
		  MEDIAN(nothing(),
			 hmm_call(HMM_DMIRROR_READ, subject.buffer),
			 nothing()));
	must_be_marked(subject.buffer, 'r');
}

static void bench_hmm_writes(void)
{
	mark(subject.buffer, 'w');
	add_pages("write_cold", "test_hmm",
		  MEDIAN(chill(), hmm_call(HMM_DMIRROR_WRITE, subject.buffer),
			 nothing()));
	must_be_marked(subject.map, 'w');
	mark(subject.buffer, 'x');
	add_pages("write", "test_hmm",
		  MEDIAN(nothing(),
			 hmm_call(HMM_DMIRROR_WRITE, subject.buffer),
			 nothing()));
	must_be_marked(subject.map, 'x');
}

static void bench_hmm_of(int kind, __u64 nr)
{
	open_hmm(kind, nr);
	bench_hmm_snapshot();
	if (nr > MAX_MOVED)
		return;
	bench_hmm_reads();
	bench_hmm_writes();
}

static void bench_hmm_hit(int kind, __u64 nr)
{
	open_hmm(kind, nr);
	add_hit("hit", 1, "test_hmm", 1,
		MEDIAN(touch_one(), hit(), nothing()));
}

static void bench_hmm(void)
{
	if (!load_hmm()) {
		printf("# no " HMM_MODULE " for this kernel\n");
		return;
	}
	in_child(bench_hmm_of, SMALL, 1);
	in_child(bench_hmm_of, SMALL, HUGE_PAGES);
	in_child(bench_hmm_of, SMALL, 16384);
	in_child(bench_hmm_of, HUGE, HUGE_PAGES);
	in_child(bench_hmm_hit, SMALL, 1);
	unload_hmm();
}

#else

static void bench_hmm(void)
{
	printf("# built without test_hmm_uapi.h\n");
}

#endif
