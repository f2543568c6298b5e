/* All addresses but calls. */
#include "tools/shmrpc-web/api.h"

#include <string.h>

#include "codec/codec.h"
#include "shmrpc/version.h"
#include "tools/shmrpc-web/json.h"
#include "tools/shmrpc-web/openapi.h"

static void reply_json(web_request *request, unsigned status,
                       const char *cookie, const shmrpci_buf *body)
{
    const web_reply_head head = {
        .status = status, .type = "application/json", .cookie = cookie};
    web_reply(request, &head, body->data, body->len);
}

static void reply_text(web_request *request, unsigned status, const char *text)
{
    const web_reply_head head = {.status = status,
                                 .type = "text/plain; charset=utf-8"};
    web_reply(request, &head, text, strlen(text));
}

static void refuse(web_request *request, int status, const char *why)
{
    shmrpc_error error;
    (void)shmrpc_error_set(&error, status, "%s", why);
    web_reply_error(request, &error);
}

/* ---- health ---- */

static void reply_health(web_api *api, web_request *request)
{
    (void)api;
    reply_text(request, 200, "ok\n");
}

/* Ready once it has looked for services. */
static void reply_ready(web_api *api, web_request *request)
{
    bool is_ready = web_directory_looks(api->directory) > 0;
    reply_text(request, is_ready ? 200 : 503, is_ready ? "ok\n" : "starting\n");
}

/* ---- sessions ---- */

static void reply_session(web_request *request, const web_api *api,
                          const web_session *session, const char *cookie)
{
    shmrpci_buf body;
    shmrpci_buf_init_heap(&body);
    shmrpci_buf_append_char(&body, '{');
    web_json_set_text(&body, "csrf",
                      session != NULL ? session->csrf.text : NULL);
    web_json_set_bool(&body, "read_only", api->read_only);
    web_json_set_text(&body, "version", SHMRPC_VERSION);
    shmrpci_buf_append_text(&body, "}\n");
    reply_json(request, 200, cookie, &body);
    shmrpci_buf_fini(&body);
}

/* The member `token` of the body. */
static bool read_token(web_request *request, const web_secret *expected)
{
    shmrpc_any body;
    if (shmrpci_codec_of(SHMRPC_ENCODING_JSON)
                ->decode(&shmrpc_type_any, request->body.data,
                         request->body.len, "", &request->arena, &body,
                         NULL) != SHMRPC_OK ||
        body.kind != SHMRPC_ANY_MAP) {
        return false;
    }
    for (size_t i = 0; i < body.u.map.len; i++) {
        const shmrpc_any_entry *entry = &body.u.map.ptr[i];
        if (entry->key.kind == SHMRPC_ANY_STR &&
            entry->value.kind == SHMRPC_ANY_STR &&
            strcmp(entry->key.u.str.ptr, "token") == 0) {
            return web_secret_is(expected, entry->value.u.str.ptr,
                                 entry->value.u.str.len);
        }
    }
    return false;
}

static bool is_json(const web_request *request)
{
    const web_field *type = web_head_find(&request->head, "Content-Type");
    return type != NULL && web_field_is(type, "application/json");
}

/* Changes the token for a cookie. */
static void log_in(web_api *api, web_request *request)
{
    char cookie[WEB_COOKIE_BYTES];
    if (!is_json(request) ||
        !web_auth_is_same_origin(api->auth, &request->head)) {
        refuse(request, SHMRPC_E_DENIED,
               "a login is JSON, and comes from this server's own page");
        return;
    }
    if (!read_token(request, &api->auth->token)) {
        refuse(request, SHMRPC_E_UNAUTHENTICATED, "this is not the token");
        return;
    }
    const web_session *session = web_auth_open(api->auth);
    if (session == NULL) {
        refuse(request, SHMRPC_E_INTERNAL, "no random numbers");
        return;
    }
    web_auth_cookie(api->auth, session, cookie);
    reply_session(request, api, session, cookie);
}

static void log_out(web_api *api, web_request *request, const web_who *who)
{
    char cookie[WEB_COOKIE_BYTES];
    if (who->session != NULL) {
        web_auth_close(who->session);
    }
    web_auth_cookie(api->auth, NULL, cookie);
    const web_reply_head head = {.status = 204, .cookie = cookie};
    web_reply(request, &head, "", 0);
}

/* ---- services ---- */

static void append_place(const web_place *place, shmrpci_buf *out)
{
    web_json_next(out);
    shmrpci_buf_append_char(out, '{');
    web_json_set_text(out, "name", place->name);
    web_json_set_text(out, "address", place->address);
    web_json_set_uint(out, "port", place->port);
    web_json_set_bool(out, "alive", place->is_alive);
    if (!place->is_alive) {
        web_json_set_text(out, "error", place->error.message);
    }
    if (place->service != NULL) {
        const shmrpc_service *tables = place->service->tables;
        web_json_set_text(out, "id", tables->id);
        web_json_set_uint(out, "version", tables->version);
        web_json_set_text(out, "doc", tables->doc);
        web_json_set_uint(out, "methods", tables->method_count);
    }
    shmrpci_buf_append_char(out, '}');
}

static void release_places(web_api *api, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (api->places[i].service != NULL) {
            web_service_release(api->directory, api->places[i].service);
        }
    }
}

static void reply_services(web_api *api, web_request *request)
{
    shmrpci_buf body;
    shmrpci_buf_init_heap(&body);
    size_t count =
        web_directory_list(api->directory, true, api->places, WEB_MAX_SERVICES);
    shmrpci_buf_append_char(&body, '[');
    for (size_t i = 0; i < count; i++) {
        append_place(&api->places[i], &body);
    }
    shmrpci_buf_append_text(&body, "]\n");
    release_places(api, count);
    reply_json(request, 200, NULL, &body);
    shmrpci_buf_fini(&body);
}

static void reply_openapi(web_api *api, web_request *request)
{
    shmrpci_buf body;
    shmrpci_buf_init_heap(&body);
    size_t count =
        web_directory_list(api->directory, true, api->places, WEB_MAX_SERVICES);
    if (web_openapi_append(api->places, count, &body) == SHMRPC_OK) {
        reply_json(request, 200, NULL, &body);
    } else {
        refuse(request, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    release_places(api, count);
    shmrpci_buf_fini(&body);
}

/* ---- the table ---- */

typedef struct route {
    const char *verb;
    const char *path;
    void (*take)(web_api *api, web_request *request);
} route;

static const route open_routes[] = {
    {"GET", "/healthz", reply_health},
    {"GET", "/readyz", reply_ready},
    {"POST", "/api/v1/login", log_in},
};

static const route routes[] = {
    {"GET", "/api/v1/services", reply_services},
    {"GET", "/openapi.json", reply_openapi},
};

static bool take(web_api *api, web_request *request, const route *table,
                 size_t count)
{
    const char *verb = request->head.verb;
    verb = strcmp(verb, "HEAD") == 0 ? "GET" : verb;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(request->path, table[i].path) != 0) {
            continue;
        }
        if (strcmp(verb, table[i].verb) == 0) {
            table[i].take(api, request);
        } else {
            const web_reply_head head = {.status = 405, .allow = table[i].verb};
            web_reply(request, &head, "", 0);
        }
        return true;
    }
    return false;
}

bool web_api_take_open(web_api *api, web_request *request)
{
    return take(api, request, open_routes,
                sizeof open_routes / sizeof open_routes[0]);
}

void web_api_take(web_api *api, web_request *request, const web_who *who)
{
    bool is_post = strcmp(request->head.verb, "POST") == 0;
    if (strcmp(request->path, "/api/v1/session") == 0 && !is_post) {
        reply_session(request, api, who->session, NULL);
    } else if (strcmp(request->path, "/api/v1/logout") == 0 && is_post) {
        log_out(api, request, who);
    } else if (!take(api, request, routes, sizeof routes / sizeof routes[0])) {
        refuse(request, SHMRPC_E_NOT_FOUND, "there is nothing here");
    }
}
