// SPDX-License-Identifier: GPL-2.0
/*
 * Draw a schedule as comments about barriers are drawn: each actor is a column,
 * and each step is the line of the source where the step begins.
 */
#include <stdio.h>
#include <string.h>

#include "actor.h"
#include "config.h"
#include "draw.h"
#include "refine.h"
#include "search.h"
#include "source.h"

#define WIDTH 44

static const void *pc_of[MAX_STEPS];

static void note_pc(int step, int actor)
{
	pc_of[step] = world.actor[actor].pc;
}

static void draw_step(int step, int actor)
{
	struct source source;

	if (!pc_of[step]) {
		printf("#  %*s%s\n", actor * 8, "", "begins");
		return;
	}
	source_find(pc_of[step], &source);
	printf("#  %*s%-*.*s %s\n", actor * 8, "", WIDTH, WIDTH, source.text,
	       source.place);
}

/* The line of mmu_notifier.c in which the property was violated */
static void draw_violation(void)
{
	struct source source = {};

	for (int i = 0; i < MAX_CALLERS && violation_callers[i]; i++) {
		source_find(violation_callers[i], &source);
		if (source.is_subject) {
			printf("# at: %s %s\n", source.text, source.place);
			return;
		}
	}
}

static void draw_role(int actor, const struct role *role)
{
	printf("# actor %d: %s", actor, role->name);
	switch (role->with) {
	case WITH_RANGE:
		printf(" range %c", 'A' + role->range);
		break;
	case WITH_PAGES:
		printf(" pages %d to %d", role->first, role->last);
		break;
	case WITH_LISTENER:
		printf(" list notifier %d", role->range);
		break;
	default:
		break;
	}
	printf("\n");
}

static void draw_head(const struct config *config)
{
	for (int i = 0; i < world.nr; i++)
		draw_role(i, &config->role[i]);
	printf("# ");
	for (int i = 0; i < world.nr; i++)
		printf(" %-7d", i);
	printf("\n");
}

static void draw_ranges(const char *title, const void *const *subs, int nr)
{
	printf("%s%s", title, nr ? "" : " empty");
	for (int i = 0; i < RANGES; i++)
		for (int j = 0; j < nr; j++)
			if (subs[j] == refine_object(i))
				printf(" %c", 'A' + i);
}

/* The state of the kernel after the last step */
static void draw_state(void)
{
	struct peek now;

	peek(&now);
	if (!now.exists)
		return;
	printf("# then: sequence %lu, %ld active,", now.seq, (long)now.active);
	draw_ranges(" tree", now.tree, now.nr_tree);
	draw_ranges(", deferred", now.deferred, now.nr_deferred);
	printf("\n");
}

/* A replay does not notice a livelock, so @property is the text of the search. */
void draw(const struct config *config, const struct schedule *schedule)
{
	char property[sizeof(violation)];
	int steps;

	strcpy(property, violation);
	steps = replay(config, schedule, note_pc);
	if (!violation[0])
		strcpy(violation, property);
	draw_head(config);
	for (int i = 0; i < steps; i++)
		draw_step(i, schedule->actor[i]);
	draw_violation();
	draw_state();
	printf("# %s\n", violation[0] ? violation : "no property is violated");
}
