// SPDX-License-Identifier: GPL-2.0
/*
 * SNAPSHOT: a whole read side critical section in one ioctl.
 */

#include "private.h"

/*
 * Add MMUN_OWN_LOOP if HMM cannot run the retry loop.  HMM has no retry loop in
 * old kernels, and GUP has none in any kernel.  The retry loop of HMM uses the
 * lock of the interval notifiers.  A range of MMUN_KIND_NAIVE must ignore this
 * lock, and a range of a list notifier has another lock.
 */
static u32 mmun_snapshot_flags(const struct mmun_range *range,
			       const struct mmun_snapshot *cmd)
{
	bool hmm_loop = MMUN_HAS_HMM_UNLOCKED && range->kind->hmm_loop &&
			cmd->method != MMUN_METHOD_GUP;

	return hmm_loop ? cmd->flags : cmd->flags | MMUN_OWN_LOOP;
}

/* Begin, collect and commit once.  Returns -EBUSY after a collision. */
static int mmun_snapshot_round(struct mmun_range *range, struct mmun_part *part,
			       struct mmun_snapshot *cmd)
{
	u32 flags = mmun_snapshot_flags(range, cmd) |
		    (cmd->out_locked ? MMUN_IS_LOCKED : 0);
	unsigned long seq = 0;
	LIST_HEAD(parts);
	int ret;

	if (flags & MMUN_OWN_LOOP) {
		ret = mmun_section_begin(range, &seq);
		if (ret)
			return ret;
	}
	ret = mmun_part_fill(range, &seq, part, cmd->method, flags);
	if (!(flags & MMUN_OWN_LOOP))
		mmun_log_range(range, MMUN_RECORD_BEGIN, seq);
	if (ret == -EBUSY)
		mmun_collision_record(range, seq);
	if (ret)
		return ret;
	list_add(&part->node, &parts);
	return mmun_section_commit(range, seq, &parts, &cmd->out_valid);
}

/*
 * Take mmap_lock for writing after @lock_after collisions, and set the time
 * when the rounds under the lock must end.  The object of the list notifier
 * has the pointer to the mm, and the core frees the object.
 */
static int mmun_snapshot_fall_back(struct mmun_range *range,
				   struct mmun_snapshot *cmd,
				   unsigned long *deadline)
{
	int ret;

	if (!(cmd->flags & MMUN_WRITE_LOCK) || cmd->out_locked ||
	    cmd->out_retries < cmd->lock_after)
		return 0;
	ret = mmun_write_lock(mmun_range_clock(range)->mm);
	cmd->out_locked = !ret;
	*deadline = jiffies + msecs_to_jiffies(MMUN_MAX_PIN_MS);
	return ret;
}

/*
 * Return true if a round that collides is the last one.  The time limits the
 * rounds under mmap_lock, for which other tasks wait.
 */
static bool mmun_snapshot_gives_up(const struct mmun_snapshot *cmd,
				   unsigned long deadline)
{
	return cmd->out_retries == cmd->max_retries ||
	       (cmd->out_locked && time_after(jiffies, deadline));
}

/*
 * The retry loop of hmm.rst.  Each round begins a new read side critical
 * section, because the commit of a section that has collided always fails.
 * Returns -EBUSY if the last round collides.
 */
static int mmun_snapshot_rounds(struct mmun_range *range,
				struct mmun_part *part,
				struct mmun_snapshot *cmd)
{
	unsigned long deadline = 0;
	int ret;

	for (cmd->out_retries = 0;; cmd->out_retries++) {
		ret = mmun_snapshot_fall_back(range, cmd, &deadline);
		if (!ret)
			ret = mmun_snapshot_round(range, part, cmd);
		if (ret != -EBUSY || mmun_snapshot_gives_up(cmd, deadline))
			return ret;
		ret = mmun_resched_killable();
		if (ret)
			return ret;
	}
}

static int mmun_snapshot_loop(struct mmun_range *range, struct mmun_part *part,
			      struct mmun_snapshot *cmd)
{
	int ret;

	cmd->out_locked = 0;
	ret = mmun_snapshot_rounds(range, part, cmd);
	if (cmd->out_locked)
		mmun_write_unlock(mmun_range_clock(range)->mm);
	return ret;
}

static int mmun_snapshot_copy_pages(const struct mmun_part *part,
				    const struct mmun_snapshot *cmd)
{
	u64 __user *pages = u64_to_user_ptr(cmd->pages);
	size_t size = part->nr * sizeof(*pages);

	if (!pages)
		return 0;
	return copy_to_user(pages, part->entries, size) ? -EFAULT : 0;
}

static int mmun_range_snapshot(struct mmun_range *range,
			       struct mmun_snapshot *cmd)
{
	struct mmun_part *part __free(mmun_object) = NULL;
	int ret;

	if (!mmun_range_covers_pages(range, cmd->start, cmd->length))
		return -ERANGE;
	part = mmun_part_alloc(range, cmd->start, cmd->length);
	if (!part)
		return -ENOMEM;
	cmd->out_valid = 0;
	ret = mmun_snapshot_loop(range, part, cmd);
	cmd->out_collided = ret == -EBUSY;
	if (ret)
		return ret == -EBUSY ? 0 : ret;
	return mmun_snapshot_copy_pages(part, cmd);
}

static int mmun_snapshot(struct mmun_ctx *ctx, struct mmun_snapshot *cmd)
{
	const u32 known = MMUN_WRITE | MMUN_OWN_LOOP | MMUN_WRITE_LOCK;
	struct mmun_range *range __free(mmun_range) = NULL;
	int ret;

	ret = mmun_collect_check_args(cmd->start, cmd->length, cmd->method,
				      cmd->flags, known);
	if (ret)
		return ret;
	if (cmd->max_retries > MMUN_MAX_RETRIES ||
	    cmd->lock_after > MMUN_MAX_RETRIES ||
	    (cmd->lock_after && !(cmd->flags & MMUN_WRITE_LOCK)))
		return -EINVAL;
	range = mmun_range_get(ctx, cmd->id);
	if (IS_ERR(range))
		return PTR_ERR(range);
	if ((cmd->flags & MMUN_WRITE_LOCK) && !range->kind->can_write_lock)
		return -EOPNOTSUPP;
	return mmun_range_snapshot(range, cmd);
}
