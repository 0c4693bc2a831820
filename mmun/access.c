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
static int mmun_transfer_copy(const struct mmun_transfer *transfer, void *kaddr)
{
	long ret = 0;

	if (transfer->bounce && transfer->write)
		memcpy(kaddr, transfer->bounce, transfer->length);
	else if (transfer->bounce)
		memcpy(transfer->bounce, kaddr, transfer->length);
	else if (transfer->write)
		ret = copy_from_user_nofault(kaddr, transfer->user,
					     transfer->length);
	else
		ret = copy_to_user_nofault(transfer->user, kaddr,
					   transfer->length);
	return ret ? -EAGAIN : 0;
}

/*
 * HMM takes a page of memfd_secret(2) for any other, but it is not in the
 * kernel's map: look before touching it.
 */
static int mmun_access_copy(const struct mmun_transfer *transfer,
			    struct page *page)
{
	void *kaddr = kmap_local_page(page) + offset_in_page(transfer->addr);
	u8 probe;
	int ret;

	ret = copy_from_kernel_nofault(&probe, kaddr, sizeof(probe));
	if (!ret)
		ret = mmun_transfer_copy(transfer, kaddr);
	/* A part may have come before what would fault. */
	if (transfer->write && (!ret || ret == -EAGAIN)) {
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
static int mmun_access_page(const struct mmun_transfer *transfer)
{
	struct mmun_range *range = transfer->range;
	u64 *entry;

	guard(spinlock)(&range->lock);
	entry = mmun_shadow_entry(range,
				  mmun_range_index(range, transfer->addr));
	if (!entry || !mmun_entry_allows(*entry, transfer->write))
		return -EFAULT;
	return mmun_access_copy(transfer, mmun_entry_page(*entry));
}

/* By way of a buffer of ours: there is no lock where the user's may fault. */
static int mmun_access_bounce(struct mmun_transfer *transfer)
{
	void *bounce __free(mmun_object) = mmun_alloc(transfer->length);
	int ret;

	if (!bounce)
		return -ENOMEM;
	if (transfer->write &&
	    copy_from_user(bounce, transfer->user, transfer->length))
		return -EFAULT;
	transfer->bounce = bounce;
	ret = mmun_access_page(transfer);
	if (!ret && !transfer->write &&
	    copy_to_user(transfer->user, bounce, transfer->length))
		return -EFAULT;
	return ret;
}

/*
 * A buffer that cannot be read changes nothing: see that it can, before the first
 * byte is written.  If it is taken away after that, swapped out maybe, the step
 * begins again with the bounce buffer, which waits for it.  Only if it does not
 * come back, or the page has gone too, a part of the step stays written.
 */
static int mmun_access_step(struct mmun_transfer *transfer)
{
	int ret;

	if (transfer->write &&
	    fault_in_readable(transfer->user, transfer->length))
		return -EFAULT;
	ret = mmun_access_page(transfer);
	return ret == -EAGAIN ? mmun_access_bounce(transfer) : ret;
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
		struct mmun_transfer transfer = {
			.range = range,
			.addr = cmd->addr + done,
			.user = u64_to_user_ptr(cmd->buffer + done),
			.write = cmd->flags & MMUN_WRITE,
		};

		transfer.length =
			min_t(u64, cmd->length - done,
			      PAGE_SIZE - offset_in_page(transfer.addr));
		ret = mmun_access_step(&transfer);
		if (ret || fatal_signal_pending(current))
			break;
		done += transfer.length;
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
