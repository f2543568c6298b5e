/*
 * Checks whole trees of `any`.
 *
 * The walk keeps one `place` for each level on the C stack, linked to the place
 * around it. No path is written until something is wrong; then the linked
 * places become the path. Depth is limited to what the codecs support, which
 * also bounds the recursion.
 *
 * Tuples and sets keep their items encoded as msgpack. The check decodes them
 * into an arena of its own, which is freed at the end.
 */
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "codec/any_ext.h"
#include "codec/codec.h"

/* Checks each extension with the function that reads it, so that whatever
 * passes the check can be read. */
bool shmrpci_any_is_sound(const shmrpc_any *value)
{
    double real;
    double imag;
    shmrpc_str text;
    shmrpc_any_time time;
    shmrpc_any_span span;
    shmrpc_array array;
    int32_t days;
    if (value->ext_type < SHMRPC_EXT_TUPLE ||
        value->ext_type > SHMRPC_EXT_ARRAY) {
        return true;
    }
    switch ((shmrpc_ext)value->ext_type) {
    /* Items can't be checked here, because decoding them needs memory:
     * check_ext does that. */
    case SHMRPC_EXT_TUPLE:
    case SHMRPC_EXT_SET:
    case SHMRPC_EXT_FROZENSET:
        return true;
    case SHMRPC_EXT_COMPLEX:
        return shmrpc_any_read_complex(value, &real, &imag) == SHMRPC_OK;
    case SHMRPC_EXT_BIGINT:
        return shmrpci_any_is_bigint(value->u.bytes.ptr, value->u.bytes.len);
    case SHMRPC_EXT_DATETIME:
    case SHMRPC_EXT_TIME:
        return shmrpc_any_read_time(value, &time) == SHMRPC_OK;
    case SHMRPC_EXT_DATE:
        return shmrpc_any_read_date(value, &days) == SHMRPC_OK;
    case SHMRPC_EXT_TIMEDELTA:
        return shmrpc_any_read_span(value, &span) == SHMRPC_OK;
    case SHMRPC_EXT_DECIMAL:
        return shmrpc_any_read_decimal(value, &text) == SHMRPC_OK;
    case SHMRPC_EXT_UUID:
        return value->u.bytes.len == 16;
    case SHMRPC_EXT_ARRAY:
        return shmrpc_any_read_array(value, &array) == SHMRPC_OK;
    }
    return true;
}

/* A step of the path from the whole tree to a part; each links to the previous
 * step. */
typedef struct place {
    const struct place *outer;
    const shmrpc_any *key; /* key in a map; NULL: `index` is a position */
    size_t index;
    /* Nesting level; a direct part of the whole tree has 1. */
    unsigned depth;
} place;

typedef struct checking {
    shmrpci_arena arena; /* holds the items of tuples and sets */
    shmrpc_error *error;
} checking;

/* ---- error paths --------------------------------------------------------- */

/* Writes a key as Python would quote it, but with `?` for control characters
 * and quotes, because a path goes to terminals and logs. Writes at most `size`
 * bytes without a NUL; a key that is cut ends with three dots. */
static size_t write_text(shmrpc_str text, char *out, size_t size)
{
    size_t cut = shmrpci_utf8_cut(text.ptr, text.len, size > 5 ? size - 5 : 0);
    size_t len = 0;
    out[len++] = '\'';
    for (size_t i = 0; i < cut; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        out[len++] = c < 32 || c == 127 || c == '\'' ? '?' : (char)c;
    }
    if (cut < text.len) {
        memcpy(out + len, "...", 3);
        len += 3;
    }
    out[len++] = '\'';
    return len;
}

/* Writes one step, with its brackets, NUL-terminated. A key that has no short
 * form is shown by its position in the map. */
static size_t write_step(const place *at, char out[40])
{
    const shmrpc_any *key = at->key;
    size_t len = 0;
    if (key == NULL) {
        return (size_t)snprintf(out, 40, "[%zu]", at->index);
    }
    if (key->kind == SHMRPC_ANY_STR &&
        shmrpci_utf8_valid_prefix(key->u.str.ptr, key->u.str.len) ==
            key->u.str.len) {
        out[len++] = '[';
        len += write_text(key->u.str, out + len, 36);
        out[len++] = ']';
        out[len] = '\0';
        return len;
    }
    if (key->kind == SHMRPC_ANY_I64) {
        return (size_t)snprintf(out, 40, "[%lld]", (long long)key->u.i64);
    }
    return (size_t)snprintf(out, 40, "[key %zu]", at->index);
}

/* Fills `text` from its end, because the chain of places leads from the part to
 * the whole. */
static void write_place(const place *at, char *out, size_t size)
{
    char text[SHMRPCI_CODEC_MAX_DEPTH * 40 + 1];
    size_t from = sizeof text - 1;
    text[from] = '\0';
    /* A step takes at most 39 characters and a NUL, and there are at most
     * 64. */
    for (; at != NULL && from >= 40; at = at->outer) {
        char step[40];
        size_t len = write_step(at, step);
        from -= len;
        memcpy(text + from, step, len);
    }
    size_t len = strlen(text + from);
    if (len >= size) { /* the end of the path is its most useful part */
        size_t skip = len - (size - 1) + 3;
        /* Skip to the beginning of a step. */
        while (skip < len && text[from + skip] != '[') {
            skip++;
        }
        (void)snprintf(out, size, "...%s", text + from + skip);
        return;
    }
    memcpy(out, text + from, len + 1);
}

/* The message is fixed text. So of the tree's content only keys, in the path,
 * reach the error. */
static shmrpc_status wrong(const checking *of, const place *at,
                           const char *what)
{
    (void)shmrpc_error_set(of->error, SHMRPC_E_INVALID, "%s", what);
    if (of->error != NULL) {
        write_place(at, of->error->path, sizeof of->error->path);
    }
    return SHMRPC_E_INVALID;
}

/* ---- the walk ------------------------------------------------------------ */

static shmrpc_status check(checking *of, const shmrpc_any *value,
                           const place *at);

static unsigned depth_of(const place *at)
{
    return at != NULL ? at->depth : 0;
}

/* Returns INVALID if the container at `at` would be one level too deep to
 * encode. */
static shmrpc_status enter(const checking *of, const place *at)
{
    return depth_of(at) >= SHMRPCI_CODEC_MAX_DEPTH
               ? wrong(of, at, "too deep: more than 64 levels")
               : SHMRPC_OK;
}

static shmrpc_status check_list(checking *of, const shmrpc_any_list *list,
                                const place *at)
{
    if (list->len > 0 && list->ptr == NULL) {
        return wrong(of, at, "a list without items");
    }
    shmrpc_status status = enter(of, at);
    for (size_t i = 0; i < list->len && status == SHMRPC_OK; i++) {
        place inner = {at, NULL, i, depth_of(at) + 1};
        status = check(of, &list->ptr[i], &inner);
    }
    return status;
}

static shmrpc_status check_map(checking *of, const shmrpc_any_map *map,
                               const place *at)
{
    if (map->len > 0 && map->ptr == NULL) {
        return wrong(of, at, "a map without entries");
    }
    shmrpc_status status = enter(of, at);
    for (size_t i = 0; i < map->len && status == SHMRPC_OK; i++) {
        /* An error in a key is reported at the entry's position, such as [3],
         * because a wrong key can't be a step of the path. */
        place key = {at, NULL, i, depth_of(at) + 1};
        place inner = {at, &map->ptr[i].key, i, depth_of(at) + 1};
        status = check(of, &map->ptr[i].key, &key);
        if (status == SHMRPC_OK) {
            status = check(of, &map->ptr[i].value, &inner);
        }
    }
    return status;
}

/* Items of tuples and sets are one level below them, like the items of a
 * list. */
static shmrpc_status check_ext(checking *of, const shmrpc_any *value,
                               const place *at)
{
    shmrpc_any_list items;
    shmrpc_error error;
    if (!shmrpci_any_is_sound(value)) {
        return wrong(of, at, "an extension's content doesn't match its number");
    }
    if (value->ext_type < SHMRPC_EXT_TUPLE ||
        value->ext_type > SHMRPC_EXT_FROZENSET) {
        return SHMRPC_OK;
    }
    shmrpc_status status =
        shmrpci_any_read_items(&of->arena, value, &items, &error);
    if (status == SHMRPC_E_NO_MEMORY) {
        return shmrpc_error_set(of->error, status, "out of memory");
    }
    return status == SHMRPC_OK
               ? check_list(of, &items, at)
               : wrong(of, at,
                       "the content of a tuple or set is not a list of items");
}

static shmrpc_status check(checking *of, const shmrpc_any *value,
                           const place *at)
{
    switch (value->kind) {
    case SHMRPC_ANY_NULL:
    case SHMRPC_ANY_BOOL:
    case SHMRPC_ANY_I64:
    case SHMRPC_ANY_U64:
    case SHMRPC_ANY_F64:
    case SHMRPC_ANY_F32:
        return SHMRPC_OK;
    case SHMRPC_ANY_STR:
        return (value->u.str.len == 0 || value->u.str.ptr != NULL) &&
                       shmrpci_utf8_valid_prefix(value->u.str.ptr,
                                                 value->u.str.len) ==
                           value->u.str.len
                   ? SHMRPC_OK
                   : wrong(of, at, "text that is not UTF-8");
    case SHMRPC_ANY_BYTES:
    case SHMRPC_ANY_EXT:
        if (value->u.bytes.len > 0 && value->u.bytes.ptr == NULL) {
            return wrong(of, at, "bytes with a length, but a NULL pointer");
        }
        return value->kind == SHMRPC_ANY_EXT ? check_ext(of, value, at)
                                             : SHMRPC_OK;
    case SHMRPC_ANY_LIST:
        return check_list(of, &value->u.list, at);
    case SHMRPC_ANY_MAP:
        return check_map(of, &value->u.map, at);
    }
    return wrong(of, at, "a value of an unknown kind");
}

shmrpc_status shmrpc_any_check(const shmrpc_any *tree, shmrpc_error *error)
{
    checking of = {.error = error};
    /* The arena needs no limit: decoded items take a small multiple of the
     * bytes that the caller already holds. */
    shmrpci_arena_init(&of.arena, 0);
    shmrpc_status status = check(&of, tree, NULL);
    shmrpci_arena_fini(&of.arena);
    return status;
}
