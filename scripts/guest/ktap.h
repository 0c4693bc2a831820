/* SPDX-License-Identifier: GPL-2.0 */
/* Write KTAP and the verdict of the run to the serial ports of the guest. */
#ifndef MMUN_GUEST_KTAP_H
#define MMUN_GUEST_KTAP_H

#include <stdbool.h>

/*
 * Open the serial port @path for writing, in raw mode, so that the terminal
 * layer does not change the bytes.  Returns a descriptor of the port, or -1.
 */
int open_port(const char *path);

/*
 * Open the serial port for KTAP.  Returns false if the port for KTAP cannot be
 * opened.
 */
bool ktap_open(void);
void ktap_plan(int tests);
/*
 * Print the result "mmun: NAME", followed by "# " and @directive if @directive
 * is not NULL.  A result "not ok" makes the run fail.
 */
void ktap_result(bool ok, const char *name, const char *directive);
/* Print the result "NAME", instead of "mmun: NAME" as ktap_result() does. */
void ktap_plain_result(bool ok, const char *name, const char *directive);
void ktap_line(const char *indent, const char *line);
/* Print "# " and the text that @fmt formats, as one line of the KTAP. */
void ktap_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Print each line of the file @path, with "# " and @title before the line. */
void ktap_note_file(const char *title, const char *path);
/* Print "Bail out!" and the reason @why.  ktap_bail() makes the run fail. */
void ktap_bail(const char *why);
/* Returns false if a result was "not ok", or if ktap_bail() was called. */
bool ktap_all_ok(void);
/*
 * Write the verdict of the run, with @nonce, to the serial port for the
 * verdict.  Returns false if the port for the verdict cannot be opened.
 */
bool verdict_write(const char *nonce, bool pass);

#endif /* MMUN_GUEST_KTAP_H */
