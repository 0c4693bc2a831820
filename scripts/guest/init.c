// SPDX-License-Identifier: GPL-2.0
/*
 * PID 1 of the test guest: mounts, loads the modules, runs the test programs
 * and reports on three serial ports.
 *
 *   ttyS0  the kernel's console, and nothing else
 *   ttyS1  KTAP
 *   ttyS2  the verdict: one line, with the nonce that the host made up
 *   ttyS3  from a kernel that counts: its coverage
 *
 * ttyS0 and ttyS2 share an interrupt line, which a small kernel cannot share:
 * the console is closed before ttyS2 is opened, and never opened again. The
 * kernel writes to its console without the interrupt.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init.h"

#define PROGRAM_LIST "/mmun/programs"
#define MAX_PROGRAMS 64
#define KHUGEPAGED "/sys/kernel/mm/transparent_hugepage/khugepaged"

bool write_file(const char *path, const char *text)
{
	const size_t length = strlen(text);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok;

	if (fd < 0)
		return false;
	ok = write(fd, text, length) == (ssize_t)length;
	close(fd);
	return ok;
}

ssize_t read_file(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t done = 0, n;

	buf[0] = '\0';
	if (fd < 0)
		return -1;
	while ((n = read(fd, buf + done, size - 1 - done)) > 0)
		done += n;
	close(fd);
	buf[done] = '\0';
	return done;
}

bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

static void close_console(void)
{
	for (int fd = 0; fd < 3; fd++)
		close(fd);
}

/* What a kernel does not have, it does not mount: the tests skip. */
static void mount_all(void)
{
	static const struct {
		const char *type, *dir;
	} table[] = {
		{ "proc", "/proc" },
		{ "sysfs", "/sys" },
		{ "devtmpfs", "/dev" },
		{ "tmpfs", "/dev/shm" },
		{ "tmpfs", "/tmp" },
		{ "cgroup2", "/sys/fs/cgroup" },
		{ "debugfs", "/sys/kernel/debug" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		mkdir(table[i].dir, 0755);
		mount(table[i].type, table[i].dir, table[i].type, 0, NULL);
	}
	chmod("/tmp", 01777);
	chmod("/dev/shm", 01777);
}

/* Descriptors 0 to 2 must be taken, or a log could end up in a test's pipe. */
static void open_null(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (open("/dev/null", O_RDWR) != fd)
			break;
}

/* No oops goes unseen, and nothing but the tests changes page tables. */
static void set_sysctls(void)
{
	static const char *const table[][2] = {
		{ "/proc/sys/kernel/panic_on_oops", "1" },
		{ "/proc/sys/kernel/panic", "-1" },
		{ "/proc/sys/kernel/hung_task_timeout_secs", "60" },
		{ "/proc/sys/kernel/core_pattern", "core" },
		{ "/proc/sys/kernel/numa_balancing", "0" },
		{ "/proc/sys/kernel/sysrq", "1" },
		{ "/proc/sys/kernel/printk_devkmsg", "on" },
		{ KHUGEPAGED "/scan_sleep_millisecs", "86400000" },
	};
	const struct rlimit no_core = { 0, 0 };

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		write_file(table[i][0], table[i][1]);
	setrlimit(RLIMIT_CORE, &no_core);
}

/*
 * The one that is asked for, by its name alone, or all of the list. Returns how
 * many there are, or -1: the list does not fit.
 */
static int read_programs(const struct mmun_orders *orders, char *buf,
			 size_t size, char **names)
{
	ssize_t length;
	int count = 0;

	if (orders->program[0])
		length = snprintf(buf, size, "%.*s",
				  (int)strcspn(orders->program, " "),
				  orders->program);
	else
		length = read_file(PROGRAM_LIST, buf, size);
	if (length < 0 || length >= (ssize_t)size - 1)
		return -1;
	for (char *p = strtok(buf, "\n"); p; p = strtok(NULL, "\n")) {
		if (count == MAX_PROGRAMS)
			return -1;
		names[count++] = p;
	}
	return count;
}

/* Tasks that are blocked for good keep a module, and memory. */
static void check_end(void)
{
	static const char stuck[] = "SKIP a task is blocked for good";

	if (stuck_any_reported()) {
		skip_unloading(stuck);
		ktap_result(true, "leaks", stuck);
		return;
	}
	unload_modules();
	kmsg_mark("starts", "leaks");
	ktap_result(leaks_after(), "leaks", NULL);
}

/* Load, run the programs, unload, look for leaks. False if the run ends early. */
static bool run_suite(const struct mmun_orders *orders)
{
	char list[4096], *names[MAX_PROGRAMS];
	int count = read_programs(orders, list, sizeof(list), names);

	if (count < 0) {
		ktap_note("%s: not there, or too long", PROGRAM_LIST);
		return false;
	}
	if (!choose_modules(orders->modules)) {
		ktap_note("the order modules: none, or too many");
		return false;
	}
	ktap_plan(module_results() + count + 1);
	leaks_before();
	if (!load_modules())
		return false;
	for (int i = 0; i < count; i++)
		if (!run_program(names[i], orders) ||
		    (orders->stop && !ktap_all_ok()))
			return false;
	check_end();
	return true;
}

/*
 * QEMU runs with -no-reboot: a reset ends it, with or without ACPI, where
 * a power-off needs ACPI.
 */
static void end_guest(void)
{
	sync();
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}

int main(void)
{
	struct mmun_orders orders;
	const char *problem;

	close_console();
	mount_all();
	open_null();
	set_sysctls();
	problem = read_orders(&orders);
	if (ktap_open()) {
		if (!problem && !run_suite(&orders))
			problem = "the rest was not run";
		if (problem)
			ktap_bail(problem);
		verdict_write(orders.nonce ? orders.nonce : "-",
			      !problem && ktap_all_ok());
		gcov_send();
	}
	end_guest();
}
