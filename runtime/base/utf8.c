/* UTF-8 validation by the table of RFC 3629, section 4. */
#include "base/utf8.h"

#include <string.h>

static _Bool in_range(uint8_t byte, uint8_t low, uint8_t high)
{
    return byte >= low && byte <= high;
}

/* The length of the character that starts `p`, or 0 when it is malformed or
 * does not end within `left` bytes. */
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

size_t shmrpci_utf8_valid_prefix(const void *data, size_t len)
{
    const uint8_t *p = data;
    size_t at = 0;
    while (at < len) {
        /* Most text is ASCII: eight bytes at a time. */
        while (len - at >= 8) {
            uint64_t word;
            memcpy(&word, p + at, sizeof word);
            if ((word & UINT64_C(0x8080808080808080)) != 0) {
                break;
            }
            at += 8;
        }
        if (at == len) {
            break;
        }
        size_t step = char_length(p + at, len - at);
        if (step == 0) {
            break;
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
