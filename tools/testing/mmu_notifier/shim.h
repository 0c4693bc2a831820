/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What mm/mmu_notifier.c and the headers and libraries of the kernel need, in
 * user space.  Each stub header includes this file.
 */
#ifndef _MMU_NOTIFIER_SHIM_H
#define _MMU_NOTIFIER_SHIM_H

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "access.h"
#include "actor.h"
#include "primitive.h"

/* The compilers insert no calls of the hooks before these functions. */
void *__tsan_memset(void *p, int c, size_t bytes);
void *__tsan_memcpy(void *to, const void *from, size_t bytes);
void *__tsan_memmove(void *to, const void *from, size_t bytes);
#define memset __tsan_memset
#define memcpy __tsan_memcpy
#define memmove __tsan_memmove

typedef uint8_t u8, __u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef unsigned long pgoff_t;
typedef unsigned int gfp_t;
typedef struct {
	unsigned long pte;
} pte_t;
typedef struct {
	int counter;
} atomic_t;

struct list_head {
	struct list_head *next, *prev;
};
struct hlist_node {
	struct hlist_node *next, **pprev;
};
struct hlist_head {
	struct hlist_node *first;
};
struct rcu_head {
	struct rcu_head *next;
	void (*func)(struct rcu_head *head);
};

/* compiler.h, container_of.h, err.h, poison.h, export.h */
#define __rcu
#define __cold
#define __context_unsafe(reason)
#define __must_check __attribute__((warn_unused_result))
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#define __maybe_unused __attribute__((unused))
#define noinline __attribute__((__noinline__))
/* The accesses of this function are not accesses of an actor. */
#define unseen __attribute__((__noinline__, no_sanitize("thread")))
#define unlikely(x) __builtin_expect(!!(x), 0)
#define likely(x) __builtin_expect(!!(x), 1)
#define ASSERT_EXCLUSIVE_ACCESS(x) ((void)0)
#define IS_ENABLED(option) 0
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define READ_ONCE(x) (*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, value) (*(volatile typeof(x) *)&(x) = (value))
#define data_race(x) (x)
#define smp_mb() barrier()
#define smp_rmb() barrier()
#define smp_wmb() barrier()
#define barrier() asm volatile("" ::: "memory")
#define smp_load_acquire(p) READ_ONCE(*(p))
#define smp_store_release(p, value) WRITE_ONCE(*(p), value)
#define container_of(p, type, member) \
	((type *)((char *)(p)-offsetof(type, member)))
#define container_of_const container_of
#define EXPORT_SYMBOL(symbol)
#define EXPORT_SYMBOL_GPL(symbol)
#define BUILD_BUG_ON(x) _Static_assert(!(x), #x)
#define LIST_POISON1 ((void *)(POISON + 0x100))
#define LIST_POISON2 ((void *)(POISON + 0x122))
#define ERR_PTR(error) ((void *)(long)(error))
#define PTR_ERR(p) ((long)(p))
#define IS_ERR(p) ((unsigned long)(p) >= (unsigned long)-4095)
#define check_add_overflow(a, b, sum) __builtin_add_overflow(a, b, sum)
#define xchg(p, value)                     \
	({                                 \
		typeof(*(p)) old__ = *(p); \
		*(p) = (value);            \
		old__;                     \
	})
#define try_cmpxchg(p, old, value)                  \
	({                                          \
		const bool same__ = *(p) == *(old); \
		if (same__)                         \
			*(p) = (value);             \
		else                                \
			*(old) = *(p);              \
		same__;                             \
	})

/* bug.h: a warning is a violation if the configuration does not expect it. */
bool warns(bool warning, const char *text);
#define WARN_ON(x) warns(!!(x), #x)
#define WARN_ON_ONCE(x) warns(!!(x), #x)
#define BUG_ON(x)                                  \
	do {                                       \
		if (x)                             \
			violate("BUG_ON(%s)", #x); \
	} while (0)
#define pr_info(...) ((void)(0 ? printf_unused(__VA_ARGS__) : 0))
int printf_unused(const char *format, ...);

/* spinlock.h, rwsem.h, wait.h, lockdep.h */
struct lockdep_map {
	const char *name;
};
#define might_sleep() may_sleep()
#define might_lock(lock) may_sleep()
#define lockdep_is_held(lock) lock_is_mine(lock, false)
#define lockdep_assert_held(lock)                                       \
	do {                                                            \
		if (!lock_is_mine(lock, false))                         \
			violate("a function needs the lock %s", #lock); \
	} while (0)
#define lock_map_acquire(map) map_acquire()
#define lock_map_release(map) map_release()
#define spin_lock_init(l) ((void)((l)->holder = 0))
#define init_waitqueue_head(q) ((void)((q)->waiters = 0))
#define wait_event(queue, condition)                     \
	do {                                             \
		may_sleep();                             \
		for (;;) {                               \
			wait_prepare(&(queue));          \
			if (condition)                   \
				break;                   \
			wait_sleep(&(queue), wait_pc()); \
		}                                        \
		wait_finish(&(queue));                   \
	} while (0)
static inline __attribute__((always_inline)) const void *wait_pc(void)
{
	const void *pc;

#if defined(__x86_64__)
	asm volatile("lea 0(%%rip), %0" : "=r"(pc));
#else
	asm volatile("adr %0, ." : "=r"(pc));
#endif
	return pc;
}

/* rcupdate.h, srcu.h */
#define rcu_dereference_raw(p) READ_ONCE(p)
#define rcu_dereference(p) READ_ONCE(p)
#define rcu_dereference_protected(p, condition) (p)
#define rcu_dereference_check(p, condition) READ_ONCE(p)
#define rcu_assign_pointer(p, value) smp_store_release(&(p), value)
#define RCU_INIT_POINTER(p, value) WRITE_ONCE(p, value)
#define RCU_LOCKDEP_WARN(condition, text) ((void)0)
#define rcu_read_lock_any_held() true
#define DEFINE_STATIC_SRCU(name) static struct srcu_struct name
#define srcu_read_lock_held(srcu) (me && me->in_srcu)
#define call_srcu(srcu, head, func) srcu_call(head, (void (*)(void *))(func))

/* mm_types.h, mmap_lock.h, sched/mm.h, slab.h */
#define MM_PAGES 6

struct mm_struct {
	atomic_t mm_users;
	atomic_t mm_count;
	struct mmu_notifier_subscriptions *notifier_subscriptions;
	struct rw_semaphore mmap_lock;
	struct rw_semaphore vma_lock;
	struct rw_semaphore rmap_lock;
	spinlock_t page_table_lock;
	unsigned long page[MM_PAGES]; /* the page that each PTE maps */
};

struct vm_area_struct {
	struct mm_struct *vm_mm;
	unsigned long vm_flags;
};
#define VM_READ 1

#define GFP_KERNEL 0
#define kzalloc_obj(type) kzalloc(sizeof(type), GFP_KERNEL)
void *kzalloc(size_t bytes, gfp_t flags);
void kfree(const void *object);

/*
 * The counts of an mm are not points: the order of two changes only decides who is
 * the last user.  An access to a count races only with the free of the mm.
 */
int atomic_read(const atomic_t *v);
void mmgrab(struct mm_struct *mm);
void mmdrop(struct mm_struct *mm);
int mm_take_all_locks(struct mm_struct *mm);
void mm_drop_all_locks(struct mm_struct *mm);
#define mmap_write_lock(mm) down_write(&(mm)->mmap_lock)
#define mmap_write_unlock(mm) up_write(&(mm)->mmap_lock)
#define mmap_read_lock(mm) down_read(&(mm)->mmap_lock)
#define mmap_read_unlock(mm) up_read(&(mm)->mmap_lock)
#define mmap_assert_write_locked(mm)                                   \
	do {                                                           \
		if (!lock_is_mine(&(mm)->mmap_lock, true))             \
			violate("the caller must hold the mmap_lock"); \
	} while (0)

/* mm_types.h includes llist.h. */
#include <linux/llist.h>

#endif /* _MMU_NOTIFIER_SHIM_H */
