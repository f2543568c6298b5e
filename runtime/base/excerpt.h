/*
 * Prints a line of a text with a mark below the part in question:
 *
 *         3 | bytes data
 *           |       ^~~~
 *
 * Threading: pure functions.
 */
#ifndef SHMRPCI_BASE_EXCERPT_H
#define SHMRPCI_BASE_EXCERPT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Appends the line of `len` bytes (UTF-8, without its end) with its number, and
 * the mark below its bytes [begin, end). `begin` is at most `len`; bytes beyond
 * the line are not marked, and an empty part gets a caret. */
void shmrpci_excerpt(const char *line, size_t len, uint32_t number,
                     size_t begin, size_t end, shmrpci_buf *out);

#endif
