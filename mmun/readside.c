// SPDX-License-Identifier: GPL-2.0
/*
 * The read side.  Each kind has a function that begins a read side critical
 * section, and a function that detects a collision.  A batch has one critical
 * section, and so has each round of SNAPSHOT.  A commit ends a critical
 * section.
 */

#include "private.h"

static int mmun_section_begin(struct mmun_range *range, unsigned long *seq)
{
	int ret = range->kind->read_begin(range, seq);

	if (!ret)
		mmun_log_range(range, MMUN_RECORD_BEGIN, *seq);
	return ret;
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

/* Return 0 if the critical section may publish its pages, or an error. */
static int mmun_section_check(struct mmun_range *range, unsigned long seq)
{
	lockdep_assert_held(&range->lock);
	if (range->disabled)
		return -ENOENT;
	return range->kind->read_retry(range, seq) ? -EBUSY : 0;
}

/*
 * Check before the allocation of tables, so that a section that cannot publish
 * its pages allocates no table.  If munmap() has freed the table of the pages, a
 * new table would stay empty until the callback of a later invalidation frees
 * it, or until the removal of the range.
 */
static int mmun_section_check_early(struct mmun_range *range, unsigned long seq)
{
	guard(spinlock)(&range->lock);
	return mmun_section_check(range, seq);
}

static int mmun_section_publish(struct mmun_range *range, unsigned long seq,
				struct list_head *parts, u32 *published)
{
	struct mmun_part *part;
	int ret;

	guard(spinlock)(&range->lock);
	ret = mmun_section_check(range, seq);
	if (ret)
		return ret;
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
	int ret = mmun_section_check_early(range, seq);

	if (!ret)
		ret = mmun_section_reserve(range, parts);
	if (!ret)
		ret = mmun_section_publish(range, seq, parts, published);
	if (!ret)
		mmun_log_range(range, MMUN_RECORD_COMMIT, seq);
	else if (ret == -EBUSY)
		mmun_collision_record(range, seq);
	return ret;
}
