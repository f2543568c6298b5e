/*
 * Reads values that are a single JSON token, and the keys of maps.
 *
 * README.md of this folder ("Text forms") lists the alternative forms that are
 * accepted for other programs: 64-bit integers in quotes because JavaScript
 * rounds above 2^53, NaN and infinity in quotes because JSON has no such
 * numbers, and 1e3 where an integer is expected because some printers write it
 * that way. No integer is ever rounded.
 */
#include <math.h>

#include "codec/base64.h"
#include "codec/json_number.h"
#include "codec/json_reader.h"
#include "codec/value.h"

typedef shmrpci_json_reader reader;

static const char *text_at(const reader *in)
{
    return (const char *)in->lexer.data + in->lexer.text_at;
}

static int no_memory(const reader *in)
{
    return shmrpci_walk_status(&in->walk, SHMRPC_E_NO_MEMORY);
}

static int not_a(const reader *in, const shmrpc_type *type)
{
    return shmrpci_json_expected(in, shmrpci_type_text(type));
}

int shmrpci_json_read_bool(reader *in, const shmrpc_type *type, void *out)
{
    if (in->lexer.token != SHMRPCI_JSON_TRUE &&
        in->lexer.token != SHMRPCI_JSON_FALSE) {
        return not_a(in, type);
    }
    *(bool *)out = in->lexer.token == SHMRPCI_JSON_TRUE;
    return SHMRPC_OK;
}

/* The message shows up to 40 bytes of the number, which are ASCII, as the lexer
 * has checked. */
static int not_integer(const reader *in, const shmrpc_type *type)
{
    return shmrpci_walk_fail(
        &in->walk, "expected %s, found %.*s (at byte %zu)",
        shmrpci_kind_text(type->kind),
        (int)(in->lexer.text_len < 40 ? in->lexer.text_len : 40), text_at(in),
        in->lexer.at);
}

/* 64-bit numbers may be strings, because JavaScript can't represent all of them
 * as numbers. */
static bool is_quoted_int(const reader *in, const shmrpc_type *type)
{
    return in->lexer.token == SHMRPCI_JSON_STRING && type->size == 8 &&
           shmrpci_text_is_int(text_at(in), in->lexer.text_len);
}

/* `store_int` checks that the value fits the type and its bounds. */
int shmrpci_json_read_integer(reader *in, const shmrpc_type *type, void *out)
{
    bool quoted = is_quoted_int(in, type);
    if (!quoted && in->lexer.token != SHMRPCI_JSON_INTEGER &&
        in->lexer.token != SHMRPCI_JSON_REAL) {
        return not_a(in, type);
    }
    int status = shmrpci_json_check_number(in);
    if (status != SHMRPC_OK) {
        return status;
    }
    shmrpci_int number;
    bool is_real = in->lexer.token == SHMRPCI_JSON_REAL;
    bool ok =
        is_real ? shmrpci_text_to_int_from_real(text_at(in), in->lexer.text_len,
                                                &number)
                : shmrpci_text_to_int(text_at(in), in->lexer.text_len, &number);
    if (!ok) {
        return not_integer(in, type);
    }
    return shmrpci_store_int(&in->walk, type, number, out);
}

/* The three texts for floats that JSON can't express. */
static bool special_float(const reader *in, double *out)
{
    static const struct {
        const char *text;
        double value;
    } specials[] = {{"NaN", (double)NAN},
                    {"Infinity", (double)INFINITY},
                    {"-Infinity", -(double)INFINITY}};
    for (size_t i = 0; i < SHMRPC_COUNT(specials); i++) {
        size_t len = strlen(specials[i].text);
        if (in->lexer.text_len == len &&
            memcmp(text_at(in), specials[i].text, len) == 0) {
            *out = specials[i].value;
            return true;
        }
    }
    return false;
}

int shmrpci_json_read_float(reader *in, const shmrpc_type *type, void *out)
{
    double number;
    if (in->lexer.token == SHMRPCI_JSON_STRING && special_float(in, &number)) {
        return shmrpci_store_float(&in->walk, type, number, out);
    }
    if (in->lexer.token != SHMRPCI_JSON_INTEGER &&
        in->lexer.token != SHMRPCI_JSON_REAL) {
        return not_a(in, type);
    }
    int status = shmrpci_json_check_number(in);
    if (status != SHMRPC_OK) {
        return status;
    }
    /* An f32 is read directly: rounding to double and then to float would round
     * twice. */
    number = type->kind == SHMRPC_KIND_F32
                 ? (double)shmrpci_text_to_f32(text_at(in), in->lexer.text_len)
                 : shmrpci_text_to_f64(text_at(in), in->lexer.text_len);
    /* A number without quotes that becomes infinity was too large. */
    if (isinf(number)) {
        return shmrpci_walk_fail(&in->walk, "number out of range (at byte %zu)",
                                 in->lexer.at);
    }
    return shmrpci_store_float(&in->walk, type, number, out);
}

int shmrpci_json_read_string(reader *in, const shmrpc_type *type, void *out)
{
    if (in->lexer.token != SHMRPCI_JSON_STRING) {
        return not_a(in, type);
    }
    shmrpc_str text;
    int status = shmrpci_json_copy_string(in, &text);
    if (status == SHMRPC_OK) {
        status = shmrpci_walk_length(&in->walk, type, text.len);
        shmrpci_store_span(out, text.ptr, text.len);
    }
    return status;
}

/* Decoded bytes take at most 3/4 of the text, so the message bounds the
 * allocation. */
static int decode_bytes(reader *in, const shmrpc_type *type, shmrpc_str text,
                        void *out)
{
    uint8_t *bytes = shmrpci_arena_alloc(in->arena, text.len / 4 * 3, 1);
    if (bytes == NULL) {
        return no_memory(in);
    }
    size_t len;
    if (!shmrpci_base64_decode(text.ptr, text.len, bytes, &len)) {
        return shmrpci_walk_fail(&in->walk, "not base64 (at byte %zu)",
                                 in->lexer.at);
    }
    shmrpci_store_span(out, bytes, len);
    return shmrpci_walk_length(&in->walk, type, len);
}

int shmrpci_json_read_bytes(reader *in, const shmrpc_type *type, void *out)
{
    if (in->lexer.token != SHMRPCI_JSON_STRING) {
        return not_a(in, type);
    }
    shmrpc_str text;
    int status = shmrpci_json_view_string(in, &text);
    return status == SHMRPC_OK ? decode_bytes(in, type, text, out) : status;
}

/* Names are those of the receiver's `.svc`; a client whose contract differs
 * writes numbers instead (shmrpci_codec_numbered). */
static int enum_by_name(reader *in, const shmrpc_type *type, shmrpc_str name,
                        void *out)
{
    uint64_t bits;
    if (!shmrpci_enum_value(type, name.ptr, name.len, &bits)) {
        return shmrpci_walk_fail(&in->walk,
                                 "`%.*s` is not a name of %s (at byte %zu)",
                                 (int)(name.len < 40 ? name.len : 40), name.ptr,
                                 shmrpci_type_text(type), in->lexer.at);
    }
    shmrpci_store_bits(type->element, out, bits);
    return SHMRPC_OK;
}

int shmrpci_json_read_enum(reader *in, const shmrpc_type *type, void *out)
{
    if (in->lexer.token == SHMRPCI_JSON_STRING) {
        shmrpc_str name;
        int status = shmrpci_json_view_string(in, &name);
        return status == SHMRPC_OK ? enum_by_name(in, type, name, out) : status;
    }
    if (in->lexer.token != SHMRPCI_JSON_INTEGER) {
        return not_a(in, type);
    }
    /* Accepts any number of the base type, because enums are open. */
    return shmrpci_json_read_integer(in, type->element, out);
}

/* A key is the text of a value without its quotes. Numbers are tried first,
 * also for enums, because a value without a name was written as a number. */
static int key_from_text(reader *in, const shmrpc_type *type, shmrpc_str text,
                         void *out)
{
    const shmrpc_type *base = shmrpci_base_type(type);
    shmrpci_int number;
    if (shmrpci_is_integer(base) && shmrpci_text_is_int(text.ptr, text.len) &&
        shmrpci_text_to_int(text.ptr, text.len, &number)) {
        return shmrpci_store_int(&in->walk, base, number, out);
    }
    if (type->kind == SHMRPC_KIND_ENUM) {
        return enum_by_name(in, type, text, out);
    }
    if (type->kind == SHMRPC_KIND_BOOL) {
        bool is_true = shmrpc_str_equal(text, shmrpc_str_of("true"));
        *(bool *)out = is_true;
        if (is_true || shmrpc_str_equal(text, shmrpc_str_of("false"))) {
            return SHMRPC_OK;
        }
    }
    if (type->kind == SHMRPC_KIND_BYTES) {
        return decode_bytes(in, type, text, out);
    }
    return shmrpci_walk_fail(
        &in->walk, "expected a key of type %s in quotes (at byte %zu)",
        shmrpci_type_text(type), in->lexer.at);
}

int shmrpci_json_read_map_key(reader *in, const shmrpc_type *type, void *out)
{
    if (in->lexer.token != SHMRPCI_JSON_STRING) {
        return shmrpci_json_expected(in, "a key");
    }
    int status;
    shmrpc_str text;
    /* Keys that are strings or `any` are kept, so they must be copied; others
     * are read from a view. */
    if (type->kind == SHMRPC_KIND_STRING) {
        status = shmrpci_json_read_string(in, type, out);
    } else if (type->kind == SHMRPC_KIND_ANY) {
        shmrpc_any *key = out;
        *key = shmrpc_any_null();
        key->kind = SHMRPC_ANY_STR;
        status = shmrpci_json_copy_string(in, &key->u.str);
    } else {
        status = shmrpci_json_view_string(in, &text);
        if (status == SHMRPC_OK) {
            status = key_from_text(in, type, text, out);
        }
    }
    return status == SHMRPC_OK ? shmrpci_json_finish_key(in) : status;
}
