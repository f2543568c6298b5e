/* Hover: shows the declaration in canonical form, and its documentation. */
#include <string.h>

#include "generator/lsp/feature.h"
#include "idl/canonical.h"

#define MAX_EXCERPT_BYTES 2048

static void append_type_and_name(const idl_type *type, const char *name,
                                 shmrpci_buf *out)
{
    idl_canonical_type(type, out);
    shmrpci_buf_printf(out, " %s", name);
}

static void append_field(const idl_field *field, shmrpci_buf *out)
{
    if (field->tag > 0) {
        shmrpci_buf_printf(out, "%u: ", field->tag);
    }
    shmrpci_buf_append_text(out, field->optional ? "optional " : "");
    shmrpci_buf_append_text(out, field->tag == 0 ? "stream " : "");
    append_type_and_name(field->type, field->name, out);
    if (field->default_value.kind != IDL_VALUE_NONE) {
        shmrpci_buf_append_text(out, " = ");
        idl_canonical_value(&field->default_value, field->type->kind, out);
    }
    shmrpci_buf_append_char(out, '\n');
}

static void append_service(const idl_service *service, shmrpci_buf *out)
{
    shmrpci_buf_printf(out,
                       "service %s {\n  port %u;\n  name \"%s\";\n"
                       "  version %u;\n  // %zu method%s\n}\n",
                       service->decl.name, service->port, service->name,
                       service->version, service->method_count,
                       service->method_count == 1 ? "" : "s");
}

static void append_item(const idl_enum_item *item, shmrpci_buf *out)
{
    shmrpci_buf_printf(out, "%s.%s = ", item->owner->decl.name, item->name);
    idl_number number = {.i = item->value};
    idl_canonical_number(item->owner->base, number, out);
    shmrpci_buf_append_char(out, '\n');
}

static void append_symbol(const idl_symbol *symbol, idl_memory *memory,
                          shmrpci_buf *out)
{
    switch (symbol->kind) {
    case IDL_SYMBOL_CONST:
        shmrpci_buf_append_text(out, "const ");
        append_type_and_name(symbol->u.constant->type, symbol->decl->name, out);
        shmrpci_buf_append_text(out, " = ");
        idl_canonical_value(&symbol->u.constant->value,
                            symbol->u.constant->type->kind, out);
        shmrpci_buf_append_text(out, ";\n");
        break;
    case IDL_SYMBOL_ALIAS:
        shmrpci_buf_printf(out, "type %s = ", symbol->decl->name);
        idl_canonical_type(symbol->u.alias->type, out);
        shmrpci_buf_append_text(out, ";\n");
        break;
    case IDL_SYMBOL_ENUM:
        idl_canonical_enum(symbol->u.enumeration, IDL_CANONICAL_DOCS, memory,
                           out);
        break;
    case IDL_SYMBOL_STRUCT:
    case IDL_SYMBOL_UNION:
    case IDL_SYMBOL_ERROR:
        idl_canonical_record(symbol->u.record, IDL_CANONICAL_DOCS, memory, out);
        break;
    case IDL_SYMBOL_SERVICE:
        append_service(symbol->u.service, out);
        break;
    case IDL_SYMBOL_SHARED:
        idl_canonical_shared(symbol->u.shared, IDL_CANONICAL_DOCS, out);
        break;
    }
}

/* Appends the declaration's source text, which is shown if errors leave the
 * meaning unknown. Otherwise the canonical text is shown. */
static void append_excerpt(const lsp_target *target, shmrpci_buf *out)
{
    idl_span from =
        target->symbol != NULL &&
                target->symbol->decl->span.begin == target->span.begin
            ? target->symbol->ast->span
            : target->span;
    from.end = target->span.end;
    idl_span whole = lsp_whole(from);
    size_t len = whole.end - whole.begin;
    const char *text = whole.source->text + whole.begin;
    if (len > MAX_EXCERPT_BYTES) {
        const char *end = memchr(text, '\n', len);
        len = end != NULL && (size_t)(end - text) < MAX_EXCERPT_BYTES
                  ? (size_t)(end - text)
                  : 0;
    }
    shmrpci_buf_append(out, text, len);
    shmrpci_buf_append_char(out, '\n');
}

static void append_declaration(const lsp_analysis *analysis,
                               const lsp_target *target, idl_memory *memory,
                               shmrpci_buf *out)
{
    if (target->symbol == NULL || !analysis->found.complete) {
        append_excerpt(target, out);
    } else if (target->field != NULL) {
        append_field(target->field, out);
    } else if (target->method != NULL) {
        idl_canonical_method_line(target->method, IDL_CANONICAL_DOCS, memory,
                                  out);
    } else if (target->item != NULL) {
        append_item(target->item, out);
    } else {
        append_symbol(target->symbol, memory, out);
    }
}

/* Skips the documentation, which is shown as prose and not as a comment. Also
 * skips the indentation that a declaration inside a service has. */
static const char *skip_docs(const char *text)
{
    while (true) {
        const char *at = text + strspn(text, " ");
        const char *end = strchr(at, '\n');
        if (strncmp(at, "///", 3) != 0 || end == NULL) {
            return at;
        }
        text = end + 1;
    }
}

static const idl_docs *docs_of(const lsp_target *target)
{
    const idl_meta *meta = target->method != NULL  ? &target->method->meta
                           : target->field != NULL ? &target->field->meta
                           : target->item != NULL  ? &target->item->meta
                           : target->symbol != NULL && target->pre == NULL
                               ? &target->symbol->decl->meta
                               : NULL;
    return meta != NULL ? &meta->docs : NULL;
}

static void append_docs(const lsp_target *target, shmrpci_buf *out)
{
    const idl_docs *docs = docs_of(target);
    shmrpci_buf_append_text(out, "\n");
    if (docs != NULL) {
        for (size_t i = 0; i < docs->count; i++) {
            shmrpci_buf_printf(out, "%s\n", docs->lines[i]);
        }
    } else if (target->pre != NULL) {
        AST_EACH(ast_doc, doc, target->pre->docs)
        {
            shmrpci_buf_printf(out, "%s\n", doc->line);
        }
    }
}

/* The fence is longer than any run of backticks in the code. */
static void append_fenced(const char *code, shmrpci_buf *out)
{
    size_t longest = 2;
    for (const char *at = code; *at != '\0'; at++) {
        size_t run = strspn(at, "`");
        longest = run > longest ? run : longest;
        at += run > 0 ? run - 1 : 0;
    }
    for (size_t i = 0; i <= longest; i++) {
        shmrpci_buf_append_char(out, '`');
    }
    shmrpci_buf_printf(out, "svc\n%s", code);
    for (size_t i = 0; i <= longest; i++) {
        shmrpci_buf_append_char(out, '`');
    }
    shmrpci_buf_append_char(out, '\n');
}

/* Everything is allocated in the tree's arena, so the jump on running out of
 * memory leaks nothing. */
static const char *markdown(lsp_context *cx, const lsp_query *query,
                            const lsp_target *target)
{
    idl_memory memory = {.arena = &cx->tree->arena};
    if (setjmp(memory.exhausted) != 0) {
        return NULL;
    }
    shmrpci_buf code;
    shmrpci_buf text;
    idl_buf_init(&code, &memory);
    idl_buf_init(&text, &memory);
    append_declaration(query->analysis, target, &memory, &code);
    append_fenced(skip_docs(shmrpci_buf_text(&code)), &text);
    append_docs(target, &text);
    return shmrpci_buf_text(&text);
}

gen_value *lsp_hover(lsp_context *cx, const lsp_query *query)
{
    lsp_name name;
    lsp_target target;
    if (!lsp_name_at(query->unit, query->offset, &name) ||
        !lsp_resolve(query->analysis, query->unit, &name, &target) ||
        name.kind == LSP_NAME_IMPORT) {
        return NULL;
    }
    const char *text = markdown(cx, query, &target);
    if (text == NULL) {
        cx->tree->out_of_memory = true;
        return NULL;
    }
    gen_value *hover = gen_object(cx->tree);
    gen_value *contents = gen_set(hover, "contents", gen_object(cx->tree));
    gen_set(contents, "kind", gen_string(cx->tree, "markdown"));
    gen_set(contents, "value", gen_string(cx->tree, text));
    gen_set(hover, "range", lsp_range(cx, name.span));
    return hover;
}
