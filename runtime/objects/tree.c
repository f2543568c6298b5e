/*
 * Paths into trees: reading, and making changed trees. Steps mean what they
 * mean in Python: a key finds any key that is equal, whatever its form (1.0
 * finds 1), and a negative position counts from the end.
 *
 * A changed tree shares everything with the old one except the maps and lists
 * on the path. So the cost of a change is the sum of the lengths of those maps
 * and lists, and if it fails the old tree is unchanged.
 */
#include "objects/tree.h"

#include <string.h>

#include "codec/codec.h"
#include "objects/key.h"

/* ---- one step ------------------------------------------------------------ */

/* Messages count steps from 1. */
shmrpc_status shmrpci_tree_fail(size_t step, shmrpc_status status,
                                const char *what, shmrpc_error *error)
{
    (void)shmrpc_error_set(error, status, "step %zu of the path: %s", step + 1,
                           what);
    return status;
}

/* The position of a key in a map, or the map's length if the key isn't there.
 * Keys are compared in their normal form. A tuple can't be a step, because
 * comparing one would need memory. */
static shmrpc_status find_key(const shmrpc_any_map *map, const shmrpc_any *step,
                              size_t depth, size_t *out, shmrpc_error *error)
{
    shmrpc_any wanted;
    if (!shmrpci_key_normalize(step, &wanted)) {
        return shmrpci_tree_fail(depth, SHMRPC_E_INVALID,
                                 "this value can't be a key", error);
    }
    for (size_t i = 0; i < map->len; i++) {
        shmrpc_any key;
        if (shmrpci_key_normalize(&map->ptr[i].key, &key) &&
            shmrpc_any_equal(&key, &wanted)) {
            *out = i;
            return SHMRPC_OK;
        }
    }
    *out = map->len;
    return SHMRPC_OK;
}

/* Any integral number is a position: 2.0 is 2, but true is not 1. */
shmrpc_status shmrpci_tree_position(uint64_t len, const shmrpc_any *step,
                                    size_t depth, uint64_t *out,
                                    shmrpc_error *error)
{
    shmrpc_any normal;
    if (!shmrpci_key_normalize(step, &normal) ||
        (normal.kind != SHMRPC_ANY_I64 && normal.kind != SHMRPC_ANY_U64)) {
        return shmrpci_tree_fail(depth, SHMRPC_E_INVALID,
                                 "a position in a list must be an integer",
                                 error);
    }
    bool is_signed = normal.kind == SHMRPC_ANY_I64;
    if (is_signed && normal.u.i64 < 0) {
        /* Correct for INT64_MIN too. */
        uint64_t back = 0 - (uint64_t)normal.u.i64;
        *out = back <= len ? len - back : len + 1;
    } else {
        uint64_t at = is_signed ? (uint64_t)normal.u.i64 : normal.u.u64;
        *out = at <= len ? at : len + 1;
    }
    return SHMRPC_OK;
}

shmrpc_status shmrpci_tree_insertion(uint64_t len, const shmrpc_any *step,
                                     size_t depth, uint64_t *out,
                                     shmrpc_error *error)
{
    shmrpc_any normal;
    shmrpc_status status = shmrpci_tree_position(len, step, depth, out, error);
    if (status == SHMRPC_OK && *out > len) {
        bool is_before = shmrpci_key_normalize(step, &normal) &&
                         normal.kind == SHMRPC_ANY_I64 && normal.u.i64 < 0;
        *out = is_before ? 0 : len;
    }
    return status;
}

/* Finds the position that a step means; `*out_count` is the number of items. */
static shmrpc_status find_step(const shmrpc_any *tree, const shmrpc_any *step,
                               size_t depth, size_t *out, size_t *out_count,
                               shmrpc_error *error)
{
    if (tree->kind == SHMRPC_ANY_MAP) {
        *out_count = tree->u.map.len;
        return find_key(&tree->u.map, step, depth, out, error);
    }
    if (tree->kind == SHMRPC_ANY_LIST) {
        uint64_t place = 0;
        shmrpc_status status =
            shmrpci_tree_position(tree->u.list.len, step, depth, &place, error);
        *out_count = tree->u.list.len;
        *out = (size_t)place;
        return status;
    }
    return shmrpci_tree_fail(
        depth, SHMRPC_E_PRECONDITION,
        "it leads into a value that is neither a map nor a list", error);
}

static const shmrpc_any *value_at(const shmrpc_any *tree, size_t place)
{
    return tree->kind == SHMRPC_ANY_MAP ? &tree->u.map.ptr[place].value
                                        : &tree->u.list.ptr[place];
}

/* `from` steps have led to `tree`; messages count them too. */
shmrpc_status shmrpci_tree_get(const shmrpc_any *tree, const shmrpc_any *steps,
                               size_t from, size_t len, const shmrpc_any **out,
                               shmrpc_error *error)
{
    for (size_t i = from; i < len; i++) {
        size_t place;
        size_t count;
        shmrpc_status status =
            find_step(tree, &steps[i], i, &place, &count, error);
        if (status != SHMRPC_OK) {
            return status;
        }
        if (place >= count) {
            return shmrpci_tree_fail(i, SHMRPC_E_NOT_FOUND, "nothing is there",
                                     error);
        }
        tree = value_at(tree, place);
    }
    *out = tree;
    return SHMRPC_OK;
}

/* ---- copies -------------------------------------------------------------- */

static shmrpc_status no_memory(shmrpc_error *error)
{
    (void)shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    return SHMRPC_E_NO_MEMORY;
}

/* A copy of `count` items of `size` bytes, with a gap before `place` (`more` is
 * 1), or without the item at `place` (`more` is -1). */
static void *copy_items(shmrpci_arena *arena, const void *items, size_t count,
                        size_t size, size_t place, int more)
{
    size_t room = more > 0 ? count + 1 : more < 0 ? count - 1 : count;
    uint8_t *out = shmrpci_arena_calloc(arena, room > 0 ? room : 1, size, 16);
    if (out == NULL) {
        return NULL;
    }
    const uint8_t *from = items;
    size_t behind = place + (more < 0 ? 1 : 0);
    if (place > 0) {
        memcpy(out, from, place * size);
    }
    if (count > behind) {
        memcpy(out + (place + (more > 0 ? 1 : 0)) * size, from + behind * size,
               (count - behind) * size);
    }
    return out;
}

/* Copies `tree` with one change at `place`: inserts `value` if `is_new`, else
 * replaces the old value by it, or removes the place if `value` is NULL. All
 * other items are shared with the old tree. No other function makes a changed
 * map or list. */
static shmrpc_status copy_with(shmrpci_arena *arena, const shmrpc_any *tree,
                               size_t place, bool is_new,
                               const shmrpc_any *step, const shmrpc_any *value,
                               shmrpc_any *out, shmrpc_error *error)
{
    int more = value == NULL ? -1 : is_new ? 1 : 0;
    *out = *tree;
    if (tree->kind == SHMRPC_ANY_LIST) {
        const shmrpc_any_list *list = &tree->u.list;
        shmrpc_any *items =
            copy_items(arena, list->ptr, list->len, sizeof *items, place, more);
        if (items == NULL) {
            return no_memory(error);
        }
        if (value != NULL) {
            items[place] = *value;
        }
        out->u.list = (shmrpc_any_list){items, list->len + (size_t)more};
        return SHMRPC_OK;
    }
    const shmrpc_any_map *map = &tree->u.map;
    shmrpc_any_entry *entries =
        copy_items(arena, map->ptr, map->len, sizeof *entries, place, more);
    if (entries == NULL) {
        return no_memory(error);
    }
    if (value != NULL) {
        entries[place].key = is_new ? *step : map->ptr[place].key;
        if (is_new) { /* in normal form, as nests have it */
            (void)shmrpci_key_normalize(step, &entries[place].key);
        }
        entries[place].value = *value;
    }
    out->u.map = (shmrpc_any_map){entries, map->len + (size_t)more};
    return SHMRPC_OK;
}

/* ---- changes ------------------------------------------------------------- */

typedef struct change {
    shmrpci_arena *arena;
    const shmrpc_any *steps;
    size_t len;
    shmrpci_tree_op op;
    const shmrpc_any *value;
    const shmrpc_any **out_was;
    shmrpc_error *error;
} change;

static shmrpc_status append(const change *of, const shmrpc_any *tree,
                            shmrpc_any *out)
{
    if (tree->kind != SHMRPC_ANY_LIST) {
        (void)shmrpc_error_set(of->error, SHMRPC_E_PRECONDITION,
                               "the value is not a list");
        return SHMRPC_E_PRECONDITION;
    }
    return copy_with(of->arena, tree, tree->u.list.len, true, NULL, of->value,
                     out, of->error);
}

static shmrpc_status insert(const change *of, const shmrpc_any *tree,
                            size_t depth, shmrpc_any *out)
{
    uint64_t place;
    if (tree->kind != SHMRPC_ANY_LIST) {
        return shmrpci_tree_fail(depth, SHMRPC_E_PRECONDITION,
                                 "it inserts into a value that is not a list",
                                 of->error);
    }
    shmrpc_status status = shmrpci_tree_insertion(
        tree->u.list.len, &of->steps[depth], depth, &place, of->error);
    return status == SHMRPC_OK ? copy_with(of->arena, tree, (size_t)place, true,
                                           NULL, of->value, out, of->error)
                               : status;
}

/* Does the last step of every operation except APPEND and INSERT. */
static shmrpc_status change_here(const change *of, const shmrpc_any *tree,
                                 size_t depth, shmrpc_any *out)
{
    size_t place;
    size_t count;
    const shmrpc_any *step = &of->steps[depth];
    shmrpc_status status =
        find_step(tree, step, depth, &place, &count, of->error);
    if (status != SHMRPC_OK) {
        return status;
    }
    bool is_there = place < count;
    if (of->op == SHMRPCI_TREE_DEL) {
        if (!is_there) {
            return shmrpci_tree_fail(depth, SHMRPC_E_NOT_FOUND,
                                     "nothing is there", of->error);
        }
        if (of->out_was != NULL) {
            *of->out_was = value_at(tree, place);
        }
        return copy_with(of->arena, tree, place, false, step, NULL, out,
                         of->error);
    }
    if (is_there && of->op == SHMRPCI_TREE_PUT_NEW) {
        return shmrpci_tree_fail(depth, SHMRPC_E_EXISTS, "a value exists there",
                                 of->error);
    }
    if (!is_there && tree->kind == SHMRPC_ANY_LIST) {
        return shmrpci_tree_fail(depth, SHMRPC_E_OUT_OF_RANGE,
                                 "the list is shorter", of->error);
    }
    return copy_with(of->arena, tree, place, !is_there, step, of->value, out,
                     of->error);
}

/* Changes the tree below `depth` steps. Recursion is bounded by the length of
 * the path, which is limited by SHMRPCI_CODEC_MAX_DEPTH. */
static shmrpc_status change_below(const change *of, const shmrpc_any *tree,
                                  size_t depth, shmrpc_any *out)
{
    size_t place;
    size_t count;
    shmrpc_any below;
    if (of->op == SHMRPCI_TREE_APPEND && depth == of->len) {
        return append(of, tree, out);
    }
    if (depth + 1 == of->len && of->op != SHMRPCI_TREE_APPEND) {
        return of->op == SHMRPCI_TREE_INSERT
                   ? insert(of, tree, depth, out)
                   : change_here(of, tree, depth, out);
    }
    shmrpc_status status =
        find_step(tree, &of->steps[depth], depth, &place, &count, of->error);
    if (status != SHMRPC_OK) {
        return status;
    }
    if (place >= count) {
        return shmrpci_tree_fail(depth, SHMRPC_E_NOT_FOUND, "nothing is there",
                                 of->error);
    }
    status = change_below(of, value_at(tree, place), depth + 1, &below);
    return status == SHMRPC_OK
               ? copy_with(of->arena, tree, place, false, &of->steps[depth],
                           &below, out, of->error)
               : status;
}

/* Refuses paths with more steps than a tree can have levels. */
shmrpc_status shmrpci_tree_change(shmrpci_arena *arena, const shmrpc_any *tree,
                                  const shmrpc_any *steps, size_t from,
                                  size_t len, shmrpci_tree_op op,
                                  const shmrpc_any *value, shmrpc_any *out,
                                  const shmrpc_any **out_was,
                                  shmrpc_error *error)
{
    const change of = {arena, steps, len, op, value, out_was, error};
    if (len > SHMRPCI_CODEC_MAX_DEPTH) {
        (void)shmrpc_error_set(error, SHMRPC_E_INVALID,
                               "a path has at most %d steps",
                               SHMRPCI_CODEC_MAX_DEPTH);
        return SHMRPC_E_INVALID;
    }
    return change_below(&of, tree, from, out);
}

/* The number of levels of maps and lists; 0 for a value that is neither. */
size_t shmrpci_tree_depth(const shmrpc_any *tree)
{
    size_t most = 0;
    size_t len = tree->kind == SHMRPC_ANY_LIST  ? tree->u.list.len
                 : tree->kind == SHMRPC_ANY_MAP ? tree->u.map.len
                                                : 0;
    for (size_t i = 0; i < len; i++) {
        size_t depth = shmrpci_tree_depth(value_at(tree, i));
        most = depth > most ? depth : most;
    }
    return tree->kind == SHMRPC_ANY_LIST || tree->kind == SHMRPC_ANY_MAP
               ? most + 1
               : 0;
}
