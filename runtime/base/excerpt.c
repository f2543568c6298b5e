/* Lines of text with a caret below them. */
#include "base/excerpt.h"

#include <stdbool.h>

#define GUTTER "%5u | "
#define BLANK  "      | "

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

/* Appends blanks up to the mark; tabs stay tabs, so that the caret is in the
 * right column whatever their width. */
static void append_indent(const char *line, size_t end, shmrpci_buf *out)
{
    for (size_t i = 0; i < end; i++) {
        if (!is_continuation(line[i])) {
            shmrpci_buf_append_char(out, line[i] == '\t' ? '\t' : ' ');
        }
    }
}

static void append_caret(const char *line, size_t begin, size_t end,
                         shmrpci_buf *out)
{
    shmrpci_buf_append_char(out, '^');
    for (size_t i = begin + 1; i < end; i++) {
        if (!is_continuation(line[i])) {
            shmrpci_buf_append_char(out, '~');
        }
    }
}

void shmrpci_excerpt(const char *line, size_t len, uint32_t number,
                     size_t begin, size_t end, shmrpci_buf *out)
{
    shmrpci_buf_printf(out, GUTTER, number);
    shmrpci_buf_append(out, line, len);
    shmrpci_buf_append_text(out, "\n" BLANK);
    append_indent(line, begin, out);
    append_caret(line, begin, end < len ? end : len, out);
    shmrpci_buf_append_char(out, '\n');
}
