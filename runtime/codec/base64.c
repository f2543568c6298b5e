/* Strict Base64: each byte string has only one text (base64.h). */
#include "codec/base64.h"

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "abcdefghijklmnopqrstuvwxyz"
    "0123456789+/";

void shmrpci_base64_encode(const uint8_t *data, size_t len, char *out)
{
    while (len >= 3) {
        uint32_t bits =
            (uint32_t)data[0] << 16 | (uint32_t)data[1] << 8 | data[2];
        *out++ = alphabet[bits >> 18];
        *out++ = alphabet[bits >> 12 & 63];
        *out++ = alphabet[bits >> 6 & 63];
        *out++ = alphabet[bits & 63];
        data += 3;
        len -= 3;
    }
    if (len > 0) {
        uint32_t bits = (uint32_t)data[0] << 16;
        bits |= len == 2 ? (uint32_t)data[1] << 8 : 0;
        *out++ = alphabet[bits >> 18];
        *out++ = alphabet[bits >> 12 & 63];
        *out++ = len == 2 ? alphabet[bits >> 6 & 63] : '=';
        *out = '=';
    }
}

/* Returns the 6 bits of a character, or 64 if it is not in the alphabet. */
static uint32_t bits_of(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return (uint32_t)(c - 'A');
    }
    if (c >= 'a' && c <= 'z') {
        return (uint32_t)(c - 'a') + 26;
    }
    if (c >= '0' && c <= '9') {
        return (uint32_t)(c - '0') + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : 64;
}

/* Decodes the last group, of which `pad` characters are '='. Unused bits of the
 * last character must be zero: otherwise several texts would mean the same
 * bytes. */
static bool decode_last(const char *text, size_t pad, uint8_t *out)
{
    uint32_t a = bits_of(text[0]);
    uint32_t b = bits_of(text[1]);
    uint32_t c = pad == 2 ? 0 : bits_of(text[2]);
    if (a > 63 || b > 63 || c > 63) {
        return false;
    }
    uint32_t bits = a << 18 | b << 12 | c << 6;
    out[0] = (uint8_t)(bits >> 16);
    if (pad == 1) {
        out[1] = (uint8_t)(bits >> 8);
    }
    return (bits & (pad == 2 ? 0xFFFFu : 0xFFu)) == 0;
}

bool shmrpci_base64_decode(const char *text, size_t len, uint8_t *out,
                           size_t *out_len)
{
    /* A length that is not 0 is then at least 4, so `len - 2` and `len - 4`
     * below can't underflow. */
    if (len % 4 != 0) {
        return false;
    }
    size_t pad = 0;
    if (len > 0 && text[len - 1] == '=') {
        pad = text[len - 2] == '=' ? 2 : 1;
    }
    size_t whole = pad > 0 ? len - 4 : len;
    size_t used = 0;
    for (size_t i = 0; i < whole; i += 4) {
        uint32_t a = bits_of(text[i]);
        uint32_t b = bits_of(text[i + 1]);
        uint32_t c = bits_of(text[i + 2]);
        uint32_t d = bits_of(text[i + 3]);
        /* One test for all four: only bad characters have bit 6 set. */
        if (((a | b | c | d) & 64) != 0) {
            return false;
        }
        uint32_t bits = a << 18 | b << 12 | c << 6 | d;
        out[used++] = (uint8_t)(bits >> 16);
        out[used++] = (uint8_t)(bits >> 8);
        out[used++] = (uint8_t)bits;
    }
    if (pad > 0) {
        if (!decode_last(text + whole, pad, out + used)) {
            return false;
        }
        used += 3 - pad;
    }
    *out_len = used;
    return true;
}
