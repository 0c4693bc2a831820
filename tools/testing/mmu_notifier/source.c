// SPDX-License-Identifier: GPL-2.0
/* Ask addr2line for the lines of the source code */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "source.h"

/* Read line @number of @file into @text, without blanks at its ends. */
static void read_line(const char *file, int number, char *text, size_t size)
{
	FILE *f = fopen(file, "r");
	char line[256];
	size_t skip;

	for (int i = 0; f && i < number && fgets(line, sizeof(line), f); i++)
		if (i == number - 1) {
			skip = strspn(line, " \t");
			line[strcspn(line, "\n")] = '\0';
			snprintf(text, size, "%s", line + skip);
		}
	if (f)
		fclose(f);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* addr2line prints the place, and then the places into which it is inlined. */
static void add_place(struct source *source, char *where)
{
	char *colon = strrchr(where, ':');
	const bool first = !source->place[0];
	const size_t used = strlen(source->place);
	int number;
	bool is_subject;

	if (!colon || source->is_subject)
		return;
	*colon = '\0';
	number = atoi(colon + 1);
	is_subject = !strcmp(base_name(where), "mmu_notifier.c");
	if (first)
		read_line(where, number, source->text, sizeof(source->text));
	if (first || is_subject)
		snprintf(source->place + used, sizeof(source->place) - used,
			 "%s%.36s:%d", first ? "" : " in ", base_name(where),
			 number);
	source->is_subject = is_subject;
}

void source_find(const void *pc, struct source *source)
{
	char command[128], where[512];
	FILE *f;

	*source = (struct source){};
	snprintf(command, sizeof(command),
		 "addr2line -i -e /proc/%d/exe %#lx 2>/dev/null", getpid(),
		 (unsigned long)pc - 1);
	f = popen(command, "r");
	while (f && fgets(where, sizeof(where), f))
		add_place(source, where);
	if (f)
		pclose(f);
}
