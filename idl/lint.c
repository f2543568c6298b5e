/* Advice: the rules, one function each. */
#include "idl/lint.h"

#include <inttypes.h>
#include <string.h>

#include "idl/limits.h"
#include "idl/lint_style.h"
#include "idl/lint_used.h"

/* JavaScript represents all integers up to this one exactly. */
#define MAX_SAFE_INTEGER (UINT64_C(1) << 53)

/* A declaration's own @allow and those of up to two enclosing declarations. */
#define MAX_METAS 3

typedef struct linter {
    const idl_schema *schema;
    const idl_lint_options *options;
    idl_diags *diags;
    idl_map used;    /* by full name */
    idl_map visited; /* records whose fields have been checked already */
    const idl_meta *metas[MAX_METAS];
    size_t meta_count;
} linter;

/* ---- @allow ---- */

static void enter(linter *l, const idl_meta *meta)
{
    l->metas[l->meta_count++] = meta;
}

static void leave(linter *l)
{
    l->meta_count--;
}

static bool allows(const idl_meta *meta, idl_code code)
{
    for (size_t i = 0; i < meta->annotation_count; i++) {
        const idl_annotation *annotation = &meta->annotations[i];
        bool is_allow = strcmp(annotation->name, "allow") == 0;
        for (size_t a = 0; is_allow && a < annotation->arg_count; a++) {
            idl_code allowed;
            if (idl_code_parse(annotation->args[a].value.u.text.ptr,
                               &allowed) &&
                allowed == code) {
                return true;
            }
        }
    }
    return false;
}

bool idl_lint_is_strict(idl_code code)
{
    return code == IDL_S_METHOD_UNDOCUMENTED || code == IDL_S_BARE_RESULT;
}

static bool is_wanted(const linter *l, idl_code code)
{
    for (size_t i = 0; i < l->options->disabled_count; i++) {
        if (l->options->disabled[i] == code) {
            return false;
        }
    }
    for (size_t i = 0; i < l->meta_count; i++) {
        if (allows(l->metas[i], code)) {
            return false;
        }
    }
    return l->options->strict || !idl_lint_is_strict(code);
}

/* ---- names ---- */

static void check_name(linter *l, idl_style style, const char *sort,
                       const char *name, idl_span span)
{
    if (idl_style_fits(style, name) || !is_wanted(l, IDL_S_NAME_STYLE)) {
        return;
    }
    idl_diag *diag =
        idl_report(l->diags, IDL_S_NAME_STYLE, span, "the %s `%s` is not in %s",
                   sort, name, idl_style_text(style));
    idl_suggest(l->diags, diag, idl_style_make(style, name, l->diags->memory));
}

/* ---- fields and parameters ---- */

static void check_fields(linter *l, const idl_field *fields, size_t count,
                         const char *sort)
{
    for (size_t i = 0; i < count; i++) {
        enter(l, &fields[i].meta);
        check_name(l, IDL_STYLE_SNAKE, sort, fields[i].name, fields[i].span);
        leave(l);
    }
}

/* One bit per tag. */
typedef struct tag_set {
    uint32_t words[(IDL_MAX_TAG + 1) / 32];
} tag_set;

static bool has_tag(const tag_set *set, uint32_t tag)
{
    return (set->words[tag / 32] >> (tag % 32) & 1) != 0;
}

static tag_set tags_of(const idl_record *record)
{
    tag_set set = {.words = {1}}; /* tag 0 counts as used: it does not exist */
    for (size_t i = 0; i < record->field_count; i++) {
        uint32_t tag = record->fields[i].tag;
        set.words[tag / 32] |= 1u << (tag % 32);
    }
    return set;
}

static bool is_reserved(const idl_record *record, int64_t tag)
{
    for (size_t i = 0; i < record->reserved_count; i++) {
        const idl_reserved *entry = &record->reserved[i];
        if (entry->name == NULL && tag >= entry->first && tag <= entry->last) {
            return true;
        }
    }
    return false;
}

/* A gap in the tags probably means that a field was removed, and its tag must
 * not be reused. */
static void check_tags(linter *l, const idl_record *record)
{
    tag_set used = tags_of(record);
    for (size_t i = 0; i < record->field_count; i++) {
        const idl_field *field = &record->fields[i];
        uint32_t tag = field->tag - 1;
        if (has_tag(&used, tag) || is_reserved(record, tag) ||
            !is_wanted(l, IDL_S_TAG_GAP)) {
            continue;
        }
        idl_diag *diag =
            idl_report(l->diags, IDL_S_TAG_GAP, field->span,
                       "`%s` has tag %" PRIu32 ", but %" PRIu32 " is not used",
                       field->name, field->tag, tag);
        idl_expected(l->diags, diag, "`reserved %" PRIu32 ";`", tag);
    }
}

/* ---- requests ---- */

/* The part of the type that has no upper bound, or NULL. */
static const idl_type *find_unbounded(const idl_type *type)
{
    if (idl_kind_has_length(type->kind) && !type->has_max) {
        return type;
    }
    const idl_type *found =
        type->key != NULL ? find_unbounded(type->key) : NULL;
    return found != NULL || type->element == NULL
               ? found
               : find_unbounded(type->element);
}

static const idl_record *record_of(const idl_type *type)
{
    while (type->element != NULL) {
        type = type->element;
    }
    return type->record;
}

static void check_request_fields(linter *l, const idl_field *fields,
                                 size_t count, size_t depth);

/* The fields of a record are checked once, for the first method that uses
 * it. */
static void check_request_record(linter *l, const idl_record *record,
                                 size_t depth)
{
    if (record == NULL || record->decl.imported || depth == IDL_MAX_DEPTH ||
        idl_map_put(&l->visited, l->diags->memory, record->decl.full_name,
                    &l->visited) != NULL) {
        return;
    }
    const idl_meta *method = l->metas[l->meta_count - 1];
    l->metas[l->meta_count - 1] = &record->decl.meta;
    check_request_fields(l, record->fields, record->field_count, depth + 1);
    l->metas[l->meta_count - 1] = method;
}

static void check_request_fields(linter *l, const idl_field *fields,
                                 size_t count, size_t depth)
{
    for (size_t i = 0; i < count; i++) {
        enter(l, &fields[i].meta);
        const idl_type *type = find_unbounded(fields[i].type);
        if (type != NULL && is_wanted(l, IDL_S_UNBOUNDED)) {
            idl_diag *diag = idl_report(
                l->diags, IDL_S_UNBOUNDED, fields[i].type->span,
                "`%s` has no upper bound in a request", fields[i].name);
            idl_expected(l->diags, diag, "an upper bound, as in `%s(..1000)`",
                         type->kind == IDL_LIST  ? "list<T>"
                         : type->kind == IDL_MAP ? "map<K, V>"
                                                 : idl_kind_name(type->kind));
        }
        leave(l);
        check_request_record(l, record_of(fields[i].type), depth);
    }
}

/* ---- methods ---- */

static bool is_large_integer(const idl_type *type)
{
    if (type->kind == IDL_U64) {
        return !type->has_max || type->max.u > MAX_SAFE_INTEGER;
    }
    return type->kind == IDL_I64 &&
           (!type->has_max || type->max.i > (int64_t)MAX_SAFE_INTEGER);
}

static void check_json_fields(linter *l, const idl_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        enter(l, &fields[i].meta);
        if (is_large_integer(fields[i].type) && !fields[i].json_string &&
            is_wanted(l, IDL_S_JSON_INTEGER)) {
            idl_diag *diag =
                idl_report(l->diags, IDL_S_JSON_INTEGER, fields[i].span,
                           "browsers round `%s` above 2^53", fields[i].name);
            idl_expected(l->diags, diag, "`@json(string)` before it");
        }
        leave(l);
    }
}

static void check_json_result(linter *l, const idl_type *result)
{
    const idl_record *record = result != NULL ? record_of(result) : NULL;
    if (record != NULL && !record->decl.imported &&
        idl_map_put(
            &l->visited, l->diags->memory,
            idl_printf(l->diags->memory, "json %s", record->decl.full_name),
            &l->visited) == NULL) {
        check_json_fields(l, record->fields, record->field_count);
    }
}

/* REST clients and proxies repeat GET, PUT and DELETE on their own, so a method
 * with such a verb should be idempotent. */
static void check_rest(linter *l, const idl_method *method)
{
    const char *verb = method->rest.verb;
    if (verb == NULL) {
        return;
    }
    check_json_fields(l, method->params, method->param_count);
    check_json_result(l, method->result);
    bool repeated = strcmp(verb, "GET") == 0 || strcmp(verb, "PUT") == 0 ||
                    strcmp(verb, "DELETE") == 0;
    if (repeated && !method->idempotent && is_wanted(l, IDL_S_NOT_IDEMPOTENT)) {
        idl_diag *diag = idl_report(
            l->diags, IDL_S_NOT_IDEMPOTENT, method->span,
            "`%s` is a %s, which may be repeated", method->name, verb);
        idl_expected(l->diags, diag, "`@idempotent`, or POST");
    }
}

static void check_result(linter *l, const idl_method *method)
{
    const idl_type *type = method->result;
    if (type == NULL || type->record != NULL || type->kind == IDL_ANY ||
        method->encoding == IDL_ENCODING_RAW ||
        !is_wanted(l, IDL_S_BARE_RESULT)) {
        return;
    }
    idl_diag *diag =
        idl_report(l->diags, IDL_S_BARE_RESULT, type->span,
                   "nothing can be added to the result of `%s`", method->name);
    idl_expected(l->diags, diag, "a struct that has the result as a field");
}

static void check_docs(linter *l, const idl_meta *meta, const char *name,
                       idl_span span)
{
    if (meta->docs.count == 0 && is_wanted(l, IDL_S_METHOD_UNDOCUMENTED)) {
        idl_diag *diag = idl_report(l->diags, IDL_S_METHOD_UNDOCUMENTED, span,
                                    "`%s` is not documented", name);
        idl_expected(l->diags, diag, "`///` before it");
    }
}

static void check_shared(linter *l, const idl_shared *shared)
{
    const idl_decl *decl = &shared->decl;
    enter(l, &decl->meta);
    check_docs(l, &decl->meta, decl->name, decl->span);
    check_name(l, IDL_STYLE_SNAKE, idl_shared_kind_name(shared->kind),
               decl->name, decl->span);
    leave(l);
}

static void check_method(linter *l, const idl_method *method)
{
    enter(l, &method->meta);
    check_docs(l, &method->meta, method->name, method->span);
    check_name(l, IDL_STYLE_SNAKE, "method", method->name, method->span);
    check_fields(l, method->params, method->param_count, "parameter");
    if (method->encoding != IDL_ENCODING_RAW) {
        check_request_fields(l, method->params, method->param_count, 0);
    }
    check_rest(l, method);
    check_result(l, method);
    leave(l);
}

/* ---- declarations ---- */

static void check_service(linter *l, const idl_service *service)
{
    enter(l, &service->decl.meta);
    if (service->decl.meta.docs.count == 0 &&
        is_wanted(l, IDL_S_SERVICE_UNDOCUMENTED)) {
        idl_diag *diag =
            idl_report(l->diags, IDL_S_SERVICE_UNDOCUMENTED, service->decl.span,
                       "service `%s` is not documented", service->decl.name);
        idl_expected(l->diags, diag, "`///` before it");
    }
    check_name(l, IDL_STYLE_CAMEL, "service", service->decl.name,
               service->decl.span);
    for (size_t i = 0; i < service->method_count; i++) {
        check_method(l, &service->methods[i]);
    }
    for (size_t i = 0; i < service->shared_count; i++) {
        check_shared(l, service->shared[i]);
    }
    leave(l);
}

static void check_record(linter *l, const idl_record *record, const char *sort)
{
    enter(l, &record->decl.meta);
    check_name(l, IDL_STYLE_CAMEL, sort, record->decl.name, record->decl.span);
    check_fields(l, record->fields, record->field_count, "field");
    check_tags(l, record);
    leave(l);
}

static void check_records(linter *l, const idl_record *const *records,
                          size_t count, const char *sort)
{
    for (size_t i = 0; i < count; i++) {
        if (!records[i]->decl.imported) {
            check_record(l, records[i], sort);
        }
    }
}

static void check_enum(linter *l, const idl_enum *enumeration)
{
    enter(l, &enumeration->decl.meta);
    check_name(l, IDL_STYLE_CAMEL, "enum", enumeration->decl.name,
               enumeration->decl.span);
    for (size_t i = 0; i < enumeration->item_count; i++) {
        const idl_enum_item *item = &enumeration->items[i];
        enter(l, &item->meta);
        check_name(l, IDL_STYLE_UPPER, "value", item->name, item->span);
        leave(l);
    }
    leave(l);
}

static void check_declared_name(linter *l, const idl_decl *decl,
                                idl_style style, const char *sort)
{
    if (!decl->imported) {
        enter(l, &decl->meta);
        check_name(l, style, sort, decl->name, decl->span);
        leave(l);
    }
}

/* ---- unused declarations ---- */

static void check_used(linter *l, const idl_decl *decl, const char *sort)
{
    enter(l, &decl->meta);
    if (!decl->imported && !decl->meta.deprecated &&
        idl_map_get(&l->used, decl->full_name) == NULL &&
        is_wanted(l, IDL_S_UNUSED)) {
        (void)idl_report(l->diags, IDL_S_UNUSED, decl->span,
                         "nothing uses the %s `%s`", sort, decl->name);
    }
    leave(l);
}

/* Reports unused types and errors. Called only for a file with a service: in
 * other files everything is meant for importers. Constants are not checked,
 * because programs may be their only users. Aliases are not checked either,
 * because they were resolved before this pass. */
static void check_all_used(linter *l)
{
    const idl_schema *schema = l->schema;
    idl_find_used(schema, l->diags->memory, &l->used);
    for (size_t i = 0; i < schema->enum_count; i++) {
        check_used(l, &schema->enums[i]->decl, "enum");
    }
    for (size_t i = 0; i < schema->struct_count; i++) {
        check_used(l, &schema->structs[i]->decl, "struct");
    }
    for (size_t i = 0; i < schema->union_count; i++) {
        check_used(l, &schema->unions[i]->decl, "union");
    }
    for (size_t i = 0; i < schema->error_count; i++) {
        check_used(l, &schema->errors[i]->decl, "error");
    }
}

/* ---- all rules ----------------------------------------------------------- */

static bool has_own_service(const idl_schema *schema)
{
    for (size_t i = 0; i < schema->service_count; i++) {
        if (!schema->services[i]->decl.imported) {
            return true;
        }
    }
    return false;
}

static void check_declarations(linter *l)
{
    const idl_schema *schema = l->schema;
    for (size_t i = 0; i < schema->const_count; i++) {
        check_declared_name(l, &schema->consts[i]->decl, IDL_STYLE_UPPER,
                            "constant");
    }
    for (size_t i = 0; i < schema->alias_count; i++) {
        check_declared_name(l, &schema->aliases[i]->decl, IDL_STYLE_CAMEL,
                            "type");
    }
    for (size_t i = 0; i < schema->enum_count; i++) {
        if (!schema->enums[i]->decl.imported) {
            check_enum(l, schema->enums[i]);
        }
    }
    check_records(l, schema->structs, schema->struct_count, "struct");
    check_records(l, schema->unions, schema->union_count, "union");
    check_records(l, schema->errors, schema->error_count, "error");
    for (size_t i = 0; i < schema->shared_count; i++) {
        if (!schema->shared[i]->decl.imported) {
            check_shared(l, schema->shared[i]);
        }
    }
    for (size_t i = 0; i < schema->service_count; i++) {
        if (!schema->services[i]->decl.imported) {
            check_service(l, schema->services[i]);
        }
    }
}

shmrpc_status idl_lint(const idl_schema *schema,
                       const idl_lint_options *options, shmrpci_arena *arena,
                       idl_diags *diags)
{
    static const idl_lint_options no_options = {.strict = false};
    idl_memory memory = {.arena = arena};
    linter l = {.schema = schema,
                .options = options != NULL ? options : &no_options,
                .diags = diags};
    diags->memory = &memory;
    if (setjmp(memory.exhausted) != 0) {
        diags->memory = NULL;
        return SHMRPC_E_NO_MEMORY;
    }
    check_declarations(&l);
    if (has_own_service(schema)) {
        check_all_used(&l);
    }
    idl_diags_sort(diags);
    diags->memory = NULL;
    return SHMRPC_OK;
}
