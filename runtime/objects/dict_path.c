/*
 * Paths into dicts and values of any shape. A change below a key is a change of
 * that key. A short value is read, changed as a tree, and put back if the key's
 * value is still the same; otherwise all of this is repeated. A long value
 * becomes a nest, in which only the item at the end of the path is changed
 * (dict_nest.h). At 512 bytes both ways cost about the same.
 *
 * A path begins with the key, unless the object is a value, which has none.
 * dict.c handles paths that end at the key itself.
 */
#include <string.h>

#include "objects/dict_nest.h"
#include "objects/dict_remote.h"

/* ---- reading ------------------------------------------------------------- */

static shmrpc_status bad_path(shmrpc_error *error)
{
    (void)shmrpc_error_set(error, SHMRPC_E_INVALID,
                           "the path has no steps: the first step is the key");
    return SHMRPC_E_INVALID;
}

/* Moves the value at the end of the path to the beginning of `held`, which the
 * user gets. Its data stays in the item's memory. */
static shmrpc_status narrow(shmrpci_held *held, const shmrpc_any *steps,
                            size_t from, size_t count, shmrpc_error *error)
{
    const shmrpc_any *tree = shmrpci_held_value(held);
    const shmrpc_any *found;
    shmrpc_status status =
        shmrpci_tree_get(tree, steps, from, count, &found, error);
    if (status == SHMRPC_OK) {
        shmrpc_any copy = *found;
        memcpy((uint8_t *)held + SHMRPCI_HELD_BYTES, &copy, sizeof copy);
    }
    return status;
}

/* Follows the path through nests first, then through the remaining tree. */
static shmrpc_status get_below(shmrpc_dict *dict, shmrpci_table_bytes key,
                               const shmrpc_any *steps, size_t count,
                               shmrpci_held *held, uint64_t *out_version,
                               shmrpc_error *error)
{
    size_t used = 0;
    shmrpc_status status =
        out_version != NULL && shmrpci_dict_is_remote(dict)
            ? shmrpci_dict_remote_get(dict, key, &held->bytes, out_version,
                                      error)
            : shmrpci_dict_nest_fetch(dict, key, steps, count, held, &used,
                                      out_version, error);
    if (status == SHMRPC_OK) {
        status =
            shmrpci_held_decode(held, held->bytes.data, held->bytes.len, error);
    }
    return status == SHMRPC_OK ? narrow(held, steps, used, count, error)
                               : status;
}

/* Without steps `*out` is the whole value, of whatever type the dict has. With
 * steps it is an `any`. */
shmrpc_status shmrpci_dict_path_get(shmrpc_dict *dict, shmrpci_table_bytes key,
                                    const shmrpc_any *steps, size_t count,
                                    const shmrpc_any **out,
                                    uint64_t *out_version, shmrpc_error *error)
{
    shmrpci_held *held;
    if (count == 0) {
        shmrpc_status status =
            shmrpci_dict_fetch(dict, key, &held, out_version, error);
        if (status == SHMRPC_OK) {
            *out = shmrpci_held_value(held);
        }
        return status;
    }
    held = shmrpci_held_take(&dict->handle);
    if (held == NULL) {
        (void)shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
        return SHMRPC_E_NO_MEMORY;
    }
    shmrpc_status status =
        get_below(dict, key, steps, count, held, out_version, error);
    if (status != SHMRPC_OK) {
        shmrpci_held_give(held);
        return status;
    }
    *out = shmrpci_held_value(held);
    return SHMRPC_OK;
}

/* A path, split into the encoded key and the steps after it. */
typedef struct route {
    shmrpci_dict_key key;
    shmrpci_table_bytes bytes;
    const shmrpc_any *steps; /* after the key */
    size_t count;
} route;

/* The caller must call shmrpci_dict_key_fini() for `out->key`, even if the path
 * is refused. */
static shmrpc_status begin(shmrpc_dict *dict, const shmrpc_path *path,
                           route *out, shmrpc_error *error)
{
    bool has_key = dict->handle.row.key != NULL;
    size_t len = path != NULL ? path->len : 0;
    if (has_key && len == 0) {
        (void)shmrpci_dict_key_init(dict, NULL, &out->key, NULL);
        return bad_path(error);
    }
    shmrpc_status status = shmrpci_dict_key_init(
        dict, has_key ? path->ptr : NULL, &out->key, error);
    out->bytes = shmrpci_dict_key_bytes(&out->key);
    out->steps = len > 0 ? path->ptr + (has_key ? 1 : 0) : NULL;
    out->count = len - (has_key ? 1 : 0);
    return status;
}

shmrpc_status shmrpc_dict_get(shmrpc_dict *dict, const shmrpc_path *path,
                              const shmrpc_any **out, uint64_t *out_version,
                              shmrpc_error *error)
{
    route to;
    shmrpc_status status = shmrpci_handle_ensure(&dict->handle, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = begin(dict, path, &to, error);
    if (status == SHMRPC_OK) {
        status = shmrpci_dict_path_get(dict, to.bytes, to.steps, to.count, out,
                                       out_version, error);
    }
    shmrpci_dict_key_fini(&to.key);
    return shmrpci_handle_explain(&dict->handle, status, error);
}

/* Items of `any` and of declared types are released in the same way. */
void shmrpc_dict_release(shmrpc_dict *dict, const shmrpc_any *value)
{
    shmrpc_stub_dict_release(dict, value);
}

shmrpc_status shmrpc_dict_contains(shmrpc_dict *dict, const shmrpc_path *path,
                                   shmrpc_error *error)
{
    const shmrpc_any *value;
    /* A whole key is looked up without reading its value. */
    if (path != NULL && path->len == 1 && dict->handle.row.key != NULL) {
        return (shmrpc_status)shmrpc_stub_dict_contains(dict, path->ptr, error);
    }
    shmrpc_status status = shmrpc_dict_get(dict, path, &value, NULL, error);
    if (status == SHMRPC_OK) {
        shmrpc_dict_release(dict, value);
    }
    return status;
}

/* The number of items, without reading them. Returns MORE if the value is not a
 * nest. */
static shmrpc_status nest_len(shmrpc_dict *dict, const shmrpc_path *path,
                              uint64_t *out)
{
    route to;
    shmrpc_status status = begin(dict, path, &to, NULL);
    if (status == SHMRPC_OK) {
        status = shmrpci_dict_nest_len(dict, to.bytes, to.steps, to.count, out);
    }
    shmrpci_dict_key_fini(&to.key);
    return status;
}

/* Text has no length here: that could be in bytes or in characters, and asking
 * for it is probably a mistake. */
static shmrpc_status len_of(shmrpc_dict *dict, const shmrpc_any *value,
                            uint64_t *out, shmrpc_error *error)
{
    switch (value->kind) {
    case SHMRPC_ANY_LIST:
        *out = value->u.list.len;
        return SHMRPC_OK;
    case SHMRPC_ANY_MAP:
        *out = value->u.map.len;
        return SHMRPC_OK;
    case SHMRPC_ANY_NULL:
    case SHMRPC_ANY_BOOL:
    case SHMRPC_ANY_I64:
    case SHMRPC_ANY_U64:
    case SHMRPC_ANY_F64:
    case SHMRPC_ANY_STR:
    case SHMRPC_ANY_BYTES:
    case SHMRPC_ANY_EXT:
    case SHMRPC_ANY_F32:
        break;
    }
    return shmrpci_handle_fail(&dict->handle, SHMRPC_E_PRECONDITION,
                               "the value is neither a map nor a list", error);
}

/* The length comes from the table's own count, from a nest, or from a value
 * that is read whole. */
shmrpc_status shmrpc_dict_len(shmrpc_dict *dict, const shmrpc_path *path,
                              uint64_t *out, shmrpc_error *error)
{
    const shmrpc_any *value;
    if (dict->handle.row.key != NULL && (path == NULL || path->len == 0)) {
        shmrpc_status status = shmrpci_handle_ensure(&dict->handle, error);
        if (status == SHMRPC_OK) {
            *out = shmrpci_table_len(&dict->table);
        }
        return status;
    }
    shmrpc_status status = shmrpci_handle_ensure(&dict->handle, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    if (!shmrpci_region_is_destroyed(&dict->table.region) &&
        nest_len(dict, path, out) == SHMRPC_OK) {
        return SHMRPC_OK;
    }
    status = shmrpc_dict_get(dict, path, &value, NULL, error);
    if (status == SHMRPC_OK) {
        status = len_of(dict, value, out, error);
        shmrpc_dict_release(dict, value);
    }
    return status;
}

/* ---- changing ------------------------------------------------------------ */

/* A change of a short value. */
typedef struct change {
    const shmrpc_dict *dict;
    const route *to;
    shmrpci_tree_op op;
    const shmrpc_any *value;
    shmrpci_held *was; /* receives the deleted value; may be NULL */
    shmrpci_arena arena;
    shmrpc_error *error;
    bool has_grown; /* the value is no longer short */
} change;

/* Copies the deleted value, because the tree that contains it ends with the
 * call. */
static shmrpc_status keep(const change *of, const shmrpc_any *was)
{
    const shmrpci_handle *handle = &of->dict->handle;
    shmrpci_buf_reset(&of->was->bytes);
    shmrpci_arena_reset(&of->was->arena);
    shmrpc_status status = shmrpci_held_encode(handle, handle->row.element, was,
                                               &of->was->bytes, of->error);
    return status == SHMRPC_OK
               ? shmrpci_held_decode(of->was, of->was->bytes.data,
                                     of->was->bytes.len, of->error)
               : status;
}

/* Whether the dict's long values are changed as nests; only dicts of this
 * machine have nests. */
static bool has_nests(const shmrpc_dict *dict)
{
    return shmrpci_dict_nests(dict) && !shmrpci_dict_is_remote(dict);
}

/* Called by the table, and again if another change was committed first. Returns
 * ABORTED and sets `has_grown` if the value has become long meanwhile. */
static shmrpc_status change_tree(void *user, shmrpci_table_bytes was,
                                 shmrpci_buf *now,
                                 shmrpci_table_verdict *verdict)
{
    change *of = user;
    const shmrpci_handle *handle = &of->dict->handle;
    shmrpc_any tree;
    shmrpc_any changed;
    const shmrpc_any *deleted = NULL;
    shmrpci_arena_reset(&of->arena);
    if (was.data == NULL) {
        (void)shmrpc_error_set(of->error, SHMRPC_E_NOT_FOUND,
                               "there is no such key");
        return SHMRPC_E_NOT_FOUND;
    }
    /* Others can change a nest faster than this writer can read and replace all
     * of it, so it might never be the first to commit. */
    if (has_nests(of->dict) && was.len > SHMRPCI_NEST_INLINE_BYTES) {
        of->has_grown = true;
        return SHMRPC_E_ABORTED;
    }
    shmrpc_status status = shmrpci_held_decode_to(handle, was.data, was.len,
                                                  &of->arena, &tree, of->error);
    if (status == SHMRPC_OK) {
        status = shmrpci_tree_change(&of->arena, &tree, of->to->steps, 0,
                                     of->to->count, of->op, of->value, &changed,
                                     &deleted, of->error);
    }
    if (status == SHMRPC_OK && of->was != NULL && deleted != NULL) {
        status = keep(of, deleted);
    }
    if (status == SHMRPC_OK) {
        *verdict = SHMRPCI_TABLE_PUT;
        status = shmrpci_held_encode(handle, handle->row.element, &changed, now,
                                     of->error);
    }
    return status;
}

/* Whether to change the value as a nest. The answer may be out of date: both
 * ways are correct, but not equally fast. */
static bool is_long(shmrpc_dict *dict, shmrpci_table_bytes key)
{
    shmrpci_table_peek peek;
    return has_nests(dict) &&
           shmrpci_table_look(&dict->table, key, &peek, NULL) == SHMRPC_OK &&
           (peek.value.is_ref ||
            peek.value.bytes.len > SHMRPCI_NEST_INLINE_BYTES);
}

/* Holds the mutex, because edits of one process must take turns. */
static shmrpc_status change_nest(shmrpc_dict *dict, const change *of,
                                 shmrpc_error *error)
{
    const shmrpci_dict_nest_change what = {of->to->steps, of->to->count, of->op,
                                           of->value,     of->was,       NULL};
    shmrpci_mutex_lock(&dict->mutex);
    shmrpc_status status =
        shmrpci_dict_nest_apply(dict, of->to->bytes, &what, error);
    shmrpci_mutex_unlock(&dict->mutex);
    return status;
}

/* Changes the value as a nest or as a tree, depending on its length. The error
 * of the path or the codec is kept apart from the table's. */
static shmrpc_status change_below(shmrpc_dict *dict, change *of,
                                  shmrpc_error *error)
{
    if (is_long(dict, of->to->bytes)) {
        return change_nest(dict, of, error);
    }

    shmrpc_error inner = {0};
    shmrpc_error outer = {0};
    of->error = &inner;
    shmrpci_arena_init(&of->arena, 0);
    shmrpc_status status =
        shmrpci_dict_update_bytes(dict, of->to->bytes, change_tree, of, &outer);
    shmrpci_arena_fini(&of->arena);
    if (of->has_grown) {
        return change_nest(dict, of, error);
    }
    if (status != SHMRPC_OK && error != NULL) {
        /* The error of the path or the codec says more than the table's. */
        *error = inner.code == (int32_t)status ? inner : outer;
    }
    return status;
}

/* Used if the path ends at the key, so that no tree is involved. */
static shmrpc_status change_whole(shmrpc_dict *dict, const change *of,
                                  shmrpc_error *error)
{
    if (of->op == SHMRPCI_TREE_DEL) {
        shmrpc_status status = shmrpci_dict_del_bytes(
            dict, of->to->bytes, of->was != NULL ? &of->was->bytes : NULL,
            error);
        return status == SHMRPC_OK && of->was != NULL
                   ? shmrpci_held_decode(of->was, of->was->bytes.data,
                                         of->was->bytes.len, error)
                   : status;
    }
    return shmrpci_dict_store(dict, of->to->bytes, of->value,
                              of->op == SHMRPCI_TREE_PUT_NEW
                                  ? SHMRPCI_TABLE_ABSENT
                                  : SHMRPCI_TABLE_ANY,
                              NULL, error);
}

/* The common part of all changes: checks that they are allowed, splits the
 * path, makes the change. */
static shmrpc_status run(shmrpc_dict *dict, const shmrpc_path *path,
                         shmrpci_tree_op op, const shmrpc_any *value,
                         shmrpci_held *was, shmrpc_error *error)
{
    route to;
    change of = {.dict = dict, .to = &to, .op = op, .value = value, .was = was};
    shmrpc_status status = shmrpci_dict_may_change(dict, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = begin(dict, path, &to, error);
    if (status == SHMRPC_OK && to.count == 0 && op == SHMRPCI_TREE_INSERT) {
        (void)shmrpc_error_set(error, SHMRPC_E_INVALID,
                               "the path has no position");
        status = SHMRPC_E_INVALID;
    } else if (status == SHMRPC_OK) {
        status = to.count == 0 && op != SHMRPCI_TREE_APPEND
                     ? change_whole(dict, &of, error)
                     : change_below(dict, &of, error);
    }
    shmrpci_dict_key_fini(&to.key);
    return shmrpci_handle_explain(&dict->handle, status, error);
}

shmrpc_status shmrpc_dict_put(shmrpc_dict *dict, const shmrpc_path *path,
                              const shmrpc_any *value, shmrpc_error *error)
{
    return run(dict, path, SHMRPCI_TREE_PUT, value, NULL, error);
}

shmrpc_status shmrpc_dict_put_new(shmrpc_dict *dict, const shmrpc_path *path,
                                  const shmrpc_any *value, shmrpc_error *error)
{
    return run(dict, path, SHMRPCI_TREE_PUT_NEW, value, NULL, error);
}

shmrpc_status shmrpc_dict_insert(shmrpc_dict *dict, const shmrpc_path *path,
                                 const shmrpc_any *value, shmrpc_error *error)
{
    return run(dict, path, SHMRPCI_TREE_INSERT, value, NULL, error);
}

shmrpc_status shmrpc_dict_append(shmrpc_dict *dict, const shmrpc_path *path,
                                 const shmrpc_any *value, shmrpc_error *error)
{
    return run(dict, path, SHMRPCI_TREE_APPEND, value, NULL, error);
}

shmrpc_status shmrpc_dict_del(shmrpc_dict *dict, const shmrpc_path *path,
                              shmrpc_error *error)
{
    return run(dict, path, SHMRPCI_TREE_DEL, NULL, NULL, error);
}

/* The room for the deleted value is allocated before anything is deleted. */
shmrpc_status shmrpc_dict_pop(shmrpc_dict *dict, const shmrpc_path *path,
                              const shmrpc_any **out, shmrpc_error *error)
{
    shmrpci_held *was = shmrpci_held_take(&dict->handle);
    if (was == NULL) {
        (void)shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
        return SHMRPC_E_NO_MEMORY;
    }
    shmrpc_status status = run(dict, path, SHMRPCI_TREE_DEL, NULL, was, error);
    if (status != SHMRPC_OK) {
        shmrpci_held_give(was);
        return status;
    }
    *out = shmrpci_held_value(was);
    return SHMRPC_OK;
}

shmrpc_status shmrpc_dict_put_if(shmrpc_dict *dict, const shmrpc_path *path,
                                 const shmrpc_any *value, uint64_t version,
                                 uint64_t *out_version, shmrpc_error *error)
{
    route to;
    shmrpc_status status = shmrpci_dict_may_change(dict, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = begin(dict, path, &to, error);
    /* ANY and ABSENT are not versions: the table's functions accept them in
     * place of one. A user must not pass them. */
    bool is_version =
        version != SHMRPCI_TABLE_ANY && version != SHMRPCI_TABLE_ABSENT;
    if (status == SHMRPC_OK && (to.count != 0 || !is_version)) {
        (void)shmrpc_error_set(
            error, SHMRPC_E_INVALID,
            "only a whole key has a version: pass the one that get returned");
        status = SHMRPC_E_INVALID;
    } else if (status == SHMRPC_OK) {
        status = shmrpci_dict_store(dict, to.bytes, value, version, out_version,
                                    error);
    }
    shmrpci_dict_key_fini(&to.key);
    return shmrpci_handle_explain(&dict->handle, status, error);
}

/* Adapts a user's function to the form of generated code. */
static int call_updater(shmrpc_function updater, void *user, const void *was,
                        void *now)
{
    return ((shmrpc_dict_updater *)updater)(user, was, now);
}

/* Only whole keys can be updated. Updating a part of a value would need the
 * version of that part, but only keys have versions. */
shmrpc_status shmrpc_dict_update(shmrpc_dict *dict, const shmrpc_path *path,
                                 shmrpc_dict_updater *updater, void *user,
                                 shmrpc_error *error)
{
    size_t wanted = dict->handle.row.key != NULL ? 1 : 0;
    if ((path != NULL ? path->len : 0) != wanted) {
        return shmrpci_handle_fail(&dict->handle, SHMRPC_E_INVALID,
                                   wanted != 0
                                       ? "update needs a path of one step, the "
                                         "key"
                                       : "a value has no key: update needs an "
                                         "empty path",
                                   error);
    }
    return (shmrpc_status)shmrpc_stub_dict_update(
        dict, wanted != 0 ? path->ptr : NULL, call_updater,
        (shmrpc_function)updater, user, error);
}
