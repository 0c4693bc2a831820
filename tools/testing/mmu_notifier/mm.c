// SPDX-License-Identifier: GPL-2.0
/* The functions of the mm that mmu_notifier.c calls, and the page table */
#include <linux/mmu_notifier.h>

#include "driver.h"
#include "interval.h"
#include "mm.h"
#include "refine.h"
#include "refine_list.h"

struct mm_struct *the_mm;
struct mm_settings mm_settings;

bool warns(bool warning, const char *text)
{
	if (warning && !mm_settings.may_warn)
		violate("WARN_ON(%s)", text);
	return warning;
}

/* The size of an object is in the word before the object. */
void *kzalloc(size_t bytes, gfp_t flags)
{
	size_t *object;

	may_sleep();
	if (me && ++me->nr_allocs == mm_settings.failed_alloc)
		return NULL;
	object = heap_alloc(bytes + sizeof(*object));
	if (object)
		*object++ = bytes;
	return object;
}

void kfree(const void *object)
{
	const size_t *size = (const size_t *)object - 1;

	if (object)
		heap_free((void *)size, *size + sizeof(*size), CALLER);
}

void mm_check_heap(void)
{
	if (heap_in_use())
		violate("a call failed, and left memory behind");
}

static unseen int count_add(atomic_t *v, int change)
{
	/* As a lock, a count must not be freed. */
	access_lock(v, CALLER);
	return v->counter += change;
}

int atomic_read(const atomic_t *v)
{
	return count_add((atomic_t *)v, 0);
}

void mmgrab(struct mm_struct *mm)
{
	count_add(&mm->mm_count, 1);
}

void mmdrop(struct mm_struct *mm)
{
	const void *subs;

	if (count_add(&mm->mm_count, -1))
		return;
	subs = mm->notifier_subscriptions;
	mmu_notifier_subscriptions_destroy(mm);
	if (heap_has(subs))
		violate("the mm is freed, and its subscriptions are not");
	kfree(mm);
}

int mm_take_all_locks(struct mm_struct *mm)
{
	if (me && mm_settings.interrupted)
		return -EINTR;
	down_write(&mm->vma_lock);
	down_write(&mm->rmap_lock);
	return 0;
}

void mm_drop_all_locks(struct mm_struct *mm)
{
	up_write(&mm->rmap_lock);
	up_write(&mm->vma_lock);
}

void mm_init(void)
{
	the_mm = kzalloc(sizeof(*the_mm), GFP_KERNEL);
	the_mm->mm_users.counter = 1 + mm_settings.more_users;
	the_mm->mm_count.counter = 1;
	for (int i = 0; i < MM_PAGES; i++)
		the_mm->page[i] = 1;
}

void mm_walk(struct mm_struct *mm, int first, int nr, unsigned long *page)
{
	spin_lock(&mm->page_table_lock);
	for (int i = 0; i < nr; i++)
		page[i] = mm->page[first + i];
	spin_unlock(&mm->page_table_lock);
}

void mm_zap(struct mm_struct *mm, int first, int last)
{
	spin_lock(&mm->page_table_lock);
	for (int i = first; i <= last && i < MM_PAGES; i++) {
		mm->page[i]++;
		interval_check_page(i);
		driver_check_page(i);
	}
	spin_unlock(&mm->page_table_lock);
}

void mmput(struct mm_struct *mm)
{
	if (count_add(&mm->mm_users, -1))
		return;
	refine_list_call(LIST_CALL_EXIT, 0);
	refine_call(CALL_START, 0, 0, ALL_PAGES);
	me->exits = true;
	mmu_notifier_release(mm);
	me->exits = false;
	refine_start(0);
	refine_list_exited();
	invalidate(0, ALL_PAGES, true);
	mmdrop(mm);
}
