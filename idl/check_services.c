/* Rules for services and methods. */
#include "idl/check.h"

#include <string.h>

#include "base/nearest.h"

/* ---- any in fixed layouts ------------------------------------------------ */

/* Adds a note for each field on the path from the type to the `any`. Records
 * may contain each other, so following fields may lead into a cycle. The loop
 * detects that by R. P. Brent's algorithm, and then stops. */
static void note_any(idl_diags *diags, idl_diag *diag, const idl_type *type)
{
    const idl_record *seen = NULL;
    size_t until = 0;
    while (type->element != NULL) {
        type = type->element;
    }
    for (size_t step = 0; type->record != NULL && type->record != seen;
         step++) {
        const idl_record *record = type->record;
        if (step == until) {
            seen = record;
            until = 2 * until + 2;
        }
        for (size_t i = 0; i < record->field_count; i++) {
            if (idl_type_has_any(record->fields[i].type)) {
                type = record->fields[i].type;
                idl_add_note(diags, diag, record->fields[i].span,
                             "`%s` contains it", record->decl.name);
                break;
            }
        }
        while (type->element != NULL) {
            type = type->element;
        }
    }
}

void idl_check_no_any(idl_diags *diags, const idl_type *type, idl_span span,
                      const char *where, const char *expected)
{
    if (!idl_type_has_any(type)) {
        return;
    }
    idl_diag *diag = idl_report(diags, IDL_S_ANY_IN_NATIVE, span,
                                "`any` can't be in %s", where);
    idl_expected(diags, diag, "%s", expected);
    note_any(diags, diag, type);
}

static void check_native(idl_diags *diags, const idl_method *method)
{
    static const char where[] = "a native method";
    static const char expected[] = "a json or msgpack method, or another type";
    for (size_t i = 0; i < method->param_count; i++) {
        idl_check_no_any(diags, method->params[i].type, method->params[i].span,
                         where, expected);
    }
    if (method->stream_param != NULL) {
        idl_check_no_any(diags, method->stream_param->type,
                         method->stream_param->span, where, expected);
    }
    if (method->result != NULL) {
        idl_check_no_any(diags, method->result, method->result->span, where,
                         expected);
    }
    for (size_t i = 0; i < method->throw_count; i++) {
        const idl_record *error = method->throws[i];
        if (error->has_any) {
            idl_type payload = {.kind = IDL_STRUCT, .record = error};
            idl_check_no_any(diags, &payload, method->span,
                             "an error of a native method", expected);
        }
    }
}

/* ---- methods ---- */

static bool is_bytes(const idl_type *type)
{
    return type == &idl_broken_type || type->kind == IDL_BYTES;
}

static bool has_stream(const idl_method *method)
{
    return method->stream_param != NULL || method->result_is_stream;
}

/* A raw method has one parameter. A raw method with a stream may also have
 * none. */
static bool raw_params_are_good(const idl_method *method)
{
    if (method->param_count != 1) {
        return method->param_count == 0 && has_stream(method);
    }
    const idl_field *param = &method->params[0];
    return is_bytes(param->type) && !param->optional &&
           param->default_value.kind == IDL_VALUE_NONE;
}

/* A raw method takes `bytes` and returns `bytes`; if it is oneway or takes a
 * stream, it need not return anything. The items of its streams are `bytes`
 * too. */
static void check_raw(idl_diags *diags, const idl_method *method)
{
    const idl_field *in = method->stream_param;
    bool may_be_void = method->oneway || in != NULL;
    bool good =
        raw_params_are_good(method) && (in == NULL || is_bytes(in->type)) &&
        (method->result == NULL ? may_be_void : is_bytes(method->result));
    if (!good) {
        idl_diag *diag = idl_report(
            diags, IDL_S_BAD_RAW, method->span,
            "raw method `%s` must take and return bytes", method->name);
        idl_expected(diags, diag, "raw %s(%s) -> %sbytes;", method->name,
                     in != NULL ? "stream bytes data" : "bytes data",
                     method->result_is_stream ? "stream " : "");
    }
}

/* An annotation about streams needs a method that has a stream. */
static void check_stream_annotations(idl_diags *diags, const idl_method *method)
{
    for (size_t i = 0; i < method->meta.annotation_count; i++) {
        const idl_annotation *annotation = &method->meta.annotations[i];
        if (strcmp(annotation->name, "window") == 0 ||
            strcmp(annotation->name, "idle") == 0) {
            idl_diag *diag =
                idl_report(diags, IDL_S_ANNOTATION_PLACE, annotation->span,
                           "`@%s` is for streams, and `%s` has none",
                           annotation->name, method->name);
            idl_expected(diags, diag, "a method with a stream");
        }
    }
}

/* For @retry and @hedge: the method must be idempotent, and end with one reply
 * or, if `may_stream` is set, with a stream of results. */
static void check_repeated(idl_diags *diags, const idl_method *method,
                           const char *annotation, bool may_stream)
{
    bool streams =
        may_stream ? method->stream_param != NULL : has_stream(method);
    if (method->idempotent && !method->oneway && !streams) {
        return;
    }
    idl_diag *diag =
        idl_report(diags, IDL_S_ANNOTATION_PLACE, method->span,
                   "`@%s` is for methods that may run again, and `%s` %s",
                   annotation, method->name,
                   !method->idempotent ? "is not @idempotent"
                   : streams           ? "has a stream"
                                       : "is oneway");
    idl_expected(diags, diag,
                 may_stream ? "@idempotent, and no stream from the client"
                            : "@idempotent, and exactly one reply");
}

static void check_oneway(idl_diags *diags, const idl_method *method)
{
    const char *what = method->result != NULL         ? "a result"
                       : method->throw_count > 0      ? "errors"
                       : method->stream_param != NULL ? "a stream"
                                                      : NULL;
    if (what != NULL) {
        idl_diag *diag =
            idl_report(diags, IDL_S_BAD_ONEWAY, method->span,
                       "oneway method `%s` has %s", method->name, what);
        idl_expected(diags, diag, "no answer at all, or no `oneway`");
    }
}

/* Some types travel as extensions, which only some encodings have. */
static void check_types(idl_diags *diags, const idl_method *method)
{
    if (method->encoding != IDL_ENCODING_MSGPACK) {
        idl_diag *diag =
            idl_report(diags, IDL_S_ANNOTATION_PLACE, method->span,
                       "`@types` is for msgpack methods, and `%s` is %s",
                       method->name, idl_encoding_name(method->encoding));
        idl_expected(diags, diag, "msgpack %s(...)", method->name);
    }
}

static void check_throws(idl_diags *diags, const idl_method *method)
{
    for (size_t i = 0; i < method->throw_count; i++) {
        for (size_t k = 0; k < i; k++) {
            const idl_record *a = method->throws[k];
            const idl_record *b = method->throws[i];
            if (a->number == b->number && a->number != 0 &&
                a->decl.package != b->decl.package) {
                idl_diag *diag =
                    idl_report(diags, IDL_S_BAD_THROWS, method->span,
                               "`%s` throws two errors of number %d",
                               method->name, a->number);
                idl_add_note(diags, diag, a->decl.span, "one is declared here");
                idl_add_note(diags, diag, b->decl.span,
                             "the other is declared here");
            }
        }
    }
}

static void check_since(idl_diags *diags, const idl_method *method)
{
    if (method->meta.since > method->service->version) {
        idl_diag *diag = idl_report(
            diags, IDL_S_BAD_VERSION, method->span,
            "`%s` was added in version %u, but the service has version %u",
            method->name, method->meta.since, method->service->version);
        idl_expected(diags, diag, "at most the service's version");
    }
}

/* ---- REST ---- */

static bool has_param(const idl_method *method, const char *name, size_t len)
{
    for (size_t i = 0; i < method->param_count; i++) {
        if (strlen(method->params[i].name) == len &&
            memcmp(method->params[i].name, name, len) == 0) {
            return true;
        }
    }
    return false;
}

static void report_rest(idl_diags *diags, const idl_method *method,
                        const char *name, size_t len)
{
    shmrpci_nearest nearest = {.wanted = idl_strndup(diags->memory, name, len)};
    for (size_t i = 0; i < method->param_count; i++) {
        shmrpci_nearest_offer(&nearest, method->params[i].name);
    }
    idl_diag *diag =
        idl_report(diags, IDL_S_BAD_REST, method->span,
                   "the path of `%s` names {%s}, which is not a parameter",
                   method->name, nearest.wanted);
    idl_suggest(diags, diag, nearest.best);
}

static void check_rest(idl_diags *diags, const idl_method *method)
{
    const char *at = method->rest.path;
    while ((at = strpbrk(at, "{}")) != NULL) {
        size_t len = strcspn(at + 1, "{}");
        if (*at == '}' || at[1 + len] != '}') {
            idl_diag *diag = idl_report(
                diags, IDL_S_BAD_REST, method->span,
                "the braces in the path of `%s` don't match", method->name);
            idl_expected(diags, diag, "{parameter}");
            return;
        }
        if (!has_param(method, at + 1, len)) {
            report_rest(diags, method, at + 1, len);
        }
        at += len + 2;
    }
}

static void check_method(idl_diags *diags, const idl_method *method)
{
    if (method->encoding == IDL_ENCODING_RAW) {
        check_raw(diags, method);
    } else if (method->encoding == IDL_ENCODING_NATIVE) {
        check_native(diags, method);
    }
    if (method->oneway) {
        check_oneway(diags, method);
    }
    if (method->rest.path != NULL) {
        check_rest(diags, method);
    }
    if (!has_stream(method)) {
        check_stream_annotations(diags, method);
    }
    if (method->attempts != 0) {
        check_repeated(diags, method, "retry", true);
    }
    if (method->hedge_ns != 0) {
        check_repeated(diags, method, "hedge", false);
    }
    if (method->python_types) {
        check_types(diags, method);
    }
    check_throws(diags, method);
    check_since(diags, method);
}

static void check_methods(idl_diags *diags, const idl_service *service)
{
    idl_map routes = {.count = 0};
    for (size_t i = 0; i < service->method_count; i++) {
        const idl_method *method = &service->methods[i];
        check_method(diags, method);
        if (method->rest.verb == NULL) {
            continue;
        }
        const char *route = idl_printf(diags->memory, "%s %s",
                                       method->rest.verb, method->rest.path);
        const idl_method *first = idl_map_put(&routes, diags->memory, route,
                                              (void *)(uintptr_t)method);
        if (first != NULL) {
            idl_diag *diag = idl_report(diags, IDL_S_BAD_REST, method->span,
                                        "`%s` and `%s` are both at %s",
                                        first->name, method->name, route);
            idl_add_note(diags, diag, first->span, "first used here");
        }
    }
}

/* ---- pairs of services --------------------------------------------------- */

static void check_unique(idl_diags *diags, idl_map *map, idl_code code,
                         const char *what, const char *key,
                         idl_service *service)
{
    const idl_service *first = idl_map_put(map, diags->memory, key, service);
    if (first != NULL) {
        idl_diag *diag = idl_report(
            diags, code, service->decl.span, "`%s` has the same %s as `%s`, %s",
            service->decl.name, what, first->decl.name, key);
        idl_add_note(diags, diag, first->decl.span, "first used here");
    }
}

void idl_check_services(const idl_resolved *resolved, idl_diags *diags)
{
    idl_map ports = {.count = 0};
    idl_map names = {.count = 0};
    for (size_t i = 0; i < resolved->symbol_count; i++) {
        const idl_symbol *symbol = resolved->symbols[i];
        if (symbol->kind == IDL_SYMBOL_SERVICE) {
            idl_service *service = symbol->u.service;
            check_methods(diags, service);
            check_unique(diags, &names, IDL_S_BAD_SERVICE_NAME, "name",
                         service->name, service);
            if (service->port != 0) {
                check_unique(diags, &ports, IDL_S_DUPLICATE_PORT, "port",
                             idl_printf(diags->memory, "%u", service->port),
                             service);
            }
        }
    }
}
