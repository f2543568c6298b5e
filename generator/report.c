/* Report: colours, and the closing line. */
#include "generator/report.h"

#include <string.h>

#define BOLD   "\033[1m"
#define RED    "\033[1;31m"
#define YELLOW "\033[1;35m"
#define CYAN   "\033[1;36m"
#define GREEN  "\033[1;32m"
#define PLAIN  "\033[0m"

/* What begins the part of a line that gets a colour. */
static const struct {
    const char *mark;
    const char *colour;
} marks[] = {
    {": error", RED},
    {": warning", YELLOW},
    {": note", CYAN},
};

static const char *find_in_line(const char *line, const char *end,
                                const char *mark)
{
    size_t len = strlen(mark);
    for (; (size_t)(end - line) >= len; line++) {
        if (memcmp(line, mark, len) == 0) {
            return line;
        }
    }
    return NULL;
}

/* `file:1:2:` bold and `error[S0301]:` in its colour; true when it was such a
 * line. */
static bool append_head(const char *line, const char *end, shmrpci_buf *out)
{
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        const char *mark = find_in_line(line, end, marks[i].mark);
        const char *word = mark != NULL ? mark + 2 : end;
        const char *colon = memchr(word, ':', (size_t)(end - word));
        if (colon != NULL) {
            shmrpci_buf_append_text(out, BOLD);
            shmrpci_buf_append(out, line, (size_t)(word - line));
            shmrpci_buf_append_text(out, marks[i].colour);
            shmrpci_buf_append(out, word, (size_t)(colon + 1 - word));
            shmrpci_buf_append_text(out, PLAIN BOLD);
            shmrpci_buf_append(out, colon + 1, (size_t)(end - colon - 1));
            shmrpci_buf_append_text(out, PLAIN);
            return true;
        }
    }
    return false;
}

/* Whether a line is nothing but a margin and a mark under the line above. */
static bool is_mark_line(const char *line, const char *end)
{
    return line < end && strspn(line, " |^~") >= (size_t)(end - line) &&
           memchr(line, '^', (size_t)(end - line)) != NULL;
}

static void append_coloured(const char *text, shmrpci_buf *out)
{
    while (*text != '\0') {
        const char *end = text + strcspn(text, "\n");
        if (*text == ' ' || !append_head(text, end, out)) {
            bool is_mark = is_mark_line(text, end);
            shmrpci_buf_append_text(out, is_mark ? GREEN : "");
            shmrpci_buf_append(out, text, (size_t)(end - text));
            shmrpci_buf_append_text(out, is_mark ? PLAIN : "");
        }
        if (*end == '\n') {
            shmrpci_buf_append_char(out, '\n');
            end++;
        }
        text = end;
    }
}

static void append_count(shmrpci_buf *out, size_t count, const char *what)
{
    shmrpci_buf_printf(out, "%zu %s%s", count, what, count == 1 ? "" : "s");
}

void gen_report(const idl_diags *diags, gen_colour colour, shmrpci_buf *out)
{
    if (colour == GEN_COLOUR_NEVER) {
        idl_diags_render(diags, out);
    } else {
        shmrpci_buf text;
        shmrpci_buf_init_heap(&text);
        idl_diags_render(diags, &text);
        const char *chars = shmrpci_buf_text(&text);
        append_coloured(chars != NULL ? chars : "", out);
        shmrpci_buf_fini(&text);
    }
    if (diags->error_count > 0) {
        append_count(out, diags->error_count, "error");
        shmrpci_buf_append_text(out, diags->warning_count > 0 ? ", " : "");
    }
    if (diags->warning_count > 0) {
        append_count(out, diags->warning_count, "warning");
    }
    if (diags->error_count + diags->warning_count > 0) {
        shmrpci_buf_append_char(out, '\n');
    }
}
