/*
 * Writing JSON: what the codec has no type for.
 *
 * Threading: pure functions.
 */
#ifndef SHMRPC_WEB_JSON_H
#define SHMRPC_WEB_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Appends a text as a JSON string. Bytes that are no UTF-8 become U+FFFD. */
void web_json_text(shmrpci_buf *out, const char *text, size_t len);

/* Appends `"key":`, with a comma before it unless an object or array has just
 * begun. */
void web_json_key(shmrpci_buf *out, const char *key);

/* A comma, unless an object or array has just begun: before its next item. */
void web_json_next(shmrpci_buf *out);

/* Members of an object. A NULL text is null. */
void web_json_set_text(shmrpci_buf *out, const char *key, const char *text);
void web_json_set_int(shmrpci_buf *out, const char *key, int64_t value);
void web_json_set_uint(shmrpci_buf *out, const char *key, uint64_t value);
void web_json_set_bool(shmrpci_buf *out, const char *key, bool value);

#endif
