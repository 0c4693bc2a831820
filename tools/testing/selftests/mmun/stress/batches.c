// SPDX-License-Identifier: GPL-2.0
/*
 * Batches: the read side step by step.  A thread has several open at once, for
 * as many calls as it takes, and knows what has happened to each.
 */

static int op_begin(struct actor *actor)
{
	struct target target = pick_target(actor);
	struct open_batch *batch = &actor->batches[roll(actor, BATCHES)];
	struct mmun_query_range counters;
	struct slot slot;

	if (batch->token.batch || !pick_slot(actor, &target, &slot))
		return IDLE;
	if (_mmun_query_range(target.fd, slot.id, &counters))
		return errno;
	batch->invalidations_before = counters.out_invalidations;
	if (_mmun_read_begin(target.fd, slot.id, &batch->token)) {
		batch->token.batch = 0;
		return errno;
	}
	raise_to(&shared->most_batches, add(&shared->batches_open, 1));
	batch->arena = target.arena;
	batch->fd = target.fd;
	batch->id = slot.id;
	batch->first = slot.first;
	batch->pages = slot.pages;
	batch->stale = false;
	/* A range that was removed meanwhile is invalidated no more. */
	batch->invalidations = ~0ULL;
	if (!_mmun_query_range(target.fd, slot.id, &counters))
		batch->invalidations = counters.out_invalidations;
	return 0;
}

static struct open_batch *pick_batch(struct actor *actor)
{
	int i, from = roll(actor, BATCHES);
	struct open_batch *batch;

	for (i = 0; i < BATCHES; i++) {
		batch = &actor->batches[(from + i) % BATCHES];
		if (batch->token.batch)
			return batch;
	}
	return NULL;
}

static int abandon(struct actor *actor, struct open_batch *batch)
{
	int ret = _mmun_abandon(batch->fd, batch->token) ? errno : 0;

	if (ret)
		fail(actor, "MMUN_ABANDON: %s", strerror(ret));
	add(&shared->batches_open, -1);
	batch->token.batch = 0;
	return ret;
}

static int op_collect(struct actor *actor)
{
	struct way way = pick_way(actor);
	struct open_batch *batch = pick_batch(actor);
	struct slot slot;
	__u32 valid;
	int ret;

	if (!batch)
		return IDLE;
	slot = (struct slot){ .first = batch->first, .pages = batch->pages };
	pick_part(actor, &slot);
	if (!_mmun_collect(batch->fd, batch->token,
			   page_at(batch->arena, slot.first),
			   slot.pages * page_size(), way.method, way.flags,
			   &valid))
		return 0;
	ret = errno;
	/* Stale once is stale for ever. */
	if (ret == EBUSY)
		batch->stale = true;
	return ret;
}

/*
 * A callback that came after the begin, and returned before the commit, makes
 * it collide; without one it cannot.
 */
static void check_commit(struct actor *actor, const struct open_batch *batch,
			 bool collided, __u64 before, __u64 after)
{
	if (!collided && before > batch->invalidations)
		fail(actor, "committed in spite of %llu invalidations",
		     (unsigned long long)(before - batch->invalidations));
	if (!collided && batch->stale)
		fail(actor, "committed, and the batch was known to be stale");
	if (collided && after == batch->invalidations_before)
		fail(actor, "collided without an invalidation");
}

static int op_commit(struct actor *actor)
{
	struct open_batch *batch = pick_batch(actor);
	struct mmun_query_range before = {}, after = {};
	struct mmun_commit commit;
	int ret = 0;

	if (!batch)
		return IDLE;
	if (!roll(actor, 8))
		return abandon(actor, batch);
	_mmun_query_range(batch->fd, batch->id, &before);
	if (_mmun_commit(batch->fd, batch->token, &commit))
		ret = errno;
	add(&shared->batches_open, -1);
	batch->token.batch = 0;
	if (ret || _mmun_query_range(batch->fd, batch->id, &after))
		return ret;
	check_commit(actor, batch, commit.out_collided,
		     before.out_invalidations, after.out_invalidations);
	raise_to(&shared->most_between,
		 after.out_invalidations - batch->invalidations_before);
	look_around(actor, batch->arena, batch->fd, batch->id, batch->first,
		    batch->pages);
	return 0;
}

static int op_check_retry(struct actor *actor)
{
	struct open_batch *batch = pick_batch(actor);
	__u32 retry;

	if (!batch)
		return IDLE;
	if (_mmun_check_retry(batch->fd, batch->id, batch->token.seq, &retry))
		return errno;
	if (batch->stale && !retry)
		fail(actor, "a batch that was stale is fresh again");
	batch->stale = retry;
	return 0;
}

/* What nobody may leave behind. */
static void drop_batches(struct actor *actor)
{
	struct open_batch *batch;

	while ((batch = pick_batch(actor)))
		abandon(actor, batch);
}
