/*
 * The JSON reader's common steps, and the tokens of `any`.
 *
 * The readers of described types (json_read.c, json_scalar.c) and of `any`
 * share these steps: advancing, copying strings, stepping through containers.
 * Each error says what was expected, what was found, and at which byte of the
 * message.
 *
 * The text of a number in an `any` decides its kind: an integer that fits 64
 * bits stays an integer, everything else becomes a double. So 1.0 stays a
 * float, and nothing is rounded that could be exact.
 */
#include "codec/json_number.h"
#include "codec/json_reader.h"
#include "codec/limits.h"
#include "codec/value.h"

/* Returns the text of the current token: a view of the input, without a NUL. */
static const char *text_at(const shmrpci_json_reader *reader)
{
    return (const char *)reader->lexer.data + reader->lexer.text_at;
}

int shmrpci_json_advance(shmrpci_json_reader *reader)
{
    shmrpci_json_next(&reader->lexer);
    if (reader->lexer.token == SHMRPCI_JSON_ERROR) {
        return shmrpci_walk_fail(&reader->walk, "%s (at byte %zu)",
                                 reader->lexer.message, reader->lexer.at);
    }
    return SHMRPC_OK;
}

int shmrpci_json_expected(const shmrpci_json_reader *reader, const char *what)
{
    return shmrpci_walk_fail(
        &reader->walk, "expected %s, found %s (at byte %zu)", what,
        shmrpci_json_token_text(reader->lexer.token), reader->lexer.at);
}

/* Copies a string and resolves its escapes. The result is never longer than the
 * text: "\u20ac" has six bytes in the text and three in the result. */
static int unescape(shmrpci_json_reader *reader, shmrpc_str *out)
{
    char *text =
        shmrpci_arena_alloc(reader->arena, reader->lexer.text_len + 1, 1);
    if (text == NULL) {
        return shmrpci_walk_status(&reader->walk, SHMRPC_E_NO_MEMORY);
    }
    size_t len = shmrpci_json_unescape(&reader->lexer, text);
    text[len] = '\0';
    *out = (shmrpc_str){.ptr = text, .len = len};
    return SHMRPC_OK;
}

/* Most strings have no escapes: these need one copy and no second scan. */
int shmrpci_json_copy_string(shmrpci_json_reader *reader, shmrpc_str *out)
{
    if (reader->lexer.has_escapes) {
        return unescape(reader, out);
    }
    size_t len = reader->lexer.text_len;
    const char *text =
        shmrpci_arena_strndup(reader->arena, text_at(reader), len);
    if (text == NULL) {
        return shmrpci_walk_status(&reader->walk, SHMRPC_E_NO_MEMORY);
    }
    *out = (shmrpc_str){.ptr = text, .len = len};
    return SHMRPC_OK;
}

int shmrpci_json_view_string(shmrpci_json_reader *reader, shmrpc_str *out)
{
    if (reader->lexer.has_escapes) {
        return unescape(reader, out);
    }
    *out = (shmrpc_str){.ptr = text_at(reader), .len = reader->lexer.text_len};
    return SHMRPC_OK;
}

/* Limits the length of numbers: the lexer accepts any length, but the functions
 * that read them need a bound. */
int shmrpci_json_check_number(const shmrpci_json_reader *reader)
{
    if (reader->lexer.text_len > SHMRPCI_JSON_MAX_NUMBER_BYTES) {
        return shmrpci_walk_fail(
            &reader->walk, "number of %zu digits, allowed %d (at byte %zu)",
            reader->lexer.text_len, SHMRPCI_JSON_MAX_NUMBER_BYTES,
            reader->lexer.at);
    }
    return SHMRPC_OK;
}

/* Leaves the first token of the value as the current one. */
int shmrpci_json_finish_key(shmrpci_json_reader *reader)
{
    int status = shmrpci_json_advance(reader);
    if (status == SHMRPC_OK && reader->lexer.token != SHMRPCI_JSON_COLON) {
        return shmrpci_json_expected(reader, "`:`");
    }
    return status == SHMRPC_OK ? shmrpci_json_advance(reader) : status;
}

int shmrpci_json_read_key(shmrpci_json_reader *reader, shmrpc_str *out)
{
    if (reader->lexer.token != SHMRPCI_JSON_STRING) {
        return shmrpci_json_expected(reader, "a key");
    }
    int status = shmrpci_json_view_string(reader, out);
    return status == SHMRPC_OK ? shmrpci_json_finish_key(reader) : status;
}

int shmrpci_json_open(shmrpci_json_reader *reader, shmrpci_json_token close,
                      bool *more)
{
    int status = shmrpci_json_advance(reader);
    if (status != SHMRPC_OK) {
        return status;
    }
    *more = reader->lexer.token != close;
    return *more ? SHMRPC_OK : shmrpci_json_advance(reader);
}

/* `[1,]` fails at the bracket, where a value is expected. */
int shmrpci_json_next_item(shmrpci_json_reader *reader,
                           shmrpci_json_token close, const char *what,
                           bool *more)
{
    *more = reader->lexer.token == SHMRPCI_JSON_COMMA;
    if (!*more && reader->lexer.token != close) {
        return shmrpci_json_expected(reader, what);
    }
    return shmrpci_json_advance(reader);
}

/* Integers above 64 bits become floats, which may round them: JSON has no
 * limit, and other readers do the same. */
static int read_number(shmrpci_json_reader *reader, shmrpc_any *out)
{
    int status = shmrpci_json_check_number(reader);
    if (status != SHMRPC_OK) {
        return status;
    }
    shmrpci_int number;
    size_t len = reader->lexer.text_len;
    if (reader->lexer.token == SHMRPCI_JSON_INTEGER &&
        shmrpci_text_to_int(text_at(reader), len, &number) &&
        (!number.negative || number.magnitude <= UINT64_C(1) << 63)) {
        bool is_wide = !number.negative && number.magnitude > INT64_MAX;
        uint64_t bits =
            number.negative ? 0 - number.magnitude : number.magnitude;
        *out = is_wide ? shmrpc_any_u64(bits) : shmrpc_any_i64((int64_t)bits);
        return SHMRPC_OK;
    }
    double real = shmrpci_text_to_f64(text_at(reader), len);
    /* True only for infinity, because the grammar has no NaN. */
    if (real - real != 0) {
        return shmrpci_walk_fail(&reader->walk,
                                 "number out of range (at byte %zu)",
                                 reader->lexer.at);
    }
    *out = shmrpc_any_f64(real);
    return SHMRPC_OK;
}

static int read_string(shmrpci_json_reader *reader, shmrpc_any *out)
{
    *out = shmrpc_any_null();
    out->kind = SHMRPC_ANY_STR;
    return shmrpci_json_copy_string(reader, &out->u.str);
}

int shmrpci_json_read_any_word(shmrpci_json_reader *reader, shmrpc_any *out)
{
    switch (reader->lexer.token) {
    case SHMRPCI_JSON_NULL:
        *out = shmrpc_any_null();
        return SHMRPC_OK;
    case SHMRPCI_JSON_TRUE:
    case SHMRPCI_JSON_FALSE:
        *out = shmrpc_any_bool(reader->lexer.token == SHMRPCI_JSON_TRUE);
        return SHMRPC_OK;
    case SHMRPCI_JSON_INTEGER:
    case SHMRPCI_JSON_REAL:
        return read_number(reader, out);
    case SHMRPCI_JSON_STRING:
        return read_string(reader, out);
    /* The caller has handled containers; the other tokens can't begin a
     * value. */
    case SHMRPCI_JSON_OBJECT_OPEN:
    case SHMRPCI_JSON_ARRAY_OPEN:
    case SHMRPCI_JSON_END:
    case SHMRPCI_JSON_ERROR:
    case SHMRPCI_JSON_OBJECT_CLOSE:
    case SHMRPCI_JSON_ARRAY_CLOSE:
    case SHMRPCI_JSON_COMMA:
    case SHMRPCI_JSON_COLON:
        break;
    }
    return shmrpci_json_expected(reader, "a value");
}
