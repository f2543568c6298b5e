/*
 * Snapshots of tables. A snapshot is written from a view, so it has the state
 * of one moment while others go on writing. It is read into a new table, or
 * merged into an existing one in a single change.
 *
 * Keys and values are written as they are encoded. Keys are checked when a
 * snapshot is read, as an entry whose key is not in normal form could never be
 * found again. Values are not checked, since every use of a value checks it.
 */
#include "objects/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "objects/dict_inside.h"
#include "objects/key.h"
#include "objects/label.h"
#include "os/clock.h"

/* ---- writing ------------------------------------------------------------- */

/* Writes everything that a reader needs to make the same object again,
 * including the `.svc` text for tools that don't have it. */
static shmrpc_status write_head(shmrpci_snapshot_writer *writer,
                                const shmrpci_table_view *view,
                                shmrpc_error *error)
{
    const shmrpci_region_head *region = &view->table->region.facts;
    char name[SHMRPCI_KIND_NAME_BYTES] = "";
    shmrpci_glance glance;
    char *text = NULL;
    shmrpc_status status =
        shmrpci_label_look(view->table->region.fd, &glance, error);
    if (status == SHMRPC_OK) {
        status = shmrpci_label_text(view->table->region.fd, &text, error);
    }
    if (status != SHMRPC_OK) {
        return status;
    }
    memcpy(name, region->name, region->name_len);
    const shmrpci_snapshot_facts facts = {
        .head = {.kind = region->kind == SHMRPCI_TABLE_KIND_VALUE
                             ? SHMRPC_SHARED_VALUE
                             : SHMRPC_SHARED_DICT,
                 .encoding = region->encoding,
                 .type_hash = region->type_hash,
                 .taken_ns = shmrpci_wall_ns(),
                 .change = view->change,
                 .capacity = region->limits[SHMRPCI_TABLE_LIMIT_CAPACITY],
                 .max_bytes = region->span_count * region->span_bytes,
                 .log = region->limits[SHMRPCI_TABLE_LIMIT_LOG]},
        .name = name,
        .signature = glance.signature,
        .text = text,
    };
    status = shmrpci_snapshot_write_head(writer, &facts, error);
    free(text);
    return status;
}

/* Writes the entries in the order of the view. */
static shmrpc_status write_records(shmrpci_snapshot_writer *writer,
                                   shmrpci_table_view *view,
                                   shmrpc_error *error)
{
    for (;;) {
        shmrpci_table_bytes key;
        shmrpci_table_bytes value;
        shmrpc_status status =
            shmrpci_table_view_next(view, &key, &value, NULL);
        if (status != SHMRPC_OK) {
            return status == SHMRPC_E_NOT_FOUND
                       ? SHMRPC_OK
                       : shmrpc_error_set(error, status,
                                          "it is damaged; `check` says where, "
                                          "`dump --salvage` saves the rest");
        }
        status = shmrpci_snapshot_append(writer, key, value, error);
        if (status != SHMRPC_OK) {
            return status;
        }
    }
}

/* `mutex` is NULL if no other thread has this table. */
static void enter(shmrpci_mutex *mutex)
{
    if (mutex != NULL) {
        shmrpci_mutex_lock(mutex);
    }
}

static void leave(shmrpci_mutex *mutex)
{
    if (mutex != NULL) {
        shmrpci_mutex_unlock(mutex);
    }
}

/* Reads the view without holding the mutex, because that may take as long as
 * the disk needs. */
static shmrpc_status write_view(shmrpci_snapshot_writer *writer,
                                shmrpci_table *table, shmrpci_mutex *mutex,
                                shmrpc_error *error)
{
    shmrpci_table_view view;
    enter(mutex);
    shmrpc_status status = shmrpci_table_view_open(table, &view, error);
    leave(mutex);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = write_head(writer, &view, error);
    if (status == SHMRPC_OK) {
        status = write_records(writer, &view, error);
    }
    /* Closed before waiting for the disk, as an open view holds memory. */
    enter(mutex);
    shmrpci_table_view_close(&view);
    leave(mutex);
    return status;
}

shmrpc_status shmrpci_snapshot_save(shmrpci_table *table, shmrpci_mutex *mutex,
                                    const char *path, uint32_t permissions,
                                    shmrpc_error *error)
{
    shmrpci_snapshot_writer writer;
    /* Locked before the view is opened, so that of two writers the later one
     * has the newer view. */
    shmrpc_status status =
        shmrpci_snapshot_begin(path, permissions, &writer, error);
    if (status == SHMRPC_OK) {
        status = write_view(&writer, table, mutex, error);
        if (status == SHMRPC_OK) {
            status = shmrpci_snapshot_commit(&writer, error);
        }
        shmrpci_snapshot_end(&writer);
    }
    if (status != SHMRPC_E_BUSY) {
        /* BUSY means that another writer is at work, which is neither success
         * nor failure of ours. */
        shmrpci_table_note_snapshot(
            table, status == SHMRPC_OK ? shmrpci_wall_ns() : 0);
    }
    return status;
}

/* ---- reading ------------------------------------------------------------- */

static const char *encoding_name(uint32_t encoding)
{
    const shmrpci_codec *codec = shmrpci_codec_of(encoding);
    return codec != NULL ? codec->name : "an unknown encoding";
}

/* Compares only the beginning of a long signature, as snapshots and objects
 * keep no more. */
static bool is_same_name(const shmrpci_snapshot_reader *reader,
                         const char *mine)
{
    return strncmp(reader->signature, mine, SHMRPCI_LABEL_SIGNATURE) == 0;
}

static shmrpc_status compare(const shmrpci_handle *handle,
                             const shmrpci_snapshot_reader *reader,
                             shmrpc_error *error)
{
    const shmrpci_snapshot_head *head = &reader->head;
    const char *mine =
        handle->row.signature != NULL ? handle->row.signature : "";
    bool is_encoded_so = head->encoding == (uint32_t)handle->row.encoding;
    /* Types with the same hash must also have the same name (label.h). */
    bool is_named_so = handle->type_hash == 0 || is_same_name(reader, mine);
    if (head->kind == (uint32_t)handle->row.kind && is_encoded_so &&
        head->type_hash == handle->type_hash && is_named_so) {
        return SHMRPC_OK;
    }
    return shmrpc_error_set(
        error, SHMRPC_E_CONTRACT,
        "the snapshot is of %.40s in %.16s, expected %.40s in %.16s%s",
        reader->signature, encoding_name(head->encoding), mine,
        encoding_name((uint32_t)handle->row.encoding),
        is_encoded_so && is_same_name(reader, mine)
            ? ": the types of these names differ"
            : "");
}

/* A reader, and what is needed to check keys. */
typedef struct loading {
    const shmrpc_type *key; /* NULL for a value, which has no key */
    shmrpci_snapshot_reader reader;
    shmrpci_arena arena;
    shmrpci_buf again;
    void *room; /* room for a key */
} loading;

/* Frees what init has made, also if init failed. */
static void fini(loading *of)
{
    shmrpci_snapshot_close(&of->reader);
    shmrpci_arena_fini(&of->arena);
    shmrpci_buf_fini(&of->again);
    free(of->room);
}

/* Opens the snapshot and compares its type. The caller must call fini()
 * whatever this returns. */
static shmrpc_status init(const shmrpci_handle *handle,
                          const shmrpci_table *table, const char *path,
                          loading *of, shmrpc_error *error)
{
    const shmrpci_region_head *region = &table->region.facts;
    *of = (loading){.key = handle->row.key};
    shmrpci_arena_init(&of->arena, 0);
    shmrpci_buf_init_heap(&of->again);
    shmrpc_status status = shmrpci_snapshot_open(path, &of->reader, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = compare(handle, &of->reader, error);
    of->room = calloc(1, of->key != NULL ? of->key->size : 1);
    if (status == SHMRPC_OK && of->room == NULL) {
        status = shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    /* In a valid file a block holds one large record, or several records up to
     * the size at which writers end a block. The limit has room for both. */
    of->reader.max_block_bytes =
        2 * SHMRPCI_SNAPSHOT_BLOCK_BYTES +
        (size_t)(region->span_count * region->span_bytes / 4);
    return status;
}

/* Whether the bytes are a key of the type in its normal form: decoding and
 * encoding must give the same bytes. */
static bool is_key(loading *of, shmrpci_table_bytes key)
{
    if (of->key == NULL) {
        return key.len == 0;
    }
    shmrpci_arena_reset(&of->arena);
    shmrpci_buf_reset(&of->again);
    return key.len <= SHMRPCI_KEY_MAX_BYTES &&
           shmrpci_key_decode(of->key, key.data, key.len, &of->arena, of->room,
                              NULL) == SHMRPC_OK &&
           shmrpci_key_encode(of->key, of->room, &of->again, NULL) ==
               SHMRPC_OK &&
           of->again.len == key.len &&
           (key.len == 0 || memcmp(of->again.data, key.data, key.len) == 0);
}

static shmrpc_status next(loading *of, shmrpci_table_bytes *key,
                          shmrpci_table_bytes *value, shmrpc_error *error)
{
    shmrpc_status status =
        shmrpci_snapshot_next(&of->reader, key, value, error);
    if (status == SHMRPC_OK && !is_key(of, *key)) {
        status = shmrpci_snapshot_damaged(
            &of->reader, "its key is not of the key type", error);
    }
    return status;
}

/* Puts entry by entry, as no other thread has the table. */
shmrpc_status shmrpci_snapshot_fill(const shmrpci_handle *handle,
                                    shmrpci_table *table, const char *path,
                                    shmrpc_error *error)
{
    loading of;
    shmrpc_status status = init(handle, table, path, &of, error);
    while (status == SHMRPC_OK) {
        shmrpci_table_bytes key;
        shmrpci_table_bytes value;
        status = next(&of, &key, &value, error);
        if (status == SHMRPC_OK) {
            status = shmrpci_table_put(table, key, value, SHMRPCI_TABLE_ABSENT,
                                       NULL, error);
        }
        if (status == SHMRPC_E_EXISTS) {
            status = shmrpci_snapshot_damaged(&of.reader,
                                              "its key occurs twice", error);
        }
    }
    fini(&of);
    return status == SHMRPC_E_NOT_FOUND && of.reader.is_over ? SHMRPC_OK
                                                             : status;
}

/* All records of a snapshot, in memory, because a merge is one change that
 * needs all of them. */
typedef struct gathering {
    shmrpci_buf bytes;
    shmrpci_table_pair *pairs; /* `data` are offsets until all records are
                                * read */
    size_t count;
    size_t room;
    uint64_t max_bytes;
} gathering;

/* Stores offsets instead of addresses, because the buffer may move while it
 * grows. */
static shmrpc_status keep(gathering *of, shmrpci_table_bytes bytes,
                          shmrpci_table_bytes *out)
{
    out->data = (const void *)(uintptr_t)of->bytes.len;
    out->len = bytes.len;
    shmrpci_buf_append(&of->bytes, bytes.data, bytes.len);
    return of->bytes.status;
}

/* Refuses a snapshot with more bytes than the table may have as soon as that is
 * known, so that it does not fill the memory. */
static shmrpc_status gather(gathering *of, shmrpci_table_bytes key,
                            shmrpci_table_bytes value, shmrpc_error *error)
{
    if (of->bytes.len + key.len + value.len > of->max_bytes) {
        return shmrpc_error_set(error, SHMRPC_E_EXHAUSTED,
                                "the snapshot has more than max_bytes, %llu",
                                (unsigned long long)of->max_bytes);
    }
    if (of->count == of->room) {
        size_t room = of->room == 0 ? 256 : of->room * 2;
        shmrpci_table_pair *pairs =
            realloc(of->pairs, room * sizeof *of->pairs);
        if (pairs == NULL) {
            return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
        }
        of->pairs = pairs;
        of->room = room;
    }
    shmrpci_table_pair *pair = &of->pairs[of->count++];
    shmrpc_status status = keep(of, key, &pair->key);
    if (status == SHMRPC_OK) {
        status = keep(of, value, &pair->value);
    }
    return status == SHMRPC_OK
               ? SHMRPC_OK
               : shmrpc_error_set(error, status, "out of memory");
}

/* Replaces offsets by addresses, now that the buffer no longer moves. */
static void point(gathering *of)
{
    const uint8_t *bytes =
        of->bytes.data != NULL ? of->bytes.data : (const uint8_t *)"";
    for (size_t i = 0; i < of->count; i++) {
        shmrpci_table_pair *pair = &of->pairs[i];
        pair->key.data = bytes + (uintptr_t)pair->key.data;
        pair->value.data = bytes + (uintptr_t)pair->value.data;
    }
}

/* Reads up to the end of the file, where the last block says that the snapshot
 * is complete. */
static shmrpc_status gather_all(loading *from, gathering *of,
                                shmrpc_error *error)
{
    shmrpc_status status = SHMRPC_OK;
    while (status == SHMRPC_OK) {
        shmrpci_table_bytes key;
        shmrpci_table_bytes value;
        status = next(from, &key, &value, error);
        if (status == SHMRPC_OK) {
            status = gather(of, key, value, error);
        }
    }
    return status == SHMRPC_E_NOT_FOUND && from->reader.is_over ? SHMRPC_OK
                                                                : status;
}

/* The whole snapshot is read and checked before the mutex is taken, so a
 * damaged snapshot changes nothing. */
shmrpc_status shmrpci_snapshot_merge(const shmrpci_handle *handle,
                                     shmrpci_table *table, shmrpci_mutex *mutex,
                                     const char *path, shmrpc_error *error)
{
    loading from;
    const shmrpci_region_head *region = &table->region.facts;
    gathering all = {.max_bytes = region->span_count * region->span_bytes};
    shmrpci_buf_init_heap(&all.bytes);
    shmrpc_status status = init(handle, table, path, &from, error);
    if (status == SHMRPC_OK) {
        status = gather_all(&from, &all, error);
    }
    fini(&from);
    if (status == SHMRPC_OK && all.count > 0) {
        point(&all);
        enter(mutex);
        status = shmrpci_table_merge(table, all.pairs, all.count, error);
        leave(mutex);
    }
    shmrpci_buf_fini(&all.bytes);
    free(all.pairs);
    return status;
}
