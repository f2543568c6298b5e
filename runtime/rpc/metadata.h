/*
 * Metadata blocks. In a message with the flag SHMRPCI_HEAD_METADATA a block
 * precedes the body; in a hello it follows the text. Little-endian.
 *
 *      0  u16  bytes of the block, from 8 to 1024, a multiple of 8
 *      2  u8   entries, up to 16
 *      3  u8   SHMRPCI_METADATA_WANTED, _TRACE, _RETRY, _PEER
 *      4  26   with _TRACE: version, trace id (16), span id (8), flags of W3C's
 *              traceparent
 *    ...  u64  with _PEER: which of a relay's peers made the call
 *    ...  ...  each entry: u8 length of the key, u16 length of the value, key,
 *              NUL, value, NUL
 *    ...  ...  zeros
 *
 * The NULs make keys and values C strings, so that they can be used without a
 * copy. The size of a block is a multiple of 8, so the data after the block is
 * aligned as if there were no block.
 *
 * Readers accept any bytes, and check the whole block before anything in it is
 * used; lookups then trust it.
 *
 * Threading: pure functions.
 */
#ifndef SHMRPCI_RPC_METADATA_H
#define SHMRPCI_RPC_METADATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shmrpc/beside.h"

enum {
    SHMRPCI_METADATA_WANTED = 1u << 0, /* request: the caller wants the reply's
                                        * metadata */
    SHMRPCI_METADATA_TRACE = 1u << 1,
    SHMRPCI_METADATA_RETRY = 1u << 2, /* request: an earlier attempt may have
                                       * run */
    SHMRPCI_METADATA_PEER = 1u << 3   /* request of a relay */
};

#define SHMRPCI_METADATA_HEAD_BYTES 4u
#define SHMRPCI_METADATA_KEY_MAX    64u
#define SHMRPCI_TRACE_BYTES         26u

/* The key of the trace in a user's metadata. */
#define SHMRPCI_TRACEPARENT "traceparent"

/* A block that is being written, or was read and checked. */
typedef struct shmrpci_metadata {
    size_t len; /* number of bytes so far, without the zeros at the end */
    _Alignas(8) uint8_t bytes[SHMRPC_METADATA_MAX_BYTES];
} shmrpci_metadata;

/* Makes an empty block. */
void shmrpci_metadata_init(shmrpci_metadata *m, unsigned flags);

/* Reserves the place of the trace; must precede any entry. */
void shmrpci_metadata_set_trace(shmrpci_metadata *m,
                                const uint8_t trace[SHMRPCI_TRACE_BYTES]);

/* Sets the trace, replacing an earlier one; may be called after entries were
 * added. Returns TOO_LARGE if there is no room. */
int shmrpci_metadata_put_trace(shmrpci_metadata *m,
                               const uint8_t trace[SHMRPCI_TRACE_BYTES],
                               shmrpc_error *error);

/* Sets which of a relay's peers made the call, and replaces the peer that the
 * block already names. Returns TOO_LARGE if there is no room. */
int shmrpci_metadata_put_peer(shmrpci_metadata *m, uint64_t peer,
                              shmrpc_error *error);

/* After reading: allows additions, until the block is ended. */
void shmrpci_metadata_reopen(shmrpci_metadata *m);

/* Appends an entry. Returns INVALID if key or value is not allowed, or
 * TOO_LARGE if there is no room. */
int shmrpci_metadata_add(shmrpci_metadata *m, const char *key,
                         const char *value, shmrpc_error *error);

/* Whether the block has any content. */
bool shmrpci_metadata_is_empty(const shmrpci_metadata *m);

/* Ends the block: returns its size in bytes. */
size_t shmrpci_metadata_end(shmrpci_metadata *m);

/* Copies the block at the beginning of the `len` bytes at `data`, which a peer
 * may be changing, and checks the copy. Returns its size in bytes; 0:
 * malformed. */
size_t shmrpci_metadata_read(const uint8_t *data, size_t len,
                             shmrpci_metadata *out);

unsigned shmrpci_metadata_flags(const shmrpci_metadata *m);
/* False: the block names no peer. */
bool shmrpci_metadata_peer(const shmrpci_metadata *m, uint64_t *out);
/* NULL: the block has no trace. */
const uint8_t *shmrpci_metadata_trace(const shmrpci_metadata *m);
/* NULL: there is no such entry. */
const char *shmrpci_metadata_find(const shmrpci_metadata *m, const char *key);
bool shmrpci_metadata_at(const shmrpci_metadata *m, uint32_t index,
                         shmrpc_metadata *out);

/* ---- W3C traceparent ----------------------------------------------------- */

/* False: not in W3C's format, or an id is all zeros. */
bool shmrpci_trace_read(const char *text, uint8_t out[SHMRPCI_TRACE_BYTES]);
void shmrpci_trace_write(const uint8_t trace[SHMRPCI_TRACE_BYTES],
                         char out[SHMRPC_TRACEPARENT_BYTES]);
/* Copies the trace id, and makes a new span id. */
void shmrpci_trace_child(const uint8_t trace[SHMRPCI_TRACE_BYTES],
                         uint8_t out[SHMRPCI_TRACE_BYTES]);

#endif
