// SPDX-License-Identifier: GPL-2.0
/*
 * The parent, which starts the processes and watches them.
 */

#define STUCK_SECS 60
#define PROGRESS_SECS 5
#define END_MS 10000

#define NS(seconds) ((seconds)*1000000000ULL)

static void show_task(const char *file)
{
	char path[64], text[256];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", me->arena->pid,
		 me->tid, file);
	if (!mmun_read_file(path, text, sizeof(text)))
		printf("# %d %s: %s\n", me->tid, file, text);
}

static bool is_stuck(const struct actor *actor)
{
	int factor = getenv("KSFT_MACHINE_SLOW") ? 4 : 1;
	__u64 began = actor->began;

	return began && now_ns() > began + NS(STUCK_SECS) * factor;
}

static bool check_stuck(void)
{
	struct actor *actor = shared->actors;
	int i;

	for (i = 0; i < count_actors(); i++, actor++) {
		if (!is_stuck(actor))
			continue;
		me = actor; /* for the messages */
		fail("the call does not return");
		show_task("wchan");
		show_task("stack");
		return true;
	}
	return false;
}

/* Returns the number of processes that ended since the last call. */
static int reap_processes(pid_t *pids)
{
	int p, status, count = 0;

	for (p = 0; p < options.processes; p++) {
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
	int p;

	for (p = 0; p < options.processes; p++)
		if (pids[p])
			kill(pids[p], SIGKILL);
}

static void note_objects(int fd)
{
	struct mmun_query_context state;

	if (!_mmun_query_context(fd, &state))
		raise_to(&shared->most_objects, state.out_objects);
}

/*
 * Wait until all processes ended.  If one process is stuck or fails, the other
 * processes cannot end, because they wait for this process.  The sleep keeps
 * the disturbance small.
 */
static void watch_processes(pid_t *pids, int fd, __u64 began)
{
	__u64 end = began + NS(options.seconds), reported = began;
	int left = options.processes, ended;

	while (left) {
		usleep(20000);
		note_objects(fd);
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

/* The driver frees some objects later than close(), and no call waits for that. */
static void check_objects(int fd, __u64 before)
{
	__u64 end = now_ns() + END_MS * 1000000ULL;
	struct mmun_query_context state;

	do {
		if (_mmun_query_context(fd, &state)) {
			fail("MMUN_QUERY_CONTEXT: %s", strerror(errno));
			return;
		}
		if (state.out_objects == before)
			return;
		usleep(10000);
	} while (now_ns() < end);
	fail("the driver has %llu objects, and had %llu at the start",
	     state.out_objects, before);
}

static void stress(int fd)
{
	struct mmun_query_context before;
	pid_t pids[MAX_PROCESSES] = {};
	__u64 began = now_ns();
	int p;

	_mmun_query_context(fd, &before);
	for (p = 0; p < options.processes; p++) {
		pids[p] = fork_child();
		if (!pids[p]) {
			close(fd);
			_exit(process_main(p));
		}
	}
	watch_processes(pids, fd, began);
	check_objects(fd, before.out_objects);
	report(began);
}
