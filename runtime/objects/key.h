/*
 * Keys of dicts as bytes: equal keys have equal bytes, whoever encodes them.
 *
 *     string, bytes    their bytes
 *     bool, integers,  little-endian, as the C value lies in memory
 *     enums
 *     flat structs     the same: they have no padding
 *     and arrays
 *     any              msgpack of the normal form: numbers without a fraction
 *                      as the shortest integer (1.0 is 1, but true is not),
 *                      other numbers as f64; also null, bool, text, bytes,
 *                      and tuples of these
 *
 * Threading: pure functions; an arena belongs to one thread at a time.
 */
#ifndef SHMRPCI_OBJECTS_KEY_H
#define SHMRPCI_OBJECTS_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "shmrpc/descriptor.h"
#include "shmrpc/error.h"

/* Longer keys are refused. */
#define SHMRPCI_KEY_MAX_BYTES ((size_t)60000)

/* Whether a key may have that type. */
bool shmrpci_key_is_type(const shmrpc_type *type);

/* Finds the bytes of a key in place. Returns false if the caller must call
 * shmrpci_key_encode() instead, which also reports what is wrong with a bad
 * key. */
bool shmrpci_key_view(const shmrpc_type *type, const void *value,
                      shmrpc_bytes *out);

/* Appends the bytes of a key. Returns INVALID if this value can't be a key,
 * else TOO_LARGE or NO_MEMORY. */
shmrpc_status shmrpci_key_encode(const shmrpc_type *type, const void *value,
                                 shmrpci_buf *out, shmrpc_error *error);

/* Decodes the key of these bytes, which must live as long as the key; trees are
 * put into `arena`. Returns DATA_LOSS if they are not a key, or NO_MEMORY. */
shmrpc_status shmrpci_key_decode(const shmrpc_type *type, const uint8_t *data,
                                 size_t len, shmrpci_arena *arena, void *value,
                                 shmrpc_error *error);

/* The normal form of a key, the same for all equal keys. Returns false if the
 * value can't be a key. */
bool shmrpci_key_normalize(const shmrpc_any *key, shmrpc_any *out);

#endif
