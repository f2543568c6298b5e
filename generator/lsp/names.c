/* Visits the names of a file, and resolves them. */
#include "generator/lsp/names.h"

#include <string.h>

#include "idl/limits.h"

/* ---- the walk ---- */

typedef struct walk {
    lsp_visit *visit;
    void *user;
    bool ended;
    lsp_name here; /* package, decl and service of the node that is visited */
} walk;

static void visit(walk *w, lsp_name_kind kind, ast_name name,
                  const ast_pre *pre)
{
    if (w->ended || name.text == NULL) {
        return;
    }
    lsp_name found = w->here;
    found.kind = kind;
    found.text = name.text;
    found.span = name.span;
    found.pre = pre;
    w->ended = !w->visit(&found, w->user);
}

static void visit_value(walk *w, const ast_value *value, const ast_type *type)
{
    if (value != NULL && value->kind == AST_VALUE_PATH) {
        w->here.type = type;
        visit(w, LSP_NAME_VALUE,
              (ast_name){.text = value->u.path, .span = value->span}, NULL);
        w->here.type = NULL;
    }
}

static void visit_type(walk *w, const ast_type *type)
{
    if (type == NULL) {
        return;
    }
    if (type->kind == AST_TYPE_NAME) {
        visit(w, LSP_NAME_TYPE, type->name, NULL);
    }
    visit_type(w, type->key);
    visit_type(w, type->element);
    if (type->bound != NULL) {
        visit_value(w, type->bound->min, NULL);
        if (type->bound->max != type->bound->min) {
            visit_value(w, type->bound->max, NULL);
        }
    }
    AST_EACH(ast_dim, dim, type->dims)
    {
        visit_value(w, dim->length, NULL);
    }
}

static void visit_fields(walk *w, const ast_list *fields)
{
    AST_EACH(ast_field, field, *fields)
    {
        visit_type(w, field->type);
        visit(w, LSP_NAME_FIELD, field->name, field->pre);
        visit_value(w, field->default_value, field->type);
    }
}

static void visit_body(walk *w, const ast_decl *decl)
{
    if (decl->body == NULL) {
        return;
    }
    if (decl->kind == AST_ENUM) {
        AST_EACH(ast_enum_item, item, decl->body->items)
        {
            visit(w, LSP_NAME_ITEM, item->name, item->pre);
            visit_value(w, item->value, NULL);
        }
    } else if (decl->kind == AST_STRUCT || decl->kind == AST_UNION ||
               decl->kind == AST_ERROR) {
        visit_fields(w, &decl->body->items);
    } else {
        AST_EACH(ast_option, option, decl->body->items)
        {
            visit_value(w, option->value, NULL);
        }
    }
}

static void visit_method(walk *w, const ast_decl *decl)
{
    visit(w, LSP_NAME_METHOD, decl->name, decl->pre);
    visit_fields(w, &decl->method->params);
    visit_type(w, decl->method->result.type);
    AST_EACH(ast_throw, throws, decl->method->throws)
    {
        visit(w, LSP_NAME_ERROR, throws->name, NULL);
    }
}

static void visit_decl(walk *w, const ast_decl *decl)
{
    w->here.decl = decl;
    if (decl->kind == AST_METHOD) {
        visit_method(w, decl);
        return;
    }
    if (decl->kind == AST_IMPORT) {
        visit(w, LSP_NAME_IMPORT,
              (ast_name){.text = decl->value->u.text.ptr,
                         .span = decl->value->span},
              NULL);
        return;
    }
    if (decl->kind != AST_PACKAGE) {
        visit(w, LSP_NAME_SYMBOL, decl->name, decl->pre);
    }
    visit_type(w, decl->key);
    visit_type(w, decl->type);
    visit_value(w, decl->value, decl->kind == AST_CONST ? decl->type : NULL);
    visit_body(w, decl);
}

void lsp_each_name(const ast_file *file, lsp_visit *visit_one, void *user)
{
    walk w = {.visit = visit_one, .user = user, .here = {.package = ""}};
    AST_EACH(ast_decl, decl, file->decls)
    {
        if (w.ended) {
            return;
        }
        if (decl->kind == AST_PACKAGE) {
            w.here.package = decl->name.text;
        }
        visit_decl(&w, decl);
        w.here.service = decl;
        AST_EACH(ast_decl, item, decl->items)
        {
            visit_decl(&w, item);
        }
        w.here.service = NULL;
    }
}

/* ---- places ---- */

typedef struct search {
    size_t offset;
    bool found;
    lsp_name name;
} search;

static bool is_here(const lsp_name *name, void *user)
{
    search *s = user;
    if (name->span.begin <= s->offset && s->offset <= name->span.end) {
        s->found = true;
        s->name = *name;
        return false;
    }
    return true;
}

bool lsp_name_at(idl_unit *unit, size_t offset, lsp_name *out)
{
    search s = {.offset = offset};
    lsp_each_name(unit->ast, is_here, &s);
    *out = s.name;
    return s.found;
}

idl_unit *lsp_main_unit(const lsp_analysis *analysis)
{
    const idl_units *units = &analysis->found.units;
    return analysis->found.source != NULL && units->count > 0
               ? units->items[units->count - 1]
               : NULL;
}

const char *lsp_package_at(const ast_file *file, size_t offset)
{
    const char *package = "";
    AST_EACH(ast_decl, decl, file->decls)
    {
        if (decl->kind == AST_PACKAGE && decl->span.begin <= offset) {
            package = decl->name.text;
        }
    }
    return package;
}

/* ---- meaning ---- */

static idl_scope *scope_named(const lsp_analysis *analysis, const char *package)
{
    return idl_map_get(&analysis->found.resolved.scopes.by_name, package);
}

/* A lookup marks imports as used. That is harmless: nobody reads the marks any
 * more, so the unit is constant in effect. */
idl_symbol *lsp_find_symbol(const lsp_analysis *analysis, idl_unit *unit,
                            const char *package, const char *path)
{
    idl_scopes scopes = analysis->found.resolved.scopes;
    idl_site site = {.unit = unit, .scope = scope_named(analysis, package)};
    return site.scope != NULL ? idl_find_quietly(&scopes, site, path) : NULL;
}

static bool same_place(idl_span a, idl_span b)
{
    return a.source == b.source && a.begin == b.begin;
}

static const idl_field *field_at(const idl_field *fields, size_t count,
                                 idl_span span)
{
    for (size_t i = 0; i < count; i++) {
        if (same_place(fields[i].span, span)) {
            return &fields[i];
        }
    }
    return NULL;
}

static const idl_method *method_at(const idl_service *service, idl_span span)
{
    for (size_t i = 0; i < service->method_count; i++) {
        if (same_place(service->methods[i].span, span)) {
            return &service->methods[i];
        }
    }
    return NULL;
}

static const idl_enum_item *item_at(const idl_enum *enumeration, idl_span span)
{
    for (size_t i = 0; i < enumeration->item_count; i++) {
        if (same_place(enumeration->items[i].span, span)) {
            return &enumeration->items[i];
        }
    }
    return NULL;
}

static const idl_enum_item *item_named(const idl_enum *enumeration,
                                       const char *name)
{
    for (size_t i = 0; i < enumeration->item_count; i++) {
        if (strcmp(enumeration->items[i].name, name) == 0) {
            return &enumeration->items[i];
        }
    }
    return NULL;
}

/* The symbol that the declaration `decl` created; NULL if it is the second
 * declaration of the same name. */
static const idl_symbol *symbol_of(const lsp_analysis *analysis,
                                   const lsp_name *name, const ast_decl *decl)
{
    idl_scope *scope = scope_named(analysis, name->package);
    const idl_symbol *symbol =
        scope != NULL && decl->name.text != NULL
            ? idl_map_get(&scope->symbols, decl->name.text)
            : NULL;
    return symbol != NULL && symbol->ast == decl ? symbol : NULL;
}

static bool is_record(const idl_symbol *symbol)
{
    return symbol->kind == IDL_SYMBOL_STRUCT ||
           symbol->kind == IDL_SYMBOL_UNION || symbol->kind == IDL_SYMBOL_ERROR;
}

/* Finds a field, or a parameter of the enclosing method. */
static void set_field(const lsp_name *name, lsp_target *out)
{
    if (is_record(out->symbol)) {
        const idl_record *record = out->symbol->u.record;
        out->field = field_at(record->fields, record->field_count, name->span);
    } else if (out->symbol->kind == IDL_SYMBOL_SERVICE) {
        const idl_method *method =
            method_at(out->symbol->u.service, name->decl->name.span);
        if (method != NULL) {
            bool streams = method->stream_param != NULL &&
                           same_place(method->stream_param->span, name->span);
            out->field = streams ? method->stream_param
                                 : field_at(method->params, method->param_count,
                                            name->span);
        }
    }
}

static bool resolve_declared(const lsp_analysis *analysis, const lsp_name *name,
                             lsp_target *out)
{
    bool in_method = name->decl->kind == AST_METHOD;
    out->symbol =
        symbol_of(analysis, name, in_method ? name->service : name->decl);
    out->span = name->span;
    out->pre = name->pre;
    if (out->symbol == NULL) {
        return true;
    }
    if (name->kind == LSP_NAME_METHOD &&
        out->symbol->kind == IDL_SYMBOL_SERVICE) {
        out->method = method_at(out->symbol->u.service, name->span);
    } else if (name->kind == LSP_NAME_FIELD) {
        set_field(name, out);
    } else if (name->kind == LSP_NAME_ITEM &&
               out->symbol->kind == IDL_SYMBOL_ENUM) {
        out->item = item_at(out->symbol->u.enumeration, name->span);
    }
    return true;
}

static bool set_symbol(const idl_symbol *symbol, lsp_target *out)
{
    if (symbol != NULL) {
        out->symbol = symbol;
        out->span = symbol->decl->span;
        out->pre = symbol->ast->pre;
    }
    return symbol != NULL;
}

static bool set_item(const idl_symbol *symbol, const char *name,
                     lsp_target *out)
{
    const idl_enum_item *item =
        symbol != NULL && symbol->kind == IDL_SYMBOL_ENUM
            ? item_named(symbol->u.enumeration, name)
            : NULL;
    if (item != NULL) {
        out->symbol = symbol;
        out->item = item;
        out->span = item->span;
    }
    return item != NULL;
}

/* Resolves a bare item of the type's enum, a constant, or an item after its
 * enum's name. */
static bool resolve_value(const lsp_analysis *analysis, idl_unit *unit,
                          const lsp_name *name, lsp_target *out)
{
    if (name->type != NULL && name->type->kind == AST_TYPE_NAME) {
        idl_symbol *type = lsp_find_symbol(analysis, unit, name->package,
                                           name->type->name.text);
        if (set_item(type, name->text, out)) {
            return true;
        }
    }
    if (set_symbol(lsp_find_symbol(analysis, unit, name->package, name->text),
                   out)) {
        return true;
    }
    const char *dot = strrchr(name->text, '.');
    char owner[IDL_MAX_PATH_BYTES + 1];
    if (dot == NULL || (size_t)(dot - name->text) >= sizeof owner) {
        return false;
    }
    memcpy(owner, name->text, (size_t)(dot - name->text));
    owner[dot - name->text] = '\0';
    return set_item(lsp_find_symbol(analysis, unit, name->package, owner),
                    dot + 1, out);
}

static bool resolve_import(idl_unit *unit, const lsp_name *name,
                           lsp_target *out)
{
    for (size_t i = 0; i < unit->use_count; i++) {
        if (unit->uses[i].decl == name->decl) {
            out->span = (idl_span){.source = unit->uses[i].unit->source};
            return true;
        }
    }
    return false;
}

bool lsp_resolve(const lsp_analysis *analysis, idl_unit *unit,
                 const lsp_name *name, lsp_target *out)
{
    *out = (lsp_target){.symbol = NULL};
    switch (name->kind) {
    case LSP_NAME_SYMBOL:
    case LSP_NAME_METHOD:
    case LSP_NAME_FIELD:
    case LSP_NAME_ITEM:
        return resolve_declared(analysis, name, out);
    case LSP_NAME_TYPE:
    case LSP_NAME_ERROR:
        return set_symbol(
            lsp_find_symbol(analysis, unit, name->package, name->text), out);
    case LSP_NAME_VALUE:
        return resolve_value(analysis, unit, name, out);
    case LSP_NAME_IMPORT:
        return resolve_import(unit, name, out);
    }
    return false;
}
