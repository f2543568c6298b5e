/* The language man: a manual page of section 7, in man(7)'s macros. mandoc
 * warns of macros that do nothing, so tidy decides about paragraphs when it
 * sees what follows. */
#include "generator/lang.h"

#include <stdbool.h>
#include <string.h>

#include "generator/doc/lang_doc.h"

static const gen_lang_file files[] = {{"types", "page.7", ".7"}};

/* Whether the line begins with one of the macros, all of which have three
 * characters. */
static bool is_macro(const char *line, size_t len, const char *const *names)
{
    for (; *names != NULL; names++) {
        if (len >= 3 && strncmp(line, *names, 3) == 0) {
            return true;
        }
    }
    return false;
}

/* Templates ask for a paragraph wherever there could be one. It is only
 * remembered, and written before the next text, unless a title or another macro
 * begins a paragraph by itself there. */
static void put_line(gen_tidying *t, const char *line, size_t len,
                     shmrpci_buf *out)
{
    static const char *const paragraphs[] = {".PP", NULL};
    static const char *const titles[] = {".SH", ".SS", NULL};
    static const char *const breaks[] = {".SH", ".SS", ".TP", NULL};
    if (is_macro(line, len, paragraphs)) {
        t->paragraph = true;
        return;
    }
    if (t->paragraph && !t->after_title && !is_macro(line, len, breaks)) {
        shmrpci_buf_append_text(out, ".PP\n");
    }
    t->paragraph = false;
    t->after_title = is_macro(line, len, titles);
    shmrpci_buf_append(out, line, len);
    shmrpci_buf_append_char(out, '\n');
}

/* roff takes an empty line for a paragraph of its own, and blanks that begin
 * or end a line for layout: all go. */
static void tidy(gen_tidying *state, const char *text, size_t len,
                 shmrpci_buf *out)
{
    for (size_t begin = 0; begin < len;) {
        size_t end = begin;
        while (end < len && text[end] != '\n') {
            end++;
        }
        size_t kept = end;
        size_t first = begin;
        while (kept > first && text[kept - 1] == ' ') {
            kept--;
        }
        while (first < kept && text[first] == ' ') {
            first++;
        }
        if (kept > first) {
            put_line(state, text + first, kept - first, out);
        }
        begin = end + 1;
    }
}

/* Escaping for roff keeps text from becoming a macro. */
const gen_lang gen_lang_man = {
    .name = "man",
    .files = files,
    .file_count = sizeof files / sizeof files[0],
    .escape = GEN_ESCAPE_ROFF,
    .refuse = gen_doc_refuse,
    .begin = gen_doc_begin,
    .tidy = tidy,
};
