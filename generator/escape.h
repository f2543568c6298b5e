/*
 * Escapes: text as it must stand in HTML and in roff to be shown as it is.
 *
 * Threading: pure functions.
 */
#ifndef SHMRPC_GENERATOR_ESCAPE_H
#define SHMRPC_GENERATOR_ESCAPE_H

#include <stddef.h>

#include "base/buf.h"

/* As Mustache's specification requires: & < > and the double quote. */
void gen_escape_html(const char *text, size_t len, shmrpci_buf *out);

/* For a text line or an argument in double quotes; `text` is UTF-8. The output
 * is pure ASCII, because man pages are read in every locale. */
void gen_escape_roff(const char *text, size_t len, shmrpci_buf *out);

#endif
