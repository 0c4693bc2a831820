// SPDX-License-Identifier: GPL-2.0
/*
 * The callbacks of all notifiers.  STATE, ANSWER.
 */

#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include "private.h"

static atomic_t mmun_list_newest_id;

struct mmun_list_notifier *mmun_list_notifier_alloc(const struct mm_struct *mm,
						    u32 mask)
{
	struct mmun_list_notifier *notifier =
		kzalloc_obj(*notifier, GFP_KERNEL_ACCOUNT);

	if (!notifier)
		return NULL;
	kref_init(&notifier->ref);
	INIT_LIST_HEAD(&notifier->map_node);
	notifier->mm = mm;
	notifier->mask = mask;
	notifier->id = atomic_inc_return(&mmun_list_newest_id);
	return notifier;
}

static void mmun_list_notifier_free(struct kref *ref)
{
	kfree(container_of(ref, struct mmun_list_notifier, ref));
}

void mmun_list_notifier_put(struct mmun_list_notifier *notifier)
{
	kref_put(&notifier->ref, mmun_list_notifier_free);
}

/* Returns a reference to a notifier that the context uses, or NULL. */
struct mmun_list_notifier *mmun_list_notifier_find(struct mmun_list_ctx *ctx,
						   u32 id)
{
	struct mmun_list_notifier *notifier = NULL;
	struct mmun_list_use *use;

	raw_spin_lock_irq(&mmun_list_lock);
	use = mmun_list_use_find(ctx, id);
	if (use) {
		notifier = use->notifier;
		kref_get(&notifier->ref);
	}
	raw_spin_unlock_irq(&mmun_list_lock);
	return notifier;
}

static struct mmun_list_notifier *mmun_list_of(struct mmu_notifier *mn)
{
	return container_of(mn, struct mmun_list_notifier, mn);
}

static struct mmun_list_call
mmun_list_enter(struct mmun_list_notifier *notifier, enum mmun_list_op op,
		unsigned long start, unsigned long end)
{
	atomic64_inc(&notifier->calls[op]);
	return (struct mmun_list_call){
		.mm = notifier->mm,
		.id = notifier->id,
		.op = op,
		.start = start,
		.end = end,
		.byte = -1,
	};
}

/* Returns whether ANSWER wants this call to return its answer. */
static bool mmun_list_takes_answer(struct mmun_list_notifier *notifier,
				   enum mmun_list_op op)
{
	atomic_t *left = &notifier->answers[op];

	return atomic_read(left) == (int)MMUN_LIST_ALWAYS ||
	       atomic_add_unless(left, -1, 0);
}

/* release() */

/* The exit calls release(), and unregister can call release() as well. */
void mmun_list_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct mmun_list_notifier *notifier = mmun_list_of(mn);
	const struct mmun_list_call call =
		mmun_list_enter(notifier, MMUN_LIST_RELEASE, 0, 0);
	int puts;

	mmun_list_log(&call);
	mmun_list_stop(&call);
	/* The last put allows the core to free the notifier. */
	for (puts = atomic_xchg(&notifier->release_puts, 0); puts; puts--)
		mmu_notifier_put(mn);
}

/* Young pages.  The core calls these callbacks under a spinlock. */

static bool mmun_list_young(struct mmu_notifier *mn, enum mmun_list_op op,
			    unsigned long start, unsigned long end)
{
	struct mmun_list_notifier *notifier = mmun_list_of(mn);
	struct mmun_list_call call = mmun_list_enter(notifier, op, start, end);

	call.answer = mmun_list_takes_answer(notifier, op);
	mmun_list_log(&call);
	return call.answer;
}

static mmun_list_young_t mmun_list_clear_flush_young(struct mmu_notifier *mn,
						     struct mm_struct *mm,
						     unsigned long start,
						     unsigned long end)
{
	return mmun_list_young(mn, MMUN_LIST_CLEAR_FLUSH_YOUNG, start, end);
}

static mmun_list_young_t mmun_list_clear_young(struct mmu_notifier *mn,
					       struct mm_struct *mm,
					       unsigned long start,
					       unsigned long end)
{
	return mmun_list_young(mn, MMUN_LIST_CLEAR_YOUNG, start, end);
}

static mmun_list_young_t mmun_list_test_young(struct mmu_notifier *mn,
					      struct mm_struct *mm,
					      unsigned long address)
{
	return mmun_list_young(mn, MMUN_LIST_TEST_YOUNG, address,
			       address + PAGE_SIZE);
}

/* Changes of page tables.  The core calls these callbacks under a spinlock. */

static void mmun_list_change_pte(struct mmu_notifier *mn, struct mm_struct *mm,
				 unsigned long address, pte_t pte)
{
	const struct mmun_list_call call =
		mmun_list_enter(mmun_list_of(mn), MMUN_LIST_CHANGE_PTE, address,
				address + PAGE_SIZE);

	mmun_list_log(&call);
}

static void mmun_list_secondary_tlb(struct mmu_notifier *mn,
				    struct mm_struct *mm, unsigned long start,
				    unsigned long end)
{
	struct mmun_list_notifier *notifier = mmun_list_of(mn);
	const struct mmun_list_call call =
		mmun_list_enter(notifier, MMUN_LIST_SECONDARY_TLB, start, end);

	mmun_list_log(&call);
}

/* Invalidations */

/*
 * Returns the first byte of the page at @start, or -1.  The walk of the page
 * tables takes no lock and does not fault, so that it is possible in each
 * callback.
 */
static int mmun_list_read(const struct mmun_list_notifier *notifier,
			  unsigned long start)
{
	unsigned char *at;
	struct page *page;
	int byte;

	if (!(notifier->flags & MMUN_LIST_READ) ||
	    current->mm != notifier->mm ||
	    get_user_pages_fast_only(start, 1, 0, &page) != 1)
		return -1;
	at = kmap_local_page(page);
	byte = *at;
	kunmap_local(at);
	put_page(page);
	return byte;
}

static struct mmun_list_open *
mmun_list_open_of(struct mmun_list_notifier *notifier,
		  const struct mmun_list_open *key)
{
	for (int i = 0; i < MMUN_LIST_OPEN; i++) {
		const struct mmun_list_open *open = &notifier->open[i];

		if (open->task == key->task && open->start == key->start &&
		    open->end == key->end && open->event == key->event)
			return &notifier->open[i];
	}
	return NULL;
}

/* If there is no free entry, the end will be counted as unpaired. */
static void mmun_list_pair_start(struct mmun_list_notifier *notifier,
				 const struct mmun_list_open *key)
{
	struct mmun_list_open *open;

	notifier->active++;
	open = mmun_list_open_of(notifier, &(struct mmun_list_open){});
	if (open)
		*open = *key;
}

static void mmun_list_pair_end(struct mmun_list_notifier *notifier,
			       const struct mmun_list_open *key)
{
	struct mmun_list_open *open = mmun_list_open_of(notifier, key);

	notifier->active--;
	if (open)
		*open = (struct mmun_list_open){};
	else
		notifier->unpaired++;
}

static void mmun_list_pair(struct mmun_list_notifier *notifier,
			   const struct mmu_notifier_range *mnr,
			   void (*fn)(struct mmun_list_notifier *notifier,
				      const struct mmun_list_open *key))
{
	const u32 both = MMUN_LIST_BIT(MMUN_LIST_START) |
			 MMUN_LIST_BIT(MMUN_LIST_END);
	const struct mmun_list_open key = {
		.task = current,
		.start = mnr->start,
		.end = mnr->end,
		.event = mnr->event,
	};
	unsigned long flags;

	if ((notifier->mask & both) != both)
		return;
	raw_spin_lock_irqsave(&mmun_list_lock, flags);
	fn(notifier, &key);
	raw_spin_unlock_irqrestore(&mmun_list_lock, flags);
}

int mmun_list_start(struct mmu_notifier *mn,
		    const struct mmu_notifier_range *mnr)
{
	struct mmun_list_notifier *notifier = mmun_list_of(mn);
	struct mmun_list_call call = mmun_list_enter(notifier, MMUN_LIST_START,
						     mnr->start, mnr->end);

	call.mnr = mnr;
	call.byte = mmun_list_read(notifier, mnr->start);
	if (!mmu_notifier_range_blockable(mnr) &&
	    mmun_list_takes_answer(notifier, MMUN_LIST_START))
		call.answer = -EAGAIN;
	mmun_list_pair(notifier, mnr, mmun_list_pair_start);
	mmun_list_log(&call);
	mmun_list_stop(&call);
	return call.answer;
}

void mmun_list_end(struct mmu_notifier *mn,
		   const struct mmu_notifier_range *mnr)
{
	struct mmun_list_notifier *notifier = mmun_list_of(mn);
	struct mmun_list_call call =
		mmun_list_enter(notifier, MMUN_LIST_END, mnr->start, mnr->end);

	call.mnr = mnr;
	call.byte = mmun_list_read(notifier, mnr->start);
	mmun_list_pair(notifier, mnr, mmun_list_pair_end);
	mmun_list_log(&call);
	mmun_list_stop(&call);
}

/* Give @ops the callbacks of @mask. */
void mmun_list_set_ops(struct mmu_notifier_ops *ops, u32 mask)
{
	if (mask & MMUN_LIST_BIT(MMUN_LIST_RELEASE))
		ops->release = mmun_list_release;
	if (mask & MMUN_LIST_BIT(MMUN_LIST_CLEAR_FLUSH_YOUNG))
		ops->clear_flush_young = mmun_list_clear_flush_young;
	if (mask & MMUN_LIST_BIT(MMUN_LIST_CLEAR_YOUNG))
		ops->clear_young = mmun_list_clear_young;
	if (mask & MMUN_LIST_BIT(MMUN_LIST_TEST_YOUNG))
		ops->test_young = mmun_list_test_young;
	if (mask & MMUN_LIST_BIT(MMUN_LIST_CHANGE_PTE))
		mmun_list_set_change_pte(ops, mmun_list_change_pte);
	if (mask & MMUN_LIST_BIT(MMUN_LIST_START))
		ops->invalidate_range_start = mmun_list_start;
	if (mask & MMUN_LIST_BIT(MMUN_LIST_END))
		ops->invalidate_range_end = mmun_list_end;
	if (mask & MMUN_LIST_BIT(MMUN_LIST_SECONDARY_TLB))
		ops->arch_invalidate_secondary_tlbs = mmun_list_secondary_tlb;
}

/* Ioctls */

int mmun_list_state(struct mmun_list_ctx *ctx, union mmun_list_cmd *ucmd)
{
	struct mmun_list_state *cmd = &ucmd->state;
	struct mmun_list_notifier *notifier =
		mmun_list_notifier_find(ctx, cmd->id);

	if (!notifier)
		return -ENOENT;
	/* Racy: the core changes the number under a lock of its own. */
	cmd->out_users = data_race(notifier->mn.users);
	/* Racy: the core changes the list under the same lock. */
	cmd->out_hashed = !data_race(hlist_unhashed(&notifier->mn.hlist));
	raw_spin_lock_irq(&mmun_list_lock);
	cmd->out_active = notifier->active;
	cmd->out_unpaired = notifier->unpaired;
	raw_spin_unlock_irq(&mmun_list_lock);
	for (int i = 0; i < MMUN_LIST_OPS; i++)
		cmd->out_calls[i] = atomic64_read(&notifier->calls[i]);
	mmun_list_notifier_put(notifier);
	return 0;
}

static bool mmun_list_can_answer(u32 mask, u32 op)
{
	switch (op) {
	case MMUN_LIST_CLEAR_FLUSH_YOUNG:
	case MMUN_LIST_CLEAR_YOUNG:
	case MMUN_LIST_TEST_YOUNG:
		return mask & MMUN_LIST_BIT(op);
	case MMUN_LIST_START:
		/* The core warns if a notifier with an end refuses. */
		return (mask & MMUN_LIST_BIT(op)) &&
		       !(mask & MMUN_LIST_BIT(MMUN_LIST_END));
	default:
		return false;
	}
}

int mmun_list_answer(struct mmun_list_ctx *ctx, union mmun_list_cmd *ucmd)
{
	struct mmun_list_answer *cmd = &ucmd->answer;
	struct mmun_list_notifier *notifier;
	int ret = -EOPNOTSUPP;

	if (cmd->op >= MMUN_LIST_OPS)
		return -EINVAL;
	notifier = mmun_list_notifier_find(ctx, cmd->id);
	if (!notifier)
		return -ENOENT;
	if (mmun_list_can_answer(notifier->mask, cmd->op)) {
		cmd->out_left =
			atomic_xchg(&notifier->answers[cmd->op], cmd->count);
		ret = 0;
	}
	mmun_list_notifier_put(notifier);
	return ret;
}
