/* JSON, appended piece by piece. */
#include "base/json_text.h"

#include <inttypes.h>
#include <string.h>

#include "base/utf8.h"

size_t shmrpci_json_escape(unsigned char c,
                           uint8_t out[SHMRPCI_JSON_ESCAPE_BYTES])
{
    static const char letters[] = "btn?fr";
    static const char hex[] = "0123456789abcdef";
    out[0] = '\\';
    out[1] = c;
    if (c >= '\b' && c <= '\r' && c != '\v') {
        out[1] = (uint8_t)letters[c - '\b'];
    } else if (c < 0x20 || c == 0x7f) {
        memcpy(out, "\\u00", 4);
        out[4] = (uint8_t)hex[c >> 4];
        out[5] = (uint8_t)hex[c & 15];
        return 6;
    }
    return 2;
}

/* `text` must be valid UTF-8. */
static void append_escaped(shmrpci_buf *out, const char *text, size_t len)
{
    size_t from = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x20 || c == 0x7f || c == '"' || c == '\\') {
            uint8_t escaped[SHMRPCI_JSON_ESCAPE_BYTES];
            shmrpci_buf_append(out, text + from, i - from);
            shmrpci_buf_append(out, escaped, shmrpci_json_escape(c, escaped));
            from = i + 1;
        }
    }
    shmrpci_buf_append(out, text + from, len - from);
}

void shmrpci_json_string(shmrpci_buf *out, const char *text, size_t len)
{
    shmrpci_buf_append_char(out, '"');
    while (len > 0) {
        size_t good = shmrpci_utf8_valid_prefix(text, len);
        append_escaped(out, text, good);
        text += good;
        len -= good;
        if (len > 0) {
            shmrpci_buf_append_text(out, "\xef\xbf\xbd");
            text++;
            len--;
        }
    }
    shmrpci_buf_append_char(out, '"');
}

void shmrpci_json_comma(shmrpci_buf *out)
{
    uint8_t last = out->len > 0 ? out->data[out->len - 1] : '{';
    if (last != '{' && last != '[' && last != ':') {
        shmrpci_buf_append_char(out, ',');
    }
}

void shmrpci_json_key(shmrpci_buf *out, const char *key)
{
    shmrpci_json_comma(out);
    shmrpci_json_string(out, key, strlen(key));
    shmrpci_buf_append_char(out, ':');
}

void shmrpci_json_set_text(shmrpci_buf *out, const char *key, const char *text)
{
    shmrpci_json_key(out, key);
    if (text != NULL) {
        shmrpci_json_string(out, text, strlen(text));
    } else {
        shmrpci_buf_append_text(out, "null");
    }
}

void shmrpci_json_set_int(shmrpci_buf *out, const char *key, int64_t value)
{
    shmrpci_json_key(out, key);
    shmrpci_buf_printf(out, "%" PRId64, value);
}

void shmrpci_json_set_uint(shmrpci_buf *out, const char *key, uint64_t value)
{
    shmrpci_json_key(out, key);
    shmrpci_buf_printf(out, "%" PRIu64, value);
}

void shmrpci_json_set_bool(shmrpci_buf *out, const char *key, bool value)
{
    shmrpci_json_key(out, key);
    shmrpci_buf_append_text(out, value ? "true" : "false");
}

void shmrpci_json_set_real(shmrpci_buf *out, const char *key, double value)
{
    shmrpci_json_key(out, key);
    /* JSON can't express infinity and NaN. */
    if (value - value == 0) {
        shmrpci_buf_printf(out, "%.6g", value);
    } else {
        shmrpci_buf_append_text(out, "null");
    }
}
