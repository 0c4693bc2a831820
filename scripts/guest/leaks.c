// SPDX-License-Identifier: GPL-2.0
/* PID 1: look for memory that the modules have left behind. */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "kmsg.h"
#include "ktap.h"
#include "leaks.h"
#include "module.h"

#define KMEMLEAK "/sys/kernel/debug/kmemleak"

/*
 * If the kernel keeps at most SLACK_KIB of memory after the tests, this memory
 * is not a leak.  For example, when a test sets the first breakpoint, the
 * allocator of per-CPU memory grows by a chunk with 4.5 MiB of tables.
 */
#define SLACK_KIB (8 * 1024)

struct memory {
	long free_kib;
	char meminfo[8192];
};

static struct memory before;
static struct memory after;

/*
 * Returns the value of the field @name, in KiB.  @text is the content of
 * /proc/meminfo.
 */
static long meminfo_field(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? atol(at + strlen(name)) : 0;
}

/*
 * Returns the number of free pages on the per-CPU lists.  MemFree in
 * /proc/meminfo does not count the pages on the per-CPU lists.
 */
static long free_pages_of_cpus(void)
{
	static char text[32768];
	long pages = 0;

	read_file("/proc/zoneinfo", text, sizeof(text));
	for (char *p = text; (p = strstr(p, " count:")); p++)
		pages += atol(p + strlen(" count:"));
	return pages;
}

static void measure_memory(struct memory *m)
{
	sync();
	write_file("/proc/sys/vm/drop_caches", "3");
	read_file("/proc/meminfo", m->meminfo, sizeof(m->meminfo));
	m->free_kib = meminfo_field(m->meminfo, "MemFree:") +
		      free_pages_of_cpus() * (getpagesize() / 1024);
}

/*
 * Print the amounts of free memory and of each kind of used memory, both now
 * and before the load of the modules.
 */
static void show_memory(void)
{
	static const char *const names[] = {
		"MemFree:",    "Buffers:",	"Cached:",     "AnonPages:",
		"Shmem:",      "SReclaimable:", "SUnreclaim:", "KernelStack:",
		"PageTables:", "VmallocUsed:",	"Percpu:",
	};

	ktap_note("free: %ld KiB, was %ld KiB", after.free_kib,
		  before.free_kib);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		ktap_note("%s %ld KiB, was %ld KiB", names[i],
			  meminfo_field(after.meminfo, names[i]),
			  meminfo_field(before.meminfo, names[i]));
}

void leaks_before(void)
{
	if (file_exists(KMEMLEAK))
		write_file(KMEMLEAK, "clear");
	measure_memory(&before);
}

/*
 * Shrink the slabs.  Until the slabs are shrunk, KASAN keeps freed objects, up
 * to 1/32 of all memory.
 */
static void shrink_slabs(void)
{
	glob_t found;

	if (glob("/sys/kernel/slab/*/shrink", 0, NULL, &found))
		return;
	for (size_t i = 0; i < found.gl_pathc; i++)
		write_file(found.gl_pathv[i], "1");
	globfree(&found);
}

/*
 * Returns whether the memory that was free before the modules were loaded is
 * free again.  memory_is_back() waits a few seconds, because RCU or a worker of
 * the kernel may still free memory.
 */
static bool memory_is_back(void)
{
	for (int i = 0; i < 5; i++) {
		measure_memory(&after);
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

/*
 * kmemleak reports an object if two scans, some seconds apart, find no pointer
 * to the object.
 */
static bool kmemleak_is_silent(void)
{
	char text[64];

	if (!file_exists(KMEMLEAK))
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

	/*
	 * If the kernel has kmemleak, do not compare the free memory, because
	 * kmemleak allocates megabytes for its own records.
	 */
	ok &= file_exists(KMEMLEAK) || memory_is_back();
	ok &= kernel_is_untainted();
	ok &= kmemleak_is_silent();
	return ok;
}
