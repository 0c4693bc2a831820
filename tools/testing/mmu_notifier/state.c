// SPDX-License-Identifier: GPL-2.0
/* Save and restore struct world, without its parts that are not in use */
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "actor.h"
#include "state.h"

/* A part of struct world that is in use */
struct part {
	void *start;
	size_t size;
};

static struct part heap_part(int area)
{
	return (struct part){
		&world.heap[area * ACTOR_WORDS],
		8 * (area ? world.actor[area - 1].allocated :
			    world.setup_words),
	};
}

static struct part stack_part(int i)
{
	char *sp = world.actor[i].sp;

	return (struct part){ sp, world.stack[i] + STACK_BYTES - sp };
}

static struct part part_of(int i)
{
	return i <= world.nr ? heap_part(i) : stack_part(i - world.nr - 1);
}

static int nr_parts(void)
{
	return 2 * world.nr + 1;
}

static char *append(char *to, struct part part)
{
	return (char *)memcpy(to, part.start, part.size) + part.size;
}

void state_save(struct state *state)
{
	const struct part head = { &world, offsetof(struct world, heap) };
	char *to;

	state->size = head.size;
	for (int i = 0; i < nr_parts(); i++)
		state->size += part_of(i).size;
	if (state->size > state->space) {
		state->space = state->size + 1024;
		state->bytes = realloc(state->bytes, state->space);
	}
	to = append(state->bytes, head);
	for (int i = 0; i < nr_parts(); i++)
		to = append(to, part_of(i));
}

/* The sizes of the parts are in the head. */
void state_restore(const struct state *state)
{
	const size_t head = offsetof(struct world, heap);
	const char *from = state->bytes + head;

	memcpy(&world, state->bytes, head);
	for (int i = 0; i < nr_parts(); i++) {
		const struct part part = part_of(i);

		memcpy(part.start, from, part.size);
		from += part.size;
	}
}

static uint64_t hash_bytes(const char *bytes, size_t size, uint64_t hash)
{
	uint64_t word;

	for (size_t i = 0; i + 8 <= size; i += 8) {
		memcpy(&word, bytes + i, 8);
		hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
		hash ^= hash >> 29;
	}
	return hash;
}

uint64_t state_hash(const struct state *state)
{
	return hash_bytes(state->bytes, state->size, 1) | 1;
}

uint64_t state_hash_heap(void)
{
	uint64_t hash = 1;

	for (int i = 0; i <= world.nr; i++)
		hash = hash_bytes(heap_part(i).start, heap_part(i).size, hash);
	return hash;
}
