// SPDX-License-Identifier: GPL-2.0
/*
 * Reads the log, checks each record, and counts the callbacks of each
 * invalidation.
 */

/* Count the callbacks of an invalidation, which have consecutive records. */
static void count_hit(struct context *context, const struct mmun_record *r)
{
	const struct mmun_record *first = &context->first;

	if (context->hits && r->tid == first->tid && r->start == first->start &&
	    r->end == first->end && r->event == first->event &&
	    r->cur_seq == first->cur_seq && r->id != first->id) {
		context->hits++;
	} else {
		context->first = *r;
		context->hits = 1;
	}
	raise_to(&shared->most_hit, context->hits);
	raise_to(&shared->longest_callback, r->duration_ns / 1000);
}

static void check_record(const struct mmun_record *r)
{
	if (!(r->cur_seq & 1))
		fail("a callback has the even sequence %llu", r->cur_seq);
	if (r->event > MMUN_EVENT_RELEASE && r->event != MMUN_EVENT_MIGRATE)
		fail("a callback has the unknown event %u", r->event);
	if (r->clip_start < r->start || r->clip_start >= r->clip_end)
		fail("a callback has [%llx, %llx), which is not in [%llx, %llx)",
		     r->clip_start, r->clip_end, r->start, r->end);
}

/* Returns the number of records that were read. */
static int read_log(const struct area *area)
{
	struct context *context = area->context;
	struct mmun_record records[64], *r;
	ssize_t size = read(area->fd, records, sizeof(records));
	int count = size < 0 ? 0 : size / sizeof(*r);

	for (r = records; r < records + count; r++) {
		if (r->sequence < context->log_next)
			fail("the sequence of the log went back");
		shared->lost += r->sequence - context->log_next;
		context->log_next = r->sequence + 1;
		if (r->type != MMUN_RECORD_INVALIDATE)
			continue;
		check_record(r);
		count_hit(context, r);
	}
	shared->records += count;
	return count;
}

static int op_log(const struct area *area)
{
	if (atomic_exchange(&area->context->log_lock, 1))
		return IDLE;
	for (int i = 0; i < 64 && read_log(area); i++)
		;
	area->context->log_lock = 0;
	return 0;
}
