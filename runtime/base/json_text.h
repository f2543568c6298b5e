/*
 * Appends JSON piece by piece: for programs whose output has no described type,
 * which the JSON codec would need.
 *
 * Threading: pure functions.
 */
#ifndef SHMRPCI_BASE_JSON_TEXT_H
#define SHMRPCI_BASE_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Length of the longest escape. */
#define SHMRPCI_JSON_ESCAPE_BYTES 6

/* Writes the escape for a control character, a quote or a backslash in a
 * string; returns its length. */
size_t shmrpci_json_escape(unsigned char c,
                           uint8_t out[SHMRPCI_JSON_ESCAPE_BYTES]);

/* Appends a text as a JSON string. Bytes that are not UTF-8 become U+FFFD; DEL
 * is escaped too, because terminals interpret it. */
void shmrpci_json_string(shmrpci_buf *out, const char *text, size_t len);

/* Appends the comma before the next item, unless an object, an array or a
 * member has just begun. */
void shmrpci_json_comma(shmrpci_buf *out);

/* Appends `"key":`, preceded by a comma if needed. */
void shmrpci_json_key(shmrpci_buf *out, const char *key);

/* Append a member of an object. A NULL text becomes null. */
void shmrpci_json_set_text(shmrpci_buf *out, const char *key, const char *text);
void shmrpci_json_set_int(shmrpci_buf *out, const char *key, int64_t value);
void shmrpci_json_set_uint(shmrpci_buf *out, const char *key, uint64_t value);
void shmrpci_json_set_bool(shmrpci_buf *out, const char *key, bool value);
/* Appends a number with 6 digits; infinity and NaN become null. */
void shmrpci_json_set_real(shmrpci_buf *out, const char *key, double value);

#endif
