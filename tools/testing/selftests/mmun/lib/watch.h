/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Checks which invalidations the log reports for each of several ranges.  The
 * order of the records does not matter.
 */
#ifndef _SELFTESTS_MMUN_WATCH_H
#define _SELFTESTS_MMUN_WATCH_H

#include <stdbool.h>

#include "record.h"

/**
 * struct watch - a range
 * @id: the ID of the range
 * @start: the first byte of the range
 * @length: the length of the range in bytes
 */
struct watch {
	__u32 id;
	char *start;
	size_t length;
};

#define watch_range(_start, _length)                \
	((struct watch){                            \
		.id = mmun_insert(_start, _length), \
		.start = _start,                    \
		.length = _length,                  \
	})

static inline bool watch_meets(const struct watch *w, const char *start,
			       size_t length)
{
	return start < w->start + w->length && w->start < start + length;
}

/*
 * Returns whether @r reports @event on exactly [start, start + length) to @w.
 */
static inline bool watch_matches(const struct watch *w,
				 const struct mmun_record *r, __u32 event,
				 const char *start, size_t length)
{
	__u64 from = mmun_u64(start), to = from + length;
	__u64 first = mmun_u64(w->start), last = first + w->length - 1;

	return r->type == MMUN_RECORD_INVALIDATE && r->id == w->id &&
	       r->event == event &&
	       r->flags == (MMUN_RECORD_BLOCKABLE | MMUN_KIND_FLAGS) &&
	       r->cur_seq % 2 == 1 && r->start == from && r->end == to &&
	       r->clip_start == (from > first ? from : first) &&
	       r->clip_end == (to - 1 < last ? to : last + 1);
}

static inline int watch_count(const struct watch *w,
			      const struct mmun_records *log, __u32 event,
			      const char *start, size_t length)
{
	int count = 0;

	for (int i = 0; i < log->count; i++)
		count += watch_matches(w, &log->records[i], event, start,
				       length);
	return count;
}

/*
 * Expect that @_count is from @_min to @_max.  If @_count is wrong, print
 * @_fmt, which says what was counted, and the log.  Evaluates to @_count.
 */
#define expect_count(_log, _min, _max, _count, _fmt, ...)                     \
	({                                                                    \
		int __count = _count;                                         \
		EXPECT_EQ(true, (_min) <= __count && __count <= (_max))       \
		{                                                             \
			TH_LOG("%d and not %d to %d: " _fmt, __count, (_min), \
			       (_max), ##__VA_ARGS__);                        \
			mmun_print_all(_log);                                 \
		}                                                             \
		__count;                                                      \
	})

/*
 * Expect that @_min to @_max records report @_event for exactly [start, start +
 * length) to range @_watch.  Evaluates to the number of these records.
 */
#define expect_between(_log, _min, _max, _watch, _event, _start, _length) \
	expect_count(_log, _min, _max,                                    \
		     watch_count(_watch, _log, _event, _start, _length),  \
		     "event %u on [%p, %p) to range %u", _event, _start,  \
		     (_start) + (_length), (_watch)->id)

#define expect_times(_log, _times, _watch, _event, _start, _length) \
	expect_between(_log, _times, _times, _watch, _event, _start, _length)

/* Expect that the log has @_total records of any kind. */
#define expect_total(_log, _total) \
	expect_count(_log, _total, _total, (_log)->count, "records of any kind")

#endif /* _SELFTESTS_MMUN_WATCH_H */
