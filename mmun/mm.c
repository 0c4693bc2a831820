// SPDX-License-Identifier: GPL-2.0
/*
 * What the contexts of an mm share, from the first open to the last close.
 */

static LIST_HEAD(mmun_mms);
static DEFINE_MUTEX(mmun_mms_mutex);

/* Find the entry of the mm, or make @new the one.  NULL: it has none. */
static struct mmun_mm *mmun_mm_find(struct mm_struct *mm, struct mmun_mm *new)
{
	struct mmun_mm *shared;

	lockdep_assert_held(&mmun_mms_mutex);
	list_for_each_entry(shared, &mmun_mms, node)
		if (shared->mm == mm)
			return shared;
	if (new)
		list_add(&new->node, &mmun_mms);
	return new;
}

/* One more context of the mm, or -ENOSPC, or -ENOMEM. */
static struct mmun_mm *mmun_mm_get(struct mm_struct *mm)
{
	/* Not under the mutex, which every open and close takes. */
	struct mmun_mm *new = mmun_alloc(sizeof(*new)), *shared;

	if (new) {
		new->mm = mm;
		spin_lock_init(&new->lock);
	}
	mutex_lock(&mmun_mms_mutex);
	shared = mmun_mm_find(mm, new) ?: ERR_PTR(-ENOMEM);
	if (!IS_ERR(shared) && shared->contexts == MMUN_MAX_CONTEXTS)
		shared = ERR_PTR(-ENOSPC);
	if (!IS_ERR(shared))
		shared->contexts++;
	mutex_unlock(&mmun_mms_mutex);
	if (shared != new)
		mmun_free(new);
	return shared;
}

static void mmun_mm_put(struct mmun_mm *shared)
{
	mutex_lock(&mmun_mms_mutex);
	if (!--shared->contexts) {
		list_del(&shared->node);
		mmun_free(shared);
	}
	mutex_unlock(&mmun_mms_mutex);
}
