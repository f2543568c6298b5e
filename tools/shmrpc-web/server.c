/*
 * The event loop, and the table of handlers by address.
 *
 * One thread runs all of this. The directory, the heartbeat, the board, the
 * objects and the machines have threads of their own; the directory and the
 * board wake this one through events. A tag in the poll set tells whose
 * descriptor is ready.
 */
#include "tools/shmrpc-web/server.h"

#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "os/memory.h"
#include "os/poll.h"
#include "tools/shmrpc-web/api.h"
#include "tools/shmrpc-web/audit.h"
#include "tools/shmrpc-web/auth.h"
#include "tools/shmrpc-web/directory.h"
#include "tools/shmrpc-web/heartbeat.h"
#include "tools/shmrpc-web/http.h"
#include "tools/shmrpc-web/machines.h"
#include "tools/shmrpc-web/rpc.h"
#include "tools/shmrpc-web/upload.h"

enum {
    TAG_HTTP = 1,
    TAG_CHANGED = 2,
    TAG_STOP = 3,
    TAG_TICK = 4,
    TAG_CLIENTS = 16
};

struct web_server {
    web_server_opts opts;
    web_auth auth;
    web_api api;
    web_http *http;
    web_directory *directory;
    web_board *board;
    web_heartbeat *heartbeat;
    web_objects *objects;
    web_machines *machines; /* NULL: there is no cluster */
    web_events events;
    web_rpc *rpc;
    int set;
    int changed_fd;
    int ticked_fd;
    int stop_fd;
    bool is_stopping;
    bool http_is_ready;
};

/* ---- routing ---- */

static bool begins_with(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static void refuse(web_request *request, const web_refusal *refusal, int status)
{
    shmrpc_error error;
    (void)shmrpc_error_set(&error, status, "%s", refusal->why);
    (void)refusal->status;
    web_reply_error(request, &error);
}

/*
 * Whether the request is permitted; if not, it is answered. This is checked
 * with the head, and again when the body has arrived, because the session may
 * have ended in between.
 *
 * A wrong token counts towards the limit for guesses, a missing one doesn't.
 */
static bool let_in(web_server *server, web_request *request, web_who *who)
{
    web_refusal refusal = {
        .why =
            "a token is needed: Authorization: Bearer, or log in on the "
            "page"};
    *who = web_auth_who(&server->auth, &request->head);
    if (who->token == NULL) {
        unsigned wait_s =
            who->is_wrong ? web_api_wrong(&server->api, request) : 0;
        if (wait_s > 0) {
            web_reply_later(request, wait_s);
        } else {
            refuse(request, &refusal, SHMRPC_E_UNAUTHENTICATED);
        }
        return false;
    }
    request->actor = who->session != NULL
                         ? (unsigned)(who->session - server->auth.sessions) + 1
                         : (unsigned)(who->token - server->auth.tokens.items) +
                               WEB_ACTOR_TOKEN;
    request->actor_name = who->token->name;
    request->may = who->token->may;
    if (!web_rpc_is_safe(request) &&
        !web_auth_may_change(&server->auth, &request->head, who, &refusal)) {
        refuse(request, &refusal, SHMRPC_E_DENIED);
        return false;
    }
    return true;
}

/* Refuses strangers before they send a body. */
static bool admit(web_request *request, void *user)
{
    web_who who;
    return !web_api_is_open(request) && let_in(user, request, &who);
}

static bool is_call(const web_request *request)
{
    return begins_with(request->path, "/rpc/") ||
           begins_with(request->path, "/rest/");
}

static bool uploads(web_request *request, void *user)
{
    web_server *server = user;
    return is_call(request) && web_rpc_uploads(server->rpc, request);
}

static size_t take(web_request *request, const char *data, size_t len,
                   void *user)
{
    web_server *server = user;
    return web_upload_take(server->rpc, request, data, len,
                           server->opts.max_body_bytes);
}

static void on_ended(web_request *request, void *user)
{
    web_server *server = user;
    web_rpc_ended(server->rpc, request);
}

/* Checks open addresses first, because the page and the login must work for
 * strangers. */
static void handle(web_request *request, void *user)
{
    web_server *server = user;
    web_who who;
    if (web_api_take_open(&server->api, request)) {
        return;
    }
    if (!let_in(server, request, &who)) {
        return;
    }
    if (is_call(request)) {
        web_rpc_take(server->rpc, request);
    } else {
        web_api_take(&server->api, request, &who);
    }
}

static void on_answered(const web_request *request, unsigned status, void *user)
{
    (void)user;
    web_audit(request, status);
}

static void on_hang_up(web_request *request, void *user)
{
    web_server *server = user;
    web_rpc_hung_up(server->rpc, request);
}

/* ---- the loop ---- */

static void dispatch(web_server *server, uint64_t tag)
{
    switch (tag) {
    case TAG_HTTP:
        server->http_is_ready = true;
        break;
    case TAG_CHANGED:
        shmrpci_event_clear(server->changed_fd);
        web_rpc_changed(server->rpc);
        break;
    case TAG_TICK:
        shmrpci_event_clear(server->ticked_fd);
        web_events_tick(&server->events);
        break;
    case TAG_STOP:
        server->is_stopping = true;
        break;
    default:
        web_rpc_dispatch(server->rpc, tag);
    }
}

/* In each turn the services' clients are handled before HTTP, so that replies
 * of calls that have just ended are sent in the same turn. */
void web_server_run(web_server *server)
{
    uint64_t tags[64];
    while (!server->is_stopping) {
        int64_t deadline_ns = web_http_deadline_ns(server->http);
        server->http_is_ready = false;
        size_t count = shmrpci_poll_wait(server->set, tags, 64, deadline_ns);
        for (size_t i = 0; i < count; i++) {
            dispatch(server, tags[i]);
        }
        web_rpc_tick(server->rpc);
        web_http_run(server->http, server->http_is_ready);
    }
}

void web_server_stop(web_server *server)
{
    shmrpci_event_set(server->stop_fd);
}

uint16_t web_server_port(const web_server *server)
{
    return web_http_port(server->http);
}

/* ---- opening and closing ------------------------------------------------- */

/* Opens the HTTP port first, so that no thread was started in vain if the port
 * is in use. No request is read before the loop runs. */
static int open_parts(web_server *s, shmrpc_error *error)
{
    if (shmrpci_poll_create(&s->set) != SHMRPC_OK ||
        shmrpci_event_create(&s->changed_fd) != SHMRPC_OK ||
        shmrpci_event_create(&s->ticked_fd) != SHMRPC_OK ||
        shmrpci_event_create(&s->stop_fd) != SHMRPC_OK) {
        return shmrpc_error_set(error, SHMRPC_E_EXHAUSTED,
                                "no descriptor left");
    }
    const web_http_opts opts = {.address = s->opts.address,
                                .port = s->opts.port,
                                .certificate = s->opts.certificate,
                                .key = s->opts.key,
                                .max_body_bytes = s->opts.max_body_bytes,
                                .times = s->opts.times,
                                .hosts = s->opts.hosts,
                                .admit = admit,
                                .uploads = uploads,
                                .take = take,
                                .handle = handle,
                                .answered = on_answered,
                                .hung_up = on_hang_up,
                                .ended = on_ended,
                                .user = s};
    int status = web_http_open(&opts, &s->http, error);
    if (status == SHMRPC_OK) {
        status = web_directory_open(s->changed_fd, &s->directory, error);
    }
    if (status == SHMRPC_OK) {
        status = web_board_open(s->directory, s->ticked_fd, &s->board, error);
    }
    if (status == SHMRPC_OK) {
        status = web_heartbeat_open(s->directory, &s->heartbeat, error);
    }
    if (status == SHMRPC_OK) {
        status = web_objects_open(&s->objects, error);
    }
    if (status == SHMRPC_OK && s->opts.nats != NULL) {
        status = web_machines_open(s->opts.nats, &s->machines, error);
    }
    if (status == SHMRPC_OK) {
        web_events_open(&s->events, s->board);
        status =
            web_rpc_open(s->directory, s->set, TAG_CLIENTS, s->opts.read_only,
                         &s->opts.times, &s->rpc, error);
    }
    return status;
}

static int watch(web_server *s, shmrpc_error *error)
{
    bool good = shmrpci_poll_add(s->set, web_http_fd(s->http),
                                 SHMRPCI_POLL_LEVEL, TAG_HTTP) == SHMRPC_OK &&
                shmrpci_poll_add(s->set, s->changed_fd, SHMRPCI_POLL_LEVEL,
                                 TAG_CHANGED) == SHMRPC_OK &&
                shmrpci_poll_add(s->set, s->ticked_fd, SHMRPCI_POLL_LEVEL,
                                 TAG_TICK) == SHMRPC_OK &&
                shmrpci_poll_add(s->set, s->stop_fd, SHMRPCI_POLL_LEVEL,
                                 TAG_STOP) == SHMRPC_OK;
    return good ? SHMRPC_OK
                : shmrpc_error_set(error, SHMRPC_E_EXHAUSTED,
                                   "no descriptor left");
}

int web_server_open(const web_server_opts *opts, web_server **out,
                    shmrpc_error *error)
{
    web_server *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    s->opts = *opts;
    s->set = s->changed_fd = s->ticked_fd = s->stop_fd = -1;
    int status = open_parts(s, error);
    if (status == SHMRPC_OK) {
        status = watch(s, error);
    }
    if (status != SHMRPC_OK) {
        web_server_close(s);
        return status;
    }
    s->auth = (web_auth){.tokens = opts->tokens,
                         .port = web_http_port(s->http),
                         .is_secure = opts->certificate != NULL};
    s->api =
        (web_api){.auth = &s->auth,
                  .directory = s->directory,
                  .board = s->board,
                  .objects = s->objects,
                  .machines = s->machines,
                  .events = &s->events,
                  .http = s->http,
                  .rpc = s->rpc,
                  .read_only = opts->read_only,
                  .token_path = opts->token_path,
                  .logins = {.most = 20, .every_ns = 3 * SHMRPCI_NS_PER_S}};
    *out = s;
    return SHMRPC_OK;
}

void web_server_close(web_server *s)
{
    if (s == NULL) {
        return;
    }
    /* Answer waiting requests and end calls before their resources are
     * freed. */
    web_http_close(s->http);
    web_rpc_close(s->rpc);
    web_events_close(&s->events);
    web_machines_close(s->machines);
    if (s->objects != NULL) {
        web_objects_close(s->objects);
    }
    web_heartbeat_close(s->heartbeat);
    if (s->board != NULL) {
        web_board_close(s->board);
    }
    if (s->directory != NULL) {
        web_directory_close(s->directory);
    }
    shmrpci_fd_close(&s->set);
    shmrpci_fd_close(&s->changed_fd);
    shmrpci_fd_close(&s->ticked_fd);
    shmrpci_fd_close(&s->stop_fd);
    free(s);
}
