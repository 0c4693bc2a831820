// SPDX-License-Identifier: GPL-2.0
/* PID 1: write KTAP and the verdict of the run to the serial ports. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "file.h"
#include "ktap.h"

static FILE *ktap;
static int results;
static int failures;

int open_port(const char *path)
{
	struct termios raw;
	int fd = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);

	if (fd < 0 || tcgetattr(fd, &raw))
		return fd;
	cfmakeraw(&raw);
	cfsetspeed(&raw, B115200);
	raw.c_cflag |= CLOCAL;
	tcsetattr(fd, TCSANOW, &raw);
	return fd;
}

bool ktap_open(void)
{
	int fd = open_port("/dev/ttyS1");

	ktap = fd < 0 ? NULL : fdopen(fd, "w");
	if (!ktap)
		return false;
	setvbuf(ktap, NULL, _IOLBF, 4096);
	fprintf(ktap, "KTAP version 1\n");
	return true;
}

void ktap_plan(int tests)
{
	fprintf(ktap, "1..%d\n", tests);
}

void ktap_plain_result(bool ok, const char *name, const char *directive)
{
	failures += !ok;
	fprintf(ktap, "%s %d - %s%s%s\n", ok ? "ok" : "not ok", ++results, name,
		directive ? " # " : "", directive ? directive : "");
}

void ktap_result(bool ok, const char *name, const char *directive)
{
	char full[300];

	snprintf(full, sizeof(full), "mmun: %s", name);
	ktap_plain_result(ok, full, directive);
}

void ktap_line(const char *indent, const char *line)
{
	fprintf(ktap, "%s%s\n", indent, line);
}

void ktap_note(const char *fmt, ...)
{
	va_list args;

	fputs("# ", ktap);
	va_start(args, fmt);
	vfprintf(ktap, fmt, args);
	va_end(args);
	fputc('\n', ktap);
}

void ktap_note_file(const char *title, const char *path)
{
	static char text[16384];
	char *save;

	if (read_file(path, text, sizeof(text)) <= 0)
		return;
	for (char *p = strtok_r(text, "\n", &save); p;
	     p = strtok_r(NULL, "\n", &save))
		ktap_note("%s%s", title, p);
}

void ktap_bail(const char *why)
{
	failures++;
	fprintf(ktap, "Bail out! %s\n", why);
}

bool ktap_all_ok(void)
{
	return !failures;
}

bool verdict_write(const char *nonce, bool pass)
{
	int fd = open_port("/dev/ttyS2");

	if (fd < 0)
		ktap_note("no port for the verdict: %s", strerror(errno));
	tcdrain(fileno(ktap));
	if (fd < 0)
		return false;
	dprintf(fd, "verdict: %s %s\n", pass ? "pass" : "fail", nonce);
	tcdrain(fd);
	return true;
}
