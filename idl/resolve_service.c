/* Services and their methods. */
#include "idl/annotate.h"

#include <string.h>

#include "idl/cname.h"
#include "idl/limits.h"

/* ---- settings ---- */

/* The settings of a service; each may be given once. */
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
                                        ? "the management page uses this port"
                                        : "port out of range");
        idl_expected(r->diags, diag, "1..65535, but not %d", IDL_MANAGER_PORT);
        return;
    }
    service->port = (uint16_t)port;
}

/* Whether the text can be a service's name, which is part of paths and
 * addresses. */
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
                           "the service's default name `%s` has %zu bytes",
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
                         "the first one is here");
            continue;
        }
        if (ast->link.next != NULL) {
            idl_diag *diag =
                idl_report(r->diags, IDL_S_BAD_STREAM, ast->name.span,
                           "the stream parameter isn't the last");
            idl_expected(r->diags, diag,
                         "the stream parameter after all others");
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
    method->window_bytes = extra.window_bytes;
    method->idle_ns = extra.idle_ns;
    method->attempts = extra.attempts;
    method->backoff_ns = extra.backoff_ns;
    method->hedge_ns = extra.hedge_ns;
    method->at_once = extra.at_once;
    method->python_types = extra.python_types;
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
