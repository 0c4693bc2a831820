// SPDX-License-Identifier: GPL-2.0
/*
 * The explorer: plays all schedules of a configuration, or a part of them.
 */
#include <unistd.h>

#include "../lib/ioctl.h"
#include "explore.h"

struct stage stage;
struct tour tour;

static bool tour_play(struct tour *tour, struct search *search)
{
	const double start = now();
	__u32 i;

	for (i = tour->from; i < search->nr_goals; i++) {
		if ((tour->limit && tour->played == tour->limit) ||
		    (tour->seconds && now() - start > tour->seconds))
			break;
		search_schedule(search, i, &tour->schedule);
		if (!play(&tour->play, tour->stage, &tour->schedule))
			return false;
		search_take(search, tour->play.step, tour->play.nr);
		tour->played++;
		tour->steps += tour->play.nr;
	}
	return true;
}

bool tour_go(struct tour *tour, bool no_collect)
{
	struct model_config config;
	struct search search;
	bool agreed;

	if (!config_parse(&config, tour->text))
		return disagree(&tour->play, "no configuration: %s",
				tour->text);
	config.no_collect = no_collect;
	search_all(&search, &config, tour->depth);
	tour->states = search.nr_nodes;
	tour->edges = search.nr_edges;
	tour->schedules = search.nr_goals;
	agreed = tour_play(tour, &search);
	tour->taken = search.nr_taken;
	search_free(&search);
	return agreed;
}

bool has_hmm(void)
{
	struct mmun_info info = {};
	int fd = mmun_open();

	_mmun_info(fd, &info);
	close(fd);
	return info.out_features & MMUN_FEATURE_HMM;
}
