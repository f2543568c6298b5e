/*
 * Codecs: convert values of a described type to bytes and back.
 *
 * There is one interface, and one engine for each encoding (raw, json, msgpack,
 * native); each engine walks over the type tables of <shmrpc/descriptor.h>.
 * Codecs know no transport.
 *
 * Invariants: the encoder checks the bounds of what it is given, the decoder
 * those of what it receives, and the error has the path of the field. A decoder
 * is safe for any bytes: it never reads past `len` and never recurses deeper
 * than SHMRPCI_CODEC_MAX_DEPTH. It allocates at most a small multiple of `len`:
 * for each byte at most about four times the size of the type's largest list
 * element. The arena's limit applies in any case.
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

/* Max nesting of lists, maps, structs and `any`. */
#define SHMRPCI_CODEC_MAX_DEPTH 64

typedef struct shmrpci_codec {
    shmrpc_encoding encoding;
    const char *name; /* "json", as in the .svc */

    /*
     * Appends the value of `type` at `value` to `out`. Error paths begin with
     * `name`; pass "" for parameters, which are named by their fields. Returns
     * INVALID, with the path, if the value is out of bounds, not UTF-8 or too
     * deep; otherwise the failure of `out`. After a failure `out` may hold part
     * of the value.
     */
    int (*encode)(const shmrpc_type *type, const void *value, const char *name,
                  shmrpci_buf *out, shmrpc_error *error);

    /*
     * Reads one value of `type` from exactly `len` bytes into the C value at
     * `value`; strings, lists and trees are put into `arena`. `data` must not
     * change while decode runs (copy what a peer can write). With raw the value
     * is a view of `data`, which must outlive it; with other encodings the
     * value refers only to the arena and to constant defaults. Returns INVALID
     * with path and offset, or NO_MEMORY. The value is written only on success.
     * `value` may be NULL for types of size 0 (no parameters).
     */
    int (*decode)(const shmrpc_type *type, const uint8_t *data, size_t len,
                  const char *name, shmrpci_arena *arena, void *value,
                  shmrpc_error *error);
} shmrpci_codec;

/* Returns the codec of an encoding, or NULL for an unknown number. */
const shmrpci_codec *shmrpci_codec_of(uint32_t encoding);

/* Returns the codec that writes for a reader with another version of the
 * contract, which may lack some of our enumerators' names: the same encoding,
 * but json writes enums as numbers. Returns `codec` itself for the other
 * encodings, which never write names of enumerators. */
const shmrpci_codec *shmrpci_codec_numbered(const shmrpci_codec *codec);

#endif
