// SPDX-License-Identifier: GPL-2.0
/*
 * ACCESS: the device, which knows the shadow and nothing else.
 */

#include <linux/highmem.h>
#include <linux/pagemap.h>

#include "private.h"

/**
 * struct mmun_transfer - bytes on their way, all of one page
 * @range: the range
 * @addr: first address in it
 * @length: in bytes
 * @user: the buffer
 * @bounce: what stands in for it where the copy must not fault, or NULL
 * @write: from the buffer to the page; else the other way
 */
struct mmun_transfer {
	struct mmun_range *range;
	unsigned long addr;
	size_t length;
	void __user *user;
	void *bounce;
	bool write;
};

/* Under the update lock, so without a fault.  -EAGAIN: it would take one. */
static int mmun_transfer_copy(const struct mmun_transfer *xfer, void *kaddr)
{
	long ret = 0;

	if (xfer->bounce && xfer->write)
		memcpy(kaddr, xfer->bounce, xfer->length);
	else if (xfer->bounce)
		memcpy(xfer->bounce, kaddr, xfer->length);
	else if (xfer->write)
		ret = copy_from_user_nofault(kaddr, xfer->user, xfer->length);
	else
		ret = copy_to_user_nofault(xfer->user, kaddr, xfer->length);
	return ret ? -EAGAIN : 0;
}

/*
 * HMM takes a page of memfd_secret(2) for any other, but it is not in the
 * kernel's map: look before touching it.
 */
static int mmun_access_copy(const struct mmun_transfer *xfer, struct page *page)
{
	void *kaddr = kmap_local_page(page) + offset_in_page(xfer->addr);
	u8 probe;
	int ret;

	ret = copy_from_kernel_nofault(&probe, kaddr, sizeof(probe));
	if (!ret)
		ret = mmun_transfer_copy(xfer, kaddr);
	/* A part may have come before what would fault. */
	if (xfer->write && (!ret || ret == -EAGAIN)) {
		flush_dcache_page(page);
		set_page_dirty(page);
	}
	kunmap_local(kaddr);
	return ret;
}

/*
 * The page is the one that the shadow has for the address.  As long as the
 * update lock is held the entry is true.
 */
static int mmun_access_page(const struct mmun_transfer *xfer)
{
	struct mmun_range *range = xfer->range;
	u64 *entry;

	guard(spinlock)(&range->lock);
	entry = mmun_shadow_entry(range, mmun_range_index(range, xfer->addr));
	if (!entry || !mmun_entry_allows(*entry, xfer->write))
		return -EFAULT;
	return mmun_access_copy(xfer, mmun_entry_page(*entry));
}

/* By way of a buffer of ours: there is no lock where the user's may fault. */
static int mmun_access_bounce(struct mmun_transfer *xfer)
{
	void *bounce __free(mmun_object) = mmun_alloc(xfer->length);
	int ret;

	if (!bounce)
		return -ENOMEM;
	if (xfer->write && copy_from_user(bounce, xfer->user, xfer->length))
		return -EFAULT;
	xfer->bounce = bounce;
	ret = mmun_access_page(xfer);
	if (!ret && !xfer->write &&
	    copy_to_user(xfer->user, bounce, xfer->length))
		return -EFAULT;
	return ret;
}

/*
 * A buffer that cannot be read changes nothing: see that it can, before the first
 * byte is written.  If it is taken away after that, swapped out maybe, the step
 * begins again with the bounce buffer, which waits for it.  Only if it does not
 * come back, or the page has gone too, a part of the step stays written.
 */
static int mmun_access_step(struct mmun_transfer *xfer)
{
	int ret;

	if (xfer->write && fault_in_readable(xfer->user, xfer->length))
		return -EFAULT;
	ret = mmun_access_page(xfer);
	return ret == -EAGAIN ? mmun_access_bounce(xfer) : ret;
}

static int mmun_range_access(struct mmun_range *range, struct mmun_access *cmd)
{
	unsigned long last = mmun_range_last(range);
	u64 done = 0;
	int ret = 0;

	if (cmd->addr < mmun_range_start(range) || cmd->addr > last ||
	    cmd->length - 1 > last - cmd->addr)
		return -ERANGE;
	while (done < cmd->length) {
		struct mmun_transfer xfer = {
			.range = range,
			.addr = cmd->addr + done,
			.user = u64_to_user_ptr(cmd->buffer + done),
			.write = cmd->flags & MMUN_WRITE,
		};

		xfer.length = min_t(u64, cmd->length - done,
				    PAGE_SIZE - offset_in_page(xfer.addr));
		ret = mmun_access_step(&xfer);
		if (ret || fatal_signal_pending(current))
			break;
		done += xfer.length;
		cond_resched();
	}
	cmd->out_done = done;
	return done ? 0 : ret;
}

static int mmun_access(struct mmun_ctx *ctx, struct mmun_access *cmd)
{
	struct mmun_range *range __free(mmun_range) = NULL;

	if (cmd->__reserved || (cmd->flags & ~MMUN_WRITE))
		return -EOPNOTSUPP;
	if (!cmd->length)
		return -EINVAL;
	range = mmun_range_get(ctx, cmd->id);
	if (IS_ERR(range))
		return PTR_ERR(range);
	/* What its shadow names may belong to any process by now. */
	if (!range->kind->coherent)
		return -EOPNOTSUPP;
	return mmun_range_access(range, cmd);
}
