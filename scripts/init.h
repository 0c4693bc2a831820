/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of PID 1 share. See init.c. */
#ifndef MMUN_INIT_H
#define MMUN_INIT_H

#include <stdbool.h>
#include <stddef.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* The orders of the host; the texts are of any length. */
struct mmun_orders {
	char *module;
	char *nonce;
	char *tests;
	char *seed;
	char *program;	/* this one, with its arguments, and no other */
	char *env;	/* NAME=VALUE ... for what is run */
	char *timeout_text, *slow_text, *stop_text, *times_text;
	int timeout;	/* seconds that a program may take */
	int slow;
	int stop;	/* at the first program that fails */
	int times;	/* print the seconds of each test */
};

/* init.c */
bool write_file(const char *path, const char *text);
ssize_t read_file(const char *path, char *buf, size_t size);
bool exists(const char *path);

/* init-orders.c: NULL, or what is wrong with them */
const char *read_orders(struct mmun_orders *orders);

/* init-module.c: a result of the KTAP each */
bool load_module(const char *name);
bool unload_module(const char *name);

/* init-ktap.c: a serial port that passes bytes on as they are, or -1 */
int open_port(const char *path);

/* init-ktap.c: one line of KTAP each, and the count of what failed */
bool ktap_open(void);
void ktap_plan(int tests);
void ktap_result(bool ok, const char *name, const char *directive);
void ktap_line(const char *indent, const char *line);
void ktap_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void ktap_note_file(const char *title, const char *path);
void ktap_bail(const char *why);
bool ktap_all_ok(void);
bool verdict_write(const char *nonce, bool pass);

/* init-tasks.c: what the tasks of the program are doing */
void show_tasks(void);

/* init-exec.c: does not return; the output goes to @out */
void exec_program(const char *name, const struct mmun_orders *orders, int out)
	__attribute__((noreturn));

/* init-run.c: run one program, bounded, its output nested in the KTAP */
bool run_program(const char *name, const struct mmun_orders *orders);

/* init-gcov.c: send what the kernel counted, if it did */
void gcov_send(void);

/* init-leaks.c: the state before the module was loaded, and after */
void leaks_before(void);
bool leaks_after(const char *module);

#endif
