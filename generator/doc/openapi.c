/*
 * OpenAPI: the document and its paths, as shmrpc-web serves them (docs/web.md).
 * openapi_types.c describes types.
 *
 * A method is at /rpc/SERVICE/METHOD, and also below /rest/SERVICE if @rest
 * gives it a path. Every operation can fail with shmrpc.Error, which is
 * described once and referenced.
 */
#include "generator/doc/openapi.h"

#include <string.h>

#include "generator/doc/openapi_types.h"
#include "idl/limits.h"

/* ---- small values ---- */

static void set_text(gen_openapi *o, gen_value *object, const char *key,
                     const char *text)
{
    gen_set(object, key, gen_string(o->tree, text));
}

static gen_value *set_object(gen_openapi *o, gen_value *object, const char *key)
{
    return gen_set(object, key, gen_object(o->tree));
}

/* Sets `content: {TYPE: {schema: ...}}`; returns the schema object. */
static gen_value *set_content(gen_openapi *o, gen_value *object,
                              const char *type)
{
    gen_value *content = set_object(o, object, "content");
    return set_object(o, set_object(o, content, type), "schema");
}

/* ---- the document ---- */

/* The runtime's own error, which any call may return. Its name has a dot, like
 * all type names, and `shmrpc` can't be a user's package. */
static void set_error_schema(gen_openapi *o)
{
    gen_value *error = set_object(o, o->schemas, "shmrpc.Error");
    set_text(o, error, "type", "object");
    set_text(o, error, "description", "The status of a call that failed.");
    gen_openapi_error_members(o, error, NULL);
}

/* Sets the objects that all operations refer to: the error, and the token of
 * shmrpc-web. */
static void set_components(gen_openapi *o)
{
    gen_value *components = set_object(o, o->root, "components");
    o->schemas = set_object(o, components, "schemas");
    set_error_schema(o);
    gen_value *responses = set_object(o, components, "responses");
    gen_value *error = set_object(o, responses, "Error");
    set_text(o, error, "description",
             "The call has failed; the HTTP status says how.");
    gen_value *schema = set_content(o, error, "application/json");
    set_text(o, schema, "$ref", "#/components/schemas/shmrpc.Error");
    gen_value *schemes = set_object(o, components, "securitySchemes");
    gen_value *token = set_object(o, schemes, "token");
    set_text(o, token, "type", "http");
    set_text(o, token, "scheme", "bearer");
}

void gen_openapi_begin(gen_openapi *o, gen_tree *tree,
                       const gen_openapi_info *info)
{
    *o = (gen_openapi){.tree = tree, .root = gen_object(tree)};
    set_text(o, o->root, "openapi", "3.1.0");
    if (info->generator != NULL) {
        set_text(o, o->root, "x-generator", info->generator);
    }
    gen_value *head = set_object(o, o->root, "info");
    set_text(o, head, "title", info->title);
    set_text(o, head, "version", info->version);
    gen_openapi_docs(o, head, info->docs);
    gen_value *servers = gen_set(o->root, "servers", gen_array(tree));
    set_text(o, gen_push(servers, gen_object(tree)), "url", info->server);
    gen_value *security = gen_set(o->root, "security", gen_array(tree));
    gen_set(gen_push(security, gen_object(tree)), "token", gen_array(tree));
    o->tags = gen_set(o->root, "tags", gen_array(tree));
    o->paths = set_object(o, o->root, "paths");
    set_components(o);
}

/* ---- responses ---- */

/* The HTTP status of an error: the first of the range unless @http sets one. */
static uint32_t http_of(const idl_record *error)
{
    return error->http != 0 ? error->http : IDL_MIN_HTTP_ERROR;
}

/* Adds the response for this HTTP status: the declared errors that have it, or
 * the runtime's error. */
static void set_declared(gen_openapi *o, gen_value *responses,
                         const idl_method *method, uint32_t http)
{
    gen_value *response =
        set_object(o, responses, gen_print(o->tree, "%u", http));
    set_text(o, response, "description",
             http == IDL_MIN_HTTP_ERROR
                 ? "An error that the method declares, or an invalid parameter."
                 : "An error that the method declares.");
    gen_value *schema = set_content(o, response, "application/json");
    gen_value *any = gen_set(schema, "anyOf", gen_array(o->tree));
    for (size_t i = 0; i < method->throw_count; i++) {
        if (http_of(method->throws[i]) == http) {
            gen_openapi_ref_error(o, gen_push(any, gen_object(o->tree)),
                                  method->throws[i]);
        }
    }
    set_text(o, gen_push(any, gen_object(o->tree)), "$ref",
             "#/components/schemas/shmrpc.Error");
}

/* Adds each status once, in ascending order. */
static void set_all_declared(gen_openapi *o, gen_value *responses,
                             const idl_method *method)
{
    for (uint32_t http = IDL_MIN_HTTP_ERROR; http <= IDL_MAX_HTTP_ERROR;
         http++) {
        bool is_there = false;
        for (size_t i = 0; i < method->throw_count; i++) {
            is_there = is_there || http_of(method->throws[i]) == http;
        }
        if (is_there) {
            set_declared(o, responses, method, http);
        }
    }
}

/* The body of a stream, in either direction. OpenAPI 3.1 can't describe a
 * sequence of values, so the schema is that of one line. The data of a
 * server-sent event has the same schema. */
static void set_items(gen_openapi *o, gen_value *parent,
                      const idl_method *method, const idl_type *item,
                      bool is_reply)
{
    gen_openapi_type(o, set_content(o, parent, "application/x-ndjson"), item);
    gen_value *content = gen_openapi_member(parent, "content");
    if (is_reply) {
        gen_value *events = set_object(o, content, "text/event-stream");
        set_text(o, set_object(o, events, "schema"), "type", "string");
    }
    if (method->encoding == IDL_ENCODING_RAW) {
        set_object(o, content, "application/octet-stream");
    }
}

/* The last line says how the stream ended, because the HTTP status is sent
 * before that is known. */
static void set_stream_response(gen_openapi *o, gen_value *responses,
                                const idl_method *method)
{
    gen_value *good = set_object(o, responses, "200");
    set_text(o, good, "description",
             "The items, a line each; the last line is an object with `end` "
             "or `error`.");
    set_items(o, good, method, method->result, true);
}

/* A oneway call is accepted, not answered. A method with `encoding raw` returns
 * its bytes unchanged to clients that ask for application/octet-stream. */
static void set_response(gen_openapi *o, gen_value *responses,
                         const idl_method *method)
{
    gen_value *good = set_object(o, responses, method->oneway ? "202" : "200");
    set_text(o, good, "description",
             method->oneway ? "The call was sent." : "The result.");
    if (method->result != NULL) {
        gen_openapi_type(o, set_content(o, good, "application/json"),
                         method->result);
        if (method->encoding == IDL_ENCODING_RAW) {
            gen_value *content = gen_openapi_member(good, "content");
            set_object(o, content, "application/octet-stream");
        }
    } else if (!method->oneway) {
        set_text(o, set_content(o, good, "application/json"), "type", "null");
    }
}

static void set_responses(gen_openapi *o, gen_value *operation,
                          const idl_method *method)
{
    gen_value *responses = set_object(o, operation, "responses");
    if (method->result_is_stream) {
        set_stream_response(o, responses, method);
    } else {
        set_response(o, responses, method);
    }
    set_all_declared(o, responses, method);
    set_text(o, set_object(o, responses, "default"), "$ref",
             "#/components/responses/Error");
}

/* ---- requests ---- */

/* Whether a path such as "/users/{id}" has this parameter. */
static bool is_in_path(const idl_rest *rest, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = strchr(rest->path, '{'); at != NULL;
         at = strchr(at + 1, '{')) {
        if (strncmp(at + 1, name, len) == 0 && at[1 + len] == '}') {
            return true;
        }
    }
    return false;
}

/* Whether a value of the type is plain text in a path or query. A value of any
 * other type is JSON there. */
static bool is_scalar(const idl_type *type)
{
    return type->kind < IDL_ANY || type->kind == IDL_ENUM;
}

/* A parameter in the path is always required: without it the path would be a
 * different one. */
static void push_parameter(gen_openapi *o, gen_value *list,
                           const idl_field *field, bool in_path)
{
    gen_value *parameter = gen_push(list, gen_object(o->tree));
    set_text(o, parameter, "name", field->name);
    set_text(o, parameter, "in", in_path ? "path" : "query");
    gen_openapi_docs(o, parameter, &field->meta.docs);
    gen_set(parameter, "required",
            gen_bool(o->tree, in_path || gen_openapi_is_required(field)));
    if (is_scalar(field->type)) {
        gen_openapi_field(o, set_object(o, parameter, "schema"), field);
    } else {
        gen_openapi_field(o, set_content(o, parameter, "application/json"),
                          field);
    }
}

/* Adds the parameters in the path and, with `in_query`, all others. `rest` is
 * NULL for /rpc, whose path has none. */
static void set_parameters(gen_openapi *o, gen_value *operation,
                           const idl_method *method, const idl_rest *rest,
                           bool in_query)
{
    gen_value *list = gen_array(o->tree);
    for (size_t i = 0; i < method->param_count; i++) {
        const idl_field *field = &method->params[i];
        bool in_path = rest != NULL && is_in_path(rest, field->name);
        if (in_path || in_query) {
            push_parameter(o, list, field, in_path);
        }
    }
    if (list->len > 0) {
        gen_set(operation, "parameters", list);
    }
}

/* Sets the body to the items of a stream; the parameters are in the path or
 * query. */
static void set_upload(gen_openapi *o, gen_value *operation,
                       const idl_method *method)
{
    gen_value *body = set_object(o, operation, "requestBody");
    set_text(o, body, "description", "The items, a line each.");
    set_items(o, body, method, method->stream_param->type, false);
    gen_set(body, "required", gen_bool(o->tree, true));
}

/* Sets the body to an object with the parameters that are not in the path. */
static void set_body(gen_openapi *o, gen_value *operation,
                     const idl_method *method, const idl_rest *rest)
{
    gen_value *body = set_object(o, operation, "requestBody");
    gen_value *schema = set_content(o, body, "application/json");
    gen_value *required = gen_array(o->tree);
    set_text(o, schema, "type", "object");
    gen_value *properties = set_object(o, schema, "properties");
    for (size_t i = 0; i < method->param_count; i++) {
        const idl_field *field = &method->params[i];
        if (rest != NULL && is_in_path(rest, field->name)) {
            continue;
        }
        gen_openapi_field(o, set_object(o, properties, field->name), field);
        if (gen_openapi_is_required(field)) {
            gen_push(required, gen_string(o->tree, field->name));
        }
    }
    if (required->len > 0) {
        gen_set(schema, "required", required);
    }
    if (rest == NULL && method->encoding == IDL_ENCODING_RAW) {
        set_object(o, gen_openapi_member(body, "content"),
                   "application/octet-stream");
    }
    gen_set(body, "required", gen_bool(o->tree, true));
}

/* ---- operations ---- */

/* Several verbs may share a path. The id must be unique in the document, hence
 * the suffix for the second and third way to call a method. */
static gen_value *new_operation(gen_openapi *o, const char *path,
                                const char *verb, const char *name,
                                const idl_method *method, const char *suffix)
{
    gen_value *item = gen_openapi_member(o->paths, path);
    if (item == NULL) {
        item = set_object(o, o->paths, path);
    }
    gen_value *operation = set_object(o, item, verb);
    gen_set(operation, "operationId",
            gen_format(o->tree, "%s.%s%s", name, method->name, suffix));
    gen_value *tags = gen_set(operation, "tags", gen_array(o->tree));
    gen_push(tags, gen_string(o->tree, name));
    if (method->meta.docs.count > 0) {
        set_text(o, operation, "summary", method->meta.docs.lines[0]);
    }
    if (method->meta.docs.count > 1) {
        gen_openapi_docs(o, operation, &method->meta.docs);
    }
    if (method->meta.deprecated) {
        gen_set(operation, "deprecated", gen_bool(o->tree, true));
    }
    return operation;
}

/* OpenAPI writes verbs in lower case; these are all verbs of the language. */
static const char *lower(gen_openapi *o, const char *verb)
{
    static const char *const verbs[][2] = {{"GET", "get"},
                                           {"POST", "post"},
                                           {"PUT", "put"},
                                           {"PATCH", "patch"},
                                           {"DELETE", "delete"}};
    (void)o;
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(verbs[i][0], verb) == 0) {
            return verbs[i][1];
        }
    }
    return "post";
}

/* A GET has no body, so parameters that are not in the path are in the
 * query. */
static void add_rest(gen_openapi *o, const idl_method *method, const char *name)
{
    const idl_rest *rest = &method->rest;
    bool is_get = strcmp(rest->verb, "GET") == 0;
    const char *path = gen_print(o->tree, "/rest/%s%s", name, rest->path);
    gen_value *operation =
        new_operation(o, path, lower(o, rest->verb), name, method, ".rest");
    bool uploads = method->stream_param != NULL;
    set_parameters(o, operation, method, rest, is_get || uploads);
    if (!is_get && uploads) {
        set_upload(o, operation, method);
    } else if (!is_get) {
        set_body(o, operation, method, rest);
    }
    set_responses(o, operation, method);
}

/* A method that is a GET by @rest has no effects, so it may also be called by
 * GET at /rpc. */
static void add_method(gen_openapi *o, const idl_method *method,
                       const char *name)
{
    const char *path = gen_print(o->tree, "/rpc/%s/%s", name, method->name);
    gen_value *operation = new_operation(o, path, "post", name, method, "");
    if (method->stream_param != NULL) {
        set_parameters(o, operation, method, NULL, true);
        set_upload(o, operation, method);
    } else {
        set_body(o, operation, method, NULL);
    }
    set_responses(o, operation, method);
    if (method->rest.verb != NULL && strcmp(method->rest.verb, "GET") == 0) {
        operation = new_operation(o, path, "get", name, method, ".get");
        set_parameters(o, operation, method, NULL, true);
        set_responses(o, operation, method);
    }
    if (method->rest.verb != NULL) {
        add_rest(o, method, name);
    }
}

/* Lists methods that can't be called over HTTP, so that nobody searches for
 * them. */
static void add_stream(gen_openapi *o, gen_value *tag, gen_value **list,
                       const idl_method *method)
{
    if (*list == NULL) {
        *list = gen_set(tag, "x-shmrpc-streams", gen_array(o->tree));
    }
    gen_value *row = gen_push(*list, gen_object(o->tree));
    set_text(o, row, "method", method->name);
    set_text(o, row, "signature", method->signature);
}

void gen_openapi_add(gen_openapi *o, const idl_service *service,
                     const char *name, const char *prefix)
{
    gen_value *streams = NULL;
    o->prefix = gen_print(o->tree, "%s", prefix);
    gen_value *tag = gen_push(o->tags, gen_object(o->tree));
    set_text(o, tag, "name", name);
    gen_openapi_docs(o, tag, &service->decl.meta.docs);
    for (size_t i = 0; i < service->method_count; i++) {
        const idl_method *method = &service->methods[i];
        if (method->stream_param == NULL || !method->result_is_stream) {
            add_method(o, method, name);
        } else {
            add_stream(o, tag, &streams, method);
        }
    }
}
