// SPDX-License-Identifier: GPL-2.0
/*
 * The explorer: plays schedules on the kernel, and after each step compares it
 * with the model: who is held, blocked or done and where, what each call
 * returned, which records the log got and what the core knows of each range.
 */
#define LOG_RECORDS	64
#define TEXT		256
#define SECONDS		150	/* for one test; emulation is slow */
#define LAST_STEPS	4	/* to be shown of a schedule that disagrees */

/**
 * struct play - one schedule, and how far it is
 * @stage: where
 * @schedule: which
 * @m: what the model says
 * @before: what it said before the last step
 * @trace: the records of the last step
 * @base: the kernel's sequence is the model's and so much
 * @nr: steps taken
 * @step: the actors that took these steps
 * @actor: the actor that took the last one
 * @narrate: tell each step
 * @why: the disagreement, or empty
 * @last: the last steps in words
 */
struct play {
	struct stage *stage;
	const struct schedule *schedule;
	struct model m;
	struct model before;
	struct model_trace trace;
	__u64 base;
	int nr;
	__u8 step[SCHEDULE_STEPS];
	int actor;
	bool narrate;
	char why[TEXT];
	char last[LAST_STEPS][2 * TEXT];
};

/* Sets play->why and is false. */
#define disagree(play, ...)                                                \
	(snprintf((play)->why, sizeof((play)->why), __VA_ARGS__), false)

#define played_kind(play, actor) ((play)->schedule->config.role[actor].kind)

/* Good until the next one. */
static const char *actor_name(const struct play *play, int actor)
{
	static char name[16];

	snprintf(name, sizeof(name), "%c%d",
		 kinds[played_kind(play, actor)].letter,
		 ordinal(&play->schedule->config, actor));
	return name;
}

/* Words. */

static const char *const wheres[] = {
	[MODEL_IDLE] = "idle",		 [MODEL_ENTER] = "enter",
	[MODEL_LEAVE] = "leave",	 [MODEL_START] = "start",
	[MODEL_END] = "end",		 [MODEL_EXITING] = "exit",
	[MODEL_WAITS_SEQ] = "waits",	 [MODEL_WAITS_MMAP] = "queues",
	[MODEL_GONE] = "gone",		 [MODEL_RUNS] = "runs",
};

static const char *const states[] = {
	[MMUN_TASK_RUNNING] = "running",
	[MMUN_TASK_HELD] = "held",
	[MMUN_TASK_BLOCKED] = "blocked",
	[MMUN_TASK_WAITING] = "done",
	[MMUN_TASK_GONE] = "gone",
};

static bool in_callback(int where)
{
	return where == MODEL_ENTER || where == MODEL_LEAVE ||
	       where == MODEL_EXITING;
}

/* "M0:enter(A) R0:idle | seq 3 active 1 A:1 C:3 B:3 deferred" */
static void model_print(char *to, size_t size, struct play *play)
{
	char *const end = to + size;
	const struct model *m = &play->m;
	int i;

	for (i = 0; i < play->schedule->config.nr; i++) {
		const struct model_actor *a = &m->actor[i];

		to += snprintf(to, end - to, "%s:%s",
			       actor_name(play, i), wheres[a->where]);
		if (in_callback(a->where))
			to += snprintf(to, end - to, "(%c)", 'A' + a->at);
		if (a->where == MODEL_IDLE && (a->errnum || a->result))
			to += snprintf(to, end - to, "=%d", a->errnum ?
				       -a->errnum : a->result);
		to += snprintf(to, end - to, " ");
	}
	to += snprintf(to, end - to, "| seq %d active %d", m->lock.seq,
		       m->lock.active);
	for (i = 0; i < MODEL_RANGES; i++)
		if (m->lock.sub[i].known || m->lock.sub[i].in_tree)
			to += snprintf(to, end - to, " %c:%d%s", 'A' + i,
				       m->lock.sub[i].seq,
				       m->lock.sub[i].in_tree ? "" : "(defer)");
}

static void remember_step(struct play *play)
{
	char *text = play->last[play->nr % LAST_STEPS];
	int n = snprintf(text, 2 * TEXT, "%3d %s  ", play->nr,
			 actor_name(play, play->actor));

	model_print(text + n, 2 * TEXT - n, play);
	if (play->narrate)
		fprintf(stderr, "# %s\n", text);
}

/* To act. */

static void call_begin(struct play *play, int actor, int range)
{
	struct thread *t = play->stage->thread[actor];

	t->arg.begin = (struct mmun_read_begin){
		.size = sizeof(t->arg.begin),
		.id = play->stage->id[range],
	};
	order_ioctl_on(t, play->stage->fd, MMUN_READ_BEGIN);
}

static void call_collect(struct play *play, int actor, int range)
{
	struct thread *t = play->stage->thread[actor];

	t->arg.collect = (struct mmun_collect){
		.size = sizeof(t->arg.collect),
		.batch = play->stage->token[actor].batch,
		.start = mmun_u64(page_at(range)),
		.length = 2 * page_size(),
		.method = MMUN_METHOD_HMM_NOFAULT,
	};
	order_ioctl_on(t, play->stage->fd, MMUN_COLLECT);
}

static void call_check(struct play *play, int actor, int range)
{
	struct thread *t = play->stage->thread[actor];

	t->arg.query = (struct mmun_query_range){
		.size = sizeof(t->arg.query),
		.id = play->stage->id[range],
		.seq = play->stage->token[actor].seq,
	};
	order_ioctl_on(t, play->stage->fd, MMUN_QUERY_RANGE);
}

static void call_commit(struct play *play, int actor)
{
	struct thread *t = play->stage->thread[actor];

	t->arg.commit = (struct mmun_commit){
		.size = sizeof(t->arg.commit),
		.batch = play->stage->token[actor].batch,
		.seq = play->stage->token[actor].seq,
	};
	order_ioctl_on(t, play->stage->fd, MMUN_COMMIT);
}

static void call_reader(struct play *play, int actor)
{
	const struct model_role *role = &play->schedule->config.role[actor];

	/* The model has taken the step already. */
	switch (play->m.actor[actor].calls - 1) {
	case MODEL_COLLECT:
		call_collect(play, actor, role->range);
		break;
	case MODEL_CHECK:
		call_check(play, actor, role->range);
		break;
	case MODEL_COMMIT:
		call_commit(play, actor);
		break;
	}
}

static void call_inserter(struct play *play, int actor)
{
	const int range = play->schedule->config.role[actor].range;
	struct thread *t = play->stage->thread[actor];

	t->span = (struct mmun_span){
		.start = mmun_u64(page_at(range)),
		.length = 2 * page_size(),
	};
	t->arg.insert = (struct mmun_insert){
		.size = sizeof(t->arg.insert),
		.kind = play->stage->kind,
		.spans = mmun_u64(&t->span),
		.count = 1,
	};
	order_ioctl_on(t, play->stage->fd, MMUN_INSERT);
}

static void call_remover(struct play *play, int actor)
{
	const int range = play->schedule->config.role[actor].range;
	struct thread *t = play->stage->thread[actor];

	t->span = (struct mmun_span){ .id = play->stage->id[range] };
	t->arg.remove = (struct mmun_remove){
		.size = sizeof(t->arg.remove),
		.spans = mmun_u64(&t->span),
		.count = 1,
	};
	order_ioctl_on(t, play->stage->fd, MMUN_REMOVE);
}

static void call_mutator(struct play *play, int actor)
{
	const struct model_role *role = &play->schedule->config.role[actor];
	const long start = mmun_u64(page_at(role->first));
	const long length = (role->last + 1 - role->first) * page_size();
	struct thread *t = play->stage->thread[actor];

	switch (role->kind) {
	case MODEL_MADVISE:
		order(t, SYS_madvise, start, length, MADV_DONTNEED);
		break;
	case MODEL_MUNMAP:
		order(t, SYS_munmap, start, length);
		break;
	case MODEL_MPROTECT:
		order(t, SYS_mprotect, start, length, PROT_READ);
		break;
	case MODEL_MREMAP:
		order(t, SYS_mremap, start, length, length,
		      MREMAP_MAYMOVE | MREMAP_FIXED, MOVE_TO);
		break;
	case MODEL_FORK:
		order(t, JOB_FORK, 0);
		break;
	case MODEL_REAPER:
		order(t, SYS_process_mrelease, play->stage->pidfd, 0);
		break;
	case MODEL_EXIT:
		order(t, SYS_exit_group, 0);
		break;
	}
}

static void call(struct play *play, int actor)
{
	const struct model_role *role = &play->schedule->config.role[actor];

	switch (role->kind) {
	case MODEL_READER:
		if (!play->before.actor[actor].calls)
			call_begin(play, actor, role->range);
		else
			call_reader(play, actor);
		break;
	case MODEL_INSERTER:
		call_inserter(play, actor);
		break;
	case MODEL_REMOVER:
		call_remover(play, actor);
		break;
	default:
		call_mutator(play, actor);
	}
}

/* Take the step that the model has just taken. */
static bool act(struct play *play)
{
	const int where = play->before.actor[play->actor].where;
	const __u32 *hold = play->stage->hold[play->actor];

	if (where == MODEL_IDLE)
		call(play, play->actor);
	else if (!hold_release(play->stage, hold[where - MODEL_ENTER], 0))
		return disagree(play, "the hold at %s is gone: %s",
				wheres[where], strerror(errno));
	return true;
}

/* To compare: where everybody is. */

static int expected_state(int where)
{
	switch (where) {
	case MODEL_IDLE:
		return MMUN_TASK_WAITING;
	case MODEL_WAITS_SEQ:
	case MODEL_WAITS_MMAP:
		return MMUN_TASK_BLOCKED;
	case MODEL_GONE:
		return MMUN_TASK_GONE;
	default:
		return MMUN_TASK_HELD;
	}
}

/* The hold that stops the actor there; places are in the order of points. */
static __u32 expected_hold(struct play *play, int actor)
{
	const int where = play->m.actor[actor].where;

	if (where < MODEL_ENTER || where > MODEL_EXITING)
		return 0;
	return play->stage->hold[actor][where - MODEL_ENTER];
}

static bool compare_task(struct play *play, int actor)
{
	const struct mmun_task *task = &play->stage->task[actor];
	const int where = play->m.actor[actor].where;
	const __u32 hold = expected_hold(play, actor);

	if (task->state == expected_state(where) && task->hold == hold)
		return true;
	return disagree(play,
			"%s: expected %s (%s, hold %u), is %s (hold %u, call %d)",
			actor_name(play, actor), states[expected_state(where)],
			wheres[where], hold, states[task->state], task->hold,
			task->syscall);
}

/*
 * What is final: an actor ran through where it should have stopped, or is held
 * where it should not be.  An actor that runs or is blocked may be so for a moment,
 * for another reason.
 */
static bool may_change(struct play *play)
{
	int i;

	for (i = 0; i < play->schedule->config.nr; i++) {
		const int state = play->stage->task[i].state;

		if (state == MMUN_TASK_RUNNING ||
		    (state == MMUN_TASK_BLOCKED &&
		     expected_state(play->m.actor[i].where) != state))
			return true;
	}
	return false;
}

/*
 * An actor that is blocked is perhaps held at another point than expected.  If it
 * came to the expected one just now, then one more look finds it there.
 */
static void find_held(struct play *play)
{
	struct mmun_task *task = play->stage->task;
	__u32 hold;
	int i;

	for (i = 0; i < play->schedule->config.nr; i++) {
		if (task[i].state != MMUN_TASK_BLOCKED)
			continue;
		hold = held_by(play->stage, i);
		if (!hold || hold == expected_hold(play, i))
			continue;
		task[i].state = MMUN_TASK_HELD;
		task[i].hold = hold;
	}
}

static bool compare_each_task(struct play *play)
{
	int i;

	for (i = 0; i < play->schedule->config.nr; i++)
		if (!compare_task(play, i))
			return false;
	return true;
}

static bool compare_tasks(struct play *play)
{
	const int most = LOOKS(play->stage->settle_ms ?: SETTLE_MS);
	__u32 holds[MODEL_ACTORS];
	int i, tries;

	for (i = 0; i < play->schedule->config.nr; i++)
		holds[i] = expected_hold(play, i);
	for (tries = 0; tries < most; tries++) {
		if (stage_quiesce(play->stage, holds, 20) < 0)
			return disagree(play, "/proc: %s", strerror(errno));
		if (compare_each_task(play)) {
			play->why[0] = '\0';
			return true;
		}
		find_held(play);
		if (!compare_each_task(play) && !may_change(play))
			return false;
		/* Actors may rest for a moment only, for another reason. */
		usleep(LOOK_US);
	}
	return false;
}

/* A task that is held in a callback is held in that of the right range. */
static bool compare_held(struct play *play)
{
	int i;

	for (i = 0; i < play->schedule->config.nr; i++) {
		const struct model_actor *a = &play->m.actor[i];
		__u32 id;

		if (!in_callback(a->where) ||
		    (a->where == play->before.actor[i].where &&
		     a->at == play->before.actor[i].at))
			continue;
		id = hold_range(play->stage, expected_hold(play, i));
		if (id != play->stage->id[a->at])
			return disagree(play,
					"%s: held by range %u, expected %u (%c)",
					actor_name(play, i), id,
					play->stage->id[a->at], 'A' + a->at);
	}
	return true;
}

/* To compare: what calls returned. */

/* The last call of the actor returned in this step. */
static bool has_returned(struct play *play, int actor)
{
	return play->m.actor[actor].where == MODEL_IDLE &&
	       (actor == play->actor ||
		play->before.actor[actor].where != MODEL_IDLE);
}

/* What a call that succeeded answered; sequences as the model counts them */
static __u64 answer(struct play *play, int actor)
{
	const struct thread *t = play->stage->thread[actor];

	if (played_kind(play, actor) == MODEL_INSERTER)
		play->stage->id[play->schedule->config.role[actor].range] =
			t->span.id;
	if (played_kind(play, actor) != MODEL_READER)
		return 0;
	switch (play->m.actor[actor].calls - 1) {
	case MODEL_BEGIN:
		play->stage->token[actor] = (struct mmun_token){
			t->arg.begin.out_batch, t->arg.begin.out_seq,
		};
		return t->arg.begin.out_seq - play->base;
	case MODEL_COLLECT:
		return t->arg.collect.out_valid;
	case MODEL_CHECK:
		return t->arg.query.out_retry;
	default:
		return t->arg.commit.out_collided;
	}
}

static bool compare_result(struct play *play, int actor)
{
	const struct thread *t = play->stage->thread[actor];
	const struct model_actor *a = &play->m.actor[actor];
	__u64 result;

	if (t->errnum != a->errnum)
		return disagree(play, "%s: expected error %d, got %d (%s)",
				actor_name(play, actor), a->errnum, t->errnum,
				strerror(t->errnum));
	if (t->errnum)
		return true;
	result = answer(play, actor);
	if (result != a->result)
		return disagree(play, "%s: expected result %d, got %lld",
				actor_name(play, actor), a->result,
				(long long)result);
	return true;
}

/* Nothing is published after a collision, and else all that was collected. */
static bool compare_published(struct play *play, int actor)
{
	const struct thread *t = play->stage->thread[actor];
	const struct model_actor *a = &play->m.actor[actor];
	const __u32 expected = a->result ? 0 : a->valid;

	if (played_kind(play, actor) != MODEL_READER || a->errnum ||
	    a->calls != MODEL_DONE || t->arg.commit.out_published == expected)
		return true;
	return disagree(play, "%s: expected %u pages published, got %u",
			actor_name(play, actor), expected,
			t->arg.commit.out_published);
}

static bool compare_results(struct play *play)
{
	int i;

	for (i = 0; i < play->schedule->config.nr; i++)
		if (has_returned(play, i) &&
		    !(compare_result(play, i) && compare_published(play, i)))
			return false;
	return true;
}

/* To compare: the log. */

/* The record that the model's one stands for */
static struct mmun_record expected_record(struct play *play,
					  const struct model_record *expected)
{
	const bool all = expected->last == MODEL_NOBODY;
	const __u64 start = mmun_u64(page_at(expected->range));
	const __u64 end = start + 2 * page_size();
	struct mmun_record r = {
		.type = expected->type,
		.tid = play->stage->thread[expected->actor]->tid,
		.start = all ? 0 : mmun_u64(page_at(expected->first)),
		.end = all ? ~0ULL : mmun_u64(page_at(expected->last + 1)),
	};

	if (r.type != MMUN_RECORD_INVALIDATE)
		return r;
	r.id = play->stage->id[expected->range];
	r.event = expected->event;
	r.cur_seq = play->base + expected->seq;
	r.flags = (expected->nonblock ? 0 : MMUN_RECORD_BLOCKABLE) |
		  (expected->refused ? MMUN_RECORD_FAILED : 0);
	r.clip_start = r.start > start ? r.start : start;
	r.clip_end = r.end < end ? r.end : end;
	return r;
}

/* From 7.1 on the reaper no longer claims that the VMA is going away. */
static bool same_event(const struct mmun_record *expected,
		       const struct mmun_record *r)
{
	return r->event == expected->event ||
	       (!(r->flags & MMUN_RECORD_BLOCKABLE) &&
		r->event == MMUN_EVENT_CLEAR);
}

static bool same_record(const struct mmun_record *expected,
			const struct mmun_record *r)
{
	if (r->type != expected->type || r->tid != expected->tid ||
	    r->start != expected->start || r->end != expected->end)
		return false;
	return r->type != MMUN_RECORD_INVALIDATE ||
	       (r->id == expected->id && r->cur_seq == expected->cur_seq &&
		r->flags == expected->flags && same_event(expected, r) &&
		r->clip_start == expected->clip_start &&
		r->clip_end == expected->clip_end);
}

static const char *record_print(char *to, size_t size, struct play *play,
				const struct mmun_record *r)
{
	snprintf(to, size, "type %u id %u seq %lld event %u flags %x %llx-%llx",
		 r->type, r->id, (long long)(r->cur_seq - play->base), r->event,
		 r->flags, (unsigned long long)r->start,
		 (unsigned long long)r->end);
	return to;
}

static bool compare_record(struct play *play,
			   const struct model_record *expected,
			   const struct mmun_record *got)
{
	const struct mmun_record r = expected_record(play, expected);
	char a[TEXT / 3], b[TEXT / 3];

	if (same_record(&r, got))
		return true;
	return disagree(play, "expected a record %s; got %s",
			record_print(a, sizeof(a), play, &r),
			record_print(b, sizeof(b), play, got));
}

/* A reaper tells the list notifier of every VMA. */
static bool is_elsewhere(const struct mmun_record *r)
{
	return r->type != MMUN_RECORD_INVALIDATE &&
	       (r->start >= mmun_u64(page_at(MODEL_PAGES)) ||
		r->end <= mmun_u64(page_at(0)));
}

static bool compare_log(struct play *play)
{
	struct mmun_record records[LOG_RECORDS];
	ssize_t got = read(play->stage->fd, records, sizeof(records));
	int i, nr = got > 0 ? got / sizeof(records[0]) : 0, expected = 0;

	for (i = 0; i < nr; i++) {
		if (is_elsewhere(&records[i]))
			continue;
		if (expected == play->trace.nr)
			return disagree(play, "a record too many: type %u id %u",
					records[i].type, records[i].id);
		if (!compare_record(play, &play->trace.record[expected++],
				    &records[i]))
			return false;
	}
	if (expected == play->trace.nr)
		return true;
	return disagree(play, "expected %d records, got %d", play->trace.nr,
			expected);
}

/* To compare: what the core knows of the ranges. */

static bool compare_range(struct play *play, int range)
{
	const struct model_sub *sub = &play->m.lock.sub[range];
	struct mmun_query_range cmd;

	if (_mmun_query_range(play->stage->fd, play->stage->id[range], &cmd))
		return disagree(play, "%c: QUERY_RANGE: %s", 'A' + range,
				strerror(errno));
	if (cmd.out_seq == play->base + sub->seq &&
	    cmd.out_in_tree == sub->in_tree)
		return true;
	return disagree(play, "%c: expected sequence %d, %sin the tree; got %lld, %s",
			'A' + range, sub->seq, sub->in_tree ? "" : "not ",
			(long long)(cmd.out_seq - play->base),
			cmd.out_in_tree ? "in" : "not in");
}

static bool compare_ranges(struct play *play)
{
	int i;

	for (i = 0; i < MODEL_RANGES; i++)
		if (play->m.lock.sub[i].known && !compare_range(play, i))
			return false;
	return true;
}

/* To compare: the end. */

static bool compare_probe(struct play *play)
{
	const __u64 seq = play->base + play->m.lock.seq - 1;
	struct mmun_check_balance cmd;

	if (play->m.dying)
		return true;
	if (_mmun_check_balance(play->stage->fd, SETTLE_MS, &cmd))
		return disagree(play, "CHECK_BALANCE: %s", strerror(errno));
	if (!cmd.out_balanced != !!play->m.lock.active)
		return disagree(play, "CHECK_BALANCE: balanced %u, odd %u",
				cmd.out_balanced, cmd.out_odd);
	if (cmd.out_balanced && cmd.out_seq != seq)
		return disagree(play, "CHECK_BALANCE: expected sequence %d, got %lld",
				play->m.lock.seq - 1,
				(long long)(cmd.out_seq - play->base));
	return true;
}

static bool compare_shadow(struct play *play, int range)
{
	struct mmun_verify cmd;

	if (_mmun_verify(play->stage->fd, play->stage->id[range], &cmd))
		return disagree(play, "%c: VERIFY: %s", 'A' + range,
				strerror(errno));
	if (cmd.out_result != MMUN_VERIFY_AGREES)
		return disagree(play, "%c: the shadow differs at %llx",
				'A' + range, (unsigned long long)cmd.out_addr);
	return true;
}

static bool compare_end(struct play *play)
{
	int i;

	if (!model_is_quiet(&play->m, &play->schedule->config))
		return disagree(play, "the model says that somebody waits for ever");
	if (!compare_probe(play))
		return false;
	for (i = 0; i < MODEL_RANGES; i++)
		if (!play->m.dying && !play->schedule->config.no_collect &&
		    play->m.lock.sub[i].known && !compare_shadow(play, i))
			return false;
	return true;
}

/* To play. */

/* The sequence of an mm is what it was when the first range was inserted. */
static bool play_begin(struct play *play)
{
	struct mmun_query_range cmd;
	int i;

	model_init(&play->m, &play->schedule->config);
	if (!stage_set_up(play->stage))
		return disagree(play, "cannot set up: %s", strerror(errno));
	for (i = 0; !play->stage->id[i]; i++)
		;
	if (_mmun_query_range(play->stage->fd, play->stage->id[i], &cmd))
		return disagree(play, "QUERY_RANGE: %s", strerror(errno));
	play->base = cmd.out_seq + 1 - MODEL_FIRST_SEQ;
	return compare_ranges(play);
}

static bool play_step(struct play *play, int actor)
{
	play->before = play->m;
	play->actor = actor;
	model_step(&play->m, &play->schedule->config, actor, &play->trace);
	remember_step(play);
	if (!act(play) || !compare_tasks(play) || !compare_held(play) ||
	    !compare_results(play) || !compare_log(play) ||
	    !compare_ranges(play))
		return false;
	model_forget(&play->m);
	play->step[play->nr++] = actor;
	return true;
}

/* After the schedule it is the first that can; -1: nobody. */
static int next_actor(struct play *play)
{
	int i;

	if (play->nr < play->schedule->nr)
		return play->schedule->step[play->nr];
	for (i = 0; i < play->schedule->config.nr; i++)
		if (model_enabled(&play->m, &play->schedule->config, i))
			return i;
	return -1;
}

static bool play_on(struct play *play)
{
	int actor;

	while ((actor = next_actor(play)) >= 0) {
		if (!model_enabled(&play->m, &play->schedule->config, actor))
			return disagree(play, "step %d cannot be taken",
					play->nr);
		if (!play_step(play, actor))
			return false;
	}
	return compare_end(play);
}

/* Play it; false: they disagree, and play->why says about what. */
static bool play(struct play *play, struct stage *stage,
		 const struct schedule *schedule)
{
	play->stage = stage;
	play->schedule = schedule;
	play->nr = 0;
	play->why[0] = '\0';
	stage->config = &schedule->config;
	if (play_begin(play) && play_on(play)) {
		stage_clear(stage);
		return true;
	}
	return false;
}

/* What a developer wants to see: how to do it again, and what went wrong */
static inline void play_report(const struct play *play)
{
	int i = play->nr >= LAST_STEPS ? play->nr - LAST_STEPS + 1 : 0;
	struct schedule schedule = *play->schedule;
	char text[SCHEDULE_TEXT];

	/* What comes after the disagreement is not needed to see it again. */
	if (schedule.nr > play->nr + 1)
		schedule.nr = play->nr + 1;
	schedule_print(text, sizeof(text), &schedule);
	fprintf(stderr,
		"# kernel and model disagree: TESTS='explore_more.schedule*' SCHEDULE='%s'\n",
		text);
	for (; i <= play->nr; i++)
		fprintf(stderr, "# model: %s\n", play->last[i % LAST_STEPS]);
	fprintf(stderr, "# step %d: %s\n", play->nr, play->why);
}

/* To explore. */

/**
 * struct tour - all schedules of a configuration, or a part of them
 * @text: the configuration
 * @depth: how many steps are varied; 0: all
 * @from: the first schedule to play
 * @limit: how many to play at most; 0: all
 * @seconds: for how long at most; 0: as long as it takes
 * @stage: where
 * @states: of the model
 * @edges: steps between them
 * @taken: edges taken on the kernel
 * @schedules: how many there are
 * @played: how many were played
 * @steps: steps taken on the kernel
 * @schedule: the last
 * @play: how it went
 */
struct tour {
	const char *text;
	int depth;
	__u32 from;
	__u32 limit;
	double seconds;
	struct stage *stage;
	__u32 states;
	__u32 edges;
	__u32 taken;
	__u32 schedules;
	__u32 played;
	__u64 steps;
	struct schedule schedule;
	struct play play;
};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static bool tour_play(struct tour *tour, struct search *search)
{
	const double start = now();
	__u32 i;

	for (i = tour->from; i < search->nr_goals; i++) {
		if ((tour->limit && tour->played == tour->limit) ||
		    (tour->seconds && now() - start > tour->seconds))
			break;
		search_schedule(search, i, &tour->schedule);
		if (!play(&tour->play, tour->stage, &tour->schedule))
			return false;
		search_take(search, tour->play.step, tour->play.nr);
		tour->played++;
		tour->steps += tour->play.nr;
	}
	return true;
}

/* False: a disagreement, reported. */
static inline bool tour_go(struct tour *tour, bool no_collect)
{
	struct model_config config;
	struct search search;
	bool agreed;

	if (!config_parse(&config, tour->text))
		return disagree(&tour->play, "no configuration: %s", tour->text);
	config.no_collect = no_collect;
	search_all(&search, &config, tour->depth);
	tour->states = search.nr_nodes;
	tour->edges = search.nr_edges;
	tour->schedules = search.nr_goals;
	agreed = tour_play(tour, &search);
	tour->taken = search.nr_taken;
	search_free(&search);
	return agreed;
}

/* What the tests of a program play on.  Each test has a process of its own. */
static struct stage stage;
static struct tour tour;

static bool has_hmm(void)
{
	struct mmun_info info = {};
	int fd = mmun_open();

	_mmun_info(fd, &info);
	close(fd);
	return info.out_features & MMUN_FEATURE_HMM;
}
