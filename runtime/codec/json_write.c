/* Values of a described type to JSON text, without white space. */
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
    bool numbered; /* enums as numbers */
} writer;

static int write_value(writer *to, const shmrpc_type *type, const void *value);
static int write_any(writer *to, const shmrpc_any *value);

static void put(writer *to, char c)
{
    uint8_t *at = shmrpci_buf_extend(to->out, 1);
    if (at != NULL) {
        *at = (uint8_t)c;
    }
}

static void put_text(writer *to, const char *text)
{
    size_t len = strlen(text);
    uint8_t *at = shmrpci_buf_extend(to->out, len);
    if (at != NULL) {
        shmrpci_copy_short(at, text, len);
    }
}

/* A field's name as a key. */
static void put_key(writer *to, char open, const char *name)
{
    size_t len = strlen(name);
    uint8_t *at = shmrpci_buf_extend(to->out, len + 4);
    if (at != NULL) {
        at[0] = (uint8_t)open;
        at[1] = '"';
        shmrpci_copy_short(at + 2, name, len);
        at[len + 2] = '"';
        at[len + 3] = ':';
    }
}

/* The text from `from`, escaped from there on. */
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

/* The end of what can be written as it is. */
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
        shmrpci_copy_short(at + 1, bytes, plain);
    }
    if (plain < len) {
        put_escaped(to, bytes, plain, len);
    }
    put(to, '"');
    return SHMRPC_OK;
}

static void write_base64(writer *to, const void *data, size_t len)
{
    put(to, '"');
    uint8_t *at = shmrpci_buf_extend(to->out, shmrpci_base64_text_len(len));
    if (at != NULL) {
        shmrpci_base64_encode(data, len, (char *)at);
    }
    put(to, '"');
}

static void write_int(writer *to, shmrpci_int number)
{
    char text[SHMRPCI_NUMBER_TEXT_BYTES];
    size_t len = shmrpci_int_to_text(number, text);
    uint8_t *at = shmrpci_buf_extend(to->out, len);
    if (at != NULL) {
        shmrpci_copy_short(at, text, len);
    }
}

/* Of a type that may ask for a text: browsers round what is above 2^53. */
static int write_integer(writer *to, const shmrpc_type *type, const void *value)
{
    bool quoted = (type->flags & SHMRPC_TYPE_JSON_TEXT) != 0;
    if (quoted) {
        put(to, '"');
    }
    write_int(to, shmrpci_load_int(type, value));
    if (quoted) {
        put(to, '"');
    }
    return shmrpci_walk_bounds(&to->walk, type, value);
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

/* The name to write an enum by; NULL: it goes as a number. */
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

static int write_list(writer *to, const shmrpc_type *type, const void *items,
                      size_t count)
{
    shmrpci_step step;
    int status = shmrpci_walk_enter(&to->walk, &step);
    if (status != SHMRPC_OK) {
        return status;
    }
    put(to, '[');
    for (size_t i = 0; status == SHMRPC_OK && i < count; i++) {
        if (i > 0) {
            put(to, ',');
        }
        shmrpci_step_index(&step, i);
        status = write_value(to, type->element,
                             (const uint8_t *)items + i * type->item_size);
    }
    put(to, ']');
    shmrpci_walk_leave(&to->walk, &step);
    return status;
}

/* Keys are always strings: other scalars stand in quotes. */
static int write_key(writer *to, const shmrpc_type *type, const void *key)
{
    if (!shmrpci_key_type_ok(type)) {
        return shmrpci_walk_fail(&to->walk, "%s can't be a key",
                                 shmrpci_type_text(type));
    }
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

static int write_map(writer *to, const shmrpc_type *type, shmrpci_span entries)
{
    shmrpci_step step;
    int status = shmrpci_walk_enter(&to->walk, &step);
    if (status != SHMRPC_OK) {
        return status;
    }
    put(to, '{');
    for (size_t i = 0; status == SHMRPC_OK && i < entries.len; i++) {
        const uint8_t *entry =
            (const uint8_t *)entries.ptr + i * type->item_size;
        if (i > 0) {
            put(to, ',');
        }
        shmrpci_step_key(&step, type->key, entry);
        status = write_key(to, type->key, entry);
        if (status == SHMRPC_OK) {
            status = write_value(to, type->element, entry + type->value_offset);
        }
    }
    put(to, '}');
    shmrpci_walk_leave(&to->walk, &step);
    return status;
}

/* Parameters by position; a hole and an absent one are null, those behind the
 * last present one are left out. */
static int write_params(writer *to, const shmrpc_type *type, const void *value)
{
    shmrpci_step step;
    int status = shmrpci_walk_enter(&to->walk, &step);
    if (status != SHMRPC_OK) {
        return status;
    }
    uint32_t written = 0;
    put(to, '[');
    for (uint32_t i = 0; status == SHMRPC_OK && i < type->count; i++) {
        const shmrpc_field *field = &type->fields[i];
        const void *at;
        shmrpci_step_field(&step, field->name);
        status = shmrpci_field_require(&to->walk, field, value, &at);
        if (status != SHMRPC_OK || at == NULL) {
            continue;
        }
        for (; written + 1 < field->tag; written++) {
            put_text(to, written == 0 ? "null" : ",null");
        }
        if (written++ > 0) {
            put(to, ',');
        }
        status = write_value(to, field->type, at);
    }
    put(to, ']');
    shmrpci_walk_leave(&to->walk, &step);
    return status;
}

static int write_struct(writer *to, const shmrpc_type *type, const void *value)
{
    shmrpci_step step;
    int status = shmrpci_walk_enter(&to->walk, &step);
    if (status != SHMRPC_OK) {
        return status;
    }
    char open = '{';
    for (uint32_t i = 0; status == SHMRPC_OK && i < type->count; i++) {
        const shmrpc_field *field = &type->fields[i];
        const void *at;
        shmrpci_step_field(&step, field->name);
        status = shmrpci_field_require(&to->walk, field, value, &at);
        if (status != SHMRPC_OK || at == NULL) {
            continue;
        }
        put_key(to, open, field->name);
        open = ',';
        status = write_value(to, field->type, at);
    }
    if (open == '{') {
        put(to, '{');
    }
    put(to, '}');
    shmrpci_walk_leave(&to->walk, &step);
    return status;
}

static int write_union(writer *to, const shmrpc_type *type, const void *value)
{
    const shmrpc_field *field = NULL;
    const void *at = NULL;
    shmrpci_step step;
    int status = shmrpci_union_member(&to->walk, type, value, &field);
    if (status == SHMRPC_OK) {
        status = shmrpci_walk_enter(&to->walk, &step);
    }
    if (status != SHMRPC_OK) {
        return status;
    }
    shmrpci_step_field(&step, field->name);
    status = shmrpci_field_require(&to->walk, field, value, &at);
    if (status == SHMRPC_OK) {
        put_key(to, '{', field->name);
        status = write_value(to, field->type, at);
        put(to, '}');
    }
    shmrpci_walk_leave(&to->walk, &step);
    return status;
}

static int write_any_list(writer *to, shmrpc_any_list list)
{
    shmrpci_step step;
    int status = shmrpci_walk_enter(&to->walk, &step);
    if (status != SHMRPC_OK) {
        return status;
    }
    put(to, '[');
    for (size_t i = 0; status == SHMRPC_OK && i < list.len; i++) {
        if (i > 0) {
            put(to, ',');
        }
        shmrpci_step_index(&step, i);
        status = write_any(to, &list.ptr[i]);
    }
    put(to, ']');
    shmrpci_walk_leave(&to->walk, &step);
    return status;
}

static int write_any_map(writer *to, shmrpc_any_map map)
{
    shmrpci_step step;
    int status = shmrpci_walk_enter(&to->walk, &step);
    if (status != SHMRPC_OK) {
        return status;
    }
    put(to, '{');
    for (size_t i = 0; status == SHMRPC_OK && i < map.len; i++) {
        if (i > 0) {
            put(to, ',');
        }
        shmrpci_step_key(&step, &shmrpc_type_any, &map.ptr[i].key);
        status = write_key(to, &shmrpc_type_any, &map.ptr[i].key);
        if (status == SHMRPC_OK) {
            status = write_any(to, &map.ptr[i].value);
        }
    }
    put(to, '}');
    shmrpci_walk_leave(&to->walk, &step);
    return status;
}

/* With a fraction or exponent, so that a float comes back as a float. */
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

static int write_any(writer *to, const shmrpc_any *value)
{
    int status = shmrpci_walk_any(&to->walk, value);
    if (status != SHMRPC_OK) {
        return status;
    }
    switch (value->kind) {
    case SHMRPC_ANY_NULL:
        put_text(to, "null");
        return SHMRPC_OK;
    case SHMRPC_ANY_BOOL:
        put_text(to, value->u.b ? "true" : "false");
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
    case SHMRPC_ANY_STR:
        return write_text(to, value->u.str.ptr, value->u.str.len);
    case SHMRPC_ANY_LIST:
        return write_any_list(to, value->u.list);
    case SHMRPC_ANY_MAP:
        return write_any_map(to, value->u.map);
    case SHMRPC_ANY_BYTES:
    case SHMRPC_ANY_EXT:
        return shmrpci_walk_fail(&to->walk, "JSON has no bytes");
    }
    return shmrpci_walk_fail(&to->walk, "unknown kind of any: %d",
                             (int)value->kind);
}

static int write_sized(writer *to, const shmrpc_type *type, shmrpci_span span)
{
    int status = shmrpci_walk_view(&to->walk, type, span.ptr, span.len);
    if (status != SHMRPC_OK) {
        return status;
    }
    switch (type->kind) {
    case SHMRPC_KIND_STRING:
        return write_text(to, span.ptr, span.len);
    case SHMRPC_KIND_BYTES:
        write_base64(to, span.ptr, span.len);
        return SHMRPC_OK;
    case SHMRPC_KIND_LIST:
        return write_list(to, type, span.ptr, span.len);
    default:
        return write_map(to, type, span);
    }
}

static int write_value(writer *to, const shmrpc_type *type, const void *value)
{
    int status;
    switch (type->kind) {
    case SHMRPC_KIND_BOOL:
        put_text(to, *(const uint8_t *)value != 0 ? "true" : "false");
        return SHMRPC_OK;
    case SHMRPC_KIND_I8:
    case SHMRPC_KIND_I16:
    case SHMRPC_KIND_I32:
    case SHMRPC_KIND_I64:
    case SHMRPC_KIND_U8:
    case SHMRPC_KIND_U16:
    case SHMRPC_KIND_U32:
    case SHMRPC_KIND_U64:
        return write_integer(to, type, value);
    case SHMRPC_KIND_F32:
    case SHMRPC_KIND_F64:
        status = shmrpci_walk_bounds(&to->walk, type, value);
        write_float(to, type, value);
        return status;
    case SHMRPC_KIND_STRING:
    case SHMRPC_KIND_BYTES:
    case SHMRPC_KIND_LIST:
    case SHMRPC_KIND_MAP:
        return write_sized(to, type, shmrpci_load_span(value));
    case SHMRPC_KIND_ANY:
        return write_any(to, value);
    case SHMRPC_KIND_ARRAY:
        return write_list(to, type, value, type->count);
    case SHMRPC_KIND_ENUM:
        return write_enum(to, type, value);
    case SHMRPC_KIND_STRUCT:
        return (type->flags & SHMRPC_TYPE_PARAMS) != 0
                   ? write_params(to, type, value)
                   : write_struct(to, type, value);
    case SHMRPC_KIND_UNION:
        return write_union(to, type, value);
    }
    return shmrpci_walk_fail(&to->walk, "unknown kind");
}

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

int shmrpci_json_encode(const shmrpc_type *type, const void *value,
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
    .encode = shmrpci_json_encode,
    .decode = shmrpci_json_decode,
};

const shmrpci_codec shmrpci_codec_json_numbered = {
    .encoding = SHMRPC_ENCODING_JSON,
    .name = "json",
    .encode = encode_numbered,
    .decode = shmrpci_json_decode,
};
