// SPDX-License-Identifier: GPL-2.0
/*
 * One call changes all pages of the range: mprotect(), mmap() or fork().  The
 * device sees the state of all pages before the call, or the state after it, and
 * no mixture.  See race.h.
 */
#include "lib/race.h"

#define WRITES 4 /* writes of a device after one read of the page tables */
#define FORKS 10 /* minimum */

/*
 * Each device write stores a higher number.  Returns whether the write
 * succeeded.
 */
static bool device_write(struct actor *actor)
{
	struct race *race = actor->race;
	__u64 value = race_add(&race->written, 1), done;

	if (_mmun_access(race->fd, actor->id,
			 page_at(race, roll(actor, RACE_PAGES)), sizeof(value),
			 &value, MMUN_WRITE, &done)) {
		if (errno != EFAULT)
			failed(race, "MMUN_ACCESS");
		return false;
	}
	race_add(&race->checked, 1);
	return true;
}

static void gather_and_write(struct actor *actor)
{
	static const struct {
		__u32 method;
		__u32 flags;
	} ways[] = {
		{ MMUN_METHOD_HMM_FAULT, MMUN_WRITE },
		{ MMUN_METHOD_GUP, MMUN_WRITE },
		{ MMUN_METHOD_HMM_NOFAULT, 0 },
	};
	struct race *race = actor->race;
	int i, way = roll(actor, ARRAY_SIZE(ways));
	__u32 epoch;

	gather(actor, ways[way].method, ways[way].flags);
	for (i = 0; i < WRITES; i++) {
		epoch = race_load(&race->epoch);
		if (device_write(actor) && epoch % 2 &&
		    race_load(&race->epoch) == epoch)
			wrong(race, "the device wrote to a read-only page");
	}
}

/*
 * All pages of a batch were collected between two invalidations, so all are
 * present or none is.
 */
static void gather_all_or_nothing(struct actor *actor)
{
	struct race *race = actor->race;
	int valid = gather_in_steps(actor, MMUN_METHOD_HMM_NOFAULT, 0);

	if (valid < 0)
		return;
	race_add(&race->checked, 1);
	if (valid && valid != RACE_PAGES)
		wrong(race, "%d of %d pages at one instant", valid, RACE_PAGES);
}

static void protect_all(struct race *race, int prot)
{
	if (mprotect(race->map, race->length, prot))
		failed(race, "mprotect");
	sched_yield();
}

static void deny_writes(struct actor *mutator, int round)
{
	struct race *race = mutator->race;

	protect_all(race, PROT_READ);
	race_add(&race->epoch, 1);
	sched_yield();
	verify(mutator);
	race_add(&race->epoch, 1);
	protect_all(race, PROT_READ | PROT_WRITE);
}

static void deny_reads(struct actor *mutator, int round)
{
	protect_all(mutator->race, PROT_NONE);
	protect_all(mutator->race, PROT_READ);
}

FIXTURE(race_atomic)
{
	RACE_FIXTURE;
};

FIXTURE_SETUP(race_atomic)
{
	setup_race_range();
}

MMUN_FIXTURE_TEARDOWN(race_atomic)

TEST_F(race_atomic, device_never_writes_what_is_read_only)
{
	run_race(gather_and_write, deny_writes);
}

TEST_F(race_atomic, batch_in_two_parts_sees_all_pages_or_none)
{
	run_race(gather_all_or_nothing, deny_reads);
}

/*
 * One mmap() at a time maps one of two files over the whole range.  Each file
 * has a generation, which is stamped on its pages.  All pages that one batch
 * published have the same generation.  Only one thread publishes, so a page
 * that vanished stays away, and all pages vanish at once.
 */
static void check_generations(struct actor *actor)
{
	struct race *race = actor->race;
	__u64 value, first = 0;
	int i;

	for (i = 0; i < RACE_PAGES && !device_read(actor, i, &value); i++) {
		value -= stamp(i, 0);
		first = first ?: value;
		if (value != first)
			wrong(race,
			      "page %d is of generation %lld, page 0 of %lld",
			      i, (long long)value, (long long)first);
		race_add(&race->checked, 1);
	}
	for (; i < RACE_PAGES; i++)
		if (!device_read(actor, i, &value))
			wrong(race, "page %d is left of those that vanished",
			      i);
}

/*
 * hmm_range_fault() itself checks the sequence, so this function uses it less
 * often.
 */
static void gather_and_check(struct actor *actor)
{
	__u32 method = roll(actor, 4) ? MMUN_METHOD_GUP : MMUN_METHOD_HMM_FAULT;

	if (gather_in_steps(actor, method, 0) == RACE_PAGES)
		check_generations(actor);
}

static void map_other_file(struct actor *mutator, int round)
{
	struct race *race = mutator->race;
	int i, file = race->files[round % 2];
	__u64 value;

	for (i = 0; i < RACE_PAGES; i++) {
		value = stamp(i, round + 1);
		if (pwrite(file, &value, sizeof(value), i * race->page) !=
		    sizeof(value))
			failed(race, "pwrite");
	}
	if (mmap(race->map, race->length, PROT_READ, MAP_SHARED | MAP_FIXED,
		 file, 0) == MAP_FAILED)
		failed(race, "mmap");
}

TEST_F(race_atomic, batch_in_two_parts_is_of_one_mapping)
{
	struct race *race = &self->race;
	int i;

	for (i = 0; i < 2; i++) {
		race->files[i] = mmun_memfd_sized(race->length, 0);
		ASSERT_LE(0, race->files[i]);
	}
	race->nr_actors = 1;
	race->rounds = 8 * ROUNDS;
	run_race(gather_and_check, map_other_file);
}

/* fork(): the child must not see what a device wrote after fork() returned. */

static void child_main(struct race *race, int from)
{
	__u64 latest;
	int i;

	if (read(from, &latest, sizeof(latest)) != sizeof(latest))
		_exit(2);
	for (i = 0; i < RACE_PAGES; i++)
		if (race_load((__u64 *)page_at(race, i)) > latest)
			_exit(1);
	_exit(0);
}

static void fork_once(struct actor *mutator, int round)
{
	struct race *race = mutator->race;
	__u64 latest, checked;
	int pipefd[2];
	pid_t pid;

	if (pipe2(pipefd, O_CLOEXEC)) {
		failed(race, "pipe2");
		return;
	}
	pid = fork();
	if (!pid)
		child_main(race, pipefd[0]);
	latest = race_load(&race->written);
	checked = race_load(&race->checked);
	if (pid < 0 || !wait_for(&race->checked, checked + 2 * WRITES) ||
	    write(pipefd[1], &latest, sizeof(latest)) != sizeof(latest))
		wrong(race, "no device wrote beside the child");
	close(pipefd[0]);
	close(pipefd[1]);
	if (mmun_wait_child(pid))
		wrong(race, "a child has what was written after the fork");
}

TEST_F(race_atomic, device_writes_never_reach_a_child)
{
	memset(self->race.map, 0, self->race.length);
	self->race.rounds = FORKS;
	run_race(gather_and_write, fork_once);
}

MMUN_HARNESS_MAIN
