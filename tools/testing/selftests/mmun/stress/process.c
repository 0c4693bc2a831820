// SPDX-License-Identifier: GPL-2.0
/*
 * Runs one process: maps its memory, opens its contexts, runs its threads, and
 * checks the results after all threads have ended.
 */

#define LOG_RECORDS 16384
#define BALANCE_MS 2000 /* time limit of MMUN_CHECK_BALANCE */

/* Returns whether the result is 0, IDLE, or an allowed errno. */
static bool is_allowed(const struct op *op, int result)
{
	const int *allowed = op->errnos;

	while (*allowed && *allowed != result)
		allowed++;
	return *allowed || result == IDLE || !result;
}

static int pick_op(void)
{
	int at = roll(options.total_weight), i = 0;

	while (at >= ops[i].weight)
		at -= ops[i++].weight;
	return i;
}

/* Prepare what the flags of the operation require, and call the operation. */
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

static void *actor_main(void *arg)
{
	int ret;

	me = arg;
	me->tid = mmun_gettid();
	mmun_map(spare_of(), page_size());
	while (!shared->stop && (!options.calls || me->calls < options.calls)) {
		take_dice();
		me->op = pick_op();
		me->began = now_ns();
		ret = run_op(&ops[me->op]);
		shared->results[me->op][ret]++;
		if (!is_allowed(&ops[me->op], ret))
			fail("%s", strerror(ret));
		me->began = 0;
	}
	drop_batches();
	return NULL;
}

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
	int ret = 0;

	arena->pid = getpid();
	for (int s = 0; s < SECTIONS && !ret; s++) {
		struct area area = whole_section(arena, s);

		ret = area_renew(&area);
	}
	for (int c = 0; c < CONTEXTS && !ret; c++)
		ret = open_context(&arena->contexts[c]);
	return ret;
}

/* If userfaultfd is not available, op_uffd() does nothing. */
static void open_uffd(void)
{
	uffd = uffd_open(UFFD_FEATURE_PAGEFAULT_FLAG_WP);
}

/* If pidfd_getfd() is not permitted, the process uses only its own contexts. */
static void open_others(const struct arena *own)
{
	for (int p = 0; p < options.processes; p++) {
		const struct arena *arena = &shared->arenas[p];

		pidfds[p] = syscall(SYS_pidfd_open, arena->pid, 0);
		for (int c = 0; c < CONTEXTS; c++) {
			int fd = arena->contexts[c].fd;

			if (arena != own)
				fd = syscall(SYS_pidfd_getfd, pidfds[p], fd, 0);
			context_fds[p][c] = fd;
		}
	}
}

static void run_actors(struct arena *arena, struct actor *actors)
{
	for (int t = 0; t < options.threads; t++) {
		actors[t].arena = arena;
		actors[t].number = t;
		if (pthread_create(&actors[t].thread, NULL, actor_main,
				   &actors[t]))
			_exit(1);
	}
	for (int t = 0; t < options.threads; t++)
		pthread_join(actors[t].thread, NULL);
}

/* At the end of the run, all threads have ended, and each call must succeed. */

static void must_work(const char *call, int ret)
{
	if (ret)
		fail("%s at the end: %s", call, strerror(errno));
}

static void verify_at_the_end(int fd, __u32 id)
{
	struct mmun_verify verify;

	must_work("MMUN_VERIFY", _mmun_verify(fd, id, &verify));
	if (verify.out_result != MMUN_VERIFY_AGREES)
		fail("MMUN_VERIFY at the end: result %u at %llx",
		     verify.out_result, verify.out_addr);
	must_work("MMUN_QUERY_RANGE", add_counters(fd, id));
}

static void remove_at_the_end(int fd, __u32 id)
{
	must_work("MMUN_REMOVE", _mmun_remove(fd, id));
}

/* Call @call for the range in each @step-th slot, unless the slot is empty. */
static void call_for_ranges(struct arena *arena, int step,
			    void (*call)(int fd, __u32 id))
{
	struct area area;

	for (int c = 0; c < CONTEXTS; c++)
		for (int i = 0; i < SLOTS; i += step)
			if (slot_unpack(arena->contexts[c].slots[i], &area))
				call(arena->contexts[c].fd, area.id);
}

static void check_balance(int fd)
{
	struct mmun_check_balance cmd;

	must_work("MMUN_CHECK_BALANCE",
		  _mmun_check_balance(fd, BALANCE_MS, &cmd));
	if (!cmd.out_balanced)
		fail("an invalidation began and did not end%s",
		     cmd.out_odd ? ", and the sequence is odd" : "");
}

static void check_arena(struct arena *arena, const struct actor *actors)
{
	struct area all = { .arena = arena, .pages = PAGES };

	area_check(&all);
	call_for_ranges(arena, 1, verify_at_the_end);
	for (int c = 0; c < CONTEXTS; c++)
		check_balance(arena->contexts[c].fd);
	for (int t = 0; t < options.threads; t++)
		for (int i = 0; i < actors[t].bulk_count; i++)
			verify_at_the_end(actors[t].bulk_fd,
					  actors[t].bulk[i].id);
}

static void meet(void)
{
	pthread_barrier_wait(&shared->barrier);
}

static int process_main(int number)
{
	struct actor *actors = &shared->actors[number * options.threads];
	struct arena *arena = &shared->arenas[number];
	int ret = make_arena(arena);

	if (ret)
		fail("process %d could not start: %s", number, strerror(ret));
	open_uffd();
	meet();
	open_others(arena);
	meet();
	run_actors(arena, actors);
	meet();
	if (!shared->failed)
		check_arena(arena, actors);
	meet();
	/* Remove half of the ranges.  close() removes the other half. */
	if (!shared->failed)
		call_for_ranges(arena, 2, remove_at_the_end);
	return 0;
}
