// SPDX-License-Identifier: GPL-2.0
/*
 * ACCESS reads or writes memory as a device does.  ACCESS finds pages through
 * the shadow page table, and never through the page tables of the mm.
 */

#include <linux/highmem.h>
#include <linux/pagemap.h>

#include "private.h"

/**
 * struct mmun_transfer - a copy between a buffer and one page
 * @range: the range
 * @addr: first user address to copy, inside @range
 * @length: number of bytes to copy, all in one page
 * @user: the buffer in user space
 * @bounce: a copy of the buffer in the kernel, or NULL
 * @write: true: copy from the buffer to the page; false: from the page to the
 *	buffer
 */
struct mmun_transfer {
	struct mmun_range *range;
	unsigned long addr;
	size_t length;
	void __user *user;
	void *bounce;
	bool write;
};

/*
 * Copy between the buffer and the page at @kaddr.  The caller holds the update
 * lock, so this function must not cause a page fault.  Returns -EAGAIN if the
 * copy would need a page fault.
 */
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
 * Map the page and copy.  A page of memfd_secret(2) is not in the direct map of
 * the kernel, but HMM reports it like any other page.  Therefore read one byte
 * first, with copy_from_kernel_nofault(), which tolerates a missing mapping.
 */
static int mmun_access_copy(const struct mmun_transfer *xfer, struct page *page)
{
	void *kaddr = kmap_local_page(page) + offset_in_page(xfer->addr);
	u8 probe;
	int ret;

	ret = copy_from_kernel_nofault(&probe, kaddr, sizeof(probe));
	if (!ret)
		ret = mmun_transfer_copy(xfer, kaddr);
	/* After -EAGAIN a part of the page may have been written. */
	if (xfer->write && (!ret || ret == -EAGAIN)) {
		flush_dcache_page(page);
		set_page_dirty(page);
	}
	kunmap_local(kaddr);
	return ret;
}

/* Count the first use of an entry that a callback kept. */
static void mmun_access_count(struct mmun_range *range, u64 *entry)
{
	lockdep_assert_held(&range->lock);
	if (!(*entry & MMUN_ENTRY_KEPT))
		return;
	*entry &= ~MMUN_ENTRY_KEPT;
	range->kept_accesses++;
}

/*
 * Copy through the shadow entry.  The update lock keeps the entry and its page
 * valid, because the callback needs the lock to drop the entry.
 */
static int mmun_access_entry(const struct mmun_transfer *xfer)
{
	struct mmun_range *range = xfer->range;
	u64 *entry;

	guard(spinlock)(&range->lock);
	entry = mmun_shadow_entry(range, mmun_range_index(range, xfer->addr));
	if (!entry || !mmun_entry_allows(*entry, xfer->write))
		return -EFAULT;
	mmun_access_count(range, entry);
	return mmun_access_copy(xfer, mmun_entry_page(*entry));
}

/*
 * Copy through a bounce buffer.  This function accesses user space without the
 * update lock, so that an access can cause a page fault.
 */
static int mmun_access_bounce(struct mmun_transfer *xfer)
{
	void *bounce __free(mmun_object) = mmun_alloc(xfer->length);
	int ret;

	if (!bounce)
		return -ENOMEM;
	if (xfer->write && copy_from_user(bounce, xfer->user, xfer->length))
		return -EFAULT;
	xfer->bounce = bounce;
	ret = mmun_access_entry(xfer);
	if (!ret && !xfer->write &&
	    copy_to_user(xfer->user, bounce, xfer->length))
		return -EFAULT;
	return ret;
}

/*
 * Copy to or from one page.  If the buffer cannot be read, fault_in_readable()
 * fails and the page is not changed.  A page of the buffer can still be
 * unmapped before the copy, for example by swap-out.  In that case repeat the
 * copy through a bounce buffer, where page faults map the buffer again.  If the
 * repeated copy fails too, a part of the page may have been written.
 */
static int mmun_access_page(struct mmun_transfer *xfer)
{
	int ret;

	if (xfer->write && fault_in_readable(xfer->user, xfer->length))
		return -EFAULT;
	ret = mmun_access_entry(xfer);
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
		ret = mmun_access_page(&xfer);
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
	/* A stale shadow entry can refer to a page of another process. */
	if (!range->kind->coherent)
		return -EOPNOTSUPP;
	return mmun_range_access(range, cmd);
}
