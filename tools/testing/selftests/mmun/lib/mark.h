/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A line in the kernel log before each test, "mmun: starts NAME".
 *
 * A message of the kernel that follows the line was printed in the course of
 * the test NAME.  The process of the test writes the line before the test does
 * anything.  Nothing is written if /dev/kmsg cannot be opened.
 */
#ifndef _SELFTESTS_MMUN_MARK_H
#define _SELFTESTS_MMUN_MARK_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "names.h"

#define MMUN_KMSG "/dev/kmsg"

/**
 * struct mmun_body - what mmun_marked_test() calls in place of the harness
 * @test: the test
 * @fn: what the harness would have called
 */
struct mmun_body {
	struct __test_metadata *test;
	void (*fn)(struct __test_metadata *test,
		   struct __fixture_variant_metadata *variant);
};

static struct mmun_body *mmun_bodies;
static size_t mmun_nr_bodies;

static inline void mmun_mark(const char *fixture, const char *variant,
			     const char *test)
{
	int fd = open(MMUN_KMSG, O_WRONLY | O_CLOEXEC);
	char text[512];

	if (fd < 0)
		return;
	snprintf(text, sizeof(text), "<6>mmun: starts %s%s%s.%s\n", fixture,
		 *variant ? "." : "", variant, test);
	if (write(fd, text, strlen(text)) < 0)
		perror("# " MMUN_KMSG);
	close(fd);
}

/* The harness calls this function for each test, in the process of the test. */
static inline void mmun_marked_test(struct __test_metadata *test,
				    struct __fixture_variant_metadata *variant)
{
	size_t i;

	mmun_mark(test->fixture->name, variant->name, test->name);
	for (i = 0; mmun_bodies[i].test != test; i++)
		;
	mmun_bodies[i].fn(test, variant);
}

static inline void mmun_mark_test(struct __test_metadata *test)
{
	mmun_bodies = reallocarray(mmun_bodies, mmun_nr_bodies + 1,
				   sizeof(*mmun_bodies));
	if (!mmun_bodies)
		mmun_give_up("# marking a test");
	mmun_bodies[mmun_nr_bodies++] = (struct mmun_body){ test, test->fn };
	test->fn = mmun_marked_test;
}

/*
 * The caller must have called mmun_choose_tests(), because that function replaces tests
 * by copies.
 */
static inline void mmun_mark_tests(void)
{
	struct __fixture_metadata *f;
	struct __test_metadata *t;

	for (f = __fixture_list; f; f = f->next)
		for (t = f->tests; t; t = t->next)
			mmun_mark_test(t);
}

#endif /* _SELFTESTS_MMUN_MARK_H */
