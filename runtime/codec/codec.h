/*
 * Codecs: values of a described type <-> bytes.
 *
 * One interface, one engine for each encoding (raw, json, msgpack, native);
 * each is a walk over the type tables of <shmrpc/descriptor.h>. Knows no
 * transport.
 *
 * Invariants: encoding checks the bounds of what it is given and the decoder
 * those of what it receives, with the path of the field in the error; a decoder
 * accepts any bytes and never reads past `len`, never allocates more than a
 * small multiple of `len` (at most about four times the size of the largest
 * list element of the type; the arena's limit holds above all), never recurses
 * deeper than SHMRPCI_CODEC_MAX_DEPTH.
 *
 * Threading: pure functions; an arena belongs to one thread at a time.
 */
#ifndef SHMRPCI_CODEC_CODEC_H
#define SHMRPCI_CODEC_CODEC_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "shmrpc/descriptor.h"
#include "shmrpc/error.h"

/* Levels of lists, maps, structs and `any` inside one another. */
#define SHMRPCI_CODEC_MAX_DEPTH 64

typedef struct shmrpci_codec {
    shmrpc_encoding encoding;
    const char *name; /* "json", as in the .svc */

    /*
     * Appends the value of `type` at `value` to `out`. `name` is what an error
     * path starts with ("params" are named by their fields; pass "" there).
     * INVALID: out of bounds, not UTF-8, too deep, with the path; otherwise
     * what `out` failed with. `out` may hold part of the value after a failure.
     */
    int (*encode)(const shmrpc_type *type, const void *value, const char *name,
                  shmrpci_buf *out, shmrpc_error *error);

    /*
     * Reads one value of `type` from exactly `len` bytes into the C value at
     * `value`; strings, lists and trees are put into `arena`. `data` must not
     * change while decode runs (copy what a peer can write), and, with raw,
     * must outlive the value, which is a view of it. With other encodings the
     * value refers to the arena and to constant defaults only.
     * INVALID with path and offset; NO_MEMORY. The value is written only on
     * success. `value` may be NULL for types of size 0 (no parameters).
     */
    int (*decode)(const shmrpc_type *type, const uint8_t *data, size_t len,
                  const char *name, shmrpci_arena *arena, void *value,
                  shmrpc_error *error);
} shmrpci_codec;

/* The codec of an encoding; NULL for an unknown number. */
const shmrpci_codec *shmrpci_codec_of(uint32_t encoding);

/* The codec that writes for a reader with another version of the contract,
 * which may lack some of our names: the same encoding, but json writes enums as
 * numbers; `codec` itself if it writes no names. */
const shmrpci_codec *shmrpci_codec_numbered(const shmrpci_codec *codec);

#endif
