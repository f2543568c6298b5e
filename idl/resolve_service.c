/* Services, their methods, and shared objects. */
#include "idl/annotate.h"

#include <string.h>

#include "base/nearest.h"
#include "idl/cname.h"
#include "idl/limits.h"

/* ---- settings ---- */

/* The settings of a service, each at most once. */
typedef struct settings {
    const ast_decl *port;
    const ast_decl *name;
    const ast_decl *version;
} settings;

static void take_setting(idl_resolver *r, const ast_decl **slot,
                         const ast_decl *decl, const char *word)
{
    idl_meta unused = {.since = 0};
    idl_annotate(r, decl->pre, IDL_ON_SETTING, &unused, NULL);
    if (*slot == NULL) {
        *slot = decl;
        return;
    }
    idl_diag *diag = idl_report(r->diags, IDL_S_SERVICE_SETTING, decl->span,
                                "`%s` is given twice", word);
    idl_add_note(r->diags, diag, (*slot)->span, "first given here");
}

static void resolve_port(idl_resolver *r, const ast_decl *decl,
                         idl_service *service)
{
    if (decl == NULL) {
        idl_diag *diag =
            idl_report(r->diags, IDL_S_SERVICE_SETTING, service->decl.span,
                       "service `%s` has no port", service->decl.name);
        idl_expected(r->diags, diag, "`port 5555;` or another number");
        return;
    }
    uint64_t port = decl->value->u.magnitude;
    if (port == 0 || port > UINT16_MAX || port == IDL_MANAGER_PORT) {
        idl_diag *diag = idl_report(r->diags, IDL_S_BAD_PORT, decl->value->span,
                                    port == IDL_MANAGER_PORT
                                        ? "the management page has this port"
                                        : "there is no such port");
        idl_expected(r->diags, diag, "1..65535, but not %d", IDL_MANAGER_PORT);
        return;
    }
    service->port = (uint16_t)port;
}

/* Names are parts of paths and addresses. */
static bool is_service_name(idl_text text)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyz"
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
    return text.len > 0 && text.len <= IDL_MAX_SERVICE_NAME_BYTES &&
           strspn(text.ptr, allowed) == text.len && text.ptr[0] != '.' &&
           text.ptr[0] != '-';
}

static void resolve_name(idl_resolver *r, const ast_decl *decl,
                         idl_service *service)
{
    if (decl == NULL) {
        shmrpci_buf name;
        idl_buf_init(&name, r->memory);
        idl_cname_snake(service->decl.name, &name);
        service->name = shmrpci_buf_text(&name);
        if (name.len > IDL_MAX_SERVICE_NAME_BYTES) {
            idl_diag *diag =
                idl_report(r->diags, IDL_S_BAD_SERVICE_NAME, service->decl.span,
                           "clients would look for `%s`, which has %zu bytes",
                           service->name, name.len);
            idl_expected(r->diags, diag, "`name \"...\";` with at most %d",
                         IDL_MAX_SERVICE_NAME_BYTES);
        }
        return;
    }
    service->name = decl->value->u.text.ptr;
    if (!is_service_name(decl->value->u.text)) {
        idl_diag *diag =
            idl_report(r->diags, IDL_S_BAD_SERVICE_NAME, decl->value->span,
                       "this can't be the name of a service");
        idl_expected(r->diags, diag,
                     "1 to %d letters, digits, `_`, `-` and `.`",
                     IDL_MAX_SERVICE_NAME_BYTES);
    }
}

static void resolve_version(idl_resolver *r, const ast_decl *decl,
                            idl_service *service)
{
    service->version = 1;
    if (decl == NULL) {
        return;
    }
    uint64_t version = decl->value->u.magnitude;
    if (version == 0 || version > UINT32_MAX) {
        idl_diag *diag = idl_report(r->diags, IDL_S_BAD_VERSION,
                                    decl->value->span, "bad version");
        idl_expected(r->diags, diag, "1..%u", UINT32_MAX);
        return;
    }
    service->version = (uint32_t)version;
}

/* ---- methods ---- */

static void resolve_stream_param(idl_resolver *r, idl_site site,
                                 const ast_list *params, idl_method *method)
{
    AST_EACH(ast_field, ast, *params)
    {
        if (!ast->stream) {
            continue;
        }
        if (method->stream_param != NULL) {
            idl_diag *diag =
                idl_report(r->diags, IDL_S_BAD_STREAM, ast->name.span,
                           "more than one stream parameter");
            idl_add_note(r->diags, diag, method->stream_param->span,
                         "the first is this");
            continue;
        }
        if (ast->link.next != NULL) {
            idl_diag *diag =
                idl_report(r->diags, IDL_S_BAD_STREAM, ast->name.span,
                           "the stream parameter isn't the last");
            idl_expected(r->diags, diag, "it behind all others");
        }
        idl_field *field = IDL_NEW(r->memory, idl_field);
        idl_resolve_field(r, site, ast, field);
        method->stream_param = field;
    }
}

static void resolve_throws(idl_resolver *r, idl_site site,
                           const ast_list *throws, idl_method *method)
{
    const idl_record **records =
        IDL_NEW_ARRAY(r->memory, throws->count + 1, const idl_record *);
    size_t count = 0;
    if (throws->count > IDL_MAX_MEMBERS) {
        (void)idl_report(r->diags, IDL_S_TOO_MANY_MEMBERS, method->span,
                         "more than %d errors", IDL_MAX_MEMBERS);
        return;
    }
    AST_EACH(ast_throw, ast, *throws)
    {
        idl_symbol *symbol =
            idl_find(&r->scopes, site, ast->name, IDL_WANT_ERROR);
        for (size_t i = 0; symbol != NULL && i < count; i++) {
            if (records[i] == symbol->u.record) {
                (void)idl_report(r->diags, IDL_S_BAD_THROWS, ast->name.span,
                                 "`%s` is named twice", ast->name.text);
                symbol = NULL;
            }
        }
        if (symbol != NULL) {
            records[count++] = symbol->u.record;
        }
    }
    method->throws = records;
    method->throw_count = count;
}

static void resolve_method(idl_resolver *r, idl_site site, const ast_decl *decl,
                           idl_service *service, idl_method *method)
{
    const ast_method *ast = decl->method;
    idl_annotated extra = {.compact = false};
    method->name = decl->name.text;
    method->span = decl->name.span;
    method->service = service;
    method->encoding = ast->encoding;
    method->oneway = ast->oneway;
    idl_annotate(r, decl->pre, IDL_ON_METHOD, &method->meta, &extra);
    method->idempotent = extra.idempotent;
    method->rest = extra.rest;
    method->timeout_ns =
        extra.timeout_ns != 0 ? extra.timeout_ns : service->timeout_ns;
    method->params =
        idl_resolve_params(r, site, &ast->params, &method->param_count);
    resolve_stream_param(r, site, &ast->params, method);
    method->result = ast->result.type != NULL
                         ? idl_resolve_type(r, site, ast->result.type)
                         : NULL;
    method->result_is_stream = ast->result.stream;
    resolve_throws(r, site, &ast->throws, method);
}

static void resolve_methods(idl_resolver *r, idl_symbol *symbol)
{
    idl_service *service = symbol->u.service;
    idl_site site = {.unit = symbol->unit, .scope = symbol->scope};
    idl_method *methods =
        IDL_NEW_ARRAY(r->memory, symbol->ast->items.count + 1, idl_method);
    idl_map names = {.count = 0};
    uint32_t count = 0;
    AST_EACH(ast_decl, decl, symbol->ast->items)
    {
        if (decl->kind != AST_METHOD) {
            continue;
        }
        if (count == IDL_MAX_METHODS) {
            (void)idl_report(r->diags, IDL_S_TOO_MANY_MEMBERS,
                             service->decl.span, "more than %d methods",
                             IDL_MAX_METHODS);
            break;
        }
        idl_method *method = &methods[count++];
        method->index = count;
        resolve_method(r, site, decl, service, method);
        idl_check_name(r->diags, decl->name);
        const idl_method *first =
            idl_map_put(&names, r->memory, method->name, method);
        if (first != NULL) {
            idl_diag *diag =
                idl_report(r->diags, IDL_S_DUPLICATE_NAME, method->span,
                           "method `%s` is declared twice", method->name);
            idl_add_note(r->diags, diag, first->span, "first declared here");
        }
    }
    service->methods = methods;
    service->method_count = count;
}

void idl_resolve_service(idl_resolver *r, idl_symbol *symbol)
{
    idl_service *service = symbol->u.service;
    idl_annotated extra = {.compact = false};
    settings s = {.port = NULL};
    idl_annotate(r, symbol->ast->pre, IDL_ON_SERVICE, &service->decl.meta,
                 &extra);
    service->timeout_ns = extra.timeout_ns;
    AST_EACH(ast_decl, decl, symbol->ast->items)
    {
        if (decl->kind == AST_PORT) {
            take_setting(r, &s.port, decl, "port");
        } else if (decl->kind == AST_SERVICE_NAME) {
            take_setting(r, &s.name, decl, "name");
        } else if (decl->kind == AST_VERSION) {
            take_setting(r, &s.version, decl, "version");
        }
    }
    resolve_port(r, s.port, service);
    resolve_name(r, s.name, service);
    resolve_version(r, s.version, service);
    resolve_methods(r, symbol);
}

/* ---- shared objects ---- */

static const char *const overflow_words[] = {
    [IDL_OVERFLOW_BLOCK] = "block",
    [IDL_OVERFLOW_FAIL] = "fail",
    [IDL_OVERFLOW_DROP_OLDEST] = "drop_oldest",
    [IDL_OVERFLOW_DROP_NEWEST] = "drop_newest",
};

#define OVERFLOW_COUNT (sizeof overflow_words / sizeof overflow_words[0])

typedef struct option_row {
    const char *name;
    idl_shared_kind kinds[2];
    size_t kind_count;
} option_row;

static const option_row option_rows[] = {
    {"capacity", {IDL_SHARED_QUEUE, IDL_SHARED_DICT}, 2},
    {"overflow", {IDL_SHARED_QUEUE}, 1},
    {"history", {IDL_SHARED_TOPIC}, 1},
};

static bool has_option(const option_row *row, idl_shared_kind kind)
{
    for (size_t i = 0; i < row->kind_count; i++) {
        if (row->kinds[i] == kind) {
            return true;
        }
    }
    return false;
}

static const char *shared_kind_word(idl_shared_kind kind)
{
    return kind == IDL_SHARED_QUEUE   ? "queue"
           : kind == IDL_SHARED_TOPIC ? "topic"
                                      : "dict";
}

static void report_option(idl_resolver *r, const ast_option *option,
                          idl_shared_kind kind)
{
    shmrpci_nearest nearest = {.wanted = option->name.text};
    const char *list = "";
    for (size_t i = 0; i < sizeof option_rows / sizeof option_rows[0]; i++) {
        if (has_option(&option_rows[i], kind)) {
            shmrpci_nearest_offer(&nearest, option_rows[i].name);
            list = idl_printf(r->memory, "%s%s`%s`", list,
                              *list != '\0' ? " or " : "", option_rows[i].name);
        }
    }
    idl_diag *diag = idl_report(r->diags, IDL_S_BAD_OPTION, option->name.span,
                                "a %s has no option `%s`",
                                shared_kind_word(kind), option->name.text);
    idl_expected(r->diags, diag, "%s", list);
    idl_suggest(r->diags, diag, nearest.best);
}

static void take_overflow(idl_resolver *r, const ast_option *option,
                          idl_shared *shared)
{
    const ast_value *value = option->value;
    const char *word = value->kind == AST_VALUE_PATH ? value->u.path : "";
    for (idl_overflow i = 0; i < OVERFLOW_COUNT; i++) {
        if (strcmp(overflow_words[i], word) == 0) {
            shared->overflow = i;
            return;
        }
    }
    idl_diag *diag = idl_report(r->diags, IDL_S_BAD_OPTION, value->span,
                                "unknown way to overflow");
    idl_expected(r->diags, diag, "block, fail, drop_oldest or drop_newest");
    idl_suggest(r->diags, diag,
                shmrpci_nearest_of(word, overflow_words, OVERFLOW_COUNT));
}

static void take_option(idl_resolver *r, idl_site site,
                        const ast_option *option, idl_shared *shared)
{
    const option_row *row = NULL;
    for (size_t i = 0; i < sizeof option_rows / sizeof option_rows[0]; i++) {
        if (strcmp(option_rows[i].name, option->name.text) == 0 &&
            has_option(&option_rows[i], shared->kind)) {
            row = &option_rows[i];
        }
    }
    if (row == NULL) {
        report_option(r, option, shared->kind);
        return;
    }
    int64_t number = 0;
    if (strcmp(row->name, "overflow") == 0) {
        take_overflow(r, option, shared);
    } else if (idl_convert_integer(r, site, option->value, "a number", 1,
                                   UINT32_MAX, &number)) {
        bool is_history = strcmp(row->name, "history") == 0;
        *(is_history ? &shared->history : &shared->capacity) = (uint64_t)number;
    }
}

void idl_resolve_shared(idl_resolver *r, idl_symbol *symbol)
{
    const ast_decl *ast = symbol->ast;
    idl_shared *shared = symbol->u.shared;
    idl_site site = {.unit = symbol->unit, .scope = symbol->scope};
    idl_annotate(r, ast->pre, IDL_ON_SHARED, &shared->decl.meta, NULL);
    shared->element = idl_resolve_type(r, site, ast->type);
    shared->key = ast->key != NULL ? idl_resolve_type(r, site, ast->key) : NULL;
    if (ast->body == NULL) {
        return;
    }
    idl_map names = {.count = 0};
    AST_EACH(ast_option, option, ast->body->items)
    {
        const ast_option *first = idl_map_put(
            &names, r->memory, option->name.text, (void *)(uintptr_t)option);
        if (first != NULL) {
            idl_diag *diag =
                idl_report(r->diags, IDL_S_BAD_OPTION, option->name.span,
                           "`%s` is given twice", option->name.text);
            idl_add_note(r->diags, diag, first->name.span, "first given here");
            continue;
        }
        take_option(r, site, option, shared);
    }
}
