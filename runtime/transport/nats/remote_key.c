/* Converts keys of dicts to keys of NATS and back. */
#include "transport/nats/remote_key.h"

#include <stdio.h>
#include <string.h>

/* The only key of a shared value. */
#define VALUE "value"

/* Prefix of a key of type `any` that is not a text. */
#define OTHER "=k"

/* ---- headers of msgpack texts -------------------------------------------- */

/* Writes the shortest header for a text of this length; returns the length of
 * the header. */
static size_t write_header(size_t len, uint8_t out[3])
{
    if (len < 32) {
        out[0] = (uint8_t)(0xa0 + len);
        return 1;
    }
    if (len < 256) {
        out[0] = 0xd9;
        out[1] = (uint8_t)len;
        return 2;
    }
    out[0] = 0xda;
    out[1] = (uint8_t)(len >> 8);
    out[2] = (uint8_t)len;
    return 3;
}

/* Returns the length of the header if the key is a text with the header that
 * write_header makes; otherwise 0. */
static size_t header_of(const uint8_t *key, size_t len)
{
    uint8_t header[3];
    for (size_t bytes = 1; bytes <= 3 && bytes <= len; bytes++) {
        if (len - bytes <= UINT16_MAX &&
            write_header(len - bytes, header) == bytes &&
            memcmp(header, key, bytes) == 0) {
            return bytes;
        }
    }
    return 0;
}

/* ---- escapes ------------------------------------------------------------- */

static bool is_plain(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '/';
}

/* A dot is kept only between two non-empty parts: NATS allows no empty part. */
static bool is_separator(const uint8_t *key, size_t len, size_t i)
{
    return key[i] == '.' && i > 0 && key[i - 1] != '.' && i + 1 < len &&
           key[i + 1] != '.';
}

static bool escape(const uint8_t *key, size_t len, char *out, size_t room)
{
    size_t at = 0;
    for (size_t i = 0; i < len; i++) {
        /* Room for the longest form and the final 0. */
        if (at + 4 > room) {
            return false;
        }
        if (is_plain(key[i]) || is_separator(key, len, i)) {
            out[at++] = (char)key[i];
        } else {
            at += (size_t)snprintf(out + at, room - at, "=%02X", key[i]);
        }
    }
    out[at] = '\0';
    return true;
}

static int digit_of(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Also accepts characters that nats_key_write would have escaped. nats_key_read
 * refuses these, since it writes the result again and compares it with the
 * text. */
static bool unescape(const char *text, uint8_t *out, size_t room, size_t *len)
{
    size_t at = 0;
    for (const char *c = text; *c != '\0'; c++) {
        int high = *c == '=' ? digit_of(c[1]) : 0;
        int low = *c == '=' && high >= 0 ? digit_of(c[2]) : 0;
        if (high < 0 || low < 0 || at == room) {
            return false;
        }
        out[at++] = *c == '=' ? (uint8_t)(high * 16 + low) : (uint8_t)*c;
        c += *c == '=' ? 2 : 0;
    }
    *len = at;
    return true;
}

/* ---- converting ---------------------------------------------------------- */

bool nats_key_write(nats_key_form form, const void *key, size_t len,
                    char out[NATS_KEY_TEXT_BYTES])
{
    const uint8_t *bytes = key;
    if (form == NATS_KEY_NONE) {
        memcpy(out, VALUE, sizeof VALUE);
        return len == 0;
    }
    size_t header = form == NATS_KEY_ANY ? header_of(bytes, len) : 0;
    size_t at = 0;
    if (form == NATS_KEY_ANY && header == 0) {
        memcpy(out, OTHER, sizeof OTHER - 1);
        at = sizeof OTHER - 1;
    } else if (len == header) {
        memcpy(out, "=", sizeof "=");
        return true;
    }
    return escape(bytes + header, len - header, out + at,
                  NATS_KEY_TEXT_BYTES - at);
}

/* Reads the bytes of a key of type `any`. */
static bool read_any(const char *text, uint8_t *out, size_t *out_len)
{
    uint8_t bytes[NATS_KEY_TEXT_BYTES];
    size_t len = 0;
    if (strncmp(text, OTHER, sizeof OTHER - 1) == 0) {
        return unescape(text + sizeof OTHER - 1, out, NATS_KEY_TEXT_BYTES,
                        out_len);
    }
    if (strcmp(text, "=") != 0 &&
        !unescape(text, bytes, sizeof bytes - 3, &len)) {
        return false;
    }
    size_t header = write_header(len, out);
    memcpy(out + header, bytes, len);
    *out_len = header + len;
    return true;
}

bool nats_key_read(nats_key_form form, const char *text,
                   uint8_t out[NATS_KEY_TEXT_BYTES], size_t *out_len)
{
    char again[NATS_KEY_TEXT_BYTES];
    bool is_read = true;
    *out_len = 0;
    if (form == NATS_KEY_ANY) {
        is_read = read_any(text, out, out_len);
    } else if (form == NATS_KEY_PLAIN && strcmp(text, "=") != 0) {
        is_read = unescape(text, out, NATS_KEY_TEXT_BYTES, out_len);
    }
    return is_read && nats_key_write(form, out, *out_len, again) &&
           strcmp(again, text) == 0;
}
