// SPDX-License-Identifier: GPL-2.0
/*
 * The parent, which starts the processes of the stress test and watches them.
 */

#define STUCK_SECS 60
#define PROGRESS_SECS 5
#define END_SECS 10 /* time limit of the wait in check_objects() */

static void show_task(const char *file)
{
	char path[64], text[256];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", me->arena->pid,
		 me->tid, file);
	if (!mmun_read_file(path, text, sizeof(text)))
		printf("# %d %s: %s\n", me->tid, file, text);
}

/* Returns whether a call of any thread lasts longer than the limit. */
static bool check_stuck(void)
{
	__u64 limit = NS(STUCK_SECS) * (getenv("KSFT_MACHINE_SLOW") ? 4 : 1);

	for (int i = 0; i < options.processes * options.threads; i++) {
		__u64 began = shared->actors[i].began;

		if (!began || now_ns() <= began + limit)
			continue;
		me = &shared->actors[i]; /* for the messages */
		fail("the call does not return");
		show_task("wchan");
		show_task("stack");
		return true;
	}
	return false;
}

/* Returns the number of processes that ended since the previous call. */
static int reap_processes(pid_t *pids)
{
	int status, count = 0;

	for (int p = 0; p < options.processes; p++) {
		if (!pids[p] || waitpid(pids[p], &status, WNOHANG) != pids[p])
			continue;
		if (status)
			fail("process %d ended with status %x", p, status);
		pids[p] = 0;
		count++;
	}
	return count;
}

static void kill_processes(const pid_t *pids)
{
	for (int p = 0; p < options.processes; p++)
		if (pids[p])
			kill(pids[p], SIGKILL);
}

/* Returns the number of objects that the driver has allocated. */
static __u64 count_objects(int fd)
{
	struct mmun_query_context state;

	if (_mmun_query_context(fd, &state))
		fail("MMUN_QUERY_CONTEXT: %s", strerror(errno));
	raise_to(&shared->most_objects, state.out_objects);
	return state.out_objects;
}

/*
 * Wait until all processes have ended.  If a process is stuck or fails, kill
 * all processes, because the others wait for this process at the barrier.  The
 * loop sleeps, so that the parent uses little CPU time.
 */
static void watch_processes(pid_t *pids, int fd, __u64 began)
{
	__u64 end = began + NS(options.seconds), reported = began;
	int left = options.processes, ended;

	while (left) {
		usleep(20000);
		count_objects(fd);
		if (options.seconds && now_ns() >= end)
			shared->stop = true;
		ended = reap_processes(pids);
		left -= ended;
		if (check_stuck() || (ended && shared->failed))
			kill_processes(pids);
		if (options.progress &&
		    now_ns() > reported + NS(PROGRESS_SECS)) {
			reported = now_ns();
			report_progress(began);
		}
	}
}

/* Wait for the objects that the driver frees some time after close(). */
static void check_objects(int fd, __u64 before)
{
	__u64 end = now_ns() + NS(END_SECS), after;

	while ((after = count_objects(fd)) != before && now_ns() < end)
		usleep(10000);
	if (after != before)
		fail("the driver has %llu objects, and had %llu at the start",
		     after, before);
}

static void stress(int fd)
{
	__u64 began = now_ns(), objects = count_objects(fd);
	pid_t pids[MAX_PROCESSES] = {};

	for (int p = 0; p < options.processes; p++) {
		pids[p] = fork_child();
		if (!pids[p]) {
			close(fd);
			_exit(process_main(p));
		}
	}
	watch_processes(pids, fd, began);
	check_objects(fd, objects);
	report(began);
}
