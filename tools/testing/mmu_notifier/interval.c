// SPDX-License-Identifier: GPL-2.0
/* A driver with interval notifiers, and the tasks that use it */
#include <linux/mmu_notifier.h>

#include "hold.h"
#include "interval.h"
#include "list.h"
#include "mm.h"
#include "refine.h"
#include "refine_list.h"

#define RANGE_PAGES 2
#define WIDE_PAGES 4

/* What a driver keeps for each subscription */
struct range {
	struct mmu_interval_notifier sub;
	spinlock_t lock; /* the user lock of the collision-retry lock */
	unsigned long spte[WIDE_PAGES]; /* a page, or 0 */
	int index;
	int pages; /* the length of the range */
	bool refuses; /* returns false if the invalidation must not block */
#ifdef TWO_PASS
	struct mmu_interval_notifier_finish finish;
	bool started; /* invalidate_finish() must follow */
#endif
};

/* The ranges of the configuration, which refine.c keeps in the state */
#define range_at(index) ((struct range *)refine_object(index))

static void drop_sptes(struct range *range)
{
	for (int i = 0; i < range->pages; i++)
		range->spte[i] = 0;
}

static void event_check(const struct mmu_notifier_range *event);

static bool refuses(const struct range *range,
		    const struct mmu_notifier_range *event)
{
	return range->refuses && !mmu_notifier_range_blockable(event);
}

/*
 * The caller holds the user lock.  A driver sets the sequence even if it
 * refuses, because the kernel has already begun the invalidation.
 */
static bool invalidate_range(struct range *range,
			     const struct mmu_notifier_range *event,
			     unsigned long seq)
{
	const bool refused = refuses(range, event);
	const int index = range->index;

	/* The model sets its sequence in the same step as the kernel. */
	event_check(event);
	mmu_interval_set_seq(&range->sub, seq);
	refine_callback(index, seq, refused);
	if (!refused)
		drop_sptes(range);
	return !refused;
}

static bool range_invalidate(struct mmu_interval_notifier *sub,
			     const struct mmu_notifier_range *event,
			     unsigned long seq)
{
	struct range *range = container_of(sub, struct range, sub);
	bool done;

	hold(HOLD_ENTER, range->index);
	/* A section without blocking needs a user lock that is a spinlock. */
	spin_lock(&range->lock);
	done = invalidate_range(range, event, seq);
	spin_unlock(&range->lock);
	hold(HOLD_LEAVE, range->index);
	return done;
}

static const struct mmu_interval_notifier_ops range_ops = {
	.invalidate = range_invalidate,
};

#ifdef TWO_PASS
/* A finish object of a reserve still names the range that used the object before. */
static struct mmu_interval_notifier earlier_user;

/*
 * Two invalidations can start one range at once.  The range has one finish, so
 * the second invalidation does all of its work in the first pass.
 */
static bool range_invalidate_start(struct mmu_interval_notifier *sub,
				   const struct mmu_notifier_range *event,
				   unsigned long seq,
				   struct mmu_interval_notifier_finish **finish)
{
	struct range *range = container_of(sub, struct range, sub);
	bool done;

	if (*finish)
		violate("invalidate_start() gets a pointer that is not NULL");
	spin_lock(&range->lock);
	done = invalidate_range(range, event, seq);
	if (!done) {
		/* A range that refuses gets no second pass. */
		*finish = &range->finish;
	} else if (!range->started) {
		range->started = true;
		range->finish.notifier = &earlier_user;
		*finish = &range->finish;
		refine_await(range->index);
	}
	spin_unlock(&range->lock);
	return done;
}

static void range_invalidate_finish(struct mmu_interval_notifier_finish *finish)
{
	struct range *range = container_of(finish, struct range, finish);

	if (finish->notifier != &range->sub)
		violate("invalidate_finish() gets another range");
	refine_finish(range->index);
	spin_lock(&range->lock);
	if (!range->started)
		violate("a range is finished that was not started");
	range->started = false;
	spin_unlock(&range->lock);
}

/* The kernel prefers invalidate_start(). */
static bool one_pass_of_two(struct mmu_interval_notifier *sub,
			    const struct mmu_notifier_range *event,
			    unsigned long seq)
{
	violate("invalidate() is called, and the range has invalidate_start()");
	return true;
}

static const struct mmu_interval_notifier_ops two_pass_ops = {
	.invalidate = one_pass_of_two,
	.invalidate_start = range_invalidate_start,
	.invalidate_finish = range_invalidate_finish,
};

static struct mmu_interval_notifier earlier_user = { .ops = &two_pass_ops };
#define TWO_PASS_OPS (&two_pass_ops)
#else
#define TWO_PASS_OPS (&range_ops)
#endif

static struct range *range_alloc(int index)
{
	struct range *range = kzalloc(sizeof(*range), GFP_KERNEL);

	range->index = index;
	range->pages = RANGE_PAGES;
	return range;
}

static unsigned long address_of(int page)
{
	return BASE + page * page_bytes;
}

static int range_insert(struct range *range,
			typeof(mmu_interval_notifier_insert) *insert,
			const struct mmu_interval_notifier_ops *ops)
{
	refine_range(range->index, &range->sub, range->pages - RANGE_PAGES);
	refine_call(CALL_INSERT, range->index, 0, 0);
	return insert(&range->sub, the_mm, address_of(range->index),
		      range->pages * page_bytes, ops);
}

static void range_remove(struct range *range)
{
	spin_lock(&range->lock);
	drop_sptes(range);
	spin_unlock(&range->lock);
	refine_call(CALL_REMOVE, range->index, 0, 0);
	mmu_interval_notifier_remove(&range->sub);
	refine_removed(range->index);
	kfree(range);
}

void interval_setup(int index, bool refuses, bool two_pass, bool wide)
{
	struct range *range;

	range = range_alloc(index);
	range->refuses = refuses;
	range->pages = wide ? WIDE_PAGES : RANGE_PAGES;
	range_insert(range, mmu_interval_notifier_insert,
		     two_pass ? TWO_PASS_OPS : &range_ops);
}

static bool range_read(void *arg)
{
	struct range *range = arg;
	const int index = range->index;
	unsigned long page[WIDE_PAGES], seq;
	bool retry;

	refine_call(CALL_BEGIN, index, 0, 0);
	seq = mmu_interval_read_begin(&range->sub);
	refine_begin(seq);
	hold(HOLD_RETURN, seq);
	mm_walk(the_mm, index, range->pages, page);
	hold(HOLD_RETURN, 0);
	retry = mmu_interval_check_retry(&range->sub, seq);
	refine_retry(index, seq, retry);
	hold(HOLD_RETURN, retry);
	if (retry)
		return false;
	spin_lock(&range->lock);
	retry = mmu_interval_read_retry(&range->sub, seq);
	refine_retry(index, seq, retry);
	for (int i = 0; i < range->pages && !retry; i++)
		range->spte[i] = page[i];
	spin_unlock(&range->lock);
	hold(HOLD_RETURN, retry);
	return !retry;
}

/* Returns the range of a role, which exists before the first step. */
static struct range *range_of(const struct role *role)
{
	return range_at(role->range);
}

void reader(void *role)
{
	actor_repeat(range_read, range_of(role));
}

static struct range *insert(const struct role *role)
{
	struct range *range = range_alloc(role->range);
	const int ret =
		range_insert(range, mmu_interval_notifier_insert, &range_ops);

	if (ret)
		violate("an insert returned %d", ret);
	return range;
}

static int try_insert(struct range *range, unsigned long start,
		      unsigned long length)
{
	return mmu_interval_notifier_insert(&range->sub, the_mm, start, length,
					    &range_ops);
}

/* Each insert must fail, and must leave nothing behind. */
void insert_wrong(void *role)
{
	struct range *range = kzalloc(sizeof(*range), GFP_KERNEL);

	if (try_insert(range, 0, 0) != -EOVERFLOW)
		violate("insert of length 0 did not return -EOVERFLOW");
	if (try_insert(range, -1ul, 2) != -EOVERFLOW)
		violate("insert beyond the last address did not return -EOVERFLOW");
	if (try_insert(range, -2ul, -1ul) != -EOVERFLOW)
		violate("insert of a length that wraps did not return -EOVERFLOW");
	kfree(range);
}

/* The insert must return the error of the settings. */
static void insert_must_fail(typeof(mmu_interval_notifier_insert) *insert)
{
	struct range *range = kzalloc(sizeof(*range), GFP_KERNEL);
	int ret;

	refine_call(CALL_NONE, 0, 0, 0);
	ret = insert(&range->sub, the_mm, BASE, RANGE_PAGES, &range_ops);
	if (ret != mm_settings.error)
		violate("an insert returned %d, and must return %d", ret,
			mm_settings.error);
	kfree(range);
	mm_check_heap();
}

void insert_fails(void *role)
{
	insert_must_fail(mmu_interval_notifier_insert);
}

/* mmu_interval_notifier_insert() of a caller that holds the mmap_lock */
void insert_locked(void *arg)
{
	const struct role *role = arg;
	struct range *range = range_alloc(role->range);
	int ret;

	mmap_write_lock(the_mm);
	ret = range_insert(range, mmu_interval_notifier_insert_locked,
			   &range_ops);
	mmap_write_unlock(the_mm);
	if (ret)
		violate("an insert returned %d", ret);
	actor_repeat(range_read, range);
}

void insert_locked_fails(void *role)
{
	mmap_write_lock(the_mm);
	insert_must_fail(mmu_interval_notifier_insert_locked);
	mmap_write_unlock(the_mm);
}

void inserter(void *role)
{
	insert(role);
}

void insert_and_read(void *role)
{
	actor_repeat(range_read, insert(role));
}

void insert_and_remove(void *role)
{
	range_remove(insert(role));
}

void remover(void *role)
{
	range_remove(range_of(role));
}

static unsigned long end_of(int last)
{
	return last == ALL_PAGES ? ULONG_MAX : address_of(last + 1);
}

static void *const owner = (void *)&range_ops;

static void event_init(struct mmu_notifier_range *event, int first, int last)
{
	const unsigned long from = last == ALL_PAGES ? 0 : address_of(first);

#ifdef RANGE_HAS_VMA
	mmu_notifier_range_init_owner(event, MMU_NOTIFY_CLEAR, 0, NULL, the_mm,
				      from, end_of(last), owner);
#else
	mmu_notifier_range_init_owner(event, MMU_NOTIFY_CLEAR, 0, the_mm, from,
				      end_of(last), owner);
#endif
}

#ifdef RANGE_HAS_VMA
static void check_read_only(const struct mmu_notifier_range *event, bool right)
{
	if (mmu_notifier_range_update_to_read_only(event) != right)
		violate("update_to_read_only() did not return %d", right);
}
#endif

/* The pages of an event and its flag are those of the call of the actor. */
static void event_check(const struct mmu_notifier_range *event)
{
	const bool release = me->exits;

	if (event->mm != the_mm)
		violate("a callback gets another mm");
	if (event->event != (release ? MMU_NOTIFY_RELEASE : MMU_NOTIFY_CLEAR))
		violate("a callback gets the event %d", event->event);
	if (!release && event->owner != owner)
		violate("a callback gets another owner");
	if (!!mmu_notifier_range_blockable(event) == me->must_not_block)
		violate("a callback gets the wrong flag for blocking");
}

static bool start(struct mmu_notifier_range *event, int first, int last,
		  bool blockable)
{
	int ret = 0;

	refine_call(CALL_START, 0, first, last);
	refine_list_walk(LIST_START);
	me->must_not_block = !blockable;
	if (blockable)
		mmu_notifier_invalidate_range_start(event);
	else
		ret = mmu_notifier_invalidate_range_start_nonblock(event);
	refine_start(ret);
	refine_list_started(ret);
	hold(HOLD_START, 0);
	me->must_not_block = false;
	return !ret;
}

/* On kernels with ONLY_END, an end also flushes the secondary TLB. */
static void end(struct mmu_notifier_range *event)
{
	refine_call(CALL_END, 0, 0, 0);
#ifdef ONLY_END
	refine_list_walk(LIST_END | LIST_SECONDARY_TLB);
#else
	refine_list_walk(LIST_END);
#endif
	mmu_notifier_invalidate_range_end(event);
	refine_list_walked();
	hold(HOLD_END, 0);
}

/* The caller has already flushed the secondary TLB. */
static void only_end(struct mmu_notifier_range *event)
{
#ifdef ONLY_END
	refine_call(CALL_END, 0, 0, 0);
	refine_list_walk(LIST_END);
	mmu_notifier_invalidate_range_only_end(event);
	refine_list_walked();
#else
	end(event);
#endif
}

bool invalidate(int first, int last, bool blockable)
{
	struct mmu_notifier_range event;

	event_init(&event, first, last);
	if (!start(&event, first, last, blockable))
		return false;
	mm_zap(the_mm, first, last);
	end(&event);
	return true;
}

void invalidator(void *arg)
{
	const struct role *role = arg;

	invalidate(role->first, role->last, true);
}

void only_end_invalidator(void *arg)
{
	const struct role *role = arg;
	struct mmu_notifier_range event;

	event_init(&event, role->first, role->last);
	start(&event, role->first, role->last, true);
	mm_zap(the_mm, role->first, role->last);
	only_end(&event);
}

/* The event tells whether a page only loses its write permission. */
void read_only(void *role)
{
#ifdef RANGE_HAS_VMA
	struct vm_area_struct *vma = kzalloc(sizeof(*vma), GFP_KERNEL);
	struct mmu_notifier_range event;

	event_init(&event, 0, 0);
	check_read_only(&event, false);
	event.event = MMU_NOTIFY_PROTECTION_VMA;
	check_read_only(&event, false);
	event.vma = vma;
	check_read_only(&event, false);
	vma->vm_flags = VM_READ;
	check_read_only(&event, true);
	event.event = MMU_NOTIFY_CLEAR;
	check_read_only(&event, false);
#endif
}

void nested_invalidator(void *arg)
{
	const struct role *role = arg;
	struct mmu_notifier_range event;

	event_init(&event, role->first, role->last);
	start(&event, role->first, role->last, true);
	invalidate(role->first, role->first, true);
	mm_zap(the_mm, role->first, role->last);
	end(&event);
}

/* A page fault under the lock of the VMA, which invalidates a page */
void faulter(void *arg)
{
	const struct role *role = arg;

	down_read(&the_mm->vma_lock);
	invalidate(role->first, role->last, true);
	up_read(&the_mm->vma_lock);
}

/* Insert after the last user of the mm has gone. */
void late_inserter(void *role)
{
	mmgrab(the_mm);
	mmput(the_mm);
	insert_fails(role);
	mmdrop(the_mm);
}

void reaper(void *arg)
{
	const struct role *role = arg;

	invalidate(role->first, role->last, false);
}

void exiter(void *role)
{
	mmput(the_mm);
}

static unseen unsigned long spte_of(const struct range *range, int page)
{
	if (!range || page < range->index ||
	    page >= range->index + range->pages)
		return 0;
	return range->spte[page - range->index];
}

void interval_check_page(int page)
{
	for (int i = 0; i < RANGES; i++)
		if (spte_of(range_at(i), page))
			violate("page %d is unmapped, and range %c maps the page",
				page, 'A' + i);
}

unseen void interval_check_end(void)
{
	for (int i = 0; i < RANGES; i++)
		for (int page = 0; page < MM_PAGES; page++)
			if (spte_of(range_at(i), page) &&
			    spte_of(range_at(i), page) != the_mm->page[page])
				violate("range %c maps an old page %d for ever",
					'A' + i, page);
}
