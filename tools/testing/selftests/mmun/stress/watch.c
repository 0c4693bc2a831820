// SPDX-License-Identifier: GPL-2.0
/*
 * The one that watches over the processes.
 */

#define STUCK_SECS	60
#define END_MS		10000

/* More words on a task that does not come back. */
static void show_task(pid_t pid, pid_t tid, const char *file)
{
	char path[64], text[256] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", pid, tid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && read(fd, text, sizeof(text) - 1) > 0)
		printf("# %d %s: %s\n", tid, file, text);
	close(fd);
}

static bool is_stuck(const struct actor *actor, __u64 patience)
{
	__u64 began = get(&actor->began);

	return began && now_ns() > began + patience;
}

/* A call that takes so long never ends. */
static bool check_stuck(void)
{
	const char *slow = getenv("KSFT_MACHINE_SLOW");
	__u64 patience = STUCK_SECS * 1000000000ULL * (slow ? 4 : 1);
	struct actor *actor;
	int p, t;

	for (p = 0; p < shared->processes; p++) {
		for (t = 0; t < shared->threads; t++) {
			actor = &shared->actors[p][t];
			if (!is_stuck(actor, patience))
				continue;
			fail(actor, "it does not return");
			show_task(actor->arena->pid, actor->tid, "wchan");
			show_task(actor->arena->pid, actor->tid, "stack");
			return true;
		}
	}
	return false;
}

static void check_children(pid_t *pids, int *left)
{
	int p, status;

	for (p = 0; p < shared->processes; p++) {
		if (!pids[p] || waitpid(pids[p], &status, WNOHANG) != pids[p])
			continue;
		if (status)
			fail(NULL, "process %d ended with status %x", p,
			     status);
		pids[p] = 0;
		(*left)--;
	}
}

static void kill_processes(pid_t *pids)
{
	int p;

	for (p = 0; p < shared->processes; p++)
		if (pids[p])
			kill(pids[p], SIGKILL);
}

static void note_memory(int fd)
{
	struct mmun_query_context state;

	if (!_mmun_query_context(fd, &state))
		raise_to(&shared->most_memory, state.out_objects);
}

/* Until all are gone.  One that is stuck or dead takes the others along. */
static void watch_processes(pid_t *pids, int fd, __u64 began)
{
	__u64 end = began + options.seconds * 1000000000ULL, said = now_ns();
	int left = shared->processes, before;

	while (left) {
		/* The processes are to be disturbed as little as can be. */
		usleep(20000);
		note_memory(fd);
		if (options.seconds && now_ns() >= end)
			set(&shared->stop, true);
		before = left;
		check_children(pids, &left);
		if (check_stuck() || (left < before && get(&shared->failed)))
			kill_processes(pids);
		if (options.progress && now_ns() > said + 5000000000ULL) {
			said = now_ns();
			report_progress(began);
		}
	}
}

/* Closing is over when the last process is, but for what is put off. */
static void check_memory(int fd, __u64 before)
{
	__u64 end = now_ns() + END_MS * 1000000ULL;
	struct mmun_query_context state;

	do {
		if (_mmun_query_context(fd, &state)) {
			fail(NULL, "MMUN_QUERY_CONTEXT: %s", strerror(errno));
			return;
		}
		if (state.out_objects == before)
			return;
		/* No call waits for what is put off. */
		usleep(10000);
	} while (now_ns() < end);
	fail(NULL, "the driver has %llu objects, and had %llu at the start",
	     (unsigned long long)state.out_objects, (unsigned long long)before);
}
