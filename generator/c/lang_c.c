/*
 * The language C: the object `c` of each entity of the model.
 *
 * templates/README.md explains the members of that object. Anything beyond a
 * loop or a flag test is decided here, in C, where it can be tested, and passed
 * to the templates as text: declarations, names, flags of tables, rows in the
 * order that tables need.
 *
 * Names are settled before any object is made. Names with linkage are reserved
 * first, so that no static object gets one of them; each entity then claims its
 * own, and a clash is an error with both owners' names rather than something
 * that the C compiler finds.
 */
#include "generator/c/lang_c.h"

#include "generator/lang.h"
#include "generator/tidy.h"

/* The text is not copied: it must be constant or live in the tree. */
void gen_c_set_text(gen_model *m, gen_value *object, const char *key,
                    const char *text)
{
    gen_set(object, key,
            text != NULL ? gen_ref(m->tree, text) : gen_null(m->tree));
}

void gen_c_set_flag(gen_model *m, gen_value *object, const char *key, bool flag)
{
    gen_set(object, key, gen_bool(m->tree, flag));
}

/* ---- the file ---- */

/* Puts a name in the quotes that all diagnostics use. */
static const char *quoted(gen_model *m, const char *name)
{
    return gen_c_text(m, "`%s`", name);
}

/* Reserves the name of a type: no static object may have it, and in C++ no
 * member. */
static void reserve_type(gen_model *m, const idl_decl *decl)
{
    const char *name = gen_c_name(m, decl);
    (void)gen_c_unique(m, name);
    (void)gen_c_enter(m, &gen_c_state_of(m)->types, name, name);
    if (decl->imported) { /* it has no entity here that would claim its name */
        gen_c_claim(m, name, quoted(m, decl->full_name), decl->span);
    }
}

/* Reserves names with linkage: those of this file's declarations, and those of
 * imported ones, because both end up in one translation unit. */
static void reserve_names(gen_model *m)
{
    const idl_schema *schema = m->schema;
    for (size_t i = 0; i < schema->enum_count; i++) {
        reserve_type(m, &schema->enums[i]->decl);
    }
    for (size_t i = 0; i < schema->by_value_count; i++) {
        reserve_type(m, &schema->by_value[i]->decl);
    }
    for (size_t i = 0; i < schema->service_count; i++) {
        const idl_service *service = schema->services[i];
        reserve_type(m, &service->decl);
        for (size_t k = 0; k < service->method_count; k++) {
            (void)gen_c_unique(m, gen_c_function(m, &service->methods[k]));
        }
        for (size_t k = 0; k < service->shared_count; k++) {
            gen_c_reserve_shared(m, service->shared[k]);
        }
    }
    for (size_t i = 0; i < schema->shared_count; i++) {
        gen_c_reserve_shared(m, schema->shared[i]);
    }
}

/* Claims the names of a type and of its descriptor. */
static void claim_decl(gen_model *m, const idl_decl *decl)
{
    /* Claimed together with the type's own name. */
    static const char *const suffixes[] = {"_descriptor", NULL};
    gen_c_claim_all(m, gen_c_name(m, decl), decl->full_name, decl->span,
                    suffixes);
}

/* Whether a service of this file raises an error with details that `file`
 * declares. */
static bool throws_from(const idl_schema *schema, const idl_file *file)
{
    for (size_t i = 0; i < schema->service_count; i++) {
        const idl_service *service = schema->services[i];
        for (size_t k = 0; k < service->method_count; k++) {
            const idl_method *method = &service->methods[k];
            for (size_t n = 0; n < method->throw_count; n++) {
                if (!service->decl.imported &&
                    method->throws[n]->decl.file == file &&
                    method->throws[n]->field_count > 0) {
                    return true;
                }
            }
        }
    }
    return false;
}

/* The imports whose server headers the generated server includes, because its
 * handlers raise errors that are declared there. */
static gen_value *raised_stems(gen_model *m)
{
    const idl_file *file = m->schema->main;
    gen_value *stems = gen_array(m->tree);
    for (size_t i = 0; i < file->import_count; i++) {
        if (throws_from(m->schema, file->imports[i].file)) {
            const char *path = gen_import_path_of(m->tree, m->opts->import_dirs,
                                                  &file->imports[i]);
            gen_push(stems, gen_ref(m->tree, gen_import_stem(m->tree, path)));
        }
    }
    return stems;
}

/* Whether the stubs of a method need <string.h>. They use its functions to copy
 * arrays and to clear optional parameters. */
static bool copies(const idl_method *method)
{
    for (size_t i = 0; i < method->param_count; i++) {
        const idl_field *param = &method->params[i];
        if (param->type->kind == IDL_ARRAY ||
            idl_field_flags(param, true) == SHMRPC_FIELD_OPTIONAL) {
            return true;
        }
    }
    return false;
}

/* Imported objects have their handles in the header of their own file. */
static void note_kind(bool *kinds, const idl_shared *shared)
{
    kinds[shared->kind] = kinds[shared->kind] || !shared->decl.imported;
}

/* Sets has_queue and similar flags, which say which headers the handles
 * need. */
static void set_kinds(gen_model *m, gen_value *c)
{
    const idl_schema *schema = m->schema;
    bool kinds[IDL_SHARED_VALUE + 1] = {false};
    bool any = false;
    for (size_t i = 0; i < schema->shared_count; i++) {
        note_kind(kinds, schema->shared[i]);
    }
    for (size_t i = 0; i < schema->service_count; i++) {
        for (size_t k = 0; k < schema->services[i]->shared_count; k++) {
            note_kind(kinds, schema->services[i]->shared[k]);
        }
    }
    for (int kind = 0; kind <= IDL_SHARED_VALUE; kind++) {
        const char *word = idl_shared_kind_name((idl_shared_kind)kind);
        gen_c_set_flag(m, c, gen_c_text(m, "has_%s", word), kinds[kind]);
        any = any || kinds[kind];
    }
    gen_c_set_flag(m, c, "has_shared", any);
}

/* Sets flags for the headers that the stubs of the file's own services and
 * errors need: generated files include only what they use. */
static void set_needs(gen_model *m, gen_value *c)
{
    const idl_schema *schema = m->schema;
    bool services = false;
    bool replies = false;
    bool strings = false;
    bool raises = false;
    bool streams = false;
    for (size_t i = 0; i < schema->service_count; i++) {
        const idl_service *service = schema->services[i];
        if (service->decl.imported) {
            continue;
        }
        services = true;
        for (size_t k = 0; k < service->method_count; k++) {
            replies =
                replies || (m->opts->async && !service->methods[k].oneway);
            strings = strings || copies(&service->methods[k]);
            streams = streams || gen_c_has_stream(&service->methods[k]);
        }
    }
    for (size_t i = 0; i < schema->error_count; i++) {
        const idl_record *error = schema->errors[i];
        raises = raises || (!error->decl.imported && error->field_count > 0);
    }
    gen_c_set_flag(m, c, "has_async", replies);
    gen_c_set_flag(m, c, "needs_string", strings);
    gen_c_set_flag(m, c, "needs_stub", services || raises);
    gen_c_set_flag(m, c, "has_services", services);
    gen_c_set_flag(m, c, "has_streams", streams);
}

/* Runs before any entity is made. Creates empty lists, to which each entity
 * will add the types that it needs. Templates print each list in its order. */
static void begin(gen_model *m, gen_value *root)
{
    gen_tree *tree = m->tree;
    gen_c_state *state = shmrpci_arena_calloc(&tree->arena, 1, sizeof *state,
                                              _Alignof(gen_c_state));
    /* Used only when out of memory: the tree reports that at the end, and the
     * result is discarded. */
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
    gen_c_set_text(m, c, "guard", gen_c_guard(m, gen_text(root, "path")));
    gen_set(c, "doc",
            gen_c_doc(m, &(idl_meta){.docs = m->schema->package->docs}));
    gen_set(c, "raised_stems", raised_stems(m));
    set_needs(m, c);
    set_kinds(m, c);
    reserve_names(m);
}

/* ---- constants and enums ---- */

/* Constants are macros, because C has no other kind of constant for every
 * type. */
static void add_const(gen_model *m, gen_value *object,
                      const idl_const *constant)
{
    gen_value *c = gen_set(object, "c", gen_object(m->tree));
    const char *name = gen_c_macro(m, &constant->decl);
    gen_c_claim(m, name, quoted(m, constant->decl.full_name),
                constant->decl.span);
    gen_c_set_text(m, c, "name", name);
    /* Strings may take several lines of a macro. */
    bool is_text = constant->value.kind == IDL_VALUE_TEXT;
    gen_c_set_text(m, c, "value",
                   is_text ? gen_c_macro_text(m, constant->value.u.text)
                           : gen_c_value(m, constant->type, &constant->value));
    gen_set(c, "doc", gen_c_doc(m, &constant->decl.meta));
}

/* The enumerator's name begins with that of its enum, because C has a single
 * namespace for enumerators. */
static void add_enum_item(gen_model *m, gen_value *object,
                          const idl_enum_item *item)
{
    gen_value *c = gen_set(object, "c", gen_object(m->tree));
    const char *name = gen_c_enumerator(m, item);
    gen_c_claim(
        m, name,
        gen_c_text(m, "`%s.%s`", item->owner->decl.full_name, item->name),
        item->span);
    gen_c_set_text(m, c, "name", name);
    idl_type type = {.kind = item->owner->base};
    idl_value value = {.kind = IDL_VALUE_INT, .u.i = item->value};
    if (item->owner->base == IDL_U64) {
        value.kind = IDL_VALUE_UINT;
        value.u.u = (uint64_t)item->value;
    }
    /* Wrapped in INT64_C or UINT64_C if an int is too small. */
    gen_c_set_text(m, c, "value", gen_c_value(m, &type, &value));
    /* The same bits as an int64_t, the type in which the descriptor stores
     * them. */
    gen_c_set_text(m, c, "bits",
                   gen_c_text(m, "%s%s",
                              item->owner->base == IDL_U64 ? "(int64_t)" : "",
                              gen_c_value(m, &type, &value)));
    gen_set(c, "doc", gen_c_doc(m, &item->meta));
    gen_c_set_text(m, c, "doc_text", gen_c_doc_text(m, &item->meta.docs));
}

/* Whether all values fit an int, as ISO C requires of enumerators. Otherwise
 * they become macros. */
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

/* The enumerator with the next higher value, or NULL after the last one.
 * Descriptors list enumerators by value. */
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

/* In C the enum's name is a typedef of its base type, not of an enum: the size
 * of a C enum depends on the compiler, and a value may be one without a
 * name. */
static void add_enum(gen_model *m, gen_value *object,
                     const idl_enum *enumeration)
{
    gen_value *c = gen_set(object, "c", gen_object(m->tree));
    claim_decl(m, &enumeration->decl);
    gen_c_set_text(m, c, "name", gen_c_name(m, &enumeration->decl));
    gen_c_set_text(m, c, "type", gen_c_scalar(enumeration->base));
    gen_c_set_text(m, c, "base", idl_kind_name(enumeration->base));
    gen_c_set_flag(m, c, "fits_int", fits_int(enumeration));
    gen_c_set_text(
        m, c, "rows_name",
        gen_c_unique(
            m, gen_c_text(m, "%s_names", gen_c_short(m, &enumeration->decl))));
    idl_type type = {.kind = enumeration->base};
    gen_set(c, "size", gen_uint(m->tree, idl_layout(&type).size));
    gen_set(c, "doc", gen_c_doc(m, &enumeration->decl.meta));
    gen_c_set_text(m, c, "doc_text",
                   gen_c_doc_text(m, &enumeration->decl.meta.docs));
    gen_value *rows = gen_set(c, "rows", gen_array(m->tree));
    const idl_enum_item *item = next_item(enumeration, NULL);
    while (item != NULL) {
        gen_value *row = gen_push(rows, gen_object(m->tree));
        gen_c_set_text(m, row, "name", item->name);
        add_enum_item(m, row, item);
        item = next_item(enumeration, item);
    }
}

/* ---- fields of records and methods ---- */

/* A pointer to const: the caller owns the target. */
const char *gen_c_pointed(gen_model *m, const char *base, const char *name)
{
    return gen_c_text(m, "const %s *%s", base, name);
}

/* Sets the declaration of a member and of its has_ companion, which optional
 * members have unless they are pointers. */
void gen_c_set_member(gen_model *m, gen_value *c, const idl_field *field,
                      uint32_t flags, const char *place)
{
    const char *name = gen_c_member(m, field);
    gen_c_form form = gen_c_form_of(m, field->type, place);
    bool is_pointer = (flags & SHMRPC_FIELD_POINTER) != 0;
    gen_c_set_text(m, c, "name", name);
    gen_c_set_text(m, c, "decl",
                   is_pointer
                       ? gen_c_pointed(m, form.base, name)
                       : gen_c_text(m, "%s %s%s", form.base, name, form.dims));
    gen_c_set_text(
        m, c, "has",
        field->optional && !is_pointer ? gen_c_text(m, "has_%s", name) : NULL);
}

/* Adds a static constant with the default value, to which the descriptor
 * points. Returns its name, or NULL if there is no default. */
static const char *add_default(gen_model *m, const idl_field *field,
                               const char *place)
{
    if (field->default_value.kind == IDL_VALUE_NONE) {
        return NULL;
    }
    gen_value *row = gen_push(gen_c_state_of(m)->defaults, gen_object(m->tree));
    const char *name = gen_c_unique(m, gen_c_text(m, "%s_default", place));
    gen_c_set_text(m, row, "type", gen_c_form_of(m, field->type, place).base);
    gen_c_set_text(m, row, "name", name);
    gen_c_set_text(m, row, "value",
                   gen_c_value(m, field->type, &field->default_value));
    return gen_c_text(m, "&%s", name);
}

/* The rows of a field table, sorted by tag: codecs write fields in that order
 * and search by tag. */
gen_value *gen_c_field_rows(gen_model *m, const idl_field *fields, size_t count,
                            bool is_param, bool is_union,
                            const char *short_name, const char *c_type)
{
    gen_value *rows = gen_array(m->tree);
    const idl_field *field = idl_next_by_tag(fields, count, 0);
    for (; field != NULL; field = idl_next_by_tag(fields, count, field->tag)) {
        const char *name = gen_c_member(m, field);
        const char *place = gen_c_text(m, "%s_%s", short_name, name);
        uint32_t flags = idl_field_flags(field, is_param);
        gen_value *row = gen_push(rows, gen_object(m->tree));
        gen_set(row, "tag", gen_uint(m->tree, field->tag));
        gen_c_set_text(m, row, "name", field->name);
        gen_c_set_text(m, row, "owner", c_type);
        /* All members of a union have the same offset. */
        gen_c_set_text(m, row, "member", is_union ? "u" : name);
        gen_c_set_text(m, row, "has",
                       flags == SHMRPC_FIELD_OPTIONAL
                           ? gen_c_text(m, "has_%s", name)
                           : NULL);
        gen_c_set_text(m, row, "flags", gen_c_field_flags_text(flags));
        gen_c_set_text(m, row, "table", gen_c_field_table(m, field, place));
        const char *reference = add_default(m, field, place);
        gen_c_set_text(m, row, "default_ref",
                       reference != NULL ? reference : "NULL");
        gen_c_set_text(m, row, "doc_text",
                       gen_c_doc_text(m, &field->meta.docs));
    }
    return rows;
}

static void add_field(gen_model *m, gen_value *object, const idl_record *record,
                      const idl_field *field)
{
    gen_value *c = gen_set(object, "c", gen_object(m->tree));
    const char *place = gen_c_text(m, "%s_%s", gen_c_short(m, &record->decl),
                                   gen_c_member(m, field));
    gen_c_set_member(m, c, field, idl_field_flags(field, false), place);
    gen_c_set_text(m, c, "initial", gen_c_initial(m, field));
    /* Every field gets the name of a tag, but only members of unions claim it,
     * because the template uses it only for them. */
    const char *tag_name = gen_c_text(m, "%s_%s", gen_c_macro(m, &record->decl),
                                      gen_c_upper(m, gen_c_member(m, field)));
    if (record->kind == IDL_RECORD_UNION) {
        gen_c_claim(
            m, tag_name,
            gen_c_text(m, "`%s.%s`", record->decl.full_name, field->name),
            field->span);
    }
    gen_c_set_text(m, c, "tag_name", tag_name);
    gen_c_set_text(m, c, "limits", gen_c_limits(m, field));
    gen_set(c, "doc", gen_c_doc(m, &field->meta));
}

/* ---- records and errors ---- */

/* Sets the size and alignment that a value has in the native encoding. Those of
 * the C type are not set: the C compiler computes them. */
void gen_c_set_layout(gen_model *m, gen_value *c, shmrpci_layout layout)
{
    gen_set(c, "size", gen_uint(m->tree, layout.size));
    gen_set(c, "align", gen_uint(m->tree, layout.align));
}

/* The flags joined by " | "; the code below skips the first separator. */
const char *gen_c_type_flags(gen_model *m, bool params, bool compact, bool flat,
                             bool fixed)
{
    const char *text = gen_c_text(
        m, "%s%s%s%s", params ? " | SHMRPC_TYPE_PARAMS" : "",
        compact ? " | SHMRPC_TYPE_COMPACT" : "",
        flat ? " | SHMRPC_TYPE_FLAT" : "", fixed ? " | SHMRPC_TYPE_FIXED" : "");
    return *text == '\0' ? "0" : text + 3;
}

/* Sets the macro with the defaults, and the members for the descriptor table of
 * a struct, union or payload. */
static void set_record(gen_model *m, gen_value *c, const idl_record *record)
{
    const char *name = gen_c_name(m, &record->decl);
    const char *owner = gen_c_short(m, &record->decl);
    const char *defaults =
        gen_c_text(m, "%s_DEFAULTS", gen_c_macro(m, &record->decl));
    bool is_union = record->kind == IDL_RECORD_UNION;
    if (gen_c_has_defaults(record)) {
        gen_c_claim(
            m, defaults,
            gen_c_text(m, "the defaults of `%s`", record->decl.full_name),
            record->decl.span);
    }
    gen_c_set_text(m, c, "defaults", defaults);
    gen_c_set_flag(m, c, "is_empty", record->field_count == 0);
    gen_c_set_flag(m, c, "has_defaults", gen_c_has_defaults(record));
    gen_c_set_text(m, c, "flags",
                   gen_c_type_flags(m, false, record->compact,
                                    idl_record_is_flat(record),
                                    idl_record_is_fixed(record)));
    gen_c_set_layout(m, c, idl_record_layout(record));
    gen_c_set_text(m, c, "rows_name",
                   gen_c_unique(m, gen_c_text(m, "%s_fields", owner)));
    gen_set(c, "rows",
            gen_c_field_rows(m, record->fields, record->field_count, false,
                             is_union, owner, name));
}

/* Adds a struct or union: its type, its descriptor, and the tags of a union. */
static void add_record(gen_model *m, gen_value *object,
                       const idl_record *record)
{
    gen_value *c = gen_set(object, "c", gen_object(m->tree));
    const char *name = gen_c_name(m, &record->decl);
    bool is_union = record->kind == IDL_RECORD_UNION;
    claim_decl(m, &record->decl);
    /* The enum of a union's tags has its own name. */
    if (is_union) {
        gen_c_claim(m, gen_c_text(m, "%s_tag", name),
                    gen_c_text(m, "the tags of `%s`", record->decl.full_name),
                    record->decl.span);
    }
    gen_c_set_text(m, c, "name", name);
    gen_c_set_text(m, c, "shape", is_union ? "UNION" : "STRUCT");
    set_record(m, c, record);
    gen_set(c, "doc", gen_c_doc(m, &record->decl.meta));
    gen_c_set_text(m, c, "doc_text",
                   gen_c_doc_text(m, &record->decl.meta.docs));
}

/* An error without fields has a number but no payload, so it needs no function
 * to raise it. */
static void add_error(gen_model *m, gen_value *object, const idl_record *error)
{
    gen_value *c = gen_set(object, "c", gen_object(m->tree));
    const char *macro = gen_c_error_macro(m, &error->decl);
    const char *owner = gen_c_short(m, &error->decl);
    /* The function that a handler calls to end the call with this error and its
     * details. */
    const char *raise = gen_c_prefixed(m, gen_c_text(m, "raise_%s", owner));
    bool has_payload = error->field_count > 0;
    claim_decl(m, &error->decl);
    gen_c_claim(m, macro, quoted(m, error->decl.full_name), error->decl.span);
    gen_c_set_text(m, c, "macro", macro);
    gen_c_set_text(m, c, "name", gen_c_name(m, &error->decl));
    gen_c_set_flag(m, c, "has_payload", has_payload);
    const char *table =
        has_payload ? gen_c_unique(m, gen_c_text(m, "%s_payload", owner))
                    : NULL;
    gen_c_set_text(m, c, "payload", table);
    gen_c_set_text(m, c, "payload_ref",
                   has_payload ? gen_c_text(m, "&%s", table) : "NULL");
    if (has_payload) {
        gen_c_claim(m, raise,
                    gen_c_text(m, "what raises `%s`", error->decl.full_name),
                    error->decl.span);
        gen_c_set_text(m, c, "raise", raise);
        set_record(m, c, error);
    }
    gen_set(c, "doc", gen_c_doc(m, &error->decl.meta));
    gen_c_set_text(m, c, "doc_text", gen_c_doc_text(m, &error->decl.meta.docs));
}

/* `--kinds` selects which files are written; those of kind "types" always
 * are. */
static const gen_lang_file files[] = {
    {"types", "types.h", ".h"},          {"types", "types.c", ".c"},
    {"client", "client.h", "_client.h"}, {"client", "client.c", "_client.c"},
    {"server", "server.h", "_server.h"}, {"server", "server.c", "_server.c"},
};

/* The functions that the model calls, one for each kind of entity. */
const gen_lang gen_lang_c = {
    .name = "c",
    .files = files,
    .file_count = sizeof files / sizeof files[0],
    .escape = GEN_ESCAPE_NONE,
    .refuse = gen_c_refuse,
    .begin = begin,
    .add_const = add_const,
    .add_enum = add_enum,
    .add_enum_item = add_enum_item,
    .add_record = add_record,
    .add_field = add_field,
    .add_error = add_error,
    .add_service = gen_c_add_service,
    .add_method = gen_c_add_method,
    .add_param = gen_c_add_param,
    .add_shared = gen_c_add_shared,
    .tidy = gen_tidy,
};
