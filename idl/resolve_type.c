/* Types: resolves names to kinds, and bounds and arrays. */
#include "idl/resolve.h"

#include <string.h>

#include "idl/limits.h"

const idl_type idl_broken_type = {.kind = IDL_ANY};

void idl_define_alias(idl_resolver *r, idl_symbol *symbol)
{
    idl_site site = {.unit = symbol->unit, .scope = symbol->scope};
    const idl_type *type = idl_resolve_type(r, site, symbol->ast->type);
    symbol->u.alias->type = type;
    if (type == &idl_broken_type) {
        symbol->progress = IDL_BROKEN;
    }
}

/* ---- names ---- */

/* The kind of the built-in type `name`. If there is no such type, IDL_ARRAY,
 * because no name stands for that kind. */
static idl_kind builtin_kind(const char *name)
{
    for (idl_kind kind = IDL_BOOL; kind <= IDL_ANY; kind++) {
        if (strcmp(idl_kind_name(kind), name) == 0) {
            return kind;
        }
    }
    return IDL_ARRAY;
}

static bool type_of_alias(idl_resolver *r, idl_symbol *symbol, idl_span span,
                          idl_type *out)
{
    if (!idl_define(r, symbol, span)) {
        return false;
    }
    *out = *symbol->u.alias->type;
    out->alias = symbol->decl->full_name;
    return true;
}

static bool type_of_name(idl_resolver *r, idl_site site, ast_name name,
                         idl_type *out)
{
    idl_kind kind = builtin_kind(name.text);
    if (kind != IDL_ARRAY) {
        out->kind = kind;
        return true;
    }
    idl_symbol *symbol = idl_find(&r->scopes, site, name, IDL_WANT_TYPE);
    if (symbol == NULL) {
        return false;
    }
    switch (symbol->kind) {
    case IDL_SYMBOL_ALIAS:
        return type_of_alias(r, symbol, name.span, out);
    case IDL_SYMBOL_ENUM:
        /* An enum is defined now, unlike a record, because resolving a default
         * of this type needs the enum's values. */
        out->kind = IDL_ENUM;
        out->enumeration = symbol->u.enumeration;
        return idl_define(r, symbol, name.span);
    case IDL_SYMBOL_UNION:
        out->kind = IDL_UNION;
        out->record = symbol->u.record;
        return true;
    case IDL_SYMBOL_STRUCT:
        out->kind = IDL_STRUCT;
        out->record = symbol->u.record;
        return true;
    case IDL_SYMBOL_CONST: /* idl_find never returns these kinds */
    case IDL_SYMBOL_ERROR:
    case IDL_SYMBOL_SERVICE:
    case IDL_SYMBOL_SHARED:
        return false;
    }
    return false;
}

/* ---- lists and maps ---- */

static bool is_map_key(const idl_type *type)
{
    return type->kind == IDL_STRING || type->kind == IDL_BOOL ||
           type->kind == IDL_ENUM || idl_kind_is_signed(type->kind) ||
           idl_kind_is_unsigned(type->kind);
}

static bool type_of_generic(idl_resolver *r, idl_site site, const ast_type *ast,
                            idl_type *out)
{
    out->kind = ast->kind == AST_TYPE_MAP ? IDL_MAP : IDL_LIST;
    out->element = idl_resolve_type(r, site, ast->element);
    bool good = out->element != &idl_broken_type;
    if (ast->kind == AST_TYPE_MAP) {
        out->key = idl_resolve_type(r, site, ast->key);
        good = good && out->key != &idl_broken_type;
        if (good && !is_map_key(out->key)) {
            idl_diag *diag = idl_report(r->diags, IDL_S_BAD_MAP_KEY,
                                        ast->key->span, "%s can't be a map key",
                                        idl_kind_name(out->key->kind));
            idl_expected(r->diags, diag, "string, bool, an enum or an integer");
            return false;
        }
    }
    return good;
}

/* ---- bounds ---- */

static bool takes_bounds(idl_kind kind)
{
    return idl_kind_has_length(kind) || idl_kind_is_signed(kind) ||
           idl_kind_is_unsigned(kind) || idl_kind_is_float(kind);
}

static bool bounds_allowed(idl_resolver *r, const idl_type *type,
                           const ast_bound *bound)
{
    if (!takes_bounds(type->kind)) {
        (void)idl_report(r->diags, IDL_S_BOUNDS_MISPLACED, bound->span,
                         "%s takes no bounds", idl_kind_name(type->kind));
        return false;
    }
    if (type->has_min || type->has_max) {
        (void)idl_report(r->diags, IDL_S_BOUNDS_MISPLACED, bound->span,
                         "`%s` has bounds already", type->alias);
        return false;
    }
    return true;
}

static bool apply_bound(idl_resolver *r, idl_site site, const ast_bound *bound,
                        idl_type *type)
{
    if (bound == NULL) {
        return true;
    }
    if (!bounds_allowed(r, type, bound)) {
        return false;
    }
    type->has_min = bound->min != NULL;
    type->has_max = bound->max != NULL;
    if ((type->has_min &&
         !idl_convert_number(r, site, bound->min, type->kind, &type->min)) ||
        (type->has_max &&
         !idl_convert_number(r, site, bound->max, type->kind, &type->max))) {
        return false;
    }
    if (type->has_min && type->has_max &&
        idl_compare_numbers(type->kind, type->min, type->max) > 0) {
        idl_diag *diag = idl_report(r->diags, IDL_S_BOUNDS_REVERSED,
                                    bound->span, "the bounds are reversed");
        idl_expected(r->diags, diag, "%s..%s",
                     idl_number_text(r->memory, type->kind, type->max),
                     idl_number_text(r->memory, type->kind, type->min));
        return false;
    }
    return true;
}

/* ---- arrays ---- */

static bool dim_length(idl_resolver *r, idl_site site, const ast_dim *dim,
                       uint32_t *out)
{
    int64_t length;
    if (!idl_convert_integer(r, site, dim->length, "a length", 1,
                             IDL_MAX_ARRAY_LENGTH, &length)) {
        return false;
    }
    *out = (uint32_t)length;
    return true;
}

/* Applies array dimensions: T[2][3] is an array of two arrays of three T, as in
 * C; the last dimension is innermost. */
static const idl_type *apply_dims(idl_resolver *r, idl_site site,
                                  const ast_link *link, const idl_type *inner)
{
    if (link == NULL || inner == &idl_broken_type) {
        return inner;
    }
    const ast_dim *dim = (const ast_dim *)(const void *)link;
    idl_type *array = IDL_NEW(r->memory, idl_type);
    array->kind = IDL_ARRAY;
    array->span = inner->span;
    bool good = dim_length(r, site, dim, &array->length);
    array->element = apply_dims(r, site, link->next, inner);
    return good && array->element != &idl_broken_type ? array
                                                      : &idl_broken_type;
}

/* ---- all types ----------------------------------------------------------- */

const idl_type *idl_resolve_type(idl_resolver *r, idl_site site,
                                 const ast_type *ast)
{
    idl_type *type = IDL_NEW(r->memory, idl_type);
    bool good = ast->kind == AST_TYPE_NAME
                    ? type_of_name(r, site, ast->name, type)
                    : type_of_generic(r, site, ast, type);
    type->span = ast->span;
    good = good && apply_bound(r, site, ast->bound, type);
    if (ast->dims.count > IDL_MAX_DEPTH) {
        (void)idl_report(r->diags, IDL_S_TOO_DEEP, ast->span,
                         "more than %d dimensions", IDL_MAX_DEPTH);
        good = false;
    }
    return good ? apply_dims(r, site, ast->dims.first, type) : &idl_broken_type;
}
