/* The language html: a reference page without external files: no script, no
 * style sheet, no web font. It differs from lang_man.c only in the template,
 * the escaping and the tidying. */
#include "generator/lang.h"

#include "generator/doc/lang_doc.h"

/* One file. It has the kind "types", because files of that kind are generated
 * with any --kinds. */
static const gen_lang_file files[] = {{"types", "page.html", ".html"}};

/* Removes spaces at line ends, and the empty lines that sections of the
 * template leave behind. Neither has any effect in HTML. */
static void tidy(gen_tidying *state, const char *text, size_t len,
                 shmrpci_buf *out)
{
    (void)state;
    for (size_t begin = 0; begin < len;) {
        size_t end = begin;
        while (end < len && text[end] != '\n') {
            end++;
        }
        size_t kept = end;
        while (kept > begin && text[kept - 1] == ' ') {
            kept--;
        }
        shmrpci_buf_append(out, text + begin, kept - begin);
        if (kept > begin) {
            shmrpci_buf_append_char(out, '\n');
        }
        begin = end + 1;
    }
}

/* Escaping for HTML keeps text from being read as markup. */
const gen_lang gen_lang_html = {
    .name = "html",
    .files = files,
    .file_count = sizeof files / sizeof files[0],
    .escape = GEN_ESCAPE_HTML,
    .refuse = gen_doc_refuse,
    .begin = gen_doc_begin,
    .tidy = tidy,
};
