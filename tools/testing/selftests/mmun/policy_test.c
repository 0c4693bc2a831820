// SPDX-License-Identifier: GPL-2.0
/*
 * Tests the policies of ranges: what a callback keeps because of the event of
 * the invalidation, and when the tables of the shadow are freed.  The programs
 * x_policy_test run the tests of x over ranges that have a policy.
 */
#include "lib/hold.h"
#include "lib/process.h"
#include "lib/range.h"
#include "lib/victim.h"

#define PAGES 8
#define TABLE_PAGES 512UL /* pages of one table of the shadow */
#define KEEP_ALL (MMUN_POLICY_SOFT_DIRTY | MMUN_POLICY_PROTECTION_PAGE)

#define NO_SOFT_DIRTY "no soft dirty bits: set CONFIG_MEM_SOFT_DIRTY"
#define NO_TWO_PASS "no two-pass notifiers: the kernel is older"

/* Run each test of the fixture over each kind that can have a policy. */
#define OVER_EACH_KIND(_fixture)                                       \
	FIXTURE_VARIANT(_fixture)                                      \
	{                                                              \
		__u32 kind;                                            \
	};                                                             \
	FIXTURE_VARIANT_ADD(_fixture, interval){ MMUN_KIND_INTERVAL }; \
	FIXTURE_VARIANT_ADD(_fixture, two_pass){ MMUN_KIND_TWO_PASS }; \
	FIXTURE_VARIANT_ADD(_fixture, list){ MMUN_KIND_LIST };         \
	FIXTURE_VARIANT_ADD(_fixture, list_mm){ MMUN_KIND_LIST_MM };   \
	FIXTURE_VARIANT_ADD(_fixture, invlock)                         \
	{                                                              \
		MMUN_KIND_INVLOCK                                      \
	}

#define KIND_TEST(_fixture, _test) \
	MMUN_TEST_NEEDS(_fixture, _test, mmun_skip_if(!has_kind(), NO_TWO_PASS))
#define has_kind() mmun_has_kind(self->fd, variant->kind)

/* Insert a range with a policy.  Evaluates to the ID of the range. */
#define insert_policy(_policy, _first, _nr)                                   \
	({                                                                    \
		struct mmun_span __span = {                                   \
			.start = mmun_u64(mmun_page(_first)),                 \
			.length = mmun_pages(_nr),                            \
		};                                                            \
		MMUN_MUST(__u64, _mmun_insert_policy, variant->kind, _policy, \
			  &__span);                                           \
		__span.id;                                                    \
	})

/* Mutators.  Each works on all pages. */

static int clear_soft_dirty(char *map, size_t length)
{
	return mmun_write_file("/proc/self/clear_refs", "4");
}

/* fork() write-protects the pages.  The child exits without a write. */
static int fork_once(char *map, size_t length)
{
	struct mmun_child child;

	return mmun_child_start(&child, map) ?: mmun_child_end(&child);
}

static int protect_none(char *map, size_t length)
{
	return mprotect(map, length, PROT_NONE);
}

static int protect_write(char *map, size_t length)
{
	return mprotect(map, length, PROT_READ);
}

static int dontneed(char *map, size_t length)
{
	return madvise(map, length, MADV_DONTNEED);
}

static int unmap(char *map, size_t length)
{
	return munmap(map, length);
}

/* What is kept */

MMUN_PLAIN_FIXTURE(policy, MMUN_RANGE_FIXTURE)
OVER_EACH_KIND(policy);

FIXTURE_SETUP(policy)
{
	mmun_setup_filled(PAGES);
	self->method = mmun_best_method(self->fd);
}

#define query() mmun_query_range(self->id)
#define expect_kept(_kept) EXPECT_EQ(_kept, query().out_kept)
#define expect_kept_accesses(_nr) EXPECT_EQ(_nr, query().out_kept_accesses)
#define is_soft_dirty(_nr) (mmun_pagemap(mmun_page(_nr)) >> 55 & 1)
#define need_soft_dirty() mmun_skip_if(!is_soft_dirty(0), NO_SOFT_DIRTY)

#define mutate(_mutator) ASSERT_EQ(0, _mutator(self->map, mmun_pages(PAGES)))

#define snapshot_writable() snapshot_pages(0, PAGES, MMUN_WRITE, NULL)

/* Insert a range with a policy, and fill its shadow. */
#define watch_with(_policy)                                  \
	do {                                                 \
		self->id = insert_policy(_policy, 0, PAGES); \
		snapshot_writable();                         \
	} while (0)

/* Expect that the device can read page @_nr and cannot write to it. */
#define expect_read_only(_nr)                           \
	do {                                            \
		EXPECT_EQ((_nr) + 1, device_byte(_nr)); \
		expect_no_write(_nr);                   \
	} while (0)

#define expect_all_read_only()                  \
	do {                                    \
		for (int i = 0; i < PAGES; i++) \
			expect_read_only(i);    \
		verify(PAGES);                  \
	} while (0)

#define expect_all_gone()                       \
	do {                                    \
		for (int i = 0; i < PAGES; i++) \
			expect_no_entry(i);     \
		expect_kept(0);                 \
	} while (0)

/* The ranges over the same pages differ only in their policy. */
#define compare_policies(_mutator, _keeps, _other) \
	do {                                       \
		__u32 __with, __without;           \
		watch_with(_other);                \
		__without = self->id;              \
		watch_with(_keeps);                \
		__with = self->id;                 \
		mutate(_mutator);                  \
		expect_all_read_only();            \
		expect_kept(PAGES);                \
		self->id = __without;              \
		expect_all_gone();                 \
		self->id = __with;                 \
	} while (0)

KIND_TEST(policy, clear_refs_keeps_read_only_entries_with_soft_dirty)
{
	need_soft_dirty();
	compare_policies(clear_soft_dirty, MMUN_POLICY_SOFT_DIRTY,
			 MMUN_POLICY_ALL & ~MMUN_POLICY_SOFT_DIRTY);
}

KIND_TEST(policy, fork_keeps_read_only_entries_with_protection_page)
{
	compare_policies(fork_once, MMUN_POLICY_PROTECTION_PAGE,
			 MMUN_POLICY_ALL & ~MMUN_POLICY_PROTECTION_PAGE);
}

/* A CPU write sets the soft dirty bit, for which the device must ask again. */
KIND_TEST(policy, device_writes_after_clear_refs_only_after_a_snapshot)
{
	need_soft_dirty();
	watch_with(KEEP_ALL);
	mutate(clear_soft_dirty);
	expect_no_write(3);
	EXPECT_EQ(0, is_soft_dirty(3));
	snapshot_pages(3, 1, MMUN_WRITE, NULL);
	EXPECT_EQ(1, is_soft_dirty(3));
	device_write_byte(3, 'd');
	expect_no_write(4);
	verify(PAGES);
}

static int read_page(void *map, int nr)
{
	return mmun_load(map);
}

KIND_TEST(policy, device_writes_after_fork_only_after_a_snapshot)
{
	struct mmun_child child;

	watch_with(KEEP_ALL);
	ASSERT_EQ(0, mmun_child_start(&child, self->map));
	expect_read_only(0);
	snapshot_pages(0, 1, MMUN_WRITE, NULL);
	device_write_byte(0, 'd');
	EXPECT_EQ(1, mmun_child_do(&child, read_page, 0));
	EXPECT_EQ(0, mmun_child_end(&child));
	verify(PAGES);
}

/*
 * The write of the CPU copies the page: the event is CLEAR, and the kept entry
 * would refer to the page of the child.
 */
KIND_TEST(policy, write_of_the_cpu_after_fork_drops_the_kept_entry)
{
	struct mmun_child child;

	watch_with(MMUN_POLICY_ALL);
	ASSERT_EQ(0, mmun_child_start(&child, self->map));
	expect_all_read_only();
	mmun_store(mmun_page(2), 'w');
	expect_no_entry(2);
	verify(PAGES - 1);
	snapshot_pages(2, 1, 0, NULL);
	EXPECT_EQ('w', device_byte(2));
	EXPECT_EQ(0, mmun_child_end(&child));
}

KIND_TEST(policy, dontneed_drops_the_entries)
{
	watch_with(MMUN_POLICY_ALL);
	mutate(dontneed);
	expect_all_gone();
	verify(0);
}

/* PROT_NONE takes away the permission to read, too. */
KIND_TEST(policy, mprotect_drops_the_entries)
{
	watch_with(MMUN_POLICY_ALL);
	mutate(protect_none);
	expect_all_gone();
	verify(0);
}

KIND_TEST(policy, mprotect_to_read_only_drops_the_entries)
{
	watch_with(MMUN_POLICY_ALL);
	mutate(protect_write);
	expect_all_gone();
}

KIND_TEST(policy, munmap_drops_the_entries)
{
	watch_with(KEEP_ALL);
	mutate(unmap);
	expect_all_gone();
}

/*
 *	reader				mutator
 *	begin, collect (writable)
 *					invalidate: keeps read-only entries
 *	commit: collides
 */
#define expect_collision_with(_mutator)                                   \
	do {                                                              \
		struct mmun_token __token;                                \
		watch_with(KEEP_ALL);                                     \
		__token = mmun_read_begin(self->id);                      \
		EXPECT_EQ(1, mmun_collect(__token, self->map, self->page, \
					  self->method, MMUN_WRITE));     \
		mutate(_mutator);                                         \
		EXPECT_EQ(1, mmun_commit(__token));                       \
		expect_all_read_only();                                   \
	} while (0)

KIND_TEST(policy, open_section_collides_with_a_clear_refs_that_keeps_entries)
{
	need_soft_dirty();
	expect_collision_with(clear_soft_dirty);
}

KIND_TEST(policy, open_section_collides_with_a_fork_that_keeps_entries)
{
	expect_collision_with(fork_once);
}

/* The counters */

/* Page 7 has no entry, so callbacks cannot keep its entry. */
KIND_TEST(policy, each_callback_counts_the_valid_entries_that_it_keeps)
{
	self->id = insert_policy(KEEP_ALL, 0, PAGES);
	snapshot_pages(0, PAGES - 1, MMUN_WRITE, NULL);
	mutate(fork_once);
	expect_kept(PAGES - 1);
	expect_no_entry(PAGES - 1);
	mutate(fork_once);
	expect_kept(2 * (PAGES - 1));
	mutate(dontneed);
	mutate(fork_once);
	expect_kept(2 * (PAGES - 1));
	expect_kept_accesses(0);
}

/* Only the first access since the callback would have needed a snapshot. */
KIND_TEST(policy, first_access_to_a_kept_entry_counts)
{
	watch_with(KEEP_ALL);
	device_byte(0);
	expect_kept_accesses(0);
	mutate(fork_once);
	expect_no_write(0);
	expect_kept_accesses(0);
	device_byte(0);
	device_byte(0);
	expect_kept_accesses(1);
	device_byte(1);
	expect_kept_accesses(2);
	mutate(fork_once);
	device_byte(0);
	expect_kept_accesses(3);
}

KIND_TEST(policy, access_after_a_new_snapshot_does_not_count)
{
	watch_with(KEEP_ALL);
	mutate(fork_once);
	snapshot_writable();
	device_byte(0);
	expect_kept_accesses(0);
}

/* When tables are freed */

/*
 *   0              512             1024
 *   |----table-----|----table-----|	one mapping, and one range
 */
#define TABLES 2
#define ALL_TABLES (TABLES * TABLE_PAGES)

MMUN_PLAIN_FIXTURE(policy_table, MMUN_RANGE_FIXTURE)
OVER_EACH_KIND(policy_table);

FIXTURE_SETUP(policy_table)
{
	mmun_setup_arena(ALL_TABLES);
	ASSERT_NE(NULL, mmun_map(self->map, mmun_pages(ALL_TABLES)));
	self->method = mmun_best_method(self->fd);
}

#define page_of_table(_table) ((_table)*TABLE_PAGES)
#define expect_tables(_nr) \
	EXPECT_EQ((_nr)*TABLE_PAGES, mmun_query_context().out_shadow_pages)
#define expect_kept_tables(_nr) EXPECT_EQ(_nr, query().out_kept_tables)

/* Write two neighbouring pages of each table, and take snapshots of them. */
#define fill_tables(_policy)                                                   \
	do {                                                                   \
		self->id = insert_policy(_policy, 0, ALL_TABLES);              \
		for (int i = 0; i < TABLES; i++) {                             \
			memset(mmun_page(page_of_table(i)), 1, mmun_pages(2)); \
			snapshot_pages(page_of_table(i), 2, 0, NULL);          \
		}                                                              \
		expect_tables(TABLES);                                         \
	} while (0)

#define mutate_pages(_mutator, _first, _nr) \
	ASSERT_EQ(0, _mutator(mmun_page(_first), mmun_pages(_nr)))

#define mutate_tables(_mutator) mutate_pages(_mutator, 0, ALL_TABLES)

KIND_TEST(policy_table, munmap_keeps_tables_without_a_policy)
{
	fill_tables(0);
	mutate_tables(unmap);
	expect_tables(TABLES);
	expect_kept_tables(0);
	mmun_remove(self->id);
	expect_tables(0);
}

KIND_TEST(policy_table, munmap_frees_tables_with_free_on_unmap)
{
	fill_tables(MMUN_POLICY_FREE_ON_UNMAP);
	mutate_tables(unmap);
	expect_tables(0);
	expect_kept_tables(0);
}

KIND_TEST(policy_table, dontneed_keeps_tables_with_free_on_unmap)
{
	fill_tables(MMUN_POLICY_FREE_ON_UNMAP);
	mutate_tables(dontneed);
	expect_no_entry(0);
	expect_tables(TABLES);
	expect_kept_tables(TABLES);
	mutate_tables(protect_none);
	expect_tables(TABLES);
	mutate_tables(unmap);
	expect_tables(0);
}

/*
 * A kept table counts if all its addresses are invalidated, and if it had an
 * entry before.  The first invalidation leaves one entry in each table.
 */
KIND_TEST(policy_table, kept_table_counts_each_time_it_is_emptied)
{
	fill_tables(MMUN_POLICY_FREE_ON_UNMAP);
	mutate_pages(dontneed, 1, TABLE_PAGES);
	expect_kept_tables(0);
	mutate_pages(dontneed, 0, TABLE_PAGES);
	expect_kept_tables(1);
	mutate_tables(dontneed);
	expect_kept_tables(2);
	mutate_tables(dontneed);
	expect_kept_tables(2);
	snapshot_pages(0, 1, 0, NULL);
	mutate_tables(dontneed);
	expect_kept_tables(3);
}

KIND_TEST(policy_table, every_event_frees_tables_with_free_always)
{
	fill_tables(MMUN_POLICY_FREE_ALWAYS);
	mutate_pages(dontneed, 0, TABLE_PAGES);
	expect_tables(1);
	mutate_pages(protect_none, TABLE_PAGES, TABLE_PAGES);
	expect_tables(0);
	expect_kept_tables(0);
}

/* Entries that are kept also keep their table. */
KIND_TEST(policy_table, fork_keeps_tables_with_entries_even_with_free_always)
{
	fill_tables(MMUN_POLICY_FREE_ALWAYS | MMUN_POLICY_PROTECTION_PAGE);
	mutate(fork_once);
	expect_tables(TABLES);
	EXPECT_EQ(1, device_byte(0));
}

KIND_TEST(policy_table, table_is_freed_with_its_last_entry)
{
	fill_tables(MMUN_POLICY_FREE_ON_UNMAP);
	mutate_pages(unmap, 0, 1);
	expect_no_entry(0);
	expect_tables(TABLES);
	EXPECT_EQ(1, device_byte(1));
	verify(3);
	mutate_pages(unmap, 1, 1);
	expect_no_entry(1);
	expect_tables(TABLES - 1);
	EXPECT_EQ(1, device_byte(page_of_table(1)));
}

KIND_TEST(policy_table, table_that_was_freed_is_allocated_again)
{
	fill_tables(MMUN_POLICY_FREE_ALWAYS);
	for (int i = 0; i < 3; i++) {
		mutate_tables(dontneed);
		expect_tables(0);
		mmun_store(mmun_page(5), i);
		snapshot_pages(5, 1, 0, NULL);
		EXPECT_EQ(i, device_byte(5));
		expect_tables(1);
	}
}

/*
 * A process maps memory at a new address, the device uses the memory, and the
 * process unmaps the memory again.  A range covers all addresses.
 */
#define VISITS 64

MMUN_PLAIN_FIXTURE(policy_bound, MMUN_RANGE_FIXTURE)
OVER_EACH_KIND(policy_bound);

FIXTURE_SETUP(policy_bound)
{
	mmun_setup();
	self->method = mmun_best_method(self->fd);
}

/*
 * Visit one page of each table of range @id, which begins at @map.  Returns the
 * number of visits until SNAPSHOT fails, or @visits, or -1.  Sets @most to the
 * largest number of shadow pages after a visit.
 */
static int visit_tables(int fd, __u32 id, char *map, int visits, __u64 *most)
{
	const size_t page = sysconf(_SC_PAGESIZE);
	struct mmun_query_context context;
	int i;

	*most = 0;
	for (i = 0; i < visits; i++) {
		char *at = map + page_of_table(i) * page;
		struct mmun_snapshot snap;

		snap = MMUN_SNAPSHOT_OF(id, at, page, MMUN_METHOD_GUP, 0);
		if (!mmun_map(at, page))
			return -1;
		if (_mmun_snapshot(fd, &snap))
			return errno == ENOSPC ? i : -1;
		if (munmap(at, page) || _mmun_query_context(fd, &context))
			return -1;
		if (context.out_shadow_pages > *most)
			*most = context.out_shadow_pages;
	}
	return i;
}

#define visit(_policy, _tables, _most)                                        \
	({                                                                    \
		self->map = mmun_arena(page_of_table(_tables));               \
		ASSERT_NE(NULL, self->map);                                   \
		self->id = insert_policy(_policy, 0, page_of_table(_tables)); \
		visit_tables(self->fd, self->id, self->map, _tables, _most);  \
	})

KIND_TEST(policy_bound, tables_of_unmapped_memory_do_not_accumulate)
{
	__u64 most;

	EXPECT_EQ(VISITS, visit(MMUN_POLICY_FREE_ON_UNMAP, VISITS, &most));
	EXPECT_EQ(0, most);
	EXPECT_EQ(VISITS, visit(MMUN_POLICY_FREE_ALWAYS, VISITS, &most));
	EXPECT_EQ(0, most);
	EXPECT_EQ(VISITS, visit(0, VISITS, &most));
	EXPECT_EQ(VISITS * TABLE_PAGES, most);
}

/*
 * Another range, whose mapping has no pages, has all tables of the context but
 * FEW.  Ranges of one kind are enough to reach the limit of the context.
 */
#define FEW 128 /* number of tables that one SNAPSHOT can fill */

MMUN_PLAIN_FIXTURE(policy_limit, MMUN_RANGE_FIXTURE)

/* clang-format off */
FIXTURE_VARIANT(policy_limit) { __u32 kind; };
FIXTURE_VARIANT_ADD(policy_limit, interval) { MMUN_KIND_INTERVAL };
/* clang-format on */

FIXTURE_SETUP(policy_limit)
{
	mmun_setup();
}

/* Take a snapshot of FEW tables from @_first on.  No page is present. */
#define look_at_few(_first)                                                    \
	EXPECT_EQ(0, mmun_snapshot(self->id, mmun_page(page_of_table(_first)), \
				   mmun_pages(page_of_table(FEW)),             \
				   MMUN_METHOD_HMM_NOFAULT, 0, NULL))

TEST_F(policy_limit, tables_accumulate_up_to_the_limit_only_without_a_policy)
{
	const int all_but_few =
		mmun_info().out_max_shadow_pages / TABLE_PAGES - FEW;
	__u64 most;

	mmun_need_feature(MMUN_FEATURE_HMM);
	self->map = mmun_arena(page_of_table(all_but_few));
	ASSERT_NE(NULL, self->map);
	mutate_pages(protect_write, 0, page_of_table(all_but_few));
	self->id = insert_policy(0, 0, page_of_table(all_but_few));
	for (int i = 0; i < all_but_few; i += FEW)
		look_at_few(i);
	expect_tables(all_but_few);
	EXPECT_EQ(2 * FEW, visit(MMUN_POLICY_FREE_ON_UNMAP, 2 * FEW, &most));
	expect_tables(all_but_few);
	EXPECT_EQ(FEW, visit(0, 2 * FEW, &most));
	expect_tables(all_but_few + FEW);
}

/*
 * A naive range must drop everything, because no sequence protects what its
 * callbacks would keep.
 */
TEST_F(policy_limit, naive_ranges_have_no_policy)
{
	static const __u32 kinds[] = { MMUN_KIND_NAIVE, MMUN_KIND_NAIVE_TREE,
				       MMUN_KIND_NAIVE_LINEAR };
	struct mmun_span span = { .length = self->page };
	__u64 done;

	for (int i = 0; i < ARRAY_SIZE(kinds); i++) {
		for (__u32 bit = 1; bit <= MMUN_POLICY_ALL; bit <<= 1)
			EXPECT_ERRNO(EOPNOTSUPP,
				     _mmun_insert_policy(self->fd, kinds[i],
							 bit, &span, &done));
		EXPECT_EQ(0, _mmun_insert_policy(self->fd, kinds[i], 0, &span,
						 &done));
	}
}

/*
 * The only callback that a list notifier gets in the exit of the mm is that of
 * RELEASE.  Nothing frees tables then, because the range is removed later.
 */
VICTIM_FIXTURE(policy_exit, setup_victim(1, 1), __u32 id)

/* clang-format off */
FIXTURE_VARIANT(policy_exit) { __u32 kind; };
FIXTURE_VARIANT_ADD(policy_exit, list) { MMUN_KIND_LIST };
FIXTURE_VARIANT_ADD(policy_exit, list_mm) { MMUN_KIND_LIST_MM };
FIXTURE_VARIANT_ADD(policy_exit, invlock) { MMUN_KIND_INVLOCK };
/* clang-format on */

TEST_F(policy_exit, release_drops_entries_and_frees_no_table)
{
	self->id = insert_policy(MMUN_POLICY_FREE_ALWAYS, 0, 1);
	EXPECT_EQ(1, mmun_snapshot(self->id, self->map, self->page,
				   MMUN_METHOD_GUP, 0, NULL));
	order_victim(victim_exit, 0);
	expect_status(0);
	expect_no_entry(0);
	expect_tables(1);
	expect_kept_tables(0);
	mmun_remove(self->id);
	expect_tables(0);
}

/*
 * Commits beside a callback that frees the table.  The mutator unmaps a page,
 * which frees the table of the page.
 */

JOB(munmap, munmap(worker->at, worker->length))

HOLD_FIXTURE(policy_race)
OVER_EACH_KIND(policy_race);

#define insert_freeing() \
	(self->id = insert_policy(MMUN_POLICY_FREE_ON_UNMAP, FREE_PAGE, 1))
#define begin_and_collect()                                                 \
	({                                                                  \
		struct mmun_token __token = mmun_read_begin(self->id);      \
		EXPECT_EQ(1, mmun_collect(__token, mmun_page(FREE_PAGE),    \
					  self->page, MMUN_METHOD_GUP, 0)); \
		__token;                                                    \
	})
#define hold_munmap(_point) \
	hold_worker(&self->mutator, job_munmap, FREE_PAGE, _point, self->id)
#define expect_entries_freed(_token)                                    \
	do {                                                            \
		EXPECT_EQ(1, mmun_check_retry(self->id, (_token).seq)); \
		EXPECT_EQ(1, mmun_commit(_token));                      \
		expect_shadow(FREE_PAGE, false);                        \
	} while (0)

/*
 *	reader			mutator
 *	begin, collect
 *				callback: frees the table
 *	commit: allocates
 *	the table, collides
 */
KIND_TEST(policy_race, commit_after_the_callback_freed_the_table_collides)
{
	struct mmun_token token;

	insert_freeing();
	EXPECT_EQ(0, mmun_commit(begin_and_collect()));
	token = begin_and_collect();
	hold_munmap(MMUN_POINT_LEAVE);
	EXPECT_EQ(0, mmun_query_context().out_shadow_pages);
	expect_entries_freed(token);
	EXPECT_EQ(0, mmun_query_context().out_shadow_pages);
	end_workers();
	expect_shadow(FREE_PAGE, false);
}

/*
 *	reader			mutator
 *	begin, collect
 *				callback begins: held at ENTER
 *	commit: published, if the
 *	sequence is set later
 *				callback: drops the entry, frees the table
 */
KIND_TEST(policy_race, callback_frees_the_table_of_a_commit_that_came_first)
{
	const bool mm_seq = variant->kind == MMUN_KIND_INVLOCK;
	struct mmun_token token;

	insert_freeing();
	token = begin_and_collect();
	hold_munmap(MMUN_POINT_ENTER);
	EXPECT_EQ(mm_seq, mmun_commit(token));
	expect_shadow(FREE_PAGE, !mm_seq);
	end_workers();
	expect_shadow(FREE_PAGE, false);
	EXPECT_EQ(0, mmun_query_context().out_shadow_pages);
}

/* Two sections: the second callback frees what the first commit allocated. */
KIND_TEST(policy_race, two_commits_beside_two_callbacks_publish_nothing)
{
	struct mmun_token first, second;

	insert_freeing();
	first = begin_and_collect();
	second = begin_and_collect();
	ASSERT_EQ(0, munmap(mmun_page(FREE_PAGE), self->page));
	expect_entries_freed(first);
	ASSERT_NE(NULL, mmun_map_filled(mmun_page(FREE_PAGE), 1));
	ASSERT_EQ(0, munmap(mmun_page(FREE_PAGE), self->page));
	expect_entries_freed(second);
}

/* A commit reports the removal first, as without a policy. */
KIND_TEST(policy_race, commit_after_an_invalidation_and_a_removal_is_enoent)
{
	struct mmun_token token;

	insert_freeing();
	token = begin_and_collect();
	ASSERT_EQ(0, munmap(mmun_page(FREE_PAGE), self->page));
	mmun_remove(self->id);
	mmun_err_commit(ENOENT, token);
}

/*
 *	reader			mutator
 *				callback: frees the table, held at LEAVE
 *	begin: waits
 */
KIND_TEST(policy_race, reader_waits_while_the_callback_has_freed_the_table)
{
	insert_freeing();
	EXPECT_EQ(0, mmun_commit(begin_and_collect()));
	hold_munmap(MMUN_POINT_LEAVE);
	self->reader.id = self->id;
	block_reader();
	end_workers();
	mmun_abandon(self->reader.token);
	expect_shadow(FREE_PAGE, false);
}

MMUN_HARNESS_MAIN
