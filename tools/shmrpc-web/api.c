/* Handles all addresses except calls: a table of public ones, a table of those
 * that need a token, and the replies of each. */
#include "tools/shmrpc-web/api.h"

#include <string.h>

#include "base/json_text.h"
#include "codec/codec.h"
#include "shmrpc/version.h"
#include "tools/shmrpc-web/metrics.h"
#include "tools/shmrpc-web/object_metrics.h"
#include "tools/shmrpc-web/openapi.h"
#include "tools/shmrpc-web/page.h"
#include "tools/shmrpc-web/show.h"

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

/* Only says that the loop runs: restarting this program because a service fails
 * would not help. */
static void reply_health(web_api *api, web_request *request)
{
    (void)api;
    reply_text(request, 200, "ok\n");
}

/* Reports ready after the first search for services. */
static void reply_ready(web_api *api, web_request *request)
{
    bool is_ready = web_directory_looks(api->directory) > 0;
    reply_text(request, is_ready ? 200 : 503, is_ready ? "ok\n" : "starting\n");
}

/* ---- sessions ---- */

/* Tells the page the session's permissions. `csrf` is the session's second
 * secret, which is sent only in the reply to a login; else NULL. */
static void reply_session(web_request *request, const web_api *api,
                          const web_token *token, const char *csrf,
                          const char *cookie)
{
    unsigned changing = WEB_MAY_CALL | WEB_MAY_CHANGE;
    bool read_only = api->read_only || (token->may & changing) == 0;
    char may[32];
    shmrpci_buf roles;
    shmrpci_buf body;
    shmrpci_buf_init_fixed(&roles, may, sizeof may);
    web_may_append(token->may, &roles);
    shmrpci_buf_init_heap(&body);
    shmrpci_buf_append_char(&body, '{');
    shmrpci_json_set_text(&body, "csrf", csrf);
    shmrpci_json_set_text(&body, "may", shmrpci_buf_text(&roles));
    shmrpci_json_set_bool(&body, "read_only", read_only);
    shmrpci_json_set_text(&body, "version", SHMRPC_VERSION);
    shmrpci_buf_append_text(&body, "}\n");
    reply_json(request, 200, cookie, &body);
    shmrpci_buf_fini(&body);
}

/* Tells a user who has not logged in yet the path of the token's file. The path
 * is no secret on this machine, where other users can see the command line
 * too. */
static void reply_token_file(web_api *api, web_request *request)
{
    shmrpci_buf body;
    if (api->token_path == NULL) {
        refuse(request, SHMRPC_E_NOT_FOUND,
               "the path of the token is shown on this machine only");
        return;
    }
    shmrpci_buf_init_heap(&body);
    shmrpci_buf_append_char(&body, '{');
    shmrpci_json_set_text(&body, "path", api->token_path);
    shmrpci_buf_append_text(&body, "}\n");
    reply_json(request, 200, NULL, &body);
    shmrpci_buf_fini(&body);
}

/* Reads the member `token` of the body, which may have no other member. */
static const web_token *read_token(web_request *request,
                                   const web_tokens *tokens)
{
    shmrpc_any body;
    if (shmrpci_codec_of(SHMRPC_ENCODING_JSON)
                ->decode(&shmrpc_type_any, request->body.data,
                         request->body.len, "", &request->arena, &body,
                         NULL) != SHMRPC_OK ||
        body.kind != SHMRPC_ANY_MAP || body.u.map.len != 1) {
        return NULL;
    }
    const shmrpc_any_entry *entry = &body.u.map.ptr[0];
    return entry->key.kind == SHMRPC_ANY_STR &&
                   entry->value.kind == SHMRPC_ANY_STR &&
                   strcmp(entry->key.u.str.ptr, "token") == 0
               ? web_tokens_find(tokens, entry->value.u.str.ptr,
                                 entry->value.u.str.len)
               : NULL;
}

/* Limits guesses by address rather than by token, because each guess is a
 * different token. 256 bits can't be guessed anyway; the limit keeps the log
 * readable. */
unsigned web_api_wrong(web_api *api, const web_request *request)
{
    char address[WEB_PEER_BYTES];
    web_peer_text(request, address);
    return web_rate_take(&api->logins, web_rate_of(address), request->since_ns);
}

static bool is_json(const web_request *request)
{
    const web_field *type = web_head_find(&request->head, "Content-Type");
    return type != NULL && web_field_is(type, "application/json");
}

/* Exchanges a token for a cookie. A login from another site is refused even
 * with a valid token (login CSRF), because the user would act in the attacker's
 * session. A body not declared as JSON is refused, too: a form could send
 * it. */
static void log_in(web_api *api, web_request *request)
{
    char cookie[WEB_COOKIE_BYTES];
    if (!is_json(request) ||
        !web_auth_is_same_origin(api->auth, &request->head)) {
        refuse(request, SHMRPC_E_DENIED,
               "a login must be JSON, sent by this server's own page");
        return;
    }
    const web_token *token = read_token(request, &api->auth->tokens);
    unsigned wait_s = token != NULL ? 0 : web_api_wrong(api, request);
    if (wait_s > 0) {
        web_reply_later(request, wait_s);
        return;
    }
    request->change = WEB_CHANGE_LOGIN;
    if (token == NULL) {
        refuse(request, SHMRPC_E_UNAUTHENTICATED, "this is not the token");
        return;
    }
    request->actor_name = token->name;
    const web_session *session = web_auth_open(api->auth, token);
    if (session == NULL) {
        refuse(request, SHMRPC_E_INTERNAL, "no random numbers");
        return;
    }
    web_auth_cookie(api->auth, session, cookie);
    reply_session(request, api, token, session->csrf.text, cookie);
}

/* Tells a reloaded page whether its session is still valid. A page of another
 * origin, or a client that only has the cookie, can't find that out. */
static void show_session(web_request *request, const web_api *api,
                         const web_who *who)
{
    if (!web_auth_is_same_origin(api->auth, &request->head)) {
        refuse(request, SHMRPC_E_DENIED, "the request comes from another site");
    } else if (who->session != NULL &&
               !web_auth_has_csrf(&request->head, who->session)) {
        refuse(request, SHMRPC_E_UNAUTHENTICATED,
               "X-CSRF-Token is missing or not this session's: log in again");
    } else {
        reply_session(request, api, who->token, NULL, NULL);
    }
}

/* The reply removes the cookie whether or not there was a session. */
static void log_out(web_api *api, web_request *request, const web_who *who)
{
    char cookie[WEB_COOKIE_BYTES];
    request->change = WEB_CHANGE_LOGIN;
    if (who->session != NULL) {
        web_auth_close(who->session);
    }
    web_auth_cookie(api->auth, NULL, cookie);
    const web_reply_head head = {.status = 204, .cookie = cookie};
    web_reply(request, &head, "", 0);
}

/* ---- services ---- */

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
    web_show_services(api->board, &body);
    shmrpci_buf_append_char(&body, '\n');
    reply_json(request, 200, NULL, &body);
    shmrpci_buf_fini(&body);
}

static bool read_span(const char *query, web_span *out)
{
    static const struct {
        const char *query;
        web_span span;
    } spans[] = {{"", WEB_SPAN_25_MIN},
                 {"span=25m", WEB_SPAN_25_MIN},
                 {"span=24h", WEB_SPAN_DAY},
                 {"span=30d", WEB_SPAN_30_DAYS}};
    for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++) {
        if (strcmp(query, spans[i].query) == 0) {
            *out = spans[i].span;
            return true;
        }
    }
    return false;
}

/* Handles /api/v1/services/NAME and NAME/history. Returns false if the address
 * is neither. */
static bool take_service(web_api *api, web_request *request)
{
    static const char prefix[] = "/api/v1/services/";
    static const char suffix[] = "/history";
    if (strncmp(request->path, prefix, sizeof prefix - 1) != 0) {
        return false;
    }
    char *name = request->path + sizeof prefix - 1;
    size_t len = strcspn(name, "/");
    bool is_past = strcmp(name + len, suffix) == 0;
    web_span span = WEB_SPAN_25_MIN;
    if (name[len] != '\0' && !is_past) {
        return false;
    }
    name[len] = '\0';
    if (is_past && !read_span(request->query, &span)) {
        refuse(request, SHMRPC_E_INVALID, "span is 25m, 24h or 30d");
        return true;
    }
    shmrpci_buf body;
    shmrpci_buf_init_heap(&body);
    if (is_past ? web_board_append_past(api->board, name, span, &body)
                : web_show_service(api->board, name, &body)) {
        shmrpci_buf_append_char(&body, '\n');
        reply_json(request, 200, NULL, &body);
    } else {
        refuse(request, SHMRPC_E_NOT_FOUND, "there is no such service");
    }
    shmrpci_buf_fini(&body);
    return true;
}

static void reply_events(web_api *api, web_request *request)
{
    web_events_take(api->events, request);
}

static void reply_metrics(web_api *api, web_request *request)
{
    const web_reply_head head = {.status = 200, .type = WEB_METRICS_TYPE};
    web_http_stats http;
    web_rpc_stats rpc;
    shmrpci_buf body;
    web_http_read_stats(api->http, &http);
    web_rpc_read_stats(api->rpc, &rpc);
    shmrpci_buf_init_heap(&body);
    web_metrics_append(api->board, &http, &rpc, &body);
    web_object_metrics_append(api->objects, &body);
    web_reply(request, &head, body.data, body.len);
    shmrpci_buf_fini(&body);
}

static void reply_objects(web_api *api, web_request *request)
{
    shmrpci_buf body;
    shmrpci_buf_init_heap(&body);
    web_objects_show(api->objects, &body);
    shmrpci_buf_append_char(&body, '\n');
    reply_json(request, 200, NULL, &body);
    shmrpci_buf_fini(&body);
}

static void reply_machines(web_api *api, web_request *request)
{
    shmrpci_buf body;
    shmrpci_buf_init_heap(&body);
    web_machines_show(api->machines, &body);
    shmrpci_buf_append_char(&body, '\n');
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
    {"GET", "/api/v1/token-file", reply_token_file},
    {"POST", "/api/v1/login", log_in},
};

static const route routes[] = {
    {"GET", "/api/v1/services", reply_services},
    {"GET", "/api/v1/events", reply_events},
    {"GET", "/api/v1/objects", reply_objects},
    {"GET", "/api/v1/machines", reply_machines},
    {"GET", "/metrics", reply_metrics},
    {"GET", "/openapi.json", reply_openapi},
};

/* HEAD is handled like GET; the library leaves the body out. */
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
            web_reply_invalid(request, 405, table[i].verb,
                              "this address does not take that verb");
        }
        return true;
    }
    return false;
}

bool web_api_is_open(const web_request *request)
{
    for (size_t i = 0; i < sizeof open_routes / sizeof open_routes[0]; i++) {
        if (strcmp(request->path, open_routes[i].path) == 0) {
            return true;
        }
    }
    return web_page_has(request);
}

bool web_api_take_open(web_api *api, web_request *request)
{
    return web_page_take(request) ||
           take(api, request, open_routes,
                sizeof open_routes / sizeof open_routes[0]);
}

void web_api_take(web_api *api, web_request *request, const web_who *who)
{
    bool is_post = strcmp(request->head.verb, "POST") == 0;
    if (strcmp(request->path, "/api/v1/session") == 0 && !is_post) {
        show_session(request, api, who);
    } else if (strcmp(request->path, "/api/v1/logout") == 0 && is_post) {
        log_out(api, request, who);
    } else if ((request->may & WEB_MAY_SEE) == 0) {
        refuse(request, SHMRPC_E_DENIED, "this token may not see that");
    } else if (!take(api, request, routes, sizeof routes / sizeof routes[0]) &&
               (is_post || !take_service(api, request))) {
        refuse(request, SHMRPC_E_NOT_FOUND, "there is nothing here");
    }
}
