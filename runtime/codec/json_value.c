/*
 * The public interface of the JSON codec: values with memory of their own, for
 * programs that read or write JSON outside calls.
 *
 * A value and its arena are one allocation: the caller holds a pointer to the
 * value, and free finds the arena in front of it.
 */
#include "shmrpc/json.h"

#include <stdalign.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "codec/codec.h"

/* A decoded value, after the arena that holds what it points to. */
typedef struct json_value {
    shmrpci_arena arena;
    /* Aligned for any C type that a table describes. */
    alignas(max_align_t) unsigned char value[];
} json_value;

shmrpc_status shmrpc_json_read(const shmrpc_type *type, const char *text,
                               size_t len, void **out, shmrpc_error *error)
{
    /* The arena needs no limit: the caller's text bounds what is allocated, by
     * the factor that README.md of this folder states. */
    const shmrpci_codec *codec = shmrpci_codec_of(SHMRPC_ENCODING_JSON);
    json_value *read = calloc(1, sizeof *read + type->size);
    if (read == NULL) {
        return (shmrpc_status)shmrpc_error_set(error, SHMRPC_E_NO_MEMORY,
                                               "out of memory");
    }
    shmrpci_arena_init(&read->arena, 0);
    int status = codec->decode(type, (const uint8_t *)text, len, "",
                               &read->arena, read->value, error);
    if (status != SHMRPC_OK) {
        /* Also frees what was allocated before the failure. */
        shmrpc_json_free(read->value);
        return (shmrpc_status)status;
    }
    *out = read->value;
    return SHMRPC_OK;
}

void shmrpc_json_free(void *value)
{
    if (value != NULL) {
        unsigned char *bytes = value;
        void *start = bytes - offsetof(json_value, value);
        json_value *read = start;
        shmrpci_arena_fini(&read->arena);
        free(read);
    }
}

shmrpc_status shmrpc_json_write(const shmrpc_type *type, const void *value,
                                char **text, size_t *len, shmrpc_error *error)
{
    const shmrpci_codec *codec = shmrpci_codec_of(SHMRPC_ENCODING_JSON);
    shmrpci_buf out;
    shmrpci_buf_init_heap(&out);
    int status = codec->encode(type, value, "", &out, error);
    size_t count = out.len;
    /* Appends a NUL for callers who want a C string; `*len` does not count
     * it. */
    shmrpci_buf_append_char(&out, '\0');
    if (status == SHMRPC_OK && out.status != SHMRPC_OK) {
        status = shmrpc_error_set(error, out.status, "%s",
                                  shmrpc_status_text(out.status));
    }
    if (status != SHMRPC_OK) {
        shmrpci_buf_fini(&out);
        return (shmrpc_status)status;
    }
    /* A heap buffer's bytes come from malloc, so the caller can take ownership
     * of them. */
    *text = (char *)out.data;
    *len = count;
    return SHMRPC_OK;
}
