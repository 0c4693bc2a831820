// SPDX-License-Identifier: GPL-2.0
/*
 * One of the processes: its threads, its memory, its contexts, and the checks
 * after all threads have ended.
 */

#define LOG_RECORDS 16384
#define BALANCE_MS 2000 /* for invalidations that have not ended */

/* Threads */

static bool is_allowed(const struct op *op, int error)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(op->errnos) && op->errnos[i]; i++)
		if (op->errnos[i] == error)
			return true;
	return false;
}

static int pick_op(void)
{
	int at = roll(options.total_weight), i = 0;

	while (at >= options.weights[i])
		at -= options.weights[i++];
	return i;
}

/* Prepare what the flags of the operation require, and call it. */
static int run_op(const struct op *op)
{
	struct area area = {};
	int ret = 0;

	if (!pick_area(&area, op->flags))
		return IDLE;
	if (!(op->flags & LOCK))
		return op->run(&area);
	if (!area_trylock(&area))
		return IDLE;
	if (op->flags & OPEN)
		ret = area_open(&area);
	if (!ret && (op->flags & CHECK))
		area_check(&area);
	ret = ret ?: op->run(&area);
	area_unlock(&area);
	return ret;
}

static void count_result(int ret)
{
	if (ret == IDLE)
		shared->idle[me->op]++;
	else if (!ret)
		shared->done[me->op]++;
	else
		shared->errors[me->op][ret < MAX_ERRNO ? ret : 0]++;
	if (ret > 0 && !is_allowed(&ops[me->op], ret))
		fail("%s", strerror(ret));
}

static void *actor_main(void *arg)
{
	me = arg;
	me->tid = mmun_gettid();
	mmun_map(spare_of(), page_size());
	while (!shared->stop && (!options.calls || me->calls < options.calls)) {
		take_dice();
		me->op = pick_op();
		me->began = now_ns();
		count_result(run_op(&ops[me->op]));
		me->began = 0;
	}
	drop_batches();
	return NULL;
}

/* Processes */

static int open_context(struct context *context)
{
	__u64 lost;

	context->fd = open(MMUN_DEV, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (context->fd < 0)
		return errno;
	return result(_mmun_log_setup(context->fd, LOG_RECORDS,
				      MMUN_LOG_TYPES_ALL, &lost));
}

static int make_arena(struct arena *arena)
{
	struct area area;
	int i, ret = 0;

	arena->pid = getpid();
	for (i = 0; i < SECTIONS && !ret; i++) {
		area = whole_section(arena, i);
		ret = area_map(&area) ?: area_write(&area);
	}
	for (i = 0; i < CONTEXTS && !ret; i++)
		ret = open_context(&arena->contexts[i]);
	return ret;
}

/* Without the permission or the feature, the operation is idle. */
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

/* Without the permission, the process uses only its own contexts. */
static void open_others(const struct arena *own)
{
	const struct arena *arena;
	int p, c, fd;

	for (p = 0; p < options.processes; p++) {
		arena = &shared->arenas[p];
		pidfds[p] = syscall(SYS_pidfd_open, arena->pid, 0);
		for (c = 0; c < CONTEXTS; c++) {
			fd = arena->contexts[c].fd;
			if (arena != own)
				fd = syscall(SYS_pidfd_getfd, pidfds[p], fd, 0);
			context_fds[p][c] = fd;
		}
	}
}

static struct actor *actors_of(const struct arena *arena)
{
	return &shared->actors[arena->number * options.threads];
}

static void run_actors(struct arena *arena)
{
	struct actor *actors = actors_of(arena);
	int t;

	for (t = 0; t < options.threads; t++) {
		actors[t].arena = arena;
		actors[t].number = t;
		if (pthread_create(&actors[t].thread, NULL, actor_main,
				   &actors[t]))
			_exit(1);
	}
	for (t = 0; t < options.threads; t++)
		pthread_join(actors[t].thread, NULL);
}

/* At the end no thread changes anything, so each result is exact. */

static void verify_at_the_end(int fd, __u32 id)
{
	struct mmun_verify verify;

	if (_mmun_verify(fd, id, &verify))
		fail("MMUN_VERIFY at the end: %s", strerror(errno));
	else if (verify.out_result != MMUN_VERIFY_AGREES)
		fail("MMUN_VERIFY at the end: result %u at %llx",
		     verify.out_result, verify.out_addr);
	if (add_counters(fd, id))
		fail("MMUN_QUERY_RANGE at the end: %s", strerror(errno));
}

static void remove_at_the_end(int fd, __u32 id)
{
	if (_mmun_remove(fd, id))
		fail("MMUN_REMOVE at the end: %s", strerror(errno));
}

/* Call @call for each @step-th range of all slots. */
static void call_for_ranges(struct context *context, int step,
			    void (*call)(int fd, __u32 id))
{
	struct area area;
	int i;

	for (i = 0; i < SLOTS; i += step)
		if (slot_unpack(context->slots[i], &area))
			call(context->fd, area.id);
}

static void check_balance(int fd)
{
	struct mmun_check_balance cmd;

	if (_mmun_check_balance(fd, BALANCE_MS, &cmd))
		fail("MMUN_CHECK_BALANCE at the end: %s", strerror(errno));
	else if (!cmd.out_balanced)
		fail("an invalidation began and did not end%s",
		     cmd.out_odd ? ", and the sequence is odd" : "");
}

static void check_bulk(const struct actor *actor)
{
	int i;

	for (i = 0; i < actor->bulk_count; i++)
		verify_at_the_end(actor->bulk_fd, actor->bulk[i].id);
}

static void check_arena(struct arena *arena)
{
	struct area all = { .arena = arena, .pages = PAGES };
	int i;

	area_check(&all);
	for (i = 0; i < CONTEXTS; i++) {
		call_for_ranges(&arena->contexts[i], 1, verify_at_the_end);
		check_balance(arena->contexts[i].fd);
	}
	for (i = 0; i < options.threads; i++)
		check_bulk(&actors_of(arena)[i]);
}

/* Remove half of the ranges, and leave the other half for close(). */
static void remove_some(struct arena *arena)
{
	int c;

	for (c = 0; c < CONTEXTS; c++)
		call_for_ranges(&arena->contexts[c], 2, remove_at_the_end);
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
		fail("process %d could not start: %s", number, strerror(ret));
	open_uffd();
	meet();
	open_others(arena);
	meet();
	run_actors(arena);
	meet();
	if (!shared->failed)
		check_arena(arena);
	meet();
	if (!shared->failed)
		remove_some(arena);
	return 0;
}
