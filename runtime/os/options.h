/*
 * Command lines: getopt_long with one-line errors that suggest what was meant.
 *
 * For programs with a table of commands.  Threading: main thread; getopt has
 * state of its own.
 */
#ifndef SHMRPCI_OS_OPTIONS_H
#define SHMRPCI_OS_OPTIONS_H

#include <getopt.h>

#include "base/buf.h"

enum { SHMRPCI_OPTIONS_END = -1, SHMRPCI_OPTIONS_BAD = '?' };

/* The next option, END, or BAD: then `message` says what is wrong, in one line
 * without a newline.  `shorts` are getopt's, without a colon in front; behind
 * a `+` the first operand ends the options.  Operands start at `optind` when it
 * ends. */
int shmrpci_options_next(int argc, char **argv, const char *shorts,
                         const struct option *longs, shmrpci_buf *message);

#endif
