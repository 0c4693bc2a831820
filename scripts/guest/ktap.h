/* SPDX-License-Identifier: GPL-2.0 */
/* The serial ports that PID 1 writes to: KTAP and the verdict. */
#ifndef MMUN_GUEST_KTAP_H
#define MMUN_GUEST_KTAP_H

#include <stdbool.h>

/*
 * Open the serial port @path for writing, so that the terminal layer does not
 * change the bytes.  Returns a descriptor, or -1.
 */
int open_port(const char *path);

/*
 * Open the serial port for KTAP.  Returns false if there is no port for KTAP.
 */
bool ktap_open(void);
void ktap_plan(int tests);
/*
 * Print the result "mmun: NAME", and, if @directive is not NULL, "#" and
 * @directive.  A result that is not ok fails the run.
 */
void ktap_result(bool ok, const char *name, const char *directive);
/* Print the result "NAME". */
void ktap_plain_result(bool ok, const char *name, const char *directive);
void ktap_line(const char *indent, const char *line);
/* Print a line that begins with "# ". */
void ktap_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Print a note for each line of the file @path, with @title before the line. */
void ktap_note_file(const char *title, const char *path);
/* Print "Bail out!" and the reason @why.  ktap_bail() fails the run. */
void ktap_bail(const char *why);
/* Returns true if no result has failed. */
bool ktap_all_ok(void);
/*
 * Write the verdict to its serial port.  Returns false if there is no port for
 * the verdict.
 */
bool verdict_write(const char *nonce, bool pass);

#endif /* MMUN_GUEST_KTAP_H */
