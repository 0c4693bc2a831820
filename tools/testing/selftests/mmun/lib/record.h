/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Functions by which a test reads, expects and prints records of the log.
 */
#ifndef _SELFTESTS_MMUN_RECORD_H
#define _SELFTESTS_MMUN_RECORD_H

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "assert.h"

/*
 * Read the next record without waiting.  Returns 1, or 0 if the log is empty.
 */
static inline int mmun_next_record(int fd, struct mmun_record *record)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	if (poll(&pfd, 1, 0) != 1)
		return 0;
	return read(fd, record, sizeof(*record)) == sizeof(*record);
}

static inline void mmun_drain_log(int fd)
{
	struct mmun_record record;

	while (mmun_next_record(fd, &record))
		;
}

/*
 * Wait for the next record of type @type.  Returns 1, or 0 if no record was
 * written for MMUN_PATIENCE_MS.
 */
static inline int mmun_wait_record(int fd, __u16 type,
				   struct mmun_record *record)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	while (poll(&pfd, 1, MMUN_PATIENCE_MS) == 1) {
		if (read(fd, record, sizeof(*record)) != sizeof(*record))
			return 0;
		if (record->type == type)
			return 1;
	}
	return 0;
}

static inline void mmun_print_record(const struct mmun_record *r)
{
	fprintf(stderr,
		"#   seq %llu type %u id %u event %u flags %x cur_seq %llu [%llx, %llx) clip [%llx, %llx) by %u/%u %.16s\n",
		(unsigned long long)r->sequence, r->type, r->id, r->event,
		r->flags, (unsigned long long)r->cur_seq,
		(unsigned long long)r->start, (unsigned long long)r->end,
		(unsigned long long)r->clip_start,
		(unsigned long long)r->clip_end, r->tid, r->tgid, r->comm);
}

/* All records of the log, for a test that cannot predict their order */
struct mmun_records {
	struct mmun_record records[256];
	int count;
};

static inline void mmun_read_all(int fd, struct mmun_records *log)
{
	for (log->count = 0; log->count < 256; log->count++)
		if (!mmun_next_record(fd, &log->records[log->count]))
			return;
}

static inline void mmun_print_all(const struct mmun_records *log)
{
	for (int i = 0; i < log->count; i++)
		mmun_print_record(&log->records[i]);
}

/*
 * Expect that the next record reports a blockable invalidation with the event
 * @_event to range @_id.  The part of the invalidation that is inside the range
 * must be [@_start, @_start + @_length).  Evaluates to the record.
 */
#define mmun_expect_event(_id, _event, _start, _length)                        \
	({                                                                     \
		struct mmun_record __r = {};                                   \
		ASSERT_EQ(1, mmun_next_record(self->fd, &__r))                 \
		{                                                              \
			TH_LOG("no event, expected %d on range %u",            \
			       (int)(_event), (unsigned int)(_id));            \
		}                                                              \
		EXPECT_EQ(MMUN_RECORD_INVALIDATE, __r.type);                   \
		EXPECT_EQ(_id, __r.id);                                        \
		EXPECT_EQ(_event, __r.event);                                  \
		EXPECT_EQ(MMUN_RECORD_BLOCKABLE | MMUN_KIND_FLAGS, __r.flags); \
		EXPECT_EQ(1, __r.cur_seq & 1);                                 \
		EXPECT_EQ(mmun_u64(_start), __r.clip_start);                   \
		EXPECT_EQ(mmun_u64(_start) + (_length), __r.clip_end)          \
		{                                                              \
			mmun_print_record(&__r);                               \
		}                                                              \
		__r;                                                           \
	})

#define mmun_expect_no_event()                                 \
	({                                                     \
		struct mmun_record __r = {};                   \
		EXPECT_EQ(0, mmun_next_record(self->fd, &__r)) \
		{                                              \
			mmun_print_record(&__r);               \
		}                                              \
	})

#endif /* _SELFTESTS_MMUN_RECORD_H */
