/* Walks a type and a JSON value side by side. */
#include "tools/common/strict.h"

#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "codec/codec.h"

typedef struct walk {
    char path[SHMRPC_ERROR_PATH_BYTES];
    size_t len;
    shmrpc_error *error;
} walk;

/* Appends a member to the path, which is cut if it does not fit. Returns the
 * previous length. */
static size_t enter(walk *w, const char *format, const char *name)
{
    size_t before = w->len;
    int len = snprintf(w->path + before, sizeof w->path - before, format, name);
    if (len < 0 || (size_t)len >= sizeof w->path - before) {
        w->path[before] = '\0';
    } else {
        w->len += (size_t)len;
    }
    return before;
}

static void leave(walk *w, size_t before)
{
    w->len = before;
    w->path[before] = '\0';
}

static int fail(walk *w, const char *what, const char *suggestion)
{
    bool has_one = suggestion != NULL;
    int status =
        shmrpc_error_set(w->error, SHMRPC_E_INVALID, "%s%s%s%s", what,
                         has_one ? "; did you mean `" : "",
                         has_one ? suggestion : "", has_one ? "`?" : "");
    if (w->error != NULL) {
        memcpy(w->error->path, w->path, w->len + 1);
    }
    return status;
}

static const shmrpc_field *find(const shmrpc_type *type, const shmrpc_str *name)
{
    for (uint32_t i = 0; i < type->count; i++) {
        const char *at = type->fields[i].name;
        if (strlen(at) == name->len && memcmp(at, name->ptr, name->len) == 0) {
            return &type->fields[i];
        }
    }
    return NULL;
}

static int refuse_member(walk *w, const shmrpc_type *type, const char *name)
{
    bool is_params = (type->flags & SHMRPC_TYPE_PARAMS) != 0;
    shmrpci_nearest search = {.wanted = name};
    for (uint32_t i = 0; i < type->count; i++) {
        shmrpci_nearest_offer(&search, type->fields[i].name);
    }
    (void)enter(w, w->len > 0 ? ".%.64s" : "%.64s", name);
    return fail(
        w, is_params ? "there is no such parameter" : "there is no such field",
        search.best);
}

static int check(walk *w, const shmrpc_type *type, const shmrpc_any *value);

static int check_members(walk *w, const shmrpc_type *type,
                         const shmrpc_any *value)
{
    int status = SHMRPC_OK;
    for (size_t i = 0; i < value->u.map.len && status == SHMRPC_OK; i++) {
        const shmrpc_any_entry *entry = &value->u.map.ptr[i];
        const shmrpc_field *field = find(type, &entry->key.u.str);
        if (field == NULL) {
            return refuse_member(w, type, entry->key.u.str.ptr);
        }
        size_t before = enter(w, w->len > 0 ? ".%s" : "%s", field->name);
        status = check(w, field->type, &entry->value);
        leave(w, before);
    }
    return status;
}

/* Checks parameters by position. A position is the parameter's tag - 1. */
static int check_positions(walk *w, const shmrpc_type *type,
                           const shmrpc_any *value)
{
    int status = SHMRPC_OK;
    uint32_t next = 0;
    for (size_t i = 0; i < value->u.list.len && status == SHMRPC_OK; i++) {
        while (next < type->count && type->fields[next].tag <= i) {
            next++;
        }
        const shmrpc_any *at = &value->u.list.ptr[i];
        if (next < type->count && type->fields[next].tag == i + 1) {
            size_t before = enter(w, "%s", type->fields[next].name);
            status = check(w, type->fields[next].type, at);
            leave(w, before);
        } else if (at->kind != SHMRPC_ANY_NULL) { /* null stands for a tag
                                                   * without a parameter */
            char number[48];
            (void)snprintf(number, sizeof number, "there is no parameter %zu",
                           i + 1);
            return fail(w, number, NULL);
        }
    }
    return status;
}

static int check_items(walk *w, const shmrpc_type *type,
                       const shmrpc_any *value)
{
    int status = SHMRPC_OK;
    for (size_t i = 0; i < value->u.list.len && status == SHMRPC_OK; i++) {
        char number[24];
        (void)snprintf(number, sizeof number, "%zu", i);
        size_t before = enter(w, "[%s]", number);
        status = check(w, type->element, &value->u.list.ptr[i]);
        leave(w, before);
    }
    return status;
}

static int check_entries(walk *w, const shmrpc_type *type,
                         const shmrpc_any *value)
{
    int status = SHMRPC_OK;
    for (size_t i = 0; i < value->u.map.len && status == SHMRPC_OK; i++) {
        const shmrpc_any_entry *entry = &value->u.map.ptr[i];
        size_t before = enter(w, "[\"%.64s\"]", entry->key.u.str.ptr);
        status = check(w, type->element, &entry->value);
        leave(w, before);
    }
    return status;
}

/* A value in another form, such as null, has no members. */
static int check(walk *w, const shmrpc_type *type, const shmrpc_any *value)
{
    bool is_map = value->kind == SHMRPC_ANY_MAP;
    bool is_list = value->kind == SHMRPC_ANY_LIST;
    switch (type->kind) {
    case SHMRPC_KIND_STRUCT:
    case SHMRPC_KIND_UNION:
        return is_map ? check_members(w, type, value)
               : is_list && (type->flags & SHMRPC_TYPE_PARAMS) != 0
                   ? check_positions(w, type, value)
                   : SHMRPC_OK;
    case SHMRPC_KIND_LIST:
    case SHMRPC_KIND_ARRAY:
        return is_list ? check_items(w, type, value) : SHMRPC_OK;
    case SHMRPC_KIND_MAP:
        return is_map ? check_entries(w, type, value) : SHMRPC_OK;
    default:
        return SHMRPC_OK;
    }
}

int tool_strict_check(const shmrpc_type *type, const uint8_t *data, size_t len,
                      shmrpci_arena *arena, shmrpc_error *error)
{
    shmrpc_any value;
    walk w = {.error = error};
    int status =
        shmrpci_codec_of(SHMRPC_ENCODING_JSON)
            ->decode(&shmrpc_type_any, data, len, "", arena, &value, error);
    return status == SHMRPC_OK ? check(&w, type, &value) : status;
}
