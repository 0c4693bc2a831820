// SPDX-License-Identifier: GPL-2.0
/* Prints the actors and the steps of a schedule, and the disagreement */
#include "play.h"

const char *where_name(int where)
{
	static const char *const names[] = {
		[MODEL_IDLE] = "idle",
		[MODEL_ENTER] = "held at ENTER",
		[MODEL_LEAVE] = "held at LEAVE",
		[MODEL_START] = "held at START",
		[MODEL_END] = "held at END",
		[MODEL_EXITING] = "held at EXIT",
		[MODEL_CALLED] = "held in a list notifier",
		[MODEL_WAITS_SEQ] = "blocked by an invalidation",
		[MODEL_WAITS_MMAP] = "blocked on the mmap_lock",
		[MODEL_WAITS_READERS] = "blocked until callbacks return",
		[MODEL_MAY_WAIT] = "idle, or blocked by later callbacks",
		[MODEL_GONE] = "gone",
		[MODEL_RUNS] = "running",
	};

	return names[where];
}

/* Print "M0 held at ENTER of A; " or "R0 idle, returned 3; ". */
static void print_actor(int actor, const struct model_actor *a)
{
	fprintf(stderr, "%s %s", actor_name(actor), where_name(a->where));
	if (model_in_callback(a->where))
		fprintf(stderr, " of %c", 'A' + a->at);
	if (a->where == MODEL_CALLED)
		fprintf(stderr, " %d", a->at);
	if (a->where == MODEL_IDLE && (a->errnum || a->result))
		fprintf(stderr, ", returned %d",
			a->errnum ? -a->errnum : a->result);
	fprintf(stderr, "; ");
}

/* Print "sequence 3, 1 active; A 1 B 3 (deferred) C 3". */
static void print_lock(const struct model_lock *lock)
{
	const struct model_rules *rules = stage.config->rules;

	fprintf(stderr, "sequence %d, %d active;", lock->seq, lock->active);
	for (int i = 0; i < MODEL_RANGES; i++) {
		const struct model_sub *sub = &lock->sub[i];

		if (sub->known || sub->in_tree)
			fprintf(stderr, " %c %d%s", 'A' + i,
				rules->clock(lock, i),
				sub->in_tree ? "" : " (deferred)");
	}
}

/* Print "; list notifiers 2 (3 users) 0 (1 users), 1 freed". */
static void print_list(const struct model *m)
{
	const struct model_list *list = &m->list;

	fprintf(stderr, "; list notifiers");
	for (int i = 0; i < list->nr; i++)
		fprintf(stderr, " %d (%d users)", list->order[i],
			list->listener[list->order[i]].users);
	fprintf(stderr, ", %d freed", m->freed);
}

void print_step(int step)
{
	const struct model *m = &play.last[step % LAST_STEPS];

	fprintf(stderr, "# step %d by %s: ", step, actor_name(play.step[step]));
	for (int i = 0; i < stage.config->nr; i++)
		print_actor(i, &m->actor[i]);
	print_lock(&m->lock);
	if (config_uses_list(stage.config))
		print_list(m);
	fprintf(stderr, "\n");
}

void play_report(void)
{
	struct schedule schedule = play.schedule;
	char text[SCHEDULE_TEXT];

	/* A repetition does not need the steps after the disagreement. */
	if (schedule.nr > play.nr)
		schedule.nr = play.nr;
	schedule_print(text, &schedule);
	fprintf(stderr,
		"# The kernel and the model (Documentation/model.rst) disagree after %d steps.\n"
		"# To execute the schedule again: make kselftest SCHEDULE='%s'\n"
		"# The actors:\n",
		play.nr, text);
	for (int i = 0; i < stage.config->nr; i++)
		fprintf(stderr, "# %s is %s: %s\n", actor_name(i),
			role_of(i)->text, model_kinds[role_of(i)->kind].text);
	fprintf(stderr, "# The model after each of the last steps:\n");
	for (int i = 0; i < play.nr; i++)
		if (i >= play.nr - LAST_STEPS)
			print_step(i);
	fprintf(stderr, "# The disagreement: %s\n", play.why);
}
