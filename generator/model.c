/* Builds the model: walks over the schema, and sets the members that every
 * target language needs. */
#include "generator/model.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "generator/lang.h"
#include "idl/option.h"

static gen_value *text_or_null(gen_tree *tree, const char *text)
{
    return text != NULL ? gen_ref(tree, text) : gen_null(tree);
}

static gen_value *hash_text(gen_tree *tree, uint64_t hash)
{
    return gen_format(tree, "%016" PRIx64, hash);
}

static gen_value *docs_of(gen_tree *tree, const idl_docs *docs)
{
    gen_value *lines = gen_array(tree);
    for (size_t i = 0; i < docs->count; i++) {
        gen_push(lines, gen_ref(tree, docs->lines[i]));
    }
    return lines;
}

static void set_meta(gen_tree *tree, gen_value *object, const idl_meta *meta)
{
    gen_set(object, "docs", docs_of(tree, &meta->docs));
    gen_set(object, "deprecated", gen_bool(tree, meta->deprecated));
    gen_set(object, "deprecation", text_or_null(tree, meta->deprecation));
    gen_set(object, "since",
            meta->since > 0 ? gen_uint(tree, meta->since) : gen_null(tree));
    gen_set(object, "doc_url", text_or_null(tree, meta->doc_url));
}

static void fill_decl(gen_tree *tree, gen_value *object, const void *source)
{
    const idl_decl *decl = source;
    gen_set(object, "name", gen_ref(tree, decl->name));
    gen_set(object, "full_name", gen_ref(tree, decl->full_name));
    set_meta(tree, object, &decl->meta);
}

static gen_value *decl_object(gen_tree *tree, const idl_decl *decl)
{
    gen_value *object = gen_object(tree);
    gen_set_later(tree, object, fill_decl, decl);
    return object;
}

/* The shortest decimal text that reads back as the same number. */
static gen_value *float_value(gen_tree *tree, double number)
{
    char text[40];
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, number);
        if (strtod(text, NULL) == number) {
            break;
        }
    }
    return gen_number(tree, text);
}

static gen_value *bound(gen_tree *tree, const idl_type *type, bool has,
                        idl_number number)
{
    if (!has) {
        return gen_null(tree);
    }
    if (idl_kind_is_float(type->kind)) {
        return float_value(tree, number.f);
    }
    return idl_kind_is_signed(type->kind) ? gen_int(tree, number.i)
                                          : gen_uint(tree, number.u);
}

static const char *type_name(const idl_type *type)
{
    if (type->enumeration != NULL) {
        return type->enumeration->decl.full_name;
    }
    return type->record != NULL ? type->record->decl.full_name : NULL;
}

static gen_value *type_value(gen_tree *tree, const idl_type *type);

static void fill_type(gen_tree *tree, gen_value *object, const void *source)
{
    const idl_type *type = source;
    gen_set(object, "kind", gen_ref(tree, idl_kind_name(type->kind)));
    gen_set(object, "name", text_or_null(tree, type_name(type)));
    gen_set(object, "alias", text_or_null(tree, type->alias));
    gen_set(object, "min", bound(tree, type, type->has_min, type->min));
    gen_set(object, "max", bound(tree, type, type->has_max, type->max));
    gen_set(object, "length",
            type->kind == IDL_ARRAY ? gen_uint(tree, type->length)
                                    : gen_null(tree));
    gen_set(object, "key", type_value(tree, type->key));
    gen_set(object, "element", type_value(tree, type->element));
}

static gen_value *type_value(gen_tree *tree, const idl_type *type)
{
    if (type == NULL) {
        return gen_null(tree);
    }
    gen_value *object = gen_object(tree);
    gen_set_later(tree, object, fill_type, type);
    return object;
}

/* JSON has no bytes: each byte becomes the character with the same number. */
static gen_value *bytes_value(gen_tree *tree, idl_text bytes)
{
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    for (size_t i = 0; i < bytes.len; i++) {
        uint8_t utf8[4];
        size_t len = shmrpci_utf8_encode((uint8_t)bytes.ptr[i], utf8);
        shmrpci_buf_append(&text, utf8, len);
    }
    const char *chars = shmrpci_buf_text(&text);
    tree->out_of_memory = tree->out_of_memory || chars == NULL;
    gen_value *value =
        chars != NULL ? gen_string_n(tree, chars, text.len) : gen_null(tree);
    shmrpci_buf_fini(&text);
    return value;
}

static gen_value *plain_value(gen_tree *tree, const idl_type *type,
                              const idl_value *value)
{
    switch (value->kind) {
    case IDL_VALUE_NONE:
        return gen_null(tree);
    case IDL_VALUE_BOOL:
        return gen_bool(tree, value->u.b);
    case IDL_VALUE_INT:
    case IDL_VALUE_DURATION:
        return gen_int(tree, value->u.i);
    case IDL_VALUE_UINT:
        return gen_uint(tree, value->u.u);
    case IDL_VALUE_FLOAT:
        return float_value(tree, value->u.f);
    case IDL_VALUE_TEXT:
        if (type->kind == IDL_BYTES) {
            return bytes_value(tree, value->u.text);
        }
        return gen_string_n(tree, value->u.text.ptr, value->u.text.len);
    case IDL_VALUE_WORD:
        return gen_string_n(tree, value->u.text.ptr, value->u.text.len);
    case IDL_VALUE_ENUM:
        return gen_ref(tree, value->u.item->name);
    }
    return gen_null(tree);
}

static void fill_field(gen_tree *tree, gen_value *object, const void *source)
{
    const idl_field *field = source;
    gen_set(object, "name", gen_ref(tree, field->name));
    gen_set(object, "tag", gen_uint(tree, field->tag));
    gen_set(object, "optional", gen_bool(tree, field->optional));
    gen_set(object, "type", type_value(tree, field->type));
    gen_set(object, "has_default",
            gen_bool(tree, field->default_value.kind != IDL_VALUE_NONE));
    gen_set(object, "default",
            plain_value(tree, field->type, &field->default_value));
    set_meta(tree, object, &field->meta);
}

static gen_value *field_object(gen_tree *tree, const idl_field *field)
{
    gen_value *object = gen_object(tree);
    gen_set_later(tree, object, fill_field, field);
    return object;
}

static void add_consts(gen_model *m, gen_value *list)
{
    const gen_lang *lang = m->opts->lang;
    for (size_t i = 0; i < m->schema->const_count; i++) {
        const idl_const *constant = m->schema->consts[i];
        if (constant->decl.imported) {
            continue;
        }
        gen_value *object =
            gen_push(list, decl_object(m->tree, &constant->decl));
        gen_set(object, "type", type_value(m->tree, constant->type));
        gen_set(object, "value",
                plain_value(m->tree, constant->type, &constant->value));
        if (lang->add_const != NULL) {
            lang->add_const(m, object, constant);
        }
    }
}

static void add_enum(gen_model *m, gen_value *list, const idl_enum *enumeration)
{
    const gen_lang *lang = m->opts->lang;
    gen_value *object =
        gen_push(list, decl_object(m->tree, &enumeration->decl));
    gen_set(object, "base", gen_ref(m->tree, idl_kind_name(enumeration->base)));
    gen_value *items = gen_set(object, "items", gen_array(m->tree));
    for (size_t i = 0; i < enumeration->item_count; i++) {
        const idl_enum_item *item = &enumeration->items[i];
        gen_value *row = gen_push(items, gen_object(m->tree));
        gen_set(row, "name", gen_ref(m->tree, item->name));
        gen_set(row, "value",
                enumeration->base == IDL_U64
                    ? gen_uint(m->tree, (uint64_t)item->value)
                    : gen_int(m->tree, item->value));
        set_meta(m->tree, row, &item->meta);
        if (lang->add_enum_item != NULL) {
            lang->add_enum_item(m, row, item);
        }
    }
    if (lang->add_enum != NULL) {
        lang->add_enum(m, object, enumeration);
    }
}

static void add_fields(gen_model *m, gen_value *object,
                       const idl_record *record)
{
    const gen_lang *lang = m->opts->lang;
    gen_value *fields = gen_set(object, "fields", gen_array(m->tree));
    for (size_t i = 0; i < record->field_count; i++) {
        gen_value *row =
            gen_push(fields, field_object(m->tree, &record->fields[i]));
        if (lang->add_field != NULL) {
            lang->add_field(m, row, record, &record->fields[i]);
        }
    }
}

static void add_record(gen_model *m, gen_value *list, const idl_record *record)
{
    const gen_lang *lang = m->opts->lang;
    gen_value *object = gen_push(list, decl_object(m->tree, &record->decl));
    bool is_union = record->kind == IDL_RECORD_UNION;
    gen_set(object, "is_struct", gen_bool(m->tree, !is_union));
    gen_set(object, "is_union", gen_bool(m->tree, is_union));
    gen_set(object, "compact", gen_bool(m->tree, record->compact));
    add_fields(m, object, record);
    if (lang->add_record != NULL) {
        lang->add_record(m, object, record);
    }
}

static gen_value *error_object(gen_model *m, const idl_record *error)
{
    gen_value *object = decl_object(m->tree, &error->decl);
    gen_set(object, "number", gen_int(m->tree, error->number));
    add_fields(m, object, error);
    if (m->opts->lang->add_error != NULL) {
        m->opts->lang->add_error(m, object, error);
    }
    return object;
}

static void fill_method(gen_tree *tree, gen_value *object, const void *source)
{
    const idl_method *method = source;
    gen_set(object, "name", gen_ref(tree, method->name));
    gen_set(object, "index", gen_uint(tree, method->index));
    gen_set(object, "encoding",
            gen_ref(tree, idl_encoding_name(method->encoding)));
    gen_set(object, "oneway", gen_bool(tree, method->oneway));
    gen_set(object, "idempotent", gen_bool(tree, method->idempotent));
    gen_set(object, "timeout_ns", gen_int(tree, method->timeout_ns));
    gen_set(object, "signature", gen_ref(tree, method->signature));
    gen_set(object, "hash", hash_text(tree, method->hash));
    gen_set(object, "result", type_value(tree, method->result));
    set_meta(tree, object, &method->meta);
}

static void add_method(gen_model *m, gen_value *list, const idl_method *method)
{
    const gen_lang *lang = m->opts->lang;
    gen_tree *tree = m->tree;
    gen_value *object = gen_push(list, gen_object(tree));
    gen_set_later(tree, object, fill_method, method);
    gen_value *params = gen_set(object, "params", gen_array(tree));
    for (size_t i = 0; i < method->param_count; i++) {
        gen_value *row =
            gen_push(params, field_object(m->tree, &method->params[i]));
        if (lang->add_param != NULL) {
            lang->add_param(m, row, method, &method->params[i]);
        }
    }
    gen_value *throws = gen_set(object, "throws", gen_array(tree));
    for (size_t i = 0; i < method->throw_count; i++) {
        gen_value *row =
            gen_push(throws, decl_object(tree, &method->throws[i]->decl));
        gen_set(row, "number", gen_int(tree, method->throws[i]->number));
    }
    if (lang->add_method != NULL) {
        lang->add_method(m, object, method);
    }
}

static void add_service(gen_model *m, gen_value *list,
                        const idl_service *service)
{
    gen_value *object = gen_push(list, decl_object(m->tree, &service->decl));
    gen_set(object, "service_name", gen_ref(m->tree, service->name));
    gen_set(object, "port", gen_uint(m->tree, service->port));
    gen_set(object, "version", gen_uint(m->tree, service->version));
    gen_set(object, "hash", hash_text(m->tree, service->hash));
    gen_set(object, "text", text_or_null(m->tree, service->text));
    gen_value *methods = gen_set(object, "methods", gen_array(m->tree));
    for (size_t i = 0; i < service->method_count; i++) {
        add_method(m, methods, &service->methods[i]);
    }
    if (m->opts->lang->add_service != NULL) {
        m->opts->lang->add_service(m, object, service);
    }
}

static void add_shared(gen_model *m, gen_value *list, const idl_shared *shared)
{
    if (shared->decl.imported) {
        return;
    }
    gen_tree *tree = m->tree;
    gen_value *object = gen_push(list, decl_object(tree, &shared->decl));
    gen_set(object, "kind", gen_ref(tree, idl_shared_kind_name(shared->kind)));
    gen_set(object, "service",
            text_or_null(tree, shared->service != NULL
                                   ? shared->service->decl.name
                                   : NULL));
    gen_set(object, "key", type_value(tree, shared->key));
    gen_set(object, "element", type_value(tree, shared->element));
    gen_set(object, "signature", text_or_null(tree, shared->signature));
    gen_set(object, "hash", hash_text(tree, shared->hash));
    gen_value *options = gen_set(object, "options", gen_array(tree));
    for (size_t i = 0; i < IDL_OPTION_COUNT; i++) {
        const idl_option_row *row = idl_option_of(shared->kind, (idl_option)i);
        if (row == NULL) {
            continue;
        }
        shmrpci_buf text;
        gen_buf_init(tree, &text);
        idl_option_append(row, shared->options[i], &text);
        gen_value *option = gen_push(options, gen_object(tree));
        gen_set(option, "name", gen_ref(tree, row->name));
        gen_set(option, "value", gen_ref(tree, gen_buf_take(tree, &text)));
    }
    if (m->opts->lang->add_shared != NULL) {
        m->opts->lang->add_shared(m, object, shared);
    }
}

/* The objects of services come after those outside of services. */
static void add_all_shared(gen_model *m, gen_value *list)
{
    const idl_schema *schema = m->schema;
    for (size_t i = 0; i < schema->shared_count; i++) {
        add_shared(m, list, schema->shared[i]);
    }
    for (size_t i = 0; i < schema->service_count; i++) {
        for (size_t k = 0; k < schema->services[i]->shared_count; k++) {
            add_shared(m, list, schema->services[i]->shared[k]);
        }
    }
}

static void add_imports(gen_model *m, gen_value *list)
{
    const idl_file *main_file = m->schema->main;
    for (size_t i = 0; i < main_file->import_count; i++) {
        const idl_import *import = &main_file->imports[i];
        gen_value *row = gen_push(list, gen_object(m->tree));
        gen_set(row, "path", gen_ref(m->tree, import->path));
        gen_set(row, "stem",
                gen_ref(m->tree, gen_import_stem(
                                     m->tree, gen_import_path_of(
                                                  m->tree, m->opts->import_dirs,
                                                  import))));
    }
}

static void add_types(gen_model *m, gen_value *root)
{
    const idl_schema *schema = m->schema;
    gen_value *enums = gen_set(root, "enums", gen_array(m->tree));
    for (size_t i = 0; i < schema->enum_count; i++) {
        if (!schema->enums[i]->decl.imported) {
            add_enum(m, enums, schema->enums[i]);
        }
    }
    gen_value *records = gen_set(root, "records", gen_array(m->tree));
    for (size_t i = 0; i < schema->by_value_count; i++) {
        const idl_record *record = schema->by_value[i];
        if (!record->decl.imported && record->kind != IDL_RECORD_ERROR) {
            add_record(m, records, record);
        }
    }
    gen_value *errors = gen_set(root, "errors", gen_array(m->tree));
    for (size_t i = 0; i < schema->error_count; i++) {
        if (!schema->errors[i]->decl.imported) {
            gen_push(errors, error_object(m, schema->errors[i]));
        }
    }
}

shmrpc_status gen_model_build(gen_tree *tree, const idl_schema *schema,
                              const gen_model_opts *opts, gen_value **out)
{
    gen_model model = {.tree = tree, .schema = schema, .opts = opts};
    gen_value *root = gen_object(tree);
    const char *path =
        gen_import_stem(tree, gen_import_path(tree, opts->import_dirs,
                                              schema->main->source->path));
    const char *slash = strrchr(path, '/');
    gen_set(root, "source", gen_format(tree, "%s.svc", path));
    gen_set(root, "path", gen_ref(tree, path));
    gen_set(root, "stem", gen_ref(tree, slash != NULL ? slash + 1 : path));
    gen_set(root, "package", gen_ref(tree, schema->package->name));
    gen_set(root, "docs", docs_of(tree, &schema->package->docs));
    add_imports(&model, gen_set(root, "imports", gen_array(tree)));
    if (opts->lang->begin != NULL) {
        opts->lang->begin(&model, root);
    }
    add_consts(&model, gen_set(root, "consts", gen_array(tree)));
    add_types(&model, root);
    gen_value *services = gen_set(root, "services", gen_array(tree));
    for (size_t i = 0; i < schema->service_count; i++) {
        if (!schema->services[i]->decl.imported) {
            add_service(&model, services, schema->services[i]);
        }
    }
    add_all_shared(&model, gen_set(root, "shared", gen_array(tree)));
    *out = root;
    return gen_tree_status(tree);
}
