/* Literals: printable characters are kept, others are escaped. */
#include "generator/python/text.h"

#include <string.h>

static void append_escaped(shmrpci_buf *out, unsigned char c, bool is_bytes)
{
    if (c == '"' || c == '\\') {
        shmrpci_buf_append_char(out, '\\');
        shmrpci_buf_append_char(out, (char)c);
    } else if (c == '\n') {
        shmrpci_buf_append_text(out, "\\n");
    } else if (c < 0x20 || c == 0x7f || (is_bytes && c > 0x7f)) {
        shmrpci_buf_printf(out, "\\x%02x", (unsigned)c);
    } else {
        shmrpci_buf_append_char(out, (char)c);
    }
}

static const char *literal(gen_model *m, const char *prefix, const char *text,
                           size_t len, bool is_bytes)
{
    shmrpci_buf out;
    gen_buf_init(m->tree, &out);
    shmrpci_buf_append_text(&out, prefix);
    for (size_t i = 0; i < len; i++) {
        append_escaped(&out, (unsigned char)text[i], is_bytes);
    }
    shmrpci_buf_append_char(&out, '"');
    return gen_buf_take(m->tree, &out);
}

const char *gen_py_string(gen_model *m, const char *text, size_t len)
{
    return literal(m, "\"", text, len, false);
}

const char *gen_py_bytes(gen_model *m, const char *data, size_t len)
{
    return literal(m, "b\"", data, len, true);
}

/* Escapes everything that would end the docstring or begin an escape. */
static void append_line(shmrpci_buf *out, const char *line)
{
    for (const char *at = line; *at != '\0'; at++) {
        if (*at == '\\' || *at == '"') {
            shmrpci_buf_append_char(out, '\\');
        }
        shmrpci_buf_append_char(out, *at);
    }
}

const char *gen_py_doc(gen_model *m, const idl_docs *docs, const char *indent)
{
    if (docs->count == 0) {
        return NULL;
    }
    shmrpci_buf out;
    gen_buf_init(m->tree, &out);
    shmrpci_buf_append_text(&out, "\"\"\"");
    for (size_t i = 0; i < docs->count; i++) {
        if (i > 0) {
            shmrpci_buf_append_char(&out, '\n');
            shmrpci_buf_append_text(&out,
                                    docs->lines[i][0] != '\0' ? indent : "");
        }
        append_line(&out, docs->lines[i]);
    }
    if (docs->count > 1) {
        shmrpci_buf_append_char(&out, '\n');
        shmrpci_buf_append_text(&out, indent);
    }
    shmrpci_buf_append_text(&out, "\"\"\"");
    return gen_buf_take(m->tree, &out);
}
