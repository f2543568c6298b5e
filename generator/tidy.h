/*
 * Tidy: the last pass over generated C, so that templates need not count
 * columns or blank lines.
 *
 * It works line by line: it removes blanks at line ends and superfluous empty
 * lines, breaks comments between words, and long lines of code after a comma or
 * an assignment. It is not a formatter: lines that fit are never joined, and
 * directives, and lines without a place to break, stay long. Threading: pure
 * function over its state.
 */
#ifndef SHMRPC_GENERATOR_TIDY_H
#define SHMRPC_GENERATOR_TIDY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define GEN_TIDY_COLUMNS 80

/* State kept between pieces of a text; all zeros at its beginning. Each
 * language uses the members that it needs. */
typedef struct gen_tidying {
    bool has_begun;   /* a line has been printed */
    bool gap;         /* empty lines have been left out since the last printed
                       * line */
    bool opens;       /* the last line opens a block */
    bool after_title; /* the last line is a title */
    bool paragraph;   /* the next text begins a paragraph */
} gen_tidying;

/* Appends the tidied lines of a text, or of a piece of it that ends with a
 * complete line. Failures are recorded in `out`. */
void gen_tidy(gen_tidying *state, const char *text, size_t len,
              shmrpci_buf *out);

#endif
