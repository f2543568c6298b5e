/* Rules for shared objects. */
#include "idl/check.h"

#include "idl/limits.h"
#include "idl/option.h"

/* ---- keys ---- */

/* Equal values of a key must have equal bytes, so floats can't be in one. */
static bool is_exact(const idl_type *type, size_t depth)
{
    while (type->kind == IDL_ARRAY) {
        type = type->element;
    }
    if (type == &idl_broken_type || depth == 0 || type->kind == IDL_BOOL ||
        type->kind == IDL_ENUM || idl_kind_is_signed(type->kind) ||
        idl_kind_is_unsigned(type->kind)) {
        return true;
    }
    bool exact = type->kind == IDL_STRUCT && type->record->field_count > 0;
    for (size_t i = 0; exact && i < type->record->field_count; i++) {
        const idl_field *field = &type->record->fields[i];
        exact = !field->optional && is_exact(field->type, depth - 1);
    }
    return exact;
}

static void check_key(idl_diags *diags, const idl_shared *shared)
{
    const idl_type *key = shared->key;
    bool good = key->kind == IDL_STRING || key->kind == IDL_BYTES ||
                key->kind == IDL_ANY ||
                (key->kind != IDL_ARRAY && is_exact(key, IDL_MAX_DEPTH));
    if (!good) {
        idl_diag *diag = idl_report(diags, IDL_S_BAD_MAP_KEY, key->span,
                                    key->kind == IDL_STRUCT
                                        ? "this %s can't be the key of a dict"
                                        : "%s can't be the key of a dict",
                                    idl_kind_name(key->kind));
        idl_expected(diags, diag,
                     "string, bytes, bool, an enum, an integer, any, or a "
                     "struct of bools, integers and enums alone");
    }
}

/* ---- encodings ---- */

static bool is_one_of(const idl_type *type, idl_kind a, idl_kind b)
{
    return type == NULL || type == &idl_broken_type || type->kind == a ||
           type->kind == b;
}

static void check_encoding(idl_diags *diags, const idl_shared *shared)
{
    static const char expected[] = "encoding json or msgpack, or another type";
    idl_span span = shared->decl.span;
    const char *kind = idl_shared_kind_name(shared->kind);
    switch ((idl_encoding)shared->options[IDL_OPTION_ENCODING]) {
    case IDL_ENCODING_NATIVE:
        idl_check_no_any(diags, shared->key, span, "native encoding", expected);
        idl_check_no_any(diags, shared->element, span, "native encoding",
                         expected);
        break;
    case IDL_ENCODING_RAW:
        if (!is_one_of(shared->element, IDL_BYTES, IDL_BYTES) ||
            !is_one_of(shared->key, IDL_BYTES, IDL_STRING)) {
            idl_diag *diag = idl_report(diags, IDL_S_BAD_RAW, span,
                                        "raw %s `%s` is not of bytes", kind,
                                        shared->decl.name);
            idl_expected(diags, diag,
                         shared->key != NULL
                             ? "dict<string, bytes> or dict<bytes, bytes>"
                             : "%s bytes",
                         kind);
        }
        break;
    case IDL_ENCODING_JSON:
    case IDL_ENCODING_MSGPACK:
        break;
    }
}

/* ---- options ---- */

static void fill_options(idl_shared *shared)
{
    for (size_t i = 0; i < IDL_OPTION_COUNT; i++) {
        const idl_option_row *row = idl_option_of(shared->kind, (idl_option)i);
        if (row != NULL && (shared->given & 1u << i) == 0) {
            shared->options[i] = idl_option_default(shared, row);
        }
    }
}

void idl_check_shared(const idl_resolved *resolved, idl_diags *diags)
{
    for (size_t i = 0; i < resolved->symbol_count; i++) {
        const idl_symbol *symbol = resolved->symbols[i];
        if (symbol->kind != IDL_SYMBOL_SHARED) {
            continue;
        }
        idl_shared *shared = symbol->u.shared;
        fill_options(shared);
        if (shared->key != NULL) {
            check_key(diags, shared);
        }
        if (shared->kind != IDL_SHARED_PIPE) {
            check_encoding(diags, shared);
        }
    }
}
