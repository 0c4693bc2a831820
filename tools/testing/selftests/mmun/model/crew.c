// SPDX-License-Identifier: GPL-2.0
/* Starts the threads that make the calls of actors; crew.h has the rules. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "../lib/compat.h"
#include "../lib/ioctl.h"
#include "../lib/memory.h"
#include "../lib/task.h"
#include "crew.h"

#define STACK_SIZE (64 << 10)

struct crew *crew;

static void *thread_main(void *arg)
{
	struct thread *t = arg;
	char order;

	t->task.tid = mmun_gettid();
	__atomic_add_fetch(&crew->ready, 1, __ATOMIC_RELEASE);
	while (read(t->pipe[0], &order, 1) == 1) {
		t->errnum = t->call(t) == -1 ? errno : 0;
		__atomic_add_fetch(&t->done, 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

bool run_detached(void *(*main)(void *), void *arg)
{
	pthread_attr_t attr;
	pthread_t thread;
	int ret;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	ret = pthread_create(&thread, &attr, main, arg);
	pthread_attr_destroy(&attr);
	return !ret;
}

/* Returns whether @threads threads become ready within READY_MS. */
static bool are_ready(int threads)
{
	return run_until(__atomic_load_n(&crew->ready, __ATOMIC_ACQUIRE) >=
				 threads,
			 READY_MS);
}

/*
 * All threads run on one CPU.  No two threads have to run at the same time, and
 * a wake-up on another CPU is the slowest operation of a virtual machine.
 */
bool crew_create(void)
{
	mmun_stay_on_this_cpu();
	crew = mmap(NULL, sizeof(*crew), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (crew == MAP_FAILED || pipe(crew->victim_pipe))
		return false;
	for (int i = 0; i < THREADS; i++)
		if (pipe(crew->thread[i].pipe))
			return false;
	for (int i = VICTIM_THREADS; i < THREADS; i++)
		if (!run_detached(thread_main, &crew->thread[i]))
			return false;
	return are_ready(OWN_THREADS);
}

/* The victim */

/*
 * Lock the memory of the victim, so that no thread of the victim faults.  A
 * child inherits only the arena and code.  Code is not writable, but on
 * User-Mode Linux, data is executable, too.
 */
static bool lock_memory(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned long start, end;
	char line[256], perms[8];

	if (!maps)
		return false;
	while (fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx %7s", &start, &end, perms) == 3 &&
		    (perms[1] == 'w' || perms[2] != 'x'))
			madvise((void *)start, end - start, MADV_DONTFORK);
	return !fclose(maps) && !mlockall(MCL_CURRENT);
}

static bool arena_create(void)
{
	const size_t page = sysconf(_SC_PAGESIZE);

	return mmap((void *)(ARENA - page), (MODEL_PAGES + 2) * page, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
		    0) != MAP_FAILED;
}

void victim_main(int nr_threads)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	signal(SIGCHLD, SIG_IGN);
	crew->thread[0].task.tid = mmun_gettid();
	crew->victim_fd = open(MMUN_DEV, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	crew->victim_list_fd = list_open();
	for (int i = 1; i < nr_threads; i++)
		if (!run_detached(thread_main, &crew->thread[i]))
			_exit(1);
	if (crew->victim_fd < 0 || !are_ready(nr_threads - 1) ||
	    (nr_threads > 1 && !lock_memory()) || !arena_create())
		_exit(1);
	if (write(crew->victim_pipe[1], "", 1) != 1)
		_exit(1);
	thread_main(&crew->thread[0]);
	_exit(0);
}

/* Orders */

void thread_order(struct thread *t, long (*call)(struct thread *t))
{
	t->call = call;
	t->result = 0;
	t->ordered++;
	if (write(t->pipe[1], "", 1) != 1)
		abort();
}

bool thread_is_done(const struct thread *t)
{
	return __atomic_load_n(&t->done, __ATOMIC_ACQUIRE) == t->ordered;
}

void let_run(int round)
{
	if (round < 10)
		sched_yield();
	else
		mmun_task_pause(round);
}

bool thread_do_now(struct thread *t, long (*call)(struct thread *t))
{
	thread_order(t, call);
	return run_until(thread_is_done(t), SETTLE_MS) && !t->errnum;
}
