/* Diagnostics in the form of the protocol, and fixes for some of them. */
#include <string.h>

#include "generator/lsp/feature.h"
#include "idl/limits.h"

enum { SEVERITY_ERROR = 1, SEVERITY_WARNING = 2, SEVERITY_INFORMATION = 3 };
enum { TAG_UNNECESSARY = 1 };

static gen_value *related(lsp_context *cx, idl_span span, const char *message)
{
    gen_value *row = gen_object(cx->tree);
    gen_set(row, "location", lsp_location(cx, span));
    gen_set(row, "message", gen_string(cx->tree, message));
    return row;
}

/* Notes without a place are appended to the message. */
static gen_value *message_of(lsp_context *cx, const idl_diag *diag)
{
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    shmrpci_buf_append_text(&text, diag->message);
    if (diag->expected != NULL) {
        shmrpci_buf_printf(&text, " (expected %s)", diag->expected);
    }
    if (diag->fix != NULL) {
        shmrpci_buf_printf(&text, "; did you mean `%s`?", diag->fix);
    }
    for (const idl_note *note = diag->notes; note != NULL; note = note->next) {
        if (note->span.source == NULL) {
            shmrpci_buf_printf(&text, "\n%s", note->message);
        }
    }
    const char *chars = shmrpci_buf_text(&text);
    cx->tree->out_of_memory |= chars == NULL;
    gen_value *value = gen_string(cx->tree, chars != NULL ? chars : "");
    shmrpci_buf_fini(&text);
    return value;
}

static gen_value *notes_of(lsp_context *cx, const idl_diag *diag)
{
    gen_value *list = gen_array(cx->tree);
    for (const idl_note *note = diag->notes; note != NULL; note = note->next) {
        if (note->span.source != NULL) {
            gen_push(list, related(cx, note->span, note->message));
        }
    }
    return list;
}

static int severity_of(const idl_diag *diag)
{
    return diag->severity == IDL_ERROR      ? SEVERITY_ERROR
           : diag->code >= IDL_FIRST_ADVICE ? SEVERITY_INFORMATION
                                            : SEVERITY_WARNING;
}

static gen_value *start(lsp_context *cx, const idl_diag *diag, idl_span span)
{
    gen_value *row = gen_object(cx->tree);
    gen_set(row, "range", lsp_range(cx, span));
    gen_set(row, "severity", gen_int(cx->tree, severity_of(diag)));
    gen_set(row, "code", gen_format(cx->tree, "S%04d", (int)diag->code));
    gen_set(row, "source", gen_string(cx->tree, "shmrpcgen"));
    return row;
}

static gen_value *diagnostic_of(lsp_context *cx, const idl_diag *diag)
{
    gen_value *row = start(cx, diag, diag->span);
    gen_set(row, "message", message_of(cx, diag));
    if (diag->code == IDL_S_IMPORT_UNUSED || diag->code == IDL_S_UNUSED) {
        gen_value *tags = gen_set(row, "tags", gen_array(cx->tree));
        gen_push(tags, gen_int(cx->tree, TAG_UNNECESSARY));
    }
    gen_set(row, "relatedInformation", notes_of(cx, diag));
    return row;
}

/* ---- errors of imported files ---- */

/* The index of a unit in the list. */
static size_t index_of(const idl_units *units, const idl_unit *unit)
{
    size_t i = 0;
    while (i < units->count && units->items[i] != unit) {
        i++;
    }
    return i;
}

/* The import statement of the main file through which `source` was loaded; the
 * beginning of the main file if there is none. Units follow those that they
 * import, so one pass finds all that lead to `source`. */
static idl_span import_of(const idl_units *units, const idl_source *source)
{
    bool leads[IDL_MAX_FILES] = {false};
    idl_span place = {.source = units->items[units->count - 1]->source};
    for (size_t i = 0; i < units->count; i++) {
        const idl_unit *unit = units->items[i];
        leads[i] = unit->source == source;
        for (size_t k = 0; k < unit->use_count && !leads[i]; k++) {
            leads[i] = leads[index_of(units, unit->uses[k].unit)];
            place = leads[i] ? unit->uses[k].decl->value->span : place;
        }
    }
    return place.source == units->items[units->count - 1]->source
               ? place
               : (idl_span){.source = units->items[units->count - 1]->source};
}

/* The errors of another file are shown as one diagnostic, at its import. */
static gen_value *foreign(lsp_context *cx, const idl_units *units,
                          const idl_diag *diag)
{
    const idl_source *source = diag->span.source;
    gen_value *row = start(cx, diag, import_of(units, source));
    idl_place place = idl_source_place(source, diag->span.begin);
    gen_set(row, "message",
            gen_format(cx->tree, "%s:%u:%u: %s", source->path, place.line,
                       place.column, diag->message));
    gen_value *list = gen_set(row, "relatedInformation", gen_array(cx->tree));
    gen_push(list, related(cx, diag->span, diag->message));
    return row;
}

static void push_all(lsp_context *cx, const lsp_analysis *analysis,
                     gen_value *list)
{
    const idl_unit *unit = lsp_main_unit(analysis);
    const idl_source *last_foreign = NULL;
    for (const idl_diag *diag = analysis->diags.first; diag != NULL;
         diag = diag->next) {
        const idl_source *source = diag->span.source;
        if (source == NULL || unit == NULL || source == unit->source) {
            gen_push(list, diagnostic_of(cx, diag));
        } else if (source != last_foreign && diag->severity == IDL_ERROR) {
            gen_push(list, foreign(cx, &analysis->found.units, diag));
            last_foreign = source;
        }
    }
}

gen_value *lsp_diagnostics(lsp_context *cx, const lsp_document *document,
                           const lsp_analysis *analysis)
{
    gen_value *params = gen_object(cx->tree);
    gen_set(params, "uri", gen_string(cx->tree, document->uri));
    if (document->version != NULL) {
        gen_set(params, "version", gen_number(cx->tree, document->version));
    }
    gen_value *list = gen_set(params, "diagnostics", gen_array(cx->tree));
    if (analysis != NULL) {
        push_all(cx, analysis, list);
    }
    return params;
}

/* ---- fixes ---- */

/* A fix: the text that replaces `span`, and a title. */
typedef struct fix {
    idl_span span;
    const char *text;
    const char *title;
} fix;

static const ast_decl *import_at(const idl_unit *unit, idl_span span)
{
    AST_EACH(ast_decl, decl, unit->ast->decls)
    {
        if (decl->kind == AST_IMPORT && decl->value->span.begin == span.begin) {
            return decl;
        }
    }
    return NULL;
}

/* `span` is that of a statement. Returns it, extended by the line end if
 * nothing else is on the line. */
static idl_span line_of(idl_span span)
{
    const char *text = span.source->text;
    bool alone = span.begin == 0 || text[span.begin - 1] == '\n';
    if (alone && text[span.end] == '\n') {
        span.end++;
    }
    return span;
}

static bool find_fix(lsp_context *cx, const idl_unit *unit,
                     const idl_diag *diag, fix *out)
{
    *out = (fix){.span = diag->span, .text = diag->fix};
    if (diag->code == IDL_S_IMPORT_UNUSED) {
        const ast_decl *decl = import_at(unit, diag->span);
        if (decl != NULL) {
            out->span = line_of(lsp_whole(decl->span));
            out->text = "";
            out->title = "Remove the import";
        }
    } else if (diag->insert != NULL) {
        out->text = diag->insert;
        out->title = gen_format(cx->tree, "Insert `%s`", diag->insert)->text;
    } else if (diag->fix != NULL) {
        out->title = gen_format(cx->tree, "Replace by `%s`", diag->fix)->text;
    }
    return out->title != NULL;
}

static gen_value *action(lsp_context *cx, const lsp_query *query,
                         const idl_diag *diag, const fix *f)
{
    gen_tree *tree = cx->tree;
    gen_value *row = gen_object(tree);
    gen_set(row, "title", gen_string(tree, f->title));
    gen_set(row, "kind", gen_string(tree, "quickfix"));
    gen_push(gen_set(row, "diagnostics", gen_array(tree)),
             diagnostic_of(cx, diag));
    gen_set(row, "isPreferred", gen_bool(tree, true));
    gen_value *edit = gen_object(tree);
    gen_set(edit, "range", lsp_range(cx, f->span));
    gen_set(edit, "newText", gen_string(tree, f->text));
    gen_value *changes = gen_set(gen_set(row, "edit", gen_object(tree)),
                                 "changes", gen_object(tree));
    gen_push(gen_set(changes, query->document->uri, gen_array(tree)), edit);
    return row;
}

gen_value *lsp_actions(lsp_context *cx, const lsp_query *query)
{
    gen_value *list = gen_array(cx->tree);
    lsp_position from;
    lsp_position to;
    const lsp_lines *lines = lsp_context_lines(cx, query->unit->source);
    if (lines == NULL ||
        !lsp_get_position(query->params, "range.start", &from) ||
        !lsp_get_position(query->params, "range.end", &to)) {
        return list;
    }
    size_t begin = lsp_offset_at(lines, from, cx->ws->encoding);
    size_t end = lsp_offset_at(lines, to, cx->ws->encoding);
    for (const idl_diag *diag = query->analysis->diags.first; diag != NULL;
         diag = diag->next) {
        fix f;
        if (diag->span.source == query->unit->source &&
            diag->span.begin <= end && diag->span.end >= begin &&
            find_fix(cx, query->unit, diag, &f)) {
            gen_push(list, action(cx, query, diag, &f));
        }
    }
    return list;
}
