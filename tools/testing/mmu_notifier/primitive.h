/* SPDX-License-Identifier: GPL-2.0 */
/* Locks, wait queues and SRCU.  Each is a few words of the heap. */
#ifndef _MMU_NOTIFIER_PRIMITIVE_H
#define _MMU_NOTIFIER_PRIMITIVE_H

#include <stdbool.h>
#include <stdint.h>

/* A spinlock or a mutex: the index of the holder plus 1, or 0 */
typedef struct {
	uint64_t holder;
} spinlock_t;

struct mutex {
	spinlock_t lock;
};

struct rw_semaphore {
	uint64_t writer; /* as spinlock_t */
	uint64_t readers; /* mask of actors */
};

typedef struct {
	uint64_t waiters; /* mask of actors */
} wait_queue_head_t;

struct srcu_struct {
	int unused;
};

bool spin_is_free(const spinlock_t *lock);
bool rwsem_is_free(const struct rw_semaphore *sem, bool write);
bool lock_is_mine(const void *lock, bool write);

void spin_lock(spinlock_t *lock);
void spin_unlock(spinlock_t *lock);
void mutex_lock(struct mutex *mutex);
int mutex_trylock(struct mutex *mutex);
void mutex_unlock(struct mutex *mutex);
void down_read(struct rw_semaphore *sem);
void up_read(struct rw_semaphore *sem);
void down_write(struct rw_semaphore *sem);
void up_write(struct rw_semaphore *sem);

void wait_prepare(wait_queue_head_t *queue);
void wait_sleep(wait_queue_head_t *queue, const void *pc);
void wait_finish(wait_queue_head_t *queue);
void wake_up(wait_queue_head_t *queue);
#define wake_up_all wake_up

int srcu_read_lock(struct srcu_struct *srcu);
void srcu_read_unlock(struct srcu_struct *srcu, int index);
void synchronize_srcu(struct srcu_struct *srcu);
/* Wait for the callbacks of earlier srcu_call(). */
void srcu_barrier(struct srcu_struct *srcu);
void srcu_call(void *head, void (*run)(void *head));
/* An actor that runs the SRCU callbacks */
void srcu_worker(void *unused);

/* Report a violation if the running actor must not sleep. */
void may_sleep(void);
void non_block_start(void);
void non_block_end(void);
/* lockdep: the invalidation map must not be acquired twice. */
void map_acquire(void);
void map_release(void);

#endif /* _MMU_NOTIFIER_PRIMITIVE_H */
