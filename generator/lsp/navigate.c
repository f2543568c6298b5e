/* Definition, references, the outline of a document, and its layout. */
#include <string.h>

#include "generator/lsp/feature.h"
#include "idl/syntax/format.h"

gen_value *lsp_definition(lsp_context *cx, const lsp_query *query)
{
    lsp_name name;
    lsp_target target;
    if (!lsp_name_at(query->unit, query->offset, &name) ||
        !lsp_resolve(query->analysis, query->unit, &name, &target)) {
        return NULL;
    }
    return lsp_location(cx, target.span);
}

/* ---- references ---- */

/* The search for one target, in the units of one analysis after another. */
typedef struct search {
    lsp_context *cx;
    const lsp_analysis *analysis;
    idl_unit *unit;
    const char *path; /* path of the target's file */
    uint32_t begin;   /* offset of the target in that file */
    bool with_declaration;
    gen_value *list;
    gen_value *seen; /* paths of files that were searched already */
} search;

static bool take_reference(const lsp_name *name, void *user)
{
    search *s = user;
    lsp_target target;
    if ((name->kind <= LSP_NAME_ITEM && !s->with_declaration) ||
        !lsp_resolve(s->analysis, s->unit, name, &target) ||
        target.span.begin != s->begin || name->kind == LSP_NAME_IMPORT ||
        strcmp(target.span.source->path, s->path) != 0) {
        return true;
    }
    if (!lsp_may_add(s->cx)) {
        return false;
    }
    gen_push(s->list, lsp_location(s->cx, name->span));
    return true;
}

static bool is_seen(search *s, const char *path)
{
    GEN_EACH(at, s->seen)
    {
        if (strcmp(at->text, path) == 0) {
            return true;
        }
    }
    gen_push(s->seen, gen_string(s->cx->tree, path));
    return false;
}

static void search_units(search *s, const lsp_analysis *analysis)
{
    const idl_units *units = &analysis->found.units;
    s->analysis = analysis;
    for (size_t i = 0; i < units->count; i++) {
        s->unit = units->items[i];
        if (!is_seen(s, s->unit->source->path)) {
            lsp_each_name(s->unit->ast, take_reference, s);
        }
    }
    s->cx->source = NULL; /* forgotten, because the analysis that holds it may
                           * be dropped */
}

/* Files that are not open are searched only if an open file imports them. */
gen_value *lsp_references(lsp_context *cx, const lsp_query *query)
{
    lsp_name name;
    lsp_target target;
    if (!lsp_name_at(query->unit, query->offset, &name) ||
        !lsp_resolve(query->analysis, query->unit, &name, &target) ||
        name.kind == LSP_NAME_IMPORT) {
        return NULL;
    }
    const gen_value *with =
        lsp_get(query->params, "context.includeDeclaration");
    search s = {.cx = cx,
                .path = gen_string(cx->tree, target.span.source->path)->text,
                .begin = target.span.begin,
                .with_declaration = with != NULL && gen_is_true(with),
                .list = gen_array(cx->tree),
                .seen = gen_array(cx->tree)};
    search_units(&s, query->analysis);
    for (lsp_document *at = cx->ws->first; at != NULL; at = at->next) {
        const lsp_analysis *other = lsp_analyse(cx->ws, at);
        if (other != NULL) {
            search_units(&s, other);
        }
    }
    return s.list;
}

/* ---- outline ---- */

/* LSP's SymbolKind. */
enum {
    KIND_NAMESPACE = 3,
    KIND_CLASS = 5,
    KIND_METHOD = 6,
    KIND_FIELD = 8,
    KIND_ENUM = 10,
    KIND_INTERFACE = 11,
    KIND_CONSTANT = 14,
    KIND_ARRAY = 18,
    KIND_ENUM_MEMBER = 22,
    KIND_STRUCT = 23,
    KIND_EVENT = 24
};

static int kind_of(ast_decl_kind kind)
{
    switch (kind) {
    case AST_PACKAGE:
        return KIND_NAMESPACE;
    case AST_CONST:
        return KIND_CONSTANT;
    case AST_ALIAS:
        return KIND_CLASS;
    case AST_ENUM:
        return KIND_ENUM;
    case AST_STRUCT:
    case AST_UNION:
        return KIND_STRUCT;
    case AST_ERROR:
        return KIND_EVENT;
    case AST_SERVICE:
        return KIND_INTERFACE;
    case AST_QUEUE:
    case AST_TOPIC:
    case AST_PIPE:
    case AST_DICT:
    case AST_VALUE:
        return KIND_ARRAY;
    case AST_METHOD:
        return KIND_METHOD;
    case AST_IMPORT:
    case AST_PORT:
    case AST_SERVICE_NAME:
    case AST_VERSION:
        return 0; /* imports and settings have no name */
    }
    return 0;
}

/* `whole` must contain the span of the name. Returns NULL when the answer has
 * the maximum number of items. */
static gen_value *push_symbol(lsp_context *cx, gen_value *list, ast_name name,
                              int kind, idl_span whole)
{
    if (!lsp_may_add(cx)) {
        return NULL;
    }
    gen_value *row = gen_push(list, gen_object(cx->tree));
    gen_set(row, "name", gen_string(cx->tree, name.text));
    gen_set(row, "kind", gen_int(cx->tree, kind));
    gen_set(row, "range", lsp_range(cx, whole));
    gen_set(row, "selectionRange", lsp_range(cx, name.span));
    return row;
}

static void push_members(lsp_context *cx, gen_value *list, const ast_decl *decl)
{
    if (decl->body == NULL) {
        return;
    }
    if (decl->kind == AST_ENUM) {
        AST_EACH(ast_enum_item, item, decl->body->items)
        {
            (void)push_symbol(cx, list, item->name, KIND_ENUM_MEMBER,
                              lsp_whole(item->name.span));
        }
    } else if (decl->kind == AST_STRUCT || decl->kind == AST_UNION ||
               decl->kind == AST_ERROR) {
        AST_EACH(ast_field, field, decl->body->items)
        {
            idl_span whole =
                field->type != NULL ? field->type->span : field->name.span;
            whole.end = lsp_whole(field->name.span).end;
            (void)push_symbol(cx, list, field->name, KIND_FIELD, whole);
        }
    }
}

static void push_decls(lsp_context *cx, gen_value *list, const ast_list *decls)
{
    AST_EACH(ast_decl, decl, *decls)
    {
        int kind = kind_of(decl->kind);
        if (kind == 0 || decl->name.text == NULL ||
            decl->name.text[0] == '\0') {
            continue;
        }
        idl_span whole = idl_span_join(decl->span, decl->name.span);
        gen_value *row =
            push_symbol(cx, list, decl->name, kind, lsp_whole(whole));
        if (row == NULL) {
            return;
        }
        gen_value *children = gen_set(row, "children", gen_array(cx->tree));
        push_members(cx, children, decl);
        push_decls(cx, children, &decl->items);
    }
}

gen_value *lsp_symbols(lsp_context *cx, const lsp_query *query)
{
    gen_value *list = gen_array(cx->tree);
    push_decls(cx, list, &query->unit->ast->decls);
    return list;
}

/* ---- layout ---- */

static gen_value *whole_edit(lsp_context *cx, const idl_source *source,
                             const shmrpci_buf *text)
{
    gen_value *list = gen_array(cx->tree);
    if (text->len == source->len &&
        memcmp(text->data, source->text, text->len) == 0) {
        return list;
    }
    gen_value *edit = gen_push(list, gen_object(cx->tree));
    idl_span whole = {.source = source, .end = source->len};
    gen_set(edit, "range", lsp_range(cx, whole));
    gen_set(edit, "newText",
            gen_string_n(cx->tree, (const char *)text->data, text->len));
    return list;
}

/* There is only one layout, so the client's options are ignored. A file with
 * syntax errors is unchanged; its diagnostics say why. */
gen_value *lsp_formatting(lsp_context *cx, const lsp_query *query)
{
    const idl_source *source = query->unit->source;
    idl_diags diags;
    idl_diags_init(&diags);
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    shmrpc_status status = idl_format(source->path, source->text, source->len,
                                      &cx->tree->arena, &diags, &text);
    gen_value *edits = NULL;
    if (status == SHMRPC_OK && text.len > 0) {
        edits = whole_edit(cx, source, &text);
    }
    cx->tree->out_of_memory |= status == SHMRPC_E_NO_MEMORY;
    shmrpci_buf_fini(&text);
    return edits;
}
