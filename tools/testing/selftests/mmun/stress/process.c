// SPDX-License-Identifier: GPL-2.0
/*
 * One of the processes: its threads, what they work on, and what must be true
 * when they have ended.
 */

#define LOG_RECORDS	16384
#define PROBE_MS	2000	/* for what may still be in flight */

/* Threads */

static bool is_allowed(const struct op *op, int error)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(op->errnos) && op->errnos[i]; i++)
		if (op->errnos[i] == error)
			return true;
	return false;
}

static int pick_op(struct actor *actor)
{
	int at = roll(actor, options.total_weight), i = 0;

	while (at >= options.weights[i])
		at -= options.weights[i++];
	return i;
}

static void count_result(struct actor *actor, int ret)
{
	if (ret == IDLE)
		actor->idle[actor->op]++;
	else if (!ret)
		actor->done[actor->op]++;
	else
		actor->errors[actor->op][ret < MAX_ERRNO ? ret : 0]++;
	if (ret > 0 && !is_allowed(&ops[actor->op], ret))
		fail(actor, "%s", strerror(ret));
}

static void call_once(struct actor *actor)
{
	take_dice(actor);
	actor->op = pick_op(actor);
	set(&actor->began, now_ns());
	count_result(actor, ops[actor->op].run(actor));
	set(&actor->began, 0);
}

static void *actor_main(void *arg)
{
	struct actor *actor = arg;

	actor->tid = mmun_gettid();
	mmap(spare_of(actor), page_size(), PROT_READ | PROT_WRITE,
	     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	while (!get(&shared->stop) &&
	       (!shared->calls || actor->calls < shared->calls))
		call_once(actor);
	drop_batches(actor);
	return NULL;
}

/* Processes */

static int open_context(struct arena *arena, int context)
{
	int fd = open(MMUN_DEV, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	__u64 lost;

	arena->fds[context] = fd;
	if (fd < 0)
		return errno;
	return _mmun_log_setup(fd, LOG_RECORDS, MMUN_LOG_TYPES_ALL, &lost) ?
	       errno : 0;
}

/* Private memory is empty, a file may have what another process punched. */
static int make_arena(struct arena *arena)
{
	struct run run = { .arena = arena, .pages = SECTION_PAGES };
	int i, ret = 0;

	arena->pid = getpid();
	for (i = 0; i < SECTIONS && !ret; i++) {
		run.first = i * SECTION_PAGES;
		ret = run_map(&run);
		run_write(&run);
	}
	for (i = 0; i < CONTEXTS && !ret; i++)
		ret = open_context(arena, i);
	return ret;
}

/* Write protection for those who may have it; else that operation is idle. */
static void open_uffd(void)
{
	struct uffdio_api api = {
		.api = UFFD_API,
		.features = UFFD_FEATURE_PAGEFAULT_FLAG_WP,
	};

	uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (uffd < 0 || !ioctl(uffd, UFFDIO_API, &api))
		return;
	close(uffd);
	uffd = -1;
}

/* Where that is not permitted a process has only its own. */
static void open_others(const struct arena *own)
{
	const struct arena *arena;
	int p, c, fd;

	for (p = 0; p < shared->processes; p++) {
		arena = &shared->arenas[p];
		pidfds[p] = syscall(SYS_pidfd_open, arena->pid, 0);
		for (c = 0; c < CONTEXTS; c++) {
			fd = arena->fds[c];
			if (arena != own)
				fd = syscall(SYS_pidfd_getfd, pidfds[p], fd, 0);
			context_fds[p][c] = fd;
		}
	}
}

static void run_actors(struct arena *arena)
{
	struct actor *actors = shared->actors[arena->number];
	int t;

	for (t = 0; t < shared->threads; t++) {
		actors[t].arena = arena;
		actors[t].number = t;
		if (pthread_create(&actors[t].thread, NULL, actor_main,
				   &actors[t]))
			_exit(1);
	}
	for (t = 0; t < shared->threads; t++)
		pthread_join(actors[t].thread, NULL);
}

/* At the end nobody changes anything, so nothing is left to chance. */
static void verify_at_the_end(int fd, __u32 id)
{
	struct mmun_verify verify;

	if (_mmun_verify(fd, id, &verify))
		fail(NULL, "MMUN_VERIFY at the end: %s", strerror(errno));
	else if (verify.out_result != MMUN_VERIFY_AGREES)
		fail(NULL, "MMUN_VERIFY at the end: %s at %llx",
		     verify.out_result == MMUN_VERIFY_DIFFERS ? "differs" :
							     "collided",
		     (unsigned long long)verify.out_addr);
	if (count_counters(fd, id))
		fail(NULL, "MMUN_QUERY_RANGE at the end: %s", strerror(errno));
}

static void probe_at_the_end(int fd)
{
	struct mmun_check_balance probe;

	if (_mmun_check_balance(fd, PROBE_MS, &probe))
		fail(NULL, "MMUN_CHECK_BALANCE at the end: %s", strerror(errno));
	else if (!probe.out_balanced)
		fail(NULL, "an invalidation was begun and never ended%s",
		     probe.out_odd ? ", and the sequence is odd" : "");
}

static void check_bulk(struct arena *arena)
{
	struct actor *actor = shared->actors[arena->number];
	int i, t;

	for (t = 0; t < shared->threads; t++, actor++)
		for (i = 0; i < actor->bulk_count; i++)
			verify_at_the_end(actor->bulk_fd, actor->bulk[i].id);
}

static void check_arena(struct arena *arena)
{
	struct actor nobody = { .arena = arena };
	struct run run = { .arena = arena, .pages = PAGES };
	struct slot slot;
	int c, i;

	run_check(&nobody, &run);
	for (c = 0; c < CONTEXTS; c++) {
		for (i = 0; i < SLOTS; i++) {
			slot = slot_unpack(arena->slots[c][i]);
			if (slot.id)
				verify_at_the_end(arena->fds[c], slot.id);
		}
		probe_at_the_end(arena->fds[c]);
	}
	check_bulk(arena);
}

/* Half of what is left is removed, the other half is for close(). */
static void remove_some(struct arena *arena)
{
	struct slot slot;
	int c, i;

	for (c = 0; c < CONTEXTS; c++) {
		for (i = 0; i < SLOTS; i += 2) {
			slot = slot_unpack(arena->slots[c][i]);
			if (slot.id && _mmun_remove(arena->fds[c], slot.id))
				fail(NULL, "MMUN_REMOVE at the end: %s",
				     strerror(errno));
		}
	}
}

static void meet(void)
{
	pthread_barrier_wait(&shared->barrier);
}

static int process_main(int number)
{
	struct arena *arena = &shared->arenas[number];
	int ret = make_arena(arena);

	if (ret)
		fail(NULL, "process %d could not begin: %s", number,
		     strerror(ret));
	open_uffd();
	meet();
	open_others(arena);
	meet();
	run_actors(arena);
	meet();
	if (!get(&shared->failed))
		check_arena(arena);
	meet();
	if (!get(&shared->failed))
		remove_some(arena);
	return 0;
}
