// SPDX-License-Identifier: GPL-2.0
/*
 * What the contexts of an mm share, from the first open to the last close.
 */

static LIST_HEAD(mmun_mms);
static DEFINE_MUTEX(mmun_mms_mutex);

static struct mmun_mm *mmun_mm_get(struct mm_struct *mm)
{
	struct mmun_mm *shared;

	mutex_lock(&mmun_mms_mutex);
	list_for_each_entry(shared, &mmun_mms, node)
		if (shared->mm == mm)
			goto out_found;
	shared = kzalloc_obj(*shared, GFP_KERNEL_ACCOUNT);
	if (!shared)
		goto out_unlock;
	shared->mm = mm;
	spin_lock_init(&shared->lock);
	list_add(&shared->node, &mmun_mms);
out_found:
	shared->contexts++;
out_unlock:
	mutex_unlock(&mmun_mms_mutex);
	return shared;
}

static void mmun_mm_put(struct mmun_mm *shared)
{
	mutex_lock(&mmun_mms_mutex);
	if (!--shared->contexts) {
		list_del(&shared->node);
		kfree(shared);
	}
	mutex_unlock(&mmun_mms_mutex);
}
