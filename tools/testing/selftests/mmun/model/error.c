// SPDX-License-Identifier: GPL-2.0
/*
 * The deliberate errors of the model: wrong rules.  Most wrong rules call the
 * right rule and then change its result.
 */
#include <string.h>

#include "listen.h"

/* The read side */

static bool begin_does_not_wait(const struct model_lock *lock, int range,
				__u8 *seq)
{
	lock_begin(lock, range, seq);
	return false;
}

static bool begin_waits_for_idle(const struct model_lock *lock, int range,
				 __u8 *seq)
{
	if (!lock_is_odd(lock))
		return lock_begin(lock, range, seq);
	*seq = lock->seq;
	return true;
}

static bool retry_compares_with_the_mm(const struct model_lock *lock, int range,
				       __u8 seq)
{
	return lock->seq != seq + 1;
}

/* Insert and remove */

static void insert_collides(struct model_lock *lock, int range)
{
	lock_insert(lock, range);
	if (!lock->active)
		lock->sub[range].seq = lock->seq + 1;
}

static void insert_is_not_deferred(struct model_lock *lock, int range)
{
	lock_insert(lock, range);
	lock_undefer(lock, range);
	lock->sub[range].in_tree = 1;
}

static void insert_does_not_collide(struct model_lock *lock, int range)
{
	lock_insert(lock, range);
	if (lock->active)
		lock->sub[range].seq -= 2;
}

static void insert_is_deferred(struct model_lock *lock, int range)
{
	if (!lock->active || lock_is_odd(lock)) {
		lock_insert(lock, range);
		return;
	}
	lock_defer(lock, range);
	lock->sub[range].seq = lock->seq;
}

static void insert_leaves_the_seq(struct model_lock *lock, int range)
{
	const __u8 seq = lock->seq;

	lock_insert(lock, range);
	if (!lock->active)
		return;
	lock->seq = seq;
	lock->sub[range].seq = seq;
}

static int remove_does_not_wait(struct model_lock *lock, int range)
{
	lock_remove(lock, range);
	return 0;
}

static int remove_waits(struct model_lock *lock, int range)
{
	const bool is_deferred = !lock->sub[range].in_tree;
	const int seq = lock_remove(lock, range);

	return is_deferred ? lock->seq : seq;
}

static int remove_leaves_the_insert(struct model_lock *lock, int range)
{
	return lock->sub[range].in_tree ? lock_remove(lock, range) : 0;
}

/* Invalidations */

static int start_is_odd(struct model_lock *lock, int first, int last)
{
	const int range = lock_start(lock, first, last);

	lock->seq |= 1;
	return range;
}

static int start_takes_a_new_seq(struct model_lock *lock, int first, int last)
{
	const bool was_odd = lock_is_odd(lock);
	const int range = lock_start(lock, first, last);

	if (was_odd && range != MODEL_NO_RANGE)
		lock->seq += 2;
	return range;
}

static int next_is_none(const struct model_lock *lock, int first, int last,
			int range)
{
	return MODEL_NO_RANGE;
}

static int next_may_be_deferred(const struct model_lock *lock, int first,
				int last, int range)
{
	struct model_lock copy = *lock;

	for (int i = 0; i < lock->nr_deferred; i++)
		copy.sub[lock->deferred[i]].in_tree = 1;
	return lock_next(&copy, first, last, range);
}

static bool refusal_leaves_the_seq(struct model_lock *lock, int range, __u8 seq,
				   bool refuses)
{
	return !refuses && lock_invalidate(lock, range, seq, refuses);
}

static bool end_ends_all(struct model_lock *lock)
{
	const __u8 active = lock->active;
	bool wakes;

	lock->active = 1;
	wakes = lock_end(lock);
	lock->active = active - 1;
	return wakes;
}

static bool end_leaves_the_seq(struct model_lock *lock)
{
	lock->active--;
	return false;
}

/*
 * At the end of the last active invalidation, drop the deferred removes if
 * @removes is true, and the deferred inserts otherwise.
 */
static bool end_drops(struct model_lock *lock, bool removes)
{
	for (int range = 0; range < MODEL_RANGES && lock->active == 1; range++)
		if (lock->sub[range].in_tree == removes)
			lock_undefer(lock, range);
	return lock_end(lock);
}

static bool end_drops_inserts(struct model_lock *lock)
{
	return end_drops(lock, false);
}

static bool end_drops_removes(struct model_lock *lock)
{
	return end_drops(lock, true);
}

static bool end_wakes_no_waiter(struct model_lock *lock)
{
	lock_end(lock);
	return false;
}

static bool refusal_ends_nothing(struct model_lock *lock)
{
	return false;
}

/* The users of the lock */

static int exit_invalidates_once(int kind)
{
	return kind == MODEL_EXIT ? 1 : model_rules.rounds(kind);
}

static __u8 downgrade_does_nothing(struct model_mmap_lock *mmap)
{
	return 0;
}

/* The list */

static bool register_takes_no_lock(int kind)
{
	return kind != MODEL_REGISTER && model_rules.locks(kind);
}

static bool get_takes_no_lock(int kind)
{
	return kind != MODEL_GET && model_rules.locks(kind);
}

static bool unregister_takes_the_lock(int kind)
{
	return kind == MODEL_UNREGISTER || model_rules.locks(kind);
}

static bool put_takes_the_lock(int kind)
{
	return kind == MODEL_PUT || model_rules.locks(kind);
}

static int walk_ends_with_the_listener(const struct model *m, int listener)
{
	if (listener != MODEL_NO_LISTENER &&
	    m->list.listener[listener].place != LISTENER_LISTED)
		return MODEL_NO_LISTENER;
	return listen_next(m, listener);
}

/* The next listener is the one that was registered before @listener. */
static int walk_calls_all(const struct model *m, int listener)
{
	const struct model_listener *l = m->list.listener;
	int next = MODEL_NO_LISTENER;

	for (int i = 0; i < MODEL_LISTENERS; i++)
		if (l[i].place > LISTENER_NEW &&
		    (listener < 0 || l[i].age < l[listener].age) &&
		    (next < 0 || l[i].age > l[next].age))
			next = i;
	return next;
}

static int walk_calls_no_removed(const struct model *m, int listener)
{
	do
		listener = listen_next(m, listener);
	while (listener != MODEL_NO_LISTENER &&
	       m->list.listener[listener].place != LISTENER_LISTED);
	return listener;
}

static void register_comes_last(struct model_list *list, int listener)
{
	list_register(list, listener);
	for (int i = 1; i < list->nr; i++) {
		list->order[i - 1] = list->order[i];
		list->listener[list->order[i]].age++;
	}
	list->order[list->nr - 1] = listener;
	list->listener[listener].age = 0;
}

static void unregister_leaves_the_listener(struct model_list *list,
					   int listener)
{
	list->changes = 0;
}

static void exit_leaves_the_listeners(struct model_list *list)
{
	list->changes = 0;
}

static int get_ignores_the_ops(struct model_list *list, int ops)
{
	return list_get(list, list->listener[list->order[0]].ops);
}

static int get_makes_a_second_object(struct model_list *list, int ops)
{
	return MODEL_NO_LISTENER;
}

static int get_adds_no_user(struct model_list *list, int ops)
{
	const int listener = list_get(list, ops);

	if (listener != MODEL_NO_LISTENER)
		list->listener[listener].users--;
	return listener;
}

static bool every_put_is_the_last(struct model_list *list, int listener)
{
	list->listener[listener].users = 1;
	return list_put(list, listener);
}

static bool last_put_leaves_the_object(struct model_list *list, int listener)
{
	list->changes = 0;
	return list->listener[listener].users > 1 && list_put(list, listener);
}

static bool unregister_does_not_wait(const struct model_list *list,
				     int listener, int kind)
{
	return false;
}

static bool last_put_waits(const struct model_list *list, int listener,
			   int kind)
{
	if (kind == MODEL_PUT)
		return list->listener[listener].freeing &&
		       !list_can_free(list, listener);
	return listen_waits(list, listener, kind);
}

static bool last_put_frees_at_once(const struct model_list *list, int listener)
{
	return true;
}

/* clang-format off */
const struct model_error model_errors[MODEL_ERRORS] = {
	{ "begin does not wait", { .begin = begin_does_not_wait } },
	{ "begin waits although its range was not hit", { .begin = begin_waits_for_idle } },
	{ "retry compares with the sequence of the mm", { .retry = retry_compares_with_the_mm } },
	{ "an insert while idle has the sequence of the next invalidation",
	  { .insert = insert_collides } },
	{ "an insert while odd goes into the tree", { .insert = insert_is_not_deferred } },
	{ "an insert while odd does not collide", { .insert = insert_does_not_collide } },
	{ "an insert while even is deferred", { .insert = insert_is_deferred } },
	{ "an insert while even leaves the sequence even", { .insert = insert_leaves_the_seq } },
	{ "a remove does not wait", { .remove = remove_does_not_wait } },
	{ "a remove of a deferred insert waits", { .remove = remove_waits } },
	{ "a remove of a deferred insert leaves the insert deferred",
	  { .remove = remove_leaves_the_insert } },
	{ "a start that hits no range makes the sequence odd", { .start = start_is_odd } },
	{ "a start while odd takes a new sequence", { .start = start_takes_a_new_seq } },
	{ "only the first range is called", { .next = next_is_none } },
	{ "deferred inserts are called, too", { .next = next_may_be_deferred } },
	{ "the end of any invalidation ends all of them", { .end = end_ends_all } },
	{ "the last end leaves the sequence odd", { .end = end_leaves_the_seq } },
	{ "the end drops deferred inserts", { .end = end_drops_inserts } },
	{ "the end drops deferred removes", { .end = end_drops_removes } },
	{ "the end wakes no waiter", { .end = end_wakes_no_waiter } },
	{ "a refused invalidation stays open", { .end_refused = refusal_ends_nothing } },
	{ "a callback that refuses leaves the sequence of its range",
	  { .invalidate = refusal_leaves_the_seq } },
	{ "exit invalidates for RELEASE and not for UNMAP", { .rounds = exit_invalidates_once } },
	{ "munmap keeps the mmap_lock for writing", { .downgrade = downgrade_does_nothing } },
	{ "register takes no mmap_lock", { .locks = register_takes_no_lock } },
	{ "get takes no mmap_lock", { .locks = get_takes_no_lock } },
	{ "unregister takes the mmap_lock", { .locks = unregister_takes_the_lock } },
	{ "put takes the mmap_lock", { .locks = put_takes_the_lock } },
	{ "a walk ends with a listener that has left the list",
	  { .next_listener = walk_ends_with_the_listener } },
	{ "a walk calls listeners that have left the list", { .next_listener = walk_calls_all } },
	{ "a walk calls no listener that has left the list after the listener before it",
	  { .next_listener = walk_calls_no_removed } },
	{ "register adds to the end of the list", { .enlist = register_comes_last } },
	{ "unregister leaves the listener on the list",
	  { .unlist = unregister_leaves_the_listener } },
	{ "exit leaves the listeners on the list", { .unlist_all = exit_leaves_the_listeners } },
	{ "get ignores the ops", { .get = get_ignores_the_ops } },
	{ "get makes a second object", { .get = get_makes_a_second_object } },
	{ "get of an object adds no user", { .get = get_adds_no_user } },
	{ "every put is the last put", { .put = every_put_is_the_last } },
	{ "the last put leaves the object on the list", { .put = last_put_leaves_the_object } },
	{ "unregister does not wait", { .waits = unregister_does_not_wait } },
	{ "the last put waits", { .waits = last_put_waits } },
	{ "the last put frees at once", { .frees = last_put_frees_at_once } },
};
/* clang-format on */

struct model_rules model_rules_with(__u32 kind, const struct model_error *error)
{
	struct model_rules rules = *model_rules_of(kind);
	const size_t size = sizeof(rules.start);
	const char *wrong = (const char *)&error->wrong;
	static const char none[sizeof(rules.start)];

	for (size_t i = 0; i < sizeof(rules); i += size)
		if (memcmp(wrong + i, none, size))
			memcpy((char *)&rules + i, wrong + i, size);
	return rules;
}
