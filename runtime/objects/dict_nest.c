/*
 * Paths through nests. A nest is a value of the table that is stored as a tree
 * of blocks (table/nest.h). A path in it can be read, or one item changed,
 * without touching the rest.
 *
 * Reading takes no lock, and a value may change at any moment. So a reader
 * follows the whole path, copies the bytes, and then checks that the entry is
 * still the same. If it isn't, the reader tries again. After ATTEMPTS attempts
 * it pins the state of the table, and reads under the pin.
 *
 * Everything that others can see in the table is constant. So a change builds
 * new blocks on the path from the root to the item, and then replaces the root,
 * unless another change was committed first. The path may lead to a value that
 * is not a nest. If that value is a long map or list, it becomes a nest. Any
 * other value is decoded, changed as a tree and encoded again.
 */
#include "objects/dict_nest.h"

#include <string.h>

#include "codec/codec.h"

/* How often a nest is read without a lock before it is pinned. */
#define ATTEMPTS 8u

/* Whether a value is a nest. Short values are bytes in their item;
 * SHMRPCI_NEST_BYTES is a long value in one block, without structure. */
static bool is_nest(const shmrpci_nest_value *value)
{
    return value->is_ref && value->ref.shape != SHMRPCI_NEST_BYTES;
}

/* ---- one step ------------------------------------------------------------ */

/* Where a step leads in a nest: its `position`, and in a map the `key`, which
 * is the encoded step. */
typedef struct place {
    uint64_t position; /* length + 1 if it is beyond the end of the list */
    bool is_there;
    shmrpci_nest_item item;
    shmrpci_buf key; /* used for a map */
} place;

static void forget(place *of)
{
    shmrpci_buf_fini(&of->key);
}

static shmrpc_status damaged(shmrpc_error *error)
{
    (void)shmrpc_error_set(error, SHMRPC_E_DATA_LOSS, "the value is damaged");
    return SHMRPC_E_DATA_LOSS;
}

/* Keys of a nest have the form of dict keys, and are found by their bytes. */
static shmrpc_status find_key(const shmrpci_table *table,
                              const shmrpci_nest_ref *ref,
                              const shmrpc_any *step, size_t depth, place *out,
                              shmrpc_error *error)
{
    shmrpc_status status =
        shmrpci_key_encode(&shmrpc_type_any, step, &out->key, error);
    if (status != SHMRPC_OK) {
        return status == SHMRPC_E_INVALID
                   ? shmrpci_tree_fail(depth, status,
                                       "this value can't be a key", error)
                   : status;
    }
    return shmrpci_nest_find(table, ref,
                             (shmrpci_table_bytes){out->key.data, out->key.len},
                             &out->position, &out->item);
}

/* Returns OK even if nothing is there; `is_there` tells. The caller must free
 * the place in any case. */
static shmrpc_status find(const shmrpci_table *table,
                          const shmrpci_nest_ref *ref, const shmrpc_any *step,
                          size_t depth, place *out, shmrpc_error *error)
{
    shmrpc_status status;
    *out = (place){0};
    shmrpci_buf_init_heap(&out->key);
    if (ref->shape == SHMRPCI_NEST_MAP) {
        status = find_key(table, ref, step, depth, out, error);
    } else {
        status = shmrpci_tree_position(ref->count, step, depth, &out->position,
                                       error);
        if (status == SHMRPC_OK) {
            status = shmrpci_nest_at(table, ref, out->position, &out->item);
        }
    }
    out->is_there = status == SHMRPC_OK;
    if (status == SHMRPC_E_DATA_LOSS) {
        return damaged(error);
    }
    return status == SHMRPC_E_NOT_FOUND ? SHMRPC_OK : status;
}

static shmrpc_status not_there(size_t depth, shmrpc_error *error)
{
    return shmrpci_tree_fail(depth, SHMRPC_E_NOT_FOUND, "nothing is there",
                             error);
}

/* ---- reading ------------------------------------------------------------- */

shmrpc_status shmrpci_dict_nest_reach(const shmrpci_table *table,
                                      const shmrpci_nest_value *from,
                                      const shmrpc_any *steps, size_t len,
                                      shmrpci_nest_value *out, size_t *out_used,
                                      shmrpc_error *error)
{
    size_t used = 0;
    shmrpc_status status = SHMRPC_OK;
    *out = *from;
    while (status == SHMRPC_OK && used < len && is_nest(out)) {
        place at;
        status = find(table, &out->ref, &steps[used], used, &at, error);
        if (status == SHMRPC_OK && !at.is_there) {
            status = not_there(used, error);
        }
        /* After a failure `at` has no valid item, but then no caller uses
         * `*out`. */
        *out = at.item.value;
        used++;
        forget(&at);
    }
    *out_used = used;
    return status;
}

/* Follows the path as far as it leads through nests, and fetches the bytes of
 * the value that it reaches. `*out_used` is the number of steps followed. */
static shmrpc_status fetch_part(const shmrpci_table *table,
                                const shmrpci_nest_value *value,
                                const shmrpc_any *steps, size_t count,
                                shmrpci_held *held, size_t *out_used,
                                shmrpc_error *error)
{
    shmrpci_nest_value found;
    shmrpc_status status = shmrpci_dict_nest_reach(table, value, steps, count,
                                                   &found, out_used, error);
    if (status == SHMRPC_OK) {
        shmrpci_buf_reset(&held->bytes);
        status = shmrpci_nest_append(table, &found, &held->bytes);
        if (status != SHMRPC_OK) {
            (void)shmrpc_error_set(error, status, "%s",
                                   shmrpc_status_text(status));
        }
    }
    return status;
}

/* The same under a pin, for entries that others keep changing. */
static shmrpc_status fetch_pinned(shmrpc_dict *dict, shmrpci_table_bytes key,
                                  const shmrpc_any *steps, size_t count,
                                  shmrpci_held *held, size_t *out_used,
                                  uint64_t *out_version, shmrpc_error *error)
{
    shmrpci_table_view view;
    shmrpci_nest_value value;
    shmrpci_mutex_lock(&dict->mutex);
    shmrpc_status status = shmrpci_table_view_open(&dict->table, &view, error);
    if (status == SHMRPC_OK) {
        status = shmrpci_table_view_look(&view, key, &value, out_version);
        status = status == SHMRPC_OK ? fetch_part(&dict->table, &value, steps,
                                                  count, held, out_used, error)
                                     : shmrpci_dict_missing(status, error);
        shmrpci_table_view_close(&view);
    }
    shmrpci_mutex_unlock(&dict->mutex);
    return status;
}

/* A status that depends on the value, such as NOT_FOUND, is returned only if
 * the entry did not change meanwhile. */
static shmrpc_status fetch(shmrpc_dict *dict, shmrpci_table_bytes key,
                           const shmrpc_any *steps, size_t count,
                           shmrpci_held *held, size_t *out_used,
                           uint64_t *out_version, shmrpc_error *error)
{
    shmrpci_table_peek peek;
    for (unsigned i = 0; i < ATTEMPTS; i++) {
        shmrpc_status status =
            shmrpci_table_look(&dict->table, key, &peek, NULL);
        if (status != SHMRPC_OK) {
            return shmrpci_dict_missing(status, error);
        }
        status = fetch_part(&dict->table, &peek.value, steps, count, held,
                            out_used, error);
        if (shmrpci_table_peek_is_same(&peek)) {
            if (out_version != NULL) {
                *out_version = peek.version;
            }
            return status;
        }
    }
    return fetch_pinned(dict, key, steps, count, held, out_used, out_version,
                        error);
}

shmrpc_status shmrpci_dict_nest_fetch(shmrpc_dict *dict,
                                      shmrpci_table_bytes key,
                                      const shmrpc_any *steps, size_t len,
                                      shmrpci_held *held, size_t *out_used,
                                      uint64_t *out_version,
                                      shmrpc_error *error)
{
    shmrpc_status status =
        fetch(dict, key, steps, len, held, out_used, out_version, error);
    return shmrpci_dict_unless_destroyed(dict, status, error);
}

/* Makes a single attempt. If this returns MORE, the caller reads the whole
 * value. */
shmrpc_status shmrpci_dict_nest_len(shmrpc_dict *dict, shmrpci_table_bytes key,
                                    const shmrpc_any *steps, size_t len,
                                    uint64_t *out)
{
    shmrpci_table_peek peek;
    shmrpci_nest_value found;
    size_t used = 0;
    shmrpc_status status = shmrpci_table_look(&dict->table, key, &peek, NULL);
    if (status == SHMRPC_OK) {
        status = shmrpci_dict_nest_reach(&dict->table, &peek.value, steps, len,
                                         &found, &used, NULL);
    }
    bool is_found = status == SHMRPC_OK && used == len && is_nest(&found) &&
                    !shmrpci_region_is_destroyed(&dict->table.region);
    *out = is_found ? found.ref.count : 0;
    return is_found && shmrpci_table_peek_is_same(&peek) ? SHMRPC_OK
                                                         : SHMRPC_MORE;
}

/* ---- changing ------------------------------------------------------------ */

/* A change that is being made. `bytes` is the new value, encoded once for all
 * attempts. */
typedef struct change {
    shmrpc_dict *dict;
    const shmrpci_dict_nest_change *what;
    shmrpci_table_bytes bytes; /* the new value, encoded */
    shmrpci_nest_edit edit;
    shmrpci_arena arena; /* memory that lives until the commit, or the next
                          * attempt */
    shmrpc_error *error;
} change;

static shmrpc_status no_memory(shmrpc_error *error)
{
    (void)shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    return SHMRPC_E_NO_MEMORY;
}

static shmrpc_status change_value(change *of, const shmrpci_nest_value *from,
                                  size_t depth, shmrpci_nest_value *out);

/* Copies a deleted value into the user's item, because its blocks may be reused
 * once the change is committed. */
static shmrpc_status keep(const change *of, const shmrpci_nest_value *value)
{
    shmrpci_held *was = of->what->was;
    if (was == NULL) {
        return SHMRPC_OK;
    }
    shmrpci_buf_reset(&was->bytes);
    shmrpci_arena_reset(&was->arena);
    shmrpc_status status =
        shmrpci_nest_append(&of->dict->table, value, &was->bytes);
    if (status != SHMRPC_OK) {
        return status == SHMRPC_E_DATA_LOSS ? damaged(of->error)
                                            : no_memory(of->error);
    }
    return of->what->list != NULL
               ? shmrpci_held_decode_item(was, was->bytes.data, was->bytes.len,
                                          of->error)
               : shmrpci_held_decode(was, was->bytes.data, was->bytes.len,
                                     of->error);
}

/* Copies a deleted part of a decoded tree into the user's item. */
static shmrpc_status keep_tree(const change *of, const shmrpc_any *tree)
{
    const shmrpci_handle *handle = &of->dict->handle;
    shmrpci_held *was = of->what->was;
    shmrpci_buf_reset(&was->bytes);
    shmrpci_arena_reset(&was->arena);
    shmrpc_status status = shmrpci_held_encode(handle, handle->row.element,
                                               tree, &was->bytes, of->error);
    return status == SHMRPC_OK ? shmrpci_held_decode(was, was->bytes.data,
                                                     was->bytes.len, of->error)
                               : status;
}

/* Encodes a tree into the arena, so that the bytes live until the edit is
 * committed. */
static shmrpc_status encode(change *of, const shmrpc_any *tree,
                            shmrpci_table_bytes *out)
{
    const shmrpci_handle *handle = &of->dict->handle;
    shmrpci_buf buf;
    shmrpci_buf_init_heap(&buf);
    shmrpc_status status =
        shmrpci_held_encode(handle, handle->row.element, tree, &buf, of->error);
    uint8_t *copy = NULL;
    if (status == SHMRPC_OK) {
        copy = shmrpci_arena_alloc(&of->arena, buf.len, 16);
        status = copy != NULL ? SHMRPC_OK : no_memory(of->error);
    }
    if (status == SHMRPC_OK) {
        memcpy(copy, buf.data, buf.len);
        *out = (shmrpci_table_bytes){copy, buf.len};
    }
    shmrpci_buf_fini(&buf);
    return status;
}

/* The path continues in a value that is not a nest: decodes the value, changes
 * it as a tree, and stores it again. The bytes were copied before. */
static shmrpc_status change_bytes(change *of, const shmrpci_nest_value *from,
                                  shmrpci_table_bytes bytes, size_t depth,
                                  shmrpci_nest_value *out)
{
    const shmrpci_dict_nest_change *what = of->what;
    shmrpc_any tree;
    shmrpc_any changed;
    const shmrpc_any *deleted = NULL;
    shmrpci_table_bytes now;
    shmrpc_status status = shmrpci_held_decode_to(
        &of->dict->handle, bytes.data, bytes.len, &of->arena, &tree, of->error);
    if (status == SHMRPC_OK) {
        status = shmrpci_tree_change(&of->arena, &tree, what->steps, depth,
                                     what->len, what->op, what->value, &changed,
                                     &deleted, of->error);
    }
    if (status == SHMRPC_OK && what->was != NULL && deleted != NULL) {
        status = keep_tree(of, deleted);
    }
    if (status == SHMRPC_OK) {
        status = encode(of, &changed, &now);
    }
    if (status == SHMRPC_OK) {
        status = shmrpci_nest_drop(&of->edit, from);
    }
    return status == SHMRPC_OK
               ? shmrpci_dict_nest_place(&of->edit, now, out, of->error)
               : status;
}

/* Replaces the value at the place, or inserts a new item. Maps keep the order
 * in which their keys were put: a new item gets the next `order`, and an item
 * whose value is replaced keeps its own. */
static shmrpc_status put_item(change *of, shmrpci_nest_ref *ref,
                              const place *at, const shmrpci_nest_value *value)
{
    shmrpci_nest_item item = {
        .key = {at->key.data, at->key.len},
        .order = at->item.order,
        .value = *value,
    };
    if (!at->is_there) {
        item.order = ref->next;
        ref->next += ref->shape == SHMRPCI_NEST_MAP;
    }
    return shmrpci_nest_splice(&of->edit, ref, at->position, at->is_there,
                               &item, of->error);
}

/* Stores the new value and drops the old one, whose blocks are given back with
 * the commit. */
static shmrpc_status put_value(change *of, shmrpci_nest_ref *ref,
                               const place *at)
{
    shmrpci_nest_value value;
    shmrpc_status status =
        shmrpci_dict_nest_place(&of->edit, of->bytes, &value, of->error);
    if (status == SHMRPC_OK && at->is_there) {
        status = shmrpci_nest_drop(&of->edit, &at->item.value);
    }
    return status == SHMRPC_OK ? put_item(of, ref, at, &value) : status;
}

/* The old value is read before it is dropped. */
static shmrpc_status delete_item(change *of, shmrpci_nest_ref *ref,
                                 const place *at, size_t depth)
{
    if (!at->is_there) {
        return not_there(depth, of->error);
    }
    shmrpc_status status = keep(of, &at->item.value);
    if (status == SHMRPC_OK) {
        status = shmrpci_nest_drop(&of->edit, &at->item.value);
    }
    return status == SHMRPC_OK
               ? shmrpci_nest_splice(&of->edit, ref, at->position, true, NULL,
                                     of->error)
               : status;
}

/* Follows one step of the path. If it is the last one, does the operation, else
 * goes further down. For APPEND no step is the last one: all steps lead to the
 * list, to which the item is appended. */
static shmrpc_status change_item(change *of, shmrpci_nest_ref *ref,
                                 size_t depth)
{
    const shmrpci_dict_nest_change *what = of->what;
    bool is_last = depth + 1 == what->len && what->op != SHMRPCI_TREE_APPEND;
    shmrpci_nest_value below;
    place at;
    shmrpc_status status =
        find(&of->dict->table, ref, &what->steps[depth], depth, &at, of->error);
    if (status != SHMRPC_OK) {
        /* nothing is changed */
    } else if (!is_last) {
        status = at.is_there
                     ? change_value(of, &at.item.value, depth + 1, &below)
                     : not_there(depth, of->error);
        status = status == SHMRPC_OK ? put_item(of, ref, &at, &below) : status;
    } else if (what->op == SHMRPCI_TREE_DEL) {
        status = delete_item(of, ref, &at, depth);
    } else if (at.is_there && what->op == SHMRPCI_TREE_PUT_NEW) {
        status = shmrpci_tree_fail(depth, SHMRPC_E_EXISTS,
                                   "a value exists there", of->error);
    } else if (!at.is_there && ref->shape == SHMRPCI_NEST_LIST) {
        status = shmrpci_tree_fail(depth, SHMRPC_E_OUT_OF_RANGE,
                                   "the list is shorter", of->error);
    } else {
        status = put_value(of, ref, &at);
    }
    forget(&at);
    return status;
}

/* Does APPEND and INSERT, which need a list. */
static shmrpc_status insert_item(change *of, shmrpci_nest_ref *ref,
                                 size_t depth)
{
    const shmrpci_dict_nest_change *what = of->what;
    place at = {.position = ref->count};
    if (ref->shape != SHMRPCI_NEST_LIST) {
        if (what->op == SHMRPCI_TREE_INSERT) {
            return shmrpci_tree_fail(
                depth, SHMRPC_E_PRECONDITION,
                "it inserts into a value that is not a list", of->error);
        }
        (void)shmrpc_error_set(of->error, SHMRPC_E_PRECONDITION,
                               "the value is not a list");
        return SHMRPC_E_PRECONDITION;
    }
    shmrpc_status status =
        what->op == SHMRPCI_TREE_INSERT
            ? shmrpci_tree_insertion(ref->count, &what->steps[depth], depth,
                                     &at.position, of->error)
            : SHMRPC_OK;
    return status == SHMRPC_OK ? put_value(of, ref, &at) : status;
}

shmrpc_status shmrpci_dict_nest_judge_len(const shmrpc_type *list, uint64_t len,
                                          shmrpc_error *error)
{
    if ((list->flags & SHMRPC_TYPE_BOUNDED) != 0 &&
        (len < list->min || len > list->max)) {
        (void)shmrpc_error_set(
            error, SHMRPC_E_INVALID, "a list of %llu items, allowed %llu..%llu",
            (unsigned long long)len, (unsigned long long)list->min,
            (unsigned long long)list->max);
        return SHMRPC_E_INVALID;
    }
    return SHMRPC_OK;
}

/* `ref` is a copy: it changes while items are spliced, and the caller stores it
 * as the new reference. */
static shmrpc_status change_nest(change *of, shmrpci_nest_ref ref, size_t depth,
                                 shmrpci_nest_value *out)
{
    const shmrpci_dict_nest_change *what = of->what;
    bool inserts = (what->op == SHMRPCI_TREE_APPEND && depth == what->len) ||
                   (what->op == SHMRPCI_TREE_INSERT && depth + 1 == what->len);
    shmrpc_status status =
        inserts ? insert_item(of, &ref, depth) : change_item(of, &ref, depth);
    if (status == SHMRPC_OK && what->list != NULL) {
        status = shmrpci_dict_nest_judge_len(what->list, ref.count, of->error);
    }
    /* An empty nest has no block; it becomes an empty map or list in msgpack
     * again. */
    if (ref.count == 0) {
        *out = shmrpci_nest_bytes(
            ref.shape == SHMRPCI_NEST_MAP ? "\x80" : "\x90", 1);
    } else {
        *out = (shmrpci_nest_value){.is_ref = true, .ref = ref};
    }
    return status;
}

/* Changes a value of any form. Recursion is bounded by the length of the path,
 * which is limited by SHMRPCI_CODEC_MAX_DEPTH. */
static shmrpc_status change_value(change *of, const shmrpci_nest_value *from,
                                  size_t depth, shmrpci_nest_value *out)
{
    shmrpci_nest_value nest;
    shmrpci_buf buf;
    if (is_nest(from)) {
        return change_nest(of, from->ref, depth, out);
    }
    shmrpci_buf_init_heap(&buf);
    shmrpc_status status = shmrpci_nest_append(&of->dict->table, from, &buf);
    if (status != SHMRPC_OK) {
        shmrpci_buf_fini(&buf);
        return status == SHMRPC_E_DATA_LOSS ? damaged(of->error)
                                            : no_memory(of->error);
    }
    const shmrpci_table_bytes bytes = {buf.data, buf.len};
    bool is_list = of->what->list != NULL;
    status = is_list || bytes.len > SHMRPCI_NEST_INLINE_BYTES
                 ? shmrpci_dict_nest_explode(&of->edit, bytes, &nest, of->error)
                 : SHMRPC_E_PRECONDITION;
    if (status == SHMRPC_OK) {
        status = shmrpci_nest_drop(&of->edit, from);
        if (status == SHMRPC_OK) {
            status = change_nest(of, nest.ref, depth, out);
        }
    } else if (status == SHMRPC_E_PRECONDITION && is_list) {
        /* The value of a typed list is not a list: another process has written
         * there. */
        status = damaged(of->error);
    } else if (status == SHMRPC_E_PRECONDITION) {
        status = change_bytes(of, from, bytes, depth, out);
    }
    shmrpci_buf_fini(&buf);
    return status;
}

/* One attempt. Returns MORE if another change was committed first. In that case
 * most failures become MORE too, as they may come from reading a value that was
 * changing. */
static shmrpc_status attempt(change *of, shmrpci_table_bytes key)
{
    shmrpci_nest_value now;
    shmrpci_nest_edit *edit = &of->edit;
    shmrpc_status status =
        shmrpci_nest_edit_begin(edit, &of->dict->table, key, of->error);
    if (status != SHMRPC_OK) {
        return status;
    }
    shmrpci_arena_reset(&of->arena);
    status = change_value(of, &edit->value, 0, &now);
    if (status == SHMRPC_OK) {
        status = shmrpci_nest_commit(edit, &now, NULL, of->error);
    }
    bool is_sure = status == SHMRPC_OK || status == SHMRPC_E_EXHAUSTED;
    return is_sure || shmrpci_nest_edit_is_current(edit) ? status : SHMRPC_MORE;
}

/* A nest must not become deeper than codecs allow, since somebody may read it
 * as a tree. */
static shmrpc_status judge_depth(const change *of)
{
    const shmrpci_dict_nest_change *what = of->what;
    size_t depth = what->len + (what->op == SHMRPCI_TREE_APPEND ? 1 : 0);
    if (what->list != NULL) {
        return SHMRPC_OK; /* its type limits its depth */
    }
    if (what->op != SHMRPCI_TREE_DEL) {
        depth += shmrpci_tree_depth(what->value);
    }
    if (depth > SHMRPCI_CODEC_MAX_DEPTH) {
        (void)shmrpc_error_set(of->error, SHMRPC_E_INVALID,
                               "nested deeper than %d levels",
                               SHMRPCI_CODEC_MAX_DEPTH);
        return SHMRPC_E_INVALID;
    }
    return SHMRPC_OK;
}

shmrpc_status shmrpci_dict_nest_apply(shmrpc_dict *dict,
                                      shmrpci_table_bytes key,
                                      const shmrpci_dict_nest_change *what,
                                      shmrpc_error *error)
{
    change of = {.dict = dict, .what = what, .error = error};
    shmrpci_buf buf;
    shmrpci_buf_init_heap(&buf);
    shmrpci_arena_init(&of.arena, 0);
    shmrpc_status status = SHMRPC_OK;
    if (what->op != SHMRPCI_TREE_DEL) {
        const shmrpc_type *type =
            what->list != NULL ? what->list->element : dict->handle.row.element;
        status =
            shmrpci_held_encode(&dict->handle, type, what->value, &buf, error);
        of.bytes = (shmrpci_table_bytes){buf.data, buf.len};
    }
    if (status == SHMRPC_OK) {
        status = judge_depth(&of);
    }
    if (status == SHMRPC_OK) {
        do {
            status = attempt(&of, key);
        } while (status == SHMRPC_MORE);
    }
    shmrpci_nest_edit_end(&of.edit);
    shmrpci_arena_fini(&of.arena);
    shmrpci_buf_fini(&buf);
    return status;
}
