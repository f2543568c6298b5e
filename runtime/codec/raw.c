/*
 * The raw encoding: the bytes are the message. The value is of type bytes, or
 * parameters with exactly one field of that type.
 *
 * Decoding copies nothing: the value is a view of the input, which must outlive
 * it. That makes raw the encoding for large bodies, and is the reason for its
 * exception in codec.h. A message of length 0 stands for no parameters.
 */
#include "codec/engines.h"
#include "codec/value.h"
#include "codec/walk.h"

/* Finds the `bytes` inside the value; the generator guarantees that there is
 * one. */
static const shmrpc_type *bytes_of(const shmrpc_type *type, size_t *offset,
                                   shmrpci_step *step)
{
    *offset = 0;
    if (type->kind == SHMRPC_KIND_STRUCT && type->count == 1) {
        shmrpci_step_field(step, type->fields[0].name);
        *offset = type->fields[0].offset;
        type = type->fields[0].type;
    }
    return type->kind == SHMRPC_KIND_BYTES ? type : NULL;
}

static int encode(const shmrpc_type *type, const void *value, const char *name,
                  shmrpci_buf *out, shmrpc_error *error)
{
    shmrpci_walk walk = {.root = name, .error = error};
    shmrpci_step step;
    /* The walk is entered only for the path of an error. The first level can't
     * be too deep, so this can't fail. */
    (void)shmrpci_walk_enter(&walk, &step);
    if (type->count == 0 && type->kind == SHMRPC_KIND_STRUCT) {
        return SHMRPC_OK;
    }
    size_t offset;
    const shmrpc_type *bytes = bytes_of(type, &offset, &step);
    if (bytes == NULL) {
        return shmrpci_walk_fail(&walk, "raw carries bytes, not %s",
                                 shmrpci_type_text(type));
    }
    shmrpci_span span = shmrpci_load_span((const uint8_t *)value + offset);
    int status = shmrpci_walk_view(&walk, bytes, span.ptr, span.len);
    if (status != SHMRPC_OK) {
        return status;
    }
    /* Bounds have been checked before, so that nothing of a bad value is
     * sent. */
    shmrpci_buf_append(out, span.ptr, span.len);
    return out->status == SHMRPC_OK ? SHMRPC_OK
                                    : shmrpci_walk_status(&walk, out->status);
}

static int decode(const shmrpc_type *type, const uint8_t *data, size_t len,
                  const char *name, shmrpci_arena *arena, void *value,
                  shmrpc_error *error)
{
    (void)arena;
    shmrpci_walk walk = {.root = name, .error = error};
    shmrpci_step step;
    (void)shmrpci_walk_enter(&walk, &step);
    if (type->count == 0 && type->kind == SHMRPC_KIND_STRUCT) {
        return len == 0
                   ? SHMRPC_OK
                   : shmrpci_walk_fail(&walk, "length %zu, allowed 0..0", len);
    }
    size_t offset;
    const shmrpc_type *bytes = bytes_of(type, &offset, &step);
    if (bytes == NULL) {
        return shmrpci_walk_fail(&walk, "raw carries bytes, not %s",
                                 shmrpci_type_text(type));
    }
    int status = shmrpci_walk_length(&walk, bytes, len);
    if (status == SHMRPC_OK) {
        shmrpci_store_span((uint8_t *)value + offset, data, len);
    }
    return status;
}

const shmrpci_codec shmrpci_codec_raw = {
    .encoding = SHMRPC_ENCODING_RAW,
    .name = "raw",
    .encode = encode,
    .decode = decode,
};
