// SPDX-License-Identifier: GPL-2.0
/* Locks, wait queues and SRCU of the actors */
#include "access.h"
#include "actor.h"
#include "primitive.h"
#include "refine.h"
#include "refine_list.h"

static uint64_t my_number(void)
{
	return actor_index(me) + 1;
}

static uint64_t my_bit(void)
{
	return 1ull << actor_index(me);
}

bool spin_is_free(const spinlock_t *lock)
{
	return !lock->holder;
}

bool rwsem_is_free(const struct rw_semaphore *sem, bool write)
{
	return !sem->writer && !(write && sem->readers);
}

static int find_held(const void *lock)
{
	for (int i = 0; me && i < me->nr_held; i++)
		if (me->held[i].lock == lock)
			return i;
	return -1;
}

bool lock_is_mine(const void *lock, bool write)
{
	const int i = find_held(lock);

	return !me || (i >= 0 && (!write || me->held[i].write));
}

static void hold(void *lock, bool write, const void *pc)
{
	access_lock(lock, pc);
	if (me->nr_held == MAX_HELD)
		violate("an actor holds more than %d locks", MAX_HELD);
	me->held[me->nr_held++] = (struct held){ lock, write };
}

static void release(void *lock, const void *pc)
{
	const int i = find_held(lock);

	if (i < 0)
		violate("an actor releases a lock that the actor does not hold");
	access_lock(lock, pc);
	me->held[i] = me->held[--me->nr_held];
	me->held[me->nr_held] = (struct held){};
	me->split = true;
}

void may_sleep(void)
{
	if (me && me->atomic)
		violate("an actor sleeps where the actor must not sleep");
}

void non_block_start(void)
{
	if (me)
		me->atomic++;
}

void non_block_end(void)
{
	if (me)
		me->atomic--;
}

static void take(spinlock_t *lock, const void *pc)
{
	if ((uintptr_t)lock < 4096)
		violate("null pointer dereference");
	if (find_held(lock) >= 0)
		violate("deadlock: an actor takes a lock twice");
	actor_stop(WAIT_LOCK, lock, pc);
	lock->holder = my_number();
	hold(lock, true, pc);
}

void spin_lock(spinlock_t *lock)
{
	if (!me)
		return;
	take(lock, CALLER);
	refine_lock(lock);
	me->atomic++;
}

void spin_unlock(spinlock_t *lock)
{
	if (!me)
		return;
	refine_unlock(lock);
	release(lock, CALLER);
	lock->holder = 0;
	me->atomic--;
}

/*
 * A trylock sees whether a mutex is held.  So others can see the lock and the
 * release at once, unlike those of a spinlock, which nobody tries to take.
 */
void mutex_lock(struct mutex *mutex)
{
	if (!me)
		return;
	may_sleep();
	take(&mutex->lock, CALLER);
	me->split = true;
}

int mutex_trylock(struct mutex *mutex)
{
	if (!me)
		return 1;
	footprint_point(mutex, CALLER);
	if (mutex->lock.holder)
		return 0;
	mutex->lock.holder = my_number();
	hold(mutex, true, CALLER);
	me->split = true;
	return 1;
}

void mutex_unlock(struct mutex *mutex)
{
	if (!me)
		return;
	footprint_point(mutex, CALLER);
	release(mutex, CALLER);
	mutex->lock.holder = 0;
}

static void down(struct rw_semaphore *sem, bool write, const void *pc)
{
	if (!me)
		return;
	may_sleep();
	if (find_held(sem) >= 0)
		violate("deadlock: an actor takes a semaphore twice");
	actor_stop(write ? WAIT_WRITE : WAIT_READ, sem, pc);
	if (write)
		sem->writer = my_number();
	else
		sem->readers |= my_bit();
	hold(sem, write, pc);
}

static void up(struct rw_semaphore *sem, const void *pc)
{
	if (!me)
		return;
	release(sem, pc);
	if (sem->writer == my_number())
		sem->writer = 0;
	sem->readers &= ~my_bit();
}

void down_read(struct rw_semaphore *sem)
{
	down(sem, false, CALLER);
}

void down_write(struct rw_semaphore *sem)
{
	down(sem, true, CALLER);
}

void up_read(struct rw_semaphore *sem)
{
	up(sem, CALLER);
}

void up_write(struct rw_semaphore *sem)
{
	up(sem, CALLER);
}

/*
 * As in the kernel, a task enters the queue before the task tests its condition.
 * Then the task does not miss a wake-up between the test and the sleep.
 */
void wait_prepare(wait_queue_head_t *queue)
{
	if (!me)
		return;
	footprint_point(queue, CALLER);
	queue->waiters |= my_bit();
	me->woken = 0;
}

void wait_sleep(wait_queue_head_t *queue, const void *pc)
{
	if (!me) {
		violate("the setup of a configuration waits");
		return;
	}
	may_sleep();
	refine_sleep();
	actor_stop(WAIT_WAKE, queue, pc);
}

void wait_finish(wait_queue_head_t *queue)
{
	if (!me)
		return;
	access_lock(queue, CALLER);
	queue->waiters &= ~my_bit();
	me->woken = 0;
}

/* All waiters are tasks in wait_event(), and so they are not exclusive. */
void wake_up(wait_queue_head_t *queue)
{
	if (!me)
		return;
	footprint_point(queue, CALLER);
	for (int i = 0; i < world.nr; i++)
		if (queue->waiters >> i & 1)
			world.actor[i].woken = 1;
	queue->waiters = 0;
}

int srcu_read_lock(struct srcu_struct *srcu)
{
	if (me) {
		footprint_point(srcu, CALLER);
		me->in_srcu++;
		refine_list_read(true);
	}
	return 0;
}

static void reader_ends(uint64_t bit)
{
	for (int i = 0; i < world.nr; i++)
		world.actor[i].srcu_waits &= ~bit;
	for (int i = 0; i < world.nr_callbacks; i++)
		world.callback[i].waits &= ~bit;
}

void srcu_read_unlock(struct srcu_struct *srcu, int index)
{
	if (!me)
		return;
	if (!me->in_srcu)
		violate("an actor ends an SRCU read section that it did not begin");
	refine_list_read(false);
	if (!--me->in_srcu)
		reader_ends(my_bit());
	me->split = true;
}

static uint64_t readers(void)
{
	uint64_t mask = 0;

	for (int i = 0; i < world.nr; i++)
		if (world.actor[i].in_srcu)
			mask |= 1ull << i;
	return mask;
}

/* A task is about to wait for SRCU readers.  @at: the caller in the core */
static void srcu_wait_begins(struct srcu_struct *srcu, const void *at)
{
	may_sleep();
	if (me->in_srcu)
		violate("deadlock: an SRCU reader waits for SRCU readers");
	actor_stop(WAIT_NOTHING, srcu, at);
}

void synchronize_srcu(struct srcu_struct *srcu)
{
	if (!me)
		return;
	srcu_wait_begins(srcu, CALLER);
	me->srcu_waits = readers();
	actor_stop(WAIT_SRCU, srcu, CALLER);
}

/*
 * The callbacks run in the order of the calls, so the number of callbacks is enough.
 * As in the kernel, a barrier does not wait for readers if there is no callback.
 */
void srcu_barrier(struct srcu_struct *srcu)
{
	if (!me)
		return;
	srcu_wait_begins(srcu, CALLER);
	me->srcu_behind = world.nr_callbacks;
	actor_stop(WAIT_BARRIER, srcu, CALLER);
}

void srcu_call(void *head, void (*run)(void *head))
{
	if (!me)
		return;
	footprint_point(head, CALLER);
	if (world.nr_callbacks == MAX_CALLBACKS)
		violate("more than %d SRCU callbacks wait", MAX_CALLBACKS);
	world.callback[world.nr_callbacks++] =
		(struct srcu_callback){ head, run, readers() };
}

/* The first callback has returned. */
static void callback_ends(void)
{
	world.nr_callbacks--;
	for (int i = 0; i < world.nr_callbacks; i++)
		world.callback[i] = world.callback[i + 1];
	world.callback[world.nr_callbacks] = (struct srcu_callback){};
	for (int i = 0; i < world.nr; i++)
		if (world.actor[i].srcu_behind)
			world.actor[i].srcu_behind--;
}

/* A callback stays in the queue until it returns, because a barrier waits for it. */
void srcu_worker(void *unused)
{
	for (;;) {
		actor_stop(WAIT_CALLBACK, NULL, CALLER);
		world.callback[0].run(world.callback[0].head);
		callback_ends();
	}
}

/* lockdep: a task must not wait for invalidations inside of an invalidation. */
void map_acquire(void)
{
	if (!me)
		return;
	if (me->in_map)
		violate("deadlock: an invalidation waits for invalidations");
	me->in_map = 1;
}

void map_release(void)
{
	if (me)
		me->in_map = 0;
}
