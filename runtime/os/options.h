/*
 * Command lines: getopt_long with one-line errors that suggest what was meant,
 * with the same wording in all programs, also generated ones.
 *
 * Threading: the main thread; getopt has global state.
 */
#ifndef SHMRPCI_OS_OPTIONS_H
#define SHMRPCI_OS_OPTIONS_H

#include <getopt.h>

#include "base/buf.h"

enum { SHMRPCI_OPTIONS_END = -1, SHMRPCI_OPTIONS_BAD = '?' };

/* Returns the next option; END after the last one; or BAD, and then `message`
 * says what is wrong, in one line without a newline. `shorts` are getopt's,
 * without a leading colon. If they begin with `+`, the first operand ends the
 * options. At the end the operands start at `optind`. */
int shmrpci_options_next(int argc, char **argv, const char *shorts,
                         const struct option *longs, shmrpci_buf *message);

/* Appends "unknown option `--jsom`; did you mean `--json`?" for a word of the
 * command line. */
void shmrpci_options_unknown(const char *argument, const struct option *longs,
                             shmrpci_buf *message);

#endif
