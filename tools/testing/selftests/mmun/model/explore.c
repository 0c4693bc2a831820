// SPDX-License-Identifier: GPL-2.0
/* The explorer, which executes all or some schedules of a configuration */
#include <unistd.h>

#include "../lib/ioctl.h"
#include "explore.h"

static bool play_tour(struct search *search, struct tour tour)
{
	const struct timespec start = mmun_now();

	for (__u32 i = tour.from; i < search->nr_goals; i++) {
		if ((tour.limit && play.played == tour.limit) ||
		    (tour.ms && ms_since(&start) > tour.ms))
			break;
		search_schedule(search, i, &play.schedule);
		if (!play_schedule())
			return false;
		search_take(search, play.step, play.nr);
	}
	return true;
}

bool explore(const char *text, struct tour tour)
{
	const struct timespec start = mmun_now();
	struct model_config config;
	struct search search;
	bool agreed;

	if (!config_parse(&config, text) || !config_is_modelled(&config)) {
		fprintf(stderr, "# %s is not a valid configuration\n", text);
		return false;
	}
	config.no_collect = !has_hmm();
	search_all(&search, &config, tour.depth);
	agreed = play_tour(&search, tour);
	/* scripts/measure/explore.sh reads this line. */
	fprintf(stderr,
		"# explored %s: %u played of %u schedules, %u states, %u taken of %u edges, %u steps, %.0f a second\n",
		text, play.played, search.nr_goals, search.nr_nodes,
		search.nr_taken, search.nr_edges, play.steps,
		1000.0 * play.played / (ms_since(&start) + 1));
	if (!agreed)
		play_report();
	agreed = agreed && (play.played < search.nr_goals ||
			    search.nr_taken == search.nr_edges);
	search_free(&search);
	return agreed;
}

static bool has_kind(__u32 kind)
{
	const int fd = mmun_open();
	const bool has = mmun_has_kind(fd, kind);

	close(fd);
	return has;
}

const char *explore_problem(const char *text)
{
	struct model_config config;

	if (!config_parse(&config, text))
		return NULL;
	if (config_uses_list(&config) && access(LIST_DEV, R_OK | W_OK))
		return LIST_NO_DEVICE;
	if (!has_kind(config.kind))
		return "no two-pass notifiers: the kernel is older";
	return NULL;
}

bool has_hmm(void)
{
	const int fd = mmun_open();
	const bool has = mmun_has_feature(fd, MMUN_FEATURE_HMM);

	close(fd);
	return has;
}
