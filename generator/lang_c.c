/*
 * The language C: what each entity of the model needs.
 *
 * Every entity gets an object `c`; names of its members are explained in
 * templates/README.md.
 */
#include "generator/lang_c.h"

#include <inttypes.h>
#include <string.h>

#include "generator/lang.h"
#include "generator/tidy.h"

static void set_text(gen_model *m, gen_value *object, const char *key,
                     const char *text)
{
    gen_set(object, key,
            text != NULL ? gen_string(m->tree, text) : gen_null(m->tree));
}

static void set_flag(gen_model *m, gen_value *object, const char *key,
                     bool flag)
{
    gen_set(object, key, gen_bool(m->tree, flag));
}

/* ---- the file ---- */

/* Names with linkage, which static objects must not take. */
static void reserve_names(gen_model *m)
{
    const idl_schema *schema = m->schema;
    for (size_t i = 0; i < schema->enum_count; i++) {
        (void)gen_c_unique(m, gen_c_name(m, &schema->enums[i]->decl));
    }
    for (size_t i = 0; i < schema->by_value_count; i++) {
        (void)gen_c_unique(m, gen_c_name(m, &schema->by_value[i]->decl));
    }
    for (size_t i = 0; i < schema->service_count; i++) {
        const idl_service *service = schema->services[i];
        (void)gen_c_unique(m, gen_c_name(m, &service->decl));
        for (size_t k = 0; k < service->method_count; k++) {
            (void)gen_c_unique(m, gen_c_function(m, &service->methods[k]));
        }
    }
}

static const char *quoted(gen_model *m, const char *name)
{
    return gen_c_text(m, "`%s`", name);
}

/* Claims `name` and what is made of it with each of the suffixes. */
static void claim_all(gen_model *m, const char *name, const char *full_name,
                      idl_span span, const char *const *suffixes)
{
    gen_c_claim(m, name, quoted(m, full_name), span);
    for (; *suffixes != NULL; suffixes++) {
        gen_c_claim(m, gen_c_text(m, "%s%s", name, *suffixes),
                    gen_c_text(m, "`%s` with `%s`", full_name, *suffixes),
                    span);
    }
}

static void claim_decl(gen_model *m, const idl_decl *decl)
{
    static const char *const suffixes[] = {"_descriptor", NULL};
    claim_all(m, gen_c_name(m, decl), decl->full_name, decl->span, suffixes);
}

static void begin(gen_model *m, gen_value *root)
{
    gen_tree *tree = m->tree;
    gen_c_state *state = shmrpci_arena_calloc(&tree->arena, 1, sizeof *state,
                                              _Alignof(gen_c_state));
    static gen_c_state stand_in;
    if (state == NULL) {
        tree->out_of_memory = true;
        state = &stand_in;
    }
    m->state = state;
    gen_value *c = gen_set(root, "c", gen_object(tree));
    state->views = gen_set(c, "views", gen_array(tree));
    state->entries = gen_set(c, "entries", gen_array(tree));
    state->wrappers = gen_set(c, "wrappers", gen_array(tree));
    state->tables = gen_set(c, "tables", gen_array(tree));
    state->defaults = gen_set(c, "defaults", gen_array(tree));
    state->names = gen_array(tree);
    state->claims = gen_array(tree);
    set_text(m, c, "guard",
             gen_c_guard(m, gen_c_prefixed(m, gen_text(root, "stem"))));
    gen_set(c, "doc",
            gen_c_doc(m, &(idl_meta){.docs = m->schema->package->docs}));
    reserve_names(m);
}

/* ---- constants and enums ---- */

static void add_const(gen_model *m, gen_value *object,
                      const idl_const *constant)
{
    gen_value *c = gen_set(object, "c", gen_object(m->tree));
    const char *name = gen_c_macro(m, &constant->decl);
    gen_c_claim(m, name, quoted(m, constant->decl.full_name),
                constant->decl.span);
    set_text(m, c, "name", name);
    bool is_text = constant->value.kind == IDL_VALUE_TEXT;
    set_text(m, c, "value",
             is_text ? gen_c_macro_text(m, constant->value.u.text)
                     : gen_c_value(m, constant->type, &constant->value));
    gen_set(c, "doc", gen_c_doc(m, &constant->decl.meta));
}

static void add_enum_item(gen_model *m, gen_value *object,
                          const idl_enum_item *item)
{
    gen_value *c = gen_set(object, "c", gen_object(m->tree));
    const char *name = gen_c_enumerator(m, item);
    gen_c_claim(
        m, name,
        gen_c_text(m, "`%s.%s`", item->owner->decl.full_name, item->name),
        item->span);
    set_text(m, c, "name", name);
    idl_type type = {.kind = item->owner->base};
    idl_value value = {.kind = IDL_VALUE_INT, .u.i = item->value};
    if (item->owner->base == IDL_U64) {
        value.kind = IDL_VALUE_UINT;
        value.u.u = (uint64_t)item->value;
    }
    set_text(m, c, "value", gen_c_value(m, &type, &value));
    set_text(m, c, "bits",
             gen_c_text(m, "%s%s",
                        item->owner->base == IDL_U64 ? "(int64_t)" : "",
                        gen_c_value(m, &type, &value)));
    gen_set(c, "doc", gen_c_doc(m, &item->meta));
    set_text(m, c, "doc_text", gen_c_doc_text(m, &item->meta.docs));
}

/* Whether ISO C lets all values be enumerators. */
static bool fits_int(const idl_enum *enumeration)
{
    for (size_t i = 0; i < enumeration->item_count; i++) {
        int64_t value = enumeration->items[i].value;
        bool is_huge = enumeration->base == IDL_U64 && value < 0;
        if (value < INT32_MIN || value > INT32_MAX || is_huge) {
            return false;
        }
    }
    return true;
}

/* Descriptors list enumerators by value. */
static const idl_enum_item *next_item(const idl_enum *enumeration,
                                      const idl_enum_item *last)
{
    const idl_enum_item *next = NULL;
    bool is_u64 = enumeration->base == IDL_U64;
    for (size_t i = 0; i < enumeration->item_count; i++) {
        const idl_enum_item *item = &enumeration->items[i];
        bool above = last == NULL ||
                     (is_u64 ? (uint64_t)item->value > (uint64_t)last->value
                             : item->value > last->value);
        bool below = next == NULL ||
                     (is_u64 ? (uint64_t)item->value < (uint64_t)next->value
                             : item->value < next->value);
        next = above && below ? item : next;
    }
    return next;
}

static void add_enum(gen_model *m, gen_value *object,
                     const idl_enum *enumeration)
{
    gen_value *c = gen_set(object, "c", gen_object(m->tree));
    claim_decl(m, &enumeration->decl);
    set_text(m, c, "name", gen_c_name(m, &enumeration->decl));
    set_text(m, c, "type", gen_c_scalar(enumeration->base));
    set_text(m, c, "base", idl_kind_name(enumeration->base));
    set_flag(m, c, "fits_int", fits_int(enumeration));
    set_text(m, c, "rows_name",
             gen_c_unique(m, gen_c_text(m, "%s_names",
                                        gen_c_short(m, &enumeration->decl))));
    idl_type type = {.kind = enumeration->base};
    gen_set(c, "size", gen_uint(m->tree, gen_c_layout(&type).size));
    gen_set(c, "doc", gen_c_doc(m, &enumeration->decl.meta));
    set_text(m, c, "doc_text", gen_c_doc_text(m, &enumeration->decl.meta.docs));
    gen_value *rows = gen_set(c, "rows", gen_array(m->tree));
    const idl_enum_item *item = next_item(enumeration, NULL);
    while (item != NULL) {
        gen_value *row = gen_push(rows, gen_object(m->tree));
        set_text(m, row, "name", item->name);
        add_enum_item(m, row, item);
        item = next_item(enumeration, item);
    }
}

/* ---- fields of records and methods ---- */

static const char *pointed(gen_model *m, const char *base, const char *name)
{
    return gen_c_text(m, "const %s *%s", base, name);
}

/* The declaration of a member, and of its has_ companion. */
static void set_member(gen_model *m, gen_value *c, const idl_field *field,
                       uint32_t flags, const char *place)
{
    const char *name = gen_c_member(m, field);
    gen_c_form form = gen_c_form_of(m, field->type, place);
    bool is_pointer = (flags & SHMRPC_FIELD_POINTER) != 0;
    set_text(m, c, "name", name);
    set_text(m, c, "decl",
             is_pointer ? pointed(m, form.base, name)
                        : gen_c_text(m, "%s %s%s", form.base, name, form.dims));
    set_text(m, c, "has",
             field->optional && !is_pointer ? gen_c_text(m, "has_%s", name)
                                            : NULL);
}

/* A static constant with the default value; its name, or NULL. */
static const char *add_default(gen_model *m, const idl_field *field,
                               const char *place)
{
    if (field->default_value.kind == IDL_VALUE_NONE) {
        return NULL;
    }
    gen_value *row = gen_push(gen_c_state_of(m)->defaults, gen_object(m->tree));
    const char *name = gen_c_unique(m, gen_c_text(m, "%s_default", place));
    set_text(m, row, "type", gen_c_form_of(m, field->type, place).base);
    set_text(m, row, "name", name);
    set_text(m, row, "value",
             gen_c_value(m, field->type, &field->default_value));
    return gen_c_text(m, "&%s", name);
}

/* The rows of a field table, by tag. */
static gen_value *field_rows(gen_model *m, const idl_field *fields,
                             size_t count, bool is_param, bool is_union,
                             const char *short_name, const char *c_type)
{
    gen_value *rows = gen_array(m->tree);
    const idl_field *const *sorted = gen_c_by_tag(m->tree, fields, count);
    for (size_t i = 0; sorted != NULL && i < count; i++) {
        const idl_field *field = sorted[i];
        const char *name = gen_c_member(m, field);
        const char *place = gen_c_text(m, "%s_%s", short_name, name);
        uint32_t flags = gen_c_field_flags(field, is_param);
        gen_value *row = gen_push(rows, gen_object(m->tree));
        gen_set(row, "tag", gen_uint(m->tree, field->tag));
        set_text(m, row, "name", field->name);
        set_text(m, row, "owner", c_type);
        set_text(m, row, "member", is_union ? "u" : name);
        set_text(m, row, "has",
                 flags == SHMRPC_FIELD_OPTIONAL ? gen_c_text(m, "has_%s", name)
                                                : NULL);
        set_text(m, row, "flags", gen_c_field_flags_text(flags));
        set_text(m, row, "table", gen_c_table(m, field->type, place));
        const char *reference = add_default(m, field, place);
        set_text(m, row, "default_ref", reference != NULL ? reference : "NULL");
        set_text(m, row, "doc_text", gen_c_doc_text(m, &field->meta.docs));
    }
    return rows;
}

static void add_field(gen_model *m, gen_value *object, const idl_record *record,
                      const idl_field *field)
{
    gen_value *c = gen_set(object, "c", gen_object(m->tree));
    const char *place = gen_c_text(m, "%s_%s", gen_c_short(m, &record->decl),
                                   gen_c_member(m, field));
    set_member(m, c, field, gen_c_field_flags(field, false), place);
    set_text(m, c, "default",
             field->default_value.kind != IDL_VALUE_NONE
                 ? gen_c_value(m, field->type, &field->default_value)
                 : NULL);
    const char *tag_name = gen_c_text(m, "%s_%s", gen_c_macro(m, &record->decl),
                                      gen_c_upper(m, gen_c_member(m, field)));
    if (record->kind == IDL_RECORD_UNION) {
        gen_c_claim(
            m, tag_name,
            gen_c_text(m, "`%s.%s`", record->decl.full_name, field->name),
            field->span);
    }
    set_text(m, c, "tag_name", tag_name);
    gen_set(c, "doc", gen_c_doc(m, &field->meta));
}

/* ---- records and errors ---- */

static void set_layout(gen_model *m, gen_value *c, shmrpci_layout layout)
{
    gen_set(c, "size", gen_uint(m->tree, layout.size));
    gen_set(c, "align", gen_uint(m->tree, layout.align));
}

static const char *flags_text(gen_model *m, bool params, bool compact,
                              bool flat, bool fixed)
{
    const char *text = gen_c_text(
        m, "%s%s%s%s", params ? " | SHMRPC_TYPE_PARAMS" : "",
        compact ? " | SHMRPC_TYPE_COMPACT" : "",
        flat ? " | SHMRPC_TYPE_FLAT" : "", fixed ? " | SHMRPC_TYPE_FIXED" : "");
    return *text == '\0' ? "0" : text + 3;
}

static bool has_defaults(const idl_record *record)
{
    for (size_t i = 0; i < record->field_count; i++) {
        if (record->fields[i].default_value.kind != IDL_VALUE_NONE) {
            return true;
        }
    }
    return false;
}

static void add_record(gen_model *m, gen_value *object,
                       const idl_record *record)
{
    gen_value *c = gen_set(object, "c", gen_object(m->tree));
    const char *name = gen_c_name(m, &record->decl);
    const char *owner = gen_c_short(m, &record->decl);
    bool is_union = record->kind == IDL_RECORD_UNION;
    set_text(m, c, "name", name);
    const char *macro = gen_c_macro(m, &record->decl);
    claim_decl(m, &record->decl);
    if (has_defaults(record)) {
        gen_c_claim(
            m, gen_c_text(m, "%s_DEFAULTS", macro),
            gen_c_text(m, "the defaults of `%s`", record->decl.full_name),
            record->decl.span);
    }
    set_text(m, c, "macro", macro);
    set_text(m, c, "shape", is_union ? "UNION" : "STRUCT");
    set_flag(m, c, "is_empty", record->field_count == 0);
    set_flag(m, c, "has_defaults", has_defaults(record));
    set_text(m, c, "flags",
             flags_text(m, false, record->compact, gen_c_record_is_flat(record),
                        gen_c_record_is_fixed(record)));
    set_layout(m, c, gen_c_record_layout(record));
    set_text(m, c, "rows_name",
             gen_c_unique(m, gen_c_text(m, "%s_fields", owner)));
    gen_set(c, "rows",
            field_rows(m, record->fields, record->field_count, false, is_union,
                       owner, name));
    gen_set(c, "doc", gen_c_doc(m, &record->decl.meta));
    set_text(m, c, "doc_text", gen_c_doc_text(m, &record->decl.meta.docs));
}

static void add_error(gen_model *m, gen_value *object, const idl_record *error)
{
    gen_value *c = gen_set(object, "c", gen_object(m->tree));
    const char *macro = gen_c_error_macro(m, &error->decl);
    claim_decl(m, &error->decl);
    gen_c_claim(m, macro, quoted(m, error->decl.full_name), error->decl.span);
    set_text(m, c, "macro", macro);
    set_text(m, c, "name", gen_c_name(m, &error->decl));
    gen_set(c, "doc", gen_c_doc(m, &error->decl.meta));
    set_text(m, c, "doc_text", gen_c_doc_text(m, &error->decl.meta.docs));
}

/* ---- services ---- */

static const char *method_place(gen_model *m, const idl_method *method)
{
    return gen_c_text(m, "%s_%s", gen_c_short(m, &method->service->decl),
                      gen_c_method(m, method));
}

static void add_param(gen_model *m, gen_value *object, const idl_method *method,
                      const idl_field *param)
{
    gen_value *c = gen_set(object, "c", gen_object(m->tree));
    const char *name = gen_c_member(m, param);
    const char *place = gen_c_text(m, "%s_%s", method_place(m, method), name);
    uint32_t flags = gen_c_field_flags(param, true);
    set_member(m, c, param, flags, place);
    gen_c_form form = gen_c_form_of(m, param->type, place);
    const char *argument = gen_c_argument(m, param);
    bool is_array = param->type->kind == IDL_ARRAY;
    bool is_pointer = !is_array && (flags != 0);
    set_text(m, c, "argument", argument);
    set_text(m, c, "argument_decl",
             is_array     ? gen_c_text(m, "const %s %s%s", form.base, argument,
                                       form.dims)
             : is_pointer ? pointed(m, form.base, argument)
                          : gen_c_text(m, "%s %s", form.base, argument));
    set_flag(m, c, "is_array", is_array);
    set_text(m, c, "unpack",
             flags == SHMRPC_FIELD_OPTIONAL
                 ? gen_c_text(m, "p->has_%s ? %sp->%s : NULL", name,
                              is_array ? "" : "&", name)
                 : gen_c_text(m, "p->%s", name));
    gen_set(c, "doc", gen_c_doc(m, &param->meta));
}

/* How the result comes back: not at all, by value, or as a reply object. */
static void set_result(gen_model *m, gen_value *c, const idl_method *method)
{
    const idl_type *type = method->result;
    const char *function = gen_c_function(m, method);
    bool by_value = type != NULL && gen_c_is_fixed(type);
    set_flag(m, c, "is_value", by_value);
    set_flag(m, c, "is_reply", type != NULL && !by_value);
    set_text(m, c, "reply", gen_c_text(m, "%s_reply", function));
    set_text(m, c, "result_arg", by_value ? "out" : "NULL");
    if (type == NULL) {
        set_text(m, c, "result_ref", "NULL");
        return;
    }
    const char *place = gen_c_text(m, "%s_result", method_place(m, method));
    gen_c_form form = gen_c_form_of(m, type, place);
    bool is_array = type->kind == IDL_ARRAY;
    bool is_matrix = is_array && type->element->kind == IDL_ARRAY;
    const char *star = is_array ? "" : "*";
    set_text(m, c, "out_decl",
             gen_c_text(m, "%s %sout%s", form.base, star, form.dims));
    set_text(m, c, "ret_decl",
             gen_c_text(m, "%s %sret%s", form.base, star, form.dims));
    set_text(m, c, "value_decl",
             gen_c_text(m, "%s value%s", form.base, form.dims));
    set_text(m, c, "ret_type",
             is_matrix ? gen_c_text(m, "%s (*)%s", form.base,
                                    gen_c_form_of(m, type->element, place).dims)
                       : gen_c_text(m, "%s *", form.base));
    set_text(m, c, "result_ref", gen_c_table(m, type, place));
}

static void set_params(gen_model *m, gen_value *c, const idl_method *method)
{
    const char *place = method_place(m, method);
    bool fixed = true;
    bool has_optional = false;
    for (size_t i = 0; i < method->param_count; i++) {
        const idl_field *param = &method->params[i];
        uint32_t flags = gen_c_field_flags(param, true);
        fixed = fixed && (flags & SHMRPC_FIELD_POINTER) == 0 &&
                gen_c_is_fixed(param->type);
        has_optional = has_optional || flags == SHMRPC_FIELD_OPTIONAL;
    }
    const char *params_type =
        gen_c_text(m, "%s_params", gen_c_function(m, method));
    const char *table = gen_c_unique(m, gen_c_text(m, "%s_params_type", place));
    bool any = method->param_count > 0;
    set_flag(m, c, "has_params", any);
    set_flag(m, c, "has_optional", has_optional);
    set_text(m, c, "params_type", params_type);
    set_text(m, c, "params_table", table);
    set_text(m, c, "params_ref",
             any ? gen_c_text(m, "&%s", table) : "&shmrpc_type_no_params");
    set_text(m, c, "params_arg", any ? "&params" : "NULL");
    set_text(m, c, "rows_name",
             gen_c_unique(m, gen_c_text(m, "%s_params_fields", place)));
    gen_set(c, "rows",
            field_rows(m, method->params, method->param_count, true, false,
                       place, params_type));
    set_text(m, c, "flags",
             flags_text(m, true, false, gen_c_params_are_flat(method), fixed));
    set_layout(m, c, gen_c_params_layout(method));
}

/* "2 s", "250 ms": for comments. */
static const char *duration_text(gen_model *m, int64_t ns)
{
    static const struct {
        int64_t ns;
        const char *name;
    } units[] = {{INT64_C(60000000000), "min"},
                 {INT64_C(1000000000), "s"},
                 {INT64_C(1000000), "ms"},
                 {INT64_C(1000), "us"},
                 {1, "ns"}};
    size_t i = 0;
    while (ns % units[i].ns != 0) {
        i++;
    }
    return gen_c_text(m, "%" PRId64 " %s", ns / units[i].ns, units[i].name);
}

static const char *method_flags(gen_model *m, const idl_method *method)
{
    const char *text = gen_c_text(
        m, "%s%s", method->idempotent ? " | SHMRPC_METHOD_IDEMPOTENT" : "",
        method->meta.deprecated ? " | SHMRPC_METHOD_DEPRECATED" : "");
    return *text == '\0' ? "0" : text + 3;
}

static const char *throws_text(gen_model *m, const idl_method *method)
{
    const char *text = NULL;
    for (size_t i = 0; i < method->throw_count; i++) {
        const char *macro = gen_c_error_macro(m, &method->throws[i]->decl);
        text = text == NULL ? macro : gen_c_text(m, "%s, %s", text, macro);
    }
    return text;
}

/* What the comment of a call says besides the documentation. */
static const char *promise(gen_model *m, const idl_method *method)
{
    const char *deadline = method->timeout_ns > 0
                               ? duration_text(m, method->timeout_ns)
                               : "the connection's";
    bool is_reply = method->result != NULL && !gen_c_is_fixed(method->result);
    const char *release =
        is_reply ? gen_c_text(m, "  Release `*out` with %s_release.",
                              gen_c_function(m, method))
                 : "";
    const char *throws = throws_text(m, method);
    return gen_c_text(m, "Deadline: %s, or that of `opts`.%s%s%s%s", deadline,
                      release, throws != NULL ? "  May return " : "",
                      throws != NULL ? throws : "", throws != NULL ? "." : "");
}

static void claim_method(gen_model *m, const idl_method *method)
{
    static const char *const suffixes[] = {"_params", "_reply", "_release",
                                           NULL};
    claim_all(
        m, gen_c_function(m, method),
        gen_c_text(m, "%s.%s", method->service->decl.full_name, method->name),
        method->span, suffixes);
}

static void add_method(gen_model *m, gen_value *object,
                       const idl_method *method)
{
    gen_value *c = gen_set(object, "c", gen_object(m->tree));
    const char *place = method_place(m, method);
    claim_method(m, method);
    set_text(m, c, "name", gen_c_method(m, method));
    set_text(m, c, "function", gen_c_function(m, method));
    set_text(m, c, "service", gen_c_name(m, &method->service->decl));
    set_text(m, c, "handler",
             gen_c_unique(m, gen_c_text(m, "handle_%s", place)));
    gen_set(c, "number", gen_uint(m->tree, method->index - 1));
    set_text(m, c, "encoding",
             gen_c_upper(m, idl_encoding_name(method->encoding)));
    set_text(m, c, "flags_text", method_flags(m, method));
    set_text(m, c, "timeout",
             method->timeout_ns > 0
                 ? gen_c_text(m, "INT64_C(%" PRId64 ")", method->timeout_ns)
                 : "0");
    set_text(m, c, "promise", promise(m, method));
    set_text(m, c, "signature",
             gen_c_literals(m, method->signature, strlen(method->signature)));
    const char *throws =
        method->throw_count > 0
            ? gen_c_unique(m, gen_c_text(m, "%s_throws", place))
            : NULL;
    set_text(m, c, "throws_name", throws);
    set_text(m, c, "throws_ref", throws != NULL ? throws : "NULL");
    gen_set(c, "throws_count", gen_uint(m->tree, method->throw_count));
    set_params(m, c, method);
    set_result(m, c, method);
    gen_set(c, "doc", gen_c_doc(m, &method->meta));
    set_text(m, c, "doc_text", gen_c_doc_text(m, &method->meta.docs));
}

static void claim_service(gen_model *m, const idl_service *service)
{
    static const char *const suffixes[] = {
        "_impl", "_connect", "_close", "_serve", "_main", "_descriptor", NULL};
    const idl_decl *decl = &service->decl;
    claim_all(m, gen_c_name(m, decl), decl->full_name, decl->span, suffixes);
    gen_c_claim(m, gen_c_text(m, "%s_IMPL_INIT", gen_c_macro(m, decl)),
                gen_c_text(m, "the handlers of `%s`", decl->full_name),
                decl->span);
}

static void add_service(gen_model *m, gen_value *object,
                        const idl_service *service)
{
    gen_value *c = gen_set(object, "c", gen_object(m->tree));
    const char *name = gen_c_name(m, &service->decl);
    const char *place = gen_c_short(m, &service->decl);
    size_t text_len = strlen(service->text);
    claim_service(m, service);
    set_text(m, c, "name", name);
    set_text(m, c, "macro", gen_c_macro(m, &service->decl));
    set_text(m, c, "service_name",
             gen_c_literals(m, service->name, strlen(service->name)));
    set_text(m, c, "text_name",
             gen_c_unique(m, gen_c_text(m, "%s_text", place)));
    bool is_long = text_len > GEN_C_MAX_LITERAL_BYTES;
    set_flag(m, c, "text_is_long", is_long);
    gen_set(c, "text_rows",
            is_long ? gen_c_characters(m, service->text, text_len)
                    : gen_c_lines(m, service->text, text_len));
    bool any = service->method_count > 0;
    const char *methods = gen_c_unique(m, gen_c_text(m, "%s_methods", place));
    const char *handlers = gen_c_unique(m, gen_c_text(m, "%s_handlers", place));
    set_flag(m, c, "has_methods", any);
    set_text(m, c, "methods_name", methods);
    set_text(m, c, "methods_ref", any ? methods : "NULL");
    set_text(m, c, "handlers_name", handlers);
    set_text(m, c, "handlers_ref", any ? handlers : "NULL");
    set_text(m, c, "adopt_name",
             gen_c_unique(m, gen_c_text(m, "adopt_%s", place)));
    gen_set(c, "method_count", gen_uint(m->tree, service->method_count));
    gen_set(c, "doc", gen_c_doc(m, &service->decl.meta));
    set_text(m, c, "doc_text", gen_c_doc_text(m, &service->decl.meta.docs));
}

static const gen_lang_file files[] = {
    {"types", "types.h", ".h"},          {"types", "types.c", ".c"},
    {"client", "client.h", "_client.h"}, {"client", "client.c", "_client.c"},
    {"server", "server.h", "_server.h"}, {"server", "server.c", "_server.c"},
};

const gen_lang gen_lang_c = {
    .name = "c",
    .files = files,
    .file_count = sizeof files / sizeof files[0],
    .refuse = gen_c_refuse,
    .begin = begin,
    .add_const = add_const,
    .add_enum = add_enum,
    .add_enum_item = add_enum_item,
    .add_record = add_record,
    .add_field = add_field,
    .add_error = add_error,
    .add_service = add_service,
    .add_method = add_method,
    .add_param = add_param,
    .tidy = gen_tidy,
};
