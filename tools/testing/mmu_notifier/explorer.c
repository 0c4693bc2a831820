// SPDX-License-Identifier: GPL-2.0
/*
 * Find a schedule of the explorer, Documentation/model.rst, in which the actors
 * of a failed configuration fail.
 *
 * The explorer moves tasks of a running kernel from hold to hold, so few
 * schedules of this program are schedules of the explorer.  The order of the
 * steps of a counterexample is one of many.  Therefore explorer.c does not
 * translate the counterexample.  It plans the schedules that the explorer would
 * play with the same actors, plays them here, and prints the shortest that
 * fails.
 */
#include <stdio.h>
#include <string.h>

#include "actor.h"
#include "config.h"
#include "explorer.h"
#include "hold.h"
#include "model/schedule.h"
#include "model/search.h"
#include "refine.h"

/*
 * The tasks that the explorer has, and their names there.  In a name, R stands
 * for the range, F for the first page and L for the last page.
 */
static const struct {
	void (*run)(void *role);
	const char *name;
} names[] = {
	{ reader, "rR" },
	{ inserter, "iR" },
	{ insert_and_read, "iR,rR" },
	{ insert_and_remove, "iR,dR" },
	{ remover, "dR" },
	{ invalidator, "madviseFL" },
	{ reaper, "reaper" },
	{ exiter, "exit" },
	{},
};

/* The opposite direction: the task of each actor of the explorer */
static void (*const tasks[MODEL_KINDS])(void *role) = {
	[MODEL_READER] = reader,   [MODEL_INSERTER] = inserter,
	[MODEL_REMOVER] = remover, [MODEL_MADVISE] = invalidator,
	[MODEL_REAPER] = reaper,   [MODEL_EXIT] = exiter,
};

static const char *name_of(const struct role *role)
{
	int i = 0;

	while (names[i].run && names[i].run != role->run)
		i++;
	return names[i].name;
}

static char *put_name(char *to, const char *name, const struct role *role)
{
	for (; *name; name++)
		*to++ = *name == 'R' ? 'A' + role->range :
			*name == 'F' ? '0' + role->first :
			*name == 'L' ? '0' + role->last :
				       *name;
	*to = '\0';
	return to;
}

/* Returns false if the explorer has no such task. */
static bool put_actors(char *to, const struct config *config)
{
	for (const struct role *role = config->role; role->run; role++) {
		const char *name = name_of(role);

		if (!name)
			return false;
		if (role != config->role)
			*to++ = ',';
		to = put_name(to, name, role);
	}
	return true;
}

static bool has_reaper(const struct config *config)
{
	for (const struct role *role = config->role; role->run; role++)
		if (role->run == reaper)
			return true;
	return false;
}

/* Only range A of the explorer refuses, and only the reaper must not block. */
static bool has_other_notifiers(const struct config *config)
{
	return config->two_pass || config->wide || config->setup ||
	       config->listeners & ~1 || config->list_refuses ||
	       config->refuses != (has_reaper(config) ? A : 0);
}

static bool has_other_settings(const struct config *config)
{
	const struct mm_settings none = {};

	return memcmp(&config->settings, &none, sizeof(none));
}

/* Returns whether the explorer has the actors, the notifiers and the ranges. */
static bool translate(struct model_config *model, const struct config *config)
{
	char text[MAX_ROLES * 10];

	return !has_other_notifiers(config) && !has_other_settings(config) &&
	       put_actors(text, config) && config_parse(model, text) &&
	       config_is_modelled(model) && model->nr < MAX_ROLES &&
	       !(config->live & ~model->live);
}

/* Returns @from with the ranges and the tasks that the explorer has. */
static struct config translate_back(const struct model_config *model,
				    const struct config *from)
{
	struct config config = {
		.live = model->live,
		.refuses = from->refuses,
		.listeners = from->listeners,
	};

	for (int i = 0; i < model->nr; i++) {
		const struct model_role *role = &model->role[i];

		config.role[i] = (struct role){
			.run = tasks[role->kind],
			.range = role->range,
			.first = role->first,
			.last = role->last,
		};
	}
	return config;
}

/* A violation that a kernel without KASAN may not notice */
static const char freed[] = "use after free";
/* A violation that the explorer does not notice: its calls have no owner. */
static const char owner[] = "a callback gets another owner";

static bool violates(const char *text)
{
	return !strncmp(violation, text, strlen(text));
}

/* The best schedule that was found */
struct found {
	struct schedule schedule;
	int steps; /* to the difference, or 0 */
	bool kasan; /* A kernel without KASAN may not notice the difference. */
};

static bool is_better(const struct found *found, int steps, bool kasan)
{
	if (!found->steps || kasan != found->kasan)
		return steps && (!found->steps || !kasan);
	return steps && steps < found->steps;
}

static void try_schedule(struct found *found, const struct config *config,
			 const struct schedule *schedule)
{
	const int steps = hold_play(config, &schedule->config, schedule->step,
				    schedule->nr);
	const bool kasan = violates(freed);

	if (violates(owner) || !is_better(found, steps, kasan))
		return;
	*found = (struct found){ *schedule, steps, kasan };
	if (schedule->nr > steps)
		found->schedule.nr = steps;
}

static void find(struct found *found, const struct model_config *model,
		 const struct config *config)
{
	struct schedule schedule;
	struct search search;

	search_all(&search, model, 0);
	for (int i = 0; i < search.nr_goals; i++) {
		search_schedule(&search, i, &schedule);
		try_schedule(found, config, &schedule);
	}
	search_free(&search);
}

void explorer_print(const struct config *config)
{
	struct found found = {};
	struct model_config model;
	struct config same;
	char text[SCHEDULE_TEXT];

	if (config->walks || config->caught || !translate(&model, config))
		return;
	same = translate_back(&model, config);
	find(&found, &model, &same);
	if (!found.steps)
		return;
	schedule_print(text, &found.schedule);
	printf("# These tasks fail in a VM%s: make kselftest SCHEDULE='%s'\n",
	       found.kasan ? " with KASAN" : "", text);
}
