// SPDX-License-Identifier: GPL-2.0
/* PID 1: nothing of the modules is left behind when they are gone. */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "init.h"

#define KMEMLEAK "/sys/kernel/debug/kmemleak"

/*
 * What the kernel itself may keep: the first breakpoint makes the allocator of
 * per-processor memory grow by a chunk, which has 4.5 MiB of tables.
 */
#define SLACK_KIB (8 * 1024)

struct memory {
	long free_kib;
	char meminfo[8192];
};

static struct memory before;
static struct memory after;

/* KiB of a field of /proc/meminfo. */
static long field(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? atol(at + strlen(name)) : 0;
}

/* Pages that are free for one processor only; MemFree leaves them out. */
static long free_pages_of_processors(void)
{
	static char text[32768];
	long pages = 0;

	read_file("/proc/zoneinfo", text, sizeof(text));
	for (char *p = text; (p = strstr(p, " count:")); p++)
		pages += atol(p + strlen(" count:"));
	return pages;
}

static void measure(struct memory *m)
{
	sync();
	write_file("/proc/sys/vm/drop_caches", "3");
	read_file("/proc/meminfo", m->meminfo, sizeof(m->meminfo));
	m->free_kib = field(m->meminfo, "MemFree:") +
		      free_pages_of_processors() * (getpagesize() / 1024);
}

/* Where did it go? */
static void show_memory(void)
{
	static const char *const names[] = {
		"MemFree:", "Buffers:", "Cached:", "AnonPages:", "Shmem:",
		"SReclaimable:", "SUnreclaim:", "KernelStack:", "PageTables:",
		"VmallocUsed:", "Percpu:",
	};

	ktap_note("free: %ld KiB, was %ld KiB", after.free_kib, before.free_kib);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		ktap_note("%s %ld KiB, was %ld KiB", names[i],
			  field(after.meminfo, names[i]),
			  field(before.meminfo, names[i]));
}

void leaks_before(void)
{
	if (exists(KMEMLEAK))
		write_file(KMEMLEAK, "clear");
	measure(&before);
}

/* KASAN keeps what was freed, up to a thirty-second of all memory, until then. */
static void shrink_slabs(void)
{
	glob_t found;

	if (glob("/sys/kernel/slab/*/shrink", 0, NULL, &found))
		return;
	for (size_t i = 0; i < found.gl_pathc; i++)
		write_file(found.gl_pathv[i], "1");
	globfree(&found);
}

/* Frees that wait for RCU or for a worker get a few seconds. */
static bool memory_is_back(void)
{
	for (int i = 0; i < 5; i++) {
		measure(&after);
		if (before.free_kib - after.free_kib <= SLACK_KIB)
			return true;
		shrink_slabs();
		sleep(1);
	}
	show_memory();
	return false;
}

static bool kernel_is_untainted(void)
{
	const unsigned long taint = kernel_taint();

	if (!taint)
		return true;
	ktap_note("the kernel is tainted: %#lx", taint);
	return false;
}

/* An object is reported when two scans a few seconds apart do not find it. */
static bool kmemleak_is_silent(void)
{
	char text[64];

	if (!exists(KMEMLEAK))
		return true;
	write_file(KMEMLEAK, "scan");
	sleep(6);
	write_file(KMEMLEAK, "scan");
	if (read_file(KMEMLEAK, text, sizeof(text)) <= 0)
		return true;
	ktap_note_file("kmemleak: ", KMEMLEAK);
	return false;
}

bool leaks_after(void)
{
	bool ok = modules_are_gone();

	/* Kmemleak's and KASAN's own records come and go by megabytes. */
	ok &= exists(KMEMLEAK) || memory_is_back();
	ok &= kernel_is_untainted();
	ok &= kmemleak_is_silent();
	return ok;
}
