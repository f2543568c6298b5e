/* Enums and records: members, numbers, reserved entries. */
#include "idl/annotate.h"

#include <inttypes.h>
#include <string.h>

#include "idl/limits.h"

static bool has_too_many(idl_resolver *r, size_t count, idl_span span)
{
    if (count <= IDL_MAX_MEMBERS) {
        return false;
    }
    (void)idl_report(r->diags, IDL_S_TOO_MANY_MEMBERS, span,
                     "more than %d members", IDL_MAX_MEMBERS);
    return true;
}

/* Reports `name` if the same body has declared it already. */
static void check_member_name(idl_resolver *r, idl_map *names,
                              const ast_name *name)
{
    idl_check_name(r->diags, *name);
    const ast_name *first =
        idl_map_put(names, r->memory, name->text, (void *)(uintptr_t)name);
    if (first != NULL) {
        idl_diag *diag = idl_report(r->diags, IDL_S_DUPLICATE_NAME, name->span,
                                    "`%s` is declared twice", name->text);
        idl_add_note(r->diags, diag, first->span, "first declared here");
    }
}

/* ---- reserved ---- */

static void report_reserved(idl_resolver *r, idl_span span,
                            const char *expected)
{
    idl_diag *diag = idl_report(r->diags, IDL_S_BAD_RESERVED, span,
                                "this can't be reserved");
    idl_expected(r->diags, diag, "%s", expected);
}

static bool resolve_reserved(idl_resolver *r, idl_site site,
                             const ast_reserved *ast, idl_reserved *out)
{
    out->span = idl_span_join(ast->first->span, ast->last->span);
    if (ast->first->kind == AST_VALUE_TEXT) {
        if (ast->last != ast->first) {
            report_reserved(r, out->span, "a range of numbers, or one name");
            return false;
        }
        out->name = ast->first->u.text.ptr;
        return true;
    }
    if (!idl_convert_integer(r, site, ast->first, "a number", INT64_MIN,
                             INT64_MAX, &out->first) ||
        !idl_convert_integer(r, site, ast->last, "a number", INT64_MIN,
                             INT64_MAX, &out->last)) {
        return false;
    }
    if (out->first > out->last) {
        report_reserved(r, out->span, "the smaller number first");
        return false;
    }
    return true;
}

static const idl_reserved *resolve_reserved_list(idl_resolver *r, idl_site site,
                                                 const ast_body *body,
                                                 size_t *count)
{
    *count = 0;
    if (body->reserved.count == 0 ||
        has_too_many(r, body->reserved.count,
                     ((const ast_reserved *)(const void *)body->reserved.first)
                         ->first->span)) {
        return NULL;
    }
    idl_reserved *list =
        IDL_NEW_ARRAY(r->memory, body->reserved.count, idl_reserved);
    AST_EACH(ast_reserved, ast, body->reserved)
    {
        *count += resolve_reserved(r, site, ast, &list[*count]);
    }
    return list;
}

static bool is_reserved_number(const idl_reserved *list, size_t count,
                               int64_t number, idl_span *where)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i].name == NULL && number >= list[i].first &&
            number <= list[i].last) {
            *where = list[i].span;
            return true;
        }
    }
    return false;
}

static void check_reserved_number(idl_resolver *r, const idl_reserved *list,
                                  size_t count, int64_t number, idl_span span)
{
    idl_span where;
    if (is_reserved_number(list, count, number, &where)) {
        idl_diag *diag =
            idl_report(r->diags, IDL_S_RESERVED_REUSED, span,
                       "the number %" PRId64 " is reserved", number);
        idl_add_note(r->diags, diag, where, "reserved here");
    }
}

static void check_reserved_name(idl_resolver *r, const idl_reserved *list,
                                size_t count, const ast_name *name)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i].name != NULL && strcmp(list[i].name, name->text) == 0) {
            idl_diag *diag =
                idl_report(r->diags, IDL_S_RESERVED_REUSED, name->span,
                           "the name `%s` is reserved", name->text);
            idl_add_note(r->diags, diag, list[i].span, "reserved here");
        }
    }
}

/* ---- enums ---- */

static void resolve_base(idl_resolver *r, const ast_decl *ast, idl_enum *out)
{
    out->base = IDL_I32;
    if (ast->base.text == NULL) {
        return;
    }
    for (idl_kind kind = IDL_I8; kind <= IDL_U64; kind++) {
        if (strcmp(idl_kind_name(kind), ast->base.text) == 0) {
            out->base = kind;
            return;
        }
    }
    idl_diag *diag =
        idl_report(r->diags, IDL_S_BAD_ENUM_BASE, ast->base.span,
                   "`%s` can't be the base of an enum", ast->base.text);
    idl_expected(r->diags, diag, "i8, i16, i32, i64, u8, u16, u32 or u64");
}

static void check_values(idl_resolver *r, const idl_symbol *symbol)
{
    const idl_enum *e = symbol->u.enumeration;
    bool has_zero = symbol->progress == IDL_BROKEN;
    for (size_t i = 0; i < e->item_count; i++) {
        has_zero = has_zero || e->items[i].value == 0;
        for (size_t k = 0; k < i; k++) {
            if (e->items[k].value == e->items[i].value) {
                idl_diag *diag = idl_report(r->diags, IDL_S_DUPLICATE_VALUE,
                                            e->items[i].span,
                                            "`%s` has the same value as `%s`",
                                            e->items[i].name, e->items[k].name);
                idl_add_note(r->diags, diag, e->items[k].span,
                             "first used here");
                break;
            }
        }
    }
    if (!has_zero) {
        idl_diag *diag =
            idl_report(r->diags, IDL_S_ENUM_WITHOUT_ZERO, e->decl.span,
                       "enum `%s` has no value 0", e->decl.name);
        idl_expected(r->diags, diag, "a value 0, which absent fields have");
    }
}

static bool resolve_item(idl_resolver *r, idl_symbol *symbol,
                         const ast_enum_item *ast, idl_enum_item *out)
{
    idl_enum *e = symbol->u.enumeration;
    idl_site site = {.unit = symbol->unit, .scope = symbol->scope};
    idl_number number;
    out->name = ast->name.text;
    out->span = ast->name.span;
    out->owner = e;
    idl_annotate(r, ast->pre, IDL_ON_ITEM, &out->meta, NULL);
    check_reserved_name(r, e->reserved, e->reserved_count, &ast->name);
    if (!idl_convert_number(r, site, ast->value, e->base, &number)) {
        return false;
    }
    out->value = number.i;
    check_reserved_number(r, e->reserved, e->reserved_count, number.i,
                          ast->value->span);
    return true;
}

void idl_define_enum(idl_resolver *r, idl_symbol *symbol)
{
    idl_enum *e = symbol->u.enumeration;
    const ast_body *body = symbol->ast->body;
    idl_site site = {.unit = symbol->unit, .scope = symbol->scope};
    resolve_base(r, symbol->ast, e);
    e->reserved = resolve_reserved_list(r, site, body, &e->reserved_count);
    if (has_too_many(r, body->items.count, e->decl.span)) {
        symbol->progress = IDL_BROKEN;
        return;
    }
    idl_enum_item *items =
        IDL_NEW_ARRAY(r->memory, body->items.count + 1, idl_enum_item);
    idl_map names = {.count = 0};
    size_t count = 0;
    bool complete = true;
    AST_EACH(ast_enum_item, ast, body->items)
    {
        check_member_name(r, &names, &ast->name);
        bool good = resolve_item(r, symbol, ast, &items[count]);
        count += good;
        complete = complete && good;
    }
    e->items = items;
    e->item_count = count;
    if (complete) { /* a broken item might be the one with value 0 */
        check_values(r, symbol);
    }
}

/* ---- fields ---- */

void idl_resolve_field(idl_resolver *r, idl_site site, const ast_field *ast,
                       idl_field *out)
{
    idl_annotated extra = {.compact = false};
    out->name = ast->name.text;
    out->span = ast->name.span;
    out->optional = ast->optional;
    out->type = idl_resolve_type(r, site, ast->type);
    idl_annotate(r, ast->pre, IDL_ON_FIELD, &out->meta, &extra);
    out->json_string = extra.json_string;
    if (extra.json_string && out->type != &idl_broken_type &&
        out->type->kind != IDL_I64 && out->type->kind != IDL_U64) {
        (void)idl_report(r->diags, IDL_S_ANNOTATION_PLACE, extra.span,
                         "`@json(string)` is for i64 and u64 only");
    }
    if (ast->default_value == NULL) {
        return;
    }
    if (ast->optional) {
        idl_diag *diag = idl_report(r->diags, IDL_S_OPTIONAL_DEFAULT,
                                    ast->default_value->span,
                                    "an optional field has no default");
        idl_expected(r->diags, diag, "either `optional` or a default");
    } else if (out->type != &idl_broken_type) {
        (void)idl_convert(r, site, ast->default_value, out->type,
                          &out->default_value);
    }
}

typedef struct tagging {
    const idl_reserved *reserved;
    size_t reserved_count;
    int64_t max_tag;
    const idl_field *fields;   /* the fields already resolved */
    const ast_field *tagged;   /* the first field with a tag, or NULL */
    const ast_field *untagged; /* the first field without one, or NULL */
} tagging;

static void report_mixed(idl_resolver *r, const tagging *t,
                         const ast_field *ast)
{
    const ast_field *other = ast->tag != NULL ? t->untagged : t->tagged;
    idl_diag *diag = idl_report(r->diags, IDL_S_MIXED_TAGS, ast->name.span,
                                "`%s` has %s tag", ast->name.text,
                                ast->tag != NULL ? "a" : "no");
    idl_expected(r->diags, diag, "tags on all fields, or on none");
    idl_add_note(r->diags, diag, other->name.span, "`%s` has %s",
                 other->name.text, other->tag != NULL ? "one" : "none");
}

/* The tag of field `index`; if fields have no tags, the next number that isn't
 * reserved. */
static uint32_t take_tag(idl_resolver *r, idl_site site, tagging *t,
                         const ast_field *ast, size_t index)
{
    bool first_of_sort =
        ast->tag != NULL ? t->tagged == NULL : t->untagged == NULL;
    if (ast->tag != NULL) {
        t->tagged = first_of_sort ? ast : t->tagged;
    } else {
        t->untagged = first_of_sort ? ast : t->untagged;
    }
    if (first_of_sort && t->tagged != NULL && t->untagged != NULL) {
        report_mixed(r, t, ast);
    }
    int64_t tag = index > 0 ? (int64_t)t->fields[index - 1].tag + 1 : 1;
    idl_span where;
    if (ast->tag != NULL) {
        (void)idl_convert_integer(r, site, ast->tag, "a tag", 1, t->max_tag,
                                  &tag);
        check_reserved_number(r, t->reserved, t->reserved_count, tag,
                              ast->tag->span);
        return (uint32_t)tag;
    }
    while (is_reserved_number(t->reserved, t->reserved_count, tag, &where) &&
           tag <= t->max_tag) {
        tag++;
    }
    if (tag > t->max_tag) {
        (void)idl_report(r->diags, IDL_S_BAD_TAG, ast->name.span,
                         "there are only %" PRId64 " tags", t->max_tag);
    }
    return (uint32_t)tag;
}

static void check_tag_is_new(idl_resolver *r, const tagging *t,
                             const ast_field *ast, size_t index)
{
    for (size_t i = 0; ast->tag != NULL && i < index; i++) {
        if (t->fields[i].tag == t->fields[index].tag) {
            idl_diag *diag =
                idl_report(r->diags, IDL_S_DUPLICATE_TAG, ast->tag->span,
                           "the tag %u is used twice", t->fields[i].tag);
            idl_add_note(r->diags, diag, t->fields[i].span, "first used here");
            return;
        }
    }
}

static idl_field *resolve_fields(idl_resolver *r, idl_site site,
                                 const ast_list *list, tagging *t,
                                 size_t *count)
{
    *count = 0;
    const ast_field *first = (const ast_field *)(const void *)list->first;
    if (first == NULL || has_too_many(r, list->count, first->name.span)) {
        return NULL;
    }
    idl_field *fields = IDL_NEW_ARRAY(r->memory, list->count, idl_field);
    idl_map names = {.count = 0};
    size_t index = 0;
    t->fields = fields;
    AST_EACH(ast_field, ast, *list)
    {
        check_member_name(r, &names, &ast->name);
        if (ast->stream) {
            continue;
        }
        idl_resolve_field(r, site, ast, &fields[index]);
        fields[index].tag = take_tag(r, site, t, ast, index);
        check_tag_is_new(r, t, ast, index);
        check_reserved_name(r, t->reserved, t->reserved_count, &ast->name);
        index++;
    }
    *count = index;
    return fields;
}

idl_field *idl_resolve_params(idl_resolver *r, idl_site site,
                              const ast_list *params, size_t *count)
{
    tagging t = {.max_tag = IDL_MAX_PARAM_TAG};
    return resolve_fields(r, site, params, &t, count);
}

/* ---- records ---- */

static void check_union(idl_resolver *r, const idl_record *record)
{
    if (record->field_count == 0) {
        (void)idl_report(r->diags, IDL_S_BAD_UNION, record->decl.span,
                         "union `%s` is empty", record->decl.name);
    }
    for (size_t i = 0; i < record->field_count; i++) {
        const idl_field *field = &record->fields[i];
        bool has_default = field->default_value.kind != IDL_VALUE_NONE;
        if (field->optional || has_default) {
            (void)idl_report(r->diags, IDL_S_BAD_UNION, field->span,
                             "`%s` is in a union and can't %s", field->name,
                             field->optional ? "be optional"
                                             : "have a default");
        }
    }
}

static void resolve_number(idl_resolver *r, idl_site site,
                           const idl_symbol *symbol)
{
    idl_value folded;
    const ast_value *value = symbol->ast->value;
    if (!idl_fold(r, site, value, &folded)) {
        return;
    }
    bool is_integer =
        folded.kind == IDL_VALUE_UINT || folded.kind == IDL_VALUE_INT;
    /* An unsigned value above INT64_MAX looks negative here. */
    if (!is_integer || folded.u.i < IDL_MIN_ERROR_NUMBER ||
        folded.u.i > INT32_MAX) {
        idl_diag *diag =
            idl_report(r->diags, IDL_S_BAD_ERROR_NUMBER, value->span,
                       "bad number of error `%s`", symbol->decl->name);
        idl_expected(r->diags, diag, "%d..%d", IDL_MIN_ERROR_NUMBER, INT32_MAX);
        return;
    }
    symbol->u.record->number = (int32_t)folded.u.i;
}

static idl_target target_of(idl_record_kind kind)
{
    return kind == IDL_RECORD_STRUCT  ? IDL_ON_STRUCT
           : kind == IDL_RECORD_UNION ? IDL_ON_UNION
                                      : IDL_ON_ERROR;
}

void idl_resolve_record(idl_resolver *r, idl_symbol *symbol)
{
    static const ast_body empty = {.items = {.count = 0}};
    idl_record *record = symbol->u.record;
    idl_site site = {.unit = symbol->unit, .scope = symbol->scope};
    const ast_body *body =
        symbol->ast->body != NULL ? symbol->ast->body : &empty;
    idl_annotated extra = {.compact = false};
    idl_annotate(r, symbol->ast->pre, target_of(record->kind),
                 &record->decl.meta, &extra);
    record->compact = extra.compact;
    record->http = extra.http;
    record->reserved =
        resolve_reserved_list(r, site, body, &record->reserved_count);
    tagging t = {.reserved = record->reserved,
                 .reserved_count = record->reserved_count,
                 .max_tag = IDL_MAX_TAG};
    record->fields =
        resolve_fields(r, site, &body->items, &t, &record->field_count);
    if (record->kind == IDL_RECORD_UNION) {
        check_union(r, record);
    } else if (record->kind == IDL_RECORD_ERROR) {
        resolve_number(r, site, symbol);
    }
}
