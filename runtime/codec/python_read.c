/*
 * Reads Python literals into trees: a recursive-descent parser of the grammar
 * in python_text.h.
 *
 * The text comes from people and tools, and may be malicious: nesting is
 * limited to what the codecs support, numbers by their digits, and every access
 * is within the text. Errors say what was expected and at which byte; if a
 * whole value is wrong, they give the byte after it ("before this").
 *
 * Items of a collection are gathered on the heap, because their count is not
 * known, and are then copied to the arena in one piece.
 *
 * A complex number is read as Python evaluates it, as a sum: a real number,
 * then a sign and an imaginary number.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "codec/any_ext.h"
#include "codec/codec.h"
#include "codec/json_number.h"
#include "codec/limits.h"
#include "codec/python_text.h"

/* Max characters of a number, without underscores; more than the longest
 * integer has. */
#define NUMBER_BYTES (SHMRPC_BIGINT_MAX_DIGITS + 16)

typedef struct reader {
    const char *text;
    size_t len;
    size_t at;
    shmrpci_arena *arena;
    shmrpc_error *error;
    unsigned depth;
} reader;

static shmrpc_status read_any(reader *of, shmrpc_any *out);

/* All syntax errors are made here; they say what was expected, and where. */
static shmrpc_status expected(const reader *of, const char *what)
{
    return shmrpc_error_set(of->error, SHMRPC_E_INVALID,
                            "expected %s (at byte %zu)", what, of->at);
}

static shmrpc_status no_memory(const reader *of)
{
    return shmrpc_error_set(of->error, SHMRPC_E_NO_MEMORY, "out of memory");
}

/* Returns the character that is `ahead` places after the next one. Returns NUL
 * at the end of the text; no rule accepts a NUL, so a NUL within the text is
 * refused, too. */
static char peek_at(const reader *of, size_t ahead)
{
    return ahead < of->len - of->at ? of->text[of->at + ahead] : '\0';
}

static char peek(const reader *of)
{
    return peek_at(of, 0);
}

/* Also skips comments and line breaks, because a literal may come from a
 * file. */
static void skip_blanks(reader *of)
{
    while (of->at < of->len) {
        char c = peek(of);
        if (c == '#') {
            while (of->at < of->len && peek(of) != '\n') {
                of->at++;
            }
        } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r' ||
                   c == '\f') {
            of->at++;
        } else {
            return;
        }
    }
}

/* Steps over `c` if it is the next character after blanks. */
static bool take(reader *of, char c)
{
    skip_blanks(of);
    if (of->at < of->len && peek(of) == c) {
        of->at++;
        return true;
    }
    return false;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* Returns the value of a hexadecimal digit, or -1 for any other character.
 * Setting bit 5 makes ASCII letters lower case. */
static int hex_of(char c)
{
    if (is_digit(c)) {
        return c - '0';
    }
    char lower = (char)(c | 32);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* ---- items --------------------------------------------------------------- */

/* Items of one collection. They are on the heap while the collection is read,
 * and are freed by the function that began to read it. */
typedef struct items {
    shmrpc_any *ptr;
    size_t len;
    size_t room;
} items;

static shmrpc_status add(const reader *of, items *to, const shmrpc_any *item)
{
    if (to->len == to->room) {
        size_t room = to->room > 0 ? to->room * 2 : 8;
        void *more = realloc(to->ptr, room * sizeof *to->ptr);
        if (more == NULL) {
            return no_memory(of);
        }
        to->ptr = more;
        to->room = room;
    }
    to->ptr[to->len++] = *item;
    return SHMRPC_OK;
}

/* Reads `item, item, ]` up to the closing bracket. If `pairs` is not NULL the
 * items may be `key: value`: the first one decides for all, `*pairs` tells
 * which, and each pair is stored as two items. `*out_comma` tells whether a
 * comma preceded the bracket, which makes `(1,)` a tuple. */
static shmrpc_status read_items(reader *of, char end, bool *pairs, items *out,
                                bool *out_comma)
{
    *out_comma = false;
    while (!take(of, end)) {
        shmrpc_any item;
        if (out->len > 0 && !*out_comma) {
            return expected(of, "a comma or a closing bracket");
        }
        shmrpc_status status = read_any(of, &item);
        if (status == SHMRPC_OK) {
            status = add(of, out, &item);
        }
        if (status == SHMRPC_OK && pairs != NULL) {
            bool has_colon = take(of, ':');
            if (out->len == 1) {
                *pairs = has_colon;
            }
            if (has_colon != *pairs) {
                return expected(of, *pairs ? "a colon" : "a comma");
            }
            if (has_colon) {
                status = read_any(of, &item);
                status = status == SHMRPC_OK ? add(of, out, &item) : status;
            }
        }
        if (status != SHMRPC_OK) {
            return status;
        }
        *out_comma = take(of, ',');
    }
    return SHMRPC_OK;
}

/* Allocates one item more than needed, so that an empty list has an address
 * too. */
static shmrpc_status into_list(const reader *of, const items *from,
                               shmrpc_any *out)
{
    shmrpc_any *copy = shmrpci_arena_calloc(of->arena, from->len + 1,
                                            sizeof *copy, sizeof(void *));
    if (copy == NULL) {
        return no_memory(of);
    }
    if (from->len > 0) {
        memcpy(copy, from->ptr, from->len * sizeof *copy);
    }
    *out = shmrpc_any_list_of(copy, from->len);
    return SHMRPC_OK;
}

/* Does not look for duplicate keys: the decoder that reads the encoded tree
 * refuses them. */
static shmrpc_status into_map(const reader *of, const items *from,
                              shmrpc_any *out)
{
    size_t len = from->len / 2;
    shmrpc_any_entry *entries = shmrpci_arena_calloc(
        of->arena, len + 1, sizeof *entries, sizeof(void *));
    if (entries == NULL) {
        return no_memory(of);
    }
    for (size_t i = 0; i < len; i++) {
        entries[i].key = from->ptr[2 * i];
        entries[i].value = from->ptr[2 * i + 1];
    }
    *out = shmrpc_any_map_of(entries, len);
    return SHMRPC_OK;
}

static shmrpc_status into_ext(const reader *of, shmrpc_ext ext,
                              const items *from, shmrpc_any *out)
{
    return shmrpc_any_make_items(shmrpci_any_memory_of(of->arena), ext,
                                 from->ptr, from->len, out, of->error);
}

/* Makes the value that ends with the closing bracket `end`: a list for `]`, a
 * map or a set for `}`, a tuple or a value in parentheses for `)`. `{}` is a
 * map, as in Python. */
static shmrpc_status finish(const reader *of, char end, bool pairs, bool comma,
                            items *got, shmrpc_any *out)
{
    if (end == ']') {
        return into_list(of, got, out);
    }
    if (end == '}') {
        return pairs || got->len == 0 ? into_map(of, got, out)
                                      : into_ext(of, SHMRPC_EXT_SET, got, out);
    }
    if (got->len == 1 && !comma) {
        *out = got->ptr[0]; /* just brackets around a value */
        return SHMRPC_OK;
    }
    return into_ext(of, SHMRPC_EXT_TUPLE, got, out);
}

/* Called when the opening bracket is the next character. */
static shmrpc_status read_collection(reader *of, char end, shmrpc_any *out)
{
    items got = {.ptr = NULL};
    bool pairs = false;
    bool comma;
    if (++of->depth > SHMRPCI_CODEC_MAX_DEPTH) {
        return expected(of, "no more than 64 levels");
    }
    of->at++;
    shmrpc_status status =
        read_items(of, end, end == '}' ? &pairs : NULL, &got, &comma);
    if (status == SHMRPC_OK) {
        status = finish(of, end, pairs, comma, &got, out);
    }
    free(got.ptr);
    of->depth--;
    return status;
}

/* ---- numbers ------------------------------------------------------------- */

/* The text of a number without underscores and in JSON's form, with digits on
 * both sides of the point, so that json_number.h can read it. */
typedef struct number {
    char text[NUMBER_BYTES];
    size_t len;
    bool is_real;
    bool is_imag;
} number;

/* Appends a character; returns false if the number is longer than any valid
 * one. Two bytes stay free for an inserted zero. */
static bool put_char(number *of, char c)
{
    if (of->len + 2 >= sizeof of->text) {
        return false;
    }
    of->text[of->len++] = c;
    return true;
}

/* Copies digits with single underscores between them, as in `1_000`; returns
 * how many digits there were. */
static size_t take_digits(reader *of, number *to)
{
    size_t count = 0;
    for (;;) {
        if (peek(of) == '_' && count > 0 && is_digit(peek_at(of, 1))) {
            of->at++;
        }
        if (!is_digit(peek(of)) || !put_char(to, peek(of))) {
            return count;
        }
        of->at++;
        count++;
    }
}

/* Keeps all digits of integers; the function that reads them decides whether
 * they are too many. */
static shmrpc_status scan_number(reader *of, number *to)
{
    to->is_real = to->is_imag = false;
    size_t count = take_digits(of, to);
    if (count == 0) {
        (void)put_char(to, '0');
    }
    if (peek(of) == '.') {
        of->at++;
        to->is_real = put_char(to, '.');
        size_t more = take_digits(of, to);
        if (more == 0) {
            (void)put_char(to, '0');
        }
        count += more;
    }
    if (count == 0) {
        return expected(of, "a number");
    }
    if ((peek(of) | 32) == 'e') {
        of->at++;
        to->is_real = put_char(to, 'e');
        if (peek(of) == '-' || peek(of) == '+') {
            (void)put_char(to, peek(of));
            of->at++;
        }
        if (take_digits(of, to) == 0) {
            return expected(of, "an exponent");
        }
    }
    if ((peek(of) | 32) == 'j') {
        of->at++;
        to->is_imag = true;
    }
    if (is_digit(peek(of)) || is_letter(peek(of))) {
        return expected(of, "the end of the number");
    }
    /* The function that reads floats takes numbers up to this length. */
    return (to->is_real || to->is_imag) &&
                   to->len > SHMRPCI_JSON_MAX_NUMBER_BYTES
               ? expected(of, "a shorter number before this")
               : SHMRPC_OK;
}

/* Skips leading zeros, which JSON does not allow. */
static double real_of(const number *of)
{
    size_t skip = 0;
    while (skip + 1 < of->len && of->text[skip] == '0' &&
           is_digit(of->text[skip + 1])) {
        skip++;
    }
    return shmrpci_text_to_f64(of->text + skip, of->len - skip);
}

/* Reads `0x`, `0o` and `0b` numbers of up to 64 bits; longer ones must be
 * decimal. */
static shmrpc_status read_radix(reader *of, bool is_negative, shmrpc_any *out)
{
    char letter = (char)(peek_at(of, 1) | 32);
    uint64_t base = letter == 'x' ? 16 : letter == 'o' ? 8 : 2;
    uint64_t value = 0;
    size_t count = 0;
    of->at += 2;
    for (;; of->at++) {
        if (peek(of) == '_') {
            continue;
        }
        int digit = hex_of(peek(of));
        if (digit < 0 || (uint64_t)digit >= base) {
            break;
        }
        if (value > (UINT64_MAX - (uint64_t)digit) / base) {
            return expected(of, "at most 64 bits");
        }
        value = value * base + (uint64_t)digit;
        count++;
    }
    if (count == 0 || is_digit(peek(of)) || is_letter(peek(of))) {
        return expected(of, "digits");
    }
    if (is_negative) {
        if (value > (uint64_t)INT64_MAX + 1) {
            return expected(of, "at most 64 bits");
        }
        /* Computes -value without an overflow at INT64_MIN. */
        *out = shmrpc_any_i64(value == 0 ? 0 : -(int64_t)(value - 1) - 1);
        return SHMRPC_OK;
    }
    *out = value <= (uint64_t)INT64_MAX ? shmrpc_any_i64((int64_t)value)
                                        : shmrpc_any_u64(value);
    return SHMRPC_OK;
}

/* Reads `+ 2j` after a real number. Returns MORE if there is none, and then has
 * consumed nothing. */
static shmrpc_status read_imag(reader *of, double real, shmrpc_any *out)
{
    size_t before = of->at;
    skip_blanks(of);
    char sign = peek(of);
    if (sign != '+' && sign != '-') {
        of->at = before;
        return SHMRPC_MORE;
    }
    number imag = {.len = 0};
    of->at++;
    skip_blanks(of);
    shmrpc_status status = scan_number(of, &imag);
    if (status != SHMRPC_OK) {
        return status;
    }
    if (!imag.is_imag) {
        return expected(of, "an imaginary number");
    }
    double part = real_of(&imag);
    return shmrpc_any_make_complex(shmrpci_any_memory_of(of->arena), real,
                                   sign == '-' ? -part : part, out);
}

/* Puts the sign in front of the digits, because shmrpc_any_make_integer takes
 * both as one text. */
static shmrpc_status read_integer(reader *of, const number *from,
                                  bool is_negative, shmrpc_any *out)
{
    char text[NUMBER_BYTES + 1];
    text[0] = is_negative ? '-' : '+';
    memcpy(text + 1, from->text, from->len);
    shmrpc_status status =
        shmrpc_any_make_integer(shmrpci_any_memory_of(of->arena),
                                (shmrpc_str){text, from->len + 1}, out);
    return status == SHMRPC_E_NO_MEMORY ? no_memory(of)
           : status != SHMRPC_OK ? expected(of, "an integer of fewer digits")
                                 : SHMRPC_OK;
}

/* Several signs are allowed, as in Python: `--1` is 1. */
static shmrpc_status read_number(reader *of, shmrpc_any *out)
{
    bool is_negative = false;
    while (peek(of) == '-' || peek(of) == '+') {
        is_negative = is_negative != (peek(of) == '-');
        of->at++;
        skip_blanks(of);
    }
    char letter = (char)(peek_at(of, 1) | 32);
    if (peek(of) == '0' && (letter == 'x' || letter == 'o' || letter == 'b')) {
        return read_radix(of, is_negative, out);
    }
    number got = {.len = 0};
    shmrpc_status status = scan_number(of, &got);
    if (status != SHMRPC_OK) {
        return status;
    }
    double real = got.is_real || got.is_imag ? real_of(&got) : 0;
    real = is_negative ? -real : real;
    if (got.is_imag) {
        return shmrpc_any_make_complex(shmrpci_any_memory_of(of->arena), 0,
                                       real, out);
    }
    if (!got.is_real) {
        /* The integer is the real part of a complex number if a sign and an
         * imaginary number follow it. */
        status = read_integer(of, &got, is_negative, out);
        if (status == SHMRPC_OK && got.len <= SHMRPCI_JSON_MAX_NUMBER_BYTES) {
            double whole = real_of(&got);
            status = read_imag(of, is_negative ? -whole : whole, out);
        }
    } else {
        status = read_imag(of, real, out);
        if (status == SHMRPC_MORE) {
            *out = shmrpc_any_f64(real);
        }
    }
    return status == SHMRPC_MORE ? SHMRPC_OK : status;
}

/* ---- text and bytes ------------------------------------------------------ */

/* Letters before a quote, such as `rb`, in any order and case; `len` is their
 * number. */
typedef struct prefix {
    bool is_raw;
    bool is_bytes;
    size_t len;
} prefix;

/* Looks ahead without consuming anything. Returns false if a string literal
 * does not come next. `u`, which changes nothing, may only come first. */
static bool read_prefix(const reader *of, prefix *out)
{
    *out = (prefix){.len = 0};
    for (;;) {
        char c = peek_at(of, out->len);
        if (c == '\'' || c == '"') {
            return true;
        }
        if ((c | 32) == 'r' && !out->is_raw) {
            out->is_raw = true;
        } else if ((c | 32) == 'b' && !out->is_bytes) {
            out->is_bytes = true;
        } else if ((c | 32) != 'u' || out->len > 0) {
            return false;
        }
        out->len++;
    }
}

/* Reads exactly `digits` digits: `\x` has 2, `\u` 4, `\U` 8. In bytes they are
 * a byte, in text a code point, which must not be a surrogate. */
static shmrpc_status put_hex(reader *of, size_t digits, bool is_bytes,
                             shmrpci_buf *out)
{
    uint32_t value = 0;
    for (size_t i = 0; i < digits; i++) {
        int digit = hex_of(peek(of));
        if (digit < 0) {
            return expected(of, "a hexadecimal digit");
        }
        value = value << 4 | (uint32_t)digit;
        of->at++;
    }
    if (is_bytes) {
        uint8_t byte = (uint8_t)value;
        shmrpci_buf_append(out, &byte, 1);
        return SHMRPC_OK;
    }
    if (value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) {
        return expected(of, "a character");
    }
    uint8_t bytes[4];
    shmrpci_buf_append(out, bytes, shmrpci_utf8_encode(value, bytes));
    return SHMRPC_OK;
}

/* Reads one to three octal digits, as in C. */
static void put_octal(reader *of, bool is_bytes, shmrpci_buf *out)
{
    uint32_t value = 0;
    for (size_t i = 0; i < 3 && peek(of) >= '0' && peek(of) <= '7'; i++) {
        value = value * 8 + (uint32_t)(peek(of) - '0');
        of->at++;
    }
    if (is_bytes) {
        uint8_t byte = (uint8_t)value;
        shmrpci_buf_append(out, &byte, 1);
    } else {
        uint8_t bytes[4];
        shmrpci_buf_append(out, bytes, shmrpci_utf8_encode(value, bytes));
    }
}

/* Handles what follows a backslash. An unknown escape is an error, where Python
 * only warns: a literal backslash must be doubled. */
static shmrpc_status put_escape(reader *of, bool is_bytes, shmrpci_buf *out)
{
    static const char letters[] = "abfnrtv\\'\"";
    static const char meanings[] = "\a\b\f\n\r\t\v\\'\"";
    char c = peek(of);
    const char *at = c != '\0' ? strchr(letters, c) : NULL;
    if (c >= '0' && c <= '7') {
        put_octal(of, is_bytes, out);
        return SHMRPC_OK;
    }
    of->at++;
    if (at != NULL) {
        shmrpci_buf_append(out, meanings + (at - letters), 1);
        return SHMRPC_OK;
    }
    if (c == '\n') {
        return SHMRPC_OK; /* the string continues on the next line */
    }
    if (c == 'x') {
        return put_hex(of, 2, is_bytes, out);
    }
    if (!is_bytes && (c == 'u' || c == 'U')) {
        return put_hex(of, c == 'u' ? 4 : 8, false, out);
    }
    of->at--;
    return expected(of, "an escape");
}

/* Whether the closing quote, or three of them, comes next. */
static bool ends_here(const reader *of, char quote, size_t quotes)
{
    for (size_t i = 0; i < quotes; i++) {
        if (peek_at(of, i) != quote) {
            return false;
        }
    }
    return true;
}

/* Reads a text. Three quotes open one that may span lines. */
static shmrpc_status read_quoted(reader *of, const prefix *how,
                                 shmrpci_buf *out)
{
    of->at += how->len;
    char quote = peek(of);
    size_t quotes = peek_at(of, 1) == quote && peek_at(of, 2) == quote ? 3 : 1;
    of->at += quotes;
    while (!ends_here(of, quote, quotes)) {
        char c = peek(of);
        if (of->at >= of->len || (quotes == 1 && c == '\n')) {
            return expected(of, "the end of the text");
        }
        of->at++;
        if (c != '\\') {
            if (how->is_bytes && (unsigned char)c > 127) {
                return expected(of, "ASCII, or an escape");
            }
            shmrpci_buf_append(out, &c, 1);
        } else if (how->is_raw) {
            /* In a raw text a quote after a backslash does not end the text,
             * and the backslash stays in the text. */
            shmrpci_buf_append(out, &c, 1);
            c = peek(of);
            if (of->at < of->len) {
                shmrpci_buf_append(out, &c, 1);
                of->at++;
            }
        } else {
            shmrpc_status status = put_escape(of, how->is_bytes, out);
            if (status != SHMRPC_OK) {
                return status;
            }
        }
    }
    of->at += quotes;
    /* The buffer is on the heap and has no limit, so it can fail only for lack
     * of memory. */
    return out->status == SHMRPC_OK ? SHMRPC_OK : no_memory(of);
}

/* Reads one text, or several that follow each other and are joined, as in
 * Python. Escapes and plain bytes together must be UTF-8. */
static shmrpc_status read_texts(reader *of, prefix how, shmrpci_buf *buf,
                                shmrpc_any *out)
{
    bool is_bytes = how.is_bytes;
    shmrpc_status status;
    do {
        status = read_quoted(of, &how, buf);
        skip_blanks(of);
    } while (status == SHMRPC_OK && read_prefix(of, &how) &&
             how.is_bytes == is_bytes);
    if (status != SHMRPC_OK) {
        return status;
    }
    const char *text = buf->len > 0 ? (const char *)buf->data : "";
    if (!is_bytes && shmrpci_utf8_valid_prefix(text, buf->len) != buf->len) {
        return expected(of, "UTF-8 before this");
    }
    const char *copy = shmrpci_arena_strndup(of->arena, text, buf->len);
    if (copy == NULL) {
        return no_memory(of);
    }
    *out = is_bytes ? shmrpc_any_bytes(copy, buf->len)
                    : shmrpc_any_of_str((shmrpc_str){copy, buf->len});
    return SHMRPC_OK;
}

/* ---- words --------------------------------------------------------------- */

/* Reads the arguments of a call, after its name; this is one level of
 * nesting. */
static shmrpc_status read_arguments(reader *of, items *out)
{
    bool comma;
    if (!take(of, '(')) {
        return expected(of, "a bracket");
    }
    if (++of->depth > SHMRPCI_CODEC_MAX_DEPTH) {
        return expected(of, "no more than 64 levels");
    }
    shmrpc_status status = read_items(of, ')', NULL, out, &comma);
    of->depth--;
    return status;
}

/* Handles calls of `set` and `frozenset` with no argument, a list or a set, as
 * in `set()`, `set([1])`, `set({1})`. A set as the argument is already encoded,
 * so only its extension number changes. */
static shmrpc_status make_set(const reader *of, shmrpc_ext ext,
                              const items *from, shmrpc_any *out)
{
    shmrpc_any_list inner = {NULL, 0};
    if (from->len == 1 && from->ptr[0].kind == SHMRPC_ANY_LIST) {
        inner = from->ptr[0].u.list;
    } else if (from->len == 1 &&
               shmrpc_any_is_ext(&from->ptr[0], SHMRPC_EXT_SET)) {
        *out = from->ptr[0];
        out->ext_type = (int8_t)ext;
        return SHMRPC_OK;
    } else if (from->len != 0) {
        return expected(of, "a set before this");
    }
    return shmrpc_any_make_items(shmrpci_any_memory_of(of->arena), ext,
                                 inner.ptr, inner.len, out, of->error);
}

/* Makes the floats that have no literal. `1e999` is infinity as well, by
 * rounding. */
static shmrpc_status make_float(const reader *of, const items *from,
                                shmrpc_any *out)
{
    static const char *const words[] = {"nan", "inf", "-inf"};
    const double values[] = {(double)NAN, (double)INFINITY, -(double)INFINITY};
    for (size_t i = 0; i < 3 && from->len == 1; i++) {
        if (from->ptr[0].kind == SHMRPC_ANY_STR &&
            shmrpc_str_equal(from->ptr[0].u.str, shmrpc_str_of(words[i]))) {
            *out = shmrpc_any_f64(values[i]);
            return SHMRPC_OK;
        }
    }
    return expected(of, "'nan', 'inf' or '-inf' before this");
}

static shmrpc_status make_decimal(const reader *of, const items *from,
                                  shmrpc_any *out)
{
    return from->len == 1 && from->ptr[0].kind == SHMRPC_ANY_STR &&
                   shmrpc_any_make_decimal(shmrpci_any_memory_of(of->arena),
                                           from->ptr[0].u.str, out) == SHMRPC_OK
               ? SHMRPC_OK
               : expected(of, "the text of a decimal number before this");
}

/* `Ext(11, b'...')` accepts any number and any bytes; shmrpc_any_check checks
 * them. */
static shmrpc_status make_ext(const reader *of, const items *from,
                              shmrpc_any *out)
{
    const shmrpc_any *which = from->ptr;
    if (from->len != 2 || which->kind != SHMRPC_ANY_I64 ||
        which->u.i64 < INT8_MIN || which->u.i64 > INT8_MAX ||
        from->ptr[1].kind != SHMRPC_ANY_BYTES) {
        return expected(of, "a number and bytes before this");
    }
    *out = from->ptr[1];
    out->kind = SHMRPC_ANY_EXT;
    out->ext_type = (int8_t)which->u.i64;
    return SHMRPC_OK;
}

/* Handles the few calls that stand for a literal. No other name is ever looked
 * up: reading runs no code. */
static shmrpc_status call(reader *of, shmrpc_str name, shmrpc_any *out)
{
    static const char *const names[] = {"set", "frozenset", "float", "Decimal",
                                        "Ext"};
    items got = {.ptr = NULL};
    size_t which = 0;
    while (which < 5 && !shmrpc_str_equal(name, shmrpc_str_of(names[which]))) {
        which++;
    }
    if (which == 5) {
        of->at -= name.len;
        return expected(of, "a literal");
    }
    shmrpc_status status = read_arguments(of, &got);
    if (status == SHMRPC_OK) {
        status = which == 0   ? make_set(of, SHMRPC_EXT_SET, &got, out)
                 : which == 1 ? make_set(of, SHMRPC_EXT_FROZENSET, &got, out)
                 : which == 2 ? make_float(of, &got, out)
                 : which == 3 ? make_decimal(of, &got, out)
                              : make_ext(of, &got, out);
    }
    free(got.ptr);
    return status;
}

static shmrpc_status read_word(reader *of, shmrpc_any *out)
{
    size_t from = of->at;
    while (is_letter(peek(of)) || is_digit(peek(of))) {
        of->at++;
    }
    shmrpc_str name = {of->text + from, of->at - from};
    if (shmrpc_str_equal(name, shmrpc_str_of("None"))) {
        *out = shmrpc_any_null();
    } else if (shmrpc_str_equal(name, shmrpc_str_of("True"))) {
        *out = shmrpc_any_bool(true);
    } else if (shmrpc_str_equal(name, shmrpc_str_of("False"))) {
        *out = shmrpc_any_bool(false);
    } else {
        return call(of, name, out);
    }
    return SHMRPC_OK;
}

/* Reads a literal of any kind, chosen by its first character. Texts are tried
 * first, because their prefix may look like a word. */
static shmrpc_status read_any(reader *of, shmrpc_any *out)
{
    prefix how;
    skip_blanks(of);
    char c = peek(of);
    if (read_prefix(of, &how)) {
        shmrpci_buf buf;
        shmrpci_buf_init_heap(&buf);
        shmrpc_status status = read_texts(of, how, &buf, out);
        shmrpci_buf_fini(&buf);
        return status;
    }
    switch (c) {
    case '[':
        return read_collection(of, ']', out);
    case '(':
        return read_collection(of, ')', out);
    case '{':
        return read_collection(of, '}', out);
    default:
        break;
    }
    if (is_digit(c) || c == '-' || c == '+' || c == '.') {
        return read_number(of, out);
    }
    return is_letter(c) ? read_word(of, out) : expected(of, "a literal");
}

shmrpc_status shmrpci_python_read(const char *text, size_t len,
                                  shmrpci_arena *arena, shmrpc_any *out,
                                  shmrpc_error *error)
{
    reader of = {.text = text, .len = len, .arena = arena, .error = error};
    shmrpc_any value;
    shmrpc_status status = read_any(&of, &value);
    skip_blanks(&of);
    /* There must be one literal, and nothing after it. */
    if (status == SHMRPC_OK && of.at < of.len) {
        status = expected(&of, "the end");
    }
    if (status == SHMRPC_OK) {
        *out = value;
    }
    return status;
}
