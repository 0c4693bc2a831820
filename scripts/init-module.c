// SPDX-License-Identifier: GPL-2.0
/* PID 1: load the module and unload it, and explain what does not work. */
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

#include "init.h"

#define KERNEL_LINES 20

/* From here on, what the kernel logs is read from this descriptor. */
static int open_log(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
	return fd;
}

/* A record is "level,number,time,flags;text", and lines that start with a blank. */
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

/* The string that modinfo shows; a module may have none. */
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

static void explain(const char *path, int errnum, int module, int log)
{
	struct utsname name;

	ktap_note("loading %s: %s", path, strerror(errnum));
	if (module >= 0)
		note_vermagic(module);
	if (uname(&name) == 0)
		ktap_note("the kernel is: %s", name.release);
	note_log(log);
}

bool load_module(const char *name)
{
	int module, log = open_log();
	char path[300];
	bool ok;

	snprintf(path, sizeof(path), "/lib/%s.ko", name);
	module = open(path, O_RDONLY | O_CLOEXEC);
	ok = module >= 0 && syscall(SYS_finit_module, module, "", 0) == 0;
	if (!ok)
		explain(path, errno, module, log);
	close(module);
	close(log);
	ktap_result(ok, "load", NULL);
	return ok;
}

bool unload_module(const char *name)
{
	bool ok = syscall(SYS_delete_module, name, O_NONBLOCK) == 0;

	if (!ok)
		ktap_note("unloading the module: %s", strerror(errno));
	ktap_result(ok, "unload", NULL);
	return ok;
}
