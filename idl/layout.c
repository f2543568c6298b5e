/* Layouts of types, by the rule of codec/layout.h. */
#include "idl/layout.h"

bool idl_record_is_fixed(const idl_record *record)
{
    for (size_t i = 0; i < record->field_count; i++) {
        const idl_field *field = &record->fields[i];
        if ((idl_field_flags(field, false) & SHMRPC_FIELD_POINTER) != 0 ||
            !idl_is_fixed(field->type)) {
            return false;
        }
    }
    return true;
}

bool idl_is_fixed(const idl_type *type)
{
    switch (type->kind) {
    case IDL_ARRAY:
        return idl_is_fixed(type->element);
    case IDL_ENUM:
        return true;
    case IDL_STRUCT:
    case IDL_UNION:
        return idl_record_is_fixed(type->record);
    default:
        return type->kind <= IDL_F64;
    }
}

uint32_t idl_field_flags(const idl_field *field, bool is_param)
{
    bool is_record =
        field->type->kind == IDL_STRUCT || field->type->kind == IDL_UNION;
    bool is_any = field->type->kind == IDL_ANY;
    uint32_t flags = field->optional ? SHMRPC_FIELD_OPTIONAL : 0;
    if (is_param ? is_record || is_any : is_record && field->optional) {
        flags |= SHMRPC_FIELD_POINTER;
    }
    return flags;
}

static shmrpci_layout scalar_layout(idl_kind kind)
{
    switch (kind) {
    case IDL_BOOL:
    case IDL_I8:
    case IDL_U8:
        return (shmrpci_layout){1, 1};
    case IDL_I16:
    case IDL_U16:
        return (shmrpci_layout){2, 2};
    case IDL_I32:
    case IDL_U32:
    case IDL_F32:
        return (shmrpci_layout){4, 4};
    case IDL_I64:
    case IDL_U64:
    case IDL_F64:
        return (shmrpci_layout){8, 8};
    case IDL_STRING:
    case IDL_BYTES:
    case IDL_LIST:
    case IDL_MAP:
        return SHMRPCI_LAYOUT_REFERENCE;
    case IDL_ANY:
    case IDL_ARRAY:
    case IDL_ENUM:
    case IDL_STRUCT:
    case IDL_UNION:
        break;
    }
    return (shmrpci_layout){0, 0};
}

shmrpci_layout idl_layout(const idl_type *type)
{
    switch (type->kind) {
    case IDL_ARRAY:
        return shmrpci_layout_array(idl_layout(type->element), type->length);
    case IDL_ENUM:
        return scalar_layout(type->enumeration->base);
    case IDL_STRUCT:
    case IDL_UNION:
        return idl_record_layout(type->record);
    default:
        return scalar_layout(type->kind);
    }
}

const idl_field *idl_next_by_tag(const idl_field *fields, size_t count,
                                 uint32_t tag)
{
    const idl_field *next = NULL;
    for (size_t i = 0; i < count; i++) {
        if (fields[i].tag > tag &&
            (next == NULL || fields[i].tag < next->tag)) {
            next = &fields[i];
        }
    }
    return next;
}

static shmrpci_layout struct_layout(const idl_field *fields, size_t count,
                                    bool is_params)
{
    shmrpci_layout whole = SHMRPCI_LAYOUT_EMPTY;
    const idl_field *field = idl_next_by_tag(fields, count, 0);
    while (field != NULL) {
        uint32_t flags = idl_field_flags(field, is_params);
        uint32_t presence;
        /* A reference may lead back to this record, so it is not followed. */
        shmrpci_layout value = shmrpci_layout_is_reference(flags)
                                   ? SHMRPCI_LAYOUT_REFERENCE
                                   : idl_layout(field->type);
        (void)shmrpci_layout_add_field(&whole, value, flags, &presence);
        field = idl_next_by_tag(fields, count, field->tag);
    }
    return shmrpci_layout_end(whole);
}

shmrpci_layout idl_record_layout(const idl_record *record)
{
    if (record->kind != IDL_RECORD_UNION) {
        return struct_layout(record->fields, record->field_count, false);
    }
    shmrpci_layout members = SHMRPCI_LAYOUT_EMPTY;
    for (size_t i = 0; i < record->field_count; i++) {
        shmrpci_layout_add_member(&members, idl_layout(record->fields[i].type));
    }
    return shmrpci_layout_union_end(members);
}

shmrpci_layout idl_params_layout(const idl_method *method)
{
    return struct_layout(method->params, method->param_count, true);
}

bool idl_is_flat(const idl_type *type)
{
    if (type->has_min || type->has_max) {
        return false;
    }
    switch (type->kind) {
    case IDL_ARRAY:
        return idl_is_flat(type->element);
    case IDL_STRUCT:
        return idl_record_is_flat(type->record);
    default:
        return type->kind > IDL_BOOL && type->kind <= IDL_F64;
    }
}

/* C orders fields as in the source, and the encoding native orders them by tag.
 * The two orders agree if the tags ascend in the source. There must be no gap
 * between the fields or after them. */
static bool fields_are_flat(const idl_field *fields, size_t count,
                            uint32_t size)
{
    uint64_t sum = 0;
    uint32_t last_tag = 0;
    for (size_t i = 0; i < count; i++) {
        if (fields[i].tag < last_tag || fields[i].optional ||
            !idl_is_flat(fields[i].type)) {
            return false;
        }
        last_tag = fields[i].tag;
        sum += idl_layout(fields[i].type).size;
    }
    return count > 0 && sum == size;
}

bool idl_record_is_flat(const idl_record *record)
{
    return record->kind == IDL_RECORD_STRUCT &&
           fields_are_flat(record->fields, record->field_count,
                           idl_record_layout(record).size);
}

bool idl_params_are_flat(const idl_method *method)
{
    for (size_t i = 0; i < method->param_count; i++) {
        if ((idl_field_flags(&method->params[i], true) &
             SHMRPC_FIELD_POINTER) != 0) {
            return false;
        }
    }
    return fields_are_flat(method->params, method->param_count,
                           idl_params_layout(method).size);
}
