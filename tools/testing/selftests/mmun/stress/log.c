// SPDX-License-Identifier: GPL-2.0
/*
 * The log: what every callback must be, and how many came at once.
 */

/* The callbacks of one invalidation, while nobody else's come between. */
static void count_hit(struct hits *hits, const struct mmun_record *r)
{
	const struct mmun_record *first = &hits->first;

	if (hits->count && r->tid == first->tid && r->start == first->start &&
	    r->end == first->end && r->event == first->event &&
	    r->cur_seq == first->cur_seq && r->id != first->id) {
		hits->count++;
	} else {
		hits->first = *r;
		hits->count = 1;
	}
	raise_to(&shared->most_hit, hits->count);
	raise_to(&shared->longest_callback, r->duration_ns);
}

static void check_record(struct actor *actor, const struct mmun_record *r)
{
	if (!(r->cur_seq & 1))
		fail(actor, "a callback with the even sequence %llu",
		     (unsigned long long)r->cur_seq);
	if (r->event > MMUN_EVENT_RELEASE && r->event != MMUN_EVENT_MIGRATE)
		fail(actor, "a callback for the event %u", r->event);
	if (r->clip_start < r->start || r->clip_start >= r->clip_end)
		fail(actor, "a callback for [%llx, %llx) of [%llx, %llx)",
		     (unsigned long long)r->clip_start,
		     (unsigned long long)r->clip_end,
		     (unsigned long long)r->start, (unsigned long long)r->end);
}

/* Returns the number of records that were there. */
static int read_log(struct actor *actor, const struct target *target)
{
	struct hits *hits = &target->arena->hits[target->context];
	__u64 *next = &target->arena->log_next[target->context];
	struct mmun_record records[64];
	ssize_t size = read(target->fd, records, sizeof(records));
	int i, count = size < 0 ? 0 : size / sizeof(*records);

	for (i = 0; i < count; i++) {
		if (records[i].sequence < *next)
			fail(actor, "the log went back");
		add(&shared->lost, records[i].sequence - *next);
		*next = records[i].sequence + 1;
		if (records[i].type != MMUN_RECORD_INVALIDATE)
			continue;
		check_record(actor, &records[i]);
		count_hit(hits, &records[i]);
	}
	add(&shared->records, count);
	return count;
}

static int op_log(struct actor *actor)
{
	struct target target = pick_target(actor);
	__u32 *lock = &target.arena->log_locks[target.context];
	int i;

	if (swap(lock, 1))
		return IDLE;
	for (i = 0; i < 64 && read_log(actor, &target); i++)
		;
	set(lock, 0);
	return 0;
}
