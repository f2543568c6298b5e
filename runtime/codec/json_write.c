/*
 * Writes values of a described type as JSON text without white space: the
 * functions with which write_walk.inc writes JSON.
 *
 * Bytes are appended to the buffer of the message. A full buffer ignores
 * further bytes and keeps its status, which is checked once, at the end; so the
 * small functions here return nothing. After a failure the buffer may hold part
 * of the value.
 *
 * By the grammar of the `.svc`, names of fields and enumerators are plain
 * ASCII, so they need no escapes.
 */
#include <math.h>

#include "base/json_text.h"
#include "base/utf8.h"
#include "codec/base64.h"
#include "codec/engines.h"
#include "codec/json_lexer.h"
#include "codec/json_number.h"
#include "codec/keys.h"
#include "codec/value.h"

typedef struct writer {
    shmrpci_walk walk;
    shmrpci_buf *out;
    bool numbered; /* write enums as numbers */
} writer;

static int write_value(writer *to, const shmrpc_type *type, const void *value);

static void put(writer *to, char c)
{
    uint8_t *at = shmrpci_buf_extend(to->out, 1);
    if (at != NULL) {
        *at = (uint8_t)c;
    }
}

/* Writes a short constant text, which `copy_tiny` copies without a call. */
static void put_text(writer *to, const char *text)
{
    size_t len = strlen(text);
    uint8_t *at = shmrpci_buf_extend(to->out, len);
    if (at != NULL) {
        shmrpci_copy_tiny(at, text, len);
    }
}

/* Writes the text before a field's value: `{` or `,`, the name in quotes and a
 * colon, with a single check of the buffer's room. */
static void put_key(writer *to, char open, const char *name)
{
    size_t len = strlen(name);
    uint8_t *at = shmrpci_buf_extend(to->out, len + 4);
    if (at != NULL) {
        at[0] = (uint8_t)open;
        at[1] = '"';
        shmrpci_copy_tiny(at + 2, name, len);
        at[len + 2] = '"';
        at[len + 3] = ':';
    }
}

/* Appends the text, with escapes where JSON needs them. `from` is the first
 * byte that may need one; the bytes before it have been written. */
static void put_escaped(writer *to, const uint8_t *text, size_t from,
                        size_t len)
{
    size_t start = from;
    while (from < len) {
        from = shmrpci_json_skip_plain(text, len, from);
        uint8_t c = from < len ? text[from] : ' ';
        if (c < 0x20 || c == '"' || c == '\\') {
            uint8_t escaped[SHMRPCI_JSON_ESCAPE_BYTES];
            shmrpci_buf_append(to->out, text + start, from - start);
            shmrpci_buf_append(to->out, escaped,
                               shmrpci_json_escape(c, escaped));
            start = from + 1;
        }
        from++;
    }
    if (len > start) {
        shmrpci_buf_append(to->out, text + start, len - start);
    }
}

/* Returns the length of the prefix that needs no escape, usually all of it.
 * skip_plain stops at bytes above 0x7f, but these need no escape. */
static size_t skip_unescaped(const uint8_t *text, size_t len)
{
    size_t at = 0;
    while (at < len) {
        at = shmrpci_json_skip_plain(text, len, at);
        if (at < len &&
            (text[at] < 0x20 || text[at] == '"' || text[at] == '\\')) {
            return at;
        }
        at++;
    }
    return len;
}

/* Checks UTF-8 before writing: a receiver refuses other text, so the sender
 * should find out first. */
static int write_text(writer *to, const char *text, size_t len)
{
    size_t valid = shmrpci_utf8_valid_prefix(text, len);
    if (valid != len) {
        return shmrpci_walk_fail(&to->walk, "not UTF-8 (at byte %zu)", valid);
    }
    const uint8_t *bytes = (const uint8_t *)text;
    size_t plain = skip_unescaped(bytes, len);
    uint8_t *at = shmrpci_buf_extend(to->out, plain + 1);
    if (at != NULL) {
        *at = '"';
        shmrpci_copy_tiny(at + 1, bytes, plain);
    }
    if (plain < len) {
        put_escaped(to, bytes, plain, len);
    }
    put(to, '"');
    return SHMRPC_OK;
}

/* Writes bytes as base64, straight into the message. */
static int write_bytes(writer *to, const void *data, size_t len)
{
    put(to, '"');
    uint8_t *at = shmrpci_buf_extend(to->out, shmrpci_base64_text_len(len));
    if (at != NULL) {
        shmrpci_base64_encode(data, len, (char *)at);
    }
    put(to, '"');
    return SHMRPC_OK;
}

static void write_int(writer *to, shmrpci_int number)
{
    char text[SHMRPCI_NUMBER_TEXT_BYTES];
    size_t len = shmrpci_int_to_text(number, text);
    uint8_t *at = shmrpci_buf_extend(to->out, len);
    if (at != NULL) {
        shmrpci_copy_tiny(at, text, len);
    }
}

static void write_bool(writer *to, bool value)
{
    put_text(to, value ? "true" : "false");
}

/* Types with @json(string) are written in quotes, because JavaScript rounds
 * numbers above 2^53. */
static void write_integer(writer *to, const shmrpc_type *type,
                          const void *value)
{
    bool quoted = (type->flags & SHMRPC_TYPE_JSON_TEXT) != 0;
    if (quoted) {
        put(to, '"');
    }
    write_int(to, shmrpci_load_int(type, value));
    if (quoted) {
        put(to, '"');
    }
}

static void write_float(writer *to, const shmrpc_type *type, const void *value)
{
    char text[SHMRPCI_NUMBER_TEXT_BYTES];
    double number;
    float single = 0;
    if (type->kind == SHMRPC_KIND_F32) {
        memcpy(&single, value, sizeof single);
        number = (double)single;
    } else {
        memcpy(&number, value, sizeof number);
    }
    if (isnan(number)) {
        put_text(to, "\"NaN\"");
    } else if (isinf(number)) {
        put_text(to, number > 0 ? "\"Infinity\"" : "\"-Infinity\"");
    } else {
        size_t len = type->kind == SHMRPC_KIND_F32
                         ? shmrpci_f32_to_text(single, text)
                         : shmrpci_f64_to_text(number, text);
        shmrpci_buf_append(to->out, text, len);
    }
}

/* Returns the name of an enum's value. Returns NULL if the value has no name,
 * or if the reader has another version of the contract: then the value is
 * written as a number. */
static const char *name_to_write(const writer *to, const shmrpc_type *type,
                                 const void *value)
{
    return to->numbered ? NULL
                        : shmrpci_enum_name(
                              type, shmrpci_load_bits(type->element, value));
}

static int write_enum(writer *to, const shmrpc_type *type, const void *value)
{
    const char *name = name_to_write(to, type, value);
    if (name != NULL) {
        return write_text(to, name, strlen(name));
    }
    write_int(to, shmrpci_load_int(type->element, value));
    return SHMRPC_OK;
}

/* `count` is unused, because JSON lists have no count. Msgpack lists have
 * one. */
static int open_list(writer *to, size_t count)
{
    (void)count;
    put(to, '[');
    return SHMRPC_OK;
}

static void close_list(writer *to)
{
    put(to, ']');
}

static int open_map(writer *to, size_t count)
{
    (void)count;
    put(to, '{');
    return SHMRPC_OK;
}

static void close_map(writer *to)
{
    put(to, '}');
}

static void before_item(writer *to, size_t index)
{
    if (index > 0) {
        put(to, ',');
    }
}

/* Keys are always strings, so other scalars are put in quotes. */
static int write_key(writer *to, const shmrpc_type *type, const void *key)
{
    if (type->kind == SHMRPC_KIND_ANY &&
        ((const shmrpc_any *)key)->kind != SHMRPC_ANY_STR) {
        return shmrpci_walk_fail(&to->walk, "JSON has string keys only");
    }
    bool is_bare = type->kind == SHMRPC_KIND_BOOL || shmrpci_is_integer(type) ||
                   (type->kind == SHMRPC_KIND_ENUM &&
                    name_to_write(to, type, key) == NULL);
    if (is_bare) {
        put(to, '"');
    }
    int status = write_value(to, type, key);
    if (is_bare) {
        put(to, '"');
    }
    put(to, ':');
    return status;
}

static void open_params(writer *to, const shmrpc_type *type, const void *value)
{
    (void)type;
    (void)value;
    put(to, '[');
}

/* Writes an absent parameter that is followed by others. */
static void put_hole(writer *to)
{
    put_text(to, "null");
}

/* Writes nothing, because the brace comes with the first key. */
static void open_fields(const writer *to, const shmrpc_type *type,
                        const void *value)
{
    (void)to;
    (void)type;
    (void)value;
}

static void open_chosen(const writer *to)
{
    (void)to;
}

static void put_field_key(writer *to, const shmrpc_type *type,
                          const shmrpc_field *field, bool is_first)
{
    (void)type;
    put_key(to, is_first ? '{' : ',', field->name);
}

/* If there is no field, no key has written the brace, so it is written here. */
static void close_fields(writer *to, bool is_empty)
{
    if (is_empty) {
        put(to, '{');
    }
    put(to, '}');
}

/* Writes a fraction or an exponent, so that a float reads back as a float.
 * Refuses NaN and infinity, which JSON can't express: in quotes they would read
 * back as strings. */
static int write_any_float(writer *to, const shmrpc_any *value)
{
    bool is_single = value->kind == SHMRPC_ANY_F32;
    double number = is_single ? (double)value->u.f32 : value->u.f64;
    if (!isfinite(number)) {
        return shmrpci_walk_fail(&to->walk, "JSON has no such number: %g",
                                 number);
    }
    char text[SHMRPCI_NUMBER_TEXT_BYTES];
    size_t len = is_single ? shmrpci_f32_to_text(value->u.f32, text)
                           : shmrpci_f64_to_text(number, text);
    shmrpci_buf_append(to->out, text, len);
    if (shmrpci_text_is_int(text, len)) {
        put_text(to, ".0");
    }
    return SHMRPC_OK;
}

/* Refuses extensions and bytes, which have no JSON form that reads back the
 * same. The walk writes strings, lists and maps. */
static int write_any_word(writer *to, const shmrpc_any *value)
{
    switch (value->kind) {
    case SHMRPC_ANY_NULL:
        put_text(to, "null");
        return SHMRPC_OK;
    case SHMRPC_ANY_BOOL:
        write_bool(to, value->u.b);
        return SHMRPC_OK;
    case SHMRPC_ANY_I64:
        write_int(to, shmrpci_load_int(&shmrpc_type_i64, &value->u.i64));
        return SHMRPC_OK;
    case SHMRPC_ANY_U64:
        write_int(to, shmrpci_load_int(&shmrpc_type_u64, &value->u.u64));
        return SHMRPC_OK;
    case SHMRPC_ANY_F64:
    case SHMRPC_ANY_F32:
        return write_any_float(to, value);
    default:
        return shmrpci_walk_fail(&to->walk, "JSON has no bytes");
    }
}

#include "codec/write_walk.inc"

static int encode(const shmrpc_type *type, const void *value, const char *name,
                  bool numbered, shmrpci_buf *out, shmrpc_error *error)
{
    writer to = {.walk = {.root = name, .error = error},
                 .out = out,
                 .numbered = numbered};
    int status = write_value(&to, type, value);
    if (status == SHMRPC_OK && out->status != SHMRPC_OK) {
        status = shmrpci_walk_status(&to.walk, out->status);
    }
    return status;
}

static int encode_named(const shmrpc_type *type, const void *value,
                        const char *name, shmrpci_buf *out, shmrpc_error *error)
{
    return encode(type, value, name, false, out, error);
}

static int encode_numbered(const shmrpc_type *type, const void *value,
                           const char *name, shmrpci_buf *out,
                           shmrpc_error *error)
{
    return encode(type, value, name, true, out, error);
}

const shmrpci_codec shmrpci_codec_json = {
    .encoding = SHMRPC_ENCODING_JSON,
    .name = "json",
    .encode = encode_named,
    .decode = shmrpci_json_decode,
};

/* Chosen by shmrpci_codec_numbered. It has the encoding and name of the codec
 * above, because readers of JSON accept both forms of enums. */
const shmrpci_codec shmrpci_codec_json_numbered = {
    .encoding = SHMRPC_ENCODING_JSON,
    .name = "json",
    .encode = encode_numbered,
    .decode = shmrpci_json_decode,
};
