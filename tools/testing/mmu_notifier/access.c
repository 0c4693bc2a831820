// SPDX-License-Identifier: GPL-2.0
/*
 * Find accesses to freed memory, and races.
 *
 * A word is shared if more than one actor accesses it, and an actor writes it.
 * Two accesses race if their steps can run in the same state, access the same
 * word, at least one of them writes, and they hold no common lock.  A step makes
 * at most one access that races.  After this access, and after the release of a
 * lock, the step ends at the next access to a shared word.  Then a step is equal to
 * its accesses one by one (Lipton): what comes before the racing access takes
 * locks or does not race, and what comes after it releases locks.
 *
 * The step also ends if the access that races is a read, and the next access has not
 * been found to race.  Otherwise no state had the actor between both, and so no
 * step of another actor, which needs the result of the read, could be compared
 * with the next access.
 *
 * The search looks for races in each state, and begins again until it learns of
 * no new shared word and no new race.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "access.h"
#include "actor.h"

struct footprint footprint;
int nr_learned;
enum points points = POINTS_RACES;

/* An access that races */
struct race {
	int word;
	bool write;
	struct locks locks;
};

/*
 * What the search has learned.  The memory is shared with a process that searches
 * for another, see access_share().
 */
static struct knowledge {
	struct {
		uint8_t actors; /* the actors that access the word */
		bool written;
		bool shared;
		bool races;
	} word[HEAP_WORDS];
	struct race race[MAX_ACCESSES];
	int nr_races;
	const void *lock[MAX_LOCKS];
	bool frozen;
} own, *known = &own;

/* The position of a word in the footprint, valid if @stamp matches */
static uint32_t stamp_of[HEAP_WORDS];
static uint16_t slot_of[HEAP_WORDS];
static uint32_t stamp;

void access_forget(void)
{
	memset(known, 0, sizeof(*known));
	nr_learned = 0;
}

void access_share(void)
{
	known = mmap(NULL, sizeof(*known), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (known == MAP_FAILED) {
		perror("mmap");
		exit(2);
	}
}

void access_freeze(void)
{
	known->frozen = true;
}

void footprint_begin(void)
{
	footprint.nr = 0;
	footprint.calls = 0;
	stamp++;
}

static uint32_t lock_bit(const void *lock)
{
	int i;

	for (i = 0; i < MAX_LOCKS && known->lock[i] && known->lock[i] != lock;)
		i++;
	/* Two locks with one bit would hide races. */
	if (i == MAX_LOCKS)
		violate("actors access words under more than %d locks",
			MAX_LOCKS);
	known->lock[i] = lock;
	return 1u << i;
}

static struct locks my_locks(void)
{
	struct locks locks = {};

	for (int i = 0; i < me->nr_held; i++) {
		const uint32_t bit = lock_bit(me->held[i].lock);

		locks.held |= bit;
		locks.owned |= me->held[i].write ? bit : 0;
	}
	return locks;
}

static int word_of(const void *address)
{
	const uint64_t *p = (const void *)((uintptr_t)address & ~7ul);

	return p >= world.heap && p < world.heap + HEAP_WORDS ? p - world.heap :
								-1;
}

static const struct locks all_locks = { ~0u, ~0u };

/* Returns the entry of the word in the footprint of the running step. */
static struct access *entry(int word)
{
	if (stamp_of[word] == stamp)
		return &footprint.access[slot_of[word]];
	if (footprint.nr == MAX_ACCESSES)
		violate("a step accesses more than %d words", MAX_ACCESSES);
	stamp_of[word] = stamp;
	slot_of[word] = footprint.nr++;
	footprint.access[slot_of[word]] = (struct access){
		.word = word,
		.read = all_locks,
		.write = all_locks,
	};
	return &footprint.access[slot_of[word]];
}

static void note(int word, bool write, struct locks locks)
{
	struct access *access = entry(word);
	struct locks *common = write ? &access->write : &access->read;

	access->reads |= !write;
	access->writes |= write;
	common->held &= locks.held;
	common->owned &= locks.owned;
}

static bool is_shared(int word, bool write)
{
	known->word[word].actors |= 1u << actor_index(me);
	known->word[word].written |= write;
	if (!known->frozen && !known->word[word].shared &&
	    known->word[word].written &&
	    known->word[word].actors & (known->word[word].actors - 1)) {
		known->word[word].shared = true;
		nr_learned++;
	}
	return known->word[word].shared;
}

static bool is_alive(int word)
{
	return world.alive[word / 64] >> word % 64 & 1;
}

static bool must_stop(void)
{
	switch (points) {
	case POINTS_NONE:
		return false;
	case POINTS_ALL:
		return true;
	default:
		return me->split;
	}
}

static bool is_ordered(struct locks a, struct locks b)
{
	return (a.owned & b.held) || (a.held & b.owned);
}

static bool does_race(int word, bool write, struct locks locks)
{
	for (int i = 0; known->word[word].races && i < known->nr_races; i++)
		if (known->race[i].word == word &&
		    (write || known->race[i].write) &&
		    !is_ordered(locks, known->race[i].locks))
			return true;
	return false;
}

static void access_shared(int word, bool write, const void *pc)
{
	const struct locks locks = my_locks();
	const bool races = does_race(word, write, locks);

	if (must_stop())
		actor_stop(WAIT_NOTHING, &world.heap[word], pc);
	/* Another actor may run between this access and the next. */
	me->split = races;
	note(word, write, locks);
}

static void access_word(int word, bool write, const void *pc)
{
	if (is_shared(word, write))
		access_shared(word, write, pc);
	if (!is_alive(word)) {
		me->pc = pc;
		violate("use after free: the memory was freed before");
	}
}

void access_lock(const void *lock, const void *pc)
{
	if (me && word_of(lock) >= 0)
		access_word(word_of(lock), false, pc);
}

void footprint_point(void *object, const void *pc)
{
	if (must_stop())
		actor_stop(WAIT_NOTHING, object, pc);
	access_lock(object, pc);
	me->split = true;
}

static void access_bytes(const void *address, size_t bytes, bool write,
			 const void *pc)
{
	const int first = word_of(address);
	const size_t words = ((uintptr_t)address % 8 + bytes + 7) / 8;

	if (!me)
		return;
	if (footprint.calls++ == MAX_CALLS)
		violate("a step does not end");
	if (first < 0) {
		if ((uintptr_t)address < 4096)
			violate("null pointer dereference");
		if ((uintptr_t)address - POISON < 4096)
			violate("use of a list entry that was removed before");
		return;
	}
	for (size_t i = 0; i < words; i++)
		access_word(first + i, write, pc);
}

static void learn(int word, bool write, struct locks locks)
{
	for (int i = 0; i < known->nr_races; i++)
		if (known->race[i].word == word &&
		    known->race[i].write == write &&
		    !memcmp(&known->race[i].locks, &locks, sizeof(locks)))
			return;
	if (known->frozen)
		return;
	if (known->nr_races == MAX_ACCESSES) {
		violate("more than %d accesses race", MAX_ACCESSES);
		return;
	}
	known->race[known->nr_races++] = (struct race){ word, write, locks };
	known->word[word].races = true;
	nr_learned++;
}

/* A write of one step, and a read or a write of the other */
static void compare(int word, struct locks writer, bool write,
		    struct locks other)
{
	if (is_ordered(writer, other))
		return;
	learn(word, true, writer);
	learn(word, write, other);
}

static void compare_words(const struct access *x, const struct access *y)
{
	if (x->writes && y->writes)
		compare(x->word, x->write, true, y->write);
	if (x->writes && y->reads)
		compare(x->word, x->write, false, y->read);
	if (x->reads && y->writes)
		compare(x->word, y->write, false, x->read);
}

void footprint_compare(const struct footprint *a, const struct footprint *b)
{
	stamp++;
	for (int i = 0; i < a->nr; i++) {
		stamp_of[a->access[i].word] = stamp;
		slot_of[a->access[i].word] = i;
	}
	for (int i = 0; i < b->nr; i++) {
		const struct access *x = &b->access[i];

		if (stamp_of[x->word] == stamp)
			compare_words(&a->access[slot_of[x->word]], x);
	}
}

static uint8_t *words_used(int *base)
{
	*base = me ? (actor_index(me) + 1) * ACTOR_WORDS : 0;
	return me ? &me->allocated : &world.setup_words;
}

void *heap_alloc(size_t bytes)
{
	const int words = (bytes + 7) / 8;
	int base;
	uint8_t *used = words_used(&base);
	const int first = base + *used;

	if (*used + words > ACTOR_WORDS) {
		violate("the heap of an actor is full");
		return NULL;
	}
	*used += words;
	for (int i = first; i < first + words; i++) {
		world.alive[i / 64] |= 1ull << i % 64;
		world.heap[i] = 0;
	}
	return &world.heap[first];
}

void heap_free(void *object, size_t bytes, const void *pc)
{
	const int first = word_of(object), words = (bytes + 7) / 8;

	for (int i = first; i < first + words; i++) {
		if (me)
			access_word(i, true, pc);
		world.alive[i / 64] &= ~(1ull << i % 64);
		world.heap[i] = 0;
	}
}

bool heap_has(const void *object)
{
	return word_of(object) >= 0 && is_alive(word_of(object));
}

bool heap_in_use(void)
{
	int base;
	const int words = *words_used(&base);

	for (int i = base; i < base + words; i++)
		if (is_alive(i))
			return true;
	return false;
}

#define HOOK(size)                                    \
	void __tsan_read##size(void *p)               \
	{                                             \
		access_bytes(p, size, false, CALLER); \
	}                                             \
	void __tsan_write##size(void *p)              \
	{                                             \
		access_bytes(p, size, true, CALLER);  \
	}                                             \
	void __tsan_unaligned_read##size(void *p)     \
	{                                             \
		access_bytes(p, size, false, CALLER); \
	}                                             \
	void __tsan_unaligned_write##size(void *p)    \
	{                                             \
		access_bytes(p, size, true, CALLER);  \
	}                                             \
	void __tsan_read_write##size(void *p)         \
	{                                             \
		access_bytes(p, size, true, CALLER);  \
	}

/* The compiler inserts the calls, so no header declares the functions. */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
HOOK(1)
HOOK(2)
HOOK(4)
HOOK(8)
HOOK(16)

void __tsan_init(void)
{
}

void __tsan_func_entry(void *pc)
{
}

void __tsan_func_exit(void)
{
}

void __tsan_read_range(void *p, size_t bytes)
{
	access_bytes(p, bytes, false, CALLER);
}

void __tsan_write_range(void *p, size_t bytes)
{
	access_bytes(p, bytes, true, CALLER);
}

void *__tsan_memset(void *p, int c, size_t bytes)
{
	access_bytes(p, bytes, true, CALLER);
	return memset(p, c, bytes);
}

void *__tsan_memcpy(void *to, const void *from, size_t bytes)
{
	access_bytes(from, bytes, false, CALLER);
	access_bytes(to, bytes, true, CALLER);
	return memcpy(to, from, bytes);
}

void *__tsan_memmove(void *to, const void *from, size_t bytes)
{
	access_bytes(from, bytes, false, CALLER);
	access_bytes(to, bytes, true, CALLER);
	return memmove(to, from, bytes);
}
