// SPDX-License-Identifier: GPL-2.0
/*
 * Short lives: children that have a copy, that have an mm of their own with
 * ranges when they exit or exec, and that are reaped before they are gone.
 *
 * A child has only what is safe after fork() in a process with threads.
 */

#define AFTER_EXEC	"--after-exec"
#define CHILD_BASE	0x380000000000UL
#define CHILD_PAGES	16
#define CHILD_MS	5000	/* of a parked one */

/* How a child exits */
enum {
	CHILD_FINE,
	CHILD_DIFFERS,
	CHILD_CHANGES,
	CHILD_CALL,
	CHILD_LIVES,
};

static int wait_for_child(struct actor *actor, pid_t pid, int expected)
{
	static const char *const words[] = {
		[CHILD_FINE] = "its child ended before it was killed",
		[CHILD_DIFFERS] = "its child got other contents than there were",
		[CHILD_CHANGES] = "the copy of its child did not stay as it was",
		[CHILD_CALL] = "a call of its child failed",
		[CHILD_LIVES] = "what was executed found the old mm of use",
	};
	int status = mmun_wait_child(pid);

	if (status == expected)
		return 0;
	if (status >= 0 && status < (int)ARRAY_SIZE(words))
		fail(actor, "%s", words[status]);
	else
		fail(actor, "its child ended with %d and not %d", status,
		     expected);
	return 0;
}

/* The thread that waits for it may be gone before it. */
static pid_t fork_child(void)
{
	pid_t pid = fork();

	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

/* A copy of what the run had at the time of the fork */
struct copy {
	struct run run;
	struct page_state pages[8];
};

static bool copy_is_right(const struct copy *copy)
{
	int i;

	for (i = 0; i < copy->run.pages; i++) {
		const struct page_state *page = &copy->pages[i];

		if (page->mapped && (page->prot & PROT_READ) &&
		    !is_the_value(page, get((__u64 *)
				  page_at(copy->run.arena,
					  copy->run.first + i))))
			return false;
	}
	return true;
}

static void write_copy(struct copy *copy)
{
	struct arena *arena = copy->run.arena;
	int i, page;

	for (i = 0; i < copy->run.pages; i++) {
		page = copy->run.first + i;
		if (!copy->pages[i].mapped ||
		    !(copy->pages[i].prot & PROT_WRITE))
			continue;
		copy->pages[i].value = tag(TAG_CHILD, arena, page, 0);
		copy->pages[i].lazy = false;
		set((__u64 *)page_at(arena, page), copy->pages[i].value);
	}
}

/* The mains of the children return what they exit with. */

static int copy_main(struct copy *copy, int pipefd, bool writes)
{
	char byte;

	if (!copy_is_right(copy))
		return CHILD_DIFFERS;
	if (writes)
		write_copy(copy);
	if (read(pipefd, &byte, 1) != 1)
		return CHILD_CALL;
	return copy_is_right(copy) ? CHILD_FINE : CHILD_CHANGES;
}

/* A range of its own that nobody else knows, with what can be written to. */
static int watch_run(struct actor *actor, const struct run *run, int fd,
		     __u32 *id)
{
	struct mmun_snapshot snap = {
		.start = mmun_u64(run_at(run)),
		.length = run_length(run),
		.flags = MMUN_WRITE,
		.max_retries = MMUN_RETRIES,
	};

	if (_mmun_insert(fd, run_at(run), run_length(run), id))
		return errno;
	count_ranges(1);
	snap.id = *id;
	if (_mmun_snapshot(fd, &snap) && errno != EFAULT && errno != EACCES)
		fail(actor, "MMUN_SNAPSHOT: %s", strerror(errno));
	return 0;
}

/* What the device had before the fork is no way into the child's copy. */
static void write_by_device(struct actor *actor, const struct run *run, int fd,
			    __u32 id)
{
	int i;

	for (i = 0; i < run->pages; i++)
		write_exactly(actor, run->arena, fd, id, run->first + i);
}

/* One byte: an end of file would wait for the children of other threads. */
static int fork_a_copy(struct actor *actor, struct copy *copy, bool writes,
		       int fd, __u32 id)
{
	int pipefd[2], ret = 0;
	pid_t pid;

	if (pipe2(pipefd, O_CLOEXEC)) {
		ret = errno;
		run_unlock(&copy->run);
		return ret;
	}
	pid = fork_child();
	if (!pid)
		_exit(copy_main(copy, pipefd[0], writes));
	if (pid < 0)
		ret = errno;
	write_by_device(actor, &copy->run, fd, id);
	run_write(&copy->run);
	run_unlock(&copy->run);
	if (!ret) {
		sched_yield();
		if (write(pipefd[1], "", 1) != 1)
			ret = errno;
		wait_for_child(actor, pid, CHILD_FINE);
	}
	close(pipefd[0]);
	close(pipefd[1]);
	return ret;
}

/* fork(), and copy on write on either side; of private memory. */
static int op_fork(struct actor *actor)
{
	struct copy copy = {
		.run = pick_run_in(actor, actor->arena,
				   roll(actor, SECTION_SHARED), 8),
	};
	bool writes = roll(actor, 2);
	int fd = actor->arena->fds[roll(actor, CONTEXTS)], ret;
	__u32 id;

	if (!run_trylock(&copy.run))
		return IDLE;
	run_check(actor, &copy.run);
	ret = watch_run(actor, &copy.run, fd, &id);
	if (ret) {
		run_unlock(&copy.run);
		return ret;
	}
	memcpy(copy.pages, run_page(&copy.run, 0),
	       copy.run.pages * sizeof(copy.pages[0]));
	ret = fork_a_copy(actor, &copy, writes, fd, id);
	return remove_range(fd, id) ?: ret;
}

/* A context of the child's own mm, with a range and a shadow for it. */
static int child_context(struct child_answer *answer, __u64 value)
{
	const size_t length = CHILD_PAGES * page_size();
	struct mmun_snapshot snap = {
		.start = CHILD_BASE,
		.length = length,
		.flags = MMUN_WRITE,
		.max_retries = MMUN_RETRIES,
	};
	char *at = mmap((void *)CHILD_BASE, length, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	int i;

	if (at == MAP_FAILED)
		return -1;
	for (i = 0; i < CHILD_PAGES; i++)
		set((__u64 *)(at + i * page_size()), value);
	answer->fd = open(MMUN_DEV, O_RDWR);
	if (answer->fd < 0 || _mmun_insert(answer->fd, at, length, &answer->id))
		return -1;
	snap.id = answer->id;
	return _mmun_snapshot(answer->fd, &snap) || snap.out_collided ||
	       snap.out_valid != CHILD_PAGES;
}

/*
 * What a device finds in the range of a child: the value or, where the kernel
 * moved a page, no entry.  Returns how often it was the value, or -1.
 */
static int child_reads(int fd, __u32 id, __u64 value)
{
	__u64 read = 0, done;
	int i, count = 0;

	for (i = 0; i < CHILD_PAGES; i++) {
		if (!_mmun_access(fd, id, (char *)CHILD_BASE + i * page_size(),
				  sizeof(read), &read, 0, &done)) {
			if (read != value)
				return -1;
			count++;
		} else if (errno != EFAULT) {
			return -1;
		}
	}
	return count;
}

/* Once the mm is gone: nothing is found, nothing can be done. */
static bool child_is_gone(int fd, __u32 id)
{
	struct mmun_snapshot snap = {
		.id = id,
		.start = CHILD_BASE,
		.length = page_size(),
	};
	__u64 value, done;
	__u32 other;

	if (!_mmun_snapshot(fd, &snap) || errno != ESRCH)
		return false;
	if (!_mmun_access(fd, id, (char *)CHILD_BASE, sizeof(value), &value, 0,
			  &done) || errno != EFAULT)
		return false;
	return _mmun_insert(fd, (char *)CHILD_BASE, page_size(), &other) &&
	       errno == ESRCH;
}

/* The main() of one that was executed: the descriptor is all that it has. */
static int after_exec(int fd, __u32 id)
{
	return child_is_gone(fd, id) ? CHILD_FINE : CHILD_LIVES;
}

static int exec_main(struct child_answer *answer)
{
	char fd[16], id[16];

	if (child_context(answer, 1) ||
	    child_reads(answer->fd, answer->id, 1) < 0)
		return CHILD_CALL;
	snprintf(fd, sizeof(fd), "%d", answer->fd);
	snprintf(id, sizeof(id), "%u", answer->id);
	execl("/proc/self/exe", "mmun_stress", AFTER_EXEC, fd, id, NULL);
	return CHILD_CALL;
}

static int op_exec(struct actor *actor)
{
	pid_t pid = fork_child();

	if (!pid)
		_exit(exec_main(&actor->answer));
	return pid < 0 ? errno : wait_for_child(actor, pid, CHILD_FINE);
}

/* With a range and a batch, by its own will or by a signal. */
static int exit_main(struct child_answer *answer, bool killed)
{
	struct mmun_token token;

	if (child_context(answer, 1) ||
	    child_reads(answer->fd, answer->id, 1) < 0 ||
	    _mmun_read_begin(answer->fd, answer->id, &token))
		return CHILD_CALL;
	if (killed)
		kill(getpid(), SIGKILL);
	return CHILD_FINE;
}

static int op_exit(struct actor *actor)
{
	bool killed = roll(actor, 2);
	pid_t pid = fork_child();

	if (!pid)
		_exit(exit_main(&actor->answer, killed));
	if (pid < 0)
		return errno;
	return wait_for_child(actor, pid,
			      killed ? 128 + SIGKILL : CHILD_FINE);
}

/* Parked it keeps its mm, dead as it may be. */
static int victim_main(struct child_answer *answer, __u64 value)
{
	__u32 released;

	if (child_context(answer, value))
		return CHILD_CALL;
	set(&answer->ready, 1);
	_mmun_pin_mm(answer->fd, CHILD_MS, &released);
	return CHILD_FINE;
}

/* Refused it keeps what it has; else nothing is left to read. */
static void check_victim(struct actor *actor, int fd, __u32 id, __u64 value,
			 bool refused)
{
	int found = child_reads(fd, id, value);

	if (found < 0)
		fail(actor, "the device reads from a victim what it never had");
	else if (found && !refused)
		fail(actor, "the device reads %d pages that were reaped",
		     found);
}

/* So often it is refused, and then it is done.  Returns 0 or an errno. */
static int reap_victim(struct actor *actor, int pidfd, int fd, __u32 id,
		       int refusals, __u64 value)
{
	int i, ret;
	__u32 left;

	if (_mmun_fail_nonblock(fd, id, refusals, &left))
		return errno;
	for (i = 0; i <= refusals; i++) {
		ret = syscall(SYS_process_mrelease, pidfd, 0) ? errno : 0;
		/* EALREADY: done, where it had to be refused. */
		if (ret != (i < refusals ? EAGAIN : 0))
			return ret ?: EALREADY;
		check_victim(actor, fd, id, value, ret);
	}
	return count_counters(fd, id);
}

/* Wait until it is parked, and get hold of its context.  -1: it is not. */
static int adopt_context(struct actor *actor, int pidfd)
{
	struct mmun_record record;
	__u64 end = now_ns() + CHILD_MS * 1000000ULL;
	int fd;

	while (!get(&actor->answer.ready) && now_ns() < end)
		sched_yield();
	fd = syscall(SYS_pidfd_getfd, pidfd, actor->answer.fd, 0);
	if (fd >= 0 && mmun_wait_record(fd, MMUN_RECORD_PIN, &record))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Afterwards its range outlives it, until the last descriptor is closed. */
static int kill_and_reap(struct actor *actor, pid_t pid, int pidfd,
			 int refusals, __u64 value)
{
	int fd = adopt_context(actor, pidfd), ret = ESRCH;
	__u32 id = actor->answer.id, count;

	kill(pid, SIGKILL);
	if (fd >= 0) {
		ret = reap_victim(actor, pidfd, fd, id, refusals, value);
		_mmun_unpin_mm(fd, 0, &count);
	}
	wait_for_child(actor, pid, 128 + SIGKILL);
	if (fd < 0)
		return ret;
	if (!child_is_gone(fd, id))
		fail(actor, "the mm of a process that is gone is of use");
	close(fd);
	return ret;
}

static int op_reap(struct actor *actor)
{
	__u64 value = tag(TAG_CHILD, actor->arena, actor->number,
			  actor->calls);
	int refusals = roll(actor, 4), pidfd, ret;
	pid_t pid;

	set(&actor->answer.ready, 0);
	pid = fork_child();
	if (!pid)
		_exit(victim_main(&actor->answer, value));
	if (pid < 0)
		return errno;
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	ret = kill_and_reap(actor, pid, pidfd, refusals, value);
	close(pidfd);
	return ret;
}
