/* Constants and literals: their types, ranges and bounds. */
#include "idl/resolve.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "base/utf8.h"
#include "idl/canonical.h"
#include "idl/limits.h"

/* ---- definitions on demand ---- */

static void define_const(idl_resolver *r, idl_symbol *symbol);

static void define(idl_resolver *r, idl_symbol *symbol)
{
    if (symbol->kind == IDL_SYMBOL_CONST) {
        define_const(r, symbol);
    } else if (symbol->kind == IDL_SYMBOL_ALIAS) {
        idl_define_alias(r, symbol);
    } else if (symbol->kind == IDL_SYMBOL_ENUM) {
        idl_define_enum(r, symbol);
    }
}

bool idl_define(idl_resolver *r, idl_symbol *symbol, idl_span span)
{
    if (symbol->progress == IDL_IN_PROGRESS) {
        idl_diag *diag = idl_report(r->diags, IDL_S_CYCLE, span,
                                    "`%s` is defined in terms of itself",
                                    symbol->decl->name);
        idl_add_note(r->diags, diag, symbol->decl->span, "declared here");
        return false;
    }
    if (symbol->progress == IDL_UNTOUCHED) {
        if (r->depth == IDL_MAX_DEPTH) {
            (void)idl_report(r->diags, IDL_S_TOO_DEEP, span,
                             "more than %d definitions depend on each other",
                             IDL_MAX_DEPTH);
            return false;
        }
        symbol->progress = IDL_IN_PROGRESS;
        r->depth++;
        define(r, symbol);
        r->depth--;
        if (symbol->progress == IDL_IN_PROGRESS) {
            symbol->progress = IDL_DEFINED;
        }
    }
    return symbol->progress == IDL_DEFINED;
}

static void define_const(idl_resolver *r, idl_symbol *symbol)
{
    idl_site site = {.unit = symbol->unit, .scope = symbol->scope};
    idl_const *constant = symbol->u.constant;
    constant->type = idl_resolve_type(r, site, symbol->ast->type);
    if (constant->type == &idl_broken_type ||
        !idl_convert(r, site, symbol->ast->value, constant->type,
                     &constant->value)) {
        symbol->progress = IDL_BROKEN;
    }
}

/* ---- folding ---- */

static bool fold_item(idl_resolver *r, idl_site site, const ast_value *value,
                      idl_value *out);

static bool fold_path(idl_resolver *r, idl_site site, const ast_value *value,
                      idl_value *out)
{
    ast_name name = {.text = value->u.path, .span = value->span};
    if (strchr(name.text, '.') != NULL &&
        idl_find_quietly(&r->scopes, site, name.text) == NULL) {
        return fold_item(r, site, value, out);
    }
    idl_symbol *symbol = idl_find(&r->scopes, site, name, IDL_WANT_VALUE);
    if (symbol == NULL) {
        return false;
    }
    if (symbol->kind != IDL_SYMBOL_CONST) {
        idl_diag *diag = idl_report(r->diags, IDL_S_WRONG_VALUE, name.span,
                                    "`%s` is an enum, not a value", name.text);
        idl_expected(r->diags, diag, "one of its values, as %s.NAME",
                     name.text);
        return false;
    }
    if (!idl_define(r, symbol, value->span)) {
        return false;
    }
    *out = symbol->u.constant->value;
    return true;
}

static const idl_enum_item *find_item(const idl_enum *enumeration,
                                      const char *name)
{
    for (size_t i = 0; i < enumeration->item_count; i++) {
        if (strcmp(enumeration->items[i].name, name) == 0) {
            return &enumeration->items[i];
        }
    }
    return NULL;
}

static void report_no_item(idl_resolver *r, idl_span span,
                           const idl_enum *enumeration, const char *name)
{
    shmrpci_nearest nearest = {.wanted = name};
    for (size_t i = 0; i < enumeration->item_count; i++) {
        shmrpci_nearest_offer(&nearest, enumeration->items[i].name);
    }
    idl_diag *diag =
        idl_report(r->diags, IDL_S_UNKNOWN_NAME, span,
                   "enum `%s` has no value `%s`", enumeration->decl.name, name);
    idl_suggest(r->diags, diag, nearest.best);
    idl_add_note(r->diags, diag, enumeration->decl.span, "declared here");
}

/* Evaluates `Enum.ITEM`, which may have a package before it. */
static bool fold_item(idl_resolver *r, idl_site site, const ast_value *value,
                      idl_value *out)
{
    const char *path = value->u.path;
    const char *dot = strrchr(path, '.');
    ast_name owner = {.text =
                          idl_strndup(r->memory, path, (size_t)(dot - path)),
                      .span = value->span};
    owner.span.end -= (uint32_t)strlen(dot);
    idl_symbol *symbol = idl_find(&r->scopes, site, owner, IDL_WANT_VALUE);
    if (symbol == NULL) {
        return false;
    }
    if (symbol->kind != IDL_SYMBOL_ENUM) {
        idl_diag *diag = idl_report(r->diags, IDL_S_WRONG_SORT, owner.span,
                                    "`%s` is a constant", owner.text);
        idl_expected(r->diags, diag, "an enum before the dot");
        return false;
    }
    if (!idl_define(r, symbol, value->span)) {
        return false;
    }
    const idl_enum_item *item = find_item(symbol->u.enumeration, dot + 1);
    if (item == NULL) {
        report_no_item(r, value->span, symbol->u.enumeration, dot + 1);
        return false;
    }
    out->kind = IDL_VALUE_ENUM;
    out->u.item = item;
    return true;
}

static bool fold_int(idl_resolver *r, const ast_value *value, idl_value *out)
{
    uint64_t magnitude = value->u.magnitude;
    if (!value->negative) {
        out->kind = IDL_VALUE_UINT;
        out->u.u = magnitude;
        return true;
    }
    if (magnitude > (uint64_t)INT64_MAX + 1) {
        idl_diag *diag = idl_report(r->diags, IDL_S_OUT_OF_RANGE, value->span,
                                    "-%" PRIu64 " is out of range", magnitude);
        idl_expected(r->diags, diag, "at least %" PRId64, INT64_MIN);
        return false;
    }
    out->kind = IDL_VALUE_INT;
    out->u.i = -(int64_t)(magnitude - 1) - 1;
    return true;
}

bool idl_fold(idl_resolver *r, idl_site site, const ast_value *value,
              idl_value *out)
{
    *out = (idl_value){.kind = IDL_VALUE_NONE};
    bool good = true;
    switch (value->kind) {
    case AST_VALUE_INT:
        good = fold_int(r, value, out);
        break;
    case AST_VALUE_FLOAT:
        out->kind = IDL_VALUE_FLOAT;
        out->u.f = value->u.f;
        break;
    case AST_VALUE_TEXT:
        out->kind = IDL_VALUE_TEXT;
        out->u.text = value->u.text;
        break;
    case AST_VALUE_DURATION:
        out->kind = IDL_VALUE_DURATION;
        out->u.i = value->u.duration_ns;
        break;
    case AST_VALUE_BOOL:
        out->kind = IDL_VALUE_BOOL;
        out->u.b = value->u.b;
        break;
    case AST_VALUE_PATH:
        good = fold_path(r, site, value, out);
        break;
    }
    out->span = value->span;
    return good;
}

/* ---- numbers ---- */

int idl_compare_numbers(idl_kind kind, idl_number a, idl_number b)
{
    if (idl_kind_is_float(kind)) {
        return (a.f > b.f) - (a.f < b.f);
    }
    if (idl_kind_is_signed(kind)) {
        return (a.i > b.i) - (a.i < b.i);
    }
    return (a.u > b.u) - (a.u < b.u);
}

/* The number of bits of an integer kind; lengths have 32. */
static unsigned bits_of(idl_kind kind)
{
    if (idl_kind_is_signed(kind)) {
        return 8u << (kind - IDL_I8);
    }
    return idl_kind_is_unsigned(kind) ? 8u << (kind - IDL_U8) : 32;
}

static const char *range_text(idl_memory *memory, idl_kind kind)
{
    unsigned bits = bits_of(kind);
    if (idl_kind_is_signed(kind)) {
        int64_t max = (int64_t)(UINT64_MAX >> (65 - bits));
        return idl_printf(memory, "%" PRId64 "..%" PRId64, -max - 1, max);
    }
    return idl_printf(memory, "0..%" PRIu64, UINT64_MAX >> (64 - bits));
}

static bool integer_fits(const idl_value *value, idl_kind kind)
{
    unsigned bits = bits_of(kind);
    if (!idl_kind_is_signed(kind)) {
        return (value->kind == IDL_VALUE_UINT || value->u.i >= 0) &&
               value->u.u <= UINT64_MAX >> (64 - bits);
    }
    int64_t max = (int64_t)(UINT64_MAX >> (65 - bits));
    if (value->kind == IDL_VALUE_UINT) {
        return value->u.u <= (uint64_t)max;
    }
    return value->u.i >= -max - 1 && value->u.i <= max;
}

static bool report_range(idl_resolver *r, idl_span span, const char *expected)
{
    idl_diag *diag = idl_report(
        r->diags, IDL_S_OUT_OF_RANGE, span, "`%.*s` is out of range",
        (int)(span.end - span.begin), span.source->text + span.begin);
    idl_expected(r->diags, diag, "%s", expected);
    return false;
}

bool idl_report_wrong(idl_resolver *r, idl_span span, const char *expected)
{
    idl_diag *diag = idl_report(
        r->diags, IDL_S_WRONG_VALUE, span, "`%.*s` is of the wrong type",
        (int)(span.end - span.begin), span.source->text + span.begin);
    idl_expected(r->diags, diag, "%s", expected);
    return false;
}

static bool to_float(idl_resolver *r, const idl_value *value, idl_kind kind,
                     idl_number *out)
{
    double f = value->kind == IDL_VALUE_FLOAT  ? value->u.f
               : value->kind == IDL_VALUE_UINT ? (double)value->u.u
                                               : (double)value->u.i;
    if (kind == IDL_F32) {
        f = fabs(f) <= 3.4028235677973366e38 ? (double)(float)f
                                             : (double)INFINITY;
    }
    if (isinf(f)) {
        return report_range(r, value->span, "a value that fits into f32");
    }
    out->f = f + 0.0; /* turns -0.0 into 0.0, so that there is a single zero */
    return true;
}

static bool to_number(idl_resolver *r, const idl_value *value, idl_kind kind,
                      idl_number *out)
{
    bool is_integer =
        value->kind == IDL_VALUE_INT || value->kind == IDL_VALUE_UINT;
    if (idl_kind_is_float(kind)) {
        return is_integer || value->kind == IDL_VALUE_FLOAT
                   ? to_float(r, value, kind, out)
                   : idl_report_wrong(r, value->span, "a number");
    }
    if (!is_integer) {
        return idl_report_wrong(r, value->span, "an integer");
    }
    if (!integer_fits(value, kind)) {
        return report_range(r, value->span, range_text(r->memory, kind));
    }
    out->u = value->u.u; /* a signed number has the same bits */
    return true;
}

bool idl_convert_number(idl_resolver *r, idl_site site, const ast_value *value,
                        idl_kind kind, idl_number *out)
{
    idl_value folded;
    return idl_fold(r, site, value, &folded) &&
           to_number(r, &folded, kind, out);
}

bool idl_convert_integer(idl_resolver *r, idl_site site, const ast_value *value,
                         const char *what, int64_t min, int64_t max,
                         int64_t *out)
{
    idl_value folded;
    idl_number number;
    if (!idl_fold(r, site, value, &folded)) {
        return false;
    }
    if (folded.kind != IDL_VALUE_INT && folded.kind != IDL_VALUE_UINT) {
        return idl_report_wrong(r, value->span, "an integer");
    }
    if (!integer_fits(&folded, IDL_I64) || folded.u.i < min ||
        folded.u.i > max) {
        return report_range(r, value->span,
                            idl_printf(r->memory,
                                       "%s from %" PRId64 " to %" PRId64, what,
                                       min, max));
    }
    number.u = folded.u.u;
    *out = number.i;
    return true;
}

bool idl_convert_duration(idl_resolver *r, idl_site site,
                          const ast_value *value, int64_t min, int64_t max,
                          int64_t *out)
{
    idl_value folded;
    if (!idl_fold(r, site, value, &folded)) {
        return false;
    }
    if (folded.kind != IDL_VALUE_DURATION) {
        return idl_report_wrong(r, value->span, "a duration, as 100ms");
    }
    if (folded.u.i < min || folded.u.i > max) {
        shmrpci_buf text;
        idl_buf_init(&text, r->memory);
        idl_value bound = {.kind = IDL_VALUE_DURATION, .u.i = min};
        shmrpci_buf_append_text(&text, "a duration from ");
        idl_canonical_value(&bound, IDL_I64, &text);
        bound.u.i = max;
        shmrpci_buf_append_text(&text, " to ");
        idl_canonical_value(&bound, IDL_I64, &text);
        return report_range(r, value->span, shmrpci_buf_text(&text));
    }
    *out = folded.u.i;
    return true;
}

/* ---- values of a type ---- */

static const char *bounds_text(idl_memory *memory, const idl_type *type)
{
    idl_kind kind = idl_kind_has_length(type->kind) ? IDL_U64 : type->kind;
    return idl_printf(
        memory, "%s..%s",
        type->has_min ? idl_number_text(memory, kind, type->min) : "",
        type->has_max ? idl_number_text(memory, kind, type->max) : "");
}

static bool within(idl_resolver *r, const idl_type *type, idl_kind kind,
                   idl_number number, idl_span span)
{
    if ((type->has_min && idl_compare_numbers(kind, number, type->min) < 0) ||
        (type->has_max && idl_compare_numbers(kind, number, type->max) > 0)) {
        const char *what =
            idl_kind_has_length(type->kind) ? "a length of " : "";
        return report_range(
            r, span,
            idl_printf(r->memory, "%s%s", what, bounds_text(r->memory, type)));
    }
    return true;
}

static bool convert_text(idl_resolver *r, const idl_type *type, idl_value *out)
{
    if (out->kind != IDL_VALUE_TEXT) {
        return idl_report_wrong(r, out->span, "a string in quotes");
    }
    idl_text text = out->u.text;
    if (type->kind == IDL_STRING &&
        shmrpci_utf8_valid_prefix(text.ptr, text.len) != text.len) {
        return idl_report_wrong(r, out->span,
                                "valid UTF-8, or type `bytes` for other bytes");
    }
    return within(r, type, IDL_U64, (idl_number){.u = text.len}, out->span);
}

static bool convert_enum(idl_resolver *r, const idl_type *type, idl_value *out)
{
    if (out->kind != IDL_VALUE_ENUM ||
        out->u.item->owner != type->enumeration) {
        return idl_report_wrong(r, out->span,
                                idl_printf(r->memory, "a value of enum %s",
                                           type->enumeration->decl.name));
    }
    return true;
}

static bool convert_number(idl_resolver *r, const idl_type *type,
                           idl_value *out)
{
    idl_number number;
    if (!to_number(r, out, type->kind, &number) ||
        !within(r, type, type->kind, number, out->span)) {
        return false;
    }
    if (idl_kind_is_float(type->kind)) {
        out->kind = IDL_VALUE_FLOAT;
        out->u.f = number.f;
    } else {
        out->kind =
            idl_kind_is_signed(type->kind) ? IDL_VALUE_INT : IDL_VALUE_UINT;
        out->u.u = number.u;
    }
    return true;
}

/* Where an enum is expected, a bare name is first looked up among its items. */
static bool fold_for(idl_resolver *r, idl_site site, const ast_value *value,
                     const idl_type *type, idl_value *out)
{
    bool bare = type->kind == IDL_ENUM && value->kind == AST_VALUE_PATH &&
                strchr(value->u.path, '.') == NULL;
    if (bare) {
        const idl_enum_item *item = find_item(type->enumeration, value->u.path);
        if (item != NULL) {
            *out = (idl_value){.kind = IDL_VALUE_ENUM,
                               .u = {.item = item},
                               .span = value->span};
            return true;
        }
        if (idl_find_quietly(&r->scopes, site, value->u.path) == NULL) {
            report_no_item(r, value->span, type->enumeration, value->u.path);
            return false;
        }
    }
    return idl_fold(r, site, value, out);
}

static bool report_no_default(idl_resolver *r, const ast_value *value,
                              const idl_type *type)
{
    (void)idl_report(r->diags, IDL_S_NO_DEFAULT, value->span,
                     "there is no notation for a value of type %s",
                     idl_kind_name(type->kind));
    return false;
}

bool idl_convert(idl_resolver *r, idl_site site, const ast_value *value,
                 const idl_type *type, idl_value *out)
{
    idl_value folded;
    bool good = false;
    if (!fold_for(r, site, value, type, &folded)) {
        return false;
    }
    switch (type->kind) {
    case IDL_BOOL:
        good = folded.kind == IDL_VALUE_BOOL ||
               idl_report_wrong(r, value->span, "true or false");
        break;
    case IDL_I8:
    case IDL_I16:
    case IDL_I32:
    case IDL_I64:
    case IDL_U8:
    case IDL_U16:
    case IDL_U32:
    case IDL_U64:
    case IDL_F32:
    case IDL_F64:
        good = convert_number(r, type, &folded);
        break;
    case IDL_STRING:
    case IDL_BYTES:
        good = convert_text(r, type, &folded);
        break;
    case IDL_ENUM:
        good = convert_enum(r, type, &folded);
        break;
    case IDL_ANY:
    case IDL_LIST:
    case IDL_MAP:
    case IDL_ARRAY:
    case IDL_STRUCT:
    case IDL_UNION:
        good = report_no_default(r, value, type);
        break;
    }
    if (good) {
        *out = folded;
    }
    return good;
}
