/* Canonical text of types, values and declarations. */
#include "idl/canonical.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "idl/option.h"

/* ---- numbers and values ---- */

/* The shortest decimal text that reads back as the same number. */
static void append_float(idl_kind kind, double f, shmrpci_buf *out)
{
    char text[32];
    int most = kind == IDL_F32 ? 9 : 17;
    for (int digits = 6; digits <= most; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, f);
        double back = strtod(text, NULL);
        if (kind == IDL_F32 ? (float)back == (float)f
                            : !(back < f) && !(back > f)) {
            break;
        }
    }
    shmrpci_buf_append_text(out, text);
}

void idl_canonical_number(idl_kind kind, idl_number number, shmrpci_buf *out)
{
    if (idl_kind_is_float(kind)) {
        append_float(kind, number.f, out);
    } else if (idl_kind_is_signed(kind)) {
        shmrpci_buf_printf(out, "%" PRId64, number.i);
    } else {
        shmrpci_buf_printf(out, "%" PRIu64, number.u);
    }
}

const char *idl_number_text(idl_memory *memory, idl_kind kind,
                            idl_number number)
{
    shmrpci_buf buf;
    idl_buf_init(&buf, memory);
    idl_canonical_number(kind, number, &buf);
    return shmrpci_buf_text(&buf);
}

static void append_quoted(idl_text text, shmrpci_buf *out)
{
    bool is_utf8 = shmrpci_utf8_valid_prefix(text.ptr, text.len) == text.len;
    shmrpci_buf_append_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c == '"' || c == '\\') {
            shmrpci_buf_append_char(out, '\\');
            shmrpci_buf_append_char(out, (char)c);
        } else if (c < 0x20 || c == 0x7F || (c >= 0x80 && !is_utf8)) {
            shmrpci_buf_printf(out, "\\x%02x", c);
        } else {
            shmrpci_buf_append_char(out, (char)c);
        }
    }
    shmrpci_buf_append_char(out, '"');
}

static void append_text_literal(const char *text, shmrpci_buf *out)
{
    append_quoted((idl_text){.ptr = text, .len = strlen(text)}, out);
}

static void append_duration(int64_t ns, shmrpci_buf *out)
{
    static const struct {
        int64_t ns;
        const char *unit;
    } units[] = {{3600000000000, "h"}, {60000000000, "m"}, {1000000000, "s"},
                 {1000000, "ms"},      {1000, "us"},       {1, "ns"}};
    size_t i = 0;
    while (ns % units[i].ns != 0) {
        i++;
    }
    shmrpci_buf_printf(out, "%" PRId64 "%s", ns / units[i].ns, units[i].unit);
}

void idl_canonical_value(const idl_value *value, idl_kind kind,
                         shmrpci_buf *out)
{
    switch (value->kind) {
    case IDL_VALUE_NONE:
        break;
    case IDL_VALUE_BOOL:
        shmrpci_buf_append_text(out, value->u.b ? "true" : "false");
        break;
    case IDL_VALUE_INT:
        shmrpci_buf_printf(out, "%" PRId64, value->u.i);
        break;
    case IDL_VALUE_UINT:
        shmrpci_buf_printf(out, "%" PRIu64, value->u.u);
        break;
    case IDL_VALUE_FLOAT:
        append_float(kind, value->u.f, out);
        break;
    case IDL_VALUE_TEXT:
        append_quoted(value->u.text, out);
        break;
    case IDL_VALUE_DURATION:
        append_duration(value->u.i, out);
        break;
    case IDL_VALUE_ENUM:
        shmrpci_buf_append_text(out, value->u.item->name);
        break;
    case IDL_VALUE_WORD:
        shmrpci_buf_append_text(out, value->u.text.ptr);
        break;
    }
}

/* ---- types ---- */

static void append_bounds(const idl_type *type, shmrpci_buf *out)
{
    bool exact = type->has_min && type->has_max &&
                 memcmp(&type->min, &type->max, sizeof type->min) == 0;
    if (!type->has_min && !type->has_max) {
        return;
    }
    shmrpci_buf_append_char(out, '(');
    if (type->has_min) {
        idl_canonical_number(type->kind, type->min, out);
    }
    if (!exact) {
        shmrpci_buf_append_text(out, "..");
        if (type->has_max) {
            idl_canonical_number(type->kind, type->max, out);
        }
    }
    shmrpci_buf_append_char(out, ')');
}

static void append_array(const idl_type *type, shmrpci_buf *out)
{
    const idl_type *inner = type;
    while (inner->kind == IDL_ARRAY) {
        inner = inner->element;
    }
    idl_canonical_type(inner, out);
    for (; type->kind == IDL_ARRAY; type = type->element) {
        shmrpci_buf_printf(out, "[%u]", type->length);
    }
}

void idl_canonical_type(const idl_type *type, shmrpci_buf *out)
{
    switch (type->kind) {
    case IDL_LIST:
        shmrpci_buf_append_text(out, "list<");
        idl_canonical_type(type->element, out);
        shmrpci_buf_append_char(out, '>');
        break;
    case IDL_MAP:
        shmrpci_buf_append_text(out, "map<");
        idl_canonical_type(type->key, out);
        shmrpci_buf_append_text(out, ", ");
        idl_canonical_type(type->element, out);
        shmrpci_buf_append_char(out, '>');
        break;
    case IDL_ARRAY:
        append_array(type, out);
        return;
    case IDL_ENUM:
        shmrpci_buf_append_text(out, type->enumeration->decl.full_name);
        break;
    case IDL_STRUCT:
    case IDL_UNION:
        shmrpci_buf_append_text(out, type->record->decl.full_name);
        break;
    case IDL_BOOL:
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
    case IDL_STRING:
    case IDL_BYTES:
    case IDL_ANY:
        shmrpci_buf_append_text(out, idl_kind_name(type->kind));
        break;
    }
    append_bounds(type, out);
}

/* ---- annotations and documentation ---- */

static void append_docs(const idl_docs *docs, const char *indent,
                        shmrpci_buf *out)
{
    for (size_t i = 0; i < docs->count; i++) {
        shmrpci_buf_printf(out, "%s///%s%s\n", indent,
                           docs->lines[i][0] != '\0' ? " " : "",
                           docs->lines[i]);
    }
}

static void append_text_annotation(const char *name, const char *text,
                                   const char *indent, shmrpci_buf *out)
{
    if (text != NULL) {
        shmrpci_buf_printf(out, "%s@%s(", indent, name);
        append_text_literal(text, out);
        shmrpci_buf_append_text(out, ")\n");
    }
}

static void append_meta(const idl_meta *meta, unsigned flags,
                        const char *indent, shmrpci_buf *out)
{
    if ((flags & IDL_CANONICAL_DOCS) == 0) {
        return;
    }
    append_docs(&meta->docs, indent, out);
    append_text_annotation("doc", meta->doc_url, indent, out);
    if (meta->since != 0) {
        shmrpci_buf_printf(out, "%s@since(%u)\n", indent, meta->since);
    }
    append_text_annotation("deprecated", meta->deprecation, indent, out);
    if (meta->deprecated && meta->deprecation == NULL) {
        shmrpci_buf_printf(out, "%s@deprecated\n", indent);
    }
    append_text_annotation("c_name", meta->c_name, indent, out);
    append_text_annotation("c_prefix", meta->c_prefix, indent, out);
}

/* ---- members ---- */

static void append_reserved(const idl_reserved *list, size_t count,
                            unsigned flags, shmrpci_buf *out)
{
    for (size_t i = 0; (flags & IDL_CANONICAL_DOCS) != 0 && i < count; i++) {
        shmrpci_buf_append_text(out, "  reserved ");
        if (list[i].name != NULL) {
            append_text_literal(list[i].name, out);
        } else if (list[i].first == list[i].last) {
            shmrpci_buf_printf(out, "%" PRId64, list[i].first);
        } else {
            shmrpci_buf_printf(out, "%" PRId64 "..%" PRId64, list[i].first,
                               list[i].last);
        }
        shmrpci_buf_append_text(out, ";\n");
    }
}

/* Appends a field, `1: optional T name = default`, to the caller's text. */
static void append_field(const idl_field *field, shmrpci_buf *out)
{
    if (field->json_string) {
        shmrpci_buf_append_text(out, "@json(string) ");
    }
    shmrpci_buf_printf(out, "%u: ", field->tag);
    if (field->optional) {
        shmrpci_buf_append_text(out, "optional ");
    }
    idl_canonical_type(field->type, out);
    shmrpci_buf_printf(out, " %s", field->name);
    if (field->default_value.kind != IDL_VALUE_NONE) {
        shmrpci_buf_append_text(out, " = ");
        idl_canonical_value(&field->default_value, field->type->kind, out);
    }
}

static int by_tag(const void *a, const void *b)
{
    const idl_field *left = *(const idl_field *const *)a;
    const idl_field *right = *(const idl_field *const *)b;
    return (left->tag > right->tag) - (left->tag < right->tag);
}

static const idl_field **sorted_fields(const idl_field *fields, size_t count,
                                       idl_memory *memory)
{
    const idl_field **sorted =
        IDL_NEW_ARRAY(memory, count + 1, const idl_field *);
    for (size_t i = 0; i < count; i++) {
        sorted[i] = &fields[i];
    }
    qsort(sorted, count, sizeof *sorted, by_tag);
    return sorted;
}

static int by_value(const void *a, const void *b)
{
    const idl_enum_item *left = *(const idl_enum_item *const *)a;
    const idl_enum_item *right = *(const idl_enum_item *const *)b;
    if (left->owner->base == IDL_U64) {
        return ((uint64_t)left->value > (uint64_t)right->value) -
               ((uint64_t)left->value < (uint64_t)right->value);
    }
    return (left->value > right->value) - (left->value < right->value);
}

/* ---- declarations ---- */

void idl_canonical_enum(const idl_enum *e, unsigned flags, idl_memory *memory,
                        shmrpci_buf *out)
{
    const idl_enum_item **sorted =
        IDL_NEW_ARRAY(memory, e->item_count + 1, const idl_enum_item *);
    for (size_t i = 0; i < e->item_count; i++) {
        sorted[i] = &e->items[i];
    }
    qsort(sorted, e->item_count, sizeof *sorted, by_value);
    append_meta(&e->decl.meta, flags, "", out);
    shmrpci_buf_printf(out, "enum %s : %s {\n", e->decl.name,
                       idl_kind_name(e->base));
    for (size_t i = 0; i < e->item_count; i++) {
        append_meta(&sorted[i]->meta, flags, "  ", out);
        shmrpci_buf_printf(out, "  %s = ", sorted[i]->name);
        idl_canonical_number(e->base, (idl_number){.i = sorted[i]->value}, out);
        shmrpci_buf_append_text(out, ";\n");
    }
    append_reserved(e->reserved, e->reserved_count, flags, out);
    shmrpci_buf_append_text(out, "}\n");
}

void idl_canonical_record(const idl_record *record, unsigned flags,
                          idl_memory *memory, shmrpci_buf *out)
{
    static const char *const words[] = {[IDL_RECORD_STRUCT] = "struct",
                                        [IDL_RECORD_UNION] = "union",
                                        [IDL_RECORD_ERROR] = "error"};
    const idl_field **fields =
        sorted_fields(record->fields, record->field_count, memory);
    append_meta(&record->decl.meta, flags, "", out);
    if (record->http != 0 && (flags & IDL_CANONICAL_DOCS) != 0) {
        shmrpci_buf_printf(out, "@http(%u)\n", record->http);
    }
    if (record->compact) {
        shmrpci_buf_append_text(out, "@compact\n");
    }
    shmrpci_buf_printf(out, "%s %s", words[record->kind], record->decl.name);
    if (record->kind == IDL_RECORD_ERROR) {
        shmrpci_buf_printf(out, " = %d", record->number);
    }
    shmrpci_buf_append_text(out, " {\n");
    for (size_t i = 0; i < record->field_count; i++) {
        append_meta(&fields[i]->meta, flags, "  ", out);
        shmrpci_buf_append_text(out, "  ");
        append_field(fields[i], out);
        shmrpci_buf_append_text(out, ";\n");
    }
    append_reserved(record->reserved, record->reserved_count, flags, out);
    shmrpci_buf_append_text(out, "}\n");
}

/* ---- methods ---- */

static void append_params(const idl_method *method, idl_memory *memory,
                          shmrpci_buf *out)
{
    const idl_field **params =
        sorted_fields(method->params, method->param_count, memory);
    const char *glue = "";
    for (size_t i = 0; i < method->param_count; i++, glue = ", ") {
        shmrpci_buf_append_text(out, glue);
        append_field(params[i], out);
    }
    if (method->stream_param != NULL) {
        shmrpci_buf_printf(out, "%sstream ", glue);
        idl_canonical_type(method->stream_param->type, out);
        shmrpci_buf_printf(out, " %s", method->stream_param->name);
    }
}

static int by_full_name(const void *a, const void *b)
{
    const idl_record *left = *(const idl_record *const *)a;
    const idl_record *right = *(const idl_record *const *)b;
    return strcmp(left->decl.full_name, right->decl.full_name);
}

static void append_throws(const idl_method *method, idl_memory *memory,
                          shmrpci_buf *out)
{
    const idl_record **sorted =
        IDL_NEW_ARRAY(memory, method->throw_count + 1, const idl_record *);
    for (size_t i = 0; i < method->throw_count; i++) {
        sorted[i] = method->throws[i];
    }
    qsort(sorted, method->throw_count, sizeof *sorted, by_full_name);
    for (size_t i = 0; i < method->throw_count; i++) {
        shmrpci_buf_append_text(out, i == 0 ? " throws " : ", ");
        shmrpci_buf_append_text(out, sorted[i]->decl.full_name);
    }
}

void idl_canonical_signature(const idl_method *method, idl_memory *memory,
                             shmrpci_buf *out)
{
    shmrpci_buf_printf(out, "%s%s %s(", method->oneway ? "oneway " : "",
                       idl_encoding_name(method->encoding), method->name);
    append_params(method, memory, out);
    shmrpci_buf_append_char(out, ')');
    if (method->result != NULL) {
        shmrpci_buf_append_text(out, method->result_is_stream ? " -> stream "
                                                              : " -> ");
        idl_canonical_type(method->result, out);
    }
    append_throws(method, memory, out);
    shmrpci_buf_append_char(out, ';');
}

void idl_canonical_method_line(const idl_method *method, unsigned flags,
                               idl_memory *memory, shmrpci_buf *out)
{
    append_meta(&method->meta, flags, "  ", out);
    if (method->idempotent) {
        shmrpci_buf_append_text(out, "  @idempotent\n");
    }
    if (method->timeout_ns != 0) {
        shmrpci_buf_append_text(out, "  @timeout(");
        append_duration(method->timeout_ns, out);
        shmrpci_buf_append_text(out, ")\n");
    }
    if (method->window_bytes != 0) {
        shmrpci_buf_printf(out, "  @window(%" PRIu32 ")\n",
                           method->window_bytes);
    }
    if (method->idle_ns != 0) {
        shmrpci_buf_append_text(out, "  @idle(");
        append_duration(method->idle_ns, out);
        shmrpci_buf_append_text(out, ")\n");
    }
    if (method->attempts != 0) {
        shmrpci_buf_printf(
            out, "  @retry(attempts: %" PRIu32 ", backoff: ", method->attempts);
        append_duration(method->backoff_ns, out);
        shmrpci_buf_append_text(out, ")\n");
    }
    if (method->hedge_ns != 0) {
        shmrpci_buf_append_text(out, "  @hedge(after: ");
        append_duration(method->hedge_ns, out);
        shmrpci_buf_append_text(out, ")\n");
    }
    if (method->at_once != 0) {
        shmrpci_buf_printf(out, "  @limit(at_once: %" PRIu32 ")\n",
                           method->at_once);
    }
    if (method->python_types) {
        shmrpci_buf_append_text(out, "  @types(python)\n");
    }
    if (method->rest.verb != NULL) {
        shmrpci_buf_printf(out, "  @rest(%s, ", method->rest.verb);
        append_text_literal(method->rest.path, out);
        shmrpci_buf_append_text(out, ")\n");
    }
    shmrpci_buf_append_text(out, "  ");
    idl_canonical_signature(method, memory, out);
    shmrpci_buf_append_char(out, '\n');
}

/* ---- shared objects ---- */

/* Appends the options that differ from their defaults. */
static void append_options(const idl_shared *shared, shmrpci_buf *out)
{
    shmrpci_buf_append_text(out, " {");
    for (size_t i = 0; i < IDL_OPTION_COUNT; i++) {
        const idl_option_row *row = idl_option_of(shared->kind, (idl_option)i);
        if (row != NULL && idl_option_is_special(shared, row)) {
            shmrpci_buf_printf(out, " %s ", row->name);
            idl_option_append(row, shared->options[i], out);
            shmrpci_buf_append_char(out, ';');
        }
    }
    shmrpci_buf_append_text(out, " }\n");
}

void idl_canonical_shared_type(const idl_shared *shared, shmrpci_buf *out)
{
    shmrpci_buf_append_text(out, idl_shared_kind_name(shared->kind));
    if (shared->kind == IDL_SHARED_DICT) {
        shmrpci_buf_append_char(out, '<');
        idl_canonical_type(shared->key, out);
        shmrpci_buf_append_text(out, ", ");
        idl_canonical_type(shared->element, out);
        shmrpci_buf_append_char(out, '>');
    } else if (shared->element != NULL) {
        shmrpci_buf_append_char(out, ' ');
        idl_canonical_type(shared->element, out);
    }
}

void idl_canonical_shared(const idl_shared *shared, unsigned flags,
                          shmrpci_buf *out)
{
    append_meta(&shared->decl.meta, flags, "  ", out);
    shmrpci_buf_append_text(out, "  ");
    idl_canonical_shared_type(shared, out);
    shmrpci_buf_printf(out, " %s", shared->decl.name);
    append_options(shared, out);
}
