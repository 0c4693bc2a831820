/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of PID 1 share. See init.c. */
#ifndef MMUN_INIT_H
#define MMUN_INIT_H

#include <stdbool.h>
#include <stddef.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* The orders of the host, read from the kernel command line. */
struct mmun_orders {
	char module[64];
	char nonce[64];
	char tests[256];
	char seed[32];
	char program[512];	/* this one, with its arguments, and no other */
	char env[512];		/* NAME=VALUE ... for what is run */
	int timeout;
	bool slow;
	bool stop;	/* at the first program that fails */
};

/* init.c */
bool write_file(const char *path, const char *text);
ssize_t read_file(const char *path, char *buf, size_t size);
bool exists(const char *path);

/* init-orders.c */
void read_orders(struct mmun_orders *orders);

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

/* init-tasks.c: the processes other than this one */
int count_processes(void);
void show_processes(void);

/* init-run.c: run one program, bounded, its output nested in the KTAP */
bool run_program(const char *name, const struct mmun_orders *orders);

/* init-gcov.c: send what the kernel counted, if it did */
void gcov_send(void);

/* init-leaks.c: the state before the module was loaded, and after */
void leaks_before(void);
bool leaks_after(const char *module);

#endif
