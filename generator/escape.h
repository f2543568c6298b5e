/*
 * Escapes: text for HTML and for roff, escaped so that it is shown unchanged.
 *
 * Threading: pure functions.
 */
#ifndef SHMRPC_GENERATOR_ESCAPE_H
#define SHMRPC_GENERATOR_ESCAPE_H

#include <stddef.h>

#include "base/buf.h"

/* Escapes & < > and the double quote, as Mustache's specification requires. */
void gen_escape_html(const char *text, size_t len, shmrpci_buf *out);

/* Escapes for a line of text or an argument in double quotes. `text` is UTF-8.
 * The output is ASCII, because man pages are read in every locale. */
void gen_escape_roff(const char *text, size_t len, shmrpci_buf *out);

#endif
