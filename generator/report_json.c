/* Report: one JSON object for each diagnostic. */
#include "generator/report_form.h"

gen_region gen_region_of(idl_span span)
{
    gen_region region = {
        .begin = idl_source_place(span.source, span.begin),
        .end = idl_source_place(span.source, span.end),
    };
    return region;
}

static gen_value *text_or_null(gen_tree *tree, const char *text)
{
    return text != NULL ? gen_string(tree, text) : gen_null(tree);
}

static void set_place(gen_tree *tree, gen_value *object, idl_span span)
{
    if (span.source == NULL) {
        gen_set(object, "file", gen_null(tree));
        gen_set(object, "line", gen_null(tree));
        gen_set(object, "column", gen_null(tree));
        gen_set(object, "endLine", gen_null(tree));
        gen_set(object, "endColumn", gen_null(tree));
        return;
    }
    gen_region region = gen_region_of(span);
    gen_set(object, "file", gen_string(tree, span.source->path));
    gen_set(object, "line", gen_uint(tree, region.begin.line));
    gen_set(object, "column", gen_uint(tree, region.begin.column));
    gen_set(object, "endLine", gen_uint(tree, region.end.line));
    gen_set(object, "endColumn", gen_uint(tree, region.end.column));
}

gen_value *gen_json_item(gen_tree *tree, const idl_diag *diag)
{
    gen_value *item = gen_object(tree);
    set_place(tree, item, diag->span);
    gen_set(item, "code", gen_format(tree, "S%04d", (int)diag->code));
    gen_set(
        item, "severity",
        gen_string(tree, diag->severity == IDL_ERROR ? "error" : "warning"));
    gen_set(item, "message", gen_string(tree, diag->message));
    gen_set(item, "expected", text_or_null(tree, diag->expected));
    gen_set(item, "fix", text_or_null(tree, diag->fix));
    gen_value *notes = gen_set(item, "notes", gen_array(tree));
    for (const idl_note *note = diag->notes; note != NULL; note = note->next) {
        gen_value *object = gen_push(notes, gen_object(tree));
        set_place(tree, object, note->span);
        gen_set(object, "message", gen_string(tree, note->message));
    }
    return item;
}
