/*
 * OpenAPI: describes types as JSON Schema, in the form that the JSON codec
 * reads and writes.
 *
 * A schema is exact if JSON Schema can express the type. Otherwise it allows
 * too much rather than too little: it must not refuse a value that the service
 * accepts, while the service itself still refuses invalid ones. An example is
 * the length of a string, which counts bytes in a .svc and characters in JSON
 * Schema.
 *
 * Each named type is added once below components/schemas, and all uses refer to
 * it. This works for recursive types too, because the name of a type is entered
 * before its members are visited.
 */
#include "generator/doc/openapi_types.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "idl/canonical.h"

static void set_text(gen_openapi *o, gen_value *object, const char *key,
                     const char *text)
{
    gen_set(object, key, gen_string(o->tree, text));
}

/* Casts away the const of gen_get: the document is still being built. */
gen_value *gen_openapi_member(gen_value *object, const char *key)
{
    return (gen_value *)(uintptr_t)gen_get(object, key, strlen(key));
}

/* Keeps line breaks: many readers show a description as Markdown, which would
 * join the lines. */
void gen_openapi_docs(gen_openapi *o, gen_value *object, const idl_docs *docs)
{
    shmrpci_buf text;
    if (docs == NULL || docs->count == 0) {
        return;
    }
    gen_buf_init(o->tree, &text);
    for (size_t i = 0; i < docs->count; i++) {
        shmrpci_buf_append_text(&text, i > 0 ? "\n" : "");
        shmrpci_buf_append_text(&text, docs->lines[i]);
    }
    gen_set(object, "description",
            gen_ref(o->tree, gen_buf_take(o->tree, &text)));
}

/* ---- numbers ---- */

/* Writes all digits of the number, as in a .svc: a double would lose some of
 * them. */
static gen_value *number(gen_openapi *o, idl_kind kind, idl_number value)
{
    shmrpci_buf text;
    gen_buf_init(o->tree, &text);
    idl_canonical_number(kind, value, &text);
    return gen_number(o->tree, gen_buf_take(o->tree, &text));
}

static void set_bounds(gen_openapi *o, gen_value *schema, const idl_type *type)
{
    if (type->has_min) {
        gen_set(schema, "minimum", number(o, type->kind, type->min));
    }
    if (type->has_max) {
        gen_set(schema, "maximum", number(o, type->kind, type->max));
    }
}

/* The range of the kind itself, unless the type sets a narrower one. Formats
 * are those that most tools know: integers of less than 32 bits are int32. */
static void set_integer(gen_openapi *o, gen_value *schema, const idl_type *type)
{
    /* The number of bits without the sign. */
    static const int bits[] = {
        [IDL_I8] = 7, [IDL_I16] = 15, [IDL_I32] = 31, [IDL_I64] = 63,
        [IDL_U8] = 8, [IDL_U16] = 16, [IDL_U32] = 32, [IDL_U64] = 64};
    int width = bits[type->kind];
    bool is_signed = idl_kind_is_signed(type->kind);
    idl_type range = *type;
    set_text(o, schema, "type", "integer");
    set_text(o, schema, "format",
             width > 32  ? is_signed ? "int64" : "uint64"
             : is_signed ? "int32"
                         : "uint32");
    if (!range.has_min) {
        range.has_min = true;
        /* Clears all eight bytes of the union before the signed members are
         * set. */
        range.min.u = 0;
        range.min.i = is_signed ? -(INT64_MAX >> (63 - width)) - 1 : 0;
    }
    if (!range.has_max) {
        range.has_max = true;
        range.max.u = UINT64_MAX >> (64 - width);
    }
    set_bounds(o, schema, &range);
}

/* JSON has no NaN and no infinities, so the codec writes them as strings. A
 * type with both bounds can't hold them, and is a plain number. */
static void set_float(gen_openapi *o, gen_value *schema, const idl_type *type)
{
    static const char *const words[] = {"NaN", "Infinity", "-Infinity"};
    gen_value *plain = schema;
    if (!type->has_min || !type->has_max) {
        gen_value *any = gen_set(schema, "anyOf", gen_array(o->tree));
        plain = gen_push(any, gen_object(o->tree));
        gen_value *odd = gen_push(any, gen_object(o->tree));
        set_text(o, odd, "type", "string");
        gen_value *list = gen_set(odd, "enum", gen_array(o->tree));
        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
            gen_push(list, gen_string(o->tree, words[i]));
        }
    }
    set_text(o, plain, "type", "number");
    set_text(o, plain, "format", type->kind == IDL_F32 ? "float" : "double");
    set_bounds(o, plain, type);
}

/* ---- lengths ---- */

/* A minimum of 0 is left out. */
static void set_count(gen_openapi *o, gen_value *schema, const idl_type *type,
                      const char *min_key, const char *max_key)
{
    if (type->has_min && type->min.u > 0) {
        gen_set(schema, min_key, gen_uint(o->tree, type->min.u));
    }
    if (type->has_max) {
        gen_set(schema, max_key, gen_uint(o->tree, type->max.u));
    }
}

/* Bounds are in bytes, and a character takes 1 to 4 bytes. So the minimum
 * number of characters is a quarter of the bound, and the maximum is the bound.
 * The exact bounds are set as extension members. */
static void set_string(gen_openapi *o, gen_value *schema, const idl_type *type)
{
    idl_type characters = *type;
    characters.min.u = type->min.u / 4 + (type->min.u % 4 != 0);
    set_text(o, schema, "type", "string");
    set_count(o, schema, &characters, "minLength", "maxLength");
    if (type->has_min || type->has_max) {
        gen_value *bytes =
            gen_set(schema, "x-shmrpc-bytes", gen_object(o->tree));
        set_count(o, bytes, type, "min", "max");
    }
}

/* The bounds of the base64 text: 4 characters for each started group of 3
 * bytes. A bound whose text length would exceed 64 bits is left out. */
static void set_bytes(gen_openapi *o, gen_value *schema, const idl_type *type)
{
    const uint64_t most = UINT64_MAX / 4;
    idl_type digits = *type;
    digits.has_max = type->has_max && type->max.u < most;
    digits.min.u = type->min.u < most ? (type->min.u + 2) / 3 * 4 : 0;
    digits.max.u = digits.has_max ? (type->max.u + 2) / 3 * 4 : 0;
    set_text(o, schema, "type", "string");
    set_text(o, schema, "contentEncoding", "base64");
    set_count(o, schema, &digits, "minLength", "maxLength");
}

/* ---- named types ---- */

/* Makes `schema` a reference to the name. Returns the schema with that name if
 * it was just added and must be filled in; NULL if it already existed. */
static gen_value *refer(gen_openapi *o, gen_value *schema, const char *name)
{
    const char *key = gen_print(o->tree, "%s%s", o->prefix, name);
    gen_set(schema, "$ref",
            gen_format(o->tree, "#/components/schemas/%s", key));
    return gen_get(o->schemas, key, strlen(key)) == NULL
               ? gen_set(o->schemas, key, gen_object(o->tree))
               : NULL;
}

/* Allows the names, and any number of the base type: enums are open, and values
 * without a name are sent as numbers. */
static void fill_enum(gen_openapi *o, gen_value *schema, const idl_enum *e)
{
    gen_openapi_docs(o, schema, &e->decl.meta.docs);
    gen_value *any = gen_set(schema, "anyOf", gen_array(o->tree));
    gen_value *names = gen_push(any, gen_object(o->tree));
    set_text(o, names, "type", "string");
    gen_value *list = gen_set(names, "enum", gen_array(o->tree));
    for (size_t i = 0; i < e->item_count; i++) {
        gen_push(list, gen_string(o->tree, e->items[i].name));
    }
    /* Without bounds: the whole range of the base type. */
    const idl_type base = {.kind = e->base};
    set_integer(o, gen_push(any, gen_object(o->tree)), &base);
}

/* An object with exactly one of the members. */
static void fill_union(gen_openapi *o, gen_value *schema,
                       const idl_record *record)
{
    gen_value *one = gen_set(schema, "oneOf", gen_array(o->tree));
    for (size_t i = 0; i < record->field_count; i++) {
        const idl_field *field = &record->fields[i];
        gen_value *choice = gen_push(one, gen_object(o->tree));
        set_text(o, choice, "type", "object");
        gen_value *properties =
            gen_set(choice, "properties", gen_object(o->tree));
        gen_openapi_field(
            o, gen_set(properties, field->name, gen_object(o->tree)), field);
        gen_value *required = gen_set(choice, "required", gen_array(o->tree));
        gen_push(required, gen_string(o->tree, field->name));
        gen_set(choice, "additionalProperties", gen_bool(o->tree, false));
    }
}

/* Other members are allowed: readers skip unknown ones. */
static void fill_fields(gen_openapi *o, gen_value *schema,
                        const idl_record *record)
{
    gen_value *required = gen_array(o->tree);
    set_text(o, schema, "type", "object");
    gen_value *properties = gen_set(schema, "properties", gen_object(o->tree));
    for (size_t i = 0; i < record->field_count; i++) {
        const idl_field *field = &record->fields[i];
        gen_openapi_field(
            o, gen_set(properties, field->name, gen_object(o->tree)), field);
        if (gen_openapi_is_required(field)) {
            gen_push(required, gen_string(o->tree, field->name));
        }
    }
    if (required->len > 0) {
        gen_set(schema, "required", required);
    }
}

static void refer_record(gen_openapi *o, gen_value *schema,
                         const idl_record *record)
{
    gen_value *made = refer(o, schema, record->decl.full_name);
    if (made == NULL) {
        return;
    }
    gen_openapi_docs(o, made, &record->decl.meta.docs);
    if (record->kind == IDL_RECORD_UNION) {
        fill_union(o, made, record);
    } else {
        fill_fields(o, made, record);
    }
}

/* ---- types ---- */

/* An array is a list whose minimum and maximum length are the same. */
static void set_list(gen_openapi *o, gen_value *schema, const idl_type *type)
{
    /* A copy, in which the array's length is set as both bounds. */
    idl_type bounds = *type;
    if (type->kind == IDL_ARRAY) {
        bounds.has_min = bounds.has_max = true;
        bounds.min.u = bounds.max.u = type->length;
    }
    set_text(o, schema, "type", "array");
    gen_openapi_type(o, gen_set(schema, "items", gen_object(o->tree)),
                     type->element);
    set_count(o, schema, &bounds, "minItems", "maxItems");
}

/* JSON has only string keys: other keys are written as text, whose form the
 * schema does not describe. */
static void set_map(gen_openapi *o, gen_value *schema, const idl_type *type)
{
    set_text(o, schema, "type", "object");
    gen_openapi_type(
        o, gen_set(schema, "additionalProperties", gen_object(o->tree)),
        type->element);
    if (type->key->kind == IDL_STRING &&
        (type->key->has_min || type->key->has_max)) {
        set_string(o, gen_set(schema, "propertyNames", gen_object(o->tree)),
                   type->key);
    }
    set_count(o, schema, type, "minProperties", "maxProperties");
}

void gen_openapi_type(gen_openapi *o, gen_value *schema, const idl_type *type)
{
    gen_value *made;
    switch (type->kind) {
    case IDL_BOOL:
        set_text(o, schema, "type", "boolean");
        break;
    case IDL_I8:
    case IDL_I16:
    case IDL_I32:
    case IDL_I64:
    case IDL_U8:
    case IDL_U16:
    case IDL_U32:
    case IDL_U64:
        set_integer(o, schema, type);
        break;
    case IDL_F32:
    case IDL_F64:
        set_float(o, schema, type);
        break;
    case IDL_STRING:
        set_string(o, schema, type);
        break;
    case IDL_BYTES:
        set_bytes(o, schema, type);
        break;
    case IDL_ANY:
        break; /* any value is allowed */
    case IDL_LIST:
    case IDL_ARRAY:
        set_list(o, schema, type);
        break;
    case IDL_MAP:
        set_map(o, schema, type);
        break;
    case IDL_ENUM:
        made = refer(o, schema, type->enumeration->decl.full_name);
        if (made != NULL) {
            fill_enum(o, made, type->enumeration);
        }
        break;
    case IDL_STRUCT:
    case IDL_UNION:
        refer_record(o, schema, type->record);
        break;
    }
}

/* ---- fields ---- */

/* A field with a default is not required: the receiver fills it in. */
bool gen_openapi_is_required(const idl_field *field)
{
    return !field->optional && field->default_value.kind == IDL_VALUE_NONE;
}

/* The default as a JSON value; NULL if it has no JSON form (infinities,
 * bytes). */
static gen_value *default_of(gen_openapi *o, const idl_field *field)
{
    const idl_value *value = &field->default_value;
    idl_number exact = {.i = value->u.i};
    switch (value->kind) {
    case IDL_VALUE_BOOL:
        return gen_bool(o->tree, value->u.b);
    case IDL_VALUE_INT:
        return gen_int(o->tree, value->u.i);
    case IDL_VALUE_UINT:
        return gen_uint(o->tree, value->u.u);
    case IDL_VALUE_FLOAT:
        exact.f = value->u.f;
        return isfinite(exact.f) ? number(o, field->type->kind, exact) : NULL;
    case IDL_VALUE_TEXT:
        return field->type->kind == IDL_STRING
                   ? gen_string_n(o->tree, value->u.text.ptr, value->u.text.len)
                   : NULL;
    case IDL_VALUE_ENUM:
        return gen_string(o->tree, value->u.item->name);
    case IDL_VALUE_NONE:
    case IDL_VALUE_DURATION:
    case IDL_VALUE_WORD:
        break;
    }
    return NULL;
}

void gen_openapi_field(gen_openapi *o, gen_value *schema,
                       const idl_field *field)
{
    /* @json(string): the number is quoted, for JavaScript. */
    if (field->json_string) {
        set_text(o, schema, "type", "string");
        set_text(o, schema, "pattern", "^-?[0-9]+$");
    } else {
        gen_openapi_type(o, schema, field->type);
    }
    gen_value *value = default_of(o, field);
    if (value != NULL) {
        gen_set(schema, "default", value);
    }
    if (gen_openapi_member(schema, "description") == NULL) {
        gen_openapi_docs(o, schema, &field->meta.docs);
    }
    if (field->meta.deprecated) {
        gen_set(schema, "deprecated", gen_bool(o->tree, true));
    }
}

/* ---- errors ---- */

/* Sets the members of the object that shmrpc-web returns when a call fails. A
 * declared error has a constant name and number, and its details. */
void gen_openapi_error_members(gen_openapi *o, gen_value *schema,
                               const idl_record *error)
{
    /* shmrpc-web always writes all of these members. */
    static const char *const names[] = {"code", "name", "number", "message",
                                        "may_have_run"};
    static const char *const types[] = {"string", "string", "integer", "string",
                                        "boolean"};
    gen_value *properties = gen_set(schema, "properties", gen_object(o->tree));
    gen_value *required = gen_array(o->tree);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        gen_value *property =
            gen_set(properties, names[i], gen_object(o->tree));
        set_text(o, property, "type", types[i]);
        gen_push(required, gen_string(o->tree, names[i]));
        if (error != NULL && strcmp(names[i], "name") == 0) {
            set_text(o, property, "const", error->decl.full_name);
        } else if (error != NULL && strcmp(names[i], "number") == 0) {
            gen_set(property, "const", gen_int(o->tree, error->number));
        }
    }
    if (error == NULL) {
        gen_value *path = gen_set(properties, "path", gen_object(o->tree));
        set_text(o, path, "type", "string");
        set_text(o, path, "description",
                 "The parameter that the error is about.");
    } else if (error->field_count > 0) {
        fill_fields(o, gen_set(properties, "details", gen_object(o->tree)),
                    error);
    }
    gen_set(schema, "required", required);
}

void gen_openapi_ref_error(gen_openapi *o, gen_value *schema,
                           const idl_record *error)
{
    gen_value *made = refer(o, schema, error->decl.full_name);
    if (made != NULL) {
        set_text(o, made, "type", "object");
        gen_openapi_docs(o, made, &error->decl.meta.docs);
        gen_openapi_error_members(o, made, error);
    }
}
