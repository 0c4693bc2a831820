// SPDX-License-Identifier: GPL-2.0
/*
 * Find accesses to freed memory, and races.
 *
 * Two steps race if both can run in the same state, access the same word, at
 * least one of them writes, and the steps hold no common lock at the accesses.
 * The search looks for races in each state.  A word on which steps race becomes
 * racy: from then on each access to the word is a step of its own.  The search
 * begins again until it finds no new racy word.
 */
#include <string.h>

#include "access.h"
#include "actor.h"

struct footprint footprint;
bool racy[HEAP_WORDS];
int nr_racy;
bool racy_points = true;

/* The position of a word in the footprint plus 1, valid if @stamp matches */
static uint32_t stamp_of[HEAP_WORDS];
static uint16_t slot_of[HEAP_WORDS];
static uint32_t stamp;

static const void *lock_ids[32];

void access_forget(void)
{
	memset(racy, 0, HEAP_WORDS);
	memset(lock_ids, 0, sizeof(lock_ids));
	nr_racy = 0;
}

void footprint_begin(void)
{
	footprint.nr = 0;
	stamp++;
}

static uint32_t lock_bit(const void *lock)
{
	int i;

	for (i = 0; i < 31 && lock_ids[i] && lock_ids[i] != lock; i++)
		;
	lock_ids[i] = lock;
	return 1u << i;
}

static uint32_t held_mask(bool write)
{
	uint32_t mask = 0;

	for (int i = 0; i < me->nr_held; i++)
		if (!write || me->held[i].write)
			mask |= lock_bit(me->held[i].lock);
	return mask;
}

static int word_of(const void *address)
{
	const uint64_t *p = (const void *)((uintptr_t)address & ~7ul);

	return p >= world.heap && p < world.heap + HEAP_WORDS ? p - world.heap :
								-1;
}

static void note(int word, bool write, bool sync, uint32_t held, uint32_t owned)
{
	struct access *access;

	if (stamp_of[word] == stamp) {
		access = &footprint.access[slot_of[word]];
		access->write |= write;
		access->sync &= sync;
		access->held &= held;
		access->owned &= owned;
		return;
	}
	if (footprint.nr == MAX_ACCESSES) {
		violate("a step accesses more than %d words", MAX_ACCESSES);
		return;
	}
	stamp_of[word] = stamp;
	slot_of[word] = footprint.nr;
	footprint.access[footprint.nr++] = (struct access){
		.word = word,
		.write = write,
		.sync = sync,
		.held = held,
		.owned = owned,
	};
}

static bool is_alive(int word)
{
	return world.alive[word / 64] >> word % 64 & 1;
}

void footprint_sync(const void *address, bool write)
{
	const int word = word_of(address);

	if (!me || word < 0)
		return;
	if (!is_alive(word))
		violate("use after free: the lock was freed before");
	note(word, write, true, ~0u, ~0u);
}

static void access_word(int word, bool write, const void *pc)
{
	if (me->split > me->nr_held || racy[word])
		actor_stop(WAIT_NOTHING, &world.heap[word], pc);
	if (!is_alive(word)) {
		me->pc = pc;
		violate("use after free: the memory was freed before");
	}
	note(word, write, false, held_mask(false), held_mask(true));
	/* Another actor may run between this write and the next access. */
	if (racy[word] && write)
		me->split = MAX_HELD + 1;
}

static void access_bytes(const void *address, size_t bytes, bool write,
			 const void *pc)
{
	const int first = word_of(address);

	if (!me)
		return;
	if (first < 0) {
		if ((uintptr_t)address < 4096)
			violate("null pointer dereference");
		return;
	}
	for (size_t i = 0; i < (bytes + 7) / 8; i++)
		access_word(first + i, write, pc);
}

static void mark(int word)
{
	if (racy[word] || !racy_points)
		return;
	racy[word] = true;
	nr_racy++;
}

static bool is_ordered(const struct access *a, const struct access *b)
{
	return a->sync || b->sync || (a->owned & b->held) ||
	       (a->held & b->owned);
}

bool footprint_conflict(const struct footprint *a, const struct footprint *b)
{
	bool conflict = false;

	stamp++;
	for (int i = 0; i < a->nr; i++) {
		stamp_of[a->access[i].word] = stamp;
		slot_of[a->access[i].word] = i;
	}
	for (int i = 0; i < b->nr; i++) {
		const struct access *x = &b->access[i], *y;

		if (stamp_of[x->word] != stamp)
			continue;
		y = &a->access[slot_of[x->word]];
		if (!x->write && !y->write)
			continue;
		conflict = true;
		if (!is_ordered(x, y))
			mark(x->word);
	}
	return conflict;
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
