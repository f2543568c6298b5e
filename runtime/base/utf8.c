/* UTF-8 validation by the table of RFC 3629, section 4. */
#include "base/utf8.h"

#include <string.h>

static _Bool in_range(uint8_t byte, uint8_t low, uint8_t high)
{
    return byte >= low && byte <= high;
}

/* Returns the length of the character that starts at `p`, or 0 if it is
 * malformed or does not end within `left` bytes. */
static size_t char_length(const uint8_t *p, size_t left)
{
    uint8_t lead = p[0];
    if (lead < 0x80) {
        return 1;
    }
    if (in_range(lead, 0xC2, 0xDF)) {
        return left >= 2 && in_range(p[1], 0x80, 0xBF) ? 2 : 0;
    }
    if ((lead & 0xF0) == 0xE0) {
        uint8_t low = lead == 0xE0 ? 0xA0 : 0x80;
        uint8_t high = lead == 0xED ? 0x9F : 0xBF;
        return left >= 3 && in_range(p[1], low, high) &&
                       in_range(p[2], 0x80, 0xBF)
                   ? 3
                   : 0;
    }
    if (in_range(lead, 0xF0, 0xF4)) {
        uint8_t low = lead == 0xF0 ? 0x90 : 0x80;
        uint8_t high = lead == 0xF4 ? 0x8F : 0xBF;
        return left >= 4 && in_range(p[1], low, high) &&
                       in_range(p[2], 0x80, 0xBF) && in_range(p[3], 0x80, 0xBF)
                   ? 4
                   : 0;
    }
    return 0;
}

#define TOP_BITS UINT64_C(0x8080808080808080)

static uint64_t load64(const uint8_t *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

/* Whether the bytes at `p`, fewer than 8, are ASCII. The loads overlap, which
 * is harmless because only the top bits count. */
static _Bool is_short_ascii(const uint8_t *p, size_t len)
{
    if (len >= 4) {
        uint32_t first;
        uint32_t last;
        memcpy(&first, p, sizeof first);
        memcpy(&last, p + len - sizeof last, sizeof last);
        return ((first | last) & (uint32_t)TOP_BITS) == 0;
    }
    return len == 0 || ((p[0] | p[len / 2] | p[len - 1]) & 0x80) == 0;
}

/* Returns the end of the run of ASCII that begins at `at`: where a non-ASCII
 * byte stands, or fewer than 8 bytes are left before `len`. Looks at eight
 * bytes at a time, because most text is ASCII. */
static size_t skip_ascii(const uint8_t *p, size_t at, size_t len)
{
    while (len - at >= 32) {
        uint64_t words = load64(p + at) | load64(p + at + 8) |
                         load64(p + at + 16) | load64(p + at + 24);
        if ((words & TOP_BITS) != 0) {
            break;
        }
        at += 32;
    }
    while (len - at >= 8) {
        uint64_t tops = load64(p + at) & TOP_BITS;
        if (tops != 0) {
            /* Little-endian: the lowest bit belongs to the first byte. */
            return at + (size_t)__builtin_ctzll(tops) / 8;
        }
        at += 8;
    }
    return at;
}

size_t shmrpci_utf8_valid_prefix(const void *data, size_t len)
{
    const uint8_t *p = data;
    size_t at = 0;
    while (at < len) {
        at = skip_ascii(p, at, len);
        if (len - at < 8 && is_short_ascii(p + at, len - at)) {
            return len;
        }
        while (at < len && p[at] < 0x80) {
            at++;
        }
        size_t step = char_length(p + at, len - at);
        if (step == 0) {
            return at;
        }
        at += step;
    }
    return at;
}

size_t shmrpci_utf8_encode(uint32_t code_point, uint8_t out[4])
{
    uint32_t c = code_point;
    if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) {
        c = 0xFFFD;
    }
    if (c < 0x80) {
        out[0] = (uint8_t)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (uint8_t)(0xC0 | (c >> 6));
        out[1] = (uint8_t)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (uint8_t)(0xE0 | (c >> 12));
        out[1] = (uint8_t)(0x80 | ((c >> 6) & 0x3F));
        out[2] = (uint8_t)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (uint8_t)(0xF0 | (c >> 18));
    out[1] = (uint8_t)(0x80 | ((c >> 12) & 0x3F));
    out[2] = (uint8_t)(0x80 | ((c >> 6) & 0x3F));
    out[3] = (uint8_t)(0x80 | (c & 0x3F));
    return 4;
}

size_t shmrpci_utf8_cut(const char *text, size_t len, size_t limit)
{
    if (len <= limit) {
        return len;
    }
    size_t at = limit;
    while (at > 0 && ((uint8_t)text[at] & 0xC0) == 0x80) {
        at--;
    }
    return at;
}
