// SPDX-License-Identifier: GPL-2.0
/*
 * PID 1 of the test guest.  PID 1 mounts the file systems, loads the modules,
 * runs the test programs, and reports on the serial ports:
 *
 *   ttyS0  the console of the kernel, and nothing else
 *   ttyS1  KTAP
 *   ttyS2  the verdict: one line with "pass" or "fail" and the nonce of the run
 *   ttyS3  the coverage, if the kernel measures it
 *
 * ttyS0 and ttyS2 have the same interrupt, and a kernel without
 * CONFIG_SERIAL_8250_SHARE_IRQ cannot open two ports with the same interrupt.
 * To use ttyS2, PID 1 closes the console, and does not open the console again.
 * The kernel needs no interrupt to write to its console.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "gcov.h"
#include "kmsg.h"
#include "ktap.h"
#include "leaks.h"
#include "module.h"
#include "orders.h"
#include "run.h"
#include "stuck.h"

#define PROGRAM_LIST "/mmun/programs"
#define MAX_PROGRAMS 256
#define KHUGEPAGED "/sys/kernel/mm/transparent_hugepage/khugepaged"

static void close_console(void)
{
	for (int fd = 0; fd < 3; fd++)
		close(fd);
}

/*
 * Mount the file systems of the guest.  mount_all() ignores an error if the
 * kernel lacks a file system, because the tests that need this file system
 * skip.
 */
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

/*
 * Open /dev/null as the descriptors 0 to 2.  If the descriptors 0 to 2 were
 * free, the pipe of a test program could get the number 1 or 2, and PID 1 could
 * write a message to the pipe.
 */
static void open_null(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (open("/dev/null", O_RDWR) != fd)
			break;
}

/*
 * Set the sysctl panic_on_oops, so that an oops ends the guest.  Disable NUMA
 * balancing and khugepaged, so that only the tests change page tables.
 */
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
 * If @orders names a program, set @names to the name of this program, without
 * the arguments.  If @orders names no program, set @names to the names of all
 * programs in the list /mmun/programs.  Returns the number of programs, or -1
 * if the list cannot be read or is too long.
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

/*
 * Unload the modules and look for leaks.  If a task is blocked for good, keep
 * the modules loaded and do not look for leaks, because the blocked task can
 * still use a module and memory.
 */
static void unload_and_check(void)
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

/*
 * Load the modules, run all programs, unload the modules and look for leaks.
 * Returns false if PID 1 must end the run before all programs have run.
 */
static bool run_all(const struct mmun_orders *orders)
{
	char list[4096], *names[MAX_PROGRAMS];
	int count = read_programs(orders, list, sizeof(list), names);

	if (count < 0) {
		ktap_note("%s: cannot be read, or is too long", PROGRAM_LIST);
		return false;
	}
	if (!choose_modules(orders->modules)) {
		ktap_note("the order \"modules\" has no module or too many");
		return false;
	}
	ktap_plan(nr_module_results() + count + 1);
	leaks_before();
	if (!load_modules())
		return false;
	for (int i = 0; i < count; i++)
		if (!run_program(names[i], orders) ||
		    (orders->stop && !ktap_all_ok()))
			return false;
	unload_and_check();
	return true;
}

/*
 * Reset the machine, because a reset ends QEMU, which runs with -no-reboot.  A
 * power-off would need a kernel with ACPI.
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
		if (!problem && !run_all(&orders))
			problem = "the rest was not run";
		if (problem)
			ktap_bail(problem);
		verdict_write(orders.nonce ? orders.nonce : "-",
			      !problem && ktap_all_ok());
		gcov_send();
	}
	end_guest();
}
