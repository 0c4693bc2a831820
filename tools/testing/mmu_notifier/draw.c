// SPDX-License-Identifier: GPL-2.0
/*
 * Draw a schedule as comments about barriers are drawn: each actor is a column,
 * and each step is the line of the source where the step begins.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actor.h"
#include "config.h"
#include "draw.h"
#include "refine.h"
#include "search.h"

#define WIDTH 44

static const void *pc_of[MAX_STEPS];

static void note_pc(int step, int actor)
{
	pc_of[step] = world.actor[actor].pc;
}

/* Read line @number of @file into @text, without blanks at its ends. */
static void read_line(const char *file, int number, char *text, size_t size)
{
	FILE *f = fopen(file, "r");
	char line[256];
	size_t skip;

	text[0] = '\0';
	for (int i = 0; f && i < number && fgets(line, sizeof(line), f); i++)
		if (i == number - 1) {
			skip = strspn(line, " \t");
			line[strcspn(line, "\n")] = '\0';
			snprintf(text, size, "%s", line + skip);
		}
	if (f)
		fclose(f);
}

/* The line of the source at @pc; the address before @pc is in the call. */
static void source_at(const void *pc, char *text, size_t size, char *place)
{
	char command[128], where[512] = "", *colon;
	FILE *f;

	snprintf(command, sizeof(command),
		 "addr2line -e /proc/%d/exe %#lx 2>/dev/null", getpid(),
		 (unsigned long)pc - 1);
	f = popen(command, "r");
	if (!f || !fgets(where, sizeof(where), f))
		where[0] = '\0';
	if (f)
		pclose(f);
	colon = strrchr(where, ':');
	text[0] = '\0';
	place[0] = '\0';
	if (!colon)
		return;
	*colon = '\0';
	read_line(where, atoi(colon + 1), text, size);
	sprintf(place, "%.40s:%d",
		strrchr(where, '/') ? strrchr(where, '/') + 1 : where,
		atoi(colon + 1));
}

static void draw_step(int step, int actor)
{
	char text[WIDTH * 2], place[64];

	if (!pc_of[step]) {
		printf("#  %*s%s\n", actor * 8, "", "begins");
		return;
	}
	source_at(pc_of[step], text, sizeof(text), place);
	printf("#  %*s%-*.*s %s\n", actor * 8, "", WIDTH, WIDTH, text, place);
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
	draw_state();
	printf("# %s\n", violation[0] ? violation : "no property is violated");
}
