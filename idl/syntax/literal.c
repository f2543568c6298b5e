/* Numbers, durations and strings. */
#include "idl/syntax/literal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/quantity.h"
#include "base/utf8.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Reads digits from `*at` on, which moves past them; false on overflow. */
static bool read_digits(const char **at, const char *end, unsigned base,
                        uint64_t *out)
{
    uint64_t value = 0;
    bool fits = true;
    for (; *at < end; (*at)++) {
        int digit = hex_digit(**at);
        if (digit < 0 || (unsigned)digit >= base) {
            break;
        }
        fits = fits && value <= (UINT64_MAX - (unsigned)digit) / base;
        value = value * base + (unsigned)digit;
    }
    *out = value;
    return fits;
}

static void report_too_large(idl_diags *diags, idl_span span, const char *most)
{
    idl_diag *diag = idl_report(
        diags, IDL_S_NUMBER_TOO_LARGE, span, "the number `%.*s` is too large",
        (int)(span.end - span.begin), span.source->text + span.begin);
    idl_expected(diags, diag, "at most %s", most);
}

/* The number of bits by which K, M or G shifts; 0 for anything else. */
static unsigned size_shift(char letter)
{
    return letter == 'K' ? 10 : letter == 'M' ? 20 : letter == 'G' ? 30 : 0;
}

uint64_t idl_literal_integer(idl_diags *diags, idl_span span)
{
    const char *at = span.source->text + span.begin;
    const char *end = span.source->text + span.end;
    bool is_hex = end - at > 2 && at[0] == '0' && at[1] == 'x';
    at += is_hex ? 2 : 0;
    uint64_t value;
    bool fits = read_digits(&at, end, is_hex ? 16 : 10, &value);
    unsigned shift = at < end ? size_shift(*at) : 0;
    if (!fits || value > UINT64_MAX >> shift) {
        report_too_large(diags, span, "18446744073709551615");
        return 0;
    }
    return value << shift;
}

double idl_literal_float(idl_diags *diags, idl_span span)
{
    /* The lexer has checked the form. The text after the number can't be read
     * as a part of it. */
    double value = strtod(span.source->text + span.begin, NULL);
    if (isinf(value)) {
        report_too_large(diags, span, "1.7976931348623157e308");
        return 0;
    }
    return value;
}

int64_t idl_literal_duration(idl_diags *diags, idl_span span)
{
    const char *at = span.source->text + span.begin;
    const char *end = span.source->text + span.end;
    uint64_t count;
    bool fits = read_digits(&at, end, 10, &count);
    /* The lexer has checked that the unit exists. */
    int64_t ns = (int64_t)shmrpci_duration_unit(at, (size_t)(end - at));
    if (!fits || ns == 0 || count > (uint64_t)(INT64_MAX / ns)) {
        report_too_large(diags, span, "9223372036854775807ns");
        return 1;
    }
    return (int64_t)count * ns;
}

/* A string being decoded. */
typedef struct decoder {
    idl_diags *diags;
    idl_span span;
    const char *at;
    const char *end; /* the closing quote */
    char *out;
    size_t len;
} decoder;

static void report_escape(const decoder *d, const char *begin,
                          const char *expected)
{
    const char *text = d->span.source->text;
    idl_span span = {.source = d->span.source,
                     .begin = (uint32_t)(begin - text),
                     .end = (uint32_t)(d->at - text)};
    idl_diag *diag =
        idl_report(d->diags, IDL_S_BAD_ESCAPE, span, "unknown escape `%.*s`",
                   (int)(d->at - begin), begin);
    idl_expected(d->diags, diag, "%s", expected);
}

/* Decodes \xHH; d->at is after the x. */
static void decode_byte(decoder *d, const char *begin)
{
    int high = d->at < d->end ? hex_digit(d->at[0]) : -1;
    int low = d->at + 1 < d->end ? hex_digit(d->at[1]) : -1;
    if (high < 0 || low < 0) {
        report_escape(d, begin, "\\x and two hex digits");
        return;
    }
    d->at += 2;
    d->out[d->len++] = (char)(high * 16 + low);
}

/* Decodes \u{H...}; d->at is after the u. */
static void decode_code_point(decoder *d, const char *begin)
{
    uint64_t code = 0;
    bool good = d->at < d->end && *d->at == '{';
    if (good) {
        d->at++;
        const char *digits = d->at;
        good = read_digits(&d->at, d->end, 16, &code) && d->at > digits &&
               d->at < d->end && *d->at == '}' && code <= 0x10FFFF &&
               (code < 0xD800 || code > 0xDFFF);
    }
    if (!good) {
        report_escape(d, begin, "\\u{...} with the code point of a character");
        return;
    }
    d->at++;
    uint8_t bytes[4];
    size_t count = shmrpci_utf8_encode((uint32_t)code, bytes);
    memcpy(d->out + d->len, bytes, count);
    d->len += count;
}

static void decode_escape(decoder *d)
{
    static const char letters[] = "ntr0\"\\";
    static const char meanings[] = "\n\t\r\0\"\\";
    const char *begin = d->at++;
    char letter = *d->at++;
    const char *found = memchr(letters, letter, sizeof letters - 1);
    if (found != NULL) {
        d->out[d->len++] = meanings[found - letters];
    } else if (letter == 'x') {
        decode_byte(d, begin);
    } else if (letter == 'u') {
        decode_code_point(d, begin);
    } else {
        while (((unsigned char)*d->at & 0xC0) == 0x80) {
            d->at++;
        }
        report_escape(d, begin, "\\n \\t \\r \\0 \\\" \\\\ \\xHH or \\u{...}");
    }
}

idl_text idl_literal_text(idl_diags *diags, idl_span span)
{
    const char *text = span.source->text;
    decoder d = {.diags = diags,
                 .span = span,
                 .at = text + span.begin + 1,
                 .end = text + span.end};
    if (d.end > d.at && d.end[-1] == d.at[-1]) {
        d.end--; /* the closing quote; a missing one was reported */
    }
    /* No escape is shorter than the character that it represents, so the result
     * is not longer than the literal. */
    d.out = idl_alloc(diags->memory, (size_t)(d.end - d.at) + 1, 1);
    while (d.at < d.end) {
        if (*d.at == '\\' && d.at + 1 < d.end) {
            decode_escape(&d);
        } else {
            d.out[d.len++] = *d.at++;
        }
    }
    return (idl_text){.ptr = d.out, .len = d.len};
}
