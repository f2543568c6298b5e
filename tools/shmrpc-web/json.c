/* JSON, appended piece by piece. */
#include "tools/shmrpc-web/json.h"

#include <inttypes.h>
#include <string.h>

#include "base/utf8.h"

void web_json_next(shmrpci_buf *out)
{
    uint8_t last = out->len > 0 ? out->data[out->len - 1] : '{';
    if (last != '{' && last != '[' && last != ':') {
        shmrpci_buf_append_char(out, ',');
    }
}

static void append_plain(shmrpci_buf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\') {
            shmrpci_buf_append_char(out, '\\');
            shmrpci_buf_append_char(out, (char)c);
        } else if (c < ' ' || c == 0x7f) {
            shmrpci_buf_printf(out, "\\u%04x", c);
        } else {
            shmrpci_buf_append_char(out, (char)c);
        }
    }
}

void web_json_text(shmrpci_buf *out, const char *text, size_t len)
{
    shmrpci_buf_append_char(out, '"');
    while (len > 0) {
        size_t good = shmrpci_utf8_valid_prefix(text, len);
        append_plain(out, text, good);
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

void web_json_key(shmrpci_buf *out, const char *key)
{
    web_json_next(out);
    web_json_text(out, key, strlen(key));
    shmrpci_buf_append_char(out, ':');
}

void web_json_set_text(shmrpci_buf *out, const char *key, const char *text)
{
    web_json_key(out, key);
    if (text != NULL) {
        web_json_text(out, text, strlen(text));
    } else {
        shmrpci_buf_append_text(out, "null");
    }
}

void web_json_set_int(shmrpci_buf *out, const char *key, int64_t value)
{
    web_json_key(out, key);
    shmrpci_buf_printf(out, "%" PRId64, value);
}

void web_json_set_uint(shmrpci_buf *out, const char *key, uint64_t value)
{
    web_json_key(out, key);
    shmrpci_buf_printf(out, "%" PRIu64, value);
}

void web_json_set_bool(shmrpci_buf *out, const char *key, bool value)
{
    web_json_key(out, key);
    shmrpci_buf_append_text(out, value ? "true" : "false");
}
