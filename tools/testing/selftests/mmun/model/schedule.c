// SPDX-License-Identifier: GPL-2.0
/* Parses and prints configurations and schedules in the format of schedule.h */
#include <stdio.h>
#include <string.h>

#include "schedule.h"

static size_t args_length(int args)
{
	return args == MODEL_TWO_PAGES ? 2 : args != MODEL_NO_ARGS;
}

static bool parse_args(struct model_role *role, const char *args)
{
	switch (model_kinds[role->kind].args) {
	case MODEL_RANGE:
		role->range = args[0] - 'A';
		role->first = role->range;
		role->last = role->range + 1;
		return role->range < MODEL_RANGES;
	case MODEL_NUMBER:
		role->range = args[0] - '0';
		return role->range < MODEL_KEYS;
	case MODEL_TWO_PAGES:
		role->first = args[0] - '0';
		role->last = args[1] - '0';
		return role->first <= role->last && role->last < MODEL_PAGES;
	default:
		role->last = role->kind == MODEL_EXIT ? MODEL_ALL_PAGES :
							MODEL_PAGES - 1;
		return true;
	}
}

static bool parse_role(struct model_role *role, const char *text, size_t length)
{
	for (int kind = 0; kind < MODEL_KINDS; kind++) {
		const char *name = model_kinds[kind].name;
		const size_t n = strlen(name);

		if (length != n + args_length(model_kinds[kind].args) ||
		    strncmp(text, name, n))
			continue;
		*role = (struct model_role){ .kind = kind };
		memcpy(role->text, text, length);
		return parse_args(role, text + n);
	}
	return false;
}

/*
 * Returns the mask of the ranges that exist before the first step: A, C and the
 * ranges that actors use, except the ranges that actors insert.
 */
static __u8 live_ranges(const struct model_config *config)
{
	__u8 live = 1 << 0 | 1 << 2, inserted = 0;

	for (int i = 0; i < config->nr; i++) {
		const struct model_role *role = &config->role[i];

		if (role->kind == MODEL_INSERTER)
			inserted |= 1 << role->range;
		else if (model_kinds[role->kind].args == MODEL_RANGE)
			live |= 1 << role->range;
	}
	return live & ~inserted;
}

/*
 * A plain listener exists at the start, unless an actor registers it.  An object
 * exists at the start with one user for each actor that puts it.
 */
static void find_listeners(struct model_config *config)
{
	__u8 registered = 0;

	for (int i = 0; i < config->nr; i++) {
		const struct model_role *role = &config->role[i];

		if (role->kind == MODEL_REGISTER)
			registered |= 1 << role->range;
		if (role->kind == MODEL_REGISTER ||
		    role->kind == MODEL_UNREGISTER)
			config->plain |= 1 << role->range;
		if (role->kind == MODEL_PUT)
			config->users[role->range]++;
	}
	config->listed = config->plain & ~registered;
}

/* The kinds of ranges that the text of a configuration can begin with */
static const struct kind_prefix {
	const char *text;
	__u32 kind;
} prefixes[] = {
	{ "two_pass:", MMUN_KIND_TWO_PASS },
	{ "invlock:", MMUN_KIND_INVLOCK },
	{},
};

/* Returns the text after the kind of the ranges. */
static const char *parse_kind(struct model_config *config, const char *text)
{
	for (const struct kind_prefix *p = prefixes; p->text; p++) {
		const size_t n = strlen(p->text);

		if (strncmp(text, p->text, n))
			continue;
		config->kind = p->kind;
		return text + n;
	}
	return text;
}

const char *config_parse(struct model_config *config, const char *text)
{
	size_t n;

	*config = (struct model_config){ .kind = MMUN_KIND_INTERVAL };
	text = parse_kind(config, text);
	config->rules = model_rules_of(config->kind);
	for (;; text += n + 1) {
		n = strcspn(text, ",-");
		if (config->nr == MODEL_ACTORS ||
		    !parse_role(&config->role[config->nr++], text, n))
			return NULL;
		if (text[n] != ',')
			break;
	}
	config->live = live_ranges(config);
	find_listeners(config);
	return text + n;
}

static bool ends_process(const struct model_role *role)
{
	return role->kind == MODEL_EXIT || role->kind == MODEL_REAPER;
}

/* Returns whether only one actor of the kind may use a range or a number. */
static bool is_unique(int kind)
{
	return kind == MODEL_INSERTER || kind == MODEL_REGISTER ||
	       kind == MODEL_UNREGISTER;
}

/*
 * Returns whether two actors may be in one configuration.  The model has one
 * VMA, and does not specify a second change of a page.  Two mutators must not
 * invalidate the same page, unless both mutators only empty the page.  A
 * process that exits or is dead does not mutate.  A fork() invalidates each
 * VMA, so no call may split the VMA.  process_mrelease() calls the listeners for
 * VMAs that are not in the model.
 */
static bool are_compatible(const struct model_role *a,
			   const struct model_role *b)
{
	const bool apart = a->last < b->first || b->last < a->first;

	if (is_unique(a->kind) && a->kind == b->kind)
		return a->range != b->range;
	if (model_uses_list(a->kind) || model_uses_list(b->kind))
		return a->kind != MODEL_REAPER && b->kind != MODEL_REAPER;
	if (a->kind < MODEL_MADVISE || b->kind < MODEL_MADVISE)
		return true;
	if (ends_process(a) || ends_process(b))
		return false;
	if (a->kind == MODEL_FORK || b->kind == MODEL_FORK)
		return a->kind == MODEL_MADVISE || b->kind == MODEL_MADVISE;
	return apart || (a->kind == MODEL_MADVISE && b->kind == MODEL_MADVISE);
}

/* Returns the largest number of listeners.  Each get can make an object. */
static int nr_listeners(const struct model_config *config)
{
	int nr = 1 + __builtin_popcount(config->plain);

	for (int key = 0; key < MODEL_KEYS; key++)
		nr += !!config->users[key];
	for (int i = 0; i < config->nr; i++)
		nr += config->role[i].kind == MODEL_GET;
	return nr;
}

/*
 * The model does not specify the list notifier of invlock as a listener.
 * process_mrelease() advances the sequence of invlock for each VMA.
 */
static bool is_foreign(const struct model_config *config,
		       const struct model_role *role)
{
	return config->kind == MMUN_KIND_INVLOCK &&
	       (model_uses_list(role->kind) || role->kind == MODEL_REAPER);
}

bool config_is_modelled(const struct model_config *config)
{
	int mutators = 0;

	for (int i = 0; i < config->nr; i++) {
		if (is_foreign(config, &config->role[i]))
			return false;
		mutators += model_is_mutator(config->role[i].kind);
		for (int j = 0; j < i; j++)
			if (!are_compatible(&config->role[i], &config->role[j]))
				return false;
	}
	return mutators <= 2 && config->live &&
	       nr_listeners(config) <= MODEL_LISTENERS;
}

bool config_uses_list(const struct model_config *config)
{
	for (int i = 0; i < config->nr; i++)
		if (model_uses_list(config->role[i].kind))
			return true;
	return false;
}

const char *config_name(const struct model_config *config, int actor)
{
	const char letter = model_kinds[config->role[actor].kind].letter;
	static char name[16];
	int earlier = 0; /* actors with the same letter */

	for (int i = 0; i < actor; i++)
		earlier += model_kinds[config->role[i].kind].letter == letter;
	snprintf(name, sizeof(name), "%c%d", letter, earlier);
	return name;
}

static int find_actor(const struct model_config *config, const char *name)
{
	for (int i = 0; i < config->nr; i++)
		if (!strncmp(config_name(config, i), name, 2))
			return i;
	return -1;
}

bool schedule_parse(struct schedule *schedule, const char *text)
{
	text = config_parse(&schedule->config, text);
	if (!text || !config_is_modelled(&schedule->config))
		return false;
	for (schedule->nr = 0; *text; text += 3) {
		const int actor = find_actor(&schedule->config, text + 1);

		if (actor < 0 || schedule->nr == SCHEDULE_STEPS)
			return false;
		schedule->step[schedule->nr++] = actor;
	}
	return true;
}

void schedule_print(char to[SCHEDULE_TEXT], const struct schedule *schedule)
{
	const struct model_config *config = &schedule->config;

	for (const struct kind_prefix *p = prefixes; p->text; p++)
		if (config->kind == p->kind)
			to += sprintf(to, "%s", p->text);
	for (int i = 0; i < config->nr; i++)
		to += sprintf(to, "%s%s", i ? "," : "", config->role[i].text);
	for (int i = 0; i < schedule->nr; i++)
		to += sprintf(to, "%c%s", i ? '.' : '-',
			      config_name(config, schedule->step[i]));
}
