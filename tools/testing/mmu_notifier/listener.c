// SPDX-License-Identifier: GPL-2.0
/* A driver with list notifiers, and the calls that walk over the list */
#include <linux/mmu_notifier.h>

#include "access.h"
#include "interval.h"
#include "list.h"
#include "listener.h"
#include "mm.h"
#include "refine.h"
#include "refine_list.h"

struct listener {
	struct mmu_notifier sub;
	spinlock_t lock; /* the lock of the driver */
	bool young; /* the answer of the driver about each page */
};

/* The page of the calls that walk over the list */
#define FIRST BASE
#define LAST (BASE + 2)

static struct mmu_notifier *sub_at(int listener)
{
	return refine_list_object(listener);
}

/*
 * A driver takes its lock in each callback.  So other actors can run during a
 * callback, and a callback of a freed notifier is an access to freed memory.
 */
static struct listener *called(struct mmu_notifier *sub, int callback)
{
	struct listener *listener = container_of(sub, struct listener, sub);

	refine_list_callback(sub, callback);
	spin_lock(&listener->lock);
	spin_unlock(&listener->lock);
	return listener;
}

static void check_event(const struct mmu_notifier_range *event)
{
	if (event->mm != the_mm)
		violate("a list notifier gets another mm");
	if (!mmu_notifier_range_blockable(event) && !me->atomic)
		violate("a callback that must not block can sleep");
}

static void check_pages(struct mm_struct *mm, unsigned long first,
			unsigned long last)
{
	if (mm != the_mm || first != FIRST || last != LAST)
		violate("a list notifier gets other pages");
}

static int start(struct mmu_notifier *sub,
		 const struct mmu_notifier_range *event)
{
	check_event(event);
	called(sub, LIST_START);
	return 0;
}

static int refuse(struct mmu_notifier *sub,
		  const struct mmu_notifier_range *event)
{
	start(sub, event);
	if (mmu_notifier_range_blockable(event))
		return 0;
	refine_list_refuses(sub);
	return -EAGAIN;
}

static void end(struct mmu_notifier *sub,
		const struct mmu_notifier_range *event)
{
	/* The ends after a refusal are calls of the start. */
	if (!me->must_not_block)
		check_event(event);
	called(sub, LIST_END);
}

static void release(struct mmu_notifier *sub, struct mm_struct *mm)
{
	if (mm != the_mm)
		violate("release() gets another mm");
	refine_list_releases();
	called(sub, LIST_RELEASE);
	refine_list_releases();
}

static void put(struct mmu_notifier *sub);

static void release_and_put(struct mmu_notifier *sub, struct mm_struct *mm)
{
	release(sub, mm);
	put(sub);
}

static bool answer(struct mmu_notifier *sub, int callback)
{
	const bool young = called(sub, callback)->young;

	if (young)
		refine_list_answers_young();
	return young;
}

/* The type of the result differs between kernels. */
static typeof(mmu_notifier_test_young(NULL, 0))
clear_flush_young(struct mmu_notifier *sub, struct mm_struct *mm,
		  unsigned long first, unsigned long last)
{
	check_pages(mm, first, last);
	return answer(sub, LIST_CLEAR_FLUSH_YOUNG);
}

static typeof(mmu_notifier_test_young(NULL, 0))
clear_young(struct mmu_notifier *sub, struct mm_struct *mm, unsigned long first,
	    unsigned long last)
{
	check_pages(mm, first, last);
	return answer(sub, LIST_CLEAR_YOUNG);
}

static typeof(mmu_notifier_test_young(NULL, 0))
test_young(struct mmu_notifier *sub, struct mm_struct *mm, unsigned long page)
{
	check_pages(mm, page, LAST);
	return answer(sub, LIST_TEST_YOUNG);
}

#ifdef CHANGE_PTE
static void set_pte(struct mmu_notifier *sub, struct mm_struct *mm,
		    unsigned long page, pte_t pte)
{
	check_pages(mm, page, LAST);
	if (pte.pte != FIRST)
		violate("a list notifier gets another PTE");
	called(sub, LIST_CHANGE_PTE);
}
#endif

/* At the end of an invalidation on old kernels, the pages are those of the event. */
static void flush_tlb(struct mmu_notifier *sub, struct mm_struct *mm,
		      unsigned long first, unsigned long last)
{
	if (mm != the_mm || first >= last)
		violate("a secondary TLB gets other pages");
	called(sub, LIST_SECONDARY_TLB);
}

static struct mmu_notifier *alloc(struct mm_struct *mm,
				  enum listener_kind kind);

static struct mmu_notifier *alloc_pair(struct mm_struct *mm)
{
	return alloc(mm, LISTENER_PAIR);
}

static struct mmu_notifier *alloc_other(struct mm_struct *mm)
{
	return alloc(mm, LISTENER_OTHER);
}

static struct mmu_notifier *alloc_puts(struct mm_struct *mm)
{
	return alloc(mm, LISTENER_PUTS);
}

/* As in a callback, other actors can run before the list notifier is freed. */
static void list_free(struct mmu_notifier *sub)
{
	struct listener *listener = container_of(sub, struct listener, sub);

	refine_list_frees(sub);
	if (sub->mm && !heap_has(sub->mm))
		violate("free_notifier() is called, and the mm is freed");
	spin_lock(&listener->lock);
	spin_unlock(&listener->lock);
	refine_list_freed(sub);
	kfree(listener);
}

#ifdef SECONDARY_TLBS
#define FLUSH_TLB .arch_invalidate_secondary_tlbs = flush_tlb
#else
#define FLUSH_TLB .invalidate_range = flush_tlb
#endif

static const struct mmu_notifier_ops all_ops[] = {
	[LISTENER_PAIR] = {
		.invalidate_range_start = start,
		.invalidate_range_end = end,
		.release = release,
		.clear_flush_young = clear_flush_young,
		.clear_young = clear_young,
		.test_young = test_young,
#ifdef CHANGE_PTE
		.change_pte = set_pte,
#endif
		.alloc_notifier = alloc_pair,
		.free_notifier = list_free,
	},
	[LISTENER_REFUSES] = {
		.invalidate_range_start = refuse,
		.release = release,
	},
	[LISTENER_TLB] = {
		.release = release,
		FLUSH_TLB,
	},
	[LISTENER_OTHER] = {
		.release = release,
		.alloc_notifier = alloc_other,
		.free_notifier = list_free,
	},
	[LISTENER_PUTS] = {
		.release = release_and_put,
		.alloc_notifier = alloc_puts,
		.free_notifier = list_free,
	},
	[LISTENER_KINDS] = { /* both kinds of callbacks */
		.invalidate_range_start = start,
		FLUSH_TLB,
	},
};

/* Returns the callbacks of the ops that walks call. */
static int callbacks(enum listener_kind kind)
{
	switch (kind) {
	case LISTENER_PAIR:
		return 0xff & ~LIST_SECONDARY_TLB;
	case LISTENER_REFUSES:
		return LIST_START | LIST_RELEASE;
	case LISTENER_TLB:
		return LIST_SECONDARY_TLB | LIST_RELEASE;
	case LISTENER_OTHER:
	case LISTENER_PUTS:
		return LIST_RELEASE;
	case LISTENER_KINDS:
		return LIST_START | LIST_SECONDARY_TLB;
	default:
		return 0;
	}
}

static struct mmu_notifier *alloc(struct mm_struct *mm, enum listener_kind kind)
{
	struct listener *listener = kzalloc(sizeof(*listener), GFP_KERNEL);

	if (mm != the_mm)
		violate("alloc_notifier() gets another mm");
	if (!listener)
		return ERR_PTR(-ENOMEM);
	refine_list_new(&listener->sub, callbacks(kind), kind);
	return &listener->sub;
}

static int try_register(enum listener_kind kind, struct mmu_notifier **sub)
{
	struct listener *listener = kzalloc(sizeof(*listener), GFP_KERNEL);
	const int number =
		refine_list_new(&listener->sub, callbacks(kind), kind);
	int ret;

	listener->sub.ops = &all_ops[kind];
	refine_list_call(LIST_CALL_REGISTER, number);
	ret = mmu_notifier_register(&listener->sub, the_mm);
	refine_list_registered(ret);
	*sub = &listener->sub;
	return ret;
}

static int register_kind(enum listener_kind kind)
{
	struct mmu_notifier *sub;
	const int ret = try_register(kind, &sub);

	if (ret)
		violate("register returned %d", ret);
	return refine_list_number(sub);
}

static void unregister(int listener)
{
	struct mmu_notifier *sub = sub_at(listener);

	refine_list_call(LIST_CALL_UNREGISTER, listener);
	mmu_notifier_unregister(sub, the_mm);
	refine_list_unregistered();
	kfree(container_of(sub, struct listener, sub));
}

static struct mmu_notifier *get(enum listener_kind kind)
{
	struct mmu_notifier *sub;

	refine_list_call(LIST_CALL_GET, kind);
	sub = mmu_notifier_get(&all_ops[kind], the_mm);
	refine_list_got(sub);
	return sub;
}

static void put(struct mmu_notifier *sub)
{
	refine_list_call(LIST_CALL_PUT, refine_list_number(sub));
	mmu_notifier_put(sub);
	refine_list_put(sub);
}

void listener_setup(enum listener_kind kind, bool young, bool got)
{
	struct mmu_notifier *sub;

	sub = got ? get(kind) : sub_at(register_kind(kind));
	container_of(sub, struct listener, sub)->young = young;
}

void registrar(void *role)
{
	register_kind(LISTENER_PAIR);
}

void unregistrar(void *arg)
{
	const struct role *role = arg;

	unregister(role->range);
}

void register_and_unregister(void *role)
{
	unregister(register_kind(LISTENER_PAIR));
}

void register_and_exit(void *role)
{
	register_kind(LISTENER_PAIR);
	mmput(the_mm);
}

static void get_and_put_kind(enum listener_kind kind)
{
	struct mmu_notifier *sub = get(kind);

	if (IS_ERR(sub))
		violate("get returned %ld", PTR_ERR(sub));
	put(sub);
}

void get_and_put(void *role)
{
	get_and_put_kind(LISTENER_PAIR);
}

void get_other_and_put(void *role)
{
	get_and_put_kind(LISTENER_OTHER);
}

void putter(void *arg)
{
	const struct role *role = arg;

	put(sub_at(role->range));
}

void put_and_synchronize(void *role)
{
	putter(role);
	synchronizer(NULL);
}

void get_too_often(void *arg)
{
	const struct role *role = arg;
	struct mmu_notifier *sub = sub_at(role->range), *got;

	sub->users = UINT_MAX;
	refine_list_users(role->range, MODEL_MAX_USERS);
	got = get(LISTENER_PAIR);
	if (got != ERR_PTR(-EOVERFLOW))
		violate("get did not return -EOVERFLOW");
	sub->users = 1;
	refine_list_users(role->range, 1);
}

void register_fails(void *role)
{
	struct mmu_notifier *sub;
	const int ret = try_register(LISTENER_PAIR, &sub);

	if (ret != mm_settings.error)
		violate("register returned %d, and must return %d", ret,
			mm_settings.error);
	list_free(sub);
	mm_check_heap();
}

void get_fails(void *role)
{
	const struct mmu_notifier *sub = get(LISTENER_PAIR);

	if (sub != ERR_PTR(mm_settings.error))
		violate("get must return %d", mm_settings.error);
	mm_check_heap();
}

void register_both_kinds(void *role)
{
	struct mmu_notifier *sub;
	int ret = try_register(LISTENER_KINDS, &sub);

#ifdef SECONDARY_TLBS
	if (ret != -EINVAL)
		violate("register of both kinds returned %d", ret);
	list_free(sub);
#else
	if (ret)
		violate("register of both kinds returned %d", ret);
#endif
}

void synchronizer(void *role)
{
	refine_list_synchronize();
	mmu_notifier_synchronize();
	refine_list_synchronized();
}

void aging(void *role)
{
	refine_list_walk(LIST_CLEAR_FLUSH_YOUNG);
	refine_list_young(mmu_notifier_clear_flush_young(the_mm, FIRST, LAST));
	refine_list_walk(LIST_CLEAR_YOUNG);
	refine_list_young(mmu_notifier_clear_young(the_mm, FIRST, LAST));
	refine_list_walk(LIST_TEST_YOUNG);
	refine_list_young(mmu_notifier_test_young(the_mm, FIRST));
}

/* The caller holds the lock of the page table. */
void flush_secondary_tlb(void *role)
{
	refine_list_walk(LIST_SECONDARY_TLB);
	non_block_start();
#ifdef SECONDARY_TLBS
	mmu_notifier_arch_invalidate_secondary_tlbs(the_mm, FIRST, LAST);
#else
	mmu_notifier_invalidate_range(the_mm, FIRST, LAST);
#endif
	non_block_end();
	refine_list_walked();
}

/* Newer kernels do not have the call. */
void change_pte(void *role)
{
#ifdef CHANGE_PTE
	refine_list_walk(LIST_CHANGE_PTE);
	mmu_notifier_change_pte(the_mm, FIRST, (pte_t){ FIRST });
	refine_list_walked();
#endif
}
