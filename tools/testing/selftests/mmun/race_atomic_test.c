// SPDX-License-Identifier: GPL-2.0
/*
 * Tests races with one call that changes all pages of the range: mprotect(),
 * mmap() or fork().  The device sees all pages as before the call or all pages
 * as after the call, and no mixture.  See race.h.
 */
#include "lib/race.h"

#define WRITES 4 /* number of writes after one read of the page tables */
#define FORKS 10 /* minimum */

/* The latest number that a device wrote.  Each write increases the number. */
static atomic_ullong written;

/* The mutator makes the epoch odd while no device may write. */
static atomic_uint epoch;

static void gather_and_write(void)
{
	__u32 method = roll_method(), before;
	__u64 value;

	gather(method, method == MMUN_METHOD_HMM_NOFAULT ? 0 : MMUN_WRITE);
	for (int i = 0; i < WRITES; i++) {
		before = epoch;
		value = ++written;
		if (device_access(roll(RACE_PAGES), &value, MMUN_WRITE) &&
		    before % 2 && epoch == before)
			wrong("the device wrote to a read-only page");
	}
}

/*
 * A commit succeeds only if no invalidation hit the batch, so all pages of the
 * batch are present, or none.
 */
static void gather_all_or_nothing(void)
{
	int valid = gather_in_steps(MMUN_METHOD_HMM_NOFAULT, 0);

	if (valid < 0)
		return;
	race.checked++;
	if (valid && valid != RACE_PAGES)
		wrong("a batch has %d of %d pages", valid, RACE_PAGES);
}

static void protect_all(int prot)
{
	must(!mprotect(race.map, race.length, prot));
	sched_yield();
}

static void deny_writes(int round)
{
	protect_all(PROT_READ);
	epoch++;
	sched_yield();
	verify();
	epoch++;
	protect_all(PROT_READ | PROT_WRITE);
}

static void deny_reads(int round)
{
	protect_all(PROT_NONE);
	protect_all(PROT_READ);
}

MMUN_PLAIN_FIXTURE(race_atomic, MMUN_FIXTURE)

FIXTURE_SETUP(race_atomic)
{
	setup_race_range();
}

TEST_F(race_atomic, device_never_writes_a_read_only_page)
{
	run_race(gather_and_write, deny_writes);
}

TEST_F(race_atomic, batch_in_two_parts_sees_all_pages_or_none)
{
	run_race(gather_all_or_nothing, deny_reads);
}

/*
 * Each round maps one of two files over the whole range.  The pages of a file
 * contain the generation of the file.  All pages of a batch must have the same
 * generation.  Only one thread publishes entries, and an invalidation removes
 * all entries at once.
 */
static int files[2];

static void check_generations(void)
{
	__u64 value, first = 0;
	int i;

	for (i = 0; i < RACE_PAGES && device_access(i, &value, 0); i++) {
		value -= stamp(i, 0);
		first = first ?: value;
		if (value != first)
			wrong("page %d has generation %lld, page 0 has %lld", i,
			      (long long)value, (long long)first);
	}
	for (; i < RACE_PAGES; i++)
		if (device_access(i, &value, 0))
			wrong("page %d has an entry, but others have none", i);
}

/* Use GUP more often, because hmm_range_fault() checks the sequence itself. */
static void gather_and_check(void)
{
	__u32 method = roll(4) ? MMUN_METHOD_GUP : MMUN_METHOD_HMM_FAULT;

	if (gather_in_steps(method, 0) == RACE_PAGES)
		check_generations();
}

static void map_other_file(int round)
{
	int file = files[round % 2];
	__u64 value;

	for (int i = 0; i < RACE_PAGES; i++) {
		value = stamp(i, round + 1);
		must(pwrite(file, &value, sizeof(value), i * race.page) ==
		     sizeof(value));
	}
	must(mmap(race.map, race.length, PROT_READ, MAP_SHARED | MAP_FIXED,
		  file, 0) != MAP_FAILED);
}

TEST_F(race_atomic, batch_in_two_parts_never_mixes_two_mappings)
{
	for (int i = 0; i < 2; i++) {
		files[i] = mmun_memfd_sized(race.length, 0);
		ASSERT_LE(0, files[i]);
	}
	race.nr_actors = 1;
	race.rounds = 8 * ROUNDS;
	run_race(gather_and_check, map_other_file);
}

/* The child must not see what a device writes after fork() returned. */

static void child_main(int from)
{
	__u64 latest;

	if (read(from, &latest, sizeof(latest)) != sizeof(latest))
		_exit(2);
	for (int i = 0; i < RACE_PAGES; i++)
		if (*(atomic_ullong *)page_at(i) > latest)
			_exit(1);
	_exit(0);
}

static void fork_once(int round)
{
	__u64 latest;
	int pipefd[2];
	pid_t pid;

	if (!must(!pipe2(pipefd, O_CLOEXEC)))
		return;
	pid = fork();
	if (!pid)
		child_main(pipefd[0]);
	latest = written;
	if (pid < 0 || !wait_for_checks(2 * WRITES) ||
	    write(pipefd[1], &latest, sizeof(latest)) != sizeof(latest))
		wrong("no device wrote while the child ran");
	close(pipefd[0]);
	close(pipefd[1]);
	if (mmun_wait_child(pid))
		wrong("a child read a later write of a device");
}

TEST_F(race_atomic, device_writes_never_reach_a_child)
{
	memset(race.map, 0, race.length);
	race.rounds = FORKS;
	run_race(gather_and_write, fork_once);
}

MMUN_HARNESS_MAIN
