/* The language html: a reference page that needs no other file: no script, no
 * style sheet, no font of somebody else's. Only the template, its escape and
 * the tidying differ from lang_man.c. */
#include "generator/lang.h"

#include "generator/doc/lang_doc.h"

/* One file, of the kind "types": it is made whatever --kinds says. */
static const gen_lang_file files[] = {{"types", "page.html", ".html"}};

/* Blanks at line ends and empty lines, which sections of templates leave
 * behind, are removed; nothing of a page depends on them. */
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

/* Escaping for HTML keeps text from becoming markup. */
const gen_lang gen_lang_html = {
    .name = "html",
    .files = files,
    .file_count = sizeof files / sizeof files[0],
    .escape = GEN_ESCAPE_HTML,
    .refuse = gen_doc_refuse,
    .begin = gen_doc_begin,
    .tidy = tidy,
};
