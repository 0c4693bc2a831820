// SPDX-License-Identifier: GPL-2.0
/*
 * Those who act: threads that do one system call at a time when they are told.
 *
 * A victim process owns the mm: mutators, exit and the parked thread are its
 * threads.  Readers, inserters, removers and the reaper are threads of this
 * process, which work on the victim's mm through its descriptor; so their own
 * page faults never need the victim's mmap_lock, which a mutator may hold.
 *
 * Threads of the victim must not fault either while another one holds that lock,
 * and a fork must find no memory but the arena to write-protect: all they touch
 * is locked, and all but the arena is not inherited.
 */
#include <linux/futex.h>
#include "../lib/task.h"

#define VICTIM_THREADS	3	/* the main thread and two mutators */
#define OWN_THREADS	MODEL_ACTORS
#define THREADS		(VICTIM_THREADS + OWN_THREADS)
#define STACK_SIZE	(64 << 10)
#define SETTLE_MS	2000	/* a healthy kernel needs far less */
#define LOOK_US		100	/* between two looks at a task */
#define LOOKS(ms)	((ms) * 1000 / LOOK_US)
#define SECONDS_READY	10	/* a victim has all of its memory to lock */

/*
 * The victim's memory: MODEL_PAGES between two pages that nobody may touch, at
 * the same place in every schedule, away from a border between page tables; and
 * where mremap() moves pages to, which is empty.
 */
#define ARENA		0x10000100000UL
#define MOVE_TO		0x10001002000UL

/* Not a system call: fork a child that is gone at once */
#define JOB_FORK	(-1L)

union job_arg {
	struct mmun_insert insert;
	struct mmun_remove remove;
	struct mmun_read_begin begin;
	struct mmun_collect collect;
	struct mmun_query_range query;
	struct mmun_commit commit;
	struct mmun_pin_mm park;
};

/**
 * struct thread - one that acts
 * @pipe: a byte written to it is the order to do the job
 * @tid: in the one PID namespace
 * @nr: the system call
 * @args: its arguments
 * @arg: the argument of an ioctl, where both processes see it
 * @span: the element of MMUN_INSERT and MMUN_REMOVE, likewise
 * @errnum: what it failed with, or 0
 * @ordered: jobs that it was told to do; of the tester alone
 * @done: jobs done
 */
struct thread {
	int pipe[2];
	pid_t tid;
	long nr;
	long args[6];
	union job_arg arg;
	struct mmun_span span;
	int errnum;
	unsigned int ordered;
	unsigned int done;
};

/* In memory that is shared with the victim */
struct crew {
	struct thread thread[THREADS];
	int victim_fd;		/* its descriptor, as the victim numbers it */
	int ready;		/* threads that wait for their first order */
	int victim_ready;	/* 1: all of the victim is set up */
};

/* The child touches no memory: it has inherited nothing but the arena. */
static long fork_and_forget(void)
{
#ifdef __x86_64__
	long ret;

	asm volatile("syscall\n\t"
		     "test %%eax, %%eax\n\t"
		     "jnz 1f\n\t"
		     "movl %[exit], %%eax\n\t"
		     "xorl %%edi, %%edi\n\t"
		     "syscall\n"
		     "1:"
		     : "=a"(ret)
		     : "a"(SYS_fork), [exit] "i"(SYS_exit_group)
		     : "rcx", "r11", "rdi", "memory");
	if (ret > -4096 && ret < 0) {
		errno = -ret;
		return -1;
	}
	return 0;
#else
	errno = EOPNOTSUPP;
	return -1;
#endif
}

static void thread_do(struct thread *t)
{
	long ret = t->nr == JOB_FORK ?
			   fork_and_forget() :
			   syscall(t->nr, t->args[0], t->args[1], t->args[2],
				   t->args[3], t->args[4], t->args[5]);

	t->errnum = ret == -1 ? errno : 0;
	__atomic_add_fetch(&t->done, 1, __ATOMIC_RELEASE);
}

static struct crew *crew;	/* the same in both processes */

/*
 * The wake-up may need the mmap_lock.  A thread calls this before its first order
 * only: then no thread of the victim holds that lock and is held.
 */
static void count_up(int *counter)
{
	__atomic_add_fetch(counter, 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, counter, FUTEX_WAKE, 1);
}

static void *thread_main(void *arg)
{
	struct thread *t = arg;
	char order;

	t->tid = mmun_gettid();
	count_up(&crew->ready);
	while (read(t->pipe[0], &order, 1) == 1)
		thread_do(t);
	return NULL;
}

static bool run_detached(void *(*main)(void *), void *arg)
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

/* Bounded: false if the counter does not change for SECONDS_READY. */
static bool wait_count(int *counter, int least)
{
	const struct timespec most = { .tv_sec = SECONDS_READY };
	int seen;

	while ((seen = __atomic_load_n(counter, __ATOMIC_ACQUIRE)) < least)
		if (syscall(SYS_futex, counter, FUTEX_WAIT, seen, &most) &&
		    errno != EAGAIN && errno != EINTR)
			return false;
	return true;
}

/*
 * All on one CPU: no two of them ever have to run at the same time, and a
 * wake-up on another CPU is the slowest thing that a virtual machine does.
 */
static void stay_together(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static bool crew_create(void)
{
	int i;

	stay_together();
	crew = mmap(NULL, sizeof(*crew), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (crew == MAP_FAILED)
		return false;
	for (i = 0; i < THREADS; i++)
		if (pipe(crew->thread[i].pipe))
			return false;
	for (i = VICTIM_THREADS; i < THREADS; i++)
		if (!run_detached(thread_main, &crew->thread[i]))
			return false;
	return wait_count(&crew->ready, OWN_THREADS);
}

/* The victim. */

/*
 * Neither a thread nor a child faults; not needed by a thread that is alone.  The
 * child inherits only code, which no architecture lets it write to; User-Mode Linux
 * maps data executable, too.
 */
static bool touch_nothing(void)
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

static void victim_main(int nr_threads)
{
	int i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	signal(SIGCHLD, SIG_IGN);
	crew->thread[0].tid = mmun_gettid();
	crew->victim_fd = open(MMUN_DEV, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	for (i = 1; i < nr_threads; i++)
		if (!run_detached(thread_main, &crew->thread[i]))
			_exit(1);
	if (crew->victim_fd < 0 || !wait_count(&crew->ready, nr_threads - 1) ||
	    (nr_threads > 1 && !touch_nothing()) || !arena_create())
		_exit(1);
	count_up(&crew->victim_ready);
	thread_main(&crew->thread[0]);
	_exit(0);
}

/* The stage: a victim, its context, and the actors of one configuration. */

#define NR_POINTS	(MMUN_POINT_EXIT + 1)

/**
 * struct stage - where schedules are played
 * @config: who takes part
 * @kind: enum mmun_kind of the ranges
 * @fd: the victim's context
 * @pid: the victim, or 0
 * @lone: it has only its main thread
 * @pidfd: the same
 * @max_hold_ms: how long a hold lasts
 * @settle_ms: how long a task may be in a state that is not expected and may change;
 *	0: SETTLE_MS
 * @thread: of each actor
 * @hold: of each actor, by MMUN_POINT_*; 0: none
 * @token: of each actor: its batch
 * @id: of the ranges; 0: none
 * @task: of each actor: what it does
 */
struct stage {
	const struct model_config *config;
	__u32 kind;
	int fd;
	pid_t pid;
	bool lone;
	int pidfd;
	__u32 max_hold_ms;
	int settle_ms;
	struct thread *thread[MODEL_ACTORS];
	__u32 hold[MODEL_ACTORS][NR_POINTS];
	struct mmun_token token[MODEL_ACTORS];
	__u32 id[MODEL_RANGES];
	struct mmun_task task[MODEL_ACTORS];
};

static size_t page_size(void)
{
	return sysconf(_SC_PAGESIZE);
}

static char *page_at(int page)
{
	return (char *)ARENA + page * page_size();
}

static void thread_order(struct thread *t, long nr, const long args[6])
{
	t->nr = nr;
	memcpy(t->args, args, sizeof(t->args));
	t->ordered++;
	if (write(t->pipe[1], "", 1) != 1)
		abort();
}

/* Order a system call; arguments that are left out are 0. */
#define order(t, nr, ...) \
	thread_order(t, nr, (const long [6]){ __VA_ARGS__ })

static void order_ioctl_on(struct thread *t, int fd, unsigned int cmd)
{
	order(t, SYS_ioctl, fd, cmd, (long)&t->arg);
}

/* Has the thread done what it was told to do? */
static bool is_done(const struct thread *t)
{
	return __atomic_load_n(&t->done, __ATOMIC_ACQUIRE) == t->ordered;
}

/*
 * Let the other threads run.  They are on this CPU: most of them come to where they
 * stop before this thread gets the CPU back.
 */
static void give_way(int round)
{
	if (round < 10)
		sched_yield();
	else
		mmun_task_pause(round);
}

/* Have a thread do one job that waits for nothing. */
static bool do_now(struct thread *t, long nr, long a, long b, long c, long d)
{
	int i;

	order(t, nr, a, b, c, d, -1);
	for (i = 0; i < SETTLE_MS && !is_done(t); i++)
		give_way(i);
	return is_done(t) && !t->errnum;
}

static void task_name(struct mmun_task *task, pid_t tid)
{
	if (task->tid != tid)
		mmun_task_close(task);
	task->tid = tid;
}

/* Mutators are the victim's threads 1 and 2, exit is its main thread. */
static void stage_cast(struct stage *stage)
{
	int i, mutators = 1, others = VICTIM_THREADS;

	for (i = 0; i < stage->config->nr; i++) {
		const struct model_role *role = &stage->config->role[i];

		if (role->kind == MODEL_EXIT)
			stage->thread[i] = &crew->thread[0];
		else if (model_is_mutator(role))
			stage->thread[i] = &crew->thread[mutators++];
		else
			stage->thread[i] = &crew->thread[others++];
		task_name(&stage->task[i], stage->thread[i]->tid);
	}
}

static bool has_kind(const struct model_config *config, int kind)
{
	int i;

	for (i = 0; i < config->nr; i++)
		if (config->role[i].kind == kind)
			return true;
	return false;
}

/* Its actors die, so the victim is good for one schedule. */
static bool dies(const struct model_config *config)
{
	return has_kind(config, MODEL_EXIT) || has_kind(config, MODEL_REAPER);
}

/* Holds. */

static bool hold_arm(struct stage *stage, pid_t tid, int point, __u32 *hold)
{
	struct mmun_hold cmd = {
		.point = point,
		.tid = tid,
		.count = 64,
		.timeout_ms = stage->max_hold_ms,
	};

	if (_mmun_hold(stage->fd, &cmd))
		return false;
	*hold = cmd.out_hold;
	return true;
}

static bool hold_release(struct stage *stage, __u32 hold, __u32 flags)
{
	__u32 released;

	return !_mmun_resume(stage->fd, hold, flags, &released);
}

/* The range in whose callback a task is held, or 0 */
static __u32 hold_range(struct stage *stage, __u32 hold)
{
	struct mmun_wait_held cmd;

	if (_mmun_wait_held(stage->fd, hold, 0, &cmd) ||
	    cmd.out_state != MMUN_HOLD_HELD)
		return 0;
	return cmd.out_id;
}

static unsigned int points_of(const struct model_role *role)
{
	if (model_is_mutator(role))
		return 1 << MMUN_POINT_ENTER | 1 << MMUN_POINT_LEAVE |
		       1 << MMUN_POINT_START | 1 << MMUN_POINT_END;
	if (role->kind == MODEL_EXIT)
		return 1 << MMUN_POINT_EXIT | 1 << MMUN_POINT_ENTER |
		       1 << MMUN_POINT_LEAVE;
	return 0;
}

static bool holds_arm(struct stage *stage)
{
	int i, point;

	for (i = 0; i < stage->config->nr; i++)
		for (point = 0; point < NR_POINTS; point++)
			if (points_of(&stage->config->role[i]) & 1 << point &&
			    !hold_arm(stage, stage->thread[i]->tid, point,
				      &stage->hold[i][point]))
				return false;
	return true;
}

/* Whoever is held goes on, and is not stopped again. */
static void holds_end(struct stage *stage)
{
	int i, point;

	for (i = 0; i < MODEL_ACTORS; i++) {
		for (point = 0; point < NR_POINTS; point++) {
			if (stage->hold[i][point])
				hold_release(stage, stage->hold[i][point],
					     MMUN_RESUME_END);
			stage->hold[i][point] = 0;
		}
	}
}

/* What the actors do. */

static bool is_held(struct stage *stage, __u32 hold)
{
	struct mmun_wait_held cmd;

	return hold && !_mmun_wait_held(stage->fd, hold, 0, &cmd) &&
	       cmd.out_state == MMUN_HOLD_HELD;
}

/* The hold that stops the actor, or 0 */
static __u32 held_by(struct stage *stage, int actor)
{
	int point;

	for (point = 0; point < NR_POINTS; point++)
		if (is_held(stage, stage->hold[actor][point]))
			return stage->hold[actor][point];
	return 0;
}

/*
 * Only this thread orders jobs and releases holds.  So an actor that is held or done
 * changes nothing any more, even if it is not off its CPU yet, and no file of /proc
 * is read for it.
 */
static int actor_rests(struct mmun_task *task, __u32 state, __u32 hold)
{
	const bool same = task->state == state && task->hold == hold;

	task->state = state;
	task->hold = hold;
	task->syscall = -1;
	return same;
}

/*
 * @hold is where it should be held, or 0.  Returns 1 if the actor has rested since
 * the last look; else 0, or -1 with errno.
 */
static int actor_look(struct stage *stage, int actor, __u32 hold)
{
	struct mmun_task *task = &stage->task[actor];

	if (is_held(stage, hold))
		return actor_rests(task, MMUN_TASK_HELD, hold);
	if (is_done(stage->thread[actor]))
		return actor_rests(task, MMUN_TASK_WAITING, 0);
	return mmun_task_look(task);
}

/* Returns how many actors have not rested since the last look, or -1. */
static int stage_look(struct stage *stage, const __u32 *holds)
{
	int i, ret, changed = 0;

	for (i = 0; i < stage->config->nr; i++) {
		ret = actor_look(stage, i, holds ? holds[i] : 0);
		if (ret < 0)
			return ret;
		changed += !ret;
	}
	return changed;
}

/*
 * Wait until all actors rest: two looks at all of them, with no change.  @holds, if
 * any, are those that should stop them.  Returns 1; 0 if the time is over first;
 * -1 with errno.
 */
static int stage_quiesce(struct stage *stage, const __u32 *holds,
			 int timeout_ms)
{
	struct timespec start;
	int round, changed, i;

	for (i = 0; i < stage->config->nr; i++)
		stage->task[i].state = MMUN_TASK_RUNNING;
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (round = 0;; round++) {
		changed = stage_look(stage, holds);
		if (changed <= 0)
			return changed ? -1 : 1;
		if (round && mmun_task_is_late(&start, timeout_ms))
			return 0;
		if (round)
			give_way(round);
	}
}

/* The victim comes and goes. */

static bool victim_adopt(struct stage *stage)
{
	struct mmun_info info;

	stage->pidfd = syscall(SYS_pidfd_open, stage->pid, 0);
	if (!wait_count(&crew->victim_ready, 1))
		return false;
	stage->fd = syscall(SYS_pidfd_getfd, stage->pidfd, crew->victim_fd, 0);
	if (stage->fd < 0 || _mmun_info(stage->fd, &info))
		return false;
	stage->max_hold_ms = info.out_max_hold_ms;
	return true;
}

/* The list notifier is there from the first hold at START on. */
static bool list_notifier_register(struct stage *stage)
{
	__u32 hold;

	return hold_arm(stage, crew->thread[0].tid, MMUN_POINT_START, &hold) &&
	       hold_release(stage, hold, MMUN_RESUME_END);
}

static bool log_setup(struct stage *stage)
{
	__u64 lost;

	return !_mmun_log_setup(stage->fd, 256,
				1 << MMUN_RECORD_INVALIDATE |
				1 << MMUN_RECORD_START | 1 << MMUN_RECORD_END,
				&lost);
}

static bool victim_start(struct stage *stage)
{
	const int threads = dies(stage->config) ? 1 : VICTIM_THREADS;
	int i;

	stage->lone = dies(stage->config);
	for (i = 0; i < VICTIM_THREADS; i++)
		crew->thread[i].ordered = crew->thread[i].done;
	crew->ready = 0;
	crew->victim_ready = 0;
	stage->pid = fork();
	if (!stage->pid)
		victim_main(threads);
	return victim_adopt(stage) && log_setup(stage) &&
	       list_notifier_register(stage);
}

static void *close_main(void *arg)
{
	close((long)arg);
	return NULL;
}

/* The close of a context with holds waits for a grace period: not for us. */
static void close_beside(long fd)
{
	if (!run_detached(close_main, (void *)fd))
		close(fd);
}

static void victim_end(struct stage *stage)
{
	__u32 count;
	int i;

	for (i = 0; i < MODEL_ACTORS; i++)
		mmun_task_close(&stage->task[i]);
	holds_end(stage);
	kill(stage->pid, SIGKILL);
	_mmun_unpin_mm(stage->fd, 0, &count);
	waitpid(stage->pid, NULL, 0);
	close_beside(stage->fd);
	close(stage->pidfd);
	stage->pid = 0;
}

/* The victim's memory as it is at the start of each schedule */
static bool memory_set_up(struct stage *stage)
{
	struct thread *t = &crew->thread[0];
	const long prot = PROT_READ | PROT_WRITE;
	const long flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED |
			   MAP_POPULATE;

	if (has_kind(stage->config, MODEL_MREMAP) &&
	    !do_now(t, SYS_munmap, MOVE_TO, MODEL_PAGES * page_size(), 0, 0))
		return false;
	return do_now(t, SYS_mmap, ARENA, MODEL_PAGES * page_size(), prot,
		      flags);
}

/* Dead, but for one thread that no signal wakes: that is what is reaped. */
static bool victim_park(struct stage *stage)
{
	struct thread *t = &crew->thread[0];
	struct mmun_task task = { .tid = t->tid };
	bool parked = false;
	int i;

	t->arg.park = (struct mmun_pin_mm){
		.size = sizeof(t->arg.park), .timeout_ms = 5000,
	};
	order_ioctl_on(t, crew->victim_fd, MMUN_PIN_MM);
	/* It may sleep on its way to PIN_MM, too. */
	for (i = 0; i < SETTLE_MS && !parked; i++) {
		give_way(i);
		if (mmun_task_look(&task) < 0)
			break;
		parked = task.state == MMUN_TASK_BLOCKED &&
			 task.arg == MMUN_PIN_MM;
	}
	mmun_task_close(&task);
	return parked && !kill(stage->pid, SIGKILL);
}

static bool ranges_insert(struct stage *stage)
{
	int i;

	memset(stage->id, 0, sizeof(stage->id));
	for (i = 0; i < MODEL_RANGES; i++)
		if (stage->config->live & 1 << i &&
		    _mmun_insert_kind(stage->fd, stage->kind, page_at(i),
				      2 * page_size(), &stage->id[i]))
			return false;
	return true;
}

static bool refusals_set(struct stage *stage)
{
	__u32 left;

	if (!has_kind(stage->config, MODEL_REAPER) || !stage->id[0])
		return true;
	return !_mmun_fail_nonblock(stage->fd, stage->id[0], stage->config->refusals,
			     &left);
}

static void log_drain(struct stage *stage)
{
	struct mmun_record records[16];

	while (read(stage->fd, records, sizeof(records)) > 0)
		;
}

/* Everything is as the model has it at first. */
static bool stage_set_up(struct stage *stage)
{
	if (stage->pid && stage->lone != dies(stage->config))
		victim_end(stage);
	if (!stage->pid && !victim_start(stage))
		return false;
	stage_cast(stage);
	if (!memory_set_up(stage) || !ranges_insert(stage) ||
	    !refusals_set(stage) || !holds_arm(stage))
		return false;
	if (has_kind(stage->config, MODEL_REAPER) && !victim_park(stage))
		return false;
	/* What the list notifier was told of all that */
	log_drain(stage);
	return true;
}

static void ranges_remove(struct stage *stage)
{
	int i;

	for (i = 0; i < MODEL_RANGES; i++)
		if (stage->id[i])
			_mmun_remove(stage->fd, stage->id[i]);
}

/* After a schedule that agreed: nobody is in a call. */
static void stage_clear(struct stage *stage)
{
	holds_end(stage);
	ranges_remove(stage);
	if (dies(stage->config))
		victim_end(stage);
}

/* Whether no actor is in a call any more */
static bool all_are_idle(struct stage *stage)
{
	int i;

	if (stage_quiesce(stage, NULL, 10) < 0)
		return false;
	for (i = 0; i < stage->config->nr; i++)
		if (stage->task[i].state != MMUN_TASK_WAITING &&
		    stage->task[i].state != MMUN_TASK_GONE)
			return false;
	return true;
}

/*
 * After one that did not: let all that can go on, and start afresh.  False: a
 * thread is stuck, and nothing more can be done with it.
 */
static bool stage_abandon(struct stage *stage)
{
	int i;

	if (!stage->pid)
		return true;
	holds_end(stage);
	for (i = 0; i < LOOKS(SETTLE_MS) && !all_are_idle(stage); i++)
		usleep(LOOK_US);	/* no call waits until all tasks are idle */
	if (!all_are_idle(stage))
		return false;
	victim_end(stage);
	return true;
}
