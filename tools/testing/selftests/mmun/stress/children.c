// SPDX-License-Identifier: GPL-2.0
/*
 * Operations that fork children.  Some children check their copy of the memory.
 * Other children open a context, and then exit, call exec(), are killed, or are
 * reaped by process_mrelease().
 *
 * A child of a process with threads may call only async-signal-safe functions.
 */

#define AFTER_EXEC "--after-exec"
#define CHILD_BASE ((char *)0x380000000000UL)
#define CHILD_PAGES 16
#define CHILD_SECS 5 /* time limit of MMUN_PIN_MM, and of the wait for it */

/* The exit status if a call after exec() worked on the mm before exec() */
#define CHILD_OLD_MM 2

static void wait_for_child(pid_t pid, int expected)
{
	int status = mmun_wait_child(pid);

	if (status == CHILD_OLD_MM)
		fail("after exec a call worked on the old mm");
	else if (status != expected)
		fail("the child ended with %d, expected %d", status, expected);
}

/* Fork a child, which the kernel kills when the calling thread exits. */
static pid_t fork_child(void)
{
	pid_t pid = fork();

	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

/* An area, and the states of its pages at the time of the fork */
struct copy {
	struct area area;
	struct page_state pages[8];
};

static int copy_main(struct copy *copy, bool writes)
{
	check_pages(&copy->area, copy->pages, "after fork() the child");
	if (writes)
		write_pages(&copy->area, copy->pages, TAG_CHILD);
	while (!me->child.ready)
		usleep(100);
	check_pages(&copy->area, copy->pages, "in the end the child");
	return 0;
}

/* Insert a range over the area, and fill its shadow with writable entries. */
static int watch_area(struct area *area)
{
	if (_mmun_insert(area->fd, area_at(area), area_length(area), &area->id))
		return errno;
	count_ranges(1);
	fill_shadow(area, MMUN_METHOD_HMM_FAULT, MMUN_WRITE);
	return 0;
}

/*
 * Fork while the pages are locked.  Then write to the pages by the device and
 * by the CPU: the child must not see these writes in its copy.  Unlock the
 * pages before the wait for the child.
 */
static int fork_a_copy(struct copy *copy)
{
	bool writes = roll(2);
	pid_t pid;
	int ret;

	me->child.ready = false;
	pid = fork_child();
	if (!pid)
		_exit(copy_main(copy, writes));
	ret = pid < 0 ? errno : 0;
	for (int i = 0; i < copy->area.pages; i++)
		write_exactly(&copy->area, i);
	area_write(&copy->area);
	area_unlock(&copy->area);
	if (ret)
		return ret;
	sched_yield();
	me->child.ready = true;
	wait_for_child(pid, 0);
	return 0;
}

static int op_fork(const struct area *area)
{
	struct copy copy = { .area = *area };
	int ret;

	if (!area_trylock(area))
		return IDLE;
	area_check(area);
	set_context(&copy.area, roll(CONTEXTS));
	ret = watch_area(&copy.area);
	if (ret) {
		area_unlock(area);
		return ret;
	}
	memcpy(copy.pages, page_of(area, 0),
	       area->pages * sizeof(copy.pages[0]));
	ret = fork_a_copy(&copy);
	return remove_range(&copy.area) ?: ret;
}

/* In the child: open a context, insert a range, and fill the range's shadow. */
static int child_context(__u64 value)
{
	const size_t length = CHILD_PAGES * page_size();
	struct child *child = &me->child;
	struct mmun_snapshot snap;

	if (!mmun_map(CHILD_BASE, length))
		return -1;
	for (int i = 0; i < CHILD_PAGES; i++)
		*(__u64 *)(CHILD_BASE + i * page_size()) = value;
	child->fd = open(MMUN_DEV, O_RDWR);
	if (_mmun_insert(child->fd, CHILD_BASE, length, &child->id))
		return -1;
	snap = MMUN_SNAPSHOT_OF(child->id, CHILD_BASE, length,
				MMUN_METHOD_HMM_FAULT, MMUN_WRITE);
	return _mmun_snapshot(child->fd, &snap) || snap.out_collided ||
	       snap.out_valid != CHILD_PAGES;
}

/* EFAULT is possible: the kernel can move the page, which loses its entry. */
static int child_access(int fd, __u32 id, int page, __u64 *value)
{
	__u64 done;

	return result(_mmun_access(fd, id, CHILD_BASE + page * page_size(),
				   sizeof(*value), value, 0, &done));
}

/*
 * Read each page of the range of a child by the device.  Returns the number of
 * pages with an entry in the shadow, or -1 if the device reads a value other
 * than @value.
 */
static int child_reads(int fd, __u32 id, __u64 value)
{
	int ret, count = 0;
	__u64 read;

	for (int i = 0; i < CHILD_PAGES; i++) {
		ret = child_access(fd, id, i, &read);
		if (ret ? ret != EFAULT : read != value)
			return -1;
		count += !ret;
	}
	return count;
}

/* Returns whether all calls on the context fail, because its mm has ended. */
static bool child_is_gone(int fd, __u32 id)
{
	struct mmun_snapshot snap;
	__u64 value;

	snap = MMUN_SNAPSHOT_OF(id, CHILD_BASE, page_size(),
				MMUN_METHOD_HMM_FAULT, 0);
	return result(_mmun_snapshot(fd, &snap)) == ESRCH &&
	       child_access(fd, id, 0, &value) == EFAULT &&
	       result(_mmun_insert(fd, CHILD_BASE, page_size(), &id)) == ESRCH;
}

/* The main function of a child after exec(), which inherited @fd */
static int after_exec(int fd, __u32 id)
{
	return child_is_gone(fd, id) ? 0 : CHILD_OLD_MM;
}

static void execute(void)
{
	char fd[16], id[16];

	snprintf(fd, sizeof(fd), "%d", me->child.fd);
	snprintf(id, sizeof(id), "%u", me->child.id);
	execl("/proc/self/exe", "mmun_stress", AFTER_EXEC, fd, id, NULL);
}

static int fail_child(void)
{
	fail("a call of the child failed, errno %d", errno);
	return 1;
}

enum ending {
	EXIT,
	KILL,
	EXEC,
};

/* The main function of a child that ends with a range and an open batch */
static int ending_main(enum ending ending)
{
	struct child *child = &me->child;
	struct mmun_token token;

	if (child_context(1) || child_reads(child->fd, child->id, 1) < 0 ||
	    _mmun_read_begin(child->fd, child->id, &token))
		return fail_child();
	if (ending == EXIT)
		return 0;
	if (ending == KILL)
		kill(getpid(), SIGKILL);
	execute();
	return fail_child();
}

static int run_child(enum ending ending)
{
	pid_t pid = fork_child();

	if (!pid)
		_exit(ending_main(ending));
	if (pid > 0)
		wait_for_child(pid, ending == KILL ? 128 + SIGKILL : 0);
	return pid < 0 ? errno : 0;
}

static int op_exec(const struct area *unused)
{
	return run_child(EXEC);
}

static int op_exit(const struct area *unused)
{
	return run_child(roll(2) ? KILL : EXIT);
}

/* The main function of a victim.  The parent later unpins its mm. */
static int victim_main(__u64 value)
{
	__u32 unpinned;

	if (child_context(value))
		return fail_child();
	me->child.ready = true;
	_mmun_pin_mm(me->child.fd, CHILD_SECS * 1000, &unpinned);
	return 0;
}

/* Reap a victim whose callbacks first fail.  Returns 0 or an errno. */
static int reap_victim(int pidfd, int fd, __u64 value)
{
	int refusals = roll(4), ret, found;
	__u32 id = me->child.id, left;

	if (_mmun_fail_nonblock(fd, id, refusals, &left))
		return errno;
	for (; refusals >= 0; refusals--) {
		ret = result(syscall(SYS_process_mrelease, pidfd, 0));
		/* EALREADY: process_mrelease() ignored the refusal. */
		if (ret != (refusals ? EAGAIN : 0))
			return ret ?: EALREADY;
		found = child_reads(fd, id, value);
		if (found < 0)
			fail("the device read a value that the victim never had");
		else if (found && !ret)
			fail("the device read %d reaped pages", found);
	}
	return add_counters(fd, id);
}

/* Wait until the victim's mm is pinned.  Returns its context, or -1. */
static int adopt_context(int pidfd)
{
	__u64 end = now_ns() + NS(CHILD_SECS);
	struct mmun_record record;
	int fd;

	while (!me->child.ready && now_ns() < end)
		sched_yield();
	fd = syscall(SYS_pidfd_getfd, pidfd, me->child.fd, 0);
	if (fd < 0 || mmun_wait_record(fd, MMUN_RECORD_PIN, &record))
		return fd;
	close(fd);
	return -1;
}

/* The range of the victim outlives the victim, because @fd is open. */
static int kill_and_reap(pid_t pid, int pidfd, __u64 value)
{
	int fd = adopt_context(pidfd), ret = ESRCH;
	__u32 count;

	kill(pid, SIGKILL);
	if (fd >= 0) {
		ret = reap_victim(pidfd, fd, value);
		_mmun_unpin_mm(fd, 0, &count);
	}
	wait_for_child(pid, 128 + SIGKILL);
	if (fd < 0)
		return ret;
	if (!child_is_gone(fd, me->child.id))
		fail("a call worked on the mm of a process that is gone");
	close(fd);
	return ret;
}

static int op_reap(const struct area *area)
{
	__u64 value = tag(TAG_CHILD, area, 0, me->calls);
	int pidfd, ret;
	pid_t pid;

	me->child.ready = false;
	pid = fork_child();
	if (!pid)
		_exit(victim_main(value));
	if (pid < 0)
		return errno;
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	ret = kill_and_reap(pid, pidfd, value);
	close(pidfd);
	return ret;
}
