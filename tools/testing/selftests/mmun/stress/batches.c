// SPDX-License-Identifier: GPL-2.0
/*
 * Operations on batches: READ_BEGIN, COLLECT and COMMIT.  Each thread has
 * several open batches, and executes other calls while the batches are open.
 */

static int op_begin(const struct area *range)
{
	struct batch *batch = &me->batches[roll(BATCHES)];
	struct mmun_query_range before, after;

	if (batch->token.batch)
		return IDLE;
	if (_mmun_query_range(range->fd, range->id, &before) ||
	    _mmun_read_begin(range->fd, range->id, &batch->token))
		return errno;
	raise_to(&shared->most_batches, ++shared->batches_open);
	batch->area = *range;
	batch->stale = false;
	batch->invalidations_before = before.out_invalidations;
	/* The query fails if another thread has removed the range. */
	batch->invalidations = ~0ULL;
	if (!_mmun_query_range(range->fd, range->id, &after))
		batch->invalidations = after.out_invalidations;
	return 0;
}

static struct batch *pick_batch(void)
{
	int from = roll(BATCHES);

	for (int i = 0; i < BATCHES; i++) {
		struct batch *batch = &me->batches[(from + i) % BATCHES];
		if (batch->token.batch)
			return batch;
	}
	return NULL;
}

static void batch_is_closed(struct batch *batch)
{
	shared->batches_open--;
	batch->token.batch = 0;
}

static int abandon(struct batch *batch)
{
	int ret = result(_mmun_abandon(batch->area.fd, batch->token));

	if (ret)
		fail("MMUN_ABANDON: %s", strerror(ret));
	batch_is_closed(batch);
	return ret;
}

static int op_collect(const struct area *unused)
{
	struct way way = pick_way();
	struct batch *batch = pick_batch();
	struct area area;
	__u32 valid;

	if (!batch)
		return IDLE;
	area = batch->area;
	pick_part(&area);
	if (!_mmun_collect(area.fd, batch->token, area_at(&area),
			   area_length(&area), way.method, way.flags, &valid))
		return 0;
	if (errno == EBUSY)
		batch->stale = true;
	return errno;
}

/*
 * COMMIT must collide if a callback of the range ran since READ_BEGIN.  COMMIT
 * must not collide if no callback ran, and the sequence did not change either.
 * The sequence of MMUN_KIND_INVLOCK changes without a callback of the range.
 */
static void check_commit(const struct batch *batch, bool collided, __u64 before,
			 const struct mmun_query_range *after)
{
	if (!collided && before > batch->invalidations)
		fail("the commit succeeded after %llu invalidations",
		     before - batch->invalidations);
	if (!collided && batch->stale)
		fail("the commit of a stale batch succeeded");
	if (collided && after->out_seq == batch->token.seq &&
	    after->out_invalidations == batch->invalidations_before)
		fail("the commit collided without an invalidation");
}

static int op_commit(const struct area *unused)
{
	struct mmun_query_range before = {}, after = {};
	struct batch *batch = pick_batch();
	struct mmun_commit commit;
	int ret;

	if (!batch)
		return IDLE;
	if (!roll(8))
		return abandon(batch);
	_mmun_query_range(batch->area.fd, batch->area.id, &before);
	ret = result(_mmun_commit(batch->area.fd, batch->token, &commit));
	batch_is_closed(batch);
	if (ret || _mmun_query_range(batch->area.fd, batch->area.id, &after))
		return ret;
	check_commit(batch, commit.out_collided, before.out_invalidations,
		     &after);
	raise_to(&shared->most_between,
		 after.out_invalidations - batch->invalidations_before);
	look_around(&batch->area);
	return 0;
}

static int op_check_retry(const struct area *unused)
{
	struct batch *batch = pick_batch();
	__u32 retry;

	if (!batch)
		return IDLE;
	if (_mmun_check_retry(batch->area.fd, batch->area.id, batch->token.seq,
			      &retry))
		return errno;
	if (batch->stale && !retry)
		fail("a stale batch is not stale any more");
	batch->stale = retry;
	return 0;
}

static void drop_batches(void)
{
	struct batch *batch;

	while ((batch = pick_batch()))
		abandon(batch);
}
