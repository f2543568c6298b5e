/*
 * UTF-8: validation as in RFC 3629 (no surrogates, no overlong forms).
 * Threading: pure functions.
 */
#ifndef SHMRPCI_BASE_UTF8_H
#define SHMRPCI_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Returns the length of the longest valid prefix; equal to `len` if all is
 * valid. */
size_t shmrpci_utf8_valid_prefix(const void *data, size_t len);

/* Writes the 1 to 4 bytes of `code_point` and returns their count. If it is not
 * a scalar value, writes U+FFFD. */
size_t shmrpci_utf8_encode(uint32_t code_point, uint8_t out[4]);

/* Returns the largest n <= `limit` at which `text` (valid UTF-8 of `len` bytes)
 * can be cut without splitting a character. */
size_t shmrpci_utf8_cut(const char *text, size_t len, size_t limit);

#endif
