/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The objects of the module mmun_list, and the functions that several files use.
 *
 *   ioctl() -> plain.c, object.c, map.c -> the core
 *   the core -> notifier.c -> log.c, hold.c
 *
 * A notifier has references: one of its registration, one of each context that
 * has registered or got the notifier, and one of each call that uses it.  The
 * registration of a plain notifier shares the reference of the context.
 *
 * mmun_list_lock protects all lists, logs and holds.  It is a raw spinlock that
 * disables interrupts, because callbacks take the lock that run under spinlocks,
 * in non-blocking sections, and with softirqs disabled.
 *
 * mmun_list_map_mutex -> mmap_lock -> mmun_list_lock
 */
#ifndef _MMUN_LIST_PRIVATE_H
#define _MMUN_LIST_PRIVATE_H

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "compat.h"
#include "mmun_list.h"

/* The number of active invalidations that a notifier remembers */
#define MMUN_LIST_OPEN 16

/**
 * struct mmun_list_open - an active invalidation
 * @task: the task, only for comparison; NULL: the entry is free
 * @start: start of the interval
 * @end: end of the interval
 * @event: event
 */
struct mmun_list_open {
	const struct task_struct *task;
	unsigned long start;
	unsigned long end;
	enum mmu_notifier_event event;
};

/**
 * struct mmun_list_notifier - a notifier
 * @mn: the notifier of the core
 * @ops: the callbacks of a plain notifier and of a map notifier
 * @ref: see above
 * @mm: the mm, only for comparison
 * @id: ID
 * @mask: mask of the callbacks
 * @flags: MMUN_LIST_READ
 * @answers: number of calls that give the answer of ANSWER, for each callback
 * @calls: number of calls of each callback
 * @active: number of active invalidations that are not refused
 * @unpaired: number of ends without a start
 * @open: the active invalidations
 * @release_puts: number of uses that release() puts
 * @map_node: entry of mmun_list_map
 * @key: the key of a map notifier
 * @map_users: number of users that the map counts
 * @is_leaving: the map notifier is being unregistered, or was
 *
 * mmun_list_lock protects @active, @unpaired and @open.  mmun_list_map_mutex
 * protects the last four members.
 */
struct mmun_list_notifier {
	struct mmu_notifier mn;
	struct mmu_notifier_ops ops;
	struct kref ref;
	const struct mm_struct *mm;
	u32 id;
	u32 mask;
	u32 flags;
	atomic_t answers[MMUN_LIST_OPS];
	atomic64_t calls[MMUN_LIST_OPS];
	s32 active;
	u32 unpaired;
	struct mmun_list_open open[MMUN_LIST_OPEN];
	atomic_t release_puts;
	struct list_head map_node;
	u32 key;
	u32 map_users;
	bool is_leaving;
};

/**
 * struct mmun_list_use - a notifier that a context has registered or got
 * @node: entry of mmun_list_ctx::uses
 * @notifier: the notifier; the use has a reference
 * @is_plain: the context has registered the notifier
 * @is_leaving: a task unregisters the plain notifier
 * @gets: number of uses that PUT can put
 * @release_gets: number of uses that release() puts, or has put
 * @map_gets: number of uses that MAP_PUT can put
 */
struct mmun_list_use {
	struct list_head node;
	struct mmun_list_notifier *notifier;
	bool is_plain;
	bool is_leaving;
	u32 gets;
	u32 release_gets;
	u32 map_gets;
};

/**
 * struct mmun_list_ctx - an open file
 * @node: entry of mmun_list_contexts
 * @mm: the mm; the context has a reference (mm_count)
 * @uses: the notifiers
 * @nr_uses: length of @uses
 * @holds: the holds
 * @nr_holds: length of @holds
 * @read_lock: serializes read(), so that readers get the records in order
 * @ring: the log
 * @head: sequence of the next record
 * @tail: sequence of the oldest record in the log
 * @lost: number of records that were dropped
 */
struct mmun_list_ctx {
	struct list_head node;
	struct mm_struct *mm;
	struct list_head uses;
	u32 nr_uses;
	struct list_head holds;
	u32 nr_holds;
	struct mutex read_lock;
	struct mmun_list_record *ring;
	u64 head;
	u64 tail;
	u64 lost;
};

/**
 * struct mmun_list_call - what a callback of a notifier is about
 * @mm: the mm
 * @id: ID of the notifier, or 0
 * @op: the callback
 * @mnr: the invalidation, or NULL
 * @start: start of the interval
 * @end: end of the interval
 * @answer: what the callback returns
 * @byte: see struct mmun_list_record
 */
struct mmun_list_call {
	const struct mm_struct *mm;
	u32 id;
	enum mmun_list_op op;
	const struct mmu_notifier_range *mnr;
	unsigned long start;
	unsigned long end;
	int answer;
	int byte;
};

/* The argument of an ioctl, which main.c copies from and to user space */
union mmun_list_cmd {
	struct mmun_list_info info;
	struct mmun_list_register registration;
	struct mmun_list_unregister unregister;
	struct mmun_list_get get;
	struct mmun_list_put put;
	struct mmun_list_counts counts;
	struct mmun_list_state state;
	struct mmun_list_answer answer;
	struct mmun_list_hold hold;
	struct mmun_list_wait_held wait_held;
	struct mmun_list_resume resume;
	struct mmun_list_map map;
};

/* context.c */
extern raw_spinlock_t mmun_list_lock;
extern struct list_head mmun_list_contexts;
extern atomic64_t mmun_list_registered;
struct mmun_list_ctx *mmun_list_ctx_create(struct mm_struct *mm);
void mmun_list_ctx_close(struct mmun_list_ctx *ctx);
struct mmun_list_use *mmun_list_use_alloc(struct mmun_list_ctx *ctx);
void mmun_list_use_free(struct mmun_list_ctx *ctx, struct mmun_list_use *use);
struct mmun_list_use *mmun_list_use_find(struct mmun_list_ctx *ctx, u32 id);
struct mmun_list_use *mmun_list_use_add(struct mmun_list_ctx *ctx,
					struct mmun_list_use *use,
					struct mmun_list_notifier *notifier);
void mmun_list_use_drop(struct mmun_list_ctx *ctx, struct mmun_list_use *use);

/* log.c */
void mmun_list_log(const struct mmun_list_call *call);
u32 mmun_list_event(const struct mmu_notifier_range *mnr);
ssize_t mmun_list_log_read(struct mmun_list_ctx *ctx, char __user *buf,
			   size_t count);

/* hold.c */
void mmun_list_stop(const struct mmun_list_call *call);
void mmun_list_holds_close(struct mmun_list_ctx *ctx);
int mmun_list_hold(struct mmun_list_ctx *ctx, union mmun_list_cmd *ucmd);
int mmun_list_wait_held(struct mmun_list_ctx *ctx, union mmun_list_cmd *ucmd);
int mmun_list_resume(struct mmun_list_ctx *ctx, union mmun_list_cmd *ucmd);

/* notifier.c */
struct mmun_list_notifier *mmun_list_notifier_alloc(const struct mm_struct *mm,
						    u32 mask);
void mmun_list_notifier_put(struct mmun_list_notifier *notifier);
struct mmun_list_notifier *mmun_list_notifier_find(struct mmun_list_ctx *ctx,
						   u32 id);
void mmun_list_set_ops(struct mmu_notifier_ops *ops, u32 mask);
void mmun_list_release(struct mmu_notifier *mn, struct mm_struct *mm);
int mmun_list_start(struct mmu_notifier *mn,
		    const struct mmu_notifier_range *mnr);
void mmun_list_end(struct mmu_notifier *mn,
		   const struct mmu_notifier_range *mnr);
int mmun_list_state(struct mmun_list_ctx *ctx, union mmun_list_cmd *ucmd);
int mmun_list_answer(struct mmun_list_ctx *ctx, union mmun_list_cmd *ucmd);

/* plain.c */
int mmun_list_register_with(struct mmun_list_notifier *notifier,
			    struct mm_struct *mm);
int mmun_list_info(struct mmun_list_ctx *ctx, union mmun_list_cmd *ucmd);
int mmun_list_register(struct mmun_list_ctx *ctx, union mmun_list_cmd *ucmd);
int mmun_list_unregister(struct mmun_list_ctx *ctx, union mmun_list_cmd *ucmd);

/* object.c */
void mmun_list_use_close(struct mmun_list_use *use);
int mmun_list_get(struct mmun_list_ctx *ctx, union mmun_list_cmd *ucmd);
int mmun_list_put(struct mmun_list_ctx *ctx, union mmun_list_cmd *ucmd);
int mmun_list_synchronize(struct mmun_list_ctx *ctx, union mmun_list_cmd *ucmd);
int mmun_list_query(struct mmun_list_ctx *ctx, union mmun_list_cmd *ucmd);
void mmun_list_await_frees(void);

/* map.c */
void mmun_list_map_drop(struct mmun_list_ctx *ctx,
			struct mmun_list_notifier *notifier);
int mmun_list_map_get(struct mmun_list_ctx *ctx, union mmun_list_cmd *ucmd);
int mmun_list_map_put(struct mmun_list_ctx *ctx, union mmun_list_cmd *ucmd);

#endif /* _MMUN_LIST_PRIVATE_H */
