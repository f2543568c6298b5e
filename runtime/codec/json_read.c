/*
 * Reads JSON text into values of a described type: the functions with which
 * read_walk.inc reads JSON.
 *
 * Each of them begins with the value's first token as the lexer's current one,
 * and ends with the token after the value. JSON containers announce no count,
 * so `left` and `heads_count` are 0, and lists grow.
 *
 * One shortcut pays off: keys in the order of the `.svc` are compared with the
 * input as bytes, before the lexer sees them. The lexer handles any other
 * order, and white space or an escape in a key, with the same result.
 */
#include "codec/engines.h"
#include "codec/json_reader.h"
#include "codec/keys.h"
#include "codec/value.h"

typedef shmrpci_json_reader reader;
/* Unknown keys are kept until the object ends, to be checked for duplicates. */
typedef shmrpc_str member_key;

static const shmrpc_type *const member_key_type = &shmrpc_type_string;

typedef struct opened {
    shmrpci_json_token close;
    size_t left; /* never known */
} opened;

enum { heads_count = 0 };

/* Goes to the token after a value of a single token. */
static int finish(reader *in, int status)
{
    return status == SHMRPC_OK ? shmrpci_json_advance(in) : status;
}

static int read_bool(reader *in, const shmrpc_type *type, void *out)
{
    return finish(in, shmrpci_json_read_bool(in, type, out));
}

static int read_integer(reader *in, const shmrpc_type *type, void *out)
{
    return finish(in, shmrpci_json_read_integer(in, type, out));
}

static int read_float(reader *in, const shmrpc_type *type, void *out)
{
    return finish(in, shmrpci_json_read_float(in, type, out));
}

static int read_string(reader *in, const shmrpc_type *type, void *out)
{
    return finish(in, shmrpci_json_read_string(in, type, out));
}

static int read_bytes(reader *in, const shmrpc_type *type, void *out)
{
    return finish(in, shmrpci_json_read_bytes(in, type, out));
}

static int read_enum(reader *in, const shmrpc_type *type, void *out)
{
    return finish(in, shmrpci_json_read_enum(in, type, out));
}

static int read_any_word(reader *in, shmrpc_any *out, shmrpc_any_kind *kind)
{
    if (in->lexer.token == SHMRPCI_JSON_ARRAY_OPEN) {
        *kind = SHMRPC_ANY_LIST;
        return SHMRPC_OK;
    }
    if (in->lexer.token == SHMRPCI_JSON_OBJECT_OPEN) {
        *kind = SHMRPC_ANY_MAP;
        return SHMRPC_OK;
    }
    return finish(in, shmrpci_json_read_any_word(in, out));
}

static bool at_null(const reader *in)
{
    return in->lexer.token == SHMRPCI_JSON_NULL;
}

static int take_null(reader *in)
{
    return shmrpci_json_advance(in);
}

static bool is_list_next(const reader *in)
{
    return in->lexer.token == SHMRPCI_JSON_ARRAY_OPEN;
}

static int open_list(reader *in, const shmrpc_type *type, opened *at,
                     bool *more)
{
    if (in->lexer.token != SHMRPCI_JSON_ARRAY_OPEN) {
        return shmrpci_json_expected(in, shmrpci_type_text(type));
    }
    *at = (opened){SHMRPCI_JSON_ARRAY_CLOSE, 0};
    return shmrpci_json_open(in, SHMRPCI_JSON_ARRAY_CLOSE, more);
}

static int open_map(reader *in, const shmrpc_type *type, opened *at, bool *more)
{
    if (in->lexer.token != SHMRPCI_JSON_OBJECT_OPEN) {
        return shmrpci_json_expected(in, shmrpci_type_text(type));
    }
    *at = (opened){SHMRPCI_JSON_OBJECT_CLOSE, 0};
    return shmrpci_json_open(in, SHMRPCI_JSON_OBJECT_CLOSE, more);
}

/* Steps over the end of an item: a comma, or the end of the container. */
static int next_item(reader *in, const opened *at, bool *more)
{
    return shmrpci_json_next_item(
        in, at->close,
        at->close == SHMRPCI_JSON_ARRAY_CLOSE ? "`,` or `]`" : "`,` or `}`",
        more);
}

static int read_map_key(reader *in, const shmrpc_type *type, void *out)
{
    return shmrpci_json_read_map_key(in, type, out);
}

/* Called after `{` or a comma. If the key of the field `hint` and its colon
 * come next, without white space, steps over them and returns the hint;
 * otherwise returns SIZE_MAX. Most writers keep the order of the fields. */
static size_t take_expected_key(reader *in, const shmrpc_type *type,
                                size_t hint)
{
    const uint8_t *text = in->lexer.data + in->lexer.next;
    size_t left = in->lexer.len - in->lexer.next;
    if (hint >= type->count || left == 0 || text[0] != '"') {
        return SIZE_MAX;
    }
    const char *name = type->fields[hint].name;
    size_t at = 1;
    while (at < left && name[at - 1] != '\0' &&
           text[at] == (uint8_t)name[at - 1]) {
        at++;
    }
    if (left - at < 2 || name[at - 1] != '\0' || text[at] != '"' ||
        text[at + 1] != ':') {
        return SIZE_MAX;
    }
    in->lexer.next += at + 2;
    return hint;
}

/* The brace is the current token; looks for the key after it. */
static int open_members(reader *in, const shmrpc_type *type, opened *at,
                        bool *more, size_t *index)
{
    if (in->lexer.token == SHMRPCI_JSON_OBJECT_OPEN) {
        *index = take_expected_key(in, type, 0);
        if (*index != SIZE_MAX) {
            *at = (opened){SHMRPCI_JSON_OBJECT_CLOSE, 0};
            *more = true;
            return shmrpci_json_advance(in);
        }
    }
    return open_map(in, type, at, more);
}

static int next_member(reader *in, const shmrpc_type *type, const opened *at,
                       size_t hint, bool *more, size_t *index)
{
    *index = SIZE_MAX;
    if (in->lexer.token == SHMRPCI_JSON_COMMA) {
        *index = take_expected_key(in, type, hint);
        if (*index != SIZE_MAX) {
            return shmrpci_json_advance(in);
        }
    }
    return next_item(in, at, more);
}

/* Handles keys in any order: finds the field by its name, which may be a view
 * of the input. */
static int read_member_key(reader *in, const shmrpc_type *type, size_t hint,
                           member_key *key, size_t *index)
{
    int status = shmrpci_json_read_key(in, key);
    if (status == SHMRPC_OK) {
        *index = shmrpci_field_by_name(type, hint, key->ptr, key->len);
    }
    return status;
}

#include "codec/read_walk.inc"

int shmrpci_json_decode(const shmrpc_type *type, const uint8_t *data,
                        size_t len, const char *name, shmrpci_arena *arena,
                        void *value, shmrpc_error *error)
{
    reader in = {.walk = {.root = name, .error = error}, .arena = arena};
    shmrpci_json_lexer_init(&in.lexer, data, len);
    /* Decoded into a temporary, because `value` is written only on success. An
     * alignment of 16 suits every C type that a table describes. */
    void *result = shmrpci_arena_alloc(arena, type->size, 16);
    if (result == NULL) {
        return no_memory(&in);
    }
    int status = shmrpci_json_advance(&in);
    if (status == SHMRPC_OK) {
        status = read_value(&in, type, result);
    }
    if (status == SHMRPC_OK && in.lexer.token != SHMRPCI_JSON_END) {
        status = shmrpci_json_expected(&in, "the end");
    }
    if (status == SHMRPC_OK && type->size > 0) {
        memcpy(value, result, type->size);
    }
    return status;
}
