// SPDX-License-Identifier: GPL-2.0
/*
 * ACCESS: the device, which knows the shadow and nothing else.
 */

/* Whether the device may touch what the entry names */
static bool mmun_entry_allows(u64 entry, bool write)
{
	if (!(entry & MMUN_PAGE_VALID) || (write && !(entry & MMUN_PAGE_WRITE)))
		return false;
	/* Not ordinary memory: touching it could be an access to a device. */
	return !is_zone_device_page(pfn_to_page(entry & MMUN_PFN_MASK));
}

/*
 * Move bytes between @buffer and a page.  HMM takes a page of memfd_secret(2)
 * for any other, but it is not in the kernel's map: look before touching it.
 */
static int mmun_access_copy(struct page *page, size_t offset, size_t length,
			    void *buffer, bool write)
{
	void *kaddr = kmap_local_page(page) + offset;
	u8 probe;
	int ret;

	if (write)
		ret = copy_from_kernel_nofault(&probe, kaddr, sizeof(probe));
	else
		ret = copy_from_kernel_nofault(buffer, kaddr, length);
	if (!ret && write) {
		memcpy(kaddr, buffer, length);
		flush_dcache_page(page);
		set_page_dirty(page);
	}
	kunmap_local(kaddr);
	return ret;
}

/*
 * Move @length bytes, all in one page, between @buffer and the page that the
 * shadow has for @addr.  As long as the update lock is held the entry is true.
 */
static int mmun_access_page(struct mmun_range *range, unsigned long addr,
			    size_t length, void *buffer, bool write)
{
	int ret = -EFAULT;
	u64 *entry;

	spin_lock(&range->lock);
	entry = mmun_shadow_entry(range, mmun_range_index(range, addr));
	if (entry && mmun_entry_allows(*entry, write))
		ret = mmun_access_copy(pfn_to_page(*entry & MMUN_PFN_MASK),
				       offset_in_page(addr), length, buffer,
				       write);
	spin_unlock(&range->lock);
	return ret;
}

static int mmun_access_step(struct mmun_range *range, unsigned long addr,
			    size_t length, void __user *user, void *bounce,
			    bool write)
{
	int ret;

	if (write && copy_from_user(bounce, user, length))
		return -EFAULT;
	ret = mmun_access_page(range, addr, length, bounce, write);
	if (!ret && !write && copy_to_user(user, bounce, length))
		return -EFAULT;
	return ret;
}

static int mmun_range_access(struct mmun_range *range, struct mmun_access *cmd)
{
	bool write = cmd->flags & MMUN_WRITE;
	u64 addr, done = 0;
	void *bounce;
	size_t step;
	int ret = 0;

	if (cmd->addr < range->start || cmd->addr > range->last ||
	    cmd->length - 1 > range->last - cmd->addr)
		return -ERANGE;
	bounce = kmalloc(PAGE_SIZE, GFP_KERNEL_ACCOUNT);
	if (!bounce)
		return -ENOMEM;
	while (done < cmd->length) {
		addr = cmd->addr + done;
		step = min_t(u64, cmd->length - done,
			     PAGE_SIZE - offset_in_page(addr));
		ret = mmun_access_step(range, addr, step,
				       u64_to_user_ptr(cmd->buffer + done),
				       bounce, write);
		if (ret || fatal_signal_pending(current))
			break;
		done += step;
		cond_resched();
	}
	kfree(bounce);
	cmd->out_done = done;
	return done ? 0 : ret;
}

static int mmun_access(struct mmun_ucmd *ucmd)
{
	struct mmun_access *cmd = ucmd->cmd;
	struct mmun_range *range;
	int ret;

	if (cmd->__reserved || (cmd->flags & ~MMUN_WRITE))
		return -EOPNOTSUPP;
	if (!cmd->length)
		return -EINVAL;
	range = mmun_range_get(ucmd->ctx, cmd->id);
	if (IS_ERR(range))
		return PTR_ERR(range);
	/* What its shadow names may be anybody's page by now. */
	ret = -EOPNOTSUPP;
	if (range->kind->coherent)
		ret = mmun_range_access(range, cmd);
	mmun_range_put(range);
	return ret ?: mmun_ucmd_respond(ucmd, sizeof(*cmd));
}
