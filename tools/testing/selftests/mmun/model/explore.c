// SPDX-License-Identifier: GPL-2.0
/*
 * The explorer: plays all schedules of a configuration, or a part of them.
 */
#include <unistd.h>

#include "../lib/ioctl.h"
#include "explore.h"

/* What the explorer has done so far */
struct progress {
	__u32 schedules;
	__u64 steps; /* taken on the kernel */
};

static bool play_tour(struct search *search, struct tour tour,
		      struct progress *done)
{
	const double start = now();

	for (__u32 i = tour.from; i < search->nr_goals; i++) {
		if ((tour.limit && done->schedules == tour.limit) ||
		    (tour.seconds && now() - start > tour.seconds))
			break;
		search_schedule(search, i, &play.schedule);
		if (!play_schedule())
			return false;
		search_take(search, play.step, play.nr);
		done->schedules++;
		done->steps += play.nr;
	}
	return true;
}

bool explore(const char *text, struct tour tour)
{
	const double start = now();
	struct model_config config;
	struct progress done = {};
	struct search search;
	bool agreed;

	if (!config_parse(&config, text) || !config_is_modelled(&config)) {
		fprintf(stderr, "# %s is not a configuration\n", text);
		return false;
	}
	config.no_collect = !has_hmm();
	search_all(&search, &config, tour.depth);
	agreed = play_tour(&search, tour, &done);
	/* scripts/measure/explore.sh reads this line. */
	fprintf(stderr,
		"# explored %s: %u played of %u schedules, %u states, %u taken of %u edges, %llu steps, %.0f a second\n",
		text, done.schedules, search.nr_goals, search.nr_nodes,
		search.nr_taken, search.nr_edges,
		(unsigned long long)done.steps,
		done.schedules / (now() - start));
	if (!agreed)
		play_report();
	agreed = agreed && (done.schedules < search.nr_goals ||
			    search.nr_taken == search.nr_edges);
	search_free(&search);
	return agreed;
}

bool has_hmm(void)
{
	const int fd = mmun_open();
	const bool has = mmun_has_feature(fd, MMUN_FEATURE_HMM);

	close(fd);
	return has;
}
