/*
 * Reads msgpack into values of a described type: the functions with which
 * read_walk.inc reads msgpack.
 *
 * The heads of containers say how many items follow, so lists are allocated
 * once, with their final size. msgpack_token.c has already checked the count
 * against the message.
 *
 * Every integer type accepts integers of any width, if the value fits the type.
 * Two shortcuts pay off: for integers of one byte, and for the key of the
 * expected field in its shortest form. Anything else goes through the lexer,
 * with the same result.
 */
#include "codec/engines.h"
#include "codec/keys.h"
#include "codec/msgpack_reader.h"

typedef shmrpci_msgpack_token token;

typedef shmrpci_msgpack_reader reader;
/* Keys of structs are names or tags; unknown ones may be any value. */
typedef shmrpc_any member_key;

static const shmrpc_type *const member_key_type = &shmrpc_type_any;

/* A container being read; `left` counts items, or pairs, still to come. */
typedef struct opened {
    size_t left;
} opened;

enum { heads_count = 1 };

static int read_value(reader *in, const shmrpc_type *type, void *out);
static int read_any(reader *in, shmrpc_any *out);

static int not_a(const reader *in, const shmrpc_type *type, const token *word)
{
    return shmrpci_walk_fail(&in->walk, "expected %s, found %s (at byte %zu)",
                             shmrpci_type_text(type),
                             shmrpci_msgpack_kind_text(word->kind), word->at);
}

/* Reads a string or bytes. Only a token of `kind` is accepted: a string is
 * refused where bytes are expected, and bytes where a string is. The length is
 * checked against the type's bound before the text is checked for UTF-8. */
static inline int read_text(reader *in, const shmrpc_type *type,
                            shmrpci_msgpack_kind kind, void *out)
{
    token word;
    int status = shmrpci_msgpack_word(in, &word);
    if (status != SHMRPC_OK) {
        return status;
    }
    if (word.kind != kind) {
        return not_a(in, type, &word);
    }
    status = shmrpci_walk_length(&in->walk, type, word.len);
    if (status == SHMRPC_OK && kind == SHMRPCI_MSGPACK_STR) {
        status = shmrpci_msgpack_check_utf8(in, &word);
    }
    return status == SHMRPC_OK ? shmrpci_msgpack_copy(in, &word, out) : status;
}

static int read_string(reader *in, const shmrpc_type *type, void *out)
{
    return read_text(in, type, SHMRPCI_MSGPACK_STR, out);
}

static int read_bytes(reader *in, const shmrpc_type *type, void *out)
{
    return read_text(in, type, SHMRPCI_MSGPACK_BIN, out);
}

/* Stores the number as a double even if it came as an f32; store_float narrows
 * it without loss if the type is f32. */
static int read_float(reader *in, const shmrpc_type *type, void *out)
{
    token word;
    int status = shmrpci_msgpack_word(in, &word);
    if (status != SHMRPC_OK) {
        return status;
    }
    if (word.kind == SHMRPCI_MSGPACK_INT) {
        /* Languages with one kind of number write 1.0 as an integer. */
        const uint64_t exact = UINT64_C(1)
                               << (type->kind == SHMRPC_KIND_F32 ? 24 : 53);
        if (word.number.magnitude > exact) {
            return shmrpci_walk_fail(&in->walk,
                                     "integer has no exact %s (at byte %zu)",
                                     shmrpci_kind_text(type->kind), word.at);
        }
        word.real = (double)word.number.magnitude;
        word.real = word.number.negative ? -word.real : word.real;
    } else if (word.kind != SHMRPCI_MSGPACK_FLOAT) {
        return not_a(in, type, &word);
    }
    return shmrpci_store_float(&in->walk, type, word.real, out);
}

static int read_bool(reader *in, const shmrpc_type *type, void *out)
{
    token word;
    int status = shmrpci_msgpack_word(in, &word);
    if (status == SHMRPC_OK && word.kind != SHMRPCI_MSGPACK_BOOL) {
        status = not_a(in, type, &word);
    }
    if (status == SHMRPC_OK) {
        *(bool *)out = word.truth;
    }
    return status;
}

/* Accepts any integer of the base type, because enums are open. Also the slow
 * path of read_integer, because an integer type is its own base type. */
static inline int read_enum(reader *in, const shmrpc_type *type, void *out)
{
    token word;
    int status = shmrpci_msgpack_word(in, &word);
    if (status != SHMRPC_OK) {
        return status;
    }
    if (word.kind != SHMRPCI_MSGPACK_INT) {
        return not_a(in, type, &word);
    }
    return shmrpci_store_int(&in->walk, shmrpci_base_type(type), word.number,
                             out);
}

/* Fast path for integers from 0 to 127, the most common ones: they take one
 * byte and fit every type. */
static int read_integer(reader *in, const shmrpc_type *type, void *out)
{
    shmrpci_msgpack_input *input = &in->input;
    if (input->at >= input->len || input->data[input->at] >= 0x80) {
        return read_enum(in, type, out);
    }
    shmrpci_store_bits(type, out, input->data[input->at++]);
    input->owed--;
    return shmrpci_walk_bounds(&in->walk, type, out);
}

/* Returns the next byte; at the end of the input 0xC1, which msgpack never
 * uses. */
static uint8_t next_byte(const reader *in)
{
    return in->input.at < in->input.len ? in->input.data[in->input.at] : 0xC1;
}

/* Whether an array comes next. Its head is 0x90 to 0x9F, which includes the
 * count, or 0xDC or 0xDD, with a longer count after it. */
static bool is_list_next(const reader *in)
{
    uint8_t head = next_byte(in);
    return (head & 0xF0) == 0x90 || head == 0xDC || head == 0xDD;
}

static bool is_map_next(const reader *in)
{
    uint8_t head = next_byte(in);
    return (head & 0xF0) == 0x80 || head == 0xDE || head == 0xDF;
}

static int read_any_word(reader *in, shmrpc_any *out, shmrpc_any_kind *kind)
{
    if (is_list_next(in) || is_map_next(in)) {
        *kind = is_list_next(in) ? SHMRPC_ANY_LIST : SHMRPC_ANY_MAP;
        return SHMRPC_OK;
    }
    return shmrpci_msgpack_read_any_word(in, out);
}

static bool at_null(const reader *in)
{
    return shmrpci_msgpack_at_nil(&in->input);
}

/* Only called after at_null returned true. */
static int take_null(reader *in)
{
    token nil;
    return shmrpci_msgpack_word(in, &nil);
}

/* Sets `at->left` to the number of items in a list, or of pairs in a map. */
static inline int open_container(reader *in, const shmrpc_type *type,
                                 shmrpci_msgpack_kind kind, opened *at,
                                 bool *more)
{
    token word;
    int status = shmrpci_msgpack_word(in, &word);
    if (status != SHMRPC_OK) {
        return status;
    }
    if (word.kind != kind) {
        return not_a(in, type, &word);
    }
    *at = (opened){word.len};
    *more = word.len > 0;
    return SHMRPC_OK;
}

static int open_list(reader *in, const shmrpc_type *type, opened *at,
                     bool *more)
{
    return open_container(in, type, SHMRPCI_MSGPACK_ARRAY, at, more);
}

static int open_map(reader *in, const shmrpc_type *type, opened *at, bool *more)
{
    return open_container(in, type, SHMRPCI_MSGPACK_MAP, at, more);
}

static int next_item(const reader *in, opened *at, bool *more)
{
    (void)in;
    *more = --at->left > 0;
    return SHMRPC_OK;
}

/* A key is a value of its type: unlike json, msgpack has keys of every kind. */
static int read_map_key(reader *in, const shmrpc_type *type, void *out)
{
    return read_value(in, type, out);
}

/* The first key needs no shortcut: read_member_key handles it. */
static int open_members(reader *in, const shmrpc_type *type, opened *at,
                        bool *more, size_t *index)
{
    *index = SIZE_MAX;
    return open_map(in, type, at, more);
}

static int next_member(const reader *in, const shmrpc_type *type, opened *at,
                       size_t hint, bool *more, size_t *index)
{
    (void)type;
    (void)hint;
    *index = SIZE_MAX;
    return next_item(in, at, more);
}

/* Steps over the key of the field `hint` if it comes next in its shortest form:
 * a tag below 128, or a name below 32 bytes. Most writers keep the order of the
 * fields. The name is compared in place, never copied. */
static bool take_expected_key(shmrpci_msgpack_input *input,
                              const shmrpc_type *type, size_t hint)
{
    if (hint >= type->count || input->at >= input->len) {
        return false;
    }
    const shmrpc_field *field = &type->fields[hint];
    uint8_t head = input->data[input->at];
    size_t len = 0;
    if (head != field->tag || head >= 0x80) {
        len = head & 0x1F;
        if ((head & 0xE0) != 0xA0 || len >= input->len - input->at ||
            !shmrpci_is_name(field->name,
                             (const char *)input->data + input->at + 1, len)) {
            return false;
        }
    }
    input->at += 1 + len;
    input->owed--;
    return true;
}

/* Accepts names and tags, whichever the sender uses, because @compact may be
 * added to a struct later. */
static int read_member_key(reader *in, const shmrpc_type *type, size_t hint,
                           member_key *key, size_t *index)
{
    if (take_expected_key(&in->input, type, hint)) {
        *index = hint;
        return SHMRPC_OK;
    }
    *index = SIZE_MAX;
    int status = read_any(in, key);
    if (status != SHMRPC_OK) {
        return status;
    }
    if (key->kind == SHMRPC_ANY_STR) {
        *index =
            shmrpci_field_by_name(type, hint, key->u.str.ptr, key->u.str.len);
    } else if (key->kind == SHMRPC_ANY_I64 && key->u.i64 > 0) {
        *index = shmrpci_field_by_tag(type, key->u.u64);
    }
    return SHMRPC_OK;
}

#include "codec/read_walk.inc"

int shmrpci_msgpack_decode(const shmrpc_type *type, const uint8_t *data,
                           size_t len, const char *name, shmrpci_arena *arena,
                           void *value, shmrpc_error *error)
{
    reader in = {.walk = {.root = name, .error = error}, .arena = arena};
    shmrpci_msgpack_init(&in.input, data, len);
    /* Decoded into a temporary, because `value` is written only on success. */
    void *result = shmrpci_arena_alloc(arena, type->size, 16);
    if (result == NULL) {
        return no_memory(&in);
    }
    int status = read_value(&in, type, result);
    if (status == SHMRPC_OK && in.input.at != len) {
        status = shmrpci_walk_fail(&in.walk, "expected the end (at byte %zu)",
                                   in.input.at);
    }
    if (status == SHMRPC_OK && type->size > 0) {
        memcpy(value, result, type->size);
    }
    return status;
}
