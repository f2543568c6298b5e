/*
 * Writes trees as Python literals. Our own reader returns an equal tree from
 * them, and so does `ast.literal_eval()` if Python has a literal for every
 * part.
 *
 * A value without a literal is written as a call (`Decimal(...)`,
 * `frozenset(...)`, `float('nan')`), and a value without a Python type as
 * `Ext(number, bytes)`. So nothing is lost, and nothing reads back as another
 * value. Text is written as UTF-8; only control characters, quotes and
 * backslashes are escaped.
 *
 * A full buffer ignores further bytes and keeps its status, which is checked
 * once, at the end.
 */
#include <string.h>

#include "base/utf8.h"
#include "codec/any_ext.h"
#include "codec/codec.h"
#include "codec/json_number.h"
#include "codec/python_text.h"

/* State of writing one tree; the arena is freed at the end. */
typedef struct writer {
    shmrpci_buf *out;
    shmrpci_arena arena; /* for items of tuples and sets, and digits */
    shmrpc_error *error;
    unsigned depth;
} writer;

static shmrpc_status write_any(writer *of, const shmrpc_any *value);

static void put(const writer *of, const char *text)
{
    shmrpci_buf_append_text(of->out, text);
}

static shmrpc_status refuse(const writer *of, const char *what)
{
    return shmrpc_error_set(of->error, SHMRPC_E_INVALID, "%s", what);
}

/* ---- text and bytes ------------------------------------------------------ */

/* Writes the well-known short escapes of control characters. */
static void put_escape(const writer *of, unsigned char c)
{
    switch (c) {
    case '\n':
        put(of, "\\n");
        break;
    case '\r':
        put(of, "\\r");
        break;
    case '\t':
        put(of, "\\t");
        break;
    default:
        shmrpci_buf_printf(of->out, "\\x%02x", c);
    }
}

/* Writes a text in single quotes. If it contains single quotes and no double
 * quotes, writes it in double quotes instead, as Python does. Bytes of value
 * `limit` and above are escaped: `limit` is 127 for ASCII only, and 256 for
 * text, which is UTF-8 already. */
static void put_quoted(const writer *of, const uint8_t *bytes, size_t len,
                       unsigned limit)
{
    bool has_single = len > 0 && memchr(bytes, '\'', len) != NULL;
    bool has_double = len > 0 && memchr(bytes, '"', len) != NULL;
    char quote = has_single && !has_double ? '"' : '\'';
    shmrpci_buf_append(of->out, &quote, 1);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = bytes[i];
        if (c == (unsigned char)quote || c == '\\') {
            put(of, "\\");
        }
        if (c < 32 || c == 127 || c >= limit) {
            put_escape(of, c);
        } else {
            shmrpci_buf_append(of->out, &c, 1);
        }
    }
    shmrpci_buf_append(of->out, &quote, 1);
}

static shmrpc_status write_text(const writer *of, shmrpc_str text)
{
    if (shmrpci_utf8_valid_prefix(text.ptr, text.len) != text.len) {
        return refuse(of, "text that is not UTF-8");
    }
    put_quoted(of, (const uint8_t *)text.ptr, text.len, 256);
    return SHMRPC_OK;
}

static void write_bytes(const writer *of, shmrpc_bytes bytes)
{
    put(of, "b");
    put_quoted(of, bytes.ptr, bytes.len, 127);
}

/* ---- numbers ------------------------------------------------------------- */

/* Writes a text of json_number.h, followed by ".0" if it would otherwise be an
 * integer. */
static void put_real(const writer *of, const char *text, size_t len)
{
    shmrpci_buf_append(of->out, text, len);
    if (memchr(text, '.', len) == NULL && memchr(text, 'e', len) == NULL &&
        memchr(text, 'E', len) == NULL) {
        put(of, ".0");
    }
}

/* Writes a number that is not finite, and returns true; returns false for any
 * finite number. Python and our reader read 1e999 as infinity; NaN has no
 * literal and needs a call. */
static bool put_special(const writer *of, double number)
{
    if (number != number) {
        put(of, "float('nan')");
        return true;
    }
    if (number - number != 0) {
        put(of, number > 0 ? "1e999" : "-1e999");
        return true;
    }
    return false;
}

static void write_f64(const writer *of, double number)
{
    char text[SHMRPCI_NUMBER_TEXT_BYTES];
    if (!put_special(of, number)) {
        put_real(of, text, shmrpci_f64_to_text(number, text));
    }
}

static void write_f32(const writer *of, float number)
{
    char text[SHMRPCI_NUMBER_TEXT_BYTES];
    if (!put_special(of, (double)number)) {
        put_real(of, text, shmrpci_f32_to_text(number, text));
    }
}

/* Writes integers of all three kinds. */
static shmrpc_status write_integer(writer *of, const shmrpc_any *value)
{
    shmrpc_str digits;
    shmrpc_status status = shmrpc_any_read_integer(
        shmrpci_any_memory_of(&of->arena), value, &digits);
    if (status != SHMRPC_OK) {
        return refuse(of, "an integer that is malformed, or too long");
    }
    shmrpci_buf_append(of->out, digits.ptr, digits.len);
    return SHMRPC_OK;
}

/* Writes an extension as its number and bytes. Used if it has no better form,
 * or if its contents don't match its number. */
static void write_numbered(const writer *of, const shmrpc_any *value)
{
    shmrpci_buf_printf(of->out, "Ext(%d, ", value->ext_type);
    write_bytes(of, value->u.bytes);
    put(of, ")");
}

/* Writes a literal only for finite parts other than -0.0: `(-0.0+1j)` is a sum,
 * which loses the sign of a zero. */
static shmrpc_status write_complex(const writer *of, const shmrpc_any *value)
{
    double real = 0;
    double imag = 0;
    (void)!shmrpc_any_read_complex(value, &real, &imag); /* it is sound */
    if (real != real || imag != imag || real - real != 0 || imag - imag != 0 ||
        (imag == 0 && 1 / imag < 0) || (real == 0 && 1 / real < 0)) {
        write_numbered(of, value);
        return SHMRPC_OK;
    }
    put(of, "(");
    write_f64(of, real);
    put(of, imag < 0 ? "" : "+");
    write_f64(of, imag);
    put(of, "j)");
    return SHMRPC_OK;
}

/* ---- collections --------------------------------------------------------- */

/* Enters a level; the caller must leave it again, even after a failure. */
static shmrpc_status enter(writer *of)
{
    return ++of->depth > SHMRPCI_CODEC_MAX_DEPTH
               ? refuse(of, "too deep: more than 64 levels")
               : SHMRPC_OK;
}

/* Writes a list, tuple or set, between its brackets. */
static shmrpc_status write_items(writer *of, const shmrpc_any_list *list,
                                 const char *before, const char *after)
{
    shmrpc_status status = enter(of);
    put(of, before);
    for (size_t i = 0; i < list->len && status == SHMRPC_OK; i++) {
        put(of, i > 0 ? ", " : "");
        status = write_any(of, &list->ptr[i]);
    }
    put(of, after);
    of->depth--;
    return status;
}

/* Keys may be of any kind. Python's `ast.literal_eval()` refuses lists and maps
 * as keys; our reader accepts them. */
static shmrpc_status write_map(writer *of, const shmrpc_any_map *map)
{
    shmrpc_status status = enter(of);
    put(of, "{");
    for (size_t i = 0; i < map->len && status == SHMRPC_OK; i++) {
        put(of, i > 0 ? ", " : "");
        status = write_any(of, &map->ptr[i].key);
        if (status == SHMRPC_OK) {
            put(of, ": ");
            status = write_any(of, &map->ptr[i].value);
        }
    }
    put(of, "}");
    of->depth--;
    return status;
}

/* Tuples and sets are decoded first. The empty set has no brackets of its own,
 * because `{}` is a map; a tuple with one item needs a comma. */
static shmrpc_status write_collection(writer *of, const shmrpc_any *value)
{
    shmrpc_any_list items;
    shmrpc_status status =
        shmrpci_any_read_items(&of->arena, value, &items, of->error);
    if (status == SHMRPC_E_INVALID) {
        write_numbered(of, value);
        return SHMRPC_OK;
    }
    if (status != SHMRPC_OK) {
        return status;
    }
    if (value->ext_type == SHMRPC_EXT_TUPLE) {
        return write_items(of, &items, "(", items.len == 1 ? ",)" : ")");
    }
    bool is_frozen = value->ext_type == SHMRPC_EXT_FROZENSET;
    if (items.len == 0) {
        put(of, is_frozen ? "frozenset()" : "set()");
        return SHMRPC_OK;
    }
    return write_items(of, &items, is_frozen ? "frozenset({" : "{",
                       is_frozen ? "})" : "}");
}

/* Chooses the form by the extension's number, if the contents match it. */
static shmrpc_status write_ext(writer *of, const shmrpc_any *value)
{
    if (!shmrpci_any_is_sound(value)) {
        write_numbered(of, value);
        return SHMRPC_OK;
    }
    if (value->ext_type >= SHMRPC_EXT_TUPLE &&
        value->ext_type <= SHMRPC_EXT_FROZENSET) {
        return write_collection(of, value);
    }
    if (shmrpc_any_is_ext(value, SHMRPC_EXT_COMPLEX)) {
        return write_complex(of, value);
    }
    /* 1,700 bytes have at most 4,094 digits. Longer integers, some of which
     * exceed SHMRPC_BIGINT_MAX_DIGITS, are written as bytes. */
    if (shmrpc_any_is_ext(value, SHMRPC_EXT_BIGINT) &&
        value->u.bytes.len <= 1700) {
        return write_integer(of, value);
    }
    if (shmrpc_any_is_ext(value, SHMRPC_EXT_DECIMAL)) {
        put(of, "Decimal(");
        put_quoted(of, value->u.bytes.ptr, value->u.bytes.len, 127);
        put(of, ")");
        return SHMRPC_OK;
    }
    write_numbered(of, value);
    return SHMRPC_OK;
}

static shmrpc_status write_any(writer *of, const shmrpc_any *value)
{
    switch (value->kind) {
    case SHMRPC_ANY_NULL:
        put(of, "None");
        return SHMRPC_OK;
    case SHMRPC_ANY_BOOL:
        put(of, value->u.b ? "True" : "False");
        return SHMRPC_OK;
    case SHMRPC_ANY_I64:
    case SHMRPC_ANY_U64:
        return write_integer(of, value);
    case SHMRPC_ANY_F64:
        write_f64(of, value->u.f64);
        return SHMRPC_OK;
    case SHMRPC_ANY_F32:
        write_f32(of, value->u.f32);
        return SHMRPC_OK;
    case SHMRPC_ANY_STR:
        return write_text(of, value->u.str);
    case SHMRPC_ANY_BYTES:
        write_bytes(of, value->u.bytes);
        return SHMRPC_OK;
    case SHMRPC_ANY_LIST:
        return write_items(of, &value->u.list, "[", "]");
    case SHMRPC_ANY_MAP:
        return write_map(of, &value->u.map);
    case SHMRPC_ANY_EXT:
        return write_ext(of, value);
    }
    return refuse(of, "a value of an unknown kind");
}

shmrpc_status shmrpci_python_write(const shmrpc_any *tree, shmrpci_buf *out,
                                   shmrpc_error *error)
{
    writer of = {.out = out, .error = error};
    shmrpci_arena_init(&of.arena, 0);
    shmrpc_status status = write_any(&of, tree);
    shmrpci_arena_fini(&of.arena);
    /* An error of the tree takes precedence over one of the buffer. */
    return status == SHMRPC_OK ? out->status : status;
}
