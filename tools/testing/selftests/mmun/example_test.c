// SPDX-License-Identifier: GPL-2.0
/* Runs example.c, the example in README.md. */
#define main example_main
#include "example.c"
#undef main

#include "lib/mmun.h"

#define LINE "example_test unmapped [%llx, %llx), event %u, sequence %llu\n"

TEST(example_prints_the_unmapped_page)
{
	unsigned long long start, end, sequence;
	unsigned int event;
	char *text = NULL;
	size_t size;
	int fields;

	stdout = open_memstream(&text, &size);
	ASSERT_NE(NULL, stdout);
	ASSERT_EQ(0, example_main());
	fclose(stdout);
	fields = sscanf(text, LINE, &start, &end, &event, &sequence);
	ASSERT_EQ(4, fields);
	EXPECT_EQ(4096, end - start);
	EXPECT_EQ(MMUN_EVENT_UNMAP, event);
	EXPECT_EQ(1, sequence & 1);
}

MMUN_HARNESS_MAIN
