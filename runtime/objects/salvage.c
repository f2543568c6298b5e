/* Recovers the entries of a damaged dict or value: decodes every entry that
 * passes all checks, and hands it to the caller. Entries that can't be decoded
 * count as lost. The region is opened read-only, so that salvage can be
 * repeated. */
#include "objects/salvage.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "codec/codec.h"
#include "objects/key.h"
#include "os/memory.h"
#include "table/table.h"

/* The caller's functions, and memory that is reused for each entry. */
typedef struct salvage {
    const shmrpc_shared *row;
    const shmrpci_codec *codec;
    shmrpci_salvage_entry *entry;
    shmrpci_kind_finding *finding;
    void *user;
    shmrpci_arena arena;
    shmrpci_buf bytes;
    void *key; /* room for one key and one value */
    void *value;
    bool is_out_of_memory;
} salvage;

/* Makes a private copy with a NUL, because decoders look at bytes twice. */
static const uint8_t *copy(salvage *of, shmrpci_table_bytes bytes)
{
    shmrpci_buf_reset(&of->bytes);
    shmrpci_buf_append(&of->bytes, bytes.data, bytes.len);
    const char *text = shmrpci_buf_text(&of->bytes);
    of->is_out_of_memory = of->is_out_of_memory || text == NULL;
    return (const uint8_t *)text;
}

/* Returns false if the bytes are not a value of the type, or memory ran out,
 * which is recorded. */
static bool decode(salvage *of, shmrpci_table_bytes key,
                   shmrpci_table_bytes value)
{
    const uint8_t *at;
    shmrpci_arena_reset(&of->arena);
    if (of->row->key != NULL) {
        /* Copied, because the buffer is reused for the value. */
        at = (const uint8_t *)shmrpci_arena_strndup(
            &of->arena, (const char *)key.data, key.len);
        if (at == NULL ||
            shmrpci_key_decode(of->row->key, at, key.len, &of->arena, of->key,
                               NULL) != SHMRPC_OK) {
            return false;
        }
    }
    at = copy(of, value);
    return at != NULL &&
           of->codec->decode(of->row->element, at, value.len, "value",
                             &of->arena, of->value, NULL) == SHMRPC_OK;
}

/* Returns true if the entry counts as saved. */
static bool saved(void *user, shmrpci_table_bytes key,
                  shmrpci_table_bytes value)
{
    salvage *of = user;
    if (!decode(of, key, value)) {
        return false;
    }
    of->entry(of->user, of->row->key != NULL ? of->key : NULL, of->value);
    return true;
}

static void lost(void *user, uint64_t offset, const char *what)
{
    const salvage *of = user;
    of->finding(of->user, offset, what);
}

/* Attaches without the checks that would refuse a damaged region. The checks of
 * single entries are still made. */
static shmrpc_status run(salvage *of, int fd, uint64_t *out_lost,
                         shmrpc_error *error)
{
    int own;
    shmrpci_table table;
    shmrpc_status status = shmrpci_memory_reopen(fd, SHMRPCI_ACCESS_READ, &own);
    if (status != SHMRPC_OK) {
        return shmrpc_error_set(error, status, "the file can't be opened");
    }
    status = shmrpci_table_attach_remains(own, &table, error);
    if (status != SHMRPC_OK) {
        shmrpci_fd_close(&own);
        return status;
    }
    *out_lost = shmrpci_table_salvage(&table, saved, lost, of);
    shmrpci_table_detach(&table);
    return of->is_out_of_memory
               ? shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory")
               : SHMRPC_OK;
}

shmrpc_status shmrpci_salvage(int fd, const shmrpc_shared *row,
                              shmrpci_salvage_entry *entry,
                              shmrpci_kind_finding *finding, void *user,
                              uint64_t *out_lost, shmrpc_error *error)
{
    salvage of = {.row = row,
                  .codec = shmrpci_codec_of((uint32_t)row->encoding),
                  .entry = entry,
                  .finding = finding,
                  .user = user};
    /* The encoding in `row` comes from the damaged object itself, so it may be
     * unknown. */
    if (of.codec == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_DATA_LOSS,
                                "its encoding is unknown");
    }
    shmrpci_arena_init(&of.arena, 0);
    shmrpci_buf_init_heap(&of.bytes);
    of.key = calloc(1, row->key != NULL ? row->key->size : 1);
    of.value = calloc(1, row->element->size);
    shmrpc_status status =
        of.key != NULL && of.value != NULL
            ? run(&of, fd, out_lost, error)
            : shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    free(of.key);
    free(of.value);
    shmrpci_buf_fini(&of.bytes);
    shmrpci_arena_fini(&of.arena);
    return status;
}
