/*
 * Views of dicts: their state after one change; and changes of many keys at
 * once.
 *
 * A view pins the state of the table at one change: the content, and the memory
 * that holds it, stay until the view is closed. Reading a view takes no lock.
 * Keys and values are copied and decoded into memory of the view, which the
 * next call reuses. Flat values are returned in place instead, because nobody
 * changes a pinned block.
 *
 * A view belongs to the process that opened it: a forked child has no pin of
 * its own, and gets FORKED.
 */
#include <stdlib.h>
#include <string.h>

#include "objects/dict_nest.h"

struct shmrpc_view {
    shmrpc_dict *dict; /* holds a reference */
    shmrpci_table_view view;
    uint32_t generation; /* of the process that opened it */
    /* The result of the last call. Its bytes are copied before they are
     * decoded, because others could still write to them. */
    shmrpci_buf bytes;
    shmrpci_arena arena;
    void *key; /* room for one key and one value */
    void *value;
    shmrpc_any step; /* for a value: where a path leads */
};

/* ---- opening ------------------------------------------------------------- */

/* Frees a view whose pin was removed, or never taken. */
static void destroy(shmrpc_view *view)
{
    shmrpci_buf_fini(&view->bytes);
    shmrpci_arena_fini(&view->arena);
    free(view->key);
    free(view->value);
    free(view);
}

/* Makes a view with room for one key and one value of the dict's types. */
static shmrpc_view *make(shmrpc_dict *dict)
{
    const shmrpc_shared *row = &dict->handle.row;
    shmrpc_view *view = calloc(1, sizeof *view);
    if (view == NULL) {
        return NULL;
    }
    view->dict = dict;
    view->generation = shmrpci_fork_generation();
    shmrpci_buf_init_heap(&view->bytes);
    shmrpci_arena_init(&view->arena, 0);
    view->key = calloc(1, row->key != NULL ? row->key->size : 1);
    view->value = calloc(1, row->element->size);
    if (view->key == NULL || view->value == NULL) {
        destroy(view);
        return NULL;
    }
    return view;
}

shmrpc_status shmrpc_dict_view_open(shmrpc_dict *dict, shmrpc_view **out,
                                    shmrpc_error *error)
{
    shmrpc_status status = shmrpci_handle_ensure(&dict->handle, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    if (shmrpci_region_is_destroyed(&dict->table.region)) {
        return shmrpci_handle_fail(&dict->handle, SHMRPC_E_DESTROYED,
                                   "it has been destroyed", error);
    }
    shmrpc_view *view = make(dict);
    if (view == NULL) {
        return shmrpci_handle_fail(&dict->handle, SHMRPC_E_NO_MEMORY,
                                   "out of memory", error);
    }
    shmrpci_mutex_lock(&dict->mutex);
    status = shmrpci_table_view_open(&dict->table, &view->view, error);
    shmrpci_mutex_unlock(&dict->mutex);
    if (status != SHMRPC_OK) {
        destroy(view);
        return shmrpci_handle_explain(&dict->handle, status, error);
    }
    /* The dict may be closed before the view. */
    shmrpci_handle_ref(&dict->handle);
    *out = view;
    return SHMRPC_OK;
}

/* Whether the view is usable: this process, not its parent, has opened it, and
 * its dict is still open. */
static bool is_ours(const shmrpc_view *view)
{
    return view->generation == shmrpci_fork_generation() && view->dict->is_open;
}

void shmrpc_view_close(shmrpc_view *view)
{
    if (view == NULL) {
        return;
    }
    shmrpc_dict *dict = view->dict;
    if (is_ours(view)) {
        shmrpci_mutex_lock(&dict->mutex);
        shmrpci_table_view_close(&view->view);
        shmrpci_mutex_unlock(&dict->mutex);
    }
    destroy(view);
    shmrpci_handle_unref(&dict->handle);
}

/* ---- reading ------------------------------------------------------------- */

/* Discards the last result. */
static shmrpc_status begin(shmrpc_view *view, shmrpc_error *error)
{
    if (!is_ours(view)) {
        return shmrpci_handle_fail(&view->dict->handle, SHMRPC_E_FORKED,
                                   "the view was opened by the parent, or its "
                                   "dict is closed",
                                   error);
    }
    shmrpci_buf_reset(&view->bytes);
    shmrpci_arena_reset(&view->arena);
    return SHMRPC_OK;
}

/* Decodes a value. The buffer may already hold a key before it. */
static shmrpc_status decode(shmrpc_view *view, shmrpci_table_bytes bytes,
                            const void **out, shmrpc_error *error)
{
    const shmrpci_handle *handle = &view->dict->handle;
    const shmrpci_flat *flat = &view->dict->flat;
    size_t at = view->bytes.len;
    if (shmrpci_flat_fits(flat, bytes.data, bytes.len)) {
        *out = (const uint8_t *)bytes.data + flat->start;
        return SHMRPC_OK;
    }
    shmrpci_buf_append(&view->bytes, bytes.data, bytes.len);
    if (view->bytes.status != SHMRPC_OK) {
        (void)shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
        return SHMRPC_E_NO_MEMORY;
    }
    *out = view->value;
    return shmrpci_held_decode_to(handle, view->bytes.data + at, bytes.len,
                                  &view->arena, view->value, error);
}

static shmrpc_status get(shmrpc_view *view, const void *key, const void **out,
                         shmrpc_error *error)
{
    shmrpci_dict_key encoded;
    shmrpci_table_bytes bytes;
    shmrpc_status status =
        shmrpci_dict_key_init(view->dict, key, &encoded, error);
    if (status == SHMRPC_OK) {
        status = shmrpci_table_view_get(
            &view->view, shmrpci_dict_key_bytes(&encoded), &bytes, NULL);
        if (status != SHMRPC_OK) {
            (void)shmrpci_dict_missing(status, error);
        }
    }
    shmrpci_dict_key_fini(&encoded);
    return status == SHMRPC_OK ? decode(view, bytes, out, error) : status;
}

/* The result is valid until the next call on the view. */
int shmrpc_stub_view_get(shmrpc_view *view, const void *key, const void **out,
                         shmrpc_error *error)
{
    shmrpc_status status = begin(view, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = get(view, key, out, error);
    return shmrpci_handle_explain(&view->dict->handle, status, error);
}

/* Gets the part of a value to which a path leads. The first steps lead through
 * nests; the rest of the path leads into one value, which is decoded. */
static shmrpc_status get_part(shmrpc_view *view, const shmrpc_any *key,
                              const shmrpc_any *steps, size_t count,
                              const shmrpc_any **out, shmrpc_error *error)
{
    const shmrpci_table *table = &view->dict->table;
    shmrpci_dict_key encoded;
    shmrpci_nest_value value;
    size_t used = 0;
    shmrpc_status status =
        shmrpci_dict_key_init(view->dict, key, &encoded, error);
    if (status == SHMRPC_OK) {
        status = shmrpci_table_view_look(
            &view->view, shmrpci_dict_key_bytes(&encoded), &value, NULL);
        status = status == SHMRPC_OK
                     ? shmrpci_dict_nest_reach(table, &value, steps, count,
                                               &value, &used, error)
                     : shmrpci_dict_missing(status, error);
    }
    shmrpci_dict_key_fini(&encoded);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = shmrpci_nest_append(table, &value, &view->bytes);
    if (status != SHMRPC_OK) {
        (void)shmrpc_error_set(error, status, "%s", shmrpc_status_text(status));
        return status;
    }
    status = shmrpci_held_decode_to(&view->dict->handle, view->bytes.data,
                                    view->bytes.len, &view->arena, view->value,
                                    error);
    return status == SHMRPC_OK
               ? shmrpci_tree_get(view->value, steps, used, count, out, error)
               : status;
}

shmrpc_status shmrpc_view_get(shmrpc_view *view, const shmrpc_path *path,
                              const shmrpc_any **out, shmrpc_error *error)
{
    /* The first step of a path is the dict's key; a value has none. */
    size_t keys = view->dict->handle.row.key != NULL ? 1 : 0;
    size_t len = path != NULL ? path->len : 0;
    shmrpc_status status = begin(view, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    if (len < keys) {
        return shmrpci_handle_fail(&view->dict->handle, SHMRPC_E_INVALID,
                                   "the path has no steps", error);
    }
    status =
        get_part(view, keys != 0 ? path->ptr : NULL,
                 len > 0 ? path->ptr + keys : NULL, len - keys, out, error);
    return shmrpci_handle_explain(&view->dict->handle, status, error);
}

/* Decodes a copy of the key. The copy is in the arena, as the buffer may move
 * when the value follows. */
static shmrpc_status next_key(shmrpc_view *view, shmrpci_table_bytes key,
                              shmrpc_error *error)
{
    shmrpci_buf_append(&view->bytes, key.data, key.len);
    if (view->bytes.status != SHMRPC_OK) {
        (void)shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
        return SHMRPC_E_NO_MEMORY;
    }
    /* The buffer may move when the value follows. */
    char *copy = shmrpci_arena_strndup(&view->arena,
                                       (const char *)view->bytes.data, key.len);
    if (copy == NULL) {
        (void)shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
        return SHMRPC_E_NO_MEMORY;
    }
    return shmrpci_key_decode(view->dict->handle.row.key, (const uint8_t *)copy,
                              key.len, &view->arena, view->key, error);
}

/* Moves forwards or backwards. */
typedef shmrpc_status advance(shmrpci_table_view *view,
                              shmrpci_table_bytes *out_key,
                              shmrpci_table_bytes *out_value,
                              uint64_t *out_version);

static int step(shmrpc_view *view, advance *to, const void **out_key,
                const void **out_value, shmrpc_error *error)
{
    shmrpci_table_bytes key;
    shmrpci_table_bytes bytes;
    shmrpc_status status = begin(view, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = to(&view->view, &key, &bytes, NULL);
    if (status != SHMRPC_OK) {
        (void)shmrpc_error_set(error, status,
                               status == SHMRPC_E_NOT_FOUND
                                   ? "that was the last entry"
                                   : "it is damaged");
        /* The next loop then starts over. */
        shmrpci_table_view_rewind(&view->view);
    } else if (view->dict->handle.row.key != NULL) { /* a value has no key */
        status = next_key(view, key, error);
    }
    if (status == SHMRPC_OK) {
        status = decode(view, bytes, out_value, error);
        *out_key = view->key;
    }
    return shmrpci_handle_explain(&view->dict->handle, status, error);
}

/* Entries come in the order in which the table keeps them: that of their first
 * put. */
int shmrpc_stub_view_next(shmrpc_view *view, const void **out_key,
                          const void **out_value, shmrpc_error *error)
{
    return step(view, shmrpci_table_view_next, out_key, out_value, error);
}

static shmrpc_status step_any(shmrpc_view *view, advance *to,
                              const shmrpc_any **out_key,
                              const shmrpc_any **out_value, shmrpc_error *error)
{
    const void *key = NULL;
    const void *value = NULL;
    int status = step(view, to, &key, &value, error);
    if (status == SHMRPC_OK) {
        *out_key = key;
        *out_value = value;
    }
    return (shmrpc_status)status;
}

shmrpc_status shmrpc_view_next(shmrpc_view *view, const shmrpc_any **out_key,
                               const shmrpc_any **out_value,
                               shmrpc_error *error)
{
    return step_any(view, shmrpci_table_view_next, out_key, out_value, error);
}

shmrpc_status shmrpc_view_prev(shmrpc_view *view, const shmrpc_any **out_key,
                               const shmrpc_any **out_value,
                               shmrpc_error *error)
{
    return step_any(view, shmrpci_table_view_prev, out_key, out_value, error);
}

/* ---- many keys in one change --------------------------------------------- */

/* Where the key and the value of an entry end in the buffer. These are offsets,
 * since the buffer moves while it grows. */
typedef struct entry_ends {
    size_t key;
    size_t value;
} entry_ends;

/* Encodes everything before the table is touched, so that an invalid item
 * changes nothing. */
static shmrpc_status encode_all(const shmrpc_dict *dict, const uint8_t *keys,
                                const uint8_t *values, size_t step,
                                size_t count, shmrpci_buf *buf,
                                entry_ends *ends, shmrpc_error *error)
{
    const shmrpci_handle *handle = &dict->handle;
    for (size_t i = 0; i < count; i++) {
        shmrpc_status status =
            shmrpci_key_encode(handle->row.key, keys + i * step, buf, error);
        ends[i].key = buf->len;
        if (status == SHMRPC_OK) {
            status = shmrpci_held_encode(handle, handle->row.element,
                                         values + i * step, buf, error);
        }
        if (status != SHMRPC_OK) {
            return status;
        }
        ends[i].value = buf->len;
    }
    return SHMRPC_OK;
}

/* Turns offsets into addresses, now that the buffer no longer moves. */
static void point(const shmrpci_buf *buf, const entry_ends *ends, size_t count,
                  shmrpci_table_pair *pairs)
{
    size_t at = 0;
    const uint8_t *data = buf->data != NULL ? buf->data : (const uint8_t *)"";
    for (size_t i = 0; i < count; i++) {
        pairs[i].key = (shmrpci_table_bytes){data + at, ends[i].key - at};
        pairs[i].value = (shmrpci_table_bytes){data + ends[i].key,
                                               ends[i].value - ends[i].key};
        at = ends[i].value;
    }
}

/* `step` is the distance in bytes from one key, or value, to the next; they may
 * be members of a struct. */
int shmrpc_stub_dict_merge(shmrpc_dict *dict, const void *keys,
                           const void *values, size_t step, size_t count,
                           shmrpc_error *error)
{
    shmrpci_buf buf;
    shmrpc_status status = shmrpci_dict_may_change(dict, error);
    if (status != SHMRPC_OK || count == 0) {
        return status;
    }
    shmrpci_buf_init_heap(&buf);
    entry_ends *ends = calloc(count, sizeof *ends);
    shmrpci_table_pair *pairs = calloc(count, sizeof *pairs);
    if (ends == NULL || pairs == NULL) {
        (void)shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
        status = SHMRPC_E_NO_MEMORY;
    }
    if (status == SHMRPC_OK) {
        status = encode_all(dict, keys, values, step, count, &buf, ends, error);
    }
    if (status == SHMRPC_OK) {
        point(&buf, ends, count, pairs);
        status = shmrpci_dict_merge_bytes(dict, pairs, count, error);
    }
    free(pairs);
    free(ends);
    shmrpci_buf_fini(&buf);
    return shmrpci_handle_explain(&dict->handle, status, error);
}

shmrpc_status shmrpc_dict_merge(shmrpc_dict *dict,
                                const shmrpc_any_entry *entries, size_t count,
                                shmrpc_error *error)
{
    const shmrpc_any_entry *first = count > 0 ? entries : NULL;
    return (shmrpc_status)shmrpc_stub_dict_merge(
        dict, first != NULL ? &first->key : NULL,
        first != NULL ? &first->value : NULL, sizeof *entries, count, error);
}
