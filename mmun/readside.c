// SPDX-License-Identifier: GPL-2.0
/*
 * The read side.  Each kind has a function that begins a read side critical
 * section, and a function that detects a collision.  A batch has one critical
 * section, and so has each round of SNAPSHOT.  A commit ends a critical
 * section.
 */

#include "private.h"

static unsigned long mmun_section_begin(struct mmun_range *range)
{
	unsigned long seq = range->kind->read_begin(range);

	mmun_log_range(range, MMUN_RECORD_BEGIN, seq);
	return seq;
}

/* Count and log a collision. */
static void mmun_collision_record(struct mmun_range *range, unsigned long seq)
{
	scoped_guard(spinlock, &range->lock)
		range->collisions++;
	mmun_log_range(range, MMUN_RECORD_COLLIDE, seq);
}

static int mmun_section_reserve(struct mmun_range *range,
				struct list_head *parts)
{
	struct mmun_part *part;
	int ret;

	list_for_each_entry(part, parts, node) {
		ret = mmun_shadow_reserve(range, part->first, part->nr);
		if (ret)
			return ret;
	}
	return 0;
}

/*
 * Return true if a commit would allocate tables for nothing, because munmap()
 * has invalidated the pages and freed their tables.  An empty table would stay
 * until the removal of the range if the addresses are never used again.
 */
static bool mmun_section_is_in_vain(struct mmun_range *range, unsigned long seq)
{
	if (!range->policy)
		return false;
	guard(spinlock)(&range->lock);
	return range->kind->read_retry(range, seq);
}

static int mmun_section_publish(struct mmun_range *range, unsigned long seq,
				struct list_head *parts, u32 *published)
{
	struct mmun_part *part;

	guard(spinlock)(&range->lock);
	if (range->disabled)
		return -ENOENT;
	if (range->kind->read_retry(range, seq))
		return -EBUSY;
	*published = 0;
	list_for_each_entry(part, parts, node) {
		mmun_shadow_publish(range, part);
		*published += part->valid;
	}
	range->commits++;
	return 0;
}

/*
 * End the critical section: publish @parts, unless an invalidation has hit the
 * range.  Returns -EBUSY if an invalidation has hit the range, and -ENOENT if
 * REMOVE has begun.
 */
static int mmun_section_commit(struct mmun_range *range, unsigned long seq,
			       struct list_head *parts, u32 *published)
{
	int ret = -EBUSY;

	if (!mmun_section_is_in_vain(range, seq))
		ret = mmun_section_reserve(range, parts);
	if (!ret)
		ret = mmun_section_publish(range, seq, parts, published);
	if (!ret)
		mmun_log_range(range, MMUN_RECORD_COMMIT, seq);
	else if (ret == -EBUSY)
		mmun_collision_record(range, seq);
	return ret;
}
