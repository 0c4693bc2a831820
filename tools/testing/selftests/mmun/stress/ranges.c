// SPDX-License-Identifier: GPL-2.0
/*
 * Chooses, inserts and removes ranges over the memory of this process and of
 * other processes.  Some operations insert or remove many ranges by one call.
 */

static void set_context(struct area *area, int context)
{
	area->context = &area->arena->contexts[context];
	area->fd = context_fds[area->arena->number][context];
}

/* Choose a context: in most cases of this process, otherwise of any process. */
static void pick_context(struct area *area)
{
	int process = roll(options.processes);
	int context = roll(CONTEXTS);

	if (roll(4) || context_fds[process][context] < 0)
		process = me->arena->number;
	area->arena = &shared->arenas[process];
	set_context(area, context);
}

/* A slot stores a range in one word, which threads access atomically. */
static __u64 slot_pack(const struct area *area)
{
	return (__u64)area->id << 32 | area->first << 16 | area->pages;
}

/* Unpack the range of a slot.  Returns false if the slot is empty. */
static bool slot_unpack(__u64 slot, struct area *area)
{
	area->id = slot >> 32;
	area->first = (__u16)(slot >> 16);
	area->pages = (__u16)slot;
	return area->id;
}

static atomic_ullong *pick_slot(const struct area *area)
{
	return &area->context->slots[roll(SLOTS)];
}

/* Choose a range of the context.  Another thread may remove the range later. */
static bool pick_range(struct area *area)
{
	int from = roll(SLOTS);

	for (int i = 0; i < SLOTS; i++)
		if (slot_unpack(area->context->slots[(from + i) % SLOTS], area))
			return true;
	return false;
}

/* Choose some or all pages of a range. */
static void pick_part(struct area *area)
{
	int most = roll(16) ? 16 : PAGES, skip;
	int pages = 1 + roll(most);

	if (pages > area->pages)
		pages = area->pages;
	skip = roll(area->pages - pages + 1);
	area->first += skip;
	area->pages = pages;
}

static void pick_pages(struct area *area, int flags)
{
	enum section section = SECTION_SHARED;

	area->arena = me->arena;
	if (flags & ANY)
		area->arena = &shared->arenas[roll(options.processes)];
	if (!(flags & SHARED))
		section = roll(flags & PRIVATE ? SECTION_SHARED : SECTIONS);
	area->pages = 1 + roll(flags & ONE ? 1 : 8);
	area->first =
		section * SECTION_PAGES + roll(SECTION_PAGES - area->pages + 1);
	if (flags & PAIR) {
		area->first &= ~1;
		area->pages = 2;
	} else if (flags & TAIL) {
		area->pages += roll(9);
		area->first = PAGES - area->pages;
	}
}

/* Choose an area by the flags of struct op.  Returns false if there is none. */
static bool pick_area(struct area *area, int flags)
{
	if (!(flags & (CONTEXT | RANGE))) {
		pick_pages(area, flags);
		return true;
	}
	pick_context(area);
	if (!(flags & RANGE))
		return true;
	if (!pick_range(area))
		return false;
	if (flags & ONE) {
		area->first += roll(area->pages);
		area->pages = 1;
	}
	return true;
}

/* Returns a random span, which may begin and end inside a page. */
static struct mmun_span pick_span(struct area *area)
{
	static const int sizes[] = { 1, 4, 16, 64, SECTION_PAGES, PAGES };
	int most = sizes[roll(6) * roll(6) / 5];
	size_t before = roll(2) * roll(page_size());
	size_t behind = roll(2) * roll(page_size());

	area->pages = 1 + roll(most);
	area->first = roll(PAGES - area->pages + 1);
	if (!area->first)
		before = 0;
	return (struct mmun_span){
		.start = mmun_u64(area_at(area) - before),
		.length = area_length(area) + before + behind,
	};
}

static void count_ranges(int by)
{
	shared->ranges_open += by;
	raise_to(&shared->most_ranges, shared->ranges_open);
}

/* Before a range is removed, add its counters to the totals of the run. */
static int add_counters(int fd, __u32 id)
{
	struct mmun_query_range counters;

	if (_mmun_query_range(fd, id, &counters))
		return errno;
	shared->invalidations += counters.out_invalidations;
	shared->refused += counters.out_failed;
	shared->commits += counters.out_commits;
	shared->collisions += counters.out_collisions;
	return 0;
}

static int remove_range(const struct area *area)
{
	int ret = add_counters(area->fd, area->id);

	if (!ret && _mmun_remove(area->fd, area->id))
		ret = errno;
	count_ranges(-1);
	return ret;
}

/* The kinds that detect collisions */
#define COHERENT_KINDS                                             \
	(1ULL << MMUN_KIND_INTERVAL | 1ULL << MMUN_KIND_TWO_PASS | \
	 1ULL << MMUN_KIND_LIST | 1ULL << MMUN_KIND_LIST_MM |      \
	 1ULL << MMUN_KIND_INVLOCK)

/* Choose a kind that detects collisions. */
static __u32 pick_kind(void)
{
	__u32 kind;

	do {
		kind = roll(MMUN_NR_KINDS);
	} while (!(shared->kinds & COHERENT_KINDS & 1ULL << kind));
	return kind;
}

static int op_insert(const struct area *context)
{
	atomic_ullong *slot = pick_slot(context);
	__u64 empty = 0, done;
	struct area area = *context;
	struct mmun_span span = pick_span(&area);

	if (*slot)
		return IDLE;
	if (_mmun_insert_policy(area.fd, pick_kind(), roll(MMUN_POLICY_ALL + 1),
				&span, &done))
		return errno;
	count_ranges(1);
	area.id = span.id;
	return atomic_compare_exchange_strong(slot, &empty, slot_pack(&area)) ?
		       0 :
		       remove_range(&area);
}

/* Only the thread that empties the slot removes the range of the slot. */
static int op_remove(const struct area *context)
{
	struct area area = *context;

	if (!slot_unpack(atomic_exchange(pick_slot(context), 0), &area))
		return IDLE;
	return remove_range(&area);
}

static void check_done(const char *call, __u64 done, int count)
{
	if (done != count)
		fail("%s: %llu of %d", call, done, count);
}

static int op_bulk_insert(const struct area *context)
{
	int count = 1 + roll(BULK);
	struct area area = *context;
	__u64 done;

	if (me->bulk_count)
		return IDLE;
	for (int i = 0; i < count; i++) {
		me->bulk[i] = pick_span(&area);
		me->bulk[i].length %= 16 * page_size();
		me->bulk[i].length += page_size();
	}
	if (_mmun_insert_spans(area.fd, pick_kind(), me->bulk, count, &done))
		return errno;
	check_done("MMUN_INSERT", done, count);
	me->bulk_fd = area.fd;
	me->bulk_count = done;
	count_ranges(done);
	return 0;
}

static int op_bulk_remove(const struct area *unused)
{
	int count = me->bulk_count;
	__u64 done;

	if (!count)
		return IDLE;
	me->bulk_count = 0;
	for (int i = 0; i < count; i++)
		if (add_counters(me->bulk_fd, me->bulk[i].id))
			return errno;
	if (_mmun_remove_bulk(me->bulk_fd, me->bulk, count, &done))
		return errno;
	check_done("MMUN_REMOVE", done, count);
	count_ranges(-count);
	return 0;
}
