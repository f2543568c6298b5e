/*
 * Strict Base64 (RFC 4648, section 4): texts are padded, have no white space,
 * and their unused bits are zero. So every byte string has exactly one text.
 * Threading: pure functions.
 */
#ifndef SHMRPCI_CODEC_BASE64_H
#define SHMRPCI_CODEC_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Returns the length of the text of `len` bytes. */
static inline size_t shmrpci_base64_text_len(size_t len)
{
    return (len / 3 + (len % 3 != 0)) * 4;
}

/* Writes text_len(len) characters to `out`. */
void shmrpci_base64_encode(const uint8_t *data, size_t len, char *out);

/* Reads `len` characters into at most len / 4 * 3 bytes at `out`; returns false
 * if the text is malformed. */
bool shmrpci_base64_decode(const char *text, size_t len, uint8_t *out,
                           size_t *out_len);

#endif
