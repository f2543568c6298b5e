/* Escapes for HTML and roff. */
#include "generator/escape.h"

#include <stdint.h>

void gen_escape_html(const char *text, size_t len, shmrpci_buf *out)
{
    for (size_t i = 0; i < len; i++) {
        switch (text[i]) {
        case '&':
            shmrpci_buf_append_text(out, "&amp;");
            break;
        case '<':
            shmrpci_buf_append_text(out, "&lt;");
            break;
        case '>':
            shmrpci_buf_append_text(out, "&gt;");
            break;
        case '"':
            shmrpci_buf_append_text(out, "&quot;");
            break;
        default:
            shmrpci_buf_append_char(out, text[i]);
        }
    }
}

/* The roff escape of characters that roff, or its fonts, would show as other
 * characters; NULL for all others. */
static const char *roff_name(char c)
{
    switch (c) {
    case '\\':
        return "\\e";
    case '"':
        return "\\(dq";
    case '\'':
        return "\\(aq";
    case '`':
        return "\\(ga";
    case '^':
        return "\\(ha";
    case '~':
        return "\\(ti";
    case '-':
        return "\\-";
    case '\n':
        return " ";
    default:
        return NULL;
    }
}

/* Reads one code point and returns its length in bytes. The text is valid
 * UTF-8, except that `len` may cut off its last character. */
static size_t read_char(const char *text, size_t len, uint32_t *out)
{
    unsigned char first = (unsigned char)text[0];
    size_t bytes = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    bytes = bytes < len ? bytes : len;
    static const unsigned char masks[] = {0x7F, 0x1F, 0x0F, 0x07};
    uint32_t code = first & masks[bytes - 1];
    for (size_t i = 1; i < bytes; i++) {
        code = code << 6 | ((unsigned char)text[i] & 0x3Fu);
    }
    *out = code;
    return bytes;
}

void gen_escape_roff(const char *text, size_t len, shmrpci_buf *out)
{
    /* A dot at the beginning of a line would begin a macro. */
    if (len > 0 && text[0] == '.') {
        shmrpci_buf_append_text(out, "\\&");
    }
    for (size_t i = 0; i < len;) {
        uint32_t code = 0;
        size_t bytes = read_char(text + i, len - i, &code);
        const char *name = roff_name(text[i]);
        if (name != NULL) {
            shmrpci_buf_append_text(out, name);
        } else if (code < 0x80) {
            shmrpci_buf_append_char(out, text[i]);
        } else {
            shmrpci_buf_printf(out, "\\[u%04X]", (unsigned)code);
        }
        i += bytes;
    }
}
