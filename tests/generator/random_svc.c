/* Generates, changes and prints random services. */
#include "random_svc.h"

#include <inttypes.h>
#include <string.h>

#include "../runtime/codec/random.h"

static unsigned below(uint64_t *seed, unsigned limit)
{
    return random_below(seed, limit);
}

static bool one_in(uint64_t *seed, unsigned n)
{
    return below(seed, n) == 0;
}

/* ---- types ---- */

static bool is_integer(idl_kind kind)
{
    return idl_kind_is_signed(kind) || idl_kind_is_unsigned(kind);
}

/* Sets either small bounds or bounds as wide as the kind. */
static void set_bounds(random_node *node, uint64_t *seed)
{
    static const int low[] = {0, 0, 1, 2};
    static const int high[] = {3, 4, 7, 12};
    unsigned which = below(seed, 4);
    node->has_bounds = true;
    node->min = low[which];
    node->max = high[below(seed, 4)];
    if (idl_kind_is_signed(node->kind) && one_in(seed, 2)) {
        node->min = -node->max;
    }
    if (node->kind == IDL_U8 && one_in(seed, 4)) {
        node->min = 0;
        node->max = 255;
    }
}

static idl_kind scalar_kind(const random_svc *svc, uint64_t *seed)
{
    idl_kind kind = (idl_kind)below(seed, IDL_ANY + 1);
    return kind == IDL_ANY && !svc->has_any ? IDL_U32 : kind;
}

/* A random type that can be a map key; enums are left out, because they are
 * tested elsewhere. */
static idl_kind key_kind(uint64_t *seed)
{
    static const idl_kind kinds[] = {IDL_STRING, IDL_U8, IDL_I32, IDL_U64,
                                     IDL_BOOL};
    return kinds[below(seed, 5)];
}

/* Makes a type without parts. It may be a record whose index is below `limit`,
 * so that no record contains itself by value. */
static random_node leaf(const random_svc *svc, uint64_t *seed, unsigned limit)
{
    random_node node = {.kind = scalar_kind(svc, seed)};
    unsigned sort = below(seed, 8);
    if (sort == 0 && svc->enum_count > 0) {
        node.kind = IDL_ENUM;
        node.index = below(seed, svc->enum_count);
    } else if (sort <= 2 && limit > 0) {
        node.index = below(seed, limit);
        node.kind = svc->records[node.index].kind == IDL_RECORD_UNION
                        ? IDL_UNION
                        : IDL_STRUCT;
        if (svc->records[node.index].kind == IDL_RECORD_ERROR) {
            node = (random_node){.kind = IDL_U32};
        }
    } else if (node.kind != IDL_BOOL && node.kind != IDL_ANY &&
               one_in(seed, 3)) {
        set_bounds(&node, seed);
    }
    return node;
}

static random_type make_type(const random_svc *svc, uint64_t *seed,
                             unsigned limit)
{
    random_type type = {.depth = 0};
    while (type.depth < RANDOM_SVC_NODES - 1 && one_in(seed, 4)) {
        static const idl_kind kinds[] = {IDL_LIST, IDL_MAP, IDL_ARRAY};
        random_node *node = &type.nodes[type.depth++];
        *node = (random_node){.kind = kinds[below(seed, 3)],
                              .key = key_kind(seed),
                              .length = 1 + below(seed, 3)};
        /* A map of booleans has at most two entries. */
        if (node->kind == IDL_LIST && one_in(seed, 3)) {
            set_bounds(node, seed);
            node->max = node->max > 4 ? 4 : node->max;
        }
    }
    type.nodes[type.depth++] = leaf(svc, seed, limit);
    return type;
}

static const random_node *last_node(const random_type *type)
{
    return &type->nodes[type->depth - 1];
}

static bool can_default(const random_type *type)
{
    idl_kind kind = type->nodes[0].kind;
    return type->depth == 1 && kind != IDL_ANY && kind != IDL_STRUCT &&
           kind != IDL_UNION;
}

/* ---- members ---- */

static unsigned fresh_tag(const random_field *fields, unsigned count,
                          uint64_t *seed)
{
    unsigned tag = 0;
    bool taken = true;
    while (taken) {
        tag = 1 + below(seed, 2 * RANDOM_SVC_MEMBERS);
        taken = false;
        for (unsigned i = 0; i < count; i++) {
            taken = taken || fields[i].tag == tag;
        }
    }
    return tag;
}

static random_field make_field(random_svc *svc, uint64_t *seed, unsigned limit,
                               const random_field *others, unsigned count)
{
    random_field field = {
        .name = svc->next_name++,
        .tag = fresh_tag(others, count, seed),
        .type = make_type(svc, seed, limit),
        .default_seed = below(seed, 100),
    };
    unsigned sort = below(seed, 3);
    field.optional = sort == 0;
    field.has_default = sort == 1 && can_default(&field.type);
    return field;
}

static void add_field(random_svc *svc, random_record *record, uint64_t *seed,
                      unsigned limit)
{
    if (record->field_count == RANDOM_SVC_MEMBERS) {
        return;
    }
    random_field field =
        make_field(svc, seed, limit, record->fields, record->field_count);
    if (record->kind == IDL_RECORD_UNION) {
        field.optional = false;
        field.has_default = false;
    }
    record->fields[record->field_count++] = field;
}

static void add_param(random_svc *svc, random_method *method, uint64_t *seed)
{
    if (method->param_count < RANDOM_SVC_MEMBERS) {
        random_field field = make_field(svc, seed, svc->record_count,
                                        method->params, method->param_count);
        method->params[method->param_count++] = field;
    }
}

static void make_enum(random_svc *svc, uint64_t *seed)
{
    static const idl_kind bases[] = {IDL_U8, IDL_I32, IDL_I64, IDL_U16};
    random_enum *e = &svc->enums[svc->enum_count++];
    *e = (random_enum){.name = svc->next_name++, .base = bases[below(seed, 4)]};
    e->count = 1 + below(seed, 4);
    for (unsigned i = 0; i < e->count; i++) {
        e->names[i] = svc->next_name++;
        e->values[i] = (int)(2 * i);
    }
}

/* Lets a struct contain itself, through a list or an optional field. */
static void add_recursion(random_svc *svc, random_record *record,
                          uint64_t *seed)
{
    unsigned own = (unsigned)(record - svc->records);
    if (record->kind != IDL_RECORD_STRUCT ||
        record->field_count == RANDOM_SVC_MEMBERS || !one_in(seed, 4)) {
        return;
    }
    bool is_list = one_in(seed, 2);
    random_field field = {
        .name = svc->next_name++,
        .tag = fresh_tag(record->fields, record->field_count, seed),
        .optional = !is_list,
        .type.depth = is_list ? 2 : 1,
    };
    field.type.nodes[0].kind = IDL_LIST;
    field.type.nodes[field.type.depth - 1] =
        (random_node){.kind = IDL_STRUCT, .index = own};
    record->fields[record->field_count++] = field;
}

static void make_record(random_svc *svc, uint64_t *seed)
{
    static const idl_record_kind kinds[] = {IDL_RECORD_STRUCT,
                                            IDL_RECORD_STRUCT, IDL_RECORD_UNION,
                                            IDL_RECORD_ERROR};
    unsigned own = svc->record_count++;
    random_record *record = &svc->records[own];
    *record = (random_record){.name = svc->next_name++,
                              .kind = kinds[below(seed, 4)],
                              .number = 100 + own,
                              .compact = one_in(seed, 4)};
    unsigned fields = 1 + below(seed, 4);
    for (unsigned i = 0; i < fields; i++) {
        add_field(svc, record, seed, own);
    }
    add_recursion(svc, record, seed);
}

static idl_encoding make_encoding(const random_svc *svc, uint64_t *seed)
{
    static const idl_encoding encodings[] = {
        IDL_ENCODING_JSON, IDL_ENCODING_MSGPACK, IDL_ENCODING_NATIVE};
    return encodings[below(seed, svc->has_any ? 2 : 3)];
}

static void make_method(random_svc *svc, uint64_t *seed)
{
    random_method *method = &svc->methods[svc->method_count++];
    *method = (random_method){.name = svc->next_name++,
                              .encoding = make_encoding(svc, seed),
                              .has_result = !one_in(seed, 4),
                              .throws = one_in(seed, 2)};
    unsigned params = below(seed, 4);
    for (unsigned i = 0; i < params; i++) {
        add_param(svc, method, seed);
    }
    method->result = make_type(svc, seed, svc->record_count);
}

void random_svc_make(random_svc *svc, uint64_t *seed)
{
    *svc = (random_svc){.has_any = one_in(seed, 3), .next_name = 1};
    unsigned enums = below(seed, RANDOM_SVC_ENUMS);
    unsigned records = 1 + below(seed, RANDOM_SVC_RECORDS - 1);
    unsigned methods = 1 + below(seed, RANDOM_SVC_METHODS - 1);
    for (unsigned i = 0; i < enums; i++) {
        make_enum(svc, seed);
    }
    for (unsigned i = 0; i < records; i++) {
        make_record(svc, seed);
    }
    for (unsigned i = 0; i < methods; i++) {
        make_method(svc, seed);
    }
}

/* ---- changes ---- */

static void change_type(random_svc *svc, random_type *type, uint64_t *seed,
                        unsigned limit)
{
    random_node *node = &type->nodes[below(seed, type->depth)];
    bool is_leaf = node == last_node(type);
    switch (below(seed, 4)) {
    case 0:
        *type = make_type(svc, seed, limit);
        break;
    case 1:
        node->length = 1 + below(seed, 3);
        node->key = key_kind(seed);
        break;
    case 2:
        if (is_leaf && is_integer(node->kind)) {
            node->kind =
                node->kind == IDL_U64 ? IDL_U8 : (idl_kind)(node->kind + 1);
        }
        break;
    default:
        if (node->has_bounds && one_in(seed, 2)) {
            node->has_bounds = false;
        } else if (node->kind != IDL_BOOL && node->kind != IDL_ANY &&
                   node->kind < IDL_MAP) {
            set_bounds(node, seed);
            if (node->kind == IDL_LIST) {
                node->min = 0; /* with a minimum length, a record that
                                * contains itself would have no value */
                node->max = node->max > 4 ? 4 : node->max;
            }
        }
        break;
    }
}

static void swap_tags(random_field *fields, unsigned count, uint64_t *seed)
{
    unsigned a = below(seed, count);
    unsigned b = below(seed, count);
    unsigned tag = fields[a].tag;
    fields[a].tag = fields[b].tag;
    fields[b].tag = tag;
}

static void swap_fields(random_field *fields, unsigned count, uint64_t *seed)
{
    unsigned a = below(seed, count);
    unsigned b = below(seed, count);
    random_field field = fields[a];
    fields[a] = fields[b];
    fields[b] = field;
}

static void change_presence(random_field *field, uint64_t *seed)
{
    switch (below(seed, 3)) {
    case 0:
        field->optional = !field->optional;
        field->has_default = false;
        break;
    case 1:
        field->has_default = !field->has_default && can_default(&field->type);
        field->optional = false;
        break;
    default:
        field->default_seed = below(seed, 100);
        break;
    }
}

static void change_fields(random_svc *svc, random_field *fields,
                          unsigned *count, uint64_t *seed, unsigned limit,
                          bool is_union)
{
    random_field *field = &fields[below(seed, *count)];
    switch (below(seed, 8)) {
    case 0:
        *field = fields[--*count];
        break;
    case 1:
        field->name = svc->next_name++;
        break;
    case 2:
        field->tag = fresh_tag(fields, *count, seed);
        break;
    case 3:
        swap_tags(fields, *count, seed);
        break;
    case 4:
        swap_fields(fields, *count, seed);
        break;
    case 5:
        if (!is_union) {
            change_presence(field, seed);
        }
        break;
    default:
        change_type(svc, &field->type, seed, limit);
        break;
    }
    field->has_default = field->has_default && can_default(&field->type);
}

static void change_record(random_svc *svc, uint64_t *seed)
{
    unsigned own = below(seed, svc->record_count);
    random_record *record = &svc->records[own];
    bool is_union = record->kind == IDL_RECORD_UNION;
    switch (below(seed, 8)) {
    case 0:
    case 1:
        add_field(svc, record, seed, own);
        break;
    case 2:
        record->compact = !record->compact;
        break;
    case 3:
        record->name = svc->next_name++;
        break;
    default:
        if (record->field_count > (is_union ? 1u : 0u)) {
            change_fields(svc, record->fields, &record->field_count, seed, own,
                          is_union);
        }
        break;
    }
}

static void change_enum(random_svc *svc, uint64_t *seed)
{
    random_enum *e = &svc->enums[below(seed, svc->enum_count)];
    unsigned item = below(seed, e->count);
    switch (below(seed, 6)) {
    case 0:
    case 1:
        if (e->count < RANDOM_SVC_MEMBERS) {
            e->names[e->count] = svc->next_name++;
            e->values[e->count] = 2 * (int)e->count + (int)below(seed, 2);
            e->count += 1;
        }
        break;
    case 2:
        e->count -= e->count > 1;
        break;
    case 3:
        e->names[item] = svc->next_name++;
        break;
    case 4:
        e->values[item] += item > 0; /* the first value stays 0 */
        break;
    default:
        e->base = e->base == IDL_U8 ? IDL_U16 : IDL_U8;
        break;
    }
}

static void change_method(random_svc *svc, uint64_t *seed)
{
    random_method *method = &svc->methods[below(seed, svc->method_count)];
    switch (below(seed, 8)) {
    case 0:
        method->encoding = make_encoding(svc, seed);
        break;
    case 1:
        method->has_result = !method->has_result;
        break;
    case 2:
    case 3:
        change_type(svc, &method->result, seed, svc->record_count);
        break;
    case 4:
        add_param(svc, method, seed);
        break;
    case 5:
        if (svc->method_count < RANDOM_SVC_METHODS) {
            make_method(svc, seed);
        }
        break;
    default:
        if (method->param_count > 0) {
            change_fields(svc, method->params, &method->param_count, seed,
                          svc->record_count, false);
        }
        break;
    }
}

void random_svc_change(random_svc *svc, uint64_t *seed)
{
    unsigned sort = below(seed, 6);
    if (sort == 0 && svc->enum_count > 0) {
        change_enum(svc, seed);
    } else if (sort <= 2) {
        change_method(svc, seed);
    } else {
        change_record(svc, seed);
    }
}

/* ---- text ---- */

static void print_bounds(const random_node *node, shmrpci_buf *out)
{
    if (!node->has_bounds) {
        return;
    }
    const char *fraction = idl_kind_is_float(node->kind) ? ".0" : "";
    shmrpci_buf_printf(out, "(%d%s..%d%s)", node->min, fraction, node->max,
                       fraction);
}

static void print_leaf(const random_svc *svc, const random_node *node,
                       shmrpci_buf *out)
{
    if (node->kind == IDL_ENUM) {
        shmrpci_buf_printf(out, "E%u", svc->enums[node->index].name);
    } else if (node->kind == IDL_STRUCT || node->kind == IDL_UNION) {
        shmrpci_buf_printf(out, "R%u", svc->records[node->index].name);
    } else {
        shmrpci_buf_append_text(out, idl_kind_name(node->kind));
        print_bounds(node, out);
    }
}

static void print_nodes(const random_svc *svc, const random_type *type,
                        unsigned at, shmrpci_buf *out)
{
    const random_node *node = &type->nodes[at];
    switch (node->kind) {
    case IDL_LIST:
        shmrpci_buf_append_text(out, "list<");
        print_nodes(svc, type, at + 1, out);
        shmrpci_buf_append_text(out, ">");
        print_bounds(node, out);
        break;
    case IDL_MAP:
        shmrpci_buf_printf(out, "map<%s, ", idl_kind_name(node->key));
        print_nodes(svc, type, at + 1, out);
        shmrpci_buf_append_text(out, ">");
        break;
    case IDL_ARRAY:
        print_nodes(svc, type, at + 1, out);
        shmrpci_buf_printf(out, "[%u]", node->length);
        break;
    default:
        print_leaf(svc, node, out);
        break;
    }
}

static void print_default(const random_svc *svc, const random_field *field,
                          shmrpci_buf *out)
{
    const random_node *node = &field->type.nodes[0];
    const random_enum *e = &svc->enums[node->index];
    int low = node->has_bounds ? node->min : 0;
    int high = node->has_bounds ? node->max : 9;
    int value = low + (int)(field->default_seed % (unsigned)(high - low + 1));
    shmrpci_buf_append_text(out, " = ");
    if (node->kind == IDL_BOOL) {
        shmrpci_buf_append_text(out, value > 4 ? "true" : "false");
    } else if (node->kind == IDL_ENUM) {
        shmrpci_buf_printf(out, "I%u", e->names[(unsigned)value % e->count]);
    } else if (idl_kind_is_float(node->kind)) {
        shmrpci_buf_printf(out, "%d.0", value);
    } else if (node->kind == IDL_STRING || node->kind == IDL_BYTES) {
        shmrpci_buf_printf(out, "\"%.*s\"", value % 13, "abcdefghijklm");
    } else {
        shmrpci_buf_printf(out, "%d", value);
    }
}

static void print_field(const random_svc *svc, const random_field *field,
                        shmrpci_buf *out)
{
    shmrpci_buf_printf(out, "%u: %s", field->tag,
                       field->optional ? "optional " : "");
    print_nodes(svc, &field->type, 0, out);
    shmrpci_buf_printf(out, " f%u", field->name);
    if (field->has_default) {
        print_default(svc, field, out);
    }
}

static void print_record(const random_svc *svc, const random_record *record,
                         shmrpci_buf *out)
{
    bool is_error = record->kind == IDL_RECORD_ERROR;
    if (record->compact && record->kind == IDL_RECORD_STRUCT) {
        shmrpci_buf_append_text(out, "@compact\n");
    }
    shmrpci_buf_printf(out, "%s R%u",
                       is_error                           ? "error"
                       : record->kind == IDL_RECORD_UNION ? "union"
                                                          : "struct",
                       record->name);
    if (is_error) {
        shmrpci_buf_printf(out, " = %u", record->number);
    }
    shmrpci_buf_append_text(out, " {\n");
    for (unsigned i = 0; i < record->field_count; i++) {
        shmrpci_buf_append_text(out, "  ");
        print_field(svc, &record->fields[i], out);
        shmrpci_buf_append_text(out, ";\n");
    }
    shmrpci_buf_append_text(out, "}\n");
}

static void print_throws(const random_svc *svc, shmrpci_buf *out)
{
    const char *before = " throws ";
    for (unsigned i = 0; i < svc->record_count; i++) {
        if (svc->records[i].kind == IDL_RECORD_ERROR) {
            shmrpci_buf_printf(out, "%sR%u", before, svc->records[i].name);
            before = ", ";
        }
    }
}

static void print_method(const random_svc *svc, const random_method *method,
                         shmrpci_buf *out)
{
    shmrpci_buf_printf(out, "  %s m%u(", idl_encoding_name(method->encoding),
                       method->name);
    for (unsigned i = 0; i < method->param_count; i++) {
        shmrpci_buf_append_text(out, i > 0 ? ", " : "");
        print_field(svc, &method->params[i], out);
    }
    shmrpci_buf_append_text(out, ")");
    if (method->has_result) {
        shmrpci_buf_append_text(out, " -> ");
        print_nodes(svc, &method->result, 0, out);
    }
    if (method->throws) {
        print_throws(svc, out);
    }
    shmrpci_buf_append_text(out, ";\n");
}

void random_svc_print(const random_svc *svc, shmrpci_buf *out)
{
    shmrpci_buf_append_text(out, "package random;\n");
    for (unsigned i = 0; i < svc->enum_count; i++) {
        const random_enum *e = &svc->enums[i];
        shmrpci_buf_printf(out, "enum E%u : %s {\n", e->name,
                           idl_kind_name(e->base));
        for (unsigned k = 0; k < e->count; k++) {
            shmrpci_buf_printf(out, "  I%u = %d;\n", e->names[k], e->values[k]);
        }
        shmrpci_buf_append_text(out, "}\n");
    }
    for (unsigned i = 0; i < svc->record_count; i++) {
        print_record(svc, &svc->records[i], out);
    }
    shmrpci_buf_append_text(out, "service Random {\n  port 5600;\n");
    for (unsigned i = 0; i < svc->method_count; i++) {
        print_method(svc, &svc->methods[i], out);
    }
    shmrpci_buf_append_text(out, "}\n");
}
