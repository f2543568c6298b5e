/*
 * The language Python: a module with the types of a .svc and, for each service,
 * a client, an abstract server class, and the text that describes the service
 * to the library. Generated code knows nothing of the wire format.
 *
 * Every entity gets an object `py`, whose members are texts of Python:
 * templates/README.md explains them.
 */
#include "generator/lang.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generator/python/text.h"
#include "idl/canonical.h"

/* ---- names ---- */

/* Keywords. bindings/python/src/types.c has the same list, so that a dynamic
 * client and a generated module give a field the same name. */
static const char *const words[] = {
    "False",  "None",   "True",    "and",      "as",       "assert", "async",
    "await",  "break",  "class",   "continue", "def",      "del",    "elif",
    "else",   "except", "finally", "for",      "from",     "global", "if",
    "import", "in",     "is",      "lambda",   "nonlocal", "not",    "or",
    "pass",   "raise",  "return",  "try",      "while",    "with",   "yield"};

/* Attributes that every client has. */
static const char *const own_names[] = {"close",   "connect", "errors",
                                        "service", "types",   "with_options"};

/* Attributes that exceptions have. */
static const char *const error_names[] = {
    "args",    "details", "may_have_run", "message",  "name",          "path",
    "payload", "pid",     "status",       "add_note", "with_traceback"};

/* Names that annotations use; a member with such a name would hide it. */
static const char *const builtin_names[] = {"bool",  "bytes", "dict", "float",
                                            "int",   "list",  "str",  "object",
                                            "tuple", "type"};

#define IS_ONE_OF(name, list) \
    is_one_of(name, list, sizeof(list) / sizeof *(list))

static bool is_one_of(const char *name, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static const char *python_name(gen_model *m, const char *name)
{
    return IS_ONE_OF(name, words) ? gen_print(m->tree, "%s_", name) : name;
}

static const char *client_name(gen_model *m, const char *name)
{
    return IS_ONE_OF(name, own_names) ? gen_print(m->tree, "%s_", name)
                                      : python_name(m, name);
}

/* "ShapeText" for the case `text` of Shape: the same name that the library uses
 * for clients without a module. */
static const char *case_name(gen_model *m, const idl_record *record,
                             const idl_field *field)
{
    shmrpci_buf text;
    gen_buf_init(m->tree, &text);
    shmrpci_buf_append_text(&text, record->decl.name);
    bool is_first = true;
    for (const char *at = field->name; *at != '\0'; at++) {
        if (*at == '_') {
            is_first = true;
            continue;
        }
        bool is_small = *at >= 'a' && *at <= 'z';
        shmrpci_buf_append_char(&text,
                                is_first && is_small ? (char)(*at - 32) : *at);
        is_first = false;
    }
    return gen_buf_take(m->tree, &text);
}

/* ---- imports ---- */

/* The module's name within its package: "common_svc" for the import path
 * "acme/common". */
static const char *module_name(gen_model *m, const char *stem)
{
    const char *slash = strrchr(stem, '/');
    return gen_print(m->tree, "%s_svc", slash != NULL ? slash + 1 : stem);
}

/* The number of leading folders that the two paths share. */
static size_t common_folder(const char *a, const char *b)
{
    size_t same = 0;
    for (size_t i = 0; a[i] != '\0' && a[i] == b[i]; i++) {
        if (a[i] == '/') {
            same = i + 1;
        }
    }
    return same;
}

/* "..shared": the package of the import path `to`, seen from the module
 * `from`. */
static const char *relative_package(gen_model *m, const char *from,
                                    const char *to)
{
    size_t same = common_folder(from, to);
    shmrpci_buf text;
    gen_buf_init(m->tree, &text);
    shmrpci_buf_append_char(&text, '.');
    for (const char *at = from + same; (at = strchr(at, '/')) != NULL; at++) {
        shmrpci_buf_append_char(&text, '.');
    }
    const char *rest = to + same;
    const char *slash = strrchr(rest, '/');
    for (const char *at = rest; slash != NULL && at < slash; at++) {
        shmrpci_buf_append_char(&text, *at == '/' ? '.' : *at);
    }
    return gen_buf_take(m->tree, &text);
}

static const char *own_stem(gen_model *m)
{
    return gen_import_stem(m->tree,
                           gen_import_path(m->tree, m->opts->import_dirs,
                                           m->schema->main->source->path));
}

static gen_value *imports_of(gen_model *m)
{
    const idl_file *file = m->schema->main;
    gen_value *rows = gen_array(m->tree);
    for (size_t i = 0; i < file->import_count; i++) {
        const char *stem = gen_import_stem(
            m->tree, gen_import_path_of(m->tree, m->opts->import_dirs,
                                        &file->imports[i]));
        gen_value *row = gen_push(rows, gen_object(m->tree));
        gen_set(row, "package",
                gen_ref(m->tree, relative_package(m, own_stem(m), stem)));
        gen_set(row, "module", gen_ref(m->tree, module_name(m, stem)));
    }
    return rows;
}

/* The name of a class. If the class is in another module, the module's name
 * precedes it: "common_svc.Query". */
static const char *class_name(gen_model *m, const idl_decl *decl)
{
    if (!decl->imported) {
        return decl->name;
    }
    const char *stem =
        gen_import_stem(m->tree, gen_import_path(m->tree, m->opts->import_dirs,
                                                 decl->file->source->path));
    return gen_print(m->tree, "%s.%s", module_name(m, stem), decl->name);
}

/* ---- types ---- */

/* `hidden`: members have the names of built-in types and hide them, so those
 * types are written with the prefix `builtins.`. */
static const char *type_text(gen_model *m, const idl_type *type, bool hidden)
{
    const char *in = hidden ? "builtins." : "";
    switch (type->kind) {
    case IDL_BOOL:
        return gen_print(m->tree, "%sbool", in);
    case IDL_F32:
    case IDL_F64:
        return gen_print(m->tree, "%sfloat", in);
    case IDL_STRING:
        return gen_print(m->tree, "%sstr", in);
    case IDL_BYTES:
        return gen_print(m->tree, "%sbytes", in);
    case IDL_ANY:
        return "Any";
    case IDL_LIST:
    case IDL_ARRAY:
        return gen_print(m->tree, "%slist[%s]", in,
                         type_text(m, type->element, hidden));
    case IDL_MAP:
        return gen_print(m->tree, "%sdict[%s, %s]", in,
                         type_text(m, type->key, hidden),
                         type_text(m, type->element, hidden));
    case IDL_ENUM:
        return class_name(m, &type->enumeration->decl);
    case IDL_STRUCT:
    case IDL_UNION:
        return class_name(m, &type->record->decl);
    default:
        return gen_print(m->tree, "%sint", in);
    }
}

static const char *field_type(gen_model *m, const idl_field *field, bool hidden)
{
    const char *text = type_text(m, field->type, hidden);
    return field->optional ? gen_print(m->tree, "%s | None", text) : text;
}

static bool hides(const idl_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (IS_ONE_OF(fields[i].name, builtin_names)) {
            return true;
        }
    }
    return false;
}

/* ---- values ---- */

static const char *float_text(gen_model *m, double number)
{
    if (number != number) {
        return "float(\"nan\")";
    }
    if (number - number != 0) {
        return number > 0 ? "float(\"inf\")" : "float(\"-inf\")";
    }
    char text[40];
    for (int digits = 1; digits <= 17; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, number);
        if (strtod(text, NULL) == number) {
            break;
        }
    }
    bool is_plain = strpbrk(text, ".e") == NULL;
    return gen_print(m->tree, "%s%s", text, is_plain ? ".0" : "");
}

/* A constant or default as Python source. */
static const char *value_text(gen_model *m, const idl_type *type,
                              const idl_value *value)
{
    switch (value->kind) {
    case IDL_VALUE_BOOL:
        return value->u.b ? "True" : "False";
    case IDL_VALUE_INT:
    case IDL_VALUE_DURATION:
        return gen_print(m->tree, "%" PRId64, value->u.i);
    case IDL_VALUE_UINT:
        return gen_print(m->tree, "%" PRIu64, value->u.u);
    case IDL_VALUE_FLOAT:
        return float_text(m, value->u.f);
    case IDL_VALUE_TEXT:
    case IDL_VALUE_WORD:
        return type->kind == IDL_BYTES
                   ? gen_py_bytes(m, value->u.text.ptr, value->u.text.len)
                   : gen_py_string(m, value->u.text.ptr, value->u.text.len);
    case IDL_VALUE_ENUM:
        return gen_print(m->tree, "%s.%s",
                         class_name(m, &value->u.item->owner->decl),
                         python_name(m, value->u.item->name));
    case IDL_VALUE_NONE:
        break;
    }
    return NULL;
}

static const char *default_text(gen_model *m, const idl_field *field)
{
    return field->optional ? "None"
                           : value_text(m, field->type, &field->default_value);
}

/* ---- the model's entities ---- */

static gen_value *py_of(gen_model *m, gen_value *object)
{
    return gen_set(object, "py", gen_object(m->tree));
}

static void set_text(gen_model *m, gen_value *py, const char *key,
                     const char *text)
{
    gen_set(py, key, text != NULL ? gen_ref(m->tree, text) : gen_null(m->tree));
}

static void begin(gen_model *m, gen_value *root)
{
    gen_value *py = py_of(m, root);
    gen_set(py, "imports", imports_of(m));
    set_text(m, py, "doc", gen_py_doc(m, &m->schema->package->docs, ""));
}

static void add_const(gen_model *m, gen_value *object,
                      const idl_const *constant)
{
    gen_value *py = py_of(m, object);
    set_text(m, py, "type", type_text(m, constant->type, false));
    set_text(m, py, "value", value_text(m, constant->type, &constant->value));
}

static void add_enum(gen_model *m, gen_value *object,
                     const idl_enum *enumeration)
{
    gen_value *py = py_of(m, object);
    set_text(m, py, "doc", gen_py_doc(m, &enumeration->decl.meta.docs, "    "));
}

static void add_enum_item(gen_model *m, gen_value *object,
                          const idl_enum_item *item)
{
    gen_value *py = py_of(m, object);
    set_text(m, py, "name", python_name(m, item->name));
}

/* `x: int` or `y: int = 7`. A member without a default that comes after a
 * member with one is keyword-only. */
static const char *member_text(gen_model *m, const idl_record *record,
                               const idl_field *field)
{
    bool had_default = false;
    bool hidden = hides(record->fields, record->field_count);
    for (const idl_field *at = record->fields; at != field; at++) {
        had_default = had_default || default_text(m, at) != NULL;
    }
    const char *name = python_name(m, field->name);
    const char *type = field_type(m, field, hidden);
    const char *value = default_text(m, field);
    if (value != NULL) {
        return gen_print(m->tree, "%s: %s = %s", name, type, value);
    }
    return had_default
               ? gen_print(m->tree, "%s: %s = field(kw_only=True)", name, type)
               : gen_print(m->tree, "%s: %s", name, type);
}

static void add_field(gen_model *m, gen_value *object, const idl_record *record,
                      const idl_field *field)
{
    gen_value *py = py_of(m, object);
    if (record->kind == IDL_RECORD_UNION) {
        set_text(m, py, "case", case_name(m, record, field));
        set_text(m, py, "owner", record->decl.full_name);
        set_text(m, py, "type", type_text(m, field->type, false));
        return;
    }
    set_text(m, py, "member", member_text(m, record, field));
    bool is_known = IS_ONE_OF(field->name, error_names);
    set_text(m, py, "attribute",
             is_known
                 ? NULL
                 : gen_print(
                       m->tree, "%s: %s", python_name(m, field->name),
                       field_type(m, field,
                                  hides(record->fields, record->field_count))));
}

static void add_record(gen_model *m, gen_value *object,
                       const idl_record *record)
{
    gen_value *py = py_of(m, object);
    set_text(m, py, "doc", gen_py_doc(m, &record->decl.meta.docs, "    "));
    if (record->kind != IDL_RECORD_UNION) {
        return;
    }
    shmrpci_buf text;
    gen_buf_init(m->tree, &text);
    for (size_t i = 0; i < record->field_count; i++) {
        shmrpci_buf_printf(&text, "%s%s", i > 0 ? " | " : "",
                           case_name(m, record, &record->fields[i]));
    }
    set_text(m, py, "cases", gen_buf_take(m->tree, &text));
}

/* The arguments of an error's constructor, all keyword-only. */
static const char *error_arguments(gen_model *m, const idl_record *error)
{
    bool hidden = hides(error->fields, error->field_count);
    shmrpci_buf text;
    gen_buf_init(m->tree, &text);
    for (size_t i = 0; i < error->field_count; i++) {
        const idl_field *field = &error->fields[i];
        const char *value = default_text(m, field);
        shmrpci_buf_printf(&text, ", %s: %s%s%s", python_name(m, field->name),
                           field_type(m, field, hidden),
                           value != NULL ? " = " : "",
                           value != NULL ? value : "");
    }
    return gen_buf_take(m->tree, &text);
}

static void add_error(gen_model *m, gen_value *object, const idl_record *error)
{
    gen_value *py = py_of(m, object);
    set_text(m, py, "doc", gen_py_doc(m, &error->decl.meta.docs, "    "));
    gen_set(py, "has_fields", gen_bool(m->tree, error->field_count > 0));
    set_text(m, py, "arguments", error_arguments(m, error));
}

static void fill_service(gen_tree *tree, gen_value *py, const void *source)
{
    gen_model m = {.tree = tree};
    shmrpci_arena scratch;
    shmrpci_arena_init(&scratch, 0);
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    if (idl_service_text(source, IDL_CANONICAL_DOCS, &scratch, &text) !=
        SHMRPC_OK) {
        tree->out_of_memory = true;
    }
    gen_value *rows = gen_set(py, "text_rows", gen_array(tree));
    const char *at = (const char *)text.data;
    for (size_t left = text.len; left > 0;) {
        const char *end = memchr(at, '\n', left);
        size_t len = end != NULL ? (size_t)(end - at) + 1 : left;
        gen_push(rows, gen_ref(tree, gen_py_string(&m, at, len)));
        at += len;
        left -= len;
    }
    shmrpci_buf_fini(&text);
    shmrpci_arena_fini(&scratch);
}

/* ECHO_SVC for Echo. */
static const char *text_name(gen_model *m, const idl_service *service)
{
    shmrpci_buf text;
    gen_buf_init(m->tree, &text);
    for (const char *at = service->decl.name; *at != '\0'; at++) {
        bool is_small = *at >= 'a' && *at <= 'z';
        shmrpci_buf_append_char(&text, is_small ? (char)(*at - 32) : *at);
    }
    shmrpci_buf_append_text(&text, "_SVC");
    return gen_buf_take(m->tree, &text);
}

static void add_service(gen_model *m, gen_value *object,
                        const idl_service *service)
{
    gen_value *py = py_of(m, object);
    set_text(m, py, "doc", gen_py_doc(m, &service->decl.meta.docs, "    "));
    set_text(m, py, "text_name", text_name(m, service));
    gen_set(py, "has_methods", gen_bool(m->tree, service->method_count > 0));
    gen_set_later(m->tree, py, fill_service, service);
}

static bool hides_methods(const idl_method *method)
{
    const idl_service *service = method->service;
    for (size_t i = 0; i < service->method_count; i++) {
        if (IS_ONE_OF(service->methods[i].name, builtin_names)) {
            return true;
        }
    }
    return hides(method->params, method->param_count);
}

/* The parameters after `self`. A handler's parameters have no defaults, because
 * the library passes every argument. */
static const char *parameters(gen_model *m, const idl_method *method,
                              bool is_client)
{
    bool hidden = hides_methods(method);
    bool had_default = false;
    bool by_name = false;
    shmrpci_buf text;
    gen_buf_init(m->tree, &text);
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < method->param_count; i++) {
            const idl_field *param = &method->params[i];
            const char *value = is_client ? default_text(m, param) : NULL;
            had_default = i == 0 ? false : had_default;
            bool is_late = had_default && value == NULL && is_client;
            had_default = had_default || value != NULL;
            if (is_late != (pass == 1)) {
                continue;
            }
            shmrpci_buf_append_text(&text, is_late && !by_name ? ", *" : "");
            by_name = by_name || is_late;
            shmrpci_buf_printf(
                &text, ", %s: %s%s%s", python_name(m, param->name),
                field_type(m, param, hidden), value != NULL ? " = " : "",
                value != NULL ? value : "");
        }
    }
    if (is_client) {
        const char *from = hidden ? "builtins." : "";
        shmrpci_buf_printf(&text, "%s, _timeout: %sfloat | None = None",
                           by_name ? "" : ", *", from);
        static const char *const dicts[] = {"_metadata", "_reply_metadata"};
        for (size_t i = 0; i < sizeof dicts / sizeof *dicts; i++) {
            shmrpci_buf_printf(&text,
                               ", %s: %sdict[%sstr, %sstr] | None = None",
                               dicts[i], from, from, from);
        }
    }
    return gen_buf_take(m->tree, &text);
}

static const char *plain_result(gen_model *m, const idl_method *method)
{
    return method->result != NULL
               ? type_text(m, method->result, hides_methods(method))
               : "None";
}

/* The result type of a call: the plain result, or one of three classes of
 * streams from the module `from`. */
static const char *client_result(gen_model *m, const idl_method *method,
                                 const char *from)
{
    const char *result = plain_result(m, method);
    if (method->stream_param == NULL) {
        return method->result_is_stream
                   ? gen_print(m->tree, "%s.Items[%s]", from, result)
                   : result;
    }
    return gen_print(
        m->tree, "%s.%s[%s, %s]", from,
        method->result_is_stream ? "Duplex" : "Sender",
        type_text(m, method->stream_param->type, hides_methods(method)),
        result);
}

static const char *async_result(gen_model *m, const idl_method *method)
{
    bool has_stream = method->stream_param != NULL || method->result_is_stream;
    return has_stream ? client_result(m, method, "_aio")
                      : gen_print(m->tree, "_aio.AsyncCall[%s]",
                                  plain_result(m, method));
}

/* A handler's parameters. If the client sends a stream, the last parameter is
 * the iterator over its items. */
static const char *handler_parameters(gen_model *m, const idl_method *method,
                                      const char *iterator)
{
    const char *text = parameters(m, method, false);
    const idl_field *items = method->stream_param;
    return items != NULL
               ? gen_print(m->tree, "%s, %s: _abc.%s[%s]", text,
                           python_name(m, items->name), iterator,
                           type_text(m, items->type, hides_methods(method)))
               : text;
}

static const char *handler_result(gen_model *m, const idl_method *method,
                                  const char *iterator)
{
    const char *result = plain_result(m, method);
    return method->result_is_stream
               ? gen_print(m->tree, "_abc.%s[%s]", iterator, result)
               : result;
}

/* The documentation, followed by an empty body, which pyright requires. NULL if
 * there is no documentation. */
static const char *body(gen_model *m, const idl_docs *docs, const char *indent)
{
    const char *doc = gen_py_doc(m, docs, indent);
    return doc != NULL ? gen_print(m->tree, "%s\n%s...", doc, indent) : NULL;
}

static void add_method(gen_model *m, gen_value *object,
                       const idl_method *method)
{
    gen_value *py = py_of(m, object);
    set_text(m, py, "doc", body(m, &method->meta.docs, "            "));
    set_text(m, py, "server_doc", body(m, &method->meta.docs, "        "));
    set_text(m, py, "client_name", client_name(m, method->name));
    set_text(m, py, "name", python_name(m, method->name));
    set_text(m, py, "client_params", parameters(m, method, true));
    set_text(m, py, "params", handler_parameters(m, method, "Iterator"));
    set_text(m, py, "async_params",
             handler_parameters(m, method, "AsyncIterator"));
    set_text(m, py, "client_result", client_result(m, method, "_streams"));
    set_text(m, py, "async_client_result", async_result(m, method));
    set_text(m, py, "result", handler_result(m, method, "Iterator"));
    set_text(m, py, "async_result", handler_result(m, method, "AsyncIterator"));
    /* For its callers an async generator is an ordinary function. */
    set_text(m, py, "async", method->result_is_stream ? "" : "async ");
}

/* Refuses nothing: every valid .svc can be generated as Python. */
static void refuse(const idl_schema *schema, idl_diags *diags)
{
    (void)schema;
    (void)diags;
}

/* ---- the text ---- */

/* Removes spaces at line ends, and keeps at most two empty lines in a row. */
static void tidy(gen_tidying *state, const char *text, size_t len,
                 shmrpci_buf *out)
{
    (void)state;
    unsigned empty = 0;
    for (size_t from = 0; from < len;) {
        size_t end = from;
        while (end < len && text[end] != '\n') {
            end++;
        }
        size_t kept = end;
        while (kept > from && text[kept - 1] == ' ') {
            kept--;
        }
        empty = kept == from ? empty + 1 : 0;
        if (empty <= 2) {
            shmrpci_buf_append(out, text + from, kept - from);
            shmrpci_buf_append_char(out, '\n');
        }
        from = end + 1;
    }
}

static const gen_lang_file files[] = {{"types", "module.py", "_svc.py"}};

const gen_lang gen_lang_python = {
    .name = "python",
    .files = files,
    .file_count = sizeof files / sizeof files[0],
    .escape = GEN_ESCAPE_NONE,
    .refuse = refuse,
    .begin = begin,
    .add_const = add_const,
    .add_enum = add_enum,
    .add_enum_item = add_enum_item,
    .add_record = add_record,
    .add_field = add_field,
    .add_error = add_error,
    .add_service = add_service,
    .add_method = add_method,
    .tidy = tidy,
};
