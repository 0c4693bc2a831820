/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Prints the names of the tests, and selects the tests that run.
 *
 * The environment variable MMUN_TESTS is a list of globs, separated by commas.
 * The harness prints the name of a test as "fixture.variant.test".  A test runs
 * if a glob matches this name or the shorter name "fixture.test".  All tests
 * run if MMUN_TESTS is empty.
 *
 * With MMUN_LIST=1 a program prints the names of the selected tests, one on
 * each line, and exits.  The value "rules" prints the tests that a rule forbids
 * over the kind of the program, and the rules.  The value "globs" prints all
 * globs of lib/kind.h, and "used-globs" those that forbid a test.  The lists
 * need no device.
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
#include "kind.h"
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
 * Print the name of a test in the format of the harness.  @variant is "" if the
 * fixture has no variant.
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

/*
 * Print a test that a rule forbids: the name and the rule, or the glob of the
 * rule.
 */
static inline void mmun_print_rule(const struct mmun_rule *rule,
				   const char *name)
{
	const char *what = getenv("MMUN_LIST") ?: "";

	if (!strcmp(what, "rules"))
		printf("%s\t%s\n", name, rule->rule);
	else if (!strcmp(what, "used-globs"))
		puts(rule->tests);
}

/* Returns whether no rule forbids the test over the kind. */
static inline bool mmun_is_permitted(const char *name)
{
	const struct mmun_rule *rule = mmun_rule_of(name);

	if (rule)
		mmun_print_rule(rule, name);
	return !rule;
}

static inline bool mmun_is_asked_for(const char *fixture, const char *variant,
				     const char *test)
{
	char name[512], full[512];

	snprintf(name, sizeof(name), "%s.%s", fixture, test);
	snprintf(full, sizeof(full), "%s.%s.%s", fixture, variant, test);
	return (mmun_glob_matches(name) ||
		(*variant && mmun_glob_matches(full))) &&
	       mmun_is_permitted(*variant ? full : name);
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
 * @test: the copy, in which @test.fn is mmun_marked_test()
 * @fn: the @fn of the original test, which runs the test
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

/* The linker defines these symbols: the start and the end of the program. */
extern char __executable_start[], _end[];

/*
 * In a new harness, @t is in shared memory, and the process of the test stores
 * its result in @t.  The copy of @t must then be shared.  In an old harness, @t
 * is a variable of the program, in which the harness stores the PID of the
 * test.  The copy of @t must then be private.
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
 * Returns a copy of fixture @f.  The only variant of the copy is @v, and the
 * tests of the copy are those that MMUN_TESTS selects.
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
 * Replace the list of fixtures of the harness.  The new list has one fixture
 * for each variant, with only the tests that MMUN_TESTS selects.  A fixture
 * without variants gets one variant, whose name is "".
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

static inline void mmun_list_globs(void)
{
	for (const struct mmun_rule *rule = mmun_rules; rule->tests; rule++)
		puts(rule->tests);
}

/*
 * mmun_choose_tests() has already printed the tests that a rule forbids, if
 * they are wanted.
 */
static inline void mmun_list_tests(void)
{
	const char *what = getenv("MMUN_LIST") ?: "";
	struct __fixture_metadata *f;
	struct __test_metadata *t;

	if (!strcmp(what, "globs"))
		mmun_list_globs();
	if (strcmp(what, "1"))
		return;
	for (f = __fixture_list; f; f = f->next)
		for (t = f->tests; t; t = t->next)
			mmun_print_name(f->name, f->variant->name, t->name);
}

#endif /* _SELFTESTS_MMUN_NAMES_H */
