// SPDX-License-Identifier: GPL-2.0
/* PID 1: load the modules, unload the modules, and explain each failure. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "file.h"
#include "kmsg.h"
#include "ktap.h"
#include "module.h"

#define KERNEL_LINES 20
#define MAX_MODULES 8

static const char *modules[MAX_MODULES];
static int nr_modules;

/*
 * Open the log of the kernel at its end.  Only messages that the kernel prints
 * after the call of open_log() can be read from the returned descriptor.
 */
static int open_log(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
	return fd;
}

/*
 * Print up to KERNEL_LINES messages of the kernel from @log, a descriptor of
 * the log of the kernel.  A record of /dev/kmsg is the line
 * "level,number,time,flags;text", followed by lines that start with a blank.
 */
static void note_log(int log)
{
	char record[8192], *message;
	ssize_t size;

	for (int lines = 0; lines < KERNEL_LINES; lines++) {
		size = read(log, record, sizeof(record) - 1);
		if (size <= 0)
			break;
		record[size] = '\0';
		message = strchr(record, ';');
		if (message)
			ktap_note("kernel: %.*s",
				  (int)strcspn(message + 1, "\n"), message + 1);
	}
}

/*
 * Print the version magic of the module, as modinfo does, or print that the
 * module has no version magic.
 */
static void note_vermagic(int module)
{
	static const char key[] = "vermagic=";
	char *image, *at = NULL;
	struct stat st;

	if (fstat(module, &st))
		return;
	image = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, module, 0);
	if (image == MAP_FAILED)
		return;
	at = memmem(image, st.st_size, key, strlen(key));
	if (at)
		ktap_note("the module is for: %.*s",
			  (int)(image + st.st_size - at - strlen(key)),
			  at + strlen(key));
	else
		ktap_note("the module has no vermagic");
	munmap(image, st.st_size);
}

static void explain_failure(const char *path, int errnum, int module, int log)
{
	struct utsname name;

	ktap_note("loading %s: %s", path, strerror(errnum));
	if (module >= 0)
		note_vermagic(module);
	if (uname(&name) == 0)
		ktap_note("the kernel is: %s", name.release);
	note_log(log);
}

/*
 * Print a result of the module with index @i.  The name of the result is "mmun:
 * WHAT" for the driver, and "MODULE: WHAT" for another module.  WHAT is "load"
 * or "unload".
 */
static void module_result(int i, bool ok, const char *what,
			  const char *directive)
{
	char name[300];

	snprintf(name, sizeof(name), "%s: %s", i ? modules[i] : "mmun", what);
	ktap_plain_result(ok, name, directive);
}

/*
 * Write a mark, the line "mmun: starts NAME", to the log of the kernel.
 * judge.sh attributes the messages of the kernel after a mark to the result
 * NAME.
 */
static void mark_start(int i, const char *what)
{
	char name[300];

	snprintf(name, sizeof(name), "%s%s%s", i ? modules[i] : "",
		 i ? ": " : "", what);
	kmsg_mark("starts", name);
}

static bool load_module(int i)
{
	int module, log;
	char path[300];
	bool ok;

	mark_start(i, "load");
	log = open_log();
	snprintf(path, sizeof(path), "/lib/%s.ko", modules[i]);
	module = open(path, O_RDONLY | O_CLOEXEC);
	ok = module >= 0 && syscall(SYS_finit_module, module, "", 0) == 0;
	if (!ok)
		explain_failure(path, errno, module, log);
	close(module);
	close(log);
	module_result(i, ok, "load", NULL);
	return ok;
}

static void unload_module(int i)
{
	bool ok;

	mark_start(i, "unload");
	ok = syscall(SYS_delete_module, modules[i], O_NONBLOCK) == 0;
	if (!ok)
		ktap_note("unloading %s: %s", modules[i], strerror(errno));
	module_result(i, ok, "unload", NULL);
}

bool choose_modules(char *names)
{
	for (char *p = strtok(names, " "); p; p = strtok(NULL, " ")) {
		if (nr_modules == MAX_MODULES)
			return false;
		modules[nr_modules++] = p;
	}
	return nr_modules;
}

int nr_module_results(void)
{
	return 2 * nr_modules;
}

bool load_modules(void)
{
	for (int i = 0; i < nr_modules; i++)
		if (!load_module(i))
			return false;
	return true;
}

void unload_modules(void)
{
	for (int i = nr_modules - 1; i >= 0; i--)
		unload_module(i);
}

void skip_unloading(const char *why)
{
	for (int i = nr_modules - 1; i >= 0; i--)
		module_result(i, true, "unload", why);
}

bool modules_are_gone(void)
{
	bool gone = true;
	char path[300];

	for (int i = 0; i < nr_modules; i++) {
		snprintf(path, sizeof(path), "/sys/module/%s", modules[i]);
		if (!file_exists(path))
			continue;
		ktap_note("%s is still loaded", modules[i]);
		gone = false;
	}
	return gone;
}
