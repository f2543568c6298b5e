/*
 * More operations of Python's dict: popitem, get-or-put, all entries, equality.
 * They use the other functions of shmrpc/dict.h, not the engine.
 *
 * An operation of several steps is repeated if another thread changes the dict
 * in between; after a thousand attempts it returns ABORTED, as it might never
 * end in a dict that is always being changed.
 */
#include <stdlib.h>
#include <string.h>

#include "objects/dict_inside.h"

/* The most attempts of an operation. An attempt of popitem fails if another
 * thread takes the entry first. An attempt of get_or_put fails if other threads
 * put the key and then delete it. */
#define ATTEMPTS 1000u

static shmrpc_status busy(const shmrpc_dict *dict, shmrpc_error *error)
{
    return shmrpci_handle_fail(&dict->handle, SHMRPC_E_ABORTED,
                               "others change it again and again", error);
}

/* ---- one entry ----------------------------------------------------------- */

/* Copies a key, so that it outlives the view in which it was found. It is
 * released like a value. */
static shmrpc_status copy_key(shmrpc_dict *dict, const shmrpc_any *key,
                              const shmrpc_any **out, shmrpc_error *error)
{
    shmrpci_held *held = shmrpci_held_take(&dict->handle);
    if (held == NULL) {
        (void)shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
        return SHMRPC_E_NO_MEMORY;
    }
    shmrpc_any *copy = (shmrpc_any *)(uintptr_t)shmrpci_held_value(held);
    shmrpc_status status =
        shmrpci_key_encode(dict->handle.row.key, key, &held->bytes, error);
    if (status == SHMRPC_OK) {
        status = shmrpci_key_decode(dict->handle.row.key, held->bytes.data,
                                    held->bytes.len, &held->arena, copy, error);
    }
    if (status != SHMRPC_OK) {
        shmrpci_held_give(held);
        return status;
    }
    *out = copy;
    return SHMRPC_OK;
}

/* Pops the last entry of a view. Returns MORE if another thread has taken that
 * entry meanwhile. */
static shmrpc_status pop_last(shmrpc_dict *dict, shmrpc_view *view,
                              const shmrpc_any **out_key,
                              const shmrpc_any **out_value, shmrpc_error *error)
{
    const shmrpc_any *key;
    const shmrpc_any *value;
    shmrpc_status status = shmrpc_view_prev(view, &key, &value, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = copy_key(dict, key, out_key, error);
    if (status != SHMRPC_OK) {
        return shmrpci_handle_explain(&dict->handle, status, error);
    }
    shmrpc_path path = shmrpc_path_of(*out_key, 1);
    status = shmrpc_dict_pop(dict, &path, out_value, error);
    if (status != SHMRPC_OK) {
        shmrpc_dict_release(dict, *out_key);
    }
    /* Another thread took it first. */
    return status == SHMRPC_E_NOT_FOUND ? SHMRPC_MORE : status;
}

/* Opens a new view for each attempt, because the old one would return the same
 * entry again. */
shmrpc_status shmrpc_dict_popitem(shmrpc_dict *dict, const shmrpc_any **out_key,
                                  const shmrpc_any **out_value,
                                  shmrpc_error *error)
{
    shmrpc_status status = shmrpci_dict_may_change(dict, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = SHMRPC_MORE;
    for (unsigned i = 0; i < ATTEMPTS && status == SHMRPC_MORE; i++) {
        shmrpc_view *view;
        status = shmrpc_dict_view_open(dict, &view, error);
        if (status == SHMRPC_OK) {
            status = pop_last(dict, view, out_key, out_value, error);
            shmrpc_view_close(view);
        }
    }
    return status == SHMRPC_MORE ? busy(dict, error) : status;
}

/* The first put wins; all callers get its value. */
shmrpc_status shmrpc_dict_get_or_put(shmrpc_dict *dict, const shmrpc_path *path,
                                     const shmrpc_any *value,
                                     const shmrpc_any **out,
                                     shmrpc_error *error)
{
    for (unsigned i = 0; i < ATTEMPTS; i++) {
        shmrpc_status status = shmrpc_dict_get(dict, path, out, NULL, error);
        if (status != SHMRPC_E_NOT_FOUND) {
            return status;
        }
        status = shmrpc_dict_put_new(dict, path, value, error);
        if (status != SHMRPC_OK && status != SHMRPC_E_EXISTS) {
            return status;
        }
    }
    return busy(dict, error);
}

/* ---- all entries --------------------------------------------------------- */

/* Collects all entries of a view. Keys and values are in the item's arena; the
 * array of entries grows on the heap. */
typedef struct gathering {
    shmrpc_dict *dict;
    shmrpci_held *held;
    shmrpc_any_entry *entries; /* on the heap */
    size_t count;
    size_t room;
} gathering;

static shmrpc_status no_memory(shmrpc_error *error)
{
    (void)shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    return SHMRPC_E_NO_MEMORY;
}

static shmrpc_status gather(gathering *of, shmrpci_table_bytes key,
                            shmrpci_table_bytes value, shmrpc_error *error)
{
    const shmrpci_handle *handle = &of->dict->handle;
    shmrpci_held *held = of->held;
    if (of->count == of->room) {
        size_t room = of->room > 0 ? of->room * 2 : 64;
        void *more = realloc(of->entries, room * sizeof *of->entries);
        if (more == NULL) {
            return no_memory(error);
        }
        of->entries = more;
        of->room = room;
    }
    shmrpc_any_entry *entry = &of->entries[of->count];
    /* Copied, as a decoded key may point into its bytes. */
    char *name = shmrpci_arena_strndup(&held->arena, key.data, key.len);
    /* Copied, as bytes of the region could change while they are decoded. */
    shmrpci_buf_reset(&held->bytes);
    shmrpci_buf_append(&held->bytes, value.data, value.len);
    if (name == NULL || held->bytes.status != SHMRPC_OK) {
        return no_memory(error);
    }
    shmrpc_status status =
        shmrpci_key_decode(handle->row.key, (const uint8_t *)name, key.len,
                           &held->arena, &entry->key, error);
    if (status == SHMRPC_OK) {
        status =
            shmrpci_held_decode_to(handle, held->bytes.data, held->bytes.len,
                                   &held->arena, &entry->value, error);
    }
    of->count += status == SHMRPC_OK ? 1 : 0;
    return status;
}

/* Reads from a view, so that the result is the state of one moment. */
static shmrpc_status gather_all(gathering *of, shmrpc_error *error)
{
    shmrpc_dict *dict = of->dict;
    shmrpci_table_view view;
    shmrpci_table_bytes key;
    shmrpci_table_bytes value;
    /* Views are opened and closed under the mutex, and read without it. */
    shmrpci_mutex_lock(&dict->mutex);
    shmrpc_status status = shmrpci_table_view_open(&dict->table, &view, error);
    shmrpci_mutex_unlock(&dict->mutex);
    if (status != SHMRPC_OK) {
        return status;
    }
    while (status == SHMRPC_OK) {
        status = shmrpci_table_view_next(&view, &key, &value, NULL);
        if (status == SHMRPC_OK) {
            status = gather(of, key, value, error);
        } else if (status != SHMRPC_E_NOT_FOUND) {
            (void)shmrpc_error_set(error, status, "it is damaged");
        }
    }
    shmrpci_mutex_lock(&dict->mutex);
    shmrpci_table_view_close(&view);
    shmrpci_mutex_unlock(&dict->mutex);
    return status == SHMRPC_E_NOT_FOUND ? SHMRPC_OK : status;
}

/* The entries move from the heap into the item that the user releases. */
static shmrpc_status make_map(const gathering *of, shmrpc_error *error)
{
    shmrpc_any *map = (shmrpc_any *)(uintptr_t)shmrpci_held_value(of->held);
    size_t bytes = of->count * sizeof *of->entries;
    shmrpc_any_entry *entries =
        shmrpci_arena_alloc(&of->held->arena, bytes, 16);
    if (entries == NULL) {
        return no_memory(error);
    }
    if (bytes > 0) {
        memcpy(entries, of->entries, bytes);
    }
    *map = shmrpc_any_map_of(entries, of->count);
    return SHMRPC_OK;
}

/* Returns a map in the order of the dict, as one item. */
shmrpc_status shmrpc_dict_all(shmrpc_dict *dict, const shmrpc_any **out,
                              shmrpc_error *error)
{
    gathering of = {.dict = dict};
    shmrpc_status status = shmrpci_handle_ensure(&dict->handle, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    of.held = shmrpci_held_take(&dict->handle);
    if (of.held == NULL) {
        return shmrpci_handle_fail(&dict->handle, SHMRPC_E_NO_MEMORY,
                                   "out of memory", error);
    }
    status = gather_all(&of, error);
    if (status == SHMRPC_OK) {
        status = make_map(&of, error);
    }
    free(of.entries);
    if (status != SHMRPC_OK) {
        shmrpci_held_give(of.held);
        return shmrpci_handle_explain(&dict->handle, status, error);
    }
    *out = shmrpci_held_value(of.held);
    return SHMRPC_OK;
}

/* ---- comparing ----------------------------------------------------------- */

/* Whether two dicts have the same entries: all entries of the first are in the
 * second, and both have the same number. Returns NOT_FOUND if an entry is
 * missing in the second, or differs. */
static shmrpc_status compare(const shmrpc_any *one, shmrpc_view *two,
                             shmrpc_error *error)
{
    const shmrpc_any *key;
    const shmrpc_any *value;
    for (size_t i = 0; i < one->u.map.len; i++) {
        const shmrpc_any_entry *entry = &one->u.map.ptr[i];
        shmrpc_path path = shmrpc_path_of(&entry->key, 1);
        shmrpc_status status = shmrpc_view_get(two, &path, &value, error);
        if (status != SHMRPC_OK) {
            return status;
        }
        if (!shmrpc_any_equal(&entry->value, value)) {
            return SHMRPC_E_NOT_FOUND;
        }
    }
    size_t count = 0;
    shmrpc_status status = SHMRPC_OK;
    /* Stops counting as soon as `two` has one entry more than `one`. */
    while (status == SHMRPC_OK && count <= one->u.map.len) {
        status = shmrpc_view_next(two, &key, &value, error);
        count += status == SHMRPC_OK ? 1 : 0;
    }
    return status == SHMRPC_E_NOT_FOUND && count == one->u.map.len ? SHMRPC_OK
           : status == SHMRPC_OK ? SHMRPC_E_NOT_FOUND
                                 : status;
}

/* Each dict is read as of one moment, but the two moments differ. */
shmrpc_status shmrpc_dict_equal(shmrpc_dict *dict, shmrpc_dict *other,
                                bool *out, shmrpc_error *error)
{
    const shmrpc_any *all;
    shmrpc_view *view;
    shmrpc_status status = shmrpc_dict_all(dict, &all, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = shmrpc_dict_view_open(other, &view, error);
    if (status == SHMRPC_OK) {
        status = compare(all, view, error);
        shmrpc_view_close(view);
    }
    shmrpc_dict_release(dict, all);
    if (status != SHMRPC_OK && status != SHMRPC_E_NOT_FOUND) {
        return status;
    }
    *out = status == SHMRPC_OK;
    return SHMRPC_OK;
}
