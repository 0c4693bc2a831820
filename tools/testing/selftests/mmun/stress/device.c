// SPDX-License-Identifier: GPL-2.0
/*
 * Operations of the device: fill the shadow of a range, and read and write
 * memory through the shadow.
 */

/* Returns 0 or an errno. */
static int access_page(const struct area *area, int i, __u64 *value,
		       __u32 flags)
{
	__u64 done;

	return result(_mmun_access(area->fd, area->id, page_at(area, i),
				   sizeof(*value), value, flags, &done));
}

/* Read a page by the device while other threads may change the page. */
static void look(const struct area *area, int i)
{
	const struct page_state *state = page_of(area, i);
	__u32 low = state->low, high;
	__u64 value;
	int ret = access_page(area, i, &value, 0);

	if (ret == EFAULT || ret == ENOENT)
		return;
	if (ret) {
		fail("MMUN_ACCESS: %s", strerror(ret));
		return;
	}
	high = state->high;
	shared->compared++;
	if (!is_possible(area, i, value, low, high))
		fail("the device read %llx from page %d of process %d, generation %u to %u",
		     value, area->first + i, area->arena->number, low, high);
}

static void fail_access(const char *what, const struct area *area, int i,
			__u64 value)
{
	const struct page_state *state = page_of(area, i);

	fail("the device %s %llx, page %d of process %d: %s, PROT_* %u, expected %llx",
	     what, value, area->first + i, area->arena->number,
	     state->mapped ? "mapped" : "not mapped", state->prot,
	     state->value);
}

/* The caller holds the lock of the page.  Returns 0 or an errno. */
static int look_exactly(const struct area *area, int i)
{
	const struct page_state *state = page_of(area, i);
	__u64 value;
	int ret = access_page(area, i, &value, 0);

	if (ret)
		return ret;
	shared->compared++;
	if (!page_allows(state, PROT_READ) || !is_the_value(state, value))
		fail_access("read", area, i, value);
	return 0;
}

/*
 * The write by the device must fail if the page is not writable.  The caller
 * holds the lock of the page.  Returns 0 or an errno.
 */
static int write_exactly(const struct area *area, int i)
{
	struct page_state *state = page_of(area, i);
	__u64 value = tag(TAG_OWN, area, i, next_generation(state));
	int ret = access_page(area, i, &value, MMUN_WRITE);

	if (ret)
		return ret;
	if (!page_allows(state, PROT_WRITE))
		fail_access("wrote", area, i, value);
	has_value(state, value);
	return 0;
}

static void look_around(const struct area *area)
{
	struct area one = *area;

	for (int i = roll(4); i >= 0; i--)
		look(area, roll(area->pages));
	one.first += roll(area->pages);
	one.pages = 1;
	if (!area_trylock(&one))
		return;
	look_exactly(&one, 0);
	area_unlock(&one);
}

/* Method and flags of SNAPSHOT and COLLECT */
struct way {
	__u32 method;
	__u32 flags;
};

static struct way pick_way(void)
{
	static const struct way ways[] = {
		{ MMUN_METHOD_HMM_FAULT, 0 },
		{ MMUN_METHOD_HMM_FAULT, MMUN_WRITE },
		{ MMUN_METHOD_HMM_NOFAULT, 0 },
		{ MMUN_METHOD_GUP, 0 },
		{ MMUN_METHOD_GUP, MMUN_WRITE },
	};

	return ways[roll(ARRAY_SIZE(ways))];
}

static struct mmun_snapshot snapshot_of(const struct area *area, __u32 method,
					__u32 flags)
{
	return MMUN_SNAPSHOT_OF(area->id, area_at(area), area_length(area),
				method, flags);
}

/*
 * A snapshot of a small range cannot collide with MMUN_RETRIES invalidations.
 * If so many retries collide, the driver has not updated the sequence of the
 * range.
 */
static int op_snapshot(const struct area *range)
{
	bool small = range->pages <= 16;
	struct way way = pick_way();
	struct area area = *range;
	struct mmun_snapshot snap;
	__u64 pages[PAGES];

	pick_part(&area);
	snap = snapshot_of(&area, way.method, way.flags);
	if (!small)
		snap.max_retries = roll(64);
	if (!roll(4))
		snap.pages = mmun_u64(pages);
	if (_mmun_snapshot(area.fd, &snap))
		return errno;
	if (small && snap.out_collided)
		fail("a snapshot collided %u times", snap.out_retries);
	shared->retries += snap.out_retries;
	raise_to(&shared->most_retries, snap.out_retries);
	look_around(&area);
	return 0;
}

/* A page may forbid the access, and another thread may remove the range. */
static void fill_shadow(const struct area *area, __u32 method, __u32 flags)
{
	struct mmun_snapshot snap = snapshot_of(area, method, flags);

	if (_mmun_snapshot(area->fd, &snap) && errno != ENOENT &&
	    errno != EFAULT && errno != EACCES)
		fail("MMUN_SNAPSHOT: %s", strerror(errno));
}

/* Fill the shadow before half of the accesses: the others may find no entry. */
static void prepare(const struct area *page, __u32 flags)
{
	if (roll(2))
		fill_shadow(page,
			    roll(2) ? MMUN_METHOD_HMM_FAULT : MMUN_METHOD_GUP,
			    flags);
}

static int op_read(const struct area *page)
{
	prepare(page, 0);
	return look_exactly(page, 0);
}

static int op_write(const struct area *page)
{
	int ret;

	prepare(page, MMUN_WRITE);
	ret = write_exactly(page, 0);
	if (!ret)
		look_exactly(page, 0);
	return ret;
}

static int op_verify(const struct area *range)
{
	struct mmun_verify verify;

	if (_mmun_verify(range->fd, range->id, &verify))
		return errno;
	if (verify.out_result == MMUN_VERIFY_DIFFERS)
		fail("MMUN_VERIFY: at %llx the shadow has %llx, the page tables %llx",
		     verify.out_addr, verify.out_shadow, verify.out_pte);
	return 0;
}

static int op_refuse(const struct area *range)
{
	__u32 left, count = roll(4);

	return result(_mmun_fail_nonblock(range->fd, range->id, count, &left));
}
