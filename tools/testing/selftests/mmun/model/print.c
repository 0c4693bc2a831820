// SPDX-License-Identifier: GPL-2.0
/*
 * A play in words: its steps, and where kernel and model disagree.
 */
#include <stdio.h>

#include "print.h"

const char *actor_name(const struct play *play, int actor)
{
	static char name[16];

	snprintf(name, sizeof(name), "%c%d",
		 role_letter(&play->schedule->config.role[actor]),
		 role_ordinal(&play->schedule->config, actor));
	return name;
}

const char *const where_names[] = {
	[MODEL_IDLE] = "idle",	     [MODEL_ENTER] = "enter",
	[MODEL_LEAVE] = "leave",     [MODEL_START] = "start",
	[MODEL_END] = "end",	     [MODEL_EXITING] = "exit",
	[MODEL_WAITS_SEQ] = "waits", [MODEL_WAITS_MMAP] = "queues",
	[MODEL_GONE] = "gone",	     [MODEL_RUNS] = "runs",
};

/* "M0:enter(A) R0:idle | seq 3 active 1 A:1 C:3 B:3 deferred" */
static void model_print(char *to, size_t size, struct play *play)
{
	char *const end = to + size;
	const struct model *m = &play->m;
	int i;

	for (i = 0; i < play->schedule->config.nr; i++) {
		const struct model_actor *a = &m->actor[i];

		to += snprintf(to, end - to, "%s:%s", actor_name(play, i),
			       where_names[a->where]);
		if (model_in_callback(a->where))
			to += snprintf(to, end - to, "(%c)", 'A' + a->at);
		if (a->where == MODEL_IDLE && (a->errnum || a->result))
			to += snprintf(to, end - to, "=%d",
				       a->errnum ? -a->errnum : a->result);
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

void remember_step(struct play *play)
{
	char *text = play->last[play->nr % LAST_STEPS];
	int n = snprintf(text, 2 * TEXT, "%3d %s  ", play->nr,
			 actor_name(play, play->actor));

	model_print(text + n, 2 * TEXT - n, play);
	if (play->narrate)
		fprintf(stderr, "# %s\n", text);
}

void play_report(const struct play *play)
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
