// SPDX-License-Identifier: GPL-2.0
/*
 * The programs that test-guest.sh runs in a guest.  All programs except
 * leaves_nothing leave a task behind, fail or block, and PID 1 must report a
 * failure of the program.  A program calls the functions in the row of
 * programs[] with the name of the program.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../test_mmun_uapi.h"

#define HOLD_MS 8000
#define SIZE 4096
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static void *wait_for_ever(void *unused __attribute__((unused)))
{
	for (;;)
		pause();
}

/* The leader of this process exits, but another thread of the process runs. */
static void leave_thread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, wait_for_ever, NULL) == 0)
		pthread_exit(NULL);
}

/*
 * The driver holds the exit of this process in the last callback of the range
 * that this process inserts.  While the exit is held, exit_mm() has detached
 * the mm, and the descriptor of /dev/mmun is still open.
 */
static void stick_in_exit(void)
{
	struct mmun_span span = { .length = SIZE };
	struct mmun_insert insert = { .size = sizeof(insert), .count = 1 };
	struct mmun_hold hold = { .size = sizeof(hold) };
	int fd = open("/dev/mmun", O_RDWR);
	void *map =
		mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	span.start = (unsigned long)map;
	insert.kind = MMUN_KIND_INTERVAL;
	insert.spans = (unsigned long)&span;
	if (ioctl(fd, MMUN_INSERT, &insert))
		perror("# insert");
	hold.point = MMUN_POINT_ENTER;
	hold.id = span.id;
	hold.tid = getpid();
	hold.count = 1;
	hold.timeout_ms = HOLD_MS;
	if (ioctl(fd, MMUN_HOLD, &hold))
		perror("# hold");
}

static void leave_daemon(void)
{
	wait_for_ever(NULL);
}

static void leave_nothing(void)
{
}

/*
 * The parent sleeps in vfork() for ever, in the uninterruptible state D,
 * because the child never ends.
 */
static void block(void)
{
	if (vfork() == 0)
		for (;;)
			pause();
}

static void fail_and_wait(void)
{
	printf("not ok 1 fails_and_waits\n");
	fflush(stdout);
	wait_for_ever(NULL);
}

/* 512 is bit 9 of the taint, which means that the kernel printed a warning. */
static void taint(void)
{
	int fd = open("/proc/sys/kernel/tainted", O_WRONLY);

	if (write(fd, "512", 3) != 3)
		perror("# /proc/sys/kernel/tainted");
	close(fd);
}

static void run_child(void (*child)(void))
{
	if (fork() == 0) {
		child();
		_exit(0);
	}
	/*
	 * Wait until the child has ended or has reached the place where the
	 * child blocks.
	 */
	usleep(500000);
}

static const struct {
	const char *name;
	void (*child)(void);
	void (*parent)(void);
} programs[] = {
	{ "leaves_nothing", leave_nothing },
	{ "leaves_daemon", leave_daemon },
	{ "leaves_thread", leave_thread },
	{ "leaves_exit", stick_in_exit },
	{ "blocks", .parent = block },
	{ "taints", .parent = taint },
	{ "fails_and_waits", .parent = fail_and_wait },
};

static void run(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		if (strcmp(name, programs[i].name))
			continue;
		if (programs[i].child)
			run_child(programs[i].child);
		else
			programs[i].parent();
	}
}

int main(int argc __attribute__((unused)), char **argv)
{
	const char *name = strrchr(argv[0], '/');
	const char *schedule = getenv("MMUN_SCHEDULE");

	name = name ? name + 1 : argv[0];
	printf("TAP version 13\n1..1\n# schedule=%s\n",
	       schedule ? schedule : "");
	printf("#  RUN           %s ...\n", name);
	fflush(stdout);
	run(name);
	printf("ok 1 %s\n", name);
	return 0;
}
