// SPDX-License-Identifier: GPL-2.0
/* PID 1: forward the output of a test program, line by line. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "kmsg.h"
#include "ktap.h"
#include "output.h"

static const char run_line[] = "#  RUN  ";

/* Begin the test NAME.  The line is "#  RUN           NAME ...". */
static void begin_test(struct output *out)
{
	const char *name = out->line + strlen(run_line);

	name += strspn(name, " ");
	snprintf(out->test, sizeof(out->test), "%.*s", (int)strcspn(name, " "),
		 name);
}

/*
 * Print the name of the test in the line of the result, and the seconds since
 * the previous result.
 */
static void note_time(struct output *out)
{
	const double now = now_secs();
	const char *name = out->line + strcspn(out->line, "0123456789");
	char text[512];

	name += strspn(name, "0123456789 ");
	snprintf(text, sizeof(text), "# time: %.*s %.3f",
		 (int)strcspn(name, " #"), name, now - out->last_result);
	ktap_line("  ", text);
	out->last_result = now;
}

/*
 * end_test() does not take the name of the test from the line of the result,
 * because older versions of kselftest_harness.h print no name in the result of
 * a skipped test.
 */
static void end_test(struct output *out, bool ok)
{
	out->results++;
	out->failed |= !ok;
	if (out->test[0])
		kmsg_mark("ends", out->test);
	out->test[0] = '\0';
	if (out->times)
		note_time(out);
}

static void end_line(struct output *out)
{
	out->line[out->used] = '\0';
	out->used = 0;
	ktap_line("  ", out->line);
	if (!strncmp(out->line, run_line, strlen(run_line)))
		begin_test(out);
	else if (!strncmp(out->line, "ok ", 3))
		end_test(out, true);
	else if (!strncmp(out->line, "not ok ", 7))
		end_test(out, false);
}

void output_forward(struct output *out)
{
	char buf[4096];
	ssize_t n;

	while ((n = read(out->pipe, buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			if (buf[i] == '\n')
				end_line(out);
			else if (out->used < sizeof(out->line) - 1)
				out->line[out->used++] = buf[i];
		}
	}
}

void output_end(struct output *out)
{
	output_forward(out);
	if (out->used)
		end_line(out);
	close(out->pipe);
}

void output_fail_test(struct output *out, const char *directive)
{
	output_forward(out);
	if (out->used)
		end_line(out);
	if (!out->test[0])
		return;
	snprintf(out->line, sizeof(out->line), "not ok %d %s # %s",
		 out->results + 1, out->test, directive);
	ktap_line("  ", out->line);
	end_test(out, false);
}
