// SPDX-License-Identifier: GPL-2.0
/*
 * The explorer: plays all schedules of a configuration, or a part of them.
 */
#include <unistd.h>

#include "../lib/ioctl.h"
#include "explore.h"

struct stage stage;
struct tour tour;

static bool play_schedules(struct search *search)
{
	const double start = now();
	__u32 i;

	for (i = tour.from; i < search->nr_goals; i++) {
		if ((tour.limit && tour.played == tour.limit) ||
		    (tour.seconds && now() - start > tour.seconds))
			break;
		search_schedule(search, i, &tour.schedule);
		if (!play(&tour.play, &stage, &tour.schedule))
			return false;
		search_take(search, tour.play.step, tour.play.nr);
		tour.played++;
		tour.steps += tour.play.nr;
	}
	return true;
}

bool explore(const char *text)
{
	const double start = now();
	struct model_config config;
	struct search search;
	bool agreed;

	if (!config_parse(&config, text) || !config_is_modelled(&config)) {
		fprintf(stderr, "# %s is not a configuration\n", text);
		return false;
	}
	config.no_collect = !has_hmm();
	search_all(&search, &config, tour.depth);
	agreed = play_schedules(&search);
	/* scripts/measure/explore.sh reads this line. */
	fprintf(stderr,
		"# explored %s: %u played of %u schedules, %u states, %u taken of %u edges, %llu steps, %.0f a second\n",
		text, tour.played, search.nr_goals, search.nr_nodes,
		search.nr_taken, search.nr_edges,
		(unsigned long long)tour.steps, tour.played / (now() - start));
	if (!agreed)
		play_report(&tour.play);
	agreed = agreed && (tour.played < search.nr_goals ||
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
