/* The language man: a manual page of section 7 with the macros of man(7).
 * mandoc warns about macros without effect, so tidy writes the macro of a
 * paragraph only once it knows what follows. */
#include "generator/lang.h"

#include <stdbool.h>
#include <string.h>

#include "generator/doc/lang_doc.h"

static const gen_lang_file files[] = {{"types", "page.7", ".7"}};

/* Whether the line begins with one of the macros, which all have three
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

/* Templates ask for a paragraph wherever one could begin. The request is only
 * recorded. It is written before the next line, unless that line is a title or
 * a macro that begins a paragraph itself. */
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

/* Removes empty lines, which roff reads as a paragraph, and spaces at the
 * beginning and end of lines, which it reads as layout. */
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

/* Escaping for roff keeps text from being read as a macro. */
const gen_lang gen_lang_man = {
    .name = "man",
    .files = files,
    .file_count = sizeof files / sizeof files[0],
    .escape = GEN_ESCAPE_ROFF,
    .refuse = gen_doc_refuse,
    .begin = gen_doc_begin,
    .tidy = tidy,
};
