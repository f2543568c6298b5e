/*
 * Converts keys of dicts to keys of NATS. A key of NATS consists of letters,
 * digits and the characters - / _ = and may have several parts, separated by
 * dots. Each key has exactly one form, which NATS's tools show:
 *
 *     text, bytes, C values   as they are; any other byte is =XX (hexadecimal)
 *     `any`, a text           likewise, without the msgpack header
 *     `any`, not a text       =k, then the bytes of the msgpack, likewise
 *     an empty key            =
 *     key of a value          "value", since a value has only one
 *
 * Threading: pure functions.
 */
#ifndef SHMRPCI_TRANSPORT_NATS_REMOTE_KEY_H
#define SHMRPCI_TRANSPORT_NATS_REMOTE_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for a key as text, and for its bytes. NATS servers accept protocol lines
 * of up to 4,096 bytes, and such a line holds more than the subject. */
#define NATS_KEY_TEXT_BYTES 1024u

typedef enum nats_key_form {
    NATS_KEY_PLAIN, /* the bytes are the key */
    NATS_KEY_ANY,   /* msgpack */
    NATS_KEY_NONE   /* a value, which has only one key */
} nats_key_form;

/* Returns false if the key is too long. */
bool nats_key_write(nats_key_form form, const void *key, size_t len,
                    char out[NATS_KEY_TEXT_BYTES]);

/* Returns false if `text` is not a form that nats_key_write produces. */
bool nats_key_read(nats_key_form form, const char *text,
                   uint8_t out[NATS_KEY_TEXT_BYTES], size_t *out_len);

#endif
