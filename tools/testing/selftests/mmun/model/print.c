// SPDX-License-Identifier: GPL-2.0
/*
 * A play in words: its actors, its steps, and how kernel and model disagree.
 */
#include "play.h"

const char *actor_name(const struct play *play, int actor)
{
	return config_name(&play->schedule->config, actor);
}

const char *where_name(int where)
{
	static const char *const names[] = {
		[MODEL_IDLE] = "idle",
		[MODEL_ENTER] = "held at ENTER",
		[MODEL_LEAVE] = "held at LEAVE",
		[MODEL_START] = "held at START",
		[MODEL_END] = "held at END",
		[MODEL_EXITING] = "held at EXIT",
		[MODEL_WAITS_SEQ] = "blocked until the invalidation ends",
		[MODEL_WAITS_MMAP] = "blocked on the mmap_lock",
		[MODEL_GONE] = "gone",
		[MODEL_RUNS] = "running",
	};

	return names[where];
}

/* "M0 held at ENTER of A, R0 idle, returned 3, " */
static int actors_print(char *to, size_t size, const struct play *play)
{
	int i, n = 0;

	for (i = 0; i < play->schedule->config.nr; i++) {
		const struct model_actor *a = &play->m.actor[i];

		n += snprintf(to + n, size - n, "%s %s", actor_name(play, i),
			      where_name(a->where));
		if (model_in_callback(a->where))
			n += snprintf(to + n, size - n, " of %c", 'A' + a->at);
		if (a->where == MODEL_IDLE && (a->errnum || a->result))
			n += snprintf(to + n, size - n, ", returned %d",
				      a->errnum ? -a->errnum : a->result);
		n += snprintf(to + n, size - n, "; ");
	}
	return n;
}

/* "sequence 3, 1 active; A 1, C 3, B 3 (deferred)" */
static void lock_print(char *to, size_t size, const struct model_lock *lock)
{
	int i, n = snprintf(to, size, "sequence %d, %d active;", lock->seq,
			    lock->active);

	for (i = 0; i < MODEL_RANGES; i++)
		if (lock->sub[i].known || lock->sub[i].in_tree)
			n += snprintf(to + n, size - n, " %c %d%s", 'A' + i,
				      lock->sub[i].seq,
				      lock->sub[i].in_tree ? "" :
							     " (deferred)");
}

void remember_step(struct play *play)
{
	char *text = play->last[play->nr_last++ % LAST_STEPS];
	const size_t size = sizeof(play->last[0]);
	int n = snprintf(text, size, "step %d by %s: ", play->nr,
			 actor_name(play, play->actor));

	n += actors_print(text + n, size - n, play);
	lock_print(text + n, size - n, &play->m.lock);
	if (play->narrate)
		fprintf(stderr, "# %s\n", text);
}

static void report_actors(const struct play *play)
{
	int i;

	for (i = 0; i < play->schedule->config.nr; i++) {
		const struct model_role *role = played_role(play, i);

		fprintf(stderr, "# %s is %s: %s\n", actor_name(play, i),
			role->text, model_kinds[role->kind].text);
	}
}

void play_report(const struct play *play)
{
	int i = play->nr_last > LAST_STEPS ? play->nr_last - LAST_STEPS : 0;
	struct schedule schedule = *play->schedule;
	char text[SCHEDULE_TEXT];

	/* Later steps are not needed to see the disagreement again. */
	if (schedule.nr > play->nr + 1)
		schedule.nr = play->nr + 1;
	schedule_print(text, &schedule);
	fprintf(stderr,
		"# The kernel and the model of the lock (Documentation/model.rst) disagree at step %d.\n"
		"# Play it again: make kselftest SCHEDULE='%s'\n"
		"# The actors:\n",
		play->nr, text);
	report_actors(play);
	fprintf(stderr, "# The model after the last steps:\n");
	for (; i < play->nr_last; i++)
		fprintf(stderr, "# %s\n", play->last[i % LAST_STEPS]);
	fprintf(stderr, "# The disagreement: %s\n", play->why);
}
