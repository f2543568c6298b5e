/*
 * Keys of dicts as keys of NATS, which have letters, digits, - / _ = and dots
 * between their parts.  Each key has one form, which tools of NATS show:
 *
 *     text, bytes, C values   themselves; any other byte is =XX (hexadecimal)
 *     of `any`, a text        the same, without msgpack's header
 *     of `any`, another       =k and the bytes of the msgpack, as above
 *     an empty one            =
 *     of a value              "value": it has no keys
 *
 * Threading: pure functions.
 */
#ifndef SHMRPCI_TRANSPORT_NATS_REMOTE_KEY_H
#define SHMRPCI_TRANSPORT_NATS_REMOTE_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for a key as text, and for its bytes. Servers take lines of 4,096 bytes,
 * in which a subject must not be alone. */
#define NATS_KEY_TEXT_BYTES 1024u

typedef enum nats_key_form {
    NATS_KEY_PLAIN, /* its bytes are the key */
    NATS_KEY_ANY,   /* msgpack */
    NATS_KEY_NONE   /* the only one of a value */
} nats_key_form;

/* False: too long. */
bool nats_key_write(nats_key_form form, const void *key, size_t len,
                    char out[NATS_KEY_TEXT_BYTES]);

/* False: `text` is not a form that nats_key_write produces. */
bool nats_key_read(nats_key_form form, const char *text,
                   uint8_t out[NATS_KEY_TEXT_BYTES], size_t *out_len);

#endif
