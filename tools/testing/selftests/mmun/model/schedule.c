// SPDX-License-Identifier: GPL-2.0
/*
 * Configurations and schedules as text, in the form that schedule.h shows.
 */
#include <stdio.h>
#include <string.h>

#include "schedule.h"

static const struct {
	const char *name;
	char letter;
	__u8 args; /* 1: a range, 2: two pages, 0: none */
	const char *text; /* what the actor does, in words */
} kinds[MODEL_KINDS] = {
	[MODEL_READER] = { "r", 'R', 1,
			   "begin, collect, check and commit on a range" },
	[MODEL_INSERTER] = { "i", 'I', 1, "insert a range" },
	[MODEL_REMOVER] = { "d", 'D', 1, "remove a range" },
	[MODEL_MADVISE] = { "madvise", 'M', 2,
			    "madvise(MADV_DONTNEED) of some pages" },
	[MODEL_MUNMAP] = { "munmap", 'M', 2, "munmap() of some pages" },
	[MODEL_MPROTECT] = { "mprotect", 'M', 2, "mprotect() of some pages" },
	[MODEL_MREMAP] = { "mremap", 'M', 2, "mremap() of some pages" },
	[MODEL_FORK] = { "fork", 'M', 0, "fork()" },
	[MODEL_REAPER] = { "reaper", 'P', 0, "process_mrelease(), twice" },
	[MODEL_EXIT] = { "exit", 'X', 0, "the last user of the mm exits" },
};

static bool parse_args(struct model_role *role, const char *args, size_t length)
{
	const int nr = kinds[role->kind].args;

	if (length != nr)
		return false;
	if (nr == 1) {
		role->range = args[0] - 'A';
		return role->range < MODEL_RANGES;
	}
	role->first = nr ? args[0] - '0' : 0;
	role->last = nr ? args[1] - '0' : MODEL_PAGES - 1;
	if (role->kind == MODEL_EXIT)
		role->last = MODEL_ALL_PAGES;
	return role->first <= role->last &&
	       (role->last < MODEL_PAGES || role->kind == MODEL_EXIT);
}

static bool parse_role(struct model_role *role, const char *text, size_t length)
{
	int kind;

	for (kind = MODEL_KINDS - 1; kind >= 0; kind--) {
		const size_t n = strlen(kinds[kind].name);

		if (length < n || strncmp(text, kinds[kind].name, n))
			continue;
		*role = (struct model_role){ .kind = kind };
		if (parse_args(role, text + n, length - n))
			return true;
	}
	return false;
}

/*
 * Returns the ranges that exist at first: A, C and the ranges that actors use,
 * except the ranges that an actor inserts.
 */
static __u8 live_ranges(const struct model_config *config)
{
	__u8 live = 1 << 0 | 1 << 2, inserted = 0;
	int i;

	for (i = 0; i < config->nr; i++) {
		if (config->role[i].kind == MODEL_INSERTER)
			inserted |= 1 << config->role[i].range;
		else if (kinds[config->role[i].kind].args == 1)
			live |= 1 << config->role[i].range;
	}
	return live & ~inserted;
}

static bool ends_process(const struct model_role *role)
{
	return role->kind == MODEL_EXIT || role->kind == MODEL_REAPER;
}

/*
 * Returns whether two actors may be in one configuration.  The model has one
 * VMA, and no state of a page after two calls.  So two mutators must not
 * invalidate the same page, unless both only empty the page.  A process that
 * exits or is dead does not mutate.  fork() invalidates each VMA, so no call
 * may split the VMA.  A range is inserted once.
 */
static bool are_compatible(const struct model_role *a,
			   const struct model_role *b)
{
	const bool apart = a->last < b->first || b->last < a->first;

	if (a->kind == MODEL_INSERTER && b->kind == MODEL_INSERTER)
		return a->range != b->range;
	if (a->kind < MODEL_MADVISE || b->kind < MODEL_MADVISE)
		return true;
	if (ends_process(a) || ends_process(b))
		return false;
	if (a->kind == MODEL_FORK || b->kind == MODEL_FORK)
		return a->kind == MODEL_MADVISE || b->kind == MODEL_MADVISE;
	return apart || (a->kind == MODEL_MADVISE && b->kind == MODEL_MADVISE);
}

/* Returns whether the model can do what the actors do. */
static bool is_modelled(const struct model_config *config)
{
	int i, j, mutators = 0;

	for (i = 0; i < config->nr; i++) {
		mutators += model_is_mutator(&config->role[i]);
		for (j = 0; j < i; j++)
			if (!are_compatible(&config->role[i], &config->role[j]))
				return false;
	}
	return mutators <= 2 && config->live;
}

const char *config_parse(struct model_config *config, const char *text)
{
	size_t n;

	*config = (struct model_config){ .rules = &model_rules, .refusals = 1 };
	for (;; text += n + 1) {
		n = strcspn(text, ",-");
		if (config->nr == MODEL_ACTORS ||
		    !parse_role(&config->role[config->nr++], text, n))
			return NULL;
		if (text[n] != ',')
			break;
	}
	config->live = live_ranges(config);
	return is_modelled(config) ? text + n : NULL;
}

const char *role_text(const struct model_role *role)
{
	return kinds[role->kind].text;
}

char role_letter(const struct model_role *role)
{
	return kinds[role->kind].letter;
}

int role_ordinal(const struct model_config *config, int actor)
{
	int i, nr = 0;

	for (i = 0; i < actor; i++)
		nr += role_letter(&config->role[i]) ==
		      role_letter(&config->role[actor]);
	return nr;
}

static int find_actor(const struct model_config *config, char letter, int nr)
{
	int i;

	for (i = 0; i < config->nr; i++)
		if (role_letter(&config->role[i]) == letter && !nr--)
			return i;
	return -1;
}

bool schedule_parse(struct schedule *schedule, const char *text)
{
	text = config_parse(&schedule->config, text);
	schedule->nr = 0;
	while (text && *text) {
		int actor = -1;

		if (text[1] && text[2])
			actor = find_actor(&schedule->config, text[1],
					   text[2] - '0');
		if (actor < 0 || schedule->nr == SCHEDULE_STEPS)
			return false;
		schedule->step[schedule->nr++] = actor;
		text += 3;
	}
	return text;
}

int role_print(char *to, size_t size, const struct model_role *role)
{
	const char *name = kinds[role->kind].name;

	switch (kinds[role->kind].args) {
	case 1:
		return snprintf(to, size, "%s%c", name, 'A' + role->range);
	case 2:
		return snprintf(to, size, "%s%d%d", name, role->first,
				role->last);
	default:
		return snprintf(to, size, "%s", name);
	}
}

void schedule_print(char *to, size_t size, const struct schedule *schedule)
{
	const struct model_config *config = &schedule->config;
	char *const end = to + size;
	int i;

	for (i = 0; i < config->nr && end - to > 16; i++) {
		if (i)
			*to++ = ',';
		to += role_print(to, end - to, &config->role[i]);
	}
	for (i = 0; i < schedule->nr && end - to > 16; i++) {
		const int actor = schedule->step[i];

		to += sprintf(to, "%c%c%d", i ? '.' : '-',
			      role_letter(&config->role[actor]),
			      role_ordinal(config, actor));
	}
}
