/*
 * Tidy: the last pass over generated C, so that templates need not count
 * columns or blank lines.
 *
 * It does what can be done line by line: takes away blanks at line ends and
 * superfluous empty lines, breaks comments at words, and long lines of code
 * behind a comma or an assignment.  It is not a formatter: lines that fit are
 * never joined, and directives, and lines without a place to break, stay long.
 * Threading: pure function.
 */
#ifndef SHMRPC_GENERATOR_TIDY_H
#define SHMRPC_GENERATOR_TIDY_H

#include <stddef.h>

#include "base/buf.h"

#define GEN_TIDY_COLUMNS 80

/* Appends the tidied text; failures stay in `out`. */
void gen_tidy(const char *text, size_t len, shmrpci_buf *out);

#endif
