/* Diagnostics as text: place, message, the line, a caret. */
#include "idl/diag.h"

#define GUTTER "%5u | "
#define BLANK  "      | "

/* A span over several lines is marked on its first. */
static uint32_t marked_end(idl_span span, idl_span line)
{
    uint32_t end = span.end < line.end ? span.end : line.end;
    return end > span.begin ? end : span.begin;
}

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

/* Blanks under the text before the span; tabs stay tabs, so that the caret
 * stands right however wide they are. */
static void append_indent(const char *text, uint32_t begin, uint32_t end,
                          shmrpci_buf *out)
{
    for (uint32_t i = begin; i < end; i++) {
        if (!is_continuation(text[i])) {
            shmrpci_buf_append_char(out, text[i] == '\t' ? '\t' : ' ');
        }
    }
}

static void append_caret(const char *text, uint32_t begin, uint32_t end,
                         shmrpci_buf *out)
{
    shmrpci_buf_append_char(out, '^');
    for (uint32_t i = begin + 1; i < end; i++) {
        if (!is_continuation(text[i])) {
            shmrpci_buf_append_char(out, '~');
        }
    }
}

static void append_excerpt(idl_span span, shmrpci_buf *out)
{
    const idl_source *source = span.source;
    uint32_t number = idl_source_place(source, span.begin).line;
    idl_span line = idl_source_line(source, number);
    shmrpci_buf_printf(out, GUTTER, number);
    shmrpci_buf_append(out, source->text + line.begin, line.end - line.begin);
    shmrpci_buf_append_text(out, "\n" BLANK);
    append_indent(source->text, line.begin, span.begin, out);
    append_caret(source->text, span.begin, marked_end(span, line), out);
    shmrpci_buf_append_char(out, '\n');
}

static void append_place(idl_span span, shmrpci_buf *out)
{
    if (span.source != NULL) {
        idl_place place = idl_source_place(span.source, span.begin);
        shmrpci_buf_printf(out, "%s:%u:%u: ", span.source->path, place.line,
                           place.column);
    }
}

void idl_diag_render(const idl_diag *diag, shmrpci_buf *out)
{
    append_place(diag->span, out);
    shmrpci_buf_printf(out, "%s[S%04d]: %s",
                       diag->severity == IDL_ERROR ? "error" : "warning",
                       (int)diag->code, diag->message);
    if (diag->expected != NULL) {
        shmrpci_buf_printf(out, " (expected %s)", diag->expected);
    }
    if (diag->fix != NULL) {
        shmrpci_buf_printf(out, "; did you mean `%s`?", diag->fix);
    }
    shmrpci_buf_append_char(out, '\n');
    if (diag->span.source != NULL) {
        append_excerpt(diag->span, out);
    }
    for (const idl_note *note = diag->notes; note != NULL; note = note->next) {
        append_place(note->span, out);
        shmrpci_buf_printf(out, "note: %s\n", note->message);
        if (note->span.source != NULL) {
            append_excerpt(note->span, out);
        }
    }
}

void idl_diags_render(const idl_diags *diags, shmrpci_buf *out)
{
    for (const idl_diag *diag = diags->first; diag != NULL; diag = diag->next) {
        idl_diag_render(diag, out);
    }
}
