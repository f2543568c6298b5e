/*
 * Compares the names in JSON with those of types.
 *
 * The walk goes through value and type at the same time, and ends at the first
 * name that the type doesn't have.  It goes as deep as the value, but no deeper
 * than MAX_DEPTH.
 */
#include "tools/shmrpc/names.h"

#include <string.h>

#include "base/nearest.h"

/* How many names a message lists if none of them is similar. */
#define LISTED 12

/* No decoder goes this deep. */
#define MAX_DEPTH 64

/* Compares by length, since names in paths and JSON are not NUL-terminated. */
const shmrpc_field *cli_field_find(const shmrpc_type *type, const char *name,
                                   size_t len)
{
    for (uint32_t i = 0; i < type->count; i++) {
        const shmrpc_field *field = &type->fields[i];
        if (strlen(field->name) == len && memcmp(field->name, name, len) == 0) {
            return field;
        }
    }
    return NULL;
}

/* Copies at most 64 bytes of a name that the user typed. Names in types are
 * shorter, so a longer one matches none of them. */
static void copy_name(const char *name, size_t len, char out[65])
{
    len = len < 64 ? len : 64;
    if (len > 0) {
        memcpy(out, name, len);
    }
    out[len] = '\0';
}

/* Suggests a similar name, or lists the first names if none is similar. */
void cli_field_unknown(const shmrpc_type *type, const char *what,
                       const char *name, size_t len, shmrpci_buf *message)
{
    char wanted[65];
    copy_name(name, len, wanted);
    shmrpci_nearest search = {.wanted = wanted};
    for (uint32_t i = 0; i < type->count; i++) {
        shmrpci_nearest_offer(&search, type->fields[i].name);
    }
    shmrpci_buf_printf(message, "there is no %s `%s`", what, wanted);
    if (search.best != NULL) {
        shmrpci_buf_printf(message, "; did you mean `%s`?", search.best);
        return;
    }
    for (uint32_t i = 0; i < type->count && i < LISTED; i++) {
        shmrpci_buf_printf(message, "%s%s", i == 0 ? " (expected " : ", ",
                           type->fields[i].name);
    }
    shmrpci_buf_append_text(message, type->count == 0       ? " (it has none)"
                                     : type->count > LISTED ? ", ...)"
                                                            : ")");
}

/* A type that a .svc names is called by that name. */
const char *cli_type_text(const shmrpc_type *type)
{
    static const char *const names[] = {
        [SHMRPC_KIND_BOOL] = "bool",     [SHMRPC_KIND_I8] = "i8",
        [SHMRPC_KIND_I16] = "i16",       [SHMRPC_KIND_I32] = "i32",
        [SHMRPC_KIND_I64] = "i64",       [SHMRPC_KIND_U8] = "u8",
        [SHMRPC_KIND_U16] = "u16",       [SHMRPC_KIND_U32] = "u32",
        [SHMRPC_KIND_U64] = "u64",       [SHMRPC_KIND_F32] = "f32",
        [SHMRPC_KIND_F64] = "f64",       [SHMRPC_KIND_STRING] = "string",
        [SHMRPC_KIND_BYTES] = "bytes",   [SHMRPC_KIND_ANY] = "any",
        [SHMRPC_KIND_LIST] = "list",     [SHMRPC_KIND_MAP] = "map",
        [SHMRPC_KIND_ARRAY] = "array",   [SHMRPC_KIND_ENUM] = "enum",
        [SHMRPC_KIND_STRUCT] = "struct", [SHMRPC_KIND_UNION] = "union",
    };
    return type->name != NULL ? type->name : names[type->kind];
}

/* ---- the walk ---- */

/* The path from the outermost value to the current one. */
typedef struct walk {
    struct {
        shmrpc_str name; /* name of a field, or key of a map */
        size_t index;    /* index in a list, if name.ptr is NULL */
        bool is_key;     /* `name` is a key; else it is a field's name */
    } steps[MAX_DEPTH];  /* from the outermost value inwards */
    size_t depth;
    shmrpci_buf *message; /* receives the error and its path */
} walk;

static bool check(walk *w, const shmrpc_type *type, const shmrpc_any *value);

/* Appends a path in the form of the codec's errors:
 * "query.filters[\"lang\"][3]: ". */
static void append_path(const walk *w)
{
    for (size_t i = 0; i < w->depth; i++) {
        const shmrpc_str name = w->steps[i].name;
        int len = name.len < 64 ? (int)name.len : 64;
        if (name.ptr == NULL) {
            shmrpci_buf_printf(w->message, "[%zu]", w->steps[i].index);
        } else if (w->steps[i].is_key) {
            shmrpci_buf_printf(w->message, "[\"%.*s\"]", len, name.ptr);
        } else {
            shmrpci_buf_printf(w->message, "%s%.*s", i > 0 ? "." : "", len,
                               name.ptr);
        }
    }
    shmrpci_buf_append_text(w->message, w->depth > 0 ? ": " : "");
}

/* Checks a value one level further in. */
static bool enter(walk *w, shmrpc_str name, size_t index, bool is_key,
                  const shmrpc_type *type, const shmrpc_any *value)
{
    if (w->depth == MAX_DEPTH) {
        return true; /* it is too deep: the decoder refuses it */
    }
    w->steps[w->depth].name = name;
    w->steps[w->depth].index = index;
    w->steps[w->depth].is_key = is_key;
    w->depth++;
    bool good = check(w, type, value);
    w->depth--;
    return good;
}

/* Stops at the first wrong name: one message, and the user corrects it. */
static bool check_members(walk *w, const shmrpc_type *type,
                          const shmrpc_any_map *map)
{
    const char *what = (type->flags & SHMRPC_TYPE_PARAMS) != 0 ? "parameter"
                       : type->kind == SHMRPC_KIND_UNION       ? "member"
                                                               : "field";
    for (size_t i = 0; i < map->len; i++) {
        const shmrpc_str key = map->ptr[i].key.u.str;
        const shmrpc_field *field = cli_field_find(type, key.ptr, key.len);
        if (field == NULL) {
            append_path(w);
            cli_field_unknown(type, what, key.ptr, key.len, w->message);
            return false;
        }
        if (!enter(w, shmrpc_str_of(field->name), 0, false, field->type,
                   &map->ptr[i].value)) {
            return false;
        }
    }
    return true;
}

/* Checks parameters by position: position p is the parameter with the tag p +
 * 1, and positions of tags that are no longer used are skipped. */
static bool check_positions(walk *w, const shmrpc_type *type,
                            const shmrpc_any_list *list)
{
    uint32_t last = type->count > 0 ? type->fields[type->count - 1].tag : 0;
    if (list->len > last) {
        shmrpci_buf_printf(w->message,
                           "%zu values for %u parameter%s (an array holds "
                           "the values of all parameters)",
                           list->len, last, last == 1 ? "" : "s");
        return false;
    }
    for (uint32_t i = 0; i < type->count; i++) {
        const shmrpc_field *field = &type->fields[i];
        if (field->tag <= list->len &&
            !enter(w, shmrpc_str_of(field->name), 0, false, field->type,
                   &list->ptr[field->tag - 1])) {
            return false;
        }
    }
    return true;
}

/* Only checks names: a number may stand for an enumerator that is newer than
 * the service's .svc. */
static bool check_enum(walk *w, const shmrpc_type *type, shmrpc_str name)
{
    char wanted[65];
    copy_name(name.ptr, name.len, wanted);
    shmrpci_nearest search = {.wanted = wanted};
    for (uint32_t i = 0; i < type->count; i++) {
        if (strcmp(type->enumerators[i].name, wanted) == 0) {
            return true;
        }
        shmrpci_nearest_offer(&search, type->enumerators[i].name);
    }
    append_path(w);
    shmrpci_buf_printf(w->message, "%s has no `%s`", type->name, wanted);
    if (search.best != NULL) {
        shmrpci_buf_printf(w->message, "; did you mean `%s`?", search.best);
        return false;
    }
    for (uint32_t i = 0; i < type->count && i < LISTED; i++) {
        shmrpci_buf_printf(w->message, "%s%s", i == 0 ? " (expected " : ", ",
                           type->enumerators[i].name);
    }
    shmrpci_buf_append_text(w->message, type->count > LISTED ? ", ...)" : ")");
    return false;
}

/* The step of an item is its index. */
static bool check_items(walk *w, const shmrpc_type *element,
                        const shmrpc_any_list *list)
{
    for (size_t i = 0; i < list->len; i++) {
        if (!enter(w, (shmrpc_str){NULL, 0}, i, false, element,
                   &list->ptr[i])) {
            return false;
        }
    }
    return true;
}

/* Keys may be anything that the map's type allows, so only values are
 * checked. */
static bool check_entries(walk *w, const shmrpc_type *element,
                          const shmrpc_any_map *map)
{
    for (size_t i = 0; i < map->len; i++) {
        if (!enter(w, map->ptr[i].key.u.str, 0, true, element,
                   &map->ptr[i].value)) {
            return false;
        }
    }
    return true;
}

static bool check(walk *w, const shmrpc_type *type, const shmrpc_any *value)
{
    bool is_map = value->kind == SHMRPC_ANY_MAP;
    bool is_list = value->kind == SHMRPC_ANY_LIST;
    switch (type->kind) {
    case SHMRPC_KIND_STRUCT:
    case SHMRPC_KIND_UNION:
        if (is_list && (type->flags & SHMRPC_TYPE_PARAMS) != 0) {
            return check_positions(w, type, &value->u.list);
        }
        return !is_map || check_members(w, type, &value->u.map);
    case SHMRPC_KIND_LIST:
    case SHMRPC_KIND_ARRAY:
        return !is_list || check_items(w, type->element, &value->u.list);
    case SHMRPC_KIND_MAP:
        return !is_map || check_entries(w, type->element, &value->u.map);
    case SHMRPC_KIND_ENUM:
        return value->kind != SHMRPC_ANY_STR ||
               check_enum(w, type, value->u.str);
    default:
        return true;
    }
}

/* The state is on the stack: the path takes a few KiB. */
bool cli_names_check(const shmrpc_type *type, const shmrpc_any *value,
                     shmrpci_buf *message)
{
    walk w = {.message = message};
    return check(&w, type, value);
}
