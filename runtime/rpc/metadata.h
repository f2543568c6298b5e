/*
 * Metadata blocks: what stands before a body when a message has
 * SHMRPCI_HEAD_METADATA, and behind the text of a hello.  Little-endian.
 *
 *      0  u16  bytes of the block, from 8 to 1024, a multiple of 8
 *      2  u8   entries, up to 16
 *      3  u8   SHMRPCI_METADATA_WANTED, _TRACE, _RETRY, _PEER
 *      4  26   with _TRACE: version, trace id (16), span id (8), flags of W3C's
 *              traceparent
 *    ...  u64  with _PEER: which of a relay's peers it is from
 *    ...  ...  each entry: u8 length of the key, u16 length of the value, key,
 *              NUL, value, NUL
 *    ...  ...  zeros
 *
 * The NULs make entries C strings where they lie. As the block is a multiple of
 * 8, what follows it is as well aligned as without it.
 *
 * Readers take any bytes whatever, and check a block as a whole before anything
 * in it is used; finding in it trusts it then.
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
    SHMRPCI_METADATA_WANTED = 1u << 0, /* request: the reply's is wanted */
    SHMRPCI_METADATA_TRACE = 1u << 1,
    SHMRPCI_METADATA_RETRY = 1u << 2, /* request: an earlier one may have run */
    SHMRPCI_METADATA_PEER = 1u << 3   /* request of a relay */
};

#define SHMRPCI_METADATA_HEAD_BYTES 4u
#define SHMRPCI_METADATA_KEY_MAX    64u
#define SHMRPCI_TRACE_BYTES         26u

/* The key of the trace, in the text of users. */
#define SHMRPCI_TRACEPARENT "traceparent"

/* A block that is being written, or was read and is sound. */
typedef struct shmrpci_metadata {
    size_t len; /* so far, without zeros at the end */
    _Alignas(8) uint8_t bytes[SHMRPC_METADATA_MAX_BYTES];
} shmrpci_metadata;

/* An empty one. */
void shmrpci_metadata_init(shmrpci_metadata *m, unsigned flags);

/* Says where the trace is to be; before any entry. */
void shmrpci_metadata_set_trace(shmrpci_metadata *m,
                                const uint8_t trace[SHMRPCI_TRACE_BYTES]);

/* The same at any time, in place of one that is there. TOO_LARGE. */
int shmrpci_metadata_put_trace(shmrpci_metadata *m,
                               const uint8_t trace[SHMRPCI_TRACE_BYTES],
                               shmrpc_error *error);

/* Says which of a relay's peers the call is from, in place of what it says
 * itself. TOO_LARGE. */
int shmrpci_metadata_put_peer(shmrpci_metadata *m, uint64_t peer,
                              shmrpc_error *error);

/* After reading it: more can be put into it and added, until it is ended. */
void shmrpci_metadata_reopen(shmrpci_metadata *m);

/* Appends one. INVALID: key or value is not possible; TOO_LARGE. */
int shmrpci_metadata_add(shmrpci_metadata *m, const char *key,
                         const char *value, shmrpc_error *error);

/* Whether there is anything to send. */
bool shmrpci_metadata_is_empty(const shmrpci_metadata *m);

/* Ends it: how many bytes it takes. */
size_t shmrpci_metadata_end(shmrpci_metadata *m);

/* Copies the block at the beginning of the `len` bytes at `data`, which a peer
 * may be changing, and checks the copy. How many bytes it takes; 0: it is
 * malformed. */
size_t shmrpci_metadata_read(const uint8_t *data, size_t len,
                             shmrpci_metadata *out);

unsigned shmrpci_metadata_flags(const shmrpci_metadata *m);
/* False: it names none. */
bool shmrpci_metadata_peer(const shmrpci_metadata *m, uint64_t *out);
/* NULL: it has none. */
const uint8_t *shmrpci_metadata_trace(const shmrpci_metadata *m);
/* NULL: it has none. */
const char *shmrpci_metadata_find(const shmrpci_metadata *m, const char *key);
bool shmrpci_metadata_at(const shmrpci_metadata *m, uint32_t index,
                         shmrpc_metadata *out);

/* ---- W3C traceparent ---- */

/* False: not of W3C's form, or of ids that are all zeros. */
bool shmrpci_trace_read(const char *text, uint8_t out[SHMRPCI_TRACE_BYTES]);
void shmrpci_trace_write(const uint8_t trace[SHMRPCI_TRACE_BYTES],
                         char out[SHMRPC_TRACEPARENT_BYTES]);
/* The same trace with a span of its own. */
void shmrpci_trace_child(const uint8_t trace[SHMRPCI_TRACE_BYTES],
                         uint8_t out[SHMRPCI_TRACE_BYTES]);

#endif
