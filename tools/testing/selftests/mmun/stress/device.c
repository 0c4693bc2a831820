// SPDX-License-Identifier: GPL-2.0
/*
 * The device fills the shadow of a range, and reads and writes through the
 * shadow.
 */

/* Returns 0 or an errno. */
static int access_page(const struct area *area, int i, __u64 *value,
		       __u32 flags)
{
	__u64 done;

	return result(_mmun_access(area->fd, area->id, page_at(area, i),
				   sizeof(*value), value, flags, &done));
}

/* Read a page that other threads may change at the same time. */
static void look(struct actor *actor, const struct area *area, int i)
{
	const struct page_state *state = page_of(area, i);
	__u32 low = get(&state->low), high;
	__u64 value;
	int ret = access_page(area, i, &value, 0);

	if (ret == EFAULT || ret == ENOENT)
		return;
	if (ret) {
		fail(actor, "MMUN_ACCESS: %s", strerror(ret));
		return;
	}
	high = get(&state->high);
	add(&shared->compared, 1);
	if (!is_possible(area, i, value, low, high))
		fail(actor,
		     "the device read %llx from page %d of process %d, generation %u to %u",
		     value, area->first + i, area->arena->number, low, high);
}

static void fail_access(struct actor *actor, const char *what,
			const struct area *area, int i, __u64 value)
{
	const struct page_state *state = page_of(area, i);

	fail(actor,
	     "the device %s %llx, page %d of process %d: %s, PROT_* %u, expected %llx",
	     what, value, area->first + i, area->arena->number,
	     state->mapped ? "mapped" : "not mapped", state->prot,
	     state->value);
}

/* The caller holds the lock of the page.  Returns 0 or an errno. */
static int look_exactly(struct actor *actor, const struct area *area, int i)
{
	const struct page_state *state = page_of(area, i);
	__u64 value;
	int ret = access_page(area, i, &value, 0);

	if (ret)
		return ret;
	add(&shared->compared, 1);
	if (!page_allows(state, PROT_READ) || !is_the_value(state, value))
		fail_access(actor, "read", area, i, value);
	return 0;
}

/*
 * The device writes writable pages and no other pages.  The caller holds the
 * lock of the page.  Returns 0 or an errno.
 */
static int write_exactly(struct actor *actor, const struct area *area, int i)
{
	struct page_state *state = page_of(area, i);
	__u64 value = tag(TAG_OWN, area, i, next_generation(state));
	int ret = access_page(area, i, &value, MMUN_WRITE);

	if (ret)
		return ret;
	if (!page_allows(state, PROT_WRITE))
		fail_access(actor, "wrote", area, i, value);
	has_value(state, value);
	return 0;
}

static void look_around(struct actor *actor, const struct area *area)
{
	struct area one = *area;
	int i;

	for (i = roll(actor, 4); i >= 0; i--)
		look(actor, area, roll(actor, area->pages));
	one.first += roll(actor, area->pages);
	one.pages = 1;
	if (!area_trylock(&one))
		return;
	look_exactly(actor, &one, 0);
	area_unlock(&one);
}

/* How SNAPSHOT and COLLECT find the pages */
struct way {
	__u32 method;
	__u32 flags;
};

static struct way pick_way(struct actor *actor)
{
	static const struct way ways[] = {
		{ MMUN_METHOD_HMM_FAULT, 0 },
		{ MMUN_METHOD_HMM_FAULT, MMUN_WRITE },
		{ MMUN_METHOD_HMM_NOFAULT, 0 },
		{ MMUN_METHOD_GUP, 0 },
		{ MMUN_METHOD_GUP, MMUN_WRITE },
	};

	return ways[roll(actor, ARRAY_SIZE(ways))];
}

static struct mmun_snapshot snapshot_of(const struct area *area, __u32 method,
					__u32 flags)
{
	return MMUN_SNAPSHOT_OF(area->id, area_at(area), area_length(area),
				method, flags);
}

/*
 * A small range is not invalidated MMUN_RETRIES times during one snapshot.  If
 * no retry is left, the driver repeated the snapshot with an old sequence.
 */
static int op_snapshot(struct actor *actor, const struct area *range)
{
	bool small = range->pages <= 16;
	struct way way = pick_way(actor);
	struct area area = *range;
	struct mmun_snapshot snap;
	__u64 pages[PAGES];

	pick_part(actor, &area);
	snap = snapshot_of(&area, way.method, way.flags);
	if (!small)
		snap.max_retries = roll(actor, 64);
	if (!roll(actor, 4))
		snap.pages = mmun_u64(pages);
	if (_mmun_snapshot(area.fd, &snap))
		return errno;
	if (small && snap.out_collided)
		fail(actor, "a snapshot collided %u times", snap.out_retries);
	add(&shared->retries, snap.out_retries);
	raise_to(&shared->most_retries, snap.out_retries);
	look_around(actor, &area);
	return 0;
}

/* Some of the pages may not be readable, or not writable. */
static void fill_shadow(struct actor *actor, const struct area *area,
			__u32 method, __u32 flags)
{
	struct mmun_snapshot snap = snapshot_of(area, method, flags);

	if (_mmun_snapshot(area->fd, &snap) && errno != ENOENT &&
	    errno != EFAULT && errno != EACCES)
		fail(actor, "MMUN_SNAPSHOT: %s", strerror(errno));
}

/*
 * Fill the shadow in half of all cases, so that the device also finds pages
 * without an entry.
 */
static void prepare(struct actor *actor, const struct area *page, __u32 flags)
{
	if (roll(actor, 2))
		fill_shadow(actor, page,
			    roll(actor, 2) ? MMUN_METHOD_HMM_FAULT :
					     MMUN_METHOD_GUP,
			    flags);
}

static int op_read(struct actor *actor, const struct area *page)
{
	prepare(actor, page, 0);
	return look_exactly(actor, page, 0);
}

static int op_write(struct actor *actor, const struct area *page)
{
	int ret;

	prepare(actor, page, MMUN_WRITE);
	ret = write_exactly(actor, page, 0);
	if (!ret)
		look_exactly(actor, page, 0);
	return ret;
}

static int op_verify(struct actor *actor, const struct area *range)
{
	struct mmun_verify verify;

	if (_mmun_verify(range->fd, range->id, &verify))
		return errno;
	if (verify.out_result == MMUN_VERIFY_DIFFERS)
		fail(actor,
		     "MMUN_VERIFY: at %llx the shadow has %llx, the page tables %llx",
		     verify.out_addr, verify.out_shadow, verify.out_pte);
	return 0;
}

static int op_refuse(struct actor *actor, const struct area *range)
{
	__u32 left;

	return result(_mmun_fail_nonblock(range->fd, range->id, roll(actor, 4),
					  &left));
}
