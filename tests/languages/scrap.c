/* Memory of one case, and values that JSON can't express. */
#include "scrap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shmrpc/json.h"

static void *need(void *memory)
{
    if (memory == NULL) {
        fputs("out of memory\n", stderr);
        abort();
    }
    return memory;
}

void *scrap_take(scrap *s, void *memory, void (*free_it)(void *memory))
{
    s->rows = need(realloc(s->rows, (s->count + 1) * sizeof *s->rows));
    s->rows[s->count].memory = memory;
    s->rows[s->count].free_it = free_it;
    s->count++;
    return memory;
}

void *scrap_alloc(scrap *s, size_t bytes)
{
    return scrap_take(s, need(calloc(1, bytes + 1)), free);
}

void scrap_clear(scrap *s)
{
    while (s->count > 0) {
        s->count--;
        s->rows[s->count].free_it(s->rows[s->count].memory);
    }
    free(s->rows);
    s->rows = NULL;
}

int scrap_read(scrap *s, const shmrpc_type *type, const char *text, size_t len,
               const void **out, shmrpc_error *error)
{
    void *value = NULL;
    int status = shmrpc_json_read(type, text, len, &value, error);
    *out = value;
    if (status == SHMRPC_OK) {
        (void)scrap_take(s, value, shmrpc_json_free);
    }
    return status;
}

const char *scrap_text(scrap *s, const shmrpc_type *type, const void *value)
{
    char *text = NULL;
    size_t len = 0;
    shmrpc_error error;
    if (shmrpc_json_write(type, value, &text, &len, &error) == SHMRPC_OK) {
        return scrap_take(s, text, free);
    }
    char *why = scrap_alloc(s, SHMRPC_ERROR_TEXT_BYTES + 1);
    why[0] = '?';
    (void)shmrpc_error_text(&error, why + 1, SHMRPC_ERROR_TEXT_BYTES);
    return why;
}

/* ---- values of `any` ----------------------------------------------------- */

/* Reads a text or number as a value of `type`. If that fails, returns a zeroed
 * value. */
static const void *as(scrap *s, const shmrpc_type *type, const shmrpc_any *tree)
{
    const char *text = scrap_text(s, &shmrpc_type_any, tree);
    const void *value;
    shmrpc_error error;
    if (scrap_read(s, type, text, strlen(text), &value, &error) != SHMRPC_OK) {
        fprintf(stderr, "bad case: %s: %s\n", text, error.message);
        return scrap_alloc(s, type->size);
    }
    return value;
}

static shmrpc_any integer(scrap *s, const shmrpc_any *tree)
{
    if (tree->kind == SHMRPC_ANY_STR && tree->u.str.len > 0 &&
        tree->u.str.ptr[0] == '-') {
        return shmrpc_any_i64(*(const int64_t *)as(s, &shmrpc_type_i64, tree));
    }
    return shmrpc_any_u64(*(const uint64_t *)as(s, &shmrpc_type_u64, tree));
}

static shmrpc_any extension(scrap *s, const shmrpc_any *tree)
{
    const shmrpc_any *pair = tree->u.list.ptr;
    const shmrpc_bytes *data = as(s, &shmrpc_type_bytes, &pair[1]);
    shmrpc_any value = shmrpc_any_bytes(data->ptr, data->len);
    value.kind = SHMRPC_ANY_EXT;
    value.ext_type = *(const int8_t *)as(s, &shmrpc_type_i8, &pair[0]);
    return value;
}

static shmrpc_any list(scrap *s, const shmrpc_any *tree)
{
    size_t len = tree->u.list.len;
    shmrpc_any *items = scrap_alloc(s, len * sizeof *items);
    for (size_t i = 0; i < len; i++) {
        items[i] = scrap_decode(s, &tree->u.list.ptr[i]);
    }
    return shmrpc_any_list_of(items, len);
}

/* Reads a map from [[key, value]...]. */
static shmrpc_any map_of_pairs(scrap *s, const shmrpc_any *tree)
{
    size_t len = tree->u.list.len;
    shmrpc_any_entry *entries = scrap_alloc(s, len * sizeof *entries);
    for (size_t i = 0; i < len; i++) {
        const shmrpc_any *pair = tree->u.list.ptr[i].u.list.ptr;
        entries[i].key = scrap_decode(s, &pair[0]);
        entries[i].value = scrap_decode(s, &pair[1]);
    }
    return shmrpc_any_map_of(entries, len);
}

static shmrpc_any map(scrap *s, const shmrpc_any *tree)
{
    size_t len = tree->u.map.len;
    shmrpc_any_entry *entries = scrap_alloc(s, len * sizeof *entries);
    for (size_t i = 0; i < len; i++) {
        entries[i].key = tree->u.map.ptr[i].key;
        entries[i].value = scrap_decode(s, &tree->u.map.ptr[i].value);
    }
    return shmrpc_any_map_of(entries, len);
}

shmrpc_any scrap_decode(scrap *s, const shmrpc_any *tree)
{
    const shmrpc_any *value;
    if (tree->kind == SHMRPC_ANY_LIST) {
        return list(s, tree);
    }
    if (tree->kind != SHMRPC_ANY_MAP) {
        return *tree;
    }
    if ((value = shmrpc_any_find(tree, "$int")) != NULL) {
        return integer(s, value);
    }
    if ((value = shmrpc_any_find(tree, "$float")) != NULL) {
        return shmrpc_any_f64(*(const double *)as(s, &shmrpc_type_f64, value));
    }
    if ((value = shmrpc_any_find(tree, "$bytes")) != NULL) {
        return shmrpc_any_of_bytes(
            *(const shmrpc_bytes *)as(s, &shmrpc_type_bytes, value));
    }
    if ((value = shmrpc_any_find(tree, "$ext")) != NULL) {
        return extension(s, value);
    }
    if ((value = shmrpc_any_find(tree, "$map")) != NULL) {
        return map_of_pairs(s, value);
    }
    return map(s, tree);
}
