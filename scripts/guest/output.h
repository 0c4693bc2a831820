/* SPDX-License-Identifier: GPL-2.0 */
/* Forward the output of a test program to the KTAP, as nested results. */
#ifndef MMUN_GUEST_OUTPUT_H
#define MMUN_GUEST_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

/**
 * struct output - the output of a program
 * @pipe: the end of the pipe from which PID 1 reads the output of the program
 * @times: whether to print the seconds that each test took
 * @last_result: the time at which PID 1 read the last result, in seconds
 * @results: the number of results
 * @failed: whether a test failed
 * @test: the name of the test that runs, or ""
 * @used: the number of bytes in @line
 * @line: the last line of the output, as far as PID 1 has read the line
 */
struct output {
	int pipe;
	bool times;
	double last_result;
	int results;
	bool failed;
	char test[512];
	size_t used;
	char line[4096];
};

/* Forward as much output of the program as can be read without waiting. */
void output_forward(struct output *out);
/*
 * Forward the rest of the output, and close the pipe.  Before the call of
 * output_end(), all processes that have the writing end of the pipe open must
 * have ended.
 */
void output_end(struct output *out);
/*
 * Print a result "not ok" with @directive for the test that runs now.  Print
 * nothing if no test runs.
 */
void output_fail_test(struct output *out, const char *directive);

#endif /* MMUN_GUEST_OUTPUT_H */
