/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The names of the tests, and the selection of the tests that run.
 *
 * MMUN_TESTS in the environment is a list of globs, separated by commas.  A test
 * runs if a glob matches the name that the harness prints, which is
 * "fixture.variant.test", or matches that name without the variant.  All tests
 * run if MMUN_TESTS is empty.
 *
 * With MMUN_LIST=1 a program prints the names of the tests that would run, one
 * name a line, and exits.  The list needs no device.
 */
#ifndef _SELFTESTS_MMUN_NAMES_H
#define _SELFTESTS_MMUN_NAMES_H

#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../kselftest_harness.h"

static inline const char *mmun_globs(void)
{
	return getenv("MMUN_TESTS") ?: "";
}

static inline bool mmun_wants_list(void)
{
	return *(getenv("MMUN_LIST") ?: "");
}

/*
 * Print the name that the harness prints.  @variant is "" if there is no
 * variant.
 */
static inline void mmun_print_name(const char *fixture, const char *variant,
				   const char *test)
{
	printf("%s%s%s.%s\n", fixture, *variant ? "." : "", variant, test);
}

static inline bool mmun_glob_matches(const char *name)
{
	char *copy = strdup(mmun_globs()), *rest = copy, *glob;
	bool found = false;

	while (!found && (glob = strsep(&rest, ",")))
		found = !fnmatch(glob, name, 0);
	free(copy);
	return found;
}

static inline bool mmun_is_asked_for(const char *fixture, const char *variant,
				     const char *test)
{
	char name[512];

	if (!*mmun_globs())
		return true;
	snprintf(name, sizeof(name), "%s.%s", fixture, test);
	if (mmun_glob_matches(name))
		return true;
	snprintf(name, sizeof(name), "%s.%s.%s", fixture, variant, test);
	return *variant && mmun_glob_matches(name);
}

static inline void mmun_give_up(const char *what)
{
	perror(what);
	exit(KSFT_FAIL);
}

static inline void *mmun_copy(const void *from, size_t size, int flags)
{
	void *copy = mmap(NULL, size, PROT_READ | PROT_WRITE,
			  flags | MAP_ANONYMOUS, -1, 0);

	if (copy == MAP_FAILED)
		mmun_give_up("# copying a test");
	return memcpy(copy, from, size);
}

/* Returns whether a child sees and changes the same @t after fork(). */
static inline bool mmun_is_shared(struct __test_metadata *t)
{
	pid_t pid = fork();
	bool shared;

	if (!pid) {
		t->trigger = 1;
		_exit(0);
	}
	if (waitpid(pid, NULL, 0) != pid)
		mmun_give_up("# trying a test's memory");
	shared = t->trigger;
	t->trigger = 0;
	return shared;
}

/*
 * A new harness reads the result of a test from @t, so the copy must be shared.
 * An old harness keeps the child's PID in @t, so the copy must be private.
 */
static inline struct __test_metadata *mmun_copy_test(struct __test_metadata *t)
{
	static int flags;

	if (!flags)
		flags = mmun_is_shared(t) ? MAP_SHARED : MAP_PRIVATE;
	return mmun_copy(t, sizeof(*t), flags);
}

/*
 * Returns a copy of @f that has no test, and no variant except @v.  @v may be
 * NULL.
 */
static inline struct __fixture_metadata *
mmun_copy_fixture(const struct __fixture_metadata *f,
		  const struct __fixture_variant_metadata *v)
{
	struct __fixture_metadata *copy = mmun_copy(f, sizeof(*f), MAP_PRIVATE);

	copy->variant = NULL;
	copy->tests = NULL;
	if (v) {
		copy->variant = mmun_copy(v, sizeof(*v), MAP_PRIVATE);
		copy->variant->next = NULL;
	}
	return copy;
}

/*
 * Append a copy of @f to the list that ends at @end.  The copy has no variant
 * except @v, and only the tests that MMUN_TESTS selects.  If there is no such
 * test, nothing is appended.  Returns the new end of the list.
 */
static inline struct __fixture_metadata **
mmun_append_asked_for(struct __fixture_metadata **end,
		      const struct __fixture_metadata *f,
		      const struct __fixture_variant_metadata *v)
{
	struct __fixture_metadata *copy = mmun_copy_fixture(f, v);
	struct __test_metadata *t, **last = &copy->tests;

	for (t = f->tests; t; t = t->next) {
		if (!mmun_is_asked_for(f->name, v ? v->name : "", t->name))
			continue;
		*last = mmun_copy_test(t);
		last = &(*last)->next;
	}
	*last = NULL;
	if (!copy->tests)
		return end;
	*end = copy;
	return &copy->next;
}

/*
 * Build a new list: one fixture for each variant, with only the tests that
 * MMUN_TESTS selects for that variant.
 */
static inline void mmun_choose_tests(void)
{
	struct __fixture_metadata *f = __fixture_list, **end = &__fixture_list;
	struct __fixture_variant_metadata *v;

	if (!*mmun_globs())
		return;
	for (; f; f = f->next) {
		v = f->variant;
		do {
			end = mmun_append_asked_for(end, f, v);
			v = v ? v->next : NULL;
		} while (v);
	}
	*end = NULL;
}

static inline void mmun_list_tests(void)
{
	struct __fixture_metadata *f;
	struct __fixture_variant_metadata *v;
	struct __test_metadata *t;

	for (f = __fixture_list; f; f = f->next) {
		v = f->variant;
		do {
			for (t = f->tests; t; t = t->next)
				mmun_print_name(f->name, v ? v->name : "",
						t->name);
			v = v ? v->next : NULL;
		} while (v);
	}
}

#endif /* _SELFTESTS_MMUN_NAMES_H */
