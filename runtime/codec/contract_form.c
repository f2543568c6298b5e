/*
 * The type tables of a contract, and the check of a contract that came from a
 * peer.
 *
 * The tables describe the structs of contract_form.h as a `.svc` would; they
 * are written by hand because the generator itself needs this file. Contracts
 * are keyed by tags (COMPACT), so new fields with new tags can be added: older
 * readers skip them, newer ones see a missing optional field as absent. Tags
 * and types of existing fields never change.
 * Comparing relies on this check after decoding: indices are in range, each
 * kind has its parts, and names can go into a message unchanged. Recursive
 * types are fine, because comparing bounds its own depth.
 */
#include "codec/contract_form.h"

#include <inttypes.h>

typedef shmrpci_contract_field field_form;
typedef shmrpci_contract_name name_form;
typedef shmrpci_contract_type type_form;
typedef shmrpci_contract_error error_form;
typedef shmrpci_contract_method method_form;

/* Max length of a name in a contract, in bytes; the grammar of `.svc` files
 * allows no longer ones. */
#define NAME_BYTES 255

/* Short forms of the macros of descriptor.h. On the wire fields are named by
 * tags; the C names appear in the paths of errors. */
#define FIELD(tag, c_struct, c_field, type) \
    SHMRPC_FIELD_INIT(tag, #c_field, type, c_struct, c_field, 0, NULL, NULL)
#define OPTIONAL(tag, c_struct, c_field, type)                    \
    SHMRPC_FIELD_HAS_INIT(tag, #c_field, type, c_struct, c_field, \
                          has_##c_field, NULL, NULL)
#define TABLE(c_struct, fields)                                             \
    SHMRPC_TYPE_STRUCT_INIT(c_struct, SHMRPC_TYPE_COMPACT, 0, 0, #c_struct, \
                            NULL, fields)
#define LIST(c_struct, member, c_item, item_type)                          \
    {                                                                      \
        .kind = SHMRPC_KIND_LIST, .size = sizeof(((c_struct *)0)->member), \
        .align = _Alignof(void *), .item_size = sizeof(c_item),            \
        .element = item_type                                               \
    }

static const shmrpc_type name_type = SHMRPC_TYPE_BOUNDED_INIT(
    SHMRPC_KIND_STRING, shmrpc_str, 8, 4, 0, NAME_BYTES);

static const shmrpc_field field_fields[] = {
    FIELD(1, field_form, name, &name_type),
    FIELD(2, field_form, type, &shmrpc_type_u32),
    FIELD(3, field_form, tag, &shmrpc_type_u32),
    FIELD(4, field_form, flags, &shmrpc_type_u32),
};
static const shmrpc_type field_type = TABLE(field_form, field_fields);
static const shmrpc_type field_list =
    LIST(type_form, fields, field_form, &field_type);

static const shmrpc_field name_fields[] = {
    FIELD(1, name_form, name, &name_type),
    FIELD(2, name_form, value, &shmrpc_type_i64),
};
static const shmrpc_type enumerator_type = TABLE(name_form, name_fields);
static const shmrpc_type enumerator_list =
    LIST(type_form, names, name_form, &enumerator_type);

static const shmrpc_field type_fields[] = {
    FIELD(1, type_form, kind, &shmrpc_type_u8),
    FIELD(2, type_form, has_bounds, &shmrpc_type_bool),
    FIELD(3, type_form, min, &shmrpc_type_u64),
    FIELD(4, type_form, max, &shmrpc_type_u64),
    FIELD(5, type_form, count, &shmrpc_type_u32),
    FIELD(6, type_form, name, &name_type),
    OPTIONAL(7, type_form, element, &shmrpc_type_u32),
    OPTIONAL(8, type_form, key, &shmrpc_type_u32),
    FIELD(9, type_form, fields, &field_list),
    FIELD(10, type_form, names, &enumerator_list),
};
static const shmrpc_type type_type = TABLE(type_form, type_fields);
static const shmrpc_type type_list =
    LIST(shmrpci_contract, types, type_form, &type_type);

static const shmrpc_field error_fields[] = {
    FIELD(1, error_form, name, &name_type),
    FIELD(2, error_form, number, &shmrpc_type_i32),
    OPTIONAL(3, error_form, payload, &shmrpc_type_u32),
};
static const shmrpc_type error_type = TABLE(error_form, error_fields);
static const shmrpc_type error_list =
    LIST(shmrpci_contract, errors, error_form, &error_type);

static const shmrpc_type throws_list =
    LIST(method_form, throws, uint32_t, &shmrpc_type_u32);
static const shmrpc_field method_fields[] = {
    FIELD(1, method_form, name, &name_type),
    FIELD(2, method_form, encoding, &shmrpc_type_u8),
    FIELD(3, method_form, flags, &shmrpc_type_u32),
    FIELD(4, method_form, hash, &shmrpc_type_u64),
    FIELD(5, method_form, signature, &shmrpc_type_string),
    FIELD(6, method_form, params, &shmrpc_type_u32),
    OPTIONAL(7, method_form, result, &shmrpc_type_u32),
    FIELD(8, method_form, throws, &throws_list),
    OPTIONAL(9, method_form, items_in, &shmrpc_type_u32),
    OPTIONAL(10, method_form, items_out, &shmrpc_type_u32),
};
static const shmrpc_type method_type = TABLE(method_form, method_fields);
static const shmrpc_type method_list =
    LIST(shmrpci_contract, methods, method_form, &method_type);

static const shmrpc_field contract_fields[] = {
    FIELD(1, shmrpci_contract, name, &name_type),
    FIELD(2, shmrpci_contract, id, &name_type),
    FIELD(3, shmrpci_contract, version, &shmrpc_type_u32),
    FIELD(4, shmrpci_contract, methods, &method_list),
    FIELD(5, shmrpci_contract, types, &type_list),
    FIELD(6, shmrpci_contract, errors, &error_list),
};
const shmrpc_type shmrpci_contract_form =
    TABLE(shmrpci_contract, contract_fields);

/* Names go into messages and to terminals, so only letters, digits, `_`, `.`
 * and `-` are allowed, at least one of them. */
static bool is_plain(shmrpc_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
        if (!ok) {
            return false;
        }
    }
    return name.len > 0;
}

static bool has_kind(const shmrpci_contract *contract, uint32_t type,
                     shmrpc_kind kind)
{
    return type < contract->types.len && contract->types.ptr[type].kind == kind;
}

/* Tags must ascend, so that no tag occurs twice, and 0 is not a tag. */
static bool fields_ok(const shmrpci_contract *contract, const type_form *type)
{
    uint32_t last = 0;
    for (size_t i = 0; i < type->fields.len; i++) {
        const field_form *field = &type->fields.ptr[i];
        if (!is_plain(field->name) || field->type >= contract->types.len ||
            field->tag <= last) {
            return false;
        }
        last = field->tag;
    }
    return true;
}

static bool names_ok(const type_form *type)
{
    for (size_t i = 0; i < type->names.len; i++) {
        if (!is_plain(type->names.ptr[i].name)) {
            return false;
        }
    }
    return true;
}

static bool element_ok(const shmrpci_contract *contract, const type_form *type)
{
    return type->has_element && type->element < contract->types.len;
}

/* The base type decides the width in native images, so it must be an
 * integer. */
static bool enum_ok(const shmrpci_contract *contract, const type_form *type)
{
    if (!element_ok(contract, type)) {
        return false;
    }
    uint8_t base = contract->types.ptr[type->element].kind;
    return base >= SHMRPC_KIND_I8 && base <= SHMRPC_KIND_U64 && names_ok(type);
}

/* A kind that is not known here is refused: we can't talk to a server that uses
 * it anyway. */
static bool type_ok(const shmrpci_contract *contract, const type_form *type)
{
    switch (type->kind) {
    case SHMRPC_KIND_LIST:
    case SHMRPC_KIND_ARRAY:
        return element_ok(contract, type);
    case SHMRPC_KIND_MAP:
        return element_ok(contract, type) && type->has_key &&
               type->key < contract->types.len;
    case SHMRPC_KIND_ENUM:
        return enum_ok(contract, type);
    case SHMRPC_KIND_STRUCT:
    case SHMRPC_KIND_UNION:
        return fields_ok(contract, type);
    default:
        return type->kind >= SHMRPC_KIND_BOOL && type->kind <= SHMRPC_KIND_ANY;
    }
}

/* Named types have plain names; parameters and simple types have none. */
static bool name_ok(const type_form *type)
{
    return type->name.len == 0 || is_plain(type->name);
}

/* Numbers below 100 are statuses of the library. */
static bool error_ok(const shmrpci_contract *contract, const error_form *thrown)
{
    return is_plain(thrown->name) && thrown->number >= 100 &&
           (!thrown->has_payload ||
            has_kind(contract, thrown->payload, SHMRPC_KIND_STRUCT));
}

/* Flags and item types must agree. A method that returns a stream has no
 * result; a oneway method, which nobody waits for, has no streams. */
static bool streams_ok(const shmrpci_contract *contract,
                       const method_form *method)
{
    bool in = (method->flags & SHMRPC_METHOD_STREAMS_IN) != 0;
    bool out = (method->flags & SHMRPC_METHOD_STREAMS_OUT) != 0;
    bool oneway = (method->flags & SHMRPC_METHOD_ONEWAY) != 0;
    return in == method->has_items_in && out == method->has_items_out &&
           (!in || method->items_in < contract->types.len) &&
           (!out || method->items_out < contract->types.len) &&
           !(out && method->has_result) && !(oneway && (in || out));
}

static bool method_ok(const shmrpci_contract *contract,
                      const method_form *method)
{
    bool ok = is_plain(method->name) &&
              method->encoding >= SHMRPC_ENCODING_RAW &&
              method->encoding <= SHMRPC_ENCODING_NATIVE &&
              has_kind(contract, method->params, SHMRPC_KIND_STRUCT) &&
              (!method->has_result || method->result < contract->types.len) &&
              streams_ok(contract, method);
    for (size_t i = 0; ok && i < method->throws.len; i++) {
        ok = method->throws.ptr[i] < contract->errors.len;
    }
    return ok;
}

/* Names a table entry by its index, for people who look at the peer's contract,
 * because its name may be the malformed part. */
static int refuse(shmrpc_error *error, const char *what, size_t index)
{
    return shmrpc_error_set(error, SHMRPC_E_INVALID,
                            "the contract's %s %zu is malformed", what, index);
}

int shmrpci_contract_check(const shmrpci_contract *contract,
                           shmrpc_error *error)
{
    if (!is_plain(contract->name) || !is_plain(contract->id)) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "the contract's name or id is malformed");
    }
    for (size_t i = 0; i < contract->types.len; i++) {
        if (!type_ok(contract, &contract->types.ptr[i]) ||
            !name_ok(&contract->types.ptr[i])) {
            return refuse(error, "type", i);
        }
    }
    for (size_t i = 0; i < contract->errors.len; i++) {
        if (!error_ok(contract, &contract->errors.ptr[i])) {
            return refuse(error, "error", i);
        }
    }
    for (size_t i = 0; i < contract->methods.len; i++) {
        if (!method_ok(contract, &contract->methods.ptr[i])) {
            return refuse(error, "method", i);
        }
    }
    return SHMRPC_OK;
}
