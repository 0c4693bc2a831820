/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Prints the names of the tests, and selects the tests that run.
 *
 * MMUN_TESTS in the environment is a list of globs, separated by commas.  The
 * harness prints the name of a test as "fixture.variant.test".  A test runs if
 * a glob matches this name, or "fixture.test".  All tests run if MMUN_TESTS is
 * empty.
 *
 * With MMUN_LIST=1 a program prints the names of the selected tests, one on
 * each line, and exits.  The list needs no device.
 */
#ifndef _SELFTESTS_MMUN_NAMES_H
#define _SELFTESTS_MMUN_NAMES_H

#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../kselftest_harness.h"
#include "mark.h"

static inline const char *mmun_globs(void)
{
	const char *globs = getenv("MMUN_TESTS");

	return globs && *globs ? globs : "*";
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
	char name[512], full[512];

	snprintf(name, sizeof(name), "%s.%s", fixture, test);
	snprintf(full, sizeof(full), "%s.%s.%s", fixture, variant, test);
	return mmun_glob_matches(name) || (*variant && mmun_glob_matches(full));
}

static inline void *mmun_copy(const void *from, size_t size, int flags)
{
	void *copy = mmap(NULL, size, PROT_READ | PROT_WRITE,
			  flags | MAP_ANONYMOUS, -1, 0);

	if (copy == MAP_FAILED) {
		perror("# copying a test");
		exit(KSFT_FAIL);
	}
	return memcpy(copy, from, size);
}

/**
 * struct mmun_test - a copy of a test of the harness
 * @test: the harness calls @test.fn, which is mmun_marked_test()
 * @fn: the function that the harness would call without this file
 */
struct mmun_test {
	struct __test_metadata test;
	void (*fn)(struct __test_metadata *test,
		   struct __fixture_variant_metadata *variant);
};

/* The harness calls this function for each test, in the process of the test. */
static inline void mmun_marked_test(struct __test_metadata *test,
				    struct __fixture_variant_metadata *variant)
{
	mmun_mark(test->fixture->name, variant->name, test->name);
	((struct mmun_test *)test)->fn(test, variant);
}

/* The linker defines these symbols as the bounds of the program. */
extern char __executable_start[], _end[];

/*
 * A new harness allocates @t in shared memory, and reads the result of the test
 * from @t.  The copy must then be shared.  An old harness has @t in the
 * program, and stores the PID of the child in @t.  The copy must then be
 * private.
 */
static inline struct __test_metadata *mmun_copy_test(struct __test_metadata *t)
{
	bool is_private = (char *)t >= __executable_start && (char *)t < _end;
	struct mmun_test copy = { *t, t->fn };

	copy.test.fn = mmun_marked_test;
	return mmun_copy(&copy, sizeof(copy),
			 is_private ? MAP_PRIVATE : MAP_SHARED);
}

/*
 * Returns a copy of @f with the variant @v only, and with only the tests that
 * MMUN_TESTS selects.
 */
static inline struct __fixture_metadata *
mmun_copy_fixture(const struct __fixture_metadata *f,
		  const struct __fixture_variant_metadata *v)
{
	struct __fixture_metadata *copy = mmun_copy(f, sizeof(*f), MAP_PRIVATE);
	struct __test_metadata *t, **last = &copy->tests;

	copy->variant = mmun_copy(v, sizeof(*v), MAP_PRIVATE);
	copy->variant->next = NULL;
	for (t = f->tests; t; t = t->next) {
		if (!mmun_is_asked_for(f->name, v->name, t->name))
			continue;
		*last = mmun_copy_test(t);
		last = &(*last)->next;
	}
	*last = NULL;
	return copy;
}

/*
 * Replace the list of the harness: one fixture for each variant, with only the
 * tests that MMUN_TESTS selects for that variant.  If a fixture has no variant,
 * the name of the variant is "".
 */
static inline void mmun_choose_tests(void)
{
	struct __fixture_metadata *f = __fixture_list, **end = &__fixture_list;
	struct __fixture_variant_metadata *v, none = { .name = "" };

	for (; f; f = f->next) {
		for (v = f->variant ?: &none; v; v = v->next) {
			*end = mmun_copy_fixture(f, v);
			if ((*end)->tests)
				end = &(*end)->next;
		}
	}
	*end = NULL;
}

/* The caller must have called mmun_choose_tests(). */
static inline void mmun_list_tests(void)
{
	struct __fixture_metadata *f;
	struct __test_metadata *t;

	for (f = __fixture_list; f; f = f->next)
		for (t = f->tests; t; t = t->next)
			mmun_print_name(f->name, f->variant->name, t->name);
}

#endif /* _SELFTESTS_MMUN_NAMES_H */
