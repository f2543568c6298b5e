/* Diagnostics as text: place, message, the line, a caret. */
#include "idl/diag.h"

#include "base/excerpt.h"

/* If a span covers several lines, only the first one is shown. */
static void append_excerpt(idl_span span, shmrpci_buf *out)
{
    const idl_source *source = span.source;
    uint32_t number = idl_source_place(source, span.begin).line;
    idl_span line = idl_source_line(source, number);
    /* A span may begin past the end of the line's text: in its line break. */
    uint32_t last = span.begin < line.end ? span.begin : line.end;
    shmrpci_excerpt(source->text + line.begin, line.end - line.begin, number,
                    last - line.begin, span.end - line.begin, out);
}

static void append_place(idl_span span, shmrpci_buf *out)
{
    if (span.source != NULL) {
        idl_place place = idl_source_place(span.source, span.begin);
        shmrpci_buf_printf(out, "%s:%u:%u: ", span.source->path, place.line,
                           place.column);
    }
}

/*
 * Appends one diagnostic as people read it:
 *
 *     echo.svc:3:14: error[S0202]: missing `;` after `data`
 *         3 | bytes data
 *           |           ^
 *     echo.svc:1:1: note: ...
 */
static void render(const idl_diag *diag, shmrpci_buf *out)
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
        render(diag, out);
    }
}
