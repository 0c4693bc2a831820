/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of PID 1 share. See init.c. */
#ifndef MMUN_INIT_H
#define MMUN_INIT_H

#include <stdbool.h>
#include <stddef.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* The orders of the host; the texts are of any length. */
struct mmun_orders {
	char *modules;	/* their names, with blanks between them; the driver first */
	char *nonce;
	char *tests;
	char *seed;
	char *program;	/* this one, with its arguments, and no other */
	char *env;	/* NAME=VALUE ... for what is run */
	char *timeout_text, *slow_text, *stop_text, *times_text;
	int timeout;	/* seconds that a program may take */
	int slow;
	int stop;	/* at the first test that fails */
	int times;	/* print the seconds of each test */
};

/* init.c */
bool write_file(const char *path, const char *text);
ssize_t read_file(const char *path, char *buf, size_t size);
bool exists(const char *path);

/* init-orders.c: NULL, or what is wrong with them */
const char *read_orders(struct mmun_orders *orders);

/* init-module.c: each module is a result of the KTAP when it is loaded, and another
 * one when it is unloaded.
 */
bool choose_modules(char *names);
int module_results(void);
bool load_modules(void);
void unload_modules(void);
void skip_unloading(const char *why);
bool modules_are_gone(void);

/* init-ktap.c: a serial port that passes bytes on as they are, or -1 */
int open_port(const char *path);

/* init-ktap.c: one line of KTAP each, and the count of what failed */
bool ktap_open(void);
void ktap_plan(int tests);
void ktap_result(bool ok, const char *name, const char *directive);
/* The same for a name that does not begin with "mmun: " */
void ktap_plain_result(bool ok, const char *name, const char *directive);
void ktap_line(const char *indent, const char *line);
void ktap_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void ktap_note_file(const char *title, const char *path);
void ktap_bail(const char *why);
bool ktap_all_ok(void);
bool verdict_write(const char *nonce, bool pass);

/* init-kmsg.c: "mmun: VERB NAME" for the kernel log. See mark.h of the selftest. */
void kmsg_mark(const char *verb, const char *name);
/* The bits of the taint that loading a module of ours does not set */
unsigned long kernel_taint(void);

/* init-tasks.c: call @visit for each task but PID 1, kernel threads and zombies */
void visit_tasks(void (*visit)(int pid, int tid, char state));
/* Is a task there that stuck_report() has not shown? */
bool any_task(void);
void show_task(int pid, int tid, char state);
void show_tasks(void);

/* init-stuck.c: has a task been blocked for so long that it will stay so? To be called
 * often.
 */
bool stuck_tasks(void);
/* Show these tasks, each task once. */
void stuck_report(void);
bool stuck_is_reported(int tid);
bool stuck_any_reported(void);

/* init-output.c: the output of a test program, nested in the KTAP */
struct output {
	int pipe;
	bool times;		/* print the seconds of each test */
	double last_result;	/* when it came */
	int results;
	bool failed;		/* a test */
	char test[512];		/* that runs, or "" */
	size_t used;		/* of line */
	char line[4096];
};

double now_secs(void);
/* Take what is there to be read. */
void output_forward(struct output *out);
/* Take all of it: nothing writes any more. */
void output_end(struct output *out);
/* The test that runs has failed, and will not print that. */
void output_fail_test(struct output *out, const char *directive);

/* init-exec.c: does not return; the output goes to @out */
void exec_program(const char *name, const struct mmun_orders *orders, int out)
	__attribute__((noreturn));

/* init-run.c: run one program, bounded, its output nested in the KTAP */
bool run_program(const char *name, const struct mmun_orders *orders);

/* init-gcov.c: send what the kernel counted, if it did */
void gcov_send(void);

/* init-leaks.c: the state before the modules were loaded, and after */
void leaks_before(void);
bool leaks_after(void);

#endif
