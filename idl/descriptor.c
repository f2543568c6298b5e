/* Descriptors at run time. Two passes over the records: the first computes
 * sizes, in the order in which C needs definitions; the second builds tables,
 * which may refer to any record. */
#include "idl/descriptor.h"

#include <math.h>
#include <string.h>

#include "base/utf8.h"
#include "idl/canonical.h"
#include "idl/largest.h"
#include "idl/layout.h"
#include "idl/memory.h"
#include "idl/names.h"
#include "idl/option.h"

struct idl_tables {
    idl_map types; /* shmrpc_type of records and enums, by full name */
};

typedef struct builder {
    idl_memory memory;
    idl_map types;  /* as in idl_tables */
    idl_map errors; /* shmrpc_error_type, by full name */
    bool too_large;
} builder;

static const shmrpc_type *const scalars[] = {
    [IDL_BOOL] = &shmrpc_type_bool,   [IDL_I8] = &shmrpc_type_i8,
    [IDL_I16] = &shmrpc_type_i16,     [IDL_I32] = &shmrpc_type_i32,
    [IDL_I64] = &shmrpc_type_i64,     [IDL_U8] = &shmrpc_type_u8,
    [IDL_U16] = &shmrpc_type_u16,     [IDL_U32] = &shmrpc_type_u32,
    [IDL_U64] = &shmrpc_type_u64,     [IDL_F32] = &shmrpc_type_f32,
    [IDL_F64] = &shmrpc_type_f64,     [IDL_STRING] = &shmrpc_type_string,
    [IDL_BYTES] = &shmrpc_type_bytes, [IDL_ANY] = &shmrpc_type_any,
};

/* Both enums list the kinds in the same order. */
_Static_assert(SHMRPC_KIND_UNION == (int)IDL_UNION + 1, "kinds");
_Static_assert(SHMRPC_KIND_ANY == (int)IDL_ANY + 1, "kinds");
_Static_assert(SHMRPC_ENCODING_NATIVE == (int)IDL_ENCODING_NATIVE + 1,
               "encodings");

static shmrpc_kind kind_of(idl_kind kind)
{
    return (shmrpc_kind)((int)kind + 1);
}

/* ---- texts ---- */

/* Cuts literals at the length that ISO C guarantees, as generated code does. */
static const char *cut(builder *b, const char *text, size_t len)
{
    if (len > IDL_MAX_LITERAL_BYTES) {
        len = shmrpci_utf8_cut(text, len, IDL_MAX_LITERAL_BYTES);
    }
    return idl_strndup(&b->memory, text, len);
}

static const char *doc_of(builder *b, const idl_docs *docs)
{
    if (docs->count == 0) {
        return NULL;
    }
    shmrpci_buf text;
    idl_buf_init(&text, &b->memory);
    for (size_t i = 0; i < docs->count; i++) {
        shmrpci_buf_printf(&text, "%s%s", i > 0 ? "\n" : "", docs->lines[i]);
    }
    return cut(b, shmrpci_buf_text(&text), text.len);
}

/* ---- the layout in C ---- */

static shmrpc_type *named(const builder *b, const idl_decl *decl)
{
    return idl_map_get(&b->types, decl->full_name);
}

/* Whatever this type contains by value has its layout already, because by_value
 * lists each record after the records that it contains. */
static shmrpci_layout c_layout(const builder *b, const idl_type *type)
{
    const shmrpc_type *table;
    switch (type->kind) {
    case IDL_ARRAY:
        return shmrpci_layout_array(c_layout(b, type->element), type->length);
    case IDL_ENUM:
        table = named(b, &type->enumeration->decl);
        return (shmrpci_layout){table->size, table->align};
    case IDL_STRUCT:
    case IDL_UNION:
        table = named(b, &type->record->decl);
        return (shmrpci_layout){table->size, table->align};
    default:
        return shmrpci_layout_c_of_kind(kind_of(type->kind));
    }
}

static void set_size(builder *b, shmrpc_type *table, shmrpci_layout layout)
{
    table->size = layout.size;
    table->align = layout.align;
    b->too_large = b->too_large || layout.size > SHMRPCI_LAYOUT_MAX_BYTES;
}

/* Computes the offsets of the fields of a struct in source order. The rows are
 * sorted by tag. */
static shmrpc_field *lay_out_struct(builder *b, shmrpc_type *table,
                                    const idl_field *fields, size_t count,
                                    bool is_params)
{
    shmrpci_layout whole = SHMRPCI_LAYOUT_EMPTY;
    shmrpc_field *rows = IDL_NEW_ARRAY(&b->memory, count, shmrpc_field);
    for (size_t i = 0; i < count; i++) {
        const idl_field *field = &fields[i];
        shmrpc_field row = {
            .name = field->name,
            .tag = field->tag,
            .flags = idl_field_flags(field, is_params),
            .has_offset = SHMRPC_NO_OFFSET,
        };
        if (row.flags == SHMRPC_FIELD_OPTIONAL) {
            row.has_offset = shmrpci_layout_add(
                &whole, shmrpci_layout_c_of_kind(SHMRPC_KIND_BOOL));
        }
        bool is_pointer = (row.flags & SHMRPC_FIELD_POINTER) != 0;
        row.offset =
            shmrpci_layout_add(&whole, is_pointer ? SHMRPCI_LAYOUT_C_POINTER
                                                  : c_layout(b, field->type));
        size_t at = i;
        for (; at > 0 && rows[at - 1].tag > row.tag; at--) {
            rows[at] = rows[at - 1];
        }
        rows[at] = row;
    }
    table->count = (uint32_t)count;
    table->fields = count > 0 ? rows : NULL;
    set_size(b, table, shmrpci_layout_end(whole));
    return rows;
}

static shmrpc_field *lay_out_union(builder *b, shmrpc_type *table,
                                   const idl_record *record)
{
    shmrpci_layout members = SHMRPCI_LAYOUT_EMPTY;
    shmrpc_field *rows =
        lay_out_struct(b, table, record->fields, record->field_count, false);
    for (size_t i = 0; i < record->field_count; i++) {
        shmrpci_layout_add_member(&members,
                                  c_layout(b, record->fields[i].type));
    }
    members = shmrpci_layout_end(members);
    shmrpci_layout whole = shmrpci_layout_of_kind(SHMRPC_KIND_U32);
    table->value_offset = shmrpci_layout_add(&whole, members);
    for (size_t i = 0; i < record->field_count; i++) {
        rows[i].offset = table->value_offset;
    }
    set_size(b, table, shmrpci_layout_end(whole));
    return rows;
}

/* ---- types without a name ---- */

static const shmrpc_type *type_of(builder *b, const idl_type *type);

static uint64_t float_bits(double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

/* A missing bound becomes the smallest (or largest) value of the kind. */
static uint64_t min_of(const idl_type *type)
{
    if (idl_kind_is_float(type->kind)) {
        return float_bits(type->has_min ? type->min.f : -INFINITY);
    }
    if (idl_kind_is_signed(type->kind)) {
        return (uint64_t)(type->has_min ? type->min.i : INT64_MIN);
    }
    return type->has_min ? type->min.u : 0;
}

static uint64_t max_of(const idl_type *type)
{
    if (idl_kind_is_float(type->kind)) {
        return float_bits(type->has_max ? type->max.f : INFINITY);
    }
    if (idl_kind_is_signed(type->kind)) {
        return (uint64_t)(type->has_max ? type->max.i : INT64_MAX);
    }
    return type->has_max ? type->max.u : UINT64_MAX;
}

static shmrpc_type *new_type(builder *b, const idl_type *type)
{
    shmrpc_type *table = IDL_NEW(&b->memory, shmrpc_type);
    shmrpci_layout native = idl_layout(type);
    bool bounded = type->has_min || type->has_max;
    table->kind = kind_of(type->kind);
    table->flags = (bounded ? (uint32_t)SHMRPC_TYPE_BOUNDED : 0u) |
                   (idl_is_flat(type) ? (uint32_t)SHMRPC_TYPE_FLAT : 0u) |
                   (idl_is_fixed(type) ? (uint32_t)SHMRPC_TYPE_FIXED : 0u);
    table->native_size = native.size;
    table->native_align = native.align;
    set_size(b, table, c_layout(b, type));
    if (bounded) {
        table->min = min_of(type);
        table->max = max_of(type);
    }
    return table;
}

static const shmrpc_type *sequence_of(builder *b, const idl_type *type)
{
    shmrpc_type *table = new_type(b, type);
    table->element = type_of(b, type->element);
    table->item_size = c_layout(b, type->element).size;
    table->count = type->length;
    return table;
}

static const shmrpc_type *map_of(builder *b, const idl_type *type)
{
    shmrpc_type *table = new_type(b, type);
    table->key = type_of(b, type->key);
    table->element = type_of(b, type->element);
    table->item_size =
        shmrpci_layout_entry(c_layout(b, type->key), c_layout(b, type->element),
                             &table->value_offset)
            .size;
    return table;
}

static const shmrpc_type *type_of(builder *b, const idl_type *type)
{
    switch (type->kind) {
    case IDL_LIST:
    case IDL_ARRAY:
        return sequence_of(b, type);
    case IDL_MAP:
        return map_of(b, type);
    case IDL_ENUM:
        return named(b, &type->enumeration->decl);
    case IDL_STRUCT:
    case IDL_UNION:
        return named(b, &type->record->decl);
    default:
        return type->has_min || type->has_max ? new_type(b, type)
                                              : scalars[type->kind];
    }
}

/* ---- fields ---- */

static const void *copy(builder *b, const void *value, size_t size)
{
    return memcpy(idl_alloc(&b->memory, 1, size), value, size);
}

/* Copies only as many bytes as the kind has. On a little-endian machine the
 * first bytes of `bits` are the value as a narrower integer. */
static const void *integer_of(builder *b, idl_kind kind, uint64_t bits)
{
    return copy(b, &bits, shmrpci_layout_of_kind(kind_of(kind)).size);
}

static const void *text_of(builder *b, idl_kind kind, idl_text text)
{
    if (kind == IDL_BYTES) {
        shmrpc_bytes bytes = {(const uint8_t *)text.ptr, text.len};
        return copy(b, &bytes, sizeof bytes);
    }
    shmrpc_str str = {text.ptr, text.len};
    return copy(b, &str, sizeof str);
}

/* A default value as a constant of the C type, or NULL if there is none. */
static const void *default_of(builder *b, const idl_field *field)
{
    const idl_value *value = &field->default_value;
    idl_kind kind = field->type->kind;
    float single;
    switch (value->kind) {
    case IDL_VALUE_BOOL:
        return copy(b, &value->u.b, sizeof value->u.b);
    case IDL_VALUE_INT:
        return integer_of(b, kind, (uint64_t)value->u.i);
    case IDL_VALUE_UINT:
        return integer_of(b, kind, value->u.u);
    case IDL_VALUE_FLOAT:
        single = (float)value->u.f;
        return kind == IDL_F32 ? copy(b, &single, sizeof single)
                               : copy(b, &value->u.f, sizeof value->u.f);
    case IDL_VALUE_TEXT:
        return text_of(b, kind, value->u.text);
    case IDL_VALUE_ENUM:
        return integer_of(b, field->type->enumeration->base,
                          (uint64_t)value->u.item->value);
    case IDL_VALUE_NONE:
    case IDL_VALUE_DURATION:
    case IDL_VALUE_WORD:
        break;
    }
    return NULL;
}

/* The type of a field; @json(string) makes a 64-bit integer a text in JSON. */
static const shmrpc_type *type_of_field(builder *b, const idl_field *field)
{
    if (!field->json_string) {
        return type_of(b, field->type);
    }
    shmrpc_type *table = new_type(b, field->type);
    table->flags |= SHMRPC_TYPE_JSON_TEXT;
    return table;
}

/* Fills in the rows whose offsets are known. */
static void fill_fields(builder *b, shmrpc_field *rows, const idl_field *fields,
                        size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t at = 0;
        while (rows[at].tag != fields[i].tag) {
            at++;
        }
        rows[at].type = type_of_field(b, &fields[i]);
        rows[at].default_value = default_of(b, &fields[i]);
        rows[at].doc = doc_of(b, &fields[i].meta.docs);
    }
}

/* ---- enums, records, errors ---- */

static bool is_below(const idl_enum *enumeration, int64_t a, int64_t b)
{
    return enumeration->base == IDL_U64 ? (uint64_t)a < (uint64_t)b : a < b;
}

static void add_enum(builder *b, const idl_enum *enumeration)
{
    shmrpc_type *table = IDL_NEW(&b->memory, shmrpc_type);
    shmrpc_enumerator *rows =
        IDL_NEW_ARRAY(&b->memory, enumeration->item_count, shmrpc_enumerator);
    for (size_t i = 0; i < enumeration->item_count; i++) {
        const idl_enum_item *item = &enumeration->items[i];
        size_t at = i;
        for (; at > 0 && is_below(enumeration, item->value, rows[at - 1].value);
             at--) {
            rows[at] = rows[at - 1];
        }
        rows[at] = (shmrpc_enumerator){item->name, item->value,
                                       doc_of(b, &item->meta.docs)};
    }
    const shmrpc_type *base = scalars[enumeration->base];
    *table = (shmrpc_type){
        .kind = SHMRPC_KIND_ENUM,
        .flags = SHMRPC_TYPE_FIXED,
        .size = base->size,
        .align = base->align,
        .native_size = base->native_size,
        .native_align = base->native_align,
        .count = (uint32_t)enumeration->item_count,
        .name = enumeration->decl.full_name,
        .doc = doc_of(b, &enumeration->decl.meta.docs),
        .element = base,
        .enumerators = rows,
    };
    (void)idl_map_put(&b->types, &b->memory, table->name, table);
}

/* The new record's fields have offsets but no other contents yet. */
static shmrpc_field *add_record(builder *b, const idl_record *record)
{
    shmrpc_type *table = IDL_NEW(&b->memory, shmrpc_type);
    bool is_union = record->kind == IDL_RECORD_UNION;
    shmrpci_layout native = idl_record_layout(record);
    table->kind = is_union ? SHMRPC_KIND_UNION : SHMRPC_KIND_STRUCT;
    table->flags =
        (record->compact ? (uint32_t)SHMRPC_TYPE_COMPACT : 0u) |
        (idl_record_is_flat(record) ? (uint32_t)SHMRPC_TYPE_FLAT : 0u) |
        (idl_record_is_fixed(record) ? (uint32_t)SHMRPC_TYPE_FIXED : 0u);
    table->native_size = native.size;
    table->native_align = native.align;
    table->name = record->decl.full_name;
    table->doc = doc_of(b, &record->decl.meta.docs);
    (void)idl_map_put(&b->types, &b->memory, table->name, table);
    return is_union ? lay_out_union(b, table, record)
                    : lay_out_struct(b, table, record->fields,
                                     record->field_count, false);
}

static void add_error(builder *b, const idl_record *record)
{
    shmrpc_error_type *error = IDL_NEW(&b->memory, shmrpc_error_type);
    *error = (shmrpc_error_type){
        .name = record->decl.full_name,
        .number = record->number,
        .payload = record->field_count > 0 ? named(b, &record->decl) : NULL,
        .doc = doc_of(b, &record->decl.meta.docs),
    };
    (void)idl_map_put(&b->errors, &b->memory, error->name, error);
}

static void add_types(builder *b, const idl_schema *schema)
{
    for (size_t i = 0; i < schema->enum_count; i++) {
        add_enum(b, schema->enums[i]);
    }
    shmrpc_field **rows =
        IDL_NEW_ARRAY(&b->memory, schema->by_value_count, shmrpc_field *);
    for (size_t i = 0; i < schema->by_value_count; i++) {
        rows[i] = add_record(b, schema->by_value[i]);
    }
    for (size_t i = 0; i < schema->by_value_count; i++) {
        const idl_record *record = schema->by_value[i];
        fill_fields(b, rows[i], record->fields, record->field_count);
    }
    for (size_t i = 0; i < schema->error_count; i++) {
        add_error(b, schema->errors[i]);
    }
}

/* ---- methods ---- */

static const shmrpc_type *params_of(builder *b, const idl_method *method)
{
    if (method->param_count == 0) {
        return &shmrpc_type_no_params;
    }
    shmrpc_type *table = IDL_NEW(&b->memory, shmrpc_type);
    shmrpci_layout native = idl_params_layout(method);
    table->kind = SHMRPC_KIND_STRUCT;
    table->flags = SHMRPC_TYPE_PARAMS | SHMRPC_TYPE_FIXED;
    if (idl_params_are_flat(method)) {
        table->flags |= SHMRPC_TYPE_FLAT;
    }
    table->native_size = native.size;
    table->native_align = native.align;
    shmrpc_field *rows =
        lay_out_struct(b, table, method->params, method->param_count, true);
    fill_fields(b, rows, method->params, method->param_count);
    for (size_t i = 0; i < method->param_count; i++) {
        const idl_field *param = &method->params[i];
        if ((idl_field_flags(param, true) & SHMRPC_FIELD_POINTER) != 0 ||
            !idl_is_fixed(param->type)) {
            table->flags &= ~(uint32_t)SHMRPC_TYPE_FIXED;
        }
    }
    return table;
}

static uint32_t flags_of(const idl_method *method)
{
    uint32_t flags = 0;
    flags |= method->oneway ? (uint32_t)SHMRPC_METHOD_ONEWAY : 0u;
    flags |= method->idempotent ? (uint32_t)SHMRPC_METHOD_IDEMPOTENT : 0u;
    flags |= method->meta.deprecated ? (uint32_t)SHMRPC_METHOD_DEPRECATED : 0u;
    flags |=
        method->stream_param != NULL ? (uint32_t)SHMRPC_METHOD_STREAMS_IN : 0u;
    flags |=
        method->result_is_stream ? (uint32_t)SHMRPC_METHOD_STREAMS_OUT : 0u;
    flags |= method->python_types ? (uint32_t)SHMRPC_METHOD_PYTHON_TYPES : 0u;
    return flags;
}

static const shmrpc_type *type_or_null(builder *b, const idl_type *type)
{
    return type != NULL ? type_of(b, type) : NULL;
}

static void fill_method(builder *b, const idl_method *method,
                        shmrpc_method *out)
{
    const shmrpc_error_type **throws = IDL_NEW_ARRAY(
        &b->memory, method->throw_count, const shmrpc_error_type *);
    for (size_t i = 0; i < method->throw_count; i++) {
        throws[i] = idl_map_get(&b->errors, method->throws[i]->decl.full_name);
    }
    *out = (shmrpc_method){
        .name = method->name,
        .encoding = (shmrpc_encoding)((int)method->encoding + 1),
        .flags = flags_of(method),
        .hash = method->hash,
        .timeout_ns = method->timeout_ns,
        .signature = cut(b, method->signature, strlen(method->signature)),
        .doc = doc_of(b, &method->meta.docs),
        .params = params_of(b, method),
        .result =
            method->result_is_stream ? NULL : type_or_null(b, method->result),
        .throws = method->throw_count > 0 ? throws : NULL,
        .throws_count = (uint32_t)method->throw_count,
        .window_in = idl_stream_window(method, true),
        .window_out = idl_stream_window(method, false),
        .idle_ns = method->idle_ns,
        .items_in = type_or_null(b, idl_stream_items(method, true)),
        .items_out = type_or_null(b, idl_stream_items(method, false)),
        .policy = {.attempts = method->attempts,
                   .backoff_ns = method->backoff_ns,
                   .hedge_ns = method->hedge_ns,
                   .at_once = method->at_once},
    };
}

static const shmrpc_service *service_of(builder *b, const idl_service *service)
{
    shmrpc_method *methods =
        IDL_NEW_ARRAY(&b->memory, service->method_count, shmrpc_method);
    for (size_t i = 0; i < service->method_count; i++) {
        fill_method(b, &service->methods[i], &methods[i]);
    }
    shmrpci_buf text;
    idl_buf_init(&text, &b->memory);
    idl_canonical_service(service, IDL_CANONICAL_DOCS, &b->memory, &text);
    /* The text as a single piece, then the NULL that ends the array. */
    const char **pieces = IDL_NEW_ARRAY(&b->memory, 2, const char *);
    pieces[0] = shmrpci_buf_text(&text);
    shmrpc_service *out = IDL_NEW(&b->memory, shmrpc_service);
    *out = (shmrpc_service){
        .rows = SHMRPC_ROWS_INIT,
        .name = service->name,
        .id = service->decl.full_name,
        .port = service->port,
        .version = service->version,
        .hash = service->hash,
        .text = pieces,
        .doc = doc_of(b, &service->decl.meta.docs),
        .methods = service->method_count > 0 ? methods : NULL,
        .method_count = (uint32_t)service->method_count,
    };
    return out;
}

shmrpc_status gen_tables_build(const idl_schema *schema, shmrpci_arena *arena,
                               const idl_tables **out)
{
    builder b = {.memory = {.arena = arena}};
    if (setjmp(b.memory.exhausted) != 0) {
        return SHMRPC_E_NO_MEMORY;
    }
    idl_tables *tables = IDL_NEW(&b.memory, idl_tables);
    add_types(&b, schema);
    if (b.too_large) {
        return SHMRPC_E_TOO_LARGE;
    }
    tables->types = b.types;
    *out = tables;
    return SHMRPC_OK;
}

const shmrpc_type *gen_tables_find(const idl_tables *tables,
                                   const char *full_name)
{
    return idl_map_get(&tables->types, full_name);
}

shmrpc_status idl_descriptor(const idl_schema *schema,
                             const idl_service *service, shmrpci_arena *arena,
                             const shmrpc_service **out)
{
    builder b = {.memory = {.arena = arena}};
    if (setjmp(b.memory.exhausted) != 0) {
        return SHMRPC_E_NO_MEMORY;
    }
    add_types(&b, schema);
    const shmrpc_service *built = service_of(&b, service);
    if (b.too_large) {
        return SHMRPC_E_TOO_LARGE;
    }
    *out = built;
    return SHMRPC_OK;
}

/* ---- shared objects ---- */

static shmrpc_overflow overflow_of(const idl_shared *shared)
{
    bool overflows =
        shared->kind == IDL_SHARED_QUEUE || shared->kind == IDL_SHARED_TOPIC;
    return overflows
               ? (shmrpc_overflow)(shared->options[IDL_OPTION_OVERFLOW] + 1)
               : SHMRPC_OVERFLOW_DEFAULT;
}

static uint32_t shared_flags(const idl_shared *shared)
{
    const int64_t *options = shared->options;
    uint32_t flags = 0;
    flags |= options[IDL_OPTION_ORDER] == IDL_ORDER_TOTAL
                 ? (uint32_t)SHMRPC_SHARED_TOTAL_ORDER
                 : 0u;
    flags |= options[IDL_OPTION_DELIVERY] == IDL_DELIVERY_ACKED
                 ? (uint32_t)SHMRPC_SHARED_ACKED
                 : 0u;
    flags |= idl_only_server_writes(shared)
                 ? (uint32_t)SHMRPC_SHARED_SERVER_WRITES
                 : 0u;
    return flags;
}

static const char *const *text_of_shared(builder *b, const idl_shared *shared)
{
    shmrpci_buf text;
    idl_buf_init(&text, &b->memory);
    shmrpc_status status =
        idl_shared_text(shared, IDL_CANONICAL_DOCS, b->memory.arena, &text);
    if (status != SHMRPC_OK) {
        longjmp(b->memory.exhausted, 1);
    }
    const char **pieces = IDL_NEW_ARRAY(&b->memory, 2, const char *);
    pieces[0] = shmrpci_buf_text(&text);
    return pieces;
}

static const shmrpc_shared *row_of(builder *b, const idl_shared *shared)
{
    const int64_t *options = shared->options;
    bool is_pipe = shared->kind == IDL_SHARED_PIPE;
    shmrpc_shared *out = IDL_NEW(&b->memory, shmrpc_shared);
    *out = (shmrpc_shared){
        .row_bytes = (uint32_t)sizeof *out,
        .kind = (shmrpc_shared_kind)((int)shared->kind + 1),
        .name = shared->service != NULL ? shared->decl.name
                                        : shared->decl.full_name,
        .encoding = is_pipe
                        ? SHMRPC_ENCODING_RAW
                        : (shmrpc_encoding)(options[IDL_OPTION_ENCODING] + 1),
        .flags = shared_flags(shared),
        .key = shared->key != NULL ? type_of(b, shared->key) : NULL,
        .element = is_pipe ? NULL : type_of(b, shared->element),
        .hash = shared->hash,
        .signature = cut(b, shared->signature, strlen(shared->signature)),
        .text = text_of_shared(b, shared),
        .doc = doc_of(b, &shared->decl.meta.docs),
        .capacity = (uint64_t)options[IDL_OPTION_CAPACITY],
        .max_bytes = (uint64_t)options[IDL_OPTION_MAX_BYTES],
        .max_item_bytes = idl_shared_max_item_bytes(shared),
        .history = (uint64_t)options[IDL_OPTION_HISTORY],
        .log = (uint64_t)options[IDL_OPTION_LOG],
        .max_stall_ns = options[IDL_OPTION_MAX_STALL],
        .snapshot_ns = options[IDL_OPTION_SNAPSHOT],
        .overflow = overflow_of(shared),
        .lifetime = (shmrpc_lifetime)(options[IDL_OPTION_LIFETIME] + 1),
        .permissions = (uint32_t)options[IDL_OPTION_MODE],
    };
    return out;
}

shmrpc_status idl_shared_descriptor(const idl_schema *schema,
                                    const idl_shared *shared,
                                    shmrpci_arena *arena,
                                    const shmrpc_shared **out)
{
    builder b = {.memory = {.arena = arena}};
    if (setjmp(b.memory.exhausted) != 0) {
        return SHMRPC_E_NO_MEMORY;
    }
    add_types(&b, schema);
    const shmrpc_shared *built = row_of(&b, shared);
    if (b.too_large) {
        return SHMRPC_E_TOO_LARGE;
    }
    *out = built;
    return SHMRPC_OK;
}
