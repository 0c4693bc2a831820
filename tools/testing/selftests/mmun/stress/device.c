// SPDX-License-Identifier: GPL-2.0
/*
 * The device: it fills the shadow of a range, and reads and writes through it.
 */

/* A device read that anything may happen to: is it a value of that page? */
static void look(struct actor *actor, const struct arena *arena, int fd,
		 __u32 id, int page)
{
	const struct page_state *state = &arena->pages[page];
	__u32 low = get(&state->low), high;
	__u64 value, done;

	if (_mmun_access(fd, id, page_at(arena, page), sizeof(value), &value,
			 0, &done)) {
		if (errno != EFAULT && errno != ENOENT)
			fail(actor, "MMUN_ACCESS: %s", strerror(errno));
		return;
	}
	high = get(&state->high);
	add(&shared->compared, 1);
	if (!is_possible(arena, page, value, low, high))
		fail(actor, "the device read %llx from page %d of process %d, generation %u to %u",
		     (unsigned long long)value, page, arena->number, low, high);
}

/* One that holds the lock knows what there is to read.  Returns an errno. */
static int look_exactly(struct actor *actor, const struct arena *arena, int fd,
			__u32 id, int page)
{
	const struct page_state *state = &arena->pages[page];
	__u64 value, done;

	if (_mmun_access(fd, id, page_at(arena, page), sizeof(value), &value,
			 0, &done))
		return errno;
	add(&shared->compared, 1);
	if (!state->mapped || !(state->prot & PROT_READ))
		fail(actor, "the device read %llx from page %d of process %d, which %s",
		     (unsigned long long)value, page, arena->number,
		     state->mapped ? "is PROT_NONE" : "is not mapped");
	else if (!is_the_value(state, value))
		fail(actor, "the device read %llx from page %d of process %d, which has %llx",
		     (unsigned long long)value, page, arena->number,
		     (unsigned long long)state->value);
	return 0;
}

/* Likewise.  It is written to where it can be, and nowhere else. */
static int write_exactly(struct actor *actor, struct arena *arena, int fd,
			 __u32 id, int page)
{
	struct page_state *state = &arena->pages[page];
	__u64 value = tag(TAG_OWN, arena, page, next_generation(state)), done;

	if (_mmun_access(fd, id, page_at(arena, page), sizeof(value), &value,
			 MMUN_WRITE, &done))
		return errno;
	if (!state->mapped || !(state->prot & PROT_WRITE))
		fail(actor, "the device wrote to page %d of process %d, which %s",
		     page, arena->number,
		     state->mapped ? "is read-only" : "is not mapped");
	has_value(state, value);
	return 0;
}

static void look_around(struct actor *actor, const struct arena *arena, int fd,
			__u32 id, int first, int pages)
{
	int i, page;

	for (i = roll(actor, 4); i >= 0; i--)
		look(actor, arena, fd, id, first + roll(actor, pages));
	page = first + roll(actor, pages);
	if (!page_trylock((struct page_state *)&arena->pages[page]))
		return;
	look_exactly(actor, arena, fd, id, page);
	page_unlock((struct page_state *)&arena->pages[page]);
}

/* How pages are gathered */
struct way {
	__u32 method;
	__u32 flags;
};

static struct way pick_way(struct actor *actor)
{
	static const struct way ways[] = {
		{ MMUN_METHOD_HMM_FAULT, 0 }, { MMUN_METHOD_HMM_FAULT, MMUN_WRITE },
		{ MMUN_METHOD_HMM_NOFAULT, 0 },
		{ MMUN_METHOD_GUP, 0 }, { MMUN_METHOD_GUP, MMUN_WRITE },
	};

	return ways[roll(actor, ARRAY_SIZE(ways))];
}

/* Some pages of a slot, now and then all of them. */
static void pick_part(struct actor *actor, struct slot *slot)
{
	int most = roll(actor, 16) ? 16 : PAGES;
	int pages = 1 + roll(actor, most), skip;

	if (pages > slot->pages)
		pages = slot->pages;
	skip = roll(actor, slot->pages - pages + 1);
	slot->first += skip;
	slot->pages = pages;
}

/*
 * The time of a snapshot is too short for a thousand invalidations of a few
 * pages: one that used up so many retries did not begin again.
 */
static int take_snapshot(struct actor *actor, int fd, int range_pages,
			 struct mmun_snapshot *snap)
{
	bool few = range_pages <= 16;

	if (few)
		snap->max_retries = MMUN_RETRIES;
	if (_mmun_snapshot(fd, snap))
		return errno;
	if (few && snap->out_collided)
		fail(actor, "a snapshot collided %u times", snap->out_retries);
	add(&shared->retries, snap->out_retries);
	raise_to(&shared->most_retries, snap->out_retries);
	return 0;
}

static int op_snapshot(struct actor *actor)
{
	struct target target = pick_target(actor);
	struct way way = pick_way(actor);
	__u64 pages[PAGES];
	struct mmun_snapshot snap = {
		.method = way.method,
		.flags = way.flags,
		.max_retries = roll(actor, 64),
		.pages = roll(actor, 4) ? 0 : mmun_u64(pages),
	};
	struct slot slot;
	int range_pages, ret;

	if (!pick_slot(actor, &target, &slot))
		return IDLE;
	range_pages = slot.pages;
	pick_part(actor, &slot);
	snap.id = slot.id;
	snap.start = mmun_u64(page_at(target.arena, slot.first));
	snap.length = slot.pages * page_size();
	ret = take_snapshot(actor, target.fd, range_pages, &snap);
	if (!ret)
		look_around(actor, target.arena, target.fd, slot.id, slot.first,
			    slot.pages);
	return ret;
}

/* One page of a range, locked, and in half of all cases an entry for it. */
struct aim {
	struct target target;
	__u32 id;
	int page;
};

static bool take_aim(struct actor *actor, struct aim *aim, __u32 flags)
{
	struct mmun_snapshot snap = {
		.method = roll(actor, 2) ? MMUN_METHOD_HMM_FAULT : MMUN_METHOD_GUP,
		.flags = flags,
		.length = page_size(),
		.max_retries = 8,
	};
	bool prepare = roll(actor, 2);
	struct slot slot;

	aim->target = pick_target(actor);
	if (!pick_slot(actor, &aim->target, &slot))
		return false;
	aim->id = slot.id;
	aim->page = slot.first + roll(actor, slot.pages);
	if (!page_trylock(&aim->target.arena->pages[aim->page]))
		return false;
	snap.id = aim->id;
	snap.start = mmun_u64(page_at(aim->target.arena, aim->page));
	if (prepare && _mmun_snapshot(aim->target.fd, &snap) &&
	    errno != ENOENT && errno != EFAULT && errno != EACCES)
		fail(actor, "MMUN_SNAPSHOT: %s", strerror(errno));
	return true;
}

static int op_read(struct actor *actor)
{
	struct aim aim;
	int ret;

	if (!take_aim(actor, &aim, 0))
		return IDLE;
	ret = look_exactly(actor, aim.target.arena, aim.target.fd, aim.id,
			   aim.page);
	page_unlock(&aim.target.arena->pages[aim.page]);
	return ret;
}

static int op_write(struct actor *actor)
{
	struct aim aim;
	int ret;

	if (!take_aim(actor, &aim, MMUN_WRITE))
		return IDLE;
	ret = write_exactly(actor, aim.target.arena, aim.target.fd, aim.id,
			    aim.page);
	if (!ret)
		look_exactly(actor, aim.target.arena, aim.target.fd, aim.id,
			     aim.page);
	page_unlock(&aim.target.arena->pages[aim.page]);
	return ret;
}

/* Returns 0 or an errno. */
static int verify_range(struct actor *actor, int fd, __u32 id)
{
	struct mmun_verify verify;

	if (_mmun_verify(fd, id, &verify))
		return errno;
	if (verify.out_result == MMUN_VERIFY_DIFFERS)
		fail(actor, "MMUN_VERIFY: at %llx the shadow has %llx, the page tables %llx",
		     (unsigned long long)verify.out_addr,
		     (unsigned long long)verify.out_shadow,
		     (unsigned long long)verify.out_pte);
	return 0;
}

static int op_verify(struct actor *actor)
{
	struct target target = pick_target(actor);
	struct slot slot;

	if (!pick_slot(actor, &target, &slot))
		return IDLE;
	return verify_range(actor, target.fd, slot.id);
}

static int op_refuse(struct actor *actor)
{
	struct target target = pick_target(actor);
	int count = roll(actor, 4);
	struct slot slot;
	__u32 left;

	if (!pick_slot(actor, &target, &slot))
		return IDLE;
	return _mmun_fail_nonblock(target.fd, slot.id, count, &left) ? errno : 0;
}
