/*
 * The language C: the C forms of types, and their descriptors.
 *
 * A type that has no name in the `.svc` gets one in C, either from its contents
 * (a list of structs: "fts_hit_list") or from its place (a map:
 * "fts_query_filters"). A name of the first kind is shared by all places and,
 * for imported types, by several headers; a guard prevents a second definition.
 * A name of the second kind is used at one place only.
 *
 * Descriptors of unnamed types are static tables of the file. All lists of one
 * element type that have no bounds share a table; each type with bounds has its
 * own.
 */
#include <string.h>

#include "generator/c/lang_c.h"
#include "idl/largest.h"

/* Types that have a C type and a list view in the library: X(KIND, C type,
 * suffix of shmrpc_type_ and of shmrpc_..._list). */
#define SCALARS(X)                    \
    X(BOOL, "bool", "bool")           \
    X(I8, "int8_t", "i8")             \
    X(I16, "int16_t", "i16")          \
    X(I32, "int32_t", "i32")          \
    X(I64, "int64_t", "i64")          \
    X(U8, "uint8_t", "u8")            \
    X(U16, "uint16_t", "u16")         \
    X(U32, "uint32_t", "u32")         \
    X(U64, "uint64_t", "u64")         \
    X(F32, "float", "f32")            \
    X(F64, "double", "f64")           \
    X(STRING, "shmrpc_str", "str")    \
    X(BYTES, "shmrpc_bytes", "bytes") \
    X(ANY, "shmrpc_any", "any")

/* Indexed by kind. */
static const struct {
    const char *c_type;
    const char *suffix;
} scalars[] = {
#define X(kind, c_type, suffix) [IDL_##kind] = {c_type, suffix},
    SCALARS(X)
#undef X
};

/* Kinds whose C type needs no declaration. */
static bool is_scalar(idl_kind kind)
{
    return kind <= IDL_ANY;
}

const char *gen_c_scalar(idl_kind kind)
{
    return scalars[kind].c_type;
}

/* Recurses into structs held by value, which can't contain themselves. */
bool gen_c_has_defaults(const idl_record *record)
{
    for (size_t i = 0; i < record->field_count; i++) {
        const idl_field *field = &record->fields[i];
        if (record->kind != IDL_RECORD_UNION && !field->optional &&
            (field->default_value.kind != IDL_VALUE_NONE ||
             (field->type->kind == IDL_STRUCT &&
              gen_c_has_defaults(field->type->record)))) {
            return true;
        }
    }
    return false;
}

/* Indexed by the flags. */
const char *gen_c_field_flags_text(uint32_t flags)
{
    static const char *const texts[] = {
        "0", "SHMRPC_FIELD_OPTIONAL", "SHMRPC_FIELD_POINTER",
        "SHMRPC_FIELD_OPTIONAL | SHMRPC_FIELD_POINTER"};
    return texts[flags & 3];
}

/* ---- views ---- */

/* The declaration of a named type; NULL for a type without a name. */
static const idl_decl *decl_of(const idl_type *type)
{
    return type->enumeration != NULL ? &type->enumeration->decl
           : type->record != NULL    ? &type->record->decl
                                     : NULL;
}

/* Whether a type contains, at any depth, a list of `element`. */
static bool type_lists(const idl_type *type, const idl_decl *element)
{
    if (type == NULL) {
        return false;
    }
    if (type->kind == IDL_LIST && decl_of(type->element) == element) {
        return true;
    }
    return type_lists(type->element, element) || type_lists(type->key, element);
}

static bool fields_list(const idl_field *fields, size_t count,
                        const idl_decl *element)
{
    for (size_t i = 0; i < count; i++) {
        if (type_lists(fields[i].type, element)) {
            return true;
        }
    }
    return false;
}

static bool shared_lists(const idl_shared *shared, const idl_decl *element)
{
    return type_lists(shared->key, element) ||
           type_lists(shared->element, element);
}

/* Whether the file that declares `element` also declares its list view. If so,
 * including the header of that file is enough, and a second definition would be
 * an error. */
static bool is_listed_at_home(const idl_schema *schema, const idl_decl *element)
{
    for (size_t i = 0; i < schema->by_value_count; i++) {
        const idl_record *record = schema->by_value[i];
        if (record->decl.file == element->file &&
            fields_list(record->fields, record->field_count, element)) {
            return true;
        }
    }
    for (size_t i = 0; i < schema->shared_count; i++) {
        if (schema->shared[i]->decl.file == element->file &&
            shared_lists(schema->shared[i], element)) {
            return true;
        }
    }
    for (size_t i = 0; i < schema->service_count; i++) {
        const idl_service *service = schema->services[i];
        for (size_t k = 0;
             service->decl.file == element->file && k < service->shared_count;
             k++) {
            if (shared_lists(service->shared[k], element)) {
                return true;
            }
        }
        for (size_t k = 0;
             service->decl.file == element->file && k < service->method_count;
             k++) {
            const idl_method *method = &service->methods[k];
            if (type_lists(method->result, element) ||
                type_lists(idl_stream_items(method, true), element) ||
                fields_list(method->params, method->param_count, element)) {
                return true;
            }
        }
    }
    return false;
}

/* Adds a struct of pointer and length, once per name. `guarded`: other headers
 * may define the same struct. */
static void add_view(gen_model *m, const char *name, const char *item,
                     const idl_type *type, bool guarded)
{
    gen_c_state *c = gen_c_state_of(m);
    if (!gen_c_enter(m, &c->forms, name, type)) {
        return;
    }
    const idl_decl *element = decl_of(type->element);
    bool names_element = type->kind == IDL_LIST && element != NULL;
    gen_c_claim(m, name,
                names_element
                    ? gen_c_text(m, "the list of `%s`", element->full_name)
                    : gen_c_text(m, "this %s", idl_kind_name(type->kind)),
                type->span);
    gen_value *view = gen_push(c->views, gen_object(m->tree));
    gen_set(view, "name", gen_ref(m->tree, name));
    gen_set(view, "item", gen_ref(m->tree, item));
    gen_set(view, "guard",
            guarded ? gen_format(m->tree, "%s_DEFINED", gen_c_upper(m, name))
                    : gen_null(m->tree));
}

/* The start of the name of a list whose elements have the type `view`. In a
 * name of the library the prefix of the package replaces "shmrpc_":
 * "fts_u32_list" for "shmrpc_u32_list". */
static const char *stem_of_list(gen_model *m, const char *view)
{
    return strncmp(view, "shmrpc_", 7) == 0 ? gen_c_prefixed(m, view + 7)
                                            : view;
}

/* Enters a C form that is named after its place. Returns whether the name is
 * new; reports a clash if another type has the name already. */
static bool enter_placed(gen_model *m, const char *name, const idl_type *type)
{
    gen_c_state *c = gen_c_state_of(m);
    if (gen_c_enter(m, &c->forms, name, type)) {
        return true;
    }
    if (idl_map_get(&c->forms, name) != type) {
        idl_diag *diag =
            idl_report(m->opts->diags, IDL_S_C_NAME_CLASH, type->span,
                       "this %s and another both become `%s` in C",
                       idl_kind_name(type->kind), name);
        idl_expected(m->opts->diags, diag, "@c_name on one of the fields");
    }
    return false;
}

/* Wraps an array in a struct where it is an element, such as an item of a list:
 * C can't assign an array, and an array type has no single name. */
static const char *wrap_array(gen_model *m, const idl_type *array,
                              const char *place)
{
    gen_c_state *c = gen_c_state_of(m);
    const char *name = gen_c_prefixed(m, place);
    if (enter_placed(m, name, array)) {
        gen_c_claim(m, name, "this array as an element", array->span);
        gen_c_form form = gen_c_form_of(m, array, place);
        gen_value *wrapper = gen_push(c->wrappers, gen_object(m->tree));
        gen_set(wrapper, "name", gen_ref(m->tree, name));
        gen_set(wrapper, "base", gen_ref(m->tree, form.base));
        gen_set(wrapper, "dims", gen_ref(m->tree, form.dims));
    }
    return name;
}

/* Returns a C type that is a single name. An array type, which also has
 * dimensions, is wrapped in a struct. */
const char *gen_c_element(gen_model *m, const idl_type *type, const char *place)
{
    return type->kind == IDL_ARRAY ? wrap_array(m, type, place)
                                   : gen_c_form_of(m, type, place).base;
}

/* The view of a list; lists of scalars use the library's views. */
static const char *list_of(gen_model *m, const idl_type *type,
                           const char *place)
{
    const idl_type *element = type->element;
    if (is_scalar(element->kind)) {
        return gen_c_text(m, "shmrpc_%s_list", scalars[element->kind].suffix);
    }
    const char *item =
        gen_c_element(m, element, gen_c_text(m, "%s_item", place));
    const char *name = gen_c_text(m, "%s_list", stem_of_list(m, item));
    const idl_decl *decl = decl_of(element);
    bool imported = decl != NULL && decl->imported;
    if (!imported || !is_listed_at_home(m->schema, decl)) {
        add_view(m, name, item, type, imported || element->kind == IDL_LIST);
    }
    return name;
}

/* Declares the entry before the view, which points to it. */
static const char *map_of(gen_model *m, const idl_type *type, const char *place)
{
    gen_c_state *c = gen_c_state_of(m);
    const char *name = gen_c_prefixed(m, place);
    const char *entry = gen_c_text(m, "%s_entry", name);
    if (enter_placed(m, entry, type)) {
        const char *key = gen_c_form_of(m, type->key, place).base;
        const char *value =
            gen_c_element(m, type->element, gen_c_text(m, "%s_value", place));
        gen_value *row = gen_push(c->entries, gen_object(m->tree));
        gen_set(row, "name", gen_ref(m->tree, entry));
        gen_set(row, "key", gen_ref(m->tree, key));
        gen_set(row, "value", gen_ref(m->tree, value));
        gen_c_claim(m, entry, "the entries of this map", type->span);
        add_view(m, name, entry, type, false);
    }
    return name;
}

gen_c_form gen_c_form_of(gen_model *m, const idl_type *type, const char *place)
{
    switch (type->kind) {
    case IDL_LIST:
        return (gen_c_form){list_of(m, type, place), ""};
    case IDL_MAP:
        return (gen_c_form){map_of(m, type, place), ""};
    case IDL_ENUM:
    case IDL_STRUCT:
    case IDL_UNION:
        return (gen_c_form){gen_c_name(m, decl_of(type)), ""};
    /* In C, dimensions follow the name, from the outermost to the innermost. */
    case IDL_ARRAY: {
        gen_c_form form =
            gen_c_form_of(m, type->element, gen_c_text(m, "%s_item", place));
        form.dims = gen_c_text(m, "[%u]%s", (unsigned)type->length, form.dims);
        return form;
    }
    default:
        return (gen_c_form){gen_c_scalar(type->kind), ""};
    }
}

/* ---- descriptors ---- */

/* The flags joined by " | "; the code below skips the first separator. */
static const char *table_flags(gen_model *m, const idl_type *type)
{
    bool bounded = type->has_min || type->has_max;
    bool fixed = idl_is_fixed(type);
    bool flat = idl_is_flat(type);
    const char *text = gen_c_text(
        m, "%s%s%s", bounded ? " | SHMRPC_TYPE_BOUNDED" : "",
        flat ? " | SHMRPC_TYPE_FLAT" : "", fixed ? " | SHMRPC_TYPE_FIXED" : "");
    return *text == '\0' ? "0" : text + 3;
}

/* A bound as the 64 bits that the descriptor holds. A missing bound becomes the
 * end of the kind's range; for lengths the upper end is UINT64_MAX. */
static const char *bound_or(gen_model *m, const idl_type *type, bool is_max)
{
    static const idl_number lowest = {.u = 0};
    idl_number number = is_max ? type->max : type->min;
    if (is_max ? type->has_max : type->has_min) {
        return gen_c_bound(m, type, number);
    }
    if (idl_kind_is_float(type->kind)) {
        /* Minus and plus infinity. */
        return is_max ? "UINT64_C(0x7ff0000000000000)"
                      : "UINT64_C(0xfff0000000000000)";
    }
    if (idl_kind_is_signed(type->kind)) {
        return is_max ? "(uint64_t)INT64_MAX" : "(uint64_t)INT64_MIN";
    }
    bool bounded = type->has_min || type->has_max;
    return is_max && bounded ? "UINT64_MAX" : gen_c_bound(m, type, lowest);
}

/* A table with the members that all tables have, and one flag per shape,
 * because templates can't compare. */
static gen_value *new_table(gen_model *m, const idl_type *type,
                            const char *name, const char *shape)
{
    static const char *const shapes[] = {"bounded", "text", "list", "map",
                                         "array"};
    gen_value *table = gen_object(m->tree);
    shmrpci_layout layout = idl_layout(type);
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        gen_set(table, shapes[i],
                gen_bool(m->tree, strcmp(shapes[i], shape) == 0));
    }
    gen_set(table, "name", gen_ref(m->tree, name));
    gen_set(table, "kind",
            gen_ref(m->tree, gen_c_upper(m, idl_kind_name(type->kind))));
    gen_set(table, "size", gen_uint(m->tree, layout.size));
    gen_set(table, "align", gen_uint(m->tree, layout.align));
    gen_set(table, "flags", gen_ref(m->tree, table_flags(m, type)));
    gen_set(table, "min", gen_ref(m->tree, bound_or(m, type, false)));
    gen_set(table, "max", gen_ref(m->tree, bound_or(m, type, true)));
    gen_set(table, "count", gen_uint(m->tree, type->length));
    return table;
}

/* The table of a scalar with bounds; those without bounds are in the
 * library. */
static const char *bounded_table(gen_model *m, const idl_type *type,
                                 const char *place)
{
    const char *name = gen_c_unique(m, gen_c_text(m, "%s_type", place));
    gen_value *table = new_table(m, type, name, "bounded");
    gen_set(table, "type", gen_ref(m->tree, gen_c_scalar(type->kind)));
    gen_push(gen_c_state_of(m)->tables, table);
    return name;
}

/* The table of the element comes first, because C requires it. */
static const char *list_table(gen_model *m, const idl_type *type,
                              const char *place)
{
    gen_c_state *c = gen_c_state_of(m);
    const char *inner = gen_c_text(m, "%s_item", place);
    const char *view = gen_c_form_of(m, type, place).base;
    const char *element = gen_c_table(m, type->element, inner);
    bool bounded = type->has_min || type->has_max;
    const char *stem = strncmp(view, "shmrpc_", 7) == 0 ? view + 7 : view;
    const char *name = gen_c_text(m, "%s_type", bounded ? place : stem);
    const gen_value *same = bounded ? NULL : idl_map_get(&c->list_tables, name);
    if (same != NULL && strcmp(gen_text(same, "element"), element) == 0) {
        return gen_text(same, "name");
    }
    const char *unique = gen_c_unique(m, name);
    gen_value *table = new_table(m, type, unique, "list");
    gen_set(table, "type", gen_ref(m->tree, view));
    gen_set(table, "item",
            gen_ref(m->tree, gen_c_element(m, type->element, inner)));
    gen_set(table, "element", gen_ref(m->tree, element));
    gen_push(c->tables, table);
    /* A later list without bounds that has this name shares the table, if its
     * elements have the same descriptor. */
    if (!bounded) {
        (void)gen_c_enter(m, &c->list_tables, name, table);
    }
    return unique;
}

/* The keys and values of a map are members of its entry, whose name is derived
 * from the view's. */
static const char *map_table(gen_model *m, const idl_type *type,
                             const char *place)
{
    const char *view = gen_c_form_of(m, type, place).base;
    const char *key = gen_c_table(m, type->key, gen_c_text(m, "%s_key", place));
    const char *element =
        gen_c_table(m, type->element, gen_c_text(m, "%s_value", place));
    const char *name = gen_c_unique(m, gen_c_text(m, "%s_type", place));
    gen_value *table = new_table(m, type, name, "map");
    gen_set(table, "type", gen_ref(m->tree, view));
    gen_set(table, "entry", gen_format(m->tree, "%s_entry", view));
    gen_set(table, "key", gen_ref(m->tree, key));
    gen_set(table, "element", gen_ref(m->tree, element));
    gen_push(gen_c_state_of(m)->tables, table);
    return name;
}

/* Each level of an array of arrays has a table. */
static const char *array_table(gen_model *m, const idl_type *type,
                               const char *place)
{
    const char *inner = gen_c_text(m, "%s_item", place);
    gen_c_form item = gen_c_form_of(m, type->element, inner);
    const char *element = gen_c_table(m, type->element, inner);
    const char *name = gen_c_unique(m, gen_c_text(m, "%s_type", place));
    gen_value *table = new_table(m, type, name, "array");
    gen_set(table, "item", gen_format(m->tree, "%s%s", item.base, item.dims));
    gen_set(table, "element", gen_ref(m->tree, element));
    gen_push(gen_c_state_of(m)->tables, table);
    return name;
}

/* The descriptor of a 64-bit integer with @json(string). */
static const char *text_table(gen_model *m, const idl_type *type,
                              const char *place)
{
    const char *name = gen_c_unique(m, gen_c_text(m, "%s_type", place));
    gen_value *table = new_table(m, type, name, "text");
    gen_set(table, "type", gen_ref(m->tree, gen_c_scalar(type->kind)));
    gen_push(gen_c_state_of(m)->tables, table);
    return name;
}

const char *gen_c_field_table(gen_model *m, const idl_field *field,
                              const char *place)
{
    return field->json_string
               ? gen_c_text(m, "&%s", text_table(m, field->type, place))
               : gen_c_table(m, field->type, place);
}

/* Named types have a descriptor with their own name, no matter which file
 * declares them. */
const char *gen_c_table(gen_model *m, const idl_type *type, const char *place)
{
    switch (type->kind) {
    case IDL_ENUM:
    case IDL_STRUCT:
    case IDL_UNION:
        return gen_c_text(m, "&%s_descriptor", gen_c_name(m, decl_of(type)));
    case IDL_LIST:
        return gen_c_text(m, "&%s", list_table(m, type, place));
    case IDL_MAP:
        return gen_c_text(m, "&%s", map_table(m, type, place));
    case IDL_ARRAY:
        return gen_c_text(m, "&%s", array_table(m, type, place));
    default:
        break;
    }
    if (type->has_min || type->has_max) {
        return gen_c_text(m, "&%s", bounded_table(m, type, place));
    }
    return gen_c_text(m, "&shmrpc_type_%s", idl_kind_name(type->kind));
}
