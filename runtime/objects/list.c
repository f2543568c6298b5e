/* Values that are lists: reading and changing single items, as nests of one
 * level. A list of a declared type is stored as msgpack, and becomes a nest
 * with its first change, however short it is. After that, access to an item
 * costs the same in a list of any length. */
#include <string.h>

#include "objects/dict_nest.h"
#include "objects/dict_remote.h"

/* The handle of a value is that of a dict. */
static shmrpc_dict *dict_of(shmrpc_value *value)
{
    return (shmrpc_dict *)(void *)value;
}

/* A value has one key, which is empty. */
static const shmrpci_table_bytes the_key = {"", 0};

static const shmrpc_type *list_type(const shmrpc_dict *dict)
{
    return dict->handle.row.element;
}

/* Puts the first item of a value that does not exist yet: a list of one item in
 * msgpack (0x91). Returns MORE if another change was committed first; then the
 * item must be appended. */
static shmrpc_status put_first(shmrpc_dict *dict, const void *item,
                               shmrpc_error *error)
{
    const shmrpc_type *list = list_type(dict);
    shmrpci_buf buf;
    shmrpci_buf_init_heap(&buf);
    shmrpci_buf_append_char(&buf, '\x91');
    shmrpc_status status =
        shmrpci_held_encode(&dict->handle, list->element, item, &buf, error);
    if (status == SHMRPC_OK) {
        status = shmrpci_dict_nest_judge_len(list, 1, error);
    }
    if (status == SHMRPC_OK) {
        status = shmrpci_table_put(&dict->table, the_key,
                                   (shmrpci_table_bytes){buf.data, buf.len},
                                   SHMRPCI_TABLE_ABSENT, NULL, error);
    }
    shmrpci_buf_fini(&buf);
    return status == SHMRPC_E_EXISTS ? SHMRPC_MORE : status;
}

/* The common part of all changes. NOT_FOUND from the table means that there is
 * no list yet; append and insert make one. */
static shmrpc_status change(shmrpc_dict *dict, shmrpci_tree_op op,
                            int64_t position, const void *item,
                            shmrpci_held *was, shmrpc_error *error)
{
    const shmrpc_any step = shmrpc_any_i64(position);
    const shmrpci_dict_nest_change what = {
        &step,          op == SHMRPCI_TREE_APPEND ? 0 : 1, op, item, was,
        list_type(dict)};
    shmrpc_status status = shmrpci_dict_may_change(dict, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    status =
        shmrpci_dict_remote_lacks(dict,
                                  "over NATS single items of a list can't be "
                                  "changed: put the whole list, or use update",
                                  error);
    if (status != SHMRPC_OK) {
        return shmrpci_handle_explain(&dict->handle, status, error);
    }
    if (shmrpci_region_is_destroyed(&dict->table.region)) {
        return shmrpci_handle_fail(&dict->handle, SHMRPC_E_DESTROYED,
                                   "it has been destroyed", error);
    }
    shmrpci_mutex_lock(&dict->mutex);
    /* Another thread may make the list, or delete it, at the same moment; then
     * append and insert try again. */
    do {
        status = shmrpci_dict_nest_apply(dict, the_key, &what, error);
        if (status == SHMRPC_E_NOT_FOUND &&
            (op == SHMRPCI_TREE_APPEND || op == SHMRPCI_TREE_INSERT)) {
            status = put_first(dict, item, error);
        }
    } while (status == SHMRPC_MORE);
    shmrpci_mutex_unlock(&dict->mutex);
    return shmrpci_handle_explain(&dict->handle, status, error);
}

/* Generated code calls these; items are pointers to C values of the list's
 * element type. */
int shmrpc_stub_list_append(shmrpc_value *value, const void *item,
                            shmrpc_error *error)
{
    return change(dict_of(value), SHMRPCI_TREE_APPEND, 0, item, NULL, error);
}

int shmrpc_stub_list_insert(shmrpc_value *value, int64_t position,
                            const void *item, shmrpc_error *error)
{
    return change(dict_of(value), SHMRPCI_TREE_INSERT, position, item, NULL,
                  error);
}

int shmrpc_stub_list_set(shmrpc_value *value, int64_t position,
                         const void *item, shmrpc_error *error)
{
    return change(dict_of(value), SHMRPCI_TREE_PUT, position, item, NULL,
                  error);
}

static shmrpci_held *take(shmrpc_dict *dict, shmrpc_error *error)
{
    shmrpci_held *held = shmrpci_held_take(&dict->handle);
    if (held == NULL) {
        (void)shmrpci_handle_fail(&dict->handle, SHMRPC_E_NO_MEMORY,
                                  "out of memory", error);
    }
    return held;
}

/* If `out` is NULL the item is deleted without being read. */
int shmrpc_stub_list_pop(shmrpc_value *value, int64_t position,
                         const void **out, shmrpc_error *error)
{
    shmrpc_dict *dict = dict_of(value);
    shmrpci_held *was = out != NULL ? take(dict, error) : NULL;
    if (out != NULL && was == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    shmrpc_status status =
        change(dict, SHMRPCI_TREE_DEL, position, NULL, was, error);
    if (was != NULL && status != SHMRPC_OK) {
        shmrpci_held_give(was);
    } else if (was != NULL) {
        *out = shmrpci_held_value(was);
    }
    return status;
}

/* If `used` is 0 the list is not a nest yet, and the item is cut out of the
 * list's bytes. */
static shmrpc_status read_item(shmrpc_dict *dict, int64_t position,
                               shmrpci_held *held, shmrpc_error *error)
{
    const shmrpc_any step = shmrpc_any_i64(position);
    size_t used;
    uint64_t len;
    shmrpc_status status = shmrpci_dict_nest_fetch(dict, the_key, &step, 1,
                                                   held, &used, NULL, error);
    shmrpci_table_bytes bytes = {held->bytes.data, held->bytes.len};
    if (status == SHMRPC_OK && used == 0) {
        status = shmrpci_dict_nest_slice(bytes, &step, &bytes, &len, error);
    }
    return status == SHMRPC_OK
               ? shmrpci_held_decode_item(held, bytes.data, bytes.len, error)
               : status;
}

int shmrpc_stub_list_at(shmrpc_value *value, int64_t position, const void **out,
                        shmrpc_error *error)
{
    shmrpc_dict *dict = dict_of(value);
    shmrpc_status status = shmrpci_handle_ensure(&dict->handle, error);
    shmrpci_held *held = status == SHMRPC_OK ? take(dict, error) : NULL;
    if (held == NULL) {
        return status == SHMRPC_OK ? SHMRPC_E_NO_MEMORY : status;
    }
    status = read_item(dict, position, held, error);
    if (status == SHMRPC_OK) {
        *out = shmrpci_held_value(held);
    } else {
        shmrpci_held_give(held);
    }
    return shmrpci_handle_explain(&dict->handle, status, error);
}

/* A nest knows its length; other lists must be read. */
int shmrpc_stub_list_len(shmrpc_value *value, uint64_t *out,
                         shmrpc_error *error)
{
    shmrpc_dict *dict = dict_of(value);
    size_t used;
    shmrpc_status status = shmrpci_handle_ensure(&dict->handle, error);
    if (status != SHMRPC_OK ||
        shmrpci_dict_nest_len(dict, the_key, NULL, 0, out) == SHMRPC_OK) {
        return status;
    }
    shmrpci_held *held = take(dict, error);
    if (held == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    status = shmrpci_dict_nest_fetch(dict, the_key, NULL, 0, held, &used, NULL,
                                     error);
    if (status == SHMRPC_OK) {
        shmrpci_table_bytes bytes = {held->bytes.data, held->bytes.len};
        status = shmrpci_dict_nest_slice(bytes, NULL, &bytes, out, error);
        /* The position does not matter: slice also returns the length. */
        status = status == SHMRPC_E_NOT_FOUND ? SHMRPC_OK : status;
    } else if (status == SHMRPC_E_NOT_FOUND) {
        *out = 0; /* the list does not exist yet */
        status = SHMRPC_OK;
    }
    shmrpci_held_give(held);
    return shmrpci_handle_explain(&dict->handle, status, error);
}
