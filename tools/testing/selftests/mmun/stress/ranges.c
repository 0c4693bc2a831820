// SPDX-License-Identifier: GPL-2.0
/*
 * Ranges: they come and go, alone and by hundreds, of the own memory and of
 * that of other processes.
 */

/* A context: of the own process in most cases, else of another one. */
struct target {
	struct arena *arena;
	int context;
	int fd;
};

static struct target pick_target(struct actor *actor)
{
	int process = roll(actor, shared->processes);
	struct target target = { .context = roll(actor, CONTEXTS) };

	if (roll(actor, 4) || context_fds[process][target.context] < 0)
		process = actor->arena->number;
	target.arena = &shared->arenas[process];
	target.fd = context_fds[process][target.context];
	return target;
}

/* A range as a slot has it: so small that it is read and written at once. */
struct slot {
	__u32 id;
	__u16 first;
	__u16 pages;
};

static __u64 slot_pack(const struct slot *slot)
{
	return (__u64)slot->id << 32 | slot->first << 16 | slot->pages;
}

static struct slot slot_unpack(__u64 packed)
{
	return (struct slot){ packed >> 32, packed >> 16, packed };
}

/* Any range of the context, as it was a moment ago. */
static bool pick_slot(struct actor *actor, const struct target *target,
		      struct slot *slot)
{
	int i, from = roll(actor, SLOTS);

	for (i = 0; i < SLOTS; i++) {
		*slot = slot_unpack(get(&target->arena->slots[target->context]
					[(from + i) % SLOTS]));
		if (slot->id)
			return true;
	}
	return false;
}

static void count_ranges(int by)
{
	raise_to(&shared->most_ranges, add(&shared->ranges_open, by));
}

/* Whole pages, and with them sometimes a part of each neighbour. */
static void pick_interval(struct actor *actor, struct slot *slot, int *before,
			  int *behind)
{
	static const int sizes[] = { 1, 4, 16, 64, SECTION_PAGES, PAGES };
	int most = sizes[roll(actor, 6) * roll(actor, 6) / 5];

	slot->pages = 1 + roll(actor, most);
	slot->first = roll(actor, PAGES - slot->pages + 1);
	*before = roll(actor, 2) * roll(actor, page_size());
	*behind = roll(actor, 2) * roll(actor, page_size());
	if (!slot->first)
		*before = 0;
}

static int insert_slot(const struct target *target, struct slot *slot,
		       int before, int behind)
{
	if (_mmun_insert(target->fd,
			 page_at(target->arena, slot->first) - before,
			 slot->pages * page_size() + before + behind,
			 &slot->id))
		return errno;
	count_ranges(1);
	return 0;
}

/* What a range went through, when it is about to go.  Returns 0 or an errno. */
static int count_counters(int fd, __u32 id)
{
	struct mmun_query_range counters;

	if (_mmun_query_range(fd, id, &counters))
		return errno;
	add(&shared->invalidations, counters.out_invalidations);
	add(&shared->refused, counters.out_failed);
	add(&shared->commits, counters.out_commits);
	add(&shared->collisions, counters.out_collisions);
	return 0;
}

static int remove_range(int fd, __u32 id)
{
	int ret = count_counters(fd, id);

	if (!ret && _mmun_remove(fd, id))
		ret = errno;
	count_ranges(-1);
	return ret;
}

static int op_insert(struct actor *actor)
{
	struct target target = pick_target(actor);
	__u64 *place = &target.arena->slots[target.context]
		       [roll(actor, SLOTS)], empty = 0;
	struct slot slot;
	int before, behind, ret;

	pick_interval(actor, &slot, &before, &behind);
	if (get(place))
		return IDLE;
	ret = insert_slot(&target, &slot, before, behind);
	if (!ret && !__atomic_compare_exchange_n(place, &empty,
						 slot_pack(&slot), false,
						 __ATOMIC_SEQ_CST,
						 __ATOMIC_SEQ_CST))
		ret = remove_range(target.fd, slot.id);
	return ret;
}

/* Who takes it out of its slot is the only one that removes it. */
static int op_remove(struct actor *actor)
{
	struct target target = pick_target(actor);
	struct slot slot;

	slot = slot_unpack(swap(&target.arena->slots[target.context]
				[roll(actor, SLOTS)], 0));
	return slot.id ? remove_range(target.fd, slot.id) : IDLE;
}

static void fill_bulk(struct actor *actor, const struct target *target)
{
	struct slot slot;
	int i, before, behind;

	actor->bulk_count = 1 + roll(actor, BULK);
	for (i = 0; i < actor->bulk_count; i++) {
		pick_interval(actor, &slot, &before, &behind);
		actor->bulk[i] = (struct mmun_span){
			.start = mmun_u64(page_at(target->arena, slot.first)),
			.length = (1 + slot.pages % 16) * page_size(),
		};
	}
}

static int op_bulk_insert(struct actor *actor)
{
	struct target target = pick_target(actor);
	__u64 done;
	int wanted;

	if (actor->bulk_count)
		return IDLE;
	fill_bulk(actor, &target);
	wanted = actor->bulk_count;
	actor->bulk_count = 0;
	if (_mmun_insert_bulk(target.fd, actor->bulk, wanted, &done))
		return errno;
	if (done != wanted)
		fail(actor, "MMUN_INSERT: %llu of %d",
		     (unsigned long long)done, wanted);
	actor->bulk_arena = target.arena;
	actor->bulk_fd = target.fd;
	actor->bulk_count = done;
	count_ranges(done);
	return 0;
}

static int op_bulk_remove(struct actor *actor)
{
	int count = actor->bulk_count, i;
	__u64 done;

	if (!count)
		return IDLE;
	actor->bulk_count = 0;
	for (i = 0; i < count; i++)
		if (count_counters(actor->bulk_fd, actor->bulk[i].id))
			return errno;
	if (_mmun_remove_bulk(actor->bulk_fd, actor->bulk, count, &done))
		return errno;
	if (done != count)
		fail(actor, "MMUN_REMOVE: %llu of %d",
		     (unsigned long long)done, count);
	count_ranges(-count);
	return 0;
}
