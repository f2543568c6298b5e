/* Rules for shared objects. */
#include "idl/check.h"

#include "idl/layout.h"
#include "idl/option.h"

/* ---- keys ---- */

static bool is_scalar_key(const idl_type *type)
{
    return type == &idl_broken_type || type->kind == IDL_BOOL ||
           type->kind == IDL_ENUM || type->kind == IDL_STRING ||
           type->kind == IDL_BYTES || type->kind == IDL_ANY ||
           idl_kind_is_signed(type->kind) || idl_kind_is_unsigned(type->kind);
}

/* Equal values of a key must have equal bytes, which is not true of floats. */
static bool has_float(const idl_type *type)
{
    while (type->kind == IDL_ARRAY) {
        type = type->element;
    }
    bool found = idl_kind_is_float(type->kind);
    for (size_t i = 0;
         type->kind == IDL_STRUCT && !found && i < type->record->field_count;
         i++) {
        found = has_float(type->record->fields[i].type);
    }
    return found;
}

/* A struct can be a key if comparing its bytes in memory compares its values.
 * After errors in the file (`is_sound` is false) every struct is accepted,
 * because it may contain itself. */
static bool is_struct_key(const idl_type *type, bool is_sound)
{
    return type->kind == IDL_STRUCT &&
           (!is_sound || (idl_is_flat(type) && !has_float(type)));
}

static void check_key(idl_diags *diags, const idl_shared *shared, bool is_sound)
{
    const idl_type *key = shared->key;
    if (is_scalar_key(key) || is_struct_key(key, is_sound)) {
        return;
    }
    if (key->kind == IDL_STRUCT) {
        idl_diag *diag = idl_report(diags, IDL_S_BAD_MAP_KEY, key->span,
                                    "`%s` can't be the key of a dict",
                                    key->record->decl.name);
        idl_expected(diags, diag,
                     "a flat struct of integers: nothing optional, no bounds, "
                     "and no gaps between the fields");
        idl_add_note(diags, diag, key->record->decl.span, "declared here");
        return;
    }
    idl_diag *diag =
        idl_report(diags, IDL_S_BAD_MAP_KEY, key->span,
                   "%s can't be the key of a dict", idl_kind_name(key->kind));
    idl_expected(diags, diag,
                 "string, bytes, bool, an enum, an integer, any, or a flat "
                 "struct of integers");
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
    bool is_sound = diags->error_count == 0; /* of earlier passes */
    for (size_t i = 0; i < resolved->symbol_count; i++) {
        const idl_symbol *symbol = resolved->symbols[i];
        if (symbol->kind != IDL_SYMBOL_SHARED) {
            continue;
        }
        idl_shared *shared = symbol->u.shared;
        fill_options(shared);
        if (shared->key != NULL) {
            check_key(diags, shared, is_sound);
        }
        if (shared->kind != IDL_SHARED_PIPE) {
            check_encoding(diags, shared);
        }
    }
}
